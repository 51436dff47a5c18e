#include "authd/radsec_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "radius/packet.h"

/* What may wait to be cut: a few packets. */
#define INPUT_MAX (16 * 1024)

struct radsec_stream {
	struct bufferevent *bev;
	struct radsec_judgement judgement;
	struct radsec_stream_events report;
	bool open, busy, freed;
};

static void drop(struct radsec_stream *s)
{
	if (s->bev)
		bufferevent_free(s->bev);
	radsec_tls_free(s->judgement.tls);
	free(s);
}

/* Whoever is told may free the stream: then it goes when the call has come back. */
static void leave(struct radsec_stream *s)
{
	s->busy = false;
	if (s->freed)
		drop(s);
}

/* Of what libevent has put off, nothing is to follow either. */
static void closed(struct radsec_stream *s)
{
	bufferevent_setcb(s->bev, NULL, NULL, NULL, NULL);
	bufferevent_disable(s->bev, EV_READ | EV_WRITE);
	s->report.closed(s->report.context, &s->judgement.why);
}

/* One packet, if it is there whole.  False when there is no more, or the stream is no good. */
static bool cut(struct radsec_stream *s, struct evbuffer *in)
{
	uint8_t packet[RADIUS_PACKET_MAX];
	ev_ssize_t peeked = evbuffer_copyout(in, packet, 4);
	size_t len = 0;

	if (peeked < 4)
		return false;
	if (radius_packet_length(slice_of(packet, 4), &len) != RADIUS_FINE || len == 0) {
		diagnosis_set(&s->judgement.why, DIAG_MALFORMED);
		diagnosis_add(&s->judgement.why, "what",
			      "RADIUS over TLS: no packet has this length");
		diagnosis_add(&s->judgement.why, "with", "%s", s->judgement.peer->name);
		closed(s);
		return false;
	}
	if (evbuffer_get_length(in) < len || evbuffer_remove(in, packet, len) != (int)len)
		return false;
	s->report.received(s->report.context, slice_of(packet, len));
	return !s->freed;
}

static void on_read(struct bufferevent *bev, void *context)
{
	struct radsec_stream *s = context;

	s->busy = true;
	while (cut(s, bufferevent_get_input(bev)))
		;
	leave(s);
}

static void explain(struct radsec_stream *s, short what)
{
	unsigned long error = 0, next;

	/* The first is the reason, the last says where it was noticed. */
	while ((next = bufferevent_get_openssl_error(s->bev)))
		error = error ? error : next;
	if (error || s->judgement.why.id != DIAG_NONE || what & BEV_EVENT_EOF) {
		radsec_tls_explain(&s->judgement, error);
		return;
	}
	diagnosis_say(&s->judgement.why, DIAG_TLS_FAILED, "%s",
		      s->open ? "the connection broke" : "no connection could be made");
	diagnosis_add(&s->judgement.why, "with", "%s", s->judgement.peer->name);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct radsec_stream *s = context;

	(void)bev;
	s->busy = true;
	if (what & BEV_EVENT_CONNECTED) {
		s->open = true;
		s->report.opened(s->report.context);
	} else {
		explain(s, what);
		closed(s);
	}
	leave(s);
}

int radsec_stream_new(struct loop *loop, struct radsec_tls *tls, const struct radsec_peer *peer,
		      int fd, bool connects, const struct radsec_stream_events *events,
		      struct radsec_stream **ret_stream)
{
	struct radsec_stream *s = calloc(1, sizeof *s);
	const int on = 1;
	SSL *ssl = NULL;

	if (s) {
		s->report = *events;
		s->judgement.tls = radsec_tls_ref(tls);
		s->judgement.peer = peer;
		ssl = radsec_tls_connection(&s->judgement);
	}
	if (ssl)
		s->bev = bufferevent_openssl_socket_new(
			loop->base, fd, ssl,
			connects ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING,
			BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!ssl || !s->bev) {
		SSL_free(ssl);
		close(fd);
		if (s)
			drop(s);
		return -ENOMEM;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	bufferevent_setcb(s->bev, on_read, NULL, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	*ret_stream = s;
	return 0;
}

void radsec_stream_free(struct radsec_stream *stream)
{
	if (!stream)
		return;
	stream->freed = true;
	if (!stream->busy)
		drop(stream);
}

int radsec_stream_send(struct radsec_stream *stream, struct slice packet)
{
	struct evbuffer *out = bufferevent_get_output(stream->bev), *one;
	int error = 0;

	if (evbuffer_get_length(out) + packet.len > RADSEC_STREAM_OUTPUT_MAX)
		return -ENOBUFS;
	/* A chain of its own makes a record of its own: there are those that read one packet of
	 * each. */
	one = evbuffer_new();
	if (!one || evbuffer_add(one, packet.p, packet.len) < 0 ||
	    bufferevent_write_buffer(stream->bev, one) < 0)
		error = -ENOMEM;
	if (one)
		evbuffer_free(one);
	return error;
}

const char *radsec_stream_version(const struct radsec_stream *stream)
{
	return SSL_get_version(bufferevent_openssl_get_ssl(stream->bev));
}
