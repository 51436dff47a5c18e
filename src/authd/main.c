/* latchkey-authd: authenticator, EAP and RADIUS server. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/command.h"
#include "config/ini.h"
#include "console/output.h"
#include "drivers/log.h"

enum { OPTION_USER = 256, OPTION_NO_SANDBOX, OPTION_JSON, OPTION_SOCKET };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "log-level", required_argument, NULL, 'l' },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void help(void)
{
	fputs("Usage: latchkey-authd [OPTION…] [COMMAND [ARGUMENT…]]\n"
	      "The Latchkey authenticator: guards ports, and answers RADIUS, with EAP-TLS.\n"
	      "\n"
	      "Commands:\n",
	      stdout);
	for (const struct command *c = commands; c->name; c++) {
		char left[64];

		snprintf(left, sizeof left, "%s%s%s", c->name, *c->arguments ? " " : "",
			 c->arguments);
		printf("  %-21s  %s\n", left, c->help);
	}
	fputs("\n"
	      "Options:\n"
	      "  -c, --config FILE      the configuration; its objects lie beside it\n"
	      "                         [" CONF_DIR "/authd/latchkey-authd.conf]\n"
	      "  -l, --log-level LEVEL  error, warning, notice, info or debug\n"
	      "      --user NAME        become this user once privileged work is done\n"
	      "      --no-sandbox       no system call filter, for debuggers and sanitizers\n"
	      "      --socket PATH      the control socket of the service [as configured]\n"
	      "      --json             answer with JSON\n"
	      "  -h, --help             this text\n"
	      "  -V, --version          the version\n"
	      "\n"
	      "Signals: HUP reads the configuration again, TERM stops.\n"
	      "See latchkey-authd(8), latchkey-authd.conf(5).\n",
	      stdout);
}

/* Of one command: what the manual says, without its marks. */
static int help_of(const struct command *c)
{
	struct cli cli = { .program = "latchkey-authd" };
	char doc[2048], *to = doc;

	for (const char *from = c->doc; *from && to < doc + sizeof doc - 1; from++) {
		if (*from != '`')
			*to++ = *from;
	}
	*to = '\0';
	cli_look_at_terminal(&cli);
	printf("Usage: latchkey-authd [OPTION…] %s%s%s\n", c->name, *c->arguments ? " " : "",
	       c->arguments);
	printf("To %s.\n", c->help);
	if (*doc)
		cli_wrap(&cli, 0, doc);
	puts("See latchkey-authd(8), and 'latchkey-authd --help' for the options.");
	return 0;
}

__attribute__((format(printf, 1, 2), noreturn)) static void usage(const char *format, ...)
{
	va_list args;

	fputs("latchkey-authd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'latchkey-authd --help'.\n", stderr);
	exit(2);
}

static void read_option(int c, struct command_options *o)
{
	switch (c) {
	case 'c':
		o->config_path = optarg;
		break;
	case 'l':
		o->log_level = log_level_by_name(optarg);
		if (o->log_level < 0)
			usage("no log level \"%s\": error, warning, notice, info or debug", optarg);
		break;
	case OPTION_USER:
		o->user = optarg;
		break;
	case OPTION_NO_SANDBOX:
		o->sandbox = false;
		break;
	case OPTION_JSON:
		o->json = true;
		break;
	case OPTION_SOCKET:
		o->socket = optarg;
		break;
	case 'h':
		o->help = true;
		break;
	case 'V':
		puts("latchkey-authd " PACKAGE_VERSION);
		exit(0);
	default:
		exit(2);
	}
}

static const struct command *find(const char *word)
{
	const char *names[64];
	size_t count = 0;

	for (const struct command *c = commands; c->name && count < 64; c++) {
		if (strcmp(c->name, word) == 0)
			return c;
		names[count++] = c->name;
	}

	const char *near = ini_nearest(word, names, count);

	usage("there is no command \"%s\".%s%s%s", word, near ? " Did you mean " : "",
	      near ? near : "", near ? "?" : "");
}

int main(int argc, char **argv)
{
	struct command_options o = {
		.config_path = CONF_DIR "/authd/latchkey-authd.conf",
		.log_level = -1,
		.sandbox = true,
	};
	static char first[] = "run";
	char *alone[] = { first, NULL };

	if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
		command_complete(&o, options, argv + 2, argc - 2);
		return 0;
	}
	for (int c; (c = getopt_long(argc, argv, "c:l:hV", options, NULL)) != -1;)
		read_option(c, &o);
	argc -= optind;
	if (o.help && argc == 0) {
		help();
		return 0;
	}
	argv = argc > 0 ? argv + optind : alone;
	if (o.help)
		return help_of(find(argv[0]));
	return find(argv[0])->run(&o, argc > 0 ? argc : 1, argv);
}
