#include "tls/cert.h"
#include "tls/engine_parts.h"

#include <openssl/err.h>

#include <string.h>

/* Forward secrecy only, RFC 9325, section 4.1: what is left for TLS 1.2 after its advice, in the
 * order of preference.  A short list also makes a short ClientHello. */
#define CIPHERS                                                                                    \
	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!PSK:!SRP"
/* For a profile that allows TLS 1.0 or 1.1, all that such servers may still speak. */
#define CIPHERS_OLD "DEFAULT"

enum status tls_complain(struct diagnosis *why, enum diagnosis_id id, const char *detail)
{
	diagnosis_say(why, id, "%s", detail);
	return id == DIAG_INTERNAL ? NO_MEMORY : CRYPTO;
}

static enum status complain_credential(struct diagnosis *why, const struct tls_config *config,
				       enum diagnosis_id id)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	enum status status = tls_complain(why, id, reason ? reason : "unknown reason");

	diagnosis_add(why, "credential", "%s", config->credential);
	return status;
}

static enum status push(X509_STACK *chain, X509 *cert)
{
	if (!X509_up_ref(cert))
		return NO_MEMORY;
	if (sk_X509_push(chain, cert))
		return OK;
	X509_free(cert);
	return NO_MEMORY;
}

/* Our own chain without its root: whoever is to trust that has it (RFC 5246, section 7.4.2), unless
 * it knows no more of it than a pin. */
static enum status chain_to_send(const STACK_OF(X509) * chain, X509 *root, X509_STACK **ret_chain)
{
	AUTO(X509_STACK) lean = sk_X509_new_null();

	if (!lean)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (X509_self_signed(cert, 0) != 1 && push(lean, cert) != OK)
			return NO_MEMORY;
	}
	if (root && push(lean, root) != OK)
		return NO_MEMORY;
	*ret_chain = TAKE(lean);
	return OK;
}

static enum status use_credential(struct tls_config *config, const struct tls_end *settings,
				  struct diagnosis *why)
{
	AUTO(X509_STACK) chain = NULL;

	if (!settings->cert || !settings->key)
		return OK;
	if (X509_check_private_key(settings->cert, settings->key) != 1)
		return complain_credential(why, config, DIAG_KEY_MISMATCH);
	if (chain_to_send(settings->chain, settings->root, &chain) != OK)
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	if (SSL_CTX_use_cert_and_key(config->ctx, settings->cert, settings->key, chain, 1) != 1)
		return complain_credential(why, config, DIAG_KEY_UNREADABLE);

	config->not_after = cert_time(X509_get0_notAfter(settings->cert));
	config->has_cert = true;
	if (tls_cert_identity(settings->cert, &config->id) != OK)
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	return OK;
}

