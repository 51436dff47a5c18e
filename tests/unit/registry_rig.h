/* A registry for tests: in a scratch file, or, when the environment names a server, in PostgreSQL,
 * where each test gets an empty schema of its own. */
#ifndef TESTS_UNIT_REGISTRY_RIG_H
#define TESTS_UNIT_REGISTRY_RIG_H

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "authd/registry.h"
#include "tests/unit/scratch.h"

struct rig {
	struct scratch dir;
	char where[512];
	struct registry_settings settings;
	struct registry *registry;
	struct diagnosis why;
};

/* What postgres.py starts: a connection string, and the program itself to stop and start it. */
static inline const char *rig_server(void)
{
	return getenv("LATCHKEY_POSTGRES");
}

/* Straight into the database; false when it refuses. */
static inline bool rig_sql(const struct rig *rig, const char *sql)
{
	bool done;

	if (rig_server()) {
		PGconn *c = PQconnectdb(rig->where);
		PGresult *result = PQexec(c, sql);
		ExecStatusType status = PQresultStatus(result);

		done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
		PQclear(result);
		PQfinish(c);
	} else {
		sqlite3 *c = NULL;

		done = sqlite3_open(rig->where, &c) == SQLITE_OK &&
		       sqlite3_busy_timeout(c, 5000) == SQLITE_OK &&
		       sqlite3_exec(c, sql, NULL, NULL, NULL) == SQLITE_OK;
		sqlite3_close(c);
	}
	return done;
}

static inline void rig_place(struct rig *rig)
{
	static int number;

	*rig = (struct rig){ .dir = scratch_make() };
	if (rig_server()) {
		char sql[64];

		snprintf(rig->where, sizeof rig->where, "%s", rig_server());
		snprintf(sql, sizeof sql, "CREATE SCHEMA t%d_%d", (int)getpid(), ++number);
		if (!rig_sql(rig, sql))
			abort();
		snprintf(rig->where, sizeof rig->where,
			 "%s options='-c search_path=t%d_%d -c client_min_messages=warning'",
			 rig_server(), (int)getpid(), number);
		rig->settings.server = rig->where;
	} else {
		snprintf(rig->where, sizeof rig->where, "%s/registry.db", rig->dir.path);
		rig->settings.file = rig->where;
	}
	rig->settings.origin = "here";
}

static inline struct rig rig_make(void)
{
	struct rig rig;

	rig_place(&rig);
	if (registry_open(&rig.settings, &rig.registry, &rig.why) < 0) {
		printf("# %s\n", diagnosis_evidence(&rig.why, "detail"));
		abort();
	}
	return rig;
}

static inline void rig_done(struct rig *rig)
{
	registry_free(rig->registry);
	scratch_done(&rig->dir);
}

/* The settings point into the rig, which was moved. */
static inline const struct registry_settings *rig_settings(struct rig *rig, const char *origin)
{
	rig->settings = (struct registry_settings){ .file = rig_server() ? NULL : rig->where,
						    .server = rig_server() ? rig->where : NULL,
						    .origin = origin };
	return &rig->settings;
}

#endif
