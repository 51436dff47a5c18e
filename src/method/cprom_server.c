#include "method/cprom_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "method/cprom_server_parts.h"

size_t cprom_server_ceiling(const struct cprom_server *s)
{
	size_t max = s->context->policy->message_max;

	if (max == 0)
		return ENROL_MESSAGE_DEFAULT;
	return max < ENROL_MESSAGE_MAX ? max : ENROL_MESSAGE_MAX;
}

/* ---- beginning and end --------------------------------------------------------------- */

static void server_free(void *self)
{
	struct cprom_server *s = self;

	if (!s)
		return;
	cprom_server_round_done(s);
	for (size_t i = 0; i < s->deed_count; i++) {
		EVP_PKEY_free(s->given[i].key);
		bytes_done(&s->given[i].certificate);
		secret_done(&s->given[i].secret);
	}
	cprom_link_done(&s->link);
	bytes_done(&s->init);
	bytes_done(&s->proved);
	bytes_done(&s->registered);
	secret_done(&s->token_secret);
	X509_free(s->token_cert);
	free(s);
}

/* "In case Token-Based registration is enabled on the Server, the Server MUST include ... a
 * ('Challenge-Data') field". */
static bool takes_proofs(const struct cprom_server *s)
{
	return s->context->policy->authorisations &
	       (1u << ENROL_BY_TOKEN | 1u << ENROL_BY_CERTIFICATE_TOKEN);
}

static enum status greet(struct cprom_server *s)
{
	struct wr w = cprom_link_open(&s->link, 64);
	struct cprom_challenge challenge = { .type = PROOF_TOKEN,
					     .data = slice_of(s->challenge, sizeof s->challenge) };

	cprom_octet_build(&w, CPROM_VERSION, 1);
	if (takes_proofs(s)) {
		if (random_bytes(s->challenge, sizeof s->challenge) != OK)
			return CRYPTO;
		cprom_challenge_build(&w, &challenge);
	}
	s->phase = CPROM_INIT;
	return cprom_link_close(&s->link, &w, CPROM_INIT, CPROM_START);
}

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	struct cprom_server *s;
	enum status status;

	if (!about->tunnel)
		return UNEXPECTED;
	s = calloc(1, sizeof *s);
	if (!s)
		return NO_MEMORY;
	s->context = context;
	s->tunnel = about->tunnel;
	s->sent = about->now.mono;
	s->eap_question.kind = EAP_ASKS_ENROLMENT;
	status = greet(s);
	if (status != OK) {
		server_free(s);
		return status;
	}
	*ret_self = s;
	return OK;
}

/* ---- faults -------------------------------------------------------------------------- */

enum status cprom_server_fail(struct cprom_server *s, enum enrol_error error, const char *format,
			      ...)
{
	char text[sizeof s->fault.description];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	enrol_fault_set(&s->fault, error, "%s", text);
	return UNEXPECTED;
}

static enum eap_server_state refuse(struct cprom_server *s)
{
	s->stand = CPROM_REFUSED;
	return METHOD_FAILED;
}

/* Our fault, told to the peer, which acknowledges it. */
enum eap_server_state cprom_server_give_error(struct cprom_server *s)
{
	struct cprom_error error = { .code = (uint16_t)s->fault.error,
				     .secondary = s->fault.secondary,
				     .description = slice_str(s->fault.description) };
	struct wr w = cprom_link_open(&s->link, 256);

	enrol_fault_explain(&s->fault, ENROL_US, &s->why, &s->why);
	cprom_server_round_done(s);
	cprom_error_build(&w, &error);
	s->link.gathering = false;
	if (cprom_link_close(&s->link, &w, s->phase, 0) != OK)
		return refuse(s);
	s->stand = CPROM_FAILING;
	return METHOD_GOES_ON;
}

/* The peer's fault, or its view of ours. */
static enum eap_server_state take_error(struct cprom_server *s, struct slice message)
{
	struct cprom_error error;

