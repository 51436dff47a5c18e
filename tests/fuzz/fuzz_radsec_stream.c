/* The stream of RADIUS over TLS as a hostile other side cuts it: octets in pieces of any size.
 *
 * TLS is not there: what libevent would decrypt comes from the other end of a pair in memory.  The
 * first octet: after so many packets whoever is told frees the stream (0: never).  Then pieces,
 * each behind its length in an octet; an empty one lets what is there be read.  What is told are
 * the octets that came, in packets with lengths that packets have; after an end there is nothing
 * more. */
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>

#include "authd/radsec_stream.h"
#include "radius/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop loop;
static SSL *nothing; /* in place of a connection */
static struct bufferevent *other;

static struct {
	struct radsec_stream *stream;
	struct bytes sent;
	size_t received; /* octets of that */
	unsigned packets, frees_after;
	bool closed;
} told;

/* ---- in place of radsec_tls.c and of libevent's TLS ---- */

struct radsec_tls *radsec_tls_ref(struct radsec_tls *tls)
{
	return tls;
}

void radsec_tls_free(struct radsec_tls *tls)
{
	(void)tls;
}

SSL *radsec_tls_connection(struct radsec_judgement *judgement)
{
	(void)judgement;
	return nothing;
}

void radsec_tls_explain(struct radsec_judgement *judgement, unsigned long error)
{
	(void)error;
	diagnosis_set(&judgement->why, DIAG_TLS_FAILED);
}

struct bufferevent *bufferevent_openssl_socket_new(struct event_base *base, evutil_socket_t fd,
						   SSL *ssl, enum bufferevent_ssl_state state,
						   int options)
{
	struct bufferevent *pair[2];

	(void)fd;
	(void)ssl;
	(void)state;
	assert(bufferevent_pair_new(base, options, pair) == 0);
	other = pair[1];
	return pair[0];
}

unsigned long bufferevent_get_openssl_error(struct bufferevent *bev)
{
	(void)bev;
	return 0;
}

SSL *bufferevent_openssl_get_ssl(struct bufferevent *bev)
{
	(void)bev;
	return nothing;
}

/* ---- what is told ---- */

static void opened(void *context)
{
	(void)context;
}

static void received(void *context, struct slice packet)
{
	size_t len;

	(void)context;
	assert(!told.closed && told.stream);
	assert(radius_packet_length(packet, &len) == RADIUS_FINE && len == packet.len);
	assert(told.received + len <= told.sent.len);
	assert(slice_eq(packet, slice_of(told.sent.p + told.received, len)));
	told.received += len;
	if (++told.packets != told.frees_after)
		return;
	radsec_stream_free(told.stream);
	told.stream = NULL;
}

static void closed(void *context, const struct diagnosis *why)
{
	(void)context;
	assert(!told.closed && told.stream && why->id != DIAG_NONE);
	told.closed = true;
}

static void turn(void)
{
	assert(event_base_loop(loop.base, EVLOOP_NONBLOCK) >= 0);
}

static void send_pieces(struct rd *r)
{
	while (r->left > 0) {
		size_t len = rd_u8(r);
		struct slice piece = rd_bytes(r, len < r->left ? len : r->left);

		assert(bytes_append(&told.sent, piece, SIZE_MAX / 2) == OK);
		if (piece.len > 0)
			assert(bufferevent_write(other, piece.p, piece.len) == 0);
		else
			turn();
	}
	turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct radsec_peer peer = { .name = "other" };
	static const struct radsec_stream_events events = { opened, received, closed, NULL };
	struct rd r = rd_of(slice_of(data, size));

	if (!nothing) {
		assert(loop_init(&loop) == 0);
		nothing = SSL_new(SSL_CTX_new(TLS_method()));
	}
	bytes_clear(&told.sent);
	told.received = told.packets = 0;
	told.closed = false;
	told.frees_after = rd_u8(&r);
	assert(radsec_stream_new(&loop, NULL, &peer, -1, false, &events, &told.stream) == 0);
	send_pieces(&r);
	bufferevent_flush(other, EV_WRITE, BEV_FINISHED);
	turn();
	assert(told.closed || !told.stream || told.sent.len == 0 || told.packets < 1000);
	radsec_stream_free(told.stream);
	told.stream = NULL;
	bufferevent_free(other);
	turn();
	return 0;
}
