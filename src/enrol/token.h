/* Enrolment tokens as text: what a person types, or a camera reads.
 *
 *	LK1-7Z3K-0Q9M-...	sixteen groups of four, Crockford's base 32 (no I, L, O, U)
 *
 * of 40 octets: id (5), secret (16), pin (16: the first half of the SHA-256 of the trust anchor's
 * SubjectPublicKeyInfo), checksum (3).  The checksum is the CRC-24 of RFC 4880, section 6.1, over
 * "LK1" and the octets before it: any one wrong character, any two that were exchanged, and any
 * damage within 24 bits is noticed, for certain.  In capital letters the text is alphanumeric for a
 * QR code, which then has version 4.  doc/cprom.md has test vectors. */
#ifndef ENROL_TOKEN_H
#define ENROL_TOKEN_H

#include "base/bytes.h"
#include "base/diagnosis.h"

#define TOKEN_ID_SIZE	  5
#define TOKEN_SECRET_SIZE 16
#define TOKEN_PIN_SIZE	  16
#define TOKEN_TEXT_MAX	  84 /* with the NUL; what is read may be longer by blanks */
#define TOKEN_INPUT_MAX	  512
#define TOKEN_FOREIGN_MAX 8192 /* of one that somebody else has made: JWT, OAuth */

struct token {
	uint8_t id[TOKEN_ID_SIZE];
	uint8_t secret[TOKEN_SECRET_SIZE];
	uint8_t pin[TOKEN_PIN_SIZE];
};

/* MALFORMED with the reason (what it does not look like, a character that cannot be, a checksum
 * that tells of a typing error); UNSUPPORTED when it is of a later version.  The text is never
 * repeated in the reason.  Blanks, hyphens and case do not count; O is read as 0, I and L as 1. */
CHECKED enum status token_parse(struct slice text, struct token *ret_token, struct diagnosis *why);
void token_format(const struct token *token, char text[TOKEN_TEXT_MAX]);
void token_done(struct token *token); /* wipes */

/* The id alone as text of 8 characters, as lists and logs have it; and back: MALFORMED. */
#define TOKEN_ID_TEXT_MAX 9
void token_id_format(const uint8_t id[TOKEN_ID_SIZE], char text[TOKEN_ID_TEXT_MAX]);
CHECKED enum status token_id_parse(struct slice text, uint8_t ret_id[TOKEN_ID_SIZE]);

#endif
