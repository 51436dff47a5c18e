#include "dbus/interface.h"

#include <string.h>

#include "dbus/bus.h"

/* clang-format off */

/* ---- Manager ------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct manager_view, field)
static const struct property manager_properties[] = {
	{ "Version", VALUE_TEXT, PROPERTY_CONSTANT, AT(version), "The version of the service." },
	{ "Keystore", VALUE_TEXT, 0, AT(keystore), "The directory that holds the credentials." },
	{ "LogLevel", VALUE_TEXT, PROPERTY_WRITABLE, AT(log_level),
	  "One of error, warning, notice, info, debug. What is set here lasts until the service is "
	  "reloaded or restarted." },
	{ "StartedAt", VALUE_TIME, PROPERTY_CONSTANT, AT(started), "When the service started." },
	{ NULL }
};
#undef AT

static const struct method manager_methods[] = {
	{ "Reload", CALL_RELOAD, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Reads configuration, profiles and credentials anew. Ports whose profile and credential did not "
	  "change stay authenticated. ReloadFailed tells what is wrong: with the file of "
	  "the service or the keystore, then nothing has changed; with a profile, then that one is left out." },
	{ "GetPort", CALL_GET_PORT, NEED_NOTHING, { { "interface", "s" } }, { { "port", "o" } },
	  "The port of a network interface, by the interface's name." },
	{ "ListPorts", CALL_LIST_PORTS, NEED_NOTHING, { { 0 } }, { { "ports", "ao" } }, "All ports." },
	{ NULL }
};

const struct interface interface_manager = {
	BUS_NAME ".Manager", "The service as a whole.",
	manager_properties, manager_methods, NULL
};

/* ---- Port ---------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct port_view, field)
static const struct property port_properties[] = {
	{ "Interface", VALUE_TEXT, 0, AT(interface), "The name of the network interface." },
	{ "Index", VALUE_UNSIGNED, PROPERTY_CONSTANT, AT(index),
	  "Its index, which stays the same when it is renamed." },
	{ "MACAddress", VALUE_TEXT, 0, AT(mac), "Its address, as 02:00:00:00:00:01." },
	{ "Carrier", VALUE_BOOL, 0, AT(carrier), "Whether there is a link." },
	{ "State", VALUE_WORD, 0, AT(state),
	  "Where the port stands, in a word: down, connecting, authenticating, enrolling, authorised, held, "
	  "disconnected, unanswered, port-taken, waiting (for a credential) or failed." },
	{ "PAEState", VALUE_WORD, 0, AT(pae_state),
	  "The state of the IEEE 802.1X supplicant machine, by its name in the standard." },
	{ "EAPState", VALUE_WORD, 0, AT(eap_state), "The state of the RFC 4137 peer machine." },
	{ "Authorised", VALUE_BOOL, 0, AT(authorised), "Whether the port is open for traffic." },
	{ "Profile", VALUE_TEXT, 0, AT(profile), "The name of the profile in use; empty if none." },
	{ "Method", VALUE_TEXT, 0, AT(method), "The EAP method; empty before one is agreed." },
	{ "InnerMethod", VALUE_TEXT, 0, AT(report.inner), "What ran inside of a tunnel; empty without one." },
	{ "Identity", VALUE_TEXT, PROPERTY_PRIVATE, AT(identity), "The outer identity that we give." },
	{ "TLSVersion", VALUE_TEXT, 0, AT(report.tls_version), "As TLSv1.3; empty if there is none." },
	{ "Cipher", VALUE_TEXT, 0, AT(report.tls_cipher), "The TLS cipher suite." },
	{ "Resumed", VALUE_BOOL, 0, AT(report.resumed), "Whether an earlier TLS session was resumed." },
	{ "ServerSubject", VALUE_TEXT, 0, AT(report.server_subject),
	  "The subject of the server's certificate." },
	{ "ServerFingerprint", VALUE_TEXT, 0, AT(report.server_fingerprint),
	  "The SHA-256 fingerprint of that certificate, in hex." },
	{ "ServerExpiry", VALUE_TIME, 0, AT(report.server_not_after),
	  "When that certificate expires; 0 if unknown." },
	{ "Credential", VALUE_TEXT, 0, AT(credential), "The name of our credential." },
	{ "Generation", VALUE_UNSIGNED, 0, AT(generation), "Which of its generations is in use." },
	{ "CredentialExpiry", VALUE_TIME, 0, AT(credential_expiry),
	  "When our certificate expires; 0 if there is none." },
	{ "LastSuccess", VALUE_TIME, 0, AT(last_success),
	  "When the port was last authorised; 0 for never." },
	{ "Duration", VALUE_COUNT, 0, AT(duration_ms),
	  "How long the last successful attempt took, in milliseconds." },
	{ "Counters", VALUE_COUNTERS, PROPERTY_QUIET, 0,
	  "Frames, attempts and what was discarded, by name. Announced together with other changes only: "
	  "whoever wants exact figures asks." },
	{ "Diagnosis", VALUE_DIAGNOSIS, 0, AT(diagnosis),
	  "Why the port is not, or not fully, what it should be; empty when all is well." },
	{ NULL }
};
#undef AT

static const struct method port_methods[] = {
	{ "Connect", CALL_CONNECT, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Starts authentication, also on a port that was disconnected or is held." },
	{ "Disconnect", CALL_DISCONNECT, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Logs off and leaves the port alone until Connect." },
	{ "Reauthenticate", CALL_REAUTHENTICATE, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Authenticates anew; the port stays open meanwhile if the switch leaves it so." },
	{ "Diagnose", CALL_DIAGNOSE, NEED_PRIVATE, { { 0 } }, { { "diagnosis", "a{sv}" } },
	  "The property Diagnosis, as it is now." },
	{ "Enroll", CALL_ENROLL, NEED_CONTROL, { { "token", "h" }, { "options", "a{ss}" } }, { { 0 } },
	  "Gets a credential from the network, also where there is one already. The token is read from the "
	  "descriptor, a pipe whose writing end is closed, so that nobody who listens to the bus sees it; "
	  "empty, what the profile names is used. Options: factory, the name of a factory credential to be "
	  "used instead of a token; name, the common name that is asked for; profile, the kind of credential "
	  "by the server's name for it. EnrollmentProgress tells how it goes. InvalidArguments tells what is "
	  "wrong with the token, or which option there is not." },
	{ "Renew", CALL_RENEW, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Renews the credential of this port now, while it stays open." },
	{ NULL }
};

static const struct signal_row port_signals[] = {
	{ "AttemptEnded", { { "success", "b" }, { "diagnosis", "a{sv}" } },
	  "An attempt to authenticate has ended. The diagnosis of a success is empty unless the assurance "
	  "is reduced." },
	{ "EnrollmentProgress", { { "step", "s" }, { "detail", "s" }, { "diagnosis", "a{sv}" } },
	  "An enrollment or renewal on this port has got a step further: tunnel, authorized, key-generated, "
	  "request-sent, received, checked, stored, validated, activated, removed; and at its end done or failed, "
	  "with the diagnosis of a failure. fell-back: a renewed certificate did not open the port, and the old one "
	  "is back. waiting: nothing happens now, and the detail tells what has to happen first." },
	{ NULL }
};

const struct interface interface_port = {
	BUS_NAME ".Port", "One network interface and its authentication.",
	port_properties, port_methods, port_signals
};

/* ---- Profile ------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct profile_view, field)
static const struct property profile_properties[] = {
	{ "Name", VALUE_TEXT, PROPERTY_CONSTANT, AT(name), "The name of the file without .profile." },
	{ "Path", VALUE_TEXT, 0, AT(path), "The file." },
	{ "Priority", VALUE_INT, 0, AT(priority), "Of several that match, the highest is taken." },
	{ "Usable", VALUE_BOOL, 0, AT(usable), "Whether a port can authenticate with it." },
	{ "Credential", VALUE_TEXT, 0, AT(credential), "The name of the credential that it uses." },
	{ "Identity", VALUE_TEXT, PROPERTY_PRIVATE, AT(identity), "The identity that it gives." },
	{ "Diagnosis", VALUE_DIAGNOSIS, 0, AT(diagnosis),
	  "Why it is not usable, or a warning; empty when all is well." },
	{ NULL }
};
#undef AT

const struct interface interface_profile = {
	BUS_NAME ".Profile", "One file of profiles.d.", profile_properties, NULL, NULL
};

/* ---- Credential ---------------------------------------------------------------------------- */

