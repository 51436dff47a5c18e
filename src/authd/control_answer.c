/* What is answered to each command. */
#include <errno.h>
#include <stdio.h>

#include "authd/control_parts.h"
#include "authd/record.h"
#include "drivers/log.h"

#define LIMIT			100  /* rows, unless the request says otherwise */
#define VERIFY_AT_ONE		1000 /* entries, between which records are written */
#define PRINTABLE(text, buffer) printable(slice_str(text), (buffer), sizeof(buffer))

static void send_answer(struct control_client *client, json_t *answer)
{
	AUTO(char) text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	static const char failed[] = "{\"ok\":false,\"error\":\"failed\",\"message\":"
				     "\"there is no memory for this answer, or it is too large\"}";

	json_decref(answer);
	bytes_clear(&client->out);
	client->sent = 0;
	if (!text || bytes_append(&client->out, slice_str(text), CONTROL_ANSWER_MAX - 1) != OK) {
		bytes_clear(&client->out);
		if (bytes_append(&client->out, slice_str(failed), CONTROL_ANSWER_MAX) != OK)
			client->ends = true;
	}
	if (bytes_append(&client->out, slice_str("\n"), CONTROL_ANSWER_MAX) != OK)
		client->ends = true;
}

void control_succeed(struct control_client *client, json_t *result)
{
	send_answer(client, result ? json_pack("{s:b, s:o}", "ok", 1, "result", result) : NULL);
}

void control_refuse(struct control_client *client, const char *error, const char *message,
		    const char *next)
{
	send_answer(client, json_pack("{s:b, s:s, s:s, s:s*}", "ok", 0, "error", error, "message",
				      message, "next", next));
}

void control_refuse_diagnosis(struct control_client *client, const char *error,
			      const struct diagnosis *why)
{
	char cause[1024], next[1024];

	control_refuse(client, error, diagnosis_sentence(why, cause, sizeof cause),
		       diagnosis_next(why, next, sizeof next));
}

/* ---- what the program knows ----------------------------------------------------------------- */

/* NULL for a command that asks for no list of the view. */
static json_t *(*list_of(const struct authd_view *view, enum control_command command))(void *)
{
	json_t *(*const lists[CONTROL_COMMAND_COUNT])(void *) = {
		[CONTROL_STATUS] = view->status,     [CONTROL_SESSIONS] = view->sessions,
		[CONTROL_CLIENTS] = view->clients,   [CONTROL_SERVERS] = view->servers,
		[CONTROL_PORTS] = view->ports,	     [CONTROL_WORKERS] = view->workers,
		[CONTROL_COUNTERS] = view->counters,
	};

	return lists[command];
}

void control_not_here(struct control_client *client, const char *what)
{
	char message[128];

	snprintf(message, sizeof message, "this service has no %s", what);
	control_refuse(client, "unavailable", message,
		       "Its configuration has nothing that would need it.");
}

/* Who has done what, to whom. */
static void record_action(struct control_client *client, const char *event, const char *target,
			  const char *detail)
{
	if (client->control->recorder)
		record_audit(client->control->recorder, event, client->actor, target, "%s", detail);
	log_event(LOG_NOTICE, event, "by=\"%s\" target=\"%s\" %s", client->actor, target, detail);
}

static void act(struct control_client *client, const struct control_request *request)
{
	const struct authd_view *view = client->control->view;
	bool disconnect = request->command == CONTROL_DISCONNECT;
	int (*action)(void *, const char *, const char *, struct diagnosis *) =
		disconnect ? view->disconnect : view->reauth;
	struct diagnosis why = { 0 };
	char detail[32];
	int n;

	if (!action) {
		control_not_here(client, "sessions");
		return;
	}
	n = action(view->self, request->target, client->actor, &why);
	if (n == 0) {
		control_refuse(client, "not-found",
			       "no session has this name, and no machine this address",
			       "`latchkey-authd sessions` lists them.");
		return;
	}
	if (n < 0) {
		control_refuse_diagnosis(client, "failed", &why);
		return;
	}
	snprintf(detail, sizeof detail, "sessions=%d", n);
	record_action(client, disconnect ? "session.disconnect" : "session.reauth", request->target,
		      detail);
	control_succeed(client, json_pack("{s:i}", "sessions", n));
}

