#include "tests/fuzz/enrol_ends.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/enrol_duo.h"
#include "tests/fuzz/meddle.h"

static struct enrol_duo duo;

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

/* ---- a world, made once --------------------------------------------------------------------- */

static struct bytes issued; /* for the duo's key */
static struct meddler meddler;
static bool for_server;

static void make_world(struct enrol_duo *world)
{
	struct pki_spec spec = { .cn = "m.example.org",
				 .key_usage = "critical,digitalSignature",
				 .eku = "clientAuth" };
	struct pki_cert cert;

	enrol_duo_init(world, NULL, NULL);
	spec.key = world->key;
	cert = pki_make(&spec, &world->issuer);
	issued = pki_der(cert.cert);
	pki_cert_done(&cert);
}

static void begin(const struct enrol_pair *pair, uint8_t how)
{
	static struct enrol_duo world;

	if (!world.key)
		make_world(&world);
	duo = world;
	duo.peer = pair->peer;
	duo.server = pair->server;
	duo.server_job.authority = &duo.authority;
	choose(how);
}

static void end(void)
{
	if (duo.peer_self) {
		judge_peer();
		duo.peer->free(duo.peer_self);
	}
	if (duo.server_self) {
		judge_server();
		duo.server->free(duo.server_self);
	}
	bytes_done(&duo.kept);
	bytes_done(&duo.issued);
}

void enrol_ends_listen(const struct enrol_pair *pair, struct slice input)
{
	struct rd in = rd_of(input), ahead;
	uint8_t how = rd_u8(&in);

	ahead = in;
	if (pair->readable && !(how & 32) && !pair->readable(next_message(&ahead).data))
		return;
	begin(pair, how);
	pair->server_listens ? raw_server(&in) : raw_peer(&in);
	end();
}

static void on_way(struct enrol_duo *d, unsigned count, struct enrol_output *message)
{
	(void)d;
	if ((count % 2 == 1) != for_server)
		return;
	meddle(&meddler, &message->headers);
	meddle(&meddler, &message->data);
}

static void on_question(struct enrol_duo *d, const struct enrol_question *question,
			struct enrol_reply *reply)
{
	(void)d;
	if (question->kind == ENROL_ASKS_ISSUE)
		reply->certificate = bytes_slice(&issued);
}

void enrol_ends_talk(const struct enrol_pair *pair, struct slice input)
{
	struct rd in = rd_of(input);

	begin(pair, rd_u8(&in));
	duo.authority.forwards = false;
	duo.on_way = on_way;
	duo.on_question = on_question;
	for_server = pair->server_listens;
	meddler = meddler_of(rd_rest(&in));
	(void)enrol_duo_run(&duo);
	end();
}
