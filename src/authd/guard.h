/* The guarded ports with the outside that they need: gate, packet socket, interfaces.
 *
 * It wants CAP_NET_ADMIN and CAP_NET_RAW, and to be the only one in its network namespace. */
#ifndef AUTHD_GUARD_H
#define AUTHD_GUARD_H

#include "authd/ports.h"

struct guard;

struct guard_settings {
	struct aaa_server *servers[2]; /* by enum port_server; NULL: none */
	struct accountant *accountant; /* not NULL; outlives the guard */
	const char *nas_identifier;    /* the host's name; copied */
};

/* All ports of the configuration are closed when this returns 0: guarded, or, where an interface
 * cannot be guarded, set down.  -errno with *why: none is. */
int guard_new(struct loop *loop, const struct guard_settings *settings, struct config *config,
	      struct guard **ret_guard, struct diagnosis *why);
/* From a reload. */
void guard_configure(struct guard *guard, struct config *config);
/* Ends all sessions; what becomes of the interfaces says [Service] PortsAtExit=. */
void guard_free(struct guard *guard);
DEFINE_AUTO_STRUCT(guard);

struct ports *guard_ports(struct guard *guard);

#endif
