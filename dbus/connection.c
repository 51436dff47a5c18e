#include "dbus/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "dbus/marshal.h"
#include "drivers/log.h"

#define WAIT_FIRST	 100
#define WAIT_LAST	 60000
#define ANSWER_TIMEOUT	 10000
#define OUTGOING_MAX	 (32 * 1024 * 1024)
#define DISPATCH_AT_ONCE 64 /* messages, before the loop gets its turn */

static void connection_lost(struct connection *c, int why);

/* ---- watches: libdbus has two on one descriptor, the loop takes each descriptor once
 * ------------- */

static void watches_apply(struct connection *c)
{
	bool read = false, write = false;
	int fd = -1;

	for (size_t i = 0; i < CONNECTION_WATCHES_MAX; i++) {
		if (!c->watches[i] || !dbus_watch_get_enabled(c->watches[i]))
			continue;

		unsigned flags = dbus_watch_get_flags(c->watches[i]);

		fd = dbus_watch_get_unix_fd(c->watches[i]);
		read = read || (flags & DBUS_WATCH_READABLE);
		write = write || (flags & DBUS_WATCH_WRITABLE);
	}
	if (watch_set(c->loop, &c->watch, fd, read, write) < 0)
		log_event(LOG_ERR, "bus.watch", "error=\"%s\"", strerror(ENOMEM));
}

static dbus_bool_t watch_added(DBusWatch *watch, void *context)
{
	struct connection *c = context;

	for (size_t i = 0; i < CONNECTION_WATCHES_MAX; i++) {
		if (c->watches[i])
			continue;
		c->watches[i] = watch;
		watches_apply(c);
		return TRUE;
	}
	return FALSE;
}

static void watch_removed(DBusWatch *watch, void *context)
{
	struct connection *c = context;

	for (size_t i = 0; i < CONNECTION_WATCHES_MAX; i++) {
		if (c->watches[i] == watch)
			c->watches[i] = NULL;
	}
	watches_apply(c);
}

static void watch_toggled(DBusWatch *watch, void *context)
{
	(void)watch;
	watches_apply(context);
}

static void on_watch(struct watch *watch, bool readable, bool writable)
{
	struct connection *c = list_item(watch, struct connection, watch);
	unsigned ready =
		(readable ? DBUS_WATCH_READABLE : 0) | (writable ? DBUS_WATCH_WRITABLE : 0);

	/* A watch may be removed while another is handled; the connection is not, as nothing is
	 * dispatched here. */
	for (size_t i = 0; i < CONNECTION_WATCHES_MAX; i++) {
		DBusWatch *w = c->watches[i];

		if (w && dbus_watch_get_enabled(w) && (dbus_watch_get_flags(w) & ready))
			dbus_watch_handle(w, dbus_watch_get_flags(w) & ready);
	}
}

/* ---- timeouts ------------------------------------------------------------------------------ */

struct timeout {
	struct timer timer;
	struct loop *loop;
	DBusTimeout *dbus;
};

static void timeout_apply(struct timeout *t)
{
	bool enabled = dbus_timeout_get_enabled(t->dbus);
	msec wait = (msec)dbus_timeout_get_interval(t->dbus);

	timer_set(t->loop, &t->timer, enabled ? msec_after(loop_now().mono, wait) : NEVER);
}

static void on_timeout(struct timer *timer)
{
	struct timeout *t = list_item(timer, struct timeout, timer);

	/* libdbus's timeouts repeat until they are removed, which handling one may do. */
	timeout_apply(t);
	dbus_timeout_handle(t->dbus);
}

static void timeout_free(void *memory)
{
	struct timeout *t = memory;

	timer_clear(&t->timer);
	free(t);
}

static dbus_bool_t timeout_added(DBusTimeout *timeout, void *context)
{
	struct connection *c = context;
	struct timeout *t = calloc(1, sizeof *t);

	if (!t)
		return FALSE;
	*t = (struct timeout){ { .expired = on_timeout }, c->loop, timeout };
	dbus_timeout_set_data(timeout, t, timeout_free);
	timeout_apply(t);
	return TRUE;
}

