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
#include "eap/peer.h"
#include "eapol/supplicant.h"
#include "eap/method.h"

struct port;

/* What a port needs of the service that it belongs to. */
struct port_world {
	struct loop *loop;
	struct packet_socket *socket;
	/* The port looks different from outside: state, profile, diagnosis … */
	void (*changed)(void *context, struct port *port);
	/* An attempt has ended; port->diagnosis tells how. */
	void (*ended)(void *context, struct port *port, bool success);
	void *context;
};

struct port {
	struct list node; /* the service's */
	const struct port_world *world;
	struct link_info link;
	struct armed *armed; /* NULL when the profile cannot be used: `diagnosis` says why */
	char profile[PROFILE_NAME_MAX + 1];
	bool joined; /* the multicast group, on this interface */
	bool taken;  /* another supplicant works here */
	bool wanted; /* the user, or AutoConnect=, wants it to be open */

	struct supplicant pae;
	struct eap_lower lower;
	struct eap_peer peer;
	struct eap_peer_config eap;
	struct eap_peer_offer method;
	struct packet_tag tag; /* of the last frame heard */
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

/* Takes a profile, or NULL with the reason that it cannot be used.  A port whose profile has not
 * changed (armed_same) is left alone; any other begins anew. */
void port_use(struct port *port, const char *profile, struct armed *armed,
	      const struct diagnosis *problem);

/* The word of port_view.state. */
const char *port_state(const struct port *port);
void port_view_of(const struct port *port, struct port_view *ret_view);

#endif
