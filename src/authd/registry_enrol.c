/* The registry: tokens, accounts, and what machines tell of themselves. */
#include "authd/registry_enrol.h"

#include <errno.h>
#include <string.h>

#include "authd/registry_parts.h"
#include "authd/registry_sql.h"

static int changed(struct db *db, int r)
{
	return r < 0 ? r : db->backend->changed(db) > 0;
}

/* ---- tokens --------------------------------------------------------------------------------- */

void registry_token_done(struct registry_token *token)
{
	explicit_bzero(token, sizeof *token);
}

int registry_token_add(struct registry *registry, const struct registry_token *t)
{
	registry_text maker, note, station, serial, name;
	registry_word profile;

	return db_do(registry->db, SQL_TOKEN_ADD,
		     DB_VALUES(db_text(t->id), CLEAN(t->profile, profile), db_integer(t->uses),
			       db_integer(t->used), db_integer(t->made), db_integer(t->expires),
			       CLEAN(t->maker, maker), CLEAN(t->note, note),
			       CLEAN(t->station, station), CLEAN(t->serial, serial),
			       CLEAN(t->name, name), db_blob(t->secret, sizeof t->secret)));
}

/* A row of TOKEN_COLUMNS. */
static void read_token(struct db *db, struct registry_token *t)
{
	*t = (struct registry_token){ 0 };
	db_read_text(db, 0, t->id, sizeof t->id);
	db_read_text(db, 1, t->profile, sizeof t->profile);
	t->uses = (uint32_t)db->backend->integer(db, 2);
	t->used = (uint32_t)db->backend->integer(db, 3);
	t->made = db->backend->integer(db, 4);
	t->expires = db->backend->integer(db, 5);
	t->revoked = db->backend->integer(db, 6);
	db_read_text(db, 7, t->maker, sizeof t->maker);
	db_read_text(db, 8, t->note, sizeof t->note);
	db_read_text(db, 9, t->station, sizeof t->station);
	db_read_text(db, 10, t->serial, sizeof t->serial);
	db_read_text(db, 11, t->name, sizeof t->name);
}

int registry_token_get(struct registry *registry, const char *id, struct registry_token *ret_token)
{
	struct db *db = registry->db;
	registry_word clean;
	int r = db->backend->run(db, SQL_TOKEN_GET, DB_VALUES(CLEAN(id, clean)));

	if (r == 0)
		r = db->backend->step(db);
	if (r == 1) {
		read_token(db, ret_token);
		/* A secret of another length would be one that we have not made. */
		if (!db_read_blob(db, 12, ret_token->secret, sizeof ret_token->secret))
			r = db_fail(db, EINVAL, "the secret of token %s is not whole", id);
	}
	db->backend->end(db);
	return r;
}

