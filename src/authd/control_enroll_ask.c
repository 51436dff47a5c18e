/* Commands about tokens, machines and accounts, in the recorder's thread: each is one transaction
 * of the registry, in which what was done is written to the audit trail as well. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/control_enroll.h"
#include "authd/registry_enrol.h"
#include "enrol/ca.h"

#define LIMIT		 100
#define USES		 1
#define LIFETIME	 (7 * 86400)   /* seconds, of a token */
#define CREDENTIALS	 100	       /* of one machine that are shown */
#define REVOKED_MAX	 256	       /* certificates of one machine that its CA is asked about */
#define CERTIFICATES_MAX (1024 * 1024) /* octets of all of them */
#define COPY(to, from)	 ((void)snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from)))

static struct enroll_job *job_of(struct question *question)
{
	return list_item(question, struct enroll_job, job.question);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static void set_time(json_t *object, const char *key, int64_t when)
{
	if (when)
		json_object_set_new(object, key, json_integer((json_int_t)when));
}

static int audit(struct registry *registry, const struct enroll_job *job, const char *event,
		 const char *subject, const char *detail)
{
	struct registry_audit e = { .when = job->now };

	COPY(e.event, event);
	COPY(e.actor, job->actor);
	COPY(e.subject, subject);
	COPY(e.detail, detail);
	return registry_audit_add(registry, &e);
}

/* ---- tokens --------------------------------------------------------------------------------- */

static const char *state_of(const struct registry_token *t, int64_t now)
{
	return t->revoked			 ? "revoked"
	       : t->expires && now >= t->expires ? "expired"
	       : t->used >= t->uses		 ? "used up"
						 : "good";
}

static json_t *token_json(const struct registry_token *t, int64_t now)
{
	json_t *o =
		json_pack("{s:s, s:s, s:I, s:I, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "token",
			  t->id, "state", state_of(t, now), "uses", (json_int_t)t->uses, "used",
			  (json_int_t)t->used, "profile", or_null(t->profile), "station",
			  or_null(t->station), "serial", or_null(t->serial), "name",
			  or_null(t->name), "maker", or_null(t->maker), "note", or_null(t->note));

	set_time(o, "made", t->made);
	set_time(o, "expires", t->expires);
	set_time(o, "revoked", t->revoked);
	return o;
}

int control_ask_token_create(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	const struct control_request *r = &job->request;
	AUTO_VALUE(registry_token) t = { .uses = r->uses ? r->uses : USES, .made = job->now };
	char detail[64], text[TOKEN_TEXT_MAX];
	int error;

	t.expires = job->now + (r->lifetime ? r->lifetime : LIFETIME);
	token_id_format(job->token.id, t.id);
	memcpy(t.secret, job->token.secret, sizeof t.secret);
	COPY(t.profile, r->profile);
	COPY(t.station, r->station);
	COPY(t.serial, r->serial);
	COPY(t.name, r->name);
	COPY(t.note, r->note);
	COPY(t.maker, job->actor);
	error = registry_token_add(registry, &t);
	snprintf(detail, sizeof detail, "uses=%u expires=%lld", t.uses, (long long)t.expires);
	if (error == 0)
		error = audit(registry, job, "token.created", t.id, detail);
	json_decref(job->result);
	job->result = token_json(&t, job->now);
	token_format(&job->token, text);
	json_object_set_new(job->result, "text", json_string(text));
	explicit_bzero(text, sizeof text);
	job->found = true;
	return error;
}

static bool add_token(void *context, const struct registry_token *t)
{
	struct enroll_job *job = context;

	return json_array_append_new(job->result, token_json(t, job->now)) == 0;
}

int control_ask_token_list(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);

	json_decref(job->result);
	job->result = json_array();
	job->found = true;
	return registry_tokens(registry, job->request.limit ? job->request.limit : LIMIT, add_token,
			       job);
}

/* As it is listed; or, of who has nothing else, the whole text. */
static void token_id_of(const char *target, char id[REGISTRY_TOKEN_ID_SIZE])
{
	uint8_t octets[TOKEN_ID_SIZE];
	AUTO_VALUE(token) token = { 0 };
	struct diagnosis why;

	id[0] = '\0';
	if (token_id_parse(slice_str(target), octets) == OK)
		token_id_format(octets, id);
	else if (token_parse(slice_str(target), &token, &why) == OK)
		token_id_format(token.id, id);
}

int control_ask_token_revoke(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	char id[REGISTRY_TOKEN_ID_SIZE];
	int r;

	token_id_of(job->request.target, id);
	COPY(job->identifier, id); /* the text has the secret in it */
	r = *id ? registry_token_revoke(registry, id, job->now) : 0;
	job->found = r == 1;
	return r == 1 ? audit(registry, job, "token.revoked", id, "") : r;
}

