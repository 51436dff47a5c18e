#include "tests/tls_server.h"

#include <openssl/err.h>

#include <stdio.h>
#include <string.h>

#define MUST(what) must((what), #what, __LINE__)

static void must(bool held, const char *what, int line)
{
	if (held)
		return;
	fprintf(stderr, "tests/tls_server.c:%d: %s\n", line, what);
	ERR_print_errors_fp(stderr);
	abort();
}

static int refuse(X509_STORE_CTX *ctx, void *arg)
{
	const struct tls_server *server = arg;

	X509_STORE_CTX_set_error(ctx, server->spec.verify_error);
	return 0;
}

static int staple(SSL *ssl, void *arg)
{
	const struct tls_server *server = arg;
	struct slice response = server->spec.ocsp;
	void *copy;

	if (response.len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(response.p, response.len);
	MUST(copy);
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)response.len);
	return SSL_TLSEXT_ERR_OK;
}

static void watch(int sent, int version, int type, const void *buffer, size_t len, SSL *ssl,
		  void *arg)
{
	struct tls_server *server = arg;
	const uint8_t *p = buffer;

	(void)version;
	(void)ssl;
	if (!sent && type == SSL3_RT_ALERT && len == 2)
		server->alert = p[1];
}

static void ask_for_certificate(struct tls_server *server)
{
	const struct tls_server_spec *spec = &server->spec;
	X509_STORE *store = SSL_CTX_get_cert_store(server->ctx);
	int mode = SSL_VERIFY_PEER | (spec->cert_optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT);

	if (!spec->ca)
		return;
	MUST(X509_STORE_add_cert(store, spec->ca->cert) == 1);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store),
				   (time_t)(spec->now ? spec->now : PKI_NOW));
	SSL_CTX_set_verify(server->ctx, mode, NULL);
	if (spec->verify_error)
		SSL_CTX_set_cert_verify_callback(server->ctx, refuse, server);
}

void tls_server_init(struct tls_server *server, const struct tls_server_spec *spec)
{
	static const unsigned char context[] = "test";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	MUST(ctx);
	*server = (struct tls_server){ .spec = *spec, .ctx = ctx };
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, spec->min ? spec->min : TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, spec->max);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_id_context(ctx, context, sizeof context);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_dh_auto(ctx, 1);
	if (spec->no_tickets)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	MUST(SSL_CTX_use_cert_and_key(ctx, spec->cert->cert, spec->cert->key, spec->chain, 1) == 1);
	MUST(!spec->ciphers || SSL_CTX_set_cipher_list(ctx, spec->ciphers) == 1);
	MUST(!spec->ciphers13 || SSL_CTX_set_ciphersuites(ctx, spec->ciphers13) == 1);
	SSL_CTX_set_msg_callback(ctx, watch);
	SSL_CTX_set_msg_callback_arg(ctx, server);
	SSL_CTX_set_tlsext_status_cb(ctx, staple);
	SSL_CTX_set_tlsext_status_arg(ctx, server);
	ask_for_certificate(server);
}

