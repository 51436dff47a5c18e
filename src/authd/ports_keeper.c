/* Sessions of ports for those who send Disconnect and CoA: RFC 5176. */
#include <errno.h>
#include <string.h>

#include "authd/ports_parts.h"

static bool fits_text(const char *wanted, const char *is)
{
	return !wanted || !wanted[0] || strcmp(wanted, is) == 0;
}

static bool has_class(const struct port_session *s, struct slice class)
{
	if (class.len == 0)
		return true;
	for (size_t i = 0; i < AAA_CLASS_MAX; i++) {
		if (slice_eq(bytes_slice(&s->grant.class[i]), class))
			return true;
	}
	return false;
}

static bool fits(const struct port_session *s, const struct session_criteria *which)
{
	const char *user = s->grant.user_name[0] ? s->grant.user_name : s->identity;

	return s->open && fits_text(which->session_id, s->id) &&
	       fits_text(which->user_name, user) &&
	       fits_text(which->nas_port_id, s->port->link.name) &&
	       (!which->has_mac || memcmp(which->mac, s->mac, MAC_SIZE) == 0) &&
	       (!which->has_nas_port || which->nas_port == s->port->link.index) &&
	       has_class(s, which->class);
}

static int each(struct ports *ports, const struct session_criteria *which,
		bool (*act)(struct port_session *session))
{
	int count = 0;

	for (size_t i = 0; i < PORTS_SESSIONS_MAX; i++) {
		struct port_session *s = ports->slot[i];

		if (!s || !fits(s, which))
			continue;
		count++;
		if (act(s))
			port_session_idle(s);
	}
	return count;
}

static bool end(struct port_session *session)
{
	return port_session_disconnect(session, TERMINATE_ADMIN_RESET);
}

static int disconnect(void *self, const struct session_criteria *which)
{
	return each(self, which, end);
}

static int reauthenticate(void *self, const struct session_criteria *which)
{
	return each(self, which, port_session_reauthenticate);
}

static struct port_session *only_one(struct ports *ports, const struct session_criteria *which,
				     int *ret_count)
{
	struct port_session *found = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < PORTS_SESSIONS_MAX; i++) {
		struct port_session *s = ports->slot[i];

		if (s && fits(s, which)) {
			found = s;
			(*ret_count)++;
		}
	}
	return found;
}

static int change(void *self, const struct session_criteria *which,
		  const struct session_change *what)
{
	int count, error;
	struct port_session *s = only_one(self, which, &count);

	if (!s || count > 1)
		return s ? -EMLINK : 0;
	error = port_session_change(s, what);
	return error < 0 ? error : 1;
}

void ports_keeper(struct ports *ports, struct session_keeper *ret_keeper)
{
	*ret_keeper = (struct session_keeper){
		.self = ports,
		.disconnect = disconnect,
		.reauthenticate = reauthenticate,
		.change = change,
	};
}
