/* Network interfaces as the kernel sees them: names, addresses, carrier, by rtnetlink (libnl).
 *
 * One socket asks, another listens. Every change is reported as what the interface is now; when the
 * kernel had to drop events, all are read again, and what vanished meanwhile is reported as
 * removed. */
#ifndef DRIVERS_LINK_H
#define DRIVERS_LINK_H

#include <net/if.h>

#include "drivers/loop.h"

struct link_info {
	unsigned index;
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	unsigned mtu;
	bool ethernet; /* ARPHRD_ETHER, not the loopback */
	bool wireless;
	bool up;      /* administratively */
	bool carrier; /* and there is a signal: IFF_LOWER_UP */

	/* How often carrier has changed.  The kernel reports a short loss late, and together with
	 * the return, as one event: only this number tells that there was one. */
	uint32_t carrier_changes;
};

struct link_monitor;

struct link_events {
	void (*changed)(void *context, const struct link_info *link); /* also when it is new */
	void (*removed)(void *context, unsigned index);
	void *context;
};

/* Reports all that there are before it returns.  0 or -errno. */
int link_monitor_new(struct loop *loop, const struct link_events *events,
		     struct link_monitor **ret_monitor);
void link_monitor_free(struct link_monitor *monitor);

/* Reads all again and reports each as changed. */
int link_monitor_refresh(struct link_monitor *monitor);

#endif
