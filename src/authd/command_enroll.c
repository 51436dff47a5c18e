/* token, machine, account: what machines are enrolled by, what they were given, and who comes with
 * a password.  The service does it; words become a request, the answer is shown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "authd/accounts.h"
#include "authd/command.h"
#include "authd/command_show.h"
#include "authd/control.h"
#include "authd/qr.h"
#include "config/ini.h"
#include "config/legacy.h"
#include "method/mschap.h"
#include "tls/cert.h"

struct verb {
	const char *noun, *verb;
	const char *request;	  /* of the control socket */
	const char *target;	  /* what the word behind it is called; NULL: there is none */
	const char *show;	  /* the table that shows the answer; NULL: a sentence */
	const char *const *words; /* KEY=VALUE that may follow; ends with NULL */
};

static const char *const of_token[] = { "uses",	  "lifetime", "profile", "mac",
					"serial", "name",     "note",	 NULL };
static const char *const of_list[] = { "limit", NULL };
static const char *const of_revocation[] = { "reason", NULL };
static const char *const of_account[] = { "store", NULL };
static const char *const of_nothing[] = { NULL };

static const struct verb verbs[] = {
	{ "token", "create", "token-create", NULL, "token", of_token },
	{ "token", "list", "token-list", NULL, "tokens", of_list },
	{ "token", "revoke", "token-revoke", "TOKEN", NULL, of_nothing },
	{ "machine", "list", "machines", NULL, "machines", of_list },
	{ "machine", "show", "machine-show", "MACHINE", "machine", of_nothing },
	{ "machine", "revoke", "machine-revoke", "MACHINE", NULL, of_revocation },
	{ "machine", "renew", "machine-renew", "MACHINE", NULL, of_nothing },
	{ "account", "list", "account-list", NULL, "accounts", of_list },
	{ "account", "add", "account-add", "NAME", NULL, of_account },
	{ "account", "password", "account-password", "NAME", NULL, of_account },
	{ "account", "remove", "account-remove", "NAME", NULL, of_nothing },
};

static const struct verb *find_verb(const char *noun, const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].noun, noun) == 0 && strcmp(verbs[i].verb, word) == 0)
			return &verbs[i];
	}
	return NULL;
}

void command_enroll_offer(const char *noun, void (*offer)(const char *word, const char *prefix),
			  const char *prefix)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].noun, noun) == 0)
			offer(verbs[i].verb, prefix);
	}
}

static enum exit_status wrong_use(const struct cli *cli, const char *what, const char *why)
{
	return cli_fail(cli, USAGE, what, why, "See latchkey-authd(8).");
}

/* ---- words ---------------------------------------------------------------------------------- */

static bool add_number(json_t *request, const char *key, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	return !errno && end != text && !*end && n > 0 &&
	       json_object_set_new(request, key, json_integer(n)) == 0;
}

/* "12h", "7d" */
static bool add_span(json_t *request, const char *key, const char *text)
{
	static const struct ini_key span = { .type = &ini_msec,
					     .size = sizeof(msec),
					     .least = 60 * 1000,
					     .most = 1000LL * CONTROL_LIFETIME_MAX };
	msec parsed = 0;

	return ini_msec.parse(&span, text, &parsed) &&
	       json_object_set_new(request, key, json_integer((json_int_t)(parsed / 1000))) == 0;
}

/* One KEY=VALUE of those that the verb takes. */
static bool add_word(const struct verb *verb, json_t *request, const char *word)
{
	const char *equals = strchr(word, '='), *value;
	size_t len = equals ? (size_t)(equals - word) : 0;
	char key[16];

	if (!equals || len >= sizeof key || !equals[1])
		return false;
	memcpy(key, word, len);
	key[len] = '\0';
	value = equals + 1;
	for (const char *const *known = verb->words; *known; known++) {
		const char *name = strcmp(key, "mac") == 0 ? "station" : key;

		if (strcmp(*known, key) != 0)
			continue;
		if (json_object_get(request, name))
			return false;
		if (strcmp(key, "uses") == 0 || strcmp(key, "limit") == 0)
			return add_number(request, name, value);
		if (strcmp(key, "lifetime") == 0)
			return add_span(request, name, value);
		return json_object_set_new(request, name, json_string(value)) == 0;
	}
	return false;
}

