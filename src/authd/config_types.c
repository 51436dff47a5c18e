#include "authd/config_types.h"

#include <errno.h>
#include <fnmatch.h>
#include <openssl/objects.h>
#include <string.h>

#include "keystore/keystore.h"

#define TEXT_TYPE(name_, shown_, expected_, parse_)                                                \
	const struct ini_type name_ = { .shown = (shown_),                                         \
					.expected = (expected_),                                   \
					.parse = (parse_),                                         \
					.print = ini_print_text,                                   \
					.clear = ini_clear_text }
#define LIST_TYPE(name_, shown_, expected_, parse_, whole_)                                        \
	const struct ini_type name_ = { .shown = (shown_),                                         \
					.expected = (expected_),                                   \
					.list = true,                                              \
					.whole = (whole_),                                         \
					.parse = (parse_),                                         \
					.print = ini_print_words,                                  \
					.clear = ini_clear_words }

static bool parse_glob(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	/* A pattern that fnmatch cannot read would match nothing without a word. */
	return fnmatch(text, "", 0) != -1 && text[strlen(text) - 1] != '\\' &&
	       ini_keep_word(text, field);
}

static bool parse_credential(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return keystore_name_valid(text) && ini_keep_text(text, field);
}

static bool parse_prefix(const struct ini_key *key, const char *text, void *field)
{
	struct prefix prefix;

	(void)key;
	return prefix_parse(text, &prefix) && ini_keep_word(text, field);
}

static bool parse_database(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	if (strcmp(text, "off") == 0)
		return true; /* the field was cleared before */
	return (text[0] == '/' || strncmp(text, "postgresql://", 13) == 0) &&
	       ini_keep_text(text, field);
}

/* "CN=*.example.org": the attribute has to be one that exists. */
static bool parse_attribute(const struct ini_key *key, const char *text, void *field)
{
	const char *equals = strchr(text, '=');
	char name[64];

	(void)key;
	if (!equals || equals == text || (size_t)(equals - text) >= sizeof name || !equals[1])
		return false;
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	return OBJ_txt2nid(name) != NID_undef && text[strlen(text) - 1] != '\\' &&
	       ini_keep_word(text, field);
}

/* By name as OpenSSL has it, or as numbers; kept as numbers. */
static bool parse_usage(const struct ini_key *key, const char *text, void *field)
{
	ASN1_OBJECT *object = OBJ_txt2obj(text, 0);
	char dotted[128];
	int len = object ? OBJ_obj2txt(dotted, sizeof dotted, object, 1) : 0;

	(void)key;
	ASN1_OBJECT_free(object);
	errno = 0;
	return len > 0 && (size_t)len < sizeof dotted && ini_keep_word(dotted, field);
}

static bool parse_key_type(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return ca_key_type_valid(text) && ini_keep_word(text, field);
}

/* Where others find our lists: RFC 5280 and RFC 6960 know only plain HTTP to be of use there. */
static bool parse_url(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	if (strncmp(text, "http://", 7) != 0 || !text[7] || strlen(text) > 255)
		return false;
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return ini_keep_text(text, field);
}

/* A secret goes there, and comes back from there. */
static bool parse_service_url(const struct ini_key *key, const char *text, void *field)
{
	static const char *const begins[] = { "https://", "http://127.0.0.1", "http://[::1]",
					      "http://localhost" };

	(void)key;
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		size_t len = strlen(begins[i]);

		if (strncmp(text, begins[i], len) == 0 && strlen(text) <= 255 &&
		    (i == 0 ? text[len] != '\0' : strchr("/:", text[len]) != NULL))
			return ini_keep_text(text, field);
	}
	return false;
}

static bool parse_choice(const struct ini_key *key, const char *text, void *field)
{
	for (const struct ini_word *w = key->words; w && w->word; w++) {
		if (strcmp(w->word, text) == 0)
			return ini_keep_word(text, field);
	}
	return false;
}

LIST_TYPE(config_globs, "pattern ...", "patterns, in which * stands for any letters and ? for one",
	  parse_glob, false);
LIST_TYPE(config_prefixes, "prefix ...", "address prefixes such as 192.0.2.0/24 or 2001:db8::/32",
	  parse_prefix, false);
LIST_TYPE(config_attributes, "attribute=pattern",
	  "an attribute of a name and a pattern, such as CN=*.example.org or O=Example Ltd",
	  parse_attribute, true);
LIST_TYPE(config_usages, "usage ...",
	  "extended key usages such as clientAuth or 1.3.6.1.5.5.7.3.14", parse_usage, false);
LIST_TYPE(config_key_types, "type ...",
	  "kinds of keys: P-256, P-384, P-521, Ed25519, RSA-2048 to RSA-4096", parse_key_type,
	  false);
LIST_TYPE(config_choices, "word ...", "words of these:", parse_choice, false);
TEXT_TYPE(config_service_url, "url", "a URL with https://, or http:// of this machine",
	  parse_service_url);
TEXT_TYPE(config_url, "url", "a URL such as http://ca.example.org/crl", parse_url);
TEXT_TYPE(config_credential, "name",
	  "the name of a credential: letters, digits, '.', '_' and '-', 64 at most",
	  parse_credential);

static void print_database(const struct ini_key *key, const void *field, FILE *out)
{
	const char *text = *(char *const *)field;

	(void)key;
	fputs(text ? text : "off", out);
}

const struct ini_type config_database = {
	.shown = "path",
	.expected = "an absolute path, a postgresql:// URI or the word off",
	.parse = parse_database,
	.print = print_database,
	.clear = ini_clear_text,
};

/* ---- addresses ---- */

static bool parse_address(const struct ini_key *key, const char *text, void *field)
{
	struct addresses *addresses = field;

	(void)key;
	if (addresses->count == INI_LIST_MAX ||
	    !address_parse(text, &addresses->address[addresses->count]))
		return false;
	addresses->count++;
	return true;
}

static void print_addresses(const struct ini_key *key, const void *field, FILE *out)
{
	const struct addresses *addresses = field;
	char text[ADDRESS_TEXT_MAX];

	(void)key;
	for (size_t i = 0; i < addresses->count; i++) {
		const union address *a = &addresses->address[i];

		fprintf(out, "%s%s", i > 0 ? " " : "", address_text(a, address_port(a) != 0, text));
	}
}

static void clear_addresses(void *field)
{
	((struct addresses *)field)->count = 0;
}

const struct ini_type config_addresses = {
	.shown = "address ...",
	.expected = "addresses such as 192.0.2.1, 0.0.0.0:1812 or [::]:1812",
	.list = true,
	.parse = parse_address,
	.print = print_addresses,
	.clear = clear_addresses,
};

/* ---- secrets ---- */

static bool parse_secret(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strlen(text) <= CONFIG_SECRET_MAX && ini_keep_text(text, field);
}

static void print_secret(const struct ini_key *key, const void *field, FILE *out)
{
	(void)key;
	fputs(*(char *const *)field ? "(not shown)" : "", out);
}

static void clear_secret(void *field)
{
	char *text = *(char **)field;

	if (text)
		explicit_bzero(text, strlen(text));
	ini_clear_text(field);
}

const struct ini_type config_secret_text = {
	.shown = "text",
	.expected = "a text of no more than 256 octets",
	.parse = parse_secret,
	.print = print_secret,
	.clear = clear_secret,
};
