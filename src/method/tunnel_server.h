/* What the servers of EAP-TTLS, PEAP and TEAP have in common: a TLS tunnel, and a conversation
 * inside of it ("phase two").
 *
 * RFC 5216, sections 2.1.5 and 3.1 (Start, flags, fragments), RFC 5281, RFC 9427.  This part does
 * the versions in the flags, the handshake, alerts, resumption, keys and reports; what runs inside
 * is a table, struct tunnel_inside.  A method is a constant of its own whose functions are those
 * below, but for init, which calls tunnel_server_new with its table:
 *
 *	static enum status init(void *context, const struct eap_server_about *about, void
 ***ret_self)
 *	{
 *		return tunnel_server_new(&teap_tunnel, context, about, ret_self);
 *	}
 *	const struct eap_server_method teap_server_method = {
 *		TUNNEL_SERVER_METHOD("TEAP", EAP_TYPE_TEAP, init)
 *	};
 *
 * Questions.  A certificate that the client shows in the handshake is asked about with tunnel set;
 * when it does not count (a refusal), the conversation goes on without a claim where the
 * configuration does not require one, and ends with an alert where it does, or where a session is
 * resumed.  Everything else is asked by what runs inside.  It has to ask for EAP_ASKS_ADMISSION
 * before it succeeds, resumed or not: tunnel_server_ask_admission has that question ready.
 *
 * Resumption.  Sessions of tunnels are kept in the memory of their configuration alone, of which a
 * ticket of TLS 1.3 is no more than a name.  So none can be resumed before all inside has succeeded
 * (RFC 9427, section 3), whenever the ticket was sent.  With the session goes what was proved
 * inside (tunnel_server_proved), and comes back in the resumption.  Without an identity that was
 * proved nothing is kept. */
#ifndef METHOD_TUNNEL_SERVER_H
#define METHOD_TUNNEL_SERVER_H

#include "eap/server_method.h"
#include "tls/server.h"

#define TUNNEL_IDENTITY_MAX 1020 /* octets of an inner identity: what an EAP packet carries */
#define TUNNEL_OUTER_MAX    1024 /* octets of a peer's outer TLVs */

/* What all conversations of a worker have in common; a method's own context begins with it. */
struct tunnel_server_context {
	/* Made with tls_server_settings.tunnel; init takes a reference. */
	struct tls_server_config *config;
	size_t fragment_size; /* of the TLS data in one packet; 0: what fits */
};

struct tunnel_server;

/* What runs inside.  Functions that may be NULL say so.  Data that goes out is given to
 * tunnel_server_send, once or in pieces: all of one turn is one flight. */
struct tunnel_inside {
	const char *name; /* "PEAP", for diagnoses */
	uint8_t type;	  /* EAP_TYPE_PEAP */
	uint8_t version;  /* in the flags: the only one we speak */
	/* With TLS 1.2 the server's Finished is acknowledged before begin, for peers that do not
	 * look for data behind it. */
	bool apart;
	/* The peer speaks first, and may take our last message, without any data, for its turn:
	 * what it says then is not heard. */
	bool peer_first;
	/* RFC 9930, section 4.1: the O flag and the Outer TLVs in Start and its answer. */
	bool outer;

	/* context is the method's.  The tunnel outlives self. */
	enum status (*init)(void *context, struct tunnel_server *tunnel,
			    const struct eap_server_about *about, void **ret_self);
	/* The Outer TLVs of the Start; with outer alone. */
	void (*write_outer)(void *self, struct wr *w);
	/* The tunnel stands, and what there was to ask about it was answered.  data is what the
	 * peer sent along with the end of its handshake: mostly empty. */
	enum eap_server_state (*begin)(void *self, struct slice data, struct moment now);
	/* A flight of the peer: application data; empty: it acknowledges. METHOD_GOES_ON without
	 * anything sent sends an empty Request. */
	enum eap_server_state (*process)(void *self, struct slice data, struct moment now);
	const struct eap_question *(*question)(const void *self);
	enum eap_server_state (*answer)(void *self, const struct eap_reply *reply,
					struct moment now);
	/* After METHOD_SUCCEEDED: may change the MSK and EMSK in *keys, which are those of the
	 * tunnel (RFC 5281, section 8; RFC 9427, section 2.1).  NULL: they stay. */
	enum status (*derive)(void *self, struct eap_keys *keys);
	/* DIAG_NONE: it does not know. */
	const struct diagnosis *(*diagnosis)(const void *self);
	const char *(*stage)(const void *self); /* "inner identity" */
	void (*free)(void *self);
};

