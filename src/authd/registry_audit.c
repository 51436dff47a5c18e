/* The audit trail: entries whose digests make a chain. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "authd/registry_parts.h"
#include "authd/registry_sql.h"

#define ENCODED_MAX 4096

static void write_text(struct wr *w, const char *text)
{
	size_t mark = wr_open16(w);

	wr_bytes(w, slice_str(text));
	wr_close16(w, mark);
}

/* SHA-256 of: the previous digest (zeros before the first entry), sequence and time as 64 bits,
 * then origin, event, actor, subject and detail, each after its length in 16 bits. */
static bool digest_entry(const uint8_t previous[32], const struct registry_audit *e,
			 uint8_t ret_digest[32])
{
	uint8_t buffer[ENCODED_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);
	struct slice in;
	unsigned len;

	wr_bytes(&w, slice_of(previous, 32));
	wr_u32(&w, (uint32_t)((uint64_t)e->sequence >> 32));
	wr_u32(&w, (uint32_t)e->sequence);
	wr_u32(&w, (uint32_t)((uint64_t)e->when >> 32));
	wr_u32(&w, (uint32_t)e->when);
	write_text(&w, e->origin);
	write_text(&w, e->event);
	write_text(&w, e->actor);
	write_text(&w, e->subject);
	write_text(&w, e->detail);
	in = wr_done(&w);
	return in.len > 0 && EVP_Digest(in.p, in.len, ret_digest, &len, EVP_sha256(), NULL) == 1;
}

/* The end of our own chain; zeros when there is none. */
static int read_last(struct registry *registry, int64_t *ret_sequence, uint8_t ret_digest[32])
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_AUDIT_LAST, DB_VALUES(db_text(registry->origin)));

	*ret_sequence = 0;
	memset(ret_digest, 0, 32);
	if (r == 0)
		r = db->backend->step(db);
	if (r == 1) {
		*ret_sequence = db->backend->integer(db, 0);
		r = db_read_blob(db, 1, ret_digest, 32)
			    ? 0
			    : db_fail(db, EIO, "the last audit entry has no digest");
	}
	db->backend->end(db);
	return r;
}

int registry_audit_add(struct registry *registry, const struct registry_audit *entry)
{
	struct db *db = registry->db;
	struct registry_audit e = { .when = entry->when };
	uint8_t previous[32];
	int r = db_lock(db, DB_LOCK_AUDIT, registry->origin);

	if (r == 0)
		r = read_last(registry, &e.sequence, previous);
	if (r < 0)
		return r;
	e.sequence++;
	snprintf(e.origin, sizeof e.origin, "%s", registry->origin);
	printable(slice_str(entry->event), e.event, sizeof e.event);
	printable(slice_str(entry->actor), e.actor, sizeof e.actor);
	printable(slice_str(entry->subject), e.subject, sizeof e.subject);
	printable(slice_str(entry->detail), e.detail, sizeof e.detail);
	if (!digest_entry(previous, &e, e.digest))
		return db_fail(db, ENOMEM, "no memory for the digest of an audit entry");
	return db_do(db, SQL_AUDIT_ADD,
		     DB_VALUES(db_text(e.origin), db_integer(e.sequence),
			       db_blob(e.digest, sizeof e.digest), db_integer(e.when),
			       db_text(e.event), db_text(e.actor), db_text(e.subject),
			       db_text(e.detail)));
}

/* A row of AUDIT_COLUMNS.  Text is taken as it is: a digest is over what is there. */
static void copy_text(struct db *db, int column, char *buffer, size_t size)
{
	struct slice in = db->backend->bytes(db, column);

	snprintf(buffer, size, "%.*s", (int)in.len, in.len ? (const char *)in.p : "");
}

static bool read_entry(struct db *db, struct registry_audit *e)
{
	*e = (struct registry_audit){ .sequence = db->backend->integer(db, 1),
				      .when = db->backend->integer(db, 3) };
	copy_text(db, 0, e->origin, sizeof e->origin);
	copy_text(db, 4, e->event, sizeof e->event);
	copy_text(db, 5, e->actor, sizeof e->actor);
	copy_text(db, 6, e->subject, sizeof e->subject);
	copy_text(db, 7, e->detail, sizeof e->detail);
	return db_read_blob(db, 2, e->digest, sizeof e->digest);
}

