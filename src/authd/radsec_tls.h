/* The TLS of RADIUS over TLS, for both roles: RFC 6614, section 2.3.
 *
 * A context is made once of the configuration; each connection is judged by it and by whom it is
 * expected to be with. Certificates are checked by tls/trust.h; TLS 1.2 or 1.3, forward secrecy, no
 * resumption, no renegotiation, no compression.  All in the main thread. */
#ifndef AUTHD_RADSEC_TLS_H
#define AUTHD_RADSEC_TLS_H

#include "authd/config.h"
#include "tls/cert.h"
#include "tls/ssl.h"

struct radsec_tls; /* counted: connections hold it */

struct radsec_tls_settings {
	enum cert_role role;	     /* ours */
	const char *credential;	     /* NULL: by pre-shared keys alone */
	const struct words *anchors; /* for the other side; empty: by pre-shared keys alone */
	const struct words *names;   /* what a server may be called; of clients see radsec_peer */
	const char *file;	     /* where all this was said, for diagnoses */
};

/* 0 or -errno with *why. */
int radsec_tls_new(const struct config *config, const struct radsec_tls_settings *settings,
		   struct radsec_tls **ret_tls, struct diagnosis *why);
struct radsec_tls *radsec_tls_ref(struct radsec_tls *tls);
void radsec_tls_free(struct radsec_tls *tls); /* drops one reference */
DEFINE_AUTO_STRUCT(radsec_tls);

/* Who the other side is to be.  All is borrowed for as long as the connection lives. */
struct radsec_peer {
	const char *name;	   /* in our files */
	const struct words *names; /* of a client's certificate, one of which it must have */
	const char *psk_identity;  /* NULL: by certificate, and only so */
	const struct secret *psk;  /* and with it by this key, and only so */
};

/* One connection's view of it; outlives the SSL. */
struct radsec_judgement {
	struct radsec_tls *tls;
	const struct radsec_peer *peer;
	struct diagnosis why; /* DIAG_NONE until something is wrong */
};

/* NULL without memory.  judgement is filled in by the caller and not moved. */
SSL *radsec_tls_connection(struct radsec_judgement *judgement);

/* After a failure that the crypto library has told, as its error number (0: none): completes why.
 */
void radsec_tls_explain(struct radsec_judgement *judgement, unsigned long error);

#endif
