/* check: what a start of the service would find, without starting it. */
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/arm.h"
#include "authd/command.h"
#include "authd/port_config.h"
#include "authd/radsec_tls.h"
#include "authd/server_config.h"
#include "config/legacy.h"
#include "console/output.h"
#include "drivers/loop.h"
#include "service/sandbox.h"

#define INSTALLED CONF_DIR "/authd/latchkey-authd.conf"

struct findings {
	struct ini_errors *errors; /* for which a start fails */
	json_t *notes;		   /* sentences: what can be meant, and seldom is */
	struct diagnosis why;	   /* the same of what is not in a file, or a warning */
};

static size_t count_of(const struct config *config, enum config_kind_id kind)
{
	return config->objects[kind].count;
}

/* ---- what is around the files --------------------------------------------------------------- */

static void wrong(struct findings *f, const struct config *config, const char *key,
		  const char *subject, const char *problem)
{
	ini_errors_add(f->errors, config->path, 0, key, "%s: %s.", subject, problem);
}

/* The address is one of this machine, which another port than the real one tells as well. */
static void check_addresses(struct findings *f, const struct config *config, const char *key,
			    const struct addresses *addresses)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < addresses->count; i++) {
		union address at = addresses->address[i];
		int fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		address_set_port(&at, 0);
		if (fd < 0 || bind(fd, &at.sa, address_size(&at)) < 0)
			wrong(f, config, key, address_text(&addresses->address[i], false, text),
			      errno == EADDRNOTAVAIL ? "this machine has no such address"
						     : strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

/* A file that is written, and made when it is not there. */
static void check_writable(struct findings *f, const struct config *config, const char *key,
			   const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO(char)
	directory = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : NULL;

	if (access(path, F_OK) == 0 ? access(path, R_OK | W_OK) < 0
				    : !directory || access(directory, W_OK | X_OK) < 0)
		wrong(f, config, key, path,
		      errno == ENOENT ? "there is no such directory" : strerror(errno));
}

static void check_main(struct findings *f, const struct config *config)
{
	const struct authd_settings *s = &config->settings;

	if (s->control_group && !getgrnam(s->control_group))
		wrong(f, config, "[Service] ControlGroup=", s->control_group,
		      "there is no such group");
	if (s->database && s->database[0] == '/')
		check_writable(f, config, "[Registry] Database=", s->database);
	if (s->resumption == RESUMPTION_TICKETS && s->ticket_key_file)
		check_writable(f, config, "[Tls] TicketKeyFile=", s->ticket_key_file);
	check_addresses(f, config, "[Radius] Listen=", &s->listen);
	check_addresses(f, config, "[Radius] AccountingListen=", &s->accounting_listen);
	check_addresses(f, config, "[Radius] RadSecListen=", &s->radsec_listen);
	check_addresses(f, config, "[Radius] DynamicAuthorizationListen=", &s->dynamic_listen);
	check_addresses(f, config, "[Metrics] Listen=", &s->metrics_listen);
}

/* ---- what it is made of --------------------------------------------------------------------- */

static int check_staple(struct findings *f, const struct config *config)
{
	X509 *cert = NULL, *issuer = NULL;
	int error = arming_certificates(config, &cert, &issuer, &f->why);

	if (error == 0 && !issuer)
		wrong(f, config, "[Tls] OcspStaple=", config->settings.credential,
		      "the certificate of its authority is not in the credential; import it along");
	X509_free(cert);
	X509_free(issuer);
	return error;
}

static int check_radsec(struct findings *f, struct config *config)
{
	const struct authd_settings *s = &config->settings;
	struct radsec_tls_settings settings = {
		.role = CERT_SERVER,
		.credential = s->radsec_credential ? s->radsec_credential : s->credential,
		.anchors = &s->radsec_client_anchors,
		.file = config->path,
	};
	AUTO_STRUCT(radsec_tls) tls = NULL;
	int error = s->radsec_listen.count ? radsec_tls_new(config, &settings, &tls, &f->why) : 0;

	for (size_t i = 0; error == 0 && i < count_of(config, CONFIG_SERVERS); i++) {
		const struct server_config *server = config->objects[CONFIG_SERVERS].item[i];
		AUTO_STRUCT(radsec_tls) link = NULL;

		settings = (struct radsec_tls_settings){ .role = CERT_CLIENT,
							 .credential = server->credential,
							 .anchors = &server->anchors,
							 .names = &server->names,
							 .file = server->object.path };
		if (server->transport == SERVER_TLS)
			error = radsec_tls_new(config, &settings, &link, &f->why);
	}
	return error;
}

static int check_arms(struct findings *f, struct config *config)
{
	AUTO_STRUCT(legacy) legacy = NULL;
	AUTO_STRUCT(arming) arming = NULL;
	int error = legacy_new(&legacy) == -ENOMEM ? -ENOMEM : 0;

	if (error == 0)
		error = arming_new(config, legacy_mschap(legacy), loop_now().wall, &arming,
				   &f->why);

	if (error == 0 && config->settings.credential &&
	    (config->settings.staple == STAPLE_FILE || config->settings.staple == STAPLE_FETCH))
		error = check_staple(f, config);
	if (error == 0)
		error = check_radsec(f, config);
	if (error == 0)
		f->why = arming->warning;
	return error;
}

/* ---- what is likely not meant --------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void note(struct findings *f, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_array_append_new(f->notes, json_string(text));
}

static void note_port(struct findings *f, const struct config *config,
		      const struct port_config *port)
{
	const struct words *interfaces = &port->interfaces;

	for (size_t i = 0; i < interfaces->count; i++) {
		if (!strpbrk(interfaces->word[i], "*?[") && !if_nametoindex(interfaces->word[i]))
			note(f,
			     "port %s: there is no interface %s now; it is guarded when it comes.",
			     port->object.name, interfaces->word[i]);
	}
	if (port->bridge && !if_nametoindex(port->bridge))
		note(f, "port %s: there is no bridge %s now; its ports are guarded when they come.",
		     port->object.name, port->bridge);
	if (port->control != CONTROL_AUTO)
		return;
	if (port->server == PORT_SERVER_RADIUS && count_of(config, CONFIG_SERVERS) == 0)
		note(f,
		     "port %s: Server=radius, and there is no file in servers.d: nobody is let in.",
		     port->object.name);
	if (port->server == PORT_SERVER_LOCAL && !config->settings.credential)
		note(f,
		     "port %s: nobody is let in without [Tls] Credential= in latchkey-authd.conf, "
		     "or Server=radius.",
		     port->object.name);
}

static void take_notes(struct findings *f, const struct config *config)
{
	const struct authd_settings *s = &config->settings;
	size_t clients = count_of(config, CONFIG_CLIENTS), ports = count_of(config, CONFIG_PORTS);
	bool listens = s->listen.count > 0 || s->radsec_listen.count > 0;

	for (size_t i = 0; i < ports; i++)
		note_port(f, config, config->objects[CONFIG_PORTS].item[i]);
	if (listens && clients == 0)
		note(f, "RADIUS is answered to nobody: there is no file in clients.d.");
	if (!listens && clients > 0)
		note(f, "The files in clients.d are of no use without [Radius] Listen= or "
			"RadSecListen=.");
	if (!listens && ports == 0)
		note(f, "There is nothing to do: no file in ports.d, and no [Radius] Listen=. See "
			"latchkey-authd(8), \"A first server, step by step\".");
}

/* ---- what is told --------------------------------------------------------------------------- */

static json_t *errors_json(const struct ini_errors *errors)
{
	json_t *all = json_array();

	for (size_t i = 0; i < errors->count; i++) {
		const struct ini_error *e = &errors->error[i];

		json_array_append_new(all,
				      json_pack("{s:s, s:i, s:s, s:s}", "file",
						e->file ? e->file : "", "line", e->line, "key",
						e->key, "message", e->message ? e->message : ""));
	}
	return all;
}

static void print_json(const struct cli *cli, const struct findings *f, const struct config *config,
		       bool usable)
{
	AUTO(json_t)
	all = json_pack("{s:b, s:o, s:O, s:o}", "usable", usable, "errors", errors_json(f->errors),
			"notes", f->notes, "diagnosis",
			f->why.id == DIAG_NONE ? json_null() : cli_diagnosis_json(&f->why));
	AUTO(json_t) objects = json_object();

	for (int i = 0; config && i < CONFIG_KINDS; i++) {
		char name[16];

		snprintf(name, sizeof name, "%.*ss",
			 (int)strlen(config_kind((enum config_kind_id)i)->suffix + 1),
			 config_kind((enum config_kind_id)i)->suffix + 1);
		json_object_set_new(objects, name,
				    json_integer((json_int_t)config->objects[i].count));
	}
	if (config)
		json_object_set(all, "objects", objects);
	(void)cli_json(cli, all);
}

static void print_text(const struct cli *cli, const struct findings *f, const struct config *config,
		       bool usable)
{
	AUTO(json_t) diagnosis = cli_diagnosis_json(&f->why);
	char counts[CONFIG_KINDS][32];
	json_t *sentence;
	size_t i;

	for (i = 0; i < f->errors->count; i++) {
		const struct ini_error *e = &f->errors->error[i];

		cli_file_error(cli, e->file, e->line, e->key, e->message);
	}
	if (f->errors->dropped > 0)
		cli_note(cli, "%zu more errors.", f->errors->dropped);
	if (f->why.id != DIAG_NONE) {
		cli_note(cli,
			 "%s:", diagnosis_text(f->why.id)->reduced ? "Usable, but" : "Not usable");
		cli_diagnosis_print(cli, 2, diagnosis);
	}
	json_array_foreach(f->notes, i, sentence)
		cli_note(cli, "Note: %s", json_string_value(sentence));
	if (!usable || f->why.id != DIAG_NONE || json_array_size(f->notes) > 0)
		return;
	for (i = 0; i < CONFIG_KINDS; i++)
		cli_count(count_of(config, (enum config_kind_id)i),
			  config_kind((enum config_kind_id)i)->what, counts[i], sizeof counts[i]);
	cli_note(cli, "All is well: %s, %s, %s, %s.", counts[CONFIG_PORTS], counts[CONFIG_CLIENTS],
		 counts[CONFIG_SERVERS], counts[CONFIG_RULES]);
}

/* ---- all of it ------------------------------------------------------------------------------ */

int command_as_service(const struct command_options *options, struct diagnosis *why)
{
	static const int none[] = { -1 };
	const char *user = options->user;

	if (!user && strcmp(options->config_path, INSTALLED) == 0 && getpwnam(AUTHD_USER))
		user = AUTHD_USER;
	return user && geteuid() == 0 ? sandbox_privileges(user, none, why) : 0;
}

static bool look(struct findings *f, const struct command_options *options,
		 struct config **ret_config)
{
	if (command_as_service(options, &f->why) < 0 ||
	    config_load(options->config_path, ret_config, f->errors) < 0)
		return false;

	int error = check_arms(f, *ret_config);

	check_main(f, *ret_config);
	take_notes(f, *ret_config);
	return error == 0 && f->errors->count == 0;
}

int command_check(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = { .program = "latchkey-authd", .json = options->json };
	struct findings f = { calloc(1, sizeof *f.errors), json_array(), { 0 } };
	AUTO_STRUCT(config) config = NULL;
	bool usable;

	cli_look_at_terminal(&cli);
	if (argc > 1 || !f.errors || !f.notes) {
		free(f.errors);
		json_decref(f.notes);
		return (int)cli_fail(&cli, argc > 1 ? USAGE : FAILED, argv[0],
				     argc > 1 ? "this command takes no argument"
					      : "there is no memory left",
				     argc > 1 ? "See `latchkey-authd --help`." : NULL);
	}
	usable = look(&f, options, &config);
	(options->json ? print_json : print_text)(&cli, &f, config, usable);
	ini_errors_done(f.errors);
	free(f.errors);
	json_decref(f.notes);
	return usable ? (int)DONE : (int)FAILED;
}
