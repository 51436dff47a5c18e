/* TEAP version 1, the server: RFC 9930, with TLS 1.2 and 1.3.
 *
 * Where it may (context.enrol), it gives certificates by itself, by TLVs of TEAP's own (section
 * 3.11.1): it asks EAP_ASKS_ENROLMENT questions as CPROM's server does, ENROL_ASKS_AUTHORISE by the
 * certificate of the tunnel and then by the account that was proved, ENROL_ASKS_ISSUE, and when the
 * peer has it ENROL_ASKS_CONFIRM.
 *
 * We ask for one identity after the other, each by EAP or by name and password; each success is
 * bound to the tunnel and to those before it by a Crypto-Binding TLV.  Who may come in is asked
 * (EAP_ASKS_ADMISSION) before a Result TLV says success.  The end is an exchange of Result TLVs, in
 * a resumption too, where nothing is asked for but what a peer demands by Request-Action.
 *
 * Deviation: what is wrong with the peer's Outer TLVs is ignored (section 3.9.1), but a mandatory
 * one that we do not know ends the conversation, inside of the tunnel: none may be mandatory. */
#ifndef METHOD_TEAP_SERVER_H
#define METHOD_TEAP_SERVER_H

#include "eap/authenticator.h"
#include "method/cprom_server.h"
#include "method/teap_keys.h"
#include "method/tunnel_server.h"

#define TEAP_ROUNDS_MAX	   2
#define TEAP_AUTHORITY_MAX 64 /* octets of an Authority-ID */

/* One identity to be proved. */
struct teap_round {
	enum teap_identity type;      /* TEAP_ANYBODY: it is not told */
	const struct eap_policy *eap; /* of EAP inside, which asks for the identity; NULL: no EAP */
	bool password;		      /* Basic-Password-Auth is allowed */
	bool password_first;	      /* and is proposed before EAP */
};

struct teap_server_context {
	struct tunnel_server_context tunnel; /* first */
	struct slice authority_id;	     /* at most TEAP_AUTHORITY_MAX; empty: none is sent */
	struct teap_round rounds[TEAP_ROUNDS_MAX];
	unsigned round_count;
	/* Who has shown a certificate that counts is asked for nothing more. */
	bool certificate_suffices;
	enum teap_emsk_policy emsk;
	const char *prompt; /* of Basic-Password-Auth, UTF-8 */
	/* Who gives certificates, to whom (authorisations, of which ENROL_BY_CERTIFICATE and
	 * ENROL_BY_ACCOUNT are looked at), what is done (actions, renew_percent, x509); NULL: none
	 * are given. */
	const struct cprom_server_context *enrol;
};

extern const struct eap_server_method teap_server_method;

#endif
