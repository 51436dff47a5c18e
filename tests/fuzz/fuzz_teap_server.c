/* TEAP's server, and a peer that says the input inside of the tunnel.  Nothing succeeds without a
 * Crypto-Binding that is right, and both ends then have the same keys. */
#include <assert.h>

#include "tests/fuzz/teap_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct rd input;
	struct teap_keys keys;
	bool begun, bound;
} hostile;

static void start(void *self, struct moment at)
{
	(void)self;
	(void)at;
	hostile.begun = hostile.bound = false;
}

static enum tunnel_progress advance(void *self, struct tunnel_peer *tunnel, struct slice data,
				    struct moment at)
{
	static const uint8_t authority[] = { 0, 1, 0, 4, 'h', 'o', 'm', 'e' };
	const struct teap_outer outer = { slice_of(authority, sizeof authority), { 0 } };
	uint8_t binding[TEAP_BINDING_SIZE];
	struct wr w = wr_of(binding, sizeof binding);
	struct teap_message m;
	struct slice tlvs;
	bool binds;

	(void)self;
	(void)at;
	if (!hostile.begun)
		assert(teap_keys_begin(&hostile.keys, tunnel_peer_conn(tunnel)) == OK);
	hostile.begun = true;
	/* What our server says is never wrong. */
	assert(teap_message_read(data, TEAP_IN_REQUEST, &m) == OK && m.discarded == 0);
	if (!ends_say(&hostile.input, &tlvs, &binds))
		return TUNNEL_GIVES_UP;
	if (tlvs.len > 0)
		assert(tunnel_peer_send(tunnel, tlvs) == OK);
	if (binds && teap_has(&m, TEAP_CRYPTO_BINDING)) {
		hostile.bound = true;
		assert(teap_binding_response(&hostile.keys, TEAP_EMSK_IGNORED, &outer, &m.binding,
					     &w) == OK);
		assert(tunnel_peer_send(tunnel, wr_done(&w)) == OK);
	}
	return TUNNEL_GOES_ON;
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

static const struct tunnel_peer_inside inside = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version_least = TEAP_VERSION,
	.version_most = TEAP_VERSION,
	.outer = true,
	.results = true,
	.start = start,
	.advance = advance,
	.stage = stage,
	.stop = drop,
	.free = drop,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel_peer *peer;
	const struct ends *ends = ends_get();
	struct eap_policy_choice choice = { .offer_count = 0 };
	struct eap_policy policy = { .ask_identity = true, .choices = &choice, .choice_count = 1 };
	struct rd r = rd_of(slice_of(data, size));
	unsigned flags = rd_u8(&r), answers = rd_u8(&r);
	struct teap_server_context context = {
		.tunnel.config = ends->server,
		.authority_id = slice_str("home"),
		.rounds = { { .type = TEAP_MACHINE,
			      .eap = &policy,
			      .password = true,
			      .password_first = flags & 1 },
			    { .type = TEAP_USER, .password = true } },
		.round_count = flags & 2 ? 2 : 1,
		.certificate_suffices = flags & 4,
		.emsk = flags & 8 ? TEAP_EMSK_ALLOWED : TEAP_EMSK_IGNORED,
		.prompt = "?",
	};
	const struct cprom_server_policy policy_of_enrolment = {
		.authorisations = 1u << ENROL_BY_CERTIFICATE | 1u << ENROL_BY_ACCOUNT,
		.actions = 1u << ENROL_REGISTER | 1u << ENROL_RENEW,
		.renew_percent = 1,
	};
	const struct enrol_authority authority = { .renew_wanted = flags & 0x20 };
	const struct cprom_server_context enrol = { &policy_of_enrolment, &authority };
	struct eap_keys server_keys = { 0 }, peer_keys = { 0 };
	bool succeeded;

	context.enrol = flags & 0x10 ? &enrol : NULL;
	if (!peer)
		assert(tunnel_peer_new(ends->peer, NULL, &inside, &hostile, &peer) == OK);
	hostile.input = r;
	succeeded = ends_converse(&teap_server_method, &context, peer, answers, &server_keys,
				  &peer_keys);
	assert(succeeded == (server_keys.msk.len > 0));
	assert(!succeeded || hostile.bound);
	eap_keys_done(&server_keys);
	eap_keys_done(&peer_keys);
	return 0;
}
