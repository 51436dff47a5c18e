#include "service/report.h"

#include <stdlib.h>

#include "drivers/log.h"

static void report_errors(const struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_event(LOG_ERR, "config.error", "file=\"%s\" line=%d key=\"%s\" message=\"%s\"",
			  errors->error[i].file, errors->error[i].line, errors->error[i].key,
			  errors->error[i].message);
	if (errors->dropped > 0)
		log_event(LOG_ERR, "config.error", "message=\"%zu more errors\"", errors->dropped);
}

void report_read(struct ini_errors *errors, int error, struct diagnosis *why)
{
	if (errors && (errors->count > 0 || error < 0)) {
		report_errors(errors);
		ini_errors_diagnose(errors, NULL, why);
	}
	if (errors)
		ini_errors_done(errors);
	free(errors);
}

void report_diagnosis(int level, const char *event, const struct diagnosis *why)
{
	char cause[1024], next[1024];

	log_event(level, event, "diagnosis=%s cause=\"%s\" next=\"%s\"",
		  diagnosis_text(why->id)->name, diagnosis_sentence(why, cause, sizeof cause),
		  diagnosis_next(why, next, sizeof next));
}
