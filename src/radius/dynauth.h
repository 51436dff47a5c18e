/* Dynamic authorization: CoA and Disconnect, RFC 5176, both ends of it.
 *
 * The server (a NAS: who guards ports) reads a request and answers ACK, or NAK with an Error-Cause;
 * it finds duplicates by radius/duplicates.h.  The client (who knows of sessions) builds a request
 * and reads the answer; retransmission is by sending the same octets again. */
#ifndef RADIUS_DYNAUTH_H
#define RADIUS_DYNAUTH_H

#include "radius/server.h"

#define RADIUS_DYNAUTH_WINDOW 300 /* seconds, either way: RFC 5176, section 6.3 */

/* RFC 5176, section 3.5. */
enum radius_error_cause {
	RADIUS_CAUSE_NONE = 0,
	RADIUS_CAUSE_RESIDUAL_CONTEXT_REMOVED = 201,
	RADIUS_CAUSE_UNSUPPORTED_ATTRIBUTE = 401,
	RADIUS_CAUSE_MISSING_ATTRIBUTE = 402,
	RADIUS_CAUSE_NAS_MISMATCH = 403,
	RADIUS_CAUSE_INVALID_REQUEST = 404,
	RADIUS_CAUSE_UNSUPPORTED_SERVICE = 405,
	RADIUS_CAUSE_UNSUPPORTED_EXTENSION = 406,
	RADIUS_CAUSE_INVALID_VALUE = 407,
	RADIUS_CAUSE_PROHIBITED = 501,
	RADIUS_CAUSE_NOT_ROUTABLE = 502,
	RADIUS_CAUSE_NOT_FOUND = 503,
	RADIUS_CAUSE_NOT_REMOVABLE = 504,
	RADIUS_CAUSE_OTHER_PROXY = 505,
	RADIUS_CAUSE_RESOURCES = 506,
	RADIUS_CAUSE_INITIATED = 507,
	RADIUS_CAUSE_MULTIPLE_SESSIONS = 508,
};

const char *radius_error_cause_name(uint32_t cause); /* "Session Context Not Found"; or "unknown" */

struct radius_dynauth {
	struct radius_packet packet; /* code: Disconnect-Request or CoA-Request */
	/* Which session, and which NAS (sections 3 and 3.3): all that are there have to fit. */
	struct radius_who who;
	uint32_t event_timestamp; /* 0: absent */
	/* CoA: what is to change.  Absent: has_… is false, or 0. */
	bool has_session_timeout, has_vlan, has_interim, has_termination_action;
	uint32_t session_timeout, interim;
	uint16_t vlan;
	bool reauthenticate;
	/* Not RADIUS_CAUSE_NONE: the request is genuine, but has to be answered with this NAK: an
	 * attribute that we cannot honour, a service that we do not have, nothing that says which
	 * session.  Section 2.3: then nothing of it may be done. */
	enum radius_error_cause refuse;
	uint8_t refuse_type; /* the attribute that is the reason; 0: none */
};

/* now: seconds since 1970.  RADIUS_STALE: Event-Timestamp is outside the window, or absent where
 * timestamp_required. */
CHECKED enum radius_fault radius_dynauth_read(struct radius_crypto *crypto, struct slice secret,
					      struct slice in, int64_t now, bool timestamp_required,
					      struct radius_dynauth *ret_request);
/* ACK for RADIUS_CAUSE_NONE, else NAK; with State and Proxy-States of the request, and with a
 * Message-Authenticator if it had one.  buffer has RADIUS_PACKET_MAX octets. */
CHECKED enum radius_fault radius_dynauth_answer(struct radius_crypto *crypto, struct slice secret,
						const struct radius_dynauth *request,
						enum radius_error_cause cause, uint8_t *buffer,
						struct slice *ret_packet);

/* The other end.  Written: of who what is not empty, and of the changes those with has_….  now is
 * written as Event-Timestamp. */
struct radius_dynauth_ask {
	bool coa; /* else Disconnect */
	uint8_t id;
	struct radius_who who;
	bool has_session_timeout, has_vlan, has_termination_action;
	uint32_t session_timeout;
	uint16_t vlan;
	bool reauthenticate;
	int64_t now;
};

CHECKED enum radius_fault radius_dynauth_build(struct radius_crypto *crypto, struct slice secret,
					       const struct radius_dynauth_ask *ask,
					       uint8_t *buffer, struct slice *ret_packet);
/* request: the octets that were sent.  ret_cause: RADIUS_CAUSE_NONE when there is none.
 * RADIUS_STALE as above. */
CHECKED enum radius_fault radius_dynauth_hear(struct radius_crypto *crypto, struct slice secret,
					      struct slice request, struct slice in, int64_t now,
					      bool *ret_ack, uint32_t *ret_cause);

#endif