static int each_entry(struct db *db, int r,
		      bool (*each)(void *context, const struct registry_audit *entry),
		      void *context)
{
	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_audit entry;

		(void)read_entry(db, &entry);
		r = each(context, &entry) ? 0 : 1;
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_audit_list(struct registry *registry, size_t limit,
			bool (*each)(void *context, const struct registry_audit *entry),
			void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_AUDIT_LIST, DB_VALUES(rows(limit)));

	return each_entry(db, r, each, context);
}

int registry_audit_since(struct registry *registry, const char *event, int64_t since, size_t limit,
			 bool (*each)(void *context, const struct registry_audit *entry),
			 void *context)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_AUDIT_SINCE,
				 DB_VALUES(db_text(event), db_integer(since), rows(limit)));

	return each_entry(db, r, each, context);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static void break_off(struct registry_walk *walk, const char *reason)
{
	walk->broken = walk->finished = true;
	walk->sequence++;
	snprintf(walk->reason, sizeof walk->reason, "%s", reason);
}

/* The next entry; one that cannot be looked at for want of memory accuses nobody. */
static int follow(struct db *db, struct registry_walk *walk, const struct registry_audit *e,
		  bool whole)
{
	uint8_t digest[32];

	if (!digest_entry(walk->digest, e, digest))
		return db_fail(db, ENOMEM, "no memory for the digest of an audit entry");
	walk->seen++;
	if (e->sequence != walk->sequence + 1) {
		break_off(walk, "entries are missing");
	} else if (!whole || memcmp(digest, e->digest, sizeof digest) != 0) {
		break_off(walk, "the digest does not fit: this entry, or the one before it, was "
				"changed");
	} else {
		walk->sequence = e->sequence;
		memcpy(walk->digest, digest, sizeof digest);
	}
	return 0;
}

/* How many entries of this chain there were, at most limit. */
static int walk_chain(struct registry *registry, struct registry_walk *walk, size_t limit,
		      size_t *ret_count)
{
	struct db *db = registry->db;
	int r = db->backend->run(
		db, SQL_AUDIT_FROM,
		DB_VALUES(db_text(walk->origin), db_integer(walk->sequence), rows(limit)));

	*ret_count = 0;
	while (r == 0 && (r = db->backend->step(db)) == 1) {
		struct registry_audit entry;
		bool whole = read_entry(db, &entry);

		++*ret_count;
		r = follow(db, walk, &entry, whole);
		if (walk->broken)
			break;
	}
	db->backend->end(db);
	return r;
}

static int next_chain(struct registry *registry, struct registry_walk *walk)
{
	struct db *db = registry->db;
	int r = db->backend->run(db, SQL_AUDIT_NEXT_ORIGIN, DB_VALUES(db_text(walk->origin)));

	if (r == 0)
		r = db->backend->step(db);
	walk->finished = r == 0;
	if (r == 1) {
		copy_text(db, 0, walk->origin, sizeof walk->origin);
		walk->sequence = 0;
		memset(walk->digest, 0, sizeof walk->digest);
	}
	db->backend->end(db);
	return r < 0 ? r : 0;
}

int registry_audit_walk(struct registry *registry, struct registry_walk *walk, size_t limit,
			void (*chain_ends)(void *context, const struct registry_walk *walk),
			void *context)
{
	size_t count;
	int r = *walk->origin ? 0 : next_chain(registry, walk);

	limit = limit < REGISTRY_LIST_MAX ? limit : REGISTRY_LIST_MAX;
	for (; r == 0 && !walk->finished && limit > 0; limit -= count) {
		r = walk_chain(registry, walk, limit, &count);
		if (r < 0 || walk->broken || count == limit)
			break;
		if (chain_ends)
			chain_ends(context, walk);
		r = next_chain(registry, walk);
	}
	return r;
}