static void reload(struct control_client *client)
{
	const struct authd_view *view = client->control->view;
	struct diagnosis why = { 0 };

	if (!view->reload) {
		control_not_here(client, "configuration to read again");
		return;
	}
	if (view->reload(view->self, &why) < 0) {
		control_refuse_diagnosis(client, "failed", &why);
		return;
	}
	record_action(client, "config.reload", "", "");
	control_succeed(client, json_object());
}

/* ---- what the registry knows ---------------------------------------------------------------- */

struct listing {
	struct control_job job;
	enum control_command command;
	size_t limit;
	json_t *rows; /* of this question */

	json_t *chains;		   /* of the walk, as far as it has come */
	struct registry_walk walk; /* begins here; next is where it has come to */
	struct registry_walk next;
};

static void listing_free(struct listing *listing)
{
	json_decref(listing->rows);
	json_decref(listing->chains);
	free(listing);
}

void control_job_orphan(struct control_job *job)
{
	job->client = NULL;
}

struct control_client *control_job_client(struct control_job *job)
{
	if (job->client)
		job->client->job = NULL;
	return job->client;
}

bool control_ask(struct control_client *client, struct control_job *job)
{
	job->client = client;
	if (!client->control->recorder) {
		control_not_here(client, "registry");
		return false;
	}
	if (recorder_ask(client->control->recorder, &job->question) < 0) {
		control_refuse(client, "busy", "too many wait for the registry", "Try again.");
		return false;
	}
	client->job = job;
	return true;
}

static const char *hex(const uint8_t *p, size_t len, char *buffer)
{
	for (size_t i = 0; i < len; i++)
		snprintf(buffer + 2 * i, 3, "%02x", p[i]);
	return buffer;
}

static bool add_machine(void *context, const struct registry_machine *m)
{
	struct listing *job = context;

	return json_array_append_new(
		       job->rows,
		       json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:I}", "kind",
				 m->kind == MACHINE_STATION ? "station" : "certificate",
				 "identifier", m->identifier, "fingerprint",
				 *m->fingerprint ? m->fingerprint : NULL, "station",
				 *m->station ? m->station : NULL, "nas", *m->nas ? m->nas : NULL,
				 "port", *m->port ? m->port : NULL, "first_seen",
				 (json_int_t)m->first_seen, "last_seen",
				 (json_int_t)m->last_seen)) == 0;
}

static bool add_entry(void *context, const struct registry_audit *e)
{
	struct listing *job = context;
	char digest[65], event[64], actor[256], subject[256], detail[1024];

	/* Whoever has changed the trail may have left what is no text. */
	return json_array_append_new(job->rows,
				     json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "origin",
					       e->origin, "sequence", (json_int_t)e->sequence,
					       "time", (json_int_t)e->when, "event",
					       PRINTABLE(e->event, event), "actor",
					       PRINTABLE(e->actor, actor), "subject",
					       PRINTABLE(e->subject, subject), "detail",
					       PRINTABLE(e->detail, detail), "digest",
					       hex(e->digest, sizeof e->digest, digest))) == 0;
}

static json_t *chain_json(const struct registry_walk *walk)
{
	char digest[65];

	return json_pack("{s:s, s:I, s:s}", "origin", walk->origin, "entries",
			 (json_int_t)walk->sequence, "digest",
			 hex(walk->digest, sizeof walk->digest, digest));
}

static void add_chain(void *context, const struct registry_walk *walk)
{
	struct listing *job = context;

	json_array_append_new(job->rows, chain_json(walk));
}

/* It may be asked again: each time from the beginning. */
static int ask(struct question *question, struct registry *registry)
{
	struct listing *job = list_item(question, struct listing, job.question);

	json_array_clear(job->rows);
	if (job->command == CONTROL_MACHINES)
		return registry_machines(registry, job->limit, add_machine, job);
	if (job->command == CONTROL_AUDIT)
		return registry_audit_list(registry, job->limit, add_entry, job);
	job->next = job->walk;
	return registry_audit_walk(registry, &job->next, VERIFY_AT_ONE, add_chain, job);
}

