/* Provisioning protocols: what CPROM carries in its second phase, and inside of which a certificate
 * (or another credential) is asked for and given.
 *
 * A protocol is a table for the peer and one for the server, as an EAP method is.  CPROM hands over
 * the octets of Provisioning-Headers and Provisioning-Data and sends what it gets back; the
 * protocol knows nothing of CPROM's messages, phases or tunnels.  Pure: keys are handles, time is
 * an argument, and what only the world can do is asked for (the server by enrol/question.h) or
 * handed back (the peer, ENROL_GOT).
 *
 * Registry of Protocol IDs: draft-pala-eap-creds-07, section 4; ours are in doc/cprom.md. */
#ifndef ENROL_PROTOCOL_H
#define ENROL_PROTOCOL_H

#include "base/diagnosis.h"
#include "base/moment.h"
#include "enrol/question.h"
#include "tls/ssl.h"

enum enrol_protocol {
	ENROL_TEAP = 0, /* enrol/pkcs.h: TEAP carries it itself, and CPROM never does */
	ENROL_SPP = 1,
	ENROL_CMP_BASIC = 2, /* p10cr alone */
	ENROL_CMP = 3,
	ENROL_EST = 4,
};
#define ENROL_PROTOCOLS_MAX 8

/* Ceilings of what a peer or server can make grow. */
#define ENROL_MESSAGE_DEFAULT (64 * 1024)
#define ENROL_MESSAGE_MAX     (1024 * 1024)
#define ENROL_ROUNDS_MAX      32 /* messages each way, a credential */
#define ENROL_CERTS_MAX	      32 /* in one message */

/* Octets of one Provisioning-Headers and one Provisioning-Data TLV; either may be empty. */
struct enrol_message {
	struct slice headers, data;
};
struct enrol_output {
	struct bytes headers, data;
};
void enrol_output_done(struct enrol_output *output);

enum enrol_state {
	ENROL_GOES_ON, /* the output is to be sent */
	ENROL_ASKS,    /* server: see question; nothing to send until answered */
	ENROL_GOT,  /* peer: there is a credential in the result: judge it, store it, then accept */
	ENROL_DONE, /* over; the output, if there is any, is the last message */
	ENROL_FAILED, /* over; fault and diagnosis say why.  Output likewise. */
};

/* CPROM's Error TLV: doc/cprom.md, "Errors". */
enum enrol_error {
	ENROL_ERROR_NONE,
	ENROL_ERROR_MALFORMED,
	ENROL_ERROR_UNEXPECTED,
	ENROL_ERROR_VERSION,
	ENROL_ERROR_NO_PROTOCOL,
	ENROL_ERROR_TOKEN_MISSING,
	ENROL_ERROR_TOKEN_REFUSED, /* unknown, spent, expired and revoked look alike to the peer */
	ENROL_ERROR_PROOF,
	ENROL_ERROR_ACTION_REFUSED,
	ENROL_ERROR_UNKNOWN_CREDENTIAL,
	ENROL_ERROR_PARAMETERS,
	ENROL_ERROR_KEY_GENERATION,
	ENROL_ERROR_CA_REFUSED, /* secondary: the CA protocol's own code */
	ENROL_ERROR_NOT_ACCEPTABLE,
	ENROL_ERROR_STORAGE,
	ENROL_ERROR_VALIDATION,
	ENROL_ERROR_LIMIT,
	ENROL_ERROR_INTERNAL,
	ENROL_ERRORS
};
struct enrol_fault {
	enum enrol_error error;
	uint16_t secondary;
	char description[128]; /* for people, printable, without secrets; goes to the other end */
};
/* What a machine is told when its authorisation (ENROL_ASKS_AUTHORISE), or later what it asked for,
 * is refused with this error: as much as is good for anybody to know. */
