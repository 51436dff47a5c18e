/* The keys of latchkey-authd.conf: parsing, errors, defaults and its manual page come from here. */
#include <syslog.h>

#include "authd/config_types.h"
#include "keystore/keystore.h"
#include "method/mschapv2_server.h"

/* clang-format off */
static const struct ini_word log_levels[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG }, { NULL, 0 } };
static const struct ini_word exits[] = {
	{ "open", GATE_REMOVE }, { "keep", GATE_KEEP }, { "shut", GATE_SHUT }, { NULL, 0 } };
static const struct ini_word tls_versions[] = { { "1.2", TLS_1_2 }, { "1.3", TLS_1_3 }, { NULL, 0 } };
static const struct ini_word resumptions[] = {
	{ "memory", RESUMPTION_MEMORY }, { "tickets", RESUMPTION_TICKETS }, { "off", RESUMPTION_OFF }, { NULL, 0 } };
static const struct ini_word staples[] = {
	{ "off", STAPLE_OFF }, { "own", STAPLE_OWN }, { "file", STAPLE_FILE }, { "fetch", STAPLE_FETCH }, { NULL, 0 } };
static const struct ini_word client_ocsps[] = {
	{ "off", CLIENT_OCSP_OFF }, { "if-possible", CLIENT_OCSP_IF_POSSIBLE },
	{ "require", CLIENT_OCSP_REQUIRE }, { NULL, 0 } };
static const struct ini_word actions[] = { { "accept", ACTION_ACCEPT }, { "reject", ACTION_REJECT }, { NULL, 0 } };
static const struct ini_word backends[] = {
	{ "embedded", AUTHORITY_EMBEDDED }, { "cmp", AUTHORITY_CMP }, { NULL, 0 } };
static const struct ini_word enroll_tunnels[] = { { "ttls", 0 }, { "teap", 0 }, { NULL, 0 } };
static const struct ini_word enroll_protocols[] = {
	{ "spp", 0 }, { "cmp", 0 }, { "cmp-basic", 0 }, { "est", 0 }, { NULL, 0 } };
static const struct ini_word enroll_ways[] = {
	{ "certificate", 0 }, { "token", 0 }, { "certificate-token", 0 }, { "jwt", 0 }, { "oauth", 0 },
	{ "account", 0 }, { NULL, 0 } };
static const struct ini_word enroll_actions[] = { { "register", 0 }, { "renew", 0 }, { "remove", 0 }, { NULL, 0 } };
static const struct ini_word enroll_credentials[] = {
	{ "certificate", 0 }, { "password", 0 }, { "symmetric", 0 }, { NULL, 0 } };
static const struct ini_word afters[] = {
	{ "fail", AFTER_ENROLMENT_FAIL }, { "accept", AFTER_ENROLMENT_ACCEPT }, { NULL, 0 } };
static const struct ini_word none[] = { { "none", 0 }, { NULL, 0 } };
static const struct ini_word never[] = { { "never", 0 }, { NULL, 0 } };
static const struct ini_word automatic[] = { { "auto", 0 }, { NULL, 0 } };
static const struct ini_word unlimited[] = { { "unlimited", 0 }, { NULL, 0 } };

static const struct ini_word methods[] = { { "tls", 0 }, { "ttls", 0 }, { "peap", 0 }, { "teap", 0 }, { NULL, 0 } };
static const struct ini_word in_ttls[] = {
	{ "pap", 0 }, { "chap", 0 }, { "mschap", 0 }, { "mschapv2", 0 }, { "eap-mschapv2", 0 }, { "eap-gtc", 0 },
	{ "eap-tls", 0 }, { NULL, 0 } };
