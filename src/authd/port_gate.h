/* The gate of a guarded port, and its VLAN: who is let through.
 *
 * A port that cannot be guarded, or not any more, is never taken for one that is: its sessions end,
 * and its interface is set down, so that nothing passes.  It is tried again, and set up again once
 * it is guarded; an interface that somebody else sets up meanwhile is tried at once. */
#ifndef AUTHD_PORT_GATE_H
#define AUTHD_PORT_GATE_H

#include "authd/port.h"

#define PORT_GUARD_RETRY 10000 /* msec */

/* Closes the interface, by the gate or by setting it down; which of them, port_is_guarded tells. */
void port_guard(struct port *port);
/* Tries it after this wait (msec), unless it is guarded by then. */
void port_guard_soon(struct port *port, msec wait);
void port_guard_again(struct timer *timer); /* of port->retry */
/* The end of it.  release: the interface is open to all from then on; otherwise the gate leaves it
 * as it is. */
void port_unguard(struct port *port, bool release);

/* It is open by force, or closed until machines are let in. */
bool port_is_guarded(const struct port *port);
/* The gate has failed, for this reason.  The rest follows when the loop comes round: the gate may
 * be in the middle of something. */
void port_gate_failed(struct port *port, const struct diagnosis *why);
/* From one port to the next of the same interface: whether it was set down. */
bool port_give_lowered(struct port *port);
void port_take_lowered(struct port *port, bool lowered);

/* The gate and the VLAN, for one machine.  0 or -errno with *why. */
int port_open(struct port *port, struct port_session *session, struct diagnosis *why);
void port_close(struct port *port, struct port_session *session);
/* After each event of a session: nobody is in, and perhaps nobody will be. */
void port_settle(struct port *port, const struct port_session *session);
/* Nobody is in, and nobody is admitted without having authenticated. */
void port_gate_reset(struct port *port);

#endif
