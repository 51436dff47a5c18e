/* Between an EAP authenticator and the server side of a method: RFC 4137, section 5.2.
 *
 * A method is a table of functions. What all its conversations have in common (certificates, keys
 * of tickets) is its context, made once and borrowed; what one conversation holds is made by init
 * and dropped by free.  A method is pure: time comes in with the Response, random bytes are the
 * crypto library's, and nothing calls back up: a method that cannot decide something by itself
 * answers METHOD_ASKS, whoever drives the machine reads the question (question.h), thinks for as
 * long as that takes, and answers. */
#ifndef EAP_SERVER_METHOD_H
#define EAP_SERVER_METHOD_H

#include "base/diagnosis.h"
#include "base/moment.h"
#include "eap/keys.h"
#include "eap/method.h"
#include "eap/packet.h"
#include "eap/question.h"
#include "eap/tunnel.h"

enum eap_server_state {
	METHOD_GOES_ON,	  /* there is another Request to build */
	METHOD_ASKS,	  /* there is a question: answer, then go on; nothing to send until then */
	METHOD_SUCCEEDED, /* m.isDone; there is nothing more to build */
	METHOD_FAILED,	  /* m.isDone, likewise */
};

/* What init is told of the conversation; borrowed for the call. */
struct eap_server_about {
	struct slice identity; /* of the Response/Identity; empty if none was asked for */
	struct moment now;
	const struct eap_tunnel_binding *tunnel; /* good until free; NULL: none */
};

struct eap_server_method {
	const char *name; /* "EAP-TLS" */
	struct eap_type type;
	bool inner_only; /* it is proposed inside of a tunnel alone */

	/* m.initPickUp: after init, process may come before the first build; the Response answers a
	 * first Request that somebody else has sent (RFC 4137, section 6.2). */
	bool picks_up;

	/* m.init: the first build writes the first Request.  context is the offer's. */
	enum status (*init)(void *context, const struct eap_server_about *about, void **ret_self);
	/* m.check, but true means ignore, as for the peer.  May be NULL: nothing is ignored. */
	bool (*check)(void *self, const struct eap_packet *response);
	/* m.process and m.isDone. */
	enum eap_server_state (*process)(void *self, const struct eap_packet *response,
					 struct moment now);
	/* After METHOD_ASKS and until the answer.  NULL as a member: the method never asks. */
	const struct eap_question *(*question)(const void *self);
	/* The answer to METHOD_ASKS.  Of a refusal the method tells the peer what its protocol can,
	 * by an alert, say.  It may ask again. */
	enum eap_server_state (*answer)(void *self, const struct eap_reply *reply,
					struct moment now);
	/* m.buildReq: the type-data of the next Request.  No more than wr_room(w) fits; a method
	 * that has more fragments it. */
	void (*build)(void *self, struct wr *w);
	/* m.getTimeout: a hint in msec, or 0 for none.  May be NULL: none. */
	msec (*timeout)(const void *self);
	/* m.getKey: moves the keys out; false when there are none.  They come without session_id,
	 * and outside of a tunnel perhaps without the EMSK, which nobody asks for there.  May be
	 * NULL: it derives none. */
	bool (*take_keys)(void *self, struct eap_keys *ret_keys);
	/* The Session-Id, after METHOD_SUCCEEDED and until free.  It is apart because few ask for
	 * it, and to derive it may cost as much as the keys.  May be NULL: there is none. */
	enum status (*session_id)(const void *self, struct bytes *ret_id);

	/* Why it failed as far as the method knows; DIAG_NONE when it does not. */
	const struct diagnosis *(*diagnosis)(const void *self);
	/* After METHOD_SUCCEEDED: the machine was given a credential (admission.enrolled).  May be
	 * NULL: never. */
	bool (*enrolled)(const void *self);
	/* What there is to say about the security of the conversation.  Its server_ members are
	 * about the peer's certificate here. May be called at any time; false while there is
	 * nothing to tell.  May be NULL: there never is. */
	bool (*report)(const void *self, struct eap_report *ret_report);
	/* Where it stands, in a word or two, for diagnoses. */
	const char *(*stage)(const void *self);
	/* m.reset, and the end: wipes and frees. */
	void (*free)(void *self);
};

/* A method with its context: what an authenticator is given.  It frees neither. */
struct eap_server_offer {
	const struct eap_server_method *method;
	void *context;
};

#endif
