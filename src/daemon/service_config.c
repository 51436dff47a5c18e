#include "daemon/service_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "service/notify.h"
#include "service/report.h"
#include "drivers/log.h"

/* Less is two clocks that are not read at the same time. */
#define SLEEP_LEAST 1000

static int read_config(const struct service_options *options, struct service_config **ret_config,
		       struct diagnosis *why)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	int error = errors ? service_config_load(options->config_path, options->config_missing_ok,
						 ret_config, errors)
			   : -ENOMEM;

	report_read(errors, error, why);
	return error;
}

static int open_keystore(const struct service_config *config, struct keystore **ret_keystore,
			 struct diagnosis *why)
{
	char sentence[512];
	int error = keystore_open(config->keystore, true, ret_keystore, why);

	if (error < 0)
		log_event(LOG_ERR, "keystore.open", "path=\"%s\" cause=\"%s\"", config->keystore,
			  diagnosis_sentence(why, sentence, sizeof sentence));
	return error;
}

static int read_profiles(const struct service *s, const struct service_config *config,
			 struct keystore *keystore, struct profile_set **ret_profiles,
			 struct diagnosis *why)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	int error =
		errors ? profile_set_load(config->profile_dir, keystore, legacy_mschap(s->legacy),
					  loop_now().wall, config, ret_profiles, errors)
		       : -ENOMEM;

	report_read(errors, error, why);
	return error;
}

/* What an enrolment left that was cut off.  A keystore that cannot be written is none the worse. */
static void recover(const struct service_config *config, struct keystore *keystore)
{
	struct diagnosis why;
	char sentence[512];

	if (keystore_recover(keystore, &why) < 0)
		log_event(LOG_WARNING, "keystore.recover", "path=\"%s\" cause=\"%s\"",
			  config->keystore, diagnosis_sentence(&why, sentence, sizeof sentence));
}

int service_read(struct service *s, struct diagnosis *why)
{
	AUTO_STRUCT(service_config) config = NULL;
	AUTO_STRUCT(keystore) keystore = NULL;
	struct profile_set *profiles = NULL;
	int error = read_config(&s->options, &config, why);

	/* At the start, while the module can still be loaded; without it, profiles that need it
	 * cannot be armed. */
	if (!s->legacy && legacy_new(&s->legacy) < 0)
		s->legacy = NULL;
	if (error == 0)
		error = open_keystore(config, &keystore, why);
	if (error == 0 && !s->keystore)
		recover(config, keystore);
	if (error == 0)
		error = read_profiles(s, config, keystore, &profiles, why);
	if (error < 0)
		return error;
	profile_set_free(s->profiles);
	keystore_free(s->keystore);
	service_config_free(s->config);
	s->profiles = profiles;
	s->keystore = TAKE(keystore);
	key_shelf_use(s->shelf, s->keystore);
	s->config = TAKE(config);
	log_set_level(s->options.log_level >= 0 ? s->options.log_level : s->config->log_level);
	return 0;
}

int service_reload(struct service *service, struct diagnosis *why)
{
	struct service *s = service;
	int error;

	notify("RELOADING=1");
	diagnosis_set(why, DIAG_NONE);
	error = service_read(s, why);
	if (error == 0) {
		service_show_manager(s);
		service_show_profiles(s);
		service_read_credentials(s);
		service_read_lives(s);
		service_each_port(s, service_match_port);
		service_forget_refusals(s);
		if (link_monitor_refresh(s->links) < 0)
			log_event(LOG_ERR, "link.resync-failed",
				  "effect=\"interfaces that fit only now may have been missed\"");
	}
	log_event(error < 0 ? LOG_ERR : LOG_NOTICE, "service.reload", "result=%s",
		  error < 0 ? "\"the old configuration stays\"" : "done");
	notify("READY=1");
	/* A bad profile does not stop the others, but whoever asked for the reload hears of it. */
	return error < 0 ? error : why->id == DIAG_NONE ? 0 : -EINVAL;
}

static void resume_port(struct service *s, struct port *port)
{
	(void)s;
	port_resume(port);
}

/* Waking up is told as the clock being set. */
static void notice_sleep(struct service *s)
{
	msec asleep = loop_asleep();

	if (asleep > s->asleep + SLEEP_LEAST) {
		log_event(LOG_NOTICE, "service.resumed", "asleep_s=%llu",
			  (unsigned long long)((asleep - s->asleep) / 1000));
		service_each_port(s, resume_port);
	}
	s->asleep = asleep;
}

void service_rearm(struct service *s)
{
	struct profile_set *profiles = NULL;
	struct diagnosis why = { 0 };

	if (read_profiles(s, s->config, s->keystore, &profiles, &why) < 0)
		return;
	profile_set_free(s->profiles);
	s->profiles = profiles;
	service_show_profiles(s);
	service_read_credentials(s);
	service_read_lives(s);
	service_each_port(s, service_match_port);
}

/* Dates mean something else now: what was refused for its dates may be accepted, and the other way
 * round. */
static void on_clock_set(void *context)
{
	log_event(LOG_NOTICE, "service.clock-set", "effect=\"certificates are looked at again\"");
	service_rearm(context);
	notice_sleep(context);
}

static void add_credential(void *context, const struct credential_info *info)
{
	struct service *s = context;
	struct credential_info *more =
		realloc(s->credentials, (s->credential_count + 1) * sizeof *more);

	if (!more)
		return;
	s->credentials = more;
	s->credentials[s->credential_count++] = *info;
}

void service_read_credentials(struct service *s)
{
	s->credential_count = 0;
	if (s->keystore && keystore_list(s->keystore, add_credential, s) < 0)
		log_event(LOG_WARNING, "keystore.unreadable", "path=\"%s\"", s->config->keystore);
	if (s->bus)
		bus_set_credentials(s->bus, s->credentials, s->credential_count);
	expiry_look(s->expiry, s->config, s->credentials, s->credential_count);
}

static void on_expiry(void *context, const struct credential_info *credential, int64_t remaining)
{
	struct service *s = context;
	char when[32];

	log_event(remaining > 0 ? LOG_WARNING : LOG_ERR, "credential.expiry",
		  "credential=%s generation=%u not_after=%s remaining_days=%lld next=\"import a "
		  "renewed "
		  "certificate: latchkeyctl credentials import\"",
		  credential->name, credential->generation,
		  rfc3339(credential->cert.not_after, when, sizeof when),
		  (long long)(remaining / 86400));
	if (s->bus)
		bus_expiry_warning(s->bus, credential->name, credential->cert.not_after);
}

int service_open_expiry(struct service *s)
{
	const struct expiry_events events = { on_expiry, on_clock_set, s };

	return expiry_new(s->loop, &events, &s->expiry);
}
