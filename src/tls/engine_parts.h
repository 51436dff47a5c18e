/* What the files of the TLS engine share: the two types that engine.h keeps closed. */
#ifndef TLS_ENGINE_PARTS_H
#define TLS_ENGINE_PARTS_H

#include <openssl/err.h>

#include "tls/claim.h"
#include "tls/engine.h"
#include "tls/server.h"

/* The library's errors, which to clear costs as much as a packet does, and there are hardly any. */
static inline void tls_clear_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* One end: what the client's is, and what the server's begins with. */
struct tls_config {
	unsigned references;
	SSL_CTX *ctx;
	struct trust *trust;
	char *credential; /* "" if it has no name */
	struct bytes id;  /* of our certificate, for Peer-Id or Server-Id */
	bool has_cert;
	int64_t not_after; /* of our certificate */
	enum tls_version min, max;
	bool resume;
};

struct tls_server_config {
	unsigned references;
	struct tls_config *end;
	enum tls_resumption resumption;
	uint32_t lifetime;
	bool ocsp_facts;
	bool tunnel;
	enum tls_client client;
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
	size_t key_count;
	EVP_CIPHER *cipher; /* of tickets */
	struct bytes staple;
};

/* What a connection of the server has beyond the client's. */
struct tls_server_side {
	struct tls_server_config *config; /* NULL: this is the client */
	bool greeted;			  /* a ClientHello came */
	bool proven;			  /* CertificateVerify came */
	bool asks, answered;
	struct bytes held; /* what follows ChangeCipherSpec, until the answer */
	struct bytes row;  /* of the claim */
	struct tls_claim claim;
	bool has_claim;
	X509_STACK *path; /* from the client's certificate to an anchor; NULL in a resumption */
	struct bytes certificate, issuer_certificate, ocsp_url;
	int refusal; /* the alert that is to be sent; -1: none */

	/* of a tunnel */
	int64_t authenticated; /* the full handshake, seconds since 1970 */
	struct bytes facts;    /* of the session that was resumed */
	SSL_SESSION *replaced; /* by the one that a ticket is a name for */
	bool ticket_sent;
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
	struct tls_identity far; /* the other end; of the session offered, until a full
				    handshake tells */
	struct tls_server_side side;

	struct diagnosis why;
	struct diagnosis reduced;
};

/* engine.c */

/* Without its end's session, and not yet begun. */
CHECKED enum status tls_conn_make(struct tls_config *config, struct moment now,
				  struct tls_conn **ret_conn);
/* Gives octets to OpenSSL, and goes on as far as they allow. */
void tls_conn_advance(struct tls_conn *conn, struct slice in);
void tls_conn_fail(struct tls_conn *conn, unsigned long error);

/* config.c: what both ends have in common. */
struct tls_end {
	struct trust *trust; /* taken over, also on failure */
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * chain;
	X509 *root; /* to be sent along; NULL: none is */
	const char *credential;
	enum tls_version min, max;
	bool resume;
};
CHECKED enum status tls_end_new(const struct tls_end *end, const SSL_METHOD *method,
				struct tls_config **ret_config, struct diagnosis *why);
enum status tls_complain(struct diagnosis *why, enum diagnosis_id id, const char *detail);
/* The callback that judges the certificates of the other end. */
int tls_judge(X509_STORE_CTX *ctx, void *unused);

/* server.c: called by engine.c for a connection of the server. */

/* How much of this flight OpenSSL may have; the rest is kept until the answer. */
CHECKED enum status tls_server_hold(struct tls_conn *conn, struct slice *in);
/* After OpenSSL had it: is the client to be asked about? */
void tls_server_look(struct tls_conn *conn);
void tls_side_done(struct tls_server_side *side);

/* server_session.c */

/* The callbacks for tickets, and the cache. */
CHECKED enum status tls_server_set_resumption(struct tls_server_config *config, size_t sessions);
/* The claim that a session holds; empty when it holds none. */
struct slice tls_server_row_in(SSL_SESSION *session);
/* The handshake is at its end and the client admitted: lets it resume. */
void tls_server_keep_session(struct tls_conn *conn);
void tls_server_drop_session(struct tls_conn *conn);
/* Makes a ticket of TLS 1.3 and sends it. */
bool tls_server_make_ticket(struct tls_conn *conn);
/* Puts the session of the connection into the cache, with this row. */
void tls_server_store(struct tls_conn *conn, struct slice row);
/* Makes OpenSSL send an alert in TLS 1.3, after the handshake. */
void tls_server_alert(struct tls_conn *conn, int alert);

/* tunnel.c: what a session of a tunnel holds besides. */
struct tls_tunnel_row {
	int64_t authenticated;
	struct slice claim; /* its row; empty: there was no certificate */
	struct slice facts;
};
CHECKED enum status tls_tunnel_row_build(const struct tls_tunnel_row *row, struct bytes *ret_row);
CHECKED enum status tls_tunnel_row_parse(struct slice in, struct tls_tunnel_row *ret_row);

/* verdict.c: what a failure means. */

/* The alert for a client that is refused because of this. */
int tls_refusal_alert(enum diagnosis_id id);

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

/* What i2d_SSL_SESSION made, without the certificate of the other end; in place. */
struct slice tls_session_without_peer(unsigned char *der, long len);

/* Takes the session away from the port, to offer it or because it is of no more use. */
CHECKED enum status tls_session_offer(struct tls_conn *conn, struct tls_session *session);

#endif
