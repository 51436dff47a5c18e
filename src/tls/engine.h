/* TLS without a socket: OpenSSL behind memory, for the methods that carry TLS in EAP.
 *
 * A tls_config is made once for a profile (credentials and anchors parsed, one SSL_CTX) and shared;
 * a tls_conn is one handshake, as the client.  The method feeds the octets that arrived, collects
 * those to be sent, and asks where the handshake stands.  Certificates are judged by tls/trust.h,
 * whose verdict becomes the diagnosis of a handshake that failed and the alert that the server
 * gets.
 *
 * What EAP rules out is switched off: renegotiation, compression, early data, post-handshake
 * authentication (RFC 9190, section 2.1).  server_name is not sent: an EAP server is reached by the
 * realm of the identity, the names in a profile say whom we accept and not whom we ask for, and the
 * ClientHello would show them to everybody on the wire. */
#ifndef TLS_ENGINE_H
#define TLS_ENGINE_H

#include "base/diagnosis.h"
#include "base/moment.h"
#include "eap/method.h"
#include "tls/trust.h"

enum tls_version { TLS_1_0 = 0x0301, TLS_1_1 = 0x0302, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

struct tls_peer_settings {
	struct trust *trust;	   /* taken over, also on failure */
	EVP_PKEY *key;		   /* a reference is taken; NULL: no client certificate */
	X509 *cert;		   /* the same */
	STACK_OF(X509) * chain;	   /* copied by reference; the root is not sent along */
	const char *credential;	   /* its name, for diagnoses; copied */
	enum tls_version min, max; /* 0: TLS 1.2 and TLS 1.3; below 1.2 is reduced assurance */
	bool resume;		   /* keep sessions */
};

struct tls_config; /* counted: engine, method and port may hold it */

CHECKED enum status tls_config_new(const struct tls_peer_settings *settings,
				   struct tls_config **ret_config, struct diagnosis *why);
struct tls_config *tls_config_ref(struct tls_config *config);
void tls_config_free(struct tls_config *config); /* drops one reference */
DEFINE_AUTO_STRUCT(tls_config);

/* Whom the last full handshake authenticated: what is told, and looked at again, of the server when
 * its certificate is no longer there. */
struct tls_identity {
	struct bytes id; /* Server-Id */
	char subject[DIAGNOSIS_VALUE_MAX];
	char fingerprint[65];
	int64_t not_before, not_after;
};

/* The one session that a port keeps for resumption, in memory.  It belongs to the config that made
 * it: with any other it is not used, and dropped.  It is used once: the conversation that offers it
 * takes it away, and the one that succeeds leaves the next. */
struct tls_session {
	struct tls_config *config;
	struct secret encoded; /* an SSL_SESSION without the server's certificates */
	struct tls_identity server;
	msec expires;	 /* as the server said */
	msec full_until; /* then a full handshake is due, however often it was resumed */
};
void tls_session_done(struct tls_session *session);

/* How long after a full handshake, with all its checks of certificates, sessions may be resumed
 * (RFC 5246, section F.1.4, suggests it for session ids). */
#define TLS_RESUME_MAX ((msec)24 * 3600 * 1000)

enum tls_state { TLS_HANDSHAKE, TLS_FINISHED, TLS_FAILED };

struct tls_conn;

/* session may be NULL; otherwise it outlives the connection, is offered if it may be, and receives
 * what tls_conn_keep_session keeps.  The ClientHello is there after the first, empty, feed. */
CHECKED enum status tls_conn_new(struct tls_config *config, struct tls_session *session,
				 struct moment now, struct tls_conn **ret_conn);
void tls_conn_free(struct tls_conn *conn);
DEFINE_AUTO_STRUCT(tls_conn);

/* Octets of the server's flight; empty to begin.  Never fails by itself: see tls_conn_state. */
void tls_conn_feed(struct tls_conn *conn, struct slice in, struct moment now);

/* What waits to be sent, an alert after a failure included; consume when sent. */
struct slice tls_conn_pending(const struct tls_conn *conn);
void tls_conn_consume(struct tls_conn *conn, size_t len);

enum tls_state tls_conn_state(const struct tls_conn *conn);
enum tls_version tls_conn_version(const struct tls_conn *conn);
const char *tls_conn_stage(const struct tls_conn *conn); /* "server certificate"; static */

/* Application data that came with the last feed, such as the protected success indication of RFC
 * 9190, section 2.5; good until the next.  close_notify is reported apart. */
struct slice tls_conn_received(const struct tls_conn *conn);
bool tls_conn_closed(const struct tls_conn *conn);

/* RFC 5705 and RFC 8446, section 7.5.  context NULL and empty differ. */
CHECKED enum status tls_conn_export(const struct tls_conn *conn, const char *label,
				    const struct slice *context, uint8_t *out, size_t len);
/* Whether what is exported is this connection's alone, and cannot be made the same for two by
 * somebody between them (RFC 7627). */
bool tls_conn_exports_unique(const struct tls_conn *conn);
/* client.random || server.random: the Session-Id of RFC 5216, section 2.3. */
#define TLS_RANDOMS_SIZE 64
void tls_conn_randoms(const struct tls_conn *conn, uint8_t out[TLS_RANDOMS_SIZE]);
/* Of a finished connection, the hash behind the PRF of its cipher suite (of TLS 1.3, behind HKDF),
 * and that of its MAC, which AEAD suites do not have apart: then the same.  Names for EVP_MD_fetch,
 * static.  UNSUPPORTED before TLS 1.2, whose PRF has two. */
struct tls_hashes {
	const char *prf, *mac;
};
CHECKED enum status tls_conn_hashes(const struct tls_conn *conn, struct tls_hashes *ret_hashes);
/* Of a finished connection, what the application binds itself to: tls-unique (RFC 5929, section 3),
 * with TLS 1.3 tls-exporter (RFC 9266). */
#define TLS_CHANNEL_BINDING_MAX 64
CHECKED enum status tls_conn_channel_binding(const struct tls_conn *conn,
					     uint8_t out[TLS_CHANNEL_BINDING_MAX], size_t *ret_len);

/* Who takes part, as RFC 5216, section 5.2 defines Peer-Id and Server-Id: all subjectAltNames in
 * their order, then the subject if there is one.  Encoded as the GeneralNames of RFC 5280, so that
 * no name can pose as two; empty when there is no certificate, or one with names beyond
 * EAP_ID_MAX. */
CHECKED enum status tls_conn_peer_id(const struct tls_conn *conn, struct bytes *ret_id);
CHECKED enum status tls_conn_server_id(const struct tls_conn *conn, struct bytes *ret_id);

/* The conversation succeeded: the session may be used again. */
void tls_conn_keep_session(struct tls_conn *conn);

/* Whether our policy judges the certificate of the other end at all, and whether it does so by a
 * name or a pin. */
bool tls_conn_trusts(const struct tls_conn *conn);
bool tls_conn_trusts_by_name(const struct tls_conn *conn);
/* Whether it was a full handshake in which we have shown a certificate. */
bool tls_conn_shows(const struct tls_conn *conn);
/* Of a full handshake: the root, DER, among the certificates that the server sent whose key is one
 * that we pin; empty: there is none. */
CHECKED enum status tls_conn_pinned_root(const struct tls_conn *conn, struct bytes *ret_der);

/* Of a connection that is, or was, finished. */
void tls_conn_report(const struct tls_conn *conn, struct eap_report *ret_report);
/* Why it failed; DIAG_NONE if it did not. */
const struct diagnosis *tls_conn_diagnosis(const struct tls_conn *conn);

#endif
