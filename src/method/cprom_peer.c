#include "method/cprom_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "method/cprom_peer_parts.h"

/* ---- what is told -------------------------------------------------------------------- */

const char *cprom_step_name(enum cprom_step step)
{
	static const char *const names[] = {
		[CPROM_TUNNEL] = "tunnel",	 [CPROM_AUTHORISED] = "authorized",
		[CPROM_KEY] = "key-generated",	 [CPROM_REQUESTED] = "request-sent",
		[CPROM_RECEIVED] = "received",	 [CPROM_CHECKED] = "checked",
		[CPROM_STORED] = "stored",	 [CPROM_VALIDATED] = "validated",
		[CPROM_ACTIVATED] = "activated", [CPROM_REMOVED] = "removed",
		[CPROM_DONE] = "done",		 [CPROM_FAILED] = "failed",
	};

	return names[step];
}

static void say_what(const struct cprom_peer *p, const struct cprom_credential *credential,
		     struct cprom_event *event)
{
	event->credential = credential->name;
	for (size_t i = 0; i < p->deed_count; i++) {
		if (p->deeds[i].credential != credential)
			continue;
		event->action = p->deeds[i].result.action;
		event->protocol = p->deeds[i].result.protocol;
	}
	if (p->round.credential != credential)
		return;
	event->action = p->round.job.action;
	event->protocol = p->round.protocol ? p->round.protocol->name : NULL;
}

void cprom_peer_tell(struct cprom_peer *p, enum cprom_step step,
		     const struct cprom_credential *credential, const char *detail)
{
	struct cprom_event *event;

	if (p->event_count == CPROM_EVENTS_MAX) {
		p->first_event = (p->first_event + 1) % CPROM_EVENTS_MAX;
		p->event_count--;
	}
	event = &p->events[(p->first_event + p->event_count++) % CPROM_EVENTS_MAX];
	*event = (struct cprom_event){ .step = step, .credential = "" };
	if (credential)
		say_what(p, credential, event);
	printable(slice_str(detail), event->detail, sizeof event->detail);
}

bool cprom_peer_event(struct cprom_peer *p, struct cprom_event *ret_event)
{
	if (p->event_count == 0)
		return false;
	*ret_event = p->events[p->first_event];
	p->first_event = (p->first_event + 1) % CPROM_EVENTS_MAX;
	p->event_count--;
	return true;
}

bool cprom_peer_result(const struct cprom_peer *p, size_t n, struct cprom_result *ret_result)
{
	if (n >= p->deed_count)
		return false;
	*ret_result = p->deeds[n].result;
	return true;
}

enum enrol_error cprom_peer_error(const struct cprom_peer *p)
{
	return p->fault.error;
}

/* ---- beginning and end --------------------------------------------------------------- */

/* The secrets of what was done; what is told of it stays. */
static void forget_deeds(struct cprom_peer *p)
{
	for (size_t i = 0; i < p->deed_count; i++) {
		EVP_PKEY_free(TAKE(p->deeds[i].key));
		secret_done(&p->deeds[i].secret);
	}
}

static void forget(struct cprom_peer *p)
{
	cprom_peer_round_done(p);
	cprom_link_done(&p->link);
	forget_deeds(p);
	p->challenge = slice_of(NULL, 0);
	p->tunnel = NULL;
	p->phase = 0;
}

/* Nobody has said no: the server may have issued something for this key that did not get here, and
 * may have counted a token for it. */
static bool was_cut_off(const struct cprom_peer *p)
{
	return p->fault.error == ENROL_ERROR_NONE || p->fault.error == ENROL_ERROR_INTERNAL ||
	       p->fault.error == ENROL_ERROR_STORAGE;
}

static void abandon(struct cprom_peer *p)
{
	const struct enrol_store_ref *store = &p->settings.store;

	if (p->begun_key && p->round.credential && !p->round.deed && !was_cut_off(p))
		store->store->abandon(store->self, p->round.credential->name, true);
	for (size_t i = 0; i < p->deed_count; i++) {
		struct deed *deed = &p->deeds[i];

		if (deed->result.action != ENROL_REMOVE && !deed->result.activated)
			store->store->abandon(store->self, deed->credential->name, !was_cut_off(p));
	}
	p->begun_key = false;
}

