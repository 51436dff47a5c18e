#include "service/report.h"

#include "drivers/log.h"

void report_errors(const struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_event(LOG_ERR, "config.error", "file=\"%s\" line=%d key=\"%s\" message=\"%s\"",
			  errors->error[i].file, errors->error[i].line, errors->error[i].key,
			  errors->error[i].message);
	if (errors->dropped > 0)
		log_event(LOG_ERR, "config.error", "message=\"%zu more errors\"", errors->dropped);
}

void report_diagnosis(int level, const char *event, const struct diagnosis *why)
{
	char cause[1024], next[1024];

	log_event(level, event, "diagnosis=%s cause=\"%s\" next=\"%s\"",
		  diagnosis_text(why->id)->name, diagnosis_sentence(why, cause, sizeof cause),
		  diagnosis_next(why, next, sizeof next));
}
