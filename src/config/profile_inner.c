#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "config/profile_parts.h"

#define is_set(c, key) (ini_line_of(&profile_table, (c)->lines, key) > 0)

static void check_no_inner(const struct profile_check *c)
{
	for (size_t i = 0; i < profile_table.count; i++) {
		const struct ini_key *key = &profile_table.keys[i];

		if (strcmp(key->section, "Inner") != 0 || c->lines->line[i] == 0)
			continue;
		profile_wrong(
			c, "Inner.Method",
			"belongs to [EAP] Method=ttls, peap or teap, and the method here is tls. "
			"Take the "
			"section [Inner] out, or write that key.");
		return;
	}
}

bool profile_enrols_by_teap(const struct profile *profile)
{
	const struct words *protocols = &profile->enrol.protocols;

	for (size_t i = 0; profile->enrol.wanted && i < protocols->count; i++) {
		if (strcmp(protocols->word[i], "teap") == 0)
			return true;
	}
	return false;
}

bool profile_inner_needs_password(const struct profile_inner_settings *inner)
{
	return inner->method != INNER_NONE && inner->method != INNER_EAP_TLS;
}

bool profile_keeps_password(const struct profile *profile)
{
	return profile_inner_needs_password(&profile->inner) && profile->inner.credential;
}

static void add_enrolled(struct profile_credentials *all, const char *name,
			 enum credential_kind kind)
{
	if (!name)
		return;
	all->is[all->count].name = name;
	all->is[all->count++].kind = kind;
}

struct profile_credentials profile_enrolled(const struct profile *profile)
{
	bool password = profile_keeps_password(profile);
	struct profile_credentials all = { .count = 0 };

	add_enrolled(&all, profile->credential, CREDENTIAL_CERTIFICATE);
	if (password)
		add_enrolled(&all, profile->inner.credential, CREDENTIAL_PASSWORD);
	else if (!profile->credential)
		add_enrolled(&all, profile_credential(profile), CREDENTIAL_CERTIFICATE);
	add_enrolled(&all, profile->enrol.symmetric_key, CREDENTIAL_SYMMETRIC);
	return all;
}

bool profile_inner_needs_mschap(const struct profile_inner_settings *inner)
{
	switch (inner->method) {
	case INNER_MSCHAP:
	case INNER_MSCHAPV2:
	case INNER_EAP_MSCHAPV2:
		return true;
	case INNER_NONE:
	case INNER_PAP:
	case INNER_CHAP:
	case INNER_EAP_GTC:
	case INNER_EAP_TLS:
	case INNER_PASSWORD:
		break;
	}
	return false;
}

/* One of the sections that say what runs inside. */
struct inner_check {
	const struct profile_check *c;
	const struct profile_inner_settings *inner;
	const char *section;
};

static const char *key_in(const struct inner_check *i, const char *name, char buffer[32])
{
	snprintf(buffer, 32, "%s.%s", i->section, name);
	return buffer;
}

#define inner_is_set(i, name) is_set((i)->c, key_in(i, name, (char[32]){ 0 }))
#define inner_wrong(i, name, ...)                                                                  \
	profile_wrong((i)->c, key_in(i, name, (char[32]){ 0 }), __VA_ARGS__)

static bool goes_into_peap(enum profile_inner inner)
{
	return inner == INNER_MSCHAPV2 || inner == INNER_EAP_MSCHAPV2 || inner == INNER_EAP_GTC ||
	       inner == INNER_EAP_TLS;
}

static bool goes_into_teap(enum profile_inner inner)
{
	return inner == INNER_MSCHAPV2 || inner == INNER_EAP_MSCHAPV2 || inner == INNER_EAP_TLS ||
	       inner == INNER_PASSWORD;
}

static void check_in_teap(const struct inner_check *i)
{
	if (i->inner->method != INNER_NONE && !goes_into_teap(i->inner->method))
		inner_wrong(i, "Method",
			    "does not go into TEAP; expected mschapv2, tls or password.");
	if (i->inner->method == INNER_PASSWORD && i->inner->password.len > UINT8_MAX)
		inner_wrong(i, "Password", "is longer than the 255 octets that TEAP can carry.");
}

static void check_teap(const struct profile_check *c)
{
	check_in_teap(&(struct inner_check){ c, &c->profile->inner, "Inner" });
	if (c->profile->min_tls < TLS_1_2)
		profile_wrong(c, "MinTLS",
			      "has to be 1.2 or 1.3: TEAP is not defined for what was before.");
}

