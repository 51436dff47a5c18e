/* Enrolment as the server decides and remembers it: the answers to EAP_ASKS_ENROLMENT
 * (enrol/question.h).
 *
 * A question comes up in a conversation, in a worker.  Its worker turns it into a value that owns
 * all it holds (enrolment_ask_of), signs the certificate if it is asked for one and has the key
 * (enrolment_sign), and hands it to the main thread as MESSAGE_ENROLMENT_ASKS.  There
 * enrolment_asks decides, mostly by asking the registry in the recorder's thread; what came of it
 * goes back as MESSAGE_ENROLMENT_TOLD, and becomes a reply (enrolment_reply_of).
 *
 * Tokens: one that was looked up and found good is not used up by that.  Its use is counted in the
 * transaction that records the certificate, durably, together with the entry in the audit trail;
 * only then does the certificate leave.  So nothing is out that the registry does not know, and no
 * token brings more certificates than it may, whoever races with whom, and on however many servers.
 * A certificate that was recorded and then lost on its way is given again, as the same octets, to
 * whoever comes with the same token and the same key; another key is another use.  So a token that
 * is spent is still looked up with success as long as one of its certificates is not confirmed.
 *
 * With a CA behind us (enrolment_set_ca) the certificate is recorded before it is confirmed to that
 * CA, and leaves when the CA has heard so.  What cannot be recorded is given back to the CA, and
 * what the CA does not want to be confirmed is withdrawn in the registry, with the use of the
 * token.
 *
 * A registry that does not answer refuses enrolments, and nothing else. */
#ifndef AUTHD_ENROLMENT_H
#define AUTHD_ENROLMENT_H

#include "authd/aaa.h"
#include "authd/config.h"
#include "authd/registry.h"
#include "base/list.h"
#include "enrol/ca.h"
#include "enrol/question.h"
#include "tls/cert.h"
#include "tls/trust.h"

#define ENROLMENT_MESSAGE_MAX (1024 * 1024) /* of a CMP message that is handed on */

/* ---- values that go between worker and main thread ---- */

struct enrolment_claim {
	bool shown;
	struct bytes certificate; /* DER; empty when the session was resumed */
	registry_text issuer, subject;
	char serial[64], fingerprint[65], spki[65]; /* hex */
	registry_text serial_number; /* serialNumber of the subject (an IDevID's); may be empty */
	bool factory;		     /* its path ends in one of [Enroll] FactoryAnchors= */
};

struct enrolment_ask {
	enum enrol_question_kind kind;
	enum enrol_action action;
	enum enrol_credential type;
	struct aaa_where where;
	int64_t now;

	enum enrol_authorisation by;
	struct bytes token;
	struct bytes account; /* of ENROL_BY_ACCOUNT, as the machine has written it */
	struct enrolment_claim claim;
	registry_text mud_url;
	char profile_wanted[ENROL_ID_MAX + 1];
	/* Of a factory certificate: the rule with Action=enroll that it matches; empty: none. */
	char rule[65], rule_profile[ENROL_ID_MAX + 1];

	struct enrol_grant grant;
	bool paid; /* the token was counted in this session: it brings all that is given in it */
	struct bytes key; /* SubjectPublicKeyInfo, DER */
	struct enrol_names names;
	struct bytes csr, old, message;
	uint32_t after;	      /* FORWARD: seconds to wait before */
	struct secret secret; /* KEEP */
	struct secret nt;     /* KEEP of a password: what MS-CHAP needs of it; empty: not kept */
	char username[ENROL_NAME_MAX + 1];
	struct bytes certificate; /* ISSUE: what the worker signed; REVOKE, CONFIRM: as asked */
	/* What the certificate says, if it was signed here: to decode it again is dear. */
	bool described;
	struct cert_info info;
	/* The worker has refused it already; ENROL_ERROR_NONE: it has not. */
	unsigned refused; /* enum enrol_error */
	struct diagnosis why;
};
void enrolment_ask_done(struct enrolment_ask *ask); /* wipes */

struct enrolment_told {
	bool accept;
	unsigned error; /* enum enrol_error */
	uint16_t secondary;
	struct diagnosis why;
	struct enrol_grant grant;
	bool paid; /* its token, if there is one, was counted just now */
	struct secret secret;
	struct bytes certificate;
	struct bytes chain, anchors; /* certificates in DER, one after the other; empty: ours */
	struct bytes message;
	char username[ENROL_NAME_MAX + 1];
};
void enrolment_told_done(struct enrolment_told *told); /* wipes */

/* ---- in a worker ---- */

/* What a worker decides by; all is borrowed. */
struct enrolment_policy {
	const struct config *config;
	/* [Enroll] FactoryAnchors=, for telling factory certificates from ours (NULL: there are
	 * none), and as a policy of trust for certificate tokens (NULL: none is believed). */
	const X509_VIEW *factory;
	const struct trust *factory_trust;
	bool signs; /* itself: nobody else needs the key, which is dear to encode */
};