/* ---- passwords ------------------------------------------------------------------------------ */

static bool read_line(const char *prompt, char *buffer, size_t size)
{
	struct termios before, silent;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	bool read;

	if (terminal) {
		fputs(prompt, stderr);
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	read = fgets(buffer, (int)size, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (read)
		buffer[strcspn(buffer, "\n")] = '\0';
	return read && *buffer;
}

static bool add_nt_hash(json_t *request, struct slice password)
{
	AUTO_STRUCT(legacy) legacy = NULL;
	uint8_t hash[MSCHAP_HASH_SIZE];
	char text[2 * sizeof hash + 1];
	bool done;

	if (legacy_new(&legacy) < 0 ||
	    mschap_password_hash(legacy_mschap(legacy), password, hash) != OK)
		return false;
	cert_hex(slice_of(hash, sizeof hash), text, sizeof text);
	done = json_object_set_new(request, "nt-hash", json_string(text)) == 0;
	explicit_bzero(hash, sizeof hash);
	explicit_bzero(text, sizeof text);
	return done;
}

/* The service never sees a password that it is not to keep as it is. */
static const char *add_password(json_t *request)
{
	AUTO(json_t) store = json_incref(json_object_get(request, "store"));
	const char *how = store ? json_string_value(store) : "hash";
	char password[ACCOUNT_SECRET_MAX + 2], again[ACCOUNT_SECRET_MAX + 2];
	char hash[ACCOUNT_HASH_MAX];
	const char *wrong = NULL;

	json_object_del(request, "store");
	if (strcmp(how, "hash") != 0 && strcmp(how, "nt-hash") != 0 &&
	    strcmp(how, "clear-text") != 0)
		return "store= is hash, nt-hash or clear-text";
	if (!read_line("Password: ", password, sizeof password))
		wrong = "there was no password";
	else if (strlen(password) > ACCOUNT_SECRET_MAX)
		wrong = "the password is longer than 256 octets";
	else if (isatty(STDIN_FILENO) &&
		 (!read_line("Again: ", again, sizeof again) || strcmp(password, again) != 0))
		wrong = "the two are not the same";
	else if (account_hash(slice_str(password), hash) != OK)
		wrong = "its hash cannot be computed";
	else if (json_object_set_new(request, "hash", json_string(hash)) < 0 ||
		 (strcmp(how, "nt-hash") == 0 && !add_nt_hash(request, slice_str(password))) ||
		 (strcmp(how, "clear-text") == 0 &&
		  (json_object_set_new(request, "clear-text", json_string(password)) < 0 ||
		   !add_nt_hash(request, slice_str(password)))))
		wrong = "it cannot be stored in this form";
	explicit_bzero(password, sizeof password);
	explicit_bzero(again, sizeof again);
	return wrong;
}

/* ---- what is said --------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void show_token(const struct cli *cli, const json_t *token)
{
	char until[32];

	printf("%s%s%s\n", cli_colour(cli, BOLD), text_of(token, "text"), cli_colour(cli, PLAIN));
	if (cli->terminal)
		qr_print(text_of(token, "text"), stdout);
	cli_note(cli,
		 "Token %s, good for %lld use(s) until %s. This is the only time that it is shown: "
		 "give it to the machine by `latchkeyctl enroll --token`.",
		 text_of(token, "token"),
		 (long long)json_integer_value(json_object_get(token, "uses")),
		 cli_time(json_integer_value(json_object_get(token, "expires")), until,
			  sizeof until));
}

static void say(const struct cli *cli, const struct verb *verb, const char *target,
		const json_t *result)
{
	long long sessions = (long long)json_integer_value(json_object_get(result, "sessions"));

	if (strcmp(verb->request, "machine-revoke") == 0)
		cli_note(cli, "%s: %lld credential(s) revoked, %lld session(s) ended.",
			 text_of(result, "machine"),
			 (long long)json_integer_value(json_object_get(result, "revoked")),
			 sessions);
	else if (strcmp(verb->request, "machine-renew") == 0)
		cli_note(cli, "%s is asked to renew; %lld session(s) authenticate anew.",
			 text_of(result, "machine"), sessions);
	else if (strcmp(verb->request, "account-remove") == 0)
		cli_note(cli, "%s is removed; %lld session(s) ended.", target, sessions);
	else if (strcmp(verb->request, "token-revoke") == 0)
		cli_note(cli, "The token is revoked. What it has brought stays good.");
	else
		cli_note(cli, "%s %s: done.", verb->verb, target);
	if (*text_of(result, "problem"))
		cli_note(cli, "Not every session could be ended: %s", text_of(result, "problem"));
}

/* What was done here holds all the same; but whoever wrote the command into a script should know.
 */
static enum exit_status say_ca(const struct cli *cli, const json_t *ca)
{
	long long asked = (long long)json_integer_value(json_object_get(ca, "asked"));
	long long revoked = (long long)json_integer_value(json_object_get(ca, "revoked"));
	char what[128], next[1024];

	if (!ca)
		return DONE;
	if (!*text_of(ca, "problem")) {
		if (!cli->json)
			cli_note(cli,
				 "The certification authority has revoked %lld certificate(s).",
				 revoked);
		return DONE;
	}
	snprintf(next, sizeof next,
		 "This server refuses the machine all the same; others that trust the authority "
		 "do not know of it. %s Then give the same command again.",
		 text_of(ca, "next"));
	if (cli->json)
		return FAILED;
	snprintf(what, sizeof what,
		 "the certification authority has revoked %lld of %lld certificate(s)", revoked,
		 asked);
	return cli_fail(cli, FAILED, what, text_of(ca, "problem"), next);
}

static void show(const struct cli *cli, const struct verb *verb, const char *target,
		 const json_t *result)
{
	if (!verb->show)
		say(cli, verb, target, result);
	else if (strcmp(verb->show, "token") == 0)
		show_token(cli, result);
	else
		command_show(cli, verb->show, result);
}

/* ---- the commands --------------------------------------------------------------------------- */

static enum exit_status build(const struct cli *cli, const struct verb *verb, int argc, char **argv,
			      json_t *request)
{
	int at = 2;

	if (verb->target) {
		if (argc < 3 || json_object_set_new(request, "target", json_string(argv[2])) < 0)
			return wrong_use(cli, verb->verb, "it needs to be said which one");
		at = 3;
	}
	for (; at < argc; at++) {
		if (!add_word(verb, request, argv[at]))
			return wrong_use(cli, argv[at],
					 *verb->words
						 ? "this word is not one that may stand here, or "
						   "has no such value"
						 : "nothing may follow here");
	}
	if (verb->words == of_account) {
		const char *wrong = add_password(request);

		if (wrong)
			return cli_fail(cli, USAGE, verb->verb, wrong,
					"It is asked for, or read from standard input.");
	}
	return DONE;
}

int command_enroll(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = { .program = "latchkey-authd", .json = options->json };
	const struct verb *verb = find_verb(argv[0], argc > 1 ? argv[1] : "list");
	AUTO(json_t) request = NULL;
	AUTO(json_t) result = NULL;
	enum exit_status status;
	char what[64];

	cli_look_at_terminal(&cli);
	if (!verb)
		return (int)wrong_use(&cli, argv[1], "there is no such word behind this command");
	request = json_pack("{s:s}", "command", verb->request);
	status = build(&cli, verb, argc, argv, request);
	if (status != DONE)
		return (int)status;
	snprintf(what, sizeof what, "cannot do %s %s", verb->noun, verb->verb);
	status = command_ask(&cli, options, what, request, &result);
	if (status == DONE && cli.json)
		status = cli_json(&cli, result);
	else if (status == DONE)
		show(&cli, verb, argc > 2 ? argv[2] : "", result);
	if (status == DONE)
		status = say_ca(&cli, json_object_get(result, "ca"));
	return (int)status;
}
