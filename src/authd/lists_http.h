/* Lists and OCSP over HTTP, for others (RFC 6960, Appendix A.1; RFC 5280, section 4.2.1.13).
 *
 *	GET /crl	the list of the authority that issues, DER
 *	GET /crl/old	that of the one before a roll-over
 *	GET /ca.pem	the roots that machines are to trust
 *	POST /ocsp, GET /ocsp/BASE64
 *
 * libmicrohttpd's own thread answers from what was published last, with an authority of its own. */
#ifndef AUTHD_LISTS_HTTP_H
#define AUTHD_LISTS_HTTP_H

#include "authd/address.h"
#include "authd/authority.h"
#include "authd/revoked.h"

#define LISTS_CONNECTIONS_MAX 64
#define LISTS_IDLE_S	      5

struct lists_content {
	struct authority *authority; /* NULL: there is nothing to say */
	struct revoked *revoked;
	struct bytes crl, old_crl, anchors; /* empty: there is none */
	int64_t ocsp_lifetime;
};
void lists_content_done(struct lists_content *content);

struct lists_http;

/* 0 or -errno with the reason. */
int lists_http_new(const union address *at, struct lists_http **ret_http, struct diagnosis *why);
void lists_http_free(struct lists_http *http);
/* What is in *taken is the callee's. */
void lists_http_publish(struct lists_http *http, struct lists_content *taken);

/* The answer to an OCSP request from such content, also for stapling. */
CHECKED enum status lists_ocsp(const struct lists_content *content, struct slice request,
			       int64_t now, struct bytes *ret_der);
/* For whoever asks the authority: whether it has revoked a certificate. */
struct lists_look {
	const struct revoked *revoked;
	const X509 *issuer;
};
enum ca_state lists_look(void *context, struct slice serial, struct ca_revoked *ret_revoked);

#endif
