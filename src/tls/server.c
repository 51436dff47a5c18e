#include "tls/server.h"

#include <stdio.h>

#include "tls/cert.h"
#include "tls/engine_parts.h"
#include "tls/trust_parts.h"

enum status tls_server_conn_new(struct tls_server_config *config, struct moment now,
				struct tls_conn **ret_conn)
{
	enum status status = tls_conn_make(config->end, now, ret_conn);

	if (status != OK)
		return status;
	(*ret_conn)->side.config = tls_server_config_ref(config);
	(*ret_conn)->stage = "client hello";
	SSL_set_accept_state((*ret_conn)->ssl);
	return OK;
}

void tls_side_done(struct tls_server_side *side)
{
	x509_stack_free(side->path);
	bytes_done(&side->held);
	bytes_done(&side->row);
	bytes_done(&side->certificate);
	bytes_done(&side->issuer_certificate);
	bytes_done(&side->ocsp_url);
	bytes_done(&side->facts);
	SSL_SESSION_free(side->replaced);
	tls_server_config_free(side->config);
}

static bool is_1_3(const struct tls_conn *conn)
{
	return tls_conn_version(conn) >= TLS_1_3;
}

/* ---- the claim ------------------------------------------------------------------------------ */

static enum status take_identity(struct tls_conn *conn)
{
	const struct tls_claim *claim = &conn->side.claim;
	struct tls_identity far = { .not_before = claim->not_before,
				    .not_after = claim->not_after };
	enum status status = tls_claim_identity(claim, &far.id);

	if (status != OK)
		return status;
	printable(claim->subject, far.subject, sizeof far.subject);
	cert_hex(claim->fingerprint, far.fingerprint, sizeof far.fingerprint);
	tls_identity_done(&conn->far);
	conn->far = far;
	return OK;
}

/* What it takes to ask a responder. */
static enum status take_facts(struct tls_server_side *side, X509 *cert)
{
	X509 *issuer = sk_X509_num(side->path) > 1 ? sk_X509_value(side->path, 1) : NULL;
	STACK_OF(OPENSSL_STRING) *urls = issuer ? X509_get1_ocsp(cert) : NULL;
	enum status status;

	bytes_clear(&side->certificate);
	bytes_clear(&side->issuer_certificate);
	status = cert_append_der(&side->certificate, cert, SIZE_MAX);
	if (status == OK && issuer)
		status = cert_append_der(&side->issuer_certificate, issuer, SIZE_MAX);
	if (status == OK && sk_OPENSSL_STRING_num(urls) > 0)
		status = bytes_set(&side->ocsp_url, slice_str(sk_OPENSSL_STRING_value(urls, 0)));
	X509_email_free(urls);
	side->claim.certificate = bytes_slice(&side->certificate);
	side->claim.issuer_certificate = bytes_slice(&side->issuer_certificate);
	side->claim.ocsp_url = bytes_slice(&side->ocsp_url);
	return status;
}

static enum status claim_of_certificate(struct tls_conn *conn)
{
	struct tls_server_side *side = &conn->side;
	X509 *cert = SSL_get0_peer_certificate(conn->ssl);
	enum status status;

	side->authenticated = conn->now.wall;
	if (!cert)
		return side->config->tunnel ? OK : UNEXPECTED;
	status = tls_claim_build(cert, side->path, conn->now.wall, &side->row);
	if (status == OK)
		status = tls_claim_parse(bytes_slice(&side->row), &side->claim);
	/* In a tunnel it may be renewed, for which all of it is needed. */
	if (status == OK && (side->config->ocsp_facts || side->config->tunnel))
		status = take_facts(side, cert);
	return status;
}

static enum status claim_of_session(struct tls_conn *conn)
{
	struct tls_server_side *side = &conn->side;
	struct slice row = tls_server_row_in(SSL_get_session(conn->ssl));
	struct tls_tunnel_row tunnel = { 0 };
	enum status status = OK;

