#include "daemon/port_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/log.h"

/* ---- signal -------------------------------------------------------------------------------- */

static void announce(struct port *port)
{
	port->world->changed(port->world->context, port);
}

/* ---- key ----------------------------------------------------------------------------------- */

/* A wire has nothing to install keys in; those that nobody takes are wiped here and not later. */
static void port_install_keys(struct port *port)
{
	struct eap_keys keys = { 0 };

	if (!port->lower.eapKeyAvailable)
		return;
	eap_keys_move(&keys, port->lower.eapKeyData);
	port->lower.eapKeyAvailable = false;
	eap_keys_done(&keys);
}

/* ---- frame out ----------------------------------------------------------------------------- */

static void port_send_frames(struct port *port)
{
	struct supplicant_out out;

	while (supplicant_collect(&port->pae, &out)) {
		uint8_t buffer[EAPOL_HEADER_SIZE + EAPOL_EAP_MTU_MAX];
		struct wr w = wr_of(buffer, sizeof buffer);

		eapol_frame_build(&w, port->pae.config->version, out.type, out.body);
		if (!wr_ok(&w))
			continue;

		int error = packet_send(port->world->socket, port->link.index,
					port->armed->profile->destination, port->link.mac,
					port->tag, wr_done(&w));

		if (error < 0)
			log_event(LOG_INFO, "eapol.not-sent", "port=%s type=%d error=\"%s\"",
				  port->link.name, out.type, strerror(-error));
	}
}

/* ---- the way of a frame -------------------------------------------------------------------- */

/* Anybody can send them: one in a second is enough to be read. */
static void port_show_notification(struct port *port, struct moment now)
{
	char text[EAP_NOTIFICATION_MAX];

	if (!port->peer.notified)
		return;
	port->peer.notified = false;
	if (now.mono < port->next_notification)
		return;
	port->next_notification = msec_after(now.mono, 1000);
	log_event(LOG_NOTICE, "eap.notification", "port=%s text=\"%s\"", port->link.name,
		  log_quoted(port->peer.notification, text, sizeof text));
}

static void port_set_timer(struct port *port)
{
	msec due = msec_earlier(supplicant_deadline(&port->pae), eap_peer_deadline(&port->peer));

	if (port->waiting)
		due = msec_earlier(due, port->course_until);
	if (timer_set(port->world->loop, &port->timer, due) < 0)
		log_event(LOG_ERR, "port.timer", "port=%s error=\"no memory\"", port->link.name);
}

/* The next conversation does not wait; where there is none to be had, the port does. */
static void port_ask(struct port *port, bool insist)
{
	if (!port_prepare(port))
		port_wait(port);
	else if (insist || port->course == COURSE_ENROL)
		supplicant_insist(&port->pae);
	else
		supplicant_reauthenticate(&port->pae);
}

/* EAP peer and PAE run in turn until neither has anything to do.  True when they have to run again,
 * for a conversation has ended whose successor is due at once. */
static bool port_run(struct port *port)
{
	const struct supplicant_counters before = port->pae.counters;
	const struct moment now = loop_now();

	do
		eap_peer_step(&port->peer, now);
	while (supplicant_step(&port->pae, now));

	port_send_frames(port);
	port_install_keys(port);
	port_show_notification(port, now);
	port_tell_progress(port);
	port_note_outcome(port, &before, now);
	if (port->pae.counters.failures != before.failures && eap_peer_repeats(&port->peer))
		port->hurry = true;
	if (!port->hurry)
		return false;
	port->hurry = false;
	port_ask(port, false);
	return true;
}

/* After every event. */
static void port_step(struct port *port)
{
	while (port_run(port))
		;
	port_set_timer(port);
	announce(port);
}

/* EAP-Failure after a protected success counts for nothing with EAP, which would wait for a Success
 * that does not come.  But who gave us a credential may want to see us use it, doc/cprom.md. */
static bool sent_away(const struct port *port, const struct eapol_frame *pdu)
{
	return port->conversing && port->enrolment && port->course != COURSE_ORDINARY &&
	       pdu->type == EAPOL_EAP && pdu->body.len > 0 && pdu->body.p[0] == EAP_FAILURE &&
	       enrolment_installed(port->enrolment);
}

