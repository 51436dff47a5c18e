/* ports.d/NAME.port: the keys, and what they mean together. */
#include <fnmatch.h>
#include <net/if.h>
#include <string.h>

#include "authd/config_types.h"
#include "authd/port_config.h"
#include "drivers/gate.h"

static bool parse_interface(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strlen(text) < IF_NAMESIZE && !strchr(text, '/') && ini_keep_text(text, field);
}

static bool parse_template(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return gate_bridge_valid(text) && ini_keep_text(text, field);
}

/* clang-format off */
static const struct ini_type
	interface_name = {
		.shown = "interface", .expected = "the name of an interface", .parse = parse_interface,
		.print = ini_print_text, .clear = ini_clear_text },
	bridge_template = {
		.shown = "name", .expected = "the name of a bridge with %v in it once, such as br%v, of 15 letters at most "
		"when a number of four digits stands in place of %v",
		.parse = parse_template, .print = ini_print_text, .clear = ini_clear_text };

static const struct ini_word modes[] = {
	{ "single", PORT_SINGLE }, { "multi", PORT_MULTI }, { "any", PORT_ANY }, { NULL, 0 } };
static const struct ini_word controls[] = {
	{ "auto", CONTROL_AUTO }, { "force-authorized", CONTROL_FORCE_AUTHORIZED },
	{ "force-unauthorized", CONTROL_FORCE_UNAUTHORIZED }, { NULL, 0 } };
static const struct ini_word servers[] = {
	{ "local", PORT_SERVER_LOCAL }, { "radius", PORT_SERVER_RADIUS }, { NULL, 0 } };
static const struct ini_word never[] = { { "never", 0 }, { NULL, 0 } };
static const struct ini_word none[] = { { "none", 0 }, { NULL, 0 } };

#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct port_config, field_)
#define SECONDS 1000LL
#define DAYS	(86400 * SECONDS)

static const struct ini_key keys[] = {
	{ KEY("Match", "Interface", config_globs, interfaces),
	  .doc = "The interfaces that are guarded. Where several files mean one interface, the first by its name counts." },
	{ KEY("Match", "Bridge", interface_name, bridge),
	  .doc = "All ports of this bridge are guarded, also those that are added later." },

	{ KEY("Port", "Mode", ini_enum, mode), .words = modes, .fallback = "single",
	  .doc = "`single` lets one machine in and nobody else; `multi` authenticates each machine behind the port by "
		"itself, told apart by their hardware addresses, which anybody can copy; `any` lets everybody behind "
		"the port in when one machine has been." },
	{ KEY("Port", "Control", ini_enum, control), .words = controls, .fallback = "auto",
	  .doc = "`auto` asks the machines; `force-authorized` leaves the port open to all, `force-unauthorized` closed, "
		"and machines that ask are told so." },
	{ KEY("Port", "MaximumMachines", ini_number, machines), .least = 1, .most = PORT_MACHINES_MAX, .fallback = "32",
	  .doc = "How many machines may be behind a port in mode `multi`." },
	{ KEY("Port", "EapolVersion", ini_number, eapol_version), .least = 1, .most = 3, .fallback = "2",
	  .doc = "The version of EAPOL that is sent; all are understood." },
	{ KEY("Port", "QuietPeriod", ini_msec, quiet_period), .least = 1, .most = 1 * DAYS, .fallback = "1min",
	  .doc = "How long a machine that was refused is not listened to." },
	{ KEY("Port", "RequestPeriod", ini_msec, request_period), .least = 1 * SECONDS, .most = 1 * DAYS, .words = never,
	  .fallback = "30s",
	  .doc = "How long to wait before a port at which nobody answers is asked again. A machine that sends a Start is "
		"answered at once; with `never`, only such." },
	{ KEY("Port", "Requests", ini_number, requests), .least = 1, .most = 10, .fallback = "2",
	  .doc = "How many conversations nobody has to answer before RequestPeriod= is waited for, or before a machine "
		"that is asked again is taken to be gone." },
	{ KEY("Port", "ReauthPeriod", ini_msec, reauth_period), .least = 10 * SECONDS, .most = 365 * DAYS, .words = never,
	  .fallback = "never",
	  .doc = "After what time a machine has to authenticate again. What the server says for a session counts more." },
	{ KEY("Port", "StartsPerSecond", ini_number, starts_per_second), .least = 1, .most = 10000, .fallback = "10",
	  .doc = "How many conversations may be begun at a port in a second. What is above it is dropped and counted." },
	{ KEY("Port", "FramesPerSecond", ini_number, frames_per_second), .least = 10, .most = 100000, .fallback = "500",
	  .doc = "How many EAPOL frames of a port are looked at in a second. What is above it is dropped and counted." },
	{ KEY("Port", "NasIdentifier", ini_text, nas_identifier),
	  .doc = "What this port calls itself to the server; the host's name unless it is set." },

	{ KEY("Eap", "Server", ini_enum, server), .words = servers, .fallback = "local",
	  .doc = "Who decides: this server itself, or the RADIUS servers of `servers.d`." },
	{ KEY("Eap", "MaximumRetransmissions", ini_number, max_retrans), .least = 1, .most = 20, .fallback = "4",
	  .doc = "How often a Request is repeated before the machine is taken to be silent." },
	{ KEY("Eap", "RetransmitAfter", ini_msec, retransmit_after), .least = 10, .most = 10 * SECONDS, .fallback = "1s",
	  .doc = "How long a machine has to answer, at the least, before a Request is repeated. A machine that is "
		"slow, or silent, gets up to twenty times as much (RFC 3748, section 4.3); less than a second is for "
		"cables that lose frames." },
	{ KEY("Eap", "ServerTimeout", ini_msec, server_timeout), .least = 1 * SECONDS, .most = 600 * SECONDS,
	  .fallback = "30s", .doc = "How long to wait for the server." },

	{ KEY("Vlan", "Authorised", ini_number, authorised_vlan), .least = 1, .most = 4094, .words = none, .fallback = "none",
	  .doc = "The VLAN that the port is put into while machines are let in, unless the server names another one." },
	{ KEY("Vlan", "Unauthenticated", ini_number, unauthenticated_vlan), .least = 1, .most = 4094, .words = none,
	  .fallback = "none",
	  .doc = "The VLAN that the port is put into, open to everybody, while nobody is let in: when nobody has answered "
		"or a machine was refused. What it leads to has to be fit for strangers. Without it such a port is closed." },
	{ KEY("Vlan", "BridgeTemplate", bridge_template, bridge_template),
	  .doc = "The bridge of each VLAN, with %v for its number. Not needed where the port is in a bridge that "
		"filters by VLAN." },
	{ KEY("Vlan", "CreateBridges", ini_bool, create_bridges), .fallback = "no",
	  .doc = "Whether a bridge that is not there is made, and removed when no port is in it any more." },

	{ KEY("Accounting", "Interim", ini_msec, interim), .least = 60 * SECONDS, .most = 1 * DAYS, .words = none,
	  .fallback = "none", .doc = "How often it is told what a session has come to, unless the server says." },
};
/* clang-format on */

