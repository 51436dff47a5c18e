/* latchkeyd: the 802.1X supplicant as a system service. */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "service/notify.h"
#include "service/sandbox.h"
#include "daemon/service.h"
#include "drivers/log.h"

struct process {
	struct loop loop;
	struct service *service;
	struct signal_watch hangup, terminate, interrupt;
};

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

static void on_hangup(struct signal_watch *watch)
{
	struct diagnosis why;

	(void)service_reload(list_item(watch, struct process, hangup)->service, &why);
}

static void on_terminate(struct signal_watch *watch)
{
	service_stop(list_item(watch, struct process, terminate)->service);
}

static void on_interrupt(struct signal_watch *watch)
{
	service_stop(list_item(watch, struct process, interrupt)->service);
}

static int fail(const struct diagnosis *why)
{
	char sentence[512];

	log_event(LOG_ERR, "service.start", "cause=\"%s\"",
		  diagnosis_sentence(why, sentence, sizeof sentence));
	return EXIT_FAILURE;
}

static int run(struct process *p, const struct arguments *a)
{
	/* First the signals: the service tells its manager that it is ready, and that may reload it
	 * at once. */
	int error = signal_watch_set(&p->loop, &p->hangup, SIGHUP);

	if (error == 0)
		error = signal_watch_set(&p->loop, &p->terminate, SIGTERM);
	if (error == 0)
		error = signal_watch_set(&p->loop, &p->interrupt, SIGINT);
	if (error == 0)
		error = service_new(&p->loop, &a->service, &p->service);
	if (error == 0)
		error = loop_run(&p->loop);
	signal_watch_clear(&p->hangup);
	signal_watch_clear(&p->terminate);
	signal_watch_clear(&p->interrupt);
	if (error == 0)
		error = service_result(p->service);
	service_free(p->service);
	return error;
}

int main(int argc, char **argv)
{
	struct arguments a = read_arguments(argc, argv);
	struct process p = { .hangup.raised = on_hangup,
			     .terminate.raised = on_terminate,
			     .interrupt.raised = on_interrupt };
	struct diagnosis why = { 0 };
	int other = 0;

	log_open(a.service.log_level >= 0 ? a.service.log_level : LOG_NOTICE);
	notify_init();
	signal(SIGPIPE, SIG_IGN);

	int alone = sandbox_only_one("latchkey/supplicant", SERVICE_USER, &other);

	if (alone == -EEXIST) {
		log_event(LOG_ERR, "service.start",
			  "cause=\"another latchkeyd, process %d, already works in this network "
			  "namespace\" next=\"stop it first, or reload it: systemctl reload "
			  "latchkeyd\"",
			  other);
		return EXIT_FAILURE;
	}
	if (alone < 0)
		log_event(LOG_WARNING, "service.lock",
			  "error=\"%s\" holder=%d effect=\"a second "
			  "latchkeyd would not be noticed\"",
			  strerror(-alone), other);
	if (sandbox_privileges(a.user, (const int[]){ CAP_NET_RAW, CAP_NET_ADMIN, -1 }, &why) < 0)
		return fail(&why);
	if (a.sandbox && sandbox_system_calls(SANDBOX_ALONE) < 0) {
		log_event(LOG_ERR, "service.start",
			  "cause=\"the system call filter cannot be set\" next=\"start with "
			  "--no-sandbox if "
			  "this kernel has no seccomp\"");
		return EXIT_FAILURE;
	}

	int error = loop_init(&p.loop);

	if (error == 0)
		error = run(&p, &a);
	loop_done(&p.loop);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
