#include "config/service.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#define KEY(name_, type_, field_)                                                                  \
	.section = "Service", .name = (name_), .type = &(type_),                                   \
	INI_FIELD(struct service_config, field_)

static const struct ini_word log_levels[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG },	  { NULL, 0 },
};

/* clang-format off */
static const struct ini_key keys[] = {
	{ KEY("Keystore", ini_path, keystore), .fallback = KEYSTORE_DIR,
	  .doc = "The directory that holds the credentials: private keys with their certificates. It must "
		"belong to the user of the service and be readable by nobody else." },
	{ KEY("ProfileDirectory", ini_path, profile_dir), .fallback = CONF_DIR "/profiles.d",
	  .doc = "The directory that holds the profiles. Every file in it whose name ends in `.profile` is "
		"read; see latchkey-profile(5)." },
	{ KEY("LogLevel", ini_enum, log_level), .words = log_levels, .fallback = "notice",
	  .doc = "How much is written to the log: `error` only what has failed for good, `notice` also every "
		"port that opens or closes and why, `debug` also every step of the state machines. It "
		"can be changed while the service runs with `latchkeyctl log-level`." },
	{ KEY("DBus", ini_bool, dbus), .fallback = "yes",
	  .doc = "Whether the service shows itself on the system bus, where latchkeyctl(1) and other programs "
		"find it. Where there is no bus the service works all the same and says so once." },
	{ KEY("LogoffOnExit", ini_bool, logoff_on_exit), .fallback = "no",
	  .doc = "Whether the switch is told when the service stops, so that it closes the ports at once. "
		"Without it they stay open until the switch asks again, and a restart of the "
		"service interrupts nothing. A profile can ask for it by itself." },
	{ KEY("ExpiryWarnings", ini_spans, expiry_warnings), .fallback = "30d 7d 1d",
	  .least = 60000, .most = 3660LL * 86400000,
	  .doc = "How long before a certificate of ours expires to warn about it, in the log and on the bus; "
		"once for each span. Empty: never." },
};
/* clang-format on */

const struct ini_table service_table = { keys, sizeof keys / sizeof keys[0] };

void service_config_free(struct service_config *config)
{
	if (!config)
		return;
	ini_done(&service_table, config);
	free(config);
}

int service_config_load(const char *path, bool missing_ok, struct service_config **ret_config,
			struct ini_errors *errors)
{
	AUTO_STRUCT(service_config) config = calloc(1, sizeof *config);
	AUTO_VALUE(bytes) text = { 0 };
	struct ini_lines lines;
	bool missing = access(path, F_OK) < 0 && errno == ENOENT;
	int r;

	if (!config)
		return ini_errors_add_no_memory(errors, path);
	r = missing && missing_ok ? 0 : ini_read(path, &text, errors);
	if (r == 0)
		r = ini_parse_text(&service_table, bytes_slice(&text), path, config, &lines,
				   errors);
	if (r < 0)
		return r;
	*ret_config = TAKE(config);
	return 0;
}
