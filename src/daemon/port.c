#include "daemon/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/log.h"

/* ---- signal -------------------------------------------------------------------------------- */

static void announce(struct port *port)
{
	port->world->changed(port->world->context, port);
}

static void attempt_begins(struct port *port, struct moment now)
{
	if (port->attempt_began != NEVER)
		return;
	port->attempt_began = now.mono;
	log_event(LOG_INFO, "port.attempt", "port=%s profile=%s", port->link.name, port->profile);
}

static void log_success(const struct port *port)
{
	struct eap_report report = { 0 };

	eap_peer_report(&port->peer, &report);
	log_event(LOG_NOTICE, "port.authorised",
		  "port=%s profile=%s duration_ms=%llu tls=%s resumed=%s diagnosis=%s",
		  port->link.name, port->profile, (unsigned long long)port->duration,
		  report.tls_version, report.resumed ? "yes" : "no",
		  diagnosis_text(port->diagnosis.id)->name);
}

static void log_evidence(const struct port *port, int level)
{
	const struct diagnosis *d = &port->diagnosis;
	char text[DIAGNOSIS_TEXT_MAX + DIAGNOSIS_EVIDENCE_MAX * 32] = "";
	char value[DIAGNOSIS_VALUE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->evidence_count && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, " %s=\"%s\"", d->key[i],
				      log_quoted(diagnosis_value(d, i), value, sizeof value));
	log_event(level, "port.evidence", "port=%s id=%s%s", port->link.name,
		  diagnosis_text(d->id)->name, text);
}

static void log_diagnosis(const struct port *port, bool success)
{
	const struct diagnosis *d = &port->diagnosis;
	int level = success ? LOG_WARNING : d->id == DIAG_DISCONNECTED ? LOG_NOTICE : LOG_ERR;
	char sentence[512], next[512], cause[512], advice[512];

	diagnosis_sentence(d, sentence, sizeof sentence);
	diagnosis_next(d, next, sizeof next);
	log_event(level, "port.diagnosis", "port=%s id=%s cause=\"%s\" next=\"%s\"",
		  port->link.name, diagnosis_text(d->id)->name,
		  log_quoted(sentence, cause, sizeof cause),
		  log_quoted(next, advice, sizeof advice));
	log_evidence(port, level);
}

static void attempt_ends(struct port *port, struct moment now, bool success)
{
	port->diagnosis.when = now.wall;
	diagnosis_add(&port->diagnosis, "interface", "%s", port->link.name);
	if (success) {
		port->last_success = now.wall;
		port->duration = port->attempt_began == NEVER ? 0 : now.mono - port->attempt_began;
		log_success(port);
	}
	if (port->diagnosis.id != DIAG_NONE)
		log_diagnosis(port, success);
	port->attempt_began = NEVER;
	port->world->ended(port->world->context, port, success);
}

