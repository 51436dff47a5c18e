#include "tests/pki.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A test that cannot make its certificates has nothing to say. */
#define MUST(what) must((what), #what, __LINE__)

static void must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "tests/pki.c:%d: %s\n", line, what);
	ERR_print_errors_fp(stderr);
	abort();
}

EVP_PKEY *pki_key(const char *type)
{
	EVP_PKEY *key;

	if (strncmp(type, "RSA-", 4) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(type + 4, NULL, 10));
	else if (strncmp(type, "P-", 2) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	MUST(key);
	return key;
}

static void set_time(ASN1_TIME *time, int64_t when)
{
	MUST(ASN1_TIME_set(time, (time_t)when));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);

	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);

	MUST(extension);
	MUST(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
}

static void add_raw_dns(X509 *cert, struct slice name)
{
	if (!name.p)
		return;

	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	MUST(names && general && string);
	MUST(ASN1_STRING_set(string, name.p, (int)name.len));
	GENERAL_NAME_set0_value(general, GEN_DNS, string);
	MUST(sk_GENERAL_NAME_push(names, general));
	MUST(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
	GENERAL_NAMES_free(names);
}

static void add_padding(X509 *cert, size_t size)
{
	if (size == 0)
		return;

	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1);
	ASN1_OCTET_STRING *filler = ASN1_OCTET_STRING_new();
	uint8_t *octets = calloc(1, size);

	MUST(oid && filler && octets);
	MUST(ASN1_OCTET_STRING_set(filler, octets, (int)size));

	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, filler);

	MUST(extension);
	MUST(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(filler);
	ASN1_OBJECT_free(oid);
	free(octets);
}

static void set_serial(X509 *cert, long serial)
{
	uint64_t random = 0;

	MUST(RAND_bytes((unsigned char *)&random, sizeof random) == 1);
	MUST(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
				     serial ? (uint64_t)serial : random >> 1));
}

static void set_subject(X509 *cert, const struct pki_spec *spec)
{
	if (!spec->cn)
		return;

	size_t len = spec->cn_len ? spec->cn_len : strlen(spec->cn);

	MUST(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
					(const unsigned char *)spec->cn, (int)len, -1, 0));
}

static void add_extensions(X509 *cert, X509 *issuer, const struct pki_spec *spec)
{
	const char *basic = spec->basic;
	const char *usage = spec->key_usage;

	if (spec->ca && !basic)
		basic = "critical,CA:TRUE";
	if (spec->ca && !usage)
		usage = "critical,keyCertSign,cRLSign";
	add_extension(cert, issuer, NID_basic_constraints, basic);
	add_extension(cert, issuer, NID_key_usage, usage);
	add_extension(cert, issuer, NID_ext_key_usage, spec->eku);
	add_extension(cert, issuer, NID_subject_alt_name, spec->sans);
	add_extension(cert, issuer, NID_name_constraints, spec->constraints);
	add_extension(cert, issuer, NID_info_access, spec->access);
	add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	add_extension(cert, issuer, NID_authority_key_identifier,
		      issuer == cert ? NULL : "keyid:always");
	add_raw_dns(cert, spec->raw_dns);
	add_padding(cert, spec->padding);
}

/* Ed25519 brings its own digest. */
static const EVP_MD *digest_for(const EVP_PKEY *key, const char *name)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;

	const EVP_MD *md = EVP_get_digestbyname(name ? name : "SHA256");

	MUST(md);
	return md;
}

struct pki_cert pki_make(const struct pki_spec *spec, const struct pki_cert *issuer)
{
	struct pki_cert made = { spec->key, X509_new() };
	bool dated = spec->from != 0 || spec->until != 0;

	MUST(made.cert);
	if (made.key)
		MUST(EVP_PKEY_up_ref(made.key));
	else
		made.key = pki_key(spec->key_type ? spec->key_type : "P-256");
	if (!issuer)
		issuer = &made;

	MUST(X509_set_version(made.cert, X509_VERSION_3));
	set_serial(made.cert, spec->serial);
	set_subject(made.cert, spec);
	MUST(X509_set_issuer_name(made.cert, X509_get_subject_name(issuer->cert)));
	set_time(X509_getm_notBefore(made.cert), dated ? spec->from : PKI_NOW - PKI_YEAR / 2);
	set_time(X509_getm_notAfter(made.cert), dated ? spec->until : PKI_NOW + PKI_YEAR / 2);
	MUST(X509_set_pubkey(made.cert, made.key));
	add_extensions(made.cert, issuer->cert, spec);
	MUST(X509_sign(made.cert, issuer->key, digest_for(issuer->key, spec->digest)));
	return made;
}

void pki_cert_done(struct pki_cert *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->cert);
	*made = (struct pki_cert){ 0 };
}

struct pki_cert pki_ca(const char *cn)
{
	return pki_intermediate(cn, NULL);
}