/* What was validated is installed, whatever the tunnel says afterwards: a server may let nobody in
 * who has just been enrolled. */
static bool all_settled(const struct cprom_peer *p)
{
	for (size_t i = 0; i < p->deed_count; i++) {
		if (!p->deeds[i].result.activated)
			return false;
	}
	return p->closed && !p->failed;
}

static void peer_stop(void *self)
{
	struct cprom_peer *p = self;

	if (p->stopped)
		return;
	p->stopped = true;
	if (!p->succeeded) {
		abandon(p);
		cprom_peer_tell(p, all_settled(p) ? CPROM_DONE : CPROM_FAILED, p->round.credential,
				"");
	}
	forget(p);
}

static void peer_enter(void *self, const struct eap_tunnel_binding *tunnel)
{
	struct cprom_peer *p = self;

	p->tunnel = tunnel;
}

static void peer_start(void *self, struct moment now)
{
	struct cprom_peer *p = self;
	const struct eap_tunnel_binding *tunnel = p->tunnel;

	peer_stop(p);
	p->tunnel = tunnel;
	p->heard = now.mono;
	p->deed_count = 0;
	p->failed = p->succeeded = p->stopped = p->begun_key = p->closed = false;
	p->fault = (struct enrol_fault){ 0 };
	diagnosis_set(&p->why, DIAG_NONE);
	p->stage = "CPROM start";
}

static void peer_free(void *self)
{
	struct cprom_peer *p = self;

	if (!p)
		return;
	peer_stop(p);
	free(p);
}

/* ---- ends ---------------------------------------------------------------------------- */

enum status cprom_peer_fail(struct cprom_peer *p, enum enrol_error error, const char *format, ...)
{
	char text[sizeof p->fault.description];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	enrol_fault_set(&p->fault, error, "%s", text);
	return UNEXPECTED;
}

/* The server decides how it ends: there may be nothing to do for it. */
static const struct eap_verdict going_on = { METHOD_MAY_CONT, COND_SUCC, true };
static const struct eap_verdict refused = { METHOD_MAY_CONT, FAIL, true };
static const struct eap_verdict given_up = { METHOD_DONE, FAIL, false };

/* Something is to be had here that we cannot do without. */
static bool registers(const struct cprom_peer *p)
{
	for (size_t i = 0; i < p->settings.credential_count; i++) {
		if (p->settings.credentials[i].wanted &&
		    p->settings.credentials[i].action == ENROL_REGISTER)
			return true;
	}
	return false;
}

/* After an error the server may let us in by the certificate that it has seen, with all that we had
 * before and nothing that came here. */
static struct eap_verdict failing(const struct cprom_peer *p)
{
	return p->tunnel && p->tunnel->shown && !registers(p) ? going_on : refused;
}

static unsigned shown_phase(const struct cprom_peer *p)
{
	return p->phase ? p->phase : CPROM_INIT;
}

/* Our fault, told to the server. */
static struct eap_verdict give_error(struct cprom_peer *p)
{
	struct cprom_error error = { .code = (uint16_t)p->fault.error,
				     .secondary = p->fault.secondary,
				     .description = slice_str(p->fault.description) };
	struct wr w = cprom_link_open(&p->link, 256);

	p->failed = true;
	enrol_fault_explain(&p->fault, ENROL_US, &p->why, &p->why);
	cprom_error_build(&w, &error);
	if (cprom_link_close(&p->link, &w, (enum cprom_phase)shown_phase(p), 0) != OK)
		return given_up;
	p->link.gathering = false;
	return failing(p);
}

/* The server's fault, or its view of ours; it is acknowledged. */
static struct eap_verdict take_error(struct cprom_peer *p, struct slice message)
{
	struct wr w = cprom_link_open(&p->link, 0);
	struct cprom_error error;

	if (cprom_check(CPROM_FAULT, message, &p->fault) != OK ||
	    cprom_error_parse(cprom_tlv_find(message, CPROM_ERROR), &error) != OK)
		return give_error(p);
	p->failed = true;
	p->fault = (struct enrol_fault){ .error = error.code > 0 && error.code < ENROL_ERRORS
							  ? (enum enrol_error)error.code
							  : ENROL_ERROR_INTERNAL,
					 .secondary = error.secondary };
	printable(error.description, p->fault.description, sizeof p->fault.description);
	enrol_fault_explain(&p->fault, ENROL_THEM, NULL, &p->why);
	return cprom_link_close(&p->link, &w, (enum cprom_phase)shown_phase(p), 0) == OK
		       ? failing(p)
		       : given_up;
}

