#include "tests/fuzz/cprom_ends.h"

#include <assert.h>

#include "enrol/cprom_tlv.h"
#include "tests/cprom_duo.h"
#include "tests/fuzz/meddle.h"

static struct meddler meddler;
static bool change_requests;

/* ---- TLVs ----------------------------------------------------------------------------------- */

static void put(struct wr *w, uint8_t type, struct slice value)
{
	wr_u8(w, type);
	wr_u24(w, (uint32_t)value.len);
	wr_bytes(w, value);
}

/* Before the nth, or at the end: left out, twice, with another value, one more. */
static void reform(struct bytes *message, unsigned what, size_t at, struct slice with)
{
	static uint8_t out[1 << 17];
	struct wr w = wr_of(out, sizeof out);
	struct rd r = rd_of(bytes_slice(message));
	uint8_t head = rd_u8(&r), type;
	struct slice value;
	bool done = false;

	if (head & (CPROM_JUMBO | CPROM_MORE))
		return;
	wr_u8(&w, head);
	for (size_t n = 0; cprom_tlv_next(&r, &type, &value); n++) {
		bool here = n == at % 16;

		if (here && what == 3)
			put(&w, (uint8_t)(at >> 8), with);
		if (!here || what != 0)
			put(&w, type, here && what == 2 ? with : value);
		if (here && what == 1)
			put(&w, type, value);
		done = done || here;
	}
	if (!done && what == 3)
		put(&w, (uint8_t)(at >> 8), with);
	assert(wr_ok(&w));
	meddle_replace(message, 0, message->len, wr_done(&w));
}

static void tamper(struct cprom_duo *d, bool request, struct bytes *data)
{
	(void)d;
	if (request == change_requests)
		meddle(&meddler, data);
}

/* ---- what is enrolled ----------------------------------------------------------------------- */

/* Made once: the factory's certificate as the tunnel has it. */
static const struct tls_claim *factory_claim(struct cprom_duo *d)
{
	static struct tls_claim claim;
	static struct bytes row;

	if (row.len == 0)
		cduo_claim(d, &d->factory, &claim, &row);
	return &claim;
}

static void set_credentials(struct cprom_duo *d, bool certificates, uint8_t how, uint8_t what)
{
	static const enum enrol_action actions[] = { ENROL_REGISTER, ENROL_REGISTER, ENROL_RENEW,
						     ENROL_REMOVE };
	static const enum enrol_credential secrets[] = { ENROL_PASSWORD, ENROL_SYMMETRIC };
	struct cprom_credential *first = &d->credentials[0], *second = &d->credentials[1];

	first->type = certificates ? ENROL_X509 : secrets[how & 1];
	first->action = actions[what & 3];
	first->id = first->action == ENROL_REGISTER ? slice_of(NULL, 0) : slice_str("m-0001");
	first->cert = certificates && first->action != ENROL_REGISTER ? d->old.cert : NULL;
	first->key = first->cert ? d->old.key : NULL;
	*second = *first;
	second->name = "wifi";
	second->type = secrets[!(how & 1)];
	second->action = ENROL_REGISTER;
	second->cert = NULL;
	second->key = NULL;
	second->id = slice_of(NULL, 0);
	d->peer_settings.credential_count = what & 4 ? 2 : 1;
	d->grant.credentials = 1u << first->type | 1u << second->type;
}

static void set_policy(struct cprom_duo *d, uint8_t how)
{
	d->policy.validate = how & 2;
	d->mtu = how & 4 ? 120 : 65000;
	d->policy.password.flags = d->policy.symmetric.flags = (how >> 3) & 3;
	d->peer_settings.bare_challenges = d->policy.bare_challenges = how & 32;
	d->peer_settings.mud_url = how & 64 ? "https://example.org/lamp.json" : NULL;
	d->credentials[0].profile = how & 128 ? "lamps" : NULL;
}

static void set_authorisation(struct cprom_duo *d, bool certificates, uint8_t what)
{
	struct cprom_token *token = &d->peer_settings.token;

	d->refuse = what >> 5 ? 1u << (what >> 5 & 7) >> 1 : 0;
	d->server_tunnel.claim = NULL;
	token->kind = what & 8 ? CPROM_NO_TOKEN : CPROM_TOKEN;
	if (what & 8)
		d->server_tunnel.claim = factory_claim(d);
	if (certificates && d->credentials[0].cert) {
		token->kind = CPROM_NO_TOKEN;
		d->server_tunnel.claim = factory_claim(d);
	}
	if (what & 16) {
		token->kind = CPROM_TOKEN_JWT;
		token->text = slice_str("a.b.c");
	}
}

static void judge(const struct cprom_duo *d)
{
	assert(d->packets <= 2000);
	for (size_t i = 0; i < 4; i++)
		assert(!d->shelves[i].put && !d->shelves[i].pending);
	if (d->end == METHOD_FAILED)
		assert(cprom_server_method.diagnosis(d->server)->id != DIAG_NONE);
	if (d->verdict.methodState == METHOD_DONE && d->verdict.decision == FAIL)
		assert(cprom_peer_method.diagnosis(d->peer)->id != DIAG_NONE);
}

void cprom_ends_play(struct slice input, bool certificates, bool requests)
{
	static struct cprom_duo duo;
	struct rd r = rd_of(input);
	uint8_t how = rd_u8(&r), what = rd_u8(&r);
	char text[2000];

	if (!duo.root.cert) {
		cduo_init(&duo);
		duo.make_key = "Ed25519";
	}
	set_credentials(&duo, certificates, how, what);
	set_policy(&duo, how);
	set_authorisation(&duo, certificates, what);
	change_requests = requests;
	meddler = meddler_of(rd_rest(&r));
	meddler.reform = reform;
	duo.tamper = tamper;
	cduo_run(&duo);
	judge(&duo);
	cduo_events(&duo, text, sizeof text);
}