int registry_tokens(struct registry *registry, size_t limit,
		    bool (*each)(void *context, const struct registry_token *token), void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_TOKENS, DB_VALUES(rows(limit)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_token token;

		read_token(db, &token);
		r = each(context, &token) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_token_revoke(struct registry *registry, const char *id, int64_t when)
{
	registry_word clean;

	return changed(registry->db, db_do(registry->db, SQL_TOKEN_REVOKE,
					   DB_VALUES(db_integer(when), CLEAN(id, clean))));
}

int registry_token_use(struct registry *registry, const char *id, int64_t when)
{
	registry_word clean;

	return changed(registry->db, db_do(registry->db, SQL_TOKEN_USE,
					   DB_VALUES(CLEAN(id, clean), db_integer(when))));
}

int registry_token_return(struct registry *registry, const char *id)
{
	registry_word clean;

	return changed(registry->db,
		       db_do(registry->db, SQL_TOKEN_RETURN, DB_VALUES(CLEAN(id, clean))));
}

int registry_token_open(struct registry *registry, const char *id)
{
	struct db *db = registry->db;
	registry_word clean;
	int r = db->backend->run(db, SQL_TOKEN_OPEN, DB_VALUES(CLEAN(id, clean)));

	if (r == 0)
		r = db->backend->step(db);
	db->backend->end(db);
	return r;
}

/* ---- machines ------------------------------------------------------------------------------- */

int registry_machine_enrolled(struct registry *registry, enum machine_kind kind,
			      const char *identifier, const struct registry_machine_facts *f)
{
	registry_text clean, mud_url, enrolled_by;
	registry_word profile;

	return db_do(registry->db, SQL_MACHINE_ENROLLED,
		     DB_VALUES(db_integer(kind), CLEAN(identifier, clean),
			       CLEAN(f->mud_url, mud_url), CLEAN(f->profile, profile),
			       CLEAN(f->enrolled_by, enrolled_by), db_integer(f->enrolled)));
}

int registry_machine_facts(struct registry *registry, enum machine_kind kind,
			   const char *identifier, struct registry_machine_facts *ret_facts)
{
	struct registry_machine_facts f = { 0 };
	struct db *db = registry->db;
	registry_text clean;
	int r = db->backend->run(db, SQL_MACHINE_FACTS,
				 DB_VALUES(db_integer(kind), CLEAN(identifier, clean)));

	if (r == 0)
		r = db->backend->step(db);
	if (r == 1) {
		db_read_text(db, 0, f.mud_url, sizeof f.mud_url);
		db_read_text(db, 1, f.profile, sizeof f.profile);
		db_read_text(db, 2, f.enrolled_by, sizeof f.enrolled_by);
		f.enrolled = db->backend->integer(db, 3);
		f.renew_wanted = db->backend->integer(db, 4);
		*ret_facts = f;
	}
	db->backend->end(db);
	return r;
}

int registry_machine_renew(struct registry *registry, enum machine_kind kind,
			   const char *identifier, int64_t when)
{
	registry_text clean;

	return changed(registry->db, db_do(registry->db, SQL_MACHINE_RENEW,
					   DB_VALUES(db_integer(when), db_integer(kind),
						     CLEAN(identifier, clean))));
}

int registry_stations_to_renew(struct registry *registry, size_t limit,
			       bool (*each)(void *context, const char *station), void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_STATIONS_TO_RENEW, DB_VALUES(db_integer((int64_t)limit)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		registry_text station;

		db_read_text(db, 0, station, sizeof station);
		r = 0;
		if (!each(context, station))
			break;
	}
	db->backend->end(db);
	return r;
}

/* ---- accounts ------------------------------------------------------------------------------- */

void registry_account_done(struct registry_account *account)
{
	secret_done(&account->account.clear);
	explicit_bzero(account, sizeof *account);
}

/* Names differ in more than the case of ASCII letters; whatever else a database takes for the same
 * letter, it is not. */
static struct db_value folded(const char *name, registry_text buffer)
{
	printable(slice_str(name), buffer, sizeof(registry_text));
	for (char *c = buffer; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return db_text(buffer);
}

static struct db_value blob_or_null(bool there, const void *p, size_t len)
{
	return there ? db_blob(p, len) : db_null();
}

int registry_account_put(struct registry *registry, const struct registry_account *a)
{
	const struct account *account = &a->account;
	registry_text name, fold, hash, maker;

	return db_do(registry->db, SQL_ACCOUNT_PUT,
		     DB_VALUES(CLEAN(account->name, name), CLEAN(account->hash, hash),
			       db_integer(account->state == ACCOUNT_DISABLED),
			       CLEAN(a->maker, maker), db_integer(a->made), db_integer(a->changed),
			       blob_or_null(account->has_nt, account->nt, sizeof account->nt),
			       blob_or_null(account->clear.len > 0, account->clear.p,
					    account->clear.len),
			       folded(account->name, fold)));
}

/* A row of ACCOUNT_COLUMNS. */
static void read_account(struct db *db, struct registry_account *a)
{
	db_read_text(db, 0, a->account.name, sizeof a->account.name);
	db_read_text(db, 1, a->account.hash, sizeof a->account.hash);
	a->account.state = db->backend->integer(db, 2) ? ACCOUNT_DISABLED : ACCOUNT_FOUND;
	db_read_text(db, 3, a->maker, sizeof a->maker);
	a->made = db->backend->integer(db, 4);
	a->changed = db->backend->integer(db, 5);
}

int registry_account_get(struct registry *registry, const char *name,
			 struct registry_account *ret_account)
{
	struct db *db = registry->db;
	struct registry_account a = { 0 };
	registry_text fold;
	int r = db->backend->run(db, SQL_ACCOUNT_GET, DB_VALUES(folded(name, fold)));

	if (r == 0)
		r = db->backend->step(db);
	if (r == 1) {
		struct slice clear = db->backend->bytes(db, 7);

		read_account(db, &a);
		a.account.has_nt = db_read_blob(db, 6, a.account.nt, sizeof a.account.nt);
		if (clear.len > 0 && secret_set(&a.account.clear, clear) != OK)
			r = db_fail(db, ENOMEM, "no memory for an account");
	}
	db->backend->end(db);
	if (r == 1)
		*ret_account = a;
	else
		registry_account_done(&a);
	return r;
}

int registry_accounts(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_account *account),
		      void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_ACCOUNTS, DB_VALUES(rows(limit)));

	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_account account = { 0 };

		read_account(db, &account);
		account.has_clear = db->backend->integer(db, 7) != 0;
		account.account.has_nt = db->backend->integer(db, 6) != 0;
		r = each(context, &account) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_account_remove(struct registry *registry, const char *name)
{
	registry_text fold;

	return changed(registry->db,
		       db_do(registry->db, SQL_ACCOUNT_REMOVE, DB_VALUES(folded(name, fold))));
}
