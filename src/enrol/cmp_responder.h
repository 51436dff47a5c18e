/* The answering end of one CMP transaction: the crypto library's OSSL_CMP_SRV_CTX, made to wait.
 *
 * The library asks for the certificate by a callback in the middle of a message; we have to ask the
 * world, and the answer may take a while.  So a request is processed twice.  The first time tells
 * whether it is genuine and what it asks for, and the response that the library makes is dropped
 * (it is not signed either); the second time, the callback has what to answer.  CMP's own "waiting"
 * would do without the second time, but costs round trips that EAP does not have to give. */
#ifndef ENROL_CMP_RESPONDER_H
#define ENROL_CMP_RESPONDER_H

#include "base/moment.h"
#include "enrol/cmp_message.h"

/* Borrowed for as long as the responder lives. */
struct cmp_duty {
	const struct enrol_authority *authority;
	struct slice reference, secret; /* of requests by MAC */
	X509 *proved; /* of requests by signature: the only signer; also what may be revoked */
	bool confirm; /* implicitConfirm is not granted */
};

/* What the first time has found. */
enum cmp_found {
	CMP_ASKS_CERT,	 /* key, names and csr are filled in */
	CMP_ASKS_REVOKE, /* of duty->proved */
	CMP_ANSWERED,	 /* the response is there: a genp, or an error that ends nothing */
	CMP_CONFIRMS,	 /* certConf, with a pkiConf as response */
	CMP_REJECTS,	 /* certConf which says that the certificate is not wanted, likewise */
	CMP_REFUSED,	 /* failure and words say why; the response, if there is any, tells it */
};

struct cmp_finding {
	enum cmp_found found;
	EVP_PKEY *key; /* counted: the caller's */
	struct enrol_names names;
	struct bytes csr;
	unsigned failure;
	char words[96];
};
void cmp_finding_done(struct cmp_finding *finding);

/* What the second time is told. */
struct cmp_verdict {
	unsigned failure; /* a refusal; 0: granted */
	const char *words;
	X509 *cert;
	const STACK_OF(X509) * chain, *ca_pubs; /* may be NULL */
};

struct cmp_responder;

CHECKED enum status cmp_responder_new(const struct cmp_duty *duty, enum cmp_protection by,
				      struct moment now, struct cmp_responder **ret_responder);
void cmp_responder_free(struct cmp_responder *responder);
DEFINE_AUTO_STRUCT(cmp_responder);

/* A message that cmp_message_parse has found to be well formed. */
void cmp_responder_look(struct cmp_responder *responder, struct slice in,
			struct cmp_finding *ret_finding, struct bytes *out);
/* The response to what cmp_responder_look has seen last.  false: none can be made. */
bool cmp_responder_answer(struct cmp_responder *responder, struct slice in,
			  const struct cmp_verdict *verdict, struct bytes *out);

#endif