#define AT(field) offsetof(struct credential_info, field)
static const struct property credential_properties[] = {
	{ "Name", VALUE_TEXT, PROPERTY_CONSTANT, AT(name), "Its name in the keystore." },
	{ "Kind", VALUE_WORD, 0, AT(kind_name), "What it is: certificate, password (with a user name) or symmetric." },
	{ "UserName", VALUE_TEXT, PROPERTY_PRIVATE, AT(username), "The user name of a password, or the name of a key." },
	{ "Generation", VALUE_UNSIGNED, 0, AT(generation), "The number of the current generation." },
	{ "Proved", VALUE_UNSIGNED, 0, AT(proved),
	  "The generation that is gone back to if the current one, which is new, does not open a port; 0 when "
	  "it has." },
	{ "Generations", VALUE_UNSIGNED, 0, AT(generations), "How many are kept." },
	{ "Imported", VALUE_TIME, 0, AT(imported), "When the current generation was imported." },
	{ "Subject", VALUE_TEXT, 0, AT(cert.subject), "The subject of the certificate." },
	{ "Issuer", VALUE_TEXT, 0, AT(cert.issuer), "Its issuer." },
	{ "AlternativeNames", VALUE_TEXT, PROPERTY_PRIVATE, AT(cert.names),
	  "Its subjectAltNames, which may name a person." },
	{ "Serial", VALUE_TEXT, 0, AT(cert.serial), "Its serial number, in hex." },
	{ "Key", VALUE_TEXT, 0, AT(cert.key), "The kind of its key, as P-256 or RSA-2048." },
	{ "KeyURI", VALUE_TEXT, PROPERTY_PRIVATE, AT(key_uri),
	  "Where the private key lives, if that is not the keystore." },
	{ "Fingerprint", VALUE_TEXT, 0, AT(cert.fingerprint), "SHA-256 of the certificate, in hex." },
	{ "NotBefore", VALUE_TIME, 0, AT(cert.not_before), "From when it is valid." },
	{ "NotAfter", VALUE_TIME, 0, AT(cert.not_after), "When it expires." },
	{ "ChainLength", VALUE_SIZE, 0, AT(chain_length), "How many certificates are sent with it." },
	{ "Anchors", VALUE_SIZE, 0, AT(anchor_count), "How many trust anchors were imported with it." },
	{ "Problem", VALUE_DIAGNOSIS, 0, AT(problem), "Why it cannot be used; empty when it can." },
	{ NULL }
};
#undef AT

