/* When a credential is got, renewed, tried and gone back from: the decisions and the waits. */
#include "daemon/life.h"
#include "tests/test.h"

#define DAY    INT64_C(86400)
#define BORN   INT64_C(1800000000)
#define EXPIRY (BORN + 100 * DAY)
#define HALF   UINT32_C(0x80000000)

static const struct renewal_policy usual = { .at = 66, .jitter = 5 };

static struct moment at(int64_t wall, msec mono)
{
	return (struct moment){ .mono = mono, .wall = wall };
}

/* Of a certificate that lives a hundred days. */
static struct renewal renewal_of(uint32_t random)
{
	struct renewal r = { 0 };

	renewal_set(&r, &usual, 1, BORN, EXPIRY, random);
	return r;
}

TEST(a_renewal_is_due_at_its_part_of_the_lifetime)
{
	struct renewal early = renewal_of(0), middle = renewal_of(HALF), late = renewal_of(~0u);

	CHECK_INT(early.due, BORN + 66 * DAY);
	CHECK_INT(middle.due, BORN + 66 * DAY + 5 * DAY / 2);
	CHECK(late.due > middle.due && late.due <= BORN + 71 * DAY);
	CHECK(!renewal_is_due(&early, at(early.due - 1, 5)));
	CHECK(renewal_is_due(&early, at(early.due, 5)));
	CHECK_INT(renewal_when(&early, at(early.due - 10, 5)), 10005);
}

TEST(nothing_is_due_without_a_certificate)
{
	struct renewal none = { 0 }, strange = { 0 };

	CHECK_INT(renewal_when(&none, at(EXPIRY, 0)), NEVER);
	renewal_ask(&none);
	CHECK_INT(renewal_when(&none, at(EXPIRY, 0)), NEVER);
	renewal_set(&strange, &usual, 3, EXPIRY, BORN, 0);
	CHECK_INT(renewal_when(&strange, at(EXPIRY, 0)), NEVER);
}

/* At boot it may be 1970; when it is set, the question is asked again. */
TEST(a_clock_that_is_behind_is_not_gone_by)
{
	struct renewal r = renewal_of(0);

	CHECK_INT(renewal_when(&r, at(0, 77)), NEVER);
	CHECK_INT(renewal_when(&r, at(BORN - 1, 77)), NEVER);
	CHECK(renewal_when(&r, at(BORN, 77)) != NEVER);
	renewal_ask(&r);
	CHECK_INT(renewal_when(&r, at(0, 77)), 77);
}

TEST(the_same_generation_keeps_its_time)
{
	struct renewal r = renewal_of(0);
	int64_t due = r.due;

	renewal_set(&r, &usual, 1, BORN, EXPIRY, ~0u);
	CHECK_INT(r.due, due);
	renewal_set(&r, &usual, 2, BORN + 70 * DAY, EXPIRY + 70 * DAY, 0);
	CHECK_INT(r.due, BORN + 136 * DAY);
}

TEST(waits_grow_and_have_ends)
{
	CHECK_INT(renewal_wait(1, false, 0, 0), 60000);
	CHECK_INT(renewal_wait(2, false, 0, 0), 120000);
	CHECK_INT(renewal_wait(4, false, 0, 0), 480000);
	CHECK_INT(renewal_wait(1, true, 0, 0), 3600000);
	CHECK_INT(renewal_wait(1000000, false, 0, 0), RENEWAL_WAIT_MOST);
	CHECK_INT(renewal_wait(1000000, true, 0, 0), RENEWAL_WAIT_MOST);
	/* a tenth of what is left, but not less than the first */
	CHECK_INT(renewal_wait(20, false, 3600, 0), 360000);
	CHECK_INT(renewal_wait(20, true, 10, 0), 60000);
	CHECK(renewal_wait(1, false, 0, ~0u) > 70000);
	CHECK(renewal_wait(1, false, 0, ~0u) <= 75000);
}

TEST(a_renewal_that_failed_waits_and_a_person_does_not)
{
	struct renewal r = renewal_of(0);
	struct moment now = at(r.due, 1000);

	renewal_failed(&r, false, now, 0);
	CHECK_INT(renewal_when(&r, now), 61000);
	renewal_failed(&r, false, now, 0);
	CHECK_INT(renewal_when(&r, now), 121000);
	/* waits are spans: the clock may be set meanwhile */
	CHECK_INT(renewal_when(&r, at(r.due + 7 * DAY, 1000)), 121000);
	renewal_ask(&r);
	CHECK_INT(renewal_when(&r, now), 1000);
	renewal_failed(&r, true, now, 0);
	CHECK_INT(r.failures, 3);
	CHECK(!r.asked);
	CHECK_INT(renewal_when(&r, now), 1000 + 4 * 3600000);
	renewal_succeeded(&r, now);
	CHECK_INT(r.failures, 0);
}

