#include "tests/test.h"

#include <errno.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keystore/keystore.h"
#include "keystore/uri.h"
#include "tests/pki.h"

static struct diagnosis why;

static bool detail_has(const char *text)
{
	const char *detail = diagnosis_evidence(&why, "detail");

	if (detail && strstr(detail, text))
		return true;
	test_note("the detail is: %s", detail ? detail : "(none)");
	return false;
}

TEST(uris_are_told_from_paths)
{
	static const char *const good[] = {
		"pkcs11:object=machine",
		"PKCS11:token=My%20Token;object=machine;type=private?pin-source=file:/etc/pin",
		"pkcs11:id=%01%02%ff",
		"handle:0x81000001",
		"file:/etc/key.pem",
		"tpm2tss-engine+x.y-z:something"
	};
	static const char *const bad[] = { "",	      "/etc/key.pem", "key.pem",
					   "C:\\key", ":x",	      "1a:b",
					   "pkcs11:", "file:",	      "pkcs11:object=a b" };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (!key_uri_valid(good[i], &why))
			test_note("%s", good[i]);
		CHECK(key_uri_valid(good[i], &why));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK(!key_uri_valid(bad[i], &why));
		CHECK_INT(why.id, DIAG_KEY_UNREADABLE);
	}
}

TEST(what_is_wrong_with_a_pkcs11_uri_is_said)
{
	static const struct {
		const char *uri, *said;
	} cases[] = { { "pkcs11:object=a?pin-value=1234", "pin-source" },
		      { "pkcs11:object=a?pin-source=|/bin/date", "file:" },
		      { "pkcs11:object=a;object=b", "twice" },
		      { "pkcs11:object=a%2", "percent" },
		      { "pkcs11:object=a%zz", "percent" },
		      { "pkcs11:colour=red", "colour" },
		      { "pkcs11:object", "without a name or value" },
		      { "pkcs11:=a", "without a name or value" },
		      { "pkcs11:object=a;type=cert", "type must be private" },
		      { "pkcs11:?pin-source=file:/x", "which key" } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK(!key_uri_valid(cases[i].uri, &why));
		CHECK(detail_has(cases[i].said));
		CHECK(strstr(diagnosis_evidence(&why, "detail"), "1234") == NULL);
	}
}

TEST(a_uri_that_is_too_long_is_refused)
{
	char uri[300];

	memset(uri, 'a', sizeof uri);
	memcpy(uri, "file:", 5);
	uri[256] = '\0';
	CHECK(!key_uri_valid(uri, &why));
	uri[255] = '\0';
	CHECK(key_uri_valid(uri, &why));
}

static bool have_pkcs11(void)
{
	return OSSL_PROVIDER_available(NULL, "pkcs11") ||
	       OSSL_PROVIDER_try_load(NULL, "pkcs11", 1) != NULL;
}

TEST(without_a_provider_what_is_missing_is_named)
{
	AUTO(EVP_PKEY) key = NULL;

	CHECK_INT(key_uri_open("nosuch:thing", &key, &why), -ENOTSUP);
	CHECK(detail_has("nosuch:"));
	if (have_pkcs11()) {
		test_skip("a pkcs11 provider is installed");
		return;
	}
	CHECK_INT(key_uri_open("pkcs11:object=machine", &key, &why), -ENOTSUP);
	CHECK_INT(why.id, DIAG_KEY_UNREADABLE);
	CHECK(detail_has("pkcs11-provider"));
}

/* ---- keys that are opened through OSSL_STORE ---- */

static char base[64];

static void arrange(void)
{
	snprintf(base, sizeof base, "/tmp/latchkey-uri-XXXXXX");
	REQUIRE(mkdtemp(base) != NULL);
}

static void clear_away(void)
{
	char command[sizeof base + 16];

	snprintf(command, sizeof command, "rm -rf %s", base);
	CHECK_INT(system(command), 0);
}

static struct keystore *keystore_with(const struct pki_cert *made, const char *uri)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_VALUE(bytes) der = pki_der(made->cert);
	struct keystore *keystore = NULL;
	char path[128];
	unsigned number;
	bool encrypted;

	snprintf(path, sizeof path, "%s/keystore", base);
	REQUIRE(bundle_add(&bundle, bytes_slice(&der), NULL, &encrypted, &why) == OK);
	REQUIRE(bundle_finish(&bundle, &why) == OK);
	REQUIRE(keystore_open(path, true, &keystore, &why) == 0);
	REQUIRE(keystore_put(keystore, "machine", &bundle, uri, &number, &why) == 0);
	return keystore;
}

