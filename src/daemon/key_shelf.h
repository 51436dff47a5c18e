/* The keystore as an enrolment uses it: enrol/store.h over keystore/keystore.h.
 *
 * Keys are made in memory and written at once; what is finished is tried, and settled or gone back
 * from by the service when a port has told (life.h). */
#ifndef DAEMON_KEY_SHELF_H
#define DAEMON_KEY_SHELF_H

#include "enrol/store.h"
#include "keystore/keystore.h"

struct key_shelf;

int key_shelf_new(struct key_shelf **ret_shelf);
void key_shelf_free(struct key_shelf *shelf);
/* The keystore is borrowed; it is replaced when the service reads its files anew. */
void key_shelf_use(struct key_shelf *shelf, struct keystore *keystore);

/* keeps_anchors: of a renewal.  The anchors that the credential had are kept beside those that
 * come, until they expire: a network that changes its root tells the new one while its servers
 * still have certificates of the old one.  An enrolment replaces them. */
struct enrol_store_ref key_shelf_store(struct key_shelf *shelf, bool keeps_anchors);

#endif
