/* `/etc/latchkey/latchkeyd.conf`: what concerns the service as a whole. */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "base/moment.h"
#include "base/own.h"
#include "config/ini.h"

#define EXPIRY_WARNINGS_MAX 8

struct service_config {
	/* [Service] */
	char *keystore;	   /* Keystore=, default KEYSTORE_DIR */
	char *profile_dir; /* ProfileDirectory=, default CONF_DIR/profiles.d */
	int log_level;	   /* LogLevel=: error, warning, notice, info, debug */
	bool dbus;	   /* DBus= */
	bool logoff_on_exit;
	int64_t expiry_warnings[EXPIRY_WARNINGS_MAX]; /* ExpiryWarnings=30d 7d 1d, in seconds */
	size_t expiry_warning_count;
};

/* A file that is not there gives the defaults, if missing_ok. */
int service_config_load(const char *path, bool missing_ok, struct service_config **ret_config,
			struct ini_errors *errors);
void service_config_free(struct service_config *config);
DEFINE_AUTO_STRUCT(service_config);

#endif
