/* Who may be enrolled, as the registry knows it: by token, by certificate, by account.  In the
 * recorder's thread. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/enrolment_parts.h"
#include "enrol/names.h"

/* Cut to its size; all of these were within their limits before. */
#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from)))

struct pending *enrolment_begin(struct question *question)
{
	struct pending *p = list_item(question, struct pending, question);

	enrolment_told_done(&p->told);
	return p;
}

bool enrolment_grant(struct pending *p, const char *profile)
{
	const struct authd_settings *s = &p->config->settings;
	struct enrol_grant *grant = &p->told.grant;
	const char *name = *profile ? profile : s->enroll.profile ? s->enroll.profile : "";
	const struct ca_profile *found = config_profile(p->config, name);

	if (!found) {
		enrolment_refuse(p, ENROL_ERROR_INTERNAL, "there is no certificate profile %s",
				 name);
		return false;
	}
	grant->by = p->asks.ask.by;
	COPY(grant->profile, found->name);
	grant->validate = found->validate && s->enroll.validate;
	grant->credentials = found->credentials ? found->credentials
						: config_credentials(&s->enroll.credentials);
	return true;
}

/* ---- authorisation by token ---- */

/* "02-00-5E-10-00-01" and every other way in which a hardware address is written. */
static bool same_station(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a && !isxdigit((unsigned char)*a))
			a++;
		while (*b && !isxdigit((unsigned char)*b))
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
	}
}

static bool is_bound_elsewhere(struct pending *p, const struct registry_token *t)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	const char *shown = ask->claim.factory ? ask->claim.serial_number : "";

	if (*t->station && !same_station(t->station, ask->where.calling_station))
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED,
				 "token %s is for the machine %s, and this is %s", t->id,
				 t->station, ask->where.calling_station);
	else if (*t->serial && strcmp(t->serial, shown) != 0)
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED,
				 "token %s is for serial number %.40s; the machine shows %.40s",
				 t->id, t->serial, *shown ? shown : "no factory certificate");
	else
		return false;
	return true;
}

/* A token that is used up is good for one who has not got what it has brought. */
static int is_good(struct pending *p, struct registry *registry, const struct registry_token *t)
{
	char when[32];
	int open = t->used < t->uses ? 1 : registry_token_open(registry, t->id);

	if (open < 0)
		return open;
	if (t->revoked)
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED, "token %s was revoked on %s", t->id,
				 rfc3339(t->revoked, when, sizeof when));
	else if (t->expires && p->asks.ask.now >= t->expires)
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED, "token %s has expired on %s", t->id,
				 rfc3339(t->expires, when, sizeof when));
	else if (!open)
		enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED, "token %s is used up (%u of %u)",
				 t->id, t->used, t->uses);
	else
		return !is_bound_elsewhere(p, t);
	return 0;
}

static int grant_token(struct pending *p, const struct registry_token *t)
{
	struct enrol_grant *grant = &p->told.grant;

	if (!enrolment_grant(p, t->profile))
		return 0;
	COPY(grant->token, t->id);
	COPY(grant->names.common_name, t->name);
	COPY(grant->serial, t->serial);
	COPY(grant->mac, t->station);
	if (secret_set(&p->told.secret, slice_of(t->secret, sizeof t->secret)) != OK)
		return -ENOMEM;
	p->told.accept = true;
	return 0;
}

static int by_token(struct pending *p, struct registry *registry)
{
	struct slice id = bytes_slice(&p->asks.ask.token);
	AUTO_VALUE(registry_token) token = { 0 };
	char text[TOKEN_ID_TEXT_MAX];
	int r;

	if (id.len != TOKEN_ID_SIZE)
		return enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED,
					"no token has an id of %zu octets", id.len);
	token_id_format(id.p, text);
	r = registry_token_get(registry, text, &token);
	if (r == 0)
		return enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED, "there is no token %s", text);
	if (r == 1)
		r = is_good(p, registry, &token);
	return r == 1 ? grant_token(p, &token) : r;
}

/* ---- authorisation by certificate ---- */

