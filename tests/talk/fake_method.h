/* A method that does what the server tells it: the first octet of a Request's data is the verdict,
 * the others are what else happens.
 *
 *	c CONT, FAIL		m MAY_CONT, FAIL	M MAY_CONT, COND_SUCC
 *	f DONE, FAIL		D DONE, COND_SUCC	U DONE, UNCOND_SUCC
 *	i ignored (m.check)	anything else: as c
 *
 *	k keys are there	n no Notifications from here on
 *	x fails for a reason of its own (tls-failed)
 *	! writes more than there is room for
 *	# fills all the room there is
 *
 * It answers with how many Requests of this conversation it has processed, one octet, 01 at first;
 *or, one after the other, what it is given to say.
 */
#ifndef TESTS_TALK_FAKE_METHOD_H
#define TESTS_TALK_FAKE_METHOD_H

#include "eap/method.h"

struct fake_method {
	struct eap_peer_method method; /* a table of its own, for its type and name */
	char name[48];
	unsigned started, stopped; /* conversations */
	unsigned processed;	   /* Requests of this one */
	const char *const *says;   /* ends with NULL, and the last stays; or NULL */
	bool keys, too_much, full;
	struct diagnosis diagnosis;
};

struct eap_peer_offer fake_method_offer(struct fake_method *fake, struct eap_type type);

/* The nth of them, from 1. */
void fake_says(struct wr *w, const char *const *says, unsigned n);

#endif