static void timeout_removed(DBusTimeout *timeout, void *context)
{
	(void)context;
	dbus_timeout_set_data(timeout, NULL, NULL);
}

static void timeout_toggled(DBusTimeout *timeout, void *context)
{
	(void)context;
	timeout_apply(dbus_timeout_get_data(timeout));
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static void dispatch_soon(struct connection *c)
{
	timer_set(c->loop, &c->dispatch, 0);
}

static void on_dispatch_status(DBusConnection *dbus, DBusDispatchStatus status, void *context)
{
	(void)dbus;
	if (status != DBUS_DISPATCH_COMPLETE)
		dispatch_soon(context);
}

static void on_dispatch(struct timer *timer)
{
	struct connection *c = list_item(timer, struct connection, dispatch);

	for (int i = 0; i < DISPATCH_AT_ONCE && c->dbus; i++) {
		DBusConnection *dbus = dbus_connection_ref(c->dbus);
		DBusDispatchStatus status = dbus_connection_dispatch(dbus);

		dbus_connection_unref(dbus);
		if (status == DBUS_DISPATCH_COMPLETE)
			return;
	}
	if (c->dbus)
		dispatch_soon(c);
}

static DBusHandlerResult on_message(DBusConnection *dbus, DBusMessage *message, void *context)
{
	struct connection *c = context;

	(void)dbus;
	if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
		connection_lost(c, -ENOTCONN);
	else if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameLost") &&
		 dbus_message_has_sender(message, DBUS_SERVICE_DBUS) && c->held)
		connection_lost(c, -EEXIST);
	else if (c->held)
		c->received(c, message);
	else
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* ---- the way to the name ------------------------------------------------------------------- */

DBusPendingCall *connection_call(DBusConnection *dbus, DBusMessage *call, int timeout_ms,
				 DBusPendingCallNotifyFunction answered, void *context)
{
	DBusPendingCall *pending = NULL;

	if (!dbus_connection_send_with_reply(dbus, call, &pending, timeout_ms) || !pending)
		return NULL;
	if (!dbus_pending_call_set_notify(pending, answered, context, NULL)) {
		dbus_pending_call_cancel(pending);
		dbus_pending_call_unref(pending);
		return NULL;
	}
	return pending;
}

static DBusMessage *call_of_bus(const char *member)
{
	return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					    member);
}

/* The one call on the way that waits for its answer.  It holds the connection: whoever drops the
 * one cancels the other. */
static void await(struct connection *c, DBusMessage *call, DBusPendingCallNotifyFunction answered)
{
	c->awaited = call ? connection_call(c->dbus, call, ANSWER_TIMEOUT, answered, c) : NULL;
	if (!c->awaited)
		connection_lost(c, -ENOMEM);
}

static DBusMessage *awaited_reply(struct connection *c)
{
	DBusMessage *reply = dbus_pending_call_steal_reply(c->awaited);

	dbus_pending_call_unref(c->awaited);
	c->awaited = NULL;
	return reply;
}

static int name_error(dbus_uint32_t result, DBusMessage *reply)
{
	if (result != 0)
		return -EEXIST;
	return dbus_message_is_error(reply, DBUS_ERROR_ACCESS_DENIED) ? -EACCES : -ENOTCONN;
}

static void on_name(DBusPendingCall *pending, void *context)
{
	struct connection *c = context;
	AUTO(DBusMessage) reply = awaited_reply(c);
	dbus_uint32_t result = 0;

	(void)pending;
	if (dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID) &&
	    (result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER ||
	     result == DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER)) {
		c->held = true;
		c->wait = WAIT_FIRST;
		c->changed(c, 0);
		return;
	}
	connection_lost(c, name_error(result, reply));
}

