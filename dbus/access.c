#include "dbus/access.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/connection.h"
#include "dbus/marshal.h"

#define LOOKUP_TIMEOUT	 5000
#define QUESTION_TIMEOUT 120000 /* somebody types a password */

#define POLKIT_NAME	 "org.freedesktop.PolicyKit1"
#define POLKIT_PATH	 "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_INTERACT	 1u

/* One call that waits for its answer. */
struct request {
	struct list node;
	struct access *access;
	DBusConnection *dbus;
	DBusMessage *call;
	DBusPendingCall *pending;
	enum need need;
	bool asks_polkit;
	dbus_uint32_t uid;
};

void access_init(struct access *access,
		 void (*decided)(struct access *access, DBusMessage *call, enum answer answer))
{
	struct group *group = getgrnam(ACCESS_GROUP);

	*access = (struct access){
		.group_exists = group != NULL,
		.group = group ? group->gr_gid : 0,
		.decided = decided,
	};
	list_init(&access->requests);
}

static void request_free(struct request *r)
{
	if (r->asks_polkit)
		r->access->questions--;
	else
		r->access->lookups--;
	list_remove(&r->node);
	if (r->pending) {
		dbus_pending_call_cancel(r->pending);
		dbus_pending_call_unref(r->pending);
	}
	dbus_message_unref(r->call);
	free(r);
}

static void request_decide(struct request *r, enum answer answer)
{
	struct access *access = r->access;
	AUTO(DBusMessage) call = dbus_message_ref(r->call);

	request_free(r);
	access->decided(access, call, answer);
}

/* ---- polkit -------------------------------------------------------------------------------- */

/* CheckAuthorization((sa{sv}) subject, s action, a{ss} details, u flags, s cancellation_id). */
static bool fill_question(DBusMessage *question, DBusMessage *call)
{
	const char *kind = "system-bus-name", *key = "name", *action = ACCESS_ACTION, *none = "";
	const char *sender = dbus_message_get_sender(call);
	dbus_uint32_t flags =
		dbus_message_get_allow_interactive_authorization(call) ? POLKIT_INTERACT : 0;
	DBusMessageIter it, subject, dict, pair, value, details;

	dbus_message_iter_init_append(question, &it);
	return dbus_message_iter_open_container(&it, DBUS_TYPE_STRUCT, NULL, &subject) &&
	       dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind) &&
	       dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
	       dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) &&
	       dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &key) &&
	       dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, "s", &value) &&
	       dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &sender) &&
	       dbus_message_iter_close_container(&pair, &value) &&
	       dbus_message_iter_close_container(&dict, &pair) &&
	       dbus_message_iter_close_container(&subject, &dict) &&
	       dbus_message_iter_close_container(&it, &subject) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &action) &&
	       dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "{ss}", &details) &&
	       dbus_message_iter_close_container(&it, &details) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_UINT32, &flags) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &none);
}

/* ((bba{ss}) result): is it authorised, first of all. */
static void on_polkit(DBusPendingCall *pending, void *context)
{
	struct request *r = context;
	AUTO(DBusMessage) reply = dbus_pending_call_steal_reply(pending);
	dbus_bool_t authorised = FALSE;
	DBusMessageIter it, result;

	if (dbus_message_has_signature(reply, "(bba{ss})") && dbus_message_iter_init(reply, &it)) {
		dbus_message_iter_recurse(&it, &result);
		dbus_message_iter_get_basic(&result, &authorised);
	}
	request_decide(r, authorised ? ACCESS_GRANTED : ACCESS_DENIED);
}

static size_t questions_of(const struct access *access, dbus_uint32_t uid)
{
	size_t count = 0;

	list_each (node, &access->requests) {
		const struct request *r = list_item(node, struct request, node);

		count += r->asks_polkit && r->uid == uid;
	}
	return count;
}

