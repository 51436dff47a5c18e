/* Guarded ports through their public face: the test is the wire, the gate, the server and the
 * clock. */
#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>

#include "authd/ports.h"
#include "authd/ports_parts.h"
#include "eap/packet.h"

#define INDEX 7
#define MACS  16

static const uint8_t own[MAC_SIZE] = { 2, 0, 0, 0, 0, 0xaa };
static const uint8_t one[MAC_SIZE] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t two[MAC_SIZE] = { 2, 0, 0, 0, 0, 2 };

struct rig {
	struct loop loop;
	struct ports *ports;
	struct aaa_server server;
	struct accountant accountant;
	struct moment now;
	struct config *config;

	/* the gate */
	bool guarded, joined;
	uint8_t open[MACS][MAC_SIZE];
	size_t open_count;
	uint16_t vlan;
	bool everybody;
	int vlan_error, open_error, guard_error;
	unsigned guards, releases;
	bool down;	    /* the interface was set down */
	const char *bridge; /* the interface is a port of it */

	/* the wire */
	unsigned sent;
	uint8_t destination[MAC_SIZE];
	uint8_t packet[64]; /* EAP */
	size_t len;

	/* the server */
	struct aaa_request asked; /* the last */
	unsigned asks, gave_up;
	int ask_error;

	/* accounting */
	unsigned starts, interims, stops;
	enum terminate_cause cause;
	uint32_t session_time;
	char accounted[AAA_TEXT_MAX + 1];
	uint64_t octets;
	bool counted;
};

static struct rig rig;

/* ---- the outside --------------------------------------------------------------------------- */

static int guard(void *context, const struct gate_port *port, struct diagnosis *why)
{
	(void)context;
	CHECK_INT(port->index, INDEX);
	if (rig.guard_error) {
		diagnosis_set(why, DIAG_INTERNAL);
		return rig.guard_error;
	}
	CHECK_INT(rig.open_count, 0);
	/* Nothing goes out of a port that was not closed before. */
	CHECK(rig.guards > 0 || (!rig.joined && rig.sent == 0));
	rig.guarded = true;
	rig.guards++;
	return 0;
}

static void release(void *context, unsigned index)
{
	(void)context;
	CHECK_INT(index, INDEX);
	CHECK(rig.guarded);
	CHECK_INT(rig.open_count, 0);
	rig.guarded = false;
	rig.releases++;
}

static bool is_open(const uint8_t mac[MAC_SIZE])
{
	for (size_t i = 0; i < rig.open_count; i++) {
		if (memcmp(rig.open[i], mac, MAC_SIZE) == 0)
			return true;
	}
	return false;
}

static int gate_opens(void *context, unsigned index, const uint8_t mac[MAC_SIZE])
{
	(void)context;
	CHECK_INT(index, INDEX);
	CHECK(rig.guarded);
	if (rig.open_error)
		return rig.open_error;
	if (!is_open(mac))
		memcpy(rig.open[rig.open_count++], mac, MAC_SIZE);
	return 0;
}

static void gate_closes(void *context, unsigned index, const uint8_t *mac)
{
	(void)context;
	CHECK_INT(index, INDEX);
	for (size_t i = 0; i < rig.open_count; i++) {
		if (memcmp(rig.open[i], mac, MAC_SIZE) == 0)
			memcpy(rig.open[i], rig.open[--rig.open_count], MAC_SIZE);
	}
}

static int admit(void *context, unsigned index, bool everybody)
{
	(void)context;
	CHECK_INT(index, INDEX);
	CHECK(rig.guarded);
	rig.everybody = everybody;
	return 0;
}

static int set_vlan(void *context, unsigned index, uint16_t vlan, struct diagnosis *why)
{
	(void)context;
	CHECK_INT(index, INDEX);
	CHECK(!rig.everybody); /* strangers are never taken along */
	if (rig.vlan_error) {
		diagnosis_set(why, DIAG_INTERNAL);
		return rig.vlan_error;
	}
	rig.vlan = vlan;
	return 0;
}

static int set_up(void *context, unsigned index, bool up)
{
	(void)context;
	CHECK_INT(index, INDEX);
	CHECK(!up || rig.guarded);
	rig.down = !up;
	return 0;
}

static int join(void *context, unsigned index)
{
	(void)context;
	CHECK_INT(index, INDEX);
	rig.joined = true;
	return 0;
}

static void leave(void *context, unsigned index)
{
	(void)context;
	CHECK_INT(index, INDEX);
	rig.joined = false;
}

static int sends(void *context, unsigned index, const uint8_t destination[MAC_SIZE],
		 const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu)
{
	struct eapol_frame frame;

	(void)context;
	(void)tag;
	CHECK_INT(index, INDEX);
	CHECK(memcmp(source, own, MAC_SIZE) == 0);
	REQUIRE(eapol_frame_parse(pdu, &frame) == OK);
	REQUIRE(frame.body.len <= sizeof rig.packet);
	memcpy(rig.destination, destination, MAC_SIZE);
	memcpy(rig.packet, frame.body.p, frame.body.len);
	rig.len = frame.body.len;
	rig.sent++;
	return 0;
}

