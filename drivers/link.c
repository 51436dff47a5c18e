#include "drivers/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/wireless.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/list.h"
#include "drivers/log.h"

/* Events of a thousand interfaces that all come up at once. */
#define EVENT_BUFFER (1024 * 1024)

#define READ_ATTEMPTS 8

struct link_monitor {
	struct nl_sock *commands, *events;
	struct watch watch;
	struct link_events report;
	unsigned *known; /* the indexes that were reported */
	size_t known_count, known_room;
};

static size_t position(const unsigned *set, size_t count, unsigned index)
{
	size_t i = 0;

	while (i < count && set[i] != index)
		i++;
	return i;
}

static bool remember(struct link_monitor *m, unsigned index)
{
	if (position(m->known, m->known_count, index) < m->known_count)
		return true;
	if (m->known_count == m->known_room) {
		size_t room = m->known_room ? 2 * m->known_room : 16;
		unsigned *known = realloc(m->known, room * sizeof *known);

		if (!known)
			return false;
		m->known = known;
		m->known_room = room;
	}
	m->known[m->known_count++] = index;
	return true;
}

static void forget(struct link_monitor *m, unsigned index)
{
	size_t at = position(m->known, m->known_count, index);

	if (at == m->known_count)
		return;
	m->known[at] = m->known[--m->known_count];
	m->report.removed(m->report.context, index);
}

/* Two signs, as a kernel need not have both: the wireless extensions, which answer in every network
 * namespace, and the radio's directory, which is in the sysfs of the first namespace only. */
static bool is_wireless(const struct link_monitor *m, const char *name)
{
	struct iwreq request = { 0 };
	char radio[sizeof "/sys/class/net//phy80211" + IF_NAMESIZE];

	memcpy(request.ifr_name, name, strnlen(name, sizeof request.ifr_name - 1));
	if (ioctl(nl_socket_get_fd(m->commands), SIOCGIWNAME, &request) == 0)
		return true;
	snprintf(radio, sizeof radio, "/sys/class/net/%s/phy80211", name);
	return access(radio, F_OK) == 0;
}

static bool parse(const struct link_monitor *m, struct nlmsghdr *message,
		  struct link_info *ret_link)
{
	struct nlattr *attr[IFLA_MAX + 1];
	struct ifinfomsg *header = nlmsg_data(message);
	struct link_info link = { 0 };

	/* A bridge tells of its members as well, and leaves out what it does not know: with it
	 * their carrier would seem to have gone and come. */
	if (nlmsg_parse(message, sizeof *header, attr, IFLA_MAX, NULL) < 0 || !attr[IFLA_IFNAME] ||
	    header->ifi_index <= 0 || header->ifi_family != AF_UNSPEC)
		return false;
	link.index = (unsigned)header->ifi_index;
	nla_strlcpy(link.name, attr[IFLA_IFNAME], sizeof link.name);
	if (attr[IFLA_ADDRESS] && nla_len(attr[IFLA_ADDRESS]) == sizeof link.mac)
		memcpy(link.mac, nla_data(attr[IFLA_ADDRESS]), sizeof link.mac);
	if (attr[IFLA_MTU] && nla_len(attr[IFLA_MTU]) >= 4)
		link.mtu = nla_get_u32(attr[IFLA_MTU]);
	if (attr[IFLA_CARRIER_CHANGES] && nla_len(attr[IFLA_CARRIER_CHANGES]) >= 4)
		link.carrier_changes = nla_get_u32(attr[IFLA_CARRIER_CHANGES]);
	link.ethernet = header->ifi_type == ARPHRD_ETHER && !(header->ifi_flags & IFF_LOOPBACK);
	link.wireless = link.ethernet && is_wireless(m, link.name);
	link.up = header->ifi_flags & IFF_UP;
	link.carrier = link.up && (header->ifi_flags & IFF_LOWER_UP);
	*ret_link = link;
	return true;
}

