/* The registry: what latchkey-authd remembers.
 *
 * Machines, the credentials issued to them, their sessions, the audit trail, and the ticket keys
 * that several servers share; in SQLite, or in PostgreSQL where there are several servers.  The
 * same queries run on both (registry_sql.c); what differs is registry_sqlite.c and
 * registry_postgres.c.
 *
 * All that changes something happens between registry_begin and registry_commit.  Calls block; the
 * recorder (recorder.h) has a thread for them, and a registry belongs to one thread at a time.
 *
 * 0 or -errno.  -EIO: the database is gone or does not let us; nothing of the transaction has
 * happened, roll back and, when registry_gone says so, open anew.  -EINVAL: it refuses what it was
 * given.  -ENOMEM.  registry_why says more. */
#ifndef AUTHD_REGISTRY_H
#define AUTHD_REGISTRY_H

#include "authd/ticket_keys.h"
#include "base/diagnosis.h"
#include "base/own.h"

#define REGISTRY_TEXT_MAX   254 /* octets of a text; the database holds to it too */
#define REGISTRY_DETAIL_MAX 1022
#define REGISTRY_WORD_MAX   63
#define REGISTRY_LIST_MAX   10000 /* rows that a listing gives at most */

typedef char registry_text[REGISTRY_TEXT_MAX + 1];
typedef char registry_word[REGISTRY_WORD_MAX + 1];

struct registry_settings {
	const char *file;   /* SQLite; made, private, when it is not there */
	const char *server; /* or PostgreSQL: a connection string of libpq, "host=... dbname=..." */
	const char *origin; /* this server's name: it has an audit trail of its own */
};

struct registry;
int registry_open(const struct registry_settings *settings, struct registry **ret_registry,
		  struct diagnosis *why);
void registry_free(struct registry *registry);
DEFINE_AUTO_STRUCT(registry);

const struct diagnosis *registry_why(const struct registry *registry);
bool registry_gone(const struct registry *registry);

/* durable: what is committed survives a power cut.  Otherwise the last moments may be lost, never
 * the order or a part of a transaction. */
int registry_begin(struct registry *registry, bool durable);
int registry_commit(struct registry *registry);
void registry_rollback(struct registry *registry);
/* A part of a transaction that can be undone alone; one at a time, ended by one of the other two.
 * When one of them fails, so has the transaction. */
int registry_savepoint(struct registry *registry);
int registry_release(struct registry *registry);
int registry_undo(struct registry *registry);

/* ---- machines ---- */

enum machine_kind {
	MACHINE_CERTIFICATE, /* identifier: the subject; when it is empty, the other names */
	MACHINE_STATION,     /* identifier: the Calling-Station-Id */
};

struct registry_machine {
	enum machine_kind kind;
	registry_text identifier;
	char fingerprint[65];  /* SHA-256 of its certificate as last seen, hex; may be empty */
	registry_text station; /* Calling-Station-Id: where it was seen last, as the following */
	registry_text nas, port;
	int64_t first_seen, last_seen; /* for registry_machine_seen only last_seen */
};

/* Remembers it, or that it was seen again. */
int registry_machine_seen(struct registry *registry, const struct registry_machine *machine);
/* 1: it is there; 0: it is not. */
int registry_machine_get(struct registry *registry, enum machine_kind kind, const char *identifier,
			 struct registry_machine *ret_machine);
/* The last seen first; calls back for each until one call returns false. */
int registry_machines(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_machine *machine),
		      void *context);

/* ---- credentials ---- */

enum registry_credential_kind {
	ISSUED_CERTIFICATE,
	ISSUED_PASSWORD,  /* issuer "account", subject its name; the account has the rest */
	ISSUED_SYMMETRIC, /* issuer "symmetric" */
};

struct registry_credential {
	enum registry_credential_kind kind;
	registry_text issuer;
	registry_word serial; /* hex */
	registry_text subject;
	char spki[65];	      /* SHA-256 of the key, hex */
	char fingerprint[65]; /* SHA-256 of the certificate, hex; may be empty */
	registry_word profile;
	int64_t issued, not_before, not_after, revoked; /* revoked: 0, it is not */
	registry_word reason;				/* of the revocation */
	registry_word token; /* the public id of the token that brought it; empty: none */
	int64_t validated;   /* the machine has proved that it holds it; 0: not yet */
	/* whose it is; an empty identifier: nobody's yet */
	enum machine_kind machine_kind;
	registry_text machine;
	/* Not kept: the token has been counted for something else in the same session. */
	bool paid;
};

