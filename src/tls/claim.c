#include "tls/claim.h"

#include <openssl/x509v3.h>

#include <string.h>

#include "eap/keys.h"
#include "tls/engine_parts.h"

/* The first octet of a row: another program's form is not ours, and costs a full handshake. */
#define ROW_FORM 2

/* ---- out of a certificate ------------------------------------------------------------------- */

/* A certificate is shorter than a flight, and that is shorter than this. */
#define ROW_MAX (128 * 1024)

/* A field of at most 64 KiB, behind its length. */
static enum status put(struct bytes *row, struct slice field)
{
	const uint8_t len[] = { (uint8_t)(field.len >> 8), (uint8_t)field.len };
	enum status status = field.len > UINT16_MAX
				     ? MALFORMED
				     : bytes_append(row, slice_of(len, sizeof len), ROW_MAX);

	return status == OK ? bytes_append(row, field, ROW_MAX) : status;
}

static enum status put_time(struct bytes *row, int64_t time)
{
	uint8_t octets[8];

	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (uint8_t)((uint64_t)time >> (56 - 8 * i));
	return bytes_append(row, slice_of(octets, sizeof octets), ROW_MAX);
}

static enum status put_der(struct bytes *row, const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t len = 0;

	return X509_NAME_get0_der(name, &der, &len) ? put(row, slice_of(der, len)) : NO_MEMORY;
}

static enum status put_name(struct bytes *row, const X509_NAME *name)
{
	char text[CERT_TEXT_MAX];
	enum status status;

	cert_name(name, text, sizeof text);
	status = put(row, slice_str(text));
	return status == OK ? put_der(row, name) : status;
}

static enum status put_serial(struct bytes *row, const X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
	const unsigned char *p = der;
	enum status status = NO_MEMORY;
	int tag, class;
	long n;

	if (len > 0 && !(ASN1_get_object(&p, &n, &tag, &class, len) & 0x80))
		status = put(row, slice_of(p, (size_t)n));
	OPENSSL_free(der);
	return status;
}

static enum status put_hashes(struct bytes *row, const X509 *cert)
{
	uint8_t hash[CERT_HASH_LEN];
	enum status status = CRYPTO;

	if (X509_digest(cert, EVP_sha256(), hash, NULL) == 1)
		status = put(row, slice_of(hash, sizeof hash));
	if (status == OK && !cert_spki_hash(cert, hash))
		status = CRYPTO;
	return status == OK ? put(row, slice_of(hash, sizeof hash)) : status;
}

/* As the certificate has them, but for an encoding that is not DER. */
static enum status put_names(struct bytes *row, const X509 *cert)
{
	int absent, len = 0;
	AUTO(GENERAL_NAMES) names = X509_get_ext_d2i(cert, NID_subject_alt_name, &absent, NULL);
	unsigned char *der = NULL;
	enum status status = NO_MEMORY;

	/* A certificate whose extensions do not parse was not accepted: it is memory. */
	if (!names && absent != -1)
		return NO_MEMORY;
	if (names)
		len = i2d_GENERAL_NAMES(names, &der);
	if (len >= 0)
		status = put(row, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return status;
}

/* One after the other, each behind its length. */
static enum status put_usages(struct bytes *row, const X509 *cert)
{
	int absent;
	AUTO(EXTENDED_KEY_USAGE) usages = X509_get_ext_d2i(cert, NID_ext_key_usage, &absent, NULL);
	struct bytes list = { 0 };
	enum status status = !usages && absent != -1 ? NO_MEMORY : OK;

	for (int i = 0; status == OK && i < sk_ASN1_OBJECT_num(usages); i++) {
		const ASN1_OBJECT *oid = sk_ASN1_OBJECT_value(usages, i);

		status = put(&list, slice_of(OBJ_get0_data(oid), OBJ_length(oid)));
	}
	if (status == OK)
		status = put(row, bytes_slice(&list));
	bytes_done(&list);
	return status;
}

/* Of each authority in the path its issuer and serial number, by which lists know it; and when the
 * first of them expires. */
static enum status put_path(struct bytes *row, const STACK_OF(X509) * path)
{
	struct bytes list = { 0 };
	int64_t until = INT64_MAX;
	enum status status = OK;

	for (int i = 1; status == OK && i < sk_X509_num(path); i++) {
		const X509 *authority = sk_X509_value(path, i);
		int64_t end = cert_time(X509_get0_notAfter(authority));

		until = end < until ? end : until;
		status = put_der(&list, X509_get_issuer_name(authority));
		if (status == OK)
			status = put_serial(&list, authority);
	}
	if (status == OK)
		status = put_time(row, until);
	if (status == OK)
		status = put(row, bytes_slice(&list));
	bytes_done(&list);
	return status;
}

enum status tls_claim_build(const X509 *cert, const STACK_OF(X509) * path, int64_t authenticated,
			    struct bytes *ret_row)
{
	static const uint8_t form = ROW_FORM;
	enum status status;

