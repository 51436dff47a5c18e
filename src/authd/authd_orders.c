/* What is to become of sessions: at ports of ours, and at switches, which are asked. */
#include <errno.h>
#include <string.h>

#include "authd/authd.h"
#include "drivers/log.h"

static void on_asked(void *context, const struct dynauth_answer *answer)
{
	(void)context;
	if (answer->result == 0)
		log_event(LOG_NOTICE, "dynauth.asked", "answer=ack");
	else
		log_event(LOG_WARNING, "dynauth.asked", "answer=\"%s\" cause=\"%s\"",
			  answer->result == -EACCES ? "nak" : strerror(-answer->result),
			  radius_error_cause_name(answer->cause));
}

/* Whoever has the session has to be asked, and will do it or not. */
static int ask_nas(struct authd *a, const struct session *session, bool reauthenticate)
{
	struct dynauth_ask ask = { .reauthenticate = reauthenticate,
				   .where = &session->where,
				   .answered = on_asked };
	const struct client_config *client;

	if (!address_parse(session->where.nas_address, &ask.nas))
		return -EDESTADDRREQ;
	client = config_client(a->config, &ask.nas);
	if (!client || strcmp(client->object.name, session->where.client) != 0)
		return -ENOENT;
	ask.secret = secret_slice(&client->secret);
	return dynauth_send(a->dynauth, &ask);
}

static int ask_nases(struct authd *a, bool (*is)(const struct session *session, const char *target),
		     const char *target, bool reauthenticate, struct diagnosis *why)
{
	const struct session *refused = NULL;
	int count = 0, error = 0;

	if (!a->dynauth)
		return 0;
	list_each (node, &a->sessions.order) {
		const struct session *session = list_item(node, struct session, order);
		int r = is(session, target) ? ask_nas(a, session, reauthenticate) : 1;

		count += r == 0;
		refused = r < 0 ? session : refused;
		error = r < 0 ? r : error;
	}
	if (count == 0 && refused) {
		diagnosis_say(why, DIAG_NAS_NOT_ASKED, "%s",
			      error == -EDESTADDRREQ ? "it told no address of its own"
			      : error == -ENOENT ? "the address that it told is not one of its own"
						 : strerror(-error));
		diagnosis_add(why, "client", "%s", refused->where.client);
	}
	return count ? count : error;
}

/* One machine may be at a port of ours and behind a switch. */
static int both(int at_ports, int at_nases)
{
	return at_ports == 0 ? at_nases : at_nases > 0 ? at_ports + at_nases : at_ports;
}

int authd_disconnect(void *authd, const char *target, const char *actor, struct diagnosis *why)
{
	struct authd *a = authd;
	int count = a->guard ? ports_disconnect(guard_ports(a->guard), target) : 0;

	(void)actor;
	return both(count, ask_nases(a, session_is, target, false, why));
}

int authd_disconnect_account(void *authd, const char *account, struct diagnosis *why)
{
	struct authd *a = authd;
	int count = a->guard ? ports_disconnect_account(guard_ports(a->guard), account) : 0;

	return both(count, ask_nases(a, session_is_of_account, account, false, why));
}

int authd_reauth(void *authd, const char *target, const char *actor, struct diagnosis *why)
{
	struct authd *a = authd;
	int count = a->guard ? ports_reauthenticate(guard_ports(a->guard), target) : 0;

	(void)actor;
	return both(count, ask_nases(a, session_is, target, true, why));
}
