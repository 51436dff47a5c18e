#include "method/peap_server.h"

#include <openssl/crypto.h>

#include <string.h>

#include "base/random.h"
#include "method/inner_server.h"
#include "method/peap_tlv.h"
#include "method/tls_keys.h"

#define EAP_HEADER_SIZE 4

enum phase {
	TALKING, /* EAP */
	ADMITTING,
	TELLING, /* a Result TLV; the peer answers with its own */
};

struct conversation {
	const struct peap_server_context *context;
	struct tunnel_server *tunnel;
	enum phase phase;
	struct inner_server inner;
	const struct eap_question *question;
	uint8_t id; /* of our last packet inside */
	bool good;  /* what is told */
	bool resumed;
	struct peap_binding binding; /* ours */
	struct peap_keys keys;
	bool bound; /* the peer has proved it */
	struct diagnosis why;
};

static void inside_free(void *self)
{
	struct conversation *c = self;

	inner_server_done(&c->inner);
	explicit_bzero(&c->keys, sizeof c->keys);
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
	inner_server_init(&c->inner, c->context->eap, tunnel_server_binding(tunnel), PEAP_EAP_MTU);
	*ret_self = c;
	return OK;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static enum eap_server_state fail(struct conversation *c, enum diagnosis_id id, const char *detail)
{
	diagnosis_set(&c->why, id);
	if (id == DIAG_MALFORMED)
		diagnosis_add(&c->why, "what", "PEAP");
	if (id == DIAG_INNER_NOTHING)
		diagnosis_add(&c->why, "method", "PEAP");
	diagnosis_add(&c->why, "detail", "%s", detail);
	return METHOD_FAILED;
}

static enum eap_server_state ask_admission(struct conversation *c)
{
	c->phase = ADMITTING;
	c->question = tunnel_server_ask_admission(c->tunnel, inner_server_enrolled(&c->inner),
						  inner_server_missed(&c->inner));
	return METHOD_ASKS;
}

/* ---- the result ----------------------------------------------------------------------------- */

/* The keys of the crypto-binding: of the tunnel and what ran inside of it. */
static enum status derive_binding(struct conversation *c)
{
	uint8_t material[TLS_KEY_MATERIAL_SIZE], isk[PEAP_ISK_SIZE] = { 0 };
	struct eap_keys inner = { 0 };
	enum status status =
		tls_key_material(tunnel_server_conn(c->tunnel), EAP_TYPE_PEAP, material);

	if (inner_server_take_keys(&c->inner, &inner) && inner.msk.len >= sizeof isk)
		memcpy(isk, inner.msk.p, sizeof isk);
	if (status == OK)
		status = peap_keys_derive(material, c->resumed ? NULL : isk, &c->keys);
	eap_keys_done(&inner);
	explicit_bzero(isk, sizeof isk);
	explicit_bzero(material, sizeof material);
	return status;
}

static enum status make_binding(struct conversation *c)
{
	enum status status = derive_binding(c);

	c->binding = (struct peap_binding){ .kind = PEAP_BINDING_REQUEST };
	if (status == OK && random_bytes(c->binding.nonce, sizeof c->binding.nonce) != OK)
		status = CRYPTO;
	return status == OK ? peap_binding_mac(&c->keys, &c->binding, c->binding.mac) : status;
}

static enum eap_server_state tell(struct conversation *c, bool good)
{
	struct peap_extensions x = { .result = good ? PEAP_RESULT_SUCCESS : PEAP_RESULT_FAILURE };
	uint8_t out[128];
	struct wr w = wr_of(out, sizeof out);
	size_t mark;

	c->good = good;
	c->phase = TELLING;
	if (good && c->context->binding != PEAP_BINDING_OFF) {
		if (make_binding(c) != OK)
			return fail(c, DIAG_INTERNAL, "the crypto-binding could not be computed");
		x.bound = true;
		x.binding = c->binding;
	}
	mark = eap_packet_open(&w, EAP_REQUEST, ++c->id, eap_type(EAP_TYPE_EXTENSIONS), false);
	peap_extensions_build(&w, &x);
	eap_packet_close(&w, mark);
	/* It is of no use to the peer before its answer was right. */
	if (good)
		tunnel_server_send_ticket(c->tunnel);
	tunnel_server_send(c->tunnel, wr_done(&w));
	return METHOD_GOES_ON;
}

static bool binding_is_right(struct conversation *c, const struct peap_binding *b)
{
	uint8_t mac[PEAP_MAC_SIZE];

	return b->kind == PEAP_BINDING_RESPONSE && b->version == 0 &&
	       CRYPTO_memcmp(b->nonce, c->binding.nonce, sizeof b->nonce) == 0 &&
	       peap_binding_mac(&c->keys, b, mac) == OK &&
	       CRYPTO_memcmp(mac, b->mac, sizeof mac) == 0;
}

/* Draft, section 3.2: it counts as success only if both have said so. */
static enum eap_server_state hear_result(struct conversation *c, struct slice data)
{
	struct eap_packet packet;
	struct peap_extensions x;

	if (!peap_inner_is_whole(data, EAP_RESPONSE) || eap_packet_parse(data, &packet) != OK ||
	    peap_extensions_parse(packet.data, &x) != OK)
		return c->good ? fail(c, DIAG_MALFORMED, "no Result TLV where one is due")
			       : METHOD_FAILED;
	if (!c->good)
		return METHOD_FAILED;
	if (x.result != PEAP_RESULT_SUCCESS || x.unknown)
		return fail(c, DIAG_INNER_RESULT, "its Result TLV says failure");
	if (c->context->binding == PEAP_BINDING_OFF)
		return METHOD_SUCCEEDED;
	if (!x.bound && c->context->binding == PEAP_BINDING_DEMANDED)
		return fail(c, DIAG_INNER_BINDING, "it sent no Crypto-Binding TLV");
	if (x.bound && !binding_is_right(c, &x.binding))
		return fail(c, DIAG_INNER_BINDING, "its Crypto-Binding TLV is wrong");
	c->bound = x.bound;
	return METHOD_SUCCEEDED;
}

static enum eap_server_state admitted(struct conversation *c, const struct eap_reply *reply)
{
	if (reply->accept)
		return tell(c, true);
	diagnosis_set(&c->why, DIAG_PEER_DENIED);
	if (reply->why && reply->why->id != DIAG_NONE)
		c->why = *reply->why;
	return tell(c, false);
}

/* ---- EAP ------------------------------------------------------------------------------------ */

/* Section 1.1 of the draft: inside, a packet has no Code, Identifier and Length. */
static void send_inner(struct conversation *c, struct slice request)
{
	struct rd r = rd_of(request);

	rd_u8(&r);
	c->id = rd_u8(&r);
	rd_u16(&r);
	tunnel_server_send(c->tunnel, rd_rest(&r));
}

static enum eap_server_state talked(struct conversation *c, enum eap_server_state state,
				    struct slice request)
{
	switch (state) {
	case METHOD_GOES_ON:
		send_inner(c, request);
		return METHOD_GOES_ON;
	case METHOD_ASKS:
		c->question = inner_server_question(&c->inner);
		return METHOD_ASKS;
	case METHOD_SUCCEEDED:
		if (tunnel_server_proved(c->tunnel, inner_server_account(&c->inner),
					 inner_server_method(&c->inner)->name,
					 inner_server_claim(&c->inner)) != OK)
			return fail(c, DIAG_INTERNAL, "out of memory");
		return ask_admission(c);
	case METHOD_FAILED:
		break;
	}
	c->why = *inner_server_diagnosis(&c->inner);
	return tell(c, false);
}

static enum eap_server_state talk(struct conversation *c, struct slice data, struct moment now)
{
	uint8_t packet[EAP_HEADER_SIZE + PEAP_EAP_MTU];
	struct wr w = wr_of(packet, sizeof packet);
	enum eap_server_state state;
	struct slice request;

	if (data.len == 0)
		return fail(c, DIAG_INNER_NOTHING, "an acknowledgement in place of an answer");
	wr_u8(&w, EAP_RESPONSE);
	wr_u8(&w, c->id);
	wr_u16(&w, (uint16_t)(EAP_HEADER_SIZE + data.len));
	wr_bytes(&w, data);
	if (!wr_ok(&w))
		return fail(c, DIAG_MALFORMED, "an inner packet that is too large");
	state = inner_server_feed(&c->inner, wr_done(&w), now, &request);
	return talked(c, state, request);
}

/* ---- what the tunnel calls ------------------------------------------------------------------ */

/* The server speaks first; in a resumption it tells the result at once. */
static enum eap_server_state inside_begin(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;
	enum eap_server_state state;
	struct slice request;

	if (data.len > 0)
		return fail(c, DIAG_MALFORMED, "the peer spoke first");
	c->resumed = tunnel_server_resumed(c->tunnel);
	if (c->resumed)
		return ask_admission(c);
	state = inner_server_feed(&c->inner, data, now, &request);
	return talked(c, state, request);
}

static enum eap_server_state inside_process(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;

	switch (c->phase) {
	case TALKING:
		return talk(c, data, now);
	case TELLING:
		return hear_result(c, data);
	case ADMITTING:
		break;
	}
	return fail(c, DIAG_MALFORMED, "a flight while a question waits");
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

	if (c->phase == ADMITTING)
		return admitted(c, reply);
	state = inner_server_answer(&c->inner, reply, now, &request);
	return talked(c, state, request);
}

/* [MS-PEAP], section 3.1.5.5: with crypto-binding the keys come from it. */
static enum status inside_derive(void *self, struct eap_keys *keys)
{
	struct conversation *c = self;
	uint8_t csk[PEAP_CSK_SIZE];
	enum status status;

	if (!c->bound)
		return OK;
	status = peap_session_keys(&c->keys, csk);
	if (status == OK)
		status = secret_set(&keys->msk, slice_of(csk, EAP_MSK_SIZE));
	if (status == OK)
		status = secret_set(&keys->emsk, slice_of(csk + EAP_MSK_SIZE, EAP_MSK_SIZE));
	explicit_bzero(csk, sizeof csk);
	return status;
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
	case TALKING:
		return inner_server_stage(&c->inner);
	case ADMITTING:
		return "admission";
	case TELLING:
		break;
	}
	return "result";
}

static const struct tunnel_inside inside = {
	.name = "PEAP",
	.type = EAP_TYPE_PEAP,
	.apart = true,
	.init = inside_init,
	.begin = inside_begin,
	.process = inside_process,
	.question = inside_question,
	.answer = inside_answer,
	.derive = inside_derive,
	.diagnosis = inside_diagnosis,
	.stage = inside_stage,
	.free = inside_free,
};

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	return tunnel_server_new(&inside, context, about, ret_self);
}

const struct eap_server_method peap_server_method = { TUNNEL_SERVER_METHOD("PEAP", EAP_TYPE_PEAP,
									   server_init) };
