/* Issues and revokes with the authority and the registry of a latchkey-authd, beside it, as another
 * server on the same database would:
 *
 *	authority_box CONFIG issue COMMON-NAME FOLDER	key.pem, cert.pem and chain.pem into it
 *	authority_box CONFIG revoke CERTIFICATE REASON
 *
 * test_authority.py is who plays. */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authority.h"
#include "authd/registry.h"
#include "drivers/loop.h"

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "authority_box: %s\n", what);
	exit(1);
}

static void check(bool right, const char *what)
{
	if (!right)
		die(what);
}

static FILE *create(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	check(file, path);
	return file;
}

static struct registry *open_registry(const struct config *config)
{
	const struct registry_settings settings = { .file = config->settings.database,
						    .origin = "authority-box" };
	struct registry *registry = NULL;
	struct diagnosis why;

	check(registry_open(&settings, &registry, &why) == 0, "the registry cannot be opened");
	return registry;
}

static void describe(const X509 *cert, struct registry_credential *c)
{
	struct cert_info info;

	cert_info_of(cert, &info);
	snprintf(c->issuer, sizeof c->issuer, "%s", info.issuer);
	snprintf(c->serial, sizeof c->serial, "%s", info.serial);
	snprintf(c->subject, sizeof c->subject, "%s", info.subject);
	snprintf(c->spki, sizeof c->spki, "%s", info.spki);
	snprintf(c->fingerprint, sizeof c->fingerprint, "%s", info.fingerprint);
	c->issued = loop_now().wall;
	c->not_before = info.not_before;
	c->not_after = info.not_after;
}

static void record(const struct config *config, const X509 *cert)
{
	struct registry *registry = open_registry(config);
	struct registry_credential c = { .profile = PROFILE_DEFAULT };

	describe(cert, &c);
	check(registry_begin(registry, true) == 0 &&
		      registry_credential_issued(registry, &c, slice_of(NULL, 0)) == 0 &&
		      registry_commit(registry) == 0,
	      "it cannot be recorded");
	registry_free(registry);
}

static void issue(const struct config *config, const char *name, const char *folder)
{
	const struct ca_profile *profile = config_profile(config, "");
	const struct enrol_grant grant = { 0 };
	struct enrol_names wanted = { 0 }, names;
	struct authority *authority = NULL;
	struct diagnosis why = { 0 };
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", ca_key_type(profile));
	X509 *cert = NULL;
	FILE *file;

	snprintf(wanted.common_name, sizeof wanted.common_name, "%s", name);
	check(authority_open(config, loop_now().wall, &authority, &why) == 0 && authority,
	      "there is no authority");
	check(ca_names(profile, &grant, &wanted, &names, &why) == OK, "the name is refused");
	check(ca_issue(&authority->now, profile, key, &names, loop_now().wall, &cert, &why) == OK,
	      "it cannot be issued");
	record(config, cert);
	file = create(folder, "key.pem");
	check(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) && fclose(file) == 0,
	      "the key");
	file = create(folder, "cert.pem");
	check(PEM_write_X509(file, cert) && fclose(file) == 0, "the certificate");
	file = create(folder, "chain.pem");
	for (int i = 0; i < sk_X509_num(authority->now.chain); i++)
		check(PEM_write_X509(file, sk_X509_value(authority->now.chain, i)), "the chain");
	check(fclose(file) == 0, "the chain");
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_free(authority);
}

static void revoke(const struct config *config, const char *path, const char *reason)
{
	struct registry *registry = open_registry(config);
	struct registry_credential c = { 0 };
	FILE *file = fopen(path, "r");
	X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	check(cert, path);
	fclose(file);
	describe(cert, &c);
	check(registry_begin(registry, true) == 0 &&
		      registry_credential_revoke(registry, c.issuer, c.serial, loop_now().wall,
						 reason) == 1 &&
		      registry_commit(registry) == 0,
	      "it cannot be revoked");
	X509_free(cert);
	registry_free(registry);
}

int main(int argc, char **argv)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	struct config *config = NULL;

	check(argc == 5 && errors,
	      "expected CONFIG issue NAME FOLDER, or CONFIG revoke CERT REASON");
	if (config_load(argv[1], &config, errors) < 0) {
		for (size_t i = 0; i < errors->count; i++)
			ini_error_print(&errors->error[i], stderr);
		return 1;
	}
	if (strcmp(argv[2], "issue") == 0)
		issue(config, argv[3], argv[4]);
	else if (strcmp(argv[2], "revoke") == 0)
		revoke(config, argv[3], argv[4]);
	else
		die("expected issue or revoke");
	config_free(config);
	free(errors);
	return 0;
}
