#include "tests/fuzz/fake_tls_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*fake_tls_on_send)(bool server, struct bytes *data);
unsigned fake_tls_epoch = 1;

void fake_tls_forget(void)
{
	fake_tls_epoch++;
}

/* ---- ends ----------------------------------------------------------------------------------- */

struct bytes fake_tls_shown, fake_tls_certificate;

static void show(const X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len < 0)
		abort();
	must(bytes_set(&fake_tls_certificate, slice_of(der, (size_t)len)));
	OPENSSL_free(der);
}

enum status tls_config_new(const struct tls_peer_settings *settings, struct tls_config **ret_config,
			   struct diagnosis *why)
{
	struct tls_config *c = made(sizeof *c);

	(void)why;
	c->references = 1;
	c->trust = settings->trust;
	c->resume = settings->resume;
	if (settings->cert) {
		must(tls_claim_build(settings->cert, NULL, 0, &c->row));
		must(bytes_set(&fake_tls_shown, bytes_slice(&c->row)));
		show(settings->cert);
	}
	*ret_config = c;
	return OK;
}

struct tls_config *tls_config_ref(struct tls_config *c)
{
	if (c)
		c->references++;
	return c;
}

void tls_config_free(struct tls_config *c)
{
	if (!c || --c->references > 0)
		return;
	trust_free(c->trust);
	bytes_done(&c->row);
	free(c);
}

void tls_session_done(struct tls_session *session)
{
	secret_done(&session->encoded);
	tls_config_free(session->config);
	bytes_done(&session->server.id);
	*session = (struct tls_session){ 0 };
}

static bool may_resume(const struct tls_session *session, const struct tls_config *config)
{
	return session->config == config && config->resume &&
	       slice_eq(secret_slice(&session->encoded),
			slice_of(&fake_tls_epoch, sizeof fake_tls_epoch));
}

enum status tls_conn_new(struct tls_config *config, struct tls_session *session, struct moment now,
			 struct tls_conn **ret_conn)
{
	struct tls_conn *conn = made(sizeof *conn);

	(void)now;
	conn->config = tls_config_ref(config);
	conn->version = TLS_1_3;
	conn->keep = session;
	if (session) {
		conn->offered = may_resume(session, config);
		tls_session_done(session);
	}
	*ret_conn = conn;
	return OK;
}

void tls_conn_free(struct tls_conn *conn)
{
	if (!conn)
		return;
	tls_config_free(conn->config);
	tls_server_config_free(conn->server);
	bytes_done(&conn->pending);
	bytes_done(&conn->received);
	bytes_done(&conn->row);
	bytes_done(&conn->facts);
	free(conn);
}

/* ---- records -------------------------------------------------------------------------------- */

void fake_tls_emit(struct tls_conn *conn, enum fake_record type, struct slice body)
{
	uint8_t head[3];
	struct wr w = wr_of(head, sizeof head);

	wr_u8(&w, (uint8_t)type);
	wr_u16(&w, (uint16_t)body.len);
	must(bytes_append(&conn->pending, wr_done(&w), SIZE_MAX / 2));
	must(bytes_append(&conn->pending, body, SIZE_MAX / 2));
}

void fake_tls_say(struct tls_conn *conn, enum fake_message kind, uint8_t first, uint8_t second)
{
	const uint8_t body[] = { (uint8_t)kind, first, second };

	fake_tls_emit(conn, FAKE_HANDSHAKE, slice_of(body, sizeof body));
}

void fake_tls_fail(struct tls_conn *conn, const char *detail)
{
	static const uint8_t fatal = 2;

	diagnosis_say(&conn->why, DIAG_TLS_FAILED, "%s", detail);
	conn->state = TLS_FAILED;
	fake_tls_emit(conn, FAKE_ALERT, slice_of(&fatal, 1));
}

/* ---- the handshake -------------------------------------------------------------------------- */

static uint8_t certificate(const struct tls_conn *conn)
{
	return conn->config->row.len > 0 ? FAKE_CERTIFICATE : 0;
}

static void client_hears(struct tls_conn *conn, uint8_t kind, struct rd *r)
{
	if (kind == FAKE_TICKET && conn->state == TLS_FINISHED) {
		conn->ticket = true;
	} else if (kind == FAKE_HELLO && !conn->greeted) {
		conn->version = rd_u8(r) & 1 ? TLS_1_2 : TLS_1_3;
		conn->resumed = conn->offered && (rd_u8(r) & FAKE_RESUMES);
		conn->greeted = true;
		fake_tls_say(conn, FAKE_FINISH, certificate(conn), 0);
		if (conn->version == TLS_1_3 || conn->resumed)
			conn->state = TLS_FINISHED;
	} else if (kind == FAKE_FINISH && conn->greeted && conn->state == TLS_HANDSHAKE) {
		conn->state = TLS_FINISHED;
	} else {
		fake_tls_fail(conn, "an unexpected message");
	}
}

/* ---- engine.h ------------------------------------------------------------------------------- */

