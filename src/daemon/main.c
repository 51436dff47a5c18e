/* latchkeyd: the 802.1X supplicant as a system service. */
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/notify.h"
#include "service/process.h"
#include "daemon/service.h"
#include "drivers/log.h"

struct arguments {
	struct service_options service;
	const char *user;
	bool sandbox;
};

enum { OPTION_NO_DBUS = 256, OPTION_USER, OPTION_NO_SANDBOX };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "log-level", required_argument, NULL, 'l' },
	{ "no-dbus", no_argument, NULL, OPTION_NO_DBUS },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char help[] =
	"Usage: latchkeyd [OPTION…]\n"
	"The Latchkey 802.1X supplicant: authenticates wired ports with EAP-TLS.\n"
	"Stays in the foreground and logs to standard error.\n"
	"\n"
	"  -c, --config FILE      the configuration [" CONF_DIR "/latchkeyd.conf]\n"
	"  -l, --log-level LEVEL  error, warning, notice, info or debug\n"
	"      --no-dbus          work without the system bus\n"
	"      --user NAME        become this user once privileged work is done\n"
	"      --no-sandbox       no system call filter, for debuggers and sanitizers\n"
	"  -h, --help             this text\n"
	"  -V, --version          the version\n"
	"\n"
	"Signals: HUP reads the configuration again, TERM stops.\n"
	"See latchkeyd(8), latchkeyd.conf(5), latchkey-profile(5), latchkeyctl(1).\n";

__attribute__((format(printf, 1, 2), noreturn)) static void usage(const char *format, ...)
{
	va_list args;

	fputs("latchkeyd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'latchkeyd --help'.\n", stderr);
	exit(2);
}

static struct arguments read_arguments(int argc, char **argv)
{
	struct arguments a = {
		.service = { .config_path = CONF_DIR "/latchkeyd.conf",
			     .config_missing_ok = true,
			     .log_level = -1 },
		.sandbox = true,
	};

	for (int c; (c = getopt_long(argc, argv, "c:l:hV", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			a.service.config_path = optarg;
			a.service.config_missing_ok = false;
			break;
		case 'l':
			a.service.log_level = log_level_by_name(optarg);
			if (a.service.log_level < 0)
				usage("there is no log level \"%s\": error, warning, notice, info "
				      "or debug",
				      optarg);
			break;
		case OPTION_NO_DBUS:
			a.service.no_dbus = true;
			break;
		case OPTION_USER:
			a.user = optarg;
			break;
		case OPTION_NO_SANDBOX:
			a.sandbox = false;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		case 'V':
			puts("latchkeyd " PACKAGE_VERSION);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc)
		usage("\"%s\" is not an option", argv[optind]);
	return a;
}

static int begin(struct loop *loop, const void *wanted, void **ret_service)
{
	struct service *service = NULL;
	int error = service_new(loop, wanted, &service);

	*ret_service = service;
	return error;
}

static void reload(void *service)
{
	struct diagnosis why;

	(void)service_reload(service, &why);
}

static void stop(void *service)
{
	service_stop(service);
}

static int result(const void *service)
{
	return service_result(service);
}

static void drop(void *service)
{
	service_free(service);
}

int main(int argc, char **argv)
{
	static const struct process_kind kind = {
		.program = "latchkeyd",
		.user = SERVICE_USER,
		.lock = "latchkey/supplicant",
		.does = "works",
	};
	static const int capabilities[] = { CAP_NET_RAW, CAP_NET_ADMIN, -1 };
	struct arguments a = read_arguments(argc, argv);
	struct process p = { .begin = begin,
			     .reload = reload,
			     .stop = stop,
			     .result = result,
			     .free = drop,
			     .options = &a.service };

	log_open(a.service.log_level >= 0 ? a.service.log_level : LOG_NOTICE);
	notify_init();
	signal(SIGPIPE, SIG_IGN);
	if (!process_is_alone(&kind) ||
	    !process_confine(a.user, capabilities, a.sandbox, SANDBOX_ALONE))
		return EXIT_FAILURE;
	return process_run(&p);
}
