#include "daemon/service_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "service/notify.h"
#include "drivers/log.h"

void service_show_manager(struct service *s)
{
	struct manager_view view = { .started = s->started };

	if (!s->bus)
		return;
	snprintf(view.version, sizeof view.version, "%s", PACKAGE_VERSION);
	snprintf(view.keystore, sizeof view.keystore, "%s", s->config->keystore);
	snprintf(view.log_level, sizeof view.log_level, "%s", log_level_name(log_level()));
	bus_set_manager(s->bus, &view);
}

void service_show_profiles(struct service *s)
{
	size_t count = profile_set_count(s->profiles);
	struct profile_view *views = calloc(count + 1, sizeof *views);

	if (!s->bus || !views) {
		free(views);
		return;
	}
	for (size_t i = 0; i < count; i++)
		profile_entry_view(profile_set_entry(s->profiles, i), &views[i]);
	bus_set_profiles(s->bus, views, count);
	free(views);
}

static enum bus_result on_command(struct service *s, unsigned index, void (*act)(struct port *))
{
	struct port *port = service_port(s, index);

	if (!port)
		return BUS_NO_SUCH_PORT;
	act(port);
	return port->armed ? BUS_DONE : BUS_NO_PROFILE;
}

static enum bus_result on_connect(void *context, unsigned index)
{
	return on_command(context, index, port_connect);
}

static enum bus_result on_disconnect(void *context, unsigned index)
{
	return on_command(context, index, port_disconnect);
}

static enum bus_result on_reauthenticate(void *context, unsigned index)
{
	return on_command(context, index, port_reauthenticate);
}

static enum bus_result on_enroll(void *context, unsigned index, const struct enrol_wish *wish,
				 struct diagnosis *why)
{
	return service_enroll(context, index, wish, why);
}

static enum bus_result on_renew(void *context, unsigned index)
{
	return service_renew(context, index);
}

static enum bus_result on_renew_credential(void *context, const char *name)
{
	return service_renew_credential(context, name);
}

static enum bus_result on_reload(void *context, struct diagnosis *why)
{
	return service_reload(context, why) < 0 ? BUS_FAILED : BUS_DONE;
}

static enum bus_result on_set_log_level(void *context, const char *level)
{
	int number = log_level_by_name(level);

	if (number < 0)
		return BUS_INVALID;
	log_set_level(number);
	service_show_manager(context);
	return BUS_DONE;
}

static void say_ready(struct service *s)
{
	notify("READY=1\nSTATUS=Ports are being authenticated");
	log_event(LOG_NOTICE, "service.ready", "version=%s bus=%s", PACKAGE_VERSION,
		  s->bus && bus_connected(s->bus) ? "yes" : "no");
}

/* The first try to be on the bus is over.  A machine may have no bus; but a name that somebody else
 * holds, or that we may not have, would leave a service that nobody can talk to. */
static void on_bus(void *context, int result)
{
	struct service *s = context;

	if (result == 0 || result == -ENOTCONN) {
		say_ready(s);
		return;
	}
	log_event(LOG_ERR, "service.start", "cause=\"the bus name " BUS_NAME " is %s\" next=\"%s\"",
		  result == -EEXIST ? "held by another process" : "refused to us by the bus",
		  result == -EEXIST ? "stop the other latchkeyd first"
				    : "install the D-Bus policy and run as the user it names");
	s->failed = result;
	loop_stop(s->loop);
}

int service_open_bus(struct service *s)
{
	const struct bus_commands commands = {
		.connect = on_connect,
		.disconnect = on_disconnect,
		.reauthenticate = on_reauthenticate,
		.enroll = on_enroll,
		.renew = on_renew,
		.renew_credential = on_renew_credential,
		.reload = on_reload,
		.set_log_level = on_set_log_level,
		.context = s,
	};

	if (s->options.no_dbus || !s->config->dbus) {
		say_ready(s);
		return 0;
	}
	return bus_new(s->loop, &commands, on_bus, &s->bus);
}