static const struct ini_table table = { keys, sizeof keys / sizeof keys[0] };

static void check_port(void *object, const struct config_check *check)
{
	const struct port_config *port = object;

	if (port->interfaces.count == 0 && !port->bridge && config_unset(check, "Interface") &&
	    config_unset(check, "Bridge"))
		config_wrong(check, "Interface",
			     "is missing, and so is Bridge=: name the interfaces to be guarded.");
	if (port->mode == PORT_MULTI && port->authorised_vlan)
		config_wrong(check, "Authorised",
			     "contradicts Mode=multi: a port as a whole is in a VLAN, and several "
			     "machines would share it.");
	if (port->mode == PORT_MULTI && port->unauthenticated_vlan)
		config_wrong(check, "Unauthenticated",
			     "contradicts Mode=multi: strangers and machines that are let in "
			     "would share the port.");
	if (port->control != CONTROL_AUTO && port->unauthenticated_vlan)
		config_wrong(check, "Unauthenticated", "is for Control=auto only.");
	if (port->create_bridges && !port->bridge_template && config_unset(check, "BridgeTemplate"))
		config_wrong(check, "CreateBridges", "needs BridgeTemplate= for their names.");
	if (port->control == CONTROL_FORCE_AUTHORIZED && port->authorised_vlan)
		config_wrong(check, "Authorised", "is for Control=auto only.");
}

const struct config_kind port_kind = {
	.what = "port",
	.directory = "ports.d",
	.suffix = ".port",
	.table = &table,
	.size = sizeof(struct port_config),
	.check = check_port,
};

static bool means(const struct port_config *port, const char *interface, const char *bridge)
{
	if (port->bridge && bridge && strcmp(port->bridge, bridge) == 0)
		return true;
	for (size_t i = 0; i < port->interfaces.count; i++) {
		if (fnmatch(port->interfaces.word[i], interface, 0) == 0)
			return true;
	}
	return false;
}

const struct port_config *config_port(const struct config *config, const char *interface,
				      const char *bridge)
{
	const struct config_objects *ports = &config->objects[CONFIG_PORTS];

	for (size_t i = 0; i < ports->count; i++) {
		if (means(ports->item[i], interface, bridge))
			return ports->item[i];
	}
	return NULL;
}
