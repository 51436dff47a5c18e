/* A session: one machine behind a guarded port, from its first frame until it is gone.
 *
 * port_session.c is where the way of a frame of the other end reads from top to bottom: EAPOL, PAE,
 * EAP, the server that is asked, its answer; port_session_open.c is what that comes to: the gate
 * and accounting.  A session is fed with events (link, frame, answer, time); after each it steps
 * its machines, then sends, asks, opens or closes, and tells.  Before anybody has spoken a port has
 * one session that is nobody's, and speaks to the group. */
#ifndef AUTHD_PORT_SESSION_H
#define AUTHD_PORT_SESSION_H

#include "authd/aaa.h"
#include "authd/accounting.h"
#include "base/list.h"
#include "drivers/loop.h"
#include "eap/authenticator.h"
#include "eapol/authenticator.h"

#define SESSION_ID_SIZE 20

struct port;

/* What there is of octets and packets on an interface. */
struct traffic {
	bool known;
	uint64_t octets_in, octets_out, packets_in, packets_out;
};

struct port_session {
	struct list node; /* the port's */
	struct port *port;
	bool known; /* mac is somebody's */
	uint8_t mac[MAC_SIZE];
	struct packet_tag tag;	  /* of the last frame heard */
	char id[SESSION_ID_SIZE]; /* Acct-Session-Id; of the next, until it is open */

	struct authenticator_pae pae;
	struct eap_authenticator eap;
	struct eap_authenticator_lower lower;
	struct eap_authenticator_aaa aaa;
	struct timer timer;

	unsigned slot;	      /* in the table of ports.c */
	uint64_t number;      /* of the conversation with the server; 0: none */
	bool told;	      /* the server said why, just now */
	bool enrolling;	      /* and that it refused an enrolment or a renewal */
	int64_t refused;      /* when; 0: the last attempt was not */
	struct diagnosis why; /* of the last attempt that failed; DIAG_NONE after a success */

	bool open;		    /* the gate, for this machine */
	msec retry_at, retry_wait;  /* of a gate or VLAN that could not be had; NEVER */
	enum terminate_cause cause; /* set by who ends it; TERMINATE_NOT: the machines tell */
	struct moment opened;
	msec interim_at;
	struct traffic before; /* what the interface had when it was opened */
	char identity[AAA_TEXT_MAX + 1];
	struct aaa_grant grant;
	struct eap_report report;
	char method[32];
};

/* mac NULL: nobody's.  0 or -errno; the link is down. */
int port_session_new(struct port *port, const uint8_t *mac, struct port_session **ret_session);
/* Closes what is open, for this cause. */
void port_session_free(struct port_session *session, enum terminate_cause cause);

/* Events.  Whether the session has become idle: nobody is there, or wants to be let in. */
CHECKED bool port_session_set_link(struct port_session *session, bool up);
CHECKED bool port_session_receive(struct port_session *session, const struct packet_frame *frame);
CHECKED bool port_session_answer(struct port_session *session,
				 struct aaa_answer *answer); /* takes nothing */
CHECKED bool port_session_step(struct port_session *session);
/* The machine is asked again; what is open stays so unless it fails. */
CHECKED bool port_session_reauthenticate(struct port_session *session);
/* What is open is closed, then the machine is asked again. */
CHECKED bool port_session_disconnect(struct port_session *session, enum terminate_cause cause);

/* While it is open.  0, or -EOPNOTSUPP (a VLAN that cannot be had) and all stays as it was. */
struct session_change;
int port_session_change(struct port_session *session, const struct session_change *what);

/* "authorised", "authenticating", "held", "waiting" */
const char *port_session_state(const struct port_session *session);
/* Who it is and where, as the server is told. */
void port_session_where(const struct port_session *session, struct aaa_where *ret_where);

#endif
