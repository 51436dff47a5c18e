/* A password that a peer has shown, or has proved to know, and the question about its account: PAP,
 * CHAP (RFC 1994), MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759), as they are inside of tunnels.
 *
 * Whoever runs the protocol fills in what the peer sent, hands on the question, and gives the
 * answer to password_check_answer.  An account that is not there is computed with all the same, so
 * that it takes as long as a wrong password and ends in the same way. */
#ifndef METHOD_PASSWORD_CHECK_H
#define METHOD_PASSWORD_CHECK_H

#include "eap/question.h"
#include "method/mschap.h"

#define PASSWORD_TYPED_MAX  256 /* octets of a password in the clear */
#define PASSWORD_NAME_MAX   253 /* of an account's name: more is of no account */
#define CHAP_CHALLENGE_SIZE 16	/* the implicit one of EAP-TTLS: RFC 5281, section 11.2.2 */

enum password_kind { PASSWORD_PAP, PASSWORD_CHAP, PASSWORD_MSCHAP, PASSWORD_MSCHAPV2 };

struct password_check {
	enum password_kind kind;
	const char *method; /* "EAP-GTC", for diagnoses; static */

	/* what the peer sent; for use with kind */
	struct secret typed;
	uint8_t id; /* of CHAP */
	/* ours: all of it, the first 8 octets for MS-CHAP */
	uint8_t challenge[CHAP_CHALLENGE_SIZE];
	uint8_t peer_challenge[MSCHAPV2_CHALLENGE_SIZE];
	uint8_t response[MSCHAP_RESPONSE_SIZE]; /* CHAP: its first 16 octets */
	struct bytes name;			/* MS-CHAPv2: as it went into the response */

	struct bytes account;
	struct eap_question question;

	/* after the answer, if it was right: of MS-CHAPv2 */
	char proof[MSCHAPV2_PROOF_SIZE];
	uint8_t keys[MSCHAPV2_KEY_SIZE];
	struct diagnosis why; /* if it was not */
};

/* The account is the one of this identity: false with *why when it names nobody (RFC 9427, section
 * 3.1: an inner identity is not anonymous), or there is no memory. */
bool password_check_account(struct password_check *check, struct slice identity);
/* What the peer sent is there: the question, good until the answer. */
const struct eap_question *password_check_ask(struct password_check *check);
/* Whether the password was right.  mschap may be NULL for PAP and CHAP. */
bool password_check_answer(struct password_check *check, const struct mschap *mschap,
			   const struct eap_reply *reply);
void password_check_done(struct password_check *check); /* wipes */

/* Names the account in a diagnosis of ours. */
void password_check_explain(struct password_check *check, enum diagnosis_id id);

#endif
