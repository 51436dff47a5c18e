#include "tests/fuzz/fake_tls_parts.h"

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

/* ---- the handshake -------------------------------------------------------------------------- */

static void set_claim(struct tls_conn *conn, struct slice row)
{
	must(bytes_set(&conn->row, row));
	if (row.len == 0)
		return;
	must(tls_claim_parse(bytes_slice(&conn->row), &conn->claim));
	conn->claim.resumed = conn->resumed;
	if (!conn->resumed)
		conn->claim.certificate = bytes_slice(&fake_tls_certificate);
	conn->asks = true;
}

static void say_hello(struct tls_conn *conn)
{
	fake_tls_say(conn, FAKE_HELLO, conn->version == TLS_1_2, conn->resumed);
}

/* What the answer about a certificate was waited for with. */
static void go_on(struct tls_conn *conn)
{
	if (conn->state == TLS_FINISHED)
		return;
	if (conn->resumed) {
		say_hello(conn);
	} else {
		fake_tls_say(conn, FAKE_FINISH, 0, 0);
		conn->state = TLS_FINISHED;
	}
}

static void hear_hello(struct tls_conn *conn, uint8_t flags)
{
	struct tls_server_config *c = conn->server;

	conn->greeted = true;
	conn->resumed = (flags & FAKE_RESUMES) && c->epoch == fake_tls_epoch;
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
		set_claim(conn, bytes_slice(&fake_tls_shown));
	else if (c->settings.client == TLS_CLIENT_REQUIRED)
		fake_tls_fail(conn, "no certificate");
	if (!conn->asks && conn->state != TLS_FAILED)
		go_on(conn);
}

void fake_tls_server_hears(struct tls_conn *conn, uint8_t kind, struct rd *r)
{
	if (kind == FAKE_HELLO && !conn->greeted)
		hear_hello(conn, rd_u8(r));
	else if (kind == FAKE_FINISH && conn->greeted && !conn->proven && !conn->asks)
		hear_finish(conn, rd_u8(r));
	else
		fake_tls_fail(conn, "an unexpected message");
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

/* As far as a ticket of TLS 1.3 tells the client. */
static void keep(struct tls_conn *conn)
{
	struct tls_server_config *c = conn->server;

	if (c->settings.resumption == TLS_RESUME_OFF)
		return;
	c->epoch = fake_tls_epoch;
	must(bytes_set(&c->row, bytes_slice(&conn->row)));
	if (conn->version >= TLS_1_3)
		fake_tls_say(conn, FAKE_TICKET, 0, 0);
}

void tls_conn_admit(struct tls_conn *conn, struct moment now)
{
	(void)now;
	conn->asks = false;
	go_on(conn);
	if (conn->state == TLS_FINISHED && !conn->server->settings.tunnel)
		keep(conn);
}

void tls_conn_refuse(struct tls_conn *conn, const struct diagnosis *why)
{
	conn->asks = false;
	bytes_clear(&conn->pending);
	conn->consumed = 0;
	fake_tls_fail(conn, "refused");
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
	fake_tls_say(conn, FAKE_TICKET, 0, 0);
	return OK;
}

enum status tls_conn_keep(struct tls_conn *conn, struct slice facts)
{
	struct tls_server_config *c = conn->server;
	bool new = conn->version >= TLS_1_3 ? conn->ticket : !conn->resumed;

	if (!resumes(conn) || !new || facts.len > TLS_FACTS_MAX)
		return OK;
	c->epoch = fake_tls_epoch;
	must(bytes_set(&c->row, bytes_slice(&conn->row)));
	return bytes_set(&c->facts, facts);
}

struct slice tls_conn_facts(const struct tls_conn *conn)
{
	return bytes_slice(&conn->facts);
}

int64_t tls_conn_authenticated(const struct tls_conn *conn)
{
	(void)conn;
	return 1;
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
		fake_tls_emit(conn, FAKE_DATA, rd_bytes(&r, r.left < 16384 ? r.left : 16384));
	return OK;
}
