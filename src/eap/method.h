/* Between the EAP peer and a method: RFC 4137, section 4.2.
 *
 * A method is a table of functions and a value of its own that lives as long as the profile is
 * in use on a port; each conversation begins with start.  A method is pure: time comes in with the
 * request, random bytes are the crypto library's, and what it wants the world to know it answers
 * when asked.
 */
#ifndef EAP_METHOD_H
#define EAP_METHOD_H

#include "base/diagnosis.h"
#include "base/moment.h"
#include "eap/keys.h"
#include "eap/packet.h"
#include "eap/tunnel.h"

enum eap_method_state { METHOD_NONE, METHOD_INIT, METHOD_CONT, METHOD_MAY_CONT, METHOD_DONE };
enum eap_decision { FAIL, COND_SUCC, UNCOND_SUCC };

/* What process decides (the RFC's OUT parameters). */
struct eap_verdict {
	enum eap_method_state methodState; /* CONT, MAY_CONT or DONE */
	enum eap_decision decision;
	bool allowNotifications;
};

/* What there is to say about the security of a conversation; the shell shows it. */
struct eap_report {
	char tls_version[16]; /* "TLSv1.3"; empty when there is none (yet) */
	char tls_cipher[64];
	bool resumed;
	char server_subject[DIAGNOSIS_VALUE_MAX];
	char server_fingerprint[65]; /* SHA-256 of the certificate, hex */
	int64_t server_not_after;    /* 0 when unknown */
	char inner[32];		     /* what ran inside of a tunnel, "EAP-MSCHAPv2"; or empty */
	struct diagnosis reduced;    /* DIAG_NONE, or why the assurance is reduced */
	bool renewal_wished;	     /* the server has asked for a renewal of our certificate */
};

struct eap_peer_method {
	const char *name; /* "EAP-TLS" */
	struct eap_type type;
	bool inner_only; /* outside of a tunnel it is not allowed (m.allowMethod) */

	/* The tunnel that the conversation about to start runs in, good until its end.  May be
	 * NULL: it does not matter to the method.  Not called outside of a tunnel. */
	void (*enter)(void *self, const struct eap_tunnel_binding *tunnel);
	/* methodState == INIT: forget any conversation there was, begin one. */
	void (*start)(void *self, struct moment now);
	/* m.check: true when the packet is to be ignored.  May be NULL: none is. */
	bool (*check)(void *self, const struct eap_packet *request);
	/* m.process: the Request is ours and current. */
	struct eap_verdict (*process)(void *self, const struct eap_packet *request,
				      struct moment now);
	/* m.buildResp: the type-data of the answer to the last processed Request.  No more than
	 * wr_room(w) fits; a method that has more fragments it. */
	void (*build)(void *self, struct wr *w);
	/* m.isKeyAvailable and m.getKey: moves the keys out; false when there are none.  May be
	 * NULL: it derives none. */
	bool (*take_keys)(void *self, struct eap_keys *ret_keys);

	/* Why the conversation failed as far as the method knows; DIAG_NONE when it does not. */
	const struct diagnosis *(*diagnosis)(const void *self);
	/* What it means if the server ends the conversation here, with EAP-Failure; false when the
	 * method knows no more than that.  May be NULL. */
	bool (*refusal)(const void *self, struct diagnosis *ret_why);
	/* May be called at any time; false while there is nothing to tell.  May be NULL: there
	 * never is. */
	bool (*report)(const void *self, struct eap_report *ret_report);
	/* Where it stands, in a word or two ("server certificate", "finished"), for diagnoses. */
	const char *(*stage)(const void *self);
	/* The machine has reached SUCCESS with this method; stop follows.  May be NULL. */
	void (*succeeded)(void *self);
	/* It failed over something that the next conversation will not try, so that nothing has to
	 * be waited for.  May be NULL: never. */
	bool (*repeats)(const void *self);
	/* The conversation is over: frees and wipes what it held.  Report, diagnosis and stage stay
	 * until the next start. */
	void (*stop)(void *self);
	void (*free)(void *self);
};

/* A method together with its value: what a peer is given. The peer does not free it. */
struct eap_peer_offer {
	const struct eap_peer_method *method;
	void *self;
};

#endif
