#include "daemon/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/expiry.h"
#include "daemon/notify.h"
#include "daemon/port.h"
#include "daemon/profiles.h"
#include "dbus/bus.h"
#include "drivers/log.h"

#define PORT_BUCKETS 256

struct service {
	struct loop *loop;
	struct service_options options;
	struct service_config *config;
	struct keystore *keystore;
	struct profile_set *profiles;
	struct credential_info *credentials;
	size_t credential_count;
	struct list ports[PORT_BUCKETS]; /* by interface index */
	struct port_world world;
	struct packet_socket *socket;
	struct link_monitor *links;
	struct expiry *expiry;
	struct bus *bus;
	struct timer watchdog;
	bool ready;
	int64_t started;
};

/* ---- ports --------------------------------------------------------------------------------- */

static struct port *find_port(struct service *s, unsigned index)
{
	list_each (node, &s->ports[index % PORT_BUCKETS]) {
		struct port *port = list_item(node, struct port, node);

		if (port->link.index == index)
			return port;
	}
	return NULL;
}

static void each_port(struct service *s, void (*act)(struct service *s, struct port *port))
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

static void show_port(struct service *s, struct port *port)
{
	on_port_changed(s, port);
}

static void on_attempt_ended(void *context, struct port *port, bool success)
{
	struct service *s = context;

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
static void match_port(struct service *s, struct port *port)
{
	const struct profile_entry *entry = profile_set_match(s->profiles, &port->link);

	if (entry) {
		port_use(port, entry->name, entry->armed, &entry->problem);
		return;
	}
	log_event(LOG_NOTICE, "port.no-profile", "port=%s", port->link.name);
	port_gone(port, DIAG_NO_PROFILE);
	remove_port(s, port);
}

static void on_link_changed(void *context, const struct link_info *link)
{
	struct service *s = context;
	struct port *port = find_port(s, link->index);

	if (port) {
		port_set_link(port, link);
		match_port(s, port);
		return;
	}
	if (!link->ethernet || !profile_set_match(s->profiles, link))
		return;
	if (port_new(&s->world, link, &port) < 0) {
		log_event(LOG_ERR, "port.new", "port=%s error=\"out of memory\"", link->name);
		return;
	}
	list_append(&s->ports[link->index % PORT_BUCKETS], &port->node);
	match_port(s, port);
}

static void on_link_removed(void *context, unsigned index)
{
	struct service *s = context;
	struct port *port = find_port(s, index);

	if (!port)
		return;
	port_gone(port, DIAG_INTERFACE_GONE);
	remove_port(s, port);
}

static void on_frame(void *context, const struct packet_frame *frame)
{
	struct port *port = find_port(context, frame->index);

	if (port)
		port_receive(port, frame);
}

/* ---- what the bus shows -------------------------------------------------------------------- */

static void show_manager(struct service *s)
{
	struct manager_view view = { .started = s->started };

	if (!s->bus)
		return;
	snprintf(view.version, sizeof view.version, "%s", PACKAGE_VERSION);
	snprintf(view.keystore, sizeof view.keystore, "%s", s->config->keystore);
	snprintf(view.log_level, sizeof view.log_level, "%s", log_level_name(log_level()));
	bus_set_manager(s->bus, &view);
}

static void show_profiles(struct service *s)
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

/* ---- credentials --------------------------------------------------------------------------- */

static void add_credential(void *context, const struct credential_info *info)
{
	struct service *s = context;
	struct credential_info *more =
		realloc(s->credentials, (s->credential_count + 1) * sizeof *more);

	if (!more)
		return;
	s->credentials = more;
	s->credentials[s->credential_count++] = *info;
}

static void read_credentials(struct service *s)
{
	s->credential_count = 0;
	if (s->keystore && keystore_list(s->keystore, add_credential, s) < 0)
		log_event(LOG_WARNING, "keystore.unreadable", "path=\"%s\"", s->config->keystore);
	if (s->bus)
		bus_set_credentials(s->bus, s->credentials, s->credential_count);
	expiry_look(s->expiry, s->config, s->credentials, s->credential_count);
}

static void on_expiry(void *context, const struct credential_info *credential, int64_t remaining)
{
	struct service *s = context;
	char when[32];

	log_event(remaining > 0 ? LOG_WARNING : LOG_ERR, "credential.expiry",
		  "credential=%s generation=%u not_after=%s remaining_days=%lld next=\"import a "
		  "renewed "
		  "certificate: latchkeyctl credentials import\"",
		  credential->name, credential->generation,
		  rfc3339(credential->cert.not_after, when, sizeof when),
		  (long long)(remaining / 86400));
	if (s->bus)
		bus_expiry_warning(s->bus, credential->name, credential->cert.not_after);
}

/* ---- configuration ------------------------------------------------------------------------- */

static void log_errors(const struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_event(LOG_ERR, "config.error", "file=\"%s\" line=%d key=%s message=\"%s\"",
			  errors->error[i].file, errors->error[i].line, errors->error[i].key,
			  errors->error[i].message);
	if (errors->dropped > 0)
		log_event(LOG_ERR, "config.error", "message=\"%zu more errors\"", errors->dropped);
}

static void say_errors(const struct ini_errors *errors, struct diagnosis *why)
{
	diagnosis_set(why, DIAG_CONFIG);
	if (errors->count > 0) {
		diagnosis_add(why, "detail", "%s", errors->error[0].message);
		diagnosis_add(why, "file", "%s:%d", errors->error[0].file, errors->error[0].line);
	}
	diagnosis_add(why, "errors", "%zu", errors->count + errors->dropped);
}

static int read_config(struct service *s, struct diagnosis *why)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	struct service_config *config = NULL;
	int error = errors ? service_config_load(s->options.config_path,
						 s->options.config_missing_ok, &config, errors)
			   : -ENOMEM;

	if (error < 0 && errors) {
		log_errors(errors);
		say_errors(errors, why);
	}
	if (error == 0) {
		service_config_free(s->config);
		s->config = config;
		log_set_level(s->options.log_level >= 0 ? s->options.log_level : config->log_level);
	}
	if (errors)
		ini_errors_done(errors);
	free(errors);
	return error;
}

