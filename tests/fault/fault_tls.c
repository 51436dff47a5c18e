/* EAP-TLS as the peer, without memory: the server is in memory too, and has all it wants. */
#include "eap/packet.h"
#include "method/tls_peer.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tests/tls_server.h"

#include <stdlib.h>

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };

static struct pki_cert ca, middle, server_cert, client_cert;
static STACK_OF(X509) * chain;
static struct bytes anchor;
static struct slice anchors[1];
static struct tls_server servers[2]; /* TLS 1.2 and 1.3 */

static enum status make_config(struct tls_config **ret_config, struct diagnosis *why)
{
	static const char *const names[] = { "radius.example.org" };
	const struct trust_settings trust = {
		.anchors = anchors, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct tls_peer_settings settings = { .key = client_cert.key,
					      .cert = client_cert.cert,
					      .chain = chain,
					      .credential = "desk",
					      .resume = true };
	enum status status = trust_new(&trust, &settings.trust, why);

	return status == OK ? tls_config_new(&settings, ret_config, why) : status;
}

static struct tls_config *config;
static struct eap_keys known; /* of one conversation, for its names */

static void make_cast(void)
{
	struct diagnosis why;

	ca = pki_ca("Root");
	middle = pki_intermediate("Middle", &ca);
	server_cert = pki_server("radius.example.org", &ca);
	client_cert = pki_client("client", &middle);
	chain = pki_chain(middle.cert, ca.cert, NULL);
	anchor = pki_pem(ca.cert);
	anchors[0] = bytes_slice(&anchor);
	for (int i = 0; i < 2; i++) {
		const struct tls_server_spec spec = { .cert = &server_cert,
						      .ca = &ca,
						      .max = i ? TLS1_3_VERSION : TLS1_2_VERSION };

		tls_server_init(&servers[i], &spec);
	}
	if (make_config(&config, &why) != OK)
		abort();
}

static void clear_away(void)
{
	eap_keys_done(&known);
	tls_config_free(config);
	tls_server_done(&servers[0]);
	tls_server_done(&servers[1]);
	bytes_done(&anchor);
	x509_stack_free(chain);
	pki_cert_done(&client_cert);
	pki_cert_done(&server_cert);
	pki_cert_done(&middle);
	pki_cert_done(&ca);
}

/* ---- conversations ---- */

struct outcome {
	enum server_state server;
	struct eap_verdict verdict;
	struct eap_keys keys;
};

/* False when the peer sends nothing any more. */
static bool ask(struct tls_peer *peer, struct slice type_data, struct outcome *outcome,
		struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TLS),
					    .data = type_data };

	if (tls_peer_method.check(peer, &request))
		return false;
	outcome->verdict = tls_peer_method.process(peer, &request, now);
	tls_peer_method.take_keys(peer, &outcome->keys);
	if (outcome->verdict.methodState == METHOD_DONE && outcome->verdict.decision == FAIL)
		return false;
	tls_peer_method.build(peer, response);
	return true;
}

static void converse(struct tls_peer *peer, struct tls_server *server, struct outcome *outcome)
{
	static uint8_t request[1 << 16], response[1491];
	struct wr out = wr_of(request, sizeof request);
	bool going = true;

	*outcome = (struct outcome){ .server = SERVER_GOING };
	tls_peer_method.start(peer, now);
	fault_suspend();
	tls_server_begin(server, &out);
	while (going && outcome->server == SERVER_GOING) {
		struct wr in = wr_of(response, sizeof response);

		fault_resume();
		going = ask(peer, wr_done(&out), outcome, &in);
		fault_suspend();
		out = wr_of(request, sizeof request);
		if (going)
			outcome->server = tls_server_answer(server, wr_done(&in), &out);
	}
	fault_resume();
}

static void set_up(void)
{
	struct tls_peer *peer;
	struct outcome outcome;

	make_cast();
	if (tls_peer_new(config, NULL, &peer) != OK)
		abort();
	converse(peer, &servers[1], &outcome);
	eap_keys_move(&known, &outcome.keys);
	if (known.peer_id.len == 0 || known.server_id.len == 0)
		abort();
	tls_peer_method.free(peer);
}

