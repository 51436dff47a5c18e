/* A guarded port in mode multi or single, a hostile wire in front of it and a server behind it that
 * may say anything at any time.  The input is a list of events; after each one holds what no event
 * may break: only who was accepted is let in, and everything has a ceiling. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ports.h"
#include "authd/ports_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INDEX	 3
#define MACHINES 16 /* by the last octet of their addresses */
#define ASKED	 8

struct rig {
	struct loop loop;
	struct ports *ports;
	struct moment now;
	struct aaa_server server;
	struct accountant accountant;

	bool guarded, everybody, carrier;
	bool open[MACHINES], accepted[MACHINES];
	int begun; /* sessions that accounting knows */
	struct aaa_request asked[ASKED];
	size_t asks;
};

static struct rig rig;

static int guard(void *context, const struct gate_port *port, struct diagnosis *why)
{
	(void)context;
	(void)port;
	(void)why;
	rig.guarded = true;
	return 0;
}

static void release(void *context, unsigned index)
{
	(void)context;
	(void)index;
	rig.guarded = false;
}

static int open_gate(void *context, unsigned index, const uint8_t mac[MAC_SIZE])
{
	(void)context;
	assert(index == INDEX && rig.guarded && mac[5] < MACHINES);
	assert(rig.accepted[mac[5]] && rig.carrier);
	rig.open[mac[5]] = true;
	return 0;
}

static void close_gate(void *context, unsigned index, const uint8_t *mac)
{
	(void)context;
	assert(index == INDEX && rig.open[mac[5]]);
	rig.open[mac[5]] = false;
}

static int admit(void *context, unsigned index, bool everybody)
{
	(void)context;
	(void)index;
	rig.everybody = everybody;
	return 0;
}

static int vlan(void *context, unsigned index, uint16_t vlan, struct diagnosis *why)
{
	(void)context;
	(void)index;
	assert(vlan <= 4094 && !rig.everybody);
	if (vlan != 13)
		return 0;
	diagnosis_set(why, DIAG_INTERNAL);
	return -1;
}

static int join(void *context, unsigned index)
{
	(void)context;
	(void)index;
	return 0;
}

static void leave(void *context, unsigned index)
{
	(void)context;
	(void)index;
}

static int sends(void *context, unsigned index, const uint8_t destination[MAC_SIZE],
		 const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu)
{
	struct eapol_frame frame;

	(void)context;
	(void)destination;
	(void)source;
	(void)tag;
	assert(index == INDEX && rig.carrier);
	assert(eapol_frame_parse(pdu, &frame) == OK && frame.type == EAPOL_EAP);
	assert(frame.body.len >= 4);
	return 0;
}

static bool traffic(void *context, const char *name, uint64_t ret_counters[4])
{
	(void)context;
	(void)name;
	(void)ret_counters;
	return false;
}

static bool bridge_of(void *context, const char *name, char ret_bridge[IF_NAMESIZE])
{
	(void)context;
	(void)name;
	(void)ret_bridge;
	return false;
}

static struct moment now(void *context)
{
	(void)context;
	return rig.now;
}

static int ask(struct aaa_server *server, struct aaa_request *taken)
{
	(void)server;
	if (taken->last)
		return 0;
	if (taken->where.identity[0] == '!')
		return -1;
	aaa_request_done(&rig.asked[rig.asks % ASKED]);
	rig.asked[rig.asks++ % ASKED] = *taken;
	*taken = (struct aaa_request){ 0 };
	return 0;
}

static void note(struct accountant *accountant, const struct accounting_event *event)
{
	(void)accountant;
	rig.begun += event->kind == ACCOUNTING_START;
	rig.begun -= event->kind == ACCOUNTING_STOP;
	assert(event->where->session_id[0]);
}

static int set_up(void *context, unsigned index, bool up)
{
	(void)context;
	(void)index;
	(void)up;
	return 0;
}

static const struct ports_doors doors = { guard,   release,   open_gate, close_gate, admit,
					  vlan,	   set_up,    join,	 leave,	     sends,
					  traffic, bridge_of, now };

static void configure(const char *text)
{
	struct config *config = calloc(1, sizeof *config);
	struct ini_errors *errors = calloc(1, sizeof *errors);
	struct config_objects *ports = &config->objects[CONFIG_PORTS];

	config->references = 1;
	ports->item = calloc(2, sizeof *ports->item);
	assert(config_object_parse(&port_kind, slice_str(text), "/a.port", &ports->item[0],
				   errors) == 0);
	ports->count = 1;
	ports_configure(rig.ports, config);
	config_free(config);
	ini_errors_done(errors);
	free(errors);
}

static void set_link(bool carrier)
{
	const struct link_info link = { .index = INDEX,
					.name = "p",
					.mac = { 2, 1 },
					.mtu = 1500,
					.ethernet = true,
					.up = true,
					.carrier = carrier };

	rig.carrier = rig.carrier || carrier; /* frames are sent at once */
	ports_set_link(rig.ports, &link);
	rig.carrier = carrier;
}

static void receive(uint8_t machine, struct slice pdu)
{
	uint8_t *own = malloc(pdu.len ? pdu.len : 1); /* so that it is seen who looks too late */
	struct packet_frame frame = { .index = INDEX,
				      .source = { 2, 0, 0, 0, 0, machine % MACHINES } };

	assert(own);
	memcpy(own, pdu.p ? pdu.p : own, pdu.len);
	frame.pdu = slice_of(own, pdu.len);
	ports_receive(rig.ports, &frame);
	free(own);
}

