#include "dbus/objects.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "dbus/bus.h"
#include "dbus/marshal.h"

const char *object_path(const char *kind, const char *name, char buffer[OBJECT_PATH_MAX])
{
	size_t len = (size_t)snprintf(buffer, OBJECT_PATH_MAX, BUS_PATH "/%s/", kind);

	if (!*name)
		snprintf(buffer + len, OBJECT_PATH_MAX - len, "_");
	for (const char *p = name; *p && len + 4 < OBJECT_PATH_MAX; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = c < 0x80 && (isalpha(c) || (isdigit(c) && p > name));

		len += (size_t)snprintf(buffer + len, OBJECT_PATH_MAX - len, plain ? "%c" : "_%02x",
					c);
	}
	return buffer;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct object *)a)->path, ((const struct object *)b)->path);
}

struct object *object_find(const struct objects *objects, const char *path)
{
	char *wanted = (char *)(uintptr_t)path;
	struct object *const *found =
		tfind(&(struct object){ .path = wanted }, &objects->by_path, by_path);

	return found ? *found : NULL;
}

static void object_free(struct object *object)
{
	free(object->path);
	free(object->view);
	free(object);
}
DEFINE_AUTO_STRUCT(object);

/* Behind the last of its kind. */
static void object_insert(struct objects *objects, struct object *object)
{
	struct list *before = &objects->list;

	list_each (node, &objects->list) {
		if (list_item(node, struct object, node)->interface == object->interface)
			before = node->next;
	}
	list_append(before, &object->node);
}

struct object *object_new(struct objects *objects, const struct interface *interface,
			  const char *path, const void *view, size_t size)
{
	AUTO_STRUCT(object) o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->interface = interface;
	o->path = strdup(path);
	o->view = malloc(size);
	o->current = true;
	if (!o->path || !o->view || !tsearch(o, &objects->by_path, by_path))
		return NULL;
	memcpy(o->view, view, size);
	object_insert(objects, o);
	return TAKE(o);
}

void object_remove(struct objects *objects, struct object *object)
{
	tdelete(object, &objects->by_path, by_path);
	list_remove(&object->node);
	object_free(object);
}

uint64_t object_update(struct object *object, const void *view, size_t size)
{
	uint64_t changed = 0, bit = 1;

	for (const struct property *p = object->interface->properties; p->name; p++, bit <<= 1) {
		if (!property_same(p, object->view, view))
			changed |= bit;
	}
	memcpy(object->view, view, size);
	object->current = true;
	return changed;
}

/* ---- introspection ------------------------------------------------------------------------- */

/* What follows the path in that of something below it; NULL if it is not below. */
static const char *below(const char *path, const char *other)
{
	size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);

	return strncmp(path, other, len) == 0 && other[len] == '/' ? other + len + 1 : NULL;
}

bool object_leads_on(const struct objects *objects, const char *path)
{
	list_each (node, &objects->list) {
		const struct object *o = list_item(node, struct object, node);

		if (strcmp(o->path, path) == 0 || below(path, o->path))
			return true;
	}
	return false;
}

/* Each kind of object is in a row, so that a node that is named twice is named by neighbours. */
static void children_xml(const struct objects *objects, const char *path, FILE *out)
{
	const char *last = "";
	size_t last_len = 0;

	list_each (node, &objects->list) {
		const char *child = below(path, list_item(node, struct object, node)->path);
		size_t len = child ? strcspn(child, "/") : 0;

		if (!child || (len == last_len && strncmp(child, last, len) == 0))
			continue;
		fprintf(out, "  <node name=\"%.*s\"/>\n", (int)len, child);
		last = child;
		last_len = len;
	}
}

char *object_introspect(const struct objects *objects, const char *path)
{
	const struct object *object = object_find(objects, path);
	const struct interface *interfaces[INTERFACES_MAX];
	size_t count = interfaces_of(object ? object->interface : NULL, interfaces);
	AUTO(char) xml = NULL;
	size_t size;
	FILE *out = open_memstream(&xml, &size);

	if (!out)
		return NULL;
	fputs("<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
	      " \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n",
	      out);
	for (size_t i = 0; i < count; i++)
		interface_xml(interfaces[i], out);
	children_xml(objects, path, out);
	fputs("</node>\n", out);
	return fclose(out) == 0 ? TAKE(xml) : NULL;
}
