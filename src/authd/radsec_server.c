#include "authd/radsec_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/radsec_stream.h"
#include "base/list.h"
#include "drivers/log.h"

#define ACCEPTS_AT_ONCE 16
#define BACKLOG		128

/* msec between two lines about those who were refused before they were known. */
#define REFUSED_LOG 10000

struct listener {
	struct list node;
	struct radsec_server *server;
	struct watch watch;
	union address address;
	int fd;
};

struct connection {
	struct radsec_server *server;
	struct radsec_stream *stream;
	struct config *config; /* a reference: client is in it */
	const struct client_config *client;
	struct radsec_peer peer;
	struct origin origin;
	struct timer timer; /* the handshake's, then that of silence */
	bool open;
};

struct radsec_server {
	struct transport transport;
	struct loop *loop;
	struct pool *pool;
	struct config *config;
	struct radsec_tls *tls;
	struct list listeners;
	struct connection *slot[RADSEC_CONNECTIONS_MAX];
	uint64_t last; /* number of a connection */
	struct radsec_counts counts;
	msec refused_logged;
	uint64_t refused_before;
};

/* ---- connections ---- */

static void hang_up(struct connection *c)
{
	struct radsec_server *server = c->server;

	server->slot[c->origin.socket] = NULL;
	server->counts.connections--;
	timer_clear(&c->timer);
	radsec_stream_free(c->stream);
	config_free(c->config);
	free(c);
}

static void on_opened(void *context)
{
	struct connection *c = context;
	char from[ADDRESS_TEXT_MAX];

	c->open = true;
	c->server->counts.accepted++;
	log_event(LOG_INFO, "radsec.accept", "client=%s from=%s tls=%s", c->client->object.name,
		  address_text(&c->origin.from, true, from), radsec_stream_version(c->stream));
	(void)timer_set(c->server->loop, &c->timer, msec_after(loop_now().mono, RADSEC_IDLE_TIME));
}

static void on_received(void *context, struct slice data)
{
	struct connection *c = context;
	struct moment now = loop_now();
	struct packet *packet = packet_new(&c->origin, c->config, c->client, data, now);

	c->server->counts.packets++;
	(void)timer_set(c->server->loop, &c->timer, msec_after(now.mono, RADSEC_IDLE_TIME));
	if (packet)
		pool_receive(c->server->pool, packet);
}

static void on_closed(void *context, const struct diagnosis *why)
{
	struct connection *c = context;
	char from[ADDRESS_TEXT_MAX], cause[DIAGNOSIS_TEXT_MAX];

	if (why->id == DIAG_MALFORMED)
		c->server->counts.malformed++;
	else if (!c->open)
		c->server->counts.failed++;
	log_event(c->open && why->id != DIAG_MALFORMED ? LOG_INFO : LOG_WARNING, "radsec.close",
		  "client=%s from=%s diagnosis=%s cause=\"%s\"", c->client->object.name,
		  address_text(&c->origin.from, true, from), diagnosis_text(why->id)->name,
		  diagnosis_sentence(why, cause, sizeof cause));
	hang_up(c);
}

static void on_timer(struct timer *timer)
{
	struct connection *c = list_item(timer, struct connection, timer);
	struct diagnosis why;

	diagnosis_say(&why, DIAG_TLS_FAILED, "%s",
		      c->open ? "nothing has come for too long" : "the handshake takes too long");
	on_closed(c, &why);
}

/* A free place; false when there is none, or this client has enough. */
static bool find_slot(const struct radsec_server *server, const struct client_config *client,
		      unsigned *ret_slot)
{
	size_t of_client = 0, unfinished = 0;
	bool found = false;

	for (unsigned i = 0; i < RADSEC_CONNECTIONS_MAX; i++) {
		const struct connection *c = server->slot[i];

		if (!c && !found)
			*ret_slot = i;
		found |= !c;
		unfinished += c && !c->open;
		of_client += c && strcmp(c->client->object.name, client->object.name) == 0;
	}
	return found && of_client < RADSEC_CLIENT_MAX && unfinished < RADSEC_HANDSHAKES_MAX;
}

