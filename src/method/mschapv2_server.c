#include "method/mschapv2_server.h"

#include <string.h>
#include <strings.h>

#include "base/random.h"
#include "method/mschapv2_packet.h"
#include "method/password_check.h"

enum phase {
	CHALLENGING,
	ASKING,
	PROVING,  /* Success with our own proof */
	REFUSING, /* Failure, the last */
	RETRYING, /* Failure with another challenge */
	SUCCEEDED,
	FAILED
};

struct conversation {
	const struct mschapv2_server_context *context;
	enum phase phase;
	uint8_t id; /* MS-CHAPv2-ID */
	unsigned tries;
	struct password_check check;
	struct diagnosis why;
};

static void server_free(void *self)
{
	struct conversation *c = self;

	if (!c)
		return;
	password_check_done(&c->check);
	explicit_bzero(c, sizeof *c);
	free(c);
}

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	struct conversation *c = calloc(1, sizeof *c);

	if (!c)
		return NO_MEMORY;
	c->context = context;
	c->id = 1;
	c->check.kind = PASSWORD_MSCHAPV2;
	c->check.method = mschapv2_server_method.name;
	/* Who gives no name is challenged like everybody, and refused afterwards. */
	if (!password_check_account(&c->check, about->identity))
		c->why = c->check.why;
	if (random_bytes(c->check.challenge, sizeof c->check.challenge) != OK) {
		server_free(c);
		return CRYPTO;
	}
	*ret_self = c;
	return OK;
}

static enum eap_server_state fail(struct conversation *c)
{
	c->phase = FAILED;
	return METHOD_FAILED;
}

static enum eap_server_state malformed(struct conversation *c, const char *detail)
{
	diagnosis_set(&c->why, DIAG_MALFORMED);
	diagnosis_add(&c->why, "what", "EAP-MSCHAPv2");
	diagnosis_add(&c->why, "detail", "%s", detail);
	return fail(c);
}

static bool same_user(struct slice a, struct slice b)
{
	a = mschap_user(a);
	b = mschap_user(b);
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.len) == 0);
}

static enum eap_server_state hear_response(struct conversation *c, const struct mschapv2_packet *p)
{
	struct password_check *check = &c->check;

	if (p->op != MSCHAPV2_RESPONSE || p->id != c->id)
		return malformed(c, "something else than the response to the challenge");
	if (c->why.id != DIAG_NONE)
		return fail(c);
	if (!same_user(p->text, bytes_slice(&check->account)))
		return malformed(c, "the response is of another name than the identity");
	memcpy(check->peer_challenge, p->challenge, sizeof check->peer_challenge);
	memcpy(check->response, p->nt_response, sizeof check->response);
	if (bytes_set(&check->name, p->text) != OK) {
		diagnosis_say(&c->why, DIAG_INTERNAL, "out of memory");
		return fail(c);
	}
	(void)password_check_ask(check);
	c->phase = ASKING;
	return METHOD_ASKS;
}

static enum eap_server_state hear_last(struct conversation *c, const struct mschapv2_packet *p)
{
	if (c->phase == PROVING && p->op == MSCHAPV2_SUCCESS) {
		c->phase = SUCCEEDED;
		return METHOD_SUCCEEDED;
	}
	if (c->phase == PROVING) {
		password_check_explain(&c->check, DIAG_ACCOUNT_PROOF);
		c->why = c->check.why;
	}
	return fail(c);
}

static enum eap_server_state server_process(void *self, const struct eap_packet *response,
					    struct moment now)
{
	struct conversation *c = self;
	struct mschapv2_packet packet;
	enum status status = mschapv2_packet_parse(response->data, &packet);

	(void)now;
	if (status == UNSUPPORTED) {
		password_check_explain(&c->check, DIAG_ACCOUNT_CHANGE);
		c->why = c->check.why;
		return fail(c);
	}
	if (status != OK)
		return malformed(c, "a length, or an operation, that there is not");
	switch (c->phase) {
	case CHALLENGING:
		return hear_response(c, &packet);
	case RETRYING:
		/* A peer that does not want to try again says so by a Failure. */
		return packet.op == MSCHAPV2_RESPONSE ? hear_response(c, &packet)
						      : hear_last(c, &packet);
	case PROVING:
	case REFUSING:
		return hear_last(c, &packet);
	case ASKING:
	case SUCCEEDED:
	case FAILED:
		break;
	}
	return fail(c);
}

