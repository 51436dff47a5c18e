#include "tests/test.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "pki/bundle.h"
#include "tests/pki.h"

DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free);

static struct pki_cert root, middle, leaf;
static struct diagnosis why;
static bool encrypted;

static void cast(void)
{
	if (root.cert)
		return;
	root = pki_ca("Root");
	middle = pki_intermediate("Middle", &root);
	leaf = pki_client("machine.example", &middle);
}

static struct secret secret_of(const char *text)
{
	struct secret s = { 0 };

	REQUIRE(secret_set(&s, slice_str(text)) == OK);
	return s;
}

/* passphrase: NULL for none. */
static enum status add(struct bundle *bundle, struct slice file, const char *passphrase)
{
	AUTO_VALUE(secret) secret = { 0 };

	diagnosis_set(&why, DIAG_NONE);
	if (!passphrase)
		return bundle_add(bundle, file, NULL, &encrypted, &why);
	secret = secret_of(passphrase);
	return bundle_add(bundle, file, &secret, &encrypted, &why);
}

static enum status add_and_drop(struct bundle *bundle, struct bytes file, const char *passphrase)
{
	enum status status = add(bundle, bytes_slice(&file), passphrase);

	bytes_done(&file);
	return status;
}

static void append(struct bytes *to, struct bytes more)
{
	REQUIRE(bytes_append(to, bytes_slice(&more), BUNDLE_FILE_MAX * 2) == OK);
	bytes_done(&more);
}

static bool detail_has(const char *text)
{
	const char *detail = diagnosis_evidence(&why, "detail");

	if (detail && strstr(detail, text))
		return true;
	test_note("the detail is: %s", detail ? detail : "(none)");
	return false;
}

static void check_sorted(const struct bundle *bundle)
{
	CHECK(bundle->key && EVP_PKEY_eq(bundle->key, leaf.key) == 1);
	CHECK(bundle->cert && X509_cmp(bundle->cert, leaf.cert) == 0);
	REQUIRE(sk_X509_num(bundle->chain) == 1);
	CHECK(X509_cmp(sk_X509_value(bundle->chain, 0), middle.cert) == 0);
	REQUIRE(sk_X509_num(bundle->anchors) == 1);
	CHECK(X509_cmp(sk_X509_value(bundle->anchors, 0), root.cert) == 0);
}

TEST(one_pem_file_in_any_order_is_sorted)
{
	cast();
	for (int first = 0; first < 4; first++) {
		AUTO_VALUE(bundle) bundle = { 0 };
		AUTO_VALUE(bytes) file = { 0 };

		for (int i = 0; i < 4; i++) {
			int which = (first + i) % 4;

			append(&file, which == 3 ? pki_key_pem(leaf.key, NULL)
						 : pki_pem(which == 0	? root.cert
							   : which == 1 ? leaf.cert
									: middle.cert));
		}
		CHECK_INT(add(&bundle, bytes_slice(&file), NULL), OK);
		CHECK_INT(bundle_finish(&bundle, &why), OK);
		check_sorted(&bundle);
	}
}

