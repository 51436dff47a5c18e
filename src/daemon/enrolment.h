/* An enrolment or renewal on one port: a tunnel with CPROM inside, or TEAP by itself, for one
 * conversation after another, and what comes of each. */
#ifndef DAEMON_ENROLMENT_H
#define DAEMON_ENROLMENT_H

#include "config/arm_enrol.h"
#include "daemon/life.h"
#include "eap/peer.h"
#include "enrol/store.h"
#include "method/cprom_peer.h"

struct enrolment;

/* What is to be done; the enrolment takes references, and the credential over. */
struct enrolment_job {
	struct armed *armed;	   /* the profile, and of a renewal its TLS */
	struct armed_enrol *means; /* of an enrolment; NULL: of a renewal */
	struct credential *old;	   /* that is renewed, or replaced; NULL: none */
	bool offered; /* of a renewal: the server may do it, and need not: it is its own wish */
	struct enrol_store_ref store; /* borrowed */
	/* In place of what the profile asks for; copied; "": as it says. */
	const char *common_name, *kind;
	/* Of a renewal: the user names of the secrets among profile_enrolled(), which are told to
	 * the server and stay as they are; "": it is lacking, and may be had. */
	char held[PROFILE_CREDENTIALS_MAX][KEYSTORE_USERNAME_MAX + 1];
};

/* 0 or -errno; *job is empty then, and after success. */
int enrolment_new(struct enrolment_job *job, struct enrolment **ret_enrolment,
		  struct diagnosis *why);
void enrolment_free(struct enrolment *enrolment);

/* What the EAP peer is given, good until enrolment_free. */
struct eap_peer_offer enrolment_offer(const struct enrolment *enrolment);
const char *enrolment_identity(const struct enrolment *enrolment);

/* A step, for people and programs to follow. */
struct enrolment_event {
	const char *step; /* "key-generated"; static */
	char credential[KEYSTORE_NAME_MAX + 1];
	const char *action;   /* "register", "renew", "remove"; static */
	const char *protocol; /* "SPP"; static; "" before one is agreed */
	char detail[DIAGNOSIS_VALUE_MAX];
	struct diagnosis why; /* of a failure; DIAG_NONE otherwise */
};
/* The next one that was not fetched yet; false when there is none. */
bool enrolment_event(struct enrolment *enrolment, struct enrolment_event *ret_event);

/* There are new generations of all that was wanted, but for a symmetric key, and they are current:
 * whatever the server says from now on. */
bool enrolment_installed(const struct enrolment *enrolment);

/* After a conversation, when all events were fetched: what came of it.  why is filled for
 * LIFE_FAILED and LIFE_REFUSED: said are what CPROM found, or else what the conversation ended
 * with. */
enum life_outcome enrolment_outcome(struct enrolment *enrolment,
				    const struct diagnosis *conversation, struct diagnosis *why);

#endif