	if (cprom_check(CPROM_FAULT, message, &s->fault) != OK ||
	    cprom_error_parse(cprom_tlv_find(message, CPROM_ERROR), &error) != OK)
		return cprom_server_give_error(s);
	s->fault = (struct enrol_fault){ .error = error.code > 0 && error.code < ENROL_ERRORS
							  ? (enum enrol_error)error.code
							  : ENROL_ERROR_INTERNAL,
					 .secondary = error.secondary };
	printable(error.description, s->fault.description, sizeof s->fault.description);
	enrol_fault_explain(&s->fault, ENROL_THEM, NULL, &s->why);
	cprom_server_round_done(s);
	return refuse(s);
}

/* ---- questions ----------------------------------------------------------------------- */

enum eap_server_state cprom_server_ask_question(struct cprom_server *s,
						const struct enrol_question *question)
{
	s->eap_question.about.enrolment = question;
	return METHOD_ASKS;
}

static const struct eap_question *server_question(const void *self)
{
	const struct cprom_server *s = self;

	return &s->eap_question;
}

static enum eap_server_state authorise(struct cprom_server *s, enum status status,
				       struct moment now)
{
	if (status != OK)
		return cprom_server_give_error(s);
	if (!s->granted) {
		s->stand = CPROM_AUTHORISING;
		return cprom_server_ask_question(s, &s->question);
	}
	if (cprom_server_plan(s, now) != OK)
		return cprom_server_give_error(s);
	return cprom_server_next(s);
}

static enum eap_server_state server_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct cprom_server *s = self;
	static const struct enrol_reply no = { .error = ENROL_ERROR_INTERNAL };
	const struct enrol_reply *answer = reply->with.enrolment ? reply->with.enrolment : &no;

	s->sent = now.mono;
	switch (s->stand) {
	case CPROM_AUTHORISING:
		return authorise(s, cprom_server_authorised(s, answer), now);
	case CPROM_WORKING:
		return cprom_server_answer_round(s, answer, now);
	case CPROM_CONFIRMING: /* refusals are ignored */
		return cprom_server_next(s);
	case CPROM_GREETING:
	case CPROM_ENDING:
	case CPROM_CHALLENGING:
	case CPROM_CLOSING:
	case CPROM_FAILING:
	case CPROM_SUCCEEDED:
	case CPROM_REFUSED:
		break;
	}
	cprom_server_fail(s, ENROL_ERROR_INTERNAL, "an answer without a question");
	enrol_fault_explain(&s->fault, ENROL_US, NULL, &s->why);
	return refuse(s);
}

/* ---- messages ------------------------------------------------------------------------ */

static enum eap_server_state hear_init(struct cprom_server *s, struct slice message, bool last,
				       struct moment now)
{
	if (last) {
		cprom_server_fail(s, ENROL_ERROR_UNEXPECTED, "D in phase one");
		return cprom_server_give_error(s);
	}
	if (bytes_set(&s->init, message) != OK) {
		cprom_server_fail(s, ENROL_ERROR_INTERNAL, "no memory");
		return cprom_server_give_error(s);
	}
	return authorise(s, cprom_server_read_init(s), now);
}

static enum eap_server_state hear_message(struct cprom_server *s, struct slice message,
					  struct moment now)
{
	bool last = s->link.flags & CPROM_LAST;

	switch (s->stand) {
	case CPROM_GREETING:
		return hear_init(s, message, last, now);
	case CPROM_WORKING:
	case CPROM_ENDING:
		return cprom_server_hear_round(s, message, last, now);
	case CPROM_CHALLENGING:
		return cprom_server_hear_validation(s, message);
	case CPROM_CLOSING:
		return cprom_server_hear_close(s, message, last);
	case CPROM_AUTHORISING:
	case CPROM_CONFIRMING:
	case CPROM_FAILING:
	case CPROM_SUCCEEDED:
	case CPROM_REFUSED:
		break;
	}
	return refuse(s);
}

