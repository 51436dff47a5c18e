#include <stdio.h>

#include "method/mschap.h"

static bool is_space(uint8_t c)
{
	return c == ' ';
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "need not be 10 digits"; one that does not fit is none. */
static unsigned number(struct slice text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || n > 0xfffffff)
			return 0;
		n = n * 10 + (text.p[i] - '0');
	}
	return n;
}

static bool challenge(struct slice text, uint8_t out[MSCHAPV2_CHALLENGE_SIZE])
{
	if (text.len != 2 * (size_t)MSCHAPV2_CHALLENGE_SIZE)
		return false;
	for (size_t i = 0; i < MSCHAPV2_CHALLENGE_SIZE; i++) {
		int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void take(uint8_t letter, struct slice value, struct mschap_error *e)
{
	if (letter == 'E')
		e->code = number(value);
	else if (letter == 'R')
		e->retry = slice_eq(value, slice_str("1"));
	else if (letter == 'C')
		e->has_challenge = challenge(value, e->challenge);
	else if (letter == 'V')
		e->version = number(value);
}

void mschap_error_parse(struct slice in, struct mschap_error *out)
{
	struct mschap_error e = { 0 };

	for (size_t i = 0; i + 2 <= in.len;) {
		size_t begin = i + 2, end = begin;

		if (in.p[i + 1] != '=') {
			i++;
			continue;
		}
		if (in.p[i] == 'M') { /* the last, with spaces in it */
			e.message = slice_of(in.p + begin, in.len - begin);
			break;
		}
		while (end < in.len && !is_space(in.p[end]))
			end++;
		take(in.p[i], slice_of(in.p + begin, end - begin), &e);
		i = end;
	}
	*out = e;
}

static void put(struct wr *w, const char *key, unsigned n)
{
	char text[32];

	snprintf(text, sizeof text, "%s=%u", key, n);
	wr_bytes(w, slice_str(text));
}

static void put_challenge(struct wr *w, const uint8_t challenge[MSCHAPV2_CHALLENGE_SIZE])
{
	static const char hex[] = "0123456789ABCDEF";

	wr_bytes(w, slice_str(" C="));
	for (size_t i = 0; i < MSCHAPV2_CHALLENGE_SIZE; i++) {
		wr_u8(w, (uint8_t)hex[challenge[i] >> 4]);
		wr_u8(w, (uint8_t)hex[challenge[i] & 15]);
	}
}

void mschap_error_build(struct wr *w, const struct mschap_error *error)
{
	put(w, "E", error->code);
	put(w, " R", error->retry);
	if (error->has_challenge)
		put_challenge(w, error->challenge);
	put(w, " V", error->version);
	if (error->message.len > 0) {
		wr_bytes(w, slice_str(" M="));
		wr_bytes(w, error->message);
	}
}

const char *mschap_error_text(unsigned code)
{
	switch (code) {
	case MSCHAP_RESTRICTED_HOURS:
		return "not at this time of day";
	case MSCHAP_ACCOUNT_DISABLED:
		return "the account is disabled";
	case MSCHAP_PASSWORD_EXPIRED:
		return "the password has expired";
	case MSCHAP_NO_DIALIN:
		return "the account may not use this network";
	case MSCHAP_AUTHENTICATION_FAILURE:
		return "the name or the password is wrong";
	case MSCHAP_CHANGING_PASSWORD:
		return "the password could not be changed";
	default:
		return code ? "a code that is not known" : "no reason was told";
	}
}
