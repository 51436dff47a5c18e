#include "tls/cert.h"

#include <openssl/ec.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t cert_time(const ASN1_TIME *time)
{
	struct tm tm;

	/* Without a time ASN1_TIME_to_tm answers with the present. */
	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

bool cert_spki_hash(const X509 *cert, uint8_t ret_hash[CERT_HASH_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool done = len > 0 && EVP_Digest(der, (size_t)len, ret_hash, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return done;
}

enum status cert_append_der(struct bytes *to, const X509 *cert, size_t ceiling)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	enum status status =
		len > 0 ? bytes_append(to, slice_of(der, (size_t)len), ceiling) : NO_MEMORY;

	OPENSSL_free(der);
	return status;
}

static struct slice string_slice(const ASN1_STRING *string)
{
	return slice_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

void cert_hex(struct slice in, char *buffer, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t out = 0;

	for (size_t i = 0; i < in.len && out + 2 < size; i++) {
		buffer[out++] = digits[in.p[i] >> 4];
		buffer[out++] = digits[in.p[i] & 15];
	}
	buffer[out] = '\0';
}

static void bio_text(BIO *bio, char *buffer, size_t size)
{
	char *text = NULL;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;

	printable(slice_of(text, len > 0 ? (size_t)len : 0), buffer, size);
}

void cert_name(const X509_NAME *name, char *buffer, size_t size)
{
	AUTO(BIO) bio = BIO_new(BIO_s_mem());

	if (bio)
		X509_NAME_print_ex(bio, name, 0,
				   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	bio_text(bio, buffer, size);
}

static GENERAL_NAMES *alt_names(const X509 *cert)
{
	return X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
}

/* The string of a general name and what people call its kind; false if it is not a string. */
static bool name_string(const GENERAL_NAME *name, const char **ret_kind, struct slice *ret_string)
{
	ASN1_OBJECT *oid;
	ASN1_TYPE *value;

	switch (name->type) {
	case GEN_DNS:
		*ret_kind = "DNS";
		break;
	case GEN_EMAIL:
		*ret_kind = "email";
		break;
	case GEN_URI:
		*ret_kind = "URI";
		break;
	case GEN_OTHERNAME:
		if (!GENERAL_NAME_get0_otherName(name, &oid, &value) ||
		    OBJ_obj2nid(oid) != NID_ms_upn || value->type != V_ASN1_UTF8STRING)
			return false;
		*ret_kind = "UPN";
		*ret_string = string_slice(value->value.utf8string);
		return true;
	default:
		return false;
	}
	*ret_string = string_slice(name->d.ia5);
	return true;
}

static void alt_names_text(const X509 *cert, char *buffer, size_t size)
{
	AUTO(GENERAL_NAMES) names = alt_names(cert);
	AUTO(BIO) bio = BIO_new(BIO_s_mem());

	for (int i = 0; bio && i < sk_GENERAL_NAME_num(names); i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *kind;
		struct slice string;

		BIO_puts(bio, i ? ", " : "");
		if (name_string(name, &kind, &string)) {
			BIO_printf(bio, "%s:", kind);
			BIO_write(bio, string.p, (int)string.len);
		} else {
			GENERAL_NAME_print(bio, name);
		}
	}
	bio_text(bio, buffer, size);
}

static void key_text(EVP_PKEY *key, char *buffer, size_t size)
{
	char group[32];

	buffer[0] = '\0';
	if (!key)
		return;
	if (EVP_PKEY_is_a(key, "RSA")) {
		snprintf(buffer, size, "RSA-%d", EVP_PKEY_get_bits(key));
	} else if (EVP_PKEY_is_a(key, "ED25519")) {
		snprintf(buffer, size, "Ed25519");
	} else if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL)) {
		const char *nist = EC_curve_nid2nist(OBJ_sn2nid(group));

		snprintf(buffer, size, "%s", nist ? nist : group);
	} else {
		snprintf(buffer, size, "%s", EVP_PKEY_get0_type_name(key));
	}
}

void cert_subject(const X509 *cert, char *buffer, size_t size)
{
	cert_name(X509_get_subject_name(cert), buffer, size);
}

void cert_fingerprint(const X509 *cert, char *buffer, size_t size)
{
	uint8_t hash[CERT_HASH_LEN];

	buffer[0] = '\0';
	if (X509_digest(cert, EVP_sha256(), hash, NULL))
		cert_hex(slice_of(hash, sizeof hash), buffer, size);
}

void cert_info_of(const X509 *cert, struct cert_info *ret_info)
{
	struct cert_info info = { 0 };
	uint8_t hash[CERT_HASH_LEN];

	cert_subject(cert, info.subject, sizeof info.subject);
	cert_name(X509_get_issuer_name(cert), info.issuer, sizeof info.issuer);
	alt_names_text(cert, info.names, sizeof info.names);
	cert_hex(string_slice(X509_get0_serialNumber(cert)), info.serial, sizeof info.serial);
	key_text(X509_get0_pubkey(cert), info.key, sizeof info.key);
	cert_fingerprint(cert, info.fingerprint, sizeof info.fingerprint);
	if (cert_spki_hash(cert, hash))
		cert_hex(slice_of(hash, sizeof hash), info.spki, sizeof info.spki);
	info.not_before = cert_time(X509_get0_notBefore(cert));
	info.not_after = cert_time(X509_get0_notAfter(cert));
	*ret_info = info;
}

/* id-kp-eapOverLAN, RFC 4334 section 2; the library has no name for it. */
static bool usage_for_eapol(const X509 *cert)
{
	AUTO(EXTENDED_KEY_USAGE) usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	static const uint8_t oid[] = { 0x2b, 6, 1, 5, 5, 7, 3, 14 };

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);

		if (slice_eq(slice_of(OBJ_get0_data(usage), OBJ_length(usage)),
			     slice_of(oid, sizeof oid)))
			return true;
	}
	return false;
}

