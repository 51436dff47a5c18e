#include "tls/engine_parts.h"

#include <openssl/asn1.h>

#include <string.h>

void tls_session_done(struct tls_session *session)
{
	SSL_SESSION_free(session->session);
	tls_config_free(session->config);
	tls_identity_done(&session->server);
	*session = (struct tls_session){ 0 };
}

/* ---- offered ------------------------------------------------------------------------------- */

static bool may_be_offered(const struct tls_session *session, const struct tls_config *config,
			   struct moment now, struct diagnosis *ret_reduced)
{
	const struct tls_identity *server = &session->server;
	struct diagnosis why;

	if (!session->session || session->config != config || !config->resume)
		return false;
	if (now.mono >= session->expires || now.mono >= session->full_until)
		return false;
	diagnosis_set(&why, DIAG_NONE);
	if (trust_recheck(config->trust, server->not_before, server->not_after, now.wall, &why) !=
	    OK)
		return false;
	*ret_reduced = why;
	return true;
}

/* Offered once only: a ticket seen twice lets an observer link the two (RFC 8446, section C.4). */
enum status tls_session_offer(struct tls_conn *conn, struct tls_session *session)
{
	enum status status = OK;

	if (!session)
		return OK;
	conn->keep = session;
	if (may_be_offered(session, conn->config, conn->now, &conn->reduced)) {
		conn->offered_expires = session->expires;
		conn->full_until = session->full_until;
		conn->server = session->server;
		session->server = (struct tls_identity){ 0 };
		conn->offered = TAKE(session->session);
		status = SSL_set_session(conn->ssl, conn->offered) == 1 ? OK : CRYPTO;
	}
	tls_session_done(session);
	return status;
}

/* ---- kept ---------------------------------------------------------------------------------- */

/* OpenSSL encodes a session as a SEQUENCE, in which [3] is the certificate of the peer. */
#define SESSION_PEER 3

/* Takes that out, in place; returns where the encoding now begins, or NULL. */
static unsigned char *cut_peer(unsigned char *der, long len)
{
	const unsigned char *p = der, *end = der + len;
	unsigned char *body, *begin;
	int tag, class;
	long n;

	if (ASN1_get_object(&p, &n, &tag, &class, len) & 0x80)
		return NULL;
	body = der + (p - der);
	while (p < end) {
		size_t at = (size_t)(p - der);

		if (ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80)
			return NULL;
		p += n;
		if (tag != SESSION_PEER || class != V_ASN1_CONTEXT_SPECIFIC)
			continue;
		memmove(der + at, p, (size_t)(end - p));
		len = end - body - (p - (der + at));
		begin = body - (ASN1_object_size(1, (int)len, V_ASN1_SEQUENCE) - len);
		body = begin;
		ASN1_put_object(&body, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
		return begin;
	}
	return NULL;
}

/* The decoded certificates of the server weigh ten times as much as all else in a session, and are
 * of no use in a resumption.  A session that cannot be had without them is kept as it is. */
static SSL_SESSION *without_certificates(SSL_SESSION *session)
{
	unsigned char *der = NULL, *lean;
	SSL_SESSION *copy = NULL;
	int len = SSL_SESSION_get0_peer(session) ? i2d_SSL_SESSION(session, &der) : -1;

	if (len > 0) {
		lean = cut_peer(der, len);
		if (lean) {
			const unsigned char *p = lean;

			copy = d2i_SSL_SESSION(NULL, &p, len - (lean - der));
		}
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (!copy)
		return session;
	SSL_SESSION_free(session);
	return copy;
}

/* What the server says, a week at most (RFC 8446, section 4.6.1); without a ticket it says nothing.
 */
static msec lifetime(const SSL_SESSION *session)
{
	unsigned long seconds = SSL_SESSION_get_ticket_lifetime_hint(session);

	return seconds ? msec_earlier((msec)seconds * 1000, (msec)7 * 24 * 3600 * 1000)
		       : TLS_RESUME_MAX;
}

void tls_conn_keep_session(struct tls_conn *conn)
{
	AUTO(SSL_SESSION) session = SSL_get1_session(conn->ssl);
	bool again = session == conn->offered;
	struct tls_session next = { .expires = conn->offered_expires,
				    .full_until = conn->full_until };

	if (!conn->keep || !conn->config->resume || !session || !SSL_SESSION_is_resumable(session))
		return;
	if (again && tls_conn_version(conn) >= TLS_1_3)
		return;
	if (!again)
		next.expires = msec_after(conn->now.mono, lifetime(session));
	if (!SSL_session_reused(conn->ssl))
		next.full_until = msec_after(conn->now.mono, TLS_RESUME_MAX);
	if (tls_identity_copy(&conn->server, &next.server) != OK)
		return;
	next.config = tls_config_ref(conn->config);
	next.session = without_certificates(TAKE(session));
	tls_session_done(conn->keep);
	*conn->keep = next;
}
