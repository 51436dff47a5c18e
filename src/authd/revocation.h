/* Whether a machine's certificate was revoked: what conversations that wait ask of the main thread,
 * [Tls] ClientOcsp=.
 *
 * A full handshake is asked about by OCSP (ocsp.h); one that resumes shows no certificate, so that
 * what is known from the full one counts. */
#ifndef AUTHD_REVOCATION_H
#define AUTHD_REVOCATION_H

#include "authd/ocsp.h"
#include "authd/pool.h"

struct revocation;

/* ocsp and pool are borrowed. 0 or -ENOMEM. */
int revocation_new(struct ocsp *ocsp, struct pool *pool, struct revocation **ret_revocation);
/* Nobody is answered any more.  Before ocsp goes. */
void revocation_free(struct revocation *revocation);

/* Answers the conversation by pool_judged, now or later. */
void revocation_ask(struct revocation *revocation, const struct message_asks *asks,
		    enum client_ocsp policy);

#endif
