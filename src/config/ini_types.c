#include "config/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- integers of any width: the field's size decides ---- */

static bool store_integer(const struct ini_key *key, long long value, void *field)
{
	switch (key->size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		return true;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		return true;
	case 8:
		*(uint64_t *)field = (uint64_t)value;
		return true;
	}
	return false;
}

static long long load_integer(const struct ini_key *key, const void *field)
{
	switch (key->size) {
	case 1:
		return *(const uint8_t *)field;
	case 4:
		return *(const int32_t *)field;
	case 8:
		return *(const int64_t *)field;
	}
	return 0;
}

static bool in_range(const struct ini_key *key, long long value)
{
	return (key->least == 0 && key->most == 0) || (value >= key->least && value <= key->most);
}

static bool parse_word(const struct ini_key *key, const char *text, void *field)
{
	for (const struct ini_word *w = key->words; w && w->word; w++) {
		if (strcasecmp(w->word, text) == 0)
			return store_integer(key, w->value, field);
	}
	return false;
}

static bool print_word(const struct ini_key *key, const void *field, FILE *out)
{
	for (const struct ini_word *w = key->words; w && w->word; w++) {
		if (w->value != load_integer(key, field))
			continue;
		fputs(w->word, out);
		return true;
	}
	return false;
}

static void print_enum(const struct ini_key *key, const void *field, FILE *out)
{
	if (!print_word(key, field, out))
		fprintf(out, "%lld", load_integer(key, field));
}

const struct ini_type ini_enum = {
	.shown = "word",
	.parse = parse_word,
	.print = print_enum,
};

static bool parse_bool(const struct ini_key *key, const char *text, void *field)
{
	static const struct ini_word words[] = {
		{ "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 }, { "on", 1 },
		{ "off", 0 }, { "1", 1 },  { "0", 0 },	  { NULL, 0 },
	};

	(void)key;
	for (const struct ini_word *w = words; w->word; w++) {
		if (strcasecmp(w->word, text) != 0)
			continue;
		*(bool *)field = w->value;
		return true;
	}
	return false;
}

static void print_bool(const struct ini_key *key, const void *field, FILE *out)
{
	(void)key;
	fputs(*(const bool *)field ? "yes" : "no", out);
}

const struct ini_type ini_bool = {
	.shown = "yes|no",
	.expected = "yes or no",
	.parse = parse_bool,
	.print = print_bool,
};

static bool parse_number(const struct ini_key *key, const char *text, void *field)
{
	char *end;

	if (parse_word(key, text, field))
		return true;
	if (text[strspn(text, "-0123456789")] != '\0')
		return false;
	errno = 0;

	long long value = strtoll(text, &end, 10);

	if (end == text || *end || errno || !in_range(key, value))
		return false;
	return store_integer(key, value, field);
}

const struct ini_type ini_number = {
	.shown = "number",
	.expected = "a whole number",
	.parse = parse_number,
	.print = print_enum,
};

/* ---- spans of time ---- */

static const struct unit {
	const char *name;
	long long msec;
} units[] = {
	{ "ms", 1 },	       { "msec", 1 },	    { "s", 1000 },	  { "sec", 1000 },
	{ "min", 60000 },      { "m", 60000 },	    { "h", 3600000 },	  { "hour", 3600000 },
	{ "d", 86400000 },     { "day", 86400000 }, { "days", 86400000 }, { "w", 604800000 },
	{ "week", 604800000 }, { "", 1000 },
};

/* "1min 30s": the sum in milliseconds; -1 if it is none. No more than about ten thousand years, so
 * that sums cannot run over. */
static long long parse_span(const char *text)
{
	const long long most = 10000LL * 366 * 86400000;
	long long sum = 0;

	if (!*text)
		return -1;
	while (*text) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 12)
			return -1;

		long long value = strtoll(text, NULL, 10);

		text += digits;
		text += strspn(text, " \t");

		size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		const struct unit *unit = NULL;

		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
			if (strlen(units[i].name) == len && strncmp(text, units[i].name, len) == 0)
				unit = &units[i];
		}
		if (!unit || value > most / unit->msec || sum > most - value * unit->msec)
			return -1;
		sum += value * unit->msec;
		text += len;
		text += strspn(text, " \t");
	}
	return sum;
}

static void print_span(long long value, FILE *out)
{
	static const struct unit shown[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 },
	};
	size_t i = 0;

	if (value == 0) {
		fputs("0s", out);
		return;
	}
	while (value % shown[i].msec != 0)
		i++;
	fprintf(out, "%lld%s", value / shown[i].msec, shown[i].name);
}

static bool parse_msec(const struct ini_key *key, const char *text, void *field)
{
	if (parse_word(key, text, field))
		return true;

	long long value = parse_span(text);

	return value >= 0 && in_range(key, value) && store_integer(key, value, field);
}

static void print_msec(const struct ini_key *key, const void *field, FILE *out)
{
	if (!print_word(key, field, out))
		print_span(load_integer(key, field), out);
}

const struct ini_type ini_msec = {
	.shown = "time",
	.expected = "a span of time",
	.parse = parse_msec,
	.print = print_msec,
};

static bool parse_spans(const struct ini_key *key, const char *text, void *field)
{
	struct spans *spans = field;
	long long value = parse_span(text);

	if (value < 0 || !in_range(key, value) || spans->count == INI_LIST_MAX)
		return false;
	spans->seconds[spans->count++] = value / 1000;
	return true;
}

