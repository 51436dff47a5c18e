#include "authd/wished.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/registry_enrol.h"

#define CHUNK 64 /* stations that room is made for at once */

struct reading {
	struct wished *wished;
	int error;
};

static bool on_station(void *context, const char *station)
{
	struct reading *r = context;
	struct wished *w = r->wished;

	if (strlen(station) >= WISHED_STATION_SIZE)
		return true;
	if (w->count % CHUNK == 0) {
		char(*more)[WISHED_STATION_SIZE] =
			reallocarray(w->station, w->count + CHUNK, sizeof *more);

		if (!more) {
			r->error = -ENOMEM;
			return false;
		}
		w->station = more;
	}
	memset(w->station[w->count], 0, WISHED_STATION_SIZE);
	snprintf(w->station[w->count++], WISHED_STATION_SIZE, "%s", station);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int wished_read(struct registry *registry, struct wished **ret_wished)
{
	AUTO_STRUCT(wished) wished = calloc(1, sizeof *wished);
	struct reading reading = { wished, 0 };
	int r;

	if (!wished)
		return -ENOMEM;
	wished->references = 1;
	r = registry_stations_to_renew(registry, WISHED_MAX, on_station, &reading);
	if (r < 0 || reading.error < 0)
		return r < 0 ? r : reading.error;
	if (wished->count > 0)
		qsort(wished->station, wished->count, sizeof *wished->station, compare);
	*ret_wished = TAKE(wished);
	return 0;
}

struct wished *wished_ref(struct wished *w)
{
	atomic_fetch_add_explicit(&w->references, 1, memory_order_relaxed);
	return w;
}

void wished_free(struct wished *w)
{
	if (!w || atomic_fetch_sub_explicit(&w->references, 1, memory_order_acq_rel) > 1)
		return;
	free(w->station);
	free(w);
}

bool wished_has(const struct wished *w, const char *station)
{
	return w && w->count > 0 &&
	       bsearch(station, w->station, w->count, sizeof *w->station, compare);
}
