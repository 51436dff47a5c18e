/* Both ends of SPP, with a hostile other end.  The first octets say which end, action, kind of
 * credential and generation; then messages, each after its length in 16 bits. */
#include <assert.h>

#include "enrol/protocol.h"
#include "enrol/cprom_tlv.h"
#include "tests/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum enrol_credential types[] = { ENROL_X509, ENROL_SYMMETRIC, ENROL_PASSWORD };
static struct pki_cert ca, machine;
static struct bytes certificate;

static void make_cast(void)
{
	if (ca.cert)
		return;
	ca = pki_ca("Root");
	machine = pki_client("machine", &ca);
	certificate = pki_der(machine.cert);
}

static void play_peer(struct enrol_peer_job *job, struct rd *r)
{
	struct enrol_result result;
	enum enrol_state state = ENROL_GOES_ON;
	void *self;

	if (spp_peer.init(job, &self) != OK)
		return;
	while (r->left > 0 && state == ENROL_GOES_ON) {
		struct enrol_output out = { 0 };
		struct enrol_message in = { { 0 }, rd_bytes(r, rd_u16(r)) };

		state = spp_peer.process(self, &in, &out, (struct moment){ 0 });
		if (state == ENROL_GOT) {
			spp_peer.result(self, &result);
			assert(job->type == ENROL_X509 ? result.cert != NULL
						       : result.username.len > 0);
			state = spp_peer.accept(self, NULL, &out, (struct moment){ 0 });
			assert(state == ENROL_DONE);
		}
		enrol_output_done(&out);
	}
	if (state == ENROL_FAILED)
		assert(spp_peer.fault(self)->error != ENROL_ERROR_NONE);
	spp_peer.free(self);
}

static void play_server(struct enrol_server_job *job, struct rd *r)
{
	struct enrol_output out = { 0 };
	struct enrol_reply reply = { .accept = true,
				     .certificate = bytes_slice(&certificate),
				     .username = slice_str("m") };
	enum enrol_state state = ENROL_GOES_ON;
	void *self;

	if (spp_server.init(job, &out, &self) == OK) {
		while (r->left > 0 && state == ENROL_GOES_ON) {
			struct enrol_message in = { { 0 }, rd_bytes(r, rd_u16(r)) };

			state = spp_server.process(self, &in, &out, (struct moment){ 0 });
			if (state == ENROL_ASKS) {
				assert(spp_server.question(self) != NULL);
				state = spp_server.answer(self, &reply, &out, (struct moment){ 0 });
			}
		}
		if (state == ENROL_FAILED)
			assert(spp_server.fault(self)->error != ENROL_ERROR_NONE);
		spp_server.free(self);
	}
	enrol_output_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enrol_authority authority = { 0 };
	struct enrol_peer_job peer = { 0 };
	struct enrol_server_job server = { .authority = &authority };
	struct rd r = rd_of(slice_of(data, size));
	uint8_t what = rd_u8(&r), flags = rd_u8(&r);

	make_cast();
	peer.action = server.action = (enum enrol_action)((what >> 1) % 3);
	peer.type = server.type = types[(what >> 3) % 3];
	peer.params.flags = server.params.flags = flags & 3;
	peer.params.least = server.params.least = flags >> 2;
	peer.key = machine.key;
	if (what & 1)
		play_peer(&peer, &r);
	else
		play_server(&server, &r);
	return 0;
}
