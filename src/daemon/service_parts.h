/* What the files of the service share: service.c its ports and its life, service_config.c what it
 * reads, service_bus.c its face on the bus, service_lives.c its credentials while they are got and
 * renewed. */
#ifndef DAEMON_SERVICE_PARTS_H
#define DAEMON_SERVICE_PARTS_H

#include "config/legacy.h"
#include "daemon/expiry.h"
#include "daemon/key_shelf.h"
#include "daemon/port.h"
#include "daemon/profiles.h"
#include "daemon/service.h"
#include "dbus/bus.h"

#define PORT_BUCKETS 256

struct service {
	struct loop *loop;
	struct service_options options;
	struct service_config *config;
	struct keystore *keystore;
	struct legacy *legacy; /* NULL: this machine has none */
	struct profile_set *profiles;
	struct credential_info *credentials;
	size_t credential_count;
	struct list ports[PORT_BUCKETS]; /* by interface index */
	struct port_world world;
	struct packet_socket *socket;
	struct link_monitor *links;
	struct expiry *expiry;
	struct bus *bus;
	struct key_shelf *shelf;
	struct list held; /* credentials that a profile has: service_lives.c */
	struct timer watchdog, quiet, renewals, rearm;
	bool rearming; /* after an enrolment, and not because somebody has changed a file */
	int failed;    /* why the service cannot go on, -errno */
	int64_t started;
	msec asleep; /* until now, of loop_asleep */
};

struct port *service_port(struct service *s, unsigned index); /* NULL if there is none */
void service_each_port(struct service *s, void (*act)(struct service *s, struct port *port));
void service_match_port(struct service *s, struct port *port);

/* Configuration, keystore and profiles: all of them new, or none. */
int service_read(struct service *s, struct diagnosis *why);
/* To follow service_read: the timer of the expiry has borrowed from what was read before. */
void service_read_credentials(struct service *s);
int service_open_expiry(struct service *s);
/* Profiles are armed anew with what is in the keystore, and ports go on with them. */
void service_rearm(struct service *s);

void service_open_lives(struct service *s);
void service_drop_lives(struct service *s); /* after the ports */
void service_read_lives(struct service *s); /* to follow service_read_credentials */
/* Somebody has changed something: what was refused is tried again. */
void service_forget_refusals(struct service *s);
enum bus_result service_enroll(struct service *s, unsigned index, const struct enrol_wish *wish,
			       struct diagnosis *why);
enum bus_result service_renew(struct service *s, unsigned index);
enum bus_result service_renew_credential(struct service *s, const char *name);

/* 0 or -errno; the outcome of the first try comes later, and READY=1 with it. */
int service_open_bus(struct service *s);
void service_show_manager(struct service *s);
void service_show_profiles(struct service *s);
void service_show_port(struct service *s, struct port *port);

#endif
