/* ports.d/NAME.port: interfaces that are guarded, and how. */
#ifndef AUTHD_PORT_CONFIG_H
#define AUTHD_PORT_CONFIG_H

#include "authd/config.h"
#include "eapol/authenticator.h"

#define PORT_MACHINES_MAX 1024 /* of one port */
#define PORT_ROUNDS_MAX	  1000 /* of one conversation: as many as [Eap] MaxRounds= may say */

enum port_mode {
	PORT_SINGLE, /* one machine, and nobody else */
	PORT_MULTI,  /* each machine for itself */
	PORT_ANY,    /* once one machine is let in, so is everybody behind the port */
};

enum port_server { PORT_SERVER_LOCAL, PORT_SERVER_RADIUS };

struct port_config {
	struct config_object object;
	/* [Match] */
	struct words interfaces; /* patterns */
	char *bridge;		 /* all ports of this bridge; NULL */

	/* [Port] */
	enum port_mode mode;
	enum port_control control;
	unsigned machines; /* MaximumMachines=: in multi mode, at once */
	uint8_t eapol_version;
	msec quiet_period, request_period, reauth_period;
	unsigned requests; /* conversations without an answer, before request_period */
	unsigned starts_per_second, frames_per_second;
	char *nas_identifier; /* NULL: the host's name */

	/* [Eap] */
	enum port_server server;
	unsigned max_retrans;
	msec retransmit_after;
	msec server_timeout;

	/* [Vlan]; 0: none */
	uint32_t authorised_vlan, unauthenticated_vlan;
	char *bridge_template; /* "br%v"; NULL */
	bool create_bridges;

	/* [Accounting] */
	msec interim; /* unless the server says otherwise; 0: none */
};

extern const struct config_kind port_kind;

/* The first, in the order of their names, that means this interface; bridge is the one that it is a
 * port of, or NULL.  NULL: it is not guarded. */
const struct port_config *config_port(const struct config *config, const char *interface,
				      const char *bridge);

#endif