/* ---- phase one ----------------------------------------------------------------------- */

/* Without a Version TLV it is version 1; 0 is any. */
static bool offers_version_1(struct slice message)
{
	struct slice value;
	size_t at = 0;
	bool any = false;

	while (cprom_tlv_each(message, CPROM_VERSION, &at, &value)) {
		any = true;
		if (value.p[0] <= 1)
			return true;
	}
	return !any;
}

static enum status take_challenge(struct cprom_peer *p, struct slice message)
{
	struct slice value = cprom_tlv_find(message, CPROM_CHALLENGE_DATA);
	struct cprom_challenge challenge = { 0 };

	if (value.len == 0)
		return OK;
	if (cprom_challenge_parse(value, &challenge) != OK || challenge.type != PROOF_TOKEN)
		return cprom_peer_fail(p, ENROL_ERROR_PARAMETERS,
				       "a challenge of type %u for our token", challenge.type);
	if (challenge.data.len < PROOF_CHALLENGE_MIN || challenge.data.len > PROOF_CHALLENGE_MAX)
		return cprom_peer_fail(p, ENROL_ERROR_MALFORMED,
				       "a challenge that has not 16 to 64 octets");
	p->challenge = challenge.data;
	return OK;
}

enum status cprom_peer_check_tunnel(struct cprom_peer *p)
{
	if (!p->tunnel || !p->tunnel->server_trusted)
		return cprom_peer_fail(p, ENROL_ERROR_ACTION_REFUSED,
				       "the tunnel does not say who the server is");
	if (!p->tunnel->unique)
		return cprom_peer_fail(p, ENROL_ERROR_ACTION_REFUSED,
				       "a proof could be taken from this tunnel into another");
	return OK;
}

static enum status hear_init(struct cprom_peer *p, struct slice message)
{
	enum status status;

	p->stage = "CPROM Init";
	if (cprom_check(CPROM_SERVER_INIT, message, &p->fault) != OK)
		return MALFORMED;
	status = cprom_peer_check_tunnel(p);
	if (status != OK)
		return status;
	if (!offers_version_1(message))
		return cprom_peer_fail(p, ENROL_ERROR_VERSION, "we have version 1 alone");
	status = take_challenge(p, message);
	if (status != OK)
		return status;
	cprom_peer_tell(p, CPROM_TUNNEL, NULL, "");
	status = cprom_peer_write_init(p);
	p->challenge = slice_of(NULL, 0);
	return status;
}

/* ---- messages ------------------------------------------------------------------------ */

/* "Phases only move forward", one after the other, and S marks the first message of each. */
static enum status enter_phase(struct cprom_peer *p)
{
	unsigned phase = p->link.phase;
	bool starts = p->link.flags & CPROM_START;

	if (phase < p->phase || (p->phase == 0 && phase != CPROM_INIT))
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "phase %u after phase %u", phase,
				       p->phase);
	if ((phase > p->phase) != starts)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED,
				       "a phase that begins without S, or twice");
	if (phase > p->phase && p->round.credential)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED,
				       "a phase in the middle of a round");
	if (phase == CPROM_INIT && !starts)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "a second Init");
	if (p->closed)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "a message after the last");
	if ((p->link.flags & CPROM_LAST) && phase == CPROM_INIT)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "D in phase %u", phase);
	p->phase = phase;
	return OK;
}

static enum status hear_message(struct cprom_peer *p, struct slice message, struct moment now)
{
	bool last = p->link.flags & CPROM_LAST;
	enum status status = enter_phase(p);

	if (status != OK)
		return status;
	switch (p->link.phase) {
	case CPROM_INIT:
		return hear_init(p, message);
	case CPROM_PROVISIONING:
		p->stage = "CPROM provisioning";
		return p->round.credential ? cprom_peer_go_on(p, message, last, now)
					   : cprom_peer_begin_round(p, message, last, now);
	case CPROM_VALIDATION:
		break;
	}
	return last ? cprom_peer_close(p, message) : cprom_peer_validate(p, message);
}

