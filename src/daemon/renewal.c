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

static int64_t young(const struct renewal *renewal)
{
	int64_t life = renewal->not_after - renewal->not_before;

	return life > 0 ? percent(life, RENEWAL_YOUNG) : 0;
}

void renewal_installed(struct renewal *renewal, int64_t since, struct moment now)
{
	int64_t age = now.wall - since, wait = young(renewal) - age;
	int64_t most = percent(renewal->not_after - now.wall, RENEWAL_YOUNG);
	msec until;

	if (renewal->due > since || age < 0 || wait <= 0 || most <= 0)
		return;
	until = msec_after(now.mono, (msec)(wait < most ? wait : most) * 1000);
	if (until > renewal->retry_at)
		renewal->retry_at = until;
}

void renewal_ask(struct renewal *renewal)
{
	renewal->asked = true;
	renewal->retry_at = 0;
}

bool renewal_wish(struct renewal *renewal, struct moment now)
{
	if (renewal->generation == 0 || renewal->not_after == 0 || now.mono < renewal->retry_at ||
	    now.wall - renewal->not_before < young(renewal))
		return false;
	renewal->wished = true;
	return true;
}

bool renewal_is_wish(const struct renewal *renewal, struct moment now)
{
	return renewal->wished && !renewal->asked && now.wall < renewal->due;
}

bool renewal_is_due(const struct renewal *renewal, struct moment now)
{
	return renewal_when(renewal, now) <= now.mono;
}

msec renewal_when(const struct renewal *renewal, struct moment now)
{
	bool wanted = renewal->asked || renewal->wished;
	msec at;

	if (renewal->generation == 0)
		return NEVER;
	if (!wanted && (renewal->due == RENEWAL_NEVER || now.wall < renewal->not_before))
		return NEVER;
	if (wanted || now.wall >= renewal->due)
		at = now.mono;
	else
		at = msec_after(now.mono, (msec)(renewal->due - now.wall) * 1000);
	return at > renewal->retry_at ? at : renewal->retry_at;
}

void renewal_succeeded(struct renewal *renewal, struct moment now)
{
	renewal->asked = renewal->wished = false;
	renewal->failures = 0;
	renewal->retry_at = msec_after(now.mono, (msec)young(renewal) * 1000);
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

	renewal->asked = renewal->wished = false;
	renewal->failures++;
	renewal->retry_at =
		msec_after(now.mono, renewal_wait(renewal->failures, refused,
						  remaining > 0 ? remaining : 1, random));
}
