#include "enrol/est.h"

#include "enrol/der.h"
#include "enrol/est_http.h"

#include <openssl/core_names.h>
#include <openssl/objects.h>

#define ATTRIBUTES_MAX 64
#define SLICE(octets)                                                                              \
	{                                                                                          \
		(const uint8_t *)(octets), sizeof(octets) - 1                                      \
	}

static const struct slice challenge_password = SLICE("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x07");
static const struct slice ec_public_key = SLICE("\x2A\x86\x48\xCE\x3D\x02\x01");
static const struct slice rsa_encryption = SLICE("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01");

static void take_attribute(struct rd *attribute, struct est_attributes *out)
{
	struct slice type = der_of(attribute, DER_OID);
	struct rd values = der_in(attribute, DER_SET);

	if (slice_eq(type, ec_public_key)) {
		out->curves = true;
		out->curve = der_of(&values, DER_OID);
	} else if (slice_eq(type, rsa_encryption)) {
		out->rsa = true;
		out->rsa_length = values.left > 0 ? (uint32_t)der_int(&values) : 0;
	}
	if (!rd_ok(&values))
		attribute->bad = true;
}

enum status est_attributes_read(struct slice der, struct est_attributes *ret_attributes)
{
	struct rd r = rd_of(der), list = der_in(&r, DER_SEQUENCE);
	struct est_attributes out = { 0 };

	for (size_t count = 0; list.left > 0; count++) {
		if (count >= ATTRIBUTES_MAX)
			return MALFORMED;
		if (der_next_is(&list, DER_OID))
			out.challenge |= slice_eq(der_of(&list, DER_OID), challenge_password);
		else {
			struct rd attribute = der_in(&list, DER_SEQUENCE);

			take_attribute(&attribute, &out);
			if (!rd_ok(&attribute))
				return MALFORMED;
		}
	}
	if (!rd_done(&r) || !rd_ok(&list))
		return MALFORMED;
	*ret_attributes = out;
	return OK;
}

enum status est_attributes_build(bool challenge, struct slice oid, struct bytes *ret_der)
{
	uint8_t list[128], attribute[64], set[48], out[160];
	struct wr l = wr_of(list, sizeof list), w = wr_of(out, sizeof out);

	if (challenge)
		der_put(&l, DER_OID, challenge_password);
	if (oid.len > 0) {
		struct wr s = wr_of(set, sizeof set), a = wr_of(attribute, sizeof attribute);

		wr_bytes(&s, oid);
		der_put(&a, DER_OID, ec_public_key);
		der_put(&a, DER_SET, wr_done(&s));
		der_put(&l, DER_SEQUENCE, wr_done(&a));
		l.bad |= s.bad || a.bad;
	}
	bytes_clear(ret_der);
	if (!wr_ok(&l))
		return MALFORMED;
	if (l.len == 0)
		return OK;
	der_put(&w, DER_SEQUENCE, wr_done(&l));
	return wr_ok(&w) ? bytes_set(ret_der, wr_done(&w)) : MALFORMED;
}

static bool is_curve(const EVP_PKEY *key, struct slice oid)
{
	char name[64];
	const ASN1_OBJECT *object;

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name,
					   NULL) != 1)
		return false;
	object = OBJ_nid2obj(OBJ_txt2nid(name));
	return object && OBJ_length(object) > 0 &&
	       slice_eq(oid, slice_of(OBJ_get0_data(object), OBJ_length(object)));
}

bool est_key_fits(const struct est_attributes *attributes, const EVP_PKEY *key)
{
	if (!attributes->curves && !attributes->rsa)
		return true;
	if (attributes->curves && EVP_PKEY_is_a(key, "EC"))
		return attributes->curve.len == 0 || is_curve(key, attributes->curve);
	return attributes->rsa && EVP_PKEY_is_a(key, "RSA") &&
	       (uint32_t)EVP_PKEY_get_bits(key) >= attributes->rsa_length;
}

enum status est_challenge(struct slice binding, struct bytes *ret_text)
{
	return base64_encode(binding, ret_text);
}
