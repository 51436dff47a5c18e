/* Our TEAP peer and our TEAP server, one against the other, with accounts and certificates for what
 * runs inside.  Either end can be another: a hostile one that a test brings along. */
#ifndef TESTS_TEAP_DUO_H
#define TESTS_TEAP_DUO_H

#include "enrol/question.h"
#include "method/mschapv2_server.h"
#include "method/teap_peer.h"
#include "method/teap_server.h"
#include "method/tls_server.h"
#include "tests/tls_cast.h"

enum teap_inner { TEAP_BY_MSCHAPV2, TEAP_BY_TLS, TEAP_BY_PASSWORD, TEAP_INNERS, TEAP_BY_ENROLMENT };
extern const char *const teap_inner_names[TEAP_INNERS];

struct teap_duo {
	struct cast c; /* certificates, and how peers trust; its own peer is not used */

	/* as a test wants them, before load */
	enum tls_version version; /* the highest; 0: TLS 1.3 */
	bool peer_has_certificate;
	enum tls_client client;
	struct teap_peer_settings peer_settings;
	struct teap_server_context server_context;

	/* another server or peer, in place of ours; self is not freed */
	const struct eap_server_method *server;
	void *server_own_context;
	const struct tunnel_peer_inside *hostile_peer;

	/* what the world answers */
	bool refuse_certificate, refuse_admission, wrong_password;
	/* Questions of an enrolment: fills the reply, of which accept is set.  NULL: all is well.
	 */
	void (*enrolment)(void *context, const struct enrol_question *q, struct enrol_reply *reply);
	void *enrolment_context;

	/* made by load */
	struct tls_config *peer_config, *inner_peer_config;
	struct tls_server_context inner_tls;
	struct mschapv2_server_context mschapv2;
	struct eap_policy_choice choices[TEAP_BY_ENROLMENT + 1];
	struct eap_policy policies[TEAP_BY_ENROLMENT + 1];
	struct secret password;
	struct tunnel_peer *peer;

	/* how the last conversation went */
	struct eap_verdict verdict;
	enum eap_server_state end;
	unsigned rounds, passwords, certificates, admissions;
	char identity[64], other[64], inner[64]; /* of the admission */
	bool resumed, has_claim, enrolled;
	enum diagnosis_id missed; /* DIAG_NONE: it was not */
	struct eap_keys server_keys, peer_keys;
	struct diagnosis server_why, peer_why;
	struct eap_report report; /* the peer's */
};

/* TEAP_BY_ENROLMENT is a method of the tests' own without keys: the server asks about an enrolment,
 * and the peer notes whether it was told of its success. */
extern unsigned teap_enrolments_told;

/* Both ends do one identity, whoever that is, by EAP-MSCHAPv2. */
void teap_duo_init(struct teap_duo *d);
/* An identity more, of this type, at both ends. */
void teap_duo_add(struct teap_duo *d, enum teap_identity type, enum teap_inner inner);
void teap_duo_add_peer(struct teap_duo *d, enum teap_identity type, enum teap_inner inner);
void teap_duo_add_server(struct teap_duo *d, enum teap_identity type, enum teap_inner inner);
void teap_duo_load(struct teap_duo *d);
void teap_duo_done(struct teap_duo *d);

void teap_duo_converse(struct teap_duo *d);
bool teap_duo_accepted(const struct teap_duo *d);
/* Both have succeeded, with the same keys. */
void teap_duo_check_success(struct teap_duo *d, bool resumed);
void teap_duo_check_failure(struct teap_duo *d, enum diagnosis_id server, enum diagnosis_id peer);

#endif
