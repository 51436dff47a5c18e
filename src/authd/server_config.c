/* servers.d/NAME.server: the keys, and what they mean together. */
#include "authd/server_config.h"

#include <ctype.h>
#include <string.h>

#include "authd/config_types.h"
#include "config/file.h"

/* clang-format off */
static const struct ini_word transports[] = { { "udp", SERVER_UDP }, { "tls", SERVER_TLS }, { NULL, 0 } };
static const struct ini_word automatic[] = { { "auto", 0 }, { NULL, 0 } };
static const struct ini_word off[] = { { "off", 0 }, { NULL, 0 } };

#define KEY(section_, name_, type_, field_) \
	.section = (section_), .name = (name_), .type = &(type_), INI_FIELD(struct server_config, field_)
#define SECONDS 1000LL

static const struct ini_key keys[] = {
	{ KEY("Server", "Address", config_addresses, addresses),
	  .doc = "The address of the server, such as `192.0.2.1` or `2001:db8::1`. Needed." },
	{ KEY("Server", "Port", ini_number, port), .least = 1, .most = 65535, .words = automatic, .fallback = "auto",
	  .doc = "Its port for authentication. `auto` is 1812 over UDP and 2083 over TLS." },
	{ KEY("Server", "AccountingPort", ini_number, accounting_port), .least = 1, .most = 65535, .words = off,
	  .fallback = "1813",
	  .doc = "Its port for accounting over UDP; over TLS it is that of Port=. `off`: nothing is accounted there." },
	{ KEY("Server", "Source", config_addresses, source),
	  .doc = "The address of ours from which it is asked. Without this key it is what the routes say." },
	{ KEY("Server", "Secret", config_secret_text, secret_text),
	  .doc = "The secret shared with this server, of at least 8 octets; 16 random ones or more are wise. With it "
		"the file must not be readable by everybody. Over TLS it is not needed." },
	{ KEY("Server", "SecretFile", ini_path, secret_file),
	  .doc = "Instead of Secret=, a file whose first line is the secret. It must not be readable by everybody." },
	{ KEY("Server", "Transport", ini_enum, transport), .words = transports, .fallback = "udp",
	  .doc = "How it is reached: `udp`, or `tls` for RADIUS over TLS (RadSec)." },
	{ KEY("Server", "Priority", ini_number, priority), .least = 0, .most = 1000, .fallback = "100",
	  .doc = "The server with the lowest number that answers is asked; those with the same are taken by name." },
	{ KEY("Server", "Sockets", ini_number, sockets), .least = 1, .most = 16, .fallback = "4",
	  .doc = "How many ports of ours are used when needed, or connections over TLS; each carries 256 requests at "
		"once." },
	{ KEY("Server", "StatusServer", ini_bool, status_server), .fallback = "no",
	  .doc = "Whether the server knows Status-Server (RFC 5997). Then a server that was silent is asked "
		"by it whether it is back, and no machine has to wait to find out; over TLS it also keeps "
		"watch over a connection that is silent." },
	{ KEY("Server", "DynamicAuthorization", ini_bool, dynamic), .fallback = "no",
	  .doc = "Whether this server may end and change sessions (CoA and Disconnect, RFC 5176)." },
	{ KEY("Server", "Timeout", ini_msec, timeout), .least = 100, .most = 60 * SECONDS, .fallback = "2s",
	  .doc = "After what time a request is sent again for the first time; each wait after it is about twice as long." },
	{ KEY("Server", "GiveUp", ini_msec, give_up), .least = 200, .most = 300 * SECONDS, .fallback = "10s",
	  .doc = "After what time without an answer the next server is asked, and this one taken for dead." },
	{ KEY("Server", "DeadTime", ini_msec, dead_time), .least = 1 * SECONDS, .most = 3600 * SECONDS, .fallback = "30s",
	  .doc = "How long a dead server is left alone." },
	{ KEY("Server", "ProbeInterval", ini_msec, probe_interval), .least = 100, .most = 3600 * SECONDS, .fallback = "10s",
	  .doc = "With StatusServer=, the time between two probes of a dead server." },

	{ KEY("RadSec", "Credential", config_credential, credential),
	  .doc = "The credential in the keystore that is shown to the server. Needed over TLS, unless there is a "
		"pre-shared key." },
	{ KEY("RadSec", "Anchors", ini_paths, anchors),
	  .doc = "The authorities that may vouch for the server: files with certificates, or directories of them." },
	{ KEY("RadSec", "Names", ini_texts, names),
	  .doc = "The names that its certificate may have: `radius.example.org`, or `.example.org` for any host below." },
	{ KEY("RadSec", "Pipeline", ini_number, pipeline), .least = 1, .most = 255, .fallback = "255",
	  .doc = "How many requests are on their way on one connection at once; others wait, or take another one. "
		"FreeRADIUS 3.2 needs `1`: of packets that arrive together it handles the first, and the others when "
		"more arrives." },
	{ KEY("RadSec", "PskIdentity", ini_text, psk_identity),
	  .doc = "Instead of certificates: our name for the pre-shared key." },
	{ KEY("RadSec", "PskFile", ini_path, psk_file),
	  .doc = "The file with the pre-shared key as 32 to 128 hexadecimal digits. It must not be readable by "
		"everybody." },
};
/* clang-format on */

