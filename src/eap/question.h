/* What a method of the server asks whoever drives its machine (METHOD_ASKS), and what it is told.
 *
 * A method is pure and never waits: it cannot look into a database, ask a responder, or decide
 * policy.  It says what it needs as a value, and goes on when it has the answer.  A tunnel hands on
 * what its inner method asks.  The machine in between only carries both. */
#ifndef EAP_QUESTION_H
#define EAP_QUESTION_H

#include "base/bytes.h"
#include "base/diagnosis.h"

struct tls_claim;
struct enrol_question; /* enrol/question.h, with struct enrol_reply */

enum eap_question_kind {
	/* May a machine with this certificate be let in (about.claim)?  A refusal is final.  Inside
	 * of a tunnel's own handshake (tunnel is set) the answer only tells whether the certificate
	 * counts; whether the machine is let in is asked by EAP_ASKS_ADMISSION. */
	EAP_ASKS_CERTIFICATE,
	/* The password of this account (about.account): eap_reply.password, borrowed for the
	 * answer. Refused: there is no such account, which the peer must not be able to tell from a
	 * wrong password. */
	EAP_ASKS_PASSWORD,
	/* Who it is has been proved, in whatever way; is it let in (about.admission)?  The last
	 * question of a tunnel.  A refusal is final. */
	EAP_ASKS_ADMISSION,
	/* Something about an enrolment (about.enrolment): eap_reply.enrolment.  What a refusal
	 * means is said there. */
	EAP_ASKS_ENROLMENT,
};

/* How a password is to be checked, so that no more of it is fetched than that takes. */
enum eap_password_use {
	EAP_PASSWORD_COMPARE, /* we have what the peer typed: PAP, EAP-GTC, Basic-Password-Auth */
	EAP_PASSWORD_NT_HASH, /* MS-CHAP, MS-CHAPv2 */
	EAP_PASSWORD_CLEAR,   /* CHAP */
};

struct eap_account_question {
	struct slice name; /* as the peer gave it, UTF-8 not checked */
	enum eap_password_use use;
	struct slice typed; /* EAP_PASSWORD_COMPARE: the answer is in eap_reply.accept alone */
};

/* What there is of a password: of use EAP_PASSWORD_NT_HASH 16 octets, else its octets. */
struct eap_password {
	struct slice secret;
};

struct eap_admission_question {
	struct slice identity; /* the inner one, proved; empty: none */
	struct slice other;    /* proved before it, a machine's before its user's; empty: none */
	const char *inner;     /* "EAP-MSCHAPv2", "PAP", "CPROM"; NULL: nothing inside */
	const struct tls_claim *claim; /* of the tunnel, or of an EAP-TLS inside; NULL: none */
	bool shown;   /* a certificate, and a good one, when the tunnel was built */
	bool resumed; /* nothing was proved anew: identity and inner are of the full handshake */
	int64_t authenticated; /* when that was, seconds since 1970 */
	bool enrolled;	       /* the machine was given a credential just now */
	/* Why the enrolment that it came for with the certificate of the tunnel has failed, which
	 * is then all that it has proved; NULL: it has not, or there was none. */
	const struct diagnosis *missed;
};

struct eap_question {
	enum eap_question_kind kind;
	bool tunnel;
	union {
		const struct tls_claim *claim;
		struct eap_account_question account;
		struct eap_admission_question admission;
		const struct enrol_question *enrolment;
	} about;
};

struct enrol_reply;

/* Everything is borrowed until the method has it. */
struct eap_reply {
	bool accept;
	const struct diagnosis *why; /* of a refusal; NULL: no more is known */
	union {
		struct eap_password password;
		const struct enrol_reply *enrolment;
	} with;
};

/* Whether a refusal is the end of the conversation, whatever the method makes of it. */
static inline bool eap_question_is_final(const struct eap_question *question)
{
	return question->kind == EAP_ASKS_ADMISSION ||
	       (question->kind == EAP_ASKS_CERTIFICATE && !question->tunnel);
}

#endif
