/* CPROM, the server: it decides what is done with a machine's credentials, and does it.  Wire
 * format and rules: doc/cprom.md.
 *
 * cprom_server_method is used with a struct cprom_server_context, which all conversations of one
 * worker have in common, and only inside of a tunnel (eap_server_about.tunnel).  A conversation
 * asks EAP_ASKS_ENROLMENT questions:
 *
 *	ENROL_ASKS_AUTHORISE	after the peer's Init, for each way that policy has on and the peer
 *				shows, in the order of enum enrol_authorisation, until one is
 *				granted.  For ENROL_BY_TOKEN the reply brings the secret, and the
 *				proof is checked here.  Token and claim are as in question.h.
 *	ENROL_ASKS_ISSUE, FORWARD, KEEP, REVOKE	from inside of a provisioning protocol
 *	ENROL_ASKS_CONFIRM	when the peer has proved that it holds a new credential
 *
 * Whether the machine is let in is asked by the tunnel, afterwards. */
#ifndef METHOD_CPROM_SERVER_H
#define METHOD_CPROM_SERVER_H

#include "eap/server_method.h"
#include "enrol/protocol.h"

/* Where another type than EAP_TYPE_CPROM was agreed on, the table is copied and its type changed.
 */
extern const struct eap_server_method cprom_server_method;

struct cprom_server_policy {
	unsigned authorisations; /* bits of 1 << enrol_authorisation that are tried */
	unsigned actions;	 /* bits of 1 << enrol_action that are done */
	bool validate;		 /* phase three, whatever the grant says */
	bool bare_challenges;	 /* validate by the draft's types 1 and 2: for peers without ours */
	/* A certificate is renewed when the peer wants it, when the authority says so
	 * (renew_wanted), or when so many percent of its life are over.  0: not for its age. */
	unsigned renew_percent;
	/* What keys and secrets have to be, by type (enum enrol_credential).  Flags of generation
	 * 0: the peer for X.509, both for the others. */
	struct enrol_params x509, symmetric, password;
	size_t message_max; /* 0: ENROL_MESSAGE_DEFAULT; at most ENROL_MESSAGE_MAX */
	/* The order of preference; the first that the peer offers, too, and that can do what is to
	 * be done. */
	const struct enrol_server_protocol *const *protocols;
	size_t protocol_count;
};

/* Borrowed; what it points to may be replaced between conversations. */
struct cprom_server_context {
	const struct cprom_server_policy *policy;
	const struct enrol_authority *authority;
};

/* What was done, for the audit trail: the value that cprom_server_method.init has made. */
#define CPROM_SERVER_DEEDS_MAX 16
struct cprom_deed {
	enum enrol_action action;
	enum enrol_credential type;
	const char *protocol;	     /* "SPP" */
	char fingerprint[65];	     /* of a certificate; else "" */
	char id[ENROL_NAME_MAX + 1]; /* else the user name, printable */
	bool confirmed; /* the peer has stored it; and, if that was asked for, proved it */
};
size_t cprom_server_deeds(const void *self, const struct cprom_deed **ret_deeds);
/* What the peer told of itself, or empty. */
struct slice cprom_server_mud_url(const void *self);

/* The error of a conversation that failed, whoever found it. */
enum enrol_error cprom_server_error(const void *self);

#endif