/* OK, or NO_MEMORY; MALFORMED for a question that is too large. */
CHECKED enum status enrolment_ask_of(const struct enrol_question *question,
				     const struct enrolment_policy *policy,
				     const struct aaa_where *where, int64_t now,
				     struct enrolment_ask *ret_ask);
/* ENROL_ASKS_ISSUE with the authority's key at hand: the certificate, or the refusal, into ask. */
void enrolment_sign(struct enrolment_ask *ask, const struct enrol_authority *authority,
		    const struct ca_profile *profile, EVP_PKEY *key);
/* ENROL_ASKS_ISSUE for a CA behind us: the names that the machine gets, or the refusal, into ask.
 * A request of the machine's own that asks for others is left out. */
void enrolment_name(struct enrolment_ask *ask, const struct ca_profile *profile);
/* Nobody is to be asked any more. */
void enrolment_refuse_ask(struct enrolment_ask *ask, unsigned error, const char *detail);

/* Whether the path of a certificate that TLS has accepted ends in one of these; NULL: it does not.
 */
bool enrolment_is_factory(const X509_VIEW *factory, const struct tls_claim *claim);

/* What a method is told; borrows from told, which has to live as long.  stacks are freed by
 * enrolment_reply_done. */
CHECKED enum status enrolment_reply_of(const struct enrolment_told *told,
				       struct enrol_reply *ret_reply);
void enrolment_reply_done(struct enrol_reply *reply);

/* ---- in the main thread ---- */

struct recorder;
struct http;
struct cmp_client_call;
struct cmp_client_request;
struct message_enrolment_asks;
struct enrolment;

struct enrolment_settings {
	struct recorder *recorder; /* NULL: there is no registry, and no enrolment */
	struct http *http;	   /* for the verifier of tokens */
	/* Takes what is in *taken. */
	void (*told)(void *context, const struct message_enrolment_asks *asks,
		     struct enrolment_told *taken);
	/* A machine, as the registry has it, has had its certificate revoked; identifier NULL: a
	 * certificate was, which nobody has got.  May be NULL. */
	void (*revoked)(void *context, const char *identifier);
	/* An account was removed, with the password that was given up.  May be NULL. */
	void (*removed)(void *context, const char *account);
	void *context;
};

struct enrolment_counts {
	uint64_t asked, authorised, issued, again /* of issued */, forwarded, kept, revoked,
		confirmed, refused, unreachable;
};

/* 0 or -ENOMEM. */
int enrolment_new(const struct enrolment_settings *settings, struct enrolment **ret_enrolment);
/* Before the recorder goes it tells nobody any more. */
void enrolment_free(struct enrolment *enrolment);
DEFINE_AUTO_STRUCT(enrolment);
/* A CA behind us: what cmp_client.h has, with the client itself left out.  It lives as long as what
 * it was asked is under way, also when another one has taken its place. */
struct enrolment_ca {
	unsigned references;
	int (*ask)(struct enrolment_ca *ca, const struct cmp_client_request *request,
		   struct cmp_client_call **ret_call);
	void (*settle)(struct cmp_client_call *call, bool keep);
	void (*cancel)(struct cmp_client_call *call);
	void (*free)(struct enrolment_ca *ca); /* when there is no reference any more */
};
void enrolment_ca_drop(struct enrolment_ca *ca); /* a reference; NULL is fine */
/* A reference is taken; NULL: there is none. */
void enrolment_set_ca(struct enrolment *enrolment, struct enrolment_ca *ca);
/* The CA behind us is to revoke certificates that are revoked in the registry already.  Embedded in
 * what belongs to it. */
struct enrolment_revocation {
	struct slice certificates; /* DER, one after the other; there until it is told */
	enum ca_reason reason;
	const char *machine, *actor; /* for log and audit trail; there as long */
	/* Once, later or at once; it may then be freed. */
	void (*told)(struct enrolment_revocation *revocation);

	/* What came of it: less may be revoked than were asked about, and not all of them asked
	 * about, where the CA does not answer. */
	unsigned asked, revoked;
	struct diagnosis why; /* of the first that the CA has not revoked */

	/* the enrolment's */
	struct list node;
	struct enrolment *enrolment;
	struct enrolment_ca *ca;
	struct cmp_client_call *call;
	struct slice rest;
};
/* 0, or -ENOENT: there is no CA behind us, and nobody is told. */
int enrolment_revoke(struct enrolment *enrolment, struct enrolment_revocation *revocation);
/* What the questions that come from now on are judged by; a reference is taken. */
void enrolment_configure(struct enrolment *enrolment, struct config *config);

/* Takes what is in asks->ask.  told is called once, later or at once. */
void enrolment_asks(struct enrolment *enrolment, struct message_enrolment_asks *asks);
void enrolment_count(const struct enrolment *enrolment, struct enrolment_counts *ret_counts);

#endif
