/* A port: one interface, its profile, and the whole way of a frame through it.
 *
 * port.c is where the data path reads from top to bottom: frame, EAPOL, EAP, method, key, signal.
 * A port is fed with events (link, frame, time, what the user wants); after each it steps its
 * machines, then sends what they want sent and announces what has changed.  It decides nothing that
 * a machine decides. */
#ifndef DAEMON_PORT_H
#define DAEMON_PORT_H

#include "config/arm.h"
#include "base/list.h"
#include "dbus/model.h"
#include "drivers/link.h"
#include "drivers/loop.h"
#include "drivers/packet.h"
#include "daemon/enrolment.h"
#include "daemon/life.h"
#include "eap/peer.h"
#include "eapol/supplicant.h"
#include "eap/method.h"

struct port;

/* How a conversation ended, and what for it was. */
struct conversation_end {
	enum course course;
	bool cut_off; /* by the cable or the user; then nothing of the rest */
	enum life_ending ending;
	/* The server would have had the tunnel of enrolments instead, before it let the port be
	 * opened: by this it asks for a renewal.  Anybody can say so, and who minds is to ask what
	 * may come of it. */
	bool wished;
	enum life_outcome outcome; /* of an enrolment or a renewal */
	struct diagnosis why;	   /* of one that failed */
};

/* What a port needs of the service that it belongs to. */
struct port_world {
	struct loop *loop;
	struct packet_socket *socket;
	/* The port looks different from outside: state, profile, diagnosis … */
	void (*changed)(void *context, struct port *port);
	/* What its next conversation is for; *ret_until is when that may change by itself. */
	enum course (*course)(void *context, struct port *port, msec *ret_until);
	/* What an enrolment or renewal of this port is to do: 0, or -errno with the reason. */
	int (*enrol)(void *context, struct port *port, enum course course,
		     struct enrolment **ret_enrolment, struct diagnosis *why);
	void (*conversation_began)(void *context, struct port *port);
	void (*conversation_ended)(void *context, struct port *port,
				   const struct conversation_end *end);
	void (*progress)(void *context, struct port *port, const struct enrolment_event *event);
	/* The port is open: what the credential has to complain about; NULL: nothing. */
	const struct diagnosis *(*complaint)(void *context, struct port *port);
	/* An attempt has ended; port->diagnosis tells how. */
	void (*ended)(void *context, struct port *port, bool success);
	void *context;
};

struct port {
	struct list node; /* the service's */
	const struct port_world *world;
	struct link_info link;
	struct armed *armed;	 /* NULL when the profile cannot be used: `diagnosis` says why */
	struct armed *successor; /* the same profile with another credential, taken up between two
				    conversations; NULL: none */
	char profile[PROFILE_NAME_MAX + 1];
	bool joined;  /* the multicast group, on this interface */
	bool taken;   /* another supplicant works here */
	bool wanted;  /* the user, or AutoConnect=, wants it to be open */
	bool decided; /* one of them has said so, or not */

	struct supplicant pae;
	struct eap_lower lower;
	struct eap_peer peer;
	struct eap_peer_config eap;
	enum course course;	      /* of the conversation, or of the next one */
	struct eap_peer_offer method; /* of ordinary ones; empty without a credential */
	struct enrolment *enrolment;  /* of the others; NULL: none is prepared */
	bool conversing;	      /* and world was told */
	bool waiting;		      /* there is no conversation to be had before course_until */
	msec course_until;
	bool again; /* the credential is another by now: with it, the next conversation is due */
	bool hurry; /* the next conversation is due at once, whatever it is */
	struct eap_report report; /* of the last ordinary conversation, with its method */
	const char *reported;	  /* that method's name; static; "" for none */
	struct packet_tag tag;	  /* of the last frame heard */
	struct timer timer;

	bool unanswered;    /* and that was told */
	msec attempt_began; /* NEVER outside an attempt */
	msec next_notification;
	int64_t last_success;
	msec duration; /* of the last success */
	struct diagnosis diagnosis;
};

int port_new(const struct port_world *world, const struct link_info *link, struct port **ret_port);
void port_free(struct port *port); /* leaves the group; sends nothing */

/* Events. */
void port_set_link(struct port *port, const struct link_info *link);
void port_receive(struct port *port, const struct packet_frame *frame);
void port_connect(struct port *port);
void port_disconnect(struct port *port);
void port_reauthenticate(struct port *port);
/* The machine was asleep: what was due meanwhile is done, and the authenticator is asked whether it
 * still knows us. */
void port_resume(struct port *port);
/* The interface, or its profile, is no more; port_free follows. */
void port_gone(struct port *port, enum diagnosis_id why);
/* Sends Logoff if the port is open, before the service stops. */
void port_logoff(struct port *port);

/* The course may be another one by now: begins the next conversation if the port waits for one, or
 * if that is to be had (renewal); a port that is open stays so. */
void port_reconsider(struct port *port);

/* Takes a profile, or NULL with the reason that it cannot be used.  A port whose profile has not
 * changed (armed_same) is left alone; any other begins anew.  But where it is an enrolment or a
 * renewal that has changed the credential, and nothing else has changed, the port goes on with it
 * from its next conversation. */
void port_use(struct port *port, const char *profile, struct armed *armed,
	      const struct diagnosis *problem, bool by_enrolment);

/* The word of port_view.state. */
const char *port_state(const struct port *port);
void port_view_of(const struct port *port, struct port_view *ret_view);

#endif