static bool traffic(void *context, const char *name, uint64_t ret_counters[4])
{
	(void)context;
	CHECK_STR(name, "lan0");
	ret_counters[0] = rig.octets;
	return true;
}

static bool bridge_of(void *context, const char *name, char ret_bridge[IF_NAMESIZE])
{
	(void)context;
	(void)name;
	if (rig.bridge)
		snprintf(ret_bridge, IF_NAMESIZE, "%s", rig.bridge);
	return rig.bridge != NULL;
}

static struct moment now(void *context)
{
	(void)context;
	return rig.now;
}

static int ask(struct aaa_server *server, struct aaa_request *taken)
{
	CHECK(server == &rig.server);
	CHECK_INT(taken->where.nas_port_type, 15);
	CHECK_STR(taken->where.nas_port_id, "lan0");
	if (taken->last) {
		rig.gave_up++;
		return 0;
	}
	rig.asks++;
	if (rig.ask_error)
		return rig.ask_error;
	aaa_request_done(&rig.asked);
	rig.asked = *taken;
	*taken = (struct aaa_request){ 0 };
	return 0;
}

static void note(struct accountant *accountant, const struct accounting_event *event)
{
	CHECK(accountant == &rig.accountant);
	snprintf(rig.accounted, sizeof rig.accounted, "%s", event->where->session_id);
	rig.starts += event->kind == ACCOUNTING_START;
	rig.interims += event->kind == ACCOUNTING_INTERIM;
	rig.stops += event->kind == ACCOUNTING_STOP;
	rig.cause = event->cause;
	rig.session_time = event->session_time;
	rig.counted = event->counted;
}

static const struct ports_doors doors = {
	guard, release, gate_opens, gate_closes, admit,	    set_vlan, set_up,
	join,  leave,	sends,	    traffic,	 bridge_of, now,
};

/* ---- the rig ------------------------------------------------------------------------------- */

static struct config *config_with(const char *text)
{
	struct config *config = calloc(1, sizeof *config);
	struct config_objects *ports;
	struct ini_errors *errors = calloc(1, sizeof *errors);

	REQUIRE(config && errors);
	ports = &config->objects[CONFIG_PORTS];
	config->references = 1;
	ports->item = calloc(2, sizeof *ports->item);
	REQUIRE(ports->item != NULL);
	if (text) {
		int error = config_object_parse(&port_kind, slice_str(text), "/x/a.port",
						&ports->item[0], errors);

		if (error < 0)
			test_note("%s", errors->error[0].message);
		REQUIRE(error == 0);
		ports->count = 1;
	}
	ini_errors_done(errors);
	free(errors);
	return config;
}

static void configure(const char *text)
{
	struct config *config = config_with(text);

	ports_configure(rig.ports, config);
	config_free(config);
}

static void link_is(bool carrier)
{
	struct link_info link = {
		.index = INDEX,
		.name = "lan0",
		.mtu = 1500,
		.ethernet = true,
		.up = true,
		.carrier = carrier,
	};

	memcpy(link.mac, own, MAC_SIZE);
	ports_set_link(rig.ports, &link);
}

static void begin(const char *text)
{
	struct ports_world world = {
		.loop = &rig.loop,
		.doors = &doors,
		.servers = { &rig.server, NULL },
		.accountant = &rig.accountant,
		.nas_identifier = "switch",
	};

	rig = (struct rig){
		.server.ask = ask,
		.accountant.note = note,
		.now = { .mono = 1000000, .wall = 1700000000 },
	};
	REQUIRE(loop_init(&rig.loop) == 0);
	REQUIRE(ports_new(&world, &rig.ports) == 0);
	configure(text);
	link_is(true);
}

static void end(void)
{
	ports_free(rig.ports);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.starts, rig.stops);
	aaa_request_done(&rig.asked);
	loop_done(&rig.loop);
}

/* Time passes; every timer on the way is met on time. */
static void wait(msec period)
{
	msec until = rig.now.mono + period;

	for (;;) {
		struct timer *first = NULL;

		list_each (node, &rig.ports->all) {
			struct port *port = list_item(node, struct port, node);

			if (port->retry.due <= until)
				first = &port->retry;
		}

		for (size_t i = 0; i < PORTS_SESSIONS_MAX; i++) {
			struct port_session *s = rig.ports->slot[i];

			if (s && s->timer.due <= until && (!first || s->timer.due < first->due))
				first = &s->timer;
		}
		if (!first)
			break;
		if (first->due > rig.now.mono) {
			rig.now.wall += (int64_t)(first->due - rig.now.mono) / 1000;
			rig.now.mono = first->due;
		}
		timer_clear(first);
		first->expired(first);
	}
	rig.now.wall += (int64_t)(until - rig.now.mono) / 1000;
	rig.now.mono = until;
}

