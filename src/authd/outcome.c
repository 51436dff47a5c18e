#include "authd/outcome.h"

void outcome_free(struct outcome *outcome)
{
	if (!outcome)
		return;
	aaa_grant_done(&outcome->grant);
	free(outcome);
}
