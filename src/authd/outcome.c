#include "authd/outcome.h"

#include <stdio.h>

void outcome_machine(const char *subject, const char *names, const char *fingerprint, char *buffer,
		     size_t size)
{
	if (*subject || *names)
		snprintf(buffer, size, "%s", *subject ? subject : names);
	else
		snprintf(buffer, size, "%s%s", *fingerprint ? "sha256:" : "", fingerprint);
}

void outcome_free(struct outcome *outcome)
{
	if (!outcome)
		return;
	aaa_grant_done(&outcome->grant);
	free(outcome);
}
