/* What lists.c and lists_view.c share. */
#ifndef AUTHD_LISTS_PARTS_H
#define AUTHD_LISTS_PARTS_H

#include "authd/lists.h"
#include "authd/lists_http.h"

struct lists {
	struct loop *loop;
	struct recorder *recorder;
	struct lists_events events;
	struct config *config;
	struct authority *authority; /* of our own; NULL: there is none */
	struct revoked *revoked;     /* NULL: not known yet */
	struct lists_http *http;
	X509 *server; /* our own certificate, if our authority has issued it */
	bool reading, again, told;
	struct timer timer;
	uint64_t number; /* of the last list */
	int64_t due;	 /* when lists and staple are to be made anew */
};

#endif
