/* OCSP by HTTP: RFC 6960, section 3 and Appendix A.1.
 *
 * Asks responders about certificates (of clients that want in, and our own for stapling), judges
 * what they say, and remembers it until they have to be asked again.  One certificate is asked
 * about once, however many wait for the answer. */
#ifndef AUTHD_OCSP_H
#define AUTHD_OCSP_H

#include "authd/http.h"
#include "base/diagnosis.h"
#include "tls/cert.h"

#define OCSP_CACHE_MAX	    8192
#define OCSP_RESPONSE_MAX   (64 * 1024)
#define OCSP_TIMEOUT	    5000 /* msec, for one responder */
#define OCSP_CACHE_LEAST    10	 /* seconds: also an answer that is about to expire */
#define OCSP_CACHE_MOST	    3600 /* a revocation is to be seen sooner than nextUpdate may say */
#define OCSP_RETRY_INTERVAL 30	 /* seconds before a responder that failed is asked again */

enum ocsp_state {
	OCSP_GOOD,
	OCSP_REVOKED,
	OCSP_UNAVAILABLE, /* no responder, no answer, or one that is worth nothing */
};

struct ocsp_finding {
	enum ocsp_state state;
	struct slice response; /* as it came, for stapling; empty if from the cache; borrowed */
	int64_t until;	       /* ask again then, seconds since 1970 */
	struct diagnosis why;  /* unless it is good */
};

struct ocsp_question {
	struct slice certificate, issuer; /* DER, borrowed for the call */
	const char *url;		  /* of the responder; NULL: there is none */
	bool fresh;			  /* not from the cache: the response itself is wanted */
	/* Called once, from the loop or before ocsp_ask returns, unless it is cancelled. */
	void (*told)(void *context, const struct ocsp_finding *finding);
	void *context;
};

struct ocsp_counters {
	uint64_t asked, from_cache, good, revoked, unavailable;
};

struct ocsp;
struct ocsp_call;

/* http is borrowed.  0 or -ENOMEM. */
int ocsp_new(struct http *http, struct ocsp **ret_ocsp);
void ocsp_free(struct ocsp *ocsp); /* nobody is told any more */
DEFINE_AUTO_STRUCT(ocsp);

/* ret_call is NULL when it was told at once.  -ENOMEM, and then nobody is told. */
int ocsp_ask(struct ocsp *ocsp, const struct ocsp_question *question, struct ocsp_call **ret_call);
void ocsp_cancel(struct ocsp_call *call);

/* What is known of a certificate without asking, by its fingerprint: false if nothing is. */
bool ocsp_known(struct ocsp *ocsp, const uint8_t fingerprint[CERT_HASH_LEN],
		struct ocsp_finding *ret_finding);

const struct ocsp_counters *ocsp_counters(const struct ocsp *ocsp);

#endif
