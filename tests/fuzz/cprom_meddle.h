/* A conversation of our two ends of CPROM in which packets of one direction are changed as the
 * input says: the number of a packet, a position in 16 bits, and what is done there (an octet is
 * changed, octets are put in, or taken out, or the packet is another one altogether). */
#ifndef TESTS_FUZZ_CPROM_MEDDLE_H
#define TESTS_FUZZ_CPROM_MEDDLE_H

#include <assert.h>
#include <string.h>

#include "tests/cprom_duo.h"

struct meddler {
	struct rd input;
	bool requests; /* these are changed */
	unsigned packet;
};

static inline void replace(struct bytes *data, size_t at, size_t gone, struct slice with)
{
	static uint8_t out[70000];
	struct wr w = wr_of(out, sizeof out);

	if (at > data->len)
		at = data->len;
	if (gone > data->len - at)
		gone = data->len - at;
	wr_bytes(&w, slice_of(data->p, at));
	wr_bytes(&w, with);
	wr_bytes(&w, slice_of(data->p + at + gone, data->len - at - gone));
	if (wr_ok(&w))
		assert(bytes_set(data, wr_done(&w)) == OK);
}

static inline void meddle(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct meddler *m = d->tamper_context;

	if (request != m->requests)
		return;
	m->packet++;
	while (m->input.left > 0 && m->input.p[0] % 8 == m->packet % 8) {
		uint8_t what = rd_u8(&m->input) / 8;
		size_t at = rd_u16(&m->input);
		struct slice with = rd_bytes(&m->input, rd_u8(&m->input) % 64);

		if (what % 4 == 0)
			replace(data, at, with.len, with);
		else if (what % 4 == 1)
			replace(data, at, 0, with);
		else if (what % 4 == 2)
			replace(data, at, with.len, slice_of(NULL, 0));
		else
			replace(data, 0, data->len, rd_bytes(&m->input, at % 512));
	}
}

/* The first octet chooses what is enrolled and how. */
static inline void play_cprom(const uint8_t *data, size_t size, bool requests)
{
	static struct cprom_duo duo;
	struct meddler m = { rd_of(slice_of(data, size)), requests, 0 };
	uint8_t how = rd_u8(&m.input);
	struct duo_shelf *shelf;

	if (!duo.root.cert) {
		cduo_init(&duo);
		duo.make_key = "Ed25519";
	}
	duo.credentials[0].type = how & 1 ? ENROL_PASSWORD : ENROL_X509;
	duo.grant.credentials = 1u << duo.credentials[0].type;
	duo.policy.validate = how & 2;
	duo.mtu = how & 4 ? 120 : 65000;
	duo.policy.password.flags = (how >> 3) & 3;
	duo.peer_settings.bare_challenges = duo.policy.bare_challenges = how & 32;
	duo.tamper = meddle;
	duo.tamper_context = &m;
	cduo_run(&duo);
	shelf = cduo_shelf(&duo, "net");
	assert(!shelf->put && !shelf->pending);
	assert(duo.packets <= 2000);
}

#endif
