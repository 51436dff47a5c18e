/* A hostile server inside of a tunnel of EAP-TTLS.
 *
 * The first octet chooses what runs inside, whether the server was checked, and whether a session
 * was resumed; the rest are messages (fake_tunnel.h).  The server does not know the password: what
 * demands its proof never succeeds, and to a server that was not checked nothing secret goes. */
#include "method/ttls_peer.h"
#include "tests/fuzz/fake_tunnel.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool demands_proof(const struct ttls_peer_settings *settings, bool gtc)
{
	return settings->inner == TTLS_MSCHAPV2 || (settings->inner == TTLS_EAP && !gtc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in);
	bool gtc = mode & 8, trusted = !(mode & 16), resumed = mode & 32;
	struct ttls_peer_settings settings = { .inner = (enum ttls_inner)((mode & 7) % 5),
					       .account = *fake_account() };
	struct tunnel_peer *tunnel;
	enum tunnel_progress best;

	if (settings.inner == TTLS_EAP)
		settings.eap = fake_inner(gtc);
	if (ttls_peer_new(NULL, &settings, &tunnel) != OK)
		abort();
	best = fake_tunnel_run(tunnel, resumed, trusted, &in);
	if (demands_proof(&settings, gtc) || !trusted)
		assert(best == TUNNEL_GOES_ON);
	if (!trusted && settings.inner != TTLS_EAP)
		assert(fake_tunnel_sent(tunnel) == 0);
	assert(best != TUNNEL_ADMITTED); /* nothing in EAP-TTLS is a protected success */
	ttls_peer_method.free(tunnel);
	return 0;
}
