/* Commands about tokens, machines and accounts: each is one transaction of the registry, in which
 * what was done is written to the audit trail as well. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/control_parts.h"
#include "authd/enrolment.h"
#include "authd/registry_enrol.h"
#include "authd/wished.h"
#include "base/random.h"
#include "drivers/log.h"
#include "enrol/ca.h"

#define LIMIT		 100
#define USES		 1
#define LIFETIME	 (7 * 86400)   /* seconds, of a token */
#define CREDENTIALS	 100	       /* of one machine that are shown */
#define REVOKED_MAX	 256	       /* certificates of one machine that its CA is asked about */
#define CERTIFICATES_MAX (1024 * 1024) /* octets of all of them */
#define COPY(to, from)	 ((void)snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from)))

struct enroll_job {
	struct control_job job;
	struct control_request request;
	const struct authd_view *view; /* outlives the socket, as what was begun has to be ended */
	char actor[32];
	int64_t now;
	bool found;
	registry_text identifier; /* of the machine or token that was found; empty: the target */
	json_t *result;
	struct token token;    /* token-create */
	struct wished *wished; /* machine-renew: who all is to */
	/* machine-revoke: the certificates that have not expired, and what their CA does about it.
	 */
	struct bytes certificates;
	struct putting_out out;
	struct enrolment_revocation revocation;
};

static void job_free(struct enroll_job *job)
{
	json_decref(job->result);
	control_request_done(&job->request);
	token_done(&job->token);
	wished_free(job->wished);
	bytes_done(&job->certificates);
	free(job);
}

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

static int ask_token_create(struct question *question, struct registry *registry)
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

static int ask_token_list(struct question *question, struct registry *registry)
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

static int ask_token_revoke(struct question *question, struct registry *registry)
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

static int ask_machine_show(struct question *question, struct registry *registry)
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

	if (c->kind == ISSUED_CERTIFICATE && c->not_after > g->now)
		COPY(g->fingerprint[g->count++], c->fingerprint);
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

