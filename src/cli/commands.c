#include "cli/command.h"

#include <string.h>

#define BIT(option) (1u << OPTION_##option)

/* clang-format off */
const struct option_row option_rows[OPTION_COUNT] = {
	[OPTION_HELP] = { "help", NULL, WORDS_NONE, "Show this help." },
	[OPTION_JSON] = { "json", NULL, WORDS_NONE, "Print JSON, with the names of D-Bus as keys." },
	[OPTION_WAIT] = { "wait", "[SECONDS]", WORDS_NONE,
		"Wait for the outcome, 60 seconds if not said otherwise." },
	[OPTION_CONFIG] = { "config", "FILE", WORDS_FILES,
		"The configuration of the service, if it is not the usual one." },
	[OPTION_KEYSTORE] = { "keystore", "DIR", WORDS_FILES,
		"The keystore, if it is not the one that the configuration names." },
	[OPTION_PASSPHRASE_FILE] = { "passphrase-file", "FILE", WORDS_FILES,
		"Read the passphrase from the first line of a file." },
	[OPTION_KEY] = { "key", "FILE", WORDS_FILES, "The private key, if it is in a file of its own." },
	[OPTION_KEY_URI] = { "key-uri", "URI", WORDS_NONE,
		"The private key stays where this URI says (pkcs11:...)." },
	[OPTION_OUTPUT] = { "output", "FILE", WORDS_FILES,
		"Write to a file instead of standard output." },
	[OPTION_SECRET] = { "secret", NULL, WORDS_NONE, "What is to be kept secret: a password, or a symmetric key." },
	[OPTION_TOKEN] = { "token", "TEXT", WORDS_NONE,
		"The token itself. Others see what is on a command line: better is --token-file." },
	[OPTION_TOKEN_FILE] = { "token-file", "FILE", WORDS_FILES,
		"Read the token from the first line of a file, or from standard input if it is -." },
	[OPTION_FACTORY] = { "factory", "CREDENTIAL", WORDS_CREDENTIALS,
		"Show a credential that the machine's maker has put into the keystore, in place of a token." },
	[OPTION_NAME] = { "name", "NAME", WORDS_NONE, "The name to ask for in the certificate." },
	[OPTION_PROFILE] = { "profile", "KIND", WORDS_NONE,
		"The kind of credential to ask for, by the server's name for it." },
	[OPTION_VERSION] = { "version", NULL, WORDS_NONE, "The same as the command version." },
};

static const struct command credentials_commands[] = {
	{ "list", "", 0, 0, WORDS_NONE, WORDS_NONE, BIT(KEYSTORE),
	  "List the credentials in the keystore.", NULL, cmd_credentials_list, NULL },
	{ "show", "NAME", 1, 1, WORDS_CREDENTIALS, WORDS_NONE, BIT(KEYSTORE),
	  "Show all that is known of one.", NULL, cmd_credentials_show, NULL },
	{ "import", "NAME FILE...", 2, -1, WORDS_CREDENTIALS, WORDS_FILES,
	  BIT(KEYSTORE) | BIT(KEY) | BIT(KEY_URI) | BIT(PASSPHRASE_FILE),
	  "Import a certificate, its chain and its key.",
	  "From one file or several: PEM, DER, PKCS#8 or PKCS#12. A name that is there already gets a new "
	  "generation. The passphrase of an encrypted file comes from --passphrase-file, from the systemd "
	  "credential called NAME, or is asked for.",
	  cmd_credentials_import, NULL },
	{ "export", "NAME", 1, 1, WORDS_CREDENTIALS, WORDS_NONE, BIT(KEYSTORE) | BIT(OUTPUT) | BIT(SECRET),
	  "Write the certificate and its chain as PEM.",
	  "Never its key. With --secret a password as it is, or a symmetric key in hex; a file that is made for it is "
	  "its owner's alone.", cmd_credentials_export, NULL },
	{ "remove", "NAME", 1, 1, WORDS_CREDENTIALS, WORDS_NONE, BIT(KEYSTORE),
	  "Remove one with all its generations.", NULL, cmd_credentials_remove, NULL },
	{ NULL }
};

