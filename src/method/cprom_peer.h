/* CPROM, the peer: a machine is given a credential, renews it, or gives it up, inside of a TLS
 * tunnel.  Wire format and rules: doc/cprom.md.
 *
 * The value lives as long as the profile on a port.  What is held and wanted can be replaced
 * between conversations.  A conversation goes: Init, a round of a provisioning protocol for each
 * credential that the server acts on, validation.  New generations are stored as they come and made
 * current after validation, or where there is none when the tunnel says, protected, that all went
 * well (eap_peer_method.succeeded); on every failure all that is not current is abandoned.
 *
 * The machine is pure: keys and storage are reached through enrol/store.h.  Its steps are told as
 * events, which the shell fetches when it has fed it; the result and the diagnosis stay until the
 * next conversation begins. */
#ifndef METHOD_CPROM_PEER_H
#define METHOD_CPROM_PEER_H

#include "eap/method.h"
#include "enrol/protocol.h"
#include "enrol/store.h"
#include "enrol/token.h"
#include "tls/trust.h"

#define EAP_TYPE_CPROM 255 /* Experimental, RFC 3748, section 5.8: until one is assigned */

#define CPROM_CREDENTIALS_MAX 16     /* a session */
#define CPROM_SILENCE_MAX     120000 /* msec between two messages */

/* self is a struct cprom_peer.  Where another type was agreed on, the table is copied and its type
 * changed. */
extern const struct eap_peer_method cprom_peer_method;

struct cprom_peer;

/* A credential as the keystore has it, or is to have it.  Everything is borrowed for as long as the
 * settings are in use. */
struct cprom_credential {
	const char *name; /* in the keystore */
	enum enrol_credential type;
	unsigned actions; /* bits of 1 << enrol_action: what the server may do with it */
	bool wanted;	  /* and the one thing that we want it to do, and fail without */
	enum enrol_action action;

	/* What we have now; an X.509 credential has cert, others an id.  Nothing: it is to be
	 * registered. */
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	struct slice id;   /* the user name, or the name of a symmetric key */
	int64_t expires;   /* of others than X.509; 0: unknown */
	uint16_t protocol; /* by which it came (enum enrol_protocol); 0: another way */
	bool compromised;

	/* Of a new one. */
	struct enrol_names names;   /* asked for; empty: the server decides */
	const char *const *allowed; /* globs of what else it may be called, "*.example.org" */
	size_t allowed_count;
	struct enrol_params params; /* of the key, as far as we care: algorithm, OID, hardware */
	const char *profile;	    /* Profile TLV; NULL: none */
};

/* By what an enrolment is authorised beside the certificate that the tunnel may have shown.  At
 * most one. */
struct cprom_token {
	enum {
		CPROM_NO_TOKEN,	   /* cert, key, chain: what the tunnel shows, if it does */
		CPROM_TOKEN,	   /* value */
		CPROM_TOKEN_CERT,  /* cert, key, chain: a factory certificate */
		CPROM_TOKEN_JWT,   /* text; only to a server that is known by name or pin */
		CPROM_TOKEN_OAUTH, /* likewise */
	} kind;
	struct token value;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	struct slice text;
};

struct cprom_peer_settings {
	const struct cprom_credential *credentials;
	size_t credential_count; /* at most CPROM_CREDENTIALS_MAX */
	struct cprom_token token;
	const struct enrol_peer_protocol *const *protocols; /* in the order of preference */
	size_t protocol_count;
	struct enrol_store_ref store;

	/* What a new certificate has to chain to: these, and if accept_anchors those that a server
	 * delivers that the tunnel has trusted.  Delivered ones go into the keystore with it. */
	const STACK_OF(X509) * anchors;
	bool accept_anchors;
	/* A clock before the build date is wrong, and what it says of a new certificate is then a
	 * warning (result.reduced), not a refusal. */
	int64_t built;

	const char *mud_url; /* NULL: none */
	size_t message_max;  /* 0: ENROL_MESSAGE_DEFAULT; at most ENROL_MESSAGE_MAX */
	/* Challenge types 1 and 2 of the draft, which are not bound to anything.  Off unless a
	 * server that has nothing else is to be served. */
	bool bare_challenges;
};

CHECKED enum status cprom_peer_new(const struct cprom_peer_settings *settings,
				   struct cprom_peer **ret_peer);
/* For the next conversation; the one that is going on, if any, fails.  Borrowed, but for the
 * struct itself, which is copied. */
void cprom_peer_set(struct cprom_peer *peer, const struct cprom_peer_settings *settings);

/* ---- what happens ---- */

enum cprom_step {
	CPROM_TUNNEL,	  /* the server has begun CPROM in a tunnel that we trust */
	CPROM_AUTHORISED, /* it has accepted us and begun a round: action, protocol */
	CPROM_KEY,	  /* a new key was made */
	CPROM_REQUESTED,  /* the request was sent */
	CPROM_RECEIVED,	  /* certificate or secret received */
	CPROM_CHECKED,	  /* and found good */
	CPROM_STORED,	  /* durably */
	CPROM_VALIDATED,  /* the server knows that we hold it */
	CPROM_ACTIVATED,  /* it is what the next authentication uses */
	CPROM_REMOVED,
	CPROM_DONE,   /* the conversation is over and went well; credential is "" */
	CPROM_FAILED, /* it did not; see the diagnosis; credential as far as known */
};
const char *cprom_step_name(enum cprom_step step); /* "key-generated"; static */

struct cprom_event {
	enum cprom_step step;
	const char *credential; /* its name, borrowed from the settings; "" : of all */
	enum enrol_action action;
	const char *protocol;		  /* "SPP", static; NULL: none yet */
	char detail[DIAGNOSIS_VALUE_MAX]; /* "P-256", a fingerprint; printable; may be empty */
};
/* The oldest event that was not fetched yet; false when there is none.  After CPROM_EVENTS_MAX that
 * nobody fetched the oldest are lost. */
#define CPROM_EVENTS_MAX 64
bool cprom_peer_event(struct cprom_peer *peer, struct cprom_event *ret_event);

/* ---- what came of it ---- */

struct cprom_result {
	const char *credential; /* borrowed from the settings */
	enum enrol_action action;
	enum enrol_credential type;
	const char *protocol;
	bool activated;			   /* or removed */
	struct cert_info cert;		   /* of X.509 */
	char username[ENROL_NAME_MAX + 1]; /* of the others */
	unsigned anchors;		   /* that came with it */
	struct diagnosis reduced;	   /* DIAG_NONE, or the clock */
};
/* The nth credential of the last conversation that something was done with; false past the last. */
bool cprom_peer_result(const struct cprom_peer *peer, size_t n, struct cprom_result *ret_result);

/* The error of the conversation that failed, whoever found it; ENROL_ERROR_NONE without one.  The
 * diagnosis is the method's (cprom_peer_method.diagnosis). */
enum enrol_error cprom_peer_error(const struct cprom_peer *peer);

#endif