static void describe(struct connection *c)
{
	c->peer = (struct radsec_peer){ .name = c->client->object.name,
					.names = &c->client->radsec_names,
					.psk_identity = c->client->psk_identity,
					.psk = &c->client->psk };
}

static int serve(struct listener *l, int fd, const union address *from,
		 const struct client_config *client, unsigned slot)
{
	struct radsec_server *server = l->server;
	struct connection *c = calloc(1, sizeof *c);
	const struct radsec_stream_events events = { on_opened, on_received, on_closed, c };

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->server = server;
	c->config = config_ref(server->config);
	c->client = client;
	c->timer.expired = on_timer;
	describe(c);
	c->origin = (struct origin){ .transport = &server->transport,
				     .socket = slot,
				     .connection = ++server->last,
				     .from = *from,
				     .to = l->address };
	server->slot[slot] = c;
	server->counts.connections++;
	if (radsec_stream_new(server->loop, server->tls, &c->peer, fd, false, &events, &c->stream) <
	    0) {
		hang_up(c);
		return -ENOMEM;
	}
	return timer_set(server->loop, &c->timer,
			 msec_after(loop_now().mono, RADSEC_HANDSHAKE_TIME));
}

/* Strangers are told nothing, and too many are not told why: the log is. */
static void refuse(struct radsec_server *server, const struct client_config *client,
		   const union address *from)
{
	char text[ADDRESS_TEXT_MAX];
	msec now = loop_now().mono;

	server->counts.refused++;
	if (server->refused_logged != 0 && now - server->refused_logged < REFUSED_LOG)
		return;
	log_event(LOG_WARNING, "radsec.refused", "client=%s from=%s since=%llu cause=\"%s\"",
		  client ? client->object.name : "none", address_text(from, true, text),
		  (unsigned long long)(server->counts.refused - server->refused_before),
		  client ? "it has too many connections, or too many are in their handshake"
			 : "no file in clients.d has this address");
	server->refused_logged = now;
	server->refused_before = server->counts.refused;
}

static void on_connection(struct watch *watch, bool readable, bool writable)
{
	struct listener *l = list_item(watch, struct listener, watch);
	struct radsec_server *server = l->server;

	(void)readable;
	(void)writable;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		union address from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(l->fd, &from.sa, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		const struct client_config *client;
		unsigned slot = 0;

		if (fd < 0)
			return;
		client = config_client(server->config, &from);
		if (!client || !find_slot(server, client, &slot)) {
			refuse(server, client, &from);
			close(fd);
			continue;
		}
		(void)serve(l, fd, &from, client, slot);
	}
}

/* ---- answers ---- */

static void reply(struct transport *transport, const struct origin *origin, struct slice packet)
{
	struct radsec_server *server = list_item(transport, struct radsec_server, transport);
	struct connection *c = server->slot[origin->socket];

	/* One that does not read its answers misses them, as over UDP. */
	if (c && c->origin.connection == origin->connection && c->open)
		(void)radsec_stream_send(c->stream, packet);
}

/* ---- listening ---- */

