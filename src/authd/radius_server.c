#include "authd/radius_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/log.h"

#define SOCKETS_MAX    (2 * INI_LIST_MAX)
#define BATCH	       32
#define ROUNDS	       8 /* batches from one socket before the loop looks elsewhere */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define STRANGERS_LOG  10000 /* msec between two lines about strangers */

struct udp_socket {
	struct watch watch;
	struct radius_server *server;
	int fd;
	unsigned number; /* never used twice */
	bool accounting;
	union address address;
};

struct radius_server {
	struct transport transport;
	struct loop *loop;
	struct pool *pool;
	struct config *config;
	struct udp_socket *socket[SOCKETS_MAX];
	size_t count;
	unsigned numbers;
	struct radius_server_counts counts;
	msec strangers_logged;
	uint64_t strangers_before;

	/* one batch */
	uint8_t data[BATCH][RADIUS_PACKET_MAX];
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	union address from[BATCH];
	union control {
		struct cmsghdr align;
		uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control[BATCH];
};

/* ---- in ---- */

/* Which address of ours it was sent to. */
static void find_destination(struct msghdr *message, const struct udp_socket *s,
			     struct origin *origin)
{
	origin->to = s->address;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof v4);
			origin->to.in.sin_addr = v4.ipi_addr;
			origin->interface = 0;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof v6);
			origin->to.in6.sin6_addr = v6.ipi6_addr;
			origin->interface =
				IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr) ? v6.ipi6_ifindex : 0;
		}
	}
}

static void note_stranger(struct radius_server *server, const union address *from, msec now)
{
	char text[ADDRESS_TEXT_MAX];

	server->counts.strangers++;
	if (server->strangers_logged != 0 && now - server->strangers_logged < STRANGERS_LOG)
		return;
	log_event(LOG_WARNING, "radius.stranger",
		  "from=\"%s\" since=%llu cause=\"no RADIUS client has this address\" "
		  "next=\"if it is a switch of ours, add a file to clients.d\"",
		  address_text(from, true, text),
		  (unsigned long long)(server->counts.strangers - server->strangers_before));
	server->strangers_logged = now;
	server->strangers_before = server->counts.strangers;
}

static void receive_one(struct udp_socket *s, size_t i, struct moment now)
{
	struct radius_server *server = s->server;
	struct origin origin = { .transport = &server->transport,
				 .accounting = s->accounting,
				 .socket = s->number,
				 .from = server->from[i] };
	const struct client_config *client = config_client(server->config, &origin.from);
	struct packet *packet;

	server->counts.received++;
	if (!client) {
		note_stranger(server, &origin.from, now.mono);
		return;
	}
	find_destination(&server->message[i].msg_hdr, s, &origin);
	packet = packet_new(&origin, server->config, client,
			    slice_of(server->data[i], server->message[i].msg_len), now);
	if (packet)
		pool_receive(server->pool, packet);
}

static void prepare_batch(struct radius_server *server)
{
	for (size_t i = 0; i < BATCH; i++) {
		server->vector[i] = (struct iovec){ server->data[i], sizeof server->data[i] };
		server->message[i].msg_hdr = (struct msghdr){
			.msg_name = &server->from[i],
			.msg_namelen = sizeof server->from[i],
			.msg_iov = &server->vector[i],
			.msg_iovlen = 1,
			.msg_control = &server->control[i],
			.msg_controllen = sizeof server->control[i],
		};
	}
}

static void on_readable(struct watch *watch, bool readable, bool writable)
{
	struct udp_socket *s = list_item(watch, struct udp_socket, watch);
	struct moment now = loop_now();
	int n = BATCH;

	(void)readable;
	(void)writable;
	for (int round = 0; round < ROUNDS && n == BATCH; round++) {
		prepare_batch(s->server);
		n = recvmmsg(s->fd, s->server->message, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			receive_one(s, (size_t)i, now);
	}
}

/* ---- out ---- */

static void set_source(struct msghdr *message, union control *control, const struct origin *origin)
{
	struct cmsghdr *c = &control->align;
	const struct in_pktinfo v4 = { .ipi_spec_dst = origin->to.in.sin_addr };
	const struct in6_pktinfo v6 = { .ipi6_addr = origin->to.in6.sin6_addr,
					.ipi6_ifindex = origin->interface };
	bool is_v6 = origin->to.sa.sa_family == AF_INET6;
	size_t size = is_v6 ? sizeof v6 : sizeof v4;

	memset(control, 0, sizeof *control);
	c->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), is_v6 ? (const void *)&v6 : (const void *)&v4, size);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
}

static void reply(struct transport *transport, const struct origin *origin, struct slice packet)
{
	struct radius_server *server = list_item(transport, struct radius_server, transport);
	union address to = origin->from;
	uint8_t octets[RADIUS_PACKET_MAX];
	struct iovec vector = { octets, packet.len };
	struct msghdr message = { .msg_name = &to,
				  .msg_namelen = address_size(&to),
				  .msg_iov = &vector,
				  .msg_iovlen = 1 };
	union control control;

	memcpy(octets, packet.p, packet.len);
	set_source(&message, &control, origin);
	for (size_t i = 0; i < server->count; i++) {
		if (server->socket[i]->number != origin->socket)
			continue;
		if (sendmsg(server->socket[i]->fd, &message, MSG_DONTWAIT) < 0)
			server->counts.lost++;
	}
}

