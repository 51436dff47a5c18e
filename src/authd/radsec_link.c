#include "authd/radsec_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/radsec_stream.h"
#include "base/list.h"
#include "drivers/log.h"

/* How long a connection may take until the server has proved who it is. */
#define HANDSHAKE_TIME 10000

struct radsec_link {
	struct loop *loop;
	const struct server_config *server;
	struct radsec_tls *tls;
	struct radsec_peer peer;
	struct radsec_link_events report;
	struct radsec_stream *stream; /* NULL: none */
	struct timer timer;	      /* to connect again, or to give up the handshake */
	bool up, kept, wanted;
	msec wait;
	struct diagnosis why;
};

static void fall(struct radsec_link *link, const struct diagnosis *why)
{
	char cause[DIAGNOSIS_TEXT_MAX];
	bool was_up = link->up;

	link->up = false;
	radsec_stream_free(link->stream);
	link->stream = NULL;
	if (!diagnosis_same(&link->why, why))
		log_event(LOG_WARNING, "radsec.down", "server=%s diagnosis=%s cause=\"%s\"",
			  link->server->object.name, diagnosis_text(why->id)->name,
			  diagnosis_sentence(why, cause, sizeof cause));
	link->why = *why;
	link->wait = link->wait ? 2 * link->wait : RADSEC_RETRY_LEAST;
	if (link->wait > RADSEC_RETRY_MOST)
		link->wait = RADSEC_RETRY_MOST;
	(void)timer_set(link->loop, &link->timer,
			link->wanted ? msec_after(loop_now().mono, link->wait) : NEVER);
	if (was_up)
		link->report.up(link->report.context, false);
}

static void fall_for(struct radsec_link *link, const char *reason)
{
	struct diagnosis why;

	diagnosis_say(&why, DIAG_TLS_FAILED, "%s", reason);
	diagnosis_add(&why, "with", "%s", link->server->object.name);
	fall(link, &why);
}

static void on_opened(void *context)
{
	struct radsec_link *link = context;

	link->up = true;
	link->wanted = link->kept;
	(void)timer_set(link->loop, &link->timer, NEVER);
	log_event(LOG_NOTICE, "radsec.up", "server=%s tls=%s", link->server->object.name,
		  radsec_stream_version(link->stream));
	link->report.up(link->report.context, true);
}

/* With TLS 1.3 a server that does not want us says so after the handshake: only what it sends
 * shows that all is well. */
static void on_received(void *context, struct slice packet)
{
	struct radsec_link *link = context;

	link->wait = 0;
	diagnosis_set(&link->why, DIAG_NONE);
	link->report.received(link->report.context, packet);
}

static void on_closed(void *context, const struct diagnosis *why)
{
	fall(context, why);
}

static int open_socket(const struct server_config *server, const union address *to)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const union address *source = server->source.count ? &server->source.address[0] : NULL;

	if (fd < 0)
		return -errno;
	if ((source && bind(fd, &source->sa, address_size(source)) < 0) ||
	    (connect(fd, &to->sa, address_size(to)) < 0 && errno != EINPROGRESS)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static void start(struct radsec_link *link)
{
	const struct radsec_stream_events events = { on_opened, on_received, on_closed, link };
	union address to = server_address(link->server, false);
	int fd = open_socket(link->server, &to);
	int error = fd < 0 ? fd
			   : radsec_stream_new(link->loop, link->tls, &link->peer, fd, true,
					       &events, &link->stream);

	if (error)
		fall_for(link, strerror(-error));
	else
		(void)timer_set(link->loop, &link->timer,
				msec_after(loop_now().mono, HANDSHAKE_TIME));
}

static void on_timer(struct timer *timer)
{
	struct radsec_link *link = list_item(timer, struct radsec_link, timer);

	if (link->stream)
		fall_for(link, "the server does not answer");
	else
		start(link);
}

int radsec_link_new(struct loop *loop, struct radsec_tls *tls, const struct server_config *server,
		    bool kept, const struct radsec_link_events *events,
		    struct radsec_link **ret_link)
{
	struct radsec_link *link = calloc(1, sizeof *link);

	if (!link)
		return -ENOMEM;
	link->loop = loop;
	link->tls = radsec_tls_ref(tls);
	link->server = server;
	link->kept = kept;
	link->wanted = true;
	link->report = *events;
	link->timer.expired = on_timer;
	link->peer = (struct radsec_peer){ .name = server->object.name,
					   .psk_identity = server->psk_identity,
					   .psk = &server->psk };
	/* The first attempt is the loop's, so that nothing is told from here. */
	if (timer_set(loop, &link->timer, loop_now().mono) < 0) {
		radsec_link_free(link);
		return -ENOMEM;
	}
	*ret_link = link;
	return 0;
}

void radsec_link_want(struct radsec_link *link)
{
	if (link->wanted)
		return;
	link->wanted = true;
	(void)timer_set(link->loop, &link->timer, msec_after(loop_now().mono, link->wait));
}

void radsec_link_free(struct radsec_link *link)
{
	if (!link)
		return;
	timer_clear(&link->timer);
	radsec_stream_free(link->stream);
	radsec_tls_free(link->tls);
	free(link);
}

int radsec_link_send(struct radsec_link *link, struct slice packet)
{
	return link && link->up ? radsec_stream_send(link->stream, packet) : -ENOTCONN;
}

void radsec_link_reset(struct radsec_link *link)
{
	if (link->stream)
		fall_for(link, "the server does not answer any more");
}

const struct diagnosis *radsec_link_why(const struct radsec_link *link)
{
	return &link->why;
}
