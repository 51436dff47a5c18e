/* profiles.d/NAME.profile: the keys, and what they mean together. */
#include <assert.h>
#include <string.h>

#include "authd/config_types.h"

/* clang-format off */
#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct profile_config, field_)
#define MINUTES 60000LL
#define DAYS	(24 * 60 * MINUTES)

static const struct ini_word credentials[] = {
	{ "certificate", 0 }, { "password", 0 }, { "symmetric", 0 }, { NULL, 0 } };

static const struct ini_key keys[] = {
	{ KEY("Certificate", "Lifetime", ini_msec, lifetime), .least = 10 * MINUTES, .most = 3660 * DAYS, .fallback = "90d",
	  .doc = "How long a certificate is valid. A machine renews it by itself when two thirds of the time are over, "
		"so that it may be short; none is valid for longer than the authority that issued it." },
	{ KEY("Certificate", "Backdate", ini_msec, backdate), .least = 0, .most = 7 * DAYS, .fallback = "1h",
	  .doc = "It begins so long before the moment in which it was issued, for machines whose clock is behind." },
	{ KEY("Certificate", "KeyTypes", config_key_types, key_types), .fallback = "P-256 P-384 Ed25519 RSA-2048",
	  .doc = "The kinds of keys that are taken: `P-256`, `P-384`, `P-521`, `Ed25519`, `RSA-2048` and so on up to "
		"`RSA-4096`. A machine is told to make one of the first kind. An RSA key may also be longer than it is "
		"written here." },
	{ KEY("Certificate", "Usages", config_usages, usages), .fallback = "clientAuth",
	  .doc = "What the certificate may be used for, its extended key usages, by names or numbers. `clientAuth` is "
		"what EAP-TLS asks for; `1.3.6.1.5.5.7.3.14` is id-kp-eapOverLAN." },
	{ KEY("Certificate", "Validate", ini_bool, validate), .fallback = "yes",
	  .doc = "Whether the machine has to prove, once it has the certificate, that it can use it (the third phase "
		"of CPROM)." },

	{ KEY("Certificate", "Credentials", config_choices, credentials), .words = credentials,
	  .doc = "What a machine with this profile is given: `certificate`, `password` (an account), `symmetric` (a key). "
		"Without this key what [Enroll] Credentials= says." },

	{ KEY("Names", "CommonName", ini_text, common_name), .fallback = "%{cn}",
	  .doc = "The common name of the certificate. In it `%{cn}` stands for the name that the machine asks for, "
		"`%{serial}` for the serial number of the device and `%{mac}` for its hardware address, as far as its "
		"token or its factory certificate tells them, `%{token}` for the name of its token, and `%%` for a `%`. "
		"What a machine asks for counts only where `%{cn}` stands. A machine for which something "
		"that stands here is not known is refused." },
	{ KEY("Names", "CommonNames", config_globs, common_names),
	  .doc = "What a machine may ask for as `%{cn}`, and as a user name where it is given a password or key. Without this "
		"key what hosts and users are called: letters and digits of ASCII, and between them `.`, `-`, `_` and "
		"`@`, no two dots together. Where the token names the machine, that name is the only one." },
	{ KEY("Names", "Dns", config_globs, dns),
	  .doc = "The host names that may be in subjectAltName when a machine asks for them, such as "
		"`*.machines.example.org`. Without this key none; case does not count. The same holds for the "
		"following." },
	{ KEY("Names", "Email", config_globs, email), .doc = "Mail addresses." },
	{ KEY("Names", "Uri", config_globs, uri), .doc = "URIs, such as `urn:uuid:*`." },
	{ KEY("Names", "Upn", config_globs, upn), .doc = "Microsoft's user principal names." },
	{ KEY("Names", "Ip", config_globs, ip), .doc = "IP addresses, as text." },
};
/* clang-format on */

static const struct ini_table table = { keys, sizeof keys / sizeof keys[0] };

unsigned config_credentials(const struct words *words)
{
	return (words_have(words, "certificate") ? 1u << ENROL_X509 : 0) |
	       (words_have(words, "password") ? 1u << ENROL_PASSWORD : 0) |
	       (words_have(words, "symmetric") ? 1u << ENROL_SYMMETRIC : 0);
}

/* What the authority takes. */
static void fill(struct profile_config *p)
{
	p->ca = (struct ca_profile){
		.name = p->object.name,
		.lifetime = (int64_t)(p->lifetime / 1000),
		.backdate = (int64_t)(p->backdate / 1000),
		.key_types = (const char *const *)p->key_types.word,
		.key_type_count = p->key_types.count,
		.usages = (const char *const *)p->usages.word,
		.usage_count = p->usages.count,
		.common_name = p->common_name ? p->common_name : "",
		.common_names = (const char *const *)p->common_names.word,
		.common_name_count = p->common_names.count,
		.dns = (const char *const *)p->dns.word,
		.dns_count = p->dns.count,
		.email = (const char *const *)p->email.word,
		.email_count = p->email.count,
		.uri = (const char *const *)p->uri.word,
		.uri_count = p->uri.count,
		.upn = (const char *const *)p->upn.word,
		.upn_count = p->upn.count,
		.ip = (const char *const *)p->ip.word,
		.ip_count = p->ip.count,
		.validate = p->validate,
		.credentials = config_credentials(&p->credentials),
	};
}

static void check_profile(void *object, const struct config_check *check)
{
	struct profile_config *p = object;

	if (p->key_types.count == 0 && config_unset(check, "KeyTypes"))
		config_wrong(check, "KeyTypes", "expected at least one kind of key that is taken.");
	if (p->common_name && !ca_template_valid(p->common_name))
		config_wrong(check, "CommonName",
			     "expected text in which %%{cn}, %%{serial}, %%{mac}, %%{token} and "
			     "%%%% stand for something, and no other %%.");
	if (p->common_names.count > 0 && (!p->common_name || !strstr(p->common_name, "%{cn}")))
		config_wrong(check, "CommonNames",
			     "has no effect: CommonName= has no %%{cn} in it.");
	if (p->backdate >= p->lifetime)
		config_wrong(check, "Backdate",
			     "is longer than Lifetime=; certificates would be over before they "
			     "are issued.");
	fill(p);
}

const struct config_kind profile_kind = {
	.what = "certificate profile",
	.directory = "profiles.d",
	.suffix = ".profile",
	.table = &table,
	.size = sizeof(struct profile_config),
	.check = check_profile,
};

/* ---- looked up ---- */

/* As an empty file would be. */
static const struct ca_profile *built_in(void)
{
	static const char *const key_types[] = { "P-256", "P-384", "Ed25519", "RSA-2048" };
	static const struct ca_profile machine = {
		.name = PROFILE_DEFAULT,
		.lifetime = 90 * DAYS / 1000,
		.backdate = 60 * MINUTES / 1000,
		.key_types = key_types,
		.key_type_count = sizeof key_types / sizeof key_types[0],
		.common_name = "%{cn}",
		.validate = true,
	};

	return &machine;
}

const struct ca_profile *config_profile(const struct config *config, const char *name)
{
	const struct config_objects *profiles = &config->objects[CONFIG_PROFILES];

	if (!*name)
		name = PROFILE_DEFAULT;
	for (size_t i = 0; i < profiles->count; i++) {
		const struct profile_config *p = profiles->item[i];

		if (strcmp(p->object.name, name) == 0)
			return &p->ca;
	}
	return strcmp(name, PROFILE_DEFAULT) == 0 ? built_in() : NULL;
}
