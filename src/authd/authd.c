#include "authd/authd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/record.h"
#include "drivers/log.h"
#include "service/notify.h"
#include "service/report.h"

/* ---- the configuration ---- */

static int read_config(const struct authd_options *options, struct config **ret_config,
		       struct diagnosis *why)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	int error = errors ? config_load(options->config_path, ret_config, errors) : -ENOMEM;

	report_read(errors, error, why);
	return error;
}

static int use_config(struct authd *a, struct config *config, struct diagnosis *why)
{
	int error = authd_configure_parts(a, config, why);

	if (error < 0)
		return error;
	config_free(a->config);
	a->config = config_ref(config);
	log_set_level(a->options.log_level >= 0 ? a->options.log_level
						: config->settings.log_level);
	return 0;
}

int authd_reload(struct authd *a, struct diagnosis *why)
{
	AUTO_STRUCT(config) config = NULL;
	int error;

	notify("RELOADING=1");
	diagnosis_set(why, DIAG_NONE);
	error = read_config(&a->options, &config, why);
	if (error == 0)
		error = use_config(a, config, why);
	if (error < 0 && why->id != DIAG_NONE)
		report_diagnosis(LOG_ERR, "service.config", why);
	log_event(error < 0 ? LOG_ERR : LOG_NOTICE, "service.reload", "result=%s",
		  error < 0 ? "\"the old configuration stays\"" : "done");
	notify("READY=1");
	return error;
}

/* ---- its life ---- */

static void on_watchdog(struct timer *timer)
{
	struct authd *a = list_item(timer, struct authd, watchdog);

	notify("WATCHDOG=1");
	timer_set(a->loop, timer, msec_after(loop_now().mono, notify_watchdog()));
}

static int start(struct authd *a)
{
	struct diagnosis why = { 0 };
	int error = read_config(&a->options, &a->config, &why);

	if (error < 0)
		return error;
	log_set_level(a->options.log_level >= 0 ? a->options.log_level
						: a->config->settings.log_level);
	error = authd_open_parts(a, &why);
	if (error < 0 && why.id != DIAG_NONE)
		report_diagnosis(LOG_ERR, "service.config", &why);
	return error;
}

int authd_new(struct loop *loop, const struct authd_options *options, struct authd **ret_authd)
{
	struct authd *a = calloc(1, sizeof *a);
	int error;

	if (!a)
		return -ENOMEM;
	a->loop = loop;
	a->options = *options;
	a->started = loop_now().wall;
	a->watchdog.expired = on_watchdog;
	error = start(a);
	if (error < 0) {
		log_event(LOG_ERR, "service.start",
			  "result=\"not started\" error=\"%s\" next=\"the lines above say why, and "
			  "so does: latchkey-authd check\"",
			  strerror(-error));
		authd_free(a);
		return error;
	}
	log_event(LOG_NOTICE, "service.start", "version=" PACKAGE_VERSION " workers=%u",
		  pool_workers(a->pool));
	if (a->recorder)
		record_audit(a->recorder, "service.start", "", "", "version=" PACKAGE_VERSION);
	notify("READY=1");
	if (notify_watchdog() != NEVER)
		on_watchdog(&a->watchdog);
	*ret_authd = a;
	return 0;
}

void authd_stop(struct authd *a)
{
	notify("STOPPING=1");
	log_event(LOG_NOTICE, "service.stop", "reason=signal");
	if (a->recorder)
		record_audit(a->recorder, "service.stop", "signal", "", "%s", "");
	loop_stop(a->loop);
}

int authd_result(const struct authd *a)
{
	return a->failed;
}

void authd_free(struct authd *a)
{
	if (!a)
		return;
	timer_clear(&a->watchdog);
	authd_close_parts(a);
	config_free(a->config);
	free(a);
}