static int read_profiles(struct service *s, struct diagnosis *why)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	struct profile_set *profiles = NULL;
	int error = errors ? profile_set_load(s->config->profile_dir, s->keystore, loop_now().wall,
					      s->config, &profiles, errors)
			   : -ENOMEM;

	if (errors && (errors->count > 0 || error < 0)) {
		log_errors(errors);
		say_errors(errors, why);
	}
	if (error == 0) {
		profile_set_free(s->profiles);
		s->profiles = profiles;
	}
	if (errors)
		ini_errors_done(errors);
	free(errors);
	return error;
}

static int open_keystore(struct service *s, struct diagnosis *why)
{
	struct keystore *keystore = NULL;
	char sentence[512];
	int error = keystore_open(s->config->keystore, true, &keystore, why);

	if (error < 0) {
		log_event(LOG_ERR, "keystore.open", "path=\"%s\" cause=\"%s\"", s->config->keystore,
			  diagnosis_sentence(why, sentence, sizeof sentence));
		return error;
	}
	keystore_free(s->keystore);
	s->keystore = keystore;
	return 0;
}

int service_reload(struct service *service, struct diagnosis *why)
{
	struct service *s = service;
	int error;

	notify("RELOADING=1");
	diagnosis_set(why, DIAG_NONE);
	error = read_config(s, why);
	if (error == 0)
		error = open_keystore(s, why);
	if (error == 0)
		error = read_profiles(s, why);
	if (error == 0) {
		show_manager(s);
		show_profiles(s);
		read_credentials(s);
		each_port(s, match_port);
		error = link_monitor_refresh(s->links);
	}
	log_event(error < 0 ? LOG_ERR : LOG_NOTICE, "service.reload", "result=%s",
		  error < 0 ? "\"the old configuration stays\"" : "done");
	notify("READY=1");
	/* A bad profile does not stop the others, but whoever asked for the reload hears of it. */
	return error < 0 ? error : why->id == DIAG_NONE ? 0 : -EINVAL;
}