TEST(der_files_and_duplicates_add_up)
{
	AUTO_VALUE(bundle) bundle = { 0 };

	cast();
	CHECK_INT(add_and_drop(&bundle, pki_der(middle.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_key_der(leaf.key), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_der(leaf.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_der(leaf.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_pem(middle.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_key_pem(leaf.key, NULL), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_der(root.cert), NULL), OK);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	check_sorted(&bundle);
}

TEST(a_long_chain_comes_out_leaf_first)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct pki_cert made[8];

	cast();
	made[0] = pki_intermediate("CA 0", &root);
	for (int i = 1; i < 7; i++)
		made[i] = pki_intermediate("CA", &made[i - 1]);
	made[7] = pki_client("deep.example", &made[6]);
	for (int i = 0; i < 8; i++)
		CHECK_INT(add_and_drop(&bundle, pki_der(made[(i * 3) % 8].cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_key_der(made[7].key), NULL), OK);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	REQUIRE(sk_X509_num(bundle.chain) == 7);
	for (int i = 0; i < 7; i++)
		CHECK(X509_cmp(sk_X509_value(bundle.chain, i), made[6 - i].cert) == 0);
	for (int i = 0; i < 8; i++)
		pki_cert_done(&made[i]);
}

TEST(without_a_key_the_leaf_is_who_issued_nobody)
{
	AUTO_VALUE(bundle) bundle = { 0 };

	cast();
	CHECK_INT(add_and_drop(&bundle, pki_der(root.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_der(middle.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_der(leaf.cert), NULL), OK);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	CHECK(!bundle.key);
	CHECK(bundle.cert && X509_cmp(bundle.cert, leaf.cert) == 0);
	CHECK_INT(sk_X509_num(bundle.chain), 1);
}

TEST(every_key_type_is_read_and_fits)
{
	static const char *const types[] = { "RSA-2048", "P-256", "P-384", "P-521", "Ed25519" };

	cast();
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		AUTO_VALUE(bundle) pem = { 0 };
		AUTO_VALUE(bundle) der = { 0 };
		struct pki_cert made =
			pki_make(&(struct pki_spec){ .cn = types[i], .key_type = types[i] }, &root);

		CHECK_INT(add_and_drop(&pem, pki_pem(made.cert), NULL), OK);
		CHECK_INT(add_and_drop(&pem, pki_key_pem(made.key, "good"), "good"), OK);
		CHECK_INT(bundle_finish(&pem, &why), OK);
		CHECK_INT(add_and_drop(&der, pki_pem(made.cert), NULL), OK);
		CHECK_INT(add_and_drop(&der, pki_key_der(made.key), NULL), OK);
		CHECK_INT(bundle_finish(&der, &why), OK);
		pki_cert_done(&made);
	}
}

/* To make one takes long, and the public half is enough to be refused. */
static EVP_PKEY *large_public_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	unsigned char modulus[4608 / 8];
	unsigned exponent = 65537;
	EVP_PKEY *key = NULL;

	memset(modulus, 0xa5, sizeof modulus);

	OSSL_PARAM params[] = { OSSL_PARAM_BN("n", modulus, sizeof modulus),
				OSSL_PARAM_uint("e", &exponent), OSSL_PARAM_END };

	REQUIRE(EVP_PKEY_fromdata_init(ctx) == 1);
	REQUIRE(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A certificate for a key that lives elsewhere. */
static void check_refused(EVP_PKEY *key, const char *reason)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct pki_cert made = pki_make(&(struct pki_spec){ .cn = "weak", .key = key }, &root);

	CHECK_INT(add_and_drop(&bundle, pki_der(made.cert), NULL), OK);
	CHECK_INT(bundle_finish(&bundle, &why), UNSUPPORTED);
	CHECK(detail_has(reason));
	pki_cert_done(&made);
}

TEST(weak_and_strange_keys_are_refused_with_the_reason)
{
	static const struct {
		const char *curve, *reason; /* RSA-1024 without a curve */
	} cases[] = { { NULL, "1024 bits" },
		      { "secp256k1", "secp256k1" },
		      { "P-224", "secp224r1" } };
	AUTO(EVP_PKEY) large = large_public_key();

	cast();
	check_refused(large, "4608 bits");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *curve = cases[i].curve;
		AUTO_VALUE(bundle) bundle = { 0 };
		AUTO(EVP_PKEY)
		key = curve ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve)
			    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);

		REQUIRE(key != NULL);
		check_refused(key, cases[i].reason);
		CHECK_INT(add_and_drop(&bundle, pki_key_der(key), NULL), OK);
		CHECK_INT(bundle_finish(&bundle, &why), UNSUPPORTED);
		CHECK(detail_has(cases[i].reason));
	}
}

TEST(an_encrypted_key_asks_for_its_passphrase_and_leaves_the_bundle_alone)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_VALUE(bytes) file = { 0 };

	cast();
	append(&file, pki_pem(leaf.cert));
	append(&file, pki_key_pem(leaf.key, "correct horse"));
	CHECK_INT(add(&bundle, bytes_slice(&file), NULL), UNSUPPORTED);
	CHECK(encrypted);
	CHECK(detail_has("no passphrase"));
	CHECK(!bundle.key && sk_X509_num(bundle.chain) <= 0);
	CHECK_INT(add(&bundle, bytes_slice(&file), "battery staple"), UNTRUSTED);
	CHECK_INT(why.id, DIAG_PASSPHRASE_WRONG);
	CHECK(!bundle.key && sk_X509_num(bundle.chain) <= 0);
	CHECK_INT(add(&bundle, bytes_slice(&file), "correct horse"), OK);
	CHECK(!encrypted);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
}

static struct bytes traditional(EVP_PKEY *key, const char *cipher, const char *passphrase)
{
	AUTO(BIO) bio = BIO_new(BIO_s_mem());
	AUTO(EVP_CIPHER) fetched = cipher ? EVP_CIPHER_fetch(NULL, cipher, NULL) : NULL;
	struct bytes out = { 0 };
	char *p;

	REQUIRE(PEM_write_bio_PrivateKey_traditional(
			bio, key, fetched, (const unsigned char *)passphrase,
			passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
	long len = BIO_get_mem_data(bio, &p);
	REQUIRE(bytes_set(&out, slice_of(p, (size_t)len)) == OK);
	return out;
}

TEST(traditional_keys_are_read_plain_and_encrypted)
{
	static const char *const types[] = { "RSA-2048", "P-256" };

	for (size_t i = 0; i < 2; i++) {
		AUTO(EVP_PKEY) key = pki_key(types[i]);
		AUTO_VALUE(bundle) bundle = { 0 };
		AUTO_VALUE(bytes) sealed = traditional(key, "AES-128-CBC", "good");

		CHECK_INT(add(&bundle, bytes_slice(&sealed), NULL), UNSUPPORTED);
		CHECK(encrypted);
		CHECK_INT(add(&bundle, bytes_slice(&sealed), "bad"), UNTRUSTED);
		CHECK_INT(why.id, DIAG_PASSPHRASE_WRONG);
		CHECK_INT(add(&bundle, bytes_slice(&sealed), "good"), OK);
		CHECK(bundle.key && EVP_PKEY_eq(bundle.key, key) == 1);
		CHECK_INT(add_and_drop(&bundle, traditional(key, NULL, NULL), NULL), OK);
		CHECK_INT(bundle_finish(&bundle, &why), OK);
	}
}

/* One wrong passphrase in 256 makes padding that fits, and noise before it. */
TEST(no_wrong_passphrase_of_a_traditional_key_is_taken_for_damage)
{
	static const char sealed[] =
		"-----BEGIN EC PRIVATE KEY-----\n"
		"Proc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,E5934FA146E1D680315C09717015C47F\n"
		"\n"
		"Snq5NUeBNrma9N3nQYYNYnLNKBiel5mgUz+/P/EAJuMUlhgKKAj7Fp0DFFVuY1xW\n"
		"KjzcUab2TvUee0/kK+EQQ3yHyTI49Ces7lUuhKO7pnP48VdHYP33LvVZAWHeeNpU\n"
		"/mTxVlWnxO9S7Tc2qPTTh/Tr4E8PZczZkTrVitIpsW8=\n"
		"-----END EC PRIVATE KEY-----\n";
	AUTO_VALUE(bundle) bundle = { 0 };

	CHECK_INT(add(&bundle, slice_str(sealed), "bad32"), UNTRUSTED);
	CHECK_INT(why.id, DIAG_PASSPHRASE_WRONG);
	CHECK_INT(add(&bundle, slice_str(sealed), "good"), OK);
}

TEST(pkcs12_gives_key_certificate_and_chain)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO(X509_STACK) chain = NULL;

	cast();
	chain = pki_chain(root.cert, middle.cert, NULL);
	AUTO_VALUE(bytes) file = pki_pkcs12(&leaf, chain, "good");

	CHECK_INT(add(&bundle, bytes_slice(&file), NULL), UNSUPPORTED);
	CHECK(encrypted);
	CHECK_INT(add(&bundle, bytes_slice(&file), "bad"), UNTRUSTED);
	CHECK_INT(why.id, DIAG_PASSPHRASE_WRONG);
	CHECK_INT(add(&bundle, bytes_slice(&file), "good"), OK);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	check_sorted(&bundle);
}

TEST(pkcs12_with_an_empty_passphrase_needs_none)
{
	cast();
	for (int i = 0; i < 2; i++) {
		AUTO_VALUE(bundle) bundle = { 0 };

		CHECK_INT(add_and_drop(&bundle, pki_pkcs12(&leaf, NULL, i ? "" : NULL), NULL), OK);
		CHECK_INT(bundle_finish(&bundle, &why), OK);
		CHECK(bundle.key && bundle.cert);
	}
}

/* As Windows XP and old Java wrote it: RC2-40 around the certificates, 3DES around the key. */
TEST(pkcs12_with_legacy_ciphers_is_opened)
{
	OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(library, "legacy");
	OSSL_PROVIDER *basic = OSSL_PROVIDER_load(library, "default");
	unsigned char *der = NULL;

	cast();
	if (!legacy) {
		test_skip("OpenSSL's legacy provider is not installed");
	} else {
		AUTO_VALUE(bundle) bundle = { 0 };
		PKCS12 *p12 = PKCS12_create_ex("good", "old", leaf.key, leaf.cert, NULL,
					       NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
					       NID_pbe_WithSHA1And40BitRC2_CBC, 2048, 2048, 0,
					       library, NULL);
		REQUIRE(p12 != NULL);
		int len = i2d_PKCS12(p12, &der);

		PKCS12_free(p12);
		CHECK_INT(add(&bundle, slice_of(der, (size_t)len), "good"), OK);
		CHECK_INT(bundle_finish(&bundle, &why), OK);
		CHECK(bundle.key && bundle.cert);
		CHECK(!OSSL_PROVIDER_available(NULL, "legacy"));
	}
	OPENSSL_free(der);
	OSSL_PROVIDER_unload(basic);
	OSSL_PROVIDER_unload(legacy);
	OSSL_LIB_CTX_free(library);
	ERR_clear_error();
}

static struct bytes der_of_sig(X509_SIG *sig)
{
	struct bytes out = { 0 };
	unsigned char *der = NULL;
	int len = i2d_X509_SIG(sig, &der);

	REQUIRE(len > 0);
	REQUIRE(bytes_set(&out, slice_of(der, (size_t)len)) == OK);
	OPENSSL_free(der);
	X509_SIG_free(sig);
	return out;
}

static struct bytes sealed_by(X509_ALGOR *scheme)
{
	X509_SIG *sig = X509_SIG_new();
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *content;

	X509_SIG_getm(sig, &algorithm, &content);
	REQUIRE(X509_ALGOR_copy(algorithm, scheme) == 1);
	REQUIRE(ASN1_OCTET_STRING_set(content, (const unsigned char *)"0123456789abcdef", 16) == 1);
	X509_ALGOR_free(scheme);
	return der_of_sig(sig);
}

TEST(a_file_that_would_cost_years_to_open_is_refused_at_once)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	unsigned char salt[] = "saltsalt";

	CHECK_INT(add_and_drop(&bundle,
			       sealed_by(PKCS5_pbe2_set(EVP_aes_128_cbc(), INT_MAX, salt, 8)), "x"),
		  UNSUPPORTED);
	CHECK(detail_has("iterations"));
	CHECK_INT(add_and_drop(&bundle,
			       sealed_by(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
						       INT_MAX, salt, 8)),
			       "x"),
		  UNSUPPORTED);
	CHECK(detail_has("iterations"));
}

