/* What the files of enrolment share: enrolment.c, which is asked and tells, enrolment_registry.c,
 * which decides in the recorder's thread, and enrolment_verifier.c, which asks about tokens of
 * others. */
#ifndef AUTHD_ENROLMENT_PARTS_H
#define AUTHD_ENROLMENT_PARTS_H

#include <jansson.h>

#include "authd/cmp_client.h"
#include "authd/enrolment.h"
#include "authd/http.h"
#include "authd/message.h"
#include "authd/recorder.h"
#include "authd/registry_enrol.h"
#include "authd/tally.h"
#include "enrol/protocol.h"

#define ENROLMENT_PENDING_MAX 1024

struct enrolment {
	struct enrolment_settings settings;
	struct config *config; /* NULL: before the first */
	struct enrolment_ca *ca;
	struct list pending;
	struct list revocations; /* at the CA */
	size_t count;
	struct enrolment_counts counts;
	struct token_bucket refusals; /* lines about them, in log and audit trail */
};

/* Of a CA behind us, until what it has issued is recorded. */
struct from_ca {
	struct bytes chain, anchors, message;
};

/* One question under way. */
struct pending {
	struct list node; /* of enrolment.pending */
	struct enrolment *enrolment;
	struct config *config;
	struct message_enrolment_asks asks; /* where it came from, and what it is */
	struct enrolment_told told;

	struct question question; /* to the registry */
	struct http_call *http;
	struct cmp_client_call *ca;
	struct enrolment_ca *asked; /* a reference; NULL: none was */
	struct from_ca from_ca;
	struct enrolment_told verdict; /* while CA or registry are told of it */
	bool declined;		       /* the CA hears that what it has issued is not kept */
	/* What comes after the registry was asked, on the main loop: when it accepts, and when not;
	 * NULL: it is told. */
	void (*then)(struct pending *pending);
	void (*otherwise)(struct pending *pending);
};

/* A transaction may be tried again: what the last try has said is forgotten. */
struct pending *enrolment_begin(struct question *question);
/* In the recorder's thread, each an ask of struct question: they fill pending->told. */
int enrolment_ask_authorise(struct question *question, struct registry *registry);
int enrolment_ask_issue(struct question *question, struct registry *registry);
int enrolment_ask_keep(struct question *question, struct registry *registry);
int enrolment_ask_revoke(struct question *question, struct registry *registry);
int enrolment_ask_confirm(struct question *question, struct registry *registry);
/* What was issued is not to be had after all: it is revoked, and its token as good as before. */
int enrolment_ask_withdraw(struct question *question, struct registry *registry);

/* What the peer is told in a word, and our people in a sentence.  Always 0, which commits. */
int enrolment_refuse(struct pending *pending, enum enrol_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ENROL_BY_JWT and ENROL_BY_OAUTH. enrolment_finish is called later or at once. */
void enrolment_verify(struct pending *pending);
/* Tells, and frees it. */
void enrolment_finish(struct pending *pending);
void enrolment_ask_registry(struct pending *pending,
			    int (*ask)(struct question *question, struct registry *registry));
/* The CA behind us is asked (enrolment_ca.c). */
void enrolment_ask_ca(struct pending *pending);

/* Nobody asks the CA any more (enrolment_revoke.c). */
void enrolment_drop_revocations(struct enrolment *enrolment);

/* The grant that configuration and certificate profile make of this profile's name; false: there is
 * no such profile, and it is refused. */
bool enrolment_grant(struct pending *pending, const char *profile);

#endif
