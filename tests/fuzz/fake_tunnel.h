/* A tunnel without TLS, in place of method/tunnel_peer.c, for the fuzzers of what runs inside: a
 * handshake for each input would leave them a thousandth of their inputs.  What is sent into it is
 * counted and dropped; the exporters always give the same. */
#ifndef TESTS_FUZZ_FAKE_TUNNEL_H
#define TESTS_FUZZ_FAKE_TUNNEL_H

#include "method/inner_account.h"
#include "method/inner_peer.h"
#include "method/tunnel_peer.h"

const struct inner_account *fake_account(void);
/* An EAP peer for the inside; with GTC too, which shows the password to any server that was
 * checked. */
struct inner_peer *fake_inner(bool gtc);

/* A conversation: each message of the server is two octets of length, and data.  The best that it
 * came to: TUNNEL_GOES_ON unless something was accepted. */
enum tunnel_progress fake_tunnel_run(struct tunnel_peer *tunnel, bool resumed, bool trusted,
				     struct rd *in);
size_t fake_tunnel_sent(const struct tunnel_peer *tunnel); /* octets */

#endif