static int on_message(struct nl_msg *msg, void *context)
{
	struct link_monitor *m = context;
	struct nlmsghdr *message = nlmsg_hdr(msg);
	struct link_info link;

	if (message->nlmsg_type == RTM_DELLINK &&
	    nlmsg_valid_hdr(message, sizeof(struct ifinfomsg))) {
		const struct ifinfomsg *header = nlmsg_data(message);

		/* A bridge that lets a member go sends this too, for the member. */
		if (header->ifi_family == AF_UNSPEC)
			forget(m, (unsigned)header->ifi_index);
		return NL_OK;
	}
	if (message->nlmsg_type != RTM_NEWLINK || !parse(m, message, &link) ||
	    !remember(m, link.index))
		return NL_OK;
	m->report.changed(m->report.context, &link);
	return NL_OK;
}

/* Asks for all interfaces.  Where one comes or goes meanwhile the kernel says that the list may be
 * incomplete; what it holds is true, so that it only has to be read again. */
static int read_all(struct link_monitor *m)
{
	const struct ifinfomsg request = { .ifi_family = AF_UNSPEC };
	int error = -NLE_DUMP_INTR;

	for (int i = 0; i < READ_ATTEMPTS && error == -NLE_DUMP_INTR; i++) {
		error = nl_send_simple(m->commands, RTM_GETLINK, NLM_F_DUMP,
				       (void *)(uintptr_t)&request, sizeof request);
		if (error >= 0)
			error = nl_recvmsgs_default(m->commands);
	}
	return error < 0 ? -EIO : 0;
}

/* The same, after events were lost: those that were known and are not in the answer are gone. */
int link_monitor_refresh(struct link_monitor *monitor)
{
	struct link_monitor *m = monitor;
	size_t before = m->known_count;
	unsigned *old = calloc(before + 1, sizeof *old);
	int error;

	if (!old)
		return -ENOMEM;
	if (before > 0)
		memcpy(old, m->known, before * sizeof *old);
	m->known_count = 0;
	error = read_all(m);
	for (size_t i = 0; i < before; i++) {
		if (position(m->known, m->known_count, old[i]) < m->known_count)
			continue;
		/* Without an answer nobody knows; its removal will be told. */
		if (error)
			(void)remember(m, old[i]);
		else
			m->report.removed(m->report.context, old[i]);
	}
	free(old);
	return error;
}

static void on_event(struct watch *watch, bool readable, bool writable)
{
	struct link_monitor *m = list_item(watch, struct link_monitor, watch);
	int error = nl_recvmsgs_default(m->events);

	(void)readable;
	(void)writable;
	/* libnl says "no memory" for ENOBUFS: the kernel had to drop events. */
	if (error != -NLE_NOMEM)
		return;
	log_event(LOG_NOTICE, "link.resync", "reason=\"events were lost\"");
	if (link_monitor_refresh(m) < 0)
		log_event(LOG_ERR, "link.resync-failed", "effect=\"changes may have been missed\"");
}

static struct nl_sock *open_netlink(struct link_monitor *m)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return NULL;
	nl_socket_disable_seq_check(sock);
	if (nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, m) < 0 ||
	    nl_connect(sock, NETLINK_ROUTE) < 0) {
		nl_socket_free(sock);
		return NULL;
	}
	return sock;
}

int link_monitor_new(struct loop *loop, const struct link_events *events,
		     struct link_monitor **ret_monitor)
{
	struct link_monitor *m = calloc(1, sizeof *m);
	int error = -EIO;

	if (!m)
		return -ENOMEM;
	m->report = *events;
	m->watch.ready = on_event;
	m->commands = open_netlink(m);
	m->events = open_netlink(m);
	/* Listen first, then ask: nothing is lost in between. */
	if (m->commands && m->events && nl_socket_set_nonblocking(m->events) == 0 &&
	    nl_socket_set_buffer_size(m->events, EVENT_BUFFER, 0) == 0 &&
	    nl_socket_add_membership(m->events, RTNLGRP_LINK) == 0)
		error = watch_set(loop, &m->watch, nl_socket_get_fd(m->events), true, false);
	if (!error)
		error = read_all(m);
	if (error) {
		link_monitor_free(m);
		return error;
	}
	*ret_monitor = m;
	return 0;
}

void link_monitor_free(struct link_monitor *monitor)
{
	if (!monitor)
		return;
	watch_clear(&monitor->watch);
	nl_socket_free(monitor->commands);
	nl_socket_free(monitor->events);
	free(monitor->known);
	free(monitor);
}