void port_receive(struct port *port, const struct packet_frame *frame)
{
	struct eapol_frame pdu;

	/* Who asks while the new credential is not taken up yet is asked to repeat it: by a Start.
	 */
	if (!port->armed || port->taken || port->waiting || port->again)
		return;
	if (!port_prepare(port)) {
		port_wait(port);
		port_step(port);
		return;
	}
	if (supplicant_receive(&port->pae, frame->pdu, &pdu) != OK) {
		log_event(LOG_DEBUG, "eapol.malformed", "port=%s octets=%zu", port->link.name,
			  frame->pdu.len);
		return;
	}
	port->tag = frame->tag;
	port->lower.altReject = sent_away(port, &pdu);
	port_step(port);
	port->lower.altReject = false;
}

static void on_timer(struct timer *timer)
{
	struct port *port = list_item(timer, struct port, timer);

	if (port->waiting && loop_now().mono >= port->course_until)
		port_connect(port);
	else
		port_step(port);
}

/* ---- link ---------------------------------------------------------------------------------- */

static void join_group(struct port *port)
{
	int error = port->joined ? 0
				 : packet_join(port->world->socket, port->link.index,
					       port->armed->profile->destination);

	if (error < 0)
		log_event(LOG_WARNING, "port.group", "port=%s error=\"%s\"", port->link.name,
			  strerror(-error));
	port->joined = error == 0;
}

static void leave_group(struct port *port)
{
	if (port->joined)
		packet_leave(port->world->socket, port->link.index,
			     port->armed->profile->destination);
	port->joined = false;
}

static void port_enable(struct port *port)
{
	join_group(port);
	port->lower.mtu = eapol_eap_mtu(port->link.mtu);
	supplicant_set_link(&port->pae, true);
	port_step(port);
}

static void port_disable(struct port *port)
{
	bool in_attempt = port->attempt_began != NEVER;

	supplicant_set_link(&port->pae, false);
	port->tag = (struct packet_tag){ 0 };
	port_step(port);
	if (in_attempt)
		port_attempt_fails(port, loop_now(), DIAG_CARRIER_LOST);
	log_event(LOG_INFO, "port.carrier-lost", "port=%s", port->link.name);
}

/* A new address is a new station to the authenticator; and a carrier that went and came within one
 * report of the kernel went all the same. */
static bool interrupted(const struct link_info *was, const struct link_info *is)
{
	return was->carrier && (!is->carrier || was->carrier_changes != is->carrier_changes ||
				memcmp(was->mac, is->mac, MAC_SIZE) != 0);
}

void port_set_link(struct port *port, const struct link_info *link)
{
	const struct link_info was = port->link;
	bool lost = interrupted(&was, link);

	port->link = *link;
	if (strcmp(was.name, link->name) != 0)
		log_event(LOG_NOTICE, "port.renamed", "from=%s to=%s", was.name, link->name);
	if (lost && port->armed)
		port_disable(port);
	if (link->carrier && (lost || !was.carrier) && port->wanted)
		port_connect(port);
	announce(port);
}

/* ---- what the user wants ------------------------------------------------------------------- */

void port_connect(struct port *port)
{
	port->wanted = port->decided = true;
	if (!port->armed || !port->link.carrier)
		return;
	port->taken = packet_rival(port->link.index);
	if (port->taken) {
		supplicant_set_link(&port->pae, false);
		port_step(port);
		diagnosis_set(&port->diagnosis, DIAG_PORT_TAKEN);
		diagnosis_add(&port->diagnosis, "owner", "it has a packet socket for EAPOL");
		port_attempt_ends(port, loop_now(), false);
		announce(port);
		return;
	}
	supplicant_logoff(&port->pae, false);
	port->waiting = false;
	if (!port_prepare(port)) {
		port_wait(port);
		port_step(port);
		return;
	}
	/* On a port that is up already, this is somebody who does not want to wait any longer. */
	if (port->pae.portEnabled && !port->pae.suppPortStatus)
		supplicant_reauthenticate(&port->pae);
	port_enable(port);
}

void port_disconnect(struct port *port)
{
	port->wanted = port->taken = port->waiting = false;
	port->decided = true;
	if (!port->armed)
		return;
	supplicant_logoff(&port->pae, true);
	port_step(port);
	port_attempt_fails(port, loop_now(), DIAG_DISCONNECTED);
	announce(port);
}

void port_reauthenticate(struct port *port)
{
	if (!port->armed || !port->pae.suppPortStatus) {
		port_connect(port);
		return;
	}
	supplicant_reauthenticate(&port->pae);
	port_step(port);
}

void port_reconsider(struct port *port)
{
	enum course course;

	if (!port->armed || !port->wanted || port->taken || port_in_conversation(port))
		return;
	if (!port->conversing)
		port->course = COURSE_NOTHING; /* its means may be others */
	if (port->waiting) {
		port_connect(port);
		return;
	}
	course = port_wish(port);
	if (course == COURSE_ENROL)
		supplicant_insist(&port->pae);
	else if (course == COURSE_RENEW)
		supplicant_reauthenticate(&port->pae);
	else
		return;
	port_step(port);
}

