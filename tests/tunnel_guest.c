#include "tests/tunnel_guest.h"

#include <assert.h>
#include <string.h>

#include "method/gtc_server.h"
#include "method/tls_frame.h"
#include "tests/legacy.h"

static const struct moment now = { .mono = 1, .wall = PKI_NOW };

static struct trust *trust_in(const struct tunnel_guest *g)
{
	static const char *const names[] = { "radius.example.org" };
	struct bytes anchor = pki_pem(g->ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	const struct trust_settings settings = {
		.anchors = anchors, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct trust *trust = NULL;
	struct diagnosis why;

	if (trust_new(&settings, &trust, &why) != OK)
		abort();
	bytes_done(&anchor);
	return trust;
}

static void make_ends(struct tunnel_guest *g, enum tls_version version)
{
	const struct tls_peer_settings peer = { .trust = trust_in(g), .resume = true };
	const struct tls_server_settings server = { .key = g->server_cert.key,
						    .cert = g->server_cert.cert,
						    .max = version,
						    .resumption = TLS_RESUME_MEMORY,
						    .tunnel = true,
						    .client = TLS_CLIENT_NONE };
	struct diagnosis why;

	if (tls_config_new(&peer, &g->config, &why) != OK ||
	    tls_server_config_new(&server, &g->server, &why) != OK)
		abort();
}

void tunnel_guest_init(struct tunnel_guest *g, const struct eap_server_method *method,
		       enum tls_version version)
{
	*g = (struct tunnel_guest){ .method = method, .admit = true };
	g->ca = pki_ca("Root");
	g->server_cert = pki_server("radius.example.org", &g->ca);
	make_ends(g, version);
	g->mschapv2 = (struct mschapv2_server_context){ .mschap = test_mschap(), .name = "test" };
	g->choice.offers[0] = (struct eap_server_offer){ &mschapv2_server_method, &g->mschapv2 };
	g->choice.offers[1] = (struct eap_server_offer){ &gtc_server_method, NULL };
	g->choice.offer_count = 2;
	g->policy = (struct eap_policy){ .ask_identity = true,
					 .choices = &g->choice,
					 .choice_count = 1 };
	g->ttls = (struct ttls_server_context){ .tunnel.config = g->server,
						.passwords = 0xf,
						.eap = &g->policy,
						.mschap = test_mschap() };
	g->peap = (struct peap_server_context){ .tunnel.config = g->server, .eap = &g->policy };
}

void tunnel_guest_done(struct tunnel_guest *g)
{
	tunnel_guest_close(g);
	tls_session_done(&g->session);
	tls_config_free(g->config);
	tls_server_config_free(g->server);
	pki_cert_done(&g->server_cert);
	pki_cert_done(&g->ca);
}

void tunnel_guest_close(struct tunnel_guest *g)
{
	if (g->state == METHOD_SUCCEEDED && g->tls)
		tls_conn_keep_session(g->tls);
	if (g->self)
		g->method->free(g->self);
	tls_conn_free(g->tls);
	bytes_done(&g->heard);
	g->self = NULL;
	g->tls = NULL;
}

static void enter(const struct tunnel_guest *g)
{
	if (g->enter)
		g->enter();
}

static void leave(const struct tunnel_guest *g)
{
	if (g->leave)
		g->leave();
}

/* ---- questions ---- */

static void answer(struct tunnel_guest *g, const struct eap_reply *reply)
{
	enter(g);
	g->state = g->method->answer(g->self, reply, now);
	leave(g);
}

static void answer_password(struct tunnel_guest *g, const struct eap_account_question *question)
{
	static const struct slice secret = { (const uint8_t *)"secret", 6 };
	uint8_t hash[MSCHAP_HASH_SIZE];
	struct eap_reply reply = { .accept = slice_eq(question->name, slice_str("bob")) };

	if (mschap_password_hash(test_mschap(), secret, hash) != OK)
		abort();
	reply.with.password.secret =
		question->use == EAP_PASSWORD_NT_HASH ? slice_of(hash, sizeof hash) : secret;
	if (question->use == EAP_PASSWORD_COMPARE)
		reply.accept = reply.accept && slice_eq(question->typed, secret);
	answer(g, &reply);
}

static void answer_all(struct tunnel_guest *g)
{
	while (g->state == METHOD_ASKS) {
		const struct eap_question *question = g->method->question(g->self);
		const struct eap_reply reply = { .accept = g->admit };

		assert(question);
		g->asked[question->kind]++;
		if (question->kind == EAP_ASKS_PASSWORD) {
			answer_password(g, &question->about.account);
			continue;
		}
		assert(question->kind == EAP_ASKS_ADMISSION);
		g->admission = question->about.admission;
		snprintf(g->identity, sizeof g->identity, "%.*s", (int)g->admission.identity.len,
			 (const char *)g->admission.identity.p);
		answer(g, &reply);
	}
}

/* ---- packets ---- */

/* What the server sends next, as far as the peer's TLS. */
static void listen(struct tunnel_guest *g)
{
	static uint8_t request[TLS_TOTAL_MAX];
	struct wr w = wr_of(request, sizeof request);
	struct tls_frame frame;

	enter(g);
	g->method->build(g->self, &w);
	leave(g);
	if (tls_frame_parse(wr_done(&w), &frame) != OK && g->enter) {
		g->state = METHOD_FAILED;
		return;
	}
	if (tls_frame_parse(wr_done(&w), &frame) != OK || (frame.flags & TLS_MORE))
		abort();
	tls_conn_feed(g->tls, frame.data, now);
	if (bytes_set(&g->heard, tls_conn_received(g->tls)) != OK)
		abort();
}

/* What the peer's TLS has to send; then the server's next. */
static void speak(struct tunnel_guest *g)
{
	static uint8_t response[TLS_TOTAL_MAX];
	struct wr w = wr_of(response, sizeof response);
	const struct tls_frame frame = { .data = tls_conn_pending(g->tls) };
	struct eap_packet packet = { .code = EAP_RESPONSE, .type = g->method->type };

	tls_frame_build(&w, &frame);
	tls_conn_consume(g->tls, frame.data.len);
	packet.data = wr_done(&w);
	if (g->method->check(g->self, &packet))
		return;
	enter(g);
	g->state = g->method->process(g->self, &packet, now);
	leave(g);
	answer_all(g);
	if (g->state == METHOD_GOES_ON)
		listen(g);
}

void tunnel_guest_say(struct tunnel_guest *g, struct slice data)
{
	bytes_clear(&g->heard);
	if (g->state != METHOD_GOES_ON || tls_conn_state(g->tls) == TLS_FAILED)
		return;
	if (data.len > 0 && tls_conn_send(g->tls, data) != OK)
		abort();
	speak(g);
}

void tunnel_guest_open(struct tunnel_guest *g, struct slice data)
{
	const struct eap_server_about about = { .now = now };
	void *context = g->method == &ttls_server_method ? (void *)&g->ttls : (void *)&g->peap;

	enum status begun;

	memset(g->asked, 0, sizeof g->asked);
	g->state = METHOD_GOES_ON;
	enter(g);
	begun = g->method->init(context, &about, &g->self);
	leave(g);
	if (begun != OK && g->enter) {
		g->state = METHOD_FAILED;
		return;
	}
	if (begun != OK || tls_conn_new(g->config, &g->session, now, &g->tls) != OK)
		abort();
	listen(g); /* the Start, whose data is empty: the ClientHello is there afterwards */
	if (g->state == METHOD_GOES_ON)
		speak(g);
	if (g->state != METHOD_GOES_ON)
		return;
	if (tls_conn_state(g->tls) == TLS_FINISHED && data.len > 0 &&
	    tls_conn_send(g->tls, data) != OK)
		abort();
	speak(g);
}
