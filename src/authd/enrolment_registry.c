/* Questions of enrolments, in the recorder's thread: what the registry is to remember, each in one
 * transaction. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "authd/enrolment_parts.h"
#include "authd/outcome.h"
#include "enrol/names.h"

#define GIVEN_MAX 100 /* passwords and keys under one name that are looked at */
/* Cut to its size; all of these were within their limits before. */
#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from)))

/* ---- what is issued ---- */

/* How a machine came to what it has. */
static void authorised_by(const struct pending *p, registry_text ret)
{
	const struct enrolment_ask *ask = &p->asks.ask;

	ret[0] = '\0';
	if (*ask->grant.token)
		snprintf(ret, sizeof(registry_text), "token %s", ask->grant.token);
	else if (*ask->grant.serial)
		snprintf(ret, sizeof(registry_text), "factory %s", ask->grant.serial);
	else if (ask->grant.by == ENROL_BY_ACCOUNT)
		snprintf(ret, sizeof(registry_text), "account %.240s",
			 ask->grant.names.common_name);
	else if (!*ask->grant.machine)
		snprintf(ret, sizeof(registry_text), "%s",
			 ask->grant.by == ENROL_BY_JWT || ask->grant.by == ENROL_BY_OAUTH
				 ? "verifier"
				 : "certificate");
}

static void facts_of(const struct pending *p, struct registry_machine_facts *facts)
{
	*facts = (struct registry_machine_facts){ .enrolled = p->asks.ask.now };
	COPY(facts->mud_url, p->asks.ask.mud_url);
	COPY(facts->profile, p->asks.ask.grant.profile);
	authorised_by(p, facts->enrolled_by);
}

static bool describe(const struct enrolment_ask *ask, struct cert_info *ret_info)
{
	const unsigned char *in = ask->certificate.p;
	AUTO(X509) cert = NULL;

	if (ask->described) {
		*ret_info = ask->info;
		return true;
	}
	cert = d2i_X509(NULL, &in, (long)ask->certificate.len);
	if (cert)
		cert_info_of(cert, ret_info);
	return cert != NULL;
}

static bool credential_of(const struct pending *p, struct registry_credential *c)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	struct cert_info info;

	if (!describe(ask, &info))
		return false;
	*c = (struct registry_credential){ .kind = ISSUED_CERTIFICATE,
					   .issued = ask->now,
					   .not_before = info.not_before,
					   .not_after = info.not_after,
					   .machine_kind = MACHINE_CERTIFICATE };
	COPY(c->issuer, info.issuer);
	COPY(c->serial, info.serial);
	COPY(c->subject, info.subject);
	COPY(c->spki, info.spki);
	COPY(c->fingerprint, info.fingerprint);
	COPY(c->profile, ask->grant.profile);
	COPY(c->token, ask->grant.token);
	c->paid = ask->paid;
	outcome_machine(info.subject, info.names, info.fingerprint, c->machine, sizeof c->machine);
	return true;
}

/* Of verifiers, and of factory certificates without a serial number, the same is known of all. */
static bool names_who(const struct enrol_grant *grant)
{
	return *grant->token || *grant->serial || grant->by == ENROL_BY_ACCOUNT;
}

/* 1: the name is another's, who has not given it up. */
static int is_taken(const struct pending *p, struct registry *registry, const char *identifier)
{
	const struct enrol_grant *grant = &p->asks.ask.grant;
	struct registry_machine_facts facts;
	struct registry_credential c;
	registry_text by;
	int r;

	if (p->config->settings.enroll.take_over || strcmp(grant->machine, identifier) == 0 ||
	    (*grant->names.common_name && grant->by != ENROL_BY_ACCOUNT))
		return 0;
	r = registry_credential_good(registry, MACHINE_CERTIFICATE, identifier, p->asks.ask.now,
				     &c);
	if (r == 1)
		r = registry_machine_facts(registry, MACHINE_CERTIFICATE, identifier, &facts);
	authorised_by(p, by);
	/* Who does not say which machine it is may be anybody. */
	return r == 1 ? !names_who(grant) || strcmp(facts.enrolled_by, by) != 0 : r;
}

static int used_up(struct pending *p)
{
	return enrolment_refuse(p, ENROL_ERROR_TOKEN_REFUSED,
				"token %s is used up, or was revoked, or has expired meanwhile",
				p->asks.ask.grant.token);
}

static int taken(struct pending *p, const char *machine)
{
	return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
				"%.80s has a good certificate, which another authorisation has "
				"brought: revoke it first",
				machine);
}

