/* What the fuzz targets of provisioning protocols share: a hostile other end.
 *
 * The first octet chooses what is going on: 2 and 4 a token, a factory certificate, a renewal, a
 * removal; 8 that a confirmation is wanted; 16 that the authority forwards. */
#ifndef TESTS_FUZZ_ENROL_ENDS_H
#define TESTS_FUZZ_ENROL_ENDS_H

#include "enrol/protocol.h"

struct enrol_pair {
	const struct enrol_peer_protocol *peer;
	const struct enrol_server_protocol *server;
	bool server_listens; /* else the peer */
	/* What the peer's codec refuses does not cost it a request, which takes a hundred times as
	 * long, unless 32 is in the first octet.  May be NULL. */
	bool (*readable)(struct slice data);
};

/* The rest is messages: two octets of length and so much of Provisioning-Headers, two octets of
 * length and so much of Provisioning-Data. */
void enrol_ends_listen(const struct enrol_pair *pair, struct slice input);
/* A real other end speaks, and what it sends is changed as the rest says (meddle.h); headers and
 * data are messages each. */
void enrol_ends_talk(const struct enrol_pair *pair, struct slice input);

#endif
