/* What port_session.c and port_session_open.c share. */
#ifndef AUTHD_PORT_SESSION_PARTS_H
#define AUTHD_PORT_SESSION_PARTS_H

#include "authd/ports_parts.h"

static inline struct ports *ports_of(const struct port_session *s)
{
	return s->port->ports;
}

static inline const char *port_name(const struct port_session *s)
{
	return s->port->link.name;
}

const char *port_session_station(const uint8_t mac[MAC_SIZE], char text[18]);

/* Of whom a line of the log tells. */
#define WHO_FORMAT "port=%s station=%s session=%s identity=\"%s\""
#define WHO(s)                                                                                     \
	port_name(s), port_session_station((s)->mac, (char[18]){ 0 }), (s)->id,                    \
		log_quoted((s)->identity, (char[AAA_TEXT_MAX + 1]){ 0 }, AAA_TEXT_MAX + 1)

/* When there is something to do again. */
void port_session_set_timer(struct port_session *s);

/* ---- port_session_open.c ---- */

/* The server has said so: the gate opens, or what is open goes on under another grant.  Where the
 * gate or the VLAN cannot be had it is tried again, for as long as the server's word holds. */
void port_session_let_in(struct port_session *s, struct moment now);
/* Closes what is open, for this cause. */
void port_session_put_out(struct port_session *s, enum terminate_cause cause);
/* s->why is why it is not let in. */
void port_session_note_failure(struct port_session *s, struct moment now);
/* Interim accounting, when its time has come. */
void port_session_interim(struct port_session *s, struct moment now);

#endif
