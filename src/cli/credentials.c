#include "cli/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/service.h"
#include "keystore/place.h"

#define DAY 86400

enum exit_status credentials_fail(const struct cli *cli, const char *verb, const char *name,
				  int error, const struct diagnosis *why)
{
	enum exit_status status = error == -EACCES || error == -EPERM ? NOT_AUTHORISED : FAILED;
	char what[160], cause[2048], next[2048];

	snprintf(what, sizeof what, "cannot %s %s", verb, name);
	diagnosis_sentence(why, cause, sizeof cause);
	diagnosis_next(why, next, sizeof next);
	/* What is said to those who find that a profile lacks it does not help here. */
	if (why->id == DIAG_CREDENTIAL_MISSING)
		snprintf(next, sizeof next,
			 "`latchkeyctl credentials list` shows the credentials there are.");
	if (why->id == DIAG_KEYSTORE && error == -ENOENT)
		snprintf(next, sizeof next, "`latchkeyctl credentials import` makes it.");
	if (why->id == DIAG_CREDENTIAL_UNUSABLE && strcmp(verb, "import") == 0) {
		const char *detail = diagnosis_evidence(why, "detail");

		snprintf(cause, sizeof cause, "%s", detail ? detail : "it cannot be used");
		snprintf(next, sizeof next,
			 "Nothing was changed. `latchkeyctl credentials import --help` says what "
			 "is needed.");
	}
	return cli_fail(cli, status, what, cause, next);
}

static enum exit_status open_at(const struct cli *cli, const char *path, bool create,
				struct keystore **ret_keystore)
{
	struct diagnosis why;
	int r = keystore_open(path, create, ret_keystore, &why);

	return r < 0 ? credentials_fail(cli, "open", "the keystore", r, &why) : DONE;
}

enum exit_status credentials_open(const struct cli *cli, bool create,
				  struct keystore **ret_keystore)
{
	const char *path = cli->config ? cli->config : CONF_DIR "/latchkeyd.conf";
	AUTO_STRUCT(service_config) config = NULL;
	struct ini_errors errors = { 0 };

	if (cli->keystore)
		return open_at(cli, cli->keystore, create, ret_keystore);

	bool loaded = service_config_load(path, !cli->config, &config, &errors) >= 0;

	ini_errors_done(&errors);
	if (!loaded)
		return cli_fail(cli, FAILED, path, "the configuration has errors",
				"Run `latchkeyctl check`, or name the keystore with --keystore.");
	return open_at(cli, config->keystore, create, ret_keystore);
}

/* ---- how one is shown ---------------------------------------------------------------------- */

static const char *date(int64_t when, char buffer[32])
{
	rfc3339(when, buffer, 32);
	buffer[strcspn(buffer, "T")] = '\0';
	return buffer;
}

/* Whether it can be used now, in a few words. */
static const char *state(const struct credential_info *info, char *buffer, size_t size)
{
	int64_t now = time(NULL);
	long long left = (info->cert.not_after - now) / DAY;

	if (info->problem.id != DIAG_NONE)
		snprintf(buffer, size, "%s", diagnosis_text(info->problem.id)->name);
	else if (info->kind != CREDENTIAL_CERTIFICATE)
		snprintf(buffer, size, "usable");
	else if (info->cert.not_after < now)
		snprintf(buffer, size, "expired %lld days ago", -left);
	else if (info->cert.not_before > now)
		snprintf(buffer, size, "not yet valid");
	else
		snprintf(buffer, size, "valid, %lld days left", left);
	return buffer;
}

json_t *credentials_json(const struct credential_info *info)
{
	const struct cert_info *cert = &info->cert;
	char username[KEYSTORE_USERNAME_MAX + 1];

	return json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, "
		"s:i, s:o}",
		"Name", info->name, "Kind", info->kind_name, "UserName",
		printable(slice_str(info->username), username, sizeof username), "Generation",
		(int)info->generation, "Generations", (int)info->generations, "Imported",
		(json_int_t)info->imported, "Subject", cert->subject, "Issuer", cert->issuer,
		"AlternativeNames", cert->names, "Serial", cert->serial, "Key", cert->key, "KeyURI",
		info->key_uri, "Fingerprint", cert->fingerprint, "NotBefore",
		(json_int_t)cert->not_before, "NotAfter", (json_int_t)cert->not_after,
		"ChainLength", (int)info->chain_length, "Anchors", (int)info->anchor_count,
		"Problem", cli_diagnosis_json(&info->problem));
}

static void print_certificate(const struct cli *cli, const struct cert_info *cert)
{
	char from[32], until[32];

	cli_field(cli, "Subject", "%s", cert->subject);
	cli_field(cli, "Issuer", "%s", cert->issuer);
	if (cert->names[0])
		cli_field(cli, "Names", "%s", cert->names);
	cli_field(cli, "Valid", "%s to %s", date(cert->not_before, from),
		  date(cert->not_after, until));
	cli_field(cli, "Serial", "%s", cert->serial);
	cli_field(cli, "SHA-256", "%s", cert->fingerprint);
}

