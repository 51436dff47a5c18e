/* A directory for one test, with files in it, gone when the test ends:
 *
 *	AUTO_VALUE(scratch) d = scratch_make(); */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

struct scratch {
	char path[64];
	char file[160]; /* the last one that was put */
};

static inline struct scratch scratch_in(const char *parent)
{
	struct scratch d;

	snprintf(d.path, sizeof d.path, "%s/latchkey-test-XXXXXX", parent);
	if (!mkdtemp(d.path))
		abort();
	return d;
}

static inline struct scratch scratch_make(void)
{
	return scratch_in("/tmp");
}

/* For many files that need not outlive a power cut. */
static inline struct scratch scratch_make_fast(void)
{
	return scratch_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline void scratch_done(struct scratch *d)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", d->path);
	if (system(command) != 0)
		printf("# %s stays\n", d->path);
}

/* Returns the path; good until the next. */
static inline const char *scratch_put(struct scratch *d, const char *name, const char *text,
				      mode_t mode)
{
	snprintf(d->file, sizeof d->file, "%s/%s", d->path, name);

	FILE *out = fopen(d->file, "w");

	if (!out || fputs(text, out) < 0 || fclose(out) != 0 || chmod(d->file, mode) < 0)
		abort();
	return d->file;
}

#endif