static void receive_likely(uint8_t machine, struct rd *r)
{
	uint8_t packet[16], pdu[64], kind = rd_u8(r);
	struct wr w = wr_of(packet, sizeof packet), f = wr_of(pdu, sizeof pdu);

	if (kind < 0x20) {
		eapol_frame_build(&f, 1, kind & 1 ? EAPOL_LOGOFF : EAPOL_START,
				  (struct slice){ 0 });
	} else {
		size_t mark = eap_packet_open(&w, EAP_RESPONSE, kind & 7,
					      eap_type(kind & 8 ? 1 : 13), false);

		wr_u8(&w, rd_u8(r));
		eap_packet_close(&w, mark);
		eapol_frame_build(&f, 2, EAPOL_EAP, wr_done(&w));
	}
	receive(machine, wr_done(&f));
}

/* To any of the last questions, whether it has been answered or not. */
static void reply(struct rd *r)
{
	uint8_t which = rd_u8(r), what = rd_u8(r);
	const struct aaa_request *asked = &rig.asked[which % ASKED];
	struct aaa_answer answer = { .asker = asked->asker,
				     .number = asked->number,
				     .verdict = (enum aaa_verdict)(what % 5) };
	uint8_t packet[8];
	struct wr w = wr_of(packet, sizeof packet);
	unsigned machine = 0;

	if (!asked->asker)
		return;
	(void)sscanf(asked->where.calling_station, "02-00-00-00-00-%x", &machine);
	if (answer.verdict == AAA_CHALLENGE)
		eap_packet_close(
			&w, eap_packet_open(&w, EAP_REQUEST, what >> 3 & 7, eap_type(13), false));
	else if (what & 8)
		eap_packet_build_result(&w, what & 16 ? EAP_SUCCESS : EAP_FAILURE, 1);
	if (which & 0x80)
		assert(bytes_set(&answer.eap, rd_bytes(r, rd_u8(r) & 7)) == OK);
	else
		assert(bytes_set(&answer.eap, wr_done(&w)) == OK);
	if (answer.verdict == AAA_ACCEPT) {
		answer.grant = (struct aaa_grant){ .vlan = what >> 4, .session_timeout = which };
		rig.accepted[machine % MACHINES] = true;
	}
	answer.asker->answered(answer.asker, &answer);
}

/* The next timer, on time.  The first slots are taken first. */
static void tick(void)
{
	struct timer *first = NULL;

	for (size_t i = 0; i <= MACHINES; i++) {
		struct port_session *s = rig.ports->slot[i];

		if (s && s->timer.due != NEVER && (!first || s->timer.due < first->due))
			first = &s->timer;
	}
	if (!first)
		return;
	rig.now.mono = first->due > rig.now.mono ? first->due : rig.now.mono;
	first->expired(first);
}

static void check(void)
{
	struct ports_counts counts;
	int open = 0;

	ports_count(rig.ports, &counts);
	for (size_t i = 0; i < MACHINES; i++)
		open += rig.open[i];
	assert(counts.sessions <= 4 && counts.authorised == (unsigned)open && open == rig.begun);
	assert(rig.carrier || (open == 0 && !rig.everybody));
	assert(!rig.everybody || open == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = {
		"[Match]\nInterface=p\n[Port]\nMode=multi\nMaximumMachines=4\n",
		"[Match]\nInterface=p\n[Vlan]\nUnauthenticated=9\n[Accounting]\nInterim=60s\n",
		"[Match]\nInterface=p\n[Port]\nMode=any\nReauthPeriod=20s\n",
		"[Match]\nInterface=p\n[Port]\nControl=force-unauthorized\n",
	};
	struct rd r = rd_of(slice_of(data, size));
	const struct ports_world world = { .loop = &rig.loop,
					   .doors = &doors,
					   .servers = { &rig.server, NULL },
					   .accountant = &rig.accountant,
					   .nas_identifier = "n" };

	log_open(LOG_EMERG);
	rig = (struct rig){ .now = { 1000, 1000 }, .server.ask = ask, .accountant.note = note };
	assert(loop_init(&rig.loop) == 0 && ports_new(&world, &rig.ports) == 0);
	configure(settings[rd_u8(&r) & 3]);
	set_link(true);
	for (unsigned events = 0; r.left > 0 && events < 400; events++) {
		uint8_t what = rd_u8(&r);

		switch (what & 7) {
		case 0:
			receive(what >> 3, rd_bytes(&r, rd_u8(&r)));
			break;
		case 1:
		case 2:
		case 3:
			receive_likely(what >> 3, &r);
			break;
		case 4:
			reply(&r);
			break;
		case 5:
			tick();
			break;
		case 6:
			rig.now.mono += what << 4;
			if ((what & 0xf0) == 0xf0)
				configure(settings[rd_u8(&r) & 3]);
			break;
		default:
			if (what & 0x10)
				(void)ports_disconnect(rig.ports, "02:00:00:00:00:01");
			else if (what & 0x20)
				(void)ports_reauthenticate(rig.ports, "02:00:00:00:00:01");
			else
				set_link(what & 8);
			break;
		}
		check();
	}
	ports_free(rig.ports);
	for (size_t i = 0; i < ASKED; i++)
		aaa_request_done(&rig.asked[i]);
	assert(rig.begun == 0);
	loop_done(&rig.loop);
	return 0;
}
