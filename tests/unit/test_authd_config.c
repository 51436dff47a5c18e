/* The configuration of latchkey-authd, its rules, and the queue between threads. */
#include "tests/test.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "authd/queue.h"
#include "authd/rules.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

/* ---- addresses ---- */

TEST(addresses_are_read_and_written)
{
	static const struct {
		const char *text, *shown;
	} right[] = {
		{ "192.0.2.1", "192.0.2.1:0" },
		{ "192.0.2.1:1812", "192.0.2.1:1812" },
		{ "2001:db8::1", "[2001:db8::1]:0" },
		{ "[2001:db8::1]:65535", "[2001:db8::1]:65535" },
		{ "::ffff:192.0.2.1", "192.0.2.1:0" },
	};
	static const char *const wrong[] = {
		"",	     "localhost",	"192.0.2.1:",	 "192.0.2.1:0",
		"192.0.2:1", "192.0.2.1:65536", "[192.0.2.1]:1", "[::1",
		"[::1]x",    "[::1]:",		"192.0.2.1 ",	 "[::1]:1812x"
	};
	char buffer[ADDRESS_TEXT_MAX];
	union address a;

	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		CHECK(address_parse(right[i].text, &a));
		CHECK_STR(address_text(&a, true, buffer), right[i].shown);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CHECK(!address_parse(wrong[i], &a));
	}
}

static bool has(const char *prefix, const char *address)
{
	struct prefix p;
	union address a;

	REQUIRE(prefix_parse(prefix, &p) && address_parse(address, &a));
	return prefix_has(&p, &a);
}

TEST(prefixes_have_their_addresses)
{
	static const char *const wrong[] = { "192.0.2.1/24",   "192.0.2.0/33",	 "192.0.2.0/",
					     "2001:db8::/129", "192.0.2.0:1/24", "2001:db8::1/64" };
	struct prefix p;

	CHECK(has("192.0.2.0/24", "192.0.2.255"));
	CHECK(!has("192.0.2.0/24", "192.0.3.0"));
	CHECK(has("192.0.2.128/25", "192.0.2.200"));
	CHECK(!has("192.0.2.128/25", "192.0.2.127"));
	CHECK(has("192.0.2.1", "::ffff:192.0.2.1"));
	CHECK(has("0.0.0.0/0", "203.0.113.1"));
	CHECK(!has("0.0.0.0/0", "2001:db8::1"));
	CHECK(has("2001:db8::/33", "2001:db8:7fff::1"));
	CHECK(!has("2001:db8::/33", "2001:db8:8000::1"));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK(!prefix_parse(wrong[i], &p));
}

/* ---- files ---- */

struct rig {
	struct scratch dir;
	struct config *config;
	struct ini_errors errors;
};

static void rig_done(struct rig *rig)
{
	config_free(rig->config);
	ini_errors_done(&rig->errors);
	scratch_done(&rig->dir);
}

static struct rig rig_make(const char *settings)
{
	struct rig rig = { .dir = scratch_make() };
	char path[160];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", rig.dir.path, i ? "clients.d" : "rules.d");
		REQUIRE(mkdir(path, 0700) == 0);
	}
	scratch_put(&rig.dir, "a.conf", settings, 0600);
	return rig;
}

static int load(struct rig *rig)
{
	char path[160];

	snprintf(path, sizeof path, "%s/a.conf", rig->dir.path);
	return config_load(path, &rig->config, &rig->errors);
}

static void check_error(struct rig *rig, const char *file, int line, const char *message)
{
	for (size_t i = 0; i < rig->errors.count; i++) {
		const struct ini_error *e = &rig->errors.error[i];
		const char *slash = strrchr(e->file, '/');

		if (strcmp(slash + 1, file) == 0 && e->line == line && strstr(e->message, message))
			return;
	}
	for (size_t i = 0; i < rig->errors.count; i++)
		test_note("%s:%d: %s", rig->errors.error[i].file, rig->errors.error[i].line,
			  rig->errors.error[i].message);
	test_note("there is no error in %s:%d: %s", file, line, message);
	CHECK(false);
}

TEST(an_empty_file_is_a_configuration)
{
	AUTO_VALUE(rig) rig = rig_make("");

	REQUIRE(load(&rig) == 0);
	CHECK_INT(rig.config->settings.workers, 0);
	CHECK_INT(rig.config->settings.default_action, ACTION_ACCEPT);
	CHECK_INT(rig.config->settings.listen.count, 0);
	CHECK_INT(config_rule_count(rig.config), 0);
}

