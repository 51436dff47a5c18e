#include "tests/bench/radius_nas.h"

#include "eap/packet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

struct options options = { .name = "radius.example.org",
			   .identity = "laptop.example.org",
			   .secret = "testing123",
			   .count = 100,
			   .concurrency = 32,
			   .tries = 4,
			   .patience = 2000 };
struct load load;

_Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "radius_load: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

void need(bool held, const char *what)
{
	if (!held)
		fail(what, errno ? strerror(errno) : "it failed");
}

int64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct moment moment(void)
{
	return (struct moment){ .mono = (msec)(nanoseconds() / 1000000), .wall = time(NULL) };
}

/* ---- a packet out -------------------------------------------------------------------------- */

static void transmit(struct slot *s)
{
	/* A full buffer, or a server that is gone, is a packet that is lost. */
	(void)!send(load.ports[s->socket].fd, s->packet, s->packet_len, 0);
	s->due = nanoseconds() + ((int64_t)options.patience * 1000000 << s->tries);
	s->tries++;
}

static void ask(struct slot *s, struct slice eap)
{
	struct port *port = &load.ports[s->socket];
	struct wire_request request = { .identity = slice_str(options.identity),
					.calling = s->calling,
					.state = slice_of(s->state, s->state_len),
					.eap = eap };

	while (port->asked[port->next_id])
		port->next_id++;
	request.id = s->id = port->next_id++;
	port->asked[s->id] = s;
	s->packet_len = wire_build(load.wire, &request, s->packet);
	s->tries = 0;
	load.requests++;
	transmit(s);
}

/* ---- conversations ------------------------------------------------------------------------- */

static void end(struct slot *s, unsigned *what)
{
	if (load.purpose == AUTHENTICATE && s->peer.diagnosis.id != DIAG_NONE)
		load.why = s->peer.diagnosis;
	s->step = RESTING;
	(*what)++;
	load.ended++;
}

/* One EAP packet to the peer; what it answers, if anything. */
struct slice hear(struct slot *s, struct slice packet)
{
	s->lower.eapReq = true;
	s->lower.eapReqData = packet;
	s->lower.eapResp = s->lower.eapNoResp = false;
	eap_peer_step(&s->peer, moment());
	return s->lower.eapResp ? s->lower.eapRespData : slice_of(NULL, 0);
}

struct slice hear_identity(struct slot *s)
{
	static const uint8_t request[] = { EAP_REQUEST, 0, 0, 5, EAP_TYPE_IDENTITY };

	s->lower.eapRestart = true;
	s->lower.eapSuccess = s->lower.eapFail = false;
	return hear(s, slice_of(request, sizeof request));
}

struct slice own_identity(uint8_t *buffer, size_t size)
{
	struct wr w = wr_of(buffer, size);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, 0, eap_type(EAP_TYPE_IDENTITY), false);

	wr_bytes(&w, slice_str(options.identity));
	eap_packet_close(&w, mark);
	return wr_done(&w);
}

static void begin(struct slot *s)
{
	uint8_t buffer[300];
	struct slice identity = load.purpose == AUTHENTICATE ? hear_identity(s)
							     : own_identity(buffer, sizeof buffer);

	need(identity.len > 0, "identity");
	load.begun++;
	s->begun = nanoseconds();
	s->state_len = 0;
	s->step = IDENTITY;
	if (load.purpose == OPEN) /* another machine each time */
		snprintf(s->calling, sizeof s->calling, "02-01-%02X-%02X-%02X-%02X",
			 load.begun >> 24 & 255, load.begun >> 16 & 255, load.begun >> 8 & 255,
			 load.begun & 255);
	ask(s, identity);
}

static void took(const struct slot *s)
{
	load.latencies[load.latency_count++] = (double)(nanoseconds() - s->begun) / 1e6;
}

static void challenged_to_open(struct slot *s, const struct wire_answer *a)
{
	if (s->step == IDENTITY && a->eap_len > 1) {
		load.hello[1] = a->eap[1]; /* the Identifier */
		s->step = HELLO;
		ask(s, slice_of(load.hello, load.hello_len));
	} else {
		took(s);
		end(s, &load.opened);
	}
}

static void challenged(struct slot *s, const struct wire_answer *a)
{
	struct slice answer;

	memcpy(s->state, a->state, s->state_len = a->state_len);
	if (load.purpose == OPEN) {
		challenged_to_open(s, a);
		return;
	}
	s->step = GOING;
	answer = hear(s, slice_of(a->eap, a->eap_len));
	if (answer.len > 0)
		ask(s, answer);
	else
		end(s, &load.failed);
}

