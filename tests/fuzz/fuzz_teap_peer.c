/* TEAP's peer, and a server that says the input inside of the tunnel.  Nothing succeeds without a
 * Crypto-Binding that is right, and no certificate is stored that is not good. */
#include <assert.h>

#include "enrol/pkcs.h"
#include "method/cprom_direct.h"
#include "tests/pki.h"

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

/* ---- a store, of which nothing is expected ---- */

static enum status new_key(void *self, const char *credential, const struct enrol_params *params,
			   EVP_PKEY **ret_key, struct diagnosis *why)
{
	static EVP_PKEY *key;

	(void)self;
	(void)credential;
	(void)params;
	(void)why;
	if (!key)
		key = pki_key("P-256");
	EVP_PKEY_up_ref(key);
	*ret_key = key;
	return OK;
}

/* Nobody has certified the key. */
static enum status put(void *self, const char *credential, const struct enrol_result *result,
		       struct diagnosis *why)
{
	(void)self;
	(void)credential;
	(void)result;
	(void)why;
	abort();
}

static enum status settle(void *self, const char *credential, struct diagnosis *why)
{
	(void)self;
	(void)credential;
	(void)why;
	abort();
}

static void abandon(void *self, const char *credential, bool refused)
{
	(void)self;
	(void)credential;
	(void)refused;
}

static const struct enrol_store store = { new_key, put, settle, settle, abandon };

/* An account, or the certificate alone, for a certificate. */
static struct tunnel_peer *asking(const struct ends *ends, bool renews)
{
	static const struct enrol_peer_protocol *const protocols[] = { &pkcs_peer };
	static struct cprom_credential credential[2];
	struct cprom_credential *c = &credential[renews];
	const struct cprom_peer_settings settings = { .credentials = c,
						      .credential_count = 1,
						      .protocols = protocols,
						      .protocol_count = 1,
						      .store = { &store, NULL },
						      .accept_anchors = true };
	struct teap_peer_settings s = { .certificate = TEAP_MACHINE, .inner_optional = true };
	struct tunnel_peer *peer = NULL;

	*c = (struct cprom_credential){ .name = "net",
					.type = ENROL_X509,
					.actions = 7,
					.wanted = true,
					.action = renews ? ENROL_RENEW : ENROL_REGISTER };
	snprintf(c->names.common_name, sizeof c->names.common_name, "desk");
	assert(cprom_peer_new(&settings, &s.provision) == OK);
	assert(teap_peer_new(ends->peer, &s, &peer) == OK);
	return peer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel_peer *optional, *demanding, *enrolling, *renewing;
	static struct secret password;
	const struct ends *ends = ends_get();
	struct tunnel_server_context context = { .config = ends->server };
	struct eap_keys server_keys = { 0 }, peer_keys = { 0 };
	struct rd r = rd_of(slice_of(data, size));
	unsigned kind = rd_u8(&r) & 3;

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
		enrolling = asking(ends, false);
		renewing = asking(ends, true);
	}

	struct tunnel_peer *const peers[] = { optional, demanding, enrolling, renewing };

	hostile.input = r;
	hostile.bound = false;
	ends_converse(&server, &context, peers[kind], 0, &server_keys, &peer_keys);
	assert(peer_keys.msk.len == 0 || hostile.bound);
	eap_keys_done(&server_keys);
	eap_keys_done(&peer_keys);
	return 0;
}
