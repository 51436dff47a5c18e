/* What the files of the registry share. */
#ifndef AUTHD_REGISTRY_PARTS_H
#define AUTHD_REGISTRY_PARTS_H

#include "authd/registry_db.h"

struct registry {
	struct db *db;
	registry_text origin;
};

/* A text as the database takes it: printable UTF-8, cut to the size of its buffer. */
#define CLEAN(text, buffer) db_text(printable(slice_str(text), (buffer), sizeof(buffer)))

static inline struct db_value rows(size_t limit)
{
	return db_integer(limit < REGISTRY_LIST_MAX ? (int64_t)limit : REGISTRY_LIST_MAX);
}

#endif