static void hear(const uint8_t mac[MAC_SIZE], enum eapol_type type, struct slice body)
{
	uint8_t pdu[128];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct packet_frame frame = { .index = INDEX };

	eapol_frame_build(&w, 1, type, body);
	memcpy(frame.source, mac, MAC_SIZE);
	frame.pdu = wr_done(&w);
	ports_receive(rig.ports, &frame);
}

static void start(const uint8_t mac[MAC_SIZE])
{
	hear(mac, EAPOL_START, (struct slice){ 0 });
}

static void logoff(const uint8_t mac[MAC_SIZE])
{
	hear(mac, EAPOL_LOGOFF, (struct slice){ 0 });
}

/* Answers the last Request. */
static void respond(const uint8_t mac[MAC_SIZE], uint8_t type, const char *text)
{
	uint8_t packet[64];
	struct wr w = wr_of(packet, sizeof packet);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, rig.packet[1], eap_type(type), false);

	wr_bytes(&w, slice_str(text));
	eap_packet_close(&w, mark);
	hear(mac, EAPOL_EAP, wr_done(&w));
}

static struct aaa_answer answer_of(enum aaa_verdict verdict, uint8_t code)
{
	struct aaa_answer answer = { .asker = rig.asked.asker,
				     .number = rig.asked.number,
				     .verdict = verdict };
	uint8_t packet[64];
	struct wr w = wr_of(packet, sizeof packet);
	uint8_t id = rig.asked.eap.len > 1 ? rig.asked.eap.p[1] : 0;

	if (code == EAP_REQUEST)
		eap_packet_close(&w, eap_packet_open(&w, EAP_REQUEST, (uint8_t)(id + 1),
						     eap_type(EAP_TYPE_TLS), false));
	else if (code)
		eap_packet_build_result(&w, code, id);
	REQUIRE(bytes_set(&answer.eap, wr_done(&w)) == OK);
	return answer;
}

static void reply(struct aaa_answer answer)
{
	REQUIRE(answer.asker != NULL);
	answer.asker->answered(answer.asker, &answer);
}

static void accept_with(struct aaa_grant grant)
{
	struct aaa_answer answer = answer_of(AAA_ACCEPT, EAP_SUCCESS);

	answer.grant = grant;
	reply(answer);
}

static void reject(void)
{
	struct aaa_answer answer = answer_of(AAA_REJECT, EAP_FAILURE);

	diagnosis_set(&answer.why, DIAG_CLIENT_CERT_EXPIRED);
	reply(answer);
}

static void enter(const uint8_t mac[MAC_SIZE], struct aaa_grant grant)
{
	respond(mac, EAP_TYPE_IDENTITY, "me");
	accept_with(grant);
	CHECK(is_open(mac));
}

static struct ports_counts counts(void)
{
	struct ports_counts c;

	ports_count(rig.ports, &c);
	return c;
}

static const struct aaa_grant plain = { 0 };
#define SINGLE "[Match]\nInterface=lan*\n"
#define MULTI  SINGLE "[Port]\nMode=multi\n"

/* ---- one machine --------------------------------------------------------------------------- */

static const char *state_of_port(void)
{
	static char state[32];
	json_t *list = ports_view(rig.ports);

	REQUIRE(json_array_size(list) == 1);
	snprintf(state, sizeof state, "%s",
		 json_string_value(json_object_get(json_array_get(list, 0), "state")));
	json_decref(list);
	return state;
}

TEST(a_port_is_closed_first_and_then_everybody_is_asked)
{
	begin(SINGLE);
	CHECK(rig.guarded && rig.joined);
	CHECK_INT(rig.sent, 1);
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[0], EAP_REQUEST);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	CHECK_INT(rig.open_count, 0);
	end();
	CHECK_INT(rig.releases, 0); /* the gate's owner decides what becomes of it */
}

TEST(other_interfaces_are_left_alone)
{
	begin("[Match]\nInterface=eth*\n");
	CHECK_INT(rig.guards + rig.sent, 0);
	start(one);
	CHECK_INT(counts().ports, 0);
	end();
}

TEST(the_ports_of_a_bridge_are_guarded)
{
	begin(NULL);
	rig.bridge = "br0";
	configure("[Match]\nBridge=br0\n");
	CHECK(rig.guarded);
	end();
}

TEST(a_port_that_cannot_be_guarded_is_not_served)
{
	begin(NULL);
	rig.guard_error = -EPERM;
	configure(SINGLE);
	CHECK_INT(counts().not_guarded, 1);
	CHECK(rig.down);
	CHECK_STR(state_of_port(), "not-guarded");
	start(one);
	CHECK_INT(rig.sent + rig.asks, 0);
	/* Somebody sets it up. */
	rig.down = false;
	link_is(true);
	wait(0);
	CHECK(rig.down);
	/* It is tried again, and goes up when it is guarded. */
	rig.guard_error = 0;
	wait(PORT_GUARD_RETRY);
	CHECK(rig.guarded && !rig.down);
	CHECK_INT(counts().not_guarded, 0);
	link_is(true);
	enter(one, plain);
	end();
}