	if (side->config->tunnel) {
		status = tls_tunnel_row_parse(row, &tunnel);
		row = tunnel.claim;
		side->authenticated = tunnel.authenticated;
	}
	if (status == OK)
		status = bytes_set(&side->facts, tunnel.facts);
	if (status == OK)
		status = bytes_set(&side->row, row);
	if (status == OK && side->row.len > 0)
		status = tls_claim_parse(bytes_slice(&side->row), &side->claim);
	side->claim.resumed = true;
	return status;
}

static enum status recheck_dates(struct tls_conn *conn, struct diagnosis *why)
{
	const struct tls_claim *claim = &conn->side.claim;
	int64_t until =
		claim->not_after < claim->path_not_after ? claim->not_after : claim->path_not_after;
	enum status status =
		trust_recheck(conn->config->trust, claim->not_before, until, conn->now.wall, why);

	if (status == OK)
		conn->reduced = *why;
	else if (until < claim->not_after)
		diagnosis_add(why, "detail", "an authority above it");
	return status;
}

static enum status recheck_lists(const struct tls_conn *conn, struct diagnosis *why)
{
	const struct tls_claim *claim = &conn->side.claim;
	struct slice issuer = claim->issuer_der, serial = claim->serial;
	size_t at = 0;
	enum status status;

	do
		status = trust_recheck_lists(conn->config->trust, issuer, serial, conn->now.wall,
					     why);
	while (status == OK && tls_claim_authority(claim, &at, &issuer, &serial));
	if (status != OK && at > 0)
		diagnosis_add(why, "detail", "an authority above it");
	return status;
}

/* What may have changed since the full handshake. */
static bool still_good(struct tls_conn *conn, struct diagnosis *why)
{
	const struct tls_claim *claim = &conn->side.claim;

	diagnosis_set(why, DIAG_NONE);
	if (recheck_dates(conn, why) == OK && recheck_lists(conn, why) == OK)
		return true;
	diagnosis_add(why, "subject", "%s", conn->far.subject);
	diagnosis_add(why, "issuer", "%.*s", (int)claim->issuer.len, (const char *)claim->issuer.p);
	diagnosis_add(why, "fingerprint", "%s", conn->far.fingerprint);
	return false;
}

static void ask(struct tls_conn *conn)
{
	struct tls_server_side *side = &conn->side;
	bool resumed = SSL_session_reused(conn->ssl);
	enum status status = resumed ? claim_of_session(conn) : claim_of_certificate(conn);
	struct diagnosis why;

	if (status == OK && side->row.len > 0)
		status = take_identity(conn);
	if (status != OK) {
		diagnosis_say(&why, DIAG_INTERNAL, "what the certificate says could not be kept");
		tls_conn_refuse(conn, &why);
		return;
	}
	side->has_claim = side->row.len > 0;
	if (!side->has_claim)
		side->answered = true; /* there is nobody yet to ask about */
	else if (resumed && !still_good(conn, &why))
		tls_conn_refuse(conn, &why);
	else
		side->asks = true;
}

/* ---- where the handshake waits for the answer ----------------------------------------------- */

/* How much of a flight there is up to ChangeCipherSpec and with it; all if that is not in it. */
static size_t through_change_cipher_spec(struct slice flight)
{
	struct rd r = rd_of(flight);

	while (r.left > 0) {
		uint8_t type = rd_u8(&r);

		rd_u16(&r);
		rd_bytes(&r, rd_u16(&r));
		if (rd_ok(&r) && type == SSL3_RT_CHANGE_CIPHER_SPEC)
			break;
	}
	return flight.len - r.left;
}

enum status tls_server_hold(struct tls_conn *conn, struct slice *in)
{
	const struct tls_server_side *side = &conn->side;
	size_t now;

	if (!side->greeted || side->answered || conn->state != TLS_HANDSHAKE || is_1_3(conn) ||
	    SSL_session_reused(conn->ssl))
		return OK;
	now = through_change_cipher_spec(*in);
	if (bytes_set(&conn->side.held, slice_of(in->p + now, in->len - now)) != OK)
		return NO_MEMORY;
	in->len = now;
	return OK;
}

