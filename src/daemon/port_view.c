/* What a port looks like from outside. */
#include <stdio.h>
#include <string.h>

#include "daemon/port.h"

const char *port_state(const struct port *port)
{
	if (port->taken)
		return "port-taken";
	if (!port->armed)
		return "failed";
	if (!port->wanted)
		return "disconnected";
	if (!port->link.carrier)
		return "down";
	if (port->waiting)
		return "waiting";
	if (port->pae.suppPortStatus)
		return "authorised";
	if (port->conversing && port->course == COURSE_ENROL)
		return "enrolling";

	switch ((enum pae_state)port->pae.pae_state) {
	case PAE_HELD:
		return "held";
	case PAE_LOGOFF:
	case PAE_DISCONNECTED:
	case PAE_CONNECTING:
		return port->unanswered ? "unanswered" : "connecting";
	case PAE_RESTART:
	case PAE_AUTHENTICATING:
	case PAE_AUTHENTICATED:
		break;
	}
	return "authenticating";
}

static void count(struct port_view *view, const char *name, uint32_t value)
{
	if (view->counter_count < sizeof view->counters / sizeof view->counters[0])
		view->counters[view->counter_count++] = (struct port_count){ name, value };
}

static void count_all(const struct port *port, struct port_view *view)
{
	const struct supplicant_counters *pae = &port->pae.counters;
	const struct eap_counters *eap = &port->peer.counters;

	count(view, "FramesReceived", pae->frames_rx);
	count(view, "FramesSent", pae->frames_tx);
	count(view, "StartsSent", pae->start_tx);
	count(view, "LogoffsSent", pae->logoff_tx);
	count(view, "EAPReceived", pae->eap_rx);
	count(view, "EAPSent", pae->eap_tx);
	count(view, "KeysReceived", pae->key_rx);
	count(view, "AnnouncementsReceived", pae->announcement_rx);
	count(view, "OthersReceived", pae->other_rx);
	count(view, "Malformed", pae->malformed_rx);
	count(view, "ResultsIgnored", pae->ignored_results);
	count(view, "EAPRequests", eap->requests);
	count(view, "EAPRetransmissions", eap->retransmissions);
	count(view, "EAPDiscarded", eap->discarded);
	count(view, "EAPMalformed", eap->malformed);
	count(view, "EAPNaks", eap->naks);
	count(view, "EAPNotifications", eap->notifications);
	count(view, "EAPInitiateFinish", eap->initiate_finish);
}

void port_view_of(const struct port *port, struct port_view *ret_view)
{
	const uint8_t *mac = port->link.mac;
	struct port_view *view = ret_view;

	*view = (struct port_view){
		.index = port->link.index,
		.carrier = port->link.carrier,
		.state = port_state(port),
		.pae_state = "",
		.eap_state = "",
		.last_success = port->last_success,
		.duration_ms = port->duration,
		.diagnosis = port->diagnosis,
	};
	snprintf(view->interface, sizeof view->interface, "%s", port->link.name);
	snprintf(view->mac, sizeof view->mac, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	snprintf(view->profile, sizeof view->profile, "%s", port->profile);
	if (!port->armed)
		return;
	view->authorised = port->pae.suppPortStatus;
	view->pae_state = supplicant_state_name(&port->pae);
	view->eap_state = eap_peer_state_name(&port->peer);
	snprintf(view->method, sizeof view->method, "%s",
		 port->peer.selectedMethod ? port->peer.selectedMethod->method->name
					   : port->reported);
	snprintf(view->identity, sizeof view->identity, "%s", port->armed->identity);
	if (!eap_peer_report(&port->peer, &view->report))
		view->report = port->report;
	if (port->armed->ready)
		snprintf(view->credential, sizeof view->credential, "%s", port->armed->credential);
	view->generation = port->armed->generation;
	view->credential_expiry = port->armed->certificate.not_after;
	count_all(port, view);
}
