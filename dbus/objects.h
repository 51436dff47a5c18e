/* The objects that we show: a path, the interface that makes them what they are, and a copy of the
 * view behind it.  No connection is needed to have objects; who changes one is told what has to be
 * announced. */
#ifndef LK_DBUS_OBJECTS_H
#define LK_DBUS_OBJECTS_H

#include <stdint.h>

#include "base/list.h"
#include "dbus/interface.h"

#define OBJECT_PATH_MAX 512

struct objects {
	struct list list; /* of struct object; each kind in a row */
	void *by_path;	  /* the same, for tfind(3) */
};

static inline void objects_init(struct objects *objects)
{
	list_init(&objects->list);
	objects->by_path = NULL;
}

struct object {
	struct list node;
	const struct interface *interface;
	char *path;
	void *view;
	bool current; /* for those that come as a whole set: still there in the new one */
};

/* BUS_PATH/kind/NAME, the name escaped as systemd does: what is not a letter or a digit, and a
 * leading digit, becomes _xx.  Returns buffer. */
const char *object_path(const char *kind, const char *name, char buffer[OBJECT_PATH_MAX]);

struct object *object_find(const struct objects *objects, const char *path);
/* NULL when memory runs out. */
struct object *object_new(struct objects *objects, const struct interface *interface,
			  const char *path, const void *view, size_t size);
void object_remove(struct objects *objects, struct object *object); /* and free it */

/* Takes the new view; which of its properties differ, a bit for each row. */
uint64_t object_update(struct object *object, const void *view, size_t size);

/* Whether there is an object at the path, or one below it. */
bool object_leads_on(const struct objects *objects, const char *path);
/* The introspection data of such a path; NULL when memory runs out. */
char *object_introspect(const struct objects *objects, const char *path);

#endif
