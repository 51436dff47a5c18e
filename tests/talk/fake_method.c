#include "tests/talk/fake_method.h"

#include <string.h>

static void start(void *self, struct moment now)
{
	struct fake_method *fake = self;

	(void)now;
	fake->started++;
	fake->processed = 0;
	fake->keys = false;
	diagnosis_set(&fake->diagnosis, DIAG_NONE);
}

static bool has(const struct eap_packet *request, char what)
{
	return request->data.len > 0 && memchr(request->data.p, what, request->data.len);
}

static bool check(void *self, const struct eap_packet *request)
{
	(void)self;
	return request->data.len > 0 && request->data.p[0] == 'i';
}

static struct eap_verdict process(void *self, const struct eap_packet *request, struct moment now)
{
	struct fake_method *fake = self;
	struct eap_verdict v = { METHOD_CONT, FAIL, true };

	(void)now;
	fake->processed++;
	fake->keys = has(request, 'k');
	fake->too_much = has(request, '!');
	fake->full = has(request, '#');
	if (has(request, 'x'))
		diagnosis_set(&fake->diagnosis, DIAG_TLS_FAILED);

	switch (request->data.len > 0 ? request->data.p[0] : 'c') {
	case 'm':
		v = (struct eap_verdict){ METHOD_MAY_CONT, FAIL, true };
		break;
	case 'M':
		v = (struct eap_verdict){ METHOD_MAY_CONT, COND_SUCC, true };
		break;
	case 'f':
		v = (struct eap_verdict){ METHOD_DONE, FAIL, false };
		break;
	case 'D':
		v = (struct eap_verdict){ METHOD_DONE, COND_SUCC, false };
		break;
	case 'U':
		v = (struct eap_verdict){ METHOD_DONE, UNCOND_SUCC, false };
		break;
	}
	v.allowNotifications = v.allowNotifications && !has(request, 'n');
	return v;
}

void fake_says(struct wr *w, const char *const *says, unsigned n)
{
	while (n-- > 1 && says[1])
		says++;
	wr_bytes(w, slice_str(*says));
}

static void build(void *self, struct wr *w)
{
	struct fake_method *fake = self;

	if (fake->says)
		fake_says(w, fake->says, fake->processed);
	else
		wr_u8(w, (uint8_t)fake->processed);
	while (fake->full && wr_room(w) > 0)
		wr_u8(w, 0xff);
	while (fake->too_much && wr_ok(w))
		wr_u8(w, 0xff);
}

static bool take_keys(void *self, struct eap_keys *ret_keys)
{
	static const uint8_t msk[EAP_MSK_SIZE] = { 'M', 'S', 'K' };
	struct fake_method *fake = self;
	bool took = fake->keys && secret_set(&ret_keys->msk, slice_of(msk, sizeof msk)) == OK;

	fake->keys = false;
	return took;
}

static const struct diagnosis *diagnosis(const void *self)
{
	const struct fake_method *fake = self;

	return &fake->diagnosis;
}

static bool report(const void *self, struct eap_report *ret_report)
{
	(void)self;
	*ret_report = (struct eap_report){ .tls_version = "fake" };
	return true;
}

static const char *stage(const void *self)
{
	const struct fake_method *fake = self;

	return fake->processed > 0 ? "processing" : "started";
}

static void stop(void *self)
{
	struct fake_method *fake = self;

	fake->stopped++;
}

struct eap_peer_offer fake_method_offer(struct fake_method *fake, struct eap_type type)
{
	eap_type_name(type, fake->name, sizeof fake->name);
	fake->method = (struct eap_peer_method){
		.name = fake->name,
		.type = type,
		.start = start,
		.check = check,
		.process = process,
		.build = build,
		.take_keys = take_keys,
		.diagnosis = diagnosis,
		.report = report,
		.stage = stage,
		.stop = stop,
	};
	return (struct eap_peer_offer){ &fake->method, fake };
}
