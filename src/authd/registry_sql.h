/* The queries of the registry by number, and the migrations of its schema. */
#ifndef AUTHD_REGISTRY_SQL_H
#define AUTHD_REGISTRY_SQL_H

enum sql {
	SQL_MIGRATION_LATEST,
	SQL_MIGRATION_ADD,
	SQL_LOCK, /* of PostgreSQL alone */
	SQL_MACHINE_SEEN,
	SQL_MACHINE_GET,
	SQL_MACHINES,
	SQL_CREDENTIAL_ISSUED,
	SQL_CREDENTIAL_REVOKE,
	SQL_CREDENTIAL_GET,
	SQL_SESSION_PUT,
	SQL_SESSION_SUPERSEDE,
	SQL_SESSIONS,
	SQL_SESSIONS_CLOSE,
	SQL_SESSIONS_FORGET,
	SQL_AUDIT_LAST,
	SQL_AUDIT_ADD,
	SQL_AUDIT_LIST,
	SQL_AUDIT_FROM,
	SQL_AUDIT_NEXT_ORIGIN,
	SQL_TICKET_KEYS,
	SQL_TICKET_KEY_ADD,
	SQL_TICKET_KEYS_FORGET,
	SQL_COUNT
};

extern const char *const sql_texts[SQL_COUNT];

struct migration {
	/* $ID, $INT, $BLOB and $STRICT are words of the backend. */
	const char *both, *sqlite, *postgres;
};

/* The first brings version 0 to 1. */
extern const struct migration migrations[];
extern const unsigned migrations_count;

#endif