int enrolment_ask_issue(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);
	struct bytes *given = &p->told.certificate;
	struct registry_machine_facts facts;
	struct registry_credential c;
	int r;

	if (!credential_of(p, &c))
		return enrolment_refuse(p, ENROL_ERROR_INTERNAL, "no certificate was made");
	r = is_taken(p, registry, c.machine);
	if (r < 0)
		return r;
	if (r == 1)
		return taken(p, c.machine);
	facts_of(p, &facts);
	r = registry_issue(registry, &c, bytes_slice(&p->asks.ask.certificate), &facts,
			   p->asks.ask.where.calling_station, given);
	if (r == REGISTRY_TOKEN_USED_UP)
		return used_up(p);
	if (r == REGISTRY_ISSUED && bytes_set(given, bytes_slice(&p->asks.ask.certificate)) != OK)
		return -ENOMEM;
	p->told.paid = r == REGISTRY_ISSUED;
	p->told.accept = r >= 0;
	return r;
}

/* ---- passwords and keys ---- */

static bool draw_name(char *buffer, size_t size)
{
	uint8_t random[16];

	if (RAND_bytes(random, sizeof random) != 1)
		return false;
	cert_hex(slice_of(random, sizeof random), buffer, size);
	return true;
}

/* Another account is nobody's to overwrite but the one's who has it. */
static int keep_account(struct pending *p, struct registry *registry, const char *name)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	struct registry_account a = { 0 };
	int r = registry_account_get(registry, name, &a);
	bool renewal = r == 1 && ask->action == ENROL_RENEW &&
		       strcmp(a.account.name, ask->grant.machine) == 0;

	registry_account_done(&a);
	if (r < 0 || (r == 1 && !renewal))
		return r;
	a.account.state = ACCOUNT_FOUND;
	a.made = a.changed = ask->now;
	COPY(a.account.name, name);
	authorised_by(p, a.maker);
	if (account_hash(secret_slice(&ask->secret), a.account.hash) != OK)
		return -ENOMEM;
	a.account.has_nt = ask->nt.len == sizeof a.account.nt;
	if (a.account.has_nt)
		memcpy(a.account.nt, ask->nt.p, sizeof a.account.nt);
	r = registry_account_put(registry, &a);
	registry_account_done(&a);
	return r;
}

static bool name_credential(struct pending *p, struct registry_credential *c)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	const char *wanted =
		*ask->grant.names.common_name ? ask->grant.names.common_name : ask->username;
	bool password = ask->type == ENROL_PASSWORD;

	*c = (struct registry_credential){ .kind = password ? ISSUED_PASSWORD : ISSUED_SYMMETRIC,
					   .issued = ask->now,
					   .not_before = ask->now,
					   .not_after = INT64_MAX,
					   .machine_kind = MACHINE_CERTIFICATE };
	COPY(c->issuer, password ? "account" : "symmetric");
	COPY(c->subject, wanted);
	COPY(c->token, ask->grant.token);
	c->paid = ask->paid;
	COPY(c->profile, ask->grant.profile);
	if (!draw_name(c->serial, sizeof c->serial))
		return false;
	if (!*c->subject)
		snprintf(c->subject, sizeof c->subject, "m-%.16s", c->serial);
	COPY(c->machine, c->subject);
	return true;
}

/* A user name is chosen as a common name is. */
static bool may_be_called(const struct pending *p)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	const struct ca_profile *profile = config_profile(p->config, ask->grant.profile);

	return *ask->grant.names.common_name || !*ask->username ||
	       (profile && ca_common_name_allowed(profile, ask->username));
}

int enrolment_ask_keep(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);
	const struct enrolment_ask *ask = &p->asks.ask;
	struct registry_machine_facts facts;
	struct registry_credential c;
	AUTO_VALUE(bytes) before = { 0 };
	int r;

	if (!name_credential(p, &c))
		return -ENOMEM;
	/* Or whoever may choose a user name would become the one by whom that machine was enrolled.
	 */
	r = is_taken(p, registry, c.machine);
	if (r == 1)
		return taken(p, c.machine);
	if (r == 0 && !may_be_called(p))
		return enrolment_refuse(
			p, ENROL_ERROR_ACTION_REFUSED,
			"the certificate profile does not allow the user name %.80s",
			ask->username);
	if (r == 0 && c.kind == ISSUED_PASSWORD)
		r = keep_account(p, registry, c.subject);
	if (r == 1)
		return enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
					"there is an account %.80s already", c.subject);
	facts_of(p, &facts);
	if (r == 0)
		r = registry_issue(registry, &c,
				   c.kind == ISSUED_SYMMETRIC ? secret_slice(&ask->secret)
							      : (struct slice){ 0 },
				   &facts, ask->where.calling_station, &before);
	/* The account was written before: with nothing committed it is not there. */
	if (r == REGISTRY_TOKEN_USED_UP) {
		used_up(p);
		return c.kind == ISSUED_PASSWORD ? -ECANCELED : 0;
	}
	COPY(p->told.username, c.subject);
	p->told.paid = p->told.accept = r == REGISTRY_ISSUED;
	return r;
}

