/* The service: which interfaces are ports, with which profiles; the bus; reload and stop. */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "base/diagnosis.h"
#include "config/service.h"
#include "drivers/loop.h"

struct service;

struct service_options {
	const char *config_path; /* latchkeyd.conf */
	bool config_missing_ok;	 /* the default path need not be there */
	bool no_dbus;
	int log_level; /* -1: as configured */
};

/* Reads the configuration, opens the keystore, arms the profiles, opens the ports and asks for the
 * bus name. 0 or -errno; what is wrong has been logged. */
int service_new(struct loop *loop, const struct service_options *options,
		struct service **ret_service);
void service_free(struct service *service);

/* SIGHUP: everything is read again; a port whose profile did not change keeps its state. 0, or
 * -errno and the old configuration stays. */
int service_reload(struct service *service, struct diagnosis *why);

/* After the loop: 0, or the -errno for which the service stopped by itself; the reason has been
 * logged. */
int service_result(const struct service *service);

/* SIGTERM: Logoff where it is configured. */
void service_stop(struct service *service);

#endif
