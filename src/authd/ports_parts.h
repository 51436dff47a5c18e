/* What ports and their sessions know of ports.c. */
#ifndef AUTHD_PORTS_PARTS_H
#define AUTHD_PORTS_PARTS_H

#include "authd/dynauth.h"
#include "authd/port.h"
#include "authd/ports.h"

#define PORTS_BUCKETS 256

struct ports {
	struct ports_world world;
	struct aaa_asker asker;
	struct config *config;
	struct list all; /* struct port */
	/* By interface index; those that are not guarded as well, as the configuration may change.
	 */
	struct list links[PORTS_BUCKETS];
	uint32_t booted;  /* seconds since 1970; the first part of session ids */
	uint32_t next_id; /* the second */
	uint64_t next_number;
	struct ports_counts gone; /* what ports that are no more have counted */

	struct port_session *slot[PORTS_SESSIONS_MAX];
	unsigned free_slot[PORTS_SESSIONS_MAX], free_slots;
};

static inline struct moment ports_now(const struct ports *ports)
{
	return ports->world.doors->now(ports->world.doors_context);
}

/* A place for a session; false when there are too many. */
bool ports_take_slot(struct ports *ports, struct port_session *session);
void ports_give_slot(struct ports *ports, struct port_session *session);
/* The number of a conversation that begins: it leads back to the session. */
uint64_t ports_number(struct ports *ports, const struct port_session *session);
void ports_session_id(struct ports *ports, char id[SESSION_ID_SIZE]);

#endif
