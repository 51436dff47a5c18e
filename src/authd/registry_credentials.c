/* The registry: what was issued, to whom, and what became of it. */
#include <errno.h>
#include <stdio.h>

#include "authd/registry_enrol.h"
#include "authd/registry_parts.h"
#include "authd/registry_sql.h"

#define CERTIFICATE_MAX (64 * 1024) /* octets of a DER that is read back */

int registry_credential_issued(struct registry *registry, const struct registry_credential *c,
			       struct slice der)
{
	registry_text issuer, subject, machine;
	registry_word serial, profile, token;

	return db_do(registry->db, SQL_CREDENTIAL_ISSUED,
		     DB_VALUES(CLEAN(c->issuer, issuer), CLEAN(c->serial, serial),
			       CLEAN(c->subject, subject), db_text(c->spki),
			       CLEAN(c->profile, profile), db_integer(c->issued),
			       db_integer(c->not_before), db_integer(c->not_after),
			       db_integer(c->machine_kind), CLEAN(c->machine, machine),
			       db_integer(c->kind), db_text(c->fingerprint), CLEAN(c->token, token),
			       der.len ? db_blob(der.p, der.len) : db_null()));
}

/* A row of CREDENTIAL_ROWS. */
static void read_credential(struct db *db, struct registry_credential *c)
{
	*c = (struct registry_credential){ 0 };
	db_read_text(db, 0, c->issuer, sizeof c->issuer);
	db_read_text(db, 1, c->serial, sizeof c->serial);
	db_read_text(db, 2, c->subject, sizeof c->subject);
	db_read_text(db, 3, c->spki, sizeof c->spki);
	db_read_text(db, 4, c->profile, sizeof c->profile);
	c->issued = db->backend->integer(db, 5);
	c->not_before = db->backend->integer(db, 6);
	c->not_after = db->backend->integer(db, 7);
	c->revoked = db->backend->integer(db, 8);
	db_read_text(db, 9, c->reason, sizeof c->reason);
	c->machine_kind = db->backend->integer(db, 10) == MACHINE_STATION ? MACHINE_STATION
									  : MACHINE_CERTIFICATE;
	db_read_text(db, 11, c->machine, sizeof c->machine);
	c->kind = (enum registry_credential_kind)db->backend->integer(db, 12);
	db_read_text(db, 13, c->fingerprint, sizeof c->fingerprint);
	db_read_text(db, 14, c->token, sizeof c->token);
	c->validated = db->backend->integer(db, 15);
}

/* The first row of a query that was run; ret_der may be NULL. */
static int one(struct db *db, int r, struct registry_credential *ret, struct bytes *ret_der)
{
	if (r == 0)
		r = db->backend->step(db);
	if (r == 1)
		read_credential(db, ret);
	if (r == 1 && ret_der && bytes_append(ret_der, db->backend->bytes(db, 16), CERTIFICATE_MAX))
		r = db_fail(db, ENOMEM, "no memory for a certificate");
	db->backend->end(db);
	return r;
}

