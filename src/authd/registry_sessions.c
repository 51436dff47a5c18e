#include "authd/registry_parts.h"
#include "authd/registry_sql.h"

/* Of the times that are known. */
static int64_t last_heard(const struct registry_session *s)
{
	int64_t last = s->updated > s->started ? s->updated : s->started;

	return last > s->ended ? last : s->ended;
}

static int supersede(struct registry *registry, const struct registry_session *s)
{
	registry_text session, client, nas, port, station;

	return db_do(registry->db, SQL_SESSION_SUPERSEDE,
		     DB_VALUES(db_integer(last_heard(s)), CLEAN(s->station, station),
			       CLEAN(s->client, client), CLEAN(s->nas, nas), CLEAN(s->port, port),
			       CLEAN(s->session, session)));
}

int registry_session_put(struct registry *registry, const struct registry_session *s)
{
	registry_text session, client, nas, port, station, identity, machine;
	registry_word method, tls, rule, cause;
	int r = s->supersedes && *s->station ? supersede(registry, s) : 0;

	if (r < 0)
		return r;
	return db_do(registry->db, SQL_SESSION_PUT,
		     DB_VALUES(db_text(registry->origin), CLEAN(s->session, session),
			       CLEAN(s->client, client), CLEAN(s->nas, nas), CLEAN(s->port, port),
			       CLEAN(s->station, station), CLEAN(s->identity, identity),
			       CLEAN(s->method, method), CLEAN(s->tls, tls), CLEAN(s->rule, rule),
			       db_integer(s->vlan), db_integer(s->started),
			       db_integer(last_heard(s)),
			       s->ended ? db_integer(s->ended) : db_null(), CLEAN(s->cause, cause),
			       db_count(s->octets_in), db_count(s->octets_out),
			       db_count(s->packets_in), db_count(s->packets_out),
			       db_integer(s->machine_kind), CLEAN(s->machine, machine)));
}

/* A row of SQL_SESSIONS. */
static void read_session(struct db *db, struct registry_session *s)
{
	const struct db_backend *b = db->backend;

	*s = (struct registry_session){ 0 };
	db_read_text(db, 0, s->session, sizeof s->session);
	db_read_text(db, 1, s->client, sizeof s->client);
	db_read_text(db, 2, s->nas, sizeof s->nas);
	db_read_text(db, 3, s->port, sizeof s->port);
	db_read_text(db, 4, s->station, sizeof s->station);
	db_read_text(db, 5, s->identity, sizeof s->identity);
	db_read_text(db, 6, s->method, sizeof s->method);
	db_read_text(db, 7, s->tls, sizeof s->tls);
	db_read_text(db, 8, s->rule, sizeof s->rule);
	s->vlan = (uint16_t)b->integer(db, 9);
	s->started = b->integer(db, 10);
	s->updated = b->integer(db, 11);
	s->ended = b->integer(db, 12);
	db_read_text(db, 13, s->cause, sizeof s->cause);
	s->octets_in = (uint64_t)b->integer(db, 14);
	s->octets_out = (uint64_t)b->integer(db, 15);
	s->packets_in = (uint64_t)b->integer(db, 16);
	s->packets_out = (uint64_t)b->integer(db, 17);
	s->machine_kind =
		b->integer(db, 18) == MACHINE_STATION ? MACHINE_STATION : MACHINE_CERTIFICATE;
	db_read_text(db, 19, s->machine, sizeof s->machine);
}

int registry_sessions(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_session *session),
		      void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_SESSIONS, DB_VALUES(rows(limit)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_session session;

		read_session(db, &session);
		r = each(context, &session) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_sessions_close(struct registry *registry, int64_t when, const char *cause)
{
	registry_word clean;

	return db_do(registry->db, SQL_SESSIONS_CLOSE,
		     DB_VALUES(db_integer(when), CLEAN(cause, clean), db_text(registry->origin)));
}

int registry_sessions_forget(struct registry *registry, int64_t before, size_t limit)
{
	struct db *db = registry->db;
	int r = db_do(db, SQL_SESSIONS_FORGET, DB_VALUES(db_integer(before), rows(limit)));

	return r < 0 ? r : (int)db->backend->changed(db);
}