bool cert_is_server(const X509 *cert)
{
	AUTO(EXTENDED_KEY_USAGE) usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == NID_server_auth)
			return true;
	}
	return usage_for_eapol(cert);
}

const char *cert_misuse(const X509 *cert, enum cert_role role)
{
	X509 *c = (X509 *)(uintptr_t)cert; /* the library keeps what it learns in there */
	uint32_t wanted = XKU_ANYEKU | (role == CERT_SERVER ? XKU_SSL_SERVER : XKU_SSL_CLIENT);
	uint32_t signing = KU_DIGITAL_SIGNATURE |
			   (role == CERT_SERVER ? KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT : 0);
	uint32_t flags = X509_get_extension_flags(c);

	if (flags & EXFLAG_INVALID)
		return "an extension does not parse";
	/* An authority's key usage is the business of the path check. */
	if ((flags & EXFLAG_KUSAGE) && !(flags & EXFLAG_CA) && !(X509_get_key_usage(c) & signing))
		return "key usage";
	if ((flags & EXFLAG_XKUSAGE) && !(X509_get_extended_key_usage(c) & wanted) &&
	    !usage_for_eapol(c))
		return "extended key usage";
	return NULL;
}

/* RFC 7542, section 2.2: labels of letters, digits, hyphens and UTF-8, separated by dots. */
static bool is_realm(struct slice text)
{
	uint8_t before = '.';

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c == '.' ? before == '.' : !isalnum(c) && c != '-' && c < 0x80)
			return false;
		before = c;
	}
	return before != '.';
}

static struct slice after_at(struct slice text)
{
	size_t at = text.len;

	while (at > 0 && text.p[at - 1] != '@')
		at--;
	return at > 0 ? slice_of(text.p + at, text.len - at) : slice_of(NULL, 0);
}

bool cert_realm(const X509 *cert, char *buffer, size_t size)
{
	AUTO(GENERAL_NAMES) names = alt_names(cert);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *kind;
		struct slice string;

		if ((name->type != GEN_EMAIL && name->type != GEN_OTHERNAME) ||
		    !name_string(name, &kind, &string))
			continue;

		struct slice realm = after_at(string);

		if (realm.len == 0 || realm.len >= size || !is_realm(realm))
			continue;
		/* Only what is printable UTF-8 comes through unchanged. */
		printable(realm, buffer, size);
		if (slice_eq(slice_str(buffer), realm))
			return true;
	}
	return false;
}
