#include "method/ttls_server.h"

#include <openssl/crypto.h>

#include <string.h>

#include "method/inner_server.h"
#include "method/tls_keys.h"
#include "method/ttls_avp.h"

enum phase {
	WAITING,  /* for the peer's first AVPs */
	CHECKING, /* a password: asked */
	TALKING,  /* EAP */
	ADMITTING,
	PROVING, /* MS-CHAP2-Success, which the peer acknowledges */
};

struct conversation {
	const struct ttls_server_context *context;
	struct tunnel_server *tunnel;
	enum phase phase;
	struct password_check check;
	uint8_t id; /* of MS-CHAP2-Success */
	struct inner_server inner;
	const struct eap_question *question;
	struct diagnosis why;
};

/* What one flight holds. */
struct flight {
	struct slice name, password, chap, chap_challenge;
	struct slice ms_challenge, ms_response, ms2_response;
	struct bytes eap;
	bool has_password, has_eap;
	unsigned proofs; /* of any kind */
};

static void inside_free(void *self)
{
	struct conversation *c = self;

	password_check_done(&c->check);
	inner_server_done(&c->inner);
	free(c);
}

static enum status inside_init(void *context, struct tunnel_server *tunnel,
			       const struct eap_server_about *about, void **ret_self)
{
	struct conversation *c = calloc(1, sizeof *c);

	(void)about;
	if (!c)
		return NO_MEMORY;
	c->context = context;
	c->tunnel = tunnel;
	c->phase = WAITING;
	inner_server_init(&c->inner, c->context->eap, tunnel_server_binding(tunnel), TTLS_EAP_MTU);
	*ret_self = c;
	return OK;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static enum eap_server_state malformed(struct conversation *c, const char *detail)
{
	diagnosis_set(&c->why, DIAG_MALFORMED);
	diagnosis_add(&c->why, "what", "EAP-TTLS");
	diagnosis_add(&c->why, "detail", "%s", detail);
	return METHOD_FAILED;
}

static enum eap_server_state internal(struct conversation *c)
{
	diagnosis_say(&c->why, DIAG_INTERNAL, "out of memory");
	return METHOD_FAILED;
}

static enum eap_server_state refuse(struct conversation *c, enum diagnosis_id id, const char *inner)
{
	diagnosis_set(&c->why, id);
	diagnosis_add(&c->why, "inner", "%s", inner);
	diagnosis_add(&c->why, "method", "EAP-TTLS");
	return METHOD_FAILED;
}

static enum eap_server_state ask_admission(struct conversation *c)
{
	c->phase = ADMITTING;
	c->question = tunnel_server_ask_admission(c->tunnel, inner_server_enrolled(&c->inner),
						  inner_server_missed(&c->inner));
	return METHOD_ASKS;
}

/* ---- AVPs ----------------------------------------------------------------------------------- */

static enum status take_avp(struct flight *f, const struct ttls_avp *avp, bool *ret_known)
{
	const struct {
		uint32_t vendor, code;
		struct slice *to;
		bool proof;
	} known[] = {
		{ 0, TTLS_USER_NAME, &f->name, false },
		{ 0, TTLS_USER_PASSWORD, &f->password, true },
		{ 0, TTLS_CHAP_PASSWORD, &f->chap, true },
		{ 0, TTLS_CHAP_CHALLENGE, &f->chap_challenge, false },
		{ TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP_CHALLENGE, &f->ms_challenge, false },
		{ TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP_RESPONSE, &f->ms_response, true },
		{ TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP2_RESPONSE, &f->ms2_response, true },
	};

	*ret_known = true;
	if (ttls_avp_is(avp, 0, TTLS_EAP_MESSAGE)) {
		f->proofs += !f->has_eap;
		f->has_eap = true;
		return bytes_append(&f->eap, avp->data, TTLS_EAP_MTU);
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (!ttls_avp_is(avp, known[i].vendor, known[i].code))
			continue;
		if (known[i].to->p)
			return MALFORMED; /* twice */
		*known[i].to = avp->data;
		f->proofs += known[i].proof;
		return OK;
	}
	*ret_known = false;
	return OK;
}

/* Section 10.1: who does not understand an AVP with the M bit "must fail the negotiation". */
static bool understood(struct conversation *c, const struct ttls_avp *avp, bool known)
{
	if (known || !avp->mandatory)
		return true;
	diagnosis_set(&c->why, DIAG_INNER_AVP);
	diagnosis_add(&c->why, "code", "vendor %u, AVP %u", (unsigned)avp->vendor,
		      (unsigned)avp->code);
	return false;
}

static bool read_flight(struct conversation *c, struct slice data, struct flight *f)
{
	struct rd r = rd_of(data);
	unsigned count = 0;

	while (r.left > 0) {
		struct ttls_avp avp;
		bool known;

		if (count++ == TTLS_AVPS_MAX || ttls_avp_next(&r, &avp) != OK ||
		    take_avp(f, &avp, &known) != OK) {
			malformed(c, "AVPs that are cut off, too many, or come twice");
			return false;
		}
		if (!understood(c, &avp, known))
			return false;
	}
	return true;
}

/* ---- passwords ------------------------------------------------------------------------------ */

/* Section 11.2.5: filled up with zeros, to hide its length. */
static struct slice without_padding(struct slice password)
{
	while (password.len > 0 && password.p[password.len - 1] == '\0')
		password.len--;
	return password;
}

static enum eap_server_state take_pap(struct conversation *c, const struct flight *f)
{
	struct slice typed = without_padding(f->password);

	if (typed.len > PASSWORD_TYPED_MAX)
		return malformed(c, "a password that is too long");
	return secret_set(&c->check.typed, typed) == OK ? METHOD_ASKS : internal(c);
}

/* The peer repeats the challenge, which both know; the identifier is the octet after it. */
static bool is_challenge(struct conversation *c, size_t len, struct slice heard, uint8_t id)
{
	uint8_t challenge[CHAP_CHALLENGE_SIZE + 1];
	bool same =
		tls_implicit_challenge(tunnel_server_conn(c->tunnel), challenge, len + 1) == OK &&
		heard.len == len && CRYPTO_memcmp(heard.p, challenge, len) == 0 &&
		challenge[len] == id;

	memcpy(c->check.challenge, challenge, len);
	c->check.id = c->id = id;
	return same;
}

static enum eap_server_state take_chap(struct conversation *c, const struct flight *f)
{
	struct rd r = rd_of(f->chap);
	uint8_t id = rd_u8(&r);
	struct slice response = rd_bytes(&r, CHAP_RESPONSE_SIZE);

	if (!rd_done(&r) || !is_challenge(c, CHAP_CHALLENGE_SIZE, f->chap_challenge, id))
		return malformed(c, "CHAP with another challenge than the tunnel's");
	memcpy(c->check.response, response.p, response.len);
	return METHOD_ASKS;
}

#define MS_CHAP_NT 0x01 /* of the flags: the NT response is to be used; RFC 2548, section 2.1.3 */

static enum eap_server_state take_mschap(struct conversation *c, const struct flight *f)
{
	struct rd r = rd_of(f->ms_response);
	uint8_t id = rd_u8(&r), flags = rd_u8(&r);
	struct slice response;

	rd_bytes(&r, MSCHAP_RESPONSE_SIZE); /* of LAN Manager, which nobody should still have */
	response = rd_bytes(&r, MSCHAP_RESPONSE_SIZE);
	if (!rd_done(&r) || !(flags & MS_CHAP_NT) ||
	    !is_challenge(c, MSCHAP_CHALLENGE_SIZE, f->ms_challenge, id))
		return malformed(c, "MS-CHAP with another challenge than the tunnel's");
	memcpy(c->check.response, response.p, response.len);
	return METHOD_ASKS;
}

static enum eap_server_state take_mschapv2(struct conversation *c, const struct flight *f)
{
	struct rd r = rd_of(f->ms2_response);
	uint8_t id = rd_u8(&r);
	struct slice peer_challenge, response;

	rd_u8(&r); /* flags */
	peer_challenge = rd_bytes(&r, MSCHAPV2_CHALLENGE_SIZE);
	rd_bytes(&r, 8); /* reserved */
	response = rd_bytes(&r, MSCHAP_RESPONSE_SIZE);
	if (!rd_done(&r) || !is_challenge(c, MSCHAPV2_CHALLENGE_SIZE, f->ms_challenge, id))
		return malformed(c, "MS-CHAPv2 with another challenge than the tunnel's");
	memcpy(c->check.peer_challenge, peer_challenge.p, peer_challenge.len);
	memcpy(c->check.response, response.p, response.len);
	return bytes_set(&c->check.name, f->name) == OK ? METHOD_ASKS : internal(c);
}

static const struct {
	const char *name;
	enum eap_server_state (*take)(struct conversation *c, const struct flight *f);
} kinds[] = {
	[PASSWORD_PAP] = { "PAP", take_pap },
	[PASSWORD_CHAP] = { "CHAP", take_chap },
	[PASSWORD_MSCHAP] = { "MSCHAP", take_mschap },
	[PASSWORD_MSCHAPV2] = { "MSCHAPv2", take_mschapv2 },
};

static enum eap_server_state take_password(struct conversation *c, const struct flight *f,
					   enum password_kind kind)
{
	enum eap_server_state state;

	if (!(c->context->passwords & 1u << kind))
		return refuse(c, DIAG_INNER_METHOD, kinds[kind].name);
	c->check.kind = kind;
	c->check.method = kinds[kind].name;
	if (!password_check_account(&c->check, f->name)) {
		c->why = c->check.why;
		return METHOD_FAILED;
	}
	state = kinds[kind].take(c, f);
	if (state == METHOD_ASKS) {
		c->phase = CHECKING;
		c->question = password_check_ask(&c->check);
	}
	return state;
}

static enum eap_server_state checked(struct conversation *c, const struct eap_reply *reply)
{
	if (!password_check_answer(&c->check, c->context->mschap, reply)) {
		c->why = c->check.why;
		return METHOD_FAILED;
	}
	if (tunnel_server_proved(c->tunnel, bytes_slice(&c->check.account), c->check.method,
				 NULL) != OK)
		return internal(c);
	return ask_admission(c);
}

/* Section 11.2.4: the identifier, then "S=..." */
static enum eap_server_state prove(struct conversation *c)
{
	uint8_t value[1 + MSCHAPV2_PROOF_SIZE], out[64];
	struct wr w = wr_of(out, sizeof out);
	struct ttls_avp avp = {
		TTLS_MS_CHAP2_SUCCESS, TTLS_VENDOR_MICROSOFT, true, { value, sizeof value }
	};

	value[0] = c->id;
	memcpy(value + 1, c->check.proof, sizeof c->check.proof);
	ttls_avp_build(&w, &avp);
	tunnel_server_send_ticket(c->tunnel);
	tunnel_server_send(c->tunnel, wr_done(&w));
	c->phase = PROVING;
	return METHOD_GOES_ON;
}

/* ---- EAP ------------------------------------------------------------------------------------ */

static enum eap_server_state talked(struct conversation *c, enum eap_server_state state,
				    struct slice request)
{
	uint8_t out[TTLS_EAP_MTU + 16];
	struct wr w = wr_of(out, sizeof out);
	const struct ttls_avp avp = { TTLS_EAP_MESSAGE, 0, true, request };

	switch (state) {
	case METHOD_GOES_ON:
		ttls_avp_build(&w, &avp);
		/* Of no use to the peer before the end; there it would be a message without data,
		 * which some peers take for a new beginning. */
		tunnel_server_send_ticket(c->tunnel);
		tunnel_server_send(c->tunnel, wr_done(&w));
		break;
	case METHOD_ASKS:
		c->question = inner_server_question(&c->inner);
		break;
	case METHOD_SUCCEEDED:
		if (tunnel_server_proved(c->tunnel, inner_server_account(&c->inner),
					 inner_server_method(&c->inner)->name,
					 inner_server_claim(&c->inner)) != OK)
			return internal(c);
		return ask_admission(c);
	case METHOD_FAILED:
		c->why = *inner_server_diagnosis(&c->inner);
		break;
	}
	return state;
}

static enum eap_server_state talk(struct conversation *c, const struct flight *f, struct moment now)
{
	enum eap_server_state state;
	struct slice request;

	if (!c->context->eap)
		return refuse(c, DIAG_INNER_METHOD, "EAP");
	c->phase = TALKING;
	state = inner_server_feed(&c->inner, bytes_slice(&f->eap), now, &request);
	return talked(c, state, request);
}

/* ---- flights -------------------------------------------------------------------------------- */

static enum eap_server_state first_flight(struct conversation *c, const struct flight *f,
					  struct moment now)
{
	if (f->proofs == 0)
		return refuse(c, DIAG_INNER_NOTHING, "nothing");
	if (f->proofs > 1)
		return malformed(c, "several ways to prove who it is at once");
	if (f->has_eap)
		return talk(c, f, now);
	if (f->password.p)
		return take_password(c, f, PASSWORD_PAP);
	if (f->chap.p)
		return take_password(c, f, PASSWORD_CHAP);
	return take_password(c, f, f->ms_response.p ? PASSWORD_MSCHAP : PASSWORD_MSCHAPV2);
}

static enum eap_server_state inside_process(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;
	struct flight f = { 0 };
	enum eap_server_state state = METHOD_FAILED;

	if (read_flight(c, data, &f)) {
		switch (c->phase) {
		case WAITING:
			state = first_flight(c, &f, now);
			break;
		case TALKING:
			state = f.has_eap && f.proofs == 1
					? talk(c, &f, now)
					: malformed(c, "no EAP in the middle of it");
			break;
		case PROVING:
			state = data.len == 0 ? METHOD_SUCCEEDED
					      : malformed(c, "more after the end of MS-CHAPv2");
			break;
		case CHECKING:
		case ADMITTING:
			state = malformed(c, "a flight while a question waits");
			break;
		}
	}
	bytes_done(&f.eap);
	return state;
}

/* The peer begins, perhaps along with its Finished; in a resumption it need not (section 7.1). */
static enum eap_server_state inside_begin(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;

	if (data.len > 0)
		return inside_process(c, data, now);
	return tunnel_server_resumed(c->tunnel) ? ask_admission(c) : METHOD_GOES_ON;
}

static enum eap_server_state admitted(struct conversation *c, const struct eap_reply *reply)
{
	static const uint8_t success = 0;

	if (!reply->accept) {
		diagnosis_set(&c->why, DIAG_PEER_DENIED);
		if (reply->why && reply->why->id != DIAG_NONE)
			c->why = *reply->why;
		return METHOD_FAILED;
	}
	if (c->check.kind == PASSWORD_MSCHAPV2 && c->check.account.len > 0)
		return prove(c);
	/* RFC 9427, section 4: a resumption ends with the success indication of RFC 9190. */
	if (tunnel_server_resumed(c->tunnel) &&
	    tls_conn_version(tunnel_server_conn(c->tunnel)) >= TLS_1_3) {
		tunnel_server_send_ticket(c->tunnel);
		tunnel_server_send(c->tunnel, slice_of(&success, 1));
	}
	return METHOD_SUCCEEDED;
}

static const struct eap_question *inside_question(const void *self)
{
	const struct conversation *c = self;

	return c->question;
}

static enum eap_server_state inside_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct conversation *c = self;
	enum eap_server_state state;
	struct slice request;

	switch (c->phase) {
	case CHECKING:
		return checked(c, reply);
	case ADMITTING:
		return admitted(c, reply);
	case TALKING:
		state = inner_server_answer(&c->inner, reply, now, &request);
		return talked(c, state, request);
	case WAITING:
	case PROVING:
		break;
	}
	return malformed(c, "an answer without a question");
}

static const struct diagnosis *inside_diagnosis(const void *self)
{
	const struct conversation *c = self;

	return &c->why;
}

static const char *inside_stage(const void *self)
{
	const struct conversation *c = self;

	switch (c->phase) {
	case WAITING:
		return "beginning of what is inside";
	case CHECKING:
		return "password";
	case TALKING:
		return inner_server_stage(&c->inner);
	case ADMITTING:
		return "admission";
	case PROVING:
		break;
	}
	return "MS-CHAPv2 success";
}

static const struct tunnel_inside inside = {
	.name = "EAP-TTLS",
	.type = EAP_TYPE_TTLS,
	.peer_first = true,
	.init = inside_init,
	.begin = inside_begin,
	.process = inside_process,
	.question = inside_question,
	.answer = inside_answer,
	.diagnosis = inside_diagnosis,
	.stage = inside_stage,
	.free = inside_free,
};

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	return tunnel_server_new(&inside, context, about, ret_self);
}

const struct eap_server_method ttls_server_method = { TUNNEL_SERVER_METHOD(
	"EAP-TTLS", EAP_TYPE_TTLS, server_init) };
