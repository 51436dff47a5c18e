#include "method/tls_peer.h"

#include "method/tls_frame.h"
#include "method/tls_keys.h"
#include "method/tls_verdict.h"

struct tls_peer {
	struct tls_config *config;
	struct tls_peer_options options;
	struct tls_session session;
	bool unconfirmed; /* what this server resumes: it is asked for no more of that */

	/* one conversation */
	struct tls_conn *conn; /* from the Start to the end */
	struct tls_reassembly incoming;
	bool fragmenting; /* a part of our flight was sent */
	bool succeeded, failed, repeats;
	struct eap_keys keys;

	/* what stays of it */
	const char *stage;
	struct diagnosis why;
	struct eap_report report;
};

static void forget(struct tls_peer *peer)
{
	tls_conn_free(TAKE(peer->conn));
	tls_reassembly_done(&peer->incoming);
	peer->fragmenting = false;
	eap_keys_done(&peer->keys);
}

/* hostapd 2.10 ends a resumed handshake of TLS 1.3 with EAP-Success alone, without the success
 * indication that RFC 9190, section 2.5, has the peer wait for. */
static bool resumed_in_vain(const struct tls_peer *peer)
{
	struct eap_report report;

	if (!peer->conn || peer->succeeded || peer->failed ||
	    tls_conn_state(peer->conn) != TLS_FINISHED)
		return false;
	tls_conn_report(peer->conn, &report);
	return report.resumed;
}

static void peer_stop(void *self)
{
	struct tls_peer *peer = self;

	peer->repeats = resumed_in_vain(peer);
	peer->unconfirmed = peer->unconfirmed || peer->repeats;
	forget(peer);
}

static void peer_start(void *self, struct moment now)
{
	struct tls_peer *peer = self;

	(void)now;
	forget(peer);
	peer->succeeded = peer->failed = peer->repeats = false;
	peer->stage = "EAP-TLS start";
	peer->report = (struct eap_report){ 0 };
	diagnosis_set(&peer->why, DIAG_NONE);
}

static void peer_free(void *self)
{
	struct tls_peer *peer = self;

	if (!peer)
		return;
	forget(peer);
	tls_session_done(&peer->session);
	tls_config_free(peer->config);
	free(peer);
}

static void malformed(struct tls_peer *peer, const char *detail)
{
	diagnosis_set(&peer->why, DIAG_MALFORMED);
	diagnosis_add(&peer->why, "what", "EAP-TLS");
	diagnosis_add(&peer->why, "detail", "%s", detail);
}

/* What does not belong to the conversation is discarded, so that a packet slipped in does not end
 * it: a Start in the middle too, although RFC 5216 leaves open whether one restarts.  If nothing
 * better comes, the time-out is explained by what was discarded. */
static bool peer_check(void *self, const struct eap_packet *request)
{
	struct tls_peer *peer = self;
	struct tls_frame frame;
	const char *stray = tls_frame_parse(request->data, &frame) == OK
				    ? tls_frame_stray_request(&frame, peer->conn, peer->fragmenting)
				    : TLS_FRAME_MALFORMED;

	if (stray)
		malformed(peer, stray);
	return stray;
}

/* What is pending, or an empty answer, lets the server end with EAP-Failure. */
static struct eap_verdict fail(struct tls_peer *peer)
{
	tls_session_done(&peer->session);
	eap_keys_done(&peer->keys);
	peer->succeeded = false;
	peer->failed = true;
	return going_on;
}

static struct eap_verdict give_up(struct tls_peer *peer, enum diagnosis_id id, const char *detail)
{
	diagnosis_say(&peer->why, id, "%s", detail);
	return fail(peer);
}

static struct eap_verdict succeed(struct tls_peer *peer, struct eap_verdict verdict)
{
	if (!peer->succeeded) {
		if (tls_keys_derive(peer->conn, EAP_TYPE_TLS, true, &peer->keys) != OK ||
		    tls_session_id_derive(peer->conn, EAP_TYPE_TLS, &peer->keys.session_id) != OK)
			return give_up(peer, DIAG_INTERNAL, "the keys could not be derived");
		tls_conn_report(peer->conn, &peer->report);
		peer->succeeded = true;
	}
	/* Also later: a ticket may have come with what confirmed an early success. */
	tls_conn_keep_session(peer->conn);
	return verdict;
}

/* RFC 9190, section 2.5: one octet, 0, is the protected success indication.  It may come only after
 * our Finished, but some servers, of drafts of that RFC, send it with their own; it then proves
 * that the server speaks, not that it admits us. */
static struct eap_verdict after_finished_1_3(struct tls_peer *peer, bool just_finished)
{
	static const uint8_t success = 0;
	struct slice received = tls_conn_received(peer->conn);

	if (slice_eq(received, slice_of(&success, 1)))
		return succeed(peer, just_finished ? server_decides : admitted);
	if (received.len > 0)
		return give_up(peer, DIAG_TLS_FAILED,
			       "the server sent data where RFC 9190 has its success indication");
	if (tls_conn_closed(peer->conn))
		return give_up(
			peer, DIAG_TLS_FAILED,
			"the server closed TLS instead of indicating success (RFC 9190, 2.5)");
	/* A ticket, or half of what is to come. */
	peer->stage = "success indication";
	return peer->succeeded ? server_decides : going_on;
}

