#include "daemon/expiry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/list.h"

/* What was warned of already: a credential's generation and the threshold that it had passed. */
struct warned {
	char name[KEYSTORE_NAME_MAX + 1];
	unsigned generation;
	int64_t threshold;
};

struct expiry {
	int fd;
	struct watch watch;
	struct expiry_events events;
	struct warned *warned;
	size_t warned_count;
	const struct service_config *config;
	const struct credential_info *credentials;
	size_t count;
};

#define NO_THRESHOLD INT64_MAX
#define A_YEAR	     (365 * 24 * 3600)

/* The smallest threshold that the remaining time is within; 0 counts as one: expired. */
static int64_t threshold_of(const struct service_config *config, int64_t remaining)
{
	const struct spans *warnings = &config->expiry_warnings;
	int64_t passed = remaining <= 0 ? 0 : NO_THRESHOLD;

	for (size_t i = 0; i < warnings->count && passed != 0; i++) {
		if (remaining <= warnings->seconds[i] && warnings->seconds[i] < passed)
			passed = warnings->seconds[i];
	}
	return passed;
}

/* When the next threshold of this certificate comes. */
static int64_t next_of(const struct service_config *config, int64_t not_after, int64_t now)
{
	int64_t next = not_after > now ? not_after : NO_THRESHOLD;

	for (size_t i = 0; i < config->expiry_warnings.count; i++) {
		int64_t at = not_after - config->expiry_warnings.seconds[i];

		if (at > now && at < next)
			next = at;
	}
	return next;
}

static bool warned_before(const struct expiry *e, const struct warned *w)
{
	for (size_t i = 0; i < e->warned_count; i++) {
		if (strcmp(e->warned[i].name, w->name) == 0 &&
		    e->warned[i].generation == w->generation &&
		    e->warned[i].threshold == w->threshold)
			return true;
	}
	return false;
}

static void set_timer(struct expiry *e, int64_t at)
{
	/* A year away when there is nothing to wait for: the timer also tells of a clock that was
	 * set. */
	const struct itimerspec spec = { .it_value.tv_sec = at == NO_THRESHOLD
								    ? loop_now().wall + A_YEAR
								    : at };

	(void)timerfd_settime(e->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);
}

void expiry_look(struct expiry *expiry, const struct service_config *config,
		 const struct credential_info *credentials, size_t count)
{
	int64_t now = loop_now().wall, next = NO_THRESHOLD;
	struct warned *warned = calloc(count + 1, sizeof *warned);
	size_t warned_count = 0;

	expiry->config = config;
	expiry->credentials = credentials;
	expiry->count = count;
	for (size_t i = 0; i < count && warned; i++) {
		const struct credential_info *c = &credentials[i];
		int64_t remaining = c->cert.not_after - now;
		int64_t at = next_of(config, c->cert.not_after, now);
		struct warned w = { .generation = c->generation,
				    .threshold = threshold_of(config, remaining) };

		if (c->cert.not_after == 0)
			continue;
		if (at < next)
			next = at;
		if (w.threshold == NO_THRESHOLD)
			continue;
		memcpy(w.name, c->name, sizeof w.name);
		if (!warned_before(expiry, &w))
			expiry->events.warn(expiry->events.context, c, remaining);
		warned[warned_count++] = w;
	}
	if (warned) {
		free(expiry->warned);
		expiry->warned = warned;
		expiry->warned_count = warned_count;
	}
	set_timer(expiry, next);
}

static void on_timer(struct watch *watch, bool readable, bool writable)
{
	struct expiry *e = list_item(watch, struct expiry, watch);
	uint64_t expirations;

	(void)readable;
	(void)writable;
	if (read(e->fd, &expirations, sizeof expirations) < 0 && errno == ECANCELED)
		e->events.clock_set(e->events.context);
	expiry_look(e, e->config, e->credentials, e->count);
}

int expiry_new(struct loop *loop, const struct expiry_events *events, struct expiry **ret_expiry)
{
	struct expiry *e = calloc(1, sizeof *e);
	int error;

	if (!e)
		return -ENOMEM;
	e->events = *events;
	e->watch.ready = on_timer;
	e->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	error = e->fd < 0 ? -errno : watch_set(loop, &e->watch, e->fd, true, false);
	if (error < 0) {
		expiry_free(e);
		return error;
	}
	*ret_expiry = e;
	return 0;
}

void expiry_free(struct expiry *expiry)
{
	if (!expiry)
		return;
	watch_clear(&expiry->watch);
	if (expiry->fd >= 0)
		close(expiry->fd);
	free(expiry->warned);
	free(expiry);
}