TEST(a_cipher_that_openssl_does_not_have_is_named)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	unsigned char salt[] = "saltsalt";

	CHECK_INT(add_and_drop(&bundle,
			       sealed_by(PKCS5_pbe_set(NID_pbeWithMD2AndRC2_CBC, 1, salt, 8)), "x"),
		  UNSUPPORTED);
	CHECK(detail_has("pbeWithMD2AndRC2-CBC"));
}

TEST(key_and_certificate_of_different_people_do_not_fit)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO(EVP_PKEY) other = pki_key("P-256");

	cast();
	CHECK_INT(add_and_drop(&bundle, pki_pem(leaf.cert), NULL), OK);
	CHECK_INT(add_and_drop(&bundle, pki_key_pem(other, NULL), NULL), OK);
	CHECK_INT(bundle_finish(&bundle, &why), UNTRUSTED);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);
}

TEST(a_key_whose_private_part_is_damaged_does_not_fit)
{
	struct pki_cert made = pki_make(&(struct pki_spec){ .cn = "x", .key_type = "P-256" }, NULL);
	AUTO_VALUE(bytes) der = pki_key_der(made.key);
	AUTO_VALUE(bundle) bundle = { 0 };
	size_t at = 0;

	/* The scalar follows the header 02 01 01 04 20 of RFC 5915. */
	while (at + 5 < der.len && memcmp(der.p + at, "\2\1\1\4\x20", 5) != 0)
		at++;
	der.p[at + 20] ^= 1;
	CHECK_INT(add_and_drop(&bundle, pki_der(made.cert), NULL), OK);
	if (add(&bundle, bytes_slice(&der), NULL) == OK)
		CHECK_INT(bundle_finish(&bundle, &why), UNTRUSTED);
	pki_cert_done(&made);
}

