/* `/etc/latchkey/latchkeyd.conf`: what concerns the service as a whole. */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "base/moment.h"
#include "base/own.h"
#include "config/ini.h"

struct service_config {
	/* [Service] */
	char *keystore;	   /* Keystore=, default KEYSTORE_DIR */
	char *profile_dir; /* ProfileDirectory=, default CONF_DIR/profiles.d */
	int log_level;	   /* LogLevel=: error, warning, notice, info, debug */
	bool dbus;	   /* DBus= */
	bool logoff_on_exit;
	struct spans expiry_warnings; /* ExpiryWarnings=30d 7d 1d */
};

extern const struct ini_table service_table;

/* 0, or -errno with every error in *errors; then there is no configuration.  A file that is not
 * there gives the defaults, if missing_ok. */
int service_config_load(const char *path, bool missing_ok, struct service_config **ret_config,
			struct ini_errors *errors);
void service_config_free(struct service_config *config);
DEFINE_AUTO_STRUCT(service_config);

#endif