/* ---- sockets ---- */

static void close_socket(struct udp_socket *s)
{
	if (!s)
		return;
	watch_clear(&s->watch);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static int prepare_socket(struct udp_socket *s)
{
	const int on = 1, room = RECEIVE_BUFFER;
	bool v6 = s->address.sa.sa_family == AF_INET6;
	int r = v6 ? setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) : 0;

	if (r == 0)
		r = v6 ? setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
		       : setsockopt(s->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	/* As much as the system allows: a burst waits in the kernel rather than being lost. */
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (r == 0)
		r = bind(s->fd, &s->address.sa, address_size(&s->address));
	return r < 0 ? -errno : 0;
}

static int open_socket(struct radius_server *server, const union address *address, bool accounting,
		       struct udp_socket **ret_socket, struct diagnosis *why)
{
	struct udp_socket *s = calloc(1, sizeof *s);
	char text[ADDRESS_TEXT_MAX];
	int error;

	if (!s)
		return -ENOMEM;
	s->server = server;
	s->address = *address;
	s->accounting = accounting;
	s->number = ++server->numbers;
	s->watch.ready = on_readable;
	s->fd = socket(address->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = s->fd < 0 ? -errno : prepare_socket(s);
	if (error == 0)
		error = watch_set(server->loop, &s->watch, s->fd, true, false);
	if (error < 0) {
		diagnosis_say(why, DIAG_CONFIG, "cannot listen on %s: %s",
			      address_text(address, true, text), strerror(-error));
		close_socket(s);
		return error;
	}
	log_event(LOG_NOTICE, "radius.listen", "address=\"%s\" for=%s",
		  address_text(address, true, text), accounting ? "accounting" : "authentication");
	*ret_socket = s;
	return 0;
}

struct wanted {
	union address address[SOCKETS_MAX];
	bool accounting[SOCKETS_MAX];
	size_t count;
};

static void want(struct wanted *w, const struct addresses *from, bool accounting)
{
	for (size_t i = 0; i < from->count; i++) {
		union address a = from->address[i];

		if (address_port(&a) == 0)
			address_set_port(&a, accounting ? RADIUS_ACCOUNTING_PORT : RADIUS_PORT);
		w->address[w->count] = a;
		w->accounting[w->count++] = accounting;
	}
}

/* Takes one that is open already out of the old set. */
static struct udp_socket *keep(struct radius_server *server, const union address *address,
			       bool accounting)
{
	for (size_t i = 0; i < server->count; i++) {
		struct udp_socket *s = server->socket[i];

		if (s && s->accounting == accounting && address_same(&s->address, address) &&
		    s->address.sa.sa_family == address->sa.sa_family)
			return s;
	}
	return NULL;
}

static bool is_among(struct udp_socket *const *sockets, size_t count, const struct udp_socket *s)
{
	for (size_t i = 0; i < count; i++) {
		if (sockets[i] == s)
			return true;
	}
	return false;
}

int radius_server_configure(struct radius_server *server, struct config *config,
			    struct diagnosis *why)
{
	struct udp_socket *sockets[SOCKETS_MAX] = { NULL };
	struct wanted wanted = { .count = 0 };
	int error = 0;

	want(&wanted, &config->settings.listen, false);
	want(&wanted, &config->settings.accounting_listen, true);
	for (size_t i = 0; i < wanted.count && error == 0; i++) {
		sockets[i] = keep(server, &wanted.address[i], wanted.accounting[i]);
		if (!sockets[i])
			error = open_socket(server, &wanted.address[i], wanted.accounting[i],
					    &sockets[i], why);
	}
	if (error < 0) {
		for (size_t i = 0; i < wanted.count; i++) {
			if (!is_among(server->socket, server->count, sockets[i]))
				close_socket(sockets[i]);
		}
		return error;
	}
	for (size_t i = 0; i < server->count; i++) {
		if (!is_among(sockets, wanted.count, server->socket[i]))
			close_socket(server->socket[i]);
	}
	memcpy(server->socket, sockets, sizeof sockets);
	server->count = wanted.count;
	config_free(server->config);
	server->config = config_ref(config);
	return 0;
}

/* ---- its life ---- */

int radius_server_new(struct loop *loop, struct pool *pool, struct radius_server **ret_server)
{
	struct radius_server *server = calloc(1, sizeof *server);

	if (!server)
		return -ENOMEM;
	server->transport.reply = reply;
	server->loop = loop;
	server->pool = pool;
	*ret_server = server;
	return 0;
}

void radius_server_free(struct radius_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->count; i++)
		close_socket(server->socket[i]);
	config_free(server->config);
	free(server);
}

void radius_server_count(const struct radius_server *server,
			 struct radius_server_counts *ret_counts)
{
	*ret_counts = server->counts;
	ret_counts->sockets = server->count;
}
