#include "dbus/marshal.h"

#include <string.h>

#include "dbus/model.h"

#define SENTENCE_MAX 2048

bool marshal_text(DBusMessageIter *to, int type, const char *text)
{
	char clean[1024];

	if (!dbus_validate_utf8(text, NULL))
		text = printable(slice_str(text), clean, sizeof clean);
	return dbus_message_iter_append_basic(to, type, &text);
}

/* ---- dictionaries -------------------------------------------------------------------------- */

/* One entry of an a{sv} that is open in three nested iterators. */
struct entry {
	DBusMessageIter *dict, pair, value;
};

static bool entry_open(struct entry *e, DBusMessageIter *dict, const char *key,
		       const char *signature)
{
	e->dict = dict;
	return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &e->pair) &&
	       marshal_text(&e->pair, DBUS_TYPE_STRING, key) &&
	       dbus_message_iter_open_container(&e->pair, DBUS_TYPE_VARIANT, signature, &e->value);
}

static bool entry_close(struct entry *e)
{
	return dbus_message_iter_close_container(&e->pair, &e->value) &&
	       dbus_message_iter_close_container(e->dict, &e->pair);
}

static bool entry_text(DBusMessageIter *dict, const char *key, const char *text)
{
	struct entry e;

	return entry_open(&e, dict, key, "s") && marshal_text(&e.value, DBUS_TYPE_STRING, text) &&
	       entry_close(&e);
}

static bool entry_time(DBusMessageIter *dict, const char *key, int64_t when)
{
	dbus_int64_t value = when;
	struct entry e;

	return entry_open(&e, dict, key, "x") &&
	       dbus_message_iter_append_basic(&e.value, DBUS_TYPE_INT64, &value) && entry_close(&e);
}

static bool entry_bool(DBusMessageIter *dict, const char *key, bool value)
{
	dbus_bool_t boolean = value;
	struct entry e;

	return entry_open(&e, dict, key, "b") &&
	       dbus_message_iter_append_basic(&e.value, DBUS_TYPE_BOOLEAN, &boolean) &&
	       entry_close(&e);
}

/* ---- a diagnosis --------------------------------------------------------------------------- */

static bool marshal_evidence(DBusMessageIter *to, const struct diagnosis *d)
{
	DBusMessageIter dict, pair;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{ss}", &dict))
		return false;
	for (size_t i = 0; i < d->evidence_count; i++) {
		if (!dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) ||
		    !marshal_text(&pair, DBUS_TYPE_STRING, d->key[i]) ||
		    !marshal_text(&pair, DBUS_TYPE_STRING, diagnosis_value(d, i)) ||
		    !dbus_message_iter_close_container(&dict, &pair))
			return false;
	}
	return dbus_message_iter_close_container(to, &dict);
}

static bool marshal_diagnosis_entries(DBusMessageIter *dict, const struct diagnosis *d)
{
	const struct diagnosis_text *text = diagnosis_text(d->id);
	char cause[SENTENCE_MAX], next[SENTENCE_MAX];
	struct entry e;

	return entry_text(dict, "id", text->name) &&
	       entry_text(dict, "cause", diagnosis_sentence(d, cause, sizeof cause)) &&
	       entry_text(dict, "next", diagnosis_next(d, next, sizeof next)) &&
	       entry_time(dict, "time", d->when) && entry_bool(dict, "reduced", text->reduced) &&
	       entry_open(&e, dict, "evidence", "a{ss}") && marshal_evidence(&e.value, d) &&
	       entry_close(&e);
}

/* What anybody may see of it.  The sentence stays whole. */
static void diagnosis_public(const struct diagnosis *d, struct diagnosis *ret)
{
	*ret = *d;
	if (diagnosis_evidence(d, "identity"))
		diagnosis_add(ret, "identity", "(private)");
}

bool marshal_diagnosis(DBusMessageIter *to, const struct diagnosis *diagnosis, bool private_too)
{
	struct diagnosis shown;
	DBusMessageIter dict;

	if (!private_too) {
		diagnosis_public(diagnosis, &shown);
		diagnosis = &shown;
	}
	return dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
	       (diagnosis->id == DIAG_NONE || marshal_diagnosis_entries(&dict, diagnosis)) &&
	       dbus_message_iter_close_container(to, &dict);
}

/* ---- counters ------------------------------------------------------------------------------ */

static bool marshal_counters(DBusMessageIter *to, const struct port_view *view)
{
	DBusMessageIter dict, pair;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{su}", &dict))
		return false;
	for (size_t i = 0; i < view->counter_count; i++) {
		const struct port_count *c = &view->counters[i];
		dbus_uint32_t value = c->value;

		if (!dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) ||
		    !marshal_text(&pair, DBUS_TYPE_STRING, c->name) ||
		    !dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT32, &value) ||
		    !dbus_message_iter_close_container(&dict, &pair))
			return false;
	}
	return dbus_message_iter_close_container(to, &dict);
}

