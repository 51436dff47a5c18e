/* run: the service itself. */
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>

#include "authd/authd.h"
#include "authd/command.h"
#include "authd/record.h"
#include "config/legacy.h"
#include "console/output.h"
#include "drivers/log.h"
#include "service/notify.h"
#include "service/process.h"

static int begin(struct loop *loop, const void *options, void **ret_service)
{
	struct authd *authd = NULL;
	int error = authd_new(loop, options, &authd);

	*ret_service = authd;
	return error;
}

static void reload(void *service)
{
	struct authd *authd = service;
	struct diagnosis why;

	if (authd_reload(authd, &why) == 0 && authd->recorder)
		record_audit(authd->recorder, "config.reload", "signal", "", "%s", "");
}

static void stop(void *service)
{
	authd_stop(service);
}

static int result(const void *service)
{
	return authd_result(service);
}

static void drop(void *service)
{
	authd_free(service);
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

/* What the service may still do once it runs.  Two that guard the ports of one network namespace
 * would close what the other opens. */
static bool confine(const struct command_options *options)
{
	static const struct process_kind kind = {
		.program = "latchkey-authd",
		.user = AUTHD_USER,
		.lock = "latchkey/authenticator",
		.does = "guards ports",
	};
	static const int none[] = { -1 };
	static const int of_ports[] = { CAP_NET_ADMIN, CAP_NET_RAW, -1 };
	bool ports = guards_ports(options->config_path);

	if (ports && !process_is_alone(&kind))
		return false;
	return process_confine(options->user, ports ? of_ports : none, options->sandbox,
			       SANDBOX_SERVES);
}

int command_run(const struct command_options *options, int argc, char **argv)
{
	AUTO_STRUCT(legacy) legacy = NULL;
	struct authd_options service = { options->config_path, options->log_level, NULL };
	struct process p = { .begin = begin,
			     .reload = reload,
			     .stop = stop,
			     .result = result,
			     .free = drop,
			     .options = &service };

	if (argc > 1) {
		const struct cli cli = { .program = "latchkey-authd", .columns = 80 };

		return (int)cli_fail(&cli, USAGE, argv[0], "this command takes no argument",
				     "See `latchkey-authd --help`.");
	}
	log_open(options->log_level >= 0 ? options->log_level : LOG_NOTICE);
	notify_init();
	signal(SIGPIPE, SIG_IGN);
	/* Without it there is no MS-CHAP, which is told of when it is configured. */
	if (legacy_new(&legacy) == 0)
		service.mschap = legacy_mschap(legacy);
	if (!confine(options))
		return EXIT_FAILURE;
	return process_run(&p);
}
