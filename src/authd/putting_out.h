/* Whose certificates were revoked is put out when all workers know that, and not before: who came
 * back at once would be let in by one that does not.  Of the main thread. */
#ifndef AUTHD_PUTTING_OUT_H
#define AUTHD_PUTTING_OUT_H

#include "base/diagnosis.h"
#include "base/list.h"

struct authd;

/* One machine.  The caller's, until it is told. */
struct putting_out {
	struct list node;
	const char *machine, *actor; /* as the view's disconnect takes them */
	int sessions;		     /* how many were ended, or -errno */
	struct diagnosis why;	     /* of that */
	void (*told)(struct putting_out *order);
};

struct putting_outs {
	struct list new;  /* what was revoked is being read */
	struct list read; /* and is being told to the workers */
};

void putting_outs_init(struct putting_outs *all);
/* That of the view. */
void put_out(void *authd, struct putting_out *order);
/* The same for a machine that nobody waits for; without memory it stays in until it authenticates
 * again. */
void put_out_by(struct authd *authd, const char *machine, const char *actor);

/* What was revoked was read; all workers know it. */
void put_out_on_read(struct authd *authd);
void put_out_on_known(struct authd *authd);
/* The service ends: all are told at once. */
void putting_outs_done(struct authd *authd);

#endif
