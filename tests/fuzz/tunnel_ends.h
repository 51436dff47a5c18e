/* Our two ends of EAP-TTLS, PEAP, TEAP and EAP-TLS, over a TLS without cryptography (fake_tls.h),
 * and somebody who changes what one of them says: the frames, or what is inside of the tunnel.
 *
 * The first two octets of an input choose what runs (tests/vectors/tunnel_peer.txt); the rest are
 * changes (meddle.h), through as many conversations as are chosen: after one that succeeded the
 * next resumes. */
#ifndef TESTS_FUZZ_TUNNEL_ENDS_H
#define TESTS_FUZZ_TUNNEL_ENDS_H

#include "base/bytes.h"

/* provisions: TEAP alone, whose peer asks for a certificate: slowly. */
void tunnel_ends_play(struct slice input, bool provisions, bool change_requests);

#endif