TEST(a_clock_that_is_ahead_does_not_renew_without_end)
{
	struct renewal r = renewal_of(0);
	const struct moment ahead = at(EXPIRY - 1, 1000);
	const msec young = (msec)(EXPIRY - BORN) * 100;

	CHECK(renewal_is_due(&r, ahead));
	renewal_succeeded(&r, ahead);
	CHECK_INT(renewal_when(&r, ahead), 1000 + young);
	CHECK(renewal_is_due(&r, at(EXPIRY, 1000 + young)));
	/* somebody who asks need not wait */
	renewal_ask(&r);
	CHECK_INT(renewal_when(&r, ahead), 1000);
}

/* Whoever starts the service does not start a renewal. */
TEST(what_is_due_when_it_is_installed_waits_also_after_a_restart)
{
	const int64_t installed = BORN + 80 * DAY;
	struct renewal r = renewal_of(0);

	/* a tenth of the 20 days that are left is less than a tenth of a hundred */
	renewal_installed(&r, installed, at(installed, 500));
	CHECK_INT(renewal_when(&r, at(installed, 500)), 500 + 2 * DAY * 1000);
	r = renewal_of(0);
	renewal_installed(&r, BORN + 70 * DAY, at(BORN + 79 * DAY, 500));
	CHECK_INT(renewal_when(&r, at(BORN + 79 * DAY, 500)), 500 + DAY * 1000);
	/* long enough */
	r = renewal_of(0);
	renewal_installed(&r, BORN + 70 * DAY, at(BORN + 80 * DAY, 500));
	CHECK_INT(renewal_when(&r, at(BORN + 80 * DAY, 500)), 500);
	/* nothing to wait for: it was not due then, the clock was set back, or it has expired */
	r = renewal_of(0);
	renewal_installed(&r, BORN, at(r.due, 500));
	renewal_installed(&r, installed, at(installed - 1, 500));
	renewal_installed(&r, EXPIRY, at(EXPIRY, 500));
	CHECK_INT(r.retry_at, 0);
}

TEST(the_wait_for_a_failure_is_not_made_shorter)
{
	const int64_t installed = BORN + 99 * DAY;
	struct renewal r = renewal_of(0);
	msec wait;

	renewal_failed(&r, true, at(BORN + 70 * DAY, 0), 0);
	renewal_failed(&r, true, at(BORN + 70 * DAY, 0), 0);
	wait = r.retry_at;
	renewal_installed(&r, installed, at(installed + DAY / 2, 0));
	CHECK_INT(r.retry_at, wait);
}

TEST(a_server_that_asks_every_time_is_not_obeyed_every_time)
{
	struct renewal r = renewal_of(0), none = { 0 };
	struct moment now = at(BORN + 10 * DAY, 1000);

	CHECK(!renewal_wish(&none, now));
	CHECK(!renewal_wish(&r, at(BORN, 1000)));
	CHECK(!renewal_wish(&r, at(BORN + 10 * DAY - 1, 1000)));
	CHECK(!renewal_is_due(&r, now));
	CHECK(renewal_wish(&r, now));
	CHECK(renewal_is_due(&r, now));
	CHECK(renewal_is_wish(&r, now));
	/* what is due anyway is no favour */
	CHECK(!renewal_is_wish(&r, at(r.due, 1000)));
	renewal_failed(&r, true, now, 0);
	CHECK(!renewal_wish(&r, now));
	CHECK(!renewal_is_due(&r, at(BORN + 11 * DAY, r.retry_at)));
	CHECK(renewal_wish(&r, at(BORN + 11 * DAY, r.retry_at)));
	/* a person may have it now, and again */
	renewal_ask(&r);
	CHECK(!renewal_is_wish(&r, now));
	renewal_succeeded(&r, now);
	CHECK(!renewal_is_due(&r, now));
	CHECK(!renewal_wish(&r, now));
}

/* ---- courses ---- */

static enum course course(const struct life *life, unsigned port, struct moment now)
{
	msec until;

	return life_course(life, port, now, &until);
}

