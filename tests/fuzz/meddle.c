#include "tests/fuzz/meddle.h"

#include <stdlib.h>

#include "base/random.h"

#define OTHER_MAX 512 /* octets of a message of the meddler's own */

static uint32_t randomness;

/* In place of base/random.c. */
enum status random_bytes(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		randomness = randomness * 1664525 + 1013904223;
		out[i] = (uint8_t)(randomness >> 24);
	}
	return OK;
}

struct meddler meddler_of(struct slice input)
{
	randomness = 1;
	return (struct meddler){ .input = rd_of(input) };
}

/* As many as there are. */
static struct slice some(struct rd *r, size_t len)
{
	return rd_bytes(r, len < r->left ? len : r->left);
}

void meddle_replace(struct bytes *data, size_t at, size_t gone, struct slice with)
{
	static uint8_t out[1 << 17];
	struct wr w = wr_of(out, sizeof out);
	struct rd r = rd_of(bytes_slice(data));

	wr_bytes(&w, some(&r, at));
	wr_bytes(&w, with);
	some(&r, gone);
	wr_bytes(&w, rd_rest(&r));
	if (wr_ok(&w) && bytes_set(data, wr_done(&w)) != OK)
		abort();
}

void meddle(struct meddler *m, struct bytes *message)
{
	m->message++;
	while (m->input.left > 0 && m->input.p[0] % 8 == m->message % 8) {
		unsigned what = rd_u8(&m->input) / 8;
		size_t at = rd_u16(&m->input);
		struct slice with = some(&m->input, rd_u8(&m->input) % 64);

		if (m->reform && what & 4)
			m->reform(message, what % 4, at, with);
		else if (what % 4 == 0)
			meddle_replace(message, at, with.len, with);
		else if (what % 4 == 1)
			meddle_replace(message, at, 0, with);
		else if (what % 4 == 2)
			meddle_replace(message, at, with.len, slice_of(NULL, 0));
		else
			meddle_replace(message, 0, message->len, some(&m->input, at % OTHER_MAX));
	}
}