static int ask_machine_revoke(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	const char *reason = *job->request.reason ? job->request.reason : "unspecified";
	struct registry_machine m;
	char detail[128];
	int n, r = find_machine(registry, job, &m);

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

static int ask_machine_renew(struct question *question, struct registry *registry)
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

static int ask_account_list(struct question *question, struct registry *registry)
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
static int ask_account_put(struct question *question, struct registry *registry)
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

static int ask_account_remove(struct question *question, struct registry *registry)
{
	struct enroll_job *job = job_of(question);
	int r = registry_account_remove(registry, job->request.target);

	job->found = r == 1;
	return r == 1 ? audit(registry, job, "account.removed", job->request.target, "") : r;
}

/* ---- all of them ---------------------------------------------------------------------------- */

struct command {
	int (*ask)(struct question *question, struct registry *registry);
	bool changes;
	const char *missing, *next; /* when what is meant is not there */
};

static const struct command *command_of(enum control_command command)
{
	static const struct command all[CONTROL_COMMAND_COUNT] = {
		[CONTROL_TOKEN_CREATE] = { ask_token_create, true, "", NULL },
		[CONTROL_TOKEN_LIST] = { ask_token_list, false, "", NULL },
		[CONTROL_TOKEN_REVOKE] = { ask_token_revoke, true,
					   "there is no such token, or it was revoked before",
					   "`latchkey-authd token list` lists them." },
		[CONTROL_MACHINE_SHOW] = { ask_machine_show, false, "there is no such machine",
					   "`latchkey-authd machine list` lists them." },
		[CONTROL_MACHINE_REVOKE] = { ask_machine_revoke, true, "there is no such machine",
					     "`latchkey-authd machine list` lists them." },
		[CONTROL_MACHINE_RENEW] = { ask_machine_renew, true, "there is no such machine",
					    "`latchkey-authd machine list` lists them." },
		[CONTROL_ACCOUNT_LIST] = { ask_account_list, false, "", NULL },
		[CONTROL_ACCOUNT_ADD] = { ask_account_put, true,
					  "there is an account of this name already",
					  "`latchkey-authd account password` changes its "
					  "password." },
		[CONTROL_ACCOUNT_PASSWORD] = { ask_account_put, true, "there is no such account",
					       "`latchkey-authd account list` lists them." },
		[CONTROL_ACCOUNT_REMOVE] = { ask_account_remove, true, "there is no such account",
					     "`latchkey-authd account list` lists them." },
	};

	return &all[command];
}

static void note_sessions(struct enroll_job *job, int n, const struct diagnosis *why)
{
	char sentence[512];

	json_object_set_new(job->result, "sessions", json_integer(n > 0 ? n : 0));
	if (n < 0)
		json_object_set_new(
			job->result, "problem",
			json_string(diagnosis_sentence(why, sentence, sizeof sentence)));
}

static void answer(struct enroll_job *job, int error)
{
	const struct command *command = command_of(job->request.command);
	struct control_client *client = control_job_client(&job->job);

	if (!client) {
		job_free(job);
		return;
	}
	if (error < 0) {
		control_refuse(client, "failed",
			       error == -EINVAL ? "the registry does not take this"
						: "the registry's database does not answer",
			       "`latchkey-authd status` tells how it is.");
	} else if (!job->found) {
		control_refuse(client, "not-found", command->missing, command->next);
	} else {
		if (command->changes)
			log_event(LOG_NOTICE, "control.change",
				  "by=\"%s\" command=%s target=\"%s\"", job->actor,
				  control_command_name(job->request.command),
				  *job->identifier ? job->identifier : job->request.target);
		control_succeed(client, job->result ? json_incref(job->result) : json_object());
	}
	job_free(job);
	control_client_resume(client);
}

static void told_by_ca(struct enrolment_revocation *revocation)
{
	struct enroll_job *job = list_item(revocation, struct enroll_job, revocation);
	char cause[512], next[512];
	json_t *ca = json_pack("{s:i, s:i}", "asked", (int)revocation->asked, "revoked",
			       (int)revocation->revoked);

	if (revocation->why.id != DIAG_NONE) {
		json_object_set_new(
			ca, "problem",
			json_string(diagnosis_sentence(&revocation->why, cause, sizeof cause)));
		json_object_set_new(
			ca, "next",
			json_string(diagnosis_next(&revocation->why, next, sizeof next)));
	}
	json_object_set_new(job->result, "ca", ca);
	answer(job, 0);
}

/* false: there is nothing to ask, or nobody. */
static bool ask_ca(struct enroll_job *job)
{
	const struct authd_view *view = job->view;
	enum ca_reason reason = CA_UNSPECIFIED;

	if (job->certificates.len == 0 || !view->revoke_elsewhere)
		return false;
	(void)ca_reason_by_text(job->request.reason, &reason);
	job->revocation =
		(struct enrolment_revocation){ .certificates = bytes_slice(&job->certificates),
					       .reason = reason,
					       .machine = job->identifier,
					       .actor = job->actor,
					       .told = told_by_ca };
	return view->revoke_elsewhere(view->self, &job->revocation) == 0;
}

static void conclude(struct enroll_job *job)
{
	if (!ask_ca(job))
		answer(job, 0);
}

static void told_out(struct putting_out *order)
{
	struct enroll_job *job = list_item(order, struct enroll_job, out);

	note_sessions(job, order->sessions, &order->why);
	conclude(job);
}

/* false: there is nobody to be put out. */
static bool puts_out(struct enroll_job *job)
{
	const struct authd_view *view = job->view;

	if (job->request.command != CONTROL_MACHINE_REVOKE || !view->put_out)
		return false;
	job->out = (struct putting_out){ .machine = job->identifier,
					 .actor = job->actor,
					 .told = told_out };
	view->put_out(view->self, &job->out);
	return true;
}

/* Who is to renew authenticates anew. */
static void renew(struct enroll_job *job)
{
	const struct authd_view *view = job->view;
	struct diagnosis why = { 0 };
	int n = 0;

	/* Before it authenticates. */
	if (job->wished && view->wished)
		view->wished(view->self, job->wished);
	if (view->reauth)
		n = view->reauth(view->self, job->identifier, job->actor, &why);
	note_sessions(job, n, &why);
}

static void answered(struct question *question, int error)
{
	struct enroll_job *job = job_of(question);

	if (error < 0 || !job->found) {
		answer(job, error);
		return;
	}
	if (job->request.command == CONTROL_MACHINE_RENEW)
		renew(job);
	if (!puts_out(job))
		conclude(job);
}

static bool prepare_token(struct control_client *client, struct enroll_job *job)
{
	const struct authd_view *view = client->control->view;
	struct diagnosis why = { 0 };

	if (!view->token_pin) {
		control_not_here(client, "certificate for machines to know it by");
		return false;
	}
	if (view->token_pin(view->self, job->token.pin, &why) < 0) {
		control_refuse_diagnosis(client, "failed", &why);
		return false;
	}
	if (random_bytes(job->token.id, sizeof job->token.id) == OK &&
	    random_bytes(job->token.secret, sizeof job->token.secret) == OK)
		return true;
	control_refuse(client, "failed", "there are no random bytes for it", NULL);
	return false;
}

static bool is_valid(struct control_client *client, const struct control_request *request)
{
	enum ca_reason reason;

	if (!*request->reason || ca_reason_by_text(request->reason, &reason))
		return true;
	control_refuse(client, "invalid", "there is no such reason for a revocation",
		       "Reasons are unspecified, key-compromise, affiliation-changed, superseded, "
		       "cessation-of-operation and privilege-withdrawn.");
	return false;
}

void control_enroll(struct control_client *client, const struct control_request *request)
{
	const struct command *command = command_of(request->command);
	struct enroll_job *job = is_valid(client, request) ? calloc(1, sizeof *job) : NULL;

	if (!job) {
		if (client->out.len == 0)
			control_succeed(client, NULL);
		return;
	}
	*job = (struct enroll_job){ .job.question = { .ask = command->ask,
						      .answered = answered,
						      .durable = command->changes },
				    .request = *request,
				    .view = client->control->view,
				    .now = loop_now().wall };
	COPY(job->actor, client->actor);
	if ((request->command == CONTROL_TOKEN_CREATE && !prepare_token(client, job)) ||
	    !control_ask(client, &job->job))
		job_free(job);
}