/* With its certificate, or of ISSUED_SYMMETRIC the secret; der may be empty.  -EINVAL when issuer
 * and serial are there already. */
int registry_credential_issued(struct registry *registry,
			       const struct registry_credential *credential, struct slice der);
/* 1: revoked now; 0: there is none, or it was revoked before. */
int registry_credential_revoke(struct registry *registry, const char *issuer, const char *serial,
			       int64_t when, const char *reason);
/* 1: found; 0: not. */
int registry_credential_get(struct registry *registry, const char *issuer, const char *serial,
			    struct registry_credential *ret_credential);

/* ---- sessions ---- */

struct registry_session {
	registry_text session; /* unique: our random one, or Acct-Session-Id, "@" and the NAS */
	registry_text client;  /* the RADIUS client; "" for a port of our own */
	registry_text nas, port, station, identity;
	registry_word method, tls, rule;
	enum machine_kind machine_kind;
	registry_text machine; /* identifier; empty: not known */
	uint16_t vlan;
	int64_t started, updated, ended; /* ended: 0, it goes on */
	registry_word cause;		 /* Acct-Terminate-Cause, in a word */
	uint64_t octets_in, octets_out, packets_in, packets_out;
	/* The station was let in anew by this client: what is open for it at this place has ended.
	 */
	bool supersedes;
};

/* Start, interim or stop: what is known of the session now.  Texts that are empty leave
 * what was known before, the earliest start counts (0: not known), counters never go back; what has
 * ended stays so. */
int registry_session_put(struct registry *registry, const struct registry_session *session);
int registry_sessions(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_session *session),
		      void *context);
/* Those that this origin left open when it stopped without a word. */
int registry_sessions_close(struct registry *registry, int64_t when, const char *cause);
/* Forgets at most limit sessions of which nothing was heard since; returns how many. */
int registry_sessions_forget(struct registry *registry, int64_t before, size_t limit);

/* ---- the audit trail ----
 *
 * Append-only: the database itself refuses to change or delete an entry.  Each entry holds the
 * SHA-256 digest of the one before it and is a part of the next one's, so that whoever gets round
 * that cannot do so unseen.  Every server (origin) has a chain of its own: they do not wait for
 * each other.  What was cut off at the end shows against a digest that was noted elsewhere. */

struct registry_audit {
	registry_text origin; /* set by the registry, as sequence and digest */
	int64_t sequence;     /* from 1, without a gap */
	uint8_t digest[32];
	int64_t when;
	registry_word event;   /* "session.start", "credential.issued" */
	registry_text actor;   /* who did it */
	registry_text subject; /* to what */
	char detail[REGISTRY_DETAIL_MAX + 1];
};

int registry_audit_add(struct registry *registry, const struct registry_audit *entry);
/* The newest first. */
int registry_audit_list(struct registry *registry, size_t limit,
			bool (*each)(void *context, const struct registry_audit *entry),
			void *context);

/* Those of one kind since then, the newest first. */
int registry_audit_since(struct registry *registry, const char *event, int64_t since, size_t limit,
			 bool (*each)(void *context, const struct registry_audit *entry),
			 void *context);
/* Of such an entry the subject is the account's name. */
#define REGISTRY_ACCOUNT_REMOVED "account.removed"

/* A walk along all chains, some entries at a time.  Begins as zeros. */
struct registry_walk {
	registry_text origin; /* where it is */
	int64_t sequence;
	uint8_t digest[32];
	uint64_t seen;
	bool finished;
	bool broken; /* at origin and sequence, for this reason */
	char reason[128];
};
/* Goes on for at most limit entries.  chain_ends is called with the last entry of each chain; it
 * may be NULL. */
int registry_audit_walk(struct registry *registry, struct registry_walk *walk, size_t limit,
			void (*chain_ends)(void *context, const struct registry_walk *walk),
			void *context);

/* ---- ticket keys ---- */

/* The ring that all servers on this database share.  In a transaction. */
int registry_ticket_keys(struct registry *registry, int64_t rotate_after, size_t keep, int64_t now,
			 struct ticket_keys *ret_keys);

#endif
