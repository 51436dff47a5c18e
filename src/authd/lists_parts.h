/* What lists.c, lists_read.c and lists_view.c share. */
#ifndef AUTHD_LISTS_PARTS_H
#define AUTHD_LISTS_PARTS_H

#include "authd/lists.h"
#include "authd/lists_http.h"
#include "authd/registry.h"

#define LISTS_REMOVED_MAX 1024

/* Accounts, as the audit trail has them. */
struct lists_removed {
	size_t count;
	struct {
		int64_t when;
		registry_text account;
	} entry[LISTS_REMOVED_MAX];
};

struct lists {
	struct loop *loop;
	struct recorder *recorder;
	struct lists_events events;
	struct config *config;
	struct authority *authority; /* of our own; NULL: there is none */
	struct revoked *revoked;     /* NULL: not known yet */
	struct lists_http *http;
	X509 *server;		       /* our own certificate, if our authority has issued it */
	int64_t read;		       /* when that was; 0: not yet */
	struct lists_removed *removed; /* shortly before; NULL: others do not remove any */
	bool reading, again, told;
	struct timer timer;
	uint64_t number; /* of the last list */
	int64_t due;	 /* when lists and staple are to be made anew */
};

/* Of more machines in one reading the rest is put out when it authenticates again. */
#define LISTS_OUT_MAX 4096

/* The registry is read in the recorder's thread.  Outlives the lists if need be: the recorder
 * answers in any case. */
struct lists_reading {
	struct question question; /* answered is for who asks */
	struct lists *lists;	  /* of the main thread */
	int64_t now, since;
	struct revoked *before; /* what was known; NULL: nothing was */
	struct revoked *made;	/* what is */
	int64_t removed_since;
	struct lists_removed *removed; /* NULL: nobody asks */
	struct {
		registry_text *machine;
		size_t count;
	} out; /* that have a certificate revoked since */
	int error;
};

/* NULL without memory. */
struct lists_reading *lists_reading_new(struct lists *lists);
void lists_reading_free(struct lists_reading *reading);

#endif