TEST(a_port_that_the_gate_loses_is_closed_at_once)
{
	struct diagnosis why;

	begin(SINGLE);
	enter(one, plain);
	diagnosis_set(&why, DIAG_PORT_NOT_GUARDED);
	rig.guard_error = -EIO;
	ports_gate_failed(rig.ports, INDEX, &why);
	CHECK(rig.down);
	CHECK_STR(state_of_port(), "not-guarded");
	wait(0);
	CHECK_INT(counts().authorised, 0);
	CHECK_INT(rig.cause, TERMINATE_NAS_ERROR);
	CHECK(rig.down);
	start(one);
	CHECK_INT(counts().sessions, 0);
	rig.guard_error = 0;
	wait(PORT_GUARD_RETRY);
	CHECK(rig.guarded && !rig.down);
	link_is(true);
	enter(one, plain);
	CHECK_STR(state_of_port(), "authorised");
	end();
}

TEST(an_interface_that_was_set_down_goes_up_when_nobody_guards_it)
{
	begin(NULL);
	rig.guard_error = -EPERM;
	configure(SINGLE);
	CHECK(rig.down);
	rig.guarded = true; /* it may go up */
	configure(NULL);
	CHECK(!rig.down);
	rig.guarded = false;
	end();
}

TEST(a_machine_is_let_in)
{
	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 1);
	CHECK(rig.asked.first && !rig.asked.last);
	CHECK_STR(rig.asked.where.identity, "me");
	CHECK_STR(rig.asked.where.calling_station, "02-00-00-00-00-01");
	CHECK_STR(rig.asked.where.called_station, "02-00-00-00-00-AA");
	CHECK_STR(rig.asked.where.nas_identifier, "switch");
	CHECK_INT(rig.asked.where.framed_mtu, 1396);
	CHECK(rig.asked.where.session_id[0]);
	CHECK_INT(rig.asked.eap.p[0], EAP_RESPONSE);

	uint64_t number = rig.asked.number;

	reply(answer_of(AAA_CHALLENGE, EAP_REQUEST));
	CHECK_INT(rig.sent, 2);
	CHECK(memcmp(rig.destination, one, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_TLS);
	CHECK_INT(rig.open_count, 0);
	respond(one, EAP_TYPE_TLS, "x");
	CHECK(!rig.asked.first);
	CHECK(rig.asked.number == number);

	struct aaa_answer answer = answer_of(AAA_ACCEPT, EAP_SUCCESS);

	REQUIRE(secret_set(&answer.keys.msk, slice_str("0123456789012345678901234567890123456789"
						       "012345678901234567890123")) == OK);
	reply(answer);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	CHECK(is_open(one));
	CHECK_INT(rig.starts, 1);
	CHECK_STR(rig.accounted, rig.asked.where.session_id);
	CHECK_INT(counts().authorised, 1);
	CHECK_INT(rig.gave_up, 0);
	end();
	CHECK_INT(rig.cause, TERMINATE_ADMIN_REBOOT);
}

TEST(a_machine_that_starts_is_asked_itself)
{
	begin(SINGLE);
	start(one);
	CHECK_INT(rig.sent, 2);
	CHECK(memcmp(rig.destination, one, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	enter(one, plain);
	end();
}

TEST(a_machine_that_is_refused_stays_out)
{
	json_t *list;

	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "me");
	reject();
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	CHECK_INT(rig.open_count + rig.starts, 0);
	CHECK_INT(counts().refusals, 1);
	start(one);
	CHECK_INT(rig.packet[0], EAP_FAILURE); /* held */

	list = ports_view_sessions(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "state")), "held");
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "diagnosis")),
		  diagnosis_text(DIAG_CLIENT_CERT_EXPIRED)->name);
	json_decref(list);

	wait(60000);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	wait(600000); /* gone */
	CHECK_INT(counts().sessions, 0);
	list = ports_view(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK(json_object_get(json_array_get(list, 0), "diagnosis") != NULL);
	json_decref(list);
	end();
}

TEST(a_refusal_without_a_packet_is_one)
{
	unsigned sent;

	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "me");
	sent = rig.sent;
	reply(answer_of(AAA_REJECT, 0));
	CHECK_INT(rig.sent, sent);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(counts().refusals, 1);
	end();
}

/* ---- the end of a session ------------------------------------------------------------------ */

TEST(a_lost_carrier_shuts_the_port)
{
	begin(SINGLE);
	enter(one, plain);
	wait(5000);
	link_is(false);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.stops, 1);
	CHECK_INT(rig.cause, TERMINATE_LOST_CARRIER);
	CHECK_INT(rig.session_time, 5);
	CHECK(rig.guarded);
	link_is(true);
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	end();
}

