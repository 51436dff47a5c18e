/* Policy: what becomes of a machine that has proved who it is, by a certificate or inside of a
 * tunnel.
 *
 * Rules are looked at by priority, then by name; the first that matches decides.  Without any that
 * does, [Policy] DefaultAction= decides.  What is matched are the facts of the certificate as it
 * was parsed, one attribute or name at a time: a text that holds a NUL or a control character
 * matches nothing, and no value can pose as two.  A machine without a certificate matches no rule
 * that asks for anything in one. */
#ifndef AUTHD_RULES_H
#define AUTHD_RULES_H

#include "authd/aaa.h"
#include "authd/config.h"
#include "tls/claim.h"

/* Who it is, as it was proved. */
struct rules_machine {
	const struct tls_claim *claim; /* NULL: no certificate */
	struct slice identity;	       /* of an account, inside of a tunnel; empty: none */
	const char *method, *inner;    /* "EAP-TTLS", "PAP"; inner NULL: nothing inside */
	bool resumed;
};

/* true: let in, as the grant says.  false: not, for the reason in *ret_why; ret_grant->rule then
 * says which rule it was.  The grant holds no Class. */
bool rules_judge(const struct config *config, const struct rules_machine *machine,
		 const struct aaa_where *where, struct aaa_grant *ret_grant,
		 struct diagnosis *ret_why);

/* The first rule with Action=enroll that matches; NULL: none does.  Those have no part in
 * rules_judge. */
const struct rule *rules_enroll(const struct config *config, const struct tls_claim *claim,
				const struct aaa_where *where);

#endif