static bool has_proved_itself(const struct tls_conn *conn)
{
	if (conn->state == TLS_FINISHED)
		return true;
	return conn->side.greeted && !is_1_3(conn) &&
	       (SSL_session_reused(conn->ssl) || conn->side.proven);
}

void tls_server_look(struct tls_conn *conn)
{
	struct tls_server_side *side = &conn->side;

	if (side->answered || side->asks || conn->state == TLS_FAILED)
		return;
	/* What is held without a proof belongs there only if none was asked for. */
	if (!has_proved_itself(conn) && side->held.len > 0) {
		tls_conn_advance(conn, bytes_slice(&side->held));
		bytes_clear(&side->held);
	}
	if (conn->state != TLS_FAILED && has_proved_itself(conn))
		ask(conn);
}

bool tls_conn_asks(const struct tls_conn *conn)
{
	return conn->side.asks;
}

const struct tls_claim *tls_conn_claim(const struct tls_conn *conn)
{
	return conn->side.has_claim ? &conn->side.claim : NULL;
}

bool tls_conn_may_disregard(const struct tls_conn *conn)
{
	return conn->side.config->client != TLS_CLIENT_REQUIRED && !SSL_session_reused(conn->ssl);
}

void tls_conn_disregard(struct tls_conn *conn, struct moment now)
{
	struct tls_server_side *side = &conn->side;

	side->has_claim = false;
	side->claim = (struct tls_claim){ 0 };
	bytes_clear(&side->row);
	tls_identity_done(&conn->far);
	tls_conn_admit(conn, now);
}

void tls_conn_admit(struct tls_conn *conn, struct moment now)
{
	struct tls_server_side *side = &conn->side;

	side->asks = false;
	side->answered = true;
	conn->now = now;
	if (conn->state == TLS_HANDSHAKE && side->held.len > 0)
		tls_conn_advance(conn, bytes_slice(&side->held));
	bytes_done(&side->held);
	if (conn->state == TLS_FINISHED && !side->config->tunnel)
		tls_server_keep_session(conn);
}

/* Nothing of the server's was encrypted yet. */
static void alert_in_the_clear(struct tls_conn *conn, int alert)
{
	const uint8_t record[] = { SSL3_RT_ALERT,
				   (uint8_t)(SSL_version(conn->ssl) >> 8),
				   (uint8_t)SSL_version(conn->ssl),
				   0,
				   2,
				   SSL3_AL_FATAL,
				   (uint8_t)alert };

	BIO_reset(conn->out);
	conn->consumed = 0;
	if (BIO_write(conn->out, record, sizeof record) == sizeof record)
		conn->alert_sent = alert;
}

void tls_conn_refuse(struct tls_conn *conn, const struct diagnosis *why)
{
	int alert;

	conn->side.asks = false;
	conn->side.answered = true;
	conn->why = *why;
	/* What was found of a certificate in general is meant of the client's, if one is judged. */
	if (conn->config->trust)
		conn->why.id = trust_id(conn->config->trust, why->id);
	if (!diagnosis_evidence(&conn->why, "subject"))
		diagnosis_add(&conn->why, "subject", "%s", conn->far.subject);
	alert = tls_refusal_alert(conn->why.id);
	tls_server_drop_session(conn);
	if (is_1_3(conn))
		tls_server_alert(conn, alert);
	else
		alert_in_the_clear(conn, alert);
	bytes_done(&conn->side.held);
	conn->state = TLS_FAILED;
}

enum status tls_conn_send(struct tls_conn *conn, struct slice data)
{
	enum status status = CRYPTO;

	tls_clear_errors();
	if (SSL_write(conn->ssl, data.p, (int)data.len) == (int)data.len)
		status = OK;
	tls_clear_errors();
	return status;
}