struct pki_cert pki_intermediate(const char *cn, const struct pki_cert *issuer)
{
	struct pki_spec spec = { .cn = cn, .ca = true };

	return pki_make(&spec, issuer);
}

struct pki_cert pki_server(const char *dns, const struct pki_cert *issuer)
{
	char sans[300];
	struct pki_spec spec = { .cn = "server", .sans = sans, .eku = "serverAuth" };

	snprintf(sans, sizeof sans, "DNS:%s", dns);
	return pki_make(&spec, issuer);
}

struct pki_cert pki_client(const char *cn, const struct pki_cert *issuer)
{
	struct pki_spec spec = { .cn = cn, .eku = "clientAuth" };

	return pki_make(&spec, issuer);
}

STACK_OF(X509) * pki_chain(X509 *first, ...)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	va_list rest;

	MUST(chain);
	va_start(rest, first);
	for (X509 *cert = first; cert; cert = va_arg(rest, X509 *))
		MUST(X509_add_cert(chain, cert, X509_ADD_FLAG_UP_REF));
	va_end(rest);
	return chain;
}

static struct bytes bytes_of_bio(BIO *bio)
{
	struct bytes out = { 0 };
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	MUST(bytes_set(&out, slice_of(data, (size_t)len)) == OK);
	BIO_free(bio);
	return out;
}

static BIO *memory(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(bio);
	return bio;
}

struct bytes pki_pem(const X509 *cert)
{
	BIO *bio = memory();

	MUST(PEM_write_bio_X509(bio, cert));
	return bytes_of_bio(bio);
}

struct bytes pki_der(const X509 *cert)
{
	BIO *bio = memory();

	MUST(i2d_X509_bio(bio, cert));
	return bytes_of_bio(bio);
}

struct bytes pki_key_pem(const EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = memory();

	MUST(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, NULL, 0,
					   NULL, (void *)(uintptr_t)passphrase));
	return bytes_of_bio(bio);
}

struct bytes pki_key_der(const EVP_PKEY *key)
{
	BIO *bio = memory();

	MUST(i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL));
	return bytes_of_bio(bio);
}

struct bytes pki_pkcs12(const struct pki_cert *made, STACK_OF(X509) * chain, const char *passphrase)
{
	BIO *bio = memory();
	PKCS12 *p12 =
		PKCS12_create(passphrase, "test", made->key, made->cert, chain, 0, 0, 0, 0, 0);

	MUST(p12);
	MUST(i2d_PKCS12_bio(bio, p12));
	PKCS12_free(p12);
	return bytes_of_bio(bio);
}

void pki_write(const char *path, struct slice content, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	MUST(fd >= 0);
	MUST(write(fd, content.p, content.len) == (ssize_t)content.len);
	MUST(close(fd) == 0);
}

struct bytes pki_crl(const struct pki_cert *issuer, X509 *const *revoked, int64_t from,
		     int64_t until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();
	BIO *bio = memory();

	MUST(crl && time);
	MUST(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
	MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)));
	set_time(time, from);
	MUST(X509_CRL_set1_lastUpdate(crl, time));
	for (; revoked && *revoked; revoked++) {
		X509_REVOKED *entry = X509_REVOKED_new();

		MUST(entry);
		MUST(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(*revoked)));
		MUST(X509_REVOKED_set_revocationDate(entry, time));
		MUST(X509_CRL_add0_revoked(crl, entry));
	}
	set_time(time, until);
	MUST(X509_CRL_set1_nextUpdate(crl, time));
	MUST(X509_CRL_sort(crl));
	MUST(X509_CRL_sign(crl, issuer->key, digest_for(issuer->key, NULL)));
	MUST(PEM_write_bio_X509_CRL(bio, crl));
	ASN1_TIME_free(time);
	X509_CRL_free(crl);
	return bytes_of_bio(bio);
}

struct bytes pki_ocsp(const struct pki_ocsp_spec *spec)
{
	const struct pki_cert *signer = spec->signer ? spec->signer : spec->issuer;
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), spec->about, spec->issuer->cert);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	bool revoked = spec->status == V_OCSP_CERTSTATUS_REVOKED;
	ASN1_TIME *from = ASN1_TIME_set(NULL, spec->from ? spec->from : PKI_NOW - 3600);
	ASN1_TIME *until = ASN1_TIME_set(NULL, spec->until ? spec->until : PKI_NOW + PKI_DAY);
	struct bytes out = { 0 };
	unsigned char *der = NULL;
	int len;

	MUST(id && basic && from && until);
	MUST(OCSP_basic_add1_status(basic, id, spec->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
				    revoked ? from : NULL, from, until));
	MUST(OCSP_basic_sign(basic, signer->cert, signer->key, digest_for(signer->key, NULL), NULL,
			     0));

	OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);

	MUST(response);
	len = i2d_OCSP_RESPONSE(response, &der);
	MUST(len > 0);
	MUST(bytes_set(&out, slice_of(der, (size_t)len)) == OK);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return out;
}
