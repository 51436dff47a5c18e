/* The keys of a profile: parsing, errors, defaults and latchkey-profile(5) come from here. */
#include "config/profile.h"

#include <ctype.h>
#include <string.h>

#include "eap/peer.h"
#include "enrol/token.h"
#include "keystore/keystore.h"

/* ---- types of this table alone ---- */

#define COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */
#define URL_MAX		255

static bool parse_identity(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strlen(text) <= EAP_IDENTITY_MAX && ini_keep_text(text, field);
}

static bool parse_credential(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return keystore_name_valid(text) && ini_keep_text(text, field);
}

static bool parse_anchor(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return (text[0] == '/' || strcmp(text, "system") == 0) && ini_keep_word(text, field);
}

/* "radius.example.org" or ".example.org". */
static bool parse_server_name(const struct ini_key *key, const char *text, void *field)
{
	size_t len = strlen(text);

	(void)key;
	if (len > 253 || !isalnum((unsigned char)text[text[0] == '.']) || strstr(text, "..") ||
	    text[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr(".-_", text[i]))
			return false;
	}
	return ini_keep_word(text, field);
}

static bool parse_pin(const struct ini_key *key, const char *text, void *field)
{
	char pin[65] = { 0 };

	(void)key;
	if (strlen(text) != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		pin[i] = (char)tolower((unsigned char)text[i]);
	}
	return ini_keep_word(pin, field);
}

/* What is shown of it to nobody is wiped as well. */
static bool parse_token(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strlen(text) <= TOKEN_FOREIGN_MAX && ini_keep_text(text, field);
}

static void clear_token(void *field)
{
	char **text = field;

	if (*text)
		explicit_bzero(*text, strlen(*text));
	ini_clear_text(field);
}

static bool parse_common_name(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strlen(text) <= COMMON_NAME_MAX && ini_keep_text(text, field);
}

static bool parse_key_type(const struct ini_key *key, const char *text, void *field)
{
	static const char *const types[] = { "P-256",	 "P-384",    "P-521",
					     "RSA-2048", "RSA-3072", "RSA-4096" };

	(void)key;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strcmp(types[i], text) == 0)
			return ini_keep_text(text, field);
	}
	return false;
}

static bool parse_protocol(const struct ini_key *key, const char *text, void *field)
{
	static const char *const names[] = { "spp", "cmp", "cmp-basic", "est", "teap" };

	(void)key;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i], text) == 0)
			return ini_keep_word(text, field);
	}
	return false;
}

static bool parse_url(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return strncmp(text, "https://", 8) == 0 && strlen(text) <= URL_MAX &&
	       text[strcspn(text, " \t<>\"")] == '\0' && ini_keep_text(text, field);
}

/* A host, not a domain. */
static bool parse_dns_name(const struct ini_key *key, const char *text, void *field)
{
	return text[0] != '.' && parse_server_name(key, text, field);
}

static bool parse_percent(const struct ini_key *key, const char *text, void *field)
{
	char number[8];
	size_t len = strlen(text);

	if (len < 2 || len > sizeof number || text[len - 1] != '%')
		return false;
	memcpy(number, text, len - 1);
	number[len - 1] = '\0';
	return ini_number.parse(key, number, field);
}

static void print_percent(const struct ini_key *key, const void *field, FILE *out)
{
	(void)key;
	fprintf(out, "%u%%", *(const unsigned *)field);
}

static bool parse_glob(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return !strchr(text, '/') && ini_keep_word(text, field);
}

static bool parse_password(const struct ini_key *key, const char *text, void *field)
{
	(void)key;
	return secret_set(field, slice_str(text)) == OK;
}

/* Whether there is one is all that may be seen of it. */
static void print_password(const struct ini_key *key, const void *field, FILE *out)
{
	const struct secret *password = field;

	(void)key;
	fputs(password->len > 0 ? "***" : "", out);
}

static void clear_password(void *field)
{
	secret_done(field);
}

