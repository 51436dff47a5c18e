#include "method/gtc_server.h"

#include "method/password_check.h"

#define EAP_TYPE_GTC 6

struct conversation {
	struct password_check check;
	enum eap_server_state state;
	struct diagnosis why;
};

static void server_free(void *self)
{
	struct conversation *c = self;

	if (!c)
		return;
	password_check_done(&c->check);
	free(c);
}

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	struct conversation *c = calloc(1, sizeof *c);

	(void)context;
	if (!c)
		return NO_MEMORY;
	c->check.kind = PASSWORD_PAP;
	c->check.method = gtc_server_method.name;
	c->state = METHOD_GOES_ON;
	/* Who gives no name is asked like everybody, and refused afterwards. */
	if (!password_check_account(&c->check, about->identity))
		c->why = c->check.why;
	*ret_self = c;
	return OK;
}

static enum eap_server_state end(struct conversation *c, enum eap_server_state state)
{
	c->state = state;
	return state;
}

static enum eap_server_state server_process(void *self, const struct eap_packet *response,
					    struct moment now)
{
	struct conversation *c = self;

	(void)now;
	if (c->state != METHOD_GOES_ON || c->why.id != DIAG_NONE)
		return end(c, METHOD_FAILED);
	if (response->data.len > PASSWORD_TYPED_MAX) {
		diagnosis_set(&c->why, DIAG_MALFORMED);
		diagnosis_add(&c->why, "what", "EAP-GTC");
		diagnosis_add(&c->why, "detail", "a password of more than %u octets",
			      PASSWORD_TYPED_MAX);
		return end(c, METHOD_FAILED);
	}
	if (secret_set(&c->check.typed, response->data) != OK) {
		diagnosis_say(&c->why, DIAG_INTERNAL, "out of memory");
		return end(c, METHOD_FAILED);
	}
	(void)password_check_ask(&c->check);
	return end(c, METHOD_ASKS);
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
	if (c->state == METHOD_ASKS && password_check_answer(&c->check, NULL, reply))
		return end(c, METHOD_SUCCEEDED);
	c->why = c->check.why;
	return end(c, METHOD_FAILED);
}

static void server_build(void *self, struct wr *w)
{
	(void)self;
	wr_bytes(w, slice_str("Password: "));
}

static const struct diagnosis *server_diagnosis(const void *self)
{
	const struct conversation *c = self;

	return &c->why;
}

static const char *server_stage(const void *self)
{
	(void)self;
	return "password";
}

const struct eap_server_method gtc_server_method = {
	.name = "EAP-GTC",
	.type = { .vendor = 0, .type = EAP_TYPE_GTC },
	.inner_only = true,
	.init = server_init,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.build = server_build,
	.diagnosis = server_diagnosis,
	.stage = server_stage,
	.free = server_free,
};
