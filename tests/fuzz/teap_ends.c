#include "tests/fuzz/teap_ends.h"

#include <assert.h>

#include "enrol/question.h"
#include "tests/pki.h"

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };

static struct trust *trust_in(const struct pki_cert *ca, enum cert_role role)
{
	struct bytes pem = pki_pem(ca->cert);
	const struct slice anchors[] = { bytes_slice(&pem) };
	const char *const names[] = { "radius.example.org" };
	struct trust_settings settings = { .role = role, .anchors = anchors, .anchor_count = 1 };
	struct trust *trust = NULL;
	struct diagnosis why;

	if (role == CERT_SERVER) {
		settings.names = names;
		settings.name_count = 1;
	}
	assert(trust_new(&settings, &trust, &why) == OK);
	bytes_done(&pem);
	return trust;
}

const struct ends *ends_get(void)
{
	static struct ends ends;
	static struct pki_cert ca, server, client;
	struct tls_peer_settings peer_settings = { .credential = "desk" };
	struct tls_server_settings server_settings = { .credential = "server",
						       .tunnel = true,
						       .client = TLS_CLIENT_OPTIONAL };
	struct diagnosis why;

	if (ends.peer)
		return &ends;
	ca = pki_ca("Root");
	server = pki_server("radius.example.org", &ca);
	client = pki_client("desk", &ca);
	peer_settings.trust = trust_in(&ca, CERT_SERVER);
	peer_settings.key = client.key;
	peer_settings.cert = client.cert;
	server_settings.trust = trust_in(&ca, CERT_CLIENT);
	server_settings.key = server.key;
	server_settings.cert = server.cert;
	ends.certificate = pki_der(client.cert);
	ends.key = client.key;
	ends.root = ca.cert;
	assert(tls_config_new(&peer_settings, &ends.peer, &why) == OK);
	assert(tls_server_config_new(&server_settings, &ends.server, &why) == OK);
	return &ends;
}

bool ends_say(struct rd *input, struct slice *ret_tlvs, bool *ret_binds)
{
	if (input->left == 0)
		return false;
	*ret_binds = rd_u8(input) & ENDS_BINDS;
	*ret_tlvs = rd_bytes(input, rd_u16(input));
	if (!rd_ok(input))
		*ret_tlvs = rd_rest(input);
	return true;
}

static enum eap_server_state hear(const struct eap_server_method *method, void *self,
				  struct slice data, unsigned *answers)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TEAP),
					     .data = data };
	enum eap_server_state state = METHOD_GOES_ON;

	if (method->check(self, &response))
		return METHOD_FAILED;
	state = method->process(self, &response, now);
	while (state == METHOD_ASKS) {
		const struct enrol_reply given = {
			.accept = !(*answers & 1),
			.certificate = bytes_slice(&ends_get()->certificate),
		};
		struct eap_reply reply = { .accept = given.accept };

		if (method->question(self)->kind == EAP_ASKS_ENROLMENT)
			reply.with.enrolment = &given;
		*answers >>= 1;
		state = method->answer(self, &reply, now);
	}
	return state;
}

bool ends_converse(const struct eap_server_method *method, void *context, struct tunnel_peer *peer,
		   unsigned answers, struct eap_keys *server_keys, struct eap_keys *peer_keys)
{
	static uint8_t out[1400], in[1400];
	const struct eap_server_about about = { .now = now };
	enum eap_server_state state = METHOD_GOES_ON;
	void *self;

	if (method->init(context, &about, &self) != OK)
		return false;
	tunnel_peer_start(peer, now);
	for (unsigned rounds = 0; state == METHOD_GOES_ON && rounds < 200; rounds++) {
		struct wr w = wr_of(out, sizeof out), r = wr_of(in, sizeof in);
		struct eap_packet request = { .code = EAP_REQUEST,
					      .type = eap_type(EAP_TYPE_TEAP) };
		struct eap_verdict verdict;

		method->build(self, &w);
		request.data = wr_done(&w);
		if (tunnel_peer_check(peer, &request))
			break;
		verdict = tunnel_peer_process(peer, &request, now);
		tunnel_peer_take_keys(peer, peer_keys);
		if (verdict.methodState == METHOD_DONE && verdict.decision == FAIL)
			break;
		tunnel_peer_build(peer, &r);
		state = hear(method, self, wr_done(&r), &answers);
	}
	method->take_keys(self, server_keys);
	method->free(self);
	tunnel_peer_stop(peer);
	return state == METHOD_SUCCEEDED;
}