static struct eap_verdict after_finished(struct tls_peer *peer, bool just_finished)
{
	if (tls_conn_version(peer->conn) >= TLS_1_3)
		return after_finished_1_3(peer, just_finished);
	if (tls_conn_received(peer->conn).len > 0)
		return give_up(peer, DIAG_TLS_FAILED, "the server sent data after its Finished");
	return succeed(peer, server_decides);
}

/* A whole flight of the server: empty to begin with, or when it acknowledged our last fragment. */
static struct eap_verdict advance(struct tls_peer *peer, struct slice flight, struct moment now)
{
	bool was_finished = tls_conn_state(peer->conn) == TLS_FINISHED;

	tls_conn_feed(peer->conn, flight, now);
	peer->stage = tls_conn_stage(peer->conn);
	switch (tls_conn_state(peer->conn)) {
	case TLS_HANDSHAKE:
		return going_on;
	case TLS_FINISHED:
		peer->stage = "finished";
		return after_finished(peer, !was_finished);
	case TLS_FAILED:
		break;
	}
	peer->why = *tls_conn_diagnosis(peer->conn);
	return fail(peer);
}

static struct eap_verdict begin(struct tls_peer *peer, struct moment now)
{
	struct tls_session *session = peer->unconfirmed ? NULL : &peer->session;

	if (tls_conn_new(peer->config, session, now, &peer->conn) != OK) {
		give_up(peer, DIAG_INTERNAL, "no TLS connection could be made");
		return given_up;
	}
	return advance(peer, slice_of(NULL, 0), now);
}

static struct eap_verdict process(struct tls_peer *peer, const struct tls_frame *frame,
				  struct moment now)
{
	if (frame->flags & TLS_START)
		return begin(peer, now);
	if (!peer->failed)
		diagnosis_set(&peer->why, DIAG_NONE); /* whatever was discarded */
	if (peer->fragmenting)
		return peer->succeeded ? server_decides : going_on;
	/* The server has our alert, or knows that we have its own, and yet goes on. */
	if (peer->failed)
		return given_up;
	if (tls_reassembly_add(&peer->incoming, frame) != OK) {
		malformed(peer, "fragments that do not add up");
		return given_up;
	}
	if (!peer->incoming.complete)
		return going_on;
	return advance(peer, bytes_slice(&peer->incoming.flight), now);
}

static struct eap_verdict peer_process(void *self, const struct eap_packet *request,
				       struct moment now)
{
	struct tls_peer *peer = self;
	struct tls_frame frame;
	struct eap_verdict verdict = given_up;

	/* Parsed by check already; this is the same parser. */
	if (tls_frame_parse(request->data, &frame) == OK)
		verdict = process(peer, &frame, now);
	if (verdict.methodState == METHOD_DONE) {
		tls_conn_free(TAKE(peer->conn));
		tls_reassembly_done(&peer->incoming);
	}
	return verdict;
}

static void peer_build(void *self, struct wr *w)
{
	struct tls_peer *peer = self;
	struct slice pending = peer->conn ? tls_conn_pending(peer->conn) : slice_of(NULL, 0);
	size_t most = peer->options.fragment_size ? peer->options.fragment_size : SIZE_MAX;
	struct tls_frame frame = tls_fragment(pending, most, wr_room(w), !peer->fragmenting);

	tls_frame_build(w, &frame);
	if (peer->conn)
		tls_conn_consume(peer->conn, frame.data.len);
	peer->fragmenting = frame.flags & TLS_MORE;
}

static bool peer_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct tls_peer *peer = self;

	if (!peer->succeeded || peer->keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &peer->keys);
	return true;
}

static const struct diagnosis *peer_diagnosis(const void *self)
{
	const struct tls_peer *peer = self;

	return &peer->why;
}

static bool peer_report(const void *self, struct eap_report *ret_report)
{
	const struct tls_peer *peer = self;

	if (!peer->succeeded)
		return false;
	*ret_report = peer->report;
	return true;
}

static bool peer_repeats(const void *self)
{
	const struct tls_peer *peer = self;

	return peer->repeats;
}

static const char *peer_stage(const void *self)
{
	const struct tls_peer *peer = self;

	return peer->stage;
}

const struct eap_peer_method tls_peer_method = {
	.name = "EAP-TLS",
	.type = { .vendor = 0, .type = EAP_TYPE_TLS },
	.start = peer_start,
	.check = peer_check,
	.process = peer_process,
	.build = peer_build,
	.take_keys = peer_take_keys,
	.diagnosis = peer_diagnosis,
	.report = peer_report,
	.stage = peer_stage,
	.repeats = peer_repeats,
	.stop = peer_stop,
	.free = peer_free,
};

enum status tls_peer_new(struct tls_config *config, const struct tls_peer_options *options,
			 struct tls_peer **ret_peer)
{
	struct tls_peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return NO_MEMORY;
	peer->config = tls_config_ref(config);
	if (options)
		peer->options = *options;
	peer_start(peer, (struct moment){ 0 });
	*ret_peer = peer;
	return OK;
}