TEST(what_belongs_to_nothing_is_named)
{
	AUTO_VALUE(bundle) stranger = { 0 };
	AUTO_VALUE(bundle) two_keys = { 0 };
	AUTO_VALUE(bundle) two_leaves = { 0 };
	struct pki_cert other_root = pki_ca("Other Root");
	struct pki_cert other = pki_intermediate("Stranger", &other_root);
	AUTO(EVP_PKEY) second = pki_key("P-256");

	cast();
	CHECK_INT(add_and_drop(&stranger, pki_der(leaf.cert), NULL), OK);
	CHECK_INT(add_and_drop(&stranger, pki_key_der(leaf.key), NULL), OK);
	CHECK_INT(add_and_drop(&stranger, pki_der(other.cert), NULL), OK);
	CHECK_INT(bundle_finish(&stranger, &why), UNEXPECTED);
	CHECK(detail_has("Stranger"));

	CHECK_INT(add_and_drop(&two_keys, pki_key_der(leaf.key), NULL), OK);
	CHECK_INT(add_and_drop(&two_keys, pki_key_der(second), NULL), UNEXPECTED);
	CHECK(two_keys.key && EVP_PKEY_eq(two_keys.key, leaf.key) == 1);

	struct pki_cert twin = pki_client("twin.example", &middle);

	CHECK_INT(add_and_drop(&two_leaves, pki_der(leaf.cert), NULL), OK);
	CHECK_INT(add_and_drop(&two_leaves, pki_der(twin.cert), NULL), OK);
	CHECK_INT(bundle_finish(&two_leaves, &why), UNEXPECTED);
	CHECK(detail_has("twin.example"));
	pki_cert_done(&twin);
	pki_cert_done(&other);
	pki_cert_done(&other_root);
}