static struct eap_verdict hear_whole(struct cprom_peer *p, struct moment now)
{
	struct slice message = bytes_slice(&p->link.incoming);

	if (cprom_tlv_find(message, CPROM_ERROR).len > 0)
		return take_error(p, message);
	return hear_message(p, message, now) == OK ? going_on : give_error(p);
}

static struct eap_verdict hear(struct cprom_peer *p, const struct eap_packet *request,
			       struct moment now)
{
	struct cprom_frame frame;
	bool late = now.mono - p->heard > CPROM_SILENCE_MAX;

	p->heard = now.mono;
	/* The server has our Error and goes on, or has told us of its own. */
	if (p->failed && !p->link.fragmenting)
		return given_up;
	if (late) {
		cprom_peer_fail(p, ENROL_ERROR_LIMIT, "the server took too long");
		return give_error(p);
	}
	if (cprom_frame_parse(request->data, &frame) != OK) {
		cprom_peer_fail(p, ENROL_ERROR_MALFORMED, "a message without its header");
		return give_error(p);
	}
	switch (cprom_link_hear(&p->link, &frame, p->settings.message_max, &p->fault)) {
	case CPROM_WHOLE:
		return hear_whole(p, now);
	case CPROM_PART:
	case CPROM_GO_ON:
		return p->failed ? failing(p) : going_on;
	case CPROM_BROKEN:
		break;
	}
	return give_error(p);
}

/* A machine that has nothing, and was given nothing. */
static bool empty_handed(const struct cprom_peer *p)
{
	return p->deed_count == 0 && registers(p);
}

/* Success is none there, and outside of the tunnel anybody can say it.  A validation that has begun
 * ends with what the server found good. */
static bool in_the_middle(const struct cprom_peer *p)
{
	return p->round.credential || p->link.gathering || empty_handed(p) ||
	       (p->phase == CPROM_VALIDATION && !p->closed);
}

static struct eap_verdict peer_process(void *self, const struct eap_packet *request,
				       struct moment now)
{
	struct cprom_peer *p = self;
	struct eap_verdict verdict = hear(p, request, now);

	if (verdict.decision == COND_SUCC && !p->failed && in_the_middle(p))
		verdict.decision = FAIL;
	return verdict;
}

static void peer_build(void *self, struct wr *w)
{
	struct cprom_peer *p = self;

	cprom_link_build(&p->link, w);
}

static const struct diagnosis *peer_diagnosis(const void *self)
{
	const struct cprom_peer *p = self;

	return &p->why;
}

static const char *peer_stage(const void *self)
{
	const struct cprom_peer *p = self;

	return p->stage;
}

const struct eap_peer_method cprom_peer_method = {
	.name = "CPROM",
	.type = { .vendor = 0, .type = EAP_TYPE_CPROM },
	.inner_only = true,
	.enter = peer_enter,
	.start = peer_start,
	.process = peer_process,
	.build = peer_build,
	.diagnosis = peer_diagnosis,
	.stage = peer_stage,
	.succeeded = cprom_peer_succeeded,
	.stop = peer_stop,
	.free = peer_free,
};

void cprom_peer_set(struct cprom_peer *p, const struct cprom_peer_settings *settings)
{
	peer_stop(p);
	p->deed_count = 0;
	p->first_event = p->event_count = 0;
	p->settings = *settings;
	if (p->settings.message_max == 0)
		p->settings.message_max = ENROL_MESSAGE_DEFAULT;
	if (p->settings.message_max > ENROL_MESSAGE_MAX)
		p->settings.message_max = ENROL_MESSAGE_MAX;
	if (p->settings.credential_count > CPROM_CREDENTIALS_MAX)
		p->settings.credential_count = CPROM_CREDENTIALS_MAX;
	if (p->settings.protocol_count > ENROL_PROTOCOLS_MAX)
		p->settings.protocol_count = ENROL_PROTOCOLS_MAX;
}

enum status cprom_peer_new(const struct cprom_peer_settings *settings, struct cprom_peer **ret_peer)
{
	struct cprom_peer *p = calloc(1, sizeof *p);

	if (!p)
		return NO_MEMORY;
	p->stopped = true;
	p->stage = "CPROM start";
	cprom_peer_set(p, settings);
	*ret_peer = p;
	return OK;
}
