/* What the files of a port share: port.c is the way of a frame and all that happens to a port,
 * port_attempt.c tells how it went, port_method.c knows what a conversation is run with. */
#ifndef DAEMON_PORT_PARTS_H
#define DAEMON_PORT_PARTS_H

#include "daemon/port.h"

/* An attempt is what is between a wish to be let in, or a Request, and an outcome; one that goes on
 * does not begin anew. */
void port_attempt_begins(struct port *port, struct moment now);
/* port->diagnosis says why, or is DIAG_NONE. */
void port_attempt_ends(struct port *port, struct moment now, bool success);
void port_attempt_fails(struct port *port, struct moment now, enum diagnosis_id id);
/* Compares what the PAE has counted with what it had before the step. */
void port_note_outcome(struct port *port, const struct supplicant_counters *before,
		       struct moment now);

/* Fills port->eap from port->armed.  0 or -ENOMEM. */
int port_method_new(struct port *port);
void port_method_free(struct port *port); /* the peer has let go of it */

#endif
