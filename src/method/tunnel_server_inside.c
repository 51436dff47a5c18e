/* What a tunnel of the server is to what runs inside of it. */
#include <string.h>

#include "method/tunnel_server_parts.h"

/* ---- for what runs inside ------------------------------------------------------------------- */

const struct tls_conn *tunnel_server_conn(const struct tunnel_server *t)
{
	return t->conn;
}

bool tunnel_server_resumed(const struct tunnel_server *t)
{
	return tls_conn_resumed(t->conn);
}

const struct tls_claim *tunnel_server_claim(const struct tunnel_server *t)
{
	return tls_conn_claim(t->conn);
}

const struct eap_tunnel_binding *tunnel_server_binding(const struct tunnel_server *t)
{
	return &t->binding;
}

struct slice tunnel_server_outer_sent(const struct tunnel_server *t)
{
	return bytes_slice(&t->outer_sent);
}

struct slice tunnel_server_outer_heard(const struct tunnel_server *t)
{
	return bytes_slice(&t->outer_heard);
}

struct slice tunnel_server_identity(const struct tunnel_server *t)
{
	return bytes_slice(&t->identity);
}

void tunnel_server_send(struct tunnel_server *t, struct slice data)
{
	if (data.len > 0 && tls_conn_send(t->conn, data) != OK)
		t->broken = true;
}

void tunnel_server_send_ticket(struct tunnel_server *t)
{
	if (tls_conn_send_ticket(t->conn) != OK)
		t->broken = true;
}

enum status tunnel_server_proved(struct tunnel_server *t, struct slice identity, const char *method,
				 const struct tls_claim *claim)
{
	if (identity.len > TUNNEL_IDENTITY_MAX)
		return MALFORMED;
	snprintf(t->method, sizeof t->method, "%s", method);
	t->inner_claim = claim;
	t->proved = true;
	bytes_clear(&t->other);
	return bytes_set(&t->identity, identity);
}

enum status tunnel_server_proved_before(struct tunnel_server *t, struct slice identity)
{
	return identity.len > TUNNEL_IDENTITY_MAX ? MALFORMED : bytes_set(&t->other, identity);
}

void tunnel_server_keep_nothing(struct tunnel_server *t)
{
	t->fleeting = true;
}

const struct eap_question *tunnel_server_ask_admission(struct tunnel_server *t, bool enrolled,
						       const struct diagnosis *missed)
{
	t->admission.about.admission = (struct eap_admission_question){
		.identity = bytes_slice(&t->identity),
		.other = bytes_slice(&t->other),
		.inner = t->method[0] ? t->method : NULL,
		.claim = t->inner_claim ? t->inner_claim : tls_conn_claim(t->conn),
		.shown = tls_conn_claim(t->conn) != NULL,
		.resumed = tls_conn_resumed(t->conn),
		.authenticated = tls_conn_authenticated(t->conn),
		.enrolled = enrolled,
		.missed = missed,
	};
	return &t->admission;
}

/* ---- what a session remembers --------------------------------------------------------------- */

bool tunnel_server_may_resume(const struct tunnel_server *t)
{
	bool certificate_alone = !t->method[0] && tls_conn_claim(t->conn);

	return t->proved && !t->fleeting && !t->inner_claim &&
	       (t->identity.len > 0 || certificate_alone);
}

/* The name of the inner method and the identity, each behind its length; then the other one. */
enum status tunnel_server_remember(struct tunnel_server *t)
{
	uint8_t facts[1 + sizeof t->method + 2 + 2 * TUNNEL_IDENTITY_MAX];
	struct wr w = wr_of(facts, sizeof facts);

	if (!tunnel_server_may_resume(t))
		return OK;
	wr_u8(&w, (uint8_t)strlen(t->method));
	wr_bytes(&w, slice_str(t->method));
	wr_u16(&w, (uint16_t)t->identity.len);
	wr_bytes(&w, bytes_slice(&t->identity));
	wr_bytes(&w, bytes_slice(&t->other));
	return tls_conn_keep(t->conn, wr_done(&w));
}

enum status tunnel_server_recall(struct tunnel_server *t)
{
	struct rd r = rd_of(tls_conn_facts(t->conn));
	struct slice method = rd_bytes(&r, rd_u8(&r));
	struct slice identity = rd_bytes(&r, rd_u16(&r)), other = rd_rest(&r);

	if (!tls_conn_resumed(t->conn))
		return OK;
	if (!rd_done(&r) || method.len >= sizeof t->method)
		return MALFORMED;
	memcpy(t->method, method.p, method.len);
	t->method[method.len] = '\0';
	t->proved = true;
	if (bytes_set(&t->other, other) != OK)
		return NO_MEMORY;
	return bytes_set(&t->identity, identity);
}
