#include <openssl/err.h>

#include <string.h>

#include "tls/engine_parts.h"
#include "tls/server.h"

/* Where the handshake has got to, and what the client still has to send: RFC 8446, section 4, and
 * RFC 5246, section 7.3. */
static void watch_received(struct tls_conn *conn, uint8_t message)
{
	switch (message) {
	case SSL3_MT_CLIENT_HELLO:
		conn->side.greeted = true;
		conn->stage = "client certificate";
		break;
	case SSL3_MT_CERTIFICATE:
		conn->stage = "client signature";
		break;
	case SSL3_MT_CERTIFICATE_VERIFY:
		conn->side.proven = true;
		conn->stage = "client finished";
		break;
	case SSL3_MT_FINISHED:
		conn->stage = "finished";
		break;
	default:
		break;
	}
}

static void watch(int sent, int version, int type, const void *buffer, size_t len, SSL *ssl,
		  void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	const uint8_t *p = buffer;

	(void)version;
	(void)unused;
	if (type == SSL3_RT_ALERT && sent && len == 2)
		conn->alert_sent = p[1];
	if (type != SSL3_RT_HANDSHAKE || len == 0)
		return;
	if (!sent) {
		watch_received(conn, p[0]);
		return;
	}
	/* The next message has our signature in it, with either version. */
	conn->signing = p[0] == SSL3_MT_CERTIFICATE || p[0] == SSL3_MT_CERTIFICATE_STATUS;
	if (p[0] == SSL3_MT_CERTIFICATE)
		conn->sent_cert = true;
}

static int staple(SSL *ssl, void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	const struct bytes *response = &conn->side.config->staple;
	void *copy;

	(void)unused;
	if (response->len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(response->p, response->len);
	if (!copy)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)response->len);
	return SSL_TLSEXT_ERR_OK;
}

/* Sessions are good where the same authorities are trusted: other servers with these take our
 * tickets. */
static enum status bind_sessions(const struct tls_config *end)
{
	uint8_t digest[CERT_HASH_LEN] = { 0 };
	enum status status = end->trust ? trust_digest(end->trust, digest) : OK;

	if (status == OK && SSL_CTX_set_session_id_context(end->ctx, digest, sizeof digest) != 1)
		status = CRYPTO;
	return status;
}

static enum status set_up(struct tls_server_config *config,
			  const struct tls_server_settings *settings)
{
	static const int modes[] = {
		[TLS_CLIENT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[TLS_CLIENT_OPTIONAL] = SSL_VERIFY_PEER,
		[TLS_CLIENT_NONE] = SSL_VERIFY_NONE,
	};
	SSL_CTX *ctx = config->end->ctx;

	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_verify(ctx, modes[settings->client], NULL);
	SSL_CTX_set_msg_callback(ctx, watch);
	SSL_CTX_set_tlsext_status_cb(ctx, staple);
	config->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (!config->cipher || bind_sessions(config->end) != OK)
		return NO_MEMORY;
	return tls_server_set_resumption(config, settings->sessions);
}

enum status tls_server_config_new(const struct tls_server_settings *settings,
				  struct tls_server_config **ret_config, struct diagnosis *why)
{
	AUTO_STRUCT(tls_server_config) config = calloc(1, sizeof *config);
	const struct tls_end end = { .trust = settings->trust,
				     .key = settings->key,
				     .cert = settings->cert,
				     .chain = settings->chain,
				     .root = settings->root,
				     .credential = settings->credential,
				     .min = settings->min,
				     .max = settings->max,
				     .resume = settings->resumption == TLS_RESUME_TICKETS &&
					       !settings->tunnel };
	enum status status;

	if (!config) {
		trust_free(settings->trust);
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	}
	config->references = 1;
	config->tunnel = settings->tunnel;
	config->client = settings->client;
	config->resumption = settings->tunnel && settings->resumption == TLS_RESUME_TICKETS
				     ? TLS_RESUME_MEMORY
				     : settings->resumption;
	config->ocsp_facts = settings->ocsp_facts;
	config->lifetime = settings->lifetime && settings->lifetime < TLS_RESUME_MAX / 1000
				   ? settings->lifetime
				   : TLS_RESUME_MAX / 1000;
	status = tls_end_new(&end, TLS_server_method(), &config->end, why);
	if (status != OK)
		return status;
	if (!config->end->has_cert)
		return tls_complain(why, DIAG_CONFIG, "a server needs a certificate and its key");
	if (settings->client != TLS_CLIENT_NONE && !config->end->trust)
		return tls_complain(why, DIAG_CONFIG, "certificates need anchors");
	if (settings->client != TLS_CLIENT_REQUIRED && !settings->tunnel)
		return tls_complain(why, DIAG_CONFIG, "only a tunnel does without certificates");
	if (set_up(config, settings) != OK)
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	*ret_config = TAKE(config);
	return OK;
}

struct tls_server_config *tls_server_config_ref(struct tls_server_config *config)
{
	config->references++;
	return config;
}

void tls_server_config_free(struct tls_server_config *config)
{
	if (!config || --config->references > 0)
		return;
	tls_config_free(config->end);
	EVP_CIPHER_free(config->cipher);
	explicit_bzero(config->keys, sizeof config->keys);
	bytes_done(&config->staple);
	free(config);
}

void tls_server_config_ticket_keys(struct tls_server_config *config,
				   const struct tls_ticket_key *keys, size_t count)
{
	explicit_bzero(config->keys, sizeof config->keys);
	config->key_count = count < TLS_TICKET_KEYS_MAX ? count : TLS_TICKET_KEYS_MAX;
	for (size_t i = 0; i < config->key_count; i++)
		config->keys[i] = keys[i];
}

enum status tls_server_config_staple(struct tls_server_config *config, struct slice ocsp)
{
	return bytes_set(&config->staple, ocsp);
}
