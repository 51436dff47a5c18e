#include "authd/registry_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/registry_db.h"
#include "drivers/loop.h"

#define MIGRATION_TEXT_MAX 8192

/* clang-format off */
/* Keeps what was known before where there is nothing new to say. */
#define KEEP(table, column) \
	#column " = CASE WHEN excluded." #column " <> '' THEN excluded." #column \
		" ELSE " #table "." #column " END"
#define KEEP_NUMBER(table, column) \
	#column " = CASE WHEN excluded." #column " <> 0 THEN excluded." #column \
		" ELSE " #table "." #column " END"
/* 0 is not known. */
#define EARLIEST(table, column) \
	#column " = CASE WHEN " #table "." #column " = 0 OR (excluded." #column " <> 0 AND" \
		" excluded." #column " < " #table "." #column ") THEN excluded." #column \
		" ELSE " #table "." #column " END"
#define GREATEST(table, column) \
	#column " = CASE WHEN excluded." #column " > " #table "." #column \
		" THEN excluded." #column " ELSE " #table "." #column " END"

#define MACHINE_COLUMNS	   "kind, identifier, fingerprint, station, nas, port, first_seen, last_seen"
#define CREDENTIAL_COLUMNS "issuer, serial, subject, spki, profile, issued, not_before, not_after"
#define CREDENTIAL_ROWS \
	"SELECT credential.issuer, credential.serial, credential.subject, credential.spki," \
	" credential.profile, credential.issued, credential.not_before, credential.not_after," \
	" credential.revoked, credential.reason, machine.kind, machine.identifier, credential.kind," \
	" credential.fingerprint, credential.token, credential.validated, credential.der" \
	" FROM credential LEFT JOIN machine ON machine.id = credential.machine WHERE "
#define TOKEN_COLUMNS \
	"name, profile, uses, used, made, expires, revoked, maker, note, station, serial, common_name"
#define ACCOUNT_COLUMNS	   "name, hash, disabled, maker, made, changed"
#define AUDIT_COLUMNS	   "origin, sequence, digest, at, event, actor, subject, detail"