/* ---- for what runs inside ---- */

/* Exporters, version, randoms: the connection, finished from begin on. */
const struct tls_conn *tunnel_server_conn(const struct tunnel_server *t);
/* Nothing was proved by the handshake itself but that it is who it was. */
bool tunnel_server_resumed(const struct tunnel_server *t);
/* The client's certificate, if it showed one and it counts; else NULL. */
const struct tls_claim *tunnel_server_claim(const struct tunnel_server *t);
/* What inner methods are told of the tunnel; from begin on, good until free. */
const struct eap_tunnel_binding *tunnel_server_binding(const struct tunnel_server *t);
/* The Outer TLVs as they went over the wire: ours in the Start, the peer's in its first Response;
 * each may be empty. */
struct slice tunnel_server_outer_sent(const struct tunnel_server *t);
struct slice tunnel_server_outer_heard(const struct tunnel_server *t);

/* Application data of the turn at hand.  A failure ends the conversation by itself. */
void tunnel_server_send(struct tunnel_server *t, struct slice data);
/* A name for the session, with TLS 1.3 and resumption, before the data of the turn at hand.
 * Where what runs inside never does this, the tunnel sends it at the end, in a turn of its own. */
void tunnel_server_send_ticket(struct tunnel_server *t);

/* Who it is was proved inside, by this method ("EAP-MSCHAPv2", static).  claim: of an EAP-TLS
 * inside, good as long as self; else NULL.  An inner claim is not kept: then nothing is resumed.
 * Without an identity and with "" as the method: the tunnel's own certificate is all there is. */
CHECKED enum status tunnel_server_proved(struct tunnel_server *t, struct slice identity,
					 const char *method, const struct tls_claim *claim);
/* After tunnel_server_proved, which begins anew: another account was proved before that one.  Both
 * are kept, and asked about. */
CHECKED enum status tunnel_server_proved_before(struct tunnel_server *t, struct slice identity);
/* What was proved is of no use to a session: there is another credential now (RFC 9930, section
 * 3.11). */
void tunnel_server_keep_nothing(struct tunnel_server *t);
/* The last question, of what was proved here or, resumed, back then.  To be returned by question
 * until it is answered; good as long as the tunnel.  enrolled and missed as in struct
 * eap_admission_question. */
const struct eap_question *tunnel_server_ask_admission(struct tunnel_server *t, bool enrolled,
						       const struct diagnosis *missed);
/* Whom a resumed session belongs to; empty if only a certificate was shown. */
struct slice tunnel_server_identity(const struct tunnel_server *t);

/* ---- the functions of a method ---- */

CHECKED enum status tunnel_server_new(const struct tunnel_inside *inside, void *context,
				      const struct eap_server_about *about, void **ret_self);
bool tunnel_server_check(void *self, const struct eap_packet *response);
enum eap_server_state tunnel_server_process(void *self, const struct eap_packet *response,
					    struct moment now);
const struct eap_question *tunnel_server_question(const void *self);
enum eap_server_state tunnel_server_answer(void *self, const struct eap_reply *reply,
					   struct moment now);
void tunnel_server_build(void *self, struct wr *w);
bool tunnel_server_take_keys(void *self, struct eap_keys *ret_keys);
enum status tunnel_server_session_id(const void *self, struct bytes *ret_id);
const struct diagnosis *tunnel_server_diagnosis(const void *self);
bool tunnel_server_report(const void *self, struct eap_report *ret_report);
const char *tunnel_server_stage(const void *self);
void tunnel_server_free(void *self);

#define TUNNEL_SERVER_METHOD(name_, type_, init_)                                                  \
	.name = (name_), .type = { .vendor = 0, .type = (type_) }, .init = (init_),                \
	.check = tunnel_server_check, .process = tunnel_server_process,                            \
	.question = tunnel_server_question, .answer = tunnel_server_answer,                        \
	.build = tunnel_server_build, .take_keys = tunnel_server_take_keys,                        \
	.session_id = tunnel_server_session_id, .diagnosis = tunnel_server_diagnosis,              \
	.report = tunnel_server_report, .stage = tunnel_server_stage, .free = tunnel_server_free

#endif
