/* A token as somebody typed it: what is read is written, and that is read as the same; what is
 * refused has a reason, which does not repeat it. */
#include "enrol/token.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token token = { 0 }, again = { 0 };
	struct diagnosis why = { 0 };
	char text[TOKEN_TEXT_MAX];

	if (token_parse(slice_of(data, size), &token, &why) != OK) {
		assert(why.id == DIAG_TOKEN_TEXT && diagnosis_evidence(&why, "detail"));
	} else {
		token_format(&token, text);
		assert(strlen(text) == TOKEN_TEXT_MAX - 1);
		assert(token_parse(slice_str(text), &again, &why) == OK);
		assert(memcmp(&token, &again, sizeof token) == 0);
	}
	/* Any octets make a token. */
	if (size >= sizeof token) {
		memcpy(&token, data, sizeof token);
		token_format(&token, text);
		assert(token_parse(slice_str(text), &again, &why) == OK);
		assert(memcmp(&token, &again, sizeof token) == 0);
	}
	return 0;
}
