/* Accounts: people and machines that prove who they are by a password, inside of a tunnel
 * (EAP_ASKS_PASSWORD).
 *
 * Looking one up takes as long as the database takes, so it is asked from the main thread and
 * answered later.  What is found goes to the worker whose conversation waits, and is judged there:
 * a password that was typed costs the work of scrypt, also when there is no such account, so that
 * the two cannot be told apart by the time they take. */
#ifndef AUTHD_ACCOUNTS_H
#define AUTHD_ACCOUNTS_H

#include "base/bytes.h"
#include "base/diagnosis.h"
#include "eap/question.h"

#define ACCOUNT_NAME_MAX   253 /* octets; longer names are of no account */
#define ACCOUNT_SECRET_MAX 256 /* octets of a password */
#define ACCOUNT_HASH_MAX   192 /* of a hash in its text form, with the NUL */
#define ACCOUNT_NT_SIZE	   16

enum account_state {
	ACCOUNT_FOUND,
	ACCOUNT_UNKNOWN,
	ACCOUNT_DISABLED,    /* it is there, and must not be used */
	ACCOUNT_UNREACHABLE, /* the registry did not answer, or there is none */
	ACCOUNT_GUESSED,     /* too many passwords were tried: it was not looked up */
};

/* What the registry has of an account.  A value; owns the secret. */
struct account {
	enum account_state state;
	char name[ACCOUNT_NAME_MAX + 1];
	int64_t changed; /* its password; seconds since 1970 */
	/* account_hash made it; empty: passwords that were typed cannot be checked, unless clear is
	 * there. */
	char hash[ACCOUNT_HASH_MAX];
	bool has_nt; /* for MS-CHAP: as good as the password itself for whoever reads it */
	uint8_t nt[ACCOUNT_NT_SIZE];
	struct secret clear; /* for CHAP; empty: not stored */
	unsigned wait;	     /* ACCOUNT_GUESSED: seconds until the next is looked at */
};
void account_done(struct account *account); /* wipes */

/* Who looks accounts up: the registry (accounts_registry.h); tests have one of their own. */
struct accounts {
	/* found is called once, later or at once, in the main thread; what is in *taken is the
	 * callee's.  name is the one that was asked for, compared as it is written but for case in
	 * ASCII.  0; or -errno, and found is not called. */
	int (*find)(struct accounts *accounts, const char *name,
		    void (*found)(void *context, struct account *taken), void *context);
};

/* Text for the registry: "$scrypt$ln=..,r=..,p=..$salt$hash", with a salt of its own.  OK, CRYPTO,
 * NO_MEMORY. */
CHECKED enum status account_hash(struct slice password, char ret_hash[ACCOUNT_HASH_MAX]);
/* OK, UNTRUSTED: it is another password, or hash is no such text (the work is done all the same);
 * CRYPTO. */
CHECKED enum status account_hash_check(struct slice password, const char *hash);

/* The answer to the question of a method, in a worker.  Of EAP_PASSWORD_COMPARE it does the work
 * whatever the account's state.  ret_reply borrows from account.  Of a refusal *ret_why says
 * whether there is no such account, it has no password of the kind that is needed, or the password
 * is wrong. */
void account_answer(const struct account *account, const struct eap_account_question *question,
		    struct eap_reply *ret_reply, struct diagnosis *ret_why);

/* Whether who proved to be this account at that time (seconds since 1970) may be taken for it
 * still: it is there, enabled, and has the same password.  name is as it was proved; *ret_why
 * likewise. */
bool account_goes_on(const struct account *account, struct slice name, int64_t authenticated,
		     struct diagnosis *ret_why);

#endif
