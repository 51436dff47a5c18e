/* Many machines that are enrolled at once through a RADIUS server, each with a key and a name of
 * its own: our CPROM peer in EAP-TTLS or TEAP behind the NASes of radius_nas.c.
 *
 *	enrol_load --server 127.0.0.1:1812 --secret testing123 --token LK1-... --count 200
 *		--concurrency 32 [--tunnel ttls|teap]
 *
 * It says "ready", and for each line that it reads does one thing with all of its machines, with
 * TLS 1.3, and writes the figures as JSON: "register", then "renew" (with the certificate in the
 * tunnel's handshake, and another key) and "authenticate" (plain EAP-TLS with it). */
#include "method/cprom_peer.h"
#include "method/inner_peer.h"
#include "method/teap_peer.h"
#include "method/ttls_peer.h"
#include "pki/cert.h"
#include "tests/bench/radius_nas.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDENTITY "anonymous@example.org"

struct machine {
	EVP_PKEY *key, *next_key;
	X509 *cert, *next_cert;
	STACK_OF(X509) * chain, *next_chain;
	struct bytes root; /* as it was delivered, PEM */
	struct cprom_credential credential;
	struct cprom_peer *cprom;
	struct tls_config *tls;
	const struct eap_peer_method *method;
	void *self; /* of the method */
};

static struct token token;
static const char *token_text;
static bool teap;
static struct machine *machines;

/* ---- its keystore ---- */

static enum status new_key(void *self, const char *credential, const struct enrol_params *params,
			   EVP_PKEY **ret_key, struct diagnosis *why)
{
	struct machine *m = self;

	(void)credential;
	(void)params;
	(void)why;
	EVP_PKEY_free(m->next_key);
	m->next_key = EVP_EC_gen("P-256");
	if (!m->next_key || !EVP_PKEY_up_ref(m->next_key))
		return CRYPTO;
	*ret_key = m->next_key;
	return OK;
}

static enum status keep_root(struct machine *m, X509 *root)
{
	AUTO(BIO) bio = BIO_new(BIO_s_mem());
	char *p;
	long len;

	if (!bio || PEM_write_bio_X509(bio, root) != 1)
		return NO_MEMORY;
	len = BIO_get_mem_data(bio, &p);
	return bytes_set(&m->root, slice_of(p, (size_t)len));
}

static enum status put(void *self, const char *credential, const struct enrol_result *result,
		       struct diagnosis *why)
{
	struct machine *m = self;

	(void)credential;
	(void)why;
	X509_free(m->next_cert);
	x509_stack_free(m->next_chain);
	m->next_cert = X509_up_ref(result->cert) ? result->cert : NULL;
	m->next_chain = result->chain ? X509_chain_up_ref(result->chain) : NULL;
	if (!m->next_cert)
		return NO_MEMORY;
	return m->root.len == 0 && sk_X509_num(result->anchors) > 0
		       ? keep_root(m, sk_X509_value(result->anchors, 0))
		       : OK;
}

static enum status activate(void *self, const char *credential, struct diagnosis *why)
{
	struct machine *m = self;

	(void)credential;
	(void)why;
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
	x509_stack_free(m->chain);
	m->key = TAKE(m->next_key);
	m->cert = TAKE(m->next_cert);
	m->chain = TAKE(m->next_chain);
	return OK;
}

static enum status drop(void *self, const char *credential, struct diagnosis *why)
{
	(void)self;
	(void)credential;
	(void)why;
	return OK;
}

static void abandon(void *self, const char *credential)
{
	(void)self;
	(void)credential;
}

static const struct enrol_store store = {
	.new_key = new_key, .put = put, .activate = activate, .remove = drop, .abandon = abandon
};

/* ---- what a machine does next ---- */

enum stage { REGISTER, RENEW, SIMPLY };

static void unmake_peer(struct machine *m, struct slot *s)
{
	if (!m->self)
		return;
	eap_peer_done(&s->peer);
	m->method->free(m->self);
	m->self = NULL;
	m->cprom = NULL; /* the method's */
	tls_config_free(TAKE(m->tls));
}

/* By the pin of the token, which names the root that the server shows; and once there is one, as
 * the profile of a machine that was enrolled does. */