static const struct ini_table table = { keys, sizeof keys / sizeof keys[0] };

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *found;

	found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return found ? (int)(found - digits) : -1;
}

/* Hexadecimal digits to the end of the line.  False when they are not, or too few or many. */
static bool read_hex(struct slice text, uint8_t *out, size_t *ret_len)
{
	size_t len = 0;

	while (2 * len + 1 < text.len && len < SERVER_PSK_MAX) {
		int high = digit((char)text.p[2 * len]), low = digit((char)text.p[2 * len + 1]);

		if (high < 0 || low < 0)
			break;
		out[len++] = (uint8_t)(high << 4 | low);
	}
	*ret_len = len;
	return len >= SERVER_PSK_MIN && (2 * len == text.len || isspace(text.p[2 * len]));
}

void config_psk(const struct config_check *check, const char *file, struct secret *ret_psk)
{
	AUTO_VALUE(bytes) content = { 0 };
	uint8_t key[SERVER_PSK_MAX];
	struct stat st;
	size_t len = 0;
	int r = file_read(file, 4096, &content, &st);

	if (r < 0)
		config_wrong(check, "PskFile", "%s cannot be read: %s.", file, strerror(-r));
	else if (st.st_mode & (S_IRWXO | S_IWGRP))
		config_wrong(check, "PskFile",
			     "%s is open to others; expected a file that only its owner can write "
			     "and only its group can read (chmod 0640).",
			     file);
	else if (!read_hex(bytes_slice(&content), key, &len))
		config_wrong(check, "PskFile", "%s: expected %d to %d hexadecimal digits.", file,
			     2 * SERVER_PSK_MIN, 2 * SERVER_PSK_MAX);
	else if (secret_set(ret_psk, slice_of(key, len)) != OK)
		(void)ini_errors_add_no_memory(check->errors, check->path);
	explicit_bzero(key, sizeof key);
	if (content.p)
		explicit_bzero(content.p, content.cap);
}

static void check_tls(struct server_config *s, const struct config_check *check)
{
	if ((s->psk_identity || s->psk_file) && s->credential)
		config_wrong(check, "PskIdentity",
			     "and Credential= are both set; only one of the two can be meant.");
	if (!s->psk_identity != !s->psk_file)
		config_wrong(check, s->psk_file ? "PskIdentity" : "PskFile",
			     "is missing: a pre-shared key needs both.");
	if (s->psk_file)
		config_psk(check, s->psk_file, &s->psk);
	if (s->psk_identity || s->psk_file)
		return;
	if (!s->credential && config_unset(check, "Credential"))
		config_wrong(check, "Credential",
			     "is missing: over TLS we have to show a certificate, or to have a "
			     "pre-shared key.");
	if (s->anchors.count == 0 && config_unset(check, "Anchors"))
		config_wrong(check, "Anchors",
			     "is missing: without it anybody could pose as the server.");
	if (s->names.count == 0 && config_unset(check, "Names"))
		config_wrong(check, "Names",
			     "is missing: without it anybody whom the authority vouches for could "
			     "pose as the server.");
}

static void check_server(void *object, const struct config_check *check)
{
	struct server_config *s = object;
	bool tls = s->transport == SERVER_TLS;

	if (s->addresses.count == 0 && config_unset(check, "Address"))
		config_wrong(check, "Address", "is missing.");
	if (s->addresses.count > 1 ||
	    (s->addresses.count && address_port(&s->addresses.address[0])))
		config_wrong(check, "Address",
			     "expected one address, without a port: that is Port=.");
	if (s->source.count > 1 ||
	    (s->source.count && s->addresses.count &&
	     s->source.address[0].sa.sa_family != s->addresses.address[0].sa.sa_family))
		config_wrong(check, "Source", "expected one address of the same kind as Address=.");
	if (s->timeout > s->give_up)
		config_wrong(check, "Timeout", "is longer than GiveUp=.");
	if (tls)
		check_tls(s, check);
	/* RFC 6614, section 2.3: the secret then is of no importance, but has to be agreed on. */
	if (tls && !s->secret_text && !s->secret_file) {
		if (secret_set(&s->secret, slice_str("radsec")) != OK)
			(void)ini_errors_add_no_memory(check->errors, check->path);
	} else {
		config_secret(check, s->secret_text, s->secret_file, &s->secret);
	}
}

static void drop_server(void *object)
{
	struct server_config *s = object;

	secret_done(&s->secret);
	secret_done(&s->psk);
}

const struct config_kind server_kind = {
	.what = "RADIUS server",
	.directory = "servers.d",
	.suffix = ".server",
	.table = &table,
	.size = sizeof(struct server_config),
	.check = check_server,
	.drop = drop_server,
};

union address server_address(const struct server_config *server, bool accounting)
{
	union address address = server->addresses.address[0];
	bool tls = server->transport == SERVER_TLS;
	uint32_t port = server->port ? server->port : tls ? 2083 : 1812;

	address_set_port(&address, (uint16_t)(accounting && !tls ? server->accounting_port : port));
	return address;
}
