/* Inside pass-through: what its files share. */
#ifndef AUTHD_PASSTHROUGH_PARTS_H
#define AUTHD_PASSTHROUGH_PARTS_H

#include "authd/accounting.h"
#include "authd/upstream.h"

/* Borrows from where. */
void passthrough_who(const struct aaa_where *where, struct radius_who *ret_who);

/* The servers that are asked now; of accounting NULL if there are none. */
struct passthrough;
const struct upstream *passthrough_upstream(const struct passthrough *passthrough, bool accounting);

/* Accounting records that wait until a server has taken them (passthrough_accounting.c). */
struct records;

int records_new(struct loop *loop, struct records **ret_records);
void records_free(struct records *records);
struct accountant *records_accountant(struct records *records);
/* Servers of a new configuration; NULL: there are none.  Taken over.  What was on its way is
 * offered to the new ones. */
void records_use(struct records *records, struct upstream *upstream);
const struct upstream *records_upstream(const struct records *records);
/* For the upstream that is to be used. */
struct upstream_events records_events(struct records *records);
void records_count(const struct records *records, uint64_t *ret_waiting, uint64_t *ret_lost);

#endif