TEST(a_key_behind_a_file_uri_is_used)
{
	struct pki_cert root = pki_ca("Root");
	struct pki_cert leaf = pki_client("machine.example", &root);
	AUTO_VALUE(bytes) pem = pki_key_pem(leaf.key, NULL);
	AUTO_VALUE(bytes) sealed = pki_key_pem(leaf.key, "good");
	AUTO_VALUE(bytes) other = pki_key_pem(root.key, NULL);
	char file[96], uri[104];
	struct credential_info info;

	arrange();
	snprintf(file, sizeof file, "%s/key.pem", base);
	snprintf(uri, sizeof uri, "file:%s", file);
	pki_write(file, bytes_slice(&pem), 0600);
	AUTO_STRUCT(keystore) keystore = keystore_with(&leaf, uri);
	AUTO_STRUCT(credential) got = NULL;
	AUTO_STRUCT(credential) none = NULL;

	CHECK_INT(keystore_get(keystore, "machine", &got, &why), 0);
	CHECK(got && EVP_PKEY_eq(got->key, leaf.key) == 1);
	CHECK_INT(keystore_show(keystore, "machine", &info, &why), 0);
	CHECK_STR(info.key_uri, uri);

	CHECK(chmod(file, 0640) == 0);
	CHECK_INT(keystore_get(keystore, "machine", &none, &why), -EACCES);
	CHECK(detail_has("chmod 600"));
	CHECK(chmod(file, 0600) == 0);

	/* Nobody is asked for a passphrase. */
	pki_write(file, bytes_slice(&sealed), 0600);
	CHECK(keystore_get(keystore, "machine", &none, &why) < 0);
	CHECK_INT(why.id, DIAG_KEY_UNREADABLE);
	CHECK_STR(diagnosis_evidence(&why, "credential"), "machine");

	pki_write(file, bytes_slice(&other), 0600);
	CHECK_INT(keystore_get(keystore, "machine", &none, &why), -EKEYREJECTED);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);

	CHECK(unlink(file) == 0);
	CHECK_INT(keystore_get(keystore, "machine", &none, &why), -ENXIO);
	clear_away();
	pki_cert_done(&leaf);
	pki_cert_done(&root);
}

/* A token of softhsm2, with a key that is imported into it. */
TEST(a_key_in_a_token_signs_and_stays_there)
{
	if (!have_pkcs11()) {
		test_skip("no pkcs11 provider for OpenSSL 3 (pkcs11-provider) is installed");
		return;
	}

	struct pki_cert root = pki_ca("Root");
	struct pki_cert leaf = pki_client("machine.example", &root);
	AUTO_VALUE(bytes) pem = pki_key_pem(leaf.key, NULL);
	char file[96], uri[200], command[700];

	arrange();
	snprintf(file, sizeof file, "%s/key.pem", base);
	pki_write(file, bytes_slice(&pem), 0600);
	snprintf(command, sizeof command,
		 "mkdir %s/tokens && echo 'directories.tokendir = %s/tokens' >%s/conf && "
		 "printf 1234 >%s/pin && export SOFTHSM2_CONF=%s/conf && "
		 "softhsm2-util --init-token --free --label latchkey --pin 1234 --so-pin 1234 && "
		 "softhsm2-util --import %s --token latchkey --label machine --id 01 --pin 1234",
		 base, base, base, base, base, file);
	REQUIRE(system(command) == 0);
	snprintf(file, sizeof file, "%s/conf", base);
	REQUIRE(setenv("SOFTHSM2_CONF", file, 1) == 0);
	snprintf(uri, sizeof uri, "pkcs11:token=latchkey;object=machine?pin-source=file:%s/pin",
		 base);
	AUTO_STRUCT(keystore) keystore = keystore_with(&leaf, uri);
	AUTO_STRUCT(credential) got = NULL;

	CHECK_INT(keystore_get(keystore, "machine", &got, &why), 0);
	CHECK(got && key_fits(leaf.cert, got->key));
	CHECK(got && i2d_PrivateKey(got->key, NULL) <= 0);
	clear_away();
	pki_cert_done(&leaf);
	pki_cert_done(&root);
}