static void accepted(struct slot *s, const struct wire_answer *a)
{
	struct eap_report report;

	took(s);
	load.accepted++;
	if (load.purpose == OPEN) {
		end(s, &load.failed);
		return;
	}
	hear(s, slice_of(a->eap, a->eap_len));
	if (eap_peer_report(&s->peer, &report) && report.resumed)
		load.resumed++;
	if (!s->lower.eapSuccess || !s->lower.eapKeyAvailable) {
		eap_peer_diagnose(&s->peer, &load.why);
		end(s, &load.failed);
		return;
	}

	struct eap_keys *keys = s->lower.eapKeyData;
	bool same = a->has_keys && memcmp(keys->msk.p, a->msk, sizeof a->msk) == 0;

	if (!same)
		load.wrong_keys++;
	eap_keys_done(keys);
	end(s, same ? &load.succeeded : &load.failed);
}

static void rejected(struct slot *s, const struct wire_answer *a)
{
	if (load.purpose == AUTHENTICATE && a->eap_len > 0)
		hear(s, slice_of(a->eap, a->eap_len));
	end(s, &load.rejected);
}

/* ---- a packet in --------------------------------------------------------------------------- */

static void received(struct port *port, struct slice in)
{
	static struct wire_answer a;
	struct slot *s = in.len > 1 ? port->asked[in.p[1]] : NULL;

	if (!s)
		return; /* the answer to a retransmission */
	if (wire_read(load.wire, in, s->packet, &a) != OK) {
		load.bad_answers++;
		return;
	}
	port->asked[s->id] = NULL;
	switch (a.code) {
	case ACCESS_CHALLENGE:
		challenged(s, &a);
		return;
	case ACCESS_ACCEPT:
		accepted(s, &a);
		return;
	case ACCESS_REJECT:
		rejected(s, &a);
		return;
	default:
		end(s, &load.failed);
	}
}

static void receive(struct port *port, void (*each)(struct port *port, struct slice in))
{
	uint8_t buffer[RADIUS_PACKET_MAX];
	ssize_t n;

	while ((n = recv(port->fd, buffer, sizeof buffer, MSG_DONTWAIT)) >= 0)
		each(port, slice_of(buffer, (size_t)n));
}

void wait_and_receive(int patience, void (*each)(struct port *port, struct slice in))
{
	struct epoll_event events[64];
	int n = epoll_wait(load.epoll, events, 64, patience);

	for (int i = 0; i < n; i++)
		receive(&load.ports[events[i].data.u32], each);
}

static void look_at_timers(void)
{
	int64_t now = nanoseconds();

	for (unsigned i = 0; i < load.slot_count; i++) {
		struct slot *s = &load.slots[i];

		if (s->step == RESTING || now < s->due)
			continue;
		if (s->tries < options.tries) {
			load.retransmissions++;
			transmit(s);
			continue;
		}
		load.ports[s->socket].asked[s->id] = NULL;
		if (load.purpose == AUTHENTICATE)
			eap_peer_diagnose(&s->peer, &load.why);
		end(s, &load.timeouts);
	}
}

/* ---- runs ---------------------------------------------------------------------------------- */

/* Whoever has rested longest comes next. */
static void begin_next(void)
{
	while (load.slots[load.next].step != RESTING)
		load.next = (load.next + 1) % load.slot_count;
	begin(&load.slots[load.next]);
	load.next = (load.next + 1) % load.slot_count;
}

void run(enum purpose purpose, unsigned count)
{
	int64_t timers = nanoseconds();

	load.purpose = purpose;
	load.wanted = count;
	load.begun = load.ended = load.requests = load.retransmissions = 0;
	load.accepted = load.rejected = load.succeeded = load.resumed = load.timeouts = 0;
	load.failed = load.opened = load.bad_answers = load.wrong_keys = load.latency_count = 0;
	free(load.latencies);
	need((load.latencies = calloc(count + 1, sizeof *load.latencies)), "memory");
	while (load.ended < load.wanted) {
		while (load.begun < load.wanted && load.begun - load.ended < options.concurrency)
			begin_next();
		wait_and_receive(50, received);
		if (nanoseconds() - timers > 50000000) {
			timers = nanoseconds();
			look_at_timers();
		}
	}
}
