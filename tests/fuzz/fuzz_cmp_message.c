/* What a CMP message says, before anything of it is believed: all that is found lies within it, and
 * what is refused is refused for a reason that has a name. */
#include <assert.h>

#include "enrol/cmp_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice part, struct slice whole)
{
	assert(part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

/* The input, or the message of a seed of fuzz_cmp_peer, which has five octets before it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t skip = size > 5 && data[0] == 0 ? 5 : 0;
	const struct slice in = slice_of(data + skip, size - skip);
	struct slice new_with_new = { 0 }, new_with_old = { 0 };
	struct cmp_message m;
	unsigned failure = cmp_message_parse(in, &m);

	if (failure) {
		assert(cmp_failure_error(failure) != ENROL_ERROR_NONE);
		return 0;
	}
	assert(m.body < CMP_BODIES);
	check_within(m.transaction, in);
	check_within(m.sender_nonce, in);
	check_within(m.recip_nonce, in);
	check_within(m.text, in);
	check_within(m.certificate, in);
	check_within(m.ca_pubs, in);
	check_within(m.info, in);
	check_within(m.info_value, in);
	if (cmp_root_update(m.info_value, &new_with_new, &new_with_old)) {
		check_within(new_with_new, in);
		check_within(new_with_old, in);
	}
	return 0;
}
