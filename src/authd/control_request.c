/* Requests on the control socket: hostile lines of JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/control.h"
#include "authd/registry.h"
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

static bool takes_target(enum control_command command)
{
	return command == CONTROL_DISCONNECT || command == CONTROL_REAUTH;
}

static bool takes_limit(enum control_command command)
{
	return command == CONTROL_AUDIT || command == CONTROL_MACHINES;
}

static int parse_target(const json_t *value, struct control_request *r, char *buffer, size_t size)
{
	const char *text = json_string_value(value);

	if (!text || !*text || strlen(text) >= sizeof r->target)
		return wrong(buffer, size, "\"target\" is the name of a session or a MAC address");
	printable(slice_str(text), r->target, sizeof r->target);
	return 0;
}

static int parse_limit(const json_t *value, struct control_request *r, char *buffer, size_t size)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 1 || n > REGISTRY_LIST_MAX)
		return wrong(buffer, size, "\"limit\" is a whole number from 1 to %d",
			     REGISTRY_LIST_MAX);
	r->limit = (unsigned)n;
	return 0;
}

static int parse_member(const char *key, const json_t *value, struct control_request *r,
			char *buffer, size_t size)
{
	if (strcmp(key, "command") == 0)
		return 0;
	if (strcmp(key, "target") == 0 && takes_target(r->command))
		return parse_target(value, r, buffer, size);
	if (strcmp(key, "limit") == 0 && takes_limit(r->command))
		return parse_limit(value, r, buffer, size);
	return wrong(buffer, size, "%s does not take \"%.64s\"", commands[r->command].name, key);
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
	if (failed == 0 && takes_target(r.command) && !*r.target)
		failed = wrong(ret_wrong, size, "%s needs a \"target\"", word);
	if (failed == 0)
		*ret_request = r;
	return failed;
}