TEST(every_error_of_every_file_is_told)
{
	AUTO_VALUE(rig)
	rig = rig_make("[Tls]\nCredentail=x\nMinimumVersion=1.1\n[Radius]\nListen=here\n");

	scratch_put(&rig.dir, "clients.d/a.client", "[Client]\nPrefix=192.0.2.1/24\nSecret=short\n",
		    0600);
	scratch_put(&rig.dir, "clients.d/b.client", "[Client]\nSecret=long-enough\n", 0644);
	scratch_put(&rig.dir, "clients.d/c.client", "[Client]\nPrefix=192.0.2.7\n", 0600);
	scratch_put(&rig.dir, "rules.d/a.rule", "[Match]\nSubject=X=1\n[Decision]\nVlan=4095\n",
		    0644);
	scratch_put(&rig.dir, "rules.d/b.rule",
		    "[Decision]\nAction=reject\nVlan=7\nTermination=reauthenticate\n", 0644);
	CHECK(load(&rig) < 0);
	CHECK(rig.config == NULL);
	check_error(&rig, "a.conf", 2, "Did you mean Credential= in [Tls]?");
	check_error(&rig, "a.conf", 3, "Did you mean 1.3?");
	check_error(&rig, "a.conf", 5, "addresses such as");
	check_error(&rig, "a.client", 2, "address prefixes");
	check_error(&rig, "a.client", 3, "8 to 128 octets");
	check_error(&rig, "b.client", 0, "name the address of the client");
	check_error(&rig, "b.client", 2, "chmod o-r");
	check_error(&rig, "c.client", 0, "without a secret");
	check_error(&rig, "a.rule", 2, "CN=*.example.org");
	check_error(&rig, "a.rule", 4, "from 1 to 4094");
	check_error(&rig, "a.rule", 0, "expected accept, reject or enroll");
	check_error(&rig, "b.rule", 3, "contradicts Action=reject");
	check_error(&rig, "b.rule", 4, "needs SessionTimeout=");
}

TEST(words_that_are_taken_are_listed)
{
	AUTO_VALUE(rig) rig = rig_make("[Enroll]\nTunnels=peap\n");

	CHECK_INT(load(&rig), -EINVAL);
	check_error(&rig, "a.conf", 2, "words of these: ttls or teap");
}

TEST(what_does_not_go_with_certificates_by_teap_is_told)
{
	static const struct {
		const char *text, *part;
		unsigned line;
	} rows[] = {
		{ "[Enroll]\nAuthorise=account\n", "TeapProvisioning=yes alone", 2 },
		{ "[Enroll]\nTunnels=ttls\nTeapProvisioning=yes\n", "among Tunnels=", 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_VALUE(rig) rig = rig_make(rows[i].text);

		CHECK(load(&rig) < 0);
		check_error(&rig, "a.conf", rows[i].line, rows[i].part);
	}

	AUTO_VALUE(rig)
	rig = rig_make("[Enroll]\nTeapProvisioning=yes\nAuthorise=certificate account\n");
	REQUIRE(load(&rig) == 0);
	CHECK(rig.config->settings.enroll.teap);
}

TEST(the_longest_prefix_says_who_it_is)
{
	AUTO_VALUE(rig) rig = rig_make("");
	union address a;

	scratch_put(&rig.dir, "clients.d/all.client",
		    "[Client]\nPrefix=0.0.0.0/0 192.0.2.128/25\nSecret=long-enough\n", 0600);
	scratch_put(&rig.dir, "clients.d/lab.client",
		    "[Client]\nPrefix=192.0.2.0/24\nSecret=long-enough\n", 0600);
	REQUIRE(load(&rig) == 0);
	REQUIRE(address_parse("192.0.2.1", &a));
	CHECK_STR(config_client(rig.config, &a)->object.name, "lab");
	REQUIRE(address_parse("192.0.2.129", &a));
	CHECK_STR(config_client(rig.config, &a)->object.name, "all");
	REQUIRE(address_parse("2001:db8::1", &a));
	CHECK(config_client(rig.config, &a) == NULL);
}

TEST(two_clients_cannot_have_one_prefix)
{
	AUTO_VALUE(rig) rig = rig_make("");

	scratch_put(&rig.dir, "clients.d/a.client",
		    "[Client]\nPrefix=192.0.2.1\nSecret=long-enough\n", 0600);
	scratch_put(&rig.dir, "clients.d/b.client",
		    "[Client]\nPrefix=198.51.100.1 192.0.2.1/32\nSecret=long-enough\n", 0600);
	CHECK(load(&rig) < 0);
	check_error(&rig, "b.client", 0, "client \"a\"");
}

TEST(a_secret_comes_from_a_file_that_is_closed)
{
	AUTO_VALUE(rig) rig = rig_make("");
	char text[300];
	const struct client_config *client;

	scratch_put(&rig.dir, "secret", "correct horse\nbattery\n", 0644);
	snprintf(text, sizeof text, "[Client]\nPrefix=::1\nSecretFile=%s\n", rig.dir.file);
	scratch_put(&rig.dir, "clients.d/a.client", text, 0644);
	CHECK(load(&rig) < 0);
	check_error(&rig, "a.client", 3, "open to others");
	scratch_put(&rig.dir, "secret", "correct horse\nbattery\n", 0640);
	ini_errors_done(&rig.errors);
	REQUIRE(load(&rig) == 0);
	client = rig.config->objects[CONFIG_CLIENTS].item[0];
	CHECK(slice_eq(secret_slice(&client->secret), slice_str("correct horse")));
}

/* ---- rules ---- */

/* What a machine with such a certificate meets, among these rules. */
static const char *judged(struct rig *rig, const struct pki_spec *spec,
			  const struct aaa_where *where)
{
	static char said[160];
	struct pki_cert ca = pki_ca("Machines CA"), made = pki_make(spec, &ca);
	AUTO_VALUE(bytes) row = { 0 };
	struct tls_claim claim;
	struct aaa_grant grant;
	struct diagnosis why;
	bool accept;

	REQUIRE(tls_claim_build(made.cert, NULL, PKI_NOW, &row) == OK);
	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);
	const struct rules_machine machine = { .claim = &claim, .method = "EAP-TLS" };

	accept = rules_judge(rig->config, &machine, where, &grant, &why);
	CHECK((why.id == DIAG_NONE) == accept);
	snprintf(said, sizeof said, "%s %s %u", accept ? "accept" : "reject", grant.rule,
		 grant.vlan);
	pki_cert_done(&made);
	pki_cert_done(&ca);
	return said;
}