TEST(what_comes_next_follows_the_rules)
{
	enum { DUE = 1, ASKED = 2, LATER = 4, ELSEWHERE = 8 };
	static const struct {
		bool usable, on_trial, enrols, means;
		unsigned what;
		enum course course;
	} rows[] = {
		/* no enrolment */
		{ false, false, false, false, 0, COURSE_NOTHING },
		{ true, false, false, false, 0, COURSE_ORDINARY },
		{ true, false, false, false, DUE, COURSE_ORDINARY },
		{ true, true, false, false, 0, COURSE_ORDINARY },
		/* nothing to enrol with */
		{ false, false, true, false, 0, COURSE_NOTHING },
		{ false, false, true, false, ASKED, COURSE_NOTHING },
		{ true, false, true, false, 0, COURSE_ORDINARY },
		{ true, false, true, false, DUE, COURSE_RENEW },
		{ true, false, true, false, DUE | ELSEWHERE, COURSE_ORDINARY },
		{ true, true, true, false, DUE, COURSE_ORDINARY },
		/* a token */
		{ false, false, true, true, 0, COURSE_ENROL },
		{ false, false, true, true, LATER, COURSE_NOTHING },
		{ false, false, true, true, ELSEWHERE, COURSE_NOTHING },
		{ true, false, true, true, 0, COURSE_ORDINARY },
		{ true, false, true, true, DUE, COURSE_RENEW },
		{ true, false, true, true, ASKED, COURSE_ENROL },
		{ true, true, true, true, ASKED, COURSE_ENROL },
		{ true, true, true, true, DUE, COURSE_ORDINARY },
		{ true, false, true, true, ASKED | ELSEWHERE, COURSE_ORDINARY },
	};
	struct moment now = at(BORN + DAY, 5000);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct life life = { .usable = rows[i].usable,
				     .on_trial = rows[i].on_trial,
				     .enrols = rows[i].enrols,
				     .means = rows[i].means,
				     .renewal = renewal_of(0) };

		if (rows[i].what & DUE)
			renewal_ask(&life.renewal);
		if (rows[i].what & ASKED)
			life_ask_enrolment(&life);
		if (rows[i].what & LATER)
			life.enrol_at = 6000;
		if (rows[i].what & ELSEWHERE)
			life_begins(&life, COURSE_RENEW, 8);
		CHECK_INT(course(&life, 7, now), rows[i].course);
		if (course(&life, 7, now) != rows[i].course)
			test_note("row %zu", i);
	}
}

TEST(it_is_known_when_time_alone_changes_the_course)
{
	struct life life = { .enrols = true, .means = true, .enrol_at = 9000 };
	msec until;

	CHECK_INT(life_course(&life, 1, at(0, 5000), &until), COURSE_NOTHING);
	CHECK_INT(until, 9000);
	life.means = false;
	CHECK_INT(life_course(&life, 1, at(0, 5000), &until), COURSE_NOTHING);
	CHECK_INT(until, NEVER);
	life.usable = true;
	life.renewal = renewal_of(0);
	CHECK_INT(life_course(&life, 1, at(life.renewal.due - 1, 0), &until), COURSE_ORDINARY);
	CHECK_INT(until, 1000);
	life.on_trial = true;
	life_course(&life, 1, at(life.renewal.due - 1, 0), &until);
	CHECK_INT(until, NEVER);
}

TEST(a_spent_token_is_not_tried_in_a_loop)
{
	struct life life = { .enrols = true, .means = true };
	msec now = 0;

	for (int i = 0; i < 3; i++) {
		CHECK_INT(course(&life, 1, at(BORN, now)), COURSE_ENROL);
		life_begins(&life, COURSE_ENROL, 1);
		life_ends(&life, COURSE_ENROL, 1, LIFE_REFUSED, at(BORN, now), 0);
		CHECK_INT(course(&life, 1, at(BORN, now)), COURSE_NOTHING);
		now = life.enrol_at;
	}
	CHECK_INT(now, (1 + 2 + 4) * 3600000);

	/* another token */
	life_begins(&life, COURSE_ENROL, 1);
	life_ends(&life, COURSE_ENROL, 1, LIFE_REFUSED, at(BORN, now), 0);
	life_forget_refusals(&life);
	CHECK_INT(course(&life, 1, at(BORN, now)), COURSE_ENROL);
}

TEST(two_ports_do_not_spend_two_tokens)
{
	struct life life = { .enrols = true, .means = true };

	life_begins(&life, COURSE_ENROL, 1);
	CHECK_INT(course(&life, 2, at(BORN, 0)), COURSE_NOTHING);
	CHECK_INT(course(&life, 1, at(BORN, 0)), COURSE_ENROL);
	/* somebody else's end is not the holder's */
	life_ends(&life, COURSE_ORDINARY, 2, LIFE_CUT_OFF, at(BORN, 0), 0);
	CHECK_INT(course(&life, 2, at(BORN, 0)), COURSE_NOTHING);
	life_ends(&life, COURSE_ENROL, 1, LIFE_CUT_OFF, at(BORN, 0), 0);
	CHECK_INT(course(&life, 2, at(BORN, 0)), COURSE_ENROL);
}

/* ---- trials ---- */

/* A renewal has gone well up to its trial. */
static struct life on_trial(void)
{
	struct life life = { .usable = true, .enrols = true, .renewal = renewal_of(0) };

