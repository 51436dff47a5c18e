#include "authd/tickets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/log.h"

#define KEEP	   3 /* keys: a ticket is good for as long as a session, and that is two rotations */
#define LOOK_AFTER 60000 /* msec: another server may have made the next key */

struct tickets {
	struct loop *loop;
	struct pool *pool;
	struct recorder *recorder;
	struct timer timer;
	bool on;
	char *file;
	int64_t rotate_after;
	struct ticket_keys keys;

	/* of the database: one question at a time */
	struct question question;
	bool asking;
	struct ticket_keys found;
	struct ticket_keys own; /* one, which seals until the database has answered, and opens for
				   as long as what it has sealed is good */
};

/* ---- where they come from ---- */

static void give(struct tickets *t, const struct ticket_keys *keys, bool shared)
{
	if (memcmp(&t->keys, keys, sizeof *keys) != 0)
		log_event(LOG_INFO, "tickets.keys", "shared=%s count=%zu", shared ? "yes" : "no",
			  keys->count);
	t->keys = *keys;
	pool_ticket_keys(t->pool, keys);
}

static int in_database(struct question *question, struct registry *registry)
{
	struct tickets *t = list_item(question, struct tickets, question);

	return registry_ticket_keys(registry, t->rotate_after, KEEP, loop_now().wall, &t->found);
}

/* Behind those that are shared: it seals nothing more. */
static void add_own(struct tickets *t, struct ticket_keys *keys)
{
	if (ticket_keys_due(&t->own, 2 * t->rotate_after, loop_now().wall))
		ticket_keys_done(&t->own);
	else if (keys->count < TICKET_KEYS_MAX)
		keys->key[keys->count++] = t->own.key[0];
}

static void from_database(struct question *question, int result)
{
	struct tickets *t = list_item(question, struct tickets, question);

	t->asking = false;
	if (result >= 0 && t->on) {
		add_own(t, &t->found);
		give(t, &t->found, true);
	} else if (t->on && result != -ECANCELED)
		log_event(LOG_WARNING, "tickets.keys",
			  "error=\"%s\" effect=\"the old keys are used for longer\"",
			  strerror(-result));
	ticket_keys_done(&t->found);
}

static void ask_database(struct tickets *t)
{
	if (t->asking)
		return;
	t->question = (struct question){ .ask = in_database, .answered = from_database };
	t->asking = recorder_ask(t->recorder, &t->question) == 0;
}

/* Who comes before the database has answered gets a ticket all the same. */
static int begin_without_database(struct tickets *t, int64_t now)
{
	int error = t->keys.count > 0 ? 0 : ticket_keys_rotate(&t->own, 1, now);

	if (error == 0 && t->keys.count == 0)
		give(t, &t->own, false);
	return error;
}

static int make_own(struct tickets *t, int64_t now)
{
	struct ticket_keys keys = t->keys;
	int error = 0;

	if (ticket_keys_due(&keys, t->rotate_after, now))
		error = ticket_keys_rotate(&keys, KEEP, now);
	if (error == 0)
		give(t, &keys, false);
	ticket_keys_done(&keys);
	return error;
}

static int look(struct tickets *t, struct diagnosis *why)
{
	int64_t now = loop_now().wall;
	struct ticket_keys keys;
	int error;

	if (!t->file && t->recorder) {
		ask_database(t);
		return begin_without_database(t, now);
	}
	if (!t->file)
		return make_own(t, now);
	error = ticket_keys_file(t->file, t->rotate_after, KEEP, now, &keys, why);
	if (error < 0)
		return error;
	give(t, &keys, true);
	ticket_keys_done(&keys);
	return 0;
}

static void on_timer(struct timer *timer)
{
	struct tickets *t = list_item(timer, struct tickets, timer);
	struct diagnosis why = { 0 };
	char cause[512];

	if (look(t, &why) < 0)
		log_event(LOG_WARNING, "tickets.keys",
			  "cause=\"%s\" effect=\"the old keys are used for longer\"",
			  why.id == DIAG_NONE ? "" : diagnosis_sentence(&why, cause, sizeof cause));
	timer_set(t->loop, timer, msec_after(loop_now().mono, LOOK_AFTER));
}

/* ---- its life ---- */

int tickets_new(struct loop *loop, struct pool *pool, struct recorder *recorder,
		struct tickets **ret_tickets)
{
	struct tickets *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	t->loop = loop;
	t->pool = pool;
	t->recorder = recorder;
	t->timer.expired = on_timer;
	*ret_tickets = t;
	return 0;
}

int tickets_configure(struct tickets *t, const struct authd_settings *settings,
		      struct diagnosis *why)
{
	char *file = NULL;

	t->on = settings->resumption == RESUMPTION_TICKETS;
	t->rotate_after = (int64_t)(settings->session_lifetime / 2000);
	timer_clear(&t->timer);
	if (!t->on)
		return 0;
	if (settings->ticket_key_file && !(file = strdup(settings->ticket_key_file)))
		return -ENOMEM;
	free(t->file);
	t->file = file;
	/* New TLS configurations have none yet. */
	if (t->keys.count > 0)
		pool_ticket_keys(t->pool, &t->keys);

	int error = look(t, why);

	if (error == 0)
		error = timer_set(t->loop, &t->timer, msec_after(loop_now().mono, LOOK_AFTER));
	return error;
}

void tickets_free(struct tickets *t)
{
	if (!t)
		return;
	timer_clear(&t->timer);
	ticket_keys_done(&t->keys);
	ticket_keys_done(&t->own);
	free(t->file);
	free(t);
}
