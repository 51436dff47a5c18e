/* One half of an authentication, to be counted: bare OpenSSL, or our EAP peer and EAP-TLS; or our
 * EAP-TLS as the server.
 *
 *	handshake bare|latchkey rsa|p256 1.2|1.3 full|resumed COUNT
 *	handshake server-bare|server-latchkey rsa|p256 1.2|1.3 full|resumed|tickets COUNT
 *
 * Both peers talk to the same server in memory with the same credentials, parsed once, and both
 * servers to the same bare peer.  All that the peer does happens in client_half_bare or
 * client_half_latchkey, and what the server does in server_half_…, so that
 *	valgrind --tool=callgrind --toggle-collect=client_half_bare …
 * counts that alone.  The first conversation fills OpenSSL's caches: take the difference between
 * two counts.  tests/bench/handshake.sh does. */
#include "eap/packet.h"
#include "eap/peer.h"
#include "method/tls_peer.h"
#include "method/tls_server.h"
#include "tests/pki.h"
#include "tests/tls_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static void need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "handshake: %s\n", what);
	exit(EXIT_FAILURE);
}

struct stage {
	struct pki_cert ca, server_cert, client_cert;
	struct tls_server server;
	int version;
	bool resumed, tickets;
};

static const char server_name[] = "radius.example.org";
static const struct moment now = { .mono = 1, .wall = PKI_NOW };
static uint8_t request[1 << 17], response[1 << 17];

static void stage_init(struct stage *s, const char *key, const char *version, bool fragments)
{
	const char *type = strcmp(key, "rsa") == 0 ? "RSA-2048" : "P-256";
	struct pki_spec spec = { .cn = "Root", .ca = true, .key_type = type };

	s->version = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	s->ca = pki_make(&spec, NULL);
	spec = (struct pki_spec){ .cn = "Server",
				  .sans = "DNS:radius.example.org",
				  .eku = "serverAuth",
				  .key_type = type };
	s->server_cert = pki_make(&spec, &s->ca);
	spec.cn = "Client";
	spec.sans = "email:client@example.org";
	spec.eku = "clientAuth";
	s->client_cert = pki_make(&spec, &s->ca);

	const struct tls_server_spec server = { .cert = &s->server_cert,
						.ca = &s->ca,
						.max = s->version,
						.fragment = fragments ? 1400 : 1 << 16 };

	tls_server_init(&s->server, &server);
}

static void stage_done(struct stage *s)
{
	tls_server_done(&s->server);
	pki_cert_done(&s->client_cert);
	pki_cert_done(&s->server_cert);
	pki_cert_done(&s->ca);
}

/* ---- bare OpenSSL -------------------------------------------------------------------------- */

struct bare {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	SSL_SESSION *session;
	bool resumed;
};

/* in NULL: begins, or with nothing to send ends. */
static NOINLINE size_t client_half_bare(struct bare *b, struct slice in, uint8_t *out, size_t size)
{
	char none[16];
	int n;

	if (!in.p && b->ssl) {
		b->resumed = SSL_session_reused(b->ssl);
		SSL_SESSION_free(b->session);
		b->session = SSL_get1_session(b->ssl);
		SSL_set_shutdown(b->ssl, SSL_SENT_SHUTDOWN);
		SSL_free(b->ssl);
		b->ssl = NULL;
		return 0;
	}
	if (!in.p) {
		b->ssl = SSL_new(b->ctx);
		b->in = BIO_new(BIO_s_mem());
		b->out = BIO_new(BIO_s_mem());
		BIO_set_mem_eof_return(b->in, -1);
		SSL_set_bio(b->ssl, b->in, b->out);
		SSL_set_connect_state(b->ssl);
		if (b->session)
			SSL_set_session(b->ssl, b->session);
	} else if (in.len > 0) {
		BIO_write(b->in, in.p, (int)in.len);
	}
	while (SSL_read(b->ssl, none, sizeof none) > 0)
		;
	n = BIO_read(b->out, out, (int)size);
	return n > 0 ? (size_t)n : 0;
}

