/* TEAP's peer, and a server that says the input inside of the tunnel.  Nothing succeeds without a
 * Crypto-Binding that is right. */
#include <assert.h>

#include "tests/fuzz/teap_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct rd input;
	struct tunnel_server *tunnel;
	struct teap_keys keys;
	bool bound;
} hostile;

static enum status init(void *context, struct tunnel_server *tunnel,
			const struct eap_server_about *about, void **ret_self)
{
	(void)about;
	hostile.tunnel = tunnel;
	*ret_self = context;
	return OK;
}

static void write_outer(void *self, struct wr *w)
{
	(void)self;
	teap_tlv_write(w, TEAP_AUTHORITY_ID, slice_str("home"));
}

static enum eap_server_state speak(void *self, struct slice in, struct moment at)
{
	const struct teap_outer outer = { tunnel_server_outer_sent(hostile.tunnel),
					  tunnel_server_outer_heard(hostile.tunnel) };
	uint8_t binding[TEAP_BINDING_SIZE], nonce[TEAP_NONCE_SIZE];
	struct wr w = wr_of(binding, sizeof binding);
	struct slice tlvs;
	bool binds;

	(void)self;
	(void)in;
	(void)at;
	if (!ends_say(&hostile.input, &tlvs, &binds))
		return METHOD_FAILED;
	tunnel_server_send(hostile.tunnel, tlvs);
	if (binds) {
		hostile.bound = true;
		assert(teap_binding_request(&hostile.keys, TEAP_EMSK_IGNORED, &outer, &w, nonce) ==
		       OK);
		tunnel_server_send(hostile.tunnel, wr_done(&w));
	}
	return METHOD_GOES_ON;
}

static enum eap_server_state begin(void *self, struct slice in, struct moment at)
{
	assert(teap_keys_begin(&hostile.keys, tunnel_server_conn(hostile.tunnel)) == OK);
	return speak(self, in, at);
}

static const struct diagnosis *diagnosis(const void *self)
{
	static const struct diagnosis none;

	(void)self;
	return &none;
}

static const char *stage(const void *self)
{
	(void)self;
	return "hostile";
}

static void drop(void *self)
{
	(void)self;
}

static const struct tunnel_inside inside = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version = TEAP_VERSION,
	.outer = true,
	.init = init,
	.write_outer = write_outer,
	.begin = begin,
	.process = speak,
	.diagnosis = diagnosis,
	.stage = stage,
	.free = drop,
};

static enum status method_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	return tunnel_server_new(&inside, context, about, ret_self);
}

static const struct eap_server_method server = { TUNNEL_SERVER_METHOD("TEAP", EAP_TYPE_TEAP,
								      method_init) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel_peer *optional, *demanding;
	static struct secret password;
	const struct ends *ends = ends_get();
	struct tunnel_server_context context = { .config = ends->server };
	struct eap_keys server_keys = { 0 }, peer_keys = { 0 };
	struct rd r = rd_of(slice_of(data, size));
	bool demands = rd_u8(&r) & 1;

	if (!optional) {
		struct teap_peer_settings s = {
			.identities = { { .type = TEAP_USER,
					  .name = slice_str("bob"),
					  .password = &password },
					{ .type = TEAP_MACHINE, .name = slice_str("host/desk") } },
			.identity_count = 2,
			.certificate = TEAP_MACHINE,
			.hints = true,
			.emsk = TEAP_EMSK_ALLOWED,
		};

		assert(secret_set(&password, slice_str("secret")) == OK);
		assert(teap_peer_new(ends->peer, &s, &demanding) == OK);
		s.inner_optional = true;
		assert(teap_peer_new(ends->peer, &s, &optional) == OK);
	}
	hostile.input = r;
	hostile.bound = false;
	ends_converse(&server, &context, demands ? demanding : optional, 0, &server_keys,
		      &peer_keys);
	assert(peer_keys.msk.len == 0 || hostile.bound);
	eap_keys_done(&server_keys);
	eap_keys_done(&peer_keys);
	return 0;
}