static json_t *verdict(const struct listing *job)
{
	const struct registry_walk *walk = &job->walk;
	json_t *result = json_pack("{s:b, s:I, s:O}", "intact", !walk->broken, "entries",
				   (json_int_t)walk->seen, "chains", job->chains);

	if (walk->broken)
		json_object_set_new(result, "broken",
				    json_pack("{s:s, s:I, s:s}", "origin", walk->origin, "sequence",
					      (json_int_t)walk->sequence, "reason", walk->reason));
	return result;
}

static void answered(struct question *question, int error)
{
	struct listing *job = list_item(question, struct listing, job.question);
	struct control_client *client = control_job_client(&job->job);

	if (!client) {
		listing_free(job);
		return;
	}
	if (error >= 0 && job->command == CONTROL_AUDIT_VERIFY) {
		json_array_extend(job->chains, job->rows);
		job->walk = job->next;
		if (!job->walk.finished && recorder_ask(client->control->recorder, question) == 0) {
			client->job = &job->job;
			return;
		}
		if (!job->walk.finished)
			error = -EAGAIN;
	}
	if (error < 0)
		control_refuse(client, "failed", "the registry's database does not answer",
			       "`latchkey-authd status` tells how it is.");
	else
		control_succeed(client, job->command == CONTROL_AUDIT_VERIFY
						? verdict(job)
						: json_incref(job->rows));
	listing_free(job);
	control_client_resume(client);
}

static void ask_registry(struct control_client *client, const struct control_request *request)
{
	struct listing *job = calloc(1, sizeof *job);

	if (!job)
		return send_answer(client, NULL);
	*job = (struct listing){ .job.question = { .ask = ask, .answered = answered },
				 .command = request->command,
				 .limit = request->limit ? request->limit : LIMIT,
				 .rows = json_array(),
				 .chains = json_array() };
	if (!job->rows || !job->chains) {
		listing_free(job);
		send_answer(client, NULL);
	} else if (!control_ask(client, &job->job)) {
		listing_free(job);
	}
}

/* ---- all of them ---------------------------------------------------------------------------- */

void control_answer(struct control_client *client, const struct control_request *request)
{
	const struct authd_view *view = client->control->view;
	json_t *(*list)(void *) = list_of(view, request->command);

	if (client->right < control_command_right(request->command)) {
		control_refuse(client, "forbidden", "only root and the service's user may do this",
			       "Run this as root.");
		return;
	}
	switch (request->command) {
	case CONTROL_MACHINES:
	case CONTROL_AUDIT:
	case CONTROL_AUDIT_VERIFY:
		ask_registry(client, request);
		return;
	case CONTROL_TOKEN_CREATE:
	case CONTROL_TOKEN_LIST:
	case CONTROL_TOKEN_REVOKE:
	case CONTROL_MACHINE_SHOW:
	case CONTROL_MACHINE_REVOKE:
	case CONTROL_MACHINE_RENEW:
	case CONTROL_ACCOUNT_LIST:
	case CONTROL_ACCOUNT_ADD:
	case CONTROL_ACCOUNT_PASSWORD:
	case CONTROL_ACCOUNT_REMOVE:
		control_enroll(client, request);
		return;
	case CONTROL_DISCONNECT:
	case CONTROL_REAUTH:
		act(client, request);
		return;
	case CONTROL_RELOAD:
		reload(client);
		return;
	case CONTROL_STATUS:
	case CONTROL_SESSIONS:
	case CONTROL_CLIENTS:
	case CONTROL_SERVERS:
	case CONTROL_PORTS:
	case CONTROL_WORKERS:
	case CONTROL_COUNTERS:
	case CONTROL_COMMAND_COUNT:
		break;
	}
	if (list)
		control_succeed(client, list(view->self));
	else
		control_not_here(client, control_command_name(request->command));
}
