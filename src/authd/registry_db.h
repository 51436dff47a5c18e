/* Two databases behind one set of calls: a query is run by its number with values for its
 * parameters, then its rows are stepped through.
 *
 * One query is under way at a time; the next ends it.  Its text (registry_sql.c) has ?1, ?2 for
 * parameters and is prepared when it is first needed.  All return 0 or -errno as registry.h tells,
 * and leave the reason in db->why. */
#ifndef AUTHD_REGISTRY_DB_H
#define AUTHD_REGISTRY_DB_H

#include "authd/registry.h"

#define DB_PARAMETERS_MAX 24

struct db_value {
	enum { DB_TEXT, DB_INTEGER, DB_BLOB, DB_NULL } type;
	const char *text;
	int64_t integer;
	struct slice blob;
};

static inline struct db_value db_text(const char *text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text };
}

static inline struct db_value db_integer(int64_t integer)
{
	return (struct db_value){ .type = DB_INTEGER, .integer = integer };
}

/* Counters that are larger than a database can hold stay at its largest number. */
static inline struct db_value db_count(uint64_t count)
{
	return db_integer(count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static inline struct db_value db_blob(const void *p, size_t len)
{
	return (struct db_value){ .type = DB_BLOB, .blob = slice_of(p, len) };
}

static inline struct db_value db_null(void)
{
	return (struct db_value){ .type = DB_NULL };
}

struct db {
	const struct db_backend *backend;
	bool gone; /* only a new connection helps */
	struct diagnosis why;
};

struct db_backend {
	const char *kind;
	const char *const (*words)[2]; /* what stands for $ID and so on; ends with NULLs */
	bool postgres;

	/* Statements without parameters or rows. */
	int (*exec)(struct db *db, const char *sql);
	/* To exclude all other writers from the beginning is the backend's way to be sure that a
	 * transaction can be finished, where locks are of the whole database. */
	int (*begin)(struct db *db, bool durable);
	int (*run)(struct db *db, unsigned number, const struct db_value *values, size_t count);
	int (*step)(struct db *db); /* 1: there is a row; 0: there is none any more */
	int64_t (*integer)(struct db *db, int column);	  /* 0 for NULL */
	struct slice (*bytes)(struct db *db, int column); /* good until the next step */
	int64_t (*changed)(struct db *db);		  /* rows, by the query that has ended */
	void (*end)(struct db *db);
	void (*free)(struct db *db);
};

int db_open_sqlite(const char *file, struct db **ret_db, struct diagnosis *why);
int db_open_postgres(const char *server, struct db **ret_db, struct diagnosis *why);

/* Brings the schema up to date: registry_sql.c. */
int db_migrate(struct db *db);

/* Runs a query to its end; for those without rows. */
int db_do(struct db *db, unsigned number, const struct db_value *values, size_t count);
#define DB_VALUES(...)                                                                             \
	(struct db_value[]){ __VA_ARGS__ },                                                        \
		sizeof((struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)

/* One who holds the name at a time, until the transaction ends. */
enum db_lock { DB_LOCK_MIGRATION = 1, DB_LOCK_TICKET_KEYS = 2, DB_LOCK_AUDIT = 3 };
int db_lock(struct db *db, enum db_lock lock, const char *name);

/* Column to a text that is cut to its size. */
void db_read_text(struct db *db, int column, char *buffer, size_t size);
/* Column to octets; false unless it is exactly as long. */
bool db_read_blob(struct db *db, int column, void *buffer, size_t size);

/* Notes the reason and returns -error. */
int db_fail(struct db *db, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
