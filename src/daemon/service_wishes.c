/* Renewals that are due, and enrolments and renewals that a person wants. */
#include <string.h>

#include "daemon/held.h"

/* ---- by time ------------------------------------------------------------------------------- */

void held_set_timer(struct service *s)
{
	struct moment now = loop_now();
	msec due = NEVER;

	list_each (node, &s->held) {
		const struct held *h = list_item(node, struct held, node);

		if (h->life.usable && h->life.enrols && !h->life.on_trial && h->life.holder == 0)
			due = msec_earlier(due, renewal_when(&h->life.renewal, now));
	}
	/* What is due and cannot be done, for no port is open, is not looked at all the time. */
	if (due <= now.mono)
		due = msec_after(now.mono, RENEWAL_WAIT_FIRST);
	timer_set(s->loop, &s->renewals, due);
}

/* A port that the credential has opened, and that is not in the middle of something. */
static struct port *port_to_renew(struct service *s, const struct held *h)
{
	for (size_t i = 0; i < PORT_BUCKETS; i++) {
		list_each (node, &s->ports[i]) {
			struct port *port = list_item(node, struct port, node);

			if (port->armed && port->wanted && port->pae.suppPortStatus &&
			    !port->conversing && strcmp(port->armed->credential, h->name) == 0)
				return port;
		}
	}
	return NULL;
}

void held_on_renewals(struct timer *timer)
{
	struct service *s = list_item(timer, struct service, renewals);

	list_each (node, &s->held) {
		const struct held *h = list_item(node, struct held, node);
		struct port *port;

		if (!h->life.usable || !h->life.enrols || h->life.on_trial || h->life.holder != 0 ||
		    !renewal_is_due(&h->life.renewal, loop_now()))
			continue;
		port = port_to_renew(s, h);
		if (port)
			port_reconsider(port);
	}
	held_set_timer(s);
}

/* ---- by people ----------------------------------------------------------------------------- */

static void wake(struct service *s, struct port *port)
{
	(void)s;
	if (port->waiting)
		port_reconsider(port);
}

void service_forget_refusals(struct service *s)
{
	list_each (node, &s->held)
		life_forget_refusals(&list_item(node, struct held, node)->life);
	service_each_port(s, wake);
}

static bool take_wish(struct held *h, const struct enrol_wish *wish)
{
	size_t name = strlen(wish->name), kind = strlen(wish->profile);

	if ((*wish->factory && !keystore_name_valid(wish->factory)) ||
	    name >= sizeof h->common_name || kind >= sizeof h->kind)
		return false;
	held_forget_given(h);
	if (wish->token.len > 0 && secret_set(&h->token, wish->token) != OK)
		return false;
	snprintf(h->factory, sizeof h->factory, "%s", wish->factory);
	snprintf(h->common_name, sizeof h->common_name, "%s", wish->name);
	snprintf(h->kind, sizeof h->kind, "%s", wish->profile);
	return true;
}

enum bus_result service_enroll(struct service *s, unsigned index, const struct enrol_wish *wish,
			       struct diagnosis *why)
{
	struct port *port = service_port(s, index);
	struct armed_enrol *armed = NULL;
	struct enrol_given given;
	struct held *h;

	if (!port)
		return BUS_NO_SUCH_PORT;
	if (!port->armed)
		return BUS_NO_PROFILE;
	h = held_of_port(s, port);
	if (!h || !port->armed->profile->enrol.wanted)
		return BUS_NO_ENROLMENT;
	if (!take_wish(h, wish))
		return BUS_INVALID;
	/* A token with a typing error is told to who typed it. */
	if (enrol_arm(port->armed->profile, s->keystore, held_given(h, &given), loop_now().wall,
		      &armed, why) < 0) {
		held_forget_given(h);
		return BUS_INVALID;
	}
	armed_enrol_free(armed);
	h->life.means = true;
	life_ask_enrolment(&h->life);
	life_forget_refusals(&h->life);
	if (port->wanted)
		port_reconsider(port);
	else
		port_connect(port);
	return BUS_DONE;
}

static enum bus_result renew(struct service *s, struct held *h, struct port *port)
{
	if (!h->life.enrols)
		return BUS_NO_ENROLMENT;
	if (!h->life.usable)
		return BUS_FAILED;
	renewal_ask(&h->life.renewal);
	if (port)
		port_reconsider(port);
	held_set_timer(s);
	return BUS_DONE;
}

enum bus_result service_renew(struct service *s, unsigned index)
{
	struct port *port = service_port(s, index);
	struct held *h = port ? held_of_port(s, port) : NULL;

	if (!port)
		return BUS_NO_SUCH_PORT;
	return h ? renew(s, h, port) : BUS_NO_PROFILE;
}

enum bus_result service_renew_credential(struct service *s, const char *name)
{
	struct held *h = held_find(s, name);

	return h ? renew(s, h, port_to_renew(s, h)) : BUS_NO_PROFILE;
}
