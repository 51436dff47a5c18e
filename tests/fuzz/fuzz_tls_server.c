/* A hostile peer of EAP-TLS.
 *
 * The first octet chooses.  Without its lowest bit the rest is frames: two octets of length, then
 * so much type-data.  With it a real peer speaks, of an authority that the server does not know
 * (or, with 8, one that it knows, whom policy refuses), and what it sends is changed where the rest
 * says so: three octets each, how far from the last place (two) and what to add.  2 is TLS 1.3; 4,
 * small fragments; 16, after the octets are changed the frames of the rest follow what the peer
 * said. Whatever arrives, nobody is let in, the server keeps within the room there is, comes to an
 * end, and holds nothing when it is freed.
 *
 * OpenSSL's random octets are not ours to fix, so a finding in the second mode may need several
 * tries. */
#include "eap/packet.h"
#include "method/tls_peer.h"
#include "method/tls_server.h"
#include "tests/pki.h"

#include <assert.h>

#define ROOM   1491
#define ROUNDS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct moment now = { .mono = 1, .wall = PKI_NOW };

static struct pki_cert ca, other_ca, server_cert, known_cert, strange_cert;
static struct tls_server_config *servers[2]; /* TLS 1.2 and 1.3 */
static struct tls_config *peers[2];	     /* a stranger, and one that is known */

static struct trust *trust_in(const struct trust_settings *settings)
{
	struct bytes anchor = pki_pem(ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	struct trust_settings s = *settings;
	struct trust *trust = NULL;
	struct diagnosis why;

	s.anchors = anchors;
	s.anchor_count = 1;
	if (trust_new(&s, &trust, &why) != OK)
		abort();
	bytes_done(&anchor);
	return trust;
}

static void make_peer(const struct pki_cert *cert, struct tls_config **ret_config)
{
	static const char *const names[] = { "radius.example.org" };
	const struct trust_settings trust = { .names = names, .name_count = 1 };
	const struct tls_peer_settings settings = { .trust = trust_in(&trust),
						    .key = cert->key,
						    .cert = cert->cert };
	struct diagnosis why;

	if (tls_config_new(&settings, ret_config, &why) != OK)
		abort();
}

static void set_up(void)
{
	const struct trust_settings trust = { .role = CERT_CLIENT };
	struct diagnosis why;

	ca = pki_ca("Root");
	other_ca = pki_ca("Other");
	server_cert = pki_server("radius.example.org", &ca);
	known_cert = pki_client("known", &ca);
	strange_cert = pki_client("strange", &other_ca);
	make_peer(&strange_cert, &peers[0]);
	make_peer(&known_cert, &peers[1]);
	for (int i = 0; i < 2; i++) {
		const struct tls_server_settings settings = {
			.trust = trust_in(&trust),
			.key = server_cert.key,
			.cert = server_cert.cert,
			.max = i ? TLS_1_3 : TLS_1_2,
			.resumption = TLS_RESUME_TICKETS,
		};
		static const struct tls_ticket_key key = { .name = "fuzz" };

		if (tls_server_config_new(&settings, &servers[i], &why) != OK)
			abort();
		tls_server_config_ticket_keys(servers[i], &key, 1);
	}
}

/* False when the conversation is over. */
static bool hear(void *self, struct slice type_data, struct wr *request)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TLS),
					     .data = type_data };
	enum eap_server_state state;
	struct eap_keys keys = { 0 };

	if (tls_server_method.check(self, &response))
		return true;
	state = tls_server_method.process(self, &response, now);
	if (state == METHOD_ASKS) {
		const struct tls_claim *claim = tls_server_method.question(self)->about.claim;

		assert(claim && claim->subject.len > 0);
		state = tls_server_method.answer(self, &(struct eap_reply){ .accept = false }, now);
	}
	assert(state == METHOD_GOES_ON || state == METHOD_FAILED);
	assert(!tls_server_method.take_keys(self, &keys));
	if (state == METHOD_FAILED) {
		assert(tls_server_method.diagnosis(self)->id != DIAG_NONE);
		return false;
	}
	tls_server_method.build(self, request);
	assert(wr_ok(request) && request->len > 0);
	return true;
}

static bool hear_frames(void *self, struct rd *in)
{
	uint8_t request[ROOM];
	bool going = true;

	for (int round = 0; going && in->left > 0 && round < ROUNDS; round++) {
		struct wr w = wr_of(request, sizeof request);
		size_t len = rd_u16(in);

		going = hear(self, rd_bytes(in, len < in->left ? len : in->left), &w);
	}
	return going;
}

/* False when the peer has nothing more to say. */
static bool ask(struct tls_peer *peer, struct slice type_data, struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TLS),
					    .data = type_data };
	struct eap_verdict verdict;

	if (tls_peer_method.check(peer, &request))
		return false;
	verdict = tls_peer_method.process(peer, &request, now);
	if (verdict.methodState == METHOD_DONE && verdict.decision == FAIL)
		return false;
	tls_peer_method.build(peer, response);
	return true;
}

static void hear_peer(void *self, struct wr *request, uint8_t mode, struct rd *in)
{
	uint8_t response[ROOM];
	size_t skip = rd_u16(in);
	bool going = true;
	struct tls_peer *peer;

	if (tls_peer_new(peers[mode >> 3 & 1], NULL, &peer) != OK)
		abort();
	tls_peer_method.start(peer, now);
	for (int round = 0; going && round < ROUNDS; round++) {
		struct wr w = wr_of(response, sizeof response);

		if (!ask(peer, wr_done(request), &w))
			break;
		if ((mode & 16) && round == 1 + (mode >> 5))
			break;
		for (; rd_ok(in) && !(mode & 16) && skip < w.len; skip += rd_u16(in))
			response[skip] = (uint8_t)(response[skip] + rd_u8(in));
		skip = skip >= w.len ? skip - w.len : 0;
		request->len = 0;
		going = hear(self, wr_done(&w), request);
	}
	if (going && (mode & 16))
		hear_frames(self, in);
	tls_peer_method.free(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in), request[ROOM];
	struct wr w = wr_of(request, sizeof request);
	const struct eap_server_about about = { .now = now };
	void *self;

	if (!servers[0])
		set_up();

	struct tls_server_context context = { .config = servers[mode >> 1 & 1],
					      .fragment_size = mode & 4 ? 40 : 0 };

	if (tls_server_method.init(&context, &about, &self) != OK)
		abort();
	tls_server_method.build(self, &w);
	if (mode & 1)
		hear_peer(self, &w, mode, &in);
	else
		hear_frames(self, &in);
	tls_server_method.free(self);
	return 0;
}
