/* TEAP against a server and a peer that say what they should not, inside of a tunnel that is good.
 */
#include "tests/teap_duo.h"
#include "tests/test.h"

#define SAYS_MAX 6

/* One message: TLVs, and behind them a Crypto-Binding of which an octet is changed. */
struct says {
	const char *tlvs; /* with its length, for it holds NULs */
	size_t len;
	bool binds;
	size_t flips; /* 1 and up: this octet of the Crypto-Binding */
};
#define SAYS(text)                                                                                 \
	{                                                                                          \
		.tlvs = (text), .len = sizeof(text) - 1                                            \
	}
#define SAYS_AND_BINDS(text)                                                                       \
	{                                                                                          \
		.tlvs = (text), .len = sizeof(text) - 1, .binds = true                             \
	}

#define RESULT_SUCCESS	     "\x80\x03\0\2\0\1"
#define RESULT_FAILURE	     "\x80\x03\0\2\0\2"
#define INTERMEDIATE_SUCCESS "\x80\x0a\0\2\0\1"
#define IDENTITY_REQUEST     "\x80\x09\0\5\1\x07\0\5\1"
#define PASSWORD_REQUEST     "\x80\x0d\0\0"
#define UNKNOWN_MANDATORY    "\x80\x55\0\1x"
#define UNKNOWN_OPTIONAL     "\0\x55\0\1x"

/* Who says it, in either part. */
struct hostile {
	struct teap_duo d; /* first: it is the context of both */
	struct says says[SAYS_MAX];
	size_t next;
	struct tunnel_server *tunnel;
	struct teap_keys keys;
	bool keyed;

	/* what was heard last */
	struct teap_message heard;
	enum status status;
	size_t octets;
	unsigned messages;
};

static struct hostile *the_hostile; /* init of a method's context knows the server's alone */

static void flip(const struct says *s, uint8_t *tlv)
{
	if (s->flips > 0)
		tlv[s->flips - 1] ^= 1;
}

static void hear(struct hostile *h, struct slice data, enum teap_place place)
{
	static uint8_t kept[4096];

	h->messages++;
	h->octets = data.len;
	REQUIRE(data.len <= sizeof kept);
	if (data.len > 0)
		memcpy(kept, data.p, data.len);
	h->status = teap_message_read(slice_of(kept, data.len), place, &h->heard);
}

/* ---- a server ---- */

static enum status server_init(void *context, struct tunnel_server *tunnel,
			       const struct eap_server_about *about, void **ret_self)
{
	(void)context;
	(void)about;
	the_hostile->tunnel = tunnel;
	*ret_self = the_hostile;
	return OK;
}

static void server_outer(void *self, struct wr *w)
{
	(void)self;
	teap_tlv_write(w, TEAP_AUTHORITY_ID, slice_str("evil"));
}

static enum eap_server_state server_speak(struct hostile *h)
{
	const struct says *s = &h->says[h->next++];
	const struct teap_outer outer = { tunnel_server_outer_sent(h->tunnel),
					  tunnel_server_outer_heard(h->tunnel) };
	uint8_t out[1024], nonce[TEAP_NONCE_SIZE];
	struct wr w = wr_of(out, sizeof out);

	if (h->next > SAYS_MAX || !s->tlvs)
		return METHOD_FAILED;
	wr_bytes(&w, slice_of(s->tlvs, s->len));
	if (s->binds) {
		REQUIRE(teap_binding_request(&h->keys, TEAP_EMSK_IGNORED, &outer, &w, nonce) == OK);
		flip(s, out + s->len);
	}
	tunnel_server_send(h->tunnel, wr_done(&w));
	return METHOD_GOES_ON;
}

static enum eap_server_state server_begin(void *self, struct slice data, struct moment now)
{
	struct hostile *h = self;

	(void)data;
	(void)now;
	REQUIRE(teap_keys_begin(&h->keys, tunnel_server_conn(h->tunnel)) == OK);
	return server_speak(h);
}

static enum eap_server_state server_process(void *self, struct slice data, struct moment now)
{
	(void)now;
	hear(self, data, TEAP_IN_RESPONSE);
	return server_speak(self);
}

static const struct eap_question *server_question(const void *self)
{
	(void)self;
	return NULL;
}

static enum eap_server_state server_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	(void)self;
	(void)reply;
	(void)now;
	return METHOD_FAILED;
}