static const struct aaa_where nowhere;

TEST(without_rules_the_default_decides)
{
	AUTO_VALUE(rig) open = rig_make("");
	AUTO_VALUE(rig) closed = rig_make("[Policy]\nDefaultAction=reject\n");
	const struct pki_spec spec = { .cn = "a" };

	REQUIRE(load(&open) == 0 && load(&closed) == 0);
	CHECK_STR(judged(&open, &spec, &nowhere), "accept  0");
	CHECK_STR(judged(&closed, &spec, &nowhere), "reject  0");
}

static void put_rule(struct rig *rig, const char *name, const char *match, const char *decision)
{
	char file[40], text[600];

	snprintf(file, sizeof file, "rules.d/%.20s.rule", name);
	snprintf(text, sizeof text, "[Match]\n%s\n[Decision]\n%s\n", match, decision);
	scratch_put(&rig->dir, file, text, 0600);
}

TEST(the_first_that_matches_by_priority_then_name_decides)
{
	AUTO_VALUE(rig) rig = rig_make("");
	const struct pki_spec spec = { .cn = "a" };

	put_rule(&rig, "a", "", "Action=accept\nVlan=1");
	put_rule(&rig, "b", "", "Action=accept\nVlan=2");
	REQUIRE(load(&rig) == 0);
	CHECK_STR(judged(&rig, &spec, &nowhere), "accept a 1");
	put_rule(&rig, "c", "Priority=1", "Action=reject");
	config_free(TAKE(rig.config));
	REQUIRE(load(&rig) == 0);
	CHECK_STR(judged(&rig, &spec, &nowhere), "reject c 0");
}

/* Whether one rule with this condition matches. */
static bool matches(const char *match, const struct pki_spec *spec, const struct aaa_where *where)
{
	AUTO_VALUE(rig) rig = rig_make("");

	put_rule(&rig, "it", match, "Action=accept\nVlan=7");
	if (load(&rig) < 0) {
		test_note("%s", rig.errors.error[0].message);
		REQUIRE(false);
	}
	return strcmp(judged(&rig, spec, where), "accept it 7") == 0;
}

