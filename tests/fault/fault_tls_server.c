/* EAP-TLS as the server, without memory: the peer is in memory too, and has all it wants. */
#include "eap/packet.h"
#include "method/tls_peer.h"
#include "method/tls_server.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"

#include <stdlib.h>
#include <string.h>

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };

static struct pki_cert ca, middle, server_cert, client_cert;
static STACK_OF(X509) * chain;
static struct bytes anchor, crl;
static struct slice anchors[1], crls[1];
static struct tls_config *peer_config;

static enum status make_config(enum tls_resumption resumption, enum tls_version version,
			       struct tls_server_config **ret_config, struct diagnosis *why)
{
	static const struct tls_ticket_key key = { .name = "key" };
	const struct trust_settings trust = { .role = CERT_CLIENT,
					      .anchors = anchors,
					      .anchor_count = 1,
					      .crls = crls,
					      .crl_count = 1 };
	struct tls_server_settings settings = { .key = server_cert.key,
						.cert = server_cert.cert,
						.chain = chain,
						.credential = "server",
						.max = version,
						.resumption = resumption,
						.ocsp_facts = true };
	enum status status = trust_new(&trust, &settings.trust, why);

	if (status == OK)
		status = tls_server_config_new(&settings, ret_config, why);
	if (status == OK)
		tls_server_config_ticket_keys(*ret_config, &key, 1);
	return status;
}

static void make_cast(void)
{
	static const char *const names[] = { "radius.example.org" };
	struct trust_settings trust = { .names = names, .name_count = 1 };
	struct tls_peer_settings settings = { .resume = true };
	struct diagnosis why;

	ca = pki_ca("Root");
	middle = pki_intermediate("Middle", &ca);
	server_cert = pki_server("radius.example.org", &middle);
	client_cert = pki_client("client", &ca);
	chain = pki_chain(middle.cert, ca.cert, NULL);
	anchor = pki_pem(ca.cert);
	anchors[0] = bytes_slice(&anchor);
	crl = pki_crl(&ca, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
	crls[0] = bytes_slice(&crl);
	trust.anchors = anchors;
	trust.anchor_count = 1;
	settings.key = client_cert.key;
	settings.cert = client_cert.cert;
	if (trust_new(&trust, &settings.trust, &why) != OK ||
	    tls_config_new(&settings, &peer_config, &why) != OK)
		abort();
}

static void clear_away(void)
{
	tls_config_free(peer_config);
	bytes_done(&anchor);
	bytes_done(&crl);
	x509_stack_free(chain);
	pki_cert_done(&client_cert);
	pki_cert_done(&server_cert);
	pki_cert_done(&middle);
	pki_cert_done(&ca);
}

/* ---- conversations ---- */

struct outcome {
	enum eap_server_state state;
	bool admits; /* what the rules say */
	struct eap_verdict verdict;
	struct eap_keys keys, theirs;
	bool unnamed; /* there was no Session-Id to have */
	struct diagnosis why;
};

/* False when the peer sends nothing any more. */
static bool ask(struct tls_peer *peer, struct slice type_data, struct outcome *o,
		struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TLS),
					    .data = type_data };

	if (type_data.len == 0 || tls_peer_method.check(peer, &request))
		return false;
	o->verdict = tls_peer_method.process(peer, &request, now);
	tls_peer_method.take_keys(peer, &o->theirs);
	if (o->verdict.methodState == METHOD_DONE && o->verdict.decision == FAIL)
		return false;
	tls_peer_method.build(peer, response);
	return true;
}

static void hear(void *self, struct slice type_data, struct outcome *o)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TLS),
					     .data = type_data };

	if (tls_server_method.check(self, &response)) {
		o->state = METHOD_FAILED;
		return;
	}
	o->state = tls_server_method.process(self, &response, now);
	if (o->state == METHOD_ASKS)
		o->state = tls_server_method.answer(
			self, &(struct eap_reply){ .accept = o->admits }, now);
}

static void serve(void *self, struct tls_peer *peer, struct outcome *o)
{
	static uint8_t request[1491], response[1491];

	while (o->state == METHOD_GOES_ON) {
		struct wr out = wr_of(request, sizeof request);
		struct wr in = wr_of(response, sizeof response);
		bool answers;

		tls_server_method.build(self, &out);
		fault_suspend();
		answers = ask(peer, wr_done(&out), o, &in);
		fault_resume();
		if (!answers)
			break;
		hear(self, wr_done(&in), o);
	}
}

static void converse(struct tls_server_config *config, struct tls_peer *peer, bool admits,
		     struct outcome *o)
{
	struct tls_server_context context = { .config = config };
	const struct eap_server_about about = { .now = now };
	void *self;

