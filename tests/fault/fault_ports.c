/* A guarded port without memory: nobody is let in who was not accepted, and whoever is let in is
 * put out again. */
#include <string.h>

#include "authd/ports.h"
#include "authd/ports_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"
#include "tests/fault/fault.h"

struct rig {
	struct loop loop;
	struct ports *ports;
	struct aaa_server server;
	struct accountant accountant;
	struct aaa_request asked;
	struct config config;
	struct port_config port;
	void *item[1];
	bool accepted, open, guarded, wrong;
	int sessions;
	uint8_t id;
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
}

static int opens(void *context, unsigned index, const uint8_t mac[MAC_SIZE])
{
	(void)context;
	(void)index;
	(void)mac;
	rig.wrong = rig.wrong || !rig.accepted || !rig.guarded;
	rig.open = true;
	return 0;
}

static void closes(void *context, unsigned index, const uint8_t *mac)
{
	(void)context;
	(void)index;
	(void)mac;
	rig.open = false;
}

static int join(void *context, unsigned index)
{
	(void)context;
	(void)index;
	return 0;
}

static int sends(void *context, unsigned index, const uint8_t destination[MAC_SIZE],
		 const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu)
{
	(void)context;
	(void)index;
	(void)destination;
	(void)source;
	(void)tag;
	rig.id = pdu.len > 5 ? pdu.p[5] : 0;
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
	return (struct moment){ 1000, 1000 };
}

static int ask(struct aaa_server *server, struct aaa_request *taken)
{
	(void)server;
	if (taken->last)
		return 0;
	aaa_request_done(&rig.asked);
	rig.asked = *taken;
	*taken = (struct aaa_request){ 0 };
	return 0;
}

static void note(struct accountant *accountant, const struct accounting_event *event)
{
	(void)accountant;
	rig.sessions += event->kind == ACCOUNTING_START;
	rig.sessions -= event->kind == ACCOUNTING_STOP;
}

static int set_up(void *context, unsigned index, bool up)
{
	(void)context;
	(void)index;
	(void)up;
	return 0;
}

static const struct ports_doors doors = { .guard = guard,
					  .release = release,
					  .open = opens,
					  .close = closes,
					  .set_up = set_up,
					  .join = join,
					  .leave = release,
					  .send = sends,
					  .traffic = traffic,
					  .bridge = bridge_of,
					  .now = now };

static void hear(enum eapol_type type, struct slice body)
{
	uint8_t pdu[64];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct packet_frame frame = { .index = 1, .source = { 2, 0, 0, 0, 0, 1 } };

	eapol_frame_build(&w, 1, type, body);
	frame.pdu = wr_done(&w);
	ports_receive(rig.ports, &frame);
}

static void identify(void)
{
	uint8_t packet[16];
	struct wr w = wr_of(packet, sizeof packet);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, rig.id, eap_type(EAP_TYPE_IDENTITY), false);

	wr_bytes(&w, slice_str("me"));
	eap_packet_close(&w, mark);
	hear(EAPOL_EAP, wr_done(&w));
}

static void accept_it(void)
{
	static const uint8_t success[] = { 3, 1, 0, 4 };
	struct aaa_answer answer = { .asker = rig.asked.asker,
				     .number = rig.asked.number,
				     .verdict = AAA_ACCEPT };

	fault_suspend(); /* the server's */
	bool made = bytes_set(&answer.eap, slice_of(success, sizeof success)) == OK;

	fault_resume();
	rig.accepted = made && answer.asker;
	if (rig.accepted)
		answer.asker->answered(answer.asker, &answer);
	else
		aaa_answer_done(&answer);
}

static void live(void)
{
	const struct link_info link = { .index = 1,
					.name = "p",
					.mac = { 2 },
					.mtu = 1500,
					.ethernet = true,
					.up = true,
					.carrier = true };
	struct link_info down = link;

	ports_configure(rig.ports, &rig.config);
	ports_set_link(rig.ports, &link);
	hear(EAPOL_START, (struct slice){ 0 });
	identify();
	accept_it();
	json_decref(ports_view(rig.ports));
	json_decref(ports_view_sessions(rig.ports));
	down.carrier = false;
	ports_set_link(rig.ports, &down);
	rig.wrong = rig.wrong || rig.open;
}

static bool a_life(void)
{
	struct ports_world world = { .loop = &rig.loop,
				     .doors = &doors,
				     .servers = { &rig.server, NULL },
				     .accountant = &rig.accountant,
				     .nas_identifier = "n" };
	bool all;

	memset(&rig, 0, sizeof rig);
	rig.server.ask = ask;
	rig.accountant.note = note;
	rig.item[0] = &rig.port;
	rig.config.references = 2; /* one stays ours */
	rig.config.objects[CONFIG_PORTS] = (struct config_objects){ rig.item, 1 };
	rig.port.bridge = NULL;
	rig.port.interfaces = (struct words){ { (char *)(uintptr_t) "p" }, 1 };
	rig.port.machines = 4;
	rig.port.quiet_period = rig.port.server_timeout = 1000;
	rig.port.requests = 2;
	rig.port.eapol_version = 2;
	rig.port.starts_per_second = rig.port.frames_per_second = 100;
	fault_suspend();
	if (loop_init(&rig.loop) < 0)
		return false;
	fault_resume();
	if (ports_new(&world, &rig.ports) == 0)
		live();
	ports_free(rig.ports);
	aaa_request_done(&rig.asked);
	all = rig.accepted && rig.guarded;
	loop_done(&rig.loop);
	return !rig.wrong && !rig.open && rig.sessions == 0 && (all || fault_happened());
}

int main(void)
{
	fault_init();
	log_open(LOG_EMERG);
	fault_each("a_port_lives", a_life);
	return fault_end();
}
