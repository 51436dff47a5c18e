#include "drivers/bridge.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

typedef struct nl_msg nl_msg;
DEFINE_AUTO(nl_msg, nlmsg_free);

struct bridge_control {
	struct nl_sock *sock;
};

int bridge_control_new(struct bridge_control **ret_control)
{
	struct bridge_control *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	c->sock = nl_socket_alloc();
	if (!c->sock || nl_connect(c->sock, NETLINK_ROUTE) < 0) {
		bridge_control_free(c);
		return -EIO;
	}
	*ret_control = c;
	return 0;
}

void bridge_control_free(struct bridge_control *control)
{
	if (!control)
		return;
	nl_socket_free(control->sock);
	free(control);
}

/* libnl has errors of its own for the kernel's. */
static int kernel_error(int error)
{
	switch (-error) {
	case 0:
		return 0;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_INVAL:
		return -EINVAL;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static nl_msg *request(int type, int flags, unsigned char family, unsigned index)
{
	struct ifinfomsg header = { .ifi_family = family, .ifi_index = (int)index };
	AUTO(nl_msg) msg = nlmsg_alloc_simple(type, flags);

	if (!msg || nlmsg_append(msg, &header, sizeof header, NLMSG_ALIGNTO) < 0)
		return NULL;
	return TAKE(msg);
}

/* Sends, and waits for the acknowledgement. */
static int ask(struct bridge_control *c, nl_msg *msg)
{
	int error;

	if (!msg)
		return -ENOMEM;
	error = nl_send_auto(c->sock, msg);
	nlmsg_free(msg);
	if (error >= 0)
		error = nl_wait_for_ack(c->sock);
	return error < 0 ? kernel_error(error) : 0;
}

/* ---- questions ---- */

struct answer {
	void (*read)(struct nlmsghdr *message, void *into);
	void *into;
};

static int on_answer(struct nl_msg *msg, void *context)
{
	const struct answer *answer = context;

	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWLINK &&
	    nlmsg_valid_hdr(nlmsg_hdr(msg), sizeof(struct ifinfomsg)))
		answer->read(nlmsg_hdr(msg), answer->into);
	return NL_OK;
}

static int question(struct bridge_control *c, nl_msg *msg,
		    void (*read)(struct nlmsghdr *message, void *into), void *into)
{
	AUTO(nl_msg) owned = msg;
	struct answer answer = { read, into };
	int error;

	if (!owned)
		return -ENOMEM;
	if (nl_socket_modify_cb(c->sock, NL_CB_VALID, NL_CB_CUSTOM, on_answer, &answer) < 0)
		return -ENOMEM;
	error = nl_send_auto(c->sock, owned);
	if (error >= 0)
		error = nl_recvmsgs_default(c->sock);
	/* A single answer is followed by its acknowledgement, the parts of a dump by their end. */
	if (error >= 0 && !(nlmsg_hdr(owned)->nlmsg_flags & NLM_F_DUMP))
		error = nl_wait_for_ack(c->sock);
	return error < 0 ? kernel_error(error) : 0;
}

struct link_facts {
	unsigned index, master;
	bool bridge, filters;
};

static void read_kind(struct nlattr *info, struct link_facts *facts)
{
	struct nlattr *attr[IFLA_INFO_MAX + 1], *data[IFLA_BR_MAX + 1];

	if (nla_parse_nested(attr, IFLA_INFO_MAX, info, NULL) < 0 || !attr[IFLA_INFO_KIND] ||
	    nla_strcmp(attr[IFLA_INFO_KIND], "bridge") != 0)
		return;
	facts->bridge = true;
	facts->filters = attr[IFLA_INFO_DATA] &&
			 nla_parse_nested(data, IFLA_BR_MAX, attr[IFLA_INFO_DATA], NULL) >= 0 &&
			 data[IFLA_BR_VLAN_FILTERING] && nla_get_u8(data[IFLA_BR_VLAN_FILTERING]);
}

static void read_link(struct nlmsghdr *message, void *into)
{
	struct link_facts *facts = into;
	const struct ifinfomsg *header = nlmsg_data(message);
	struct nlattr *attr[IFLA_MAX + 1];

	if (nlmsg_parse(message, sizeof *header, attr, IFLA_MAX, NULL) < 0)
		return;
	facts->index = (unsigned)header->ifi_index;
	if (attr[IFLA_MASTER] && nla_len(attr[IFLA_MASTER]) >= 4)
		facts->master = nla_get_u32(attr[IFLA_MASTER]);
	if (attr[IFLA_LINKINFO])
		read_kind(attr[IFLA_LINKINFO], facts);
}

static int facts_of(struct bridge_control *c, unsigned index, const char *name,
		    struct link_facts *ret_facts)
{
	AUTO(nl_msg) msg = request(RTM_GETLINK, NLM_F_ACK, AF_UNSPEC, index);
	int error;

	*ret_facts = (struct link_facts){ 0 };
	if (!msg || (name && nla_put_string(msg, IFLA_IFNAME, name) < 0))
		return -ENOMEM;
	error = question(c, TAKE(msg), read_link, ret_facts);
	return error ? error : ret_facts->index ? 0 : -ENODEV;
}

int bridge_membership(struct bridge_control *control, unsigned index,
		      struct bridge_membership *ret_membership)
{
	struct link_facts port, master = { 0 };
	int error = facts_of(control, index, NULL, &port);

	if (error == 0 && port.master)
		error = facts_of(control, port.master, NULL, &master);
	if (error)
		return error;
	ret_membership->master = port.master;
	ret_membership->filters = master.filters;
	return 0;
}

int bridge_find(struct bridge_control *control, const char *name, unsigned *ret_index)
{
	struct link_facts facts;
	int error = facts_of(control, 0, name, &facts);

	if (error)
		return error;
	if (!facts.bridge)
		return -EINVAL;
	*ret_index = facts.index;
	return 0;
}

/* ---- changes ---- */

int bridge_join(struct bridge_control *control, unsigned index, unsigned master)
{
	AUTO(nl_msg) msg = request(RTM_NEWLINK, 0, AF_UNSPEC, index);

	if (!msg || nla_put_u32(msg, IFLA_MASTER, master) < 0)
		return -ENOMEM;
	return ask(control, TAKE(msg));
}

int bridge_set_up(struct bridge_control *control, unsigned index, bool up)
{
	const struct ifinfomsg header = { .ifi_family = AF_UNSPEC,
					  .ifi_index = (int)index,
					  .ifi_flags = up ? IFF_UP : 0,
					  .ifi_change = IFF_UP };
	AUTO(nl_msg) msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	if (!msg || nlmsg_append(msg, (void *)(uintptr_t)&header, sizeof header, NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return ask(control, TAKE(msg));
}

int bridge_create(struct bridge_control *control, const char *name)
{
	const struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	AUTO(nl_msg) msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	if (!msg || nlmsg_append(msg, (void *)(uintptr_t)&up, sizeof up, NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, IFLA_IFNAME, name) < 0 ||
	    !(info = nla_nest_start(msg, IFLA_LINKINFO)) ||
	    nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	return ask(control, TAKE(msg));
}

int bridge_remove(struct bridge_control *control, unsigned index)
{
	return ask(control, request(RTM_DELLINK, 0, AF_UNSPEC, index));
}

/* ---- VLANs of a port ---- */

struct vlan_search {
	unsigned index;
	struct bridge_vlans *found;
};

static void read_vlans(struct nlmsghdr *message, void *into)
{
	const struct vlan_search *search = into;
	const struct ifinfomsg *header = nlmsg_data(message);
	struct nlattr *attr[IFLA_MAX + 1], *entry;
	int left;

	if (header->ifi_index != (int)search->index ||
	    nlmsg_parse(message, sizeof *header, attr, IFLA_MAX, NULL) < 0 || !attr[IFLA_AF_SPEC])
		return;
	nla_for_each_nested(entry, attr[IFLA_AF_SPEC], left)
	{
		struct bridge_vlans *found = search->found;
		struct bridge_vlan_info info;

		if (nla_type(entry) != IFLA_BRIDGE_VLAN_INFO || nla_len(entry) < (int)sizeof info)
			continue;
		memcpy(&info, nla_data(entry), sizeof info);
		if ((info.flags & BRIDGE_VLAN_INFO_RANGE_END) && found->count > 0)
			found->vlan[found->count - 1].last = info.vid;
		else if (found->count < BRIDGE_VLANS_MAX)
			found->vlan[found->count++] = (struct bridge_vlan){
				info.flags & (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED),
				info.vid, info.vid
			};
	}
}

int bridge_vlans_read(struct bridge_control *control, unsigned index, struct bridge_vlans *ret)
{
	AUTO(nl_msg) msg = request(RTM_GETLINK, NLM_F_DUMP, AF_BRIDGE, 0);
	struct vlan_search search = { index, ret };

	*ret = (struct bridge_vlans){ 0 };
	if (!msg || nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED) < 0)
		return -ENOMEM;
	return question(control, TAKE(msg), read_vlans, &search);
}

static bool put_vlans(nl_msg *msg, const struct bridge_vlans *vlans)
{
	for (unsigned i = 0; i < vlans->count; i++) {
		const struct bridge_vlan *v = &vlans->vlan[i];
		struct bridge_vlan_info first = { v->flags, v->first }, last = first;

		if (v->first == v->last) {
			if (nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof first, &first) < 0)
				return false;
			continue;
		}
		first.flags |= BRIDGE_VLAN_INFO_RANGE_BEGIN;
		last.flags |= BRIDGE_VLAN_INFO_RANGE_END;
		last.vid = v->last;
		if (nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof first, &first) < 0 ||
		    nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof last, &last) < 0)
			return false;
	}
	return true;
}

static int change_vlans(struct bridge_control *c, int type, unsigned index,
			const struct bridge_vlans *vlans)
{
	AUTO(nl_msg) msg = request(type, 0, AF_BRIDGE, index);
	struct nlattr *spec;

	if (vlans->count == 0)
		return 0;
	if (!msg || !(spec = nla_nest_start(msg, IFLA_AF_SPEC)) || !put_vlans(msg, vlans))
		return -ENOMEM;
	nla_nest_end(msg, spec);
	return ask(c, TAKE(msg));
}

int bridge_vlans_replace(struct bridge_control *control, unsigned index,
			 const struct bridge_vlans *from, const struct bridge_vlans *to)
{
	int error = change_vlans(control, RTM_DELLINK, index, from);

	return error ? error : change_vlans(control, RTM_SETLINK, index, to);
}
