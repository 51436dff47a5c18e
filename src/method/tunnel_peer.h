/* What EAP-TTLS, PEAP and TEAP have in common, at the peer: a TLS tunnel (phase one, RFC 5216 with
 * version bits in the flags, RFC 9427 with TLS 1.3), and something that runs inside of it (phase
 * two).
 *
 * A struct tunnel_peer is the self of a struct eap_peer_method that is made of the functions below
 * (TUNNEL_PEER_METHOD). It does the Start, fragments, the handshake, resumption, alerts, keys,
 * report and diagnosis; what runs inside is a struct tunnel_peer_inside and a value of its own, and
 * sees only application data, a flight at a time.
 *
 * What cannot happen here, whoever the server is:
 * - Success without phase two.  After a full handshake only the inside says that all is proved; an
 *   EAP-Success before is a failure (the class of CVE-2023-52160).  Phase two is skipped only when
 *   a session is resumed that this value kept, which it does only after phase two has succeeded,
 *   with the same config.
 * - Application data before the end of the handshake, or after it failed, being looked at (RFC
 *   9427, section 3).
 * - A session going from one EAP type to another: each tunnel_peer has its own. */
#ifndef METHOD_TUNNEL_PEER_H
#define METHOD_TUNNEL_PEER_H

#include "eap/method.h"
#include "tls/engine.h"

struct tunnel_peer;

/* What the inside makes of a flight, and what the EAP peer then expects.  Whatever it has sent goes
 * to the server first, in all cases but the last. */
enum tunnel_progress {
	TUNNEL_GOES_ON,	       /* not there yet; the server may end it with EAP-Failure */
	TUNNEL_SERVER_DECIDES, /* all that we demand is proved; EAP-Success or -Failure may follow,
				  or more data */
	TUNNEL_ADMITTED,       /* told so, protected: only EAP-Success can follow */
	TUNNEL_AGREED,	       /* likewise, but the server may take it back inside of the tunnel */
	TUNNEL_FAILED,	       /* *tunnel_peer_why is filled; the server can end it properly */
	TUNNEL_GIVES_UP,       /* likewise, and nothing is sent any more */
};

/* The server's first message. */
struct tunnel_start {
	uint8_t offered; /* the server's version */
	uint8_t version; /* the one that is used: the lower of both highest */
	struct slice outer;
};

struct tunnel_peer_inside {
	const char *name; /* "EAP-TTLS" */
	uint8_t type;
	uint8_t version_least, version_most;
	bool outer;   /* there may be outer TLVs (TEAP): TLS_OUTER is understood */
	bool results; /* a resumption too ends with data of the inside's own (TEAP), never with
			 EAP-Success alone or the octet of RFC 9190 */

	/* A conversation begins: forget the one there was. */
	void (*start)(void *self, struct moment now);
	/* The Start is here.  May call tunnel_peer_outer.  False: give up, with *tunnel_peer_why.
	 * May be NULL. */
	bool (*opened)(void *self, struct tunnel_peer *tunnel, const struct tunnel_start *start);
	/* The handshake is done, nothing waits to be sent, and the server has sent data: all
	 * application data of one flight, several messages perhaps, or none.
	 *
	 * The first call is where phase two begins.  After a full handshake it may come with no
	 * data, which is when who speaks first (TTLS) does.  In a resumption it comes only if the
	 * server goes on; with no data it asks us to begin. */
	enum tunnel_progress (*advance)(void *self, struct tunnel_peer *tunnel, struct slice data,
					struct moment now);
	/* With SERVER_DECIDES or ADMITTED for the first time: may change the MSK and EMSK that are
	 * in *keys, those of the tunnel.  Not called in a resumption without phase two.  May be
	 * NULL. */
	enum status (*keys)(void *self, struct tunnel_peer *tunnel, struct eap_keys *keys);
	/* What it means if the server ends the conversation now with EAP-Failure: fills *why, or
	 * leaves DIAG_NONE.  May be NULL. */
	void (*refusal)(const void *self, struct diagnosis *why);
	/* Adds to the report of the tunnel.  May be NULL. */
	void (*report)(const void *self, struct eap_report *report);
	const char *(*stage)(const void *self); /* of phase two */
	/* EAP-Success has come; stop follows.  May be NULL. */
	void (*succeeded)(void *self);
	/* The conversation is over: wipes. */
	void (*stop)(void *self);
	void (*free)(void *self);
};