static void end_conversation(struct tls_server *server)
{
	/* As if closed in good order: without that OpenSSL forgets the session. */
	if (server->ssl)
		SSL_set_shutdown(server->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(server->ssl);
	bytes_done(&server->incoming);
	bytes_done(&server->outgoing);
}

void tls_server_done(struct tls_server *server)
{
	end_conversation(server);
	SSL_CTX_free(server->ctx);
	*server = (struct tls_server){ 0 };
}

void tls_server_begin(struct tls_server *server, struct wr *request)
{
	end_conversation(server);
	*server = (struct tls_server){ .spec = server->spec, .ctx = server->ctx, .alert = -1 };
	server->ssl = SSL_new(server->ctx);
	server->in = BIO_new(BIO_s_mem());
	server->out = BIO_new(BIO_s_mem());
	MUST(server->ssl && server->in && server->out);
	BIO_set_mem_eof_return(server->in, -1);
	SSL_set_bio(server->ssl, server->in, server->out);
	SSL_set_accept_state(server->ssl);
	wr_u8(request, 0x20);
}

/* SSL_accept, and for an early success indication what OpenSSL has for data of the server that goes
 * ahead of the client's Finished. */
static int handshake(struct tls_server *server)
{
	uint8_t none[1];
	size_t n;
	int read;

	if (server->spec.success != SUCCESS_EARLY || SSL_session_reused(server->ssl))
		return SSL_do_handshake(server->ssl);
	if (!server->early_begun) {
		read = SSL_read_early_data(server->ssl, none, sizeof none, &n);
		if (read != SSL_READ_EARLY_DATA_FINISH)
			return read == SSL_READ_EARLY_DATA_ERROR ? -1 : 1;
		server->early_begun = true;
		if (SSL_write_early_data(server->ssl, "", 1, &n) != 1)
			return -1;
	}
	return SSL_do_handshake(server->ssl);
}

static void confirm(struct tls_server *server)
{
	server->confirmed = true;
	switch (server->spec.success) {
	case SUCCESS_PROTECTED:
	case SUCCESS_LATE:
		MUST(SSL_write(server->ssl, "", 1) == 1);
		break;
	case SUCCESS_OTHER:
		MUST(SSL_write(server->ssl, "\1", 1) == 1);
		break;
	case SUCCESS_CLOSE:
		SSL_shutdown(server->ssl);
		break;
	case SUCCESS_NONE:
	case SUCCESS_EARLY:
		break;
	}
}

/* A whole flight of the peer. */
static void advance(struct tls_server *server, struct slice flight)
{
	uint8_t data[256];
	bool late = server->done && server->spec.success == SUCCESS_LATE;

	if (flight.len > 0)
		MUST(BIO_write(server->in, flight.p, (int)flight.len) == (int)flight.len);
	ERR_clear_error();
	if (!server->done) {
		int r = handshake(server);

		if (r != 1 && SSL_get_error(server->ssl, r) != SSL_ERROR_WANT_READ)
			server->failed = true;
		server->done = r == 1 && SSL_is_init_finished(server->ssl);
	} else if (SSL_read(server->ssl, data, sizeof data) < 0 &&
		   SSL_get_error(server->ssl, -1) != SSL_ERROR_WANT_READ) {
		server->failed = true;
	}
	if (server->done && !server->confirmed && SSL_version(server->ssl) >= TLS1_3_VERSION &&
	    (server->spec.success != SUCCESS_LATE || late || SSL_session_reused(server->ssl)))
		confirm(server);

	char *p;
	long len = BIO_get_mem_data(server->out, &p);

	MUST(bytes_append(&server->outgoing, slice_of(p, (size_t)len), SIZE_MAX / 2) == OK);
	BIO_reset(server->out);
	ERR_clear_error();
}

static void send_fragment(struct tls_server *server, struct wr *request)
{
	size_t most = server->spec.fragment ? server->spec.fragment : 1000;
	size_t left = server->outgoing.len - server->sent;
	bool more = left > most;

	if (more && server->sent == 0) {
		wr_u8(request, 0xc0);
		wr_u32(request, (uint32_t)server->outgoing.len);
	} else {
		wr_u8(request, more ? 0x40 : 0);
	}
	wr_bytes(request, slice_of(server->outgoing.p + server->sent, more ? most : left));
	server->sent += more ? most : left;
	if (!more) {
		bytes_clear(&server->outgoing);
		server->sent = 0;
	}
}

enum server_state tls_server_answer(struct tls_server *server, struct slice response,
				    struct wr *request)
{
	struct rd r = rd_of(response);
	uint8_t flags = rd_u8(&r);

	MUST(!(flags & 0x3f));
	if (flags & 0x80)
		rd_u32(&r);

	struct slice data = rd_rest(&r);

	MUST(rd_done(&r));
	if (server->outgoing.len > 0) {
		MUST(flags == 0 && data.len == 0);
		send_fragment(server, request);
		return SERVER_GOING;
	}
	MUST(bytes_append(&server->incoming, data, 1 << 20) == OK);
	if (flags & 0x40) {
		wr_u8(request, 0);
		return SERVER_GOING;
	}
	if (server->failed)
		return SERVER_FAILURE;
	advance(server, bytes_slice(&server->incoming));
	bytes_clear(&server->incoming);
	if (server->outgoing.len > 0) {
		send_fragment(server, request);
		return SERVER_GOING;
	}
	return server->done && !server->failed ? SERVER_SUCCESS : SERVER_FAILURE;
}

static void export_key(SSL *ssl, const char *label, bool context, uint8_t *out, size_t len)
{
	static const uint8_t type = 0x0d;

	MUST(SSL_export_keying_material(ssl, out, len, label, strlen(label), &type, context ? 1 : 0,
					context) == 1);
}

void tls_server_keys(struct tls_server *server, struct eap_keys *ret_keys)
{
	uint8_t material[128], id[65] = { 0x0d };

	if (SSL_version(server->ssl) >= TLS1_3_VERSION) {
		export_key(server->ssl, "EXPORTER_EAP_TLS_Key_Material", true, material, 128);
		export_key(server->ssl, "EXPORTER_EAP_TLS_Method-Id", true, id + 1, 64);
	} else {
		export_key(server->ssl, "client EAP encryption", false, material, 128);
		SSL_get_client_random(server->ssl, id + 1, 32);
		SSL_get_server_random(server->ssl, id + 33, 32);
	}
	MUST(secret_set(&ret_keys->msk, slice_of(material, 64)) == OK);
	MUST(secret_set(&ret_keys->emsk, slice_of(material + 64, 64)) == OK);
	MUST(bytes_set(&ret_keys->session_id, slice_of(id, sizeof id)) == OK);
}

bool tls_server_resumed(const struct tls_server *server)
{
	return SSL_session_reused(server->ssl);
}
