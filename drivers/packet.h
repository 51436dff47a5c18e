/* EAPOL frames on Ethernet: one packet socket for all interfaces of the network namespace.
 *
 * The socket is not bound to an interface: the kernel tells with each frame where it came from, and
 * is told where to send (packet(7)).  That costs no wait in bind and close, and one descriptor for
 * a thousand ports.  It listens to all protocols behind a filter that passes EtherType 0x888E only,
 * for two reasons: the kernel removes the tag of a VLAN-0 (priority-tagged) frame before it hands
 * it to a socket of one protocol, and frames on the member of a bridge or bond never get there. */
#ifndef DRIVERS_PACKET_H
#define DRIVERS_PACKET_H

#include "base/bytes.h"
#include "drivers/loop.h"

#define ETHER_TYPE_EAPOL 0x888e
#define MAC_SIZE	 6

extern const uint8_t pae_group_address[MAC_SIZE]; /* 01:80:C2:00:00:03 */

/* The tag of a priority-tagged frame: VID 0.  Answers carry the tag that the question had. */
struct packet_tag {
	bool present;
	uint8_t priority;
};

struct packet_frame {
	unsigned index; /* of the interface */
	uint8_t source[MAC_SIZE];
	struct packet_tag tag;
	struct slice pdu; /* what follows the EtherType; borrowed for the call */
};

struct packet_socket;

/* 0 or -errno; -EPERM without CAP_NET_RAW. received is called for each frame, on any interface. */
int packet_open(struct loop *loop,
		void (*received)(void *context, const struct packet_frame *frame), void *context,
		struct packet_socket **ret_socket);
void packet_close(struct packet_socket *socket);

/* Multicast membership on one interface; given back by leave, or when the interface goes away. A
 * unicast address needs none: both then do nothing. */
int packet_join(struct packet_socket *socket, unsigned index, const uint8_t group[MAC_SIZE]);
void packet_leave(struct packet_socket *socket, unsigned index, const uint8_t group[MAC_SIZE]);

/* One frame.  0 or -errno (-ENETDOWN, -ENXIO, -EMSGSIZE, -ENOBUFS …): a frame that is not sent is
 * the protocol's to repeat. */
int packet_send(struct packet_socket *socket, unsigned index, const uint8_t destination[MAC_SIZE],
		const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu);

/* Who else listens for EAPOL on an interface: true if a packet socket of another process is bound
 * to this EtherType and interface, as every other supplicant's is. */
bool packet_rival(unsigned index);

#endif
