/* A hostile server inside of a tunnel of PEAP.
 *
 * The first octet chooses whether the server was checked, whether a session was resumed, whether
 * crypto-binding is demanded, and whether EAP-GTC may run; the rest are messages (fake_tunnel.h).
 * The server does not know the password, and nobody gets in without it but by a resumption or
 * EAP-GTC. */
#include "method/peap_peer.h"
#include "tests/fuzz/fake_tunnel.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in);
	bool gtc = mode & 1, trusted = !(mode & 2), resumed = mode & 4;
	struct peap_peer_settings settings = { .eap = fake_inner(gtc),
					       .require_binding = mode & 8 };
	struct tunnel_peer *tunnel;
	enum tunnel_progress best;

	if (peap_peer_new(NULL, &settings, &tunnel) != OK)
		abort();
	best = fake_tunnel_run(tunnel, resumed, trusted, &in);
	assert(best != TUNNEL_SERVER_DECIDES);
	if (!resumed && (!gtc || !trusted))
		assert(best == TUNNEL_GOES_ON);
	peap_peer_method.free(tunnel);
	return 0;
}
