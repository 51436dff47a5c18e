/* Sessions of a tunnel, as the server keeps them: in memory, with what was proved inside. */

#include "tls/engine_parts.h"
#include "tls/server.h"

/* ---- what a session holds ------------------------------------------------------------------- */

/* Not that of a claim: what was kept by a server without a tunnel is of no use here. */
#define ROW_FORM 0x54
#define ROW_MAX	 (TLS_CLAIM_RESUMED_MAX + TLS_FACTS_MAX + 16)

enum status tls_tunnel_row_build(const struct tls_tunnel_row *row, struct bytes *ret_row)
{
	enum status status = bytes_reserve(ret_row, ROW_MAX);
	struct wr w;
	size_t mark;

	if (status != OK)
		return status;
	w = wr_of(ret_row->p, ROW_MAX);
	wr_u8(&w, ROW_FORM);
	wr_u32(&w, (uint32_t)((uint64_t)row->authenticated >> 32));
	wr_u32(&w, (uint32_t)row->authenticated);
	mark = wr_open16(&w);
	wr_bytes(&w, row->claim);
	wr_close16(&w, mark);
	wr_bytes(&w, row->facts);
	ret_row->len = wr_done(&w).len;
	return wr_ok(&w) ? OK : MALFORMED;
}

enum status tls_tunnel_row_parse(struct slice in, struct tls_tunnel_row *ret_row)
{
	struct rd r = rd_of(in);
	uint8_t form = rd_u8(&r);
	struct tls_tunnel_row row = { .authenticated = (int64_t)rd_u64(&r) };

	row.claim = rd_bytes(&r, rd_u16(&r));
	row.facts = rd_rest(&r);
	if (!rd_done(&r) || form != ROW_FORM || row.claim.len > TLS_CLAIM_RESUMED_MAX ||
	    row.facts.len > TLS_FACTS_MAX)
		return MALFORMED;
	*ret_row = row;
	return OK;
}

/* ---- the end of a conversation -------------------------------------------------------------- */

static bool resumes(const struct tls_conn *conn)
{
	return conn->side.config->tunnel && conn->side.config->resumption == TLS_RESUME_MEMORY &&
	       conn->state == TLS_FINISHED;
}

enum status tls_conn_send_ticket(struct tls_conn *conn)
{
	struct tls_server_side *side = &conn->side;
	bool made;

	if (!resumes(conn) || side->ticket_sent || tls_conn_pending(conn).len > 0 ||
	    tls_conn_version(conn) < TLS_1_3)
		return OK;
	/* A ticket is used once: RFC 8446, section 8.1. */
	if (SSL_session_reused(conn->ssl))
		side->replaced = SSL_get1_session(conn->ssl);
	tls_clear_errors();
	made = tls_server_make_ticket(conn);
	tls_clear_errors();
	side->ticket_sent = made;
	return made ? OK : CRYPTO;
}

enum status tls_conn_keep(struct tls_conn *conn, struct slice facts)
{
	struct tls_server_side *side = &conn->side;
	const struct tls_tunnel_row parts = { side->authenticated, bytes_slice(&side->row), facts };
	bool new = tls_conn_version(conn) >= TLS_1_3 ? side->ticket_sent
						     : !SSL_session_reused(conn->ssl);
	struct bytes row = { 0 };
	enum status status = OK;

	if (!resumes(conn) || !new || facts.len > TLS_FACTS_MAX ||
	    side->row.len > TLS_CLAIM_RESUMED_MAX)
		return OK;
	status = tls_tunnel_row_build(&parts, &row);
	if (status == OK)
		tls_server_store(conn, bytes_slice(&row));
	if (side->replaced)
		SSL_CTX_remove_session(conn->config->ctx, side->replaced);
	bytes_done(&row);
	return status;
}

struct slice tls_conn_facts(const struct tls_conn *conn)
{
	return bytes_slice(&conn->side.facts);
}

int64_t tls_conn_authenticated(const struct tls_conn *conn)
{
	return conn->side.authenticated;
}

void tls_conn_forget_session(struct tls_conn *conn)
{
	if (conn->side.replaced)
		SSL_CTX_remove_session(conn->config->ctx, conn->side.replaced);
	tls_server_drop_session(conn);
}

bool tls_conn_resumed(const struct tls_conn *conn)
{
	return SSL_session_reused(conn->ssl);
}
