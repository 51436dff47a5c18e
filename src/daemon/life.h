/* The life of a credential: is the next conversation of a port with it an ordinary one, one that
 * gets the credential, or one that renews it?
 *
 * Pure, and of no port: several may share a credential, and then one at a time enrols or renews.
 * The keystore knows what of this has to outlive the service: whether there is a credential, and
 * whether its current generation is on trial, which is to say that it has not opened a port yet and
 * the one before it is gone back to if it does not. */
#ifndef DAEMON_LIFE_H
#define DAEMON_LIFE_H

#include "daemon/renewal.h"

enum course {
	COURSE_NOTHING,	 /* there is nothing to run a conversation with, or not yet */
	COURSE_ORDINARY, /* as the profile says */
	COURSE_ENROL,	 /* a tunnel with CPROM, authorised by a token or a factory credential */
	COURSE_RENEW,	 /* the same, authorised by the credential itself */
};

/* So many time-outs in a row are taken for the refusal of a generation that is on trial: its
 * certificate may be too large for the way to the server. */
#define LIFE_TRIAL_TIMEOUTS 2

struct life {
	/* facts, kept up to date by the service */
	bool usable;   /* the credential is there, and can be used */
	bool on_trial; /* its current generation */
	bool enrols;   /* a profile with [Enroll] has it */
	bool means;    /* and there is a token or a factory credential */

	struct renewal renewal;
	bool deaf;	  /* to wishes: a server that has them does not enrol at all */
	bool enrol_asked; /* by a person, although there is a credential */
	unsigned enrol_failures;
	msec enrol_at; /* not before */
	unsigned trial_timeouts;
	unsigned holder; /* the port (its index) whose conversation enrols or renews; 0: none */
};

/* What the next conversation of this port is.  *ret_until: when to ask again; NEVER: when something
 * happens. */
enum course life_course(const struct life *life, unsigned port, struct moment now, msec *ret_until);

/* Somebody wants it now: the waits are over. */
void life_ask_enrolment(struct life *life);
/* There is another token, or another profile: what was refused may be accepted. */
void life_forget_refusals(struct life *life);

/* The server would like a renewal.  True: that is what the next conversation is for. */
bool life_wish(struct life *life, struct moment now);

/* A conversation begins. */
void life_begins(struct life *life, enum course course, unsigned port);

enum life_outcome {
	LIFE_INSTALLED, /* there is a new generation, and it is current */
	LIFE_UNCHANGED, /* it went well, and there was nothing to be done */
	LIFE_FAILED,	/* for a reason that may pass */
	LIFE_REFUSED,	/* somebody has said no */
	LIFE_CUT_OFF,	/* cable, service or user ended it */
};
/* An enrolment or renewal of this port has ended. */
void life_ends(struct life *life, enum course course, unsigned port, enum life_outcome outcome,
	       struct moment now, uint32_t random);

/* An ordinary conversation has ended. */
enum life_ending {
	LIFE_OPENED,  /* the port is open */
	LIFE_CLOSED,  /* the conversation failed */
	LIFE_TIMEOUT, /* nobody went on with it */
};
enum life_verdict {
	LIFE_NO_TRIAL, /* or it goes on */
	LIFE_SETTLE,   /* keystore_settle */
	LIFE_FALL_BACK /* keystore_fall_back; the renewal has failed */
};
enum life_verdict life_judge(struct life *life, enum life_ending ending, struct moment now,
			     uint32_t random);

#endif