void port_resume(struct port *port)
{
	if (!port->armed || !port->wanted || port->taken || !port->pae.portEnabled)
		return;
	timer_clear(&port->timer); /* it is late by the time asleep */
	if (!port->armed->profile->pae.passive || port->pae.heard)
		supplicant_reauthenticate(&port->pae);
	port_step(port);
}

void port_logoff(struct port *port)
{
	if (!port->armed || !port->pae.suppPortStatus)
		return;
	supplicant_logoff(&port->pae, true);
	port_step(port);
}

void port_gone(struct port *port, enum diagnosis_id why)
{
	port_attempt_fails(port, loop_now(), why);
}

/* ---- profile ------------------------------------------------------------------------------- */

/* The machines begin anew with the profile's settings. */
static int build_engine(struct port *port)
{
	if (port_method_new(port) < 0)
		return -ENOMEM;
	port->lower = (struct eap_lower){ .mtu = eapol_eap_mtu(port->link.mtu) };
	eap_peer_init(&port->peer, &port->eap, &port->lower);
	supplicant_init(&port->pae, &port->armed->profile->pae, &port->lower);
	return 0;
}

/* The profile is another, or the port is no more. */
static void cut_off(struct port *port)
{
	const struct conversation_end end = { .course = port->course,
					      .cut_off = true,
					      .outcome = LIFE_CUT_OFF };

	port->conversing = false;
	port->world->conversation_ended(port->world->context, port, &end);
}

static void drop_engine(struct port *port)
{
	if (!port->armed)
		return;
	leave_group(port);
	timer_clear(&port->timer);
	if (port->conversing)
		cut_off(port);
	eap_peer_done(&port->peer);
	port_method_free(port);
	armed_free(TAKE(port->successor));
	port->waiting = port->again = port->hurry = false;
	armed_free(TAKE(port->armed));
	port->attempt_began = NEVER;
}

/* The same profile goes on with another credential.  An open port may have been opened by what gave
 * it, for a while and into a network for guests: it is not left at that because nobody answers. */
static void port_succeed(struct port *port, struct armed *armed)
{
	bool again = port->again;

	port->again = false;
	if (!armed_same(port->armed, armed)) {
		armed_free(TAKE(port->successor));
		port->successor = armed_ref(armed);
	}
	bool on = port->wanted && !port->taken;

	if (on && port->waiting) {
		port_connect(port);
	} else if (on && again) {
		port_ask(port, true);
		port_step(port);
	} else {
		announce(port);
	}
}

void port_use(struct port *port, const char *profile, struct armed *armed,
	      const struct diagnosis *problem, bool by_enrolment)
{
	bool same = port->armed && armed && strcmp(port->profile, profile) == 0;

	if (same && by_enrolment && armed_same_settings(port->armed, armed)) {
		port_succeed(port, armed);
		return;
	}
	if (same && armed_same(port->armed, armed))
		return;
	if (!port->armed && !armed && strcmp(port->profile, profile) == 0 &&
	    port->diagnosis.id == problem->id)
		return;

	drop_engine(port);
	snprintf(port->profile, sizeof port->profile, "%s", profile);
	diagnosis_set(&port->diagnosis, DIAG_NONE);
	if (armed) {
		port->armed = armed_ref(armed);
		if (build_engine(port) < 0) {
			armed_free(TAKE(port->armed));
			diagnosis_say(&port->diagnosis, DIAG_INTERNAL, "out of memory");
		}
	} else {
		port->diagnosis = *problem;
	}
	if (!port->armed) {
		port_attempt_ends(port, loop_now(), false);
		announce(port);
		return;
	}
	if (!port->decided)
		port->wanted = port->armed->profile->autoconnect;
	if (port->wanted)
		port_connect(port);
	else
		port_disconnect(port);
}

int port_new(const struct port_world *world, const struct link_info *link, struct port **ret_port)
{
	struct port *port = calloc(1, sizeof *port);

	if (!port)
		return -ENOMEM;
	list_init(&port->node);
	port->world = world;
	port->link = *link;
	port->timer.expired = on_timer;
	port->timer.due = NEVER;
	port->attempt_began = NEVER;
	port->reported = "";
	*ret_port = port;
	return 0;
}

void port_free(struct port *port)
{
	if (!port)
		return;
	list_remove(&port->node);
	drop_engine(port);
	free(port);
}