/* Dates mean something else now: what was refused for its dates may be accepted, and the other way
 * round. */
static void on_clock_set(void *context)
{
	struct service *s = context;
	struct diagnosis why = { 0 };

	log_event(LOG_NOTICE, "service.clock-set", "effect=\"certificates are looked at again\"");
	if (read_profiles(s, &why) == 0) {
		show_profiles(s);
		each_port(s, match_port);
	}
}

/* ---- the bus ------------------------------------------------------------------------------- */

static enum bus_result on_command(struct service *s, unsigned index, void (*act)(struct port *))
{
	struct port *port = find_port(s, index);

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
	show_manager(context);
	return BUS_DONE;
}

static void on_ready(void *context)
{
	struct service *s = context;

	if (s->ready)
		return;
	s->ready = true;
	notify("READY=1\nSTATUS=Ports are being authenticated");
	log_event(LOG_NOTICE, "service.ready", "version=%s", PACKAGE_VERSION);
}

static int open_bus(struct service *s)
{
	const struct bus_commands commands = {
		.connect = on_connect,
		.disconnect = on_disconnect,
		.reauthenticate = on_reauthenticate,
		.reload = on_reload,
		.set_log_level = on_set_log_level,
		.context = s,
	};

	if (s->options.no_dbus || !s->config->dbus) {
		on_ready(s);
		return 0;
	}
	return bus_new(s->loop, &commands, on_ready, &s->bus);
}

/* ---- start and stop ------------------------------------------------------------------------ */

static void on_watchdog(struct timer *timer)
{
	struct service *s = list_item(timer, struct service, watchdog);

	notify("WATCHDOG=1");
	timer_set(s->loop, timer, msec_after(loop_now().mono, notify_watchdog()));
}

static int start(struct service *s)
{
	const struct link_events links = { on_link_changed, on_link_removed, s };
	const struct expiry_events expiry = { on_expiry, on_clock_set, s };
	struct diagnosis why = { 0 };
	int error = read_config(s, &why);

	if (error == 0)
		error = open_keystore(s, &why);
	if (error == 0)
		error = read_profiles(s, &why);
	if (error == 0)
		error = expiry_new(s->loop, &expiry, &s->expiry);
	if (error == 0)
		error = packet_open(s->loop, on_frame, s, &s->socket);
	if (error == 0) {
		s->world.socket = s->socket;
		error = link_monitor_new(s->loop, &links, &s->links);
	}
	if (error == 0)
		error = open_bus(s);
	if (error < 0)
		return error;
	show_manager(s);
	show_profiles(s);
	read_credentials(s);
	each_port(s, show_port);
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
	s->watchdog.expired = on_watchdog;
	s->world = (struct port_world){
		.loop = loop, .changed = on_port_changed, .ended = on_attempt_ended, .context = s
	};
	for (size_t i = 0; i < PORT_BUCKETS; i++)
		list_init(&s->ports[i]);
	error = start(s);
	if (error < 0) {
		log_event(LOG_ERR, "service.start", "error=\"%s\"", strerror(-error));
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

void service_stop(struct service *service)
{
	notify("STOPPING=1");
	log_event(LOG_NOTICE, "service.stop", "reason=signal");
	each_port(service, stop_port);
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
	bus_free(TAKE(service->bus));
	each_port(service, drop_port);
	link_monitor_free(service->links);
	packet_close(service->socket);
	expiry_free(service->expiry);
	profile_set_free(service->profiles);
	keystore_free(service->keystore);
	free(service->credentials);
	service_config_free(service->config);
	free(service);
}