	*o = (struct outcome){ .state = METHOD_GOES_ON, .admits = admits };
	fault_suspend();
	tls_peer_method.start(peer, now);
	fault_resume();
	if (tls_server_method.init(&context, &about, &self) != OK) {
		o->state = METHOD_FAILED;
		diagnosis_set(&o->why, DIAG_INTERNAL);
		return;
	}
	serve(self, peer, o);
	if (tls_server_method.take_keys(self, &o->keys))
		o->unnamed = tls_server_method.session_id(self, &o->keys.session_id) != OK;
	o->why = *tls_server_method.diagnosis(self);
	tls_server_method.free(self);
}

static void done(struct outcome *o)
{
	eap_keys_done(&o->keys);
	eap_keys_done(&o->theirs);
}

static bool same_keys(const struct outcome *o)
{
	const struct eap_keys *a = &o->keys, *b = &o->theirs;

	return a->msk.len == EAP_MSK_SIZE &&
	       slice_eq(secret_slice(&a->msk), secret_slice(&b->msk)) && a->emsk.len == 0 &&
	       b->emsk.len == EAP_MSK_SIZE &&
	       (o->unnamed ? fault_happened()
			   : slice_eq(bytes_slice(&a->session_id), bytes_slice(&b->session_id))) &&
	       slice_eq(bytes_slice(&a->peer_id), bytes_slice(&b->peer_id)) &&
	       slice_eq(bytes_slice(&a->server_id), bytes_slice(&b->server_id));
}

/* Success with all its keys, or failure with none and a reason; never for whom the rules refuse. */
static bool all_or_nothing(const struct outcome *o)
{
	if (o->state == METHOD_SUCCEEDED)
		return o->admits && same_keys(o);
	return (fault_happened() || !o->admits) && !o->keys.msk.p &&
	       (o->why.id != DIAG_NONE || o->state != METHOD_FAILED);
}

/* Once with a fault in it; then, with memory, as if that had not been. */
static bool talk(struct tls_server_config *config, struct tls_peer *peer, bool admits)
{
	struct outcome o;
	bool right;

	converse(config, peer, admits, &o);
	right = all_or_nothing(&o);
	fault_suspend();
	done(&o);
	converse(config, peer, true, &o);
	right = right && o.state == METHOD_SUCCEEDED && same_keys(&o);
	done(&o);
	fault_resume();
	return right;
}

static bool play(enum tls_resumption resumption, enum tls_version version, bool again, bool admits)
{
	struct tls_server_config *config;
	struct tls_peer *peer;
	struct diagnosis why;
	struct outcome o;
	bool right;

	fault_suspend();
	if (make_config(resumption, version, &config, &why) != OK ||
	    tls_peer_new(peer_config, NULL, &peer) != OK)
		abort();
	if (again) {
		converse(config, peer, true, &o);
		done(&o);
	}
	fault_resume();
	right = talk(config, peer, admits);
	fault_suspend();
	tls_peer_method.stop(peer);
	tls_peer_method.free(peer);
	tls_server_config_free(config);
	fault_resume();
	return right;
}

static bool full_1_2(void)
{
	return play(TLS_RESUME_TICKETS, TLS_1_2, false, true);
}

static bool full_1_3(void)
{
	return play(TLS_RESUME_MEMORY, TLS_1_3, false, true);
}

static bool memory_1_2(void)
{
	return play(TLS_RESUME_MEMORY, TLS_1_2, true, true);
}

static bool memory_1_3(void)
{
	return play(TLS_RESUME_MEMORY, TLS_1_3, true, true);
}

static bool tickets_1_2(void)
{
	return play(TLS_RESUME_TICKETS, TLS_1_2, true, true);
}

static bool tickets_1_3(void)
{
	return play(TLS_RESUME_TICKETS, TLS_1_3, true, true);
}

static bool refused_1_2(void)
{
	return play(TLS_RESUME_TICKETS, TLS_1_2, false, false);
}

static bool refused_1_3(void)
{
	return play(TLS_RESUME_TICKETS, TLS_1_3, false, false);
}

static bool configuration(void)
{
	struct tls_server_config *made = NULL;
	struct diagnosis why;
	enum status status = make_config(TLS_RESUME_TICKETS, 0, &made, &why);

	if (status != OK)
		return fault_happened() && !made && why.id != DIAG_NONE;
	tls_server_config_free(made);
	return true;
}

int main(void)
{
	fault_init();
	make_cast();
	fault_each("EAP-TLS server: configuration", configuration);
	fault_each("EAP-TLS server: TLS 1.2", full_1_2);
	fault_each("EAP-TLS server: TLS 1.3", full_1_3);
	fault_each("EAP-TLS server: TLS 1.2, resumed from memory", memory_1_2);
	fault_each("EAP-TLS server: TLS 1.3, resumed from memory", memory_1_3);
	fault_each("EAP-TLS server: TLS 1.2, resumed from a ticket", tickets_1_2);
	fault_each("EAP-TLS server: TLS 1.3, resumed from a ticket", tickets_1_3);
	fault_each("EAP-TLS server: TLS 1.2, refused", refused_1_2);
	fault_each("EAP-TLS server: TLS 1.3, refused", refused_1_3);
	clear_away();
	return fault_end();
}
