/* run: the service itself. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"
#include "authd/command.h"
#include "authd/record.h"
#include "console/output.h"
#include "drivers/log.h"
#include "service/notify.h"
#include "service/sandbox.h"

struct process {
	struct loop loop;
	struct authd *authd;
	struct signal_watch hangup, terminate, interrupt;
};

static void on_hangup(struct signal_watch *watch)
{
	struct authd *authd = list_item(watch, struct process, hangup)->authd;
	struct diagnosis why;

	if (authd_reload(authd, &why) == 0 && authd->recorder)
		record_audit(authd->recorder, "config.reload", "signal", "", "%s", "");
}

static void on_terminate(struct signal_watch *watch)
{
	authd_stop(list_item(watch, struct process, terminate)->authd);
}

static void on_interrupt(struct signal_watch *watch)
{
	authd_stop(list_item(watch, struct process, interrupt)->authd);
}

static int fail(const struct diagnosis *why)
{
	char sentence[512];

	log_event(LOG_ERR, "service.start", "cause=\"%s\"",
		  diagnosis_sentence(why, sentence, sizeof sentence));
	return EXIT_FAILURE;
}

static int serve(struct process *p, const struct authd_options *options)
{
	/* First the signals: the service tells its manager that it is ready, and that may reload it
	 * at once. */
	int error = signal_watch_set(&p->loop, &p->hangup, SIGHUP);

	if (error == 0)
		error = signal_watch_set(&p->loop, &p->terminate, SIGTERM);
	if (error == 0)
		error = signal_watch_set(&p->loop, &p->interrupt, SIGINT);
	if (error == 0)
		error = authd_new(&p->loop, options, &p->authd);
	if (error == 0)
		error = loop_run(&p->loop);
	signal_watch_clear(&p->hangup);
	signal_watch_clear(&p->terminate);
	signal_watch_clear(&p->interrupt);
	if (error == 0)
		error = authd_result(p->authd);
	authd_free(p->authd);
	return error;
}

/* Whether it guards ports, for which it needs what a server alone does not.  A configuration that
 * cannot be read is told of later, by the start that fails. */
static bool guards_ports(const char *config_path)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	AUTO_STRUCT(config) config = NULL;
	bool guards = errors && config_load(config_path, &config, errors) == 0 &&
		      config->objects[CONFIG_PORTS].count > 0;

	if (errors)
		ini_errors_done(errors);
	free(errors);
	return guards;
}

/* Two that guard the ports of one network namespace would close what the other opens. */
static int be_alone(void)
{
	int other = 0, alone = sandbox_only_one("latchkey/authenticator", AUTHD_USER, &other);

	if (alone == -EEXIST) {
		log_event(
			LOG_ERR, "service.start",
			"cause=\"another latchkey-authd, process %d, already guards ports in this "
			"network namespace\" next=\"stop it first, or reload it: systemctl reload "
			"latchkey-authd\"",
			other);
		return EXIT_FAILURE;
	}
	if (alone < 0)
		log_event(LOG_WARNING, "service.lock",
			  "error=\"%s\" holder=%d effect=\"a second latchkey-authd would not be "
			  "noticed\"",
			  strerror(-alone), other);
	return EXIT_SUCCESS;
}

/* What the service may still do once it runs. */
static int confine(const struct command_options *options)
{
	static const int none[] = { -1 };
	static const int of_ports[] = { CAP_NET_ADMIN, CAP_NET_RAW, -1 };
	bool ports = guards_ports(options->config_path);
	struct diagnosis why = { 0 };

	if (ports && be_alone() != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (sandbox_privileges(options->user, ports ? of_ports : none, &why) < 0)
		return fail(&why);
	if (options->sandbox && sandbox_system_calls(SANDBOX_SERVES) < 0) {
		log_event(LOG_ERR, "service.start",
			  "cause=\"the system call filter cannot be set\" next=\"start with "
			  "--no-sandbox if this kernel has no seccomp\"");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int command_run(const struct command_options *options, int argc, char **argv)
{
	const struct authd_options service = { options->config_path, options->log_level };
	struct process p = { .hangup.raised = on_hangup,
			     .terminate.raised = on_terminate,
			     .interrupt.raised = on_interrupt };
	int error;

	if (argc > 1) {
		const struct cli cli = { .program = "latchkey-authd", .columns = 80 };

		return (int)cli_fail(&cli, USAGE, argv[0], "this command takes no argument",
				     "See `latchkey-authd --help`.");
	}
	log_open(options->log_level >= 0 ? options->log_level : LOG_NOTICE);
	notify_init();
	signal(SIGPIPE, SIG_IGN);
	if (confine(options) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	error = loop_init(&p.loop);
	if (error == 0)
		error = serve(&p, &service);
	loop_done(&p.loop);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
