#include "enrol/params.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include "enrol/cprom_tlv.h"

#define GENERATES (ENROL_SERVER_GENERATES | ENROL_PEER_GENERATES)

enum status params_merge(const struct enrol_params *wanted, const struct enrol_params *demanded,
			 struct enrol_params *ret_params)
{
	struct enrol_params both = *demanded;

	if (wanted->algorithm && demanded->algorithm && wanted->algorithm != demanded->algorithm)
		return UNSUPPORTED;
	if (wanted->oid.len > 0 && demanded->oid.len > 0 && !slice_eq(wanted->oid, demanded->oid))
		return UNSUPPORTED;
	if (!both.algorithm)
		both.algorithm = wanted->algorithm;
	if (both.oid.len == 0)
		both.oid = wanted->oid;
	if (wanted->least > both.least)
		both.least = wanted->least;
	if (wanted->most && (!both.most || wanted->most < both.most))
		both.most = wanted->most;
	if (both.most && both.least > both.most)
		return UNSUPPORTED;
	both.flags |= wanted->flags & (uint8_t)~GENERATES;
	*ret_params = both;
	return OK;
}

static uint8_t algorithm_of(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return CPROM_RSA;
	if (EVP_PKEY_is_a(key, "EC"))
		return CPROM_ECDSA;
	return EVP_PKEY_is_a(key, "ED25519") ? CPROM_EDDSA : CPROM_ALGORITHM_NONE;
}

/* The OBJECT IDENTIFIER of a curve; NULL for RSA. */
static const ASN1_OBJECT *object_of(const EVP_PKEY *key)
{
	char curve[64] = "";
	int nid;

	if (EVP_PKEY_is_a(key, "ED25519"))
		return OBJ_nid2obj(NID_ED25519);
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) != 1)
		return NULL;
	nid = OBJ_sn2nid(curve);
	return OBJ_nid2obj(nid == NID_undef ? EC_curve_nist2nid(curve) : nid);
}

static bool same_object(const ASN1_OBJECT *object, struct slice der)
{
	return object && der.len > 2 &&
	       slice_eq(slice_of(OBJ_get0_data(object), OBJ_length(object)),
			slice_of(der.p + 2, der.len - 2));
}

bool params_met_by_key(const struct enrol_params *params, const EVP_PKEY *key)
{
	size_t octets = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;

	return (!params->algorithm || params->algorithm == algorithm_of(key)) &&
	       (params->oid.len == 0 || same_object(object_of(key), params->oid)) &&
	       params_met_by_secret(params, octets);
}

size_t params_secret_length(const struct enrol_params *params)
{
	size_t length = PARAMS_SECRET_DEFAULT;

	if (length < params->least)
		length = params->least;
	if (params->most && length > params->most)
		length = params->most;
	return length < PARAMS_SECRET_MAX ? length : PARAMS_SECRET_MAX;
}

size_t params_server_share(const struct enrol_params *params)
{
	return (params_secret_length(params) + 1) / 2;
}

bool params_met_by_secret(const struct enrol_params *params, size_t length)
{
	return length >= params->least && (!params->most || length <= params->most);
}
