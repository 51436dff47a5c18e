#include "eap/authenticator_parts.h"

#include <string.h>
#include <strings.h>

/* ---- choices ------------------------------------------------------------------------- */

/* RFC 7542, section 2.2: what is behind the last '@'; empty if there is none. */
static struct slice realm_of(struct slice identity)
{
	for (size_t i = identity.len; i > 0; i--) {
		if (identity.p[i - 1] == '@')
			return slice_of(identity.p + i, identity.len - i);
	}
	return (struct slice){ 0 };
}

static bool same_realm(struct slice realm, const char *wanted)
{
	return realm.len == strlen(wanted) &&
	       (realm.len == 0 || strncasecmp((const char *)realm.p, wanted, realm.len) == 0);
}

static const struct eap_policy_choice *find_choice(const struct eap_authenticator *a)
{
	struct slice realm = realm_of(bytes_slice(&a->identity));

	for (size_t i = 0; i < a->policy->choice_count; i++) {
		const struct eap_policy_choice *choice = &a->policy->choices[i];

		if (!choice->realm || (a->identified && same_realm(realm, choice->realm)))
			return choice;
	}
	return NULL;
}

/* ---- offers -------------------------------------------------------------------------- */

/* A Nak that names what it declines is of a peer that would rather have another method, and has to
 * do without it. */
static const struct eap_server_offer *find_again(struct eap_authenticator *a)
{
	if (!a->naked || a->insisted || !a->declined ||
	    !eap_nak_wants(&a->response, a->declined->method->type))
		return NULL;
	a->insisted = true;
	return a->declined;
}

/* Each is proposed once, and one of them twice, so that Naks come to an end. */
static const struct eap_server_offer *find_offer(struct eap_authenticator *a)
{
	for (size_t i = 0; i < a->choice->offer_count; i++) {
		const struct eap_server_offer *offer = &a->choice->offers[i];

		if ((a->proposed & 1u << i) || (offer->method->inner_only && !a->lower->tunnel))
			continue;
		if (!a->naked || eap_nak_wants(&a->response, offer->method->type))
			return offer;
	}
	return find_again(a);
}

bool authenticator_pick_up(struct eap_authenticator *a)
{
	a->choice = find_choice(a);
	if (!a->policy->pick_up || !a->choice)
		return false;
	for (size_t i = 0; i < a->choice->offer_count; i++) {
		a->next = &a->choice->offers[i];
		if (a->next->method->picks_up &&
		    eap_type_eq(a->next->method->type, a->response.type))
			return true;
	}
	return false;
}

/* ---- decisions ----------------------------------------------------------------------- */

static enum eap_authenticator_decision fail(struct eap_authenticator *a,
					    enum eap_authenticator_fault fault)
{
	a->fault = fault;
	return EAP_DECISION_FAILURE;
}

/* Nothing is known of the peer yet; a Nak that was picked up shows that a method may be proposed.
 */
static bool identity_wanted(const struct eap_authenticator *a)
{
	return a->policy->ask_identity && !a->identified && !a->naked;
}

/* A Response that nobody here can go on with.  RFC 3748, section 2.1: "Once a peer has sent a
 * Response of the same Type as the initial Request, an authenticator MUST NOT send a Request of a
 * different Type". */
static bool stranded(const struct eap_authenticator *a)
{
	return a->rxResp && !a->naked && eap_type_is(a->currentMethod, 0);
}

enum eap_authenticator_decision authenticator_decide(struct eap_authenticator *a)
{
	a->next = NULL;
	if (a->fault != EAP_FAULT_NONE)
		return EAP_DECISION_FAILURE;
	/* RFC 3748, section 2.1: one authentication method, then Success or Failure. */
	if (a->offer && a->methodState == EAP_METHOD_END)
		return a->method_succeeded ? EAP_DECISION_SUCCESS : fail(a, EAP_FAULT_METHOD);
	if (stranded(a))
		return fail(a, EAP_FAULT_NO_METHOD);
	if (identity_wanted(a))
		return EAP_DECISION_CONTINUE;
	if (!a->choice)
		a->choice = find_choice(a);
	if (!a->choice)
		return fail(a, EAP_FAULT_NO_CHOICE);
	if (a->choice->passthrough && a->kind == EAP_FULL)
		return EAP_DECISION_PASSTHROUGH;
	a->next = find_offer(a);
	return a->next ? EAP_DECISION_CONTINUE : fail(a, EAP_FAULT_NO_METHOD);
}
