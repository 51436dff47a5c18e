/* The registry, as enrolment needs it: tokens, what was issued, accounts, and what machines tell of
 * themselves.
 *
 * Everything here is called within a transaction, and returns as registry.h says: 0 or -errno, or,
 * where it is asked whether something is there or was done, 1 or 0.
 *
 * A token's secret stands in the database as it is: it is the key of an HMAC that the server has to
 * compute itself, so no digest of it would do.  It is 128 random bits, good for one enrolment each
 * time it is allowed to be used, and for nothing else; whoever can read the database has the
 * ticket keys as well.  Hence a file of mode 0600, and TLS to a PostgreSQL server. */
#ifndef AUTHD_REGISTRY_ENROL_H
#define AUTHD_REGISTRY_ENROL_H

#include "authd/accounts.h"
#include "authd/registry.h"
#include "enrol/token.h"

/* ---- tokens ---- */

#define REGISTRY_TOKEN_USES_MAX 1000000
#define REGISTRY_TOKEN_ID_SIZE	TOKEN_ID_TEXT_MAX

struct registry_token {
	char id[REGISTRY_TOKEN_ID_SIZE]; /* public; as token_id_format has it */
	uint8_t secret[TOKEN_SECRET_SIZE];
	registry_word profile; /* certificate profile; empty: the configuration's */
	uint32_t uses, used;
	int64_t made, expires; /* seconds since 1970; expires 0: never */
	int64_t revoked;       /* 0: it is not */
	registry_text maker;   /* who asked for it: "user 1000" */
	registry_text note;    /* for people */
	/* Whom it is for; empty: anybody. */
	registry_text station; /* Calling-Station-Id, "02-00-00-00-00-01" */
	registry_text serial;  /* serialNumber of the factory certificate that has to be shown */
	registry_text name;    /* the common name that is given, whatever is asked for */
};
void registry_token_done(struct registry_token *token); /* wipes */

/* -EINVAL when the id is there already. */
int registry_token_add(struct registry *registry, const struct registry_token *token);
int registry_token_get(struct registry *registry, const char *id, struct registry_token *ret_token);
/* The newest first; secret is zeros. */
int registry_tokens(struct registry *registry, size_t limit,
		    bool (*each)(void *context, const struct registry_token *token), void *context);
/* 1: revoked now; 0: there is none, or it was before. */
int registry_token_revoke(struct registry *registry, const char *id, int64_t when);
/* Counts a use if there is one left and the token is good, in one statement, so that of two who
 * race for the last use, on one server or two, one gets it.  1: counted; 0: it may not be used. */
int registry_token_use(struct registry *registry, const char *id, int64_t when);
/* What a use has brought is withdrawn: it does not count.  1, or 0 when there was none. */
int registry_token_return(struct registry *registry, const char *id);
/* Whether a credential that this token has brought was not confirmed yet: whoever holds its key may
 * ask for it again. */
int registry_token_open(struct registry *registry, const char *id);

/* ---- credentials ---- */

/* What was issued for this key by this token, is not revoked and still good: to be given again to
 * the one who did not get it. */
int registry_issued_before(struct registry *registry, const char *token, const char *spki,
			   int64_t now, struct registry_credential *ret_credential,
			   struct bytes *ret_der);
/* The peer has proved that it holds it. */
int registry_credential_validated(struct registry *registry, const char *issuer, const char *serial,
				  int64_t when);
/* By the SHA-256 of the certificate; ret_der may be NULL. */
int registry_credential_find(struct registry *registry, const char *fingerprint,
			     struct registry_credential *ret_credential, struct bytes *ret_der);
/* A certificate of this machine that was confirmed and is good now. */
int registry_credential_good(struct registry *registry, enum machine_kind kind,
			     const char *identifier, int64_t now,
			     struct registry_credential *ret_credential);
/* Those of one machine, or with an empty identifier all, the newest first. */
int registry_credentials(struct registry *registry, enum machine_kind kind, const char *identifier,
			 size_t limit,
			 bool (*each)(void *context, const struct registry_credential *credential),
			 void *context);
/* For revocation lists: those revoked certificates of this issuer that have not expired before
 * since, in the order of their revocation; issuer empty: of all. */
int registry_revoked(struct registry *registry, const char *issuer, int64_t since,
		     bool (*each)(void *context, const struct registry_credential *credential),
		     void *context);
/* All that the machine has and was not revoked; how many, or -errno. */
int registry_machine_revoke(struct registry *registry, enum machine_kind kind,
			    const char *identifier, int64_t when, const char *reason);

/* ---- machines ---- */

struct registry_machine_facts {
	registry_text mud_url;	   /* RFC 8520; empty: not told */
	registry_word profile;	   /* of its last credential */
	registry_text enrolled_by; /* "token 0123456789abcdef", "certificate CN=..." */
	int64_t enrolled;
	int64_t renew_wanted; /* since when it is to renew; 0: it is not */
};

/* Remembers what is not empty; the machine is made when it is not there.  enrolled ends a wish for
 * renewal. */
int registry_machine_enrolled(struct registry *registry, enum machine_kind kind,
			      const char *identifier, const struct registry_machine_facts *facts);
int registry_machine_facts(struct registry *registry, enum machine_kind kind,
			   const char *identifier, struct registry_machine_facts *ret_facts);
/* 1, or 0 when there is no such machine. */
int registry_machine_renew(struct registry *registry, enum machine_kind kind,
			   const char *identifier, int64_t when);
/* Where those were seen last that are to renew, those first that have been for the longest time. */
int registry_stations_to_renew(struct registry *registry, size_t limit,
			       bool (*each)(void *context, const char *station), void *context);

/* ---- all that goes with a credential ---- */

enum registry_issued {
	REGISTRY_TOKEN_USED_UP, /* or revoked, or expired meanwhile: nothing was issued */
	REGISTRY_ISSUED,
	REGISTRY_ISSUED_BEFORE, /* ret_before is what this token has brought for this key */
};
/* Counts the use of the token (if credential.token names one), remembers machine, credential and
 * facts, and writes the entry of the audit trail: in the caller's transaction, which is durable.
 * enum registry_issued or -errno. */
int registry_issue(struct registry *registry, const struct registry_credential *credential,
		   struct slice der, const struct registry_machine_facts *facts, const char *actor,
		   struct bytes *ret_before);

/* ---- accounts ---- */

struct registry_account {
	struct account account; /* state: ACCOUNT_FOUND or ACCOUNT_DISABLED */
	registry_text maker;
	int64_t made, changed;
	bool has_clear; /* of a listing: the password is stored as it is */
};
void registry_account_done(struct registry_account *account); /* wipes */

/* A new one, or another password for the one there is; the name is compared without regard to case
 * in ASCII.  maker counts for a new one. */
int registry_account_put(struct registry *registry, const struct registry_account *account);
int registry_account_get(struct registry *registry, const char *name,
			 struct registry_account *ret_account);
/* By name; without secrets (nt and clear are empty: has_nt and has_clear say whether they are
 * there). */
int registry_accounts(struct registry *registry, size_t limit,
		      bool (*each)(void *context, const struct registry_account *account),
		      void *context);
int registry_account_remove(struct registry *registry, const char *name);

#endif