	bytes_clear(ret_row);
	status = bytes_reserve(ret_row, 512);
	if (status == OK)
		status = bytes_append(ret_row, slice_of(&form, 1), ROW_MAX);
	if (status == OK)
		status = put_time(ret_row, authenticated);
	if (status == OK)
		status = put_time(ret_row, cert_time(X509_get0_notBefore(cert)));
	if (status == OK)
		status = put_time(ret_row, cert_time(X509_get0_notAfter(cert)));
	if (status == OK)
		status = put_name(ret_row, X509_get_subject_name(cert));
	if (status == OK)
		status = put_name(ret_row, X509_get_issuer_name(cert));
	if (status == OK)
		status = put_serial(ret_row, cert);
	if (status == OK)
		status = put_hashes(ret_row, cert);
	if (status == OK)
		status = put_names(ret_row, cert);
	if (status == OK)
		status = put_usages(ret_row, cert);
	if (status == OK)
		status = put_path(ret_row, path);
	return status;
}

/* ---- out of a row --------------------------------------------------------------------------- */

static struct slice field(struct rd *r)
{
	return rd_bytes(r, rd_u16(r));
}

/* One element of DER at *p, of which *ret_content is what it holds; false when it is not whole. */
static bool element(const uint8_t **p, size_t left, int *ret_tag, int *ret_class,
		    struct slice *ret_content)
{
	const unsigned char *at = *p;
	long len;
	int how = left > 0 && left <= ROW_MAX
			  ? ASN1_get_object(&at, &len, ret_tag, ret_class, (long)left)
			  : 0x80;

	/* 0x80: wrong; 1 in the lowest bit: without a definite length */
	if ((how & 0x80) || (how & 1))
		return false;
	*ret_content = slice_of(at, (size_t)len);
	*p = at + len;
	return true;
}

/* One element of this kind and nothing behind it. */
static bool unwrap(struct slice in, int tag, int class, struct slice *ret_content)
{
	const uint8_t *p = in.p;
	int found_tag, found_class;

	return element(&p, in.len, &found_tag, &found_class, ret_content) && found_tag == tag &&
	       found_class == class && p == in.p + in.len;
}

static bool all_elements(struct slice in)
{
	const uint8_t *p = in.p;
	struct slice content;
	int tag, class;

	while (p < in.p + in.len) {
		if (!element(&p, (size_t)(in.p + in.len - p), &tag, &class, &content))
			return false;
	}
	return true;
}

static bool is_name(struct slice der)
{
	struct slice content;

	return unwrap(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &content) && all_elements(content);
}

static bool is_names(struct slice der)
{
	return der.len == 0 || is_name(der);
}

static bool is_usages(struct slice usages)
{
	struct rd r = rd_of(usages);

	while (r.left > 0) {
		if (field(&r).len == 0)
			return false;
	}
	return rd_done(&r);
}

static bool is_path(struct slice path)
{
	struct rd r = rd_of(path);

	while (r.left > 0) {
		if (!is_name(field(&r)) || field(&r).len == 0)
			return false;
	}
	return rd_done(&r);
}

static bool is_text(struct slice text)
{
	char again[CERT_TEXT_MAX];

	return text.len < sizeof again &&
	       slice_eq(slice_str(printable(text, again, sizeof again)), text);
}

enum status tls_claim_parse(struct slice row, struct tls_claim *ret_claim)
{
	struct rd r = rd_of(row);
	struct tls_claim c = { 0 };
	uint8_t form = rd_u8(&r);

