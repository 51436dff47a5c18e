/* A hostile NAS that knows the secret, or not.  The first octet chooses: what follows is signed as
 * it has to be, or is taken as it is.  What is read is answered in every way, and each answer has
 * to be genuine, begin with its Message-Authenticator and carry all Proxy-States.  Duplicates are
 * found in a cache of few places. */
#include "radius/duplicates.h"
#include "radius/server.h"
#include "tests/radius.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct radius_crypto *crypto;
static struct radius_duplicates *duplicates;
static msec now;

static void check_answer(const struct radius_request *request, struct slice packet)
{
	struct radius_packet answer;

	assert(radius_packet_parse(packet, &answer) == RADIUS_FINE);
	assert(answer.id == request->packet.id);
	assert(radius_verify_response(crypto, SECRET, request->packet.code,
				      request->packet.authenticator, &answer) == RADIUS_FINE);
	assert(radius_count(&answer, RADIUS_PROXY_STATE) ==
	       radius_count(&request->packet, RADIUS_PROXY_STATE));
	assert(request->packet.code == RADIUS_ACCOUNTING_REQUEST ||
	       answer.attributes.p[0] == RADIUS_MESSAGE_AUTHENTICATOR);
}

static void answer(const struct radius_request *request, const uint8_t *msk)
{
	static const enum radius_code codes[] = { RADIUS_ACCESS_ACCEPT, RADIUS_ACCESS_REJECT,
						  RADIUS_ACCESS_CHALLENGE,
						  RADIUS_ACCOUNTING_RESPONSE };
	uint8_t out[RADIUS_PACKET_MAX];
	struct slice packet;

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		const struct radius_reply reply = { .code = codes[i],
						    .eap = request->eap,
						    .state = request->state,
						    .session_timeout = 60,
						    .vlan = 20,
						    .msk = slice_of(msk, RADIUS_MSK_SIZE),
						    .user_name = request->who.user_name,
						    .message = slice_str("no") };
		enum radius_fault fault =
			radius_reply_build(crypto, SECRET, request, &reply, out, &packet);

		if (fault == RADIUS_FINE)
			check_answer(request, packet);
		else
			assert(fault == RADIUS_TOO_LONG || fault == RADIUS_WRONG_CODE);
	}
	if (radius_status_build(crypto, SECRET, request, now & 1, out, &packet) == RADIUS_FINE)
		check_answer(request, packet);
}

static void look_twice(const struct radius_packet *packet, uint8_t from)
{
	radius_ticket ticket, none;
	struct slice reply;
	struct slice source = slice_of(&from, 1);
	enum radius_known known =
		radius_duplicates_look(duplicates, source, packet, now, &ticket, &reply);

	assert((known == RADIUS_NEW) == (ticket != 0));
	assert((known == RADIUS_ANSWERED) == (reply.len > 0));
	assert(radius_duplicates_count(duplicates) <= PLACES);
	known = radius_duplicates_look(duplicates, source, packet, now, &none, &reply);
	assert(known != RADIUS_NEW);
	radius_duplicates_answer(duplicates, ticket, packet->whole, now);
	known = radius_duplicates_look(duplicates, source, packet, now, &none, &reply);
	assert(ticket == 0 || known == RADIUS_ANSWERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[RADIUS_PACKET_MAX], out[RADIUS_PACKET_MAX];
	static const uint8_t msk[RADIUS_MSK_SIZE];
	struct rd r = rd_of(slice_of(data, size));
	uint8_t mode = size > 0 && data[0] >= 0x80 ? rd_u8(&r) : 0;
	struct slice in = rd_rest(&r);
	struct radius_packet packet;
	struct radius_request request;
	enum radius_fault fault;

	if (!crypto && (radius_crypto_new(&crypto) != OK ||
			radius_duplicates_new(PLACES, RADIUS_KEEP, 1, &duplicates) != OK))
		abort();
	if (mode & 0x80 && radius_packet_parse(in, &packet) == RADIUS_FINE)
		in = radius_signed(crypto, &packet, out);
	now += mode;
	fault = radius_request_read(crypto, SECRET, in, room, &request);
	if (fault != RADIUS_FINE && fault != RADIUS_NO_EAP)
		return 0;
	assert(request.who.class_count <= RADIUS_CLASSES_MAX);
	assert(strlen(request.who.nas_address) < RADIUS_ADDRESS_MAX);
	assert(radius_eap_mtu(&request.who, 1020) >= 64);
	answer(&request, msk);
	look_twice(&request.packet, mode & 3);
	return 0;
}
