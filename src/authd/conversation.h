/* One EAP conversation of the server, whoever asks: the backend authenticator (RFC 4137, section 6)
 * with its policy, and what is known of who talks to it and from where.
 *
 * Belongs to one worker.  What the method asks (METHOD_ASKS) is judged by the rules at once, as far
 * as they can; it waits where somebody else has to be asked: the authority whether a certificate
 * was revoked, the registry for an account or an enrolment. */
#ifndef AUTHD_CONVERSATION_H
#define AUTHD_CONVERSATION_H

#include "authd/arm.h"
#include "authd/outcome.h"

enum conversation_turn {
	CONVERSATION_REQUEST,  /* lower.eapReqData is the next Request */
	CONVERSATION_ACCEPTED, /* lower.eapReqData is the Success; keys, grant */
	CONVERSATION_REJECTED, /* lower.eapReqData is the Failure; conversation_diagnose */
	CONVERSATION_NOTHING,  /* the Response was ignored */
	CONVERSATION_WAITS,    /* for an answer to waits_for */
};

struct packet;

struct conversation {
	struct list node, age;	 /* the worker's */
	struct aaa_asker *asker; /* NULL: a RADIUS client */
	uint64_t number;
	struct arming *arming;
	struct eap_authenticator eap;
	struct eap_authenticator_lower lower;
	struct aaa_where where;
	struct moment began;
	msec touched;
	size_t counted;	 /* of conversation_memory, in the worker's counter */
	unsigned rounds; /* Requests that were sent */
	char session[OUTCOME_SESSION_SIZE + 1];
	struct aaa_grant grant;
	struct outcome_claim claim;
	struct tls_claim shown; /* of the claim what revocation is looked up by; in shown_octets */
	struct bytes shown_octets; /* empty: nothing was shown */
	struct diagnosis *refused; /* at the last moment, by us and not by the method; NULL: not */
	/* Why the enrolment that it came for has failed, though it was let in; NULL: it has not. */
	struct diagnosis *missed;
	uint8_t failure[4];		      /* EAP-Failure, in place of the method's Success */
	char account[AAA_TEXT_MAX + 1];	      /* printable */
	bool account_gone;		      /* it was removed since it was asked about */
	const struct eap_question *waits_for; /* CONVERSATION_WAITS; NULL: it does not */
	bool other_good; /* of EAP_ASKS_ADMISSION: the account that was proved first was found */

	bool enrolled;	    /* its token, if there is one, was counted */
	struct bytes given; /* the certificate that it got, DER; empty: none */
	char *mud_url; /* as the machine told it when it asked to be enrolled; NULL: it did not */

	/* of a RADIUS conversation, while it waits */
	struct packet *packet;
	uint64_t ticket;
	enum outcome_asker from;
};

/* number and session are random; where is copied, the arming referenced.  mtu as in
 * eap_authenticator_lower.  NULL when there is no memory or no random octets. */
struct conversation *conversation_new(struct arming *arming, const struct aaa_where *where,
				      size_t mtu, struct moment now);
void conversation_free(struct conversation *c);

/* A Response, or nothing to begin with a Request/Identity.  Borrowed for the call. */
enum conversation_turn conversation_feed(struct conversation *c, struct slice eap,
					 struct moment now);
/* After CONVERSATION_WAITS, by the kind of the question: whether the certificate is good. */
enum conversation_turn conversation_judged(struct conversation *c, bool accept,
					   const struct diagnosis *why, struct moment now);

/* EAP_ASKS_PASSWORD: what there is of the account; the work of checking a password is done here.
 * EAP_ASKS_ADMISSION, which waits where a session is resumed: whether that is the account still;
 * of two that were proved both are waited for, one after the other. */
struct account;
enum conversation_turn conversation_found(struct conversation *c, const struct account *account,
					  struct moment now);
/* The account that EAP_ASKS_ADMISSION waits for. */
struct slice conversation_account(const struct conversation *c);
/* Any: everything is borrowed for the call. */
enum conversation_turn conversation_answered(struct conversation *c, const struct eap_reply *reply,
					     struct moment now);

/* This account was removed. */
void conversation_account_gone(struct conversation *c, const char *name);

/* Why it was rejected. */
void conversation_diagnose(const struct conversation *c, struct diagnosis *ret_why);
/* The method that ran last is a tunnel in which machines are enrolled. */
bool conversation_enrols(const struct conversation *c);

/* What is told when it has ended, or is given up.  NULL when there is no memory. */
struct outcome *conversation_outcome(const struct conversation *c, bool accepted, unsigned worker,
				     struct moment now);
/* Octets that it holds, without what is OpenSSL's. */
size_t conversation_memory(const struct conversation *c);

#endif
