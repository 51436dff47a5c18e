/* The credentials of the service while it runs: who enrols and who renews, what is tried and gone
 * back from, and what is told of it. */
#include "daemon/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "drivers/log.h"

uint32_t held_chance(void)
{
	uint32_t random;

	return random_bytes((uint8_t *)&random, sizeof random) == OK ? random : UINT32_MAX / 2;
}

struct held *held_find(struct service *s, const char *name)
{
	list_each (node, &s->held) {
		struct held *h = list_item(node, struct held, node);

		if (strcmp(h->name, name) == 0)
			return h;
	}
	return NULL;
}

struct held *held_make(struct service *s, const char *name)
{
	struct held *h = held_find(s, name);

	if (h)
		return h;
	h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	list_init(&h->node);
	snprintf(h->name, sizeof h->name, "%s", name);
	list_append(&s->held, &h->node);
	return h;
}

struct held *held_of_port(struct service *s, const struct port *port)
{
	return port->armed ? held_find(s, port->armed->credential) : NULL;
}

void held_forget_given(struct held *h)
{
	secret_done(&h->token);
	h->factory[0] = h->common_name[0] = h->kind[0] = '\0';
}

static void held_free(struct held *h)
{
	held_forget_given(h);
	list_remove(&h->node);
	free(h);
}

const struct enrol_given *held_given(const struct held *h, struct enrol_given *ret_given)
{
	*ret_given = (struct enrol_given){ .token = secret_slice(&h->token),
					   .factory = h->factory[0] ? h->factory : NULL };
	return ret_given;
}

/* ---- facts --------------------------------------------------------------------------------- */

static void learn_dates(struct service *s, struct held *h, const struct armed *armed)
{
	const struct profile_enrol *enrol = &armed->profile->enrol;
	const struct renewal_policy policy = { enrol->renew_at, enrol->renew_jitter };
	const struct credential_info *info = held_stored(s, h->name);
	bool other = h->life.renewal.generation != armed->generation;

	renewal_set(&h->life.renewal, &policy, armed->generation, armed->certificate.not_before,
		    armed->certificate.not_after, held_chance());
	if (other && info && info->generation == armed->generation)
		renewal_installed(&h->life.renewal, info->imported, loop_now());
}

static void learn(struct service *s, struct held *h, const struct armed *armed)
{
	const struct profile_enrol *enrol = &armed->profile->enrol;
	struct enrol_given given;

	h->life.usable = armed->ready;
	h->life.on_trial = h->life.usable && held_on_trial(s, armed->profile);
	if (enrol->wanted) {
		h->life.enrols = true;
		h->life.means = enrol_has_means(armed->profile, held_given(h, &given));
	}
	if (h->life.usable)
		learn_dates(s, h, armed);
}

static void look_at(struct service *s, const struct armed *armed)
{
	struct held *h = held_make(s, armed->credential);

	if (!h)
		return;
	if (!h->seen)
		h->life.enrols = h->life.means = false;
	h->seen = true;
	learn(s, h, armed);
}

void service_read_lives(struct service *s)
{
	list_each (node, &s->held)
		list_item(node, struct held, node)->seen = false;
	for (size_t i = 0; i < profile_set_count(s->profiles); i++) {
		const struct profile_entry *entry = profile_set_entry(s->profiles, i);

		if (entry->armed)
			look_at(s, entry->armed);
	}
	list_each (node, &s->held) {
		struct held *h = list_item(node, struct held, node);

		if (!h->seen && h->life.holder == 0)
			held_free(h);
	}
	held_set_timer(s);
}

void service_drop_lives(struct service *s)
{
	timer_clear(&s->renewals);
	timer_clear(&s->rearm);
	list_each (node, &s->held)
		held_free(list_item(node, struct held, node));
}

/* ---- the keystore has changed ---------------------------------------------------------------- */

static void stop_waiting_for_it(struct service *s, struct port *port)
{
	(void)s;
	port->again = false;
}

