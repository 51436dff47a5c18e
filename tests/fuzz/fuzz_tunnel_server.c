/* A hostile peer inside of a tunnel: EAP-TTLS and PEAP, the server, with what may run inside.
 *
 * The first octet chooses: 1 is PEAP, 2 is TLS 1.2, 4 sends the first flight along with the end of
 * the handshake.  The rest is flights of application data, each behind its length in two octets.
 * Nobody is let in, for the only account has another name than all that can be said, unless the
 * password was found; whatever arrives, there is an end, and a reason for it. */
#include "tests/tunnel_guest.h"

#include <assert.h>

#define FLIGHTS_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tunnel_guest guests[4];

static void set_up(void)
{
	for (int i = 0; i < 4; i++) {
		tunnel_guest_init(&guests[i], i & 1 ? &peap_server_method : &ttls_server_method,
				  i & 2 ? TLS_1_2 : TLS_1_3);
		guests[i].admit = false;
	}
}

static struct slice next(struct rd *in)
{
	size_t len = rd_u16(in);

	return rd_bytes(in, len < in->left ? len : in->left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_of(slice_of(data, size));
	uint8_t mode = rd_u8(&in);
	struct tunnel_guest *g = &guests[mode & 3];
	struct eap_keys keys = { 0 };

	if (!guests[0].method)
		set_up();
	tunnel_guest_open(g, mode & 4 ? next(&in) : slice_of(NULL, 0));
	for (int i = 0; i < FLIGHTS_MAX && in.left > 0 && g->state == METHOD_GOES_ON; i++)
		tunnel_guest_say(g, next(&in));
	assert(g->state == METHOD_GOES_ON || g->state == METHOD_FAILED);
	assert(g->state != METHOD_FAILED || g->method->diagnosis(g->self)->id != DIAG_NONE);
	assert(!g->method->take_keys(g->self, &keys));
	assert(g->method->stage(g->self));
	tunnel_guest_close(g);
	tls_session_done(&g->session);
	return 0;
}