static const struct diagnosis *server_diagnosis(const void *self)
{
	static const struct diagnosis none;

	(void)self;
	return &none;
}

static const char *server_stage(const void *self)
{
	(void)self;
	return "hostile";
}

static void server_free(void *self)
{
	(void)self;
}

static const struct tunnel_inside hostile_inside = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version = TEAP_VERSION,
	.outer = true,
	.init = server_init,
	.write_outer = server_outer,
	.begin = server_begin,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.diagnosis = server_diagnosis,
	.stage = server_stage,
	.free = server_free,
};

static enum status method_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	return tunnel_server_new(&hostile_inside, context, about, ret_self);
}

static const struct eap_server_method hostile_server = { TUNNEL_SERVER_METHOD("TEAP", EAP_TYPE_TEAP,
									      method_init) };

/* Our peer wants a user by EAP-MSCHAPv2, or, optional, nothing. */
static void face_server(struct hostile *h, bool optional, const struct says *says, size_t count)
{
	*h = (struct hostile){ .next = 0 };
	the_hostile = h;
	memcpy(h->says, says, count * sizeof *says);
	teap_duo_init(&h->d);
	h->d.server = &hostile_server;
	h->d.peer_settings.inner_optional = optional;
	teap_duo_add_peer(&h->d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&h->d);
	teap_duo_converse(&h->d);
	teap_keys_done(&h->keys);
}

