/* `latchkeyctl credentials import`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/credentials.h"
#include "cli/passphrase.h"
#include "keystore/uri.h"
#include "pki/cert.h"

#define PROMPTS_MAX 3
#define WARN_BEFORE (INT64_C(30) * 86400)

struct import {
	const struct cli *cli;
	const char *name;
	struct bundle bundle;
	struct secret passphrase;
	bool given, prompted;
};

static void import_done(struct import *import)
{
	bundle_done(&import->bundle);
	secret_done(&import->passphrase);
}

static int refuse_file(const struct import *import, struct diagnosis *why, const char *path,
		       const char *reason)
{
	diagnosis_set(why, DIAG_CREDENTIAL_UNUSABLE);
	diagnosis_add(why, "credential", "%s", import->name);
	diagnosis_add(why, "detail", "%s: %s", path, reason);
	return -EBADMSG;
}

/* Gets a passphrase, or another one after a wrong one.  Only a person is asked twice. */
static int obtain_passphrase(struct import *import, const char *path, struct diagnosis *why)
{
	char prompt[256], shown[192];
	int r = -ENOENT;

	if (!import->prompted)
		r = passphrase_stored(import->cli->passphrase_file, import->name,
				      &import->passphrase, why);
	if (r == -ENOENT) {
		import->prompted = true;
		snprintf(prompt, sizeof prompt,
			 "Passphrase for %s: ", printable(slice_str(path), shown, sizeof shown));
		r = passphrase_prompt(prompt, &import->passphrase);
		if (r == -ENOTTY)
			return refuse_file(import, why, path,
					   "it is encrypted; give --passphrase-file, or run this "
					   "on a terminal");
		if (r < 0)
			return refuse_file(import, why, path, "no passphrase was typed");
	}
	import->given = r == 0;
	return r;
}

static enum status add(struct import *import, const struct secret *file, bool *ret_encrypted,
		       struct diagnosis *why)
{
	return bundle_add(&import->bundle, secret_slice(file),
			  import->given ? &import->passphrase : NULL, ret_encrypted, why);
}

static int take_file(struct import *import, const char *path, struct diagnosis *why)
{
	AUTO_VALUE(secret) file = { 0 };
	char reason[DIAGNOSIS_VALUE_MAX];
	bool encrypted;
	int r = secret_read_file(path, BUNDLE_FILE_MAX, &file);

	if (r < 0) {
		(void)refuse_file(import, why, path, strerror(-r));
		return r;
	}

	enum status status = add(import, &file, &encrypted, why);

	for (int i = 0; i < PROMPTS_MAX && status != OK; i++) {
		bool again = status == UNTRUSTED && import->prompted;

		if (!encrypted && !again)
			break;
		r = obtain_passphrase(import, path, why);
		if (r < 0)
			return r;
		status = add(import, &file, &encrypted, why);
	}
	if (status == OK)
		return 0;
	if (why->id == DIAG_PASSPHRASE_WRONG) {
		diagnosis_add(why, "credential", "%s", path);
		return -EBADMSG;
	}
	snprintf(reason, sizeof reason, "%s", diagnosis_evidence(why, "detail"));
	return refuse_file(import, why, path, reason);
}

static int take_all(struct import *import, struct diagnosis *why)
{
	const struct cli *cli = import->cli;
	int r = 0;

	for (int i = 1; i < cli->count && r == 0; i++)
		r = take_file(import, cli->args[i], why);
	if (r == 0 && cli->key)
		r = take_file(import, cli->key, why);
	if (r == 0 && bundle_finish(&import->bundle, why) != OK) {
		diagnosis_add(why, "credential", "%s", import->name);
		r = -EBADMSG;
	}
	return r;
}

/* The key is where the URI says, and it is the certificate's. */
static int check_uri(struct import *import, struct diagnosis *why)
{
	const char *uri = import->cli->key_uri;
	AUTO(EVP_PKEY) key = NULL;

	if (!uri || !import->bundle.cert)
		return 0;

	int r = key_uri_open(uri, &key, why);

	if (r == 0 && !key_fits(import->bundle.cert, key)) {
		diagnosis_set(why, DIAG_KEY_MISMATCH);
		r = -EKEYREJECTED;
	}
	if (r < 0)
		diagnosis_add(why, "credential", "%s", import->name);
	return r;
}

/* Of a credential that is for servers only, it is as such that it is looked at. */
static enum cert_role role_of(const X509 *cert)
{
	return cert_misuse(cert, CERT_CLIENT) && !cert_misuse(cert, CERT_SERVER) ? CERT_SERVER
										 : CERT_CLIENT;
}

/* Expired, or its chain incomplete: it may be meant so, but it is said. */
static void look_at(const struct import *import, struct diagnosis *ret_warning)
{
	const struct bundle *bundle = &import->bundle;

	diagnosis_set(ret_warning, DIAG_NONE);
	if (cert_check_own(bundle->cert, role_of(bundle->cert), bundle->key, bundle->chain,
			   import->name, time(NULL), WARN_BEFORE, ret_warning) != OK &&
	    ret_warning->id == DIAG_NONE)
		diagnosis_set(ret_warning, DIAG_INTERNAL);
}

static enum exit_status report(const struct cli *cli, const struct credential_info *info,
			       const struct diagnosis *warning)
{
	AUTO(json_t) found = cli_diagnosis_json(warning);
	AUTO(json_t)
	result = json_pack("{s:o, s:O}", "Imported", credentials_json(info), "Warning", found);

	if (!cli->json)
		credentials_print(cli, info);
	if (!cli->json && warning->id != DIAG_NONE) {
		printf("%sBut:%s\n", cli_colour(cli, YELLOW), cli_colour(cli, PLAIN));
		cli_diagnosis_print(cli, 2, found);
	}
	return cli_reload(cli, result);
}

enum exit_status cmd_credentials_import(const struct cli *cli)
{
	__attribute__((cleanup(import_done))) struct import import = { .cli = cli,
								       .name = cli->args[0] };
	AUTO_STRUCT(keystore) keystore = NULL;
	struct credential_info info;
	struct diagnosis why, warning;
	unsigned generation;
	int r = take_all(&import, &why);

	if (r == 0)
		r = check_uri(&import, &why);
	if (r < 0)
		return credentials_fail(cli, "import", import.name, r, &why);

	enum exit_status status = credentials_open(cli, true, &keystore);

	if (status != DONE)
		return status;
	r = keystore_put(keystore, import.name, &import.bundle, cli->key_uri, &generation, &why);
	if (r == 0)
		r = keystore_show(keystore, import.name, &info, &why);
	if (r < 0)
		return credentials_fail(cli, "import", import.name, r, &why);
	look_at(&import, &warning);
	return report(cli, &info, &warning);
}
