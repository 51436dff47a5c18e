/* Requests on the control socket: hostile lines of JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "authd/control.h"
#include "authd/registry_enrol.h"
#include "base/bytes.h"
#include "config/ini.h"

DEFINE_AUTO(json_t, json_decref);

static const struct {
	const char *name;
	enum control_right right;
} commands[CONTROL_COMMAND_COUNT] = {
#define X(name, word, right) [CONTROL_##name] = { word, CONTROL_##right },
	CONTROL_COMMANDS(X)
#undef X
};

const char *control_command_name(enum control_command command)
{
	return commands[command].name;
}

enum control_right control_command_right(enum control_command command)
{
	return commands[command].right;
}

__attribute__((format(printf, 3, 4))) static int wrong(char *buffer, size_t size,
						       const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	printable(slice_str(text), buffer, size);
	return -EINVAL;
}

static int find_command(const char *word, enum control_command *ret, char *buffer, size_t size)
{
	const char *names[CONTROL_COMMAND_COUNT];

	for (size_t i = 0; i < CONTROL_COMMAND_COUNT; i++) {
		names[i] = commands[i].name;
		if (strcmp(names[i], word) == 0) {
			*ret = (enum control_command)i;
			return 0;
		}
	}

	const char *near = ini_nearest(word, names, CONTROL_COMMAND_COUNT);

	return wrong(buffer, size, "there is no command \"%.64s\"%s%s%s", word,
		     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* ---- members -------------------------------------------------------------------------------- */

#define OF(name)	(UINT64_C(1) << CONTROL_##name)
#define ACCOUNT_CHANGES (OF(ACCOUNT_ADD) | OF(ACCOUNT_PASSWORD))

struct member {
	const char *key;
	uint64_t takes, needs; /* commands, as bits */
	enum { TEXT, NUMBER } type;
	size_t offset, size;
	unsigned most; /* of a number, from 1 */
	const char *expected;
};

#define FIELD(field)                                                                               \
	offsetof(struct control_request, field), sizeof(((struct control_request *)0)->field)

/* clang-format off */
static const struct member members[] = {
	{ "target", OF(DISCONNECT) | OF(REAUTH) | OF(TOKEN_REVOKE) | OF(MACHINE_SHOW) | OF(MACHINE_REVOKE) |
		OF(MACHINE_RENEW) | ACCOUNT_CHANGES | OF(ACCOUNT_REMOVE),
	  UINT64_MAX, TEXT, FIELD(target), 0, "the name of a session, machine, token or account, or a MAC address" },
	{ "limit", OF(AUDIT) | OF(MACHINES) | OF(TOKEN_LIST) | OF(ACCOUNT_LIST),
	  0, NUMBER, FIELD(limit), REGISTRY_LIST_MAX, "a whole number" },
	{ "uses", OF(TOKEN_CREATE), 0, NUMBER, FIELD(uses), REGISTRY_TOKEN_USES_MAX, "a whole number" },
	{ "lifetime", OF(TOKEN_CREATE), 0, NUMBER, FIELD(lifetime), CONTROL_LIFETIME_MAX, "a number of seconds" },
	{ "profile", OF(TOKEN_CREATE), 0, TEXT, FIELD(profile), 0, "the name of a certificate profile" },
	{ "station", OF(TOKEN_CREATE), 0, TEXT, FIELD(station), 0, "a MAC address" },
	{ "serial", OF(TOKEN_CREATE), 0, TEXT, FIELD(serial), 0, "a serial number of at most 253 octets" },
	{ "name", OF(TOKEN_CREATE), 0, TEXT, FIELD(name), 0, "a common name of at most 64 octets" },
	{ "note", OF(TOKEN_CREATE), 0, TEXT, FIELD(note), 0, "a text of at most 253 octets" },
	{ "reason", OF(MACHINE_REVOKE), 0, TEXT, FIELD(reason), 0, "a reason" },
	{ "hash", ACCOUNT_CHANGES, ACCOUNT_CHANGES, TEXT, FIELD(hash), 0, "a hash of scrypt" },
	{ "nt-hash", ACCOUNT_CHANGES, 0, TEXT, FIELD(nt_hash), 0, "32 hexadecimal digits" },
	{ "clear-text", ACCOUNT_CHANGES, 0, TEXT, FIELD(clear_text), 0, "a password of 1 to 256 octets" },
};
/* clang-format on */

/* Names are shown and looked for as what can be printed; a password is what it is. */
static bool take_text(const struct member *m, const char *text, char *field)
{
	if (!text || !*text || strlen(text) >= m->size)
		return false;
	if (strcmp(m->key, "clear-text") == 0)
		memcpy(field, text, strlen(text) + 1);
	else
		printable(slice_str(text), field, m->size);
	return true;
}

static bool take(const struct member *m, const json_t *value, struct control_request *r)
{
	char *field = (char *)r + m->offset;
	json_int_t n = json_integer_value(value);

	switch (m->type) {
	case TEXT:
		return take_text(m, json_string_value(value), field);
	case NUMBER:
		if (!json_is_integer(value) || n < 1 || n > (json_int_t)m->most)
			return false;
		*(unsigned *)(void *)field = (unsigned)n;
		return true;
	}
	return false;
}

static int parse_member(const char *key, const json_t *value, struct control_request *r,
			char *buffer, size_t size)
{
	if (strcmp(key, "command") == 0)
		return 0;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		const struct member *m = &members[i];

		if (strcmp(m->key, key) != 0 || !(m->takes >> r->command & 1))
			continue;
		if (take(m, value, r))
			return 0;
		if (m->type == NUMBER)
			return wrong(buffer, size, "\"%s\" is %s from 1 to %u", key, m->expected,
				     m->most);
		return wrong(buffer, size, "\"%s\" is %s", key, m->expected);
	}
	return wrong(buffer, size, "%s does not take \"%.64s\"", commands[r->command].name, key);
}

static int check_needs(const json_t *object, const struct control_request *r, char *buffer,
		       size_t size)
{
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		const struct member *m = &members[i];

		if ((m->takes & m->needs) >> r->command & 1 && !json_object_get(object, m->key))
			return wrong(buffer, size, "%s needs a \"%s\"", commands[r->command].name,
				     m->key);
	}
	return 0;
}

void control_request_done(struct control_request *request)
{
	explicit_bzero(request, sizeof *request);
}

int control_request_parse(const char *line, size_t len, struct control_request *ret_request,
			  char *ret_wrong, size_t size)
{
	struct control_request r = { 0 };
	json_error_t error;
	AUTO(json_t) object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	const char *word = json_string_value(json_object_get(object, "command")), *key;
	json_t *value;
	int failed;

	if (!object)
		return wrong(ret_wrong, size, "this is no JSON: %s at column %d", error.text,
			     error.column);
	if (!json_is_object(object) || !word)
		return wrong(ret_wrong, size, "a request is an object with a \"command\"");
	failed = find_command(word, &r.command, ret_wrong, size);
	json_object_foreach(object, key, value)
	{
		if (failed == 0)
			failed = parse_member(key, value, &r, ret_wrong, size);
	}
	if (failed == 0)
		failed = check_needs(object, &r, ret_wrong, size);
	if (failed == 0)
		*ret_request = r;
	control_request_done(&r);
	return failed;
}
