#include "authd/rules.h"

#include <fnmatch.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#define VALUE_MAX 1024 /* octets of a name that can match at all */

/* Somebody at a place. */
struct subject {
	const struct rules_machine *machine;
	const struct aaa_where *where;
	/* There was no memory to tell whether something matches: then nobody is let in, for the
	 * rule that would have kept it out may be the one that was not understood. */
	bool failed;
};

/* A NUL or another control character is in no name that anybody meant to write down. */
static bool text_of(struct slice value, char text[VALUE_MAX])
{
	if (value.len == 0 || value.len >= VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	}
	memcpy(text, value.p, value.len);
	text[value.len] = '\0';
	return true;
}

static bool any_matches(const struct words *patterns, const char *text, int flags)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (fnmatch(patterns->word[i], text, flags) == 0)
			return true;
	}
	return false;
}

/* ---- subject and issuer ---- */

static bool entry_matches(struct subject *who, const X509_NAME_ENTRY *entry, int nid,
			  const char *pattern)
{
	unsigned char *utf8 = NULL;
	char text[VALUE_MAX];
	int len;
	bool matches;

	if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
		return false;
	/* That it is no text in its own encoding cannot be told from want of memory. */
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	who->failed |= len < 0;
	matches = len > 0 && text_of(slice_of(utf8, (size_t)len), text) &&
		  fnmatch(pattern, text, 0) == 0;
	OPENSSL_free(utf8);
	return matches;
}

/* "CN=*.example.org": there is an attribute of that type with such a value. */
static bool has_attribute(struct subject *who, const X509_NAME *name, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	char type[64];
	int nid;

	snprintf(type, sizeof type, "%.*s", (int)(equals - wanted), wanted);
	nid = OBJ_txt2nid(type);
	who->failed |= nid == NID_undef; /* it was one when it was read */
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		if (entry_matches(who, X509_NAME_get_entry(name, i), nid, equals + 1))
			return true;
	}
	return false;
}

static bool name_matches(struct subject *who, const struct words *wanted, struct slice der)
{
	const unsigned char *p = der.p;

	if (wanted->count == 0)
		return true;

	AUTO(X509_NAME) name = d2i_X509_NAME(NULL, &p, (long)der.len);

	who->failed |= !name;
	for (size_t i = 0; i < wanted->count; i++) {
		if (!name || !has_attribute(who, name, wanted->word[i]))
			return false;
	}
	return true;
}

/* ---- subjectAltName and extended key usage ---- */

static bool alternative_matches(const struct words *patterns, const struct tls_claim *claim,
				enum tls_name_kind kind)
{
	struct tls_name name;
	char text[VALUE_MAX];

	for (size_t at = 0; patterns->count > 0 && tls_claim_name(claim, &at, &name);) {
		if (name.kind == kind && text_of(name.value, text) &&
		    any_matches(patterns, text, FNM_CASEFOLD))
			return true;
	}
	return patterns->count == 0;
}

static bool usage_is(struct subject *who, struct slice oid, const char *wanted)
{
	ASN1_OBJECT *object = OBJ_txt2obj(wanted, 1);
	bool same = object && slice_eq(oid, slice_of(OBJ_get0_data(object), OBJ_length(object)));

	who->failed |= !object;
	ASN1_OBJECT_free(object);
	return same;
}

static bool usage_matches(struct subject *who, const struct words *wanted)
{
	struct slice oid;

	for (size_t at = 0; wanted->count > 0 && tls_claim_usage(who->machine->claim, &at, &oid);) {
		for (size_t i = 0; i < wanted->count; i++) {
			if (usage_is(who, oid, wanted->word[i]))
				return true;
		}
	}
	return wanted->count == 0;
}

/* ---- where ---- */

static bool place_matches(const struct words *patterns, const char *text, int flags)
{
	return patterns->count == 0 || (*text && any_matches(patterns, text, flags));
}

static bool where_matches(const struct rule *rule, const struct aaa_where *where)
{
	return place_matches(&rule->client, where->client, 0) &&
	       place_matches(&rule->port, where->nas_port_id, 0) &&
	       place_matches(&rule->station, where->calling_station, FNM_CASEFOLD) &&
	       (rule->nas.count == 0 || place_matches(&rule->nas, where->nas_identifier, 0) ||
		place_matches(&rule->nas, where->nas_address, 0));
}

static bool asks_for_certificate(const struct rule *rule)
{
	return rule->subject.count > 0 || rule->issuer.count > 0 || rule->dns.count > 0 ||
	       rule->email.count > 0 || rule->uri.count > 0 || rule->upn.count > 0 ||
	       rule->usages.count > 0;
}