static const struct ini_word in_peap[] = { { "mschapv2", 0 }, { "gtc", 0 }, { "tls", 0 }, { NULL, 0 } };
static const struct ini_word in_teap[] = { { "mschapv2", 0 }, { "tls", 0 }, { "password", 0 }, { NULL, 0 } };
static const struct ini_word identities[] = { { "machine", 0 }, { "user", 0 }, { "any", 0 }, { NULL, 0 } };
static const struct ini_word emsks[] = {
	{ "ignore", TEAP_EMSK_IGNORED }, { "allow", TEAP_EMSK_ALLOWED }, { "require", TEAP_EMSK_REQUIRED }, { NULL, 0 } };
static const struct ini_word clients[] = {
	{ "none", TLS_CLIENT_NONE }, { "optional", TLS_CLIENT_OPTIONAL }, { "required", TLS_CLIENT_REQUIRED },
	{ NULL, 0 } };
static const struct ini_word bindings[] = {
	{ "require", PEAP_BINDING_DEMANDED }, { "optional", PEAP_BINDING_OPTIONAL }, { "off", PEAP_BINDING_OFF },
	{ NULL, 0 } };

#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct authd_settings, field_)
#define SECONDS 1000LL
#define HOURS	(3600 * SECONDS)

static const struct ini_key keys[] = {
	{ KEY("Service", "LogLevel", ini_enum, log_level), .words = log_levels, .fallback = "notice",
	  .doc = "How much is written to the log: `error` only what has failed for good, `notice` also every "
		"authentication and how it ended (of refusals no more than 100 in a second), `debug` also what each "
		"packet was." },
	{ KEY("Service", "Workers", ini_number, workers), .least = 1, .most = 64, .words = automatic, .fallback = "auto",
	  .doc = "How many threads do the work of authentications. `auto` is one for each core of this machine. A "
		"change counts from the next start." },
	{ KEY("Service", "Keystore", ini_path, keystore), .fallback = AUTHD_KEYSTORE_DIR,
	  .doc = "The directory that holds the credentials of this server: private keys with their "
		"certificates. It must belong to the user of the service and be readable by nobody else." },
	{ KEY("Service", "ControlSocket", ini_path, control_socket), .fallback = AUTHD_RUN_DIR "/control",
	  .doc = "Where the service listens for its own commands, such as `latchkey-authd status`." },
	{ KEY("Service", "ControlGroup", ini_text, control_group),
	  .doc = "The group whose members may look with these commands; only root and the user of the service may also "
		"disconnect, or reload. Without this key it is the group of the service." },
	{ KEY("Service", "PortsAtExit", ini_enum, ports_at_exit), .words = exits, .fallback = "open",
	  .doc = "What becomes of guarded ports when the service is stopped. `open`: they are as if they had "
		"never been guarded. `keep`: the machines that are in stay in, and nobody else gets in. `shut`: "
		"nobody gets through. `keep` and `shut` last until the service starts again, which closes all ports, "
		"or until the rules are taken away by hand." },

	{ KEY("Eap", "Realm", config_globs, realms),
	  .doc = "The realms this server answers, as patterns such as `example.org` or `*.example.org`; what stands "
		"behind the `@` of the identity counts. A machine of another realm is refused before any work is done "
		"for it. Without this key every identity is answered." },
	{ KEY("Eap", "MaxRounds", ini_number, max_rounds), .least = 4, .most = 1000, .fallback = "50",
	  .doc = "After how many questions a conversation that has not come to an end is given up." },

	{ KEY("Eap", "Methods", config_choices, methods), .words = methods, .fallback = "tls",
	  .doc = "The methods that machines are offered, in the order of preference: a machine that does not want the "
		"first is offered what it asks for, if it is among the others. `tls` is EAP-TLS, with a "
		"certificate of the machine. `ttls` (EAP-TTLS), `peap` (PEAP) and `teap` (TEAP) are tunnels, in which a "
		"machine proves who it is by a password, see [Tunnel] and `latchkey-authd account`; with `teap` a "
		"machine and its user may do so one after the other." },

	{ KEY("Tls", "Credential", config_credential, credential),
	  .doc = "The credential in the keystore with which this server proves who it is. Needed as soon as "
		"the service has a port or a RADIUS client to serve." },
	{ KEY("Tls", "ClientAnchors", ini_paths, client_anchors),
	  .doc = "The authorities that may vouch for machines: files with certificates (PEM or DER), or directories, "
		"of which every `*.pem`, `*.crt`, `*.cer` and `*.der` is read. Needed with Credential=." },
	{ KEY("Tls", "Crls", ini_paths, crls),
	  .doc = "Files with lists of revoked certificates (PEM or DER). With this key every certificate in a "
		"machine's chain must be covered by a list that is in date." },
	{ KEY("Tls", "MinimumVersion", ini_enum, min_tls), .words = tls_versions, .fallback = "1.2",
	  .doc = "The oldest version of TLS that is accepted." },
	{ KEY("Tls", "MaximumVersion", ini_enum, max_tls), .words = tls_versions, .fallback = "1.3",
	  .doc = "The newest version of TLS that is accepted. Worth changing only for machines that mishandle newer "
		"ones." },
	{ KEY("Tls", "FragmentSize", ini_number, fragment_size), .least = 64, .most = 16000, .words = automatic,
	  .fallback = "auto",
	  .doc = "How many octets of TLS go into one message. `auto` is as much as the way to the machine is known "
		"to carry." },
	{ KEY("Tls", "Resumption", ini_enum, resumption), .words = resumptions, .fallback = "memory",
	  .doc = "Whether a machine that comes again may continue its earlier TLS session, which saves time and "
		"computation. `memory`: this server remembers the sessions. `tickets`: the machine keeps "
		"them, sealed with keys that change by themselves and that several servers can share. `off`: "
		"every authentication is a full one. What is known of the machine is judged by the rules each "
		"time, resumed or not." },
	{ KEY("Tls", "TicketKeyFile", ini_path, ticket_key_file),
	  .doc = "A file with the keys of the tickets, which several servers may share; it is made when it is not "
		"there. Without it the keys are shared through the database, and without one they live as long as "
		"the service." },
	{ KEY("Tls", "SessionLifetime", ini_msec, session_lifetime), .least = 60 * SECONDS, .most = 168 * HOURS,
	  .fallback = "8h",
	  .doc = "How long after a full authentication a session may be resumed." },
	{ KEY("Tls", "OcspStaple", ini_enum, staple), .words = staples, .fallback = "own",
	  .doc = "Whether the authority's statement that our own certificate was not revoked is sent along. `own`: "
		"if our own authority has issued it, see [Authority]; otherwise there is none. `file`: "
		"it is read from OcspStapleFile=. `fetch`: it is asked for at the place that the certificate "
		"names." },
	{ KEY("Tls", "OcspStapleFile", ini_path, staple_file),
	  .doc = "The file with the OCSP response (DER); it is read again at every reload." },
	{ KEY("Tls", "ClientOcsp", ini_enum, client_ocsp), .words = client_ocsps, .fallback = "off",
	  .doc = "Whether the authority is asked if a machine's certificate was revoked. `if-possible`: a machine is "
		"let in when no answer can be had. `require`: it is not. An answer counts for an hour at the most, "
		"and so does a session that could be resumed." },

	{ KEY("Tunnel", "Credential", config_credential, tunnel.credential),
	  .doc = "The credential with which this server proves who it is before anything is said in a tunnel. Without this "
		"key it is that of [Tls] Credential=." },
	{ KEY("Tunnel", "ClientCertificate", ini_enum, tunnel.client), .words = clients, .fallback = "none",
	  .doc = "Whether a machine shows a certificate when a tunnel is built, besides what is proved in it. `optional`: "
		"it is asked for one, and may have none. One that is shown has to be by [Tls] ClientAnchors=." },
	{ KEY("Tunnel", "SendRoot", ini_bool, tunnel.send_root), .fallback = "no",
	  .doc = "Whether the root above our certificate is sent along, for machines that know no more of it than the "
		"pin of an enrolment token. The credential has to hold it." },
	{ KEY("Tunnel", "Resumption", ini_bool, tunnel.resume), .fallback = "yes",
	  .doc = "Whether a machine that comes again may continue its earlier tunnel, and need not prove again what it "
		"has proved in it. It is remembered in the memory of this server alone, for as long as [Tls] "
		"SessionLifetime= says, with the account that was proved; rules are asked each time." },
	{ KEY("Tunnel", "TtlsMethods", config_choices, tunnel.ttls), .words = in_ttls,
	  .fallback = "eap-mschapv2 eap-gtc mschapv2 pap",
	  .doc = "What may run inside of EAP-TTLS; of what is EAP, in the order of preference. `pap` and `eap-gtc` "
		"bring the password itself to this server, which then need not store it; `chap` needs it stored as it "
		"is, `mschap` and the two with `mschapv2` as a hash that is as good as the password. `eap-tls` needs "
		"[Tls] ClientAnchors=." },
	{ KEY("Tunnel", "PeapMethods", config_choices, tunnel.peap), .words = in_peap, .fallback = "mschapv2",
	  .doc = "The same for PEAP." },
	{ KEY("Tunnel", "PeapCryptoBinding", ini_enum, tunnel.binding), .words = bindings, .fallback = "require",
	  .doc = "Whether a machine has to prove that both ends of its PEAP tunnel are the ends of what ran inside. "
		"Without that somebody in the middle, to whom a machine without a tunnel proves its password, could "
		"come in with it. `optional` is for machines that are too old to know it." },
	{ KEY("Tunnel", "TeapMethods", config_choices, tunnel.teap), .words = in_teap, .fallback = "mschapv2",
	  .doc = "The same for TEAP. `password` is Basic-Password-Auth, which brings the password itself to this server; "
		"if it stands first it is proposed first." },
	{ KEY("Tunnel", "TeapIdentities", config_choices, tunnel.teap_identities), .words = identities, .fallback = "any",
	  .doc = "Who has to prove an identity inside of TEAP: `machine`, `user`, or both, one after the other in this "
		"order; `any` is whoever the supplicant has. A supplicant may turn the order round." },
	{ KEY("Tunnel", "TeapCertificateAlone", ini_bool, tunnel.teap_certificate_alone), .fallback = "no",
	  .doc = "Whether a machine that has shown a certificate when its TEAP tunnel was built is asked for nothing "
		"more, unless it wants to be. Needs ClientCertificate= to be other than `none`." },
	{ KEY("Tunnel", "TeapEmskBinding", ini_enum, tunnel.teap_emsk), .words = emsks, .fallback = "ignore",
	  .doc = "Whether what ran inside of TEAP is bound to the tunnel by its EMSK as well as by its MSK. Most "
		"supplicants do not know it or do it in another way (RFC 9930, section 5.1). `require` refuses methods "
		"that have no EMSK, `mschapv2` and `password` among them." },
	{ KEY("Tunnel", "TeapAuthority", ini_text, tunnel.teap_authority), .fallback = "latchkey",
	  .doc = "The Authority-ID that TEAP begins with, at most 64 octets: a hint for supplicants that know several "
		"networks. It is sent in the clear." },
	{ KEY("Tunnel", "PasswordRetries", ini_number, tunnel.retries), .most = MSCHAPV2_RETRIES_MAX, .fallback = "0",
	  .doc = "How often a machine may try another password in one conversation of EAP-MSCHAPv2. Most have nobody to "
		"ask, and begin anew after a failure." },
	{ KEY("Tunnel", "Guesses", ini_number, tunnel.guesses), .least = 1, .most = 1000, .words = unlimited,
	  .fallback = "10",
	  .doc = "How many times in a minute a password may be tried for one account from one hardware address; from all "
		"addresses together it is ten times as many. After that the account is not looked at until the "
		"minute is over, and the machine hears that the password is wrong. Successes do not count." },

	{ KEY("Policy", "DefaultAction", ini_enum, default_action), .words = actions, .fallback = "accept",
	  .doc = "What becomes of a machine that has proved who it is and for which there is no rule." },

	{ KEY("Radius", "Listen", config_addresses, listen),
	  .doc = "The addresses on which RADIUS is answered over UDP, such as `192.0.2.1`, `[::]:1812` or "
		"`0.0.0.0`; the port is 1812 unless written. Without this key it is not." },
	{ KEY("Radius", "AccountingListen", config_addresses, accounting_listen),
	  .doc = "The same for RADIUS accounting; the port is 1813 unless written." },
	{ KEY("Radius", "RadSecListen", config_addresses, radsec_listen),
	  .doc = "The same for RADIUS over TLS; the port is 2083 unless written." },
	{ KEY("Radius", "RadSecCredential", config_credential, radsec_credential),
	  .doc = "The credential for RADIUS over TLS. Without this key it is that of [Tls] Credential=." },
	{ KEY("Radius", "RadSecClientAnchors", ini_paths, radsec_client_anchors),
	  .doc = "The authorities that may vouch for the clients of RADIUS over TLS." },
	{ KEY("Radius", "DynamicAuthorizationListen", config_addresses, dynamic_listen),
	  .doc = "The addresses on which servers of `servers.d` that may do so end and change sessions of guarded "
		"ports (CoA and Disconnect, RFC 5176); the port is 3799 unless written. A change counts from the "
		"next start." },

	{ KEY("Limits", "Conversations", ini_number, conversations), .least = 16, .most = 1000000, .fallback = "20000",
	  .doc = "How many conversations may go on at once, in all. When there are as many, those that have not got "
		"beyond their first question make room for new ones, then those that have been silent the longest." },
	{ KEY("Limits", "NewPerSecond", ini_number, new_per_second), .least = 1, .most = 1000000, .words = unlimited,
	  .fallback = "unlimited",
	  .doc = "How many conversations may begin in a second. What is above it is not answered, and counted." },
	{ KEY("Limits", "Waiting", ini_number, waiting), .least = 16, .most = 1000000, .fallback = "2000",
	  .doc = "How many requests that begin something new may wait for a worker. What is above it is not "
		"answered, and counted; conversations that go on already are served before them in any case." },
	{ KEY("Limits", "HalfOpenTimeout", ini_msec, half_open), .least = 1 * SECONDS, .most = 600 * SECONDS,
	  .fallback = "30s",
	  .doc = "After what time a conversation is forgotten that was begun and not gone on with." },
	{ KEY("Limits", "IdleTimeout", ini_msec, idle), .least = 1 * SECONDS, .most = 600 * SECONDS, .fallback = "1min",
	  .doc = "After what silence any other conversation is forgotten." },

	{ KEY("Registry", "Database", config_database, database), .fallback = AUTHD_STATE_DIR "/registry.sqlite",
	  .doc = "Where machines, sessions and the audit trail are kept: the path of a SQLite database, a "
		"`postgresql://` URI, or the word `off`." },
	{ KEY("Registry", "SessionRetention", ini_msec, session_retention), .least = HOURS, .most = 3660 * 24 * HOURS,
	  .fallback = "365d",
	  .doc = "For how long a session is kept after the last that was heard of it. The audit trail is kept for ever." },

	{ KEY("Authority", "Backend", ini_enum, authority.backend), .words = backends, .fallback = "embedded",
	  .doc = "Who issues certificates for machines. `embedded`: this server, with Credential=. `cmp`: a certification "
		"authority elsewhere, for which this server is the registration authority: it decides who gets a "
		"certificate, and asks for it by CMP (RFC 9810) over HTTP. Whom that authority vouches for is let in by [Tls] "
		"ClientAnchors=; it is also who says what was revoked, see [Tls] Crls= and ClientOcsp=." },
	{ KEY("Authority", "CmpUrl", config_url, authority.cmp.url),
	  .doc = "Where the authority answers CMP, such as `http://ca.example.org/.well-known/cmp`. Messages are "
		"protected whether it is `http` or `https`." },
	{ KEY("Authority", "CmpCredential", config_credential, authority.cmp.credential),
	  .doc = "The credential in the keystore, issued by that authority, with which our messages are signed, those to "
		"machines too. Either this or CmpReference=." },
	{ KEY("Authority", "CmpReference", ini_text, authority.cmp.reference),
	  .doc = "The name of the secret that we share with the authority, which then protects the messages between us. "
		"Machines can be registered so, but not renewed by CMP, for which something has to be signed." },
	{ KEY("Authority", "CmpSecretFile", ini_path, authority.cmp.secret_file),
	  .doc = "The file whose first line is that secret, of at least 8 octets. It must not be readable by everybody." },
	{ KEY("Authority", "CmpAnchors", ini_paths, authority.cmp.anchors),
	  .doc = "The root of the authority: files as for ClientAnchors=. What it signs is checked against it, and "
		"machines are told to trust it for this network, so that the certificate of this server should be by it as "
		"well. Authorities between the root and the certificates of machines belong here too, unless they are in "
		"CmpCredential=. Needed." },
	{ KEY("Authority", "CmpRecipient", config_attributes, authority.cmp.recipient),
	  .doc = "The name of the authority that is asked, where one address has several: an attribute such as "
		"`CN=Issuing CA`, and the key again for each other one, from the least to the most special. Without this key it is the subject of the first of CmpAnchors=." },
	{ KEY("Authority", "CmpTimeout", ini_msec, authority.cmp.timeout), .least = 1 * SECONDS, .most = 300 * SECONDS,
	  .fallback = "20s",
	  .doc = "How long the authority may take for one certificate, with all its \"not yet\". Machines give up by "
		"themselves after a while, many after 30 seconds." },
	{ KEY("Authority", "CmpForward", ini_bool, authority.cmp.forward), .fallback = "no",
	  .doc = "Whether machines that speak CMP are connected with the authority: their messages go to it unchanged, "
		"and it has to know their secrets or certificates. `no`: this server answers them, and asks in its own name." },
	{ KEY("Authority", "Credential", config_credential, authority.credential),
	  .doc = "The credential in the keystore with which certificates for machines are issued: an authority of our "
		"own. `latchkey-authd ca init` makes it. Machines with certificates by it are let in without "
		"ClientAnchors=, unless they were revoked." },
	{ KEY("Authority", "Root", config_credential, authority.root), .fallback = "ca-root",
	  .doc = "The credential of the root above it, which only `latchkey-authd ca` needs. It may be taken out of "
		"the keystore and put back for a roll-over." },
	{ KEY("Authority", "CrlUrl", config_url, authority.crl_url),
	  .doc = "Where others find the list of revoked certificates, such as `http://ca.example.org/crl`: it stands in "
		"every certificate. This server itself needs no list." },
	{ KEY("Authority", "OcspUrl", config_url, authority.ocsp_url),
	  .doc = "Where others can ask about one certificate by OCSP, such as `http://ca.example.org/ocsp`." },
	{ KEY("Authority", "Listen", config_addresses, authority.listen),
	  .doc = "The addresses on which the list (`/crl`) and OCSP (`/ocsp`) are served over HTTP, and the "
		"certificates of the authority (`/ca.pem`); the port is 9813 unless written. A change counts from the "
		"next start." },
	{ KEY("Authority", "CrlFile", ini_path, authority.crl_file),
	  .doc = "A file into which the list is written (DER) whenever it is made anew, for a web server that others "
		"ask. The systemd unit lets the service write below its own directory, /var/lib/latchkey-authd; "
		"`ReadWritePaths=` of systemd.exec(5) names others." },
	{ KEY("Authority", "CrlLifetime", ini_msec, authority.crl_lifetime), .least = HOURS / 6, .most = 366 * 24 * HOURS,
	  .fallback = "1d", .doc = "For how long a list is good. It is made anew when half of that is over, and at once "
		"when something was revoked." },
	{ KEY("Authority", "OcspLifetime", ini_msec, authority.ocsp_lifetime), .least = HOURS / 60, .most = 30 * 24 * HOURS,
	  .fallback = "1h", .doc = "The same for an answer by OCSP." },
	{ KEY("Authority", "Overlap", ini_msec, authority.overlap), .least = HOURS, .most = 3660 * 24 * HOURS,
	  .fallback = "180d",
	  .doc = "For how long after a roll-over the authority before it is still trusted and told to machines. It should "
		"be longer than the lifetime of certificates, so that every machine has renewed by then." },
	{ KEY("Authority", "WarnBefore", ini_msec, authority.warn_before), .least = 24 * HOURS, .most = 3660 * 24 * HOURS,
	  .fallback = "365d",
	  .doc = "An authority whose certificate ends within this time is warned of, in the log, by `check`, `status` and "
		"the metrics: then it is time for `latchkey-authd ca rollover`." },

	{ KEY("Enroll", "Enabled", ini_bool, enroll.enabled), .fallback = "no",
	  .doc = "Whether machines can be enrolled: given a certificate over EAP, before they have an IP address. It "
		"needs a registry, and an authority ([Authority]). doc/enrolling.md "
		"tells how it is done." },
	{ KEY("Enroll", "Tunnels", config_choices, enroll.tunnels), .words = enroll_tunnels, .fallback = "ttls teap",
	  .doc = "The EAP methods inside of which machines are enrolled: `ttls`, `teap`. Those that [Eap] Methods= does "
		"not name are offered for enrolling alone." },
	{ KEY("Enroll", "Protocols", config_choices, enroll.protocols), .words = enroll_protocols, .fallback = "spp cmp est cmp-basic",
	  .doc = "The provisioning protocols, in the order of preference: `spp`, `cmp`, `cmp-basic`, `est`." },
	{ KEY("Enroll", "Authorise", config_choices, enroll.authorise), .words = enroll_ways, .fallback = "certificate token",
	  .doc = "What a machine may show to be enrolled. `certificate`: that of its TLS handshake, which is either one "
		"of ours, to be renewed, or that of a factory (FactoryAnchors=) for which there is a rule with "
		"`Action=enroll`. `token`: one made by `latchkey-authd token create`. `certificate-token`: a factory "
		"certificate inside of the tunnel. `jwt`, `oauth`: a token of somebody else, who is asked about it: "
		"TokenVerifier=. `account`: the account whose password it has proved, with TeapProvisioning=yes alone; the "
		"certificate has the account's name, whatever the machine asks for." },
	{ KEY("Enroll", "TeapProvisioning", ini_bool, enroll.teap), .fallback = "no",
	  .doc = "Whether TEAP gives certificates by itself (PKCS#10 and PKCS#7 in its own TLVs, RFC 9930, section "
		"3.11.1), for machines that do not have this program's enrollment method. Who may have one is said by "
		"`certificate` and `account` of Authorise=; who shows an account has to be let in by the rules first. A "
		"request has to be linked to its tunnel (challengePassword), and RenewAfter= has machines with a "
		"certificate of ours asked to renew it." },
	{ KEY("Enroll", "Actions", config_choices, enroll.actions), .words = enroll_actions, .fallback = "register renew remove",
	  .doc = "What machines may have done: `register`, `renew`, `remove`." },
	{ KEY("Enroll", "Credentials", config_choices, enroll.credentials), .words = enroll_credentials, .fallback = "certificate",
	  .doc = "What they may be given: `certificate`, `password` (an account), `symmetric` (a key)." },
	{ KEY("Enroll", "NtHash", ini_bool, enroll.nt_hash), .fallback = "no",
	  .doc = "Whether the hash that the methods with `mschapv2` need is kept of a password that a machine is given. "
		"Whoever reads it has the password as far as these methods go; without it `pap`, `eap-gtc` and `password` of "
		"TEAP can be used." },
	{ KEY("Enroll", "Profile", config_credential, enroll.profile),
	  .doc = "The certificate profile, a file of `profiles.d`, where neither token nor rule names one. Without this "
		"key it is `" PROFILE_DEFAULT "`, which is there also without a file." },
	{ KEY("Enroll", "FactoryAnchors", ini_paths, enroll.factory_anchors),
	  .doc = "The authorities of manufacturers, whose certificates (IDevID, IEEE 802.1AR) may be shown to be enrolled: "
		"files as for ClientAnchors=. They let nobody in: a rule with `Action=enroll` says which machines get a "
		"certificate of this network, and only with that they are let in." },
	{ KEY("Enroll", "AfterEnrolment", ini_enum, enroll.after), .words = afters, .fallback = "fail",
	  .doc = "What becomes of a machine that was just enrolled. `fail`: the conversation ends with a Failure, and it "
		"comes back at once with its new certificate, so that all are let in by the same rules. `accept`: it is "
		"let in. A machine that has renewed a certificate of ours stays in either way, if the rules let it." },
	{ KEY("Enroll", "EnrollVlan", ini_number, enroll.vlan), .least = 1, .most = 4094, .words = none, .fallback = "none",
	  .doc = "The VLAN of machines that are let in by `AfterEnrolment=accept`." },
	{ KEY("Enroll", "Validate", ini_bool, enroll.validate), .fallback = "yes",
	  .doc = "Whether machines have to prove that they can use what they were given, where the certificate profile "
		"says so too." },
	{ KEY("Enroll", "TakeOver", ini_bool, enroll.take_over), .fallback = "no",
	  .doc = "Whether a machine may be given the name of one that has a good certificate and was enrolled by another "
		"token, or with another factory certificate. Where it may not, the old one is to be revoked first "
		"(`latchkey-authd machine revoke`), or the new token has to name the machine." },
	{ KEY("Enroll", "RenewAfter", ini_number, enroll.renew_percent), .least = 1, .most = 99, .words = never,
	  .fallback = "never",
	  .doc = "Machines that come to enroll are told to renew a certificate of which so many percent of the lifetime "
		"are over. Most renew earlier by themselves." },
	{ KEY("Enroll", "EapType", ini_eap_type, enroll.eap_type), .fallback = "255",
	  .doc = "The EAP type of the enrollment method, which has none assigned yet: a number, or `VENDOR:TYPE` for an "
		"expanded type. Machines have to be told the same." },
	{ KEY("Enroll", "MessageSize", ini_number, enroll.message_max), .least = 4096, .most = 1048576, .fallback = "65536",
	  .doc = "How many octets one message of an enrollment may have." },
	{ KEY("Enroll", "TokenVerifier", config_service_url, enroll.verifier),
	  .doc = "Who is asked about tokens of others (`jwt`, `oauth`): the URL of an introspection endpoint (RFC 7662), "
		"`https://` unless it is on this machine. Of its answer `active` decides; `latchkey_profile` names the "
		"certificate profile and `latchkey_name` the machine, if they are there." },
	{ KEY("Enroll", "SecretFile", ini_path, enroll.verifier_secret_file),
	  .doc = "A file whose first line proves to TokenVerifier= who we are: it is sent as a bearer token. It must not be "
		"readable by everybody." },

	{ KEY("Metrics", "Listen", config_addresses, metrics_listen),
	  .doc = "The address, on this machine, where metrics for Prometheus and a health answer can be had over HTTP, "
		"such as `127.0.0.1:9812`; the port is 9812 unless written. Without this key nothing listens." },
};
/* clang-format on */

const struct ini_table authd_table = { keys, sizeof keys / sizeof keys[0] };