#define TEXT_TYPE(name_, shown_, expected_, parse_)                                                \
	static const struct ini_type name_ = { .shown = (shown_),                                  \
					       .expected = (expected_),                            \
					       .parse = (parse_),                                  \
					       .print = ini_print_text,                            \
					       .clear = ini_clear_text }
#define LIST_TYPE(name_, shown_, expected_, parse_)                                                \
	static const struct ini_type name_ = { .shown = (shown_),                                  \
					       .expected = (expected_),                            \
					       .list = true,                                       \
					       .parse = (parse_),                                  \
					       .print = ini_print_words,                           \
					       .clear = ini_clear_words }

TEXT_TYPE(identity, "identity", "no more than 253 octets", parse_identity);
static const struct ini_type password = { .shown = "text",
					  .expected = "a password",
					  .parse = parse_password,
					  .print = print_password,
					  .clear = clear_password };
TEXT_TYPE(credential, "name",
	  "the name of a credential: letters, digits, '.', '_' and '-', 64 at most",
	  parse_credential);
LIST_TYPE(anchors, "path ...", "absolute paths or the word system", parse_anchor);
LIST_TYPE(server_names, "name ...",
	  "host names such as radius.example.org, or .example.org for any host below it",
	  parse_server_name);
LIST_TYPE(pins, "pin ...", "the SHA-256 of a public key as 64 hexadecimal digits", parse_pin);
TEXT_TYPE(common_name, "name", "no more than 64 octets", parse_common_name);
TEXT_TYPE(key_type, "type", "one of P-256, P-384, P-521, RSA-2048, RSA-3072, RSA-4096",
	  parse_key_type);
TEXT_TYPE(url, "URL", "an address that begins with https://", parse_url);
LIST_TYPE(protocols, "protocol ...", "words of spp, cmp, cmp-basic and est, or teap alone",
	  parse_protocol);
LIST_TYPE(dns_names, "name ...", "host names such as pc7.example.org", parse_dns_name);
static const struct ini_type token = { .shown = "token",
				       .expected = "the text of a token",
				       .parse = parse_token,
				       .print = ini_print_text,
				       .clear = clear_token };
static const struct ini_type percent = { .shown = "part",
					 .expected = "a part such as 66%",
					 .parse = parse_percent,
					 .print = print_percent };
LIST_TYPE(globs, "pattern ...", "interface names or patterns such as eth0 or en*", parse_glob);

/* clang-format off */
static const struct ini_word methods[] = {
	{ "tls", PROFILE_TLS }, { "ttls", PROFILE_TTLS }, { "peap", PROFILE_PEAP },
	{ "teap", PROFILE_TEAP }, { NULL, 0 } };
static const struct ini_word inner_methods[] = {
	{ "pap", INNER_PAP }, { "chap", INNER_CHAP }, { "mschap", INNER_MSCHAP },
	{ "mschapv2", INNER_MSCHAPV2 }, { "eap-mschapv2", INNER_EAP_MSCHAPV2 },
	{ "eap-gtc", INNER_EAP_GTC }, { "gtc", INNER_EAP_GTC },
	{ "eap-tls", INNER_EAP_TLS }, { "tls", INNER_EAP_TLS },
	{ "password", INNER_PASSWORD }, { NULL, 0 } };
static const struct ini_word second_methods[] = {
	{ "mschapv2", INNER_MSCHAPV2 }, { "tls", INNER_EAP_TLS }, { "password", INNER_PASSWORD }, { NULL, 0 } };
static const struct ini_word identity_types[] = {
	{ "any", TEAP_ANYBODY }, { "user", TEAP_USER }, { "machine", TEAP_MACHINE }, { NULL, 0 } };
static const struct ini_word emsks[] = {
	{ "ignore", TEAP_EMSK_IGNORED }, { "allow", TEAP_EMSK_ALLOWED }, { "require", TEAP_EMSK_REQUIRED }, { NULL, 0 } };