static void ask_polkit(struct request *r)
{
	struct access *access = r->access;
	AUTO(DBusMessage) question = NULL;

	if (access->questions >= ACCESS_QUESTIONS_MAX ||
	    questions_of(access, r->uid) >= ACCESS_QUESTIONS_OF_ONE_MAX) {
		request_decide(r, ACCESS_BUSY);
		return;
	}

	question = dbus_message_new_method_call(POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
						"CheckAuthorization");

	if (question && fill_question(question, r->call))
		r->pending = connection_call(r->dbus, question, QUESTION_TIMEOUT, on_polkit, r);
	if (!r->pending) {
		request_decide(r, ACCESS_DENIED);
		return;
	}
	access->lookups--;
	access->questions++;
	r->asks_polkit = true;
}

/* ---- who calls ----------------------------------------------------------------------------- */

struct caller {
	bool known, in_group;
	dbus_uint32_t uid;
};

static bool group_listed(DBusMessageIter *array, gid_t group)
{
	DBusMessageIter it;

	for (dbus_message_iter_recurse(array, &it);
	     dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_UINT32; dbus_message_iter_next(&it)) {
		dbus_uint32_t gid;

		dbus_message_iter_get_basic(&it, &gid);
		if (gid == group)
			return true;
	}
	return false;
}

static void read_credential(DBusMessageIter *pair, const struct access *access,
			    struct caller *caller)
{
	DBusMessageIter it, value;
	const char *key;

	dbus_message_iter_recurse(pair, &it);
	dbus_message_iter_get_basic(&it, &key);
	dbus_message_iter_next(&it);
	dbus_message_iter_recurse(&it, &value);

	int type = dbus_message_iter_get_arg_type(&value);

	if (strcmp(key, "UnixUserID") == 0 && type == DBUS_TYPE_UINT32) {
		dbus_message_iter_get_basic(&value, &caller->uid);
		caller->known = true;
	} else if (strcmp(key, "UnixGroupIDs") == 0 && type == DBUS_TYPE_ARRAY) {
		caller->in_group = access->group_exists && group_listed(&value, access->group);
	}
}

static struct caller read_credentials(DBusMessage *reply, const struct access *access)
{
	struct caller caller = { 0 };
	DBusMessageIter it, dict;

	if (!dbus_message_has_signature(reply, "a{sv}") || !dbus_message_iter_init(reply, &it))
		return caller;
	for (dbus_message_iter_recurse(&it, &dict);
	     dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&dict))
		read_credential(&dict, access, &caller);
	return caller;
}

static void on_credentials(DBusPendingCall *pending, void *context)
{
	struct request *r = context;
	AUTO(DBusMessage) reply = dbus_pending_call_steal_reply(pending);
	struct caller caller = read_credentials(reply, r->access);

	dbus_pending_call_unref(r->pending);
	r->pending = NULL;
	r->uid = caller.uid;
	if (caller.known && (caller.uid == 0 || caller.in_group))
		request_decide(r, ACCESS_GRANTED);
	else if (caller.known && r->need == NEED_CONTROL)
		ask_polkit(r);
	else
		request_decide(r, ACCESS_DENIED);
}

static DBusMessage *credentials_question(const char *sender)
{
	AUTO(DBusMessage) question = NULL;

	question = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
						DBUS_INTERFACE_DBUS, "GetConnectionCredentials");
	if (!question || !sender ||
	    !dbus_message_append_args(question, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID))
		return NULL;
	return TAKE(question);
}

void access_ask(struct access *access, DBusConnection *dbus, DBusMessage *call, enum need need)
{
	AUTO(DBusMessage) question = credentials_question(dbus_message_get_sender(call));
	struct request *r = NULL;

	if (question && access->lookups < ACCESS_LOOKUPS_MAX)
		r = calloc(1, sizeof *r);
	if (!r) {
		access->decided(access, call, ACCESS_BUSY);
		return;
	}
	*r = (struct request){
		.access = access, .dbus = dbus, .call = dbus_message_ref(call), .need = need
	};
	list_append(&access->requests, &r->node);
	access->lookups++;
	r->pending = connection_call(dbus, question, LOOKUP_TIMEOUT, on_credentials, r);
	if (!r->pending)
		request_decide(r, ACCESS_BUSY);
}

void access_drop(struct access *access)
{
	list_each (node, &access->requests)
		request_free(list_item(node, struct request, node));
}
