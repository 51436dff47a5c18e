/* A hostile peer of EAP-MSCHAPv2: packets, each behind its length in one octet, of which the lowest
 * bit of the first octet says whether the account is there, and the next two how often it may try
 * again.  Nobody knows the password. */
#include <assert.h>
#include <stdlib.h>

#include "eap/packet.h"
#include "method/mschapv2_server.h"
#include "tests/legacy.h"

#define ROUNDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[MSCHAP_HASH_SIZE] = "another password";
	const struct moment now = { .mono = 1 };
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in), out[1024];
	struct mschapv2_server_context context = { .mschap = test_mschap(),
						   .name = "test",
						   .retries = mode >> 1 & 3 };
	const struct eap_server_about about = { .identity = slice_str("DOMAIN\\bob"), .now = now };
	const struct eap_reply reply = { .accept = mode & 1,
					 .with.password.secret = slice_of(hash, sizeof hash) };
	const struct eap_server_method *m = &mschapv2_server_method;
	enum eap_server_state state = METHOD_GOES_ON;
	struct eap_keys keys = { 0 };
	void *self;

	if (m->init(&context, &about, &self) != OK)
		abort();
	for (int i = 0; i < ROUNDS_MAX && in.left > 0 && state == METHOD_GOES_ON; i++) {
		struct wr w = wr_of(out, sizeof out);
		size_t len = rd_u8(&in);
		const struct eap_packet packet = {
			.code = EAP_RESPONSE,
			.type = m->type,
			.data = rd_bytes(&in, len < in.left ? len : in.left),
		};

		m->build(self, &w);
		assert(wr_ok(&w) && w.len > 0);
		state = m->process(self, &packet, now);
		if (state == METHOD_ASKS)
			state = m->answer(self, &reply, now);
		assert(state == METHOD_GOES_ON || state == METHOD_FAILED);
	}
	assert(!m->take_keys(self, &keys));
	m->free(self);
	return 0;
}