static void on_rearm(struct timer *timer)
{
	struct service *s = list_item(timer, struct service, rearm);

	s->rearming = true;
	service_rearm(s);
	if (trials_end(s, true))
		service_rearm(s);
	s->rearming = false;
	service_each_port(s, stop_waiting_for_it);
}

/* The keystore has changed; not from within whoever changed it. */
static void rearm_soon(struct service *s)
{
	timer_set(s->loop, &s->rearm, loop_now().mono);
}

/* ---- what a port asks ---------------------------------------------------------------------- */

static enum course course_of(void *context, struct port *port, msec *ret_until)
{
	const struct held *h = held_of_port(context, port);

	*ret_until = NEVER;
	if (!h)
		return port->armed->ready ? COURSE_ORDINARY : COURSE_NOTHING;
	return life_course(&h->life, port->link.index, loop_now(), ret_until);
}

/* What a renewal leaves as it is: the names of the secrets that there are. */
static void tell_held(const struct service *s, struct enrolment_job *job)
{
	const struct profile_credentials all = profile_enrolled(job->armed->profile);

	for (size_t i = 0; i < all.count; i++) {
		const struct credential_info *info = held_stored(s, all.is[i].name);

		if (info && info->problem.id == DIAG_NONE && info->kind == all.is[i].kind)
			snprintf(job->held[i], sizeof job->held[i], "%s", info->username);
	}
}

static int enrol(void *context, struct port *port, enum course course,
		 struct enrolment **ret_enrolment, struct diagnosis *why)
{
	struct service *s = context;
	const struct held *h = held_of_port(s, port);
	struct enrolment_job job = { .store = key_shelf_store(s->shelf, course == COURSE_RENEW),
				     .common_name = h->common_name,
				     .kind = h->kind };
	struct enrol_given given;
	struct diagnosis none;
	int r = 0;

	if (course == COURSE_ENROL)
		r = enrol_arm(port->armed->profile, s->keystore, held_given(h, &given),
			      loop_now().wall, &job.means, why);
	/* Of an enrolment what there may be is only what is replaced. */
	if (r == 0 && keystore_get(s->keystore, port->armed->credential, &job.old, &none) < 0 &&
	    course == COURSE_RENEW) {
		*why = none;
		r = -EINVAL;
	}
	if (r < 0) {
		armed_enrol_free(job.means);
		return r;
	}
	job.offered = course == COURSE_RENEW && renewal_is_wish(&h->life.renewal, loop_now());
	job.armed = armed_ref(port->armed);
	if (course == COURSE_RENEW)
		tell_held(s, &job);
	return enrolment_new(&job, ret_enrolment, why);
}

static const struct diagnosis *complaint(void *context, struct port *port)
{
	const struct held *h = held_of_port(context, port);

	return h && h->problem.id != DIAG_NONE ? &h->problem : NULL;
}

/* ---- how it goes --------------------------------------------------------------------------- */

static void began(void *context, struct port *port)
{
	struct held *h = held_of_port(context, port);

	if (h)
		life_begins(&h->life, port->course, port->link.index);
	if (port->course == COURSE_ENROL || port->course == COURSE_RENEW)
		log_event(LOG_NOTICE, "credential.conversation", "port=%s credential=%s action=%s",
			  port->link.name, port->armed->credential,
			  port->course == COURSE_ENROL ? "enroll" : "renew");
}

/* When it is tried again, on the wall. */
int64_t held_retry_time(msec retry_at, struct moment now)
{
	return now.wall + (int64_t)(retry_at > now.mono ? (retry_at - now.mono) / 1000 : 0);
}

