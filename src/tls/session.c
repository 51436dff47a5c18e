#include "tls/engine_parts.h"

#include <openssl/asn1.h>

#include <string.h>

void tls_session_done(struct tls_session *session)
{
	secret_done(&session->encoded);
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

	if (session->encoded.len == 0 || session->config != config || !config->resume)
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

static SSL_SESSION *decode(const struct secret *encoded)
{
	const unsigned char *p = encoded->p;

	return d2i_SSL_SESSION(NULL, &p, (long)encoded->len);
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
		conn->far = session->server;
		session->server = (struct tls_identity){ 0 };
		conn->offered = decode(&session->encoded);
		if (!conn->offered || SSL_set_session(conn->ssl, conn->offered) != 1)
			status = CRYPTO;
	}
	tls_session_done(session);
	return status;
}

/* ---- kept ---------------------------------------------------------------------------------- */

/* OpenSSL encodes a session as a SEQUENCE, in which [3] is the certificate of the peer. */
#define SESSION_PEER 3

struct slice tls_session_without_peer(unsigned char *der, long len)
{
	const struct slice whole = slice_of(der, (size_t)len);
	const unsigned char *p = der, *end = der + len;
	unsigned char *body, *begin;
	int tag, class;
	long n;

	if (ASN1_get_object(&p, &n, &tag, &class, len) & 0x80)
		return whole;
	body = der + (p - der);
	while (p < end) {
		unsigned char *element = der + (p - der);

		if (ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80)
			return whole;
		p += n;
		if (tag != SESSION_PEER || class != V_ASN1_CONTEXT_SPECIFIC)
			continue;
		memmove(element, p, (size_t)(end - p));
		len = end - body - (p - element);
		begin = body - (ASN1_object_size(1, (int)len, V_ASN1_SEQUENCE) - len);
		body = begin;
		ASN1_put_object(&body, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
		return slice_of(begin, (size_t)(body + len - begin));
	}
	return whole;
}

/* What OpenSSL keeps with a session weighs ten times as much as this, most of it the decoded
 * certificates of the server, which are of no use in a resumption; and it is many small blocks,
 * among those of conversations that come and go. */
static enum status encode(SSL_SESSION *session, struct secret *ret_encoded)
{
	unsigned char *der = NULL;
	int len = i2d_SSL_SESSION(session, &der);
	enum status status = NO_MEMORY;

	if (len > 0)
		status = secret_set(ret_encoded, tls_session_without_peer(der, len));
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	return status;
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
	if (encode(session, &next.encoded) != OK ||
	    tls_identity_copy(&conn->far, &next.server) != OK) {
		tls_session_done(&next);
		return;
	}
	next.config = tls_config_ref(conn->config);
	tls_session_done(conn->keep);
	*conn->keep = next;
}