TEST(a_carrier_that_was_away_for_a_moment_shuts_it_too)
{
	struct link_info link = {
		.index = INDEX,
		.name = "lan0",
		.mtu = 1500,
		.ethernet = true,
		.up = true,
		.carrier = true,
		.carrier_changes = 2,
	};

	begin(SINGLE);
	enter(one, plain);
	memcpy(link.mac, own, MAC_SIZE);
	ports_set_link(rig.ports, &link);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.stops, 1);
	end();
}

TEST(an_interface_that_goes_away_ends_all)
{
	begin(SINGLE);
	enter(one, plain);
	ports_remove_link(rig.ports, INDEX);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_PORT_REINITIALIZED);
	CHECK_INT(rig.releases, 1);
	CHECK_INT(counts().ports, 0);
	CHECK_INT(counts().accepts, 1);
	end();
}

TEST(logoff_shuts_the_port)
{
	begin(SINGLE);
	enter(one, plain);
	logoff(one);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_USER_REQUEST);
	start(two); /* nobody owns it now */
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	enter(two, plain);
	end();
}

TEST(a_session_has_an_end)
{
	begin(SINGLE);
	enter(one, (struct aaa_grant){ .session_timeout = 300 });
	wait(299000);
	CHECK_INT(rig.open_count, 1);
	wait(1000);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_SESSION_TIMEOUT);
	CHECK_INT(rig.session_time, 300);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	end();
}

TEST(a_session_that_is_renewed_stays_open)
{
	char id[AAA_TEXT_MAX + 1];

	begin(SINGLE);
	enter(one, (struct aaa_grant){ .session_timeout = 300, .reauthenticate = true });
	snprintf(id, sizeof id, "%s", rig.accounted);
	wait(300000);
	CHECK_INT(rig.open_count, 1);
	enter(one, (struct aaa_grant){ .session_timeout = 300, .reauthenticate = true });
	CHECK_STR(rig.asked.where.session_id, id);
	CHECK_INT(rig.starts, 1);
	CHECK_INT(rig.stops, 0);
	wait(300000);
	respond(one, EAP_TYPE_IDENTITY, "me");
	reject();
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_REAUTH_FAILURE);
	end();
}

TEST(a_machine_that_is_gone_at_reauthentication_is_shut_out)
{
	begin(SINGLE "[Port]\nReauthPeriod=10min\n");
	enter(one, plain);
	wait(600000);
	CHECK_INT(rig.open_count, 1);
	wait(600000);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_REAUTH_FAILURE);
	end();
}

TEST(a_session_is_accounted_for_meanwhile)
{
	begin(SINGLE "[Accounting]\nInterim=2min\n");
	enter(one, (struct aaa_grant){ .interim = 60 });
	CHECK(!rig.interims);
	rig.octets = 1000;
	wait(60000);
	CHECK_INT(rig.interims, 1);
	CHECK_INT(rig.session_time, 60);
	CHECK(rig.counted);
	logoff(one);
	wait(1000000);
	CHECK_INT(rig.interims, 1);
	start(one);
	enter(one, plain);
	wait(120000);
	CHECK_INT(rig.interims, 2);
	end();
}

TEST(who_is_told_to_go_goes_and_is_asked_again)
{
	begin(SINGLE);
	enter(one, plain);
	CHECK_INT(ports_disconnect(rig.ports, "02:00:00:00:00:02"), 0);
	CHECK_INT(ports_disconnect(rig.ports, "nonsense"), 0);
	CHECK_INT(ports_disconnect(rig.ports, "02-00-00-00-00-01"), 1);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	enter(one, plain);
	CHECK_INT(ports_reauthenticate(rig.ports, rig.accounted), 1);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	CHECK_INT(rig.open_count, 1);
	end();
}

/* As the registry calls it, also when it is anonymous to everybody else. */
TEST(a_machine_is_told_to_go_by_its_certificate)
{
	struct aaa_answer answer;

	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "anonymous");
	answer = answer_of(AAA_ACCEPT, EAP_SUCCESS);
	snprintf(answer.grant.user_name, sizeof answer.grant.user_name, "sha256:00");
	snprintf(answer.report.server_subject, sizeof answer.report.server_subject, "CN=printer-7");
	reply(answer);
	CHECK_INT(rig.open_count, 1);
	CHECK_INT(ports_disconnect(rig.ports, "CN=printer-8"), 0);
	CHECK_INT(ports_disconnect(rig.ports, ""), 0);
	CHECK_INT(ports_disconnect(rig.ports, "CN=printer-7"), 1);
	CHECK_INT(rig.open_count, 0);
	end();
}

/* ---- the server ---------------------------------------------------------------------------- */

TEST(a_server_that_takes_no_more_opens_nothing)
{
	begin(SINGLE);
	rig.ask_error = -EAGAIN;
	respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 1);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY); /* again */
	rig.ask_error = 0;
	enter(one, plain);
	end();
}