static int each_of(struct db *db, int r,
		   bool (*each)(void *context, const struct registry_credential *credential),
		   void *context)
{
	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_credential credential;

		read_credential(db, &credential);
		r = each(context, &credential) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_credential_get(struct registry *registry, const char *issuer, const char *serial,
			    struct registry_credential *ret_credential)
{
	struct db *db = registry->db;
	registry_text clean_issuer;
	registry_word clean_serial;
	int r = db->backend->run(
		db, SQL_CREDENTIAL_GET,
		DB_VALUES(CLEAN(issuer, clean_issuer), CLEAN(serial, clean_serial)));

	return one(db, r, ret_credential, NULL);
}

int registry_credential_find(struct registry *registry, const char *fingerprint,
			     struct registry_credential *ret_credential, struct bytes *ret_der)
{
	struct db *db = registry->db;
	registry_text clean;
	int r = db->backend->run(db, SQL_CREDENTIAL_FIND, DB_VALUES(CLEAN(fingerprint, clean)));

	return one(db, r, ret_credential, ret_der);
}

int registry_credential_good(struct registry *registry, enum machine_kind kind,
			     const char *identifier, int64_t now,
			     struct registry_credential *ret_credential)
{
	struct db *db = registry->db;
	registry_text clean;
	int r = db->backend->run(
		db, SQL_CREDENTIAL_GOOD,
		DB_VALUES(db_integer(kind), CLEAN(identifier, clean), db_integer(now)));

	return one(db, r, ret_credential, NULL);
}

int registry_issued_before(struct registry *registry, const char *token, const char *spki,
			   int64_t now, struct registry_credential *ret_credential,
			   struct bytes *ret_der)
{
	struct db *db = registry->db;
	registry_word clean_token;
	registry_text clean_spki;
	int r = db->backend->run(
		db, SQL_CREDENTIAL_BEFORE,
		DB_VALUES(CLEAN(token, clean_token), CLEAN(spki, clean_spki), db_integer(now)));

	return one(db, r, ret_credential, ret_der);
}

int registry_credentials(struct registry *registry, enum machine_kind kind, const char *identifier,
			 size_t limit,
			 bool (*each)(void *context, const struct registry_credential *credential),
			 void *context)
{
	struct db *db = registry->db;
	registry_text clean;
	int r = *identifier ? db->backend->run(db, SQL_CREDENTIALS_OF,
					       DB_VALUES(db_integer(kind), CLEAN(identifier, clean),
							 rows(limit)))
			    : db->backend->run(db, SQL_CREDENTIALS, DB_VALUES(rows(limit)));

	return each_of(db, r, each, context);
}

int registry_revoked(struct registry *registry, const char *issuer, int64_t since,
		     bool (*each)(void *context, const struct registry_credential *credential),
		     void *context)
{
	struct db *db = registry->db;
	registry_text clean;
	int r = db->backend->run(db, SQL_REVOKED,
				 DB_VALUES(CLEAN(issuer, clean), db_integer(since)));

	return each_of(db, r, each, context);
}

static int changed(struct db *db, int r)
{
	return r < 0 ? r : db->backend->changed(db) > 0;
}

int registry_credential_revoke(struct registry *registry, const char *issuer, const char *serial,
			       int64_t when, const char *reason)
{
	struct db *db = registry->db;
	registry_text clean_issuer;
	registry_word clean_serial, clean_reason;

	return changed(db,
		       db_do(db, SQL_CREDENTIAL_REVOKE,
			     DB_VALUES(db_integer(when), CLEAN(reason, clean_reason),
				       CLEAN(issuer, clean_issuer), CLEAN(serial, clean_serial))));
}

int registry_credential_validated(struct registry *registry, const char *issuer, const char *serial,
				  int64_t when)
{
	struct db *db = registry->db;
	registry_text clean_issuer;
	registry_word clean_serial;

	return changed(db, db_do(db, SQL_CREDENTIAL_VALIDATED,
				 DB_VALUES(db_integer(when), CLEAN(issuer, clean_issuer),
					   CLEAN(serial, clean_serial))));
}

int registry_machine_revoke(struct registry *registry, enum machine_kind kind,
			    const char *identifier, int64_t when, const char *reason)
{
	struct db *db = registry->db;
	registry_text clean;
	registry_word clean_reason;
	int r = db_do(db, SQL_MACHINE_REVOKE,
		      DB_VALUES(db_integer(when), CLEAN(reason, clean_reason), db_integer(kind),
				CLEAN(identifier, clean)));

	return r < 0 ? r : (int)db->backend->changed(db);
}

/* ---- all that goes with a credential -------------------------------------------------------- */

static int audit_issue(struct registry *registry, const struct registry_credential *c,
		       const struct registry_machine_facts *facts, const char *actor)
{
	static const char *const events[] = {
		[ISSUED_CERTIFICATE] = "credential.issued",
		[ISSUED_PASSWORD] = "account.issued",
		[ISSUED_SYMMETRIC] = "key.issued",
	};
	struct registry_audit e = { .when = c->issued };

	snprintf(e.event, sizeof e.event, "%s", events[c->kind]);
	snprintf(e.actor, sizeof e.actor, "%s", actor);
	snprintf(e.subject, sizeof e.subject, "%s", c->machine);
	snprintf(e.detail, sizeof e.detail,
		 "issuer=\"%s\" serial=%s profile=%s by=\"%s\" sha256=%s", c->issuer, c->serial,
		 c->profile, facts->enrolled_by, c->fingerprint);
	return registry_audit_add(registry, &e);
}

/* 1: go on. */
static int use_token(struct registry *registry, const struct registry_credential *c,
		     struct bytes *ret_before)
{
	struct registry_credential before;
	int r;

	if (!*c->token)
		return 1;
	/* A secret is not given a second time: it has no key by which its owner would be known. */
	r = *c->spki ? registry_issued_before(registry, c->token, c->spki, c->issued, &before,
					      ret_before)
		     : 0;
	if (r == 1 && ret_before->len > 0)
		return -EEXIST;
	if (r < 0 || c->paid)
		return r < 0 ? r : 1;
	return registry_token_use(registry, c->token, c->issued);
}

int registry_issue(struct registry *registry, const struct registry_credential *c, struct slice der,
		   const struct registry_machine_facts *facts, const char *actor,
		   struct bytes *ret_before)
{
	int r = use_token(registry, c, ret_before);

	if (r == -EEXIST)
		return REGISTRY_ISSUED_BEFORE;
	if (r <= 0)
		return r < 0 ? r : REGISTRY_TOKEN_USED_UP;
	r = registry_machine_enrolled(registry, c->machine_kind, c->machine, facts);
	if (r == 0)
		r = registry_credential_issued(registry, c, der);
	if (r == 0)
		r = audit_issue(registry, c, facts, actor);
	return r < 0 ? r : REGISTRY_ISSUED;
}
