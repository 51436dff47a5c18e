#include "authd/wishes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wishes {
	struct loop *loop;
	struct recorder *recorder;
	struct wishes_events events;
	struct wished *wished; /* NULL: not known yet */
	struct timer timer;
	bool waits, asks; /* for the timer; for an answer */
	struct question question;
	struct wished *made; /* by the question */
};

/* In the recorder's thread, and perhaps more than once. */
static int ask(struct question *question, struct registry *registry)
{
	struct wishes *w = list_item(question, struct wishes, question);

	wished_free(TAKE(w->made));
	return wished_read(registry, &w->made);
}

static bool same(const struct wished *a, const struct wished *b)
{
	return a && a->count == b->count &&
	       (a->count == 0 ||
		memcmp(a->station, b->station, a->count * sizeof *a->station) == 0);
}

void wishes_put(struct wishes *w, struct wished *wished)
{
	struct wished *before = w->wished;

	w->wished = wished_ref(wished);
	if (!same(before, wished))
		w->events.changed(w->events.context, wished);
	wished_free(before);
}

static void tell_added(const struct wishes *w, const struct wished *before)
{
	for (size_t i = 0; i < w->wished->count; i++) {
		if (!wished_has(before, w->wished->station[i]))
			w->events.added(w->events.context, w->wished->station[i]);
	}
}

static void look_later(struct wishes *w)
{
	if (!w->waits)
		w->waits = timer_set(w->loop, &w->timer,
				     msec_after(loop_now().mono, WISHES_LOOK_AFTER)) == 0;
}

static void on_read(struct question *question, int result)
{
	struct wishes *w = list_item(question, struct wishes, question);
	AUTO_STRUCT(wished) made = TAKE(w->made);
	AUTO_STRUCT(wished) before = w->wished ? wished_ref(w->wished) : NULL;

	w->asks = false;
	if (!w->recorder)
		return;
	if (result == 0 && made) {
		wishes_put(w, made);
		tell_added(w, before);
	}
	if (result < 0 || !recorder_is_file(w->recorder))
		look_later(w);
}

static void on_timer(struct timer *timer)
{
	struct wishes *w = list_item(timer, struct wishes, timer);

	w->waits = false;
	if (!w->recorder)
		return;
	if (!w->asks && recorder_ask(w->recorder, &w->question) == 0)
		w->asks = true;
	else
		look_later(w);
}

void wishes_stir(struct wishes *w)
{
	if (w && w->recorder && w->wished && w->wished->count > 0)
		look_later(w);
}

int wishes_new(struct loop *loop, struct recorder *recorder, const struct wishes_events *events,
	       struct wishes **ret_wishes)
{
	struct wishes *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	*w = (struct wishes){ .loop = loop,
			      .recorder = recorder,
			      .events = *events,
			      .timer.expired = on_timer,
			      .question = { .ask = ask, .answered = on_read } };
	on_timer(&w->timer);
	*ret_wishes = w;
	return 0;
}

void wishes_stop(struct wishes *w)
{
	if (w)
		w->recorder = NULL;
}

void wishes_free(struct wishes *w)
{
	if (!w)
		return;
	timer_clear(&w->timer);
	wished_free(w->made);
	wished_free(w->wished);
	free(w);
}
