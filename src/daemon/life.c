#include "daemon/life.h"

#include <stddef.h>

/* What is asked about. */
struct view {
	const struct life *life;
	unsigned port;
	struct moment now;
};

static bool held_by_another(const struct view *v)
{
	return v->life->holder != 0 && v->life->holder != v->port;
}

static bool may_enrol(const struct view *v)
{
	return v->life->enrols && v->life->means && !held_by_another(v);
}

static bool enrolment_is_asked(const struct view *v)
{
	return v->life->enrol_asked && may_enrol(v);
}

static bool is_on_trial(const struct view *v)
{
	return v->life->usable && v->life->on_trial;
}

static bool renewal_due(const struct view *v)
{
	return v->life->usable && v->life->enrols && !held_by_another(v) &&
	       renewal_is_due(&v->life->renewal, v->now);
}

static bool usable(const struct view *v)
{
	return v->life->usable;
}

static bool enrolment_due(const struct view *v)
{
	return may_enrol(v) && v->now.mono >= v->life->enrol_at;
}

static bool always(const struct view *v)
{
	(void)v;
	return true;
}

/* The first that holds.  A generation on trial comes before all renewals: until it has opened a
 * port there is one to go back to, and a second one would take its place. */
static const struct {
	bool (*holds)(const struct view *view);
	enum course course;
} rules[] = {
	{ enrolment_is_asked, COURSE_ENROL }, { is_on_trial, COURSE_ORDINARY },
	{ renewal_due, COURSE_RENEW },	      { usable, COURSE_ORDINARY },
	{ enrolment_due, COURSE_ENROL },      { always, COURSE_NOTHING },
};

/* Time alone changes two of the rules. */
static msec until(const struct view *v)
{
	const struct life *life = v->life;

	if (life->usable)
		return life->enrols && !life->on_trial ? renewal_when(&life->renewal, v->now)
						       : NEVER;
	return life->enrols && life->means ? life->enrol_at : NEVER;
}

enum course life_course(const struct life *life, unsigned port, struct moment now, msec *ret_until)
{
	const struct view view = { life, port, now };
	size_t i = 0;

	while (!rules[i].holds(&view))
		i++;
	*ret_until = until(&view);
	return rules[i].course;
}

void life_ask_enrolment(struct life *life)
{
	life->enrol_asked = true;
	life->enrol_at = 0;
}

void life_forget_refusals(struct life *life)
{
	life->enrol_failures = 0;
	life->enrol_at = 0;
}

bool life_wish(struct life *life, struct moment now)
{
	return life->usable && life->enrols && !life->on_trial && !life->deaf &&
	       renewal_wish(&life->renewal, now);
}

void life_begins(struct life *life, enum course course, unsigned port)
{
	if (course == COURSE_ENROL || course == COURSE_RENEW)
		life->holder = port;
}

static void enrolment_ends(struct life *life, enum life_outcome outcome, struct moment now,
			   uint32_t random)
{
	switch (outcome) {
	case LIFE_INSTALLED:
	case LIFE_UNCHANGED:
		life->enrol_asked = false;
		life->enrol_failures = 0;
		return;
	case LIFE_FAILED:
	case LIFE_REFUSED:
		life->enrol_asked = false;
		life->enrol_failures++;
		life->enrol_at =
			msec_after(now.mono, renewal_wait(life->enrol_failures,
							  outcome == LIFE_REFUSED, 0, random));
		return;
	case LIFE_CUT_OFF:
		return;
	}
}

static void renewal_ends(struct life *life, enum life_outcome outcome, struct moment now,
			 uint32_t random)
{
	switch (outcome) {
	case LIFE_INSTALLED: /* it is on trial; what failed before counts until it has opened */
		life->renewal.asked = life->renewal.wished = false;
		return;
	case LIFE_UNCHANGED: /* the server does not want to; asking again at once would loop */
	case LIFE_REFUSED:
		renewal_failed(&life->renewal, true, now, random);
		return;
	case LIFE_FAILED:
		renewal_failed(&life->renewal, false, now, random);
		return;
	case LIFE_CUT_OFF:
		return;
	}
}

void life_ends(struct life *life, enum course course, unsigned port, enum life_outcome outcome,
	       struct moment now, uint32_t random)
{
	if (life->holder == port)
		life->holder = 0;
	if (course == COURSE_ENROL)
		enrolment_ends(life, outcome, now, random);
	else if (course == COURSE_RENEW)
		renewal_ends(life, outcome, now, random);
	if (outcome == LIFE_INSTALLED) {
		life->trial_timeouts = 0;
		life->deaf = false;
	}
}

static enum life_verdict fall_back(struct life *life, struct moment now, uint32_t random)
{
	life->on_trial = false;
	life->trial_timeouts = 0;
	renewal_failed(&life->renewal, true, now, random);
	return LIFE_FALL_BACK;
}

enum life_verdict life_judge(struct life *life, enum life_ending ending, struct moment now,
			     uint32_t random)
{
	if (!life->on_trial)
		return LIFE_NO_TRIAL;
	switch (ending) {
	case LIFE_OPENED:
		life->on_trial = false;
		life->trial_timeouts = 0;
		renewal_succeeded(&life->renewal, now);
		return LIFE_SETTLE;
	case LIFE_TIMEOUT:
		life->trial_timeouts++;
		return life->trial_timeouts < LIFE_TRIAL_TIMEOUTS ? LIFE_NO_TRIAL
								  : fall_back(life, now, random);
	case LIFE_CLOSED:
		return fall_back(life, now, random);
	}
	return LIFE_NO_TRIAL;
}