	renewal_ask(&life.renewal);
	life_begins(&life, COURSE_RENEW, 1);
	life_ends(&life, COURSE_RENEW, 1, LIFE_INSTALLED, at(BORN, 0), 0);
	life.on_trial = true;
	return life;
}

TEST(what_opens_a_port_stays)
{
	struct life life = on_trial();

	CHECK_INT(life_judge(&life, LIFE_OPENED, at(BORN, 0), 0), LIFE_SETTLE);
	CHECK_INT(life.renewal.failures, 0);
	CHECK_INT(life_judge(&life, LIFE_OPENED, at(BORN, 0), 0), LIFE_NO_TRIAL);
	CHECK_INT(life_judge(&life, LIFE_CLOSED, at(BORN, 0), 0), LIFE_NO_TRIAL);
}

TEST(what_does_not_is_gone_back_from_and_the_renewal_waits)
{
	struct life life = on_trial();
	struct moment now = at(EXPIRY - DAY, 0);

	CHECK_INT(life_judge(&life, LIFE_CLOSED, now, 0), LIFE_FALL_BACK);
	CHECK_INT(life.renewal.failures, 1);
	CHECK_INT(course(&life, 1, now), COURSE_ORDINARY);
	now.mono = life.renewal.retry_at;
	CHECK(now.mono > 0);
	CHECK_INT(course(&life, 1, now), COURSE_RENEW);
}

TEST(silence_is_a_verdict_only_when_it_lasts)
{
	struct life life = on_trial();

	CHECK_INT(life_judge(&life, LIFE_TIMEOUT, at(BORN, 0), 0), LIFE_NO_TRIAL);
	CHECK(life.on_trial);
	CHECK_INT(life_judge(&life, LIFE_TIMEOUT, at(BORN, 0), 0), LIFE_FALL_BACK);
	CHECK(!life.on_trial);
}

TEST(failures_count_until_a_new_generation_has_opened_a_port)
{
	struct life life = on_trial();
	struct moment now = at(EXPIRY - 50 * DAY, 0);

	for (unsigned i = 1; i <= 5; i++) {
		life.on_trial = true;
		CHECK_INT(life_judge(&life, LIFE_CLOSED, now, 0), LIFE_FALL_BACK);
		CHECK_INT(life.renewal.failures, i);
		life_begins(&life, COURSE_RENEW, 1);
		life_ends(&life, COURSE_RENEW, 1, LIFE_INSTALLED, now, 0);
	}
	CHECK_INT(life.renewal.retry_at, (msec)16 * 3600000);
}

TEST(a_server_that_renews_nothing_is_not_asked_at_once)
{
	struct life life = { .usable = true, .enrols = true, .renewal = renewal_of(0) };
	struct moment now = at(EXPIRY - DAY, 0);

	life_begins(&life, COURSE_RENEW, 1);
	life_ends(&life, COURSE_RENEW, 1, LIFE_UNCHANGED, now, 0);
	CHECK_INT(course(&life, 1, now), COURSE_ORDINARY);
	CHECK(life.renewal.retry_at > 0);
}

/* The cable was pulled: nothing of it is anybody's fault. */
TEST(what_was_cut_off_is_tried_again)
{
	struct life life = { .usable = true, .enrols = true, .renewal = renewal_of(0) };
	struct moment now = at(EXPIRY - DAY, 0);

	life_begins(&life, COURSE_RENEW, 1);
	life_ends(&life, COURSE_RENEW, 1, LIFE_CUT_OFF, now, 0);
	CHECK_INT(course(&life, 2, now), COURSE_RENEW);
	life.usable = false;
	life.means = true;
	life_begins(&life, COURSE_ENROL, 1);
	life_ends(&life, COURSE_ENROL, 1, LIFE_FAILED, now, 0);
	CHECK_INT(life.enrol_at, 60000);
}

TEST(a_wish_counts_where_a_renewal_could_follow)
{
	const struct life good = { .usable = true, .enrols = true, .renewal = renewal_of(0) };
	struct moment now = at(BORN + 20 * DAY, 0);
	struct life life = good;

	CHECK(life_wish(&life, now));
	CHECK_INT(course(&life, 1, now), COURSE_RENEW);
	life_begins(&life, COURSE_RENEW, 1);
	life_ends(&life, COURSE_RENEW, 1, LIFE_UNCHANGED, now, 0);
	CHECK(!life_wish(&life, now));
	life = good;
	life.usable = false;
	CHECK(!life_wish(&life, now));
	life = good;
	life.enrols = false;
	CHECK(!life_wish(&life, now));
	life = good;
	life.on_trial = true;
	CHECK(!life_wish(&life, now));
	life = good;
	life.deaf = true;
	CHECK(!life_wish(&life, now));
	CHECK_INT(course(&life, 1, now), COURSE_ORDINARY);
}
