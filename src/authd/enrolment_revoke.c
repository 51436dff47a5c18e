/* A CA behind us is asked to revoke what was revoked here. */
#include <errno.h>
#include <string.h>

#include "authd/enrolment_parts.h"
#include "authd/record.h"
#include "drivers/log.h"
#include "enrol/cmp_message.h"

static void ask_next(struct enrolment_revocation *r);

static void end(struct enrolment_revocation *r)
{
	list_remove(&r->node);
	enrolment_ca_drop(r->ca);
	r->told(r);
}

static void tell(struct enrolment_revocation *r)
{
	struct recorder *recorder = r->enrolment->settings.recorder;
	char sentence[512] = "";

	if (r->why.id != DIAG_NONE)
		diagnosis_sentence(&r->why, sentence, sizeof sentence);
	log_event(r->revoked == r->asked ? LOG_NOTICE : LOG_WARNING, "ca.revoke",
		  "machine=\"%s\" by=\"%s\" asked=%u revoked=%u cause=\"%s\"", r->machine, r->actor,
		  r->asked, r->revoked, sentence);
	record_audit(recorder, "ca.revoke", r->actor, r->machine, "asked=%u revoked=%u %s",
		     r->asked, r->revoked, sentence);
	end(r);
}

/* One that is not there does not come back between two certificates. */
static bool is_gone(const struct enrol_reply *reply)
{
	return reply->why && reply->why->id == DIAG_CA_UNREACHABLE;
}

static void told(void *context, const struct enrol_reply *reply)
{
	struct enrolment_revocation *r = context;
	/* It was asked before, or has done it by itself. */
	bool done = reply->accept || reply->secondary == CMP_FAILURE(certRevoked);

	r->call = NULL;
	r->revoked += done;
	if (!done && r->why.id == DIAG_NONE && reply->why)
		r->why = *reply->why;
	if (is_gone(reply))
		tell(r);
	else
		ask_next(r);
}

static void ask_next(struct enrolment_revocation *r)
{
	const unsigned char *in = r->rest.p;
	AUTO(X509) cert = r->rest.len ? d2i_X509(NULL, &in, (long)r->rest.len) : NULL;
	size_t len = cert ? (size_t)(in - r->rest.p) : 0;
	const struct enrol_question question = { .kind = ENROL_ASKS_REVOKE,
						 .certificate = slice_of(r->rest.p, len),
						 .reason = r->reason };
	const struct cmp_client_request request = {
		.question = &question, .told = told, .settled = told, .context = r
	};
	int error;

	if (!cert) {
		tell(r);
		return;
	}
	r->rest = slice_of(in, r->rest.len - len);
	r->asked++;
	error = r->ca->ask(r->ca, &request, &r->call);
	if (error == 0)
		return;
	diagnosis_say(&r->why, DIAG_INTERNAL, "the CA cannot be asked: %s", strerror(-error));
	tell(r);
}

int enrolment_revoke(struct enrolment *e, struct enrolment_revocation *r)
{
	if (!e->ca || !e->settings.recorder)
		return -ENOENT;
	r->enrolment = e;
	r->ca = e->ca;
	r->ca->references++;
	r->rest = r->certificates;
	r->asked = r->revoked = 0;
	r->why = (struct diagnosis){ 0 };
	list_init(&r->node);
	list_append(&e->revocations, &r->node);
	ask_next(r);
	return 0;
}

void enrolment_drop_revocations(struct enrolment *e)
{
	list_each (node, &e->revocations) {
		struct enrolment_revocation *r = list_item(node, struct enrolment_revocation, node);

		if (r->call)
			r->ca->cancel(r->call);
		end(r);
	}
}
