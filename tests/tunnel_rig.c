#include "tests/tunnel_rig.h"

#include <openssl/err.h>

#include <stdlib.h>
#include <string.h>

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };
static const char *const names[] = { "radius.example.org" };

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "tunnel_rig: %s\n", #what);                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static struct pki_cert cert(const char *cn, const struct pki_cert *ca)
{
	const struct pki_spec spec = { .cn = cn,
				       .sans = "DNS:radius.example.org,email:host@example.org",
				       .eku = "serverAuth,clientAuth" };

	return pki_make(&spec, ca);
}

void tunnel_rig_init(struct tunnel_rig *rig)
{
	*rig = (struct tunnel_rig){ .tls = TLS1_3_VERSION };
	rig->ca = pki_ca("Test Root");
	rig->server_cert = cert("Test Server", &rig->ca);
	rig->client_cert = cert("Test Client", &rig->ca);
	MUST(secret_set(&rig->password, slice_str("secret")) == OK);
}

struct inner_account tunnel_rig_account(struct tunnel_rig *rig)
{
	return (struct inner_account){ .identity = slice_str("user"),
				       .password = &rig->password,
				       .mschap = test_mschap() };
}

static void load_peer(struct tunnel_rig *rig)
{
	AUTO_VALUE(bytes) pem = pki_pem(rig->ca.cert);
	const struct slice anchors[] = { bytes_slice(&pem) };
	struct trust_settings trust = {
		.names = names, .name_count = 1, .anchors = anchors, .anchor_count = 1
	};
	struct tls_peer_settings settings = { .resume = true };
	struct diagnosis why;

	if (rig->insecure)
		trust = (struct trust_settings){ .insecure_no_check = true };
	MUST(trust_new(&trust, &settings.trust, &why) == OK);
	MUST(tls_config_new(&settings, &rig->config, &why) == OK);
}

static void load_server(struct tunnel_rig *rig)
{
	rig->ctx = SSL_CTX_new(TLS_server_method());
	MUST(rig->ctx);
	MUST(SSL_CTX_set_min_proto_version(rig->ctx, rig->tls));
	MUST(SSL_CTX_set_max_proto_version(rig->ctx, rig->tls));
	MUST(SSL_CTX_use_certificate(rig->ctx, rig->server_cert.cert));
	MUST(SSL_CTX_use_PrivateKey(rig->ctx, rig->server_cert.key));
	MUST(SSL_CTX_set_session_id_context(rig->ctx, (const unsigned char *)"rig", 3));
}

static void drop(struct tunnel_rig *rig)
{
	if (rig->peer)
		rig->method->free(rig->peer);
	rig->peer = NULL;
	tls_config_free(TAKE(rig->config));
	SSL_free(TAKE(rig->ssl));
	SSL_CTX_free(TAKE(rig->ctx));
}

void tunnel_rig_load(struct tunnel_rig *rig)
{
	drop(rig);
	load_peer(rig);
	load_server(rig);
}

void tunnel_rig_done(struct tunnel_rig *rig)
{
	drop(rig);
	bytes_done(&rig->heard);
	eap_keys_done(&rig->keys);
	secret_done(&rig->password);
	pki_cert_done(&rig->client_cert);
	pki_cert_done(&rig->server_cert);
	pki_cert_done(&rig->ca);
}

/* ---- a conversation ---- */

static void begin(struct tunnel_rig *rig)
{
	SSL_free(rig->ssl);
	rig->ssl = SSL_new(rig->ctx);
	rig->in = BIO_new(BIO_s_mem());
	rig->out = BIO_new(BIO_s_mem());
	MUST(rig->ssl && rig->in && rig->out);
	BIO_set_mem_eof_return(rig->in, -1);
	SSL_set_bio(rig->ssl, rig->in, rig->out);
	SSL_set_accept_state(rig->ssl);
	eap_keys_done(&rig->keys);
	rig->verdict = (struct eap_verdict){ METHOD_INIT, FAIL, true };
	rig->method->start(rig->peer, now);
}

