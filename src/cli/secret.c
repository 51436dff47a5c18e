/* `latchkeyctl credentials export --secret`: a password or symmetric key, for what is to use it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/credentials.h"
#include "keystore/place.h"
#include "tls/cert.h"

#define TEXT_MAX (2 * KEYSTORE_SECRET_MAX + 2)

/* A password as it is, a key in hex; a line. */
static size_t as_text(const struct credential_secret *c, bool hex, char text[TEXT_MAX])
{
	size_t len = c->secret.len;

	if (hex) {
		cert_hex(secret_slice(&c->secret), text, TEXT_MAX);
		len *= 2;
	} else {
		memcpy(text, c->secret.p, len);
	}
	text[len] = '\n';
	text[len + 1] = '\0';
	return len + 1;
}

static enum exit_status write_private(const struct cli *cli, const char *text, size_t len)
{
	AUTO_FD fd = open(cli->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, text, len);

	if (n == (ssize_t)len)
		return DONE;
	return cli_fail(cli, FAILED, cli->output,
			n < 0 ? strerror(errno) : "it was not written whole",
			"Name a file that does not exist yet, in a directory with room.");
}

static enum exit_status show(const struct cli *cli, const struct credential_secret *c)
{
	char text[TEXT_MAX], username[KEYSTORE_USERNAME_MAX + 1];
	size_t len = as_text(c, cli->json || c->kind == CREDENTIAL_SYMMETRIC, text);
	enum exit_status status = DONE;

	if (cli->output) {
		status = write_private(cli, text, len);
	} else if (cli->json) {
		AUTO(json_t)
		object = json_pack("{s:s, s:s, s:s, s:s%}", "Name", cli->args[0], "Kind",
				   credential_kind_name(c->kind), "UserName",
				   printable(slice_str(c->username), username, sizeof username),
				   "Secret", text, len - 1);

		status = cli_json(cli, object);
	} else {
		fwrite(text, 1, len, stdout);
	}
	explicit_bzero(text, sizeof text);
	return status;
}

enum exit_status credentials_export_secret(const struct cli *cli)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_VALUE(credential_secret) c = { 0 };
	struct diagnosis why;
	enum exit_status status = credentials_open(cli, false, &keystore);
	int r;

	if (status != DONE)
		return status;
	r = keystore_get_secret(keystore, cli->args[0], &c, &why);
	return r < 0 ? credentials_fail(cli, "export", cli->args[0], r, &why) : show(cli, &c);
}