static void print_spans(const struct ini_key *key, const void *field, FILE *out)
{
	const struct spans *spans = field;

	(void)key;
	for (size_t i = 0; i < spans->count; i++) {
		if (i > 0)
			fputc(' ', out);
		print_span(spans->seconds[i] * 1000, out);
	}
}

static void clear_spans(void *field)
{
	((struct spans *)field)->count = 0;
}

const struct ini_type ini_spans = {
	.shown = "time ...",
	.expected = "spans of time",
	.list = true,
	.parse = parse_spans,
	.print = print_spans,
	.clear = clear_spans,
};

/* ---- texts ---- */

bool ini_keep_text(const char *text, void *field)
{
	char **place = field, *copy = strdup(text);

	if (!copy)
		return false;
	free(*place);
	*place = copy;
	return true;
}

bool ini_keep_word(const char *text, void *field)
{
	struct words *words = field;
	char *copy = words->count < INI_LIST_MAX ? strdup(text) : NULL;

	if (!copy)
		return false;
	words->word[words->count++] = copy;
	return true;
}

void ini_print_text(const struct ini_key *key, const void *field, FILE *out)
{
	const char *text = *(char *const *)field;

	(void)key;
	if (text)
		fputs(text, out);
}

void ini_print_words(const struct ini_key *key, const void *field, FILE *out)
{
	const struct words *words = field;

	(void)key;
	for (size_t i = 0; i < words->count; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", words->word[i]);
}

void ini_clear_text(void *field)
{
	free(*(char **)field);
	*(char **)field = NULL;
}

void ini_clear_words(void *field)
{
	struct words *words = field;

	while (words->count > 0)
		free(words->word[--words->count]);
}

static bool parse_text(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return ini_keep_text(text, field);
}

const struct ini_type ini_text = {
	.shown = "text",
	.expected = "a text",
	.parse = parse_text,
	.print = ini_print_text,
	.clear = ini_clear_text,
};

static bool parse_texts(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return ini_keep_word(text, field);
}

const struct ini_type ini_texts = {
	.shown = "text ...",
	.expected = "texts",
	.list = true,
	.parse = parse_texts,
	.print = ini_print_words,
	.clear = ini_clear_words,
};

static bool parse_path(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return text[0] == '/' && ini_keep_text(text, field);
}

const struct ini_type ini_path = {
	.shown = "path",
	.expected = "an absolute path",
	.parse = parse_path,
	.print = ini_print_text,
	.clear = ini_clear_text,
};

static bool parse_paths(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return text[0] == '/' && ini_keep_word(text, field);
}

const struct ini_type ini_paths = {
	.shown = "path ...",
	.expected = "absolute paths",
	.list = true,
	.parse = parse_paths,
	.print = ini_print_words,
	.clear = ini_clear_words,
};

/* ---- MAC addresses: six octets in hex, separated by colons or hyphens ---- */

#define MAC_PRINT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_OF(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

bool ini_parse_mac(const char *text, uint8_t mac[6])
{
	uint8_t out[6];

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		char after = text[3 * i + 2];

		if (high < 0 || low < 0 || (after != (i < 5 ? text[2] : '\0')))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	if (text[2] != ':' && text[2] != '-')
		return false;
	memcpy(mac, out, sizeof out);
	return true;
}

static bool parse_mac(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return ini_parse_mac(text, field);
}

static void print_mac(const struct ini_key *key, const void *field, FILE *out)
{
	const uint8_t *mac = field;

	(void)key;
	fprintf(out, MAC_PRINT, MAC_OF(mac));
}

const struct ini_type ini_mac = {
	.shown = "address",
	.expected = "a MAC address such as 01:80:c2:00:00:03",
	.parse = parse_mac,
	.print = print_mac,
};

static bool parse_macs(const struct ini_key *key, const char *text, void *field)
{
	uint8_t mac[6];
	char canonical[18];

	(void)key;
	if (!ini_parse_mac(text, mac))
		return false;
	snprintf(canonical, sizeof canonical, MAC_PRINT, MAC_OF(mac));
	return ini_keep_word(canonical, field);
}

const struct ini_type ini_macs = {
	.shown = "address ...",
	.expected = "MAC addresses such as 02:00:5e:10:00:01",
	.list = true,
	.parse = parse_macs,
	.print = ini_print_words,
	.clear = ini_clear_words,
};

/* ---- what a key takes ---- */

static void print_range(const struct ini_key *key, FILE *out)
{
	bool time = key->type == &ini_msec || key->type == &ini_spans;

	if (key->least == 0 && key->most == 0)
		return;
	fputs(" from ", out);
	if (time)
		print_span(key->least, out);
	else
		fprintf(out, "%lld", key->least);
	fputs(" to ", out);
	if (time)
		print_span(key->most, out);
	else
		fprintf(out, "%lld", key->most);
}

void ini_print_expected(const struct ini_key *key, FILE *out)
{
	const char *expected = key->type->expected;
	bool list = expected && expected[strlen(expected) - 1] == ':'; /* of the words alone */

	if (expected) {
		fputs(expected, out);
		print_range(key, out);
		if (key->type == &ini_msec || key->type == &ini_spans)
			fputs(", such as 30s or 5min", out);
	}
	for (const struct ini_word *w = key->words; w && w->word; w++) {
		const char *first = list ? " " : "";
		const char *before = w == key->words ? first : w[1].word ? ", " : " or ";

		fprintf(out, "%s%s", expected && !list ? ", or " : before, w->word);
	}
}
