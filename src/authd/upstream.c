#include "authd/upstream.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/radsec_link.h"
#include "authd/server_config.h"
#include "base/list.h"
#include "drivers/log.h"

/* How many packets one wake-up takes before others get their turn. */
#define PACKETS_AT_ONCE 64

/* A hundred machines may answer at the same moment. */
#define RECEIVE_BUFFER (1024 * 1024)

struct port {
	struct watch watch;
	struct peer *peer;
	int fd; /* -1: not open */
	size_t number;
};

/* One connection over TLS. */
struct tie {
	struct peer *peer;
	struct radsec_link *link; /* NULL: never wanted */
	size_t number;
};

struct peer {
	struct upstream *upstream;
	const struct server_config *config;
	union address address;
	size_t number;
	struct port port[RADIUS_SOCKETS_MAX];
	struct radsec_tls *tls; /* over TLS, and then the ties */
	struct tie tie[RADIUS_SOCKETS_MAX];
};

struct upstream {
	struct loop *loop;
	struct config *config; /* the peers borrow from it */
	struct upstream_events report;
	struct radius_client *client;
	bool accounting, pumping;
	struct timer timer;
	struct peer peer[RADIUS_SERVERS_MAX];
	size_t count;
	uint8_t room[RADIUS_PACKET_MAX], eap_room[RADIUS_PACKET_MAX];
};

/* ---- what the machine wants ---- */

static void on_answer(struct upstream *u, struct radius_answer *answer)
{
	u->report.answered(u->report.context, answer);
	radius_answer_wipe(answer);
}

static void rearm(struct upstream *u)
{
	(void)timer_set(u->loop, &u->timer, radius_client_deadline(u->client));
}

static void on_readable(struct watch *watch, bool readable, bool writable);

static int open_port(struct peer *peer, struct port *port)
{
	const union address *source =
		peer->config->source.count ? &peer->config->source.address[0] : NULL;
	int fd = socket(peer->address.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int room = RECEIVE_BUFFER;
	int error = 0;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if ((source && bind(fd, &source->sa, address_size(source)) < 0) ||
	    connect(fd, &peer->address.sa, address_size(&peer->address)) < 0)
		error = -errno;
	port->watch.ready = on_readable;
	if (error == 0)
		error = watch_set(peer->upstream->loop, &port->watch, fd, true, false);
	if (error) {
		close(fd);
		return error;
	}
	port->fd = fd;
	return 0;
}

static void send_packet(struct upstream *u, const struct radius_todo *todo, msec now)
{
	struct peer *peer = &u->peer[todo->server];
	struct port *port;
	int error;

	if (peer->tls) {
		/* What does not go out is missed like an answer; the machine sees to it. */
		(void)radsec_link_send(peer->tie[todo->socket].link, todo->packet);
		return;
	}
	port = &peer->port[todo->socket];
	error = port->fd < 0 ? open_port(peer, port) : 0;
	/* An error that waits at the socket is reported by send, and is not of this packet. */
	if (error == 0 && send(port->fd, todo->packet.p, todo->packet.len, MSG_NOSIGNAL) < 0)
		error = -errno;
	if (error && error != -EAGAIN && error != -ENOBUFS)
		radius_client_refused(u->client, todo->server, now);
}

static void on_link(void *context, bool up);
static void on_packet(void *context, struct slice packet);

/* The first is kept up; others are made when they are wanted. */
static int tie_up(struct tie *tie)
{
	struct peer *peer = tie->peer;
	const struct radsec_link_events events = { on_link, on_packet, tie };

	if (!tie->link)
		return radsec_link_new(peer->upstream->loop, peer->tls, peer->config,
				       tie->number == 0, &events, &tie->link);
	radsec_link_want(tie->link);
	return 0;
}

/* What is told of links on the way is done by whoever pumps already. */
static void pump(struct upstream *u)
{
	struct radius_todo todo;

	if (u->pumping)
		return;
	u->pumping = true;
	for (;;) {
		uint8_t random[RADIUS_RANDOM_SIZE];
		msec now = loop_now().mono;

		if (RAND_bytes(random, sizeof random) != 1) {
			log_event(LOG_ERR, "radius.random", "effect=\"nothing is sent\"");
			u->pumping = false;
			return;
		}
		switch (radius_client_step(u->client, now, random, &todo)) {
		case RADIUS_IDLE:
			rearm(u);
			u->pumping = false;
			return;
		case RADIUS_SEND:
			send_packet(u, &todo, now);
			break;
		case RADIUS_ANSWER:
			on_answer(u, &todo.answer);
			break;
		case RADIUS_CONNECT:
			if (tie_up(&u->peer[todo.server].tie[todo.socket]) < 0)
				radius_client_connected(u->client, todo.server, todo.socket, false,
							now);
			break;
		case RADIUS_HANG_UP:
			radsec_link_reset(u->peer[todo.server].tie[todo.socket].link);
			break;
		}
	}
}

static void on_timer(struct timer *timer)
{
	pump(list_item(timer, struct upstream, timer));
}

/* ---- what arrives ---- */

static void arrived(struct peer *peer, size_t socket, struct slice packet)
{
	struct upstream *u = peer->upstream;
	struct radius_answer answer = { 0 };

	if (radius_client_receive(u->client, peer->number, socket, packet, u->eap_room,
				  loop_now().mono, &answer))
		on_answer(u, &answer);
}

static void on_readable(struct watch *watch, bool readable, bool writable)
{
	struct port *port = list_item(watch, struct port, watch);
	struct upstream *u = port->peer->upstream;

	(void)readable;
	(void)writable;
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		ssize_t got = recv(port->fd, u->room, sizeof u->room, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ECONNREFUSED)
			radius_client_refused(u->client, port->peer->number, loop_now().mono);
		if (got < 0)
			break;
		arrived(port->peer, port->number, slice_of(u->room, (size_t)got));
	}
	pump(u);
}

