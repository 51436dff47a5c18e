#include "authd/registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/registry_db.h"
#include "authd/registry_parts.h"
#include "authd/registry_sql.h"

/* ---- what both databases share -------------------------------------------------------------- */

int db_fail(struct db *db, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diagnosis_vsay(&db->why, DIAG_REGISTRY, format, args);
	va_end(args);
	return -error;
}

int db_do(struct db *db, unsigned number, const struct db_value *values, size_t count)
{
	int r = db->backend->run(db, number, values, count);

	while (r == 0 && (r = db->backend->step(db)) == 1)
		r = 0;
	return r;
}

int db_lock(struct db *db, enum db_lock lock, const char *name)
{
	/* A transaction of SQLite's has the whole database to itself. */
	if (!db->backend->postgres)
		return 0;
	return db_do(db, SQL_LOCK, DB_VALUES(db_integer(lock), db_text(name)));
}

void db_read_text(struct db *db, int column, char *buffer, size_t size)
{
	printable(db->backend->bytes(db, column), buffer, size);
}

bool db_read_blob(struct db *db, int column, void *buffer, size_t size)
{
	struct slice in = db->backend->bytes(db, column);

	if (in.len != size)
		return false;
	memcpy(buffer, in.p, size);
	return true;
}

/* ---- opening -------------------------------------------------------------------------------- */

int registry_open(const struct registry_settings *settings, struct registry **ret_registry,
		  struct diagnosis *why)
{
	AUTO_STRUCT(registry) registry = calloc(1, sizeof *registry);
	int r;

	if (!registry || !settings->origin || !*settings->origin) {
		diagnosis_say(why, DIAG_REGISTRY,
			      registry ? "this server has no name" : "no memory");
		return registry ? -EINVAL : -ENOMEM;
	}
	printable(slice_str(settings->origin), registry->origin, sizeof registry->origin);
	r = settings->server ? db_open_postgres(settings->server, &registry->db, why)
			     : db_open_sqlite(settings->file, &registry->db, why);
	if (r < 0)
		return r;
	r = db_migrate(registry->db);
	if (r < 0) {
		*why = registry->db->why;
		return r;
	}
	*ret_registry = TAKE(registry);
	return 0;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	if (registry->db)
		registry->db->backend->free(registry->db);
	free(registry);
}

const struct diagnosis *registry_why(const struct registry *registry)
{
	return &registry->db->why;
}

bool registry_gone(const struct registry *registry)
{
	return registry->db->gone;
}

int registry_begin(struct registry *registry, bool durable)
{
	return registry->db->backend->begin(registry->db, durable);
}

int registry_commit(struct registry *registry)
{
	registry->db->backend->end(registry->db);
	return registry->db->backend->exec(registry->db, "COMMIT");
}

/* It may have ended already, which is as good; the reason why it has to is kept. */
void registry_rollback(struct registry *registry)
{
	struct diagnosis why = registry->db->why;

	registry->db->backend->end(registry->db);
	(void)registry->db->backend->exec(registry->db, "ROLLBACK");
	registry->db->why = why;
}

int registry_savepoint(struct registry *registry)
{
	registry->db->backend->end(registry->db);
	return registry->db->backend->exec(registry->db, "SAVEPOINT part");
}

int registry_release(struct registry *registry)
{
	registry->db->backend->end(registry->db);
	return registry->db->backend->exec(registry->db, "RELEASE SAVEPOINT part");
}

int registry_undo(struct registry *registry)
{
	registry->db->backend->end(registry->db);
	return registry->db->backend->exec(registry->db,
					   "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
}

/* ---- machines ------------------------------------------------------------------------------- */

/* A row of MACHINE_COLUMNS. */
static void read_machine(struct db *db, struct registry_machine *m)
{
	m->kind = db->backend->integer(db, 0) == MACHINE_STATION ? MACHINE_STATION
								 : MACHINE_CERTIFICATE;
	db_read_text(db, 1, m->identifier, sizeof m->identifier);
	db_read_text(db, 2, m->fingerprint, sizeof m->fingerprint);
	db_read_text(db, 3, m->station, sizeof m->station);
	db_read_text(db, 4, m->nas, sizeof m->nas);
	db_read_text(db, 5, m->port, sizeof m->port);
	m->first_seen = db->backend->integer(db, 6);
	m->last_seen = db->backend->integer(db, 7);
}

int registry_machine_seen(struct registry *registry, const struct registry_machine *m)
{
	registry_text identifier, station, nas, port;

	return db_do(registry->db, SQL_MACHINE_SEEN,
		     DB_VALUES(db_integer(m->kind), CLEAN(m->identifier, identifier),
			       db_text(m->fingerprint), CLEAN(m->station, station),
			       CLEAN(m->nas, nas), CLEAN(m->port, port), db_integer(m->last_seen)));
}

int registry_machine_get(struct registry *registry, enum machine_kind kind, const char *identifier,
			 struct registry_machine *ret_machine)
{
	struct db *db = registry->db;
	registry_text clean;
	int r = db->backend->run(db, SQL_MACHINE_GET,
				 DB_VALUES(db_integer(kind), CLEAN(identifier, clean)));

	if (r == 0)
		r = db->backend->step(db);
	if (r == 1)
		read_machine(db, ret_machine);
	db->backend->end(db);
	return r;
}

int registry_machines(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_machine *machine),
		      void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_MACHINES, DB_VALUES(rows(limit)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_machine machine;

		read_machine(db, &machine);
		r = each(context, &machine) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

/* ---- ticket keys ---------------------------------------------------------------------------- */

static int read_ring(struct db *db, struct ticket_keys *ring)
{
	int r = db->backend->run(db, SQL_TICKET_KEYS, DB_VALUES(db_integer(TICKET_KEYS_MAX)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct ticket_key *key = &ring->key[ring->count];

		/* A key of another form would be one that we have not made. */
		if (ring->count < TICKET_KEYS_MAX &&
		    db_read_blob(db, 0, key->name, sizeof key->name) &&
		    db_read_blob(db, 1, key->hmac, sizeof key->hmac) &&
		    db_read_blob(db, 2, key->aes, sizeof key->aes)) {
			key->created = db->backend->integer(db, 3);
			ring->count++;
		}
		r = 0;
	}
	db->backend->end(db);
	return r;
}

static int add_key(struct db *db, const struct ticket_key *key, size_t keep)
{
	int r = db_do(db, SQL_TICKET_KEY_ADD,
		      DB_VALUES(db_blob(key->name, sizeof key->name),
				db_blob(key->hmac, sizeof key->hmac),
				db_blob(key->aes, sizeof key->aes), db_integer(key->created)));

	return r < 0 ? r : db_do(db, SQL_TICKET_KEYS_FORGET, DB_VALUES(rows(keep)));
}

int registry_ticket_keys(struct registry *registry, int64_t rotate_after, size_t keep, int64_t now,
			 struct ticket_keys *ret_keys)
{
	struct db *db = registry->db;
	AUTO_VALUE(ticket_keys) ring = { 0 };
	int r = db_lock(db, DB_LOCK_TICKET_KEYS, "");

	if (r == 0)
		r = read_ring(db, &ring);
	if (r == 0 && ticket_keys_due(&ring, rotate_after, now)) {
		r = ticket_keys_rotate(&ring, keep, now);
		if (r < 0)
			return db_fail(db, -r, "no random bytes for a ticket key");
		r = add_key(db, &ring.key[0], keep);
	}
	if (r == 0)
		*ret_keys = ring;
	return r;
}
