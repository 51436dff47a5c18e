/* What goes between the main thread and the workers: values, each of which begins with its kind.
 * Whoever takes one out of a queue owns it. */
#ifndef AUTHD_MESSAGE_H
#define AUTHD_MESSAGE_H

#include "authd/aaa.h"
#include "authd/accounts.h"
#include "authd/enrolment.h"
#include "authd/ticket_keys.h"
#include "base/list.h"

enum message_kind {
	/* to a worker */
	MESSAGE_PACKET,		/* struct packet; comes back with its answer */
	MESSAGE_REQUEST,	/* struct message_request */
	MESSAGE_CONFIGURE,	/* struct message_configure */
	MESSAGE_JUDGED,		/* struct message_judged */
	MESSAGE_STAPLE,		/* struct message_octets */
	MESSAGE_REVOKED,	/* struct message_revoked; comes back when it counts */
	MESSAGE_ACCOUNT_GONE,	/* struct message_account_gone; likewise */
	MESSAGE_WISHED,		/* struct message_wished */
	MESSAGE_TICKETS,	/* struct message_tickets */
	MESSAGE_ENROLMENT_TOLD, /* struct message_enrolment_told */
	MESSAGE_ACCOUNT_TOLD,	/* struct message_account_told */
	MESSAGE_STOP,		/* struct message */
	/* from a worker */
	MESSAGE_ANSWER,		/* struct message_answer */
	MESSAGE_OUTCOME,	/* struct message_outcome */
	MESSAGE_ASKS,		/* struct message_asks */
	MESSAGE_ENROLMENT_ASKS, /* struct message_enrolment_asks */
	MESSAGE_ACCOUNT_ASKS,	/* struct message_account_asks */
};

struct message {
	struct list node;
	enum message_kind kind;
};

struct arming;
struct outcome;
struct revoked;
struct wished;

struct message_request {
	struct message message;
	struct aaa_request request;
};

struct message_answer {
	struct message message;
	struct aaa_answer answer;
};

struct message_configure {
	struct message message;
	struct arming *arming;
};

struct message_outcome {
	struct message message;
	struct outcome *outcome;
};

/* Was this certificate revoked?  The conversation waits. */
struct message_asks {
	struct message message;
	unsigned worker;
	struct aaa_asker *asker;
	uint64_t conversation; /* of the worker */
	uint8_t fingerprint[32];
	bool resumed; /* then there are no certificates: what is known counts */
	struct bytes certificate, issuer;
	char url[1024];
};

struct message_judged {
	struct message message;
	struct aaa_asker *asker;
	uint64_t conversation;
	bool accept;
	struct diagnosis why;
};

/* What an enrolment asks; the conversation waits. */
struct message_enrolment_asks {
	struct message message;
	unsigned worker;
	struct aaa_asker *asker;
	uint64_t conversation; /* of the worker */
	struct enrolment_ask ask;
};

struct message_enrolment_told {
	struct message message;
	struct aaa_asker *asker;
	uint64_t conversation;
	struct enrolment_told told;
};

/* Whose password is this to be checked with?  Or, of a session that is resumed, is it there still?
 * The conversation waits. */
struct message_account_asks {
	struct message message;
	unsigned worker;
	struct aaa_asker *asker;
	uint64_t conversation;		 /* of the worker */
	char name[ACCOUNT_NAME_MAX + 1]; /* empty: one that no account can have */
	bool resumed;			 /* no password is tried */
	char station[AAA_TEXT_MAX + 1];	 /* from where */
};

struct message_account_told {
	struct message message;
	struct aaa_asker *asker;
	uint64_t conversation;
	struct account account;
};

struct message_octets {
	struct message message;
	struct bytes octets;
};

/* The set replaces the one before. */
struct message_revoked {
	struct message message;
	struct revoked *revoked; /* a reference */
};

/* Was removed: who has proved to be it is not let in by that. */
struct message_account_gone {
	struct message message;
	char name[ACCOUNT_NAME_MAX + 1];
};

/* As message_revoked. */
struct message_wished {
	struct message message;
	struct wished *wished; /* a reference */
};

struct message_tickets {
	struct message message;
	struct ticket_keys keys;
};

/* NULL when there is no memory. size is of the struct that begins with the message. */
void *message_new(enum message_kind kind, size_t size);
/* Frees it with all that it owns, of whatever kind. */
void message_free(struct message *message);

#define message_of(node) list_item(node, struct message, node)

#endif