TEST(what_is_damaged_is_told_from_a_wrong_passphrase)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_VALUE(bytes) p12 = { 0 };
	AUTO_VALUE(bytes) pem = { 0 };

	cast();
	p12 = pki_pkcs12(&leaf, NULL, "good");
	pem = pki_pem(leaf.cert);
	CHECK_INT(add(&bundle, slice_of(p12.p, p12.len - 1), "good"), MALFORMED);
	CHECK_INT(why.id, DIAG_CREDENTIAL_UNUSABLE);
	CHECK_INT(add(&bundle, slice_of(pem.p, pem.len - 40), NULL), MALFORMED);
	CHECK_INT(add(&bundle, slice_str("hello\n"), NULL), MALFORMED);
	CHECK(detail_has("neither PEM nor DER"));
	CHECK_INT(add(&bundle, slice_of(NULL, 0), NULL), MALFORMED);
	CHECK_INT(add(&bundle,
		      slice_str("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"), NULL),
		  UNSUPPORTED);
	CHECK(detail_has("X509 CRL"));
}

TEST(a_file_cut_short_anywhere_adds_nothing)
{
	struct bytes files[3] = { { 0 } };

	cast();
	files[0] = pki_der(leaf.cert);
	files[1] = pki_key_der(leaf.key);
	files[2] = pki_pkcs12(&leaf, NULL, "good");
	for (size_t f = 0; f < 3; f++) {
		AUTO_VALUE(bundle) bundle = { 0 };

		/* Headers octet by octet, the rest in steps. */
		for (size_t len = 0; len < files[f].len; len += len < 48 ? 1 : 23)
			CHECK(add(&bundle, slice_of(files[f].p, len), "good") != OK);
		CHECK(!bundle.key && !bundle.chain);
		bytes_done(&files[f]);
	}
}

TEST(ceilings_hold)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_VALUE(bytes) many = { 0 };
	AUTO_VALUE(bytes) large = { 0 };

	cast();
	AUTO(EVP_PKEY) key = pki_key("P-256");

	for (int i = 0; i <= BUNDLE_CERTS_MAX; i++) {
		struct pki_cert made = pki_make(&(struct pki_spec){ .cn = "x", .key = key }, &root);

		append(&many, pki_pem(made.cert));
		pki_cert_done(&made);
	}
	CHECK_INT(add(&bundle, bytes_slice(&many), NULL), MALFORMED);
	CHECK(detail_has("64 certificates"));
	CHECK_INT(sk_X509_num(bundle.chain), -1);

	large.p = calloc(1, BUNDLE_FILE_MAX + 1);
	large.len = large.cap = BUNDLE_FILE_MAX + 1;
	CHECK_INT(add(&bundle, bytes_slice(&large), NULL), MALFORMED);
	CHECK(detail_has("larger than"));
}
