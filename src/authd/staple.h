/* The OCSP response about our own certificate, for stapling: RFC 6066, section 8.
 *
 * Read from a file that somebody keeps fresh, or fetched from the responder that the certificate
 * names; judged before it is shown to anybody, and looked for again before it is out of date.  A
 * response that is worth nothing is not stapled: a peer that insists on one will say so, and so do
 * we, in the log. */
#ifndef AUTHD_STAPLE_H
#define AUTHD_STAPLE_H

#include "authd/ocsp.h"

#define STAPLE_LOOK_LEAST 30 /* seconds until it is looked for again */
#define STAPLE_LOOK_MOST  3600

struct staple_settings {
	const char *file;	    /* DER; NULL: fetch */
	X509 *certificate, *issuer; /* a reference to each is taken */
	/* Whenever there is another response, or (empty) none any more.  Not before staple_new has
	 * returned. */
	void (*changed)(void *context, struct slice response);
	void *context;
};

struct staple;

/* ocsp is borrowed. 0 or -errno: -ENOENT when a response is to be fetched and the certificate names
 * no responder. */
int staple_new(struct loop *loop, struct ocsp *ocsp, const struct staple_settings *settings,
	       struct staple **ret_staple);
void staple_free(struct staple *staple);
DEFINE_AUTO_STRUCT(staple);

/* Why there is no response; DIAG_NONE when there is one. */
const struct diagnosis *staple_diagnosis(const struct staple *staple);

#endif
