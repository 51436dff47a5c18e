/* The registry in a file of this machine. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/registry_db.h"
#include "authd/registry_sql.h"

#define BUSY_MS 2000 /* that somebody else may lock it before we give up */
#define POLL_MS 10

struct sqlite {
	struct db db;
	sqlite3 *handle;
	sqlite3_stmt *prepared[SQL_COUNT];
	sqlite3_stmt *running;
};

static struct sqlite *sqlite_of(struct db *db)
{
	return (struct sqlite *)(void *)db;
}

static int error_of(struct sqlite *s, int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EAGAIN;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return EINVAL;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
		s->db.gone = true;
		return EIO;
	default:
		return EIO;
	}
}

static int failed(struct sqlite *s, int code)
{
	return db_fail(&s->db, error_of(s, code), "%s", sqlite3_errmsg(s->handle));
}

static int sqlite_exec(struct db *db, const char *sql)
{
	struct sqlite *s = sqlite_of(db);
	int code = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : failed(s, code);
}

static void sqlite_end(struct db *db)
{
	struct sqlite *s = sqlite_of(db);

	if (s->running) {
		sqlite3_reset(s->running);
		sqlite3_clear_bindings(s->running);
	}
	s->running = NULL;
}

/* How much a commit waits for the disk can only be changed outside of a transaction. */
static int sqlite_begin(struct db *db, bool durable)
{
	int r;

	sqlite_end(db);
	r = sqlite_exec(db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
	return r < 0 ? r : sqlite_exec(db, "BEGIN IMMEDIATE");
}

static int bind(sqlite3_stmt *statement, int at, const struct db_value *v)
{
	switch (v->type) {
	case DB_TEXT:
		return sqlite3_bind_text(statement, at, v->text, -1, SQLITE_TRANSIENT);
	case DB_INTEGER:
		return sqlite3_bind_int64(statement, at, v->integer);
	case DB_BLOB:
		return sqlite3_bind_blob(statement, at, v->blob.p, (int)v->blob.len,
					 SQLITE_TRANSIENT);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(statement, at);
}

static int sqlite_run(struct db *db, unsigned number, const struct db_value *values, size_t count)
{
	struct sqlite *s = sqlite_of(db);
	int code = SQLITE_OK;

	sqlite_end(db);
	if (!s->prepared[number])
		code = sqlite3_prepare_v3(s->handle, sql_texts[number], -1,
					  SQLITE_PREPARE_PERSISTENT, &s->prepared[number], NULL);
	for (size_t i = 0; code == SQLITE_OK && i < count; i++)
		code = bind(s->prepared[number], (int)i + 1, &values[i]);
	if (code != SQLITE_OK)
		return failed(s, code);
	s->running = s->prepared[number];
	return 0;
}

static int sqlite_step(struct db *db)
{
	struct sqlite *s = sqlite_of(db);
	int code = sqlite3_step(s->running), r;

	if (code == SQLITE_ROW)
		return 1;
	r = code == SQLITE_DONE ? 0 : failed(s, code);
	sqlite_end(db);
	return r;
}

static int64_t sqlite_integer(struct db *db, int column)
{
	return sqlite3_column_int64(sqlite_of(db)->running, column);
}

static struct slice sqlite_bytes(struct db *db, int column)
{
	sqlite3_stmt *running = sqlite_of(db)->running;
	const void *p = sqlite3_column_blob(running, column);

	return slice_of(p, p ? (size_t)sqlite3_column_bytes(running, column) : 0);
}

static int64_t sqlite_changed(struct db *db)
{
	return sqlite3_changes(sqlite_of(db)->handle);
}

static void sqlite_free(struct db *db)
{
	struct sqlite *s = sqlite_of(db);

	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->prepared[i]);
	sqlite3_close(s->handle);
	free(s);
}

/* Before SQLite 3.37 tables cannot be strict about their types. */
#define BACKEND(strict)                                                                            \
	{                                                                                          \
		.kind = "sqlite",                                                                  \
		.words = (const char *const[][2]){ { "$ID", "INTEGER PRIMARY KEY" },               \
						   { "$INT", "INTEGER" },                          \
						   { "$BLOB", "BLOB" },                            \
						   { "$STRICT", (strict) },                        \
						   { NULL, NULL } },                               \
		.exec = sqlite_exec, .begin = sqlite_begin, .run = sqlite_run,                     \
		.step = sqlite_step, .integer = sqlite_integer, .bytes = sqlite_bytes,             \
		.changed = sqlite_changed, .end = sqlite_end, .free = sqlite_free,                 \
	}
static const struct db_backend sqlite_strict = BACKEND("STRICT"), sqlite_loose = BACKEND("");

/* ---- opening -------------------------------------------------------------------------------- */

/* It holds keys and who was where: for its owner alone.  Looked at without being opened: to close a
 * file would end the locks that SQLite holds on it elsewhere in this process. */
static int check_private(const char *file, struct diagnosis *why)
{
	struct stat st;
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST || lstat(file, &st) < 0) {
		int error = errno;

		diagnosis_say(why, DIAG_REGISTRY, "%s: %s", file, strerror(error));
		return -error;
	}
	if (!S_ISREG(st.st_mode)) {
		diagnosis_say(why, DIAG_REGISTRY, "%s is not a file", file);
		return -EACCES;
	}
	if (st.st_uid != geteuid()) {
		diagnosis_say(why, DIAG_REGISTRY,
			      "%s belongs to user %u and this is user %u; chown it", file,
			      (unsigned)st.st_uid, (unsigned)geteuid());
		return -EACCES;
	}
	if (st.st_mode & 077) {
		diagnosis_say(why, DIAG_REGISTRY,
			      "others can open %s (mode %04o); chmod 600 it, and consider its "
			      "ticket keys known to them",
			      file, (unsigned)st.st_mode & 07777);
		return -EACCES;
	}
	return 0;
}

/* Only one can make the file a WAL one, and the others are told at once that it is busy. */
static int set_journal(struct sqlite *s)
{
	for (int waited = 0;; waited += POLL_MS) {
		int r = sqlite_exec(&s->db, "PRAGMA journal_mode=WAL");

		if (r != -EAGAIN || waited >= BUSY_MS)
			return r;
		sqlite3_sleep(POLL_MS);
	}
}

static int set_up(struct sqlite *s)
{
	int r;

	sqlite3_extended_result_codes(s->handle, 1);
	sqlite3_busy_timeout(s->handle, BUSY_MS);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	r = set_journal(s);
	return r < 0 ? r
		     : sqlite_exec(&s->db, "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON;"
					   " PRAGMA journal_size_limit=67108864;"
					   " PRAGMA cache_size=-16384;"
					   " PRAGMA wal_autocheckpoint=8192");
}

int db_open_sqlite(const char *file, struct db **ret_db, struct diagnosis *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	struct sqlite *s;
	int r = check_private(file, why);

	if (r < 0)
		return r;
	s = calloc(1, sizeof *s);
	if (!s) {
		diagnosis_say(why, DIAG_REGISTRY, "%s: no memory", file);
		return -ENOMEM;
	}
	s->db.backend = sqlite3_libversion_number() >= 3037000 ? &sqlite_strict : &sqlite_loose;
	r = sqlite3_open_v2(file, &s->handle, flags, NULL);
	r = r == SQLITE_OK ? set_up(s) : failed(s, r);
	if (r < 0) {
		diagnosis_say(why, DIAG_REGISTRY, "%s: %s", file,
			      diagnosis_evidence(&s->db.why, "detail"));
		sqlite_free(&s->db);
		return r;
	}
	*ret_db = &s->db;
	return 0;
}
