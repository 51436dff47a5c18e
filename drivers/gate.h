/* Opens and closes a wired port for real: the controlled port of IEEE Std 802.1X, by nftables.
 *
 * One table of our own, of family netdev, holds for each guarded interface a chain at the ingress
 * and one at the egress of the device, and the set of the machines that are let in.  While no
 * machine is, all is dropped on its way in, and all but EAPOL on its way out.  EAPOL that arrives
 * is dropped as well, so that nothing of it is relayed by a bridge: the socket of drivers/packet.h
 * has seen it by then, for the kernel serves taps first.  With one machine or more let in, what
 * comes from their addresses passes, and everything goes out.
 *
 * A port is closed before anything else: from the moment that it is guarded.  Changes by open and
 * close are collected and put in force together, in one transaction, when the loop comes round
 * (within the same wake-up).  If the kernel refuses them, everything is as it was, each port is
 * tried by itself, and the owner of one that fails is told why.
 *
 * Other programs may wipe the whole ruleset, as reloading a firewall often does.  We hear of every
 * change to our table that is not ours and at once put things back.  A process that was killed
 * leaves its table as it was: authorised machines stay, nobody new gets in, until the next start
 * takes over in one transaction: there all ports begin closed.
 *
 * A port may also be moved to the bridge of its VLAN, or have its port VLAN set where its bridge
 * filters by VLAN. */
#ifndef DRIVERS_GATE_H
#define DRIVERS_GATE_H

#include "base/diagnosis.h"
#include "drivers/loop.h"
#include "drivers/packet.h"

#define GATE_PORTS_MAX	  1024
#define GATE_MACHINES_MAX 1024 /* of one port */
#define GATE_TABLE	  "latchkey_authd"

struct gate;

struct gate_events {
	/* What was asked for this port is not in force, why says for what reason. It is tried again
	 * with the next change.  why is borrowed for the call. */
	void (*failed)(void *context, unsigned index, const struct diagnosis *why);
	void *context;
};

/* What the gate does when it goes. */
enum gate_exit {
	GATE_REMOVE, /* as if there had been none: every port is open to all */
	GATE_KEEP,   /* all stays as it is, for the next start to take over */
	GATE_SHUT,   /* every port is closed and stays so */
};

struct gate_port {
	unsigned index;
	const char *name; /* copied */
	/* Once a machine is let in, anybody else behind the port is: host mode "any". */
	bool any;
	/* NULL, or the name of a VLAN's bridge, with %v for its number: "br%v"; copied. */
	const char *bridge;
	bool create_bridges; /* a bridge that is not there is made, and removed when it is empty */
	/* The bridge that it belongs to when it is in no VLAN; "": none.  NULL: the one that it is
	 * found in, unless that is a VLAN's, where a process that was killed has left it. Copied.
	 */
	const char *home;
};

/* Changes nothing in the kernel.  0 or -ENOMEM. */
int gate_new(struct loop *loop, const struct gate_events *events, struct gate **ret_gate);
/* Unless all is kept, ports go back from the bridge of their VLAN.  NULL is fine. */
void gate_free(struct gate *gate, enum gate_exit how);

/* Puts the ports that are guarded by now in force, all closed, and takes away what an earlier
 * process has left, in one transaction.  A port that cannot be guarded is reported to failed and is
 * not guarded.  0; or -EPERM (no CAP_NET_ADMIN), -EOPNOTSUPP (no nftables for devices), and other
 * -errno, with *why: then no port is guarded, and what there was is as it was. */
int gate_start(struct gate *gate, struct diagnosis *why);

/* Guards an interface.  Before gate_start: is remembered for it.  Afterwards: it is closed when
 * this returns 0.  One that is guarded already gets the new settings in one transaction, so that it
 * is closed all the while.  -errno with *why: it is not guarded, and must not be taken into
 * service. -EINVAL when the kernel's name for it is one that nftables cannot take, -ENOSPC beyond
 * GATE_PORTS_MAX, -EOPNOTSUPP without an egress hook (Linux 5.16). */
int gate_guard(struct gate *gate, const struct gate_port *port, struct diagnosis *why);
/* No longer: the port is open to all, and back where it was.  Also for an interface that is gone.
 */
void gate_release(struct gate *gate, unsigned index);

/* Lets a machine in; again does nothing.  0, -ENOENT when the port is not guarded, -ENOSPC beyond
 * GATE_MACHINES_MAX, -EINVAL for an address that is a group's or zero, -ENOMEM. */
int gate_open(struct gate *gate, unsigned index, const uint8_t mac[MAC_SIZE]);
/* And out again; mac NULL: all of them. */
void gate_close(struct gate *gate, unsigned index, const uint8_t *mac);
/* Lets everybody in, whoever that is, or no longer: for a VLAN of those who did not authenticate. 0
 * or -ENOENT. */
int gate_admit(struct gate *gate, unsigned index, bool everybody);
/* Puts changes in force now and not when the loop comes round.  0, or the -errno of the last port
 * that failed (failed was called for each). */
int gate_flush(struct gate *gate);

/* Puts the whole port into a VLAN (1 to 4094), or back to where it was (0), now.  A port whose
 * bridge filters by VLAN gets it as its untagged port VLAN and leaves the ones it had; any other is
 * moved to the bridge that gate_port.bridge names.  0 or -errno with *why; then it is where it was.
 */
int gate_vlan(struct gate *gate, unsigned index, uint16_t vlan, struct diagnosis *why);

/* Whether a template names a bridge for every VLAN: %v once, and never too long. */
bool gate_bridge_valid(const char *bridge);

#endif
