#include "tls/engine_parts.h"

#include <openssl/err.h>

#include <string.h>

enum status tls_conn_make(struct tls_config *config, struct moment now, struct tls_conn **ret_conn)
{
	AUTO(BIO) in = BIO_new(BIO_s_mem());
	AUTO(BIO) out = BIO_new(BIO_s_mem());
	AUTO_STRUCT(tls_conn) conn = calloc(1, sizeof *conn);

	if (!in || !out || !conn)
		return NO_MEMORY;
	conn->ssl = SSL_new(config->ctx);
	if (!conn->ssl || SSL_set_app_data(conn->ssl, conn) != 1)
		return NO_MEMORY;
	conn->config = tls_config_ref(config);
	conn->now = now;
	conn->stage = "start";
	conn->alert_sent = conn->side.refusal = -1;
	BIO_set_mem_eof_return(in, -1); /* nothing more yet, and not the end */
	conn->in = in;
	conn->out = out;
	SSL_set_bio(conn->ssl, TAKE(in), TAKE(out));
	*ret_conn = TAKE(conn);
	return OK;
}

enum status tls_conn_new(struct tls_config *config, struct tls_session *session, struct moment now,
			 struct tls_conn **ret_conn)
{
	AUTO_STRUCT(tls_conn) conn = NULL;
	enum status status = tls_conn_make(config, now, &conn);

	if (status == OK) {
		SSL_set_connect_state(conn->ssl);
		status = tls_session_offer(conn, session);
	}
	if (status == OK)
		*ret_conn = TAKE(conn);
	return status;
}

void tls_conn_free(struct tls_conn *conn)
{
	if (!conn)
		return;
	/* EAP-TLS does not close TLS.  OpenSSL takes that for a truncation, and would spoil the
	 * session that was kept. */
	if (conn->ssl)
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN);
	SSL_free(conn->ssl);
	SSL_SESSION_free(conn->offered);
	tls_identity_done(&conn->far);
	tls_side_done(&conn->side);
	tls_config_free(conn->config);
	bytes_done(&conn->received);
	free(conn);
}

void tls_conn_fail(struct tls_conn *conn, unsigned long error)
{
	tls_explain(conn, error);
	conn->state = TLS_FAILED;
}

static void finish(struct tls_conn *conn)
{
	conn->state = TLS_FINISHED;
	if (!conn->side.config && !SSL_session_reused(conn->ssl) &&
	    tls_identity_of(SSL_get0_peer_certificate(conn->ssl), &conn->far) != OK)
		tls_conn_fail(conn, ERR_R_MALLOC_FAILURE);
}

/* SSL_read does the handshake as well, and whatever else the records hold. */
static void run(struct tls_conn *conn)
{
	uint8_t data[256];
	int n;

	while ((n = SSL_read(conn->ssl, data, sizeof data)) > 0) {
		/* Not more than the flight that brought it, which has a ceiling. */
		if (bytes_append(&conn->received, slice_of(data, (size_t)n), SIZE_MAX / 2) != OK) {
			tls_conn_fail(conn, ERR_R_MALLOC_FAILURE);
			return;
		}
	}
	if (SSL_is_init_finished(conn->ssl) && conn->state == TLS_HANDSHAKE)
		finish(conn);
	if (conn->state == TLS_FAILED)
		return;
	switch (SSL_get_error(conn->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		conn->closed = true;
		if (conn->state == TLS_HANDSHAKE)
			tls_conn_fail(conn, ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET));
		break;
	default:
		tls_conn_fail(conn, ERR_peek_last_error());
		break;
	}
}

void tls_conn_advance(struct tls_conn *conn, struct slice in)
{
	if (conn->state == TLS_FAILED || conn->closed)
		return;
	tls_clear_errors();
	if (in.len > 0 && BIO_write(conn->in, in.p, (int)in.len) != (int)in.len)
		tls_conn_fail(conn, ERR_R_MALLOC_FAILURE);
	else
		run(conn);
	tls_clear_errors();
}

void tls_conn_feed(struct tls_conn *conn, struct slice in, struct moment now)
{
	conn->now = now;
	bytes_clear(&conn->received);
	if (conn->side.config && tls_server_hold(conn, &in) != OK)
		tls_conn_fail(conn, ERR_R_MALLOC_FAILURE);
	tls_conn_advance(conn, in);
	if (conn->side.config)
		tls_server_look(conn);
}

struct slice tls_conn_pending(const struct tls_conn *conn)
{
	char *p;
	long len = BIO_get_mem_data(conn->out, &p);

	if (len <= 0)
		return slice_of(NULL, 0);
	return slice_of(p + conn->consumed, (size_t)len - conn->consumed);
}

void tls_conn_consume(struct tls_conn *conn, size_t len)
{
	conn->consumed += len;
	if (tls_conn_pending(conn).len > 0)
		return;
	BIO_reset(conn->out);
	conn->consumed = 0;
}

enum tls_state tls_conn_state(const struct tls_conn *conn)
{
	return conn->state;
}

enum tls_version tls_conn_version(const struct tls_conn *conn)
{
	return (enum tls_version)SSL_version(conn->ssl);
}

const char *tls_conn_stage(const struct tls_conn *conn)
{
	return conn->stage;
}

struct slice tls_conn_received(const struct tls_conn *conn)
{
	return bytes_slice(&conn->received);
}

bool tls_conn_closed(const struct tls_conn *conn)
{
	return conn->closed;
}

