/* CoA and Disconnect that we ask of a NAS: RFC 5176, section 2.3, with the retransmission of RFC
 * 5080, section 2.2.1, in a plain form: the same octets again, after twice the time. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "authd/dynauth_parts.h"
#include "authd/passthrough_parts.h"

#define ASKS_MAX      256
#define FIRST_WAIT    1000 /* msec */
#define TRANSMISSIONS 3

/* Each has a socket of its own: what arrives on it is about nothing else. */
struct ask {
	struct list node;
	struct dynauth_asks *asks;
	struct watch watch;
	struct timer timer;
	int fd;
	unsigned sent;
	struct secret secret;
	struct bytes packet;
	void (*answered)(void *context, const struct dynauth_answer *answer);
	void *context;
};

struct dynauth_asks {
	struct loop *loop;
	struct radius_crypto *crypto;
	struct list open;
	size_t count;
};

static void drop(struct ask *ask)
{
	list_remove(&ask->node);
	ask->asks->count--;
	watch_clear(&ask->watch);
	timer_clear(&ask->timer);
	if (ask->fd >= 0)
		close(ask->fd);
	secret_done(&ask->secret);
	bytes_done(&ask->packet);
	free(ask);
}

static void finish(struct ask *ask, int result, uint32_t cause)
{
	const struct dynauth_answer answer = { result, cause };
	void (*answered)(void *, const struct dynauth_answer *) = ask->answered;
	void *context = ask->context;

	drop(ask);
	answered(context, &answer);
}

static void on_timer(struct timer *timer)
{
	struct ask *ask = list_item(timer, struct ask, timer);

	if (ask->sent == TRANSMISSIONS) {
		finish(ask, -ETIMEDOUT, RADIUS_CAUSE_NONE);
		return;
	}
	(void)send(ask->fd, ask->packet.p, ask->packet.len, MSG_NOSIGNAL);
	(void)timer_set(ask->asks->loop, timer,
			msec_after(loop_now().mono, (msec)FIRST_WAIT << ask->sent));
	ask->sent++;
}

static void on_readable(struct watch *watch, bool readable, bool writable)
{
	struct ask *ask = list_item(watch, struct ask, watch);
	uint8_t packet[RADIUS_PACKET_MAX];
	ssize_t got = recv(ask->fd, packet, sizeof packet, 0);
	uint32_t cause = RADIUS_CAUSE_NONE;
	bool ack = false;

	(void)readable;
	(void)writable;
	if (got < 0 || radius_dynauth_hear(ask->asks->crypto, secret_slice(&ask->secret),
					   bytes_slice(&ask->packet), slice_of(packet, (size_t)got),
					   loop_now().wall, &ack, &cause) != RADIUS_FINE)
		return;
	finish(ask, ack ? 0 : -EACCES, cause);
}

static int open_socket(struct ask *ask, const union address *nas)
{
	union address to = *nas;

	if (address_port(&to) == 0)
		address_set_port(&to, DYNAUTH_PORT);
	ask->fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ask->fd < 0 || connect(ask->fd, &to.sa, address_size(&to)) < 0)
		return -errno;
	ask->watch.ready = on_readable;
	return watch_set(ask->asks->loop, &ask->watch, ask->fd, true, false);
}

static int build(struct dynauth_asks *asks, const struct dynauth_ask *from, struct ask *to)
{
	uint8_t room[RADIUS_PACKET_MAX];
	struct radius_dynauth_ask ask = {
		.coa = from->reauthenticate,
		.has_session_timeout = from->reauthenticate,
		.session_timeout = 1,
		.has_termination_action = from->reauthenticate,
		.reauthenticate = true,
		.now = loop_now().wall,
	};
	struct slice packet;

	passthrough_who(from->where, &ask.who);
	/* These say nothing about which session is meant, and a NAS has to refuse what it does not
	 * expect (RFC 5176, section 3.6). */
	ask.who.called_station = ask.who.nas_port_id = (struct slice){ 0 };
	ask.who.has_nas_port = false;
	ask.who.service_type = 0;
	ask.who.nas_port_type = 0;
	ask.who.framed_mtu = 0;
	/* A NAS goes by the User-Name of the Access-Accept, and all that is sent has to fit; where
	 * something else tells which session it is, no name is needed. */
	if (ask.who.session_id.len > 0 || ask.who.calling_station.len > 0)
		ask.who.user_name = (struct slice){ 0 };
	if (radius_dynauth_build(asks->crypto, from->secret, &ask, room, &packet) != RADIUS_FINE)
		return -EINVAL;
	return bytes_set(&to->packet, packet) == OK && secret_set(&to->secret, from->secret) == OK
		       ? 0
		       : -ENOMEM;
}

int dynauth_asks_send(struct dynauth_asks *asks, const struct dynauth_ask *from)
{
	struct ask *ask;
	int error;

	if (asks->count == ASKS_MAX)
		return -EAGAIN;
	ask = calloc(1, sizeof *ask);
	if (!ask)
		return -ENOMEM;
	ask->asks = asks;
	ask->fd = -1;
	ask->answered = from->answered;
	ask->context = from->context;
	ask->timer.expired = on_timer;
	list_append(&asks->open, &ask->node);
	asks->count++;
	error = build(asks, from, ask);
	if (error == 0)
		error = open_socket(ask, &from->nas);
	if (error == 0)
		error = timer_set(asks->loop, &ask->timer, loop_now().mono);
	if (error)
		drop(ask);
	return error;
}

int dynauth_asks_new(struct loop *loop, struct radius_crypto *crypto, struct dynauth_asks **ret)
{
	struct dynauth_asks *asks = calloc(1, sizeof *asks);

	if (!asks)
		return -ENOMEM;
	asks->loop = loop;
	asks->crypto = crypto;
	list_init(&asks->open);
	*ret = asks;
	return 0;
}

void dynauth_asks_free(struct dynauth_asks *asks)
{
	if (!asks)
		return;
	list_each (node, &asks->open) {
		drop(list_item(node, struct ask, node));
	}
	free(asks);
}
