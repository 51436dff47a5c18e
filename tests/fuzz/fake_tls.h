/* TLS without cryptography, in place of what src/tls has behind engine.h and server.h, for the
 * fuzzers of what stands above it: a real handshake for each input would leave them a hundredth of
 * their inputs, and no octet of an input would reach the inside of a tunnel.
 *
 * A flight is records: an octet of type, two of length, a body.  The handshake has as many messages
 * as the real one, TLS 1.2 and 1.3, full and resumed; the server's question about a certificate,
 * the session that is kept and the facts that go with it come at the same places.  Exporters give
 * the same to everybody, so a hostile end knows the keys of its tunnel, as it would. */
#ifndef TESTS_FUZZ_FAKE_TLS_H
#define TESTS_FUZZ_FAKE_TLS_H

#include "tls/server.h"

enum fake_record { FAKE_ALERT = 21, FAKE_HANDSHAKE, FAKE_DATA };

/* The body of a handshake message begins with its kind. */
enum fake_message {
	FAKE_HELLO,  /* FAKE_RESUMES; of the server: the version's low octet, FAKE_RESUMES */
	FAKE_FINISH, /* FAKE_CERTIFICATE */
	FAKE_TICKET,
};
#define FAKE_RESUMES	 1
#define FAKE_CERTIFICATE 2

/* Application data before it is sent; may be changed.  NULL: it stays. */
extern void (*fake_tls_on_send)(bool server, struct bytes *data);

/* No session of before is resumed any more: each input begins with it. */
void fake_tls_forget(void);

#endif
