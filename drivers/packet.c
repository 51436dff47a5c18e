#include "drivers/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"

/* The longest EAPOL PDU (a 16-bit body length) behind an Ethernet header. */
#define FRAME_MAX (ETH_HLEN + 4 + 65535)

/* How many frames one wake-up takes before others get their turn. */
#define FRAMES_AT_ONCE 64

/* A thousand authenticators may ask at the same moment. */
#define RECEIVE_BUFFER (2 * 1024 * 1024)

struct packet_socket {
	int fd;
	struct watch watch;
	void (*received)(void *context, const struct packet_frame *frame);
	void *context;
	uint8_t buffer[FRAME_MAX];
};

const uint8_t pae_group_address[MAC_SIZE] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x03 };

static int attach_filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHER_TYPE_EAPOL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { sizeof code / sizeof code[0], code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int set_on(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

/* The filter is in place before the first frame can arrive: the socket begins with no protocol, and
 * bind gives it one. */
static int open_socket(void)
{
	const struct sockaddr_ll any = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* A smaller buffer, and the copies of what others send, are only slower. */
	if (set_on(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		(void)set_on(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	(void)set_on(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (attach_filter(fd) < 0 || set_on(fd, SOL_PACKET, PACKET_AUXDATA, 1) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof any) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

/* The tag, which the kernel has taken out of the frame.  False if the frame belongs to a VLAN. */
static bool read_tag(struct msghdr *message, struct packet_frame *frame)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
		    c->cmsg_len < CMSG_LEN(sizeof aux))
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof aux);
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		frame->tag.present = true;
		frame->tag.priority = (uint8_t)(aux.tp_vlan_tci >> 13);
		return (aux.tp_vlan_tci & 0x0fff) == 0;
	}
	return true;
}

/* Reads one frame.  False when there is none left. */
static bool receive(struct packet_socket *socket)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { socket->buffer, sizeof socket->buffer };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	ssize_t got = recvmsg(socket->fd, &message, MSG_TRUNC);

	if (got < 0)
		return errno == EINTR || errno == ENETDOWN;

	struct packet_frame frame = { .index = (unsigned)from.sll_ifindex };

	if ((size_t)got > sizeof socket->buffer || (message.msg_flags & MSG_CTRUNC))
		return true;
	if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST ||
	    got < ETH_HLEN || !read_tag(&message, &frame))
		return true;
	memcpy(frame.source, socket->buffer + MAC_SIZE, MAC_SIZE);
	frame.pdu = slice_of(socket->buffer + ETH_HLEN, (size_t)got - ETH_HLEN);
	socket->received(socket->context, &frame);
	return true;
}

static void on_readable(struct watch *watch, bool readable, bool writable)
{
	struct packet_socket *socket = list_item(watch, struct packet_socket, watch);

	(void)readable;
	(void)writable;
	for (int i = 0; i < FRAMES_AT_ONCE && receive(socket); i++)
		;
}

int packet_open(struct loop *loop,
		void (*received)(void *context, const struct packet_frame *frame), void *context,
		struct packet_socket **ret_socket)
{
	struct packet_socket *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->received = received;
	s->context = context;
	s->watch.ready = on_readable;
	s->fd = open_socket();

	int error = s->fd < 0 ? s->fd : watch_set(loop, &s->watch, s->fd, true, false);

	if (error < 0) {
		packet_close(s);
		return error;
	}
	*ret_socket = s;
	return 0;
}

void packet_close(struct packet_socket *socket)
{
	if (!socket)
		return;
	watch_clear(&socket->watch);
	if (socket->fd >= 0)
		close(socket->fd);
	free(socket);
}

static int membership(struct packet_socket *socket, int option, unsigned index,
		      const uint8_t group[MAC_SIZE])
{
	struct packet_mreq request = {
		.mr_ifindex = (int)index,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = MAC_SIZE,
	};

	if (!(group[0] & 1))
		return 0;
	memcpy(request.mr_address, group, MAC_SIZE);
	if (setsockopt(socket->fd, SOL_PACKET, option, &request, sizeof request) < 0)
		return -errno;
	return 0;
}

int packet_join(struct packet_socket *socket, unsigned index, const uint8_t group[MAC_SIZE])
{
	return membership(socket, PACKET_ADD_MEMBERSHIP, index, group);
}

void packet_leave(struct packet_socket *socket, unsigned index, const uint8_t group[MAC_SIZE])
{
	/* Fails only for an interface that is gone, and with it its memberships. */
	(void)membership(socket, PACKET_DROP_MEMBERSHIP, index, group);
}

int packet_send(struct packet_socket *socket, unsigned index, const uint8_t destination[MAC_SIZE],
		const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHER_TYPE_EAPOL),
		.sll_ifindex = (int)index,
		.sll_halen = MAC_SIZE,
	};
	uint8_t header[ETH_HLEN + 4];
	struct wr w = wr_of(header, sizeof header);

	wr_bytes(&w, slice_of(destination, MAC_SIZE));
	wr_bytes(&w, slice_of(source, MAC_SIZE));
	if (tag.present) {
		wr_u16(&w, ETH_P_8021Q);
		wr_u16(&w, (uint16_t)(tag.priority << 13));
	}
	wr_u16(&w, ETHER_TYPE_EAPOL);

	struct iovec iov[] = { { header, w.len }, { (void *)(uintptr_t)pdu.p, pdu.len } };
	const struct msghdr message = {
		.msg_name = (void *)(uintptr_t)&to,
		.msg_namelen = sizeof to,
		.msg_iov = iov,
		.msg_iovlen = 2,
	};

	return sendmsg(socket->fd, &message, MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool packet_rival(unsigned index)
{
	/* /proc/net is not there when the unit hides all of /proc but processes. */
	FILE *table = fopen("/proc/self/net/packet", "re");
	char line[256];
	bool found = false;

	while (table && !found && fgets(line, sizeof line, table)) {
		unsigned protocol, iface;

		/* sk RefCnt Type Proto Iface R Rmem User Inode; ours is bound to no interface */
		found = sscanf(line, "%*s %*s %*s %x %u", &protocol, &iface) == 2 &&
			protocol == ETHER_TYPE_EAPOL && iface == index;
	}
	if (table)
		fclose(table);
	return found;
}