static bool same_keys(const struct eap_keys *ours, struct tls_server *server)
{
	struct eap_keys theirs = { 0 };
	bool same;

	tls_server_keys(server, &theirs);
	same = slice_eq(secret_slice(&ours->msk), secret_slice(&theirs.msk)) &&
	       slice_eq(secret_slice(&ours->emsk), secret_slice(&theirs.emsk)) &&
	       slice_eq(bytes_slice(&ours->session_id), bytes_slice(&theirs.session_id)) &&
	       slice_eq(bytes_slice(&ours->peer_id), bytes_slice(&known.peer_id)) &&
	       slice_eq(bytes_slice(&ours->server_id), bytes_slice(&known.server_id));
	eap_keys_done(&theirs);
	return same;
}

/* Success with all its keys, or failure with none and a reason. */
static bool all_or_nothing(struct tls_peer *peer, struct tls_server *server,
			   struct outcome *outcome)
{
	bool accepted = outcome->verdict.decision != FAIL && outcome->server == SERVER_SUCCESS;
	struct eap_report report;
	bool right;

	fault_suspend();
	if (accepted)
		right = same_keys(&outcome->keys, server) && tls_peer_method.report(peer, &report);
	else
		right = fault_happened() && outcome->verdict.decision == FAIL &&
			!outcome->keys.msk.p && tls_peer_method.diagnosis(peer)->id != DIAG_NONE;
	eap_keys_done(&outcome->keys);
	fault_resume();
	return right;
}

/* Once with a fault in it; then, with memory, as if that had not been. */
static bool talk(struct tls_peer *peer, struct tls_server *server)
{
	struct outcome outcome;
	bool right;

	converse(peer, server, &outcome);
	right = all_or_nothing(peer, server, &outcome);

	fault_suspend();
	converse(peer, server, &outcome);
	right = right && outcome.verdict.decision != FAIL && outcome.server == SERVER_SUCCESS &&
		same_keys(&outcome.keys, server);
	eap_keys_done(&outcome.keys);
	fault_resume();
	return right;
}

static bool full(struct tls_server *server)
{
	struct tls_peer *peer;
	bool right;

	if (tls_peer_new(config, NULL, &peer) != OK)
		return fault_happened();
	right = talk(peer, server);
	tls_peer_method.stop(peer);
	tls_peer_method.free(peer);
	return right;
}

static bool full_1_2(void)
{
	return full(&servers[0]);
}

static bool full_1_3(void)
{
	return full(&servers[1]);
}

static bool resumed(struct tls_server *server)
{
	struct outcome outcome;
	struct tls_peer *peer;
	bool right;

	fault_suspend();
	if (tls_peer_new(config, NULL, &peer) != OK)
		abort();
	converse(peer, server, &outcome);
	eap_keys_done(&outcome.keys);
	fault_resume();
	right = talk(peer, server);
	tls_peer_method.stop(peer);
	tls_peer_method.free(peer);
	return right;
}

static bool resumed_1_2(void)
{
	return resumed(&servers[0]);
}

static bool resumed_1_3(void)
{
	return resumed(&servers[1]);
}

static bool configuration(void)
{
	struct tls_config *made = NULL;
	struct diagnosis why;
	enum status status = make_config(&made, &why);

	if (status != OK)
		return fault_happened() && !made && why.id != DIAG_NONE;
	tls_config_free(made);
	return true;
}

int main(void)
{
	fault_init();
	set_up();
	fault_each("EAP-TLS: configuration", configuration);
	fault_each("EAP-TLS: TLS 1.2", full_1_2);
	fault_each("EAP-TLS: TLS 1.3", full_1_3);
	fault_each("EAP-TLS: TLS 1.2, resumed", resumed_1_2);
	fault_each("EAP-TLS: TLS 1.3, resumed", resumed_1_3);
	clear_away();
	return fault_end();
}