static bool counters_same(const struct port_view *a, const struct port_view *b)
{
	if (a->counter_count != b->counter_count)
		return false;
	for (size_t i = 0; i < a->counter_count; i++) {
		if (strcmp(a->counters[i].name, b->counters[i].name) != 0 ||
		    a->counters[i].value != b->counters[i].value)
			return false;
	}
	return true;
}

/* ---- values -------------------------------------------------------------------------------- */

static const char *word_at(const void *field)
{
	const char *word = *(const char *const *)field;

	return word ? word : "";
}

static bool marshal_value(DBusMessageIter *to, const struct property *p, const void *view,
			  bool private_too)
{
	const void *field = (const char *)view + p->offset;
	DBusBasicValue v;

	switch (p->kind) {
	case VALUE_TEXT:
		return marshal_text(to, DBUS_TYPE_STRING, field);
	case VALUE_WORD:
		return marshal_text(to, DBUS_TYPE_STRING, word_at(field));
	case VALUE_BOOL:
		v.bool_val = *(const bool *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_BOOLEAN, &v);
	case VALUE_INT:
		v.i32 = *(const int *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_INT32, &v);
	case VALUE_UNSIGNED:
		v.u32 = *(const unsigned *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_UINT32, &v);
	case VALUE_SIZE:
		v.u32 = (dbus_uint32_t) * (const size_t *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_UINT32, &v);
	case VALUE_TIME:
		v.i64 = *(const int64_t *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_INT64, &v);
	case VALUE_COUNT:
		v.u64 = *(const uint64_t *)field;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_UINT64, &v);
	case VALUE_COUNTERS:
		return marshal_counters(to, view);
	case VALUE_DIAGNOSIS:
		return marshal_diagnosis(to, field, private_too);
	}
	return false;
}

bool property_same(const struct property *p, const void *a, const void *b)
{
	const void *one = (const char *)a + p->offset, *other = (const char *)b + p->offset;

	switch (p->kind) {
	case VALUE_TEXT:
		return strcmp(one, other) == 0;
	case VALUE_WORD:
		return strcmp(word_at(one), word_at(other)) == 0;
	case VALUE_BOOL:
		return *(const bool *)one == *(const bool *)other;
	case VALUE_INT:
	case VALUE_UNSIGNED:
		return *(const unsigned *)one == *(const unsigned *)other;
	case VALUE_SIZE:
		return *(const size_t *)one == *(const size_t *)other;
	case VALUE_TIME:
	case VALUE_COUNT:
		return *(const uint64_t *)one == *(const uint64_t *)other;
	case VALUE_COUNTERS:
		return counters_same(a, b);
	case VALUE_DIAGNOSIS:
		return diagnosis_same(one, other);
	}
	return false;
}

bool marshal_property(DBusMessageIter *to, const struct property *property, const void *view,
		      bool private_too)
{
	DBusMessageIter value;

	return dbus_message_iter_open_container(to, DBUS_TYPE_VARIANT,
						value_signature(property->kind), &value) &&
	       marshal_value(&value, property, view, private_too) &&
	       dbus_message_iter_close_container(to, &value);
}

bool marshal_properties(DBusMessageIter *to, const struct interface *interface, const void *view,
			uint64_t chosen, bool private_too)
{
	DBusMessageIter dict, pair;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{sv}", &dict))
		return false;
	for (const struct property *p = interface->properties; p && p->name; p++) {
		if (!(chosen >> (p - interface->properties) & 1) ||
		    (!private_too && (p->flags & PROPERTY_PRIVATE)))
			continue;
		if (!dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) ||
		    !marshal_text(&pair, DBUS_TYPE_STRING, p->name) ||
		    !marshal_property(&pair, p, view, private_too) ||
		    !dbus_message_iter_close_container(&dict, &pair))
			return false;
	}
	return dbus_message_iter_close_container(to, &dict);
}

bool marshal_interfaces(DBusMessageIter *to, const struct interface *own, const void *view,
			bool private_too)
{
	const struct interface *interfaces[INTERFACES_MAX];
	size_t count = interfaces_of(own, interfaces);
	DBusMessageIter dict, pair;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{sa{sv}}", &dict))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) ||
		    !marshal_text(&pair, DBUS_TYPE_STRING, interfaces[i]->name) ||
		    !marshal_properties(&pair, interfaces[i], view, PROPERTIES_ALL, private_too) ||
		    !dbus_message_iter_close_container(&dict, &pair))
			return false;
	}
	return dbus_message_iter_close_container(to, &dict);
}