static void listener_free(struct listener *l)
{
	list_remove(&l->node);
	watch_clear(&l->watch);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static int prepare(struct listener *l)
{
	const int on = 1;

	if ((l->address.sa.sa_family == AF_INET6 &&
	     setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(l->fd, &l->address.sa, address_size(&l->address)) < 0 ||
	    listen(l->fd, BACKLOG) < 0)
		return -errno;
	return watch_set(l->server->loop, &l->watch, l->fd, true, false);
}

static int open_listener(struct radsec_server *server, const union address *address,
			 struct list *into, struct diagnosis *why)
{
	struct listener *l = calloc(1, sizeof *l);
	char text[ADDRESS_TEXT_MAX];
	int error;

	if (!l)
		return -ENOMEM;
	list_init(&l->node);
	l->server = server;
	l->address = *address;
	l->watch.ready = on_connection;
	l->fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = l->fd < 0 ? -errno : prepare(l);
	if (error < 0) {
		diagnosis_say(why, DIAG_CONFIG, "cannot listen on %s: %s",
			      address_text(address, true, text), strerror(-error));
		listener_free(l);
		return error;
	}
	list_append(into, &l->node);
	return 0;
}

static void close_all(struct list *listeners)
{
	list_each (node, listeners) {
		listener_free(list_item(node, struct listener, node));
	}
}

/* Those that stay are moved, so that nobody who is about to connect is lost. */
static int listen_at(struct radsec_server *server, const struct addresses *addresses,
		     struct diagnosis *why)
{
	struct list kept, opened;
	int error = 0;

	list_init(&kept);
	list_init(&opened);
	for (size_t i = 0; i < addresses->count && error == 0; i++) {
		union address address = addresses->address[i];
		bool found = false;

		if (address_port(&address) == 0)
			address_set_port(&address, RADSEC_PORT);
		list_each (node, &server->listeners) {
			struct listener *l = list_item(node, struct listener, node);

			if (found || !address_same(&l->address, &address))
				continue;
			found = true;
			list_remove(node);
			list_append(&kept, node);
		}
		if (!found)
			error = open_listener(server, &address, &opened, why);
	}
	close_all(error ? &opened : &server->listeners);
	list_each (node, &kept) {
		list_remove(node);
		list_append(&server->listeners, node);
	}
	list_each (node, &opened) {
		list_remove(node);
		list_append(&server->listeners, node);
	}
	return error;
}

/* ---- a new configuration ---- */

static bool same_words(const struct words *a, const struct words *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->word[i], b->word[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What the other end has shown it would have to show again, or it has to go. */
static void reconsider(struct connection *c, struct config *config)
{
	const struct client_config *was = c->client, *is = config_client(config, &c->origin.from);
	struct diagnosis why;

	if (!is || strcmp(was->object.name, is->object.name) != 0 ||
	    !same_words(&was->radsec_names, &is->radsec_names) ||
	    !same_text(was->psk_identity, is->psk_identity) ||
	    !slice_eq(secret_slice(&was->psk), secret_slice(&is->psk))) {
		diagnosis_say(&why, DIAG_TLS_FAILED, "the configuration has changed");
		on_closed(c, &why);
		return;
	}
	c->client = is;
	describe(c);
	config_free(c->config);
	c->config = config_ref(config);
}

/* ---- its life ---- */

int radsec_server_configure(struct radsec_server *server, struct config *config,
			    struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	const struct radsec_tls_settings settings = {
		.role = CERT_SERVER,
		.credential = s->radsec_credential ? s->radsec_credential : s->credential,
		.anchors = &s->radsec_client_anchors,
		.file = config->path,
	};
	AUTO_STRUCT(radsec_tls) tls = NULL;
	int error = s->radsec_listen.count ? radsec_tls_new(config, &settings, &tls, why) : 0;

	if (error == 0)
		error = listen_at(server, &s->radsec_listen, why);
	if (error)
		return error;
	radsec_tls_free(server->tls);
	server->tls = TAKE(tls);
	config_free(server->config);
	server->config = config_ref(config);
	for (unsigned i = 0; i < RADSEC_CONNECTIONS_MAX; i++) {
		if (server->slot[i])
			reconsider(server->slot[i], config);
	}
	return 0;
}

int radsec_server_new(struct loop *loop, struct pool *pool, struct radsec_server **ret_server)
{
	struct radsec_server *server = calloc(1, sizeof *server);

	if (!server)
		return -ENOMEM;
	server->transport = (struct transport){ .reply = reply, .radsec = true };
	server->loop = loop;
	server->pool = pool;
	list_init(&server->listeners);
	*ret_server = server;
	return 0;
}

void radsec_server_free(struct radsec_server *server)
{
	if (!server)
		return;
	close_all(&server->listeners);
	for (size_t i = 0; i < RADSEC_CONNECTIONS_MAX; i++)
		if (server->slot[i])
			hang_up(server->slot[i]);
	radsec_tls_free(server->tls);
	config_free(server->config);
	free(server);
}

void radsec_server_count(const struct radsec_server *server, struct radsec_counts *ret_counts)
{
	*ret_counts = server->counts;
}
