/* The parts of the CPROM server.  Private to cprom_server*.c. */
#ifndef METHOD_CPROM_SERVER_PARTS_H
#define METHOD_CPROM_SERVER_PARTS_H

#include "enrol/cprom_frame.h"
#include "enrol/cprom_rules.h"
#include "enrol/proof.h"
#include "method/cprom_peer.h"
#include "method/cprom_server.h"

/* Where a conversation stands. */
enum cprom_stand {
	CPROM_GREETING,	   /* our Init is out */
	CPROM_AUTHORISING, /* a question */
	CPROM_WORKING,	   /* a round */
	CPROM_ENDING,	   /* a round: our D is out */
	CPROM_CONFIRMING,  /* a question about what was stored or validated */
	CPROM_CHALLENGING, /* our challenge is out */
	CPROM_CLOSING,	   /* what was validated is told */
	CPROM_FAILING,	   /* our Error is out */
	CPROM_SUCCEEDED,
	CPROM_REFUSED, /* failed, and nothing more to say */
};

/* One thing that is to be done. */
struct cprom_task {
	enum enrol_action action;
	enum enrol_credential type;
	struct cprom_info info; /* of what there is; id empty: nothing.  Points into init */
	bool proved;		/* the peer holds its key */
};

/* What phase three needs of something done. */
struct cprom_given {
	EVP_PKEY *key;
	struct bytes certificate; /* DER */
	struct secret secret;
	uint8_t id[CPROM_CREDENTIAL_ID_MAX];
	size_t id_len;
	bool validated; /* by a challenge */
};

struct cprom_server {
	const struct cprom_server_context *context;
	const struct eap_tunnel_binding *tunnel;
	struct cprom_link link;
	enum cprom_stand stand;
	enum cprom_phase phase;
	msec sent;	   /* our last message */
	struct bytes init; /* the peer's Init, while it is of use */

	/* authorisation */
	uint8_t challenge[PROOF_CHALLENGE_SIZE]; /* also that of phase three */
	unsigned way;				 /* enum enrol_authorisation that is asked about */
	bool granted;
	struct enrol_grant grant;
	struct cprom_token_data token; /* into init; data empty: none */
	X509 *token_cert;	       /* of a certificate token */
	struct enrol_question question;
	struct eap_question eap_question;

	/* the plan and the round */
	struct cprom_task tasks[CPROM_SERVER_DEEDS_MAX];
	size_t task_count, task;
	const struct enrol_server_protocol *protocol;
	void *round; /* NULL: none goes on */
	struct enrol_server_job job;
	struct bytes proved; /* DER, of job.proved */
	/* DER of the tunnel's certificate as the registry has it, where the tunnel was resumed and
	 * has no more than its digest. */
	struct bytes registered;
	struct secret token_secret;
	unsigned messages;
	struct cprom_deed deeds[CPROM_SERVER_DEEDS_MAX];
	struct cprom_given given[CPROM_SERVER_DEEDS_MAX];
	bool told;		      /* what was validated */
	size_t deed_count, validated; /* deeds before this one need no (more) validation */

	struct enrol_fault fault;
	struct diagnosis why;
};

/* Octets of a message. */
size_t cprom_server_ceiling(const struct cprom_server *s);
/* Sets the fault; answers UNEXPECTED, for those that answer a status. */
enum status cprom_server_fail(struct cprom_server *s, enum enrol_error error, const char *format,
			      ...) __attribute__((format(printf, 3, 4)));

/* Phase one: the peer's Init is in s->init.  OK: the next question is there. */
CHECKED enum status cprom_server_read_init(struct cprom_server *s);
/* The next way of authorisation that policy has and the peer shows, as a question; UNEXPECTED with
 * the fault when none is left. */
CHECKED enum status cprom_server_ask(struct cprom_server *s);
/* The answer: OK when it is granted (s->granted), or the next question is there. */
CHECKED enum status cprom_server_authorised(struct cprom_server *s,
					    const struct enrol_reply *reply);
/* The MUD URL of the peer's Init; empty: none. */
struct slice cprom_server_usage(const struct cprom_server *s);
/* What is to be done, once it is granted. */
CHECKED enum status cprom_server_plan(struct cprom_server *s, struct moment now);
/* The protocol for a task; NULL: none in common. */
const struct enrol_server_protocol *cprom_server_protocol(const struct cprom_server *s,
							  const struct cprom_task *task);
/* The peer has this certificate's key, as far as the tunnel or a certificate token shows. */
bool cprom_server_proved(const struct cprom_server *s, struct slice id);

/* Rounds and phase three. */
enum eap_server_state cprom_server_next(struct cprom_server *s);
enum eap_server_state cprom_server_hear_round(struct cprom_server *s, struct slice message,
					      bool last, struct moment now);
enum eap_server_state cprom_server_answer_round(struct cprom_server *s,
						const struct enrol_reply *reply, struct moment now);
enum eap_server_state cprom_server_hear_validation(struct cprom_server *s, struct slice message);
enum eap_server_state cprom_server_hear_close(struct cprom_server *s, struct slice message,
					      bool last);
void cprom_server_round_done(struct cprom_server *s);

enum eap_server_state cprom_server_give_error(struct cprom_server *s);
enum eap_server_state cprom_server_ask_question(struct cprom_server *s,
						const struct enrol_question *question);

#endif
