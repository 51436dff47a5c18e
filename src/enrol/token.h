/* Enrolment tokens as text: what a person types, or a camera reads.
 *
 *	LK1-XXXXX-XXXXX-...	Crockford's base 32 (no I, L, O, U; case and hyphens do not matter)
 *
 * of: version (1 octet), id (8), secret (16), pin (16: the first half of the SHA-256 of the trust
 * anchor's SubjectPublicKeyInfo), checksum (3).  doc/cprom.md has the exact layout and test
 *vectors.
 */
#ifndef ENROL_TOKEN_H
#define ENROL_TOKEN_H

#include "base/bytes.h"
#include "base/diagnosis.h"

#define TOKEN_ID_SIZE	  8
#define TOKEN_SECRET_SIZE 16
#define TOKEN_PIN_SIZE	  16
#define TOKEN_TEXT_MAX	  128 /* with the NUL */

struct token {
	uint8_t id[TOKEN_ID_SIZE];
	uint8_t secret[TOKEN_SECRET_SIZE];
	uint8_t pin[TOKEN_PIN_SIZE];
};

/* MALFORMED with the reason (what it does not look like, a character that cannot be, a checksum
 * that tells of a typing error); the text is never repeated in it.  Spaces and hyphens are skipped.
 */
CHECKED enum status token_parse(struct slice text, struct token *ret_token, struct diagnosis *why);
void token_format(const struct token *token, char text[TOKEN_TEXT_MAX]);
void token_done(struct token *token); /* wipes */

#endif