static const struct ini_word bindings[] = { { "accept", false }, { "require", true }, { NULL, 0 } };
static const struct ini_word interface_types[] = {
	{ "ethernet", INTERFACE_ETHERNET }, { "wlan", INTERFACE_WLAN }, { "any", INTERFACE_ANY }, { NULL, 0 } };
static const struct ini_word tls_versions[] = {
	{ "1.0", TLS_1_0 }, { "1.1", TLS_1_1 }, { "1.2", TLS_1_2 }, { "1.3", TLS_1_3 }, { NULL, 0 } };
static const struct ini_word ocsp_modes[] = {
	{ "off", OCSP_OFF }, { "accept", OCSP_IF_OFFERED }, { "require", OCSP_REQUIRE }, { NULL, 0 } };
static const struct ini_word clock_policies[] = {
	{ "strict", CLOCK_STRICT }, { "build-date", CLOCK_BUILD_DATE },
	{ "ignore-dates", CLOCK_IGNORE_DATES }, { NULL, 0 } };
static const struct ini_word tunnels[] = {
	{ "teap", ENROL_OVER_TEAP }, { "ttls", ENROL_OVER_TTLS }, { NULL, 0 } };
static const struct ini_word token_types[] = {
	{ "latchkey", ENROL_TOKEN_OWN }, { "jwt", ENROL_TOKEN_JWT }, { "oauth", ENROL_TOKEN_OAUTH }, { NULL, 0 } };
static const struct ini_word factory_proofs[] = { { "handshake", false }, { "token", true }, { NULL, 0 } };
static const struct ini_word starts[] = { { "active", false }, { "passive", true }, { NULL, 0 } };
static const struct ini_word automatic[] = { { "auto", 0 }, { NULL, 0 } };
static const struct ini_word never[] = { { "never", 0 }, { NULL, 0 } };

#define KEY(section_, name_, type_, field_)                                                        \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct profile, field_)
#define SECONDS 1000
#define HOURS	3600000