TEST(no_server_at_all_opens_nothing)
{
	begin(SINGLE "[Eap]\nServer=radius\n");
	respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 0);
	CHECK_INT(rig.open_count, 0);
	ports_set_server(rig.ports, PORT_SERVER_RADIUS, &rig.server);
	enter(one, plain);
	end();
}

TEST(a_conversation_that_ends_here_is_given_up_there)
{
	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "me");
	start(one);
	CHECK_INT(rig.gave_up, 1);

	/* Its answer comes too late. */
	accept_with(plain);
	CHECK_INT(rig.open_count, 0);
	respond(one, EAP_TYPE_IDENTITY, "me");
	link_is(false);
	CHECK_INT(rig.gave_up, 2);
	accept_with(plain);
	CHECK_INT(rig.open_count, 0);
	end();
}

TEST(a_server_that_says_nothing_opens_nothing)
{
	begin(SINGLE);
	respond(one, EAP_TYPE_IDENTITY, "me");
	wait(31000);
	CHECK_INT(rig.gave_up, 1);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	respond(one, EAP_TYPE_IDENTITY, "me");
	reply(answer_of(AAA_TIMEOUT, 0));
	CHECK_INT(rig.gave_up, 1);
	CHECK_INT(counts().timeouts, 2);
	respond(one, EAP_TYPE_IDENTITY, "me");
	reply(answer_of(AAA_DISCARD, 0));
	CHECK_INT(rig.open_count, 0);
	end();
}

/* ---- several machines ---------------------------------------------------------------------- */

TEST(nobody_comes_in_behind_another)
{
	begin(SINGLE);
	enter(one, plain);

	unsigned sent = rig.sent;

	start(two);
	respond(two, EAP_TYPE_IDENTITY, "you");
	logoff(two);
	CHECK_INT(rig.sent, sent);
	CHECK_INT(counts().strangers, 3);
	CHECK_INT(rig.asks, 1);
	CHECK_INT(rig.open_count, 1);
	CHECK(is_open(one));
	end();
}

TEST(machines_are_told_apart)
{
	begin(MULTI);
	enter(one, plain);
	start(two);
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	CHECK(!is_open(two));
	enter(two, plain);
	CHECK_INT(counts().sessions, 2);
	CHECK(!rig.counted);
	logoff(one);
	CHECK(is_open(two) && !is_open(one));
	CHECK_INT(counts().sessions, 1);
	logoff(two);
	CHECK_INT(counts().sessions, 0);
	CHECK_INT(rig.open_count, 0);
	wait(30000); /* and the group is asked again */
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	end();
}

TEST(an_answer_to_all_of_a_second_machine_has_it_asked_itself)
{
	begin(MULTI);
	respond(one, EAP_TYPE_IDENTITY, "me");
	respond(two, EAP_TYPE_IDENTITY, "you");
	CHECK_INT(rig.asks, 1);
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	enter(two, plain);
	CHECK(!is_open(one));
	end();
}

TEST(machines_have_a_ceiling_and_those_that_only_start_make_room)
{
	uint8_t mac[MAC_SIZE] = { 2, 0, 0, 0, 1, 0 };

	begin(MULTI "MaximumMachines=3\nStartsPerSecond=100\n");
	enter(one, plain);
	for (uint8_t i = 0; i < 50; i++) {
		mac[5] = i;
		start(mac);
	}
	CHECK_INT(counts().sessions, 3);
	CHECK(is_open(one));
	start(two);
	enter(two, plain);
	start(mac);
	respond(mac, EAP_TYPE_IDENTITY, "x");
	mac[5]++;
	start(mac);
	CHECK_INT(counts().shed_machines, 1);
	CHECK_INT(counts().sessions, 3);
	end();
}

TEST(floods_are_shed_and_counted)
{
	begin(SINGLE "[Port]\nStartsPerSecond=5\nFramesPerSecond=50\n");
	enter(one, plain);
	for (unsigned i = 0; i < 100; i++)
		start(one);
	CHECK(counts().shed_starts > 0);
	CHECK(counts().shed_frames > 0);
	CHECK_INT(counts().shed_starts + counts().shed_frames, 96);
	CHECK(is_open(one));
	wait(1000);

	unsigned sent = rig.sent;

	start(one);
	CHECK_INT(rig.sent, sent + 1);
	end();
}

TEST(what_is_malformed_is_counted)
{
	struct packet_frame frame = { .index = INDEX, .pdu = slice_str("x") };

	begin(SINGLE);
	memcpy(frame.source, one, MAC_SIZE);
	ports_receive(rig.ports, &frame);
	CHECK_INT(counts().malformed_rx, 1);
	frame.index++;
	ports_receive(rig.ports, &frame);
	CHECK_INT(counts().malformed_rx, 1);
	CHECK_INT(counts().sessions, 0);
	end();
}

