/* What the fuzz targets of provisioning protocols share: a hostile other end.
 *
 * The first octet chooses.  Without its lowest bit the rest is messages: two octets of length and
 * so much of Provisioning-Headers, two octets of length and so much of Provisioning-Data.  With it
 * a real other end speaks, and what it sends is changed where the rest says so: three octets each,
 * how far from the last place (two) and what to add; the octets of all its messages are counted
 * through. 2 and 4 choose what is going on: a token, a factory certificate, a renewal, a removal;
 * 8, that a confirmation is wanted; 16, that the authority forwards. */
#ifndef TESTS_FUZZ_ENROL_H
#define TESTS_FUZZ_ENROL_H

#include <assert.h>

#include "tests/enrol_duo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct enrol_duo duo;
static struct rd changes;
static size_t position, next_change; /* in all that is sent */
static bool for_server;

static void plan_change(void)
{
	next_change = changes.left >= 3 ? next_change + rd_u16(&changes) : SIZE_MAX;
}

static void change_octets(struct bytes *b)
{
	while (next_change != SIZE_MAX && next_change < position + b->len) {
		uint8_t *at = b->p + (next_change - position);

		*at = (uint8_t)(*at + rd_u8(&changes));
		plan_change();
	}
	position += b->len;
}

static void on_way(struct enrol_duo *d, unsigned count, struct enrol_output *message)
{
	(void)d;
	if ((count % 2 == 1) != for_server)
		return;
	change_octets(&message->headers);
	change_octets(&message->data);
}

static void choose(uint8_t how)
{
	switch (how >> 1 & 3) {
	case 0:
		enrol_duo_by_token(&duo);
		break;
	case 1:
		enrol_duo_by_factory(&duo);
		break;
	case 2:
		enrol_duo_renews(&duo, ENROL_RENEW);
		break;
	case 3:
		enrol_duo_renews(&duo, ENROL_REMOVE);
		break;
	}
	duo.server_job.confirm = how & 8;
	duo.authority.forwards = how & 16;
}

/* What came of one end: an end has a reason, a success has a certificate for our key. */
static void judge_peer(void)
{
	struct enrol_result result;

	if (duo.peer_state == ENROL_FAILED) {
		assert(duo.peer->fault(duo.peer_self)->error != ENROL_ERROR_NONE);
		assert(duo.peer->diagnosis(duo.peer_self)->id != DIAG_NONE);
	}
	if (duo.peer_state != ENROL_GOT && duo.peer_state != ENROL_DONE)
		return;
	duo.peer->result(duo.peer_self, &result);
	if (duo.peer_job.action != ENROL_REMOVE)
		assert(result.cert && EVP_PKEY_eq(X509_get0_pubkey(result.cert), duo.key) == 1);
}

static void judge_server(void)
{
	if (duo.server_state == ENROL_FAILED) {
		assert(duo.server->fault(duo.server_self)->error != ENROL_ERROR_NONE);
		assert(duo.server->diagnosis(duo.server_self)->id != DIAG_NONE);
	}
	assert((duo.server_state == ENROL_ASKS) == (duo.server->question(duo.server_self) != NULL));
}

static struct enrol_message next_message(struct rd *in)
{
	struct enrol_message message;
	size_t len = rd_u16(in);

	message.headers = rd_bytes(in, len < in->left ? len : in->left);
	len = rd_u16(in);
	message.data = rd_bytes(in, len < in->left ? len : in->left);
	return message;
}

static void raw_peer(struct rd *in)
{
	struct enrol_message nothing = { 0 };
	struct enrol_output out = { 0 };

	if (duo.peer->init(&duo.peer_job, &duo.peer_self) != OK)
		return;
	duo.peer_state = duo.peer->process(duo.peer_self, &nothing, &out, duo.now);
	while (in->left > 0 && duo.peer_state == ENROL_GOES_ON) {
		struct enrol_message message = next_message(in);

		duo.peer_state = duo.peer->process(duo.peer_self, &message, &out, duo.now);
		judge_peer();
	}
	enrol_output_done(&out);
}

static void raw_server(struct rd *in)
{
	struct enrol_output out = { 0 };

	if (duo.server->init(&duo.server_job, &out, &duo.server_self) != OK)
		return;
	duo.server_state = ENROL_GOES_ON;
	while (in->left > 0 && duo.server_state == ENROL_GOES_ON) {
		struct enrol_message message = next_message(in);

		duo.server_state = duo.server->process(duo.server_self, &message, &out, duo.now);
		judge_server();
		if (duo.server_state == ENROL_ASKS) {
			struct enrol_reply reply = { .accept = duo.authority.forwards };

			/* the CA is hostile too */
			if (duo.authority.forwards)
				reply.message = next_message(in).data;
			duo.server_state =
				duo.server->answer(duo.server_self, &reply, &out, duo.now);
			judge_server();
		}
	}
	enrol_output_done(&out);
}

static int fuzz_one(const struct enrol_peer_protocol *peer,
		    const struct enrol_server_protocol *server, bool server_is_target,
		    const uint8_t *data, size_t size)
{
	static bool made;
	static struct enrol_duo world; /* certificates and keys are made once */
	struct rd in = rd_of(slice_of(data, size));
	uint8_t how = rd_u8(&in);

	if (!made)
		enrol_duo_init(&world, peer, server);
	made = true;
	duo = world;
	duo.server_job.authority = &duo.authority;
	duo.kept = duo.issued = (struct bytes){ 0 };
	for_server = server_is_target;
	choose(how);
	if (!(how & 1))
		server_is_target ? raw_server(&in) : raw_peer(&in);
	else if (!duo.authority.forwards) {
		changes = in;
		position = next_change = 0;
		plan_change();
		duo.on_way = on_way;
		(void)enrol_duo_run(&duo);
		if (duo.peer_self)
			judge_peer();
		if (duo.server_self)
			judge_server();
	}
	if (duo.peer_self)
		duo.peer->free(duo.peer_self);
	if (duo.server_self)
		duo.server->free(duo.server_self);
	bytes_done(&duo.kept);
	bytes_done(&duo.issued);
	return 0;
}

#endif
