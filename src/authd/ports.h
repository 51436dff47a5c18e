/* Role 1 of latchkey-authd: the port authenticator.  All guarded ports, in the main thread.
 *
 * Fed with links and frames; asks a server (aaa.h) for each machine, and opens and closes the gate.
 * What it needs of the outside is in struct ports_world, so that a test can be the outside. */
#ifndef AUTHD_PORTS_H
#define AUTHD_PORTS_H

#include <jansson.h>

#include "authd/accounting.h"
#include "authd/port_config.h"
#include "drivers/gate.h"
#include "drivers/link.h"

#define PORTS_SESSIONS_MAX 16384 /* of all ports; at most 65536 */

/* As drivers/gate.h and drivers/packet.h have them, with their context in front. */
struct ports_doors {
	int (*guard)(void *context, const struct gate_port *port, struct diagnosis *why);
	void (*release)(void *context, unsigned index);
	int (*open)(void *context, unsigned index, const uint8_t mac[MAC_SIZE]);
	void (*close)(void *context, unsigned index, const uint8_t *mac);
	int (*admit)(void *context, unsigned index, bool everybody);
	/* What was closed before is closed in force before the port moves. */
	int (*vlan)(void *context, unsigned index, uint16_t vlan, struct diagnosis *why);
	/* The interface itself, administratively. */
	int (*set_up)(void *context, unsigned index, bool up);
	int (*join)(void *context, unsigned index);
	void (*leave)(void *context, unsigned index);
	int (*send)(void *context, unsigned index, const uint8_t destination[MAC_SIZE],
		    const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu);
	/* What went through an interface; false: not known. */
	bool (*traffic)(void *context, const char *name, uint64_t ret_counters[4]);
	/* The bridge that an interface is a port of; false: none. */
	bool (*bridge)(void *context, const char *name, char ret_bridge[IF_NAMESIZE]);
	struct moment (*now)(void *context);
};

struct ports_world {
	struct loop *loop;
	const struct ports_doors *doors;
	void *doors_context;
	/* By enum port_server; NULL: there is none. */
	struct aaa_server *servers[2];
	/* Not NULL; told of every session that is open. */
	struct accountant *accountant;
	const char *nas_identifier; /* the host's name; borrowed */
};

struct ports;

/* world is copied, what it points to borrowed. 0 or -errno. */
int ports_new(const struct ports_world *world, struct ports **ret_ports);
/* Ends all sessions and leaves the gate to its owner. */
void ports_free(struct ports *ports);
DEFINE_AUTO_STRUCT(ports);

/* The servers, when there are others. */
void ports_set_server(struct ports *ports, enum port_server which, struct aaa_server *server);

/* Takes a reference to the configuration.  Ports whose settings have not changed keep their
 * sessions; others begin anew, interfaces that no file means any more are released. */
void ports_configure(struct ports *ports, struct config *config);

/* Events. */
void ports_set_link(struct ports *ports, const struct link_info *link);
void ports_remove_link(struct ports *ports, unsigned index);
void ports_receive(struct ports *ports, const struct packet_frame *frame);
/* Of the gate: what was asked for is not in force.  The port is not guarded from then on (port.h).
 */
void ports_gate_failed(struct ports *ports, unsigned index, const struct diagnosis *why);

/* All sessions that target names (its id, or a MAC address in any usual form): how many there were.
 */
int ports_disconnect(struct ports *ports, const char *target);
int ports_disconnect_account(struct ports *ports, const char *account);
int ports_reauthenticate(struct ports *ports, const char *target);

/* For dynauth.h; good as long as the ports are. */
struct session_keeper;
void ports_keeper(struct ports *ports, struct session_keeper *ret_keeper);

/* Adds the ports that are not guarded. */
struct health;
void ports_health(const struct ports *ports, struct health *health);

struct ports_counts {
	uint64_t ports, not_guarded, sessions, authorised; /* now */
	uint64_t frames_rx, malformed_rx, shed_frames, shed_starts, shed_machines, strangers;
	uint64_t accepts, refusals, timeouts;
};
void ports_count(const struct ports *ports, struct ports_counts *ret_counts);

/* For authd_view: arrays, as view.h has them; NULL without memory. */
json_t *ports_view(const struct ports *ports);
json_t *ports_view_sessions(const struct ports *ports);

#endif