static void renewal_complains(struct held *h, const struct diagnosis *cause, struct moment now)
{
	const struct renewal *r = &h->life.renewal;
	char text[512];

	diagnosis_set(&h->problem, DIAG_RENEWAL_FAILED);
	diagnosis_add(&h->problem, "credential", "%s", h->name);
	diagnosis_add_time(&h->problem, "not_after", r->not_after);
	diagnosis_add(&h->problem, "detail", "%s", diagnosis_sentence(cause, text, sizeof text));
	diagnosis_add(&h->problem, "id", "%s", diagnosis_text(cause->id)->name);
	diagnosis_add_time(&h->problem, "retry", held_retry_time(r->retry_at, now));
	diagnosis_add(&h->problem, "failures", "%u", r->failures);
	h->problem.when = now.wall;
}

static void complain(struct held *h, const struct conversation_end *end, struct moment now)
{
	if (end->course == COURSE_RENEW) {
		renewal_complains(h, &end->why, now);
		return;
	}
	h->problem = end->why;
	h->problem.when = now.wall;
	if (!h->life.usable)
		diagnosis_add_time(&h->problem, "retry", held_retry_time(h->life.enrol_at, now));
}

static void log_end(const struct port *port, const struct held *h,
		    const struct conversation_end *end)
{
	static const char *const words[] = {
		[LIFE_INSTALLED] = "installed", [LIFE_UNCHANGED] = "unchanged",
		[LIFE_FAILED] = "failed",	[LIFE_REFUSED] = "refused",
		[LIFE_CUT_OFF] = "cut-off",
	};
	char sentence[512], quoted[512];
	bool bad = end->outcome == LIFE_FAILED || end->outcome == LIFE_REFUSED;

	log_event(bad ? LOG_ERR : LOG_NOTICE, "credential.outcome",
		  "port=%s credential=%s action=%s outcome=%s id=%s cause=\"%s\"", port->link.name,
		  h->name, end->course == COURSE_ENROL ? "enroll" : "renew", words[end->outcome],
		  diagnosis_text(end->why.id)->name,
		  log_quoted(diagnosis_sentence(&end->why, sentence, sizeof sentence), quoted,
			     sizeof quoted));
}

/* A renewal that fails near the end is told as often as it is tried. */
static void warn_again(struct service *s, const struct held *h)
{
	const struct renewal *r = &h->life.renewal;

	if (s->bus && r->not_after > 0)
		bus_expiry_warning(s->bus, h->name, r->not_after);
}

static void tell_end(struct service *s, const struct port *port, const struct conversation_end *end)
{
	bool done = end->outcome == LIFE_INSTALLED;

	if (s->bus && end->outcome != LIFE_CUT_OFF)
		bus_enrolment_progress(s->bus, port->link.index, done ? "done" : "failed", "",
				       &end->why);
}

/* Ports that waited for this one to end. */
static void wake_others(struct service *s, struct port *ended)
{
	for (size_t i = 0; i < PORT_BUCKETS; i++) {
		list_each (node, &s->ports[i]) {
			struct port *port = list_item(node, struct port, node);

			if (port != ended && port->waiting && port->armed &&
			    strcmp(port->armed->credential, ended->armed->credential) == 0)
				port_reconsider(port);
		}
	}
}

static void enrolment_ended(struct service *s, struct port *port, struct held *h,
			    const struct conversation_end *end)
{
	struct moment now = loop_now();

	/* It wishes for what it does not do: so do servers that offer this tunnel to everybody. */
	if (end->course == COURSE_RENEW && end->why.id == DIAG_ENROL_NOT_OFFERED)
		h->life.deaf = true;
	life_ends(&h->life, end->course, port->link.index, end->outcome, now, held_chance());
	log_end(port, h, end);
	switch (end->outcome) {
	case LIFE_INSTALLED:
		diagnosis_set(&h->problem, DIAG_NONE);
		held_forget_given(h);
		rearm_soon(s);
		break;
	case LIFE_FAILED:
	case LIFE_REFUSED:
		complain(h, end, now);
		if (end->course == COURSE_RENEW)
			warn_again(s, h);
		/* What a person typed is not tried again by itself if it was refused. */
		if (end->outcome == LIFE_REFUSED) {
			struct enrol_given none;

			held_forget_given(h);
			h->life.means = enrol_has_means(port->armed->profile, held_given(h, &none));
		}
		break;
	case LIFE_UNCHANGED:
	case LIFE_CUT_OFF:
		break;
	}
	tell_end(s, port, end);
	if (end->outcome != LIFE_INSTALLED)
		wake_others(s, port);
	held_set_timer(s);
}