/* What the peer has said goes to OpenSSL, and comes out of it as it was meant. */
static void hear(struct tunnel_rig *rig, struct slice type_data)
{
	struct tls_frame frame;
	uint8_t data[4096];
	int n;

	MUST(tls_frame_parse(type_data, &frame) == OK);
	MUST(!(frame.flags & TLS_MORE));
	if (frame.data.len > 0)
		MUST(BIO_write(rig->in, frame.data.p, (int)frame.data.len) == (int)frame.data.len);
	ERR_clear_error();
	while ((n = SSL_read(rig->ssl, data, sizeof data)) > 0)
		MUST(bytes_append(&rig->heard, slice_of(data, (size_t)n), SIZE_MAX / 2) == OK);
	ERR_clear_error();
}

static void ask(struct tunnel_rig *rig, const struct eap_packet *request, struct wr *w)
{
	rig->ignored = rig->method->check(rig->peer, request);
	if (rig->ignored)
		return;
	rig->verdict = rig->method->process(rig->peer, request, now);
	rig->silent = rig->verdict.methodState == METHOD_DONE && rig->verdict.decision == FAIL;
	rig->method->take_keys(rig->peer, &rig->keys);
	if (!rig->silent)
		rig->method->build(rig->peer, w);
}

void tunnel_rig_ask(struct tunnel_rig *rig, struct slice type_data)
{
	static uint8_t buffer[70000];
	const struct eap_packet request = {
		.code = EAP_REQUEST, .id = ++rig->id, .type = rig->method->type, .data = type_data
	};
	struct wr w = wr_of(buffer, sizeof buffer);

	bytes_clear(&rig->heard);
	rig->silent = false;
	if (rig->enter)
		rig->enter();
	ask(rig, &request, &w);
	if (rig->leave)
		rig->leave();
	MUST(wr_ok(&w));
	if (!rig->ignored && !rig->silent)
		hear(rig, wr_done(&w));
}

/* All that OpenSSL wants to say is one flight. */
static void flush(struct tunnel_rig *rig)
{
	static uint8_t buffer[70000];
	struct wr w = wr_of(buffer, sizeof buffer);
	char *p;
	long len = BIO_get_mem_data(rig->out, &p);

	wr_u8(&w, 0);
	wr_bytes(&w, slice_of(p, len > 0 ? (size_t)len : 0));
	MUST(wr_ok(&w));
	BIO_reset(rig->out);
	tunnel_rig_ask(rig, wr_done(&w));
}

bool tunnel_rig_open(struct tunnel_rig *rig)
{
	const uint8_t start = TLS_START | rig->offered;

	begin(rig);
	tunnel_rig_ask(rig, slice_of(&start, 1));
	for (int i = 0; i < 4 && !rig->ignored && !rig->silent; i++) {
		/* What is left to say is the tickets of TLS 1.3, which the test's first data take
		 * along. */
		if (SSL_is_init_finished(rig->ssl) &&
		    (rig->tls == TLS1_3_VERSION || BIO_pending(rig->out) == 0))
			return true;
		flush(rig);
		if (rig->verdict.decision != FAIL || rig->heard.len > 0)
			return SSL_is_init_finished(rig->ssl);
	}
	return SSL_is_init_finished(rig->ssl) && !rig->silent;
}

void tunnel_rig_say(struct tunnel_rig *rig, struct slice data)
{
	if (data.len > 0)
		MUST(SSL_write(rig->ssl, data.p, (int)data.len) == (int)data.len);
	flush(rig);
}

void tunnel_rig_close(struct tunnel_rig *rig)
{
	SSL_shutdown(rig->ssl);
	flush(rig);
}

bool tunnel_rig_end(struct tunnel_rig *rig, bool success)
{
	bool good = success && rig->verdict.decision != FAIL;

	if (good)
		rig->method->succeeded(rig->peer);
	rig->method->stop(rig->peer);
	return good;
}

void tunnel_rig_export(struct tunnel_rig *rig, const char *label, uint8_t *out, size_t len)
{
	MUST(SSL_export_keying_material(rig->ssl, out, len, label, strlen(label), NULL, 0, 0) == 1);
}

bool tunnel_rig_resumed(const struct tunnel_rig *rig)
{
	return SSL_session_reused(rig->ssl);
}
