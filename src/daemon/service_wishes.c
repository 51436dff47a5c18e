/* Renewals that are due or that a server wishes for, and enrolments and renewals that a person
 * wants. */
#include <string.h>

#include "daemon/held.h"
#include "drivers/log.h"

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

/* A port with this credential, of which that is so if fits is given; NULL: there is none. */
static struct port *find_port(struct service *s, const struct held *h,
			      bool (*fits)(const struct port *port))
{
	for (size_t i = 0; i < PORT_BUCKETS; i++) {
		list_each (node, &s->ports[i]) {
			struct port *port = list_item(node, struct port, node);

			if (port->armed && strcmp(port->armed->credential, h->name) == 0 &&
			    (!fits || fits(port)))
				return port;
		}
	}
	return NULL;
}

/* The credential has opened it, and it is not in the middle of something. */
static bool can_renew(const struct port *port)
{
	return port->wanted && port->pae.suppPortStatus && !port->conversing;
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
		port = find_port(s, h, can_renew);
		if (port)
			port_reconsider(port);
	}
	held_set_timer(s);
}

/* ---- by servers ---------------------------------------------------------------------------- */

void held_hear_wish(struct service *s, const struct port *port, struct held *h)
{
	bool heard = life_wish(&h->life, loop_now());

	log_event(heard ? LOG_NOTICE : LOG_DEBUG, "credential.wished",
		  "port=%s credential=%s heard=%s", port->link.name, h->name, heard ? "yes" : "no");
	if (heard)
		timer_set(s->loop, &s->renewals, loop_now().mono);
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

/* What has to happen before anything does; NULL: it begins. */
static const char *obstacle(const struct held *h, const struct port *port)
{
	if (!port->link.carrier)
		return "the cable is not plugged in";
	if (h->life.holder != 0 && h->life.holder != port->link.index)
		return "another port is getting the same credential";
	if (port->conversing && port->course == COURSE_ORDINARY)
		return "an authentication is going on, and comes to its end first";
	return NULL;
}

static void tell_obstacle(struct service *s, const struct port *port, const char *what)
{
	const struct diagnosis none = { 0 };

	if (s->bus && what)
		bus_enrolment_progress(s->bus, port->link.index, "waiting", what, &none);
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
	const struct enrol_given given = { .token = wish->token,
					   .factory = *wish->factory ? wish->factory : NULL };
	struct armed_enrol *armed = NULL;
	struct held *h;

	if (!port)
		return BUS_NO_SUCH_PORT;
	if (!port->armed)
		return BUS_NO_PROFILE;
	h = held_of_port(s, port);
	if (!h || !port->armed->profile->enrol.wanted)
		return BUS_NO_ENROLMENT;
	/* A token with a typing error is told to who typed it, and changes nothing. */
	if (enrol_arm(port->armed->profile, s->keystore, &given, loop_now().wall, &armed, why) < 0)
		return BUS_INVALID;
	armed_enrol_free(armed);
	if (!take_wish(h, wish))
		return BUS_INVALID;
	h->life.means = true;
	life_ask_enrolment(&h->life);
	life_forget_refusals(&h->life);
	tell_obstacle(s, port, obstacle(h, port));
	if (port->wanted && !port->taken)
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
	/* A password proves nothing to those who renew. */
	if (h->life.renewal.not_after == 0)
		return BUS_NOT_RENEWED;
	renewal_ask(&h->life.renewal);
	if (port) {
		tell_obstacle(s, port, obstacle(h, port));
		port_reconsider(port);
	} else if ((port = find_port(s, h, NULL))) {
		tell_obstacle(s, port, "no port that it opens is open and idle now");
	}
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

	return h ? renew(s, h, find_port(s, h, can_renew)) : BUS_NO_PROFILE;
}