const char *const sql_texts[SQL_COUNT] = {
	[SQL_MIGRATION_LATEST] = "SELECT COALESCE(MAX(version), 0) FROM migration",
	[SQL_MIGRATION_ADD] = "INSERT INTO migration (version, applied) VALUES (?1, ?2)",
	[SQL_LOCK] = "SELECT pg_advisory_xact_lock(?1, hashtext(?2))",

	[SQL_MACHINE_SEEN] =
		"INSERT INTO machine (" MACHINE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
		" ON CONFLICT (kind, identifier) DO UPDATE SET "
		KEEP(machine, fingerprint) ", " KEEP(machine, station) ", " KEEP(machine, nas) ", "
		KEEP(machine, port) ", " GREATEST(machine, last_seen),
	[SQL_MACHINE_GET] =
		"SELECT " MACHINE_COLUMNS " FROM machine WHERE kind = ?1 AND identifier = ?2",
	[SQL_MACHINES] =
		"SELECT " MACHINE_COLUMNS " FROM machine ORDER BY last_seen DESC, id DESC LIMIT ?1",

	[SQL_CREDENTIAL_ISSUED] =
		"INSERT INTO credential (" CREDENTIAL_COLUMNS ", machine, kind, fingerprint, token, der)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT id FROM machine WHERE kind = ?9"
		" AND identifier = ?10), ?11, ?12, ?13, ?14)",
	[SQL_CREDENTIAL_REVOKE] =
		"UPDATE credential SET revoked = ?1, reason = ?2"
		" WHERE issuer = ?3 AND serial = ?4 AND revoked IS NULL",
	[SQL_CREDENTIAL_GET] = CREDENTIAL_ROWS "credential.issuer = ?1 AND credential.serial = ?2",
	[SQL_CREDENTIAL_FIND] = CREDENTIAL_ROWS "credential.fingerprint = ?1 LIMIT 1",
	[SQL_CREDENTIAL_GOOD] =
		CREDENTIAL_ROWS "machine.kind = ?1 AND machine.identifier = ?2 AND credential.kind = 0"
		" AND credential.revoked IS NULL AND credential.validated IS NOT NULL"
		" AND credential.not_after > ?3 ORDER BY credential.id DESC LIMIT 1",
	[SQL_CREDENTIALS] = CREDENTIAL_ROWS "credential.id > 0 ORDER BY credential.id DESC LIMIT ?1",
	[SQL_CREDENTIALS_OF] =
		CREDENTIAL_ROWS "machine.kind = ?1 AND machine.identifier = ?2"
		" ORDER BY credential.id DESC LIMIT ?3",
	[SQL_CREDENTIAL_BEFORE] =
		CREDENTIAL_ROWS "credential.token = ?1 AND credential.spki = ?2"
		" AND credential.revoked IS NULL AND credential.not_after > ?3"
		" ORDER BY credential.id DESC LIMIT 1",
	[SQL_CREDENTIAL_VALIDATED] =
		"UPDATE credential SET validated = ?1"
		" WHERE issuer = ?2 AND serial = ?3 AND validated IS NULL",
	[SQL_REVOKED] =
		CREDENTIAL_ROWS "credential.revoked IS NOT NULL AND credential.kind = 0"
		" AND credential.not_after >= ?2 AND (credential.issuer = ?1 OR ?1 = '')"
		" ORDER BY credential.revoked, credential.id",
	[SQL_MACHINE_REVOKE] =
		"UPDATE credential SET revoked = ?1, reason = ?2 WHERE revoked IS NULL AND machine ="
		" (SELECT id FROM machine WHERE kind = ?3 AND identifier = ?4)",
	[SQL_MACHINE_ENROLLED] =
		"INSERT INTO machine (kind, identifier, mud_url, profile, enrolled_by, enrolled, first_seen,"
		" last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6)"
		" ON CONFLICT (kind, identifier) DO UPDATE SET "
		KEEP(machine, mud_url) ", " KEEP(machine, profile) ", " KEEP(machine, enrolled_by) ", "
		GREATEST(machine, enrolled) ", renew_wanted = 0",
	[SQL_MACHINE_FACTS] =
		"SELECT mud_url, profile, enrolled_by, enrolled, renew_wanted FROM machine"
		" WHERE kind = ?1 AND identifier = ?2",
	[SQL_MACHINE_RENEW] =
		"UPDATE machine SET renew_wanted = ?1 WHERE kind = ?2 AND identifier = ?3",
	[SQL_STATIONS_TO_RENEW] =
		"SELECT station FROM machine WHERE renew_wanted > 0 AND station <> ''"
		" ORDER BY renew_wanted LIMIT ?1",

	[SQL_TOKEN_ADD] =
		"INSERT INTO token (" TOKEN_COLUMNS ", secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8,"
		" ?9, ?10, ?11, ?12)",
	[SQL_TOKEN_GET] = "SELECT " TOKEN_COLUMNS ", secret FROM token WHERE name = ?1",
	[SQL_TOKENS] = "SELECT " TOKEN_COLUMNS " FROM token ORDER BY id DESC LIMIT ?1",
	[SQL_TOKEN_REVOKE] = "UPDATE token SET revoked = ?1 WHERE name = ?2 AND revoked = 0",
	[SQL_TOKEN_USE] =
		"UPDATE token SET used = used + 1 WHERE name = ?1 AND used < uses AND revoked = 0"
		" AND (expires = 0 OR expires > ?2)",
	[SQL_TOKEN_RETURN] = "UPDATE token SET used = used - 1 WHERE name = ?1 AND used > 0",
	[SQL_TOKEN_OPEN] =
		"SELECT id FROM credential WHERE token = ?1 AND validated IS NULL AND revoked IS NULL LIMIT 1",

	[SQL_ACCOUNT_PUT] =
		"INSERT INTO account (" ACCOUNT_COLUMNS ", nt, clear, folded) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		" ?7, ?8, ?9) ON CONFLICT (folded) DO UPDATE SET hash = excluded.hash,"
		" disabled = excluded.disabled, changed = excluded.changed, nt = excluded.nt,"
		" clear = excluded.clear",
	[SQL_ACCOUNT_GET] = "SELECT " ACCOUNT_COLUMNS ", nt, clear FROM account WHERE folded = ?1",
	[SQL_ACCOUNTS] =
		"SELECT " ACCOUNT_COLUMNS ", CAST(COALESCE(length(nt), 0) AS BIGINT),"
		" CAST(COALESCE(length(clear), 0) AS BIGINT) FROM account ORDER BY folded LIMIT ?1",
	[SQL_ACCOUNT_REMOVE] = "DELETE FROM account WHERE folded = ?1",

	[SQL_SESSION_PUT] =
		"INSERT INTO session (origin, session, client, nas, port, station, identity, method, tls,"
		" rule, vlan, started, updated, ended, cause, octets_in, octets_out, packets_in,"
		" packets_out, machine) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
		" ?14, ?15, ?16, ?17, ?18, ?19, (SELECT id FROM machine WHERE kind = ?20"
		" AND identifier = ?21)) ON CONFLICT (session) DO UPDATE SET origin = excluded.origin, "
		KEEP(session, client) ", " KEEP(session, nas) ", " KEEP(session, port) ", " KEEP(session, station) ", "
		KEEP(session, identity) ", " KEEP(session, method) ", " KEEP(session, tls) ", "
		KEEP(session, rule) ", " KEEP_NUMBER(session, vlan) ", " EARLIEST(session, started) ", "
		GREATEST(session, updated) ", ended = COALESCE(session.ended, excluded.ended), "
		"cause = CASE WHEN session.cause <> '' THEN session.cause ELSE excluded.cause END, "
		GREATEST(session, octets_in) ", " GREATEST(session, octets_out) ", "
		GREATEST(session, packets_in) ", " GREATEST(session, packets_out)
		", machine = COALESCE(excluded.machine, session.machine)",
	[SQL_SESSION_SUPERSEDE] =
		"UPDATE session SET ended = ?1, updated = ?1, cause = 'superseded' WHERE station = ?2"
		" AND client = ?3 AND nas = ?4 AND port = ?5 AND session <> ?6 AND ended IS NULL",
	[SQL_SESSIONS] =
		"SELECT session, client, session.nas, session.port, session.station, identity, method, tls,"
		" rule, vlan, started, updated, ended, cause, octets_in, octets_out, packets_in,"
		" packets_out, machine.kind, machine.identifier FROM session"
		" LEFT JOIN machine ON machine.id = session.machine ORDER BY session.id DESC LIMIT ?1",
	/* Those of ports of our own: a NAS keeps its sessions open without us. */
	[SQL_SESSIONS_CLOSE] =
		"UPDATE session SET ended = ?1, cause = ?2"
		" WHERE origin = ?3 AND client = '' AND ended IS NULL",
	[SQL_SESSIONS_FORGET] =
		"DELETE FROM session WHERE id IN (SELECT id FROM session"
		" WHERE updated < ?1 ORDER BY updated LIMIT ?2)",

	[SQL_AUDIT_LAST] =
		"SELECT sequence, digest FROM audit WHERE origin = ?1 ORDER BY sequence DESC LIMIT 1",
	[SQL_AUDIT_ADD] =
		"INSERT INTO audit (" AUDIT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_AUDIT_LIST] =
		"SELECT " AUDIT_COLUMNS " FROM audit ORDER BY at DESC, origin, sequence DESC LIMIT ?1",
	[SQL_AUDIT_SINCE] =
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE event = ?1 AND at >= ?2"
		" ORDER BY at DESC, origin, sequence DESC LIMIT ?3",
	[SQL_AUDIT_FROM] =
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE origin = ?1 AND sequence > ?2"
		" ORDER BY sequence LIMIT ?3",
	[SQL_AUDIT_NEXT_ORIGIN] =
		"SELECT origin FROM audit WHERE origin > ?1 ORDER BY origin LIMIT 1",

	[SQL_TICKET_KEYS] = "SELECT name, hmac, aes, created FROM ticket_key ORDER BY id DESC LIMIT ?1",
	[SQL_TICKET_KEY_ADD] =
		"INSERT INTO ticket_key (name, hmac, aes, created) VALUES (?1, ?2, ?3, ?4)",
	[SQL_TICKET_KEYS_FORGET] =
		"DELETE FROM ticket_key WHERE id NOT IN"
		" (SELECT id FROM ticket_key ORDER BY id DESC LIMIT ?1)",
};

