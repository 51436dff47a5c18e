/* The server's end of TLS behind memory, beside tls/engine.h, which has the client's.
 *
 * A tls_server_config is made from values once for each worker thread and never shared between
 * threads: credentials and anchors are parsed then.  A connection is a struct tls_conn; what
 * engine.h says of feed, pending, consume, state, export, randoms, report, diagnosis holds here
 * too.
 *
 * A client must show a certificate, unless it is the server of a tunnel and says otherwise; it is
 * judged by a trust policy for the role CERT_CLIENT (chain, dates, lists, usage).  Whether the
 * machine is let in is not decided here: when the client has proved who it is, tls_conn_asks tells
 * so; tls_conn_admit goes on, tls_conn_refuse ends it with an alert.  That is asked before a
 * session can be resumed later, and again in every resumption.
 *
 * With TLS 1.3 it is asked after the client's Finished, and an alert takes the place of what would
 * follow (RFC 9190, section 2.5).  With TLS 1.2 it is asked before the server's Finished: after the
 * CertificateVerify, or in a resumption before the ServerHello, where the alert goes in the clear
 * as RFC 5246, section 7.2.2, has it; a client that resumes has yet to prove itself then, by a
 * Finished without which nothing succeeds.
 *
 * A resumption looks again at the dates of the client's certificate and of those above it, and for
 * all of them at the lists.  A ticket that is out cannot be called back, but policy is asked again
 * whenever it is used.
 *
 * In a tunnel (settings.tunnel) the handshake is not the whole proof.  There a session can only be
 * resumed after tls_conn_keep, with which goes what was proved inside; it stays in memory, so that
 * the ticket of TLS 1.3, which is but a name for it, may be sent before (RFC 9427, section 3). */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "tls/claim.h"
#include "tls/engine.h"

enum tls_resumption {
	TLS_RESUME_OFF,
	TLS_RESUME_MEMORY, /* sessions stay in this config: RFC 5246, section 7.3; in TLS 1.3
			      tickets that are no more than a name for one */
	TLS_RESUME_TICKETS /* RFC 5077 and RFC 8446, section 4.6.1: all is in the ticket */
};

#define TLS_SESSIONS_DEFAULT 4096 /* TLS_RESUME_MEMORY: sessions kept; the oldest makes room */
#define TLS_TICKET_KEYS_MAX  8

/* RFC 5077, section 4: AES-256-CBC and HMAC-SHA-256. */
struct tls_ticket_key {
	uint8_t name[16]; /* stands in the ticket */
	uint8_t aes[32], hmac[32];
};

/* Does the client have to show a certificate? */
enum tls_client {
	TLS_CLIENT_REQUIRED,
	TLS_CLIENT_OPTIONAL, /* it is asked for one, and may have none */
	TLS_CLIENT_NONE,     /* it is not asked */
};

struct tls_server_settings {
	/* Of role CERT_CLIENT; taken over, also on failure.  NULL with TLS_CLIENT_NONE alone. */
	struct trust *trust;
	EVP_PKEY *key;		   /* of the server; a reference is taken */
	X509 *cert;		   /* the same */
	STACK_OF(X509) * chain;	   /* copied by reference; the root is not sent along */
	const char *credential;	   /* its name, for diagnoses; copied */
	enum tls_version min, max; /* 0: TLS 1.2 and TLS 1.3; below 1.2 only if asked */
	enum tls_resumption resumption;
	size_t sessions;   /* 0: TLS_SESSIONS_DEFAULT */
	uint32_t lifetime; /* seconds from a full handshake until the next is due; 0: a day, which
			      is also the most */
	bool ocsp_facts;   /* claims are to hold what it takes to ask a responder */

	bool tunnel; /* something runs inside; then TLS_RESUME_TICKETS is TLS_RESUME_MEMORY */
	enum tls_client client; /* other than REQUIRED: of a tunnel only */
	/* Sent at the end of the chain, for clients that know nothing but a pin of it; NULL: the
	 * root is not sent along.  A reference is taken. */
	X509 *root;
};

struct tls_server_config; /* counted: connections hold it; by one thread only */

CHECKED enum status tls_server_config_new(const struct tls_server_settings *settings,
					  struct tls_server_config **ret_config,
					  struct diagnosis *why);
struct tls_server_config *tls_server_config_ref(struct tls_server_config *config);
void tls_server_config_free(struct tls_server_config *config); /* drops one reference */
DEFINE_AUTO_STRUCT(tls_server_config);

/* The keys of tickets, the newest first: that one seals, all of them open, and what an older one
 * sealed is renewed.  Without any there are no tickets.  Copied; count is cut to the maximum. */
void tls_server_config_ticket_keys(struct tls_server_config *config,
				   const struct tls_ticket_key *keys, size_t count);

/* The OCSP response about our own certificate (RFC 6066, section 8), for clients that ask for it,
 * from the next handshake on; empty: none. */
CHECKED enum status tls_server_config_staple(struct tls_server_config *config, struct slice ocsp);

/* Takes a reference on config.  The first feed is the ClientHello. */
CHECKED enum status tls_server_conn_new(struct tls_server_config *config, struct moment now,
					struct tls_conn **ret_conn);

/* Whether the client has proved who it is and waits to hear whether it is admitted.  Nothing is to
 * be sent meanwhile. */
bool tls_conn_asks(const struct tls_conn *conn);
/* Who the client is; NULL until then.  Good for as long as the connection. */
const struct tls_claim *tls_conn_claim(const struct tls_conn *conn);

/* The answers; after each see state and pending.  admit goes on with the handshake where it is not
 * at its end, and lets the session be resumed.  refuse fails with why, of which the client gets an
 * alert, and nothing that can be resumed. */
void tls_conn_admit(struct tls_conn *conn, struct moment now);
void tls_conn_refuse(struct tls_conn *conn, const struct diagnosis *why);

/* The server of a tunnel: goes on as if no certificate had been shown, after tls_conn_asks.  Not in
 * a resumption, where there is nothing else to go by. */
bool tls_conn_may_disregard(const struct tls_conn *conn);
void tls_conn_disregard(struct tls_conn *conn, struct moment now);
/* A name for the session, with TLS 1.3, to be sent; of no use to the client before tls_conn_keep.
 * Before anything else of a flight: where something waits to be sent, there is none.
 * Nothing where sessions are not resumed, or with TLS 1.2, whose handshake has one. */
CHECKED enum status tls_conn_send_ticket(struct tls_conn *conn);
/* The session may be resumed, with these facts.  It is not kept if there is too much of them. */
#define TLS_FACTS_MAX 2048
CHECKED enum status tls_conn_keep(struct tls_conn *conn, struct slice facts);
/* The facts of a session that was resumed; empty otherwise.  Good for as long as the connection. */
struct slice tls_conn_facts(const struct tls_conn *conn);
/* When the client was here with a full handshake: now, or when the session was made (seconds since
 * 1970). */
int64_t tls_conn_authenticated(const struct tls_conn *conn);
/* The session that was resumed is not to be resumed again. */
void tls_conn_forget_session(struct tls_conn *conn);
bool tls_conn_resumed(const struct tls_conn *conn);

/* Application data, to be sent after the rest. */
CHECKED enum status tls_conn_send(struct tls_conn *conn, struct slice data);

#endif
