/* The server side of a method that does what the peer tells it: the first octet of a Response's
 *data is the verdict, the others are what else happens.
 *
 *	c goes on		a asks			s succeeds		f fails
 *	i ignored (m.check)	p asks for a password	anything else: as c
 *
 *	k keys are there	t a hint of 7 seconds from here on
 *	x fails for a reason of its own (tls-failed)
 *	! writes more than there is room for
 *	# fills all the room there is
 *
 * A password that it is given makes it ask whether the peer is let in, which 'a' does at once.
 * Asked and accepted it goes on, or succeeds if the data holds 'S'; refused it fails, or goes on if
 *the data holds 'g' (to tell the peer), or says that it succeeded if it holds 'l' (a liar).
 *
 * Its Requests hold its say, or a count of those it has built if it has none: one octet, 01 at
 *first.
 */
#ifndef TESTS_TALK_FAKE_SERVER_METHOD_H
#define TESTS_TALK_FAKE_SERVER_METHOD_H

#include "eap/server_method.h"

struct fake_server_method {
	struct eap_server_method method; /* a table of its own, for its type and name */
	char name[48];
	const char *const *says; /* ends with NULL, and the last stays; or NULL */
	unsigned begun, freed;	 /* conversations */
	bool cannot_begin;
	char identity[64]; /* of the last one, as init was told it */
};

struct eap_server_offer fake_server_offer(struct fake_server_method *fake, struct eap_type type);

#endif
