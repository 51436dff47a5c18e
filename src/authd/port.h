/* A guarded port: one interface, its gate (port_gate.h), and the sessions of the machines behind
 * it.
 *
 * In modes single and any there is one session: the first machine that speaks has it until it is
 * gone, others are counted and not heard.  In mode multi each machine has its own.  The group is
 * asked who is there only while nobody is known: a Request to all would disturb those that are in.
 *
 * What a machine can send is bounded for each second, and so is the number of sessions; what is
 * above it is dropped and counted, and sessions that are open go on. */
#ifndef AUTHD_PORT_H
#define AUTHD_PORT_H

#include "authd/port_config.h"
#include "authd/port_session.h"
#include "drivers/link.h"

struct ports;

/* So many in each second. */
struct rate {
	msec second;
	unsigned used;
};

struct port_counters {
	uint64_t frames_rx, malformed_rx;
	uint64_t shed_frames, shed_starts, shed_machines;
	uint64_t strangers; /* frames of a machine that has no session and gets none */
	uint64_t authorised, refused, timeouts;
};

struct port {
	struct list node; /* the ports' */
	struct ports *ports;
	const struct port_config *config;
	struct authenticator_pae_config pae;
	struct eap_policy policy;
	struct eap_policy_choice choice;
	struct link_info link;
	bool guarded, joined;
	bool lowered; /* by us; it goes up again */
	struct timer retry;
	bool admits; /* everybody, in the VLAN of those who did not authenticate */
	uint16_t vlan;

	struct list sessions;
	unsigned session_count;
	struct rate frames, starts;
	struct port_counters counters;

	/* The last failure behind this port, also of a machine that is gone. */
	uint8_t failed_mac[MAC_SIZE];
	char failed_identity[AAA_TEXT_MAX + 1];
	struct diagnosis failure;
	struct diagnosis gate_failure; /* it is not guarded; DIAG_NONE */
};

/* Closes the interface first, by the gate or by setting it down.  0 or -ENOMEM: then it is open,
 * which has been logged. */
int port_new(struct ports *ports, const struct port_config *config, const struct link_info *link,
	     struct port **ret_port);
/* Ends all sessions for this cause.  release: the interface is open to all from then on; otherwise
 * the gate leaves it as it is. */
void port_free(struct port *port, enum terminate_cause cause, bool release);

/* The settings, which are the same as before, of another configuration. */
void port_use(struct port *port, const struct port_config *config);

void port_set_link(struct port *port, const struct link_info *link);
void port_receive(struct port *port, const struct packet_frame *frame);
/* After an event of a session that has become idle: it may be gone after this. */
void port_session_idle(struct port_session *session);
/* Ends all sessions for this cause. */
void port_end_all(struct port *port, enum terminate_cause cause);
void port_note_failure(struct port *port, const struct port_session *session);

#endif