static void on_hello(DBusPendingCall *pending, void *context)
{
	struct connection *c = context;
	AUTO(DBusMessage) reply = awaited_reply(c);
	AUTO(DBusMessage) request = call_of_bus("RequestName");
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
	const char *unique = NULL;

	(void)pending;
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &unique, DBUS_TYPE_INVALID)) {
		connection_lost(c, -ENOTCONN);
		return;
	}
	if (!dbus_bus_set_unique_name(c->dbus, unique) || !request ||
	    !dbus_message_append_args(request, DBUS_TYPE_STRING, &c->name, DBUS_TYPE_UINT32, &flags,
				      DBUS_TYPE_INVALID)) {
		connection_lost(c, -ENOMEM);
		return;
	}
	await(c, request, on_name);
}

static DBusConnection *open_system_bus(void)
{
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	return dbus_connection_open_private(
		address ? address : "unix:path=/run/dbus/system_bus_socket", NULL);
}

static void connection_try(struct connection *c)
{
	AUTO(DBusMessage) hello = call_of_bus("Hello");

	c->dbus = open_system_bus();
	if (!c->dbus) {
		connection_lost(c, -ENOTCONN);
		return;
	}
	dbus_connection_set_exit_on_disconnect(c->dbus, FALSE);
	dbus_connection_set_dispatch_status_function(c->dbus, on_dispatch_status, c, NULL);
	if (!dbus_connection_set_watch_functions(c->dbus, watch_added, watch_removed, watch_toggled,
						 c, NULL) ||
	    !dbus_connection_set_timeout_functions(c->dbus, timeout_added, timeout_removed,
						   timeout_toggled, c, NULL) ||
	    !dbus_connection_add_filter(c->dbus, on_message, c, NULL)) {
		connection_lost(c, -ENOMEM);
		return;
	}
	await(c, hello, on_hello);
	/* Only changes of the dispatch status are reported. */
	dispatch_soon(c);
}

static void on_retry(struct timer *timer)
{
	connection_try(list_item(timer, struct connection, retry));
}

static void connection_drop(struct connection *c)
{
	DBusConnection *dbus = c->dbus;

	c->dbus = NULL;
	c->held = false;
	timer_set(c->loop, &c->dispatch, NEVER);
	if (!dbus)
		return;
	if (c->awaited) {
		dbus_pending_call_cancel(c->awaited);
		dbus_pending_call_unref(c->awaited);
		c->awaited = NULL;
	}
	dbus_connection_remove_filter(dbus, on_message, c);
	dbus_connection_set_dispatch_status_function(dbus, NULL, NULL, NULL);
	dbus_connection_set_watch_functions(dbus, NULL, NULL, NULL, NULL, NULL);
	dbus_connection_set_timeout_functions(dbus, NULL, NULL, NULL, NULL, NULL);
	dbus_connection_close(dbus);
	dbus_connection_unref(dbus);
}

static void connection_lost(struct connection *c, int why)
{
	connection_drop(c);
	timer_set(c->loop, &c->retry, msec_after(loop_now().mono, c->wait));
	c->wait = c->wait * 2 < WAIT_LAST ? c->wait * 2 : WAIT_LAST;
	c->changed(c, why);
}

void connection_open(struct connection *c)
{
	c->watch.ready = on_watch;
	c->dispatch = (struct timer){ .due = NEVER, .expired = on_dispatch };
	c->retry = (struct timer){ .due = NEVER, .expired = on_retry };
	c->wait = WAIT_FIRST;
	connection_try(c);
}

void connection_close(struct connection *c)
{
	connection_drop(c);
	watch_clear(&c->watch);
	timer_clear(&c->dispatch);
	timer_clear(&c->retry);
}

void connection_send(struct connection *c, DBusMessage *message)
{
	/* libdbus would keep any amount for a bus that does not read. */
	if (c->held && dbus_connection_get_outgoing_size(c->dbus) < OUTGOING_MAX)
		dbus_connection_send(c->dbus, message, NULL);
}