int tls_judge(X509_STORE_CTX *ctx, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *conn = SSL_get_app_data(ssl);
	struct diagnosis *why = &conn->why;
	enum status status;

	(void)unused;
	diagnosis_set(why, DIAG_NONE);
	x509_stack_free(TAKE(conn->side.path));
	status = trust_check_path(conn->config->trust, X509_STORE_CTX_get0_untrusted(ctx),
				  conn->now.wall, conn->side.config ? &conn->side.path : NULL, why);
	if (status != OK) {
		X509_STORE_CTX_set_error(ctx, tls_verify_error(why->id));
		return 0;
	}
	conn->reduced = *why;
	diagnosis_set(why, DIAG_NONE);
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

/* The stapled response, or that there is none.  OpenSSL asks at the end of the server's flight,
 * also in a resumption, where there is nothing to staple. */
static int judge_ocsp(SSL *ssl, void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	struct diagnosis *why = &conn->why;
	const unsigned char *response = NULL;
	long len = SSL_get_tlsext_status_ocsp_resp(ssl, &response);

	(void)unused;
	if (SSL_session_reused(ssl))
		return 1;
	if (trust_check_ocsp(conn->config->trust, SSL_get_peer_cert_chain(ssl),
			     slice_of(response, len > 0 ? (size_t)len : 0), conn->now.wall,
			     why) != OK)
		return 0;
	/* What reduces assurance was found by tls_judge already, and is no reason to fail. */
	diagnosis_set(why, DIAG_NONE);
	return 1;
}

/* Where the handshake has got to, by the messages that passed: RFC 8446, section 4, and RFC 5246,
 * section 7.4. */
static void watch(int sent, int version, int type, const void *buffer, size_t len, SSL *ssl,
		  void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	const uint8_t *p = buffer;

	(void)unused;
	if (type == SSL3_RT_ALERT && sent && len == 2)
		conn->alert_sent = p[1];
	if (type != SSL3_RT_HANDSHAKE || len == 0)
		return;
	conn->signing = false;
	switch (p[0]) {
	case SSL3_MT_CLIENT_HELLO:
		conn->stage = "server hello";
		break;
	case SSL3_MT_SERVER_HELLO:
		conn->stage = "server certificate";
		break;
	case SSL3_MT_CERTIFICATE: {
		/* An empty list: three octets of its length, after TLS 1.3's request context. */
		size_t empty = SSL3_HM_HEADER_LENGTH + 3 + (version == TLS1_3_VERSION);

		conn->stage = sent ? "client certificate" : "server hello done";
		if (!sent)
			break;
		conn->sent_no_cert = len <= empty;
		conn->sent_cert = conn->signing = !conn->sent_no_cert;
		break;
	}
	case SSL3_MT_FINISHED:
		conn->stage = sent ? "server finished" : "finished";
		break;
	default:
		break;
	}
}

static enum status set_versions(struct tls_config *config, const struct tls_end *settings)
{
	bool old;

	config->min = settings->min ? settings->min : TLS_1_2;
	config->max = settings->max ? settings->max : TLS_1_3;
	if (config->min > config->max)
		return UNSUPPORTED;
	old = config->min < TLS_1_2;
	/* TLS 1.0 and 1.1 sign with SHA-1, and what speaks nothing better often does not know RFC
	 * 5746 either. */
	SSL_CTX_set_security_level(config->ctx, old ? 0 : 2);
	if (old)
		SSL_CTX_set_options(config->ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	if (SSL_CTX_set_min_proto_version(config->ctx, (int)config->min) != 1 ||
	    SSL_CTX_set_max_proto_version(config->ctx, (int)config->max) != 1 ||
	    SSL_CTX_set_cipher_list(config->ctx, old ? CIPHERS_OLD : CIPHERS) != 1)
		return UNSUPPORTED;
	return OK;
}

static void set_rules(struct tls_config *config)
{
	SSL_CTX *ctx = config->ctx;

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* There are no middleboxes between an EAP peer and its server. */
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	if (!config->resume)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_judge, NULL);
}

enum status tls_end_new(const struct tls_end *settings, const SSL_METHOD *method,
			struct tls_config **ret_config, struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = settings->trust;
	AUTO_STRUCT(tls_config) config = calloc(1, sizeof *config);

	diagnosis_set(why, DIAG_NONE);
	if (!config)
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	config->references = 1;
	config->trust = TAKE(trust);
	config->resume = settings->resume;
	config->credential = strdup(settings->credential ? settings->credential : "");
	ERR_clear_error();
	config->ctx = SSL_CTX_new(method);
	if (!config->credential || !config->ctx)
		return tls_complain(why, DIAG_INTERNAL, "out of memory");
	if (set_versions(config, settings) != OK)
		return tls_complain(why, DIAG_CONFIG, "no such range of TLS versions");
	set_rules(config);

	enum status status = use_credential(config, settings, why);

	if (status != OK)
		return status;
	*ret_config = TAKE(config);
	return OK;
}

enum status tls_config_new(const struct tls_peer_settings *settings, struct tls_config **ret_config,
			   struct diagnosis *why)
{
	const struct tls_end end = { .trust = settings->trust,
				     .key = settings->key,
				     .cert = settings->cert,
				     .chain = settings->chain,
				     .credential = settings->credential,
				     .min = settings->min,
				     .max = settings->max,
				     .resume = settings->resume };
	struct tls_config *config;
	enum status status = tls_end_new(&end, TLS_client_method(), &config, why);

	if (status != OK)
		return status;
	SSL_CTX_set_msg_callback(config->ctx, watch);
	if (trust_wants_ocsp(config->trust)) {
		SSL_CTX_set_tlsext_status_type(config->ctx, TLSEXT_STATUSTYPE_ocsp);
		SSL_CTX_set_tlsext_status_cb(config->ctx, judge_ocsp);
	}
	*ret_config = config;
	return OK;
}

struct tls_config *tls_config_ref(struct tls_config *config)
{
	config->references++;
	return config;
}

void tls_config_free(struct tls_config *config)
{
	if (!config || --config->references > 0)
		return;
	SSL_CTX_free(config->ctx);
	trust_free(config->trust);
	free(config->credential);
	bytes_done(&config->id);
	free(config);
}
