/* What the peers of EAP-TLS and of the tunnels tell their machine: RFC 4137, section 4.2.
 *
 * Such a conversation may end after any Request: a server that gives up sends EAP-Failure, with an
 * alert before it or without.  So the state is MAY_CONT throughout, and only the decision changes;
 * with CONT the machine would not listen to that EAP-Failure. */
#ifndef METHOD_TLS_VERDICT_H
#define METHOD_TLS_VERDICT_H

#include "eap/method.h"

static const struct eap_verdict going_on = { METHOD_MAY_CONT, FAIL, true };
/* The machine sends nothing any more. */
static const struct eap_verdict given_up = { METHOD_DONE, FAIL, false };
/* The server has proved itself and may still refuse us. */
static const struct eap_verdict server_decides = { METHOD_MAY_CONT, COND_SUCC, true };
/* The server told us, protected, that it admits us: only EAP-Success can follow. */
static const struct eap_verdict admitted = { METHOD_DONE, UNCOND_SUCC, false };

#endif