static void print_secret(const struct cli *cli, const struct credential_info *info)
{
	char username[KEYSTORE_USERNAME_MAX + 1], when[32];

	cli_field(cli, "Kind", "%s",
		  info->kind == CREDENTIAL_PASSWORD ? "name and password" : "symmetric key");
	cli_field(cli, "Name", "%s",
		  printable(slice_str(info->username), username, sizeof username));
	cli_field(cli, "Generation", "%u, since %s; %u kept", info->generation,
		  date(info->imported, when), info->generations);
}

void credentials_print(const struct cli *cli, const struct credential_info *info)
{
	char words[64], when[32];

	printf("%s%s%s: %s\n", cli_colour(cli, BOLD), info->name, cli_colour(cli, PLAIN),
	       state(info, words, sizeof words));
	if (info->problem.id != DIAG_NONE) {
		AUTO(json_t) problem = cli_diagnosis_json(&info->problem);

		cli_diagnosis_print(cli, 2, problem);
	}
	if (info->username[0])
		print_secret(cli, info);
	if (info->cert.not_after == 0)
		return;
	print_certificate(cli, &info->cert);
	cli_field(cli, "Key", "%s, %s", info->cert.key,
		  info->key_uri[0] ? info->key_uri : "in the keystore");
	cli_field(cli, "Chain", "%zu intermediate, %zu root", info->chain_length,
		  info->anchor_count);
	cli_field(cli, "Generation", "%u, since %s; %u kept", info->generation,
		  date(info->imported, when), info->generations);
}

/* ---- list ---------------------------------------------------------------------------------- */

static void add_json(void *context, const struct credential_info *info)
{
	json_array_append_new(context, credentials_json(info));
}

static void add_row(void *context, const struct credential_info *info)
{
	bool known = info->cert.not_after != 0;
	char number[16], until[32], words[64];

	snprintf(number, sizeof number, "%u", info->generation);
	json_array_append_new(context, json_pack("[s, s, s, s, s]", info->name, number,
						 known		     ? info->cert.key
						 : info->username[0] ? info->kind_name
								     : "-",
						 known ? date(info->cert.not_after, until) : "-",
						 state(info, words, sizeof words)));
}

enum exit_status cmd_credentials_list(const struct cli *cli)
{
	static const char *const headings[] = { "NAME", "GEN", "KEY", "EXPIRES", "STATE" };
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO(json_t) all = json_array();
	enum exit_status status = credentials_open(cli, false, &keystore);

	if (status != DONE)
		return status;

	int r = keystore_list(keystore, cli->json ? add_json : add_row, all);

	if (r < 0)
		return cli_fail(cli, FAILED, "cannot list the keystore", strerror(-r), NULL);
	if (cli->json)
		return cli_json(cli, all);
	if (json_array_size(all) == 0)
		cli_note(cli, "The keystore is empty.");
	else
		cli_table(cli, headings, sizeof headings / sizeof headings[0], all);
	return DONE;
}

/* ---- show, export, remove ------------------------------------------------------------------ */

enum exit_status cmd_credentials_show(const struct cli *cli)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	const char *name = cli->args[0];
	struct credential_info info;
	struct diagnosis why;
	enum exit_status status = credentials_open(cli, false, &keystore);

	if (status != DONE)
		return status;

	int r = keystore_show(keystore, name, &info, &why);

	if (r < 0)
		return credentials_fail(cli, "show", name, r, &why);
	if (cli->json) {
		AUTO(json_t) object = credentials_json(&info);

		return cli_json(cli, object);
	}
	credentials_print(cli, &info);
	return DONE;
}

/* Public parts only, so that others may read it; what is there already is not overwritten. */
static enum exit_status write_new(const struct cli *cli, const char *path, struct slice content)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t n = fd < 0 ? -1 : write(fd, content.p, content.len);

	if (n == (ssize_t)content.len)
		return DONE;
	return cli_fail(cli, FAILED, path, n < 0 ? strerror(errno) : "it was not written whole",
			"Name a file that does not exist yet, in a directory with room.");
}

enum exit_status cmd_credentials_export(const struct cli *cli)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_VALUE(bytes) pem = { 0 };
	const char *name = cli->args[0];
	struct diagnosis why;
	enum exit_status status;

	if (cli->secret)
		return credentials_export_secret(cli);
	status = credentials_open(cli, false, &keystore);
	if (status != DONE)
		return status;

	int r = keystore_export(keystore, name, &pem, &why);

	if (r < 0)
		return credentials_fail(cli, "export", name, r, &why);
	if (cli->output)
		status = write_new(cli, cli->output, bytes_slice(&pem));
	if (status != DONE)
		return status;
	if (cli->json) {
		AUTO(json_t)
		object =
			json_pack("{s:s, s:s%}", "Name", name, "PEM", (const char *)pem.p, pem.len);

		return cli_json(cli, object);
	}
	if (!cli->output)
		fwrite(pem.p, 1, pem.len, stdout);
	return DONE;
}

enum exit_status cmd_credentials_remove(const struct cli *cli)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	const char *name = cli->args[0];
	struct diagnosis why;
	enum exit_status status = credentials_open(cli, false, &keystore);

	if (status != DONE)
		return status;

	int r = keystore_remove(keystore, name, &why);

	if (r < 0)
		return credentials_fail(cli, "remove", name, r, &why);
	cli_note(cli, "Removed %s with all its generations.", name);

	AUTO(json_t) result = json_pack("{s:s}", "Removed", name);

	return cli_reload(cli, result);
}
