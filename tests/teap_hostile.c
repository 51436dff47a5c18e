#include "tests/teap_hostile.h"

#include "tests/test.h"

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

void face_server(struct hostile *h, bool optional, const struct says *says, size_t count)
{
	face_server_with(h, optional, says, count, NULL);
}

void face_server_with(struct hostile *h, bool optional, const struct says *says, size_t count,
		      hostile_prepare *prepare)
{
	*h = (struct hostile){ .next = 0 };
	the_hostile = h;
	memcpy(h->says, says, count * sizeof *says);
	teap_duo_init(&h->d);
	h->d.server = &hostile_server;
	h->d.peer_settings.inner_optional = optional;
	teap_duo_add_peer(&h->d, TEAP_USER, TEAP_BY_MSCHAPV2);
	if (prepare)
		prepare(h);
	teap_duo_load(&h->d);
	teap_duo_converse(&h->d);
	teap_keys_done(&h->keys);
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

void face_peer(struct hostile *h, bool certificate, const struct says *says, size_t count)
{
	face_peer_with(h, certificate, says, count, NULL);
}

void face_peer_with(struct hostile *h, bool certificate, const struct says *says, size_t count,
		    hostile_prepare *prepare)
{
	*h = (struct hostile){ .next = 0 };
	memcpy(h->says, says, count * sizeof *says);
	teap_duo_init(&h->d);
	h->d.hostile_peer = &hostile_peer;
	h->d.peer_has_certificate = certificate;
	h->d.server_context.certificate_suffices = certificate;
	if (!certificate)
		teap_duo_add_server(&h->d, TEAP_USER, TEAP_BY_MSCHAPV2);
	if (prepare)
		prepare(h);
	teap_duo_load(&h->d);
	teap_duo_converse(&h->d);
	teap_keys_done(&h->keys);
}
