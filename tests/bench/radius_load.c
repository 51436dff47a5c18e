/* Many NASes and supplicants at once, to put load on a RADIUS server: our EAP peer with EAP-TLS
 * behind a RADIUS encoder of its own, in one thread, as lean as it can be, since it shares the
 * machine with the server.  The figures come out as JSON.
 *
 *	radius_load --server 127.0.0.1:1812 --secret testing123 --ca ca.pem --cert c.pem --key k.pem
 *		--count 4000 --concurrency 32 [--tls 1.2|1.3] [--resume] [--wait]
 *	… --open [--hold]		conversations up to the server's first flight, and no
 *further
 *	… --flood start|identity|state	packets that begin what nobody ends, --rate of them a second
 *
 * Of --machines M (by default as many as are busy at once) each has its turn.  --resume has each of
 * them authenticate once before, which is not counted; --warm N has N authentications go before as
 * well.  --wait then says "ready" and waits for a line, so that
 * whoever measures the server can look at it first; --hold waits for one before it ends. */
#include "eap/packet.h"
#include "pki/bundle.h"
#include "tests/bench/radius_nas.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- figures ------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double part)
{
	if (load.latency_count == 0)
		return 0;
	return load.latencies[(unsigned)ceil(part * load.latency_count) - 1];
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void tell(double seconds, double cpu)
{
	unsigned good = load.purpose == OPEN ? load.opened : load.accepted;

	qsort(load.latencies, load.latency_count, sizeof *load.latencies, by_size);
	printf("{\"asked\": %u, \"accepted\": %u, \"succeeded\": %u, \"resumed\": %u, "
	       "\"opened\": %u, \"rejected\": %u, \"timeouts\": %u, \"failed\": %u, "
	       "\"wrong_keys\": %u, \"bad_answers\": %u, \"requests\": %u, "
	       "\"retransmissions\": %u, \"seconds\": %.6f, \"per_second\": %.2f, \"cpu\": %.6f, "
	       "\"latency_ms\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f}, "
	       "\"why\": \"%s\"}\n",
	       load.wanted, load.accepted, load.succeeded, load.resumed, load.opened, load.rejected,
	       load.timeouts, load.failed, load.wrong_keys, load.bad_answers, load.requests,
	       load.retransmissions, seconds, good / seconds, cpu, percentile(0.5), percentile(0.9),
	       percentile(0.99), percentile(1), diagnosis_text(load.why.id)->name);
	fflush(stdout);
}

static void wait_for_line(void)
{
	char line[16];

	(void)!fgets(line, sizeof line, stdin);
}

static void measure(void)
{
	const enum purpose purpose = options.open ? OPEN : AUTHENTICATE;

	if (options.resume)
		run(AUTHENTICATE, load.slot_count);
	if (options.warm > 0)
		run(AUTHENTICATE, options.warm);
	if (options.wait) {
		puts("ready");
		fflush(stdout);
		wait_for_line();
	}

	double cpu = cpu_seconds();
	int64_t begun = nanoseconds();

	run(purpose, options.count);
	tell((double)(nanoseconds() - begun) / 1e9, cpu_seconds() - cpu);
	if (options.hold)
		wait_for_line();
}

/* ---- floods -------------------------------------------------------------------------------- */

static unsigned challenges, rejects;

static void flood_answered(struct port *port, struct slice in)
{
	(void)port;
	if (in.len > 0 && in.p[0] == ACCESS_CHALLENGE)
		challenges++;
	else
		rejects++;
}

static void flood_one(unsigned n)
{
	struct slot *s = &load.slots[n % load.slot_count];
	struct wire_request request = { .id = (uint8_t)(n / load.slot_count),
					.identity = slice_str(options.identity),
					.calling = s->calling };
	uint8_t identity[300];

	snprintf(s->calling, sizeof s->calling, "02-02-%02X-%02X-%02X-%02X", n >> 24 & 255,
		 n >> 16 & 255, n >> 8 & 255, n & 255);
	if (strcmp(options.flood, "start") != 0)
		request.eap = own_identity(identity, sizeof identity);
	if (strcmp(options.flood, "state") == 0) {
		request.eap = slice_of(load.hello, load.hello_len);
		request.state = slice_of(s->calling, sizeof s->calling - 1);
	}
	s->packet_len = wire_build(load.wire, &request, s->packet);
	(void)!send(load.ports[s->socket].fd, s->packet, s->packet_len, MSG_DONTWAIT);
}

static void flood(void)
{
	int64_t begun = nanoseconds(), last;
	unsigned sent = 0;

	while (sent < options.count) {
		double due = (double)(nanoseconds() - begun) / 1e9 * options.rate;

		while (sent < options.count && sent < due)
			flood_one(sent++);
		wait_and_receive(1, flood_answered);
	}
	last = nanoseconds();
	while (nanoseconds() - last < 500000000) /* what is still under way */
		wait_and_receive(100, flood_answered);
	printf("{\"sent\": %u, \"challenges\": %u, \"rejects\": %u, \"seconds\": %.6f}\n", sent,
	       challenges, rejects, (double)(last - begun) / 1e9);
}

/* ---- before -------------------------------------------------------------------------------- */

static struct bytes file(const char *path)
{
	uint8_t buffer[4096];
	struct bytes all = { 0 };
	FILE *in = fopen(path, "re");
	size_t n;

	if (!in)
		fail(path, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		need(bytes_append(&all, slice_of(buffer, n), BUNDLE_FILE_MAX) == OK, path);
	fclose(in);
	return all;
}

static void add(struct bundle *bundle, const char *path)
{
	struct diagnosis why;
	struct bytes content = file(path);
	bool encrypted;

	need(bundle_add(bundle, bytes_slice(&content), NULL, &encrypted, &why) == OK, path);
	bytes_done(&content);
}

static void make_tls(void)
{
	const enum tls_version version = !options.tls			   ? 0
					 : strcmp(options.tls, "1.2") == 0 ? TLS_1_2
									   : TLS_1_3;
	struct bytes anchor = file(options.ca);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	const struct trust_settings trust = {
		.anchors = anchors, .anchor_count = 1, .names = &options.name, .name_count = 1
	};
	struct bundle bundle = { 0 };
	struct tls_peer_settings settings = { .min = version,
					      .max = version,
					      .resume = options.resume };
	struct diagnosis why;

	add(&bundle, options.cert);
	add(&bundle, options.key);
	need(bundle_finish(&bundle, &why) == OK, options.cert);
	settings.key = bundle.key;
	settings.cert = bundle.cert;
	settings.chain = bundle.chain;
	need(trust_new(&trust, &settings.trust, &why) == OK, options.ca);
	need(tls_config_new(&settings, &load.tls, &why) == OK, "TLS");
	bundle_done(&bundle);
	bytes_done(&anchor);
}

static void make_ports(void)
{
	char host[256];
	const char *colon = strrchr(options.server, ':');
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *address;

	if (!colon || snprintf(host, sizeof host, "%.*s", (int)(colon - options.server),
			       options.server) >= (int)sizeof host)
		fail(options.server, "ADDRESS:PORT is wanted");
	if (getaddrinfo(host, colon + 1, &hints, &address) != 0)
		fail(options.server, "no address");
	load.port_count = (load.slot_count + SLOTS_PER_PORT - 1) / SLOTS_PER_PORT;
	need((load.ports = calloc(load.port_count, sizeof *load.ports)), "memory");
	need((load.epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0, "epoll");
	for (unsigned i = 0; i < load.port_count; i++) {
		struct port *port = &load.ports[i];
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		int size = 1 << 20;

		port->fd = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		need(port->fd >= 0, "socket");
		setsockopt(port->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
		need(connect(port->fd, address->ai_addr, address->ai_addrlen) == 0, "connect");
		need(epoll_ctl(load.epoll, EPOLL_CTL_ADD, port->fd, &event) == 0, "epoll");
	}
	freeaddrinfo(address);
}

static void make_peer(struct slot *s)
{
	need(tls_peer_new(load.tls, NULL, &s->method) == OK, "EAP-TLS");
	s->lower = (struct eap_lower){ .portEnabled = true, .mtu = 1400 };
	s->config.identity = slice_str(options.identity);
	s->config.offers[0] = (struct eap_peer_offer){ &tls_peer_method, s->method };
	s->config.offer_count = 1;
	eap_peer_init(&s->peer, &s->config, &s->lower);
}

/* A ClientHello is the same however often it is sent, as far as the server's work goes. */
static void make_hello(void)
{
	static const uint8_t start[] = { EAP_REQUEST, 1, 0, 6, EAP_TYPE_TLS, 0x20 };
	struct slot *s = calloc(1, sizeof *s);
	struct slice hello;

	if (!s)
		fail("memory", strerror(errno));
	make_peer(s);
	hear_identity(s);
	hello = hear(s, slice_of(start, sizeof start));
	need(hello.len > 0 && hello.len <= sizeof load.hello, "ClientHello");
	memcpy(load.hello, hello.p, load.hello_len = hello.len);
	eap_peer_done(&s->peer);
	tls_peer_method.free(s->method);
	free(s);
}

static void make(void)
{
	load.wire = wire_new(options.secret);
	make_tls();
	make_hello();
	load.slot_count =
		options.machines > options.concurrency ? options.machines : options.concurrency;
	need((load.slots = calloc(load.slot_count, sizeof *load.slots)), "memory");
	make_ports();
	for (unsigned i = 0; i < load.slot_count; i++) {
		struct slot *s = &load.slots[i];

		s->socket = i / SLOTS_PER_PORT;
		snprintf(s->calling, sizeof s->calling, "02-00-%02X-%02X-%02X-%02X", i >> 24 & 255,
			 i >> 16 & 255, i >> 8 & 255, i & 255);
		make_peer(s);
	}
}

static void unmake(void)
{
	for (unsigned i = 0; i < load.slot_count; i++) {
		eap_peer_done(&load.slots[i].peer);
		tls_peer_method.free(load.slots[i].method);
	}
	for (unsigned i = 0; i < load.port_count; i++)
		close(load.ports[i].fd);
	close(load.epoll);
	free(load.slots);
	free(load.ports);
	free(load.latencies);
	tls_config_free(load.tls);
	wire_free(load.wire);
}

/* ---- options ------------------------------------------------------------------------------- */

static const struct option words[] = {
	{ "server", required_argument, NULL, 's' },
	{ "secret", required_argument, NULL, 'S' },
	{ "ca", required_argument, NULL, 'a' },
	{ "cert", required_argument, NULL, 'c' },
	{ "key", required_argument, NULL, 'k' },
	{ "name", required_argument, NULL, 'n' },
	{ "identity", required_argument, NULL, 'i' },
	{ "tls", required_argument, NULL, 't' },
	{ "count", required_argument, NULL, 'N' },
	{ "warm", required_argument, NULL, 'w' },
	{ "concurrency", required_argument, NULL, 'C' },
	{ "tries", required_argument, NULL, 'T' },
	{ "patience", required_argument, NULL, 'p' },
	{ "rate", required_argument, NULL, 'r' },
	{ "flood", required_argument, NULL, 'f' },
	{ "resume", no_argument, NULL, 'R' },
	{ "wait", no_argument, NULL, 'W' },
	{ "open", no_argument, NULL, 'o' },
	{ "hold", no_argument, NULL, 'h' },
	{ "machines", required_argument, NULL, 'm' },
	{ 0 },
};

static unsigned number(const char *text)
{
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);

	if (!*text || *rest || n > 100000000)
		fail(text, "a number is wanted");
	return (unsigned)n;
}

static bool set(int word, const char *value)
{
	struct options *o = &options;
	const struct {
		int word;
		const char **text;
		unsigned *number;
		bool *flag;
	} places[] = {
		{ .word = 's', .text = &o->server },   { .word = 'S', .text = &o->secret },
		{ .word = 'a', .text = &o->ca },       { .word = 'c', .text = &o->cert },
		{ .word = 'k', .text = &o->key },      { .word = 'n', .text = &o->name },
		{ .word = 'i', .text = &o->identity }, { .word = 't', .text = &o->tls },
		{ .word = 'f', .text = &o->flood },    { .word = 'N', .number = &o->count },
		{ .word = 'w', .number = &o->warm },   { .word = 'C', .number = &o->concurrency },
		{ .word = 'T', .number = &o->tries },  { .word = 'p', .number = &o->patience },
		{ .word = 'r', .number = &o->rate },   { .word = 'R', .flag = &o->resume },
		{ .word = 'W', .flag = &o->wait },     { .word = 'o', .flag = &o->open },
		{ .word = 'h', .flag = &o->hold },     { .word = 'm', .number = &o->machines },
	};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (places[i].word != word)
			continue;
		if (places[i].text)
			*places[i].text = value;
		else if (places[i].number)
			*places[i].number = number(value);
		else
			*places[i].flag = true;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) >= 0) {
		if (!set(word, optarg))
			return 2;
	}
	if (!options.server || !options.ca || !options.cert || !options.key ||
	    options.concurrency == 0)
		fail("usage", "--server, --ca, --cert and --key are wanted");
	if (options.rate == 0)
		options.rate = UINT32_MAX;
	make();
	if (options.flood)
		flood();
	else
		measure();
	unmake();
	return EXIT_SUCCESS;
}