#define TEXT(name)   #name " TEXT NOT NULL DEFAULT '' CHECK (length(" #name ") <= 254)"
#define WORD(name)   #name " TEXT NOT NULL DEFAULT '' CHECK (length(" #name ") <= 64)"
#define NUMBER(name) #name " $INT NOT NULL DEFAULT 0"

const struct migration migrations[] = {
	{
	.both =
		"CREATE TABLE machine (id $ID, kind $INT NOT NULL, " TEXT(identifier) ", " WORD(fingerprint) ", "
		TEXT(station) ", " TEXT(nas) ", " TEXT(port) ", " NUMBER(first_seen) ", "
		NUMBER(last_seen) ", UNIQUE (kind, identifier)) $STRICT;"
		"CREATE INDEX machine_last_seen ON machine (last_seen);"

		"CREATE TABLE credential (id $ID, " TEXT(issuer) ", " WORD(serial) ", " TEXT(subject) ", "
		WORD(spki) ", " WORD(profile) ", " NUMBER(issued) ", " NUMBER(not_before) ", "
		NUMBER(not_after) ", revoked $INT, " WORD(reason) ", machine $INT REFERENCES machine (id),"
		" UNIQUE (issuer, serial)) $STRICT;"
		"CREATE INDEX credential_machine ON credential (machine);"

		"CREATE TABLE session (id $ID, " TEXT(origin) ", " TEXT(session) ", " TEXT(client) ", "
		TEXT(nas) ", " TEXT(port) ", " TEXT(station) ", " TEXT(identity) ", " WORD(method) ", "
		WORD(tls) ", " WORD(rule) ", " NUMBER(vlan) ", " NUMBER(started) ", " NUMBER(updated) ","
		" ended $INT, " WORD(cause) ", " NUMBER(octets_in) ", " NUMBER(octets_out) ", "
		NUMBER(packets_in) ", " NUMBER(packets_out) ", machine $INT REFERENCES machine (id),"
		" UNIQUE (session)) $STRICT;"
		"CREATE INDEX session_updated ON session (updated);"
		"CREATE INDEX session_station ON session (station);"
		"CREATE INDEX session_machine ON session (machine);"

		"CREATE TABLE audit (" TEXT(origin) ", sequence $INT NOT NULL, digest $BLOB NOT NULL"
		" CHECK (length(digest) = 32), " NUMBER(at) ", " WORD(event) ", " TEXT(actor) ", "
		TEXT(subject) ", detail TEXT NOT NULL CHECK (length(detail) <= 1022),"
		" PRIMARY KEY (origin, sequence)) $STRICT;"
		"CREATE INDEX audit_at ON audit (at);"

		"CREATE TABLE ticket_key (id $ID, name $BLOB NOT NULL, hmac $BLOB NOT NULL,"
		" aes $BLOB NOT NULL, created $INT NOT NULL) $STRICT;",
	.sqlite =
		"CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN"
		" SELECT RAISE(ABORT, 'audit entries are never changed'); END;"
		"CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN"
		" SELECT RAISE(ABORT, 'audit entries are never deleted'); END;",
	.postgres =
		"CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
		" RAISE EXCEPTION 'audit entries are never changed or deleted'; END$$;"
		"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
		" FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();",
	},
	{
	/* Enrolment: tokens, certificates as they were issued, accounts. */
	.both =
		"ALTER TABLE machine ADD COLUMN " TEXT(mud_url) ";"
		"ALTER TABLE machine ADD COLUMN " WORD(profile) ";"
		"ALTER TABLE machine ADD COLUMN " TEXT(enrolled_by) ";"
		"ALTER TABLE machine ADD COLUMN " NUMBER(enrolled) ";"
		"ALTER TABLE machine ADD COLUMN " NUMBER(renew_wanted) ";"

		"ALTER TABLE credential ADD COLUMN " NUMBER(kind) ";"
		"ALTER TABLE credential ADD COLUMN " WORD(fingerprint) ";"
		"ALTER TABLE credential ADD COLUMN " WORD(token) ";"
		"ALTER TABLE credential ADD COLUMN validated $INT;"
		"ALTER TABLE credential ADD COLUMN der $BLOB;"
		"CREATE INDEX credential_token ON credential (token, spki);"
		"CREATE INDEX credential_fingerprint ON credential (fingerprint);"
		"CREATE INDEX credential_revoked ON credential (revoked);"

		"CREATE TABLE token (id $ID, " WORD(name) ", secret $BLOB NOT NULL, " WORD(profile) ", "
		NUMBER(uses) ", " NUMBER(used) " CHECK (used <= uses), " NUMBER(made) ", " NUMBER(expires) ", "
		NUMBER(revoked) ", " TEXT(maker) ", " TEXT(note) ", " TEXT(station) ", " TEXT(serial) ", "
		TEXT(common_name) ", UNIQUE (name)) $STRICT;"

		"CREATE TABLE account (id $ID, " TEXT(name) ", " TEXT(folded) ", " TEXT(hash) ", nt $BLOB,"
		" clear $BLOB, " NUMBER(disabled) ", " TEXT(maker) ", " NUMBER(made) ", " NUMBER(changed) ","
		" UNIQUE (folded)) $STRICT;",
	},
	{
	/* What a token that is used up has open, without looking at all that it has brought: anybody
	 * can ask with the public part of a token. */
	.both = "CREATE INDEX credential_open ON credential (token)"
		" WHERE validated IS NULL AND revoked IS NULL;",
	},
	{
	/* Every server on the database asks for them all the time. */
	.both = "CREATE INDEX machine_to_renew ON machine (renew_wanted) WHERE renew_wanted > 0;",
	},
};
/* clang-format on */