static void make_tls(struct machine *m, enum stage stage)
{
	char pin[2 * TOKEN_PIN_SIZE + 1];
	const char *const pins[] = { pin };
	const struct slice anchor = bytes_slice(&m->root);
	const struct trust_settings by_pin = { .pins = pins, .pin_count = 1, .one_network = true };
	const struct trust_settings by_anchor = {
		.anchors = &anchor, .anchor_count = 1, .names = &options.name, .name_count = 1
	};
	struct tls_peer_settings settings = { .credential = "bench", .min = TLS_1_3 };
	struct diagnosis why;

	if (stage != REGISTER) {
		settings.key = m->key;
		settings.cert = m->cert;
		settings.chain = m->chain;
	}
	cert_hex(slice_of(token.pin, sizeof token.pin), pin, sizeof pin);
	need(trust_new(stage == REGISTER ? &by_pin : &by_anchor, &settings.trust, &why) == OK,
	     "trust");
	need(tls_config_new(&settings, &m->tls, &why) == OK, "TLS");
}

static void make_cprom(struct machine *m, enum stage stage)
{
	static const struct enrol_peer_protocol *const protocols[] = { &spp_peer };
	struct cprom_credential *c = &m->credential;
	struct cprom_peer_settings settings = { .credentials = c,
						.credential_count = 1,
						.protocols = protocols,
						.protocol_count = 1,
						.store = { &store, m },
						.accept_anchors = true };

	c->name = "net";
	c->type = ENROL_X509;
	c->wanted = true;
	c->action = stage == RENEW ? ENROL_RENEW : ENROL_REGISTER;
	c->actions = 1u << c->action;
	if (stage == RENEW) {
		c->cert = m->cert;
		c->chain = m->chain;
		c->key = m->key;
		settings.token.cert = m->cert;
		settings.token.key = m->key;
		settings.token.chain = m->chain;
	} else {
		settings.token.kind = CPROM_TOKEN;
		settings.token.value = token;
		/* A name that another token has brought would not be given. */
		char id[TOKEN_ID_TEXT_MAX];

		token_id_format(token.id, id);
		snprintf(c->names.common_name, sizeof c->names.common_name, "machine-%s-%u", id,
			 (unsigned)(m - machines));
	}
	need(cprom_peer_new(&settings, &m->cprom) == OK, "CPROM");
}

static void make_tunnel(struct machine *m)
{
	struct inner_peer_settings inner = { .identity = slice_str(IDENTITY),
					     .offers = { { &cprom_peer_method, m->cprom } },
					     .offer_count = 1,
					     .mtu = 8192 };
	struct inner_peer *eap;
	struct tunnel_peer *tunnel;

	need(inner_peer_new(&inner, &eap) == OK, "inner EAP");
	if (teap) {
		struct teap_peer_settings settings = {
			.identities = { { .type = TEAP_ANYBODY,
					  .name = slice_str(IDENTITY),
					  .eap = eap } },
			.identity_count = 1,
		};

		need(teap_peer_new(m->tls, &settings, &tunnel) == OK, "TEAP");
		m->method = &teap_peer_method;
	} else {
		struct ttls_peer_settings settings = { .inner = TTLS_EAP, .eap = eap };

		need(ttls_peer_new(m->tls, &settings, &tunnel) == OK, "EAP-TTLS");
		m->method = &ttls_peer_method;
	}
	m->self = tunnel;
}

