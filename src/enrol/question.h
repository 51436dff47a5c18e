/* What the server side of an enrolment asks the world (EAP_ASKS_ENROLMENT in eap/question.h), and
 * what is shared by all who take part: actions, names, grants, the authority.
 *
 * Every question can be refused; the fault of the reply is what the peer is told, and its diagnosis
 * what we tell our own people (an unknown, a spent, an expired and a revoked token are four things
 * to them and one to the peer). */
#ifndef ENROL_QUESTION_H
#define ENROL_QUESTION_H

#include "base/bytes.h"
#include "base/diagnosis.h"
#include "tls/ssl.h"

enum enrol_action { ENROL_REGISTER, ENROL_RENEW, ENROL_REMOVE };
enum enrol_credential {
	ENROL_X509 = 0,
	ENROL_SYMMETRIC = 2,
	ENROL_PASSWORD = 3, /* user name and password */
};

#define ENROL_ID_MAX	64 /* of a token's public id, a profile's name */
#define ENROL_NAMES_MAX 16
#define ENROL_NAME_MAX	253

/* Names of a certificate: asked for, or granted. */
struct enrol_names {
	char common_name[ENROL_NAME_MAX + 1]; /* UTF-8; empty: none */
	size_t count;
	struct {
		enum {
			ENROL_NAME_DNS,
			ENROL_NAME_EMAIL,
			ENROL_NAME_URI,
			ENROL_NAME_UPN,
			ENROL_NAME_IP
		} kind;
		char text[ENROL_NAME_MAX + 1];
	} alternative[ENROL_NAMES_MAX];
};

/* Provisioning-Params TLV: what the key or secret has to be. */
struct enrol_params {
	uint16_t least, most; /* octets; 0: any */
	uint8_t algorithm;    /* the draft's registry: 1 RSA, 2 ECDSA; 0: any */
	uint8_t flags;	      /* ENROL_SERVER_GENERATES and so on */
	struct slice oid;     /* DER of an OBJECT IDENTIFIER, "P-256"; may be empty */
};
/* The draft numbers the bits of such octets from the least significant, as its own values 0x07 and
 * 0x02 of the Certificate-Data TLV show. */
#define ENROL_SERVER_GENERATES 0x01
#define ENROL_PEER_GENERATES   0x02
#define ENROL_IN_HARDWARE      0x04

/* How an enrolment was authorised. */
enum enrol_authorisation {
	ENROL_BY_CERTIFICATE,	    /* of the tunnel: factory, or one that is renewed */
	ENROL_BY_TOKEN,		    /* Token Type 200 */
	ENROL_BY_CERTIFICATE_TOKEN, /* 4 */
	ENROL_BY_JWT,		    /* 1 */
	ENROL_BY_OAUTH,		    /* 3 */
	ENROL_BY_ACCOUNT,	    /* proved inside of TEAP, which enrols by itself */
};

/* What a machine was found to be allowed.  A value; owns nothing. */
struct enrol_grant {
	enum enrol_authorisation by;
	char token[ENROL_ID_MAX + 1];	  /* the token's public id; empty: none */
	char profile[ENROL_ID_MAX + 1];	  /* certificate profile */
	char machine[ENROL_NAME_MAX + 1]; /* the registry's identifier, when it is known already */
	/* Of the device, for the common name's template: its serial number (of a factory
	 * certificate, or bound to the token) and hardware address; empty: not known. */
	char serial[ENROL_ID_MAX + 1], mac[18];
	struct enrol_names names; /* what it may be called; empty: as it asks, by the profile */
	unsigned credentials;	  /* bits of 1 << enrol_credential; 0: X.509 alone */
	bool validate;		  /* the third phase is asked for */
	bool renew; /* the certificate that is shown is to be renewed, whether or not it wants */
};

/* Who issues, as a worker holds it: immutable, counted by its owner.  With an embedded CA the key
 * is there; with a real CA behind it, NULL. */