static const struct eap_question *server_question(const void *self)
{
	const struct conversation *c = self;

	return &c->check.question;
}

static enum eap_server_state server_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct conversation *c = self;

	(void)now;
	if (c->phase != ASKING)
		return fail(c);
	if (password_check_answer(&c->check, c->context->mschap, reply)) {
		diagnosis_set(&c->why, DIAG_NONE);
		c->phase = PROVING;
		return METHOD_GOES_ON;
	}
	c->phase = REFUSING;
	if (c->tries < c->context->retries && c->tries < MSCHAPV2_RETRIES_MAX &&
	    random_bytes(c->check.challenge, sizeof c->check.challenge) == OK) {
		c->tries++;
		c->phase = RETRYING;
	} else {
		c->why = c->check.why;
	}
	return METHOD_GOES_ON;
}

/* All refusals say the same, whatever the reason: RFC 2759, section 6. */
static void build_failure(struct conversation *c, struct mschapv2_packet *packet, struct wr *w)
{
	struct mschap_error error = { .code = MSCHAP_AUTHENTICATION_FAILURE,
				      .retry = c->phase == RETRYING,
				      .has_challenge = true,
				      .version = 3 };
	uint8_t text[128];
	struct wr t = wr_of(text, sizeof text);

	memcpy(error.challenge, c->check.challenge, sizeof error.challenge);
	mschap_error_build(&t, &error);
	packet->op = MSCHAPV2_FAILURE;
	packet->text = wr_done(&t);
	mschapv2_packet_build(w, packet);
	if (c->phase == RETRYING)
		c->id++;
}

static void server_build(void *self, struct wr *w)
{
	struct conversation *c = self;
	struct mschapv2_packet packet = { .id = c->id };

	switch (c->phase) {
	case CHALLENGING:
		packet.op = MSCHAPV2_CHALLENGE;
		memcpy(packet.challenge, c->check.challenge, sizeof packet.challenge);
		packet.text = slice_str(c->context->name);
		mschapv2_packet_build(w, &packet);
		break;
	case PROVING:
		packet.op = MSCHAPV2_SUCCESS;
		packet.text = slice_of(c->check.proof, sizeof c->check.proof);
		mschapv2_packet_build(w, &packet);
		break;
	case REFUSING:
	case RETRYING:
		build_failure(c, &packet, w);
		break;
	case ASKING:
	case SUCCEEDED:
	case FAILED:
		break;
	}
}

/* Section 3 of the draft: both keys, and zeros up to the size of an MSK. */
static bool server_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct conversation *c = self;
	uint8_t msk[EAP_MSK_SIZE] = { 0 };
	bool taken = false;

	if (c->phase == SUCCEEDED) {
		memcpy(msk, c->check.keys, sizeof c->check.keys);
		taken = secret_set(&ret_keys->msk, slice_of(msk, sizeof msk)) == OK;
	}
	explicit_bzero(msk, sizeof msk);
	return taken;
}

static const struct diagnosis *server_diagnosis(const void *self)
{
	const struct conversation *c = self;

	/* A peer that falls silent over the challenge of a retry was refused before. */
	return c->why.id == DIAG_NONE && c->phase == RETRYING ? &c->check.why : &c->why;
}

static const char *server_stage(const void *self)
{
	static const char *const stages[] = {
		[CHALLENGING] = "MS-CHAPv2 challenge",
		[ASKING] = "MS-CHAPv2 response",
		[PROVING] = "MS-CHAPv2 success",
		[REFUSING] = "MS-CHAPv2 failure",
		[RETRYING] = "MS-CHAPv2 retry",
		[SUCCEEDED] = "success",
		[FAILED] = "failure",
	};
	const struct conversation *c = self;

	return stages[c->phase];
}

const struct eap_server_method mschapv2_server_method = {
	.name = "EAP-MSCHAPv2",
	.type = { .vendor = 0, .type = EAP_TYPE_MSCHAPV2 },
	.inner_only = true,
	.init = server_init,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.build = server_build,
	.take_keys = server_take_keys,
	.diagnosis = server_diagnosis,
	.stage = server_stage,
	.free = server_free,
};
