/* TEAP without memory, both ends: a machine by its certificate and a user by a password; and a
 * certificate that is asked for by TEAP itself. */
#include "enrol/pkcs.h"
#include "method/cprom_direct.h"
#include "tests/fault/fault.h"
#include "tests/fuzz/teap_ends.h"

static bool scene(void)
{
	static struct secret password;
	const struct ends *ends;
	struct teap_peer_settings settings = {
		.identities = { { .type = TEAP_USER,
				  .name = slice_str("bob"),
				  .password = &password } },
		.identity_count = 1,
		.certificate = TEAP_MACHINE,
		.hints = true,
	};
	struct teap_server_context context = {
		.authority_id = slice_str("home"),
		.rounds = { { .type = TEAP_USER, .password = true } },
		.round_count = 1,
		.prompt = "?",
	};
	struct eap_keys server_keys = { 0 }, peer_keys = { 0 };
	struct tunnel_peer *peer = NULL;
	bool right = true, succeeded;

	fault_suspend();
	ends = ends_get();
	if (!password.p && secret_set(&password, slice_str("secret")) != OK)
		return false;
	context.tunnel.config = ends->server;
	fault_resume();
	if (teap_peer_new(ends->peer, &settings, &peer) != OK)
		return fault_happened();
	succeeded = ends_converse(&teap_server_method, &context, peer, 0, &server_keys, &peer_keys);
	fault_suspend();
	/* The peer may find that it has no memory for keys after it has agreed; then it has none,
	 * and has failed. */
	if (succeeded && peer_keys.msk.len == 0)
		right = fault_happened();
	else if (succeeded)
		right = slice_eq(secret_slice(&server_keys.msk), secret_slice(&peer_keys.msk)) &&
			server_keys.msk.len == EAP_MSK_SIZE;
	else
		right = server_keys.msk.len == 0 && fault_happened();
	eap_keys_done(&server_keys);
	eap_keys_done(&peer_keys);
	tunnel_peer_free(peer);
	fault_resume();
	return right;
}

/* ---- a certificate ---- */

static unsigned stored, left;

static enum status new_key(void *self, const char *credential, const struct enrol_params *params,
			   EVP_PKEY **ret_key, struct diagnosis *why)
{
	(void)self;
	(void)credential;
	(void)params;
	(void)why;
	*ret_key = ends_get()->key;
	EVP_PKEY_up_ref(*ret_key);
	return OK;
}

static enum status put(void *self, const char *credential, const struct enrol_result *result,
		       struct diagnosis *why)
{
	(void)self;
	(void)credential;
	(void)why;
	stored += result->cert != NULL;
	return OK;
}

/* Nobody says that all went well. */
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
	left += stored;
}

static bool give(const struct cprom_peer_settings *wanted,
		 const struct teap_server_context *context)
{
	struct teap_peer_settings settings = { .certificate = TEAP_MACHINE,
					       .inner_optional = true };
	struct eap_keys server_keys = { 0 }, peer_keys = { 0 };
	struct teap_server_context own = *context;
	struct tunnel_peer *peer = NULL;
	bool succeeded;

	stored = left = 0;
	fault_resume();
	if (cprom_peer_new(wanted, &settings.provision) != OK ||
	    teap_peer_new(ends_get()->peer, &settings, &peer) != OK)
		return fault_happened();
	succeeded = ends_converse(&teap_server_method, &own, peer, 0, &server_keys, &peer_keys);
	fault_suspend();
	eap_keys_done(&server_keys);
	eap_keys_done(&peer_keys);
	tunnel_peer_free(peer);
	fault_resume();
	/* What is on the shelf is taken down again: the tunnel has not told of its success. */
	return stored <= 1 && left == stored && (fault_happened() || (succeeded && stored == 1));
}

static bool certificate(void)
{
	static const struct enrol_peer_protocol *const protocols[] = { &pkcs_peer };
	static const struct enrol_store store = { new_key, put, settle, settle, abandon };
	static const struct cprom_server_policy policy = {
		.authorisations = 1u << ENROL_BY_CERTIFICATE,
		.actions = 1u << ENROL_REGISTER,
	};
	static const struct enrol_authority authority;
	static const struct cprom_server_context enrol = { &policy, &authority };
	static const struct cprom_credential credential = { .name = "net",
							    .type = ENROL_X509,
							    .actions = 1u << ENROL_REGISTER,
							    .wanted = true,
							    .names.common_name = "desk" };
	static STACK_OF(X509) * anchors;
	struct cprom_peer_settings wanted = { .credentials = &credential,
					      .credential_count = 1,
					      .protocols = protocols,
					      .protocol_count = 1,
					      .store = { &store, NULL } };
	struct teap_server_context context = { .certificate_suffices = true, .enrol = &enrol };

	fault_suspend();
	context.tunnel.config = ends_get()->server;
	if (!anchors) {
		anchors = sk_X509_new_null();
		if (!anchors || !sk_X509_push(anchors, ends_get()->root))
			return false;
	}
	wanted.anchors = anchors;
	return give(&wanted, &context);
}

int main(void)
{
	fault_init();
	fault_each("TEAP from one end to the other", scene);
	fault_each("a certificate by TEAP alone", certificate);
	return fault_end();
}