static void bare_init(struct bare *b, const struct stage *s)
{
	X509_VERIFY_PARAM *param;

	*b = (struct bare){ .ctx = SSL_CTX_new(TLS_client_method()) };
	need(b->ctx, "SSL_CTX_new");
	param = SSL_CTX_get0_param(b->ctx);
	SSL_CTX_set_mode(b->ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(b->ctx, SSL_VERIFY_PEER, NULL);
	if (!s->resumed)
		SSL_CTX_set_options(b->ctx, SSL_OP_NO_TICKET); /* like ours without Resume= */
	X509_VERIFY_PARAM_set_time(param, (time_t)PKI_NOW);
	X509_VERIFY_PARAM_set1_host(param, server_name, 0);
	need(X509_STORE_add_cert(SSL_CTX_get_cert_store(b->ctx), s->ca.cert) == 1, "anchor");
	need(SSL_CTX_use_cert_and_key(b->ctx, s->client_cert.cert, s->client_cert.key, NULL, 1) ==
		     1,
	     "credential");
}

static void bare_converse(struct bare *b, struct stage *s)
{
	struct wr w = wr_of(request, sizeof request);
	enum server_state state = SERVER_GOING;
	struct slice in = slice_of(NULL, 0);

	tls_server_begin(&s->server, &w);
	while (state == SERVER_GOING) {
		size_t n = client_half_bare(b, in, response + 1, sizeof response - 1);

		response[0] = 0;
		w = wr_of(request, sizeof request);
		state = tls_server_answer(&s->server, slice_of(response, n + 1), &w);
		in = slice_of(request + 1, w.len - 1);
	}
	need(state == SERVER_SUCCESS, "the bare handshake failed");
	client_half_bare(b, slice_of(NULL, 0), response, sizeof response);
}

static void bare_run(struct stage *s, unsigned count)
{
	struct bare b;

	bare_init(&b, s);
	for (unsigned i = 0; i < count; i++) {
		if (!s->resumed) {
			SSL_SESSION_free(b.session);
			b.session = NULL;
		}
		bare_converse(&b, s);
		need(b.resumed == (s->resumed && i > 0), "resumption");
	}
	SSL_SESSION_free(b.session);
	SSL_CTX_free(b.ctx);
}

/* ---- ours ---------------------------------------------------------------------------------- */

struct latchkey {
	struct tls_config *config;
	struct tls_peer *method;
	struct eap_peer_config eap;
	struct eap_lower lower;
	struct eap_peer peer;
};

static NOINLINE void client_half_latchkey(struct latchkey *l)
{
	eap_peer_step(&l->peer, now);
	__asm__ volatile("" ::: "memory"); /* callgrind loses sight of a tail call */
}

static void latchkey_init(struct latchkey *l, const struct stage *s)
{
	static const char *const names[] = { server_name };
	struct bytes anchor = pki_pem(s->ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	const struct trust_settings trust = {
		.anchors = anchors, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct tls_peer_settings settings = { .key = s->client_cert.key,
					      .cert = s->client_cert.cert,
					      .resume = s->resumed };
	struct diagnosis why;

	*l = (struct latchkey){ .lower = { .portEnabled = true, .mtu = 1496 } };
	need(trust_new(&trust, &settings.trust, &why) == OK, "trust");
	need(tls_config_new(&settings, &l->config, &why) == OK, "config");
	need(tls_peer_new(l->config, NULL, &l->method) == OK, "method");
	l->eap.identity = slice_str("anonymous@example.org");
	l->eap.offers[0] = (struct eap_peer_offer){ &tls_peer_method, l->method };
	l->eap.offer_count = 1;
	eap_peer_init(&l->peer, &l->eap, &l->lower);
	bytes_done(&anchor);
}

/* One EAP packet to the peer; the type-data of its answer, if any. */
static struct slice latchkey_hear(struct latchkey *l, struct slice packet)
{
	struct eap_packet answer;

	l->lower.eapReq = true;
	l->lower.eapReqData = packet;
	l->lower.eapResp = l->lower.eapNoResp = false;
	client_half_latchkey(l);
	if (!l->lower.eapResp || eap_packet_parse(l->lower.eapRespData, &answer) != OK)
		return slice_of(NULL, 0);
	return answer.data;
}

static void latchkey_converse(struct latchkey *l, struct stage *s)
{
	static uint8_t data[1 << 17], packet[1 << 17];
	static const uint8_t identity[] = { 1, 0, 0, 5, 1 };
	struct wr d = wr_of(data, sizeof data), p;
	enum server_state state = SERVER_GOING;
	struct eap_report report;
	uint8_t id = 1;

	l->lower.eapRestart = true;
	l->lower.eapSuccess = l->lower.eapFail = false;
	latchkey_hear(l, slice_of(identity, sizeof identity));
	tls_server_begin(&s->server, &d);
	for (; state == SERVER_GOING; id++) {
		size_t mark;
		struct slice answer;

		p = wr_of(packet, sizeof packet);
		mark = eap_packet_open(&p, EAP_REQUEST, id, eap_type(EAP_TYPE_TLS), false);
		wr_bytes(&p, wr_done(&d));
		eap_packet_close(&p, mark);
		answer = latchkey_hear(l, wr_done(&p));
		need(answer.len > 0, "the peer gave no answer");
		d = wr_of(data, sizeof data);
		state = tls_server_answer(&s->server, answer, &d);
	}
	p = wr_of(packet, sizeof packet);
	eap_packet_build_result(&p, EAP_SUCCESS, (uint8_t)(id - 1));
	latchkey_hear(l, wr_done(&p));
	need(state == SERVER_SUCCESS && l->lower.eapSuccess && l->lower.eapKeyAvailable,
	     "the authentication failed");
	need(eap_peer_report(&l->peer, &report), "no report");
	eap_keys_done(l->lower.eapKeyData);
}

static void latchkey_run(struct stage *s, unsigned count)
{
	struct latchkey l;

	latchkey_init(&l, s);
	for (unsigned i = 0; i < count; i++) {
		latchkey_converse(&l, s);
		need(tls_server_resumed(&s->server) == (s->resumed && i > 0), "resumption");
	}
	eap_peer_done(&l.peer);
	tls_peer_method.free(l.method);
	tls_config_free(l.config);
}

/* ---- the server's half ---------------------------------------------------------------------- */

struct bare_server {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
};

/* in NULL: ends. */
static NOINLINE size_t server_half_bare(struct bare_server *b, struct slice in, uint8_t *out,
					size_t size)
{
	char none[16];
	int n;

	if (!in.p) {
		SSL_set_shutdown(b->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(b->ssl);
		b->ssl = NULL;
		return 0;
	}
	if (!b->ssl) {
		b->ssl = SSL_new(b->ctx);
		b->in = BIO_new(BIO_s_mem());
		b->out = BIO_new(BIO_s_mem());
		BIO_set_mem_eof_return(b->in, -1);
		SSL_set_bio(b->ssl, b->in, b->out);
		SSL_set_accept_state(b->ssl);
	}
	BIO_write(b->in, in.p, (int)in.len);
	while (SSL_read(b->ssl, none, sizeof none) > 0)
		;
	n = BIO_read(b->out, out, (int)size);
	return n > 0 ? (size_t)n : 0;
}

static void bare_server_init(struct bare_server *b, const struct stage *s)
{
	static const unsigned char context[] = "bench";
	X509_VERIFY_PARAM *param;

	*b = (struct bare_server){ .ctx = SSL_CTX_new(TLS_server_method()) };
	need(b->ctx, "SSL_CTX_new");
	param = SSL_CTX_get0_param(b->ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)PKI_NOW);
	SSL_CTX_set_mode(b->ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_proto_version(b->ctx, s->version);
	SSL_CTX_set_verify(b->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(b->ctx, context, sizeof context);
	SSL_CTX_set_num_tickets(b->ctx, s->resumed ? 1 : 0);
	if (!s->tickets)
		SSL_CTX_set_options(b->ctx, SSL_OP_NO_TICKET);
	need(X509_STORE_add_cert(SSL_CTX_get_cert_store(b->ctx), s->ca.cert) == 1, "anchor");
	need(SSL_CTX_use_cert_and_key(b->ctx, s->server_cert.cert, s->server_cert.key, NULL, 1) ==
		     1,
	     "credential");
}

/* The peer is bare OpenSSL; in each round the server has what the peer sent. */
static void bare_server_converse(struct bare *peer, void *server)
{
	struct bare_server *b = server;
	struct slice in = slice_of(NULL, 0);
	size_t n;

	while ((n = client_half_bare(peer, in, response, sizeof response)) > 0) {
		in = slice_of(request,
			      server_half_bare(b, slice_of(response, n), request, sizeof request));
	}
	need(SSL_is_init_finished(b->ssl), "the bare handshake failed");
	client_half_bare(peer, slice_of(NULL, 0), response, sizeof response);
	server_half_bare(b, slice_of(NULL, 0), NULL, 0);
}

struct served {
	struct tls_server_context context;
	void *self;
	enum eap_server_state state;
};

/* The type-data of a Response; empty: begins, or ends. */
static NOINLINE void server_half_latchkey(struct served *l, struct slice type_data, struct wr *w)
{
	const struct eap_packet heard = { .code = EAP_RESPONSE,
					  .type = eap_type(EAP_TYPE_TLS),
					  .data = type_data };
	const struct eap_server_about about = { .now = now };
	struct eap_keys keys = { 0 };
	struct eap_report report;

	if (!l->self) {
		need(tls_server_method.init(&l->context, &about, &l->self) == OK, "init");
		l->state = METHOD_GOES_ON;
	} else if (type_data.len > 0) {
		need(!tls_server_method.check(l->self, &heard), "a packet is discarded");
		l->state = tls_server_method.process(l->self, &heard, now);
		if (l->state == METHOD_ASKS) {
			need(tls_server_method.question(l->self)->about.claim, "no claim");
			l->state = tls_server_method.answer(
				l->self, &(struct eap_reply){ .accept = true }, now);
		}
	} else {
		need(tls_server_method.take_keys(l->self, &keys), "no keys");
		need(tls_server_method.report(l->self, &report), "no report");
		eap_keys_done(&keys);
		tls_server_method.free(l->self);
		l->self = NULL;
		return;
	}
	if (l->state == METHOD_GOES_ON)
		tls_server_method.build(l->self, w);
}

static void served_init(struct served *l, const struct stage *s)
{
	static const struct tls_ticket_key key = { .name = "bench" };
	struct bytes anchor = pki_pem(s->ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	const struct trust_settings trust = { .role = CERT_CLIENT,
					      .anchors = anchors,
					      .anchor_count = 1 };
	struct tls_server_settings settings = { .key = s->server_cert.key,
						.cert = s->server_cert.cert,
						.max = (enum tls_version)s->version };
	struct diagnosis why;

	*l = (struct served){ .state = METHOD_GOES_ON };
	if (s->resumed)
		settings.resumption = s->tickets ? TLS_RESUME_TICKETS : TLS_RESUME_MEMORY;
	need(trust_new(&trust, &settings.trust, &why) == OK, "trust");
	need(tls_server_config_new(&settings, &l->context.config, &why) == OK, "config");
	tls_server_config_ticket_keys(l->context.config, &key, 1);
	bytes_done(&anchor);
}

static void served_converse(struct bare *peer, void *server)
{
	struct served *l = server;
	struct wr w = wr_of(request, sizeof request);
	struct slice in = slice_of(NULL, 0);

	server_half_latchkey(l, in, &w);
	while (l->state == METHOD_GOES_ON) {
		size_t n = client_half_bare(peer, in, response + 1, sizeof response - 1);

		response[0] = 0;
		w = wr_of(request, sizeof request);
		server_half_latchkey(l, slice_of(response, n + 1), &w);
		in = slice_of(request + 1, w.len > 0 ? w.len - 1 : 0);
	}
	need(l->state == METHOD_SUCCEEDED, "the authentication failed");
	client_half_bare(peer, slice_of(NULL, 0), response, sizeof response);
	server_half_latchkey(l, slice_of(NULL, 0), &w);
}

static void server_run(struct stage *s, bool bare, unsigned count)
{
	struct bare peer;
	struct bare_server b = { 0 };
	struct served l = { 0 };

	bare_init(&peer, s);
	if (bare)
		bare_server_init(&b, s);
	else
		served_init(&l, s);
	for (unsigned i = 0; i < count; i++) {
		if (!s->resumed) {
			SSL_SESSION_free(peer.session);
			peer.session = NULL;
		}
		if (bare)
			bare_server_converse(&peer, &b);
		else
			served_converse(&peer, &l);
		need(peer.resumed == (s->resumed && i > 0), "resumption");
	}
	SSL_SESSION_free(peer.session);
	SSL_CTX_free(peer.ctx);
	SSL_CTX_free(b.ctx);
	tls_server_config_free(l.context.config);
}

int main(int argc, char **argv)
{
	struct stage s = { 0 };

	if (argc != 6) {
		fprintf(stderr, "usage: handshake [server-]bare|[server-]latchkey rsa|p256 1.2|1.3 "
				"full|resumed|tickets COUNT\n");
		return 2;
	}

	bool server = strncmp(argv[1], "server-", 7) == 0;
	bool bare = strcmp(argv[1] + (server ? 7 : 0), "bare") == 0;
	unsigned count = (unsigned)strtoul(argv[5], NULL, 10);

	stage_init(&s, argv[2], argv[3], !bare);
	s.tickets = strcmp(argv[4], "tickets") == 0;
	s.resumed = s.tickets || strcmp(argv[4], "resumed") == 0;
	if (server)
		server_run(&s, bare, count);
	else
		(bare ? bare_run : latchkey_run)(&s, count);
	stage_done(&s);
	return EXIT_SUCCESS;
}