/* Of a renewal: the names that the machine has. */
static int names_of(const struct bytes *der, struct enrol_names *ret_names)
{
	const unsigned char *in = der->p;
	AUTO(X509) cert = d2i_X509(NULL, &in, (long)der->len);
	struct diagnosis why;

	return cert && names_of_cert(cert, ret_names, &why) == OK ? 0 : -EINVAL;
}

static int by_own(struct pending *p, struct registry *registry, const struct registry_credential *c,
		  const struct bytes *der)
{
	struct registry_machine_facts facts;
	char when[32];
	int r;

	if (c->revoked)
		return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
					"the certificate %s was revoked on %s", c->serial,
					rfc3339(c->revoked, when, sizeof when));
	if (!enrolment_grant(p, c->profile))
		return 0;
	COPY(p->told.grant.machine, c->machine);
	if (names_of(der, &p->told.grant.names) < 0)
		return enrolment_refuse(p, ENROL_ERROR_INTERNAL,
					"the names of certificate %s cannot be read again",
					c->serial);
	r = registry_machine_facts(registry, c->machine_kind, c->machine, &facts);
	p->told.grant.renew = r == 1 && facts.renew_wanted;
	if (r >= 0 && bytes_set(&p->told.certificate, bytes_slice(der)) != OK)
		r = -ENOMEM;
	p->told.accept = r >= 0;
	return r < 0 ? r : 0;
}

static int by_factory(struct pending *p)
{
	const struct enrolment_ask *ask = &p->asks.ask;

	if (!*ask->rule)
		return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
					"no rule with Action=enroll fits the factory certificate "
					"%.100s",
					ask->claim.subject);
	if (!enrolment_grant(p, ask->rule_profile))
		return 0;
	COPY(p->told.grant.serial, ask->claim.serial_number);
	p->told.accept = true;
	return 0;
}

static int by_certificate(struct pending *p, struct registry *registry)
{
	const struct enrolment_claim *claim = &p->asks.ask.claim;
	AUTO_VALUE(bytes) der = { 0 };
	struct registry_credential c;
	int r;

	if (!claim->shown)
		return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
					"the machine has shown no certificate that is trusted");
	r = registry_credential_find(registry, claim->fingerprint, &c, &der);
	if (r == 1)
		return by_own(p, registry, &c, &der);
	if (r < 0)
		return r;
	if (claim->factory)
		return by_factory(p);
	return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
				"the certificate %.100s is neither one that was issued here nor of "
				"a factory",
				claim->subject);
}

/* ---- authorisation by account ---- */

/* Its password was proved, and it was let in by the rules.  The certificate is of its name. */
static int by_account(struct pending *p, struct registry *registry)
{
	struct slice name = bytes_slice(&p->asks.ask.account);
	struct registry_account a = { 0 };
	char text[ACCOUNT_NAME_MAX + 1];
	int r = 0;

	if (name.len > 0 && name.len < sizeof text && !memchr(name.p, 0, name.len)) {
		snprintf(text, sizeof text, "%.*s", (int)name.len, (const char *)name.p);
		r = registry_account_get(registry, text, &a);
	}
	if (r == 0 || (r == 1 && a.account.state != ACCOUNT_FOUND))
		enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
				 "the account is not there any more, or must not be used");
	else if (r == 1 && enrolment_grant(p, "")) {
		COPY(p->told.grant.names.common_name, a.account.name);
		p->told.accept = true;
	}
	registry_account_done(&a);
	return r < 0 ? r : 0;
}

int enrolment_ask_authorise(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);

	switch (p->asks.ask.by) {
	case ENROL_BY_TOKEN:
		return by_token(p, registry);
	case ENROL_BY_CERTIFICATE:
	case ENROL_BY_CERTIFICATE_TOKEN:
		return by_certificate(p, registry);
	case ENROL_BY_ACCOUNT:
		return by_account(p, registry);
	case ENROL_BY_JWT:
	case ENROL_BY_OAUTH:
		break; /* asked elsewhere */
	}
	return enrolment_refuse(p, ENROL_ERROR_INTERNAL, "no such authorisation");
}
