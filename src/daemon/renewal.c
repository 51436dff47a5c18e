#include "daemon/renewal.h"

/* Part of a span, by 32 random bits. */
static uint64_t share(uint64_t span, uint32_t random)
{
	return (span >> 32) * random + ((span & UINT32_MAX) * random >> 32);
}

static int64_t percent(int64_t span, unsigned part)
{
	return span / 100 * part + span % 100 * part / 100;
}

void renewal_set(struct renewal *renewal, const struct renewal_policy *policy, unsigned generation,
		 int64_t not_before, int64_t not_after, uint32_t random)
{
	int64_t life = not_after - not_before;

	if (renewal->generation == generation && renewal->not_after == not_after)
		return;
	renewal->generation = generation;
	renewal->not_before = not_before;
	renewal->not_after = not_after;
	renewal->due = RENEWAL_NEVER;
	if (life > 0)
		renewal->due = not_before + percent(life, policy->at) +
			       (int64_t)share((uint64_t)percent(life, policy->jitter), random);
}

void renewal_ask(struct renewal *renewal)
{
	renewal->asked = true;
	renewal->retry_at = 0;
}

bool renewal_may(const struct renewal *renewal, int64_t now)
{
	int64_t life = renewal->not_after - renewal->not_before;

	return renewal->asked || now - renewal->not_before >= percent(life, RENEWAL_YOUNG);
}

bool renewal_is_due(const struct renewal *renewal, struct moment now)
{
	return renewal_when(renewal, now) <= now.mono;
}

msec renewal_when(const struct renewal *renewal, struct moment now)
{
	msec at;

	if (renewal->generation == 0)
		return NEVER;
	if (!renewal->asked && (renewal->due == RENEWAL_NEVER || now.wall < renewal->not_before))
		return NEVER;
	if (renewal->asked || now.wall >= renewal->due)
		at = now.mono;
	else
		at = msec_after(now.mono, (msec)(renewal->due - now.wall) * 1000);
	return at > renewal->retry_at ? at : renewal->retry_at;
}

void renewal_succeeded(struct renewal *renewal, struct moment now)
{
	int64_t life = renewal->not_after - renewal->not_before;

	renewal->asked = false;
	renewal->failures = 0;
	renewal->retry_at = 0;
	if (life > 0)
		renewal->retry_at = msec_after(now.mono, (msec)percent(life, RENEWAL_YOUNG) * 1000);
}

msec renewal_wait(unsigned failures, bool refused, int64_t remaining, uint32_t random)
{
	msec wait = refused ? RENEWAL_WAIT_REFUSED : RENEWAL_WAIT_FIRST;
	msec most = RENEWAL_WAIT_MOST;

	for (unsigned i = 1; i < failures && wait < most; i++)
		wait *= 2;
	if (remaining > 0 && (msec)remaining * 100 < most)
		most = (msec)remaining * 100;
	if (wait > most)
		wait = most;
	if (wait < RENEWAL_WAIT_FIRST)
		wait = RENEWAL_WAIT_FIRST;
	return wait + share(wait / 4, random);
}

void renewal_failed(struct renewal *renewal, bool refused, struct moment now, uint32_t random)
{
	int64_t remaining = renewal->not_after - now.wall;

	renewal->asked = false;
	renewal->failures++;
	renewal->retry_at =
		msec_after(now.mono, renewal_wait(renewal->failures, refused,
						  remaining > 0 ? remaining : 1, random));
}
