#include "authd/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/bridge.h"

struct guard {
	struct loop *loop;
	struct gate *gate;
	struct packet_socket *socket;
	struct link_monitor *monitor;
	struct bridge_control *links;
	struct ports *ports;
	char nas_identifier[AAA_TEXT_MAX + 1];
	enum gate_exit at_exit;
	bool ending;
};

static int fail(int error, const char *what, struct diagnosis *why)
{
	diagnosis_say(why, DIAG_INTERNAL, "%s: %s", what, strerror(-error));
	return error;
}

/* ---- the doors ----------------------------------------------------------------------------- */

static int guard_interface(void *context, const struct gate_port *port, struct diagnosis *why)
{
	struct guard *g = context;

	return gate_guard(g->gate, port, why);
}

static void release(void *context, unsigned index)
{
	struct guard *g = context;

	gate_release(g->gate, index);
}

static int open_gate(void *context, unsigned index, const uint8_t mac[MAC_SIZE])
{
	struct guard *g = context;

	return gate_open(g->gate, index, mac);
}

/* The sessions end with the service, but what it leaves behind may stay. */
static bool is_kept(const struct guard *g)
{
	return g->ending && g->at_exit == GATE_KEEP;
}

static void close_gate(void *context, unsigned index, const uint8_t *mac)
{
	struct guard *g = context;

	if (!is_kept(g))
		gate_close(g->gate, index, mac);
}

static int admit(void *context, unsigned index, bool everybody)
{
	struct guard *g = context;

	return is_kept(g) ? 0 : gate_admit(g->gate, index, everybody);
}

static int vlan(void *context, unsigned index, uint16_t vlan, struct diagnosis *why)
{
	struct guard *g = context;
	int error;

	if (is_kept(g))
		return 0;
	error = gate_flush(g->gate);
	return error < 0 ? fail(error, "the gate", why) : gate_vlan(g->gate, index, vlan, why);
}

static int set_up(void *context, unsigned index, bool up)
{
	struct guard *g = context;

	/* One that could not be guarded, and was set down for it. */
	if (up && g->ending && g->at_exit != GATE_REMOVE)
		return 0;
	return bridge_set_up(g->links, index, up);
}

static int join(void *context, unsigned index)
{
	struct guard *g = context;

	return packet_join(g->socket, index, pae_group_address);
}

static void leave(void *context, unsigned index)
{
	struct guard *g = context;

	packet_leave(g->socket, index, pae_group_address);
}

static int send_frame(void *context, unsigned index, const uint8_t destination[MAC_SIZE],
		      const uint8_t source[MAC_SIZE], struct packet_tag tag, struct slice pdu)
{
	struct guard *g = context;

	return packet_send(g->socket, index, destination, source, tag, pdu);
}

static bool read_number(const char *interface, const char *counter, uint64_t *ret_number)
{
	char path[128], text[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "/sys/class/net/%s/statistics/%s", interface, counter);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	*ret_number = strtoull(text, NULL, 10);
	return true;
}

static bool traffic(void *context, const char *name, uint64_t ret_counters[4])
{
	static const char *const counters[4] = { "rx_bytes", "tx_bytes", "rx_packets",
						 "tx_packets" };

	(void)context;
	for (size_t i = 0; i < 4; i++) {
		if (!read_number(name, counters[i], &ret_counters[i]))
			return false;
	}
	return true;
}

static bool bridge_of(void *context, const char *name, char ret_bridge[IF_NAMESIZE])
{
	char path[64], target[256];
	ssize_t len;

	(void)context;
	snprintf(path, sizeof path, "/sys/class/net/%s/master", name);
	len = readlink(path, target, sizeof target - 1);
	if (len < 0)
		return false;
	target[len] = '\0';

	const char *slash = strrchr(target, '/');

	return snprintf(ret_bridge, IF_NAMESIZE, "%s", slash ? slash + 1 : target) < IF_NAMESIZE;
}

static struct moment now(void *context)
{
	(void)context;
	return loop_now();
}

static const struct ports_doors doors = {
	.guard = guard_interface,
	.release = release,
	.open = open_gate,
	.close = close_gate,
	.admit = admit,
	.vlan = vlan,
	.set_up = set_up,
	.join = join,
	.leave = leave,
	.send = send_frame,
	.traffic = traffic,
	.bridge = bridge_of,
	.now = now,
};

/* ---- events -------------------------------------------------------------------------------- */

static void on_frame(void *context, const struct packet_frame *frame)
{
	struct guard *g = context;

	ports_receive(g->ports, frame);
}

static void on_link(void *context, const struct link_info *link)
{
	struct guard *g = context;

	ports_set_link(g->ports, link);
}

static void on_removed(void *context, unsigned index)
{
	struct guard *g = context;

	ports_remove_link(g->ports, index);
}

static void on_gate_failed(void *context, unsigned index, const struct diagnosis *why)
{
	struct guard *g = context;

	ports_gate_failed(g->ports, index, why);
}

/* ---- its life ------------------------------------------------------------------------------ */

static int open_ports(struct guard *g, const struct guard_settings *settings, struct config *config)
{
	const struct ports_world world = {
		.loop = g->loop,
		.doors = &doors,
		.doors_context = g,
		.servers = { settings->servers[0], settings->servers[1] },
		.accountant = settings->accountant,
		.nas_identifier = g->nas_identifier,
	};
	int error = ports_new(&world, &g->ports);

	if (error == 0)
		guard_configure(g, config);
	return error;
}

/* The interfaces are found before the gate starts, which then closes all of them at once; frames
 * are heard when the loop comes round. */
static int start(struct guard *g, const struct guard_settings *settings, struct config *config,
		 struct diagnosis *why)
{
	const struct gate_events gate_events = { on_gate_failed, g };
	const struct link_events link_events = { on_link, on_removed, g };
	int error = gate_new(g->loop, &gate_events, &g->gate);

	if (error < 0)
		return fail(error, "the gate", why);
	error = packet_open(g->loop, on_frame, g, &g->socket);
	if (error < 0)
		return fail(error, "the packet socket", why);
	error = bridge_control_new(&g->links);
	if (error < 0)
		return fail(error, "the interfaces", why);
	error = open_ports(g, settings, config);
	if (error < 0)
		return fail(error, "the ports", why);
	error = link_monitor_new(g->loop, &link_events, &g->monitor);
	if (error < 0)
		return fail(error, "the interfaces", why);
	return gate_start(g->gate, why);
}

int guard_new(struct loop *loop, const struct guard_settings *settings, struct config *config,
	      struct guard **ret_guard, struct diagnosis *why)
{
	struct guard *g = calloc(1, sizeof *g);
	int error;

	if (!g)
		return -ENOMEM;
	g->loop = loop;
	snprintf(g->nas_identifier, sizeof g->nas_identifier, "%s", settings->nas_identifier);
	error = start(g, settings, config, why);
	if (error < 0) {
		guard_free(g);
		return error;
	}
	*ret_guard = g;
	return 0;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	g->ending = true;
	link_monitor_free(g->monitor);
	ports_free(g->ports);
	bridge_control_free(g->links);
	packet_close(g->socket);
	gate_free(g->gate, g->at_exit);
	free(g);
}

void guard_configure(struct guard *g, struct config *config)
{
	g->at_exit = config->settings.ports_at_exit;
	ports_configure(g->ports, config);
}

struct ports *guard_ports(struct guard *g)
{
	return g->ports;
}
