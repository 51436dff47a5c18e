#include "tests/talk/fake_server_method.h"

#include "tests/talk/fake_method.h"

#include <stdlib.h>
#include <string.h>

/* One conversation. */
struct talk {
	struct fake_server_method *fake;
	unsigned built, processed;
	bool keys, hint, too_much, full;
	bool then_succeeds, then_goes_on, then_lies;
	struct eap_question question;
	struct diagnosis diagnosis;
};

static enum status init(void *context, const struct eap_server_about *about, void **ret_self)
{
	struct fake_server_method *fake = context;
	struct talk *t = fake->cannot_begin ? NULL : calloc(1, sizeof *t);

	printable(about->identity, fake->identity, sizeof fake->identity);
	if (!t)
		return NO_MEMORY;
	t->fake = fake;
	fake->begun++;
	*ret_self = t;
	return OK;
}

static bool has(const struct eap_packet *response, char what)
{
	return response->data.len > 0 && memchr(response->data.p, what, response->data.len);
}

static bool check(void *self, const struct eap_packet *response)
{
	(void)self;
	return response->data.len > 0 && response->data.p[0] == 'i';
}

static enum eap_server_state ask(struct talk *t, enum eap_question_kind kind)
{
	t->question.kind = kind;
	return METHOD_ASKS;
}

static enum eap_server_state process(void *self, const struct eap_packet *response,
				     struct moment now)
{
	struct talk *t = self;

	(void)now;
	t->processed++;
	t->keys = has(response, 'k');
	t->hint = t->hint || has(response, 't');
	t->too_much = has(response, '!');
	t->full = has(response, '#');
	t->then_succeeds = has(response, 'S');
	t->then_goes_on = has(response, 'g');
	t->then_lies = has(response, 'l');
	if (has(response, 'x'))
		diagnosis_set(&t->diagnosis, DIAG_TLS_FAILED);

	switch (response->data.len > 0 ? response->data.p[0] : 'c') {
	case 'a':
		return ask(t, EAP_ASKS_ADMISSION);
	case 'p':
		return ask(t, EAP_ASKS_PASSWORD);
	case 's':
		return METHOD_SUCCEEDED;
	case 'f':
		return METHOD_FAILED;
	}
	return METHOD_GOES_ON;
}

static const struct eap_question *question(const void *self)
{
	const struct talk *t = self;

	return &t->question;
}

static enum eap_server_state answer(void *self, const struct eap_reply *reply, struct moment now)
{
	struct talk *t = self;

	(void)now;
	if (t->question.kind == EAP_ASKS_PASSWORD && reply->accept)
		return ask(t, EAP_ASKS_ADMISSION);
	if (reply->accept)
		return t->then_succeeds ? METHOD_SUCCEEDED : METHOD_GOES_ON;
	if (t->then_lies)
		return METHOD_SUCCEEDED;
	return t->then_goes_on ? METHOD_GOES_ON : METHOD_FAILED;
}

static void build(void *self, struct wr *w)
{
	struct talk *t = self;

	t->built++;
	if (t->fake->says)
		fake_says(w, t->fake->says, t->built);
	else
		wr_u8(w, (uint8_t)t->built);
	while (t->full && wr_room(w) > 0)
		wr_u8(w, 0xff);
	while (t->too_much && wr_ok(w))
		wr_u8(w, 0xff);
}

static msec timeout(const void *self)
{
	const struct talk *t = self;

	return t->hint ? 7000 : 0;
}

static bool take_keys(void *self, struct eap_keys *ret_keys)
{
	static const uint8_t msk[EAP_MSK_SIZE] = { 'M', 'S', 'K' };
	struct talk *t = self;
	bool took = t->keys && secret_set(&ret_keys->msk, slice_of(msk, sizeof msk)) == OK;

	t->keys = false;
	return took;
}

static const struct diagnosis *diagnosis(const void *self)
{
	const struct talk *t = self;

	return &t->diagnosis;
}

static bool report(const void *self, struct eap_report *ret_report)
{
	const struct talk *t = self;

	if (t->processed == 0)
		return false;
	*ret_report = (struct eap_report){ .tls_version = "fake" };
	return true;
}

static const char *stage(const void *self)
{
	const struct talk *t = self;

	return t->processed > 0 ? "processing" : "started";
}

static void free_talk(void *self)
{
	struct talk *t = self;

	t->fake->freed++;
	free(t);
}

struct eap_server_offer fake_server_offer(struct fake_server_method *fake, struct eap_type type)
{
	eap_type_name(type, fake->name, sizeof fake->name);
	fake->method = (struct eap_server_method){
		.name = fake->name,
		.type = type,
		.picks_up = true,
		.init = init,
		.check = check,
		.process = process,
		.question = question,
		.answer = answer,
		.build = build,
		.timeout = timeout,
		.take_keys = take_keys,
		.diagnosis = diagnosis,
		.report = report,
		.stage = stage,
		.free = free_talk,
	};
	return (struct eap_server_offer){ &fake->method, fake };
}
