/* Commands about tokens, machines and accounts: the registry is asked, then whoever else is to
 * know. */
#include <errno.h>
#include <stdio.h>

#include "authd/control_enroll.h"
#include "base/random.h"
#include "drivers/log.h"
#include "enrol/ca.h"

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from)))

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

/* ---- all of them ---------------------------------------------------------------------------- */

struct command {
	int (*ask)(struct question *question, struct registry *registry);
	bool changes;
	const char *missing, *next; /* when what is meant is not there */
};

static const struct command *command_of(enum control_command command)
{
	static const struct command all[CONTROL_COMMAND_COUNT] = {
		[CONTROL_TOKEN_CREATE] = { control_ask_token_create, true, "", NULL },
		[CONTROL_TOKEN_LIST] = { control_ask_token_list, false, "", NULL },
		[CONTROL_TOKEN_REVOKE] = { control_ask_token_revoke, true,
					   "there is no such token, or it was revoked before",
					   "`latchkey-authd token list` lists them." },
		[CONTROL_MACHINE_SHOW] = { control_ask_machine_show, false,
					   "there is no such machine",
					   "`latchkey-authd machine list` lists them." },
		[CONTROL_MACHINE_REVOKE] = { control_ask_machine_revoke, true,
					     "there is no such machine",
					     "`latchkey-authd machine list` lists them." },
		[CONTROL_MACHINE_RENEW] = { control_ask_machine_renew, true,
					    "there is no such machine",
					    "`latchkey-authd machine list` lists them." },
		[CONTROL_ACCOUNT_LIST] = { control_ask_account_list, false, "", NULL },
		[CONTROL_ACCOUNT_ADD] = { control_ask_account_put, true,
					  "there is an account of this name already",
					  "`latchkey-authd account password` changes its "
					  "password." },
		[CONTROL_ACCOUNT_PASSWORD] = { control_ask_account_put, true,
					       "there is no such account",
					       "`latchkey-authd account list` lists them." },
		[CONTROL_ACCOUNT_REMOVE] = { control_ask_account_remove, true,
					     "there is no such account",
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

	bool machine = job->request.command == CONTROL_MACHINE_REVOKE;
	bool account = job->request.command == CONTROL_ACCOUNT_REMOVE || job->account;

	if ((!machine && !account) || !view->put_out)
		return false;
	job->out = (struct putting_out){ .machine = machine ? job->identifier : NULL,
					 .account = account ? job->identifier : NULL,
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