static const struct method credential_methods[] = {
	{ "Renew", CALL_RENEW_CREDENTIAL, NEED_CONTROL, { { 0 } }, { { 0 } },
	  "Renews it now, over a port that it has opened, or over the next one." },
	{ NULL }
};

static const struct signal_row credential_signals[] = {
	{ "ExpiryWarning", { { "not_after", "x" } },
	  "The certificate expires soon: one of the thresholds of ExpiryWarnings= has been passed." },
	{ NULL }
};

const struct interface interface_credential = {
	BUS_NAME ".Credential",
	"The current generation of a credential in the keystore. Never anything of its private key or its secret.",
	credential_properties, credential_methods, credential_signals
};

/* ---- the interfaces of the D-Bus specification --------------------------------------------- */

static const struct method introspectable_methods[] = {
	{ "Introspect", CALL_INTROSPECT, NEED_NOTHING, { { 0 } }, { { "xml_data", "s" } }, "" },
	{ NULL }
};
const struct interface interface_introspectable = {
	"org.freedesktop.DBus.Introspectable", "", NULL, introspectable_methods, NULL
};

static const struct method properties_methods[] = {
	{ "Get", CALL_GET, NEED_PRIVATE, { { "interface_name", "s" }, { "property_name", "s" } },
	  { { "value", "v" } }, "" },
	{ "GetAll", CALL_GET_ALL, NEED_PRIVATE, { { "interface_name", "s" } },
	  { { "properties", "a{sv}" } }, "" },
	{ "Set", CALL_SET, NEED_CONTROL,
	  { { "interface_name", "s" }, { "property_name", "s" }, { "value", "v" } }, { { 0 } }, "" },
	{ NULL }
};
static const struct signal_row properties_signals[] = {
	{ "PropertiesChanged", { { "interface_name", "s" }, { "changed_properties", "a{sv}" },
	  { "invalidated_properties", "as" } }, "" },
	{ NULL }
};
const struct interface interface_properties = {
	"org.freedesktop.DBus.Properties", "", NULL, properties_methods, properties_signals
};

static const struct method object_manager_methods[] = {
	{ "GetManagedObjects", CALL_GET_MANAGED_OBJECTS, NEED_PRIVATE, { { 0 } },
	  { { "objects", "a{oa{sa{sv}}}" } }, "" },
	{ NULL }
};
static const struct signal_row object_manager_signals[] = {
	{ "InterfacesAdded", { { "object", "o" }, { "interfaces", "a{sa{sv}}" } }, "" },
	{ "InterfacesRemoved", { { "object", "o" }, { "interfaces", "as" } }, "" },
	{ NULL }
};
const struct interface interface_object_manager = {
	"org.freedesktop.DBus.ObjectManager", "", NULL, object_manager_methods, object_manager_signals
};

