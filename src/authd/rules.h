/* Policy: what becomes of a machine whose certificate is trusted.
 *
 * Rules are looked at by priority, then by name; the first that matches decides.  Without any that
 * does, [Policy] DefaultAction= decides.  What is matched are the facts of the certificate as it
 * was parsed, one attribute or name at a time: a text that holds a NUL or a control character
 * matches nothing, and no value can pose as two. */
#ifndef AUTHD_RULES_H
#define AUTHD_RULES_H

#include "authd/aaa.h"
#include "authd/config.h"
#include "tls/claim.h"

/* true: let in, as the grant says.  false: not, for the reason in *ret_why; ret_grant->rule then
 * says which rule it was.  The grant holds no Class. */
bool rules_judge(const struct config *config, const struct tls_claim *claim,
		 const struct aaa_where *where, struct aaa_grant *ret_grant,
		 struct diagnosis *ret_why);

/* The first rule with Action=enroll that matches; NULL: none does.  Those have no part in
 * rules_judge. */
const struct rule *rules_enroll(const struct config *config, const struct tls_claim *claim,
				const struct aaa_where *where);

#endif