/* ---- machines ------------------------------------------------------------------------------- */

static json_t *credential_json(const struct registry_credential *c)
{
	static const char *const kinds[] = { [ISSUED_CERTIFICATE] = "certificate",
					     [ISSUED_PASSWORD] = "password",
					     [ISSUED_SYMMETRIC] = "symmetric" };
	json_t *o =
		json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "kind", kinds[c->kind],
			  "issuer", c->issuer, "serial", c->serial, "subject", or_null(c->subject),
			  "profile", or_null(c->profile), "token", or_null(c->token), "fingerprint",
			  or_null(c->fingerprint), "reason", or_null(c->reason));

	set_time(o, "issued", c->issued);
	if (c->kind == ISSUED_CERTIFICATE)
		set_time(o, "expires", c->not_after);
	set_time(o, "confirmed", c->validated);
	set_time(o, "revoked", c->revoked);
	return o;
}

static bool add_credential(void *context, const struct registry_credential *c)
{
	return json_array_append_new(context, credential_json(c)) == 0;
}

/* "CN=printer-7", or "printer-7" for short. */
static int find_machine(struct registry *registry, struct enroll_job *job,
			struct registry_machine *ret)
{
	int r = registry_machine_get(registry, MACHINE_CERTIFICATE, job->request.target, ret);

	if (r == 0) {
		registry_text name;

		snprintf(name, sizeof name, "CN=%.250s", job->request.target);
		r = registry_machine_get(registry, MACHINE_CERTIFICATE, name, ret);
	}
	job->found = r == 1;
	if (r == 1)
		COPY(job->identifier, ret->identifier);
	return r;
}

int control_ask_machine_show(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	struct registry_machine_facts f = { 0 };
	struct registry_machine m;
	json_t *credentials;
	int r = find_machine(registry, job, &m);

	if (r == 1)
		r = registry_machine_facts(registry, m.kind, m.identifier, &f);
	if (r != 1)
		return r;
	json_decref(job->result);
	credentials = json_array();
	job->result = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:o}", "machine",
				m.identifier, "fingerprint", or_null(m.fingerprint), "station",
				or_null(m.station), "nas", or_null(m.nas), "port", or_null(m.port),
				"mud_url", or_null(f.mud_url), "profile", or_null(f.profile),
				"enrolled_by", or_null(f.enrolled_by), "credentials", credentials);
	set_time(job->result, "first_seen", m.first_seen);
	set_time(job->result, "last_seen", m.last_seen);
	set_time(job->result, "enrolled", f.enrolled);
	set_time(job->result, "renew_wanted", f.renew_wanted);
	return registry_credentials(registry, m.kind, m.identifier, CREDENTIALS, add_credential,
				    credentials);
}

struct gathering {
	int64_t now;
	size_t count;
	char fingerprint[REVOKED_MAX][65];
};

static bool gather(void *context, const struct registry_credential *c)
{
	struct gathering *g = context;

	if (c->kind == ISSUED_CERTIFICATE && c->not_after > g->now) {
		COPY(g->fingerprint[g->count], c->fingerprint);
		g->count++;
	}
	return g->count < REVOKED_MAX;
}

/* Those that were revoked before as well: a CA that was not there then can be told now. */
static int gather_certificates(struct enroll_job *job, struct registry *registry,
			       const struct registry_machine *m)
{
	struct gathering *g = calloc(1, sizeof *g);
	int r = -ENOMEM;

	bytes_clear(&job->certificates);
	if (g) {
		g->now = job->now;
		r = registry_credentials(registry, m->kind, m->identifier, REVOKED_MAX, gather, g);
	}
	for (size_t i = 0; r >= 0 && i < g->count; i++) {
		AUTO_VALUE(bytes) der = { 0 };
		struct registry_credential c;

		r = registry_credential_find(registry, g->fingerprint[i], &c, &der);
		if (r >= 0 &&
		    bytes_append(&job->certificates, bytes_slice(&der), CERTIFICATES_MAX) != OK)
			r = -ENOMEM;
	}
	free(g);
	return r < 0 ? r : 0;
}

static bool notice_password(void *context, const struct registry_credential *c)
{
	bool *has = context;

	*has = *has || (c->kind == ISSUED_PASSWORD && !c->revoked);
	return !*has;
}

/* The account that a password was given for, which has the name of its machine. */
static int remove_account(struct enroll_job *job, struct registry *registry,
			  const struct registry_machine *m)
{
	bool has = false;
	int r = registry_credentials(registry, m->kind, m->identifier, REVOKED_MAX, notice_password,
				     &has);

	if (r >= 0 && has)
		r = registry_account_remove(registry, m->identifier);
	else if (r >= 0)
		r = 0;
	job->account = r == 1;
	return r == 1 ? audit(registry, job, REGISTRY_ACCOUNT_REMOVED, m->identifier, "") : r;
}

