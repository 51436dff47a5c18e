#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/diagnosis.h"
#include "config/service.h"

TEST(a_service_file_that_is_missing_gives_the_defaults)
{
	AUTO_STRUCT(service_config) config = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	REQUIRE(service_config_load("/nonexistent/latchkeyd.conf", true, &config, &errors) == 0);
	CHECK_STR(config->keystore, KEYSTORE_DIR);
	CHECK_STR(config->profile_dir, CONF_DIR "/profiles.d");
	CHECK_INT(config->log_level, LOG_NOTICE);
	CHECK(config->dbus);
	CHECK(!config->logoff_on_exit);
	CHECK_INT(config->expiry_warnings.count, 3);
	CHECK_INT(config->expiry_warnings.seconds[0], 30 * 86400);
	CHECK_INT(config->expiry_warnings.seconds[2], 86400);
}

TEST(a_service_file_that_is_missing_can_be_an_error)
{
	AUTO_STRUCT(service_config) config = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	CHECK_INT(service_config_load("/nonexistent/latchkeyd.conf", false, &config, &errors),
		  -ENOENT);
	CHECK(config == NULL);
	REQUIRE(errors.count == 1);
	CHECK_STR(errors.error[0].message, "cannot be read: No such file or directory.");
}
