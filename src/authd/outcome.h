/* A finished authentication: what a worker tells the main thread when a conversation has ended.
 *
 * The main thread logs it, counts it and gives it to the recorder.  It is a value that owns nothing
 * but a few octets (Class), so that it may wait in any queue.  All text in it is printable and cut
 * to its size (base/diagnosis.h); decisions have been made before, on the certificate itself. */
#ifndef AUTHD_OUTCOME_H
#define AUTHD_OUTCOME_H

#include "authd/aaa.h"
#include "base/list.h"

#define OUTCOME_SESSION_SIZE 32 /* hexadecimal digits of our own name for a session */

/* Whoever asked whether the machine may come in. */
enum outcome_asker { OUTCOME_PORT, OUTCOME_RADIUS, OUTCOME_RADSEC };

/* The certificate that the machine has shown; all empty when it has shown none.  When a session was
 * resumed it is that of the full handshake. */
struct outcome_claim {
	char subject[DIAGNOSIS_VALUE_MAX]; /* RFC 2253 style */
	char issuer[DIAGNOSIS_VALUE_MAX];
	char names[DIAGNOSIS_VALUE_MAX]; /* subjectAltNames, "DNS:a, email:b" */
	char serial[64];		 /* hex */
	char fingerprint[65];		 /* SHA-256 of the DER, hex */
	int64_t not_after;		 /* 0: unknown */
};

/* How a machine with such a certificate is called, in the registry and wherever a session is looked
 * for by its machine: by the subject; a certificate without one has other names, or nothing but
 * itself.  Empty when no certificate was shown. */
void outcome_machine(const char *subject, const char *names, const char *fingerprint, char *buffer,
		     size_t size);

struct outcome {
	struct list node; /* of the queue, then of whoever keeps it */
	enum outcome_asker asker;
	unsigned worker;
	/* Random, and for an accepted machine also in the Class attribute of the Access-Accept as
	 * "latchkey:" and these digits, so that accounting can be joined to it. */
	char session[OUTCOME_SESSION_SIZE + 1];
	struct aaa_where where;
	bool accepted;
	char method[24]; /* "EAP-TLS"; empty when none had begun */
	struct eap_report report;
	struct outcome_claim claim;
	/* Whose password it was that was proved, or was to be, inside of a tunnel; printable,
	 * empty: nobody's.  The inner method is in the report. */
	char account[AAA_TEXT_MAX + 1];
	struct aaa_grant grant; /* of an acceptance; grant.rule also of a rejection by a rule */
	/* Of a rejection, or of a conversation that was given up.  Of an acceptance: why the
	 * enrolment that the machine came for has failed; DIAG_NONE: it has not. */
	struct diagnosis why;
	struct moment began, ended; /* the first request and the answer that ended it */
	uint32_t rounds;	    /* requests of the asker that were answered */
};

void outcome_free(struct outcome *outcome); /* frees the struct too; NULL is fine */

/* An accounting record as it came, RFC 2866: of a NAS that is our RADIUS client.  (Ports of ours
 * tell the recorder themselves.) */
enum nas_accounting_status {
	NAS_ACCOUNTING_START = 1, /* the values of Acct-Status-Type: RFC 2866, section 5.1 */
	NAS_ACCOUNTING_STOP = 2,
	NAS_ACCOUNTING_INTERIM = 3,
	NAS_ACCOUNTING_ON = 7,
	NAS_ACCOUNTING_OFF = 8,
};

struct nas_accounting {
	struct list node;
	enum nas_accounting_status status;
	struct aaa_where where;			/* session_id is Acct-Session-Id */
	char session[OUTCOME_SESSION_SIZE + 1]; /* ours, of the Class; empty if it had none */
	char multi_session_id[AAA_TEXT_MAX + 1];
	int64_t when;			      /* now less Acct-Delay-Time; seconds since 1970 */
	uint32_t session_time;		      /* seconds */
	uint64_t input_octets, output_octets; /* with their gigawords: RFC 2869, 5.1 */
	uint64_t input_packets, output_packets;
	uint32_t terminate_cause; /* RFC 2866, 5.10; 0: none */
};

#endif