/* ---- over TLS ---- */

static void on_link(void *context, bool up)
{
	struct tie *tie = context;
	struct peer *peer = tie->peer;

	radius_client_connected(peer->upstream->client, peer->number, tie->number, up,
				loop_now().mono);
	pump(peer->upstream);
}

static void on_packet(void *context, struct slice packet)
{
	struct tie *tie = context;
	struct upstream *u = tie->peer->upstream;

	arrived(tie->peer, tie->number, packet);
	/* Somebody may have waited for its place: but all that arrived comes first. */
	(void)timer_set(u->loop, &u->timer, loop_now().mono);
}

/* ---- its life ---- */

static const char *state_name(enum radius_server_state state)
{
	switch (state) {
	case RADIUS_SERVER_ALIVE:
		return "alive";
	case RADIUS_SERVER_DEAD:
		return "dead";
	case RADIUS_SERVER_PROBED:
		return "probed";
	case RADIUS_SERVER_UNCONNECTED:
		return "unconnected";
	}
	return "";
}

static void on_changed(void *context, size_t server, enum radius_server_state from,
		       enum radius_server_state to)
{
	struct upstream *u = context;
	struct peer *peer = &u->peer[server];
	bool alive = to == RADIUS_SERVER_ALIVE;

	log_event(alive || to == RADIUS_SERVER_PROBED ? LOG_NOTICE : LOG_WARNING, "radius.server",
		  "server=%s for=%s was=%s is=%s", peer->config->object.name,
		  u->accounting ? "accounting" : "authentication", state_name(from),
		  state_name(to));
}

static int by_priority(const void *a, const void *b)
{
	const struct server_config *x = ((const struct peer *)a)->config,
				   *y = ((const struct peer *)b)->config;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(x->object.name, y->object.name);
}

static int choose(struct upstream *u, struct diagnosis *why)
{
	const struct config_objects *servers = &u->config->objects[CONFIG_SERVERS];

	for (size_t i = 0; i < servers->count; i++) {
		const struct server_config *s = servers->item[i];

		if (u->accounting && s->accounting_port == 0)
			continue;
		if (u->count == RADIUS_SERVERS_MAX) {
			diagnosis_say(why, DIAG_CONFIG, "there are more than %d files in servers.d",
				      RADIUS_SERVERS_MAX);
			return -E2BIG;
		}
		u->peer[u->count++].config = s;
	}
	qsort(u->peer, u->count, sizeof u->peer[0], by_priority);
	for (size_t i = 0; i < u->count; i++) {
		struct peer *peer = &u->peer[i];

		peer->upstream = u;
		peer->number = i;
		peer->address = server_address(peer->config, u->accounting);
		for (size_t n = 0; n < RADIUS_SOCKETS_MAX; n++) {
			peer->port[n] = (struct port){ .peer = peer, .fd = -1, .number = n };
			peer->tie[n] = (struct tie){ .peer = peer, .number = n };
		}
	}
	if (u->count == 0)
		diagnosis_say(why, DIAG_CONFIG, "there is no file in servers.d");
	return u->count ? 0 : -ENOENT;
}

