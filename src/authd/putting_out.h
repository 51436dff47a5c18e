/* Whose certificates were revoked, or whose account was removed, is put out when all workers know
 * that, and not before: who came back at once would be let in by one that does not.  Of the main
 * thread. */
#ifndef AUTHD_PUTTING_OUT_H
#define AUTHD_PUTTING_OUT_H

#include "base/diagnosis.h"
#include "base/list.h"
#include "drivers/loop.h"

struct authd;

/* One machine, or who is in by one account, or a machine that had an account of its name.  The
 * caller's, until it is told. */
struct putting_out {
	struct list node;
	const char *machine, *actor; /* as the view's disconnect takes them */
	const char *account;	     /* NULL: the machine alone; without one machine is NULL */
	bool can_wait;		     /* while as many switches are being asked as may be */
	int sessions;		     /* how many were ended, or -errno */
	struct diagnosis why;	     /* of that */
	void (*told)(struct putting_out *order);
};

struct putting_outs {
	struct list new;  /* what was revoked is being read */
	struct list read; /* and is being told to the workers, or has been */
	struct timer timer;
};

void putting_outs_init(struct putting_outs *all);
/* That of the view. */
void put_out(void *authd, struct putting_out *order);
/* The same where nobody waits for it: somebody has given up a certificate, or a password, while it
 * enrolled.  Without memory it stays in until it authenticates again, as with the next. */
void put_out_machine(struct authd *authd, const char *machine);
void put_out_account(struct authd *authd, const char *account);
/* Within the reading of what was revoked, and before put_out_on_read: this machine was revoked, or
 * this account removed, here or at another server. */
void put_out_as_read(struct authd *authd, const char *name, bool account);

/* What was revoked was read; all workers know it. */
void put_out_on_read(struct authd *authd);
void put_out_on_known(struct authd *authd);
/* The service ends: all are told at once. */
void putting_outs_done(struct authd *authd);

#endif
