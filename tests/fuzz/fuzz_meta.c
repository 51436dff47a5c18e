/* What is said about a generation of the keystore: what parses is written, and read again, to the
 * same. */
#include <assert.h>

#include "keystore/dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_VALUE(bytes) text = { 0 };
	struct diagnosis why = { 0 };
	struct meta meta, again;
	int r;

	if (size > META_MAX)
		return 0;
	if (meta_parse(slice_of(data, size), &meta, &why) < 0) {
		assert(diagnosis_evidence(&why, "detail"));
		return 0;
	}
	r = meta_build(&meta, &text);
	assert(r == 0 && text.len <= META_MAX);
	r = meta_parse(bytes_slice(&text), &again, &why);
	assert(r == 0 && again.imported == meta.imported && again.kind == meta.kind);
	return 0;
}
