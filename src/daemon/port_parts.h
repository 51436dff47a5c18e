/* What the files of a port share: port.c is the way of a frame and all that happens to a port,
 * port_attempt.c tells how it went, port_course.c knows what a conversation is for, and
 * port_method.c what it is run with. */
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

/* Chooses the next conversation, unless one is going on.  False: there is none to be had now. */
bool port_prepare(struct port *port);
bool port_in_conversation(const struct port *port);
/* What the next one would be. */
enum course port_wish(struct port *port);
/* Until course_until, or until somebody has the port reconsidered, nothing is said or heard.  The
 * machines are to be stepped. */
void port_wait(struct port *port);
void port_tell_progress(struct port *port);
/* After a step, like port_note_outcome; true when a conversation has come to its own end. */
bool port_note_conversation(struct port *port, const struct supplicant_counters *before,
			    struct moment now);

/* Fills port->eap from port->armed.  0 or -ENOMEM. */
int port_method_new(struct port *port);
/* For the next conversation.  0, or -errno with the reason, and no method. */
int port_method_choose(struct port *port, enum course course, struct diagnosis *why);
/* port->successor takes the place of port->armed.  0 or -ENOMEM. */
int port_method_succeed(struct port *port);
void port_method_free(struct port *port); /* the peer has let go of it */

#endif
