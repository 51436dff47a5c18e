/* A hostile server of CMP: see enrol_ends.h. */
#include "enrol/cmp_message.h"
#include "tests/fuzz/enrol_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool readable(struct slice data)
{
	struct cmp_message message;

	return cmp_message_parse(data, &message) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct enrol_pair pair = { &cmp_peer, &cmp_server, false, readable };

	enrol_ends_listen(&pair, slice_of(data, size));
	return 0;
}
