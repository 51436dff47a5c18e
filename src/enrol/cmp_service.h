/* What cmp_server.c and cmp_forward.c share: the server's end of one enrolment by CMP. */
#ifndef ENROL_CMP_SERVICE_H
#define ENROL_CMP_SERVICE_H

#include "enrol/cmp_responder.h"

enum cmp_stage {
	FIRST,	   /* the request, or a general message before it */
	ASKED,	   /* somebody thinks about it */
	CONFIRM,   /* the certificate is out, and not yet confirmed */
	REJECTED,  /* the machine does not want it: it is revoked */
	FORWARDED, /* a message is with the CA */
	POLLED,	   /* the CA lets the machine wait */
	OVER
};

struct cmp_service {
	struct enrol_server_job job;
	bool basic;
	enum cmp_stage stage;
	unsigned rounds;

	X509 *proved;
	struct cmp_responder *responder;
	struct bytes request, transaction, nonce;
	enum cmp_body kind;
	struct cmp_finding finding;
	struct bytes proved_der, issued_der, last; /* last: a pkiConf that waits */
	struct enrol_question question;
	uint32_t after;

	X509 *cert;
	STACK_OF(X509) * chain, *anchors;
	struct enrol_fault fault;
	struct diagnosis why;
};

/* The fault is set, or is this one; ENROL_FAILED. */
enum enrol_state cmp_service_fail(struct cmp_service *s, enum enrol_side by,
				  const struct diagnosis *why);
enum enrol_state cmp_service_fail_here(struct cmp_service *s, enum enrol_error error,
				       const char *detail);
enum enrol_state cmp_service_fail_cmp(struct cmp_service *s, unsigned failure, const char *detail);
/* ENROL_ASKS; what the kind needs besides is filled in afterwards. */
enum enrol_state cmp_service_ask(struct cmp_service *s, enum enrol_question_kind kind,
				 enum cmp_stage stage);

/* A message of the machine, as it came, to the CA; and what the CA says, or that it did not get
 * there, to the machine. */
enum enrol_state cmp_forward(struct cmp_service *s);
enum enrol_state cmp_forwarded(struct cmp_service *s, const struct enrol_reply *reply,
			       struct enrol_output *out);

#endif
