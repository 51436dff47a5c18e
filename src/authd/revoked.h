/* The set of revoked certificates, of all issuers that the registry knows, as every thread has it.
 *
 * Immutable and counted: the main thread makes a new one when something is revoked and hands it to
 * all workers by message; nobody waits for anybody.  Looking one up costs a binary search for each
 * issuer; names are compared where a serial number was found. */
#ifndef AUTHD_REVOKED_H
#define AUTHD_REVOKED_H

#include "base/own.h"
#include "enrol/ca.h"
#include "tls/cert.h"

#define REVOKED_MAX (1024 * 1024) /* entries of one set */

struct revoked_entry {
	uint8_t serial[CA_SERIAL_MAX]; /* content octets without leading zeros, to the left */
	uint8_t length;
	uint8_t reason;
	int64_t when;
};

/* Of one issuer. */
struct revoked_list {
	char name[CERT_TEXT_MAX]; /* as the registry has it: authority_registry_name */
	struct revoked_entry *entry;
	size_t count;
};

#define REVOKED_ISSUERS_MAX 64

struct revoked {
	_Atomic int references;
	size_t issuer_count;
	struct revoked_list issuer[REVOKED_ISSUERS_MAX];
};

/* Empty. NULL without memory. */
struct revoked *revoked_new(void);
/* Before it is shared.  0, -ENOMEM, -E2BIG.  An issuer that is there already is found. */
int revoked_add_issuer(struct revoked *revoked, const char *name, size_t *ret_issuer);
int revoked_add(struct revoked *revoked, size_t issuer, const struct ca_revoked *entry);
/* Once, when all are in it. */
void revoked_sort(struct revoked *revoked);
size_t revoked_count(const struct revoked *revoked);

struct revoked *revoked_ref(struct revoked *revoked);
void revoked_free(struct revoked *revoked); /* drops one reference */
DEFINE_AUTO_STRUCT(revoked);

/* NULL: not revoked, or not known. issuer_der: X.501 Name; serial: content octets. */
const struct revoked_entry *revoked_find(const struct revoked *revoked, struct slice issuer_der,
					 struct slice serial);
bool revoked_has(const struct revoked *revoked, const char *issuer_name, struct slice serial);
const struct revoked_entry *revoked_find_by(const struct revoked *revoked, const X509 *issuer,
					    struct slice serial);

#endif