/* libdbus answers these by itself; they stand here for the introspection. */
static const struct method peer_methods[] = {
	{ "Ping", CALL_COUNT, NEED_NOTHING, { { 0 } }, { { 0 } }, "" },
	{ "GetMachineId", CALL_COUNT, NEED_NOTHING, { { 0 } }, { { "machine_uuid", "s" } }, "" },
	{ NULL }
};
const struct interface interface_peer = {
	"org.freedesktop.DBus.Peer", "", NULL, peer_methods, NULL
};

const struct error_row bus_errors[] = {
	{ BUS_ERROR "NotAuthorized",
	  "The caller is neither root nor in the group netdev, and polkit did not consent." },
	{ BUS_ERROR "InvalidArguments", "An argument has the wrong type or value." },
	{ BUS_ERROR "NoSuchPort", "There is no port of that name, or it has gone." },
	{ BUS_ERROR "NoProfile", "No profile matches the port." },
	{ BUS_ERROR "NoEnrollment", "The profile of the port has no section [Enroll]." },
	{ BUS_ERROR "NotAllowed", "The configuration does not allow this." },
	{ BUS_ERROR "ReloadFailed", "The configuration has errors; the message names the first." },
	{ BUS_ERROR "Busy", "Too many callers wait for authorisation; try again later." },
	{ BUS_ERROR "Failed", "It could not be done; the log of the service tells why." },
	{ NULL }
};
/* clang-format on */

const char *value_signature(enum value_kind kind)
{
	static const char *const signatures[] = {
		[VALUE_TEXT] = "s",	     [VALUE_WORD] = "s",     [VALUE_BOOL] = "b",
		[VALUE_INT] = "i",	     [VALUE_UNSIGNED] = "u", [VALUE_SIZE] = "u",
		[VALUE_TIME] = "x",	     [VALUE_COUNT] = "t",    [VALUE_COUNTERS] = "a{su}",
		[VALUE_DIAGNOSIS] = "a{sv}",
	};

	return signatures[kind];
}

size_t interfaces_of(const struct interface *own, const struct interface *ret[INTERFACES_MAX])
{
	size_t n = 0;

	if (own) {
		ret[n++] = own;
		ret[n++] = &interface_properties;
	}
	if (own == &interface_manager)
		ret[n++] = &interface_object_manager;
	ret[n++] = &interface_introspectable;
	ret[n++] = &interface_peer;
	return n;
}

const struct property *interface_property(const struct interface *interface, const char *name)
{
	for (const struct property *p = interface->properties; p && p->name; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

const struct method *interface_method(const struct interface *interface, const char *name)
{
	for (const struct method *m = interface->methods; m && m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

const char *arguments_signature(const struct argument *args, char buffer[SIGNATURE_MAX])
{
	size_t len = 0;

	buffer[0] = '\0';
	for (; args->name; args++)
		len += (size_t)snprintf(buffer + len, SIGNATURE_MAX - len, "%s", args->signature);
	return buffer;
}

static void arguments_xml(const struct argument *args, const char *direction, FILE *out)
{
	for (; args->name; args++) {
		fprintf(out, "      <arg name=\"%s\" type=\"%s\"", args->name, args->signature);
		if (direction)
			fprintf(out, " direction=\"%s\"", direction);
		fputs("/>\n", out);
	}
}

static const char *change_signal(unsigned flags)
{
	if (flags & PROPERTY_CONSTANT)
		return "const";
	if (flags & PROPERTY_PRIVATE)
		return "invalidates";
	return flags & PROPERTY_QUIET ? "false" : "true";
}

void interface_xml(const struct interface *interface, FILE *out)
{
	fprintf(out, "  <interface name=\"%s\">\n", interface->name);
	for (const struct method *m = interface->methods; m && m->name; m++) {
		fprintf(out, "    <method name=\"%s\">\n", m->name);
		arguments_xml(m->in, "in", out);
		arguments_xml(m->out, "out", out);
		fputs("    </method>\n", out);
	}
	for (const struct signal_row *s = interface->signals; s && s->name; s++) {
		fprintf(out, "    <signal name=\"%s\">\n", s->name);
		arguments_xml(s->args, NULL, out);
		fputs("    </signal>\n", out);
	}
	for (const struct property *p = interface->properties; p && p->name; p++)
		fprintf(out,
			"    <property name=\"%s\" type=\"%s\" access=\"%s\">\n"
			"      <annotation "
			"name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\""
			" value=\"%s\"/>\n"
			"    </property>\n",
			p->name, value_signature(p->kind),
			p->flags & PROPERTY_WRITABLE ? "readwrite" : "read",
			change_signal(p->flags));
	fputs("  </interface>\n", out);
}
