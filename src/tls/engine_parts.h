/* What the files of the TLS engine share: the two types that engine.h keeps closed. */
#ifndef TLS_ENGINE_PARTS_H
#define TLS_ENGINE_PARTS_H

#include "tls/engine.h"

struct tls_config {
	unsigned references;
	SSL_CTX *ctx;
	struct trust *trust;
	char *credential; /* "" if it has no name */
	struct bytes peer_id;
	bool has_cert;
	int64_t not_after; /* of our certificate */
	enum tls_version min, max;
	bool resume;
};

struct tls_conn {
	struct tls_config *config;
	SSL *ssl;
	BIO *in, *out;	 /* owned by ssl */
	size_t consumed; /* of what is in out */
	struct moment now;

	enum tls_state state;
	const char *stage;
	bool closed;
	bool sent_cert, sent_no_cert; /* our Certificate message, with and without one in it */
	bool signing;		      /* the message after it is CertificateVerify */
	int alert_sent;		      /* -1: none */
	struct bytes received;

	struct tls_session *keep; /* where a session goes */
	SSL_SESSION *offered;	  /* NULL: none */
	msec offered_expires, full_until;
	struct tls_identity server; /* of the session offered, until a full handshake tells */

	struct diagnosis why;
	struct diagnosis reduced;
};

/* verdict.c: what a failure means. */

/* The error that X509_STORE_CTX is given, from which OpenSSL chooses the alert. */
int tls_verify_error(enum diagnosis_id verdict);
/* The handshake failed with this error of the queue; fills conn->why if the trust check has not. */
void tls_explain(struct tls_conn *conn, unsigned long error);
const char *tls_version_name(enum tls_version version);

/* identity.c: whom a certificate names, for Peer-Id and Server-Id, and the rest there is to know.
 */
CHECKED enum status tls_cert_identity(const X509 *cert, struct bytes *ret_id);
CHECKED enum status tls_identity_of(const X509 *cert, struct tls_identity *ret_identity);
CHECKED enum status tls_identity_copy(const struct tls_identity *from, struct tls_identity *ret);
void tls_identity_done(struct tls_identity *identity);

/* session.c: what is kept for resumption. */

/* Takes the session away from the port, to offer it or because it is of no more use. */
CHECKED enum status tls_session_offer(struct tls_conn *conn, struct tls_session *session);

#endif
