/* clients.d/NAME.client: the keys, and what they mean together. */
#include <errno.h>
#include <string.h>

#include "authd/config_types.h"
#include "config/file.h"

/* clang-format off */
static const struct ini_word unlimited[] = { { "unlimited", 0 }, { NULL, 0 } };

#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct client_config, field_)

static const struct ini_key keys[] = {
	{ KEY("Client", "Prefix", config_prefixes, prefixes),
	  .doc = "The addresses this client may have, each an address alone or a prefix such as `192.0.2.0/24`. Where "
		"several clients fit, the one with the longest prefix is meant." },
	{ KEY("Client", "Secret", config_secret_text, secret_text),
	  .doc = "The secret shared with this client, of at least 8 octets; 16 random ones or more are "
		"wise. With it the file must not be readable by everybody." },
	{ KEY("Client", "SecretFile", ini_path, secret_file),
	  .doc = "Instead of Secret=, a file whose first line is the secret. It must not be readable by everybody." },
	{ KEY("RadSec", "Names", ini_texts, radsec_names),
	  .doc = "The names that this client's certificate may have over TLS, one of which it must have: "
		"`switch.example.org`, or `.example.org` for any host below. Without this key, and without a pre-shared "
		"key, the client cannot come over TLS." },
	{ KEY("RadSec", "PskIdentity", ini_text, psk_identity),
	  .doc = "Instead of a certificate: the client's name for the pre-shared key." },
	{ KEY("RadSec", "PskFile", ini_path, psk_file),
	  .doc = "The file with the pre-shared key as 32 to 128 hexadecimal digits. It must not be readable by "
		"everybody." },
	{ KEY("Limits", "NewPerSecond", ini_number, new_per_second), .least = 1, .most = 1000000,
	  .words = unlimited, .fallback = "unlimited",
	  .doc = "How many conversations this client may begin in a second. What is above it is not answered, and "
		"counted." },
};
/* clang-format on */

static const struct ini_table table = { keys, sizeof keys / sizeof keys[0] };

#define SECRET_LEAST 8

/* The first line, without its end. */
static struct slice first_line(const struct bytes *content)
{
	const uint8_t *end = memchr(content->p, '\n', content->len);
	size_t len = end ? (size_t)(end - content->p) : content->len;

	if (len > 0 && content->p[len - 1] == '\r')
		len--;
	return slice_of(content->p, len);
}

static void keep(const struct config_check *check, const char *key, struct slice secret,
		 struct secret *ret_secret)
{
	if (secret.len < SECRET_LEAST || secret.len > CONFIG_SECRET_MAX)
		config_wrong(check, key, "expected a secret of %d to %d octets, not of %zu.",
			     SECRET_LEAST, CONFIG_SECRET_MAX, secret.len);
	else if (secret_set(ret_secret, secret) != OK)
		(void)ini_errors_add_no_memory(check->errors, check->path);
}

void config_secret_file(const struct config_check *check, const char *key, const char *file,
			struct secret *ret_secret)
{
	AUTO_VALUE(bytes) content = { 0 };
	struct stat st;
	int r = file_read(file, 4096, &content, &st);

	if (r == -EACCES)
		config_wrong(check, key,
			     "%s cannot be read by this user; expected a file whose group is that "
			     "of the service (chgrp %s, chmod 0640), in a directory it may enter.",
			     file, AUTHD_USER);
	else if (r < 0)
		config_wrong(check, key, "%s cannot be read: %s.", file, strerror(-r));
	else if (st.st_mode & (S_IRWXO | S_IWGRP))
		config_wrong(check, key,
			     "%s is open to others; expected a file that only its owner can write "
			     "and only its group can read (chmod 0640).",
			     file);
	else
		keep(check, key, first_line(&content), ret_secret);
	if (content.p)
		explicit_bzero(content.p, content.cap);
}

void config_secret(const struct config_check *check, const char *secret, const char *file,
		   struct secret *ret_secret)
{
	struct stat st;

	if (secret && file) {
		config_wrong(check, "SecretFile",
			     "and Secret= are both set; only one of the two can be meant.");
	} else if (file) {
		config_secret_file(check, "SecretFile", file, ret_secret);
	} else if (secret) {
		keep(check, "Secret", slice_str(secret), ret_secret);
		/* A text in memory, of a test or fuzzer, is no file. */
		if (stat(check->path, &st) == 0 && st.st_mode & S_IROTH)
			config_wrong(check, "Secret",
				     "can be read by everybody; expected a file with a secret in "
				     "it to be closed to others (chmod o-r).");
	} else if (config_unset(check, "Secret") && config_unset(check, "SecretFile")) {
		config_wrong(check, "Secret",
			     "is missing, and so is SecretFile=: without a secret anybody could "
			     "pose as this client.");
	}
}

static void check_client(void *object, const struct config_check *check)
{
	struct client_config *client = object;
	size_t count = client->prefixes.count;

	if (count == 0 && config_unset(check, "Prefix"))
		config_wrong(
			check, "Prefix",
			"is missing: name the address of the client, or the network it is in.");
	client->prefix = calloc(count + 1, sizeof *client->prefix);
	if (!client->prefix)
		(void)ini_errors_add_no_memory(check->errors, check->path);
	for (size_t i = 0; client->prefix && i < count; i++) {
		if (prefix_parse(client->prefixes.word[i], &client->prefix[i]))
			client->prefix_count++;
	}
	if (!client->psk_identity != !client->psk_file)
		config_wrong(check, client->psk_file ? "PskIdentity" : "PskFile",
			     "is missing: a pre-shared key needs both.");
	else if (client->psk_file)
		config_psk(check, client->psk_file, &client->psk);
	config_secret(check, client->secret_text, client->secret_file, &client->secret);
}

static void drop_client(void *object)
{
	struct client_config *client = object;

	free(client->prefix);
	secret_done(&client->secret);
	secret_done(&client->psk);
}

const struct config_kind client_kind = {
	.what = "RADIUS client",
	.directory = "clients.d",
	.suffix = ".client",
	.table = &table,
	.size = sizeof(struct client_config),
	.check = check_client,
	.drop = drop_client,
};