struct enrol_authority {
	X509 *issuer;		/* the issuing CA's certificate */
	EVP_PKEY *key;		/* its key, or NULL */
	STACK_OF(X509) * chain; /* above a certificate that it issues, issuer first, without root */
	STACK_OF(X509) * anchors; /* what peers are told to trust for this network, old and new */
	X509 *new_with_old;	  /* roll-over of the root (RFC 4210, 4.4); NULL: none goes on */
	const char *crl_url, *ocsp_url; /* to stand in certificates; NULL: none */
	bool renew_wanted;		/* peers whose certificate is of an old issuer are told */

	/* CMP.  What signs our messages to peers: NULL: issuer and key do. */
	X509 *ra_cert;
	EVP_PKEY *ra_key;
	STACK_OF(X509) * ra_chain;
	bool forwards; /* peers' messages go to the CA unchanged (ENROL_ASKS_FORWARD) */
};

enum enrol_question_kind {
	/* Is a machine that shows this allowed to be enrolled?  Reply: grant, and for
	 * ENROL_BY_TOKEN the secret.  ENROL_BY_CERTIFICATE: claim. */
	ENROL_ASKS_AUTHORISE,
	/* A certificate for this key and these names.  Reply: certificate, with chain and anchors
	 * if they are others than the authority's.  It is in the registry, and the use of the
	 * token counted, when the reply comes. */
	ENROL_ASKS_ISSUE,
	/* A CMP message that is handed on to a CA unchanged.  Reply: its answer. */
	ENROL_ASKS_FORWARD,
	/* Keep what the peer was given: user name and password, or a symmetric key. */
	ENROL_ASKS_KEEP,
	/* Revoke this credential (action remove), which the peer has proved to hold. */
	ENROL_ASKS_REVOKE,
	/* The peer holds it, and has proved so: it may be used.  Refusals are ignored. */
	ENROL_ASKS_CONFIRM,
};

struct enrol_question {
	enum enrol_question_kind kind;
	enum enrol_action action;
	enum enrol_credential type;

	/* AUTHORISE */
	enum enrol_authorisation by;
	struct slice token;		      /* id, JWT, OAuth token, or a DER chain */
	const struct tls_claim *claim;	      /* of the tunnel; NULL: none */
	struct slice account;		      /* whose password was proved; UTF-8 not checked */
	struct slice mud_url, profile_wanted; /* if the peer sent them */

	/* all others */
	const struct enrol_grant *grant;

	/* ISSUE */
	EVP_PKEY *key;			 /* public; the possession of its private half is proved */
	const struct enrol_names *names; /* as asked */
	struct slice csr;		 /* PKCS#10, DER; empty: it was asked for otherwise */
	struct slice old;		 /* the certificate that is renewed, DER; may be empty */

	/* FORWARD */
	struct slice message;
	uint32_t after; /* seconds that the CA wants to be left alone before it gets this one */

	/* KEEP */
	struct slice username, secret;

	/* REVOKE, CONFIRM; a password or symmetric key is revoked by its username */
	struct slice certificate; /* DER */
	int reason;		  /* REVOKE: enum ca_reason */
};

/* Everything is borrowed until the method has it. */
struct enrol_reply {
	bool accept;
	unsigned error;	    /* of a refusal: enum enrol_error */
	uint16_t secondary; /* the CA's own code */
	const struct diagnosis *why;

	struct enrol_grant grant;
	struct slice secret; /* AUTHORISE by token */
	/* ISSUE: DER.  AUTHORISE by certificate: the one that was shown, if it was issued here. */
	struct slice certificate;
	STACK_OF(X509) * chain, *anchors; /* ISSUE; NULL: the authority's */
	/* FORWARD.  What the message gives to the peer is in certificate too, for the registry. */
	struct slice message;
	struct slice username; /* KEEP: under which name */
};

#endif
