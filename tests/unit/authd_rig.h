/* A latchkey-authd without sockets: its configuration in a directory, its workers, and machines
 * that talk to them as a port does or as a RADIUS client does. */
#ifndef TESTS_UNIT_AUTHD_RIG_H
#define TESTS_UNIT_AUTHD_RIG_H

#include "authd/pool.h"
#include "eap/peer.h"
#include "method/tls_peer.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

#define RIG_SECRET "correct-horse"

struct rig {
	struct scratch dir;
	struct pki_cert ca, server, client;
	struct config *config;
	struct loop loop;
	struct pool *pool;
	struct aaa_asker asker;
	struct transport transport;

	/* what has come from the workers */
	struct aaa_answer answer;
	unsigned answers;
	struct bytes reply;
	unsigned replies, packets;
	enum packet_end end;
	enum radius_fault fault;
	struct outcome *outcome;
	unsigned outcomes;
	struct moment now;  /* when packets come in; zeros: now */
	unsigned waits_for; /* of answers, packets and outcomes together */

	/* What enrolments ask comes to here; NULL: no enrolment is under way. */
	void (*enrolment)(void *context, struct message_enrolment_asks *asks);
	void *enrolment_context;

	/* What happens before the nth answer of a machine, from 0 on, is given to a worker. */
	void (*meanwhile)(struct rig *rig, unsigned n);
	unsigned known; /* how often all workers knew what was revoked */

	const char *password; /* of every account; NULL: there are none */
	int64_t changed;      /* when */
	bool disabled;	      /* all of them */
	const char *gone;     /* this one is not there any more; NULL: all are */
	char told[2][254];    /* the names of the last that were asked for, the newest first */
	/* It is removed when it was looked up and before that is told; NULL: it is not. */
	const char *removed_meanwhile;
	unsigned accounts_told; /* how often one was asked for */
};

/* An authority, and a server's and a machine's certificate from it, valid now. */
void rig_init(struct rig *rig);
void rig_done(struct rig *rig);
/* A file below the configuration's directory, closed to others; "@" stands for the directory. */
void rig_put(struct rig *rig, const char *name, const char *text);
/* The usual latchkey-authd.conf with this behind it, and the client "lab" for 192.0.2.0/24. */
void rig_configure(struct rig *rig, const char *more);
/* Reads the configuration and starts the workers. */
void rig_start(struct rig *rig);
/* Runs the loop until one more of answer, packet or outcome has come. */
void rig_wait(struct rig *rig);

/* A machine: the EAP peer with EAP-TLS. */
struct machine_rig {
	struct tls_config *tls;
	struct tls_peer *method;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct eap_peer peer;
};
void machine_init(struct machine_rig *machine, const struct rig *rig, enum tls_version most);
void machine_done(struct machine_rig *machine);
/* Gives it a packet; what it answers is good until the next, empty when there is none. */
struct slice machine_feed(struct machine_rig *machine, struct slice packet);

/* A whole conversation as a port's, from the Response/Identity on; the verdict is in rig->answer,
 * and the outcome has come. number has to be new. */
void rig_authenticate(struct rig *rig, struct machine_rig *machine, uint64_t number,
		      const char *station);
/* A Response/Identity. */
struct slice identity_response(const char *identity, uint8_t id, uint8_t buffer[300]);

/* A packet of the client, 192.0.2.1. */
void rig_send(struct rig *rig, struct slice packet, bool accounting);

#endif
