/* One run of the crypto library's CMP client, for cmp_exchange.c: its header says why there are
 * several for a transaction. */
#ifndef ENROL_CMP_RUN_H
#define ENROL_CMP_RUN_H

#include "enrol/cmp_exchange.h"
#include "enrol/cmp_lib.h"

struct cmp_run {
	const struct cmp_terms *terms;
	const struct cmp_wish *wish;
	struct slice transaction; /* its id; empty: a new one */
	struct slice feed[2];	  /* what has been received, in its order */
	size_t feeds, fed;
	struct bytes *out; /* where what it sends next goes */
	bool sent;

	bool asked;	   /* the library has a certificate for us */
	int refusal;	   /* what it is told: bits of PKIFailureInfo */
	const char *words; /* and why */
	int complaint;	   /* what the library itself has against it */
};

/* A context for this run, which it borrows; NULL: there is no memory. */
OSSL_CMP_CTX *cmp_run_context(struct cmp_run *run, struct moment now);
/* Whether the library is content: 1, 0, or -1 for one that waits. */
int cmp_run_client(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish, int *ret_after);

#endif