TEST(a_condition_is_about_one_fact)
{
	const struct pki_spec spec = {
		.cn = "printer-7.example.org",
		.sans = "DNS:Printer-7.example.org,email:ops@example.org,URI:urn:x:7,"
			"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:printer@example.org",
		.eku = "clientAuth",
	};

	CHECK(matches("Subject=CN=printer-*.example.org", &spec, &nowhere));
	CHECK(!matches("Subject=CN=Printer-*", &spec, &nowhere));
	CHECK(!matches("Subject=O=*", &spec, &nowhere));
	CHECK(!matches("Subject=CN=printer-*\nSubject=O=*", &spec, &nowhere));
	CHECK(matches("Issuer=CN=Machines CA", &spec, &nowhere));
	CHECK(!matches("Issuer=CN=Machines", &spec, &nowhere));
	CHECK(matches("Dns=printer-?.example.org", &spec, &nowhere));
	CHECK(matches("Dns=other.example.org *.example.org", &spec, &nowhere));
	CHECK(!matches("Dns=*.example.net", &spec, &nowhere));
	CHECK(matches("Email=*@example.org", &spec, &nowhere));
	CHECK(!matches("Email=printer@example.org", &spec, &nowhere));
	CHECK(matches("Uri=urn:x:*", &spec, &nowhere));
	CHECK(matches("Upn=printer@*", &spec, &nowhere));
	CHECK(matches("Eku=clientAuth", &spec, &nowhere));
	CHECK(!matches("Eku=serverAuth", &spec, &nowhere));
	CHECK(matches("Resumed=no", &spec, &nowhere));
	CHECK(!matches("Resumed=yes", &spec, &nowhere));
}

/* A value cannot pose as another attribute, nor a name go beyond its end. */
TEST(no_text_tricks)
{
	const struct pki_spec comma = { .cn = "a,O=Trusted" };
	const struct pki_spec nul = { .cn = "trusted\0.example.net", .cn_len = 20 };
	const struct pki_spec nul_dns = { .cn = "x",
					  .raw_dns = slice_of("ok.example.org\0.example.net", 27) };

	CHECK(!matches("Subject=O=Trusted", &comma, &nowhere));
	CHECK(!matches("Subject=CN=trusted*", &nul, &nowhere));
	CHECK(!matches("Dns=ok.example.org*", &nul_dns, &nowhere));
}

TEST(a_condition_can_be_about_the_place)
{
	const struct pki_spec spec = { .cn = "a" };
	const struct aaa_where where = { .client = "lab",
					 .nas_identifier = "sw1",
					 .nas_address = "192.0.2.9",
					 .nas_port_id = "ge-0/0/7",
					 .calling_station = "02-00-5E-10-00-01" };

	CHECK(matches("Client=lab", &spec, &where));
	CHECK(!matches("Client=hall", &spec, &where));
	CHECK(!matches("Client=*", &spec, &nowhere));
	CHECK(matches("Nas=sw?", &spec, &where));
	CHECK(matches("Nas=192.0.2.*", &spec, &where));
	CHECK(matches("Port=ge-0/0/*", &spec, &where));
	CHECK(matches("Station=02-00-5e-*", &spec, &where));
	CHECK(!matches("Client=lab\nPort=xe-*", &spec, &where));
}

/* ---- the queue ---- */

struct item {
	struct list node;
	unsigned number;
};

TEST(a_queue_is_bounded_in_each_lane_and_serves_the_first_first)
{
	struct queue queue;
	struct item items[5] = { 0 };
	size_t count;
	uint64_t refused;

	REQUIRE(queue_init(&queue, (const size_t[]){ 2, 1 }) == 0);
	CHECK(queue_put(&queue, QUEUE_NEW, &items[0].node));
	CHECK(!queue_put(&queue, QUEUE_NEW, &items[1].node));
	CHECK(queue_put(&queue, QUEUE_GOES_ON, &items[2].node));
	CHECK(queue_put(&queue, QUEUE_GOES_ON, &items[3].node));
	CHECK(!queue_put(&queue, QUEUE_GOES_ON, &items[4].node));
	queue_look(&queue, QUEUE_NEW, &count, &refused);
	CHECK_INT(count, 1);
	CHECK_INT(refused, 1);
	CHECK(queue_take(&queue) == &items[2].node);
	CHECK(queue_take(&queue) == &items[3].node);
	CHECK(queue_take(&queue) == &items[0].node);
	CHECK(queue_take(&queue) == NULL);
	queue_done(&queue);
}

#define ITEMS 20000

static struct item many[ITEMS];

static void *put_many(void *queue)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		many[i].number = i;
		while (!queue_put(queue, QUEUE_GOES_ON, &many[i].node))
			sched_yield();
	}
	return NULL;
}

TEST(nothing_is_lost_or_swapped_between_threads)
{
	struct queue queue;
	pthread_t thread;
	unsigned next = 0;

	REQUIRE(queue_init(&queue, (const size_t[]){ 64, 64 }) == 0);
	REQUIRE(pthread_create(&thread, NULL, put_many, &queue) == 0);
	while (next < ITEMS) {
		struct list *node = queue_take(&queue);

		if (node) {
			if (list_item(node, struct item, node)->number != next)
				CHECK_INT(list_item(node, struct item, node)->number, next);
			next++;
		}
	}
	pthread_join(thread, NULL);
	CHECK(queue_take(&queue) == NULL);
	queue_done(&queue);
}