/* ---- afterwards ---- */

/* Other servers learn of it by the audit trail (lists_read.c). */
static int remove_account(struct registry *registry, const struct pending *p,
			  const struct registry_credential *c)
{
	struct registry_audit e = { .event = REGISTRY_ACCOUNT_REMOVED, .when = p->asks.ask.now };
	int r = registry_account_remove(registry, c->subject);

	COPY(e.actor, p->asks.ask.where.calling_station);
	COPY(e.subject, c->subject);
	return r == 1 ? registry_audit_add(registry, &e) : r;
}

static int audit(struct registry *registry, const struct pending *p, const char *event,
		 const struct registry_credential *c)
{
	struct registry_audit e = { .when = p->asks.ask.now };

	COPY(e.event, event);
	COPY(e.actor, p->asks.ask.where.calling_station);
	COPY(e.subject, c->machine);
	snprintf(e.detail, sizeof e.detail, "issuer=\"%s\" serial=%s", c->issuer, c->serial);
	return registry_audit_add(registry, &e);
}

/* The password or key that is meant, if it is this machine's to give up: it was brought by the
 * token that is shown, or is the account of the machine that is known. */
struct giving_up {
	const struct enrolment_ask *ask;
	enum registry_credential_kind kind;
	struct registry_credential found;
	bool is_found;
};

static bool is_given_up(void *context, const struct registry_credential *c)
{
	struct giving_up *g = context;
	const struct enrol_grant *grant = &g->ask->grant;

	if (c->kind != g->kind || c->revoked ||
	    !((*grant->token && strcmp(c->token, grant->token) == 0) ||
	      strcmp(c->machine, grant->machine) == 0))
		return true;
	g->found = *c;
	g->is_found = true;
	return false;
}

static int find_secret(const struct enrolment_ask *ask, struct registry *registry,
		       struct registry_credential *c)
{
	struct giving_up g = { .ask = ask,
			       .kind = ask->type == ENROL_PASSWORD ? ISSUED_PASSWORD
								   : ISSUED_SYMMETRIC };
	int r = *ask->username ? registry_credentials(registry, MACHINE_CERTIFICATE, ask->username,
						      GIVEN_MAX, is_given_up, &g)
			       : 0;

	*c = g.found;
	return r < 0 ? r : g.is_found;
}

/* The certificate that is meant. */
static int find(struct pending *p, struct registry *registry, struct registry_credential *c)
{
	const struct bytes *der = &p->asks.ask.certificate;
	uint8_t digest[CERT_HASH_LEN];
	char fingerprint[65];

	if (EVP_Digest(der->p, der->len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	cert_hex(slice_of(digest, sizeof digest), fingerprint, sizeof fingerprint);
	return registry_credential_find(registry, fingerprint, c, NULL);
}

int enrolment_ask_revoke(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);
	const struct enrolment_ask *asked = &p->asks.ask;
	bool secret = asked->type != ENROL_X509;
	struct registry_credential c;
	int r = secret ? find_secret(asked, registry, &c) : find(p, registry, &c);

	if (r == 0)
		return enrolment_refuse(p, ENROL_ERROR_UNKNOWN_CREDENTIAL,
					secret ? "there is no such password or key, or it is not "
						 "this machine's"
					       : "this certificate was not issued here");
	if (r == 1)
		r = registry_credential_revoke(registry, c.issuer, c.serial, asked->now,
					       "cessation-of-operation");
	if (r == 1 && c.kind == ISSUED_PASSWORD)
		r = remove_account(registry, p, &c) < 0 ? -EIO : 1;
	if (r == 1)
		r = audit(registry, p, "credential.revoked", &c);
	p->told.accept = r >= 0;
	return r;
}

int enrolment_ask_confirm(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);
	struct registry_credential c;
	int r = find(p, registry, &c);

	if (r == 1)
		r = registry_credential_validated(registry, c.issuer, c.serial, p->asks.ask.now);
	if (r == 1)
		r = audit(registry, p, "credential.confirmed", &c);
	p->told.accept = r >= 0;
	return r;
}

int enrolment_ask_withdraw(struct question *question, struct registry *registry)
{
	struct pending *p = enrolment_begin(question);
	struct registry_credential c;
	int r = find(p, registry, &c);

	if (r == 1)
		r = registry_credential_revoke(registry, c.issuer, c.serial, p->asks.ask.now,
					       "cessation-of-operation");
	if (r == 1 && *c.token)
		r = registry_token_return(registry, c.token) < 0 ? -EIO : 1;
	if (r == 1)
		r = audit(registry, p, "credential.withdrawn", &c);
	p->told.accept = r >= 0;
	return r;
}