static int make_client(struct upstream *u, const char *nas_identifier)
{
	struct radius_server_settings servers[RADIUS_SERVERS_MAX] = { 0 };
	const struct radius_client_settings settings = {
		.accounting = u->accounting,
		.servers = servers,
		.server_count = u->count,
		.nas_identifier = slice_str(nas_identifier),
	};

	for (size_t i = 0; i < u->count; i++) {
		const struct server_config *s = u->peer[i].config;
		bool tls = s->transport == SERVER_TLS;

		servers[i] = (struct radius_server_settings){
			.name = s->object.name,
			.secret = secret_slice(&s->secret),
			.sockets = s->sockets,
			.reliable = tls,
			.pipeline = s->pipeline,
			.probe = s->status_server,
			.timing = { .irt = s->timeout,
				    .mrd = s->give_up,
				    .dead_time = s->dead_time,
				    .probe_interval = s->probe_interval },
		};
	}
	return radius_client_new(&settings, loop_now().mono, on_changed, u, &u->client) == OK
		       ? 0
		       : -ENOMEM;
}

static int open_links(struct upstream *u, struct diagnosis *why)
{
	for (size_t i = 0; i < u->count; i++) {
		struct peer *peer = &u->peer[i];
		const struct server_config *s = peer->config;
		const struct radsec_tls_settings settings = {
			.role = CERT_CLIENT,
			.credential = s->credential,
			.anchors = &s->anchors,
			.names = &s->names,
			.file = s->object.path,
		};
		int error;

		if (s->transport != SERVER_TLS)
			continue;
		error = radsec_tls_new(u->config, &settings, &peer->tls, why);
		if (error < 0)
			return error;
		error = tie_up(&peer->tie[0]);
		if (error < 0) {
			diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
			return error;
		}
	}
	return 0;
}

int upstream_new(struct loop *loop, struct config *config, bool accounting,
		 const char *nas_identifier, const struct upstream_events *events,
		 struct upstream **ret_upstream, struct diagnosis *why)
{
	struct upstream *u = calloc(1, sizeof *u);
	int error;

	if (!u) {
		diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
		return -ENOMEM;
	}
	u->loop = loop;
	u->config = config_ref(config);
	u->accounting = accounting;
	u->report = *events;
	u->timer.expired = on_timer;
	error = choose(u, why);
	if (error == 0 && (error = make_client(u, nas_identifier)) < 0)
		diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
	if (error == 0)
		error = open_links(u, why);
	if (error) {
		upstream_free(u);
		return error;
	}
	rearm(u);
	*ret_upstream = u;
	return 0;
}

void upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return;
	timer_clear(&upstream->timer);
	for (size_t i = 0; i < upstream->count; i++) {
		radsec_tls_free(upstream->peer[i].tls);
		for (size_t n = 0; n < RADIUS_SOCKETS_MAX; n++) {
			struct port *port = &upstream->peer[i].port[n];

			radsec_link_free(upstream->peer[i].tie[n].link);
			watch_clear(&port->watch);
			if (port->peer && port->fd >= 0)
				close(port->fd);
		}
	}
	radius_client_free(upstream->client);
	config_free(upstream->config);
	explicit_bzero(upstream->room, sizeof upstream->room);
	free(upstream);
}

int upstream_ask(struct upstream *upstream, const struct radius_ask *ask)
{
	msec now = loop_now().mono;

	enum radius_fault fault = radius_client_ask(upstream->client, ask, now);

	if (fault == RADIUS_FULL)
		return -EAGAIN;
	if (fault == RADIUS_NO_MEMORY)
		return -ENOMEM;
	if (fault != RADIUS_FINE)
		return -EMSGSIZE;
	(void)timer_set(upstream->loop, &upstream->timer, now);
	return 0;
}

void upstream_flush(struct upstream *upstream)
{
	pump(upstream);
}

void upstream_forget(struct upstream *upstream, uint64_t number)
{
	radius_client_forget(upstream->client, number);
}

bool upstream_accounting(const struct upstream *upstream)
{
	return upstream->accounting;
}

size_t upstream_servers(const struct upstream *upstream)
{
	return upstream->count;
}

const struct server_config *upstream_config(const struct upstream *upstream, size_t server)
{
	return upstream->peer[server].config;
}

const struct diagnosis *upstream_why(const struct upstream *upstream, size_t server)
{
	const struct radsec_link *link = upstream->peer[server].tie[0].link;

	return link ? radsec_link_why(link) : NULL;
}

void upstream_view(const struct upstream *upstream, size_t server,
		   struct radius_server_view *ret_view)
{
	radius_client_view(upstream->client, server, ret_view);
}
