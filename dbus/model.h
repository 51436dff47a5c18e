/* What the bus shows: plain values that the service fills, and the commands that it obeys.
 *
 * The bus code knows no port, profile or credential of the service; it holds these views, compares
 * a new one with the last, and emits PropertiesChanged for what differs. */
#ifndef LK_DBUS_MODEL_H
#define LK_DBUS_MODEL_H

#include <net/if.h>

#include "base/diagnosis.h"
#include "eap/method.h"
#include "keystore/keystore.h"

struct port_view {
	unsigned index; /* the interface's; also names the object */
	char interface[IF_NAMESIZE];
	char mac[18]; /* "02:00:00:00:00:01" */
	bool carrier;
	const char *state; /* "no-profile", "down", "connecting", "authenticating", "authorised",
			      "held", "disconnected", "unanswered", "failed"; static */
	const char *pae_state, *eap_state; /* "AUTHENTICATED", "IDLE"; static */
	bool authorised;
	char profile[65]; /* "" if none */
	char method[32];  /* "EAP-TLS"; "" before one is agreed */
	char identity[254];
	struct eap_report report;
	char credential[65];
	unsigned generation;
	int64_t credential_expiry; /* 0: none */
	int64_t last_success;	   /* 0: never */
	uint64_t duration_ms;	   /* of the last successful attempt */
	struct diagnosis diagnosis;

	struct port_count {
		const char *name; /* static, "FramesReceived" … */
		uint32_t value;
	} counters[24];
	size_t counter_count;
};

struct profile_view {
	char name[65];
	char path[256];
	int priority;
	bool usable;
	char credential[65];
	char identity[254];
	struct diagnosis diagnosis; /* why it is not usable, or a warning */
};

struct manager_view {
	char version[32];
	char keystore[256];
	char log_level[16];
	int64_t started;
};

/* Who asks, checked by the bus code before the command is run: everything but reading needs root,
 * the group netdev, or polkit's word. */
enum bus_result {
	BUS_DONE,
	BUS_NO_SUCH_PORT,
	BUS_NO_PROFILE,
	BUS_INVALID,
	BUS_NO_ENROLMENT,
	BUS_NOT_RENEWED, /* has no end */
	BUS_NOT_ALLOWED,
	BUS_FAILED,
};

/* By what a machine is to enrol, and for what; everything is borrowed for the call. */
struct enrol_wish {
	struct slice token;  /* as text; empty: none */
	const char *factory; /* these three: "" for none */
	const char *name, *profile;
};

struct bus_commands {
	enum bus_result (*connect)(void *context, unsigned index);
	enum bus_result (*disconnect)(void *context, unsigned index);
	enum bus_result (*reauthenticate)(void *context, unsigned index);
	/* BUS_INVALID with why: what is wrong with the wish. */
	enum bus_result (*enroll)(void *context, unsigned index, const struct enrol_wish *wish,
				  struct diagnosis *why);
	enum bus_result (*renew)(void *context, unsigned index);
	enum bus_result (*renew_credential)(void *context, const char *name);
	enum bus_result (*reload)(void *context, struct diagnosis *why); /* BUS_FAILED with why */
	enum bus_result (*set_log_level)(void *context, const char *level);
	void *context;
};

#endif
