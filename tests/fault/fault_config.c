/* Configuration without memory: all that a file says holds, or an error is told. */
#include "config/arm.h"
#include "config/service.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <string.h>

static struct scratch dir;
static char profile_path[160], bad_path[160], service_path[160];
static struct keystore *keystore;
static struct pki_cert ca, client;
static uint8_t known_digest[32];

static void add(struct bundle *bundle, struct bytes file)
{
	struct diagnosis why;
	bool encrypted;

	if (bundle_add(bundle, bytes_slice(&file), NULL, &encrypted, &why) != OK)
		abort();
	bytes_done(&file);
}

static void make_keystore(void)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct diagnosis why;
	unsigned number;
	char path[80];

	ca = pki_ca("Network CA");
	client = pki_client("machine", &ca);
	add(&bundle, pki_key_pem(client.key, NULL));
	add(&bundle, pki_pem(client.cert));
	snprintf(path, sizeof path, "%s/keystore", dir.path);
	if (bundle_finish(&bundle, &why) != OK || keystore_open(path, true, &keystore, &why) < 0 ||
	    keystore_put(keystore, "machine", &bundle, NULL, &number, &why) < 0)
		abort();
}

static void put(char *path, size_t size, const char *name, const char *text)
{
	snprintf(path, size, "%s", scratch_put(&dir, name, text, 0644));
}

static void make_files(void)
{
	AUTO_VALUE(bytes) pem = pki_pem(ca.cert);
	AUTO_VALUE(bytes) crl = pki_crl(&ca, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
	char path[160], text[1000];

	snprintf(path, sizeof path, "%s/anchors", dir.path);
	if (mkdir(path, 0755) < 0)
		abort();
	snprintf(path, sizeof path, "%s/anchors/ca.pem", dir.path);
	pki_write(path, bytes_slice(&pem), 0644);
	snprintf(path, sizeof path, "%s/crl.pem", dir.path);
	pki_write(path, bytes_slice(&crl), 0644);

	snprintf(text, sizeof text,
		 "[Match]\nName=eth* en*\n[EAP]\nIdentity=me@example.org\n[TLS]\n"
		 "Credential=machine\n[Server]\nTrustAnchor=%s/anchors\nCRL=%s/crl.pem\n"
		 "ServerName=radius.example.org .example.net\n",
		 dir.path, dir.path);
	put(profile_path, sizeof profile_path, "good.profile", text);
	put(bad_path, sizeof bad_path, "bad.profile",
	    "[Match]\nNmae=eth0\nPriority=many\n[Srever]\n");
	put(service_path, sizeof service_path, "latchkeyd.conf",
	    "[Service]\nKeystore=/some/where\nExpiryWarnings=5d\n");
}

static struct profile *load(const char *path, struct ini_errors *errors)
{
	struct profile *profile = NULL;

	return profile_load(path, &profile, errors) == 0 ? profile : NULL;
}

/* A fault that is passed over would leave less than the file says. */
static bool profile_is_whole(const struct profile *p)
{
	return strcmp(p->name, "good") == 0 && strcmp(p->path, profile_path) == 0 &&
	       p->match_names.count == 2 && strcmp(p->identity, "me@example.org") == 0 &&
	       strcmp(p->credential, "machine") == 0 && p->trust_anchors.count == 1 &&
	       p->crls.count == 1 && p->server_names.count == 2 && p->pae.start_first > 0;
}

static bool profile_alone(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(profile) profile = load(profile_path, &errors);

	return profile ? profile_is_whole(profile) && errors.count == 0
		       : fault_happened() && errors.count > 0;
}

static bool profile_with_errors(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(profile) profile = load(bad_path, &errors);

	return !profile && errors.count > 0 && (fault_happened() || errors.count > 3);
}

static bool directory(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles;

	if (profiles_load(dir.path, &profiles, &errors) < 0)
		return fault_happened();
	if (profiles.count == 1)
		return profile_is_whole(profiles.profile[0]) && errors.count > 0;
	return profiles.count == 0 && fault_happened() && errors.count > 0;
}

static bool service(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(service_config) config = NULL;

	if (service_config_load(service_path, false, &config, &errors) < 0)
		return fault_happened() && errors.count > 0 && !config;
	return strcmp(config->keystore, "/some/where") == 0 &&
	       strcmp(config->profile_dir, CONF_DIR "/profiles.d") == 0 &&
	       config->expiry_warnings.count == 1;
}

static bool armed(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(armed) armed = NULL;
	AUTO_STRUCT(profile) profile = NULL;
	struct diagnosis why;
	int r;

	fault_suspend();
	profile = load(profile_path, &errors);
	fault_resume();
	if (!profile)
		return false;
	diagnosis_set(&why, DIAG_NONE);
	r = profile_arm(profile, keystore, NULL, PKI_NOW, 0, &armed, &why);
	if (r < 0)
		return fault_happened() && !armed && why.id != DIAG_NONE;
	(void)TAKE(profile);
	/* Otherwise a reload would take it for another. */
	if (!known_digest[0])
		memcpy(known_digest, armed->digest, sizeof known_digest);
	return armed->tls && memcmp(armed->digest, known_digest, sizeof known_digest) == 0;
}

int main(void)
{
	fault_init();
	json_set_alloc_funcs(malloc, free);
	dir = scratch_make_fast();
	make_keystore();
	make_files();
	fault_each("configuration: a profile", profile_alone);
	fault_each("configuration: a profile with errors", profile_with_errors);
	fault_each("configuration: all profiles", directory);
	fault_each("configuration: the service", service);
	fault_each("configuration: a profile is armed", armed);
	keystore_free(keystore);
	pki_cert_done(&client);
	pki_cert_done(&ca);
	scratch_done(&dir);
	return fault_end();
}