struct tunnel_peer_options {
	size_t fragment_size; /* of the TLS data in one packet; 0: what fits */
};

/* Takes a reference on config, and self over on success: tunnel_peer_free frees it.  options may be
 * NULL. */
CHECKED enum status tunnel_peer_new(struct tls_config *config,
				    const struct tunnel_peer_options *options,
				    const struct tunnel_peer_inside *inside, void *self,
				    struct tunnel_peer **ret_tunnel);

/* ---- for the inside ---- */

/* Application data, sent with the answer to the flight at hand; encrypted at once, the caller
 * wipes its own copy. */
CHECKED enum status tunnel_peer_send(struct tunnel_peer *tunnel, struct slice data);
/* From opened: the outer TLVs that go with the ClientHello; copied. */
CHECKED enum status tunnel_peer_outer(struct tunnel_peer *tunnel, struct slice outer);
/* For exporters; NULL outside of a conversation. */
const struct tls_conn *tunnel_peer_conn(const struct tunnel_peer *tunnel);
bool tunnel_peer_resumed(const struct tunnel_peer *tunnel);
/* The server's certificate was judged, now or when the session that is resumed was made: without,
 * no secret that the server does not know already may be shown to it. */
bool tunnel_peer_trusted(const struct tunnel_peer *tunnel);
/* What an EAP method inside is told of the tunnel; good until the conversation is over. */
const struct eap_tunnel_binding *tunnel_peer_binding(const struct tunnel_peer *tunnel);
/* Where the inside says why it fails. */
struct diagnosis *tunnel_peer_why(struct tunnel_peer *tunnel);
/* Why, in the two commonest cases: the server said what it may not, or something failed here. */
enum tunnel_progress tunnel_peer_malformed(struct tunnel_peer *tunnel, const char *detail);
enum tunnel_progress tunnel_peer_internal(struct tunnel_peer *tunnel, const char *detail);

/* ---- the functions of the method ---- */

void tunnel_peer_start(void *self, struct moment now);
bool tunnel_peer_check(void *self, const struct eap_packet *request);
struct eap_verdict tunnel_peer_process(void *self, const struct eap_packet *request,
				       struct moment now);
void tunnel_peer_build(void *self, struct wr *w);
bool tunnel_peer_take_keys(void *self, struct eap_keys *ret_keys);
const struct diagnosis *tunnel_peer_diagnosis(const void *self);
bool tunnel_peer_refusal(const void *self, struct diagnosis *ret_why);
bool tunnel_peer_report(const void *self, struct eap_report *ret_report);
const char *tunnel_peer_stage(const void *self);
bool tunnel_peer_repeats(const void *self);
void tunnel_peer_succeeded(void *self);
void tunnel_peer_stop(void *self);
void tunnel_peer_free(void *self);

#define TUNNEL_PEER_METHOD(name_, type_)                                                           \
	{                                                                                          \
		.name = (name_), .type = { .vendor = 0, .type = (type_) },                         \
		.start = tunnel_peer_start, .check = tunnel_peer_check,                            \
		.process = tunnel_peer_process, .build = tunnel_peer_build,                        \
		.take_keys = tunnel_peer_take_keys, .diagnosis = tunnel_peer_diagnosis,            \
		.refusal = tunnel_peer_refusal, .report = tunnel_peer_report,                      \
		.stage = tunnel_peer_stage, .repeats = tunnel_peer_repeats,                        \
		.succeeded = tunnel_peer_succeeded, .stop = tunnel_peer_stop,                      \
		.free = tunnel_peer_free,                                                          \
	}

#endif
