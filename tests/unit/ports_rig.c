#include "tests/unit/ports_rig.h"

struct rig rig;

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

bool rig_is_open(const uint8_t mac[MAC_SIZE])
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
	if (!rig_is_open(mac))
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

void rig_configure(const char *text)
{
	struct config *config = config_with(text);

	ports_configure(rig.ports, config);
	config_free(config);
}

void rig_link_is(bool carrier)
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

void rig_begin(const char *text)
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
	rig_configure(text);
	rig_link_is(true);
}

void rig_end(void)
{
	ports_free(rig.ports);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.starts, rig.stops);
	aaa_request_done(&rig.asked);
	loop_done(&rig.loop);
}

/* Time passes; every timer on the way is met on time. */
void rig_wait(msec period)
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

void rig_hear(const uint8_t mac[MAC_SIZE], enum eapol_type type, struct slice body)
{
	uint8_t pdu[128];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct packet_frame frame = { .index = INDEX };

	eapol_frame_build(&w, 1, type, body);
	memcpy(frame.source, mac, MAC_SIZE);
	frame.pdu = wr_done(&w);
	ports_receive(rig.ports, &frame);
}

void rig_start(const uint8_t mac[MAC_SIZE])
{
	rig_hear(mac, EAPOL_START, (struct slice){ 0 });
}

void rig_logoff(const uint8_t mac[MAC_SIZE])
{
	rig_hear(mac, EAPOL_LOGOFF, (struct slice){ 0 });
}

/* Answers the last Request. */
void rig_respond(const uint8_t mac[MAC_SIZE], uint8_t type, const char *text)
{
	uint8_t packet[64];
	struct wr w = wr_of(packet, sizeof packet);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, rig.packet[1], eap_type(type), false);

	wr_bytes(&w, slice_str(text));
	eap_packet_close(&w, mark);
	rig_hear(mac, EAPOL_EAP, wr_done(&w));
}

struct aaa_answer rig_answer_of(enum aaa_verdict verdict, uint8_t code)
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

void rig_reply(struct aaa_answer answer)
{
	REQUIRE(answer.asker != NULL);
	answer.asker->answered(answer.asker, &answer);
}

void rig_accept_with(struct aaa_grant grant)
{
	struct aaa_answer answer = rig_answer_of(AAA_ACCEPT, EAP_SUCCESS);

	answer.grant = grant;
	rig_reply(answer);
}

void rig_reject(void)
{
	struct aaa_answer answer = rig_answer_of(AAA_REJECT, EAP_FAILURE);

	diagnosis_set(&answer.why, DIAG_CLIENT_CERT_EXPIRED);
	rig_reply(answer);
}

void rig_enter(const uint8_t mac[MAC_SIZE], struct aaa_grant grant)
{
	rig_respond(mac, EAP_TYPE_IDENTITY, "me");
	rig_accept_with(grant);
	CHECK(rig_is_open(mac));
}

struct ports_counts rig_counts(void)
{
	struct ports_counts c;

	ports_count(rig.ports, &c);
	return c;
}
