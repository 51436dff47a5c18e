/* What the files of TEAP's server share. */
#ifndef METHOD_TEAP_SERVER_PARTS_H
#define METHOD_TEAP_SERVER_PARTS_H

#include "method/inner_server.h"
#include "method/password_check.h"
#include "method/teap_server.h"

#define MESSAGE_MAX 40000 /* octets of TLVs in one message */
#define EAP_MTU	    32768 /* of a packet inside: the tunnel fragments */

enum teap_phase {
	RENEWING,  /* a certificate is enough, and is to be renewed first */
	TALKING,   /* an identity is being proved */
	ADMITTING, /* all have been */
	PARTING,   /* a machine was enrolled, and is to come back with what it was given */
	ENDING,	   /* we have said success; the peer has to agree */
	FAILING,   /* we have said failure; the peer says so too */
};

enum teap_way { WAY_EAP, WAY_PASSWORD, WAYS };

/* How far one identity has come. */
struct teap_proof {
	struct inner_server inner;
	struct password_check check;
	unsigned tried; /* 1 << way */
	bool begun, done;
};

/* A certificate that is asked for by TEAP's own TLVs. */
struct teap_errand {
	bool offered;		 /* our CSR-Attributes are out */
	bool early;		 /* it was asked for before who it is was found good */
	enum teap_status status; /* what is to come of a refusal */
	bool roots;		 /* are asked for, and not told yet */
	unsigned way;		 /* the next one to be authorised by */
	bool granted;
	struct enrol_grant grant;
	struct enrol_question question;
	const struct enrol_question *asked; /* and not answered; NULL: none is */
	struct eap_question eap_question;
	struct bytes csr;
	uint8_t link[TLS_CHANNEL_BINDING_MAX];
	struct enrol_server_job job;
	void *round; /* of pkcs_server; NULL: it has not begun */
	struct enrol_output out;
	struct bytes certificate; /* DER */
	bool issued, told, confirmed;
	enum teap_error error; /* of a refusal that is told with the result; TEAP_NO_ERROR: none */
	bool missed;	       /* and the certificate of the tunnel is all that was proved */
	struct enrol_fault fault; /* of the way that was refused last */
	struct diagnosis why;
};

struct teap_server {
	const struct teap_server_context *context;
	struct tunnel_server *tunnel;
	enum teap_phase phase;
	struct bytes out;
	struct wr w;

	struct teap_proof proofs[TEAP_ROUNDS_MAX];
	unsigned at; /* the one that runs */
	enum teap_way way;
	bool skips;			    /* nothing has to be proved inside */
	bool more;			    /* the peer has asked for it all the same */
	bool untold;			    /* a success inside that was not told yet */
	enum teap_status told_intermediate; /* that the peer has to answer */
	bool told_binding;		    /* likewise, with this nonce */
	uint8_t nonce[TEAP_NONCE_SIZE];
	struct teap_keys keys;
	struct teap_errand errand;

	const struct eap_question *question;
	struct diagnosis why;
};

/* ---- teap_server.c ---- */

const struct teap_round *teap_round_of(const struct teap_server *c);
struct teap_proof *teap_proof_of(struct teap_server *c);
enum eap_server_state teap_server_internal(struct teap_server *c, const char *detail);
enum eap_server_state teap_server_send(struct teap_server *c);
enum eap_server_state teap_server_fail(struct teap_server *c, enum teap_error code);
enum eap_server_state teap_server_refuse(struct teap_server *c, enum teap_error code,
					 const char *detail);
enum eap_server_state teap_server_unexpected(struct teap_server *c, const char *detail);
bool teap_server_write_binding(struct teap_server *c);
void teap_server_write_intermediate(struct teap_server *c, enum teap_status status);
void teap_server_clear(struct teap_server *c);
enum eap_server_state teap_server_tell_success(struct teap_server *c);
/* The certificate of the tunnel is enough. */
enum eap_server_state teap_server_skip(struct teap_server *c);

/* ---- teap_server_provision.c: certificates ---- */

void teap_errand_done(struct teap_errand *errand);
/* CSR-Attributes, once, if there is a certificate to be had. */
void teap_server_write_attributes(struct teap_server *c);
/* The certificate of the tunnel is to be renewed: there is a question. */
bool teap_server_renews(struct teap_server *c, struct moment now);
/* Whether a message asks for a certificate or roots, and what comes of it. */
bool teap_server_demanded(struct teap_server *c, const struct teap_message *m, struct moment now,
			  enum eap_server_state *ret_state);
CHECKED enum status teap_server_write_given(struct teap_server *c);
/* The peer has what it was given: there is a question. */
bool teap_server_confirms(struct teap_server *c);
/* The answer to errand.asked. */
enum eap_server_state teap_server_hear_errand(struct teap_server *c, const struct eap_reply *reply,
					      struct moment now);

/* ---- teap_server_identity.c: one identity after the other ---- */

enum eap_server_state teap_server_propose(struct teap_server *c, struct moment now);
bool teap_server_next_identity(struct teap_server *c);
enum eap_server_state teap_server_ask_admission(struct teap_server *c);
bool teap_server_enrolled(const struct teap_server *c);
enum eap_server_state teap_server_talked(struct teap_server *c, enum eap_server_state state,
					 struct slice request, struct moment now);
bool teap_server_change_identity(struct teap_server *c, const struct teap_message *m,
				 struct moment now);
enum eap_server_state teap_server_hear_eap(struct teap_server *c, const struct teap_message *m,
					   struct moment now);
enum eap_server_state teap_server_hear_password(struct teap_server *c,
						const struct teap_message *m);
enum eap_server_state teap_server_hear_checked(struct teap_server *c, const struct eap_reply *reply,
					       struct moment now);
enum eap_server_state teap_server_hear_nak(struct teap_server *c, const struct teap_message *m,
					   struct moment now);

#endif
