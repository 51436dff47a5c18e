/* What a tunnel of the peer is to what runs inside of it. */
#include "method/tunnel_peer_parts.h"
#include "tls/server.h"

enum status tunnel_peer_send(struct tunnel_peer *t, struct slice data)
{
	return tunnel_peer_finished(t) ? tls_conn_send(t->conn, data) : UNEXPECTED;
}

enum status tunnel_peer_outer(struct tunnel_peer *t, struct slice outer)
{
	return bytes_set(&t->outer, outer);
}

const struct tls_conn *tunnel_peer_conn(const struct tunnel_peer *t)
{
	return t->conn;
}

bool tunnel_peer_resumed(const struct tunnel_peer *t)
{
	return tunnel_peer_finished(t) && tls_conn_resumed(t->conn);
}

bool tunnel_peer_trusted(const struct tunnel_peer *t)
{
	return tunnel_peer_finished(t) && t->binding.server_trusted;
}

const struct eap_tunnel_binding *tunnel_peer_binding(const struct tunnel_peer *t)
{
	return &t->binding;
}

struct diagnosis *tunnel_peer_why(struct tunnel_peer *t)
{
	return &t->why;
}

enum tunnel_progress tunnel_peer_malformed(struct tunnel_peer *t, const char *detail)
{
	diagnosis_set(&t->why, DIAG_MALFORMED);
	diagnosis_add(&t->why, "what", "%s", t->inside->name);
	diagnosis_add(&t->why, "detail", "%s", detail);
	return TUNNEL_GIVES_UP;
}

enum tunnel_progress tunnel_peer_internal(struct tunnel_peer *t, const char *detail)
{
	diagnosis_say(&t->why, DIAG_INTERNAL, "%s", detail);
	return TUNNEL_FAILED;
}
