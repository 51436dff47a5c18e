#include "enrol/token.h"

#include <assert.h>
#include <string.h>

#define PREFIX	      "LK1"
#define CHECKSUM_SIZE 3
#define OCTETS	      (TOKEN_ID_SIZE + TOKEN_SECRET_SIZE + TOKEN_PIN_SIZE + CHECKSUM_SIZE)
#define DIGITS	      (OCTETS * 8 / 5)
#define GROUP	      4

static_assert(OCTETS * 8 % 5 == 0, "no bits are left over");
static_assert(DIGITS % GROUP == 0, "all groups are full");
static_assert(sizeof PREFIX + DIGITS + DIGITS / GROUP == TOKEN_TEXT_MAX, "and it is all of it");

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Crockford's base 32, https://www.crockford.com/base32.html; -1: not one of its characters. */
static int digit_of(uint8_t c)
{
	const char *found;

	if (c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	found = c ? strchr(alphabet, c) : NULL;
	return found ? (int)(found - alphabet) : -1;
}

/* RFC 4880, section 6.1. */
static uint32_t crc24(struct slice prefix, struct slice octets)
{
	uint32_t crc = 0xb704ce;

	for (size_t i = 0; i < prefix.len + octets.len; i++) {
		uint8_t octet = i < prefix.len ? prefix.p[i] : octets.p[i - prefix.len];

		crc ^= (uint32_t)octet << 16;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x800000 ? crc << 1 ^ 0x1864cfb : crc << 1;
	}
	return crc & 0xffffff;
}

static uint32_t checksum_of(const uint8_t octets[OCTETS])
{
	return crc24(slice_str(PREFIX), slice_of(octets, OCTETS - CHECKSUM_SIZE));
}

/* 40 bits at a time, which are eight digits. */
static void digits_of(const uint8_t *octets, size_t len, char *digits)
{
	uint64_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | octets[i];
		for (count += 8; count >= 5; count -= 5)
			*digits++ = alphabet[bits >> (count - 5) & 31];
	}
}

static void octets_of(const uint8_t *digits, size_t len, uint8_t *octets)
{
	uint64_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 5 | digits[i];
		count += 5;
		if (count >= 8) {
			count -= 8;
			*octets++ = (uint8_t)(bits >> count);
		}
	}
}

/* ---- reading ---- */

static enum status wrong(struct diagnosis *why, const char *detail)
{
	diagnosis_say(why, DIAG_TOKEN_TEXT, "%s", detail);
	return MALFORMED;
}

static bool is_between(uint8_t c)
{
	return c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "LK" and the number of the version, as digits are read. */
static enum status read_prefix(const uint8_t *digits, size_t count, struct diagnosis *why)
{
	static const char prefix[] = PREFIX;

	if (count < 3 || digits[0] != digit_of((uint8_t)prefix[0]) ||
	    digits[1] != digit_of((uint8_t)prefix[1]))
		return wrong(why, "it does not begin with " PREFIX);
	if (digits[2] == digit_of((uint8_t)prefix[2]))
		return OK;
	(void)wrong(why,
		    "it is of another version than " PREFIX ", which this program does not know");
	return UNSUPPORTED;
}

static enum status read_digits(struct slice text, uint8_t digits[3 + DIGITS], struct diagnosis *why)
{
	size_t count = 0, over = 0;
	enum status status;

	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.p[i]);

		if (is_between(text.p[i]))
			continue;
		if (digit < 0)
			return (status = read_prefix(digits, count, why)) != OK
				       ? status
				       : wrong(why, "there is a character in it that no token has");
		if (count < 3 + DIGITS)
			digits[count++] = (uint8_t)digit;
		else
			over++;
	}
	if ((status = read_prefix(digits, count, why)) != OK)
		return status;
	if (over > 0)
		return wrong(why, "it is too long");
	return count == 3 + DIGITS ? OK : wrong(why, "it is too short");
}

enum status token_parse(struct slice text, struct token *ret_token, struct diagnosis *why)
{
	uint8_t digits[3 + DIGITS] = { 0 }, octets[OCTETS];
	enum status status;

	if (text.len > TOKEN_INPUT_MAX)
		return wrong(why, "it is too long");
	status = read_digits(text, digits, why);
	if (status == OK) {
		octets_of(digits + 3, DIGITS, octets);

		struct rd r = rd_of(slice_of(octets, sizeof octets));

		memcpy(ret_token->id, rd_bytes(&r, TOKEN_ID_SIZE).p, TOKEN_ID_SIZE);
		memcpy(ret_token->secret, rd_bytes(&r, TOKEN_SECRET_SIZE).p, TOKEN_SECRET_SIZE);
		memcpy(ret_token->pin, rd_bytes(&r, TOKEN_PIN_SIZE).p, TOKEN_PIN_SIZE);
		if (rd_u24(&r) != checksum_of(octets)) {
			token_done(ret_token);
			status = wrong(why, "it was typed or copied wrongly somewhere");
		}
	}
	explicit_bzero(digits, sizeof digits);
	explicit_bzero(octets, sizeof octets);
	return status;
}

/* ---- writing ---- */

void token_format(const struct token *token, char text[TOKEN_TEXT_MAX])
{
	uint8_t octets[OCTETS] = { 0 };
	char digits[DIGITS];
	struct wr w = wr_of(octets, sizeof octets);

	wr_bytes(&w, slice_of(token->id, sizeof token->id));
	wr_bytes(&w, slice_of(token->secret, sizeof token->secret));
	wr_bytes(&w, slice_of(token->pin, sizeof token->pin));
	wr_u24(&w, checksum_of(octets));
	assert(wr_ok(&w));
	digits_of(octets, sizeof octets, digits);
	memcpy(text, PREFIX, sizeof PREFIX - 1);
	text += sizeof PREFIX - 1;
	for (size_t i = 0; i < DIGITS; i++) {
		if (i % GROUP == 0)
			*text++ = '-';
		*text++ = digits[i];
	}
	*text = '\0';
	explicit_bzero(octets, sizeof octets);
	explicit_bzero(digits, sizeof digits);
}

void token_done(struct token *token)
{
	explicit_bzero(token, sizeof *token);
}

void token_id_format(const uint8_t id[TOKEN_ID_SIZE], char text[TOKEN_ID_TEXT_MAX])
{
	digits_of(id, TOKEN_ID_SIZE, text);
	text[TOKEN_ID_TEXT_MAX - 1] = '\0';
}

enum status token_id_parse(struct slice text, uint8_t ret_id[TOKEN_ID_SIZE])
{
	uint8_t digits[TOKEN_ID_TEXT_MAX - 1];

	if (text.len != sizeof digits)
		return MALFORMED;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.p[i]);

		if (digit < 0)
			return MALFORMED;
		digits[i] = (uint8_t)digit;
	}
	octets_of(digits, sizeof digits, ret_id);
	return OK;
}