static bool certificate_matches(const struct rule *rule, struct subject *who)
{
	const struct tls_claim *claim = who->machine->claim;

	if (!claim)
		return !asks_for_certificate(rule);
	return name_matches(who, &rule->subject, claim->subject_der) &&
	       name_matches(who, &rule->issuer, claim->issuer_der) &&
	       alternative_matches(&rule->dns, claim, TLS_NAME_DNS) &&
	       alternative_matches(&rule->email, claim, TLS_NAME_EMAIL) &&
	       alternative_matches(&rule->uri, claim, TLS_NAME_URI) &&
	       alternative_matches(&rule->upn, claim, TLS_NAME_UPN) &&
	       usage_matches(who, &rule->usages);
}

/* ---- how it was proved ---- */

/* "ttls" in a file is EAP-TTLS. */
static const char *short_name(const char *method)
{
	return strncmp(method, "EAP-", 4) == 0 ? method + 4 : method;
}

static bool method_matches(const struct rule *rule, const struct rules_machine *machine)
{
	char identity[VALUE_MAX];

	if (!place_matches(&rule->method, machine->method ? short_name(machine->method) : "",
			   FNM_CASEFOLD) ||
	    !place_matches(&rule->inner, machine->inner ? machine->inner : "", FNM_CASEFOLD))
		return false;
	return rule->identity.count == 0 || (text_of(machine->identity, identity) &&
					     any_matches(&rule->identity, identity, FNM_CASEFOLD));
}

static bool rule_matches(const struct rule *rule, struct subject *who)
{
	const struct rules_machine *machine = who->machine;

	return (rule->resumed == RESUMED_ANY ||
		(rule->resumed == RESUMED_YES) == machine->resumed) &&
	       where_matches(rule, who->where) && method_matches(rule, machine) &&
	       certificate_matches(rule, who);
}

/* ---- the decision ---- */

static void refuse(const struct rules_machine *machine, const struct rule *rule,
		   struct diagnosis *ret_why)
{
	struct slice name = machine->claim ? machine->claim->subject : machine->identity;
	char subject[DIAGNOSIS_VALUE_MAX];

	diagnosis_set(ret_why, DIAG_PEER_DENIED);
	diagnosis_add(ret_why, "subject", "%s", printable(name, subject, sizeof subject));
	diagnosis_add(ret_why, "rule", "%s", rule ? rule->object.name : "DefaultAction");
	if (rule && rule->reason)
		diagnosis_add(ret_why, "reason", "%s", rule->reason);
}

static const struct rule *first_match(const struct config *config, struct subject *who, bool enroll)
{
	for (size_t i = 0; i < config_rule_count(config); i++) {
		const struct rule *rule = config_rule(config, i);

		if ((rule->action == ACTION_ENROLL) == enroll && rule_matches(rule, who))
			return rule;
	}
	return NULL;
}

const struct rule *rules_enroll(const struct config *config, const struct tls_claim *claim,
				const struct aaa_where *where)
{
	const struct rules_machine machine = { .claim = claim, .resumed = claim && claim->resumed };
	struct subject who = { &machine, where, false };
	const struct rule *rule = first_match(config, &who, true);

	return who.failed ? NULL : rule;
}

bool rules_judge(const struct config *config, const struct rules_machine *machine,
		 const struct aaa_where *where, struct aaa_grant *ret_grant,
		 struct diagnosis *ret_why)
{
	struct subject who = { machine, where, false };
	const struct rule *rule = first_match(config, &who, false);
	enum config_action action = rule ? rule->action : config->settings.default_action;

	*ret_grant = (struct aaa_grant){ 0 };
	diagnosis_set(ret_why, DIAG_NONE);
	if (who.failed) {
		diagnosis_say(ret_why, DIAG_INTERNAL,
			      "the rules could not be applied to this machine");
		return false;
	}
	if (rule)
		snprintf(ret_grant->rule, sizeof ret_grant->rule, "%s", rule->object.name);
	if (action == ACTION_REJECT) {
		refuse(machine, rule, ret_why);
		return false;
	}
	if (rule) {
		ret_grant->vlan = (uint16_t)rule->vlan;
		ret_grant->session_timeout = (uint32_t)(rule->session_timeout / 1000);
		ret_grant->reauthenticate = rule->reauthenticate;
		ret_grant->interim = (uint32_t)(rule->interim / 1000);
	}
	return true;
}