static const struct ini_key keys[] = {
	{ KEY("Match", "Name", globs, match_names),
	  .doc = "The interfaces this profile is for, by name: `eth0`, or a pattern such as `en*`, in which `*` "
		"stands for any letters and `?` for one. One that matches is enough. Without this key "
		"every name matches." },
	{ KEY("Match", "MACAddress", ini_macs, match_macs),
	  .doc = "The hardware addresses this profile is for. Without this key every address matches." },
	{ KEY("Match", "Type", ini_enum, match_type), .words = interface_types, .fallback = "ethernet",
	  .doc = "The kind of interface. A profile is used where name, address and kind all match." },
	{ KEY("Match", "Priority", ini_number, priority), .least = -1000, .most = 1000, .fallback = "0",
	  .doc = "Which profile is used where several match: the one with the highest number; of equals the "
		"first by the name of its file." },
	{ KEY("Match", "AutoConnect", ini_bool, autoconnect), .fallback = "yes",
	  .doc = "Whether authentication begins by itself as soon as the cable is plugged in. With `no` it "
		"waits for `latchkeyctl connect`." },

	{ KEY("EAP", "Method", ini_enum, method), .words = methods, .fallback = "tls",
	  .doc = "How this machine is authenticated. `tls`: by its certificate (EAP-TLS). `ttls`, `peap` and `teap`: first "
		"the server, by its certificate, then this machine inside of the tunnel that was made, as [Inner] "
		"says; for networks that have accounts and passwords. No other method is accepted." },
	{ KEY("EAP", "Identity", identity, identity),
	  .doc = "Who this machine is, usually as `name@realm`. With EAP-TLS the certificate tells the server who "
		"we are, and of this only the realm is used, for the anonymous identity. Without it "
		"the realm comes from the certificate." },
	{ KEY("EAP", "AnonymousIdentity", identity, anonymous_identity),
	  .doc = "What is said when the switch asks who is there. This goes over the cable in the clear, before "
		"anything is encrypted, so it should tell no more than the way to the server: the "
		"default is `anonymous@` with the realm of Identity= or of the certificate, or "
		"`anonymous` where there is no realm. Some servers insist on a certain identity, for "
		"example `host/name.example.org`; write it here." },
	{ KEY("EAP", "ClientTimeout", ini_msec, client_timeout), .least = 1 * SECONDS, .most = 1 * HOURS,
	  .fallback = "30s",
	  .doc = "How long to wait for the server's next message in a conversation that has begun." },
	{ KEY("EAP", "MaxRounds", ini_number, max_rounds), .least = 4, .most = 10000, .fallback = "50",
	  .doc = "How many questions of the server are answered before the conversation is given up. Very long "
		"certificate chains in very small fragments need more." },

	{ KEY("TLS", "Credential", credential, credential),
	  .doc = "The credential in the keystore with which this machine proves who it is: a private key and its "
		"certificate. `latchkeyctl credentials list` shows those there are, `latchkeyctl "
		"credentials import` adds one, and a profile with a section [Enroll] is given one by the "
		"network. Every profile with Method=tls needs one; with a tunnel it is shown in addition to what "
		"runs inside." },
	{ KEY("TLS", "MinTLS", ini_enum, min_tls), .words = tls_versions, .fallback = "1.2",
	  .doc = "The oldest version of TLS that is accepted. 1.0 and 1.1 are no longer safe and meant for servers "
		"that have nothing better; a port opened with them is shown as having reduced "
		"assurance." },
	{ KEY("TLS", "MaxTLS", ini_enum, max_tls), .words = tls_versions, .fallback = "1.3",
	  .doc = "The newest version of TLS that is offered. Worth changing only for a server that mishandles "
		"newer ones." },
	{ KEY("TLS", "FragmentSize", ini_number, fragment_size), .least = 64, .most = 65000,
	  .words = automatic, .fallback = "auto",
	  .doc = "How many octets of TLS go into one message. `auto` is as much as the interface's MTU allows. A "
		"smaller number helps where large packets vanish on the way from the switch to the "
		"server." },
	{ KEY("TLS", "Resume", ini_bool, resume), .fallback = "yes",
	  .doc = "Whether a later authentication may continue an earlier TLS session, which saves time and "
		"computation. Sessions are kept in memory only, and dropped when the profile, the "
		"credential or a trust anchor changes." },

	{ KEY("Inner", "Method", ini_enum, inner.method), .words = inner_methods,
	  .doc = "What runs inside of the tunnel. With Method=ttls: `pap`, `chap`, `mschap`, `mschapv2`, or in EAP "
		"`eap-mschapv2`, `eap-gtc`, `eap-tls`. With Method=peap: `mschapv2`, `gtc` or `tls`. With "
		"Method=teap: `mschapv2`, `tls` or `password` (Basic-Password-Auth), or nothing where the server is content "
		"with [TLS] Credential=. With Method=tls there is nothing inside, but for an enrolment by Protocols=teap: "
		"`mschapv2` or `password`. Where the server "
		"leaves the choice, take `mschapv2`: with it the server has to know the password, too." },
	{ KEY("Inner", "Identity", identity, inner.identity),
	  .doc = "The name of the account, which is shown to the server alone. Without it, Identity= of [EAP]. "
		"What goes over the cable in the clear is never this, but AnonymousIdentity=." },
	{ KEY("Inner", "Password", password, inner.password),
	  .doc = "The password of the account. A profile with this key must be readable by its owner alone." },
	{ KEY("Inner", "PasswordFile", ini_path, inner.password_file),
	  .doc = "A file whose first line is the password, readable by its owner alone. It is read when the service "
		"starts or reloads." },
	{ KEY("Inner", "Credential", credential, inner.credential),
	  .doc = "The credential in the keystore for what runs inside of the tunnel. For `eap-tls` it is a certificate; "
		"for all else the name of an account and its password, in place of Identity= and Password=. With [Enroll] "
		"such a password is asked for where there is none, beside the certificate of [TLS] Credential= if there "
		"is that key." },
	{ KEY("Inner", "CryptoBinding", ini_enum, require_binding), .words = bindings, .fallback = "accept",
	  .doc = "Whether the server of PEAP has to prove that both ends of the tunnel are the ends of what ran "
		"inside. `accept` checks the proof where there is one, which not all servers know; `require` "
		"refuses a server without." },
	{ KEY("Inner", "IdentityType", ini_enum, inner.identity_type), .words = identity_types, .fallback = "any",
	  .doc = "Whose account it is, for a server of TEAP that asks for the `user` or the `machine`. `any` answers to "
		"both." },
	{ KEY("Inner", "EmskBinding", ini_enum, emsk), .words = emsks, .fallback = "ignore",
	  .doc = "Whether what ran inside of TEAP is bound to the tunnel by its EMSK as well as by its MSK. Many servers "
		"do it in a way of their own (RFC 9930, section 5.1), so that only a network known to do it right should "
		"be given `allow` or `require`." },

	{ KEY("Inner2", "Method", ini_enum, inner2.method), .words = second_methods,
	  .doc = "How the other identity is proved inside of TEAP: `mschapv2`, `tls` or `password`, as in [Inner]." },
	{ KEY("Inner2", "Identity", identity, inner2.identity),
	  .doc = "Its name, which is shown to the server alone." },
	{ KEY("Inner2", "Password", password, inner2.password),
	  .doc = "Its password. A profile with this key must be readable by its owner alone." },
	{ KEY("Inner2", "PasswordFile", ini_path, inner2.password_file),
	  .doc = "A file whose first line is the password, as in [Inner]." },
	{ KEY("Inner2", "Credential", credential, inner2.credential),
	  .doc = "The credential in the keystore for `tls`." },
	{ KEY("Inner2", "IdentityType", ini_enum, inner2.identity_type), .words = identity_types, .fallback = "any",
	  .doc = "Whose it is: `machine` where [Inner] has `user`, or `user` where that has `machine`. The server asks for "
		"one after the other." },

	{ KEY("Server", "TrustAnchor", anchors, trust_anchors),
	  .doc = "The authorities that may vouch for the server: files with certificates (PEM or DER), or "
		"directories, of which every `*.pem`, `*.crt`, `*.cer` and `*.der` is read. The word "
		"`system` stands for all the authorities that web browsers and other programs of this "
		"machine trust; that is far more than a network usually needs, so it is never used "
		"unless written. What anybody can write to is refused." },
	{ KEY("Server", "ServerName", server_names, server_names),
	  .doc = "The names the server may have. `radius.example.org` is that name exactly, `.example.org` any name "
		"that ends so. An authority issues certificates to many; this key says which of them is "
		"your server." },
	{ KEY("Server", "ServerPin", pins, server_pins),
	  .doc = "The SHA-256 of a public key in the server's chain, as 64 hexadecimal digits. With pins, one of "
		"them has to be found in the chain. Where none is, the diagnosis tells the pin of the server's "
		"own key; `openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
		"sha256sum` computes it." },
	{ KEY("Server", "CRL", ini_paths, crls),
	  .doc = "Files with lists of revoked certificates (PEM or DER). With this key every certificate in the "
		"server's chain must be covered by a list that is in date." },
	{ KEY("Server", "OCSP", ini_enum, ocsp), .words = ocsp_modes, .fallback = "accept",
	  .doc = "What to do with the statement of the authority that the server's certificate was not revoked, "
		"which the server can send along (OCSP stapling): `accept` checks one that is sent, "
		"`require` refuses a server that sends none, `off` does not ask for it." },
	{ KEY("Server", "ClockPolicy", ini_enum, clock), .words = clock_policies, .fallback = "strict",
	  .doc = "For machines that start without knowing the time. A clock that is before the day this program "
		"was built is certainly wrong. `strict` then refuses to judge certificates; "
		"`build-date` checks their dates against that day; `ignore-dates` does not check dates. "
		"The last two are shown as reduced assurance, and with them the machine's own certificate "
		"may begin later than the clock says." },
	{ KEY("Server", "InsecureNoServerCheck", ini_bool, insecure_no_server_check), .fallback = "no",
	  .doc = "`yes` accepts any server. Anybody who can plug into the cable can then pretend to be your "
		"network. Meant for a laboratory; shown as reduced assurance wherever the port is "
		"shown." },

	{ KEY("Enroll", "Tunnel", ini_enum, enrol.tunnel), .words = tunnels, .fallback = "teap",
	  .doc = "The EAP method that protects an enrolment: `teap`, or `ttls` for servers that have no TEAP." },
	{ KEY("Enroll", "EapType", ini_eap_type, enrol.eap_type), .fallback = "255",
	  .doc = "The EAP type of the enrollment method, which has none assigned yet: a number, or `VENDOR:TYPE` for an "
		"expanded type. The server has to be told the same." },
	{ KEY("Enroll", "Token", token, enrol.token),
	  .doc = "The token with which this machine may enroll, as its network's operator gave it. A profile "
		"with this key must be closed to others; better is `TokenFile=`." },
	{ KEY("Enroll", "TokenFile", ini_path, enrol.token_file),
	  .doc = "A file with the token on its first line. It must be closed to others, and the user that the service runs "
		"as has to be able to read it. It is read when a "
		"credential is needed, and may be gone afterwards." },
	{ KEY("Enroll", "TokenType", ini_enum, enrol.token_type), .words = token_types, .fallback = "latchkey",
	  .doc = "What a token is. `latchkey` is one that the network's server has made (`LK1-...`): it is proved, not "
		"sent, and tells which server to believe. `jwt` and `oauth` are made by somebody whom the server asks: "
		"whoever is sent one can use it, so that the profile has to name the server by [Server] ServerName= and "
		"TrustAnchor= or ServerPin=. The same goes for a token that a person gives, unless it begins with `LK1-`." },
	{ KEY("Enroll", "FactoryCredential", credential, enrol.factory),
	  .doc = "A credential in the keystore that the machine's maker put there (IDevID). It proves to the server "
		"what machine this is, in place of a token." },
	{ KEY("Enroll", "FactoryProof", ini_enum, enrol.factory_inside), .words = factory_proofs, .fallback = "handshake",
	  .doc = "Where it does: in the `handshake` of the tunnel, which most servers ask for, or as a `token` inside of "
		"the tunnel." },
	{ KEY("Enroll", "Protocols", protocols, enrol.protocols), .fallback = "spp cmp est",
	  .doc = "How the certificate may be asked for, in order of preference; the server picks one. `teap`, by itself, "
		"is the way of TEAP's own (RFC 9930, section 3.11.1), for networks that do not have this program's "
		"enrollment method: it is authorised by the account of [Inner], whose name the certificate has, or by "
		"FactoryCredential=, and not by a token." },
	{ KEY("Enroll", "Key", key_type, enrol.key), .fallback = "P-256",
	  .doc = "The kind of key that is made. It is made in the keystore and never leaves it. The server may "
		"ask for another kind of this list." },
	{ KEY("Enroll", "CommonName", common_name, enrol.common_name),
	  .doc = "The name that is asked for. Without it, and without DnsNames=, that is the machine's host name; "
		"and then whatever name the server gives is taken." },
	{ KEY("Enroll", "DnsNames", dns_names, enrol.dns_names),
	  .doc = "Host names that are asked for in the certificate besides." },
	{ KEY("Enroll", "SymmetricKey", credential, enrol.symmetric_key),
	  .doc = "The name under which a symmetric key is kept, which is asked for together with the credential. This "
		"program has no use for it: `latchkeyctl credentials export --secret` hands it to what has." },
	{ KEY("Enroll", "MudUrl", url, enrol.mud_url),
	  .doc = "Where the manufacturer describes what this device does in a network (RFC 8520). It is told to the "
		"server." },
	{ KEY("Enroll", "Profile", credential, enrol.profile),
	  .doc = "The kind of credential that is asked for, by the server's name for it." },
	{ KEY("Enroll", "RenewAt", percent, enrol.renew_at), .least = 10, .most = 95, .fallback = "66%",
	  .doc = "Which part of a certificate's lifetime may pass before it is renewed. The port stays open "
		"meanwhile, and the old certificate is kept until the new one has opened it." },
	{ KEY("Enroll", "RenewJitter", percent, enrol.renew_jitter), .least = 0, .most = 30,
	  .fallback = "5%",
	  .doc = "A random part of the lifetime, up to this, by which a renewal is late, so that machines that were "
		"enrolled on one day do not come back on one day." },

	{ KEY("EAPOL", "Version", ini_number, pae.version), .least = 1, .most = 3, .fallback = "2",
	  .doc = "The protocol version in the frames we send: 1 is that of 2001, 2 of 2004, 3 of 2010. Frames of any "
		"version are understood. Some old switches ignore what is not 1." },
	{ KEY("EAPOL", "Start", ini_enum, pae.passive), .words = starts, .fallback = "active",
	  .doc = "`active` knocks at once when the cable is plugged in (EAPOL-Start). `passive` waits until the "
		"switch asks, for ports that otherwise let machines in by their MAC address." },
	{ KEY("EAPOL", "StartFirst", ini_msec, pae.start_first), .least = 100, .most = 300 * SECONDS,
	  .fallback = "1s",
	  .doc = "How long to wait for an answer before knocking a second time. Every further wait is three times "
		"as long as the one before." },
	{ KEY("EAPOL", "StartCeiling", ini_msec, pae.start_ceiling), .least = 100, .most = 1 * HOURS,
	  .fallback = "30s", .doc = "The longest wait between two knocks." },
	{ KEY("EAPOL", "StartMax", ini_number, pae.start_max), .least = 1, .most = 1000, .fallback = "10",
	  .doc = "How many times to knock after the cable was plugged in. After that the port only listens. A new "
		"credential is another matter: knocking goes on until it was tried." },
	{ KEY("EAPOL", "HeldPeriod", ini_msec, pae.held_period), .least = 1 * SECONDS, .most = 24 * HOURS,
	  .fallback = "1min",
	  .doc = "How long to leave the switch alone after it refused us." },
	{ KEY("EAPOL", "AuthPeriod", ini_msec, pae.auth_period), .least = 1 * SECONDS, .most = 1 * HOURS,
	  .fallback = "30s",
	  .doc = "How long to wait for the switch's next message before starting over." },
	{ KEY("EAPOL", "ReauthPeriod", ini_msec, pae.reauth_period), .least = 10 * SECONDS,
	  .most = 30 * 24LL * HOURS, .words = never, .fallback = "never",
	  .doc = "How often this machine asks to be authenticated anew, on top of when the switch asks. The port "
		"stays open meanwhile." },
	{ KEY("EAPOL", "Destination", ini_mac, destination), .fallback = "01:80:c2:00:00:03",
	  .doc = "The address to which frames go. The default is the group address that every 802.1X switch "
		"listens to and does not pass on. 01:80:c2:00:00:00 passes some bridges, "
		"01:80:c2:00:00:0e all that pass link discovery." },
	{ KEY("EAPOL", "LogoffOnExit", ini_bool, logoff_on_exit), .fallback = "no",
	  .doc = "Whether the switch is told when the service stops, so that it closes the port at once. Also set "
		"for all profiles in latchkeyd.conf(5)." },
};
/* clang-format on */

const struct ini_table profile_table = { keys, sizeof keys / sizeof keys[0] };