int control_ask_machine_revoke(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	const char *reason = *job->request.reason ? job->request.reason : "unspecified";
	struct registry_machine m;
	char detail[128];
	int n, r = find_machine(registry, job, &m);

	if (r == 1)
		r = remove_account(job, registry, &m) < 0 ? -EIO : 1;
	if (r != 1)
		return r;
	n = registry_machine_revoke(registry, m.kind, m.identifier, job->now, reason);
	if (n < 0)
		return n;
	r = gather_certificates(job, registry, &m);
	if (r < 0)
		return r;
	snprintf(detail, sizeof detail, "credentials=%d reason=%s", n, reason);
	json_decref(job->result);
	job->result = json_pack("{s:s, s:i}", "machine", m.identifier, "revoked", n);
	return audit(registry, job, "machine.revoked", m.identifier, detail);
}

int control_ask_machine_renew(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	struct registry_machine m;
	int r = find_machine(registry, job, &m);

	if (r == 1)
		r = registry_machine_renew(registry, m.kind, m.identifier, job->now);
	wished_free(TAKE(job->wished));
	if (r == 1 && (r = wished_read(registry, &job->wished)) == 0)
		r = 1;
	if (r != 1)
		return r;
	json_decref(job->result);
	job->result = json_pack("{s:s}", "machine", m.identifier);
	return audit(registry, job, "machine.renew", m.identifier, "");
}

/* ---- accounts ------------------------------------------------------------------------------- */

static bool add_account(void *context, const struct registry_account *a)
{
	struct enroll_job *job = context;
	json_t *o = json_pack("{s:s, s:b, s:b, s:b, s:b, s:s*}", "account", a->account.name,
			      "disabled", a->account.state == ACCOUNT_DISABLED, "hash",
			      a->account.hash[0] != '\0', "nt_hash", a->account.has_nt,
			      "clear_text", a->has_clear, "maker", or_null(a->maker));

	set_time(o, "made", a->made);
	set_time(o, "changed", a->changed);
	return json_array_append_new(job->result, o) == 0;
}

int control_ask_account_list(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);

	json_decref(job->result);
	job->result = json_array();
	job->found = true;
	return registry_accounts(registry, job->request.limit ? job->request.limit : LIMIT,
				 add_account, job);
}

static bool digit(char c, uint8_t *ret)
{
	const char *at = c ? strchr("0123456789abcdef", c) : NULL;

	*ret = at ? (uint8_t)(at - "0123456789abcdef") : 0;
	return at;
}

static bool fill_account(const struct enroll_job *job, struct registry_account *a)
{
	const struct control_request *r = &job->request;

	a->account.state = ACCOUNT_FOUND;
	a->made = a->changed = job->now;
	COPY(a->maker, job->actor);
	COPY(a->account.name, r->target);
	COPY(a->account.hash, r->hash);
	a->account.has_nt = *r->nt_hash;
	for (size_t i = 0; *r->nt_hash && i < ACCOUNT_NT_SIZE; i++) {
		uint8_t high, low;

		if (!digit(r->nt_hash[2 * i], &high) || !digit(r->nt_hash[2 * i + 1], &low))
			return false;
		a->account.nt[i] = (uint8_t)(high << 4 | low);
	}
	return !*r->clear_text || secret_set(&a->account.clear, slice_str(r->clear_text)) == OK;
}

/* found: for account-add that there was none, for account-password that there was one. */
int control_ask_account_put(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	bool adds = job->request.command == CONTROL_ACCOUNT_ADD;
	struct registry_account a = { 0 };
	int r = registry_account_get(registry, job->request.target, &a);

	registry_account_done(&a);
	job->found = r == !adds;
	if (r < 0 || !job->found)
		return r < 0 ? r : 0;
	r = fill_account(job, &a) ? registry_account_put(registry, &a) : -EINVAL;
	registry_account_done(&a);
	if (r < 0)
		return r;
	json_decref(job->result);
	job->result = json_pack("{s:s}", "account", job->request.target);
	return audit(registry, job, adds ? "account.added" : "account.password",
		     job->request.target, "");
}

int control_ask_account_remove(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	int r = registry_account_remove(registry, job->request.target);

	job->found = r == 1;
	if (r != 1)
		return r;
	printable(slice_str(job->request.target), job->identifier, sizeof job->identifier);
	json_decref(job->result);
	job->result = json_pack("{s:s}", "account", job->identifier);
	return audit(registry, job, REGISTRY_ACCOUNT_REMOVED, job->identifier, "");
}
