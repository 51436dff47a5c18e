/* TEAP's servers and peers that say what they should not, inside of a tunnel that is good: each a
 * row of messages, with or without a Crypto-Binding that is right, against the other end of ours.
 */
#ifndef TESTS_TEAP_HOSTILE_H
#define TESTS_TEAP_HOSTILE_H

#include "tests/teap_duo.h"

#define SAYS_MAX 6

/* One message: TLVs, and behind them a Crypto-Binding of which an octet is changed. */
struct says {
	const char *tlvs; /* with its length, for it holds NULs */
	size_t len;
	bool binds;
	size_t flips; /* 1 and up: this octet of the Crypto-Binding */
};
#define SAYS(text)                                                                                 \
	{                                                                                          \
		.tlvs = (text), .len = sizeof(text) - 1                                            \
	}
#define SAYS_AND_BINDS(text)                                                                       \
	{                                                                                          \
		.tlvs = (text), .len = sizeof(text) - 1, .binds = true                             \
	}

#define RESULT_SUCCESS	     "\x80\x03\0\2\0\1"
#define RESULT_FAILURE	     "\x80\x03\0\2\0\2"
#define INTERMEDIATE_SUCCESS "\x80\x0a\0\2\0\1"
#define IDENTITY_REQUEST     "\x80\x09\0\5\1\x07\0\5\1"
#define PASSWORD_REQUEST     "\x80\x0d\0\0"
#define UNKNOWN_MANDATORY    "\x80\x55\0\1x"
#define UNKNOWN_OPTIONAL     "\0\x55\0\1x"

/* Who says it, in either part. */
struct hostile {
	struct teap_duo d; /* first: it is the context of both */
	struct says says[SAYS_MAX];
	size_t next;
	struct tunnel_server *tunnel;
	struct teap_keys keys;
	bool keyed;

	/* what was heard last */
	struct teap_message heard;
	enum status status;
	size_t octets;
	unsigned messages;
};

/* Before the ends are made; may be NULL. */
typedef void hostile_prepare(struct hostile *h);

/* Our peer wants a user by EAP-MSCHAPv2, or, optional, nothing. */
void face_server(struct hostile *h, bool optional, const struct says *says, size_t count);
void face_server_with(struct hostile *h, bool optional, const struct says *says, size_t count,
		      hostile_prepare *prepare);
/* Our server is content with a certificate, or asks for a user by EAP-MSCHAPv2. */
void face_peer(struct hostile *h, bool certificate, const struct says *says, size_t count);
void face_peer_with(struct hostile *h, bool certificate, const struct says *says, size_t count,
		    hostile_prepare *prepare);

#endif