static const struct command commands[] = {
	{ "status", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE, 0,
	  "Show the state of one port, or of all.", NULL, cmd_status, NULL },
	{ "list", "", 0, 0, WORDS_NONE, WORDS_NONE, 0,
	  "List the ports, one on each line.", NULL, cmd_list, NULL },
	{ "connect", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE, BIT(WAIT),
	  "Start authentication.", "Also on a port that was disconnected or is held.", cmd_connect, NULL },
	{ "disconnect", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE, 0,
	  "Log off, and leave the port alone until connect.", NULL, cmd_disconnect, NULL },
	{ "reauth", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE, BIT(WAIT),
	  "Authenticate anew on a port that is open.", NULL, cmd_reauth, NULL },
	{ "enroll", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE,
	  BIT(TOKEN) | BIT(TOKEN_FILE) | BIT(FACTORY) | BIT(NAME) | BIT(PROFILE) | BIT(WAIT),
	  "Get a credential from the network itself.",
	  "Over the port, before it is open: with a token that the network's operator has made, or a factory "
	  "credential; without either, with what the profile names, which needs a section [Enroll]. Follows "
	  "step by step until the port is open with the new credential, for three minutes if --wait does not "
	  "say otherwise. With --json, one object on each line.", cmd_enroll, NULL },
	{ "renew", "[PORT|CREDENTIAL]", 0, 1, WORDS_PORTS, WORDS_NONE, BIT(WAIT),
	  "Renew a credential now.",
	  "Over a port that it has opened, which stays open. The certificate in use is kept until the new one "
	  "has opened the port. With --json, one object on each line.", cmd_renew, NULL },
	{ "monitor", "", 0, 0, WORDS_NONE, WORDS_NONE, 0,
	  "Show what happens, as it happens.",
	  "Runs until it is interrupted. With --json, one object on each line.", cmd_monitor, NULL },
	{ "profiles", "", 0, 0, WORDS_NONE, WORDS_NONE, 0,
	  "List the profiles, and what is wrong with them.", NULL, cmd_profiles, NULL },
	{ "credentials", "COMMAND", 0, 0, WORDS_NONE, WORDS_NONE, 0,
	  "List, show, import, export and remove credentials.",
	  "Works on the keystore itself; the service need not run.", NULL, credentials_commands },
	{ "check", "[FILE...]", 0, -1, WORDS_FILES, WORDS_FILES,
	  BIT(KEYSTORE),
	  "Check configuration, profiles and credentials.",
	  "Everything that a start of the service would check, without starting it: keys and values, that "
	  "key and certificate fit, that the chain is complete, dates, trust anchors and names. With files, "
	  "only these: profiles, or the configuration if the name ends in .conf.",
	  cmd_check, NULL },
	{ "diagnose", "[PORT]", 0, 1, WORDS_PORTS, WORDS_NONE, 0,
	  "Find out why a port does not open.",
	  "What the service knows, with its evidence, and what can be seen from here.", cmd_diagnose, NULL },
	{ "log-level", "[LEVEL]", 0, 1, WORDS_LEVELS, WORDS_NONE, 0,
	  "Show or set the log level of the service.",
	  "One of error, warning, notice, info, debug.", cmd_log_level, NULL },
	{ "version", "", 0, 0, WORDS_NONE, WORDS_NONE, 0,
	  "Show the versions of this program and of the service.", NULL, cmd_version, NULL },
	{ NULL }
};

const struct command root_command = {
	"latchkeyctl", "COMMAND", 0, 0, WORDS_NONE, WORDS_NONE, BIT(VERSION),
	"Control latchkeyd, which lets this machine into 802.1X networks.",
	"Where there is only one port, PORT may be left out. The exit status is 0 when it is done, 1 when "
	"it failed, 2 for a wrong command line, 3 when you may not do it, 4 when there is no service.",
	NULL, commands
};
/* clang-format on */

const struct command *command_find(const struct command *from, char **words, int count,
				   int *ret_used)
{
	*ret_used = 0;
	while (from->sub && *ret_used < count) {
		const struct command *next = from->sub;

		while (next->name && strcmp(next->name, words[*ret_used]) != 0)
			next++;
		if (!next->name)
			break;
		from = next;
		++*ret_used;
	}
	return from;
}