const unsigned migrations_count = sizeof migrations / sizeof migrations[0];

/* ---- bringing a schema up to date ----------------------------------------------------------- */

static const char *word_for(const struct db *db, const char *from, size_t len)
{
	for (const char *const(*word)[2] = db->backend->words; (*word)[0]; word++) {
		if (strlen((*word)[0]) == len && strncmp((*word)[0], from, len) == 0)
			return (*word)[1];
	}
	return NULL;
}

/* In the words of the backend. */
static int translate(struct db *db, const char *text, char *buffer, size_t size)
{
	struct wr w = wr_of(buffer, size);

	while (*text) {
		size_t len = *text == '$' ? 1 + strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 1;
		const char *word = len > 1 ? word_for(db, text, len) : NULL;

		wr_bytes(&w, word ? slice_str(word) : slice_of(text, len));
		text += len;
	}
	wr_u8(&w, 0);
	return wr_ok(&w) ? 0 : db_fail(db, ENOMEM, "a migration is longer than its buffer");
}

static int apply(struct db *db, const char *text)
{
	char sql[MIGRATION_TEXT_MAX];
	int r;

	if (!text)
		return 0;
	r = translate(db, text, sql, sizeof sql);
	return r < 0 ? r : db->backend->exec(db, sql);
}

static int read_version(struct db *db, int64_t *ret_version)
{
	int r = db->backend->run(db, SQL_MIGRATION_LATEST, NULL, 0);

	if (r == 0)
		r = db->backend->step(db);
	if (r < 0)
		return r;
	*ret_version = db->backend->integer(db, 0);
	db->backend->end(db);
	return 0;
}