static void attempt_fails(struct port *port, struct moment now, enum diagnosis_id id)
{
	diagnosis_set(&port->diagnosis, id);
	attempt_ends(port, now, false);
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

/* ---- how it went --------------------------------------------------------------------------- */

static void diagnose_success(struct port *port)
{
	struct eap_report report;

	diagnosis_set(&port->diagnosis, DIAG_NONE);
	if (eap_peer_report(&port->peer, &report) && report.reduced.id != DIAG_NONE)
		port->diagnosis = report.reduced;
	else if (port->armed->warning.id != DIAG_NONE)
		port->diagnosis = port->armed->warning;
}

/* Compares what the PAE has counted with what it had before the step. */
static void port_note_outcome(struct port *port, const struct supplicant_counters *before,
			      struct moment now)
{
	const struct supplicant *pae = &port->pae;
	bool unanswered = supplicant_unanswered(pae) ||
			  pae->counters.reauth_unanswered != before->reauth_unanswered;

	if (pae->pae_state == PAE_AUTHENTICATING ||
	    (pae->counters.start_tx != before->start_tx && !unanswered))
		attempt_begins(port, now);

	if (pae->counters.successes != before->successes) {
		diagnose_success(port);
		attempt_ends(port, now, true);
	} else if (pae->counters.failures != before->failures ||
		   pae->counters.timeouts != before->timeouts) {
		eap_peer_diagnose(&port->peer, &port->diagnosis);
		attempt_ends(port, now, false);
	} else if (unanswered && !port->unanswered) {
		diagnosis_set(&port->diagnosis, DIAG_NO_AUTHENTICATOR);
		diagnosis_add(&port->diagnosis, "starts", "%u",
			      pae->config->start_max < SUPPLICANT_MAX_START ? pae->config->start_max
									    : SUPPLICANT_MAX_START);
		attempt_ends(port, now, false);
	}
	port->unanswered = unanswered;
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

	if (timer_set(port->world->loop, &port->timer, due) < 0)
		log_event(LOG_ERR, "port.timer", "port=%s error=\"no memory\"", port->link.name);
}

/* EAP peer and PAE run in turn until neither has anything to do.  True when a conversation has
 * failed that is best begun anew at once. */
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
	port_note_outcome(port, &before, now);
	if (port->pae.counters.failures == before.failures || !eap_peer_repeats(&port->peer))
		return false;
	supplicant_reauthenticate(&port->pae);
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

void port_receive(struct port *port, const struct packet_frame *frame)
{
	struct eapol_frame pdu;

	if (!port->armed || port->taken)
		return;
	if (supplicant_receive(&port->pae, frame->pdu, &pdu) != OK) {
		log_event(LOG_DEBUG, "eapol.malformed", "port=%s octets=%zu", port->link.name,
			  frame->pdu.len);
		return;
	}
	port->tag = frame->tag;
	port_step(port);
}

static void on_timer(struct timer *timer)
{
	port_step(list_item(timer, struct port, timer));
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
		attempt_fails(port, loop_now(), DIAG_CARRIER_LOST);
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
	port->wanted = true;
	if (!port->armed || !port->link.carrier)
		return;
	port->taken = packet_rival(port->link.index);
	if (port->taken) {
		supplicant_set_link(&port->pae, false);
		port_step(port);
		diagnosis_set(&port->diagnosis, DIAG_PORT_TAKEN);
		diagnosis_add(&port->diagnosis, "owner", "it has a packet socket for EAPOL");
		attempt_ends(port, loop_now(), false);
		announce(port);
		return;
	}
	supplicant_logoff(&port->pae, false);
	/* On a port that is up already, this is somebody who does not want to wait any longer. */
	if (port->pae.portEnabled && !port->pae.suppPortStatus)
		supplicant_reauthenticate(&port->pae);
	port_enable(port);
}

void port_disconnect(struct port *port)
{
	port->wanted = port->taken = false;
	if (!port->armed)
		return;
	supplicant_logoff(&port->pae, true);
	port_step(port);
	attempt_fails(port, loop_now(), DIAG_DISCONNECTED);
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
	attempt_fails(port, loop_now(), why);
}

/* ---- profile ------------------------------------------------------------------------------- */

/* The machines begin anew with the profile's settings. */
static int build_engine(struct port *port)
{
	const struct profile *profile = port->armed->profile;
	const struct tls_peer_options options = { .fragment_size = profile->fragment_size };

	if (tls_peer_new(port->armed->tls, &options, &port->tls) != OK)
		return -ENOMEM;
	port->eap = (struct eap_peer_config){
		.identity = slice_str(port->armed->identity),
		.client_timeout = profile->client_timeout,
		.max_rounds = profile->max_rounds,
		.offers = { { &tls_peer_method, port->tls } },
		.offer_count = 1,
	};
	port->lower = (struct eap_lower){ .mtu = eapol_eap_mtu(port->link.mtu) };
	eap_peer_init(&port->peer, &port->eap, &port->lower);
	supplicant_init(&port->pae, &profile->pae, &port->lower);
	return 0;
}

static void drop_engine(struct port *port)
{
	if (!port->armed)
		return;
	leave_group(port);
	timer_clear(&port->timer);
	eap_peer_done(&port->peer);
	tls_peer_method.free(port->tls);
	port->tls = NULL;
	armed_free(TAKE(port->armed));
	port->attempt_began = NEVER;
}

void port_use(struct port *port, const char *profile, struct armed *armed,
	      const struct diagnosis *problem)
{
	if (port->armed && armed && strcmp(port->profile, profile) == 0 &&
	    armed_same(port->armed, armed))
		return;
	if (!port->armed && !armed && strcmp(port->profile, profile) == 0 &&
	    port->diagnosis.id == problem->id)
		return;

	bool first = !port->profile[0];

	drop_engine(port);
	snprintf(port->profile, sizeof port->profile, "%s", profile);
	diagnosis_set(&port->diagnosis, DIAG_NONE);
	if (armed) {
		port->armed = armed_ref(armed);
		if (build_engine(port) < 0) {
			armed_free(TAKE(port->armed));
			diagnosis_set(&port->diagnosis, DIAG_INTERNAL);
			diagnosis_add(&port->diagnosis, "detail", "out of memory");
		}
	} else {
		port->diagnosis = *problem;
	}
	if (!port->armed) {
		attempt_ends(port, loop_now(), false);
		announce(port);
		return;
	}
	if (first)
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