	c.authenticated = (int64_t)rd_u64(&r);
	c.not_before = (int64_t)rd_u64(&r);
	c.not_after = (int64_t)rd_u64(&r);
	c.subject = field(&r);
	c.subject_der = field(&r);
	c.issuer = field(&r);
	c.issuer_der = field(&r);
	c.serial = field(&r);
	c.fingerprint = field(&r);
	c.spki = field(&r);
	c.names = field(&r);
	c.usages = field(&r);
	c.path_not_after = (int64_t)rd_u64(&r);
	c.path = field(&r);
	if (!rd_done(&r) || form != ROW_FORM || c.serial.len == 0 ||
	    c.fingerprint.len != CERT_HASH_LEN || c.spki.len != CERT_HASH_LEN ||
	    !is_text(c.subject) || !is_text(c.issuer) || !is_name(c.subject_der) ||
	    !is_name(c.issuer_der) || !is_names(c.names) || !is_usages(c.usages) ||
	    !is_path(c.path))
		return MALFORMED;
	*ret_claim = c;
	return OK;
}

/* otherName, RFC 5280: a type and, in [0], a value; of the type of a UPN it is a UTF8String. */
static bool upn_of(struct slice other, struct slice *ret_text)
{
	static const uint8_t upn[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3 };
	const uint8_t *p = other.p;
	struct slice type, value;
	int tag, class;

	return element(&p, other.len, &tag, &class, &type) && tag == V_ASN1_OBJECT &&
	       class == V_ASN1_UNIVERSAL && slice_eq(type, slice_of(upn, sizeof upn)) &&
	       unwrap(slice_of(p, (size_t)(other.p + other.len - p)), 0, V_ASN1_CONTEXT_SPECIFIC,
		      &value) &&
	       unwrap(value, V_ASN1_UTF8STRING, V_ASN1_UNIVERSAL, ret_text);
}

static bool name_of(int tag, struct slice content, struct tls_name *ret_name)
{
	struct tls_name name = { .value = content };

	switch (tag) {
	case GEN_OTHERNAME:
		name.kind = TLS_NAME_UPN;
		if (!upn_of(content, &name.value))
			return false;
		break;
	case GEN_EMAIL:
		name.kind = TLS_NAME_EMAIL;
		break;
	case GEN_DNS:
		name.kind = TLS_NAME_DNS;
		break;
	case GEN_URI:
		name.kind = TLS_NAME_URI;
		break;
	case GEN_IPADD:
		name.kind = TLS_NAME_IP;
		if (content.len != 4 && content.len != 16)
			return false;
		break;
	default:
		return false;
	}
	*ret_name = name;
	return true;
}

bool tls_claim_name(const struct tls_claim *claim, size_t *at, struct tls_name *ret_name)
{
	struct slice names, content;
	int tag, class;

	if (!unwrap(claim->names, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &names))
		return false;
	while (*at < names.len) {
		const uint8_t *p = names.p + *at;

		if (!element(&p, names.len - *at, &tag, &class, &content))
			return false;
		*at = (size_t)(p - names.p);
		if (class == V_ASN1_CONTEXT_SPECIFIC && name_of(tag, content, ret_name))
			return true;
	}
	return false;
}

bool tls_claim_usage(const struct tls_claim *claim, size_t *at, struct slice *ret_oid)
{
	struct rd r;

	if (*at >= claim->usages.len)
		return false;
	r = rd_of(slice_of(claim->usages.p + *at, claim->usages.len - *at));
	*ret_oid = field(&r);
	*at = claim->usages.len - r.left;
	return rd_ok(&r);
}

bool tls_claim_authority(const struct tls_claim *claim, size_t *at, struct slice *ret_issuer,
			 struct slice *ret_serial)
{
	struct rd r;

	if (*at >= claim->path.len)
		return false;
	r = rd_of(slice_of(claim->path.p + *at, claim->path.len - *at));
	*ret_issuer = field(&r);
	*ret_serial = field(&r);
	*at = claim->path.len - r.left;
	return rd_ok(&r);
}

/* GeneralNames again: the subjectAltNames, then the subject as a directoryName, unless empty. */
enum status tls_claim_identity(const struct tls_claim *claim, struct bytes *ret_id)
{
	uint8_t id[EAP_ID_MAX];
	unsigned char *p = id;
	struct slice names = { 0 }, subject = { 0 };
	size_t directory = 0;
	int len;

	bytes_clear(ret_id);
	if (claim->names.len > sizeof id || claim->subject_der.len > sizeof id)
		return OK;
	if (claim->names.len > 0 &&
	    !unwrap(claim->names, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &names))
		return MALFORMED;
	if (!unwrap(claim->subject_der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &subject))
		return MALFORMED;
	if (subject.len > 0)
		directory = (size_t)ASN1_object_size(1, (int)claim->subject_der.len, GEN_DIRNAME);
	len = ASN1_object_size(1, (int)(names.len + directory), V_ASN1_SEQUENCE);
	if (len < 0 || (size_t)len > sizeof id)
		return OK;
	ASN1_put_object(&p, 1, (int)(names.len + directory), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	if (names.len > 0)
		memcpy(p, names.p, names.len);
	p += names.len;
	if (directory > 0) {
		ASN1_put_object(&p, 1, (int)claim->subject_der.len, GEN_DIRNAME,
				V_ASN1_CONTEXT_SPECIFIC);
		memcpy(p, claim->subject_der.p, claim->subject_der.len);
	}
	return bytes_set(ret_id, slice_of(id, (size_t)len));
}
