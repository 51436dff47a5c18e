#include "tests/unit/arm_rig.h"

#include "tests/legacy.h"
#include "tests/test.h"

void put_cert(struct rig *rig, const char *name, const X509 *cert)
{
	AUTO_VALUE(bytes) pem = pki_pem(cert);
	char path[160];

	snprintf(path, sizeof path, "%s/%s", rig->dir.path, name);
	pki_write(path, bytes_slice(&pem), 0644);
}

static void add_pem(struct bundle *bundle, struct bytes pem)
{
	struct diagnosis why;
	bool encrypted;

	CHECK_INT(bundle_add(bundle, bytes_slice(&pem), NULL, &encrypted, &why), OK);
	bytes_done(&pem);
}

void put_credential(struct rig *rig, const char *name, const struct pki_cert *made)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct diagnosis why;
	unsigned generation;
	char text[256];

	add_pem(&bundle, pki_key_pem(made->key, NULL));
	add_pem(&bundle, pki_pem(made->cert));
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	if (keystore_put(rig->keystore, name, &bundle, NULL, &generation, &why) != 0) {
		test_note("%s", diagnosis_sentence(&why, text, sizeof text));
		CHECK(false);
	}
}

struct rig rig_make(void)
{
	struct rig rig = { .dir = scratch_make(), .ca = pki_ca("Network CA") };
	struct diagnosis why;
	char path[160];

	rig.client = pki_client("machine", &rig.ca);
	snprintf(path, sizeof path, "%s/keystore", rig.dir.path);
	CHECK_INT(keystore_open(path, true, &rig.keystore, &why), 0);
	put_credential(&rig, "machine", &rig.client);
	put_cert(&rig, "ca.pem", rig.ca.cert);
	return rig;
}

void rig_done(struct rig *rig)
{
	keystore_free(rig->keystore);
	pki_cert_done(&rig->ca);
	pki_cert_done(&rig->client);
	scratch_done(&rig->dir);
}

struct profile *profile_of(const struct rig *rig, const char *credential, const char *server)
{
	struct profile *profile = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };
	char text[2000];
	int n = snprintf(text, sizeof text, "[TLS]\nCredential=%s\n[Server]\n", credential);

	for (; *server; server++) {
		size_t room = sizeof text - (size_t)n;

		n += strncmp(server, "@/", 2) == 0 ? snprintf(text + n, room, "%s", rig->dir.path)
						   : snprintf(text + n, room, "%c", *server);
	}
	CHECK_INT(profile_parse(slice_of(text, (size_t)n), "/p/test.profile", &profile, &errors),
		  0);
	for (size_t i = 0; i < errors.count; i++)
		test_note("%s %s", errors.error[i].key, errors.error[i].message);
	return profile;
}

struct armed *arm(struct rig *rig, const char *credential, const char *server, int64_t now,
		  struct diagnosis *why)
{
	AUTO_STRUCT(profile) profile = profile_of(rig, credential, server);
	struct armed *armed = NULL;

	if (profile &&
	    profile_arm(profile, rig->keystore, test_mschap(), now, 30 * PKI_DAY, &armed, why) == 0)
		profile = NULL;
	return armed;
}

struct armed *arm_well(struct rig *rig, const char *server)
{
	struct diagnosis why;
	char text[300];
	struct armed *armed = arm(rig, "machine", server, PKI_NOW, &why);

	if (!armed)
		test_note("%s", diagnosis_sentence(&why, text, sizeof text));
	CHECK(armed != NULL);
	return armed;
}