static void hear(struct tls_conn *conn, uint8_t type, struct slice body)
{
	struct rd r = rd_of(body);
	uint8_t first = rd_u8(&r);

	if (type == FAKE_HANDSHAKE && body.len > 0)
		(conn->config ? client_hears : fake_tls_server_hears)(conn, first, &r);
	else if (type == FAKE_DATA && conn->state == TLS_FINISHED)
		must(bytes_append(&conn->received, body, SIZE_MAX / 2));
	else if (type == FAKE_ALERT && first == 0 && conn->state == TLS_FINISHED)
		conn->closed = true;
	else
		fake_tls_fail(conn, type == FAKE_ALERT ? "an alert" : "an unexpected record");
}

void tls_conn_feed(struct tls_conn *conn, struct slice in, struct moment now)
{
	struct rd r = rd_of(in);

	(void)now;
	bytes_clear(&conn->received);
	if (conn->config && !conn->greeted && in.len == 0 && conn->pending.len == 0)
		fake_tls_say(conn, FAKE_HELLO, conn->offered, 0);
	while (r.left > 0 && conn->state != TLS_FAILED && !conn->closed) {
		uint8_t type = rd_u8(&r);
		struct slice body = rd_bytes(&r, rd_u16(&r));

		if (rd_ok(&r))
			hear(conn, type, body);
		else
			fake_tls_fail(conn, "a record that is cut off");
	}
}

struct slice tls_conn_pending(const struct tls_conn *conn)
{
	if (conn->consumed == conn->pending.len)
		return slice_of(NULL, 0);
	return slice_of(conn->pending.p + conn->consumed, conn->pending.len - conn->consumed);
}

void tls_conn_consume(struct tls_conn *conn, size_t len)
{
	conn->consumed += len;
	if (conn->consumed > conn->pending.len)
		abort();
	if (conn->consumed < conn->pending.len)
		return;
	bytes_clear(&conn->pending);
	conn->consumed = 0;
}

enum tls_state tls_conn_state(const struct tls_conn *conn)
{
	return conn->state;
}

enum tls_version tls_conn_version(const struct tls_conn *conn)
{
	return conn->version;
}

const char *tls_conn_stage(const struct tls_conn *conn)
{
	return conn->greeted ? "finished" : "hello";
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
	uint32_t x = slice_hash(slice_str(label)) ^ (context ? ~slice_hash(*context) : 0);

	(void)conn;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = (uint8_t)(x >> 24);
	}
	return OK;
}

bool tls_conn_exports_unique(const struct tls_conn *conn)
{
	return conn->version >= TLS_1_3 || !conn->resumed;
}

void tls_conn_randoms(const struct tls_conn *conn, uint8_t out[TLS_RANDOMS_SIZE])
{
	(void)conn;
	memset(out, 'r', TLS_RANDOMS_SIZE);
}

enum status tls_conn_hashes(const struct tls_conn *conn, struct tls_hashes *ret_hashes)
{
	(void)conn;
	*ret_hashes = (struct tls_hashes){ "SHA256", "SHA256" };
	return OK;
}

enum status tls_conn_channel_binding(const struct tls_conn *conn,
				     uint8_t out[TLS_CHANNEL_BINDING_MAX], size_t *ret_len)
{
	*ret_len = 32;
	return tls_conn_export(conn, "binding", NULL, out, *ret_len);
}

enum status tls_conn_peer_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	(void)conn;
	return bytes_set(ret_id, slice_str("peer"));
}

enum status tls_conn_server_id(const struct tls_conn *conn, struct bytes *ret_id)
{
	(void)conn;
	return bytes_set(ret_id, slice_str("server"));
}

void tls_conn_keep_session(struct tls_conn *conn)
{
	if (!conn->keep || !conn->config->resume || (conn->version == TLS_1_3 && !conn->ticket))
		return;
	tls_session_done(conn->keep);
	conn->keep->config = tls_config_ref(conn->config);
	must(secret_set(&conn->keep->encoded, slice_of(&fake_tls_epoch, sizeof fake_tls_epoch)));
}

bool tls_conn_trusts(const struct tls_conn *conn)
{
	return !trust_is_insecure(conn->config->trust);
}

/* Who judges shows. */
bool tls_conn_shows(const struct tls_conn *conn)
{
	return tls_conn_trusts(conn);
}

bool tls_conn_trusts_by_name(const struct tls_conn *conn)
{
	return tls_conn_trusts(conn) && trust_is_named(conn->config->trust);
}

/* Nobody sends certificates here. */
enum status tls_conn_pinned_root(const struct tls_conn *conn, struct bytes *ret_der)
{
	(void)conn;
	bytes_clear(ret_der);
	return OK;
}

void tls_conn_report(const struct tls_conn *conn, struct eap_report *ret_report)
{
	*ret_report = (struct eap_report){ .resumed = conn->resumed };
	snprintf(ret_report->tls_version, sizeof ret_report->tls_version, "none");
}
