/* TEAP without memory, both ends: a machine by its certificate and a user by a password. */
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

int main(void)
{
	fault_init();
	fault_each("TEAP from one end to the other", scene);
	return fault_end();
}
