/* A hostile server in front of the tunnel of EAP-TTLS: phase one.
 *
 * The form is that of fuzz_tls_peer.c: frames, or a real server whose type-data is changed. The
 * server is one that the peer cannot know, so phase two never begins. */
#include "eap/packet.h"
#include "method/ttls_peer.h"
#include "tests/pki.h"
#include "tests/tls_server.h"

#include <assert.h>

#define ROOM   1491
#define ROUNDS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct moment now = { .mono = 1, .wall = PKI_NOW };

static struct pki_cert ca, other_ca, server_cert;
static struct secret password;
static struct tls_config *config;
static struct tls_server servers[2]; /* of an authority that the peer does not know; 1.2 and 1.3 */

static void set_up(void)
{
	static const char *const names[] = { "radius.example.org" };
	struct bytes anchor;
	struct slice anchors[1];
	struct diagnosis why;

	ca = pki_ca("Root");
	other_ca = pki_ca("Other");
	server_cert = pki_server("radius.example.org", &other_ca);
	anchor = pki_pem(ca.cert);
	anchors[0] = bytes_slice(&anchor);

	const struct trust_settings trust = {
		.anchors = anchors, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct tls_peer_settings settings = { .resume = true };

	if (secret_set(&password, slice_str("secret")) != OK ||
	    trust_new(&trust, &settings.trust, &why) != OK ||
	    tls_config_new(&settings, &config, &why) != OK)
		abort();
	for (int i = 0; i < 2; i++) {
		const struct tls_server_spec spec = { .cert = &server_cert,
						      .ca = &ca,
						      .max = i ? TLS1_3_VERSION : TLS1_2_VERSION };

		tls_server_init(&servers[i], &spec);
	}
	bytes_done(&anchor);
}

/* False when the conversation is over. */
static bool ask(struct tunnel_peer *peer, struct slice type_data, struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TTLS),
					    .data = type_data };
	struct eap_verdict verdict;
	struct eap_keys keys = { 0 };

	if (ttls_peer_method.check(peer, &request))
		return true;
	verdict = ttls_peer_method.process(peer, &request, now);
	assert(verdict.decision == FAIL);
	assert(verdict.methodState == METHOD_MAY_CONT || verdict.methodState == METHOD_DONE);
	assert(!ttls_peer_method.take_keys(peer, &keys));
	if (verdict.methodState == METHOD_DONE) {
		assert(ttls_peer_method.diagnosis(peer)->id != DIAG_NONE);
		return false;
	}
	ttls_peer_method.build(peer, response);
	assert(wr_ok(response) && response->len > 0);
	return true;
}

static void hear_frames(struct tunnel_peer *peer, struct rd *in)
{
	uint8_t response[ROOM];
	bool going = true;

	for (int round = 0; going && in->left > 0 && round < ROUNDS; round++) {
		struct wr w = wr_of(response, sizeof response);
		size_t len = rd_u16(in);

		going = ask(peer, rd_bytes(in, len < in->left ? len : in->left), &w);
	}
}

static void hear_server(struct tunnel_peer *peer, struct tls_server *server, struct rd *in)
{
	static uint8_t request[1 << 17];
	uint8_t response[ROOM];
	struct wr r = wr_of(request, sizeof request);
	enum server_state state = SERVER_GOING;
	size_t skip = rd_u16(in);

	tls_server_begin(server, &r);
	for (int round = 0; state == SERVER_GOING && round < ROUNDS; round++) {
		struct wr w = wr_of(response, sizeof response);

		for (; rd_ok(in) && skip < r.len; skip += rd_u16(in))
			request[skip] = (uint8_t)(request[skip] + rd_u8(in));
		skip = skip >= r.len ? skip - r.len : 0;
		if (!ask(peer, wr_done(&r), &w) || w.len == 0)
			break;
		r = wr_of(request, sizeof request);
		state = tls_server_answer(server, wr_done(&w), &r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in);
	struct ttls_peer_settings settings = { .inner = TTLS_PAP,
					       .account = { slice_str("user"), &password, NULL },
					       .options.fragment_size = mode & 4 ? 40 : 0 };
	struct tunnel_peer *peer;

	if (!config)
		set_up();
	if (ttls_peer_new(config, &settings, &peer) != OK)
		abort();
	ttls_peer_method.start(peer, now);
	if (mode & 1)
		hear_server(peer, &servers[mode >> 1 & 1], &in);
	else
		hear_frames(peer, &in);
	ttls_peer_method.stop(peer);
	ttls_peer_method.free(peer);
	return 0;
}