/* ---- VLAN ---------------------------------------------------------------------------------- */

TEST(a_machine_is_put_into_its_vlan)
{
	begin(SINGLE "[Vlan]\nAuthorised=10\n");
	enter(one, (struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.vlan, 20);
	logoff(one);
	CHECK_INT(rig.vlan, 0);
	start(one);
	enter(one, plain);
	CHECK_INT(rig.vlan, 10);
	end();
	CHECK_INT(rig.vlan, 0);
}

TEST(a_machine_whose_vlan_is_not_there_stays_out)
{
	begin(SINGLE);
	rig.vlan_error = -ENODEV;
	respond(one, EAP_TYPE_IDENTITY, "me");
	accept_with((struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.open_count + rig.starts, 0);
	CHECK_INT(counts().authorised, 0);
	end();
}

TEST(machines_of_two_vlans_do_not_share_a_port)
{
	begin(MULTI);
	enter(one, (struct aaa_grant){ .vlan = 20 });
	start(two);
	respond(two, EAP_TYPE_IDENTITY, "you");
	accept_with((struct aaa_grant){ .vlan = 30 });
	CHECK(!is_open(two) && is_open(one));
	CHECK_INT(rig.vlan, 20);
	end();
}

TEST(a_session_that_is_renewed_into_a_vlan_that_is_not_there_ends)
{
	begin(SINGLE);
	enter(one, plain);
	start(one);
	rig.vlan_error = -ENODEV;
	respond(one, EAP_TYPE_IDENTITY, "me");
	accept_with((struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_NAS_ERROR);
	end();
}

TEST(a_gate_that_does_not_open_is_told)
{
	json_t *list;

	begin(SINGLE);
	rig.open_error = -ENOSPC;
	respond(one, EAP_TYPE_IDENTITY, "me");
	accept_with(plain);
	CHECK_INT(rig.starts, 0);
	list = ports_view_sessions(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "state")), "blocked");
	json_decref(list);
	end();
}

TEST(a_gate_that_did_not_open_is_tried_again)
{
	begin(SINGLE);
	rig.open_error = -ENOMEM;
	respond(one, EAP_TYPE_IDENTITY, "me");
	accept_with(plain);
	wait(60000);
	CHECK_INT(rig.open_count + rig.starts, 0);
	rig.open_error = 0;
	wait(60000);
	CHECK(is_open(one));
	CHECK_INT(rig.starts, 1);
	CHECK_INT(rig.asks, 1); /* nobody had to be asked again */
	end();
}

TEST(a_gate_is_not_tried_for_who_has_gone)
{
	begin(SINGLE);
	rig.open_error = -ENOMEM;
	respond(one, EAP_TYPE_IDENTITY, "me");
	accept_with(plain);
	logoff(one);
	rig.open_error = 0;
	wait(60000);
	CHECK_INT(rig.open_count + rig.starts, 0);
	end();
}

#define STRANGERS SINGLE "[Vlan]\nAuthorised=10\nUnauthenticated=99\n"

TEST(strangers_have_a_vlan_of_their_own)
{
	begin(STRANGERS);
	CHECK(!rig.everybody); /* not before they were asked */
	CHECK_INT(rig.vlan, 0);
	wait(600000);
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	start(one);
	CHECK(rig.everybody);
	enter(one, plain);
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 10);
	logoff(one);
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	CHECK_INT(rig.open_count, 0);
	link_is(false);
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 0);
	end();
}

TEST(who_is_refused_is_a_stranger)
{
	begin(STRANGERS);
	respond(one, EAP_TYPE_IDENTITY, "me");
	reject();
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	end();
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 0);
}

TEST(strangers_whose_vlan_is_not_there_stay_out)
{
	begin(STRANGERS);
	rig.vlan_error = -ENODEV;
	respond(one, EAP_TYPE_IDENTITY, "me");
	reject();
	CHECK(!rig.everybody);
	end();
}

/* ---- Disconnect and CoA ---------------------------------------------------------------------- */

static struct session_keeper keeper(void)
{
	struct session_keeper k;

	ports_keeper(rig.ports, &k);
	return k;
}