/* TEAP may go without anything inside, if there is a certificate to show. */
static bool may_have_no_inner(const struct profile *p)
{
	return p->method == PROFILE_TEAP && p->credential;
}

static void check_method(const struct profile_check *c)
{
	const struct profile *p = c->profile;

	if (p->inner.method == INNER_NONE && !may_have_no_inner(p) && !is_set(c, "Inner.Method"))
		profile_wrong(c, "Inner.Method",
			      "is missing: say what runs inside of the tunnel, such as mschapv2.");
	if (p->method == PROFILE_PEAP && p->inner.method != INNER_NONE &&
	    !goes_into_peap(p->inner.method))
		profile_wrong(c, "Inner.Method",
			      "does not go into PEAP; expected mschapv2, gtc or tls.");
	if (p->method == PROFILE_TEAP)
		check_teap(c);
	else if (p->inner.method == INNER_PASSWORD)
		profile_wrong(c, "Inner.Method", "goes into TEAP alone.");
	if (p->method != PROFILE_PEAP && p->require_binding)
		profile_wrong(c, "Inner.CryptoBinding",
			      "is for [EAP] Method=peap alone; take it out.");
}

static void check_password(const struct inner_check *i)
{
	const struct profile_inner_settings *inner = i->inner;
	bool has = inner->password.len > 0 || inner->password_file;
	bool kept = inner == &i->c->profile->inner && profile_keeps_password(i->c->profile);

	if (inner->password.len > 0 && inner->password_file)
		inner_wrong(i, "PasswordFile",
			    "is there, and Password= as well; expected one of them.");
	if (profile_inner_needs_password(inner) && !has && !kept && !inner_is_set(i, "Password") &&
	    !inner_is_set(i, "PasswordFile") && !inner_is_set(i, "Credential"))
		inner_wrong(i, "Password",
			    "is missing, and so is PasswordFile=; expected one of them.");
	if (kept && has)
		inner_wrong(i, "Credential",
			    "is there, and Password= or PasswordFile= as well; expected one of "
			    "them.");
	if (inner->method == INNER_EAP_TLS && has)
		inner_wrong(
			i, "Password",
			"is of no use with Method=eap-tls, which takes Credential=; take it out.");
}

/* A name and password from the keystore. */
static void check_kept(const struct inner_check *i)
{
	const struct profile *p = i->c->profile;

	if (p->inner.identity)
		inner_wrong(i, "Identity",
			    "comes with the password that Credential= names; take it out.");
	if (p->credential && strcmp(p->credential, p->inner.credential) == 0)
		inner_wrong(i, "Credential",
			    "is what [TLS] Credential= names too; a certificate and a password "
			    "are kept under two names.");
	if (profile_enrols_by_teap(p))
		inner_wrong(i, "Credential",
			    "is for eap-tls where [Enroll] Protocols=teap: the account is what "
			    "authorises that. Write Identity= and Password=.");
	else if (p->enrol.wanted && p->inner2.credential)
		inner_wrong(i, "Credential",
			    "cannot be had by an enrollment while [Inner2] Credential= names a "
			    "certificate; write Identity= and Password=.");
}

static void check_credential(const struct inner_check *i)
{
	const struct profile_inner_settings *inner = i->inner;

	if (inner->method == INNER_EAP_TLS && !inner->credential && !inner_is_set(i, "Credential"))
		inner_wrong(
			i, "Credential",
			"is missing: name the credential in the keystore for EAP-TLS inside of the "
			"tunnel.");
	if (inner == &i->c->profile->inner && profile_keeps_password(i->c->profile))
		check_kept(i);
	else if (profile_inner_needs_password(inner) && inner->credential)
		inner_wrong(
			i, "Credential",
			"is for Method=eap-tls alone; a certificate that is shown to the server "
			"besides is named by [TLS] Credential=.");
}

