#include "tls/trust_parts.h"

#include <openssl/err.h>

#include <string.h>

enum status trust_recheck(const struct trust *trust, int64_t not_before, int64_t not_after,
			  int64_t now, struct diagnosis *why)
{
	struct trust_time time;
	enum status status = trust_clock(trust, now, &time, why);

	if (status != OK || trust->insecure)
		return status;
	if (time.not_after && time.at > not_after)
		diagnosis_set(why, trust_id(trust, DIAG_SERVER_CERT_EXPIRED));
	else if (time.not_before && time.at < not_before)
		diagnosis_set(why, trust_id(trust, DIAG_SERVER_CERT_NOT_YET_VALID));
	else
		return OK;
	diagnosis_add_time(why, "not_before", not_before);
	diagnosis_add_time(why, "not_after", not_after);
	trust_add_now(why, &time);
	return UNTRUSTED;
}

/* What of the lists concerns one certificate. */
struct listing {
	bool anchor, found, current, revoked;
	int64_t when;
};

static void look_up(X509_CRL *crl, ASN1_INTEGER *serial, int64_t now, struct listing *listing)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	X509_REVOKED *entry = NULL;

	listing->found = true;
	if (!next || now <= cert_time(next))
		listing->current = true;
	if (X509_CRL_get0_by_serial(crl, &entry, serial) != 1)
		return;
	listing->revoked = true;
	listing->when = cert_time(X509_REVOKED_get0_revocationDate(entry));
}

static bool is_anchor(const X509 *anchor, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	return X509_NAME_cmp(X509_get_issuer_name(anchor), issuer) == 0 &&
	       ASN1_INTEGER_cmp(X509_get0_serialNumber(anchor), serial) == 0;
}

static void look_through(const struct trust *trust, const X509_NAME *issuer, ASN1_INTEGER *serial,
			 int64_t now, struct listing *listing)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);
		X509 *anchor = X509_OBJECT_get0_X509(object);

		if (anchor && is_anchor(anchor, issuer, serial))
			listing->anchor = true;
		if (crl && X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0)
			look_up(crl, serial, now, listing);
	}
}

static enum status verdict(const struct trust *trust, const struct listing *listing,
			   struct diagnosis *why)
{
	if (listing->revoked) {
		diagnosis_set(why, trust_id(trust, DIAG_SERVER_CERT_REVOKED));
		diagnosis_add_time(why, "revoked", listing->when);
		diagnosis_add(why, "detail", "revocation list");
		return UNTRUSTED;
	}
	/* Nobody has to vouch for an anchor but who took it into the policy. */
	if (listing->current || listing->anchor)
		return OK;
	diagnosis_say(why, DIAG_CRL_UNUSABLE, "%s", listing->found ? "expired" : "there is none");
	return UNTRUSTED;
}

static ASN1_INTEGER *integer_of(struct slice content)
{
	uint8_t der[2 + 127] = { V_ASN1_INTEGER, (uint8_t)content.len };
	const unsigned char *p = der;

	if (content.len == 0 || content.len > sizeof der - 2)
		return NULL;
	memcpy(der + 2, content.p, content.len);
	return d2i_ASN1_INTEGER(NULL, &p, (long)content.len + 2);
}

enum status trust_recheck_lists(const struct trust *trust, struct slice issuer, struct slice serial,
				int64_t now, struct diagnosis *why)
{
	const unsigned char *p = issuer.p;
	struct listing listing = { 0 };
	X509_NAME *name;
	ASN1_INTEGER *number;
	enum status status = OK;

	if (!trust->has_crls)
		return OK;
	ERR_set_mark();
	name = d2i_X509_NAME(NULL, &p, (long)issuer.len);
	number = integer_of(serial);
	if (!name || !number) {
		diagnosis_set(why, trust_id(trust, DIAG_SERVER_CERT_INVALID));
		diagnosis_add(why, "detail", "issuer or serial number");
		status = UNTRUSTED;
	} else {
		look_through(trust, name, number, now, &listing);
		status = verdict(trust, &listing, why);
	}
	X509_NAME_free(name);
	ASN1_INTEGER_free(number);
	ERR_pop_to_mark();
	return status;
}

/* The order of the files makes no difference. */
enum status trust_digest(const struct trust *trust, uint8_t ret_digest[CERT_HASH_LEN])
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->store);
	uint8_t hash[CERT_HASH_LEN], digest[CERT_HASH_LEN] = { 0 };

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *anchor = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (anchor && X509_digest(anchor, EVP_sha256(), hash, NULL) != 1)
			return CRYPTO;
		for (size_t n = 0; anchor && n < sizeof digest; n++)
			digest[n] ^= hash[n];
	}
	memcpy(ret_digest, digest, sizeof digest);
	return OK;
}
