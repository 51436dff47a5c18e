#include "daemon/held.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "service/notify.h"
#include "drivers/log.h"

struct port *service_port(struct service *s, unsigned index)
{
	list_each (node, &s->ports[index % PORT_BUCKETS]) {
		struct port *port = list_item(node, struct port, node);

		if (port->link.index == index)
			return port;
	}
	return NULL;
}

void service_each_port(struct service *s, void (*act)(struct service *s, struct port *port))
{
	for (size_t i = 0; i < PORT_BUCKETS; i++) {
		list_each (node, &s->ports[i])
			act(s, list_item(node, struct port, node));
	}
}

static void on_port_changed(void *context, struct port *port)
{
	struct service *s = context;
	struct port_view view;

	if (!s->bus)
		return;
	port_view_of(port, &view);
	bus_set_port(s->bus, &view);
}

void service_show_port(struct service *s, struct port *port)
{
	on_port_changed(s, port);
}

/* A conversation takes some 40 KiB.  When many went on at once, the heap keeps what they had; it is
 * given back when the last has been over for a while. */
#define QUIET_AFTER ((msec)1000)

static void on_quiet(struct timer *timer)
{
	(void)timer;
	malloc_trim(0);
}

static void on_attempt_ended(void *context, struct port *port, bool success)
{
	struct service *s = context;

	timer_set(s->loop, &s->quiet, msec_after(loop_now().mono, QUIET_AFTER));
	if (!s->bus)
		return;
	on_port_changed(s, port);
	bus_attempt_ended(s->bus, port->link.index, success, &port->diagnosis);
}

static void remove_port(struct service *s, struct port *port)
{
	unsigned index = port->link.index;

	port_free(port);
	if (s->bus)
		bus_remove_port(s->bus, index);
}

/* Gives the port the profile that fits its interface now; without one it is no port any more. */
void service_match_port(struct service *s, struct port *port)
{
	const struct profile_entry *entry = profile_set_match(s->profiles, &port->link);

	if (entry) {
		port_use(port, entry->name, entry->armed, &entry->problem, s->rearming);
		return;
	}
	log_event(LOG_NOTICE, "port.no-profile", "port=%s", port->link.name);
	port_gone(port, DIAG_NO_PROFILE);
	remove_port(s, port);
}

static void on_link_changed(void *context, const struct link_info *link)
{
	struct service *s = context;
	struct port *port = service_port(s, link->index);

	if (port) {
		port_set_link(port, link);
		service_match_port(s, port);
		return;
	}
	if (!link->ethernet || !profile_set_match(s->profiles, link))
		return;
	if (port_new(&s->world, link, &port) < 0) {
		log_event(LOG_ERR, "port.new", "port=%s error=\"out of memory\"", link->name);
		return;
	}
	list_append(&s->ports[link->index % PORT_BUCKETS], &port->node);
	service_match_port(s, port);
}

static void on_link_removed(void *context, unsigned index)
{
	struct service *s = context;
	struct port *port = service_port(s, index);

	if (!port)
		return;
	port_gone(port, DIAG_INTERFACE_GONE);
	remove_port(s, port);
}

static void on_frame(void *context, const struct packet_frame *frame)
{
	struct port *port = service_port(context, frame->index);

	if (port)
		port_receive(port, frame);
}

static void on_watchdog(struct timer *timer)
{
	struct service *s = list_item(timer, struct service, watchdog);

	notify("WATCHDOG=1");
	timer_set(s->loop, timer, msec_after(loop_now().mono, notify_watchdog()));
}

static int start(struct service *s)
{
	const struct link_events links = { on_link_changed, on_link_removed, s };
	struct diagnosis why = { 0 };
	int error = key_shelf_new(&s->shelf);

	if (error == 0)
		error = service_read(s, &why);
	if (error == 0)
		error = service_open_expiry(s);
	/* Before there are ports, which ask what they are to do. */
	if (error == 0) {
		service_read_credentials(s);
		service_read_lives(s);
		if (trials_end(s, false))
			service_rearm(s);
		error = packet_open(s->loop, on_frame, s, &s->socket);
	}
	if (error == 0) {
		s->world.socket = s->socket;
		error = link_monitor_new(s->loop, &links, &s->links);
	}
	if (error == 0)
		error = service_open_bus(s);
	if (error < 0)
		return error;
	service_show_manager(s);
	service_show_profiles(s);
	service_read_credentials(s);
	service_each_port(s, service_show_port);
	if (notify_watchdog() != NEVER)
		on_watchdog(&s->watchdog);
	return 0;
}

int service_new(struct loop *loop, const struct service_options *options,
		struct service **ret_service)
{
	struct service *s = calloc(1, sizeof *s);
	int error;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->options = *options;
	s->started = loop_now().wall;
	s->asleep = loop_asleep();
	s->watchdog.expired = on_watchdog;
	s->quiet.expired = on_quiet;
	s->world = (struct port_world){
		.loop = loop, .changed = on_port_changed, .ended = on_attempt_ended, .context = s
	};
	service_open_lives(s);
	for (size_t i = 0; i < PORT_BUCKETS; i++)
		list_init(&s->ports[i]);
	error = start(s);
	if (error < 0) {
		log_event(LOG_ERR, "service.start",
			  "result=\"not started\" error=\"%s\" "
			  "next=\"the lines above say why, and so does: latchkeyctl check\"",
			  strerror(-error));
		service_free(s);
		return error;
	}
	*ret_service = s;
	return 0;
}

static void stop_port(struct service *s, struct port *port)
{
	if (s->config->logoff_on_exit || (port->armed && port->armed->profile->logoff_on_exit))
		port_logoff(port);
}

int service_result(const struct service *service)
{
	return service->failed;
}

void service_stop(struct service *service)
{
	notify("STOPPING=1");
	log_event(LOG_NOTICE, "service.stop", "reason=signal");
	service_each_port(service, stop_port);
	loop_stop(service->loop);
}

static void drop_port(struct service *s, struct port *port)
{
	(void)s;
	port_free(port);
}

void service_free(struct service *service)
{
	if (!service)
		return;
	timer_clear(&service->watchdog);
	timer_clear(&service->quiet);
	bus_free(TAKE(service->bus));
	service_each_port(service, drop_port);
	service_drop_lives(service);
	link_monitor_free(service->links);
	packet_close(service->socket);
	expiry_free(service->expiry);
	profile_set_free(service->profiles);
	key_shelf_free(service->shelf);
	keystore_free(service->keystore);
	free(service->credentials);
	service_config_free(service->config);
	legacy_free(service->legacy);
	free(service);
}