/* But for the one that the profile shows. */
static void settle_others(struct service *s, const struct profile *profile)
{
	const struct profile_credentials all = profile_enrolled(profile);
	struct diagnosis why;

	for (size_t i = 1; i < all.count; i++) {
		const struct credential_info *info = held_stored(s, all.is[i].name);

		diagnosis_set(&why, DIAG_NONE);
		if (info && keystore_settle(s->keystore, info->name, info->generation, &why) < 0)
			log_event(LOG_WARNING, "credential.settled",
				  "credential=%s generation=%u result=failed", info->name,
				  info->generation);
	}
}

static void settle(struct service *s, struct port *port, struct held *h)
{
	struct diagnosis why;
	char sentence[512], quoted[512];

	diagnosis_set(&h->problem, DIAG_NONE);
	if (keystore_settle(s->keystore, h->name, port->armed->generation, &why) < 0)
		log_event(LOG_WARNING, "credential.settled",
			  "credential=%s generation=%u result=failed cause=\"%s\"", h->name,
			  port->armed->generation,
			  log_quoted(diagnosis_sentence(&why, sentence, sizeof sentence), quoted,
				     sizeof quoted));
	else
		log_event(LOG_NOTICE, "credential.settled", "credential=%s generation=%u", h->name,
			  port->armed->generation);
	settle_others(s, port->armed->profile);
	service_read_credentials(s);
	held_set_timer(s);
}

static void ordinary_ended(struct service *s, struct port *port, struct held *h,
			   const struct conversation_end *end)
{
	struct moment now = loop_now();

	if (end->cut_off || port->armed->generation != h->life.renewal.generation)
		return;
	switch (life_judge(&h->life, end->ending, now, held_chance())) {
	case LIFE_NO_TRIAL:
		if (end->wished)
			held_hear_wish(s, port, h);
		return;
	case LIFE_SETTLE:
		settle(s, port, h);
		return;
	case LIFE_FALL_BACK:
		held_fall_back(s, h, port->armed->profile, &end->why);
		if (s->bus)
			bus_enrolment_progress(s->bus, port->link.index, "fell-back", "",
					       &h->problem);
		port->again = true;
		rearm_soon(s);
		return;
	}
}

static void ended(void *context, struct port *port, const struct conversation_end *end)
{
	struct service *s = context;
	struct held *h = held_of_port(s, port);

	if (!h)
		return;
	if (end->course == COURSE_ENROL || end->course == COURSE_RENEW)
		enrolment_ended(s, port, h, end);
	else
		ordinary_ended(s, port, h, end);
}

static void progress(void *context, struct port *port, const struct enrolment_event *event)
{
	struct service *s = context;
	char quoted[DIAGNOSIS_VALUE_MAX];

	log_event(LOG_INFO, "credential.progress",
		  "port=%s credential=%s action=%s step=%s protocol=%s detail=\"%s\"",
		  port->link.name, event->credential, event->action, event->step, event->protocol,
		  log_quoted(event->detail, quoted, sizeof quoted));
	if (s->bus)
		bus_enrolment_progress(s->bus, port->link.index, event->step, event->detail,
				       &event->why);
}

void service_open_lives(struct service *s)
{
	list_init(&s->held);
	s->world.course = course_of;
	s->world.enrol = enrol;
	s->world.complaint = complaint;
	s->world.conversation_began = began;
	s->world.conversation_ended = ended;
	s->world.progress = progress;
	s->renewals.expired = held_on_renewals;
	s->rearm.expired = on_rearm;
}