const char *enrol_refusal(enum enrol_error error, bool authorising);
void enrol_fault_set(struct enrol_fault *fault, enum enrol_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Who found it. */
enum enrol_side { ENROL_US, ENROL_THEM };
/* The fault as a diagnosis; why, which may be NULL or DIAG_NONE, is a cause that says more and is
 * then taken in its place. */
void enrol_fault_explain(const struct enrol_fault *fault, enum enrol_side by,
			 const struct diagnosis *why, struct diagnosis *ret_diagnosis);

/* ---- the peer ---- */

/* What is asked for.  Borrowed for as long as the round lasts. */
struct enrol_peer_job {
	enum enrol_action action;
	enum enrol_credential type;
	struct enrol_names names; /* of the certificate; empty: the server decides */
	EVP_PKEY *key;		  /* the new one; NULL: the server is to make the secret */
	/* What is renewed or removed; of a registration the certificate (of the factory) that was
	 * shown in the tunnel, so that requests can be signed; else NULL. */
	X509 *old_cert;
	EVP_PKEY *old_key;
	STACK_OF(X509) * old_chain;
	/* What links a request to the tunnel (EST's challengePassword, RFC 7030, section 3.5): the
	 * 32 octets that doc/cprom.md calls E; may be empty. */
	struct slice binding;
	/* A secret shared with the CA, for messages that are protected by a MAC (CMP ir with a
	 * token): reference and secret; may be empty. */
	struct slice reference, secret;
	/* Whom to believe about messages that are signed by themselves (CMP). */
	const STACK_OF(X509) * anchors;
	struct enrol_params params; /* as the server sent them */
};

/* What came of it; all is borrowed from the round and good until its free. */
struct enrol_result {
	X509 *cert;
	STACK_OF(X509) * chain, *anchors; /* may be NULL.  anchors: meant as such by the server */
	struct slice username, password, secret; /* of other kinds of credential */
	EVP_PKEY *key;				 /* made by the server; else NULL */
};

struct enrol_peer_protocol {
	const char *name; /* "SPP" */
	enum enrol_protocol id;
	/* Can it do this?  Bits of 1 << enrol_action, 1 << enrol_credential. */
	unsigned actions, credentials;

	CHECKED enum status (*init)(const struct enrol_peer_job *job, void **ret_self);
	/* A message of the server; the first one may be empty. */
	enum enrol_state (*process)(void *self, const struct enrol_message *in,
				    struct enrol_output *out, struct moment now);
	/* After ENROL_GOT: it is stored, durably; or it is not acceptable, for this reason. */
	enum enrol_state (*accept)(void *self, const struct enrol_fault *fault,
				   struct enrol_output *out, struct moment now);
	void (*result)(const void *self, struct enrol_result *ret_result);
	const struct enrol_fault *(*fault)(const void *self);
	const struct diagnosis *(*diagnosis)(const void *self);
	void (*free)(void *self);
};

/* ---- the server ---- */

/* Borrowed for as long as the round lasts. */
struct enrol_server_job {
	enum enrol_action action;
	enum enrol_credential type;
	const struct enrol_authority *authority; /* who issues: chain and anchors to be told */
	struct enrol_grant grant;		 /* what this machine was found to be allowed */
	struct enrol_params params;		 /* as the peer was, or will be, told */
	struct slice binding;			 /* as the peer's */
	struct slice reference, secret;		 /* likewise; may be empty */
	/* The certificate that the peer has proved to hold (tunnel), DER; may be empty.  Of a
	 * renewal the one that is renewed. */
	struct slice proved;
	bool link_required; /* EST: a request that is not linked to the tunnel is refused */
	bool confirm;	    /* CMP: implicitConfirm is not granted, a certConf has to come */
	struct slice
		credential_id; /* of a renewal or removal, as the peer named it; may be empty */
};

struct enrol_server_protocol {
	const char *name;
	enum enrol_protocol id;
	unsigned actions, credentials;

	/* out is what goes along with the first Provisioning message; may stay empty. */
	CHECKED enum status (*init)(const struct enrol_server_job *job, struct enrol_output *out,
				    void **ret_self);
	enum enrol_state (*process)(void *self, const struct enrol_message *in,
				    struct enrol_output *out, struct moment now);
	const struct enrol_question *(*question)(const void *self); /* ENROL_ASKS; else NULL */
	enum enrol_state (*answer)(void *self, const struct enrol_reply *reply,
				   struct enrol_output *out, struct moment now);
	/* After ENROL_DONE: what was given, for CPROM's third phase. */
	void (*result)(const void *self, struct enrol_result *ret_result);
	const struct enrol_fault *(*fault)(const void *self);
	const struct diagnosis *(*diagnosis)(const void *self);
	void (*free)(void *self);
};

extern const struct enrol_peer_protocol spp_peer, cmp_basic_peer, cmp_peer, est_peer;
extern const struct enrol_server_protocol spp_server, cmp_basic_server, cmp_server, est_server;

#endif
