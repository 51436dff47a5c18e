/* The URI of a key, as somebody wrote it: what is taken for one has no PIN in it and can be stored,
 * what is refused has a reason.  It is not opened. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "keystore/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A question mark may also stand in a value. */
static void check_query(const char *query)
{
	assert(!query || strncmp(query + 1, "pin-value=", 10) != 0);
	assert(!query || !strstr(query, "&pin-value="));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(char) text = malloc(size + 1);
	struct diagnosis why = { 0 };
	char sentence[1024];

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (!key_uri_valid(text, &why)) {
		assert(why.id == DIAG_KEY_UNREADABLE && diagnosis_evidence(&why, "detail"));
		diagnosis_sentence(&why, sentence, sizeof sentence);
		return 0;
	}
	assert(why.id == DIAG_NONE);
	assert(isalpha((unsigned char)text[0]) && strchr(text, ':') && strlen(text) < 256);
	for (const char *c = text; *c; c++)
		assert(isgraph((unsigned char)*c));
	if (strncasecmp(text, "pkcs11:", 7) == 0)
		check_query(strchr(text, '?'));
	return 0;
}