static int apply_next(struct db *db, unsigned version)
{
	const struct migration *m = &migrations[version];
	int r = apply(db, m->both);

	if (r == 0)
		r = apply(db, db->backend->postgres ? m->postgres : m->sqlite);
	if (r == 0)
		r = db_do(db, SQL_MIGRATION_ADD,
			  DB_VALUES(db_integer(version + 1), db_integer(loop_now().wall)));
	return r;
}

/* One step in a transaction of its own; 1: there is more to do.  All that others may be doing at
 * the same time waits for the lock, and sees afterwards that it was done. */
static int migrate_once(struct db *db)
{
	int64_t version = 0;
	int r = db_lock(db, DB_LOCK_MIGRATION, "");

	if (r == 0)
		r = apply(db, "CREATE TABLE IF NOT EXISTS migration (version $INT PRIMARY KEY,"
			      " applied $INT NOT NULL) $STRICT");
	if (r == 0)
		r = read_version(db, &version);
	if (r < 0)
		return r;
	if (version > migrations_count)
		return db_fail(db, EPROTO,
			       "its schema has version %lld and this program knows %u: it was used "
			       "by a newer one, which alone can go on with it",
			       (long long)version, migrations_count);
	if (version == migrations_count)
		return 0;
	r = apply_next(db, (unsigned)version);
	return r < 0 ? r : 1;
}

int db_migrate(struct db *db)
{
	int more;

	do {
		int r = db->backend->begin(db, true);

		if (r < 0)
			return r;
		more = migrate_once(db);
		if (more < 0) {
			struct diagnosis why = db->why;

			(void)db->backend->exec(db, "ROLLBACK");
			db->why = why;
			return more;
		}
		r = db->backend->exec(db, "COMMIT");
		if (r < 0)
			return r;
	} while (more > 0);
	return 0;
}