TEST(what_a_server_must_not_say)
{
	static const struct {
		struct says says[3];
		enum diagnosis_id peer;
		uint32_t error; /* that the peer tells; 0: none */
	} rows[] = {
		/* success without a binding, or without anything inside */
		{ { SAYS(RESULT_SUCCESS) }, DIAG_TUNNEL_BINDING, TEAP_ERROR_COMPROMISE },
		{ { SAYS(INTERMEDIATE_SUCCESS RESULT_SUCCESS) },
		  DIAG_TUNNEL_BINDING,
		  TEAP_ERROR_COMPROMISE },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS_AND_BINDS(RESULT_SUCCESS) },
		  DIAG_INNER_SKIPPED,
		  TEAP_ERROR_AUTHENTICATION },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS(RESULT_SUCCESS) },
		  DIAG_INNER_SKIPPED,
		  TEAP_ERROR_AUTHENTICATION },
		{ { SAYS_AND_BINDS(INTERMEDIATE_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS_AND_BINDS("") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		/* a method that has not come to its end */
		{ { SAYS(IDENTITY_REQUEST), SAYS_AND_BINDS(INTERMEDIATE_SUCCESS RESULT_SUCCESS) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_INNER_METHOD },
		{ { SAYS(IDENTITY_REQUEST), SAYS_AND_BINDS(RESULT_SUCCESS) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_INNER_METHOD },
		{ { SAYS(IDENTITY_REQUEST), SAYS(PASSWORD_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x09\0\4\3\7\0\4") }, DIAG_MALFORMED, TEAP_ERROR_INNER_METHOD },
		/* rules of TLVs */
		{ { SAYS(IDENTITY_REQUEST IDENTITY_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS(IDENTITY_REQUEST PASSWORD_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x0b\0\0") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x03\0\2\0\7") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS(RESULT_SUCCESS UNKNOWN_MANDATORY) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x04\0\6\0\0\0\0\0\x09") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		/* failure, told in several ways */
		{ { SAYS(RESULT_FAILURE) }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x05\0\4\0\0\x07\xd1") }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x05\0\4\0\0\x03\xeb") }, DIAG_TUNNEL_ERROR, 0 },
		/* demands that we do not meet */
		{ { SAYS("\x80\x08\0\6\2\1\0\x10\0\0") }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x08\0\6\1\1\0\x10\0\0") }, DIAG_TUNNEL_ERROR, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		face_server(&h, false, rows[i].says, 3);
		CHECK(!teap_duo_accepted(&h.d) && h.d.verdict.decision == FAIL);
		CHECK(h.d.peer_keys.msk.p == NULL);
		CHECK_INT(h.d.peer_why.id, rows[i].peer);
		CHECK_INT(h.status, OK);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		CHECK(!teap_has(&h.heard, TEAP_CRYPTO_BINDING));
		if (h.d.peer_why.id != rows[i].peer || h.heard.error != rows[i].error)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
	}
}

TEST(what_is_not_known_is_declined_or_skipped)
{
	const struct says says[] = { SAYS(IDENTITY_REQUEST UNKNOWN_MANDATORY),
				     SAYS(UNKNOWN_OPTIONAL), SAYS("\0\6\0\0") };
	struct hostile h;

	/* all else in such a message is ignored */
	face_server(&h, false, says, 1);
	CHECK_INT(h.messages, 1);
	CHECK_INT(h.heard.present, 1u << TEAP_NAK);
	CHECK(h.heard.nak.vendor == 0 && h.heard.nak.type == 0x55);
	teap_duo_done(&h.d);
	/* a channel binding cannot be declined: an empty message */
	face_server(&h, false, says + 1, 2);
	CHECK_INT(h.messages, 2);
	CHECK_INT(h.octets, 0);
	teap_duo_done(&h.d);
}

TEST(a_password_is_declined_by_name)
{
	const struct says says[] = { SAYS(PASSWORD_REQUEST) };
	struct hostile h;

	face_server(&h, false, says, 1);
	CHECK_INT(h.heard.present, 1u << TEAP_NAK);
	CHECK_INT(h.heard.nak.type, TEAP_PASSWORD_REQUEST);
	teap_duo_done(&h.d);
}

TEST(the_server_may_take_back_its_success_inside_alone)
{
	const struct says says[] = { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS(RESULT_FAILURE) };
	struct hostile h;

	face_server(&h, true, says, 1);
	CHECK_INT(h.heard.result, TEAP_SUCCESS);
	/* EAP-Failure is not believed, and there are keys */
	CHECK_INT(h.d.verdict.decision, UNCOND_SUCC);
	CHECK_INT(h.d.verdict.methodState, METHOD_MAY_CONT);
	CHECK(h.d.peer_keys.msk.len == 64);
	teap_duo_done(&h.d);
	face_server(&h, true, says, 2);
	CHECK_INT(h.d.verdict.decision, FAIL);
	CHECK_INT(h.d.peer_why.id, DIAG_TUNNEL_ERROR);
	teap_duo_done(&h.d);
}

/* Each of the 80 octets, in a real conversation. */
TEST(no_octet_of_a_servers_binding_can_be_changed)
{
	for (size_t at = 1; at <= TEAP_BINDING_SIZE; at++) {
		struct says says = SAYS_AND_BINDS(RESULT_SUCCESS);
		struct hostile h;

		/* of the EMSK Compound-MAC, which is not there, nothing counts */
		if (at > 40 && at <= 60)
			continue;
		says.flips = at;
		face_server(&h, true, &says, 1);
		CHECK_INT(h.d.verdict.decision, FAIL);
		CHECK(h.d.peer_keys.msk.p == NULL);
		if (h.d.verdict.decision != FAIL)
			test_note("octet %zu", at - 1);
		teap_duo_done(&h.d);
	}
}

/* ---- a peer ---- */

static void peer_start(void *self, struct moment now)
{
	struct hostile *h = self;

	(void)now;
	h->next = 0;
	h->keyed = false;
}

static enum tunnel_progress peer_advance(void *self, struct tunnel_peer *tunnel, struct slice data,
					 struct moment now)
{
	static const uint8_t authority[] = { 0, 1, 0, 4, 'h', 'o', 'm', 'e' };
	const struct teap_outer outer = { slice_of(authority, sizeof authority), { 0 } };
	struct hostile *h = self;
	const struct says *s = &h->says[h->next++];
	uint8_t out[1024];
	struct wr w = wr_of(out, sizeof out);

	(void)now;
	if (!h->keyed)
		REQUIRE(teap_keys_begin(&h->keys, tunnel_peer_conn(tunnel)) == OK);
	h->keyed = true;
	hear(h, data, TEAP_IN_REQUEST);
	if (h->next > SAYS_MAX || !s->tlvs)
		return TUNNEL_GIVES_UP;
	wr_bytes(&w, slice_of(s->tlvs, s->len));
	if (s->binds && teap_has(&h->heard, TEAP_CRYPTO_BINDING)) {
		REQUIRE(teap_binding_response(&h->keys, TEAP_EMSK_IGNORED, &outer,
					      &h->heard.binding, &w) == OK);
		flip(s, out + s->len);
	}
	REQUIRE(w.len == 0 || tunnel_peer_send(tunnel, wr_done(&w)) == OK);
	return TUNNEL_SERVER_DECIDES;
}

static const char *peer_stage(const void *self)
{
	(void)self;
	return "hostile";
}

static void peer_forget(void *self)
{
	(void)self;
}

static const struct tunnel_peer_inside hostile_peer = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version_least = TEAP_VERSION,
	.version_most = TEAP_VERSION,
	.outer = true,
	.results = true,
	.start = peer_start,
	.advance = peer_advance,
	.stage = peer_stage,
	.stop = peer_forget,
	.free = peer_forget,
};

/* Our server is content with a certificate, or asks for a user by EAP-MSCHAPv2 or a password. */
static void face_peer(struct hostile *h, bool certificate, const struct says *says, size_t count)
{
	*h = (struct hostile){ .next = 0 };
	memcpy(h->says, says, count * sizeof *says);
	teap_duo_init(&h->d);
	h->d.hostile_peer = &hostile_peer;
	h->d.peer_has_certificate = certificate;
	h->d.server_context.certificate_suffices = certificate;
	if (!certificate)
		teap_duo_add_server(&h->d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&h->d);
	teap_duo_converse(&h->d);
	teap_keys_done(&h->keys);
}

TEST(what_a_peer_must_not_say)
{
	static const struct {
		bool certificate;
		struct says says[3];
		enum diagnosis_id server;
		uint32_t error;
	} rows[] = {
		{ true, { SAYS(RESULT_SUCCESS) }, DIAG_INNER_BINDING, TEAP_ERROR_COMPROMISE },
		{ true, { SAYS_AND_BINDS("") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ true, { SAYS("") }, DIAG_INNER_BINDING, TEAP_ERROR_COMPROMISE },
		{ true,
		  { SAYS_AND_BINDS(RESULT_SUCCESS IDENTITY_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ true,
		  { SAYS_AND_BINDS("\x80\x08\0\2\2\2") },
		  DIAG_INNER_ERROR,
		  TEAP_ERROR_UNEXPECTED },
		{ true,
		  { SAYS(RESULT_SUCCESS UNKNOWN_MANDATORY) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(RESULT_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80\x08\0\2\1\2") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("") }, DIAG_INNER_NOTHING, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(UNKNOWN_OPTIONAL) }, DIAG_INNER_NOTHING, TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x0e\0\6\3"
			 "bob\1x") },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x04\0\6\0\0\0\0\0\x09") },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80\x0b\0\0") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(INTERMEDIATE_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x05\0\4\0\0\x03\xe9") },
		  DIAG_INNER_ERROR,
		  TEAP_ERROR_INNER_METHOD },
		{ false, { SAYS(IDENTITY_REQUEST) }, DIAG_MALFORMED, TEAP_ERROR_INNER_METHOD },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		face_peer(&h, rows[i].certificate, rows[i].says, 3);
		CHECK(h.d.end != METHOD_SUCCEEDED);
		CHECK(h.d.server_keys.msk.p == NULL);
		CHECK_INT(h.d.server_why.id, rows[i].server);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		if (h.d.server_why.id != rows[i].server || h.heard.error != rows[i].error)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
	}
}

TEST(failure_of_a_peer_ends_it_at_once)
{
	const struct says says[] = { SAYS(RESULT_FAILURE) };
	struct hostile h;

	face_peer(&h, false, says, 1);
	CHECK_INT(h.d.end, METHOD_FAILED);
	CHECK_INT(h.d.server_why.id, DIAG_INNER_ERROR);
	CHECK_INT(h.messages, 1);
	teap_duo_done(&h.d);
}

TEST(a_peer_that_does_it_right_gets_in)
{
	const struct says says[] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
	struct hostile h;

	face_peer(&h, true, says, 1);
	CHECK_INT(h.d.end, METHOD_SUCCEEDED);
	teap_duo_done(&h.d);
}

TEST(no_octet_of_a_peers_binding_can_be_changed)
{
	for (size_t at = 1; at <= TEAP_BINDING_SIZE; at++) {
		struct says says[2] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
		struct hostile h;

		if (at > 40 && at <= 60)
			continue;
		says[0].flips = at;
		face_peer(&h, true, says, 2);
		CHECK(h.d.end != METHOD_SUCCEEDED);
		CHECK(h.d.server_keys.msk.p == NULL);
		if (h.d.end == METHOD_SUCCEEDED)
			test_note("octet %zu", at - 1);
		teap_duo_done(&h.d);
	}
}