/* What an enrolment by TEAP itself is authorised by. */
static void check_enrolling(const struct profile_check *c)
{
	const struct profile *p = c->profile;

	if (p->inner.method == INNER_NONE && !p->enrol.factory && !is_set(c, "Inner.Method") &&
	    !is_set(c, "FactoryCredential"))
		profile_wrong(c, "Inner.Method",
			      "is missing: [Enroll] Protocols=teap is authorised by an account, or "
			      "by FactoryCredential=.");
	if (p->inner.method != INNER_NONE && !p->enrol.factory &&
	    (!goes_into_teap(p->inner.method) || p->inner.method == INNER_EAP_TLS))
		profile_wrong(c, "Inner.Method",
			      "cannot authorise [Enroll] Protocols=teap; expected mschapv2 or "
			      "password.");
	if (p->inner.method == INNER_PASSWORD && p->inner.password.len > UINT8_MAX)
		profile_wrong(c, "Inner.Password",
			      "is longer than the 255 octets that TEAP can carry.");
}

static bool is_written(const struct inner_check *i)
{
	for (size_t k = 0; k < profile_table.count; k++) {
		if (strcmp(profile_table.keys[k].section, i->section) == 0 &&
		    i->c->lines->line[k] > 0)
			return true;
	}
	return false;
}

/* One of them is the machine's, the other its user's: the server asks by that. */
static bool are_two(const struct profile *p)
{
	return p->inner.identity_type + p->inner2.identity_type == TEAP_USER + TEAP_MACHINE &&
	       p->inner.identity_type != TEAP_ANYBODY && p->inner2.identity_type != TEAP_ANYBODY;
}

static void check_second(const struct inner_check *i)
{
	const struct profile *p = i->c->profile;

	if (!is_written(i))
		return;
	if (p->method != PROFILE_TEAP || p->inner.method == INNER_NONE) {
		inner_wrong(i, "Method",
			    "is of a second identity, beside that of [Inner], for [EAP] "
			    "Method=teap. Take the section [Inner2] out, or write those.");
		return;
	}
	if (i->inner->method == INNER_NONE && !inner_is_set(i, "Method"))
		inner_wrong(i, "Method",
			    "is missing: say how the second identity is proved, such as mschapv2.");
	check_in_teap(i);
	check_password(i);
	check_credential(i);
	if (!i->inner->identity && !inner_is_set(i, "Identity"))
		inner_wrong(i, "Identity", "is missing: name the second identity.");
	if (!are_two(p))
		inner_wrong(i, "IdentityType",
			    "does not go with that of [Inner]; expected machine in one of them, "
			    "and user in the other.");
}

void profile_check_inner(const struct profile_check *c)
{
	const struct profile *profile = c->profile;
	const struct inner_check first = { c, &profile->inner, "Inner" };
	const struct inner_check second = { c, &profile->inner2, "Inner2" };

	check_second(&second);
	if (profile->method == PROFILE_TLS && !profile_enrols_by_teap(profile)) {
		check_no_inner(c);
		return;
	}
	if (profile_enrols_by_teap(profile))
		check_enrolling(c);
	if (profile->method != PROFILE_TLS)
		check_method(c);
	check_password(&first);
	check_credential(&first);
	if (profile->inner.method != INNER_NONE && !profile_keeps_password(profile) &&
	    !profile->identity && !profile->inner.identity && !is_set(c, "EAP.Identity") &&
	    !is_set(c, "Inner.Identity"))
		profile_wrong(c, "Inner.Identity",
			      "is missing: name the account that the password belongs to.");
	/* Whoever plugs in would be shown the password, or enough to find it. */
	if (profile->insecure_no_server_check && (profile_inner_needs_password(&profile->inner) ||
						  profile_inner_needs_password(&profile->inner2)))
		profile_wrong(c, "InsecureNoServerCheck",
			      "yes contradicts a password in [Inner]: anybody could pose as the "
			      "server and "
			      "be given it. Name the server by TrustAnchor= and ServerName=.");
}

int profile_check_private(const struct profile *profile, struct ini_errors *errors)
{
	bool first = profile->inner.password.len > 0;
	bool password = first || profile->inner2.password.len > 0;
	mode_t others = password ? S_IRWXG | S_IRWXO : profile->enrol.token ? S_IRWXO : 0;
	struct stat st;

	if (others == 0 || (stat(profile->path, &st) == 0 && !(st.st_mode & others)))
		return 0;
	ini_errors_add(errors, profile->path, 0,
		       first	  ? "[Inner] Password="
		       : password ? "[Inner2] Password="
				  : "[Enroll] Token=",
		       "is in a file that others can read. Give it to its owner alone (chmod "
		       "0600), or use %s.",
		       password ? "PasswordFile=" : "TokenFile=");
	return -EPERM;
}
