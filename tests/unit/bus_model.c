/* The model behind the bus code of the rig's service: one port, one profile, one credential. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/bus_rig.h"

#define RIG_FRAMES 41

static struct model {
	struct loop *loop;
	struct bus *bus;
	struct manager_view manager;
	struct port_view port;
	int to_test;
} model;

static enum bus_result do_connect(void *context, unsigned index)
{
	struct model *m = context;

	if (index != m->port.index)
		return BUS_NO_SUCH_PORT;
	m->port.state = "authorised";
	m->port.authorised = true;
	m->port.counters[0].value++;
	strcpy(m->port.identity, "bob@example.org");
	diagnosis_set(&m->port.diagnosis, DIAG_NONE);
	bus_set_port(m->bus, &m->port);
	bus_attempt_ended(m->bus, index, true, &m->port.diagnosis);
	return BUS_DONE;
}

static enum bus_result do_disconnect(void *context, unsigned index)
{
	struct model *m = context;

	bus_remove_port(m->bus, index);
	return BUS_DONE;
}

/* At first it only counts, which is nothing to tell everybody; then it fails. */
static enum bus_result do_reauthenticate(void *context, unsigned index)
{
	struct model *m = context;

	if (m->port.counters[0].value++ == RIG_FRAMES) {
		bus_set_port(m->bus, &m->port);
		return BUS_NO_PROFILE;
	}
	m->port.state = "failed";
	m->port.authorised = false;
	diagnosis_set(&m->port.diagnosis, DIAG_SERVER_UNTRUSTED);
	diagnosis_add(&m->port.diagnosis, "issuer", "CN=Unknown CA");
	bus_set_port(m->bus, &m->port);
	bus_attempt_ended(m->bus, index, false, &m->port.diagnosis);
	return BUS_DONE;
}

/* Only this token is one.  What was asked for is told as the steps of an enrolment that goes well,
 * or does not if the name is a bad one. */
static enum bus_result do_enroll(void *context, unsigned index, const struct enrol_wish *wish,
				 struct diagnosis *why)
{
	struct model *m = context;
	struct diagnosis none = { 0 }, refused = { 0 };

	if (wish->token.len > 0 && !slice_eq(wish->token, slice_str(RIG_TOKEN))) {
		diagnosis_say(why, DIAG_ENROL_TOKEN_MISSING, "a typing error");
		return BUS_INVALID;
	}
	if (wish->token.len == 0 && !*wish->factory)
		return BUS_NO_ENROLMENT;
	bus_enrolment_progress(m->bus, index, "key-generated", *wish->name ? wish->name : "P-256",
			       &none);
	if (strcmp(wish->name, "bad") == 0) {
		diagnosis_say(&refused, DIAG_ENROL_TOKEN_REFUSED, "it says no");
		diagnosis_add(&refused, "by", "the server");
		bus_enrolment_progress(m->bus, index, "failed", "", &refused);
		bus_attempt_ended(m->bus, index, false, &refused);
		return BUS_DONE;
	}
	bus_enrolment_progress(m->bus, index, "done", "", &none);
	return do_connect(context, index);
}

static enum bus_result do_renew(void *context, unsigned index)
{
	struct model *m = context;
	struct diagnosis back = { 0 };

	diagnosis_say(&back, DIAG_RENEWAL_FELL_BACK, "client-access-denied");
	bus_enrolment_progress(m->bus, index, "done", "", &(struct diagnosis){ 0 });
	bus_attempt_ended(m->bus, index, false, &back);
	bus_enrolment_progress(m->bus, index, "fell-back", "", &back);
	return BUS_DONE;
}

static enum bus_result do_renew_credential(void *context, const char *name)
{
	return strcmp(name, "host") == 0 ? do_connect(context, 7) : BUS_NO_ENROLMENT;
}

static enum bus_result do_reload(void *context, struct diagnosis *why)
{
	(void)context;
	diagnosis_set(why, DIAG_CONFIG);
	diagnosis_add(why, "detail", "a.profile:3: unknown key Identety");
	return BUS_FAILED;
}

static enum bus_result do_set_log_level(void *context, const char *level)
{
	struct model *m = context;

	if (strcmp(level, "debug") != 0)
		return BUS_INVALID;
	strcpy(m->manager.log_level, level);
	bus_set_manager(m->bus, &m->manager);
	return BUS_DONE;
}

static void on_stop(struct signal_watch *watch)
{
	(void)watch;
	loop_stop(model.loop);
}

static void on_ready(void *context, int result)
{
	struct model *m = context;

	if (write(m->to_test, &result, sizeof result) < 0)
		_exit(1);
}

static void fill_model(struct model *m)
{
	static struct profile_view profile = {
		.name = "home wired",
		.path = "/etc/latchkey/profiles.d/home wired.profile",
		.priority = -3,
		.usable = true,
		.identity = RIG_IDENTITY,
	};
	static struct credential_info credential = {
		.name = "host",
		.generation = 2,
		.generations = 2,
		.chain_length = 1,
		.cert = { .subject = "CN=host\xff", .not_after = 1900000000 },
	};

	m->manager = (struct manager_view){ "0.1.0", "/var/lib/latchkey/keystore", "notice",
					    1700000000 };
	m->port = (struct port_view){
		.index = 7,
		.interface = "eth7",
		.mac = "02:00:00:00:00:07",
		.carrier = true,
		.state = "failed",
		.profile = "home wired",
		.identity = RIG_IDENTITY,
		.counters = { { "FramesReceived", RIG_FRAMES } },
		.counter_count = 1,
	};
	diagnosis_set(&m->port.diagnosis, DIAG_RESPONSE_IGNORED);
	diagnosis_add(&m->port.diagnosis, "identity", "%s", RIG_IDENTITY);
	diagnosis_add(&m->port.diagnosis, "rounds", "3");
	m->port.diagnosis.when = 1800000000;
	bus_set_manager(m->bus, &m->manager);
	bus_set_port(m->bus, &m->port);
	bus_set_profiles(m->bus, &profile, 1);
	bus_set_credentials(m->bus, &credential, 1);
}

void rig_serve(int to_test)
{
	static const struct bus_commands commands = {
		.connect = do_connect,
		.disconnect = do_disconnect,
		.reauthenticate = do_reauthenticate,
		.enroll = do_enroll,
		.renew = do_renew,
		.renew_credential = do_renew_credential,
		.reload = do_reload,
		.set_log_level = do_set_log_level,
		.context = &model,
	};
	struct signal_watch stop = { .raised = on_stop };
	struct loop loop;

	model.loop = &loop;
	model.to_test = to_test;
	if (!freopen("/dev/null", "w", stderr) || loop_init(&loop) < 0 ||
	    bus_new(&loop, &commands, on_ready, &model.bus) < 0)
		_exit(1);
	fill_model(&model);
	if (signal_watch_set(&loop, &stop, SIGTERM) < 0)
		_exit(1);
	loop_run(&loop);
	bus_free(model.bus);
	model.bus = NULL;
	signal_watch_clear(&stop);
	loop_done(&loop);
	exit(0); /* a sanitizer that counts leaks does so now */
}