TEST(a_server_ends_the_session_that_it_names)
{
	struct session_keeper k;
	struct aaa_grant grant = { 0 };

	begin(MULTI);
	k = keeper();
	REQUIRE(bytes_set(&grant.class[0], slice_str("c1")) == OK);
	enter(one, grant);
	start(two);
	enter(two, (struct aaa_grant){ .user_name = "you" });

	const struct session_criteria wrong[] = {
		{ .session_id = "nonsense" },
		{ .user_name = "she" },
		{ .user_name = "me", .nas_port_id = "lan1" },
		{ .has_mac = true, .mac = { 2, 0, 0, 0, 0, 9 } },
		{ .has_nas_port = true, .nas_port = INDEX + 1 },
		{ .class = slice_str("c2") },
		{ .class = slice_str("c1"), .user_name = "you" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_INT(k.disconnect(k.self, &wrong[i]), 0);
	CHECK_INT(rig.open_count, 2);
	CHECK_INT(k.reauthenticate(k.self, &(struct session_criteria){ .nas_port_id = "lan0" }), 2);
	CHECK_INT(rig.open_count, 2);
	CHECK_INT(k.disconnect(k.self, &(struct session_criteria){ .class = slice_str("c1") }), 1);
	CHECK(!is_open(one) && is_open(two));
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(k.disconnect(k.self, &(struct session_criteria){ .user_name = "you" }), 1);
	CHECK_INT(rig.open_count, 0);
	end();
}

TEST(a_server_changes_a_session)
{
	const struct session_criteria all = { .has_nas_port = true, .nas_port = INDEX };
	struct session_change change = { .has_session_timeout = true,
					 .session_timeout = 60,
					 .has_vlan = true,
					 .vlan = 30,
					 .has_interim = true,
					 .interim = 20 };
	struct session_keeper k;

	begin(MULTI);
	k = keeper();
	CHECK_INT(k.change(k.self, &all, &change), 0);
	enter(one, plain);
	rig.vlan_error = -ENODEV;
	CHECK_INT(k.change(k.self, &all, &change), -EOPNOTSUPP);
	rig.vlan_error = 0;
	CHECK_INT(k.change(k.self, &all, &change), 1);
	CHECK_INT(rig.vlan, 30);
	wait(20000);
	CHECK_INT(rig.interims, 1);
	start(two);
	enter(two, (struct aaa_grant){ .vlan = 30 });
	CHECK_INT(k.change(k.self, &all, &change), -EMLINK);
	wait(40000);
	CHECK(!is_open(one) && is_open(two));
	CHECK_INT(rig.cause, TERMINATE_SESSION_TIMEOUT);
	end();
}

TEST(a_session_is_not_large)
{
	test_note("struct port_session: %zu octets", sizeof(struct port_session));
	CHECK(sizeof(struct port_session) <= 6144);
}

/* ---- settings ------------------------------------------------------------------------------ */

TEST(a_reload_that_changes_nothing_ends_no_session)
{
	begin(SINGLE);
	enter(one, plain);
	configure(SINGLE);
	CHECK(is_open(one));
	CHECK_INT(rig.stops, 0);
	start(one);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	end();
}

TEST(a_reload_that_changes_a_port_begins_anew)
{
	begin(SINGLE);
	enter(one, plain);
	rig.sent = 0;
	rig.joined = false;
	configure(MULTI);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(rig.guards, 2);
	CHECK(rig.guarded);
	CHECK_INT(rig.releases, 0); /* it was closed all the while */
	configure(NULL);
	CHECK_INT(rig.releases, 1);
	CHECK(!rig.guarded);
	CHECK_INT(counts().ports, 0);
	end();
}

TEST(a_reload_does_not_set_up_what_cannot_be_guarded)
{
	begin(NULL);
	rig.guard_error = -EPERM;
	configure(SINGLE);
	CHECK(rig.down);
	configure(MULTI); /* set_up checks that it is guarded when it goes up */
	CHECK(rig.down);
	rig.guard_error = 0;
	configure(SINGLE);
	CHECK(!rig.down);
	end();
}

TEST(a_port_is_open_by_force)
{
	begin(SINGLE "[Port]\nControl=force-authorized\n");
	CHECK_INT(rig.guards, 0);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	rig.packet[0] = 0;
	start(one);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	CHECK_INT(rig.asks, 0);
	end();
}

TEST(a_port_is_shut_by_force)
{
	begin(SINGLE "[Port]\nControl=force-unauthorized\n");
	CHECK(rig.guarded);
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	rig.packet[0] = 0;
	start(one);
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	CHECK_INT(rig.open_count, 0);
	end();
}

TEST(settings_that_contradict_each_other_are_refused)
{
	static const char *const wrong[] = {
		"",
		"[Port]\nMode=multi\n",
		MULTI "[Vlan]\nAuthorised=10\n",
		MULTI "[Vlan]\nUnauthenticated=10\n",
		SINGLE "[Port]\nControl=force-unauthorized\n[Vlan]\nUnauthenticated=4\n",
		SINGLE "[Vlan]\nCreateBridges=yes\n",
		SINGLE "[Vlan]\nBridgeTemplate=br\n",
		SINGLE "[Vlan]\nAuthorised=4095\n",
		SINGLE "[Port]\nControl=force-authorized\n[Vlan]\nAuthorised=4\n",
		"[Match]\nBridge=a-name-that-is-too-long\n",
	};
	void *object;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct ini_errors *errors = calloc(1, sizeof *errors);

		REQUIRE(errors != NULL);
		CHECK_INT(config_object_parse(&port_kind, slice_str(wrong[i]), "/x/a.port", &object,
					      errors),
			  -EINVAL);
		ini_errors_done(errors);
		free(errors);
	}
}