static enum eap_server_state hear_whole(struct cprom_server *s, struct moment now)
{
	struct slice message = bytes_slice(&s->link.incoming);

	if (cprom_tlv_find(message, CPROM_ERROR).len > 0)
		return take_error(s, message);
	if (s->link.phase != s->phase) {
		cprom_server_fail(s, ENROL_ERROR_UNEXPECTED, "phase %u in phase %u", s->link.phase,
				  s->phase);
		return cprom_server_give_error(s);
	}
	return hear_message(s, message, now);
}

static enum eap_server_state hear(struct cprom_server *s, const struct eap_packet *response,
				  struct moment now)
{
	struct cprom_frame frame;

	if (cprom_frame_parse(response->data, &frame) != OK) {
		cprom_server_fail(s, ENROL_ERROR_MALFORMED, "a message without its header");
		return cprom_server_give_error(s);
	}
	/* "The peer sends S=0 and the server ignores it." */
	frame.flags &= (uint8_t)~CPROM_START;
	switch (cprom_link_hear(&s->link, &frame, cprom_server_ceiling(s), &s->fault)) {
	case CPROM_WHOLE:
		return hear_whole(s, now);
	case CPROM_PART:
	case CPROM_GO_ON:
		return METHOD_GOES_ON;
	case CPROM_BROKEN:
		break;
	}
	return cprom_server_give_error(s);
}

static enum eap_server_state server_process(void *self, const struct eap_packet *response,
					    struct moment now)
{
	struct cprom_server *s = self;
	bool late = now.mono - s->sent > CPROM_SILENCE_MAX;

	s->sent = now.mono;
	if (s->stand == CPROM_FAILING) /* whatever it says to our Error */
		return refuse(s);
	if (late) {
		cprom_server_fail(s, ENROL_ERROR_LIMIT, "the machine took too long");
		return cprom_server_give_error(s);
	}
	return hear(s, response, now);
}

static void server_build(void *self, struct wr *w)
{
	struct cprom_server *s = self;

	cprom_link_build(&s->link, w);
}

/* ---- what there is to say -------------------------------------------------------------- */

static const struct diagnosis *server_diagnosis(const void *self)
{
	const struct cprom_server *s = self;

	return &s->why;
}

static bool server_enrolled(const void *self)
{
	const struct cprom_server *s = self;

	for (size_t i = 0; i < s->deed_count; i++) {
		if (s->deeds[i].action != ENROL_REMOVE)
			return true;
	}
	return false;
}

static const char *server_stage(const void *self)
{
	const struct cprom_server *s = self;

	switch (s->stand) {
	case CPROM_GREETING:
		return "CPROM Init";
	case CPROM_AUTHORISING:
		return "CPROM authorization";
	case CPROM_WORKING:
	case CPROM_ENDING:
	case CPROM_CONFIRMING:
		return "CPROM provisioning";
	case CPROM_CHALLENGING:
	case CPROM_CLOSING:
		return "CPROM validation";
	case CPROM_SUCCEEDED:
		return "CPROM done";
	case CPROM_FAILING:
	case CPROM_REFUSED:
		break;
	}
	return "CPROM error";
}

size_t cprom_server_deeds(const void *self, const struct cprom_deed **ret_deeds)
{
	const struct cprom_server *s = self;

	*ret_deeds = s->deeds;
	return s->deed_count;
}

struct slice cprom_server_mud_url(const void *self)
{
	const struct cprom_server *s = self;

	return cprom_server_usage(s);
}

enum enrol_error cprom_server_error(const void *self)
{
	const struct cprom_server *s = self;

	return s->fault.error;
}

const struct eap_server_method cprom_server_method = {
	.name = "CPROM",
	.type = { .vendor = 0, .type = EAP_TYPE_CPROM },
	.inner_only = true,
	.init = server_init,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.build = server_build,
	.diagnosis = server_diagnosis,
	.enrolled = server_enrolled,
	.stage = server_stage,
	.free = server_free,
};
