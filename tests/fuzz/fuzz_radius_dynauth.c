/* A hostile Dynamic Authorization Client that knows the secret, or not (the first octet above 0x7f:
 * what follows is signed).  What is refused has a cause; every answer is genuine, and what we build
 * from what we read is read the same. */
#include "radius/dynauth.h"
#include "tests/radius.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NOW 0x61616161

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct radius_crypto *crypto;

static void answer(const struct radius_dynauth *request, enum radius_error_cause cause)
{
	static uint8_t out[RADIUS_PACKET_MAX];
	struct slice packet;
	bool ack;
	uint32_t told;
	enum radius_fault fault =
		radius_dynauth_answer(crypto, SECRET, request, cause, out, &packet);

	if (fault == RADIUS_TOO_LONG)
		return;
	assert(fault == RADIUS_FINE);
	assert(radius_dynauth_hear(crypto, SECRET, request->packet.whole, packet, NOW, &ack,
				   &told) == RADIUS_FINE);
	assert(ack == (cause == RADIUS_CAUSE_NONE) && told == cause);
	assert(strlen(radius_error_cause_name(told)) > 0);
}

static void ask_again(const struct radius_dynauth *request)
{
	static uint8_t out[RADIUS_PACKET_MAX];
	const struct radius_dynauth_ask ask = {
		.coa = request->packet.code == RADIUS_COA_REQUEST,
		.who = request->who,
		.has_vlan = request->has_vlan,
		.vlan = request->vlan,
		.has_session_timeout = request->has_session_timeout,
		.session_timeout = request->session_timeout,
		.now = NOW,
	};
	struct slice packet;
	struct radius_dynauth again;
	enum radius_fault fault = radius_dynauth_build(crypto, SECRET, &ask, out, &packet);

	if (fault == RADIUS_TOO_LONG)
		return;
	assert(fault == RADIUS_FINE);
	assert(radius_dynauth_read(crypto, SECRET, packet, NOW, true, &again) == RADIUS_FINE);
	assert(again.vlan == request->vlan);
	assert(slice_eq(again.who.session_id, request->who.session_id));
	assert(strcmp(again.who.nas_address, request->who.nas_address) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[RADIUS_PACKET_MAX];
	struct rd r = rd_of(slice_of(data, size));
	uint8_t mode = size > 0 && data[0] >= 0x80 ? rd_u8(&r) : 0;
	struct slice in = rd_rest(&r);
	struct radius_packet packet;
	struct radius_dynauth request;

	if (!crypto && radius_crypto_new(&crypto) != OK)
		abort();
	if (mode & 0x80 && radius_packet_parse(in, &packet) == RADIUS_FINE)
		in = radius_signed(crypto, &packet, out);
	if (radius_dynauth_read(crypto, SECRET, in, NOW, mode & 1, &request) != RADIUS_FINE)
		return 0;
	answer(&request, RADIUS_CAUSE_NONE);
	answer(&request, request.refuse);
	answer(&request, RADIUS_CAUSE_NOT_FOUND);
	if (request.refuse == RADIUS_CAUSE_NONE)
		ask_again(&request);
	return 0;
}