static void make_peer(struct machine *m, struct slot *s, enum stage stage)
{
	unmake_peer(m, s);
	make_tls(m, stage);
	if (stage == SIMPLY) {
		struct tls_peer *method;

		need(tls_peer_new(m->tls, NULL, &method) == OK, "EAP-TLS");
		m->method = &tls_peer_method;
		m->self = method;
	} else {
		make_cprom(m, stage);
		make_tunnel(m);
	}
	s->lower = (struct eap_lower){ .portEnabled = true, .mtu = 1400 };
	s->config = (struct eap_peer_config){ .identity = slice_str(IDENTITY),
					      .offers = { { m->method, m->self } },
					      .offer_count = 1 };
	eap_peer_init(&s->peer, &s->config, &s->lower);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void do_all(enum stage stage)
{
	int64_t begun;
	double seconds;

	for (unsigned i = 0; i < load.slot_count; i++)
		make_peer(&machines[i], &load.slots[i], stage);
	begun = nanoseconds();
	run(AUTHENTICATE, options.count);
	seconds = (double)(nanoseconds() - begun) / 1e9;
	qsort(load.latencies, load.latency_count, sizeof *load.latencies, by_size);

	unsigned held = 0;

	for (unsigned i = 0; i < load.slot_count; i++)
		held += machines[i].cert != NULL;
	printf("{\"asked\": %u, \"succeeded\": %u, \"held\": %u, \"requests\": %u, "
	       "\"retransmissions\": %u, \"seconds\": %.6f, \"p50\": %.3f, \"why\": \"%s\"}\n",
	       load.wanted, load.succeeded, held, load.requests, load.retransmissions, seconds,
	       load.latency_count ? load.latencies[load.latency_count / 2] : 0,
	       diagnosis_text(load.why.id)->name);
	fflush(stdout);
}

/* ---- before and after ---- */

static void make_ports(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char host[64];
	const char *colon = strrchr(options.server, ':');

	need(colon && (size_t)(colon - options.server) < sizeof host, "--server");
	snprintf(host, sizeof host, "%.*s", (int)(colon - options.server), options.server);
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	need(inet_pton(AF_INET, host, &to.sin_addr) == 1, host);
	load.port_count = (load.slot_count + SLOTS_PER_PORT - 1) / SLOTS_PER_PORT;
	need((load.ports = calloc(load.port_count, sizeof *load.ports)), "memory");
	need((load.epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0, "epoll");
	for (unsigned i = 0; i < load.port_count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1 << 20;

		need(fd >= 0, "socket");
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
		need(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
		need(epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
		load.ports[i].fd = fd;
	}
}

static void make(void)
{
	struct diagnosis why;

	if (token_parse(slice_str(token_text), &token, &why) != OK)
		fail("--token", "it is none");
	options.identity = IDENTITY;
	options.patience = 5000;
	load.wire = wire_new(options.secret);
	load.slot_count = options.count;
	need((load.slots = calloc(load.slot_count, sizeof *load.slots)), "memory");
	need((machines = calloc(load.slot_count, sizeof *machines)), "memory");
	make_ports();
	for (unsigned i = 0; i < load.slot_count; i++) {
		load.slots[i].socket = i / SLOTS_PER_PORT;
		snprintf(load.slots[i].calling, sizeof load.slots[i].calling,
			 "02-00-%02X-%02X-%02X-%02X", i >> 24 & 255, i >> 16 & 255, i >> 8 & 255,
			 i & 255);
	}
}

static void unmake(void)
{
	for (unsigned i = 0; i < load.slot_count; i++) {
		struct machine *m = &machines[i];

		unmake_peer(m, &load.slots[i]);
		EVP_PKEY_free(m->key);
		EVP_PKEY_free(m->next_key);
		X509_free(m->cert);
		X509_free(m->next_cert);
		x509_stack_free(m->chain);
		x509_stack_free(m->next_chain);
		bytes_done(&m->root);
	}
	for (unsigned i = 0; i < load.port_count; i++)
		close(load.ports[i].fd);
	close(load.epoll);
	free(load.slots);
	free(load.ports);
	free(load.latencies);
	free(machines);
	wire_free(load.wire);
	token_done(&token);
}

static const struct option words[] = {
	{ "server", required_argument, NULL, 's' },
	{ "secret", required_argument, NULL, 'S' },
	{ "token", required_argument, NULL, 't' },
	{ "count", required_argument, NULL, 'N' },
	{ "concurrency", required_argument, NULL, 'C' },
	{ "tunnel", required_argument, NULL, 'u' },
	{ 0 },
};

static bool set(int word, const char *value)
{
	switch (word) {
	case 's':
		options.server = value;
		return true;
	case 'S':
		options.secret = value;
		return true;
	case 't':
		token_text = value;
		return true;
	case 'N':
		options.count = (unsigned)strtoul(value, NULL, 10);
		return true;
	case 'C':
		options.concurrency = (unsigned)strtoul(value, NULL, 10);
		return true;
	case 'u':
		teap = strcmp(value, "teap") == 0;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	char line[32];
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) >= 0)
		if (!set(word, optarg))
			return 2;
	if (!options.server || !token_text || options.count == 0 || options.concurrency == 0)
		fail("usage", "--server, --token, --count and --concurrency are wanted");
	make();
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		do_all(strncmp(line, "register", 8) == 0 ? REGISTER
		       : strncmp(line, "renew", 5) == 0	 ? RENEW
							 : SIMPLY);
	unmake();
	return EXIT_SUCCESS;
}