const struct diagnosis *tls_conn_diagnosis(const struct tls_conn *conn)
{
	return &conn->why;
}

enum status tls_conn_export(const struct tls_conn *conn, const char *label,
			    const struct slice *context, uint8_t *out, size_t len)
{
	if (SSL_export_keying_material(conn->ssl, out, len, label, strlen(label),
				       context ? context->p : NULL, context ? context->len : 0,
				       context != NULL) != 1)
		return CRYPTO;
	return OK;
}

bool tls_conn_exports_unique(const struct tls_conn *conn)
{
	return tls_conn_version(conn) >= TLS_1_3 || SSL_get_extms_support(conn->ssl) == 1;
}

void tls_conn_randoms(const struct tls_conn *conn, uint8_t out[TLS_RANDOMS_SIZE])
{
	SSL_get_client_random(conn->ssl, out, TLS_RANDOMS_SIZE / 2);
	SSL_get_server_random(conn->ssl, out + TLS_RANDOMS_SIZE / 2, TLS_RANDOMS_SIZE / 2);
}

enum status tls_conn_hashes(const struct tls_conn *conn, struct tls_hashes *ret_hashes)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(conn->ssl);
	const EVP_MD *prf = suite ? SSL_CIPHER_get_handshake_digest(suite) : NULL;
	int mac = suite ? SSL_CIPHER_get_digest_nid(suite) : NID_undef;

	if (tls_conn_version(conn) < TLS_1_2 || !prf)
		return UNSUPPORTED;
	ret_hashes->prf = EVP_MD_get0_name(prf);
	ret_hashes->mac = mac == NID_undef ? ret_hashes->prf : OBJ_nid2sn(mac);
	return OK;
}

enum status tls_conn_channel_binding(const struct tls_conn *conn,
				     uint8_t out[TLS_CHANNEL_BINDING_MAX], size_t *ret_len)
{
	const struct slice empty = { 0 };
	size_t len = 32;

	if (tls_conn_version(conn) >= TLS_1_3) {
		*ret_len = len;
		return tls_conn_export(conn, "EXPORTER-Channel-Binding", &empty, out, len);
	}
	/* The first Finished of the handshake: the client's, in a resumption the server's. */
	if ((SSL_is_server(conn->ssl) != 0) == (SSL_session_reused(conn->ssl) != 0))
		len = SSL_get_finished(conn->ssl, out, TLS_CHANNEL_BINDING_MAX);
	else
		len = SSL_get_peer_finished(conn->ssl, out, TLS_CHANNEL_BINDING_MAX);
	if (len == 0 || len > TLS_CHANNEL_BINDING_MAX)
		return CRYPTO;
	*ret_len = len;
	return OK;
}

static enum status own_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	bytes_clear(ret_id);
	return conn->sent_cert || SSL_session_reused(conn->ssl)
		       ? bytes_set(ret_id, bytes_slice(&conn->config->id))
		       : OK;
}

static enum status far_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	return bytes_set(ret_id, bytes_slice(&conn->far.id));
}

enum status tls_conn_peer_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	return (conn->side.config ? far_id : own_id)(conn, ret_id);
}

enum status tls_conn_server_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	return (conn->side.config ? own_id : far_id)(conn, ret_id);
}

bool tls_conn_trusts(const struct tls_conn *conn)
{
	return !trust_is_insecure(conn->config->trust);
}

bool tls_conn_trusts_by_name(const struct tls_conn *conn)
{
	return tls_conn_trusts(conn) && trust_is_named(conn->config->trust);
}

bool tls_conn_shows(const struct tls_conn *conn)
{
	return conn->sent_cert;
}

enum status tls_conn_pinned_root(const struct tls_conn *conn, struct bytes *ret_der)
{
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(conn->ssl);

	bytes_clear(ret_der);
	for (int i = 0; tls_conn_trusts(conn) && i < sk_X509_num(sent); i++) {
		X509 *cert = sk_X509_value(sent, i);

		if (trust_pinned(conn->config->trust, cert) && X509_check_ca(cert) == 1 &&
		    X509_self_signed(cert, 1) == 1)
			return cert_append_der(ret_der, cert, SIZE_MAX);
	}
	tls_clear_errors();
	return OK;
}

void tls_conn_report(const struct tls_conn *conn, struct eap_report *ret_report)
{
	struct eap_report report = { .resumed = SSL_session_reused(conn->ssl) };

	snprintf(report.tls_version, sizeof report.tls_version, "%s", SSL_get_version(conn->ssl));
	snprintf(report.tls_cipher, sizeof report.tls_cipher, "%s", SSL_get_cipher(conn->ssl));
	memcpy(report.server_subject, conn->far.subject, sizeof report.server_subject);
	memcpy(report.server_fingerprint, conn->far.fingerprint, sizeof report.server_fingerprint);
	report.server_not_after = conn->far.not_after;
	if (conn->config->trust && trust_is_insecure(conn->config->trust)) {
		diagnosis_set(&report.reduced, DIAG_REDUCED_NO_SERVER_CHECK);
	} else if (tls_conn_version(conn) < TLS_1_2) {
		diagnosis_set(&report.reduced, DIAG_REDUCED_OLD_TLS);
		diagnosis_add(&report.reduced, "tls", "%s",
			      tls_version_name(tls_conn_version(conn)));
	} else {
		report.reduced = conn->reduced;
	}
	*ret_report = report;
}
