#include "tests/fuzz/fake_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_config {
	unsigned references;
	struct trust *trust;
	struct bytes row; /* of the claim that our certificate makes */
	bool resume;
};

struct tls_server_config {
	unsigned references;
	struct trust *trust;
	struct tls_server_settings settings;
	/* the session that is kept, of this epoch */
	unsigned epoch;
	struct bytes row, facts;
};

struct tls_conn {
	struct tls_config *config; /* NULL: the server */
	struct tls_server_config *server;
	struct bytes pending, received;
	size_t consumed;
	enum tls_state state;
	enum tls_version version;
	bool greeted, proven, closed, resumed, ticket;
	struct diagnosis why;

	/* the client's */
	struct tls_session *keep;
	bool offered;

	/* the server's */
	bool asks;
	struct bytes row, facts;
	struct tls_claim claim;
};

void (*fake_tls_on_send)(bool server, struct bytes *data);
static unsigned epoch = 1;

void fake_tls_forget(void)
{
	epoch++;
}

static void *made(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void must(enum status status)
{
	if (status != OK)
		abort();
}

/* ---- ends ----------------------------------------------------------------------------------- */

/* Of the last client that was made with a certificate: what its FAKE_CERTIFICATE stands for. */
static struct bytes shown;

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
		must(bytes_set(&shown, bytes_slice(&c->row)));
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

enum status tls_server_config_new(const struct tls_server_settings *settings,
				  struct tls_server_config **ret_config, struct diagnosis *why)
{
	struct tls_server_config *c = made(sizeof *c);

	(void)why;
	c->references = 1;
	c->trust = settings->trust;
	c->settings = *settings;
	*ret_config = c;
	return OK;
}

struct tls_server_config *tls_server_config_ref(struct tls_server_config *c)
{
	if (c)
		c->references++;
	return c;
}

void tls_server_config_free(struct tls_server_config *c)
{
	if (!c || --c->references > 0)
		return;
	trust_free(c->trust);
	bytes_done(&c->row);
	bytes_done(&c->facts);
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
	       slice_eq(secret_slice(&session->encoded), slice_of(&epoch, sizeof epoch));
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

enum status tls_server_conn_new(struct tls_server_config *config, struct moment now,
				struct tls_conn **ret_conn)
{
	struct tls_conn *conn = made(sizeof *conn);

	(void)now;
	conn->server = tls_server_config_ref(config);
	conn->version = config->settings.max ? config->settings.max : TLS_1_3;
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

static void emit(struct tls_conn *conn, enum fake_record type, struct slice body)
{
	uint8_t head[3];
	struct wr w = wr_of(head, sizeof head);

	wr_u8(&w, (uint8_t)type);
	wr_u16(&w, (uint16_t)body.len);
	must(bytes_append(&conn->pending, wr_done(&w), SIZE_MAX / 2));
	must(bytes_append(&conn->pending, body, SIZE_MAX / 2));
}

static void say(struct tls_conn *conn, enum fake_message kind, uint8_t first, uint8_t second)
{
	const uint8_t body[] = { (uint8_t)kind, first, second };

	emit(conn, FAKE_HANDSHAKE, slice_of(body, sizeof body));
}

static void fail(struct tls_conn *conn, const char *detail)
{
	static const uint8_t fatal = 2;

	diagnosis_say(&conn->why, DIAG_TLS_FAILED, "%s", detail);
	conn->state = TLS_FAILED;
	emit(conn, FAKE_ALERT, slice_of(&fatal, 1));
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
		say(conn, FAKE_FINISH, certificate(conn), 0);
		if (conn->version == TLS_1_3 || conn->resumed)
			conn->state = TLS_FINISHED;
	} else if (kind == FAKE_FINISH && conn->greeted && conn->state == TLS_HANDSHAKE) {
		conn->state = TLS_FINISHED;
	} else {
		fail(conn, "an unexpected message");
	}
}

static void set_claim(struct tls_conn *conn, struct slice row)
{
	must(bytes_set(&conn->row, row));
	if (row.len == 0)
		return;
	must(tls_claim_parse(bytes_slice(&conn->row), &conn->claim));
	conn->claim.resumed = conn->resumed;
	conn->asks = true;
}

static void say_hello(struct tls_conn *conn)
{
	say(conn, FAKE_HELLO, conn->version == TLS_1_2, conn->resumed);
}

/* What the answer about a certificate was waited for with. */
static void go_on(struct tls_conn *conn)
{
	if (conn->state == TLS_FINISHED)
		return;
	if (conn->resumed) {
		say_hello(conn);
	} else {
		say(conn, FAKE_FINISH, 0, 0);
		conn->state = TLS_FINISHED;
	}
}

static void hear_hello(struct tls_conn *conn, uint8_t flags)
{
	struct tls_server_config *c = conn->server;

	conn->greeted = true;
	conn->resumed = (flags & FAKE_RESUMES) && c->epoch == epoch;
	if (!conn->resumed || conn->version == TLS_1_3) {
		say_hello(conn);
		return;
	}
	set_claim(conn, bytes_slice(&c->row));
	if (!conn->asks)
		go_on(conn);
}

static void hear_finish(struct tls_conn *conn, uint8_t flags)
{
	struct tls_server_config *c = conn->server;
	bool has = flags & FAKE_CERTIFICATE && c->settings.client != TLS_CLIENT_NONE;

	conn->proven = true;
	if (conn->resumed)
		must(bytes_set(&conn->facts, bytes_slice(&c->facts)));
	if (conn->resumed || conn->version == TLS_1_3)
		conn->state = TLS_FINISHED;
	if (conn->resumed && conn->version == TLS_1_2)
		return; /* asked before */
	if (conn->resumed)
		set_claim(conn, bytes_slice(&c->row));
	else if (has)
		set_claim(conn, bytes_slice(&shown));
	else if (c->settings.client == TLS_CLIENT_REQUIRED)
		fail(conn, "no certificate");
	if (!conn->asks && conn->state != TLS_FAILED)
		go_on(conn);
}

static void server_hears(struct tls_conn *conn, uint8_t kind, struct rd *r)
{
	if (kind == FAKE_HELLO && !conn->greeted)
		hear_hello(conn, rd_u8(r));
	else if (kind == FAKE_FINISH && conn->greeted && !conn->proven && !conn->asks)
		hear_finish(conn, rd_u8(r));
	else
		fail(conn, "an unexpected message");
}

/* ---- engine.h ------------------------------------------------------------------------------- */

static void hear(struct tls_conn *conn, uint8_t type, struct slice body)
{
	struct rd r = rd_of(body);
	uint8_t first = rd_u8(&r);

	if (type == FAKE_HANDSHAKE && body.len > 0)
		(conn->config ? client_hears : server_hears)(conn, first, &r);
	else if (type == FAKE_DATA && conn->state == TLS_FINISHED)
		must(bytes_append(&conn->received, body, SIZE_MAX / 2));
	else if (type == FAKE_ALERT && first == 0 && conn->state == TLS_FINISHED)
		conn->closed = true;
	else
		fail(conn, type == FAKE_ALERT ? "an alert" : "an unexpected record");
}

void tls_conn_feed(struct tls_conn *conn, struct slice in, struct moment now)
{
	struct rd r = rd_of(in);

	(void)now;
	bytes_clear(&conn->received);
	if (conn->config && !conn->greeted && in.len == 0 && conn->pending.len == 0)
		say(conn, FAKE_HELLO, conn->offered, 0);
	while (r.left > 0 && conn->state != TLS_FAILED && !conn->closed) {
		uint8_t type = rd_u8(&r);
		struct slice body = rd_bytes(&r, rd_u16(&r));

		if (rd_ok(&r))
			hear(conn, type, body);
		else
			fail(conn, "a record that is cut off");
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
	return conn->version >= TLS_1_3;
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
	must(secret_set(&conn->keep->encoded, slice_of(&epoch, sizeof epoch)));
}

bool tls_conn_trusts(const struct tls_conn *conn)
{
	return !trust_is_insecure(conn->config->trust);
}

bool tls_conn_trusts_by_name(const struct tls_conn *conn)
{
	return tls_conn_trusts(conn) && trust_is_named(conn->config->trust);
}

void tls_conn_report(const struct tls_conn *conn, struct eap_report *ret_report)
{
	*ret_report = (struct eap_report){ .resumed = conn->resumed };
	snprintf(ret_report->tls_version, sizeof ret_report->tls_version, "none");
}

/* ---- server.h ------------------------------------------------------------------------------- */

bool tls_conn_asks(const struct tls_conn *conn)
{
	return conn->asks;
}

const struct tls_claim *tls_conn_claim(const struct tls_conn *conn)
{
	return conn->row.len > 0 ? &conn->claim : NULL;
}

void tls_conn_admit(struct tls_conn *conn, struct moment now)
{
	(void)now;
	conn->asks = false;
	go_on(conn);
}

void tls_conn_refuse(struct tls_conn *conn, const struct diagnosis *why)
{
	conn->asks = false;
	bytes_clear(&conn->pending);
	conn->consumed = 0;
	fail(conn, "refused");
	conn->why = *why;
	tls_conn_forget_session(conn);
}

bool tls_conn_may_disregard(const struct tls_conn *conn)
{
	return conn->server->settings.client != TLS_CLIENT_REQUIRED && !conn->resumed;
}

void tls_conn_disregard(struct tls_conn *conn, struct moment now)
{
	bytes_clear(&conn->row);
	conn->claim = (struct tls_claim){ 0 };
	tls_conn_admit(conn, now);
}

static bool resumes(const struct tls_conn *conn)
{
	return conn->server->settings.tunnel &&
	       conn->server->settings.resumption == TLS_RESUME_MEMORY &&
	       conn->state == TLS_FINISHED;
}

enum status tls_conn_send_ticket(struct tls_conn *conn)
{
	if (!resumes(conn) || conn->ticket || tls_conn_pending(conn).len > 0 ||
	    conn->version < TLS_1_3)
		return OK;
	conn->ticket = true;
	say(conn, FAKE_TICKET, 0, 0);
	return OK;
}

enum status tls_conn_keep(struct tls_conn *conn, struct slice facts)
{
	struct tls_server_config *c = conn->server;
	bool new = conn->version >= TLS_1_3 ? conn->ticket : !conn->resumed;

	if (!resumes(conn) || !new || facts.len > TLS_FACTS_MAX)
		return OK;
	c->epoch = epoch;
	must(bytes_set(&c->row, bytes_slice(&conn->row)));
	return bytes_set(&c->facts, facts);
}

struct slice tls_conn_facts(const struct tls_conn *conn)
{
	return bytes_slice(&conn->facts);
}

void tls_conn_forget_session(struct tls_conn *conn)
{
	conn->server->epoch = 0;
}

bool tls_conn_resumed(const struct tls_conn *conn)
{
	return conn->resumed;
}

enum status tls_conn_send(struct tls_conn *conn, struct slice data)
{
	AUTO_VALUE(bytes) sent = { 0 };
	struct rd r;

	if (conn->state != TLS_FINISHED)
		return CRYPTO;
	must(bytes_set(&sent, data));
	if (fake_tls_on_send)
		fake_tls_on_send(conn->server != NULL, &sent);
	r = rd_of(bytes_slice(&sent));
	while (r.left > 0)
		emit(conn, FAKE_DATA, rd_bytes(&r, r.left < 16384 ? r.left : 16384));
	return OK;
}
