/* rules.d/NAME.rule: the keys, and what they mean together. */
#include "authd/config_types.h"

/* clang-format off */
static const struct ini_word actions[] = {
	{ "accept", ACTION_ACCEPT }, { "reject", ACTION_REJECT }, { "enroll", ACTION_ENROLL }, { NULL, 0 } };
static const struct ini_word resumed[] = {
	{ "any", RESUMED_ANY }, { "yes", RESUMED_YES }, { "no", RESUMED_NO }, { NULL, 0 } };
static const struct ini_word terminations[] = { { "default", false }, { "reauthenticate", true }, { NULL, 0 } };
static const struct ini_word none[] = { { "none", 0 }, { NULL, 0 } };

#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct rule, field_)
#define SECONDS 1000LL
#define DAYS	(86400 * SECONDS)

static const struct ini_key keys[] = {
	{ KEY("Match", "Priority", ini_number, priority), .least = -1000, .most = 1000, .fallback = "0",
	  .doc = "Which rule is looked at first: the one with the highest number; of equals the first by the name of its "
		"file. The first that matches decides." },
	{ KEY("Match", "Subject", config_attributes, subject),
	  .doc = "An attribute of the certificate's subject, such as `CN=*.example.org` or `OU=Printers`. The key may be "
		"repeated: each attribute that is named has to be there with a value that matches; others may be "
		"there too. Letters count as they are written." },
	{ KEY("Match", "Issuer", config_attributes, issuer),
	  .doc = "The same for the name of the authority that issued the certificate." },
	{ KEY("Match", "Dns", config_globs, dns),
	  .doc = "A host name in the certificate's subjectAltName. One that matches is enough, as for all the "
		"following. Case does not count." },
	{ KEY("Match", "Email", config_globs, email), .doc = "A mail address in the certificate's subjectAltName." },
	{ KEY("Match", "Uri", config_globs, uri), .doc = "A URI in the certificate's subjectAltName." },
	{ KEY("Match", "Upn", config_globs, upn),
	  .doc = "A Microsoft user principal name in the certificate's subjectAltName." },
	{ KEY("Match", "Eku", config_usages, usages),
	  .doc = "An extended key usage of the certificate, by its name or its numbers." },
	{ KEY("Match", "Client", config_globs, client),
	  .doc = "The RADIUS client that asks, by the name of its file in `clients.d`; never true for our own ports." },
	{ KEY("Match", "Nas", config_globs, nas),
	  .doc = "The switch or access point, by its NAS-Identifier or the text of its address." },
	{ KEY("Match", "Port", config_globs, port),
	  .doc = "The port, by its NAS-Port-Id; of our own ports the name of the interface." },
	{ KEY("Match", "Station", config_globs, station),
	  .doc = "The machine's hardware address as the switch writes it, usually `02-00-5E-10-00-01`. Anybody can claim "
		"any such address. Case does not count." },
	{ KEY("Match", "Method", config_globs, method),
	  .doc = "The method by which the machine has proved who it is: `tls`, `ttls`, `peap` or `teap`. Case does not "
		"count." },
	{ KEY("Match", "Inner", config_globs, inner),
	  .doc = "What ran inside of its tunnel: `pap`, `chap`, `mschap`, `mschapv2` (those of EAP-TTLS), "
		"`eap-mschapv2`, `eap-gtc`, `eap-tls` or `cprom`. Never true for EAP-TLS without a tunnel." },
	{ KEY("Match", "Identity", config_globs, identity),
	  .doc = "The account whose password was proved inside of a tunnel; not what the machine calls itself outside, "
		"which anybody can choose. Case does not count. A machine without a certificate only matches rules "
		"without the keys that are about one." },
	{ KEY("Match", "Resumed", ini_enum, resumed), .words = resumed, .fallback = "any",
	  .doc = "Whether the machine continues an earlier TLS session." },

	{ KEY("Decision", "Action", ini_enum, action), .words = actions,
	  .doc = "`accept` lets the machine in, `reject` does not. `enroll` is about enrolling alone: a machine with "
		"a factory certificate (`[Enroll] FactoryAnchors=` in latchkey-authd.conf) that this rule matches is "
		"given a certificate of this network; without such a rule none is. Whether it is let in is not "
		"decided by it. Every rule needs one." },
	{ KEY("Decision", "Profile", config_credential, profile),
	  .doc = "The certificate profile that the machine is enrolled by: a file of `profiles.d`. Only with `enroll`; "
		"without this key it is `[Enroll] Profile=` of latchkey-authd.conf." },
	{ KEY("Decision", "Reason", ini_text, reason),
	  .doc = "Why, in a few words, for the log and for whoever looks at the session. Only with `reject`." },
	{ KEY("Decision", "Vlan", ini_number, vlan), .least = 1, .most = 4094, .words = none, .fallback = "none",
	  .doc = "The VLAN the machine is put into." },
	{ KEY("Decision", "SessionTimeout", ini_msec, session_timeout), .least = 60 * SECONDS, .most = 365 * DAYS,
	  .words = none, .fallback = "none", .doc = "After what time the session ends, or the machine is asked again." },
	{ KEY("Decision", "Termination", ini_enum, reauthenticate), .words = terminations, .fallback = "default",
	  .doc = "What happens then: `reauthenticate` asks the machine again and leaves it in meanwhile; `default` "
		"ends the session." },
	{ KEY("Decision", "Interim", ini_msec, interim), .least = 60 * SECONDS, .most = 1 * DAYS, .words = none,
	  .fallback = "none", .doc = "How often the switch tells what the session has come to (accounting)." },
};
/* clang-format on */

static const struct ini_table table = { keys, sizeof keys / sizeof keys[0] };

static void check_rule(void *object, const struct config_check *check)
{
	const struct rule *rule = object;
	bool reject = rule->action == ACTION_REJECT, enroll = rule->action == ACTION_ENROLL;

	if (config_unset(check, "Action")) {
		config_wrong(check, "Action", "is missing: expected accept, reject or enroll.");
		return;
	}
	if (!enroll && rule->profile)
		config_wrong(check, "Profile", "is for Action=enroll only.");
	if (enroll && (rule->vlan || rule->session_timeout || rule->interim))
		config_wrong(check, "Action",
			     "=enroll lets nobody in: no Vlan=, SessionTimeout= or "
			     "Interim= goes with it.");
	if (!reject && rule->reason)
		config_wrong(check, "Reason", "is for Action=reject only.");
	if (reject && rule->vlan)
		config_wrong(check, "Vlan", "contradicts Action=reject.");
	if (reject && rule->session_timeout)
		config_wrong(check, "SessionTimeout", "contradicts Action=reject.");
	if (rule->reauthenticate && !rule->session_timeout)
		config_wrong(
			check, "Termination",
			"needs SessionTimeout=, after which the machine is to be asked again.");
}

const struct config_kind rule_kind = {
	.what = "rule",
	.directory = "rules.d",
	.suffix = ".rule",
	.table = &table,
	.size = sizeof(struct rule),
	.check = check_rule,
};
