#include "method/tls_server.h"

#include "method/tls_frame.h"
#include "method/tls_keys.h"

/* Where a conversation stands; each Request is of one of these. */
enum phase {
	STARTING,   /* the Start */
	SHAKING,    /* flights of the handshake, ours or theirs */
	CONCLUDING, /* our last flight; the client only acknowledges it */
	FAILING,    /* an alert, which the client acknowledges too */
	SUCCEEDED,
	FAILED
};

struct conversation {
	struct tls_conn *conn;
	size_t fragment_size;
	enum phase phase;
	struct tls_reassembly incoming;
	bool fragmenting; /* a part of our flight was sent */
	bool inside;	  /* of a tunnel, which alone asks for an EMSK */
	struct eap_keys keys;
	struct diagnosis why;
	struct diagnosis discarded; /* the last that was; tells of a time-out */
	struct eap_question question;
};

static void server_free(void *self)
{
	struct conversation *c = self;

	if (!c)
		return;
	tls_conn_free(c->conn);
	tls_reassembly_done(&c->incoming);
	eap_keys_done(&c->keys);
	free(c);
}

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	const struct tls_server_context *common = context;
	struct conversation *c = calloc(1, sizeof *c);
	enum status status =
		c ? tls_server_conn_new(common->config, about->now, &c->conn) : NO_MEMORY;

	if (status != OK) {
		free(c);
		return status;
	}
	c->fragment_size = common->fragment_size;
	c->inside = about->tunnel;
	c->question.kind = EAP_ASKS_CERTIFICATE;
	*ret_self = c;
	return OK;
}

static void malformed(struct diagnosis *why, const char *detail)
{
	diagnosis_set(why, DIAG_MALFORMED);
	diagnosis_add(why, "what", "EAP-TLS");
	diagnosis_add(why, "detail", "%s", detail);
}

/* What does not belong to the conversation is discarded, as the peer does it: a packet slipped in
 * does not end one.  If nothing better comes, the time-out is explained by it. */
static bool server_check(void *self, const struct eap_packet *response)
{
	struct conversation *c = self;
	struct tls_frame frame;
	const char *stray = tls_frame_parse(response->data, &frame) == OK
				    ? tls_frame_stray_response(&frame, c->fragmenting)
				    : TLS_FRAME_MALFORMED;

	if (stray)
		malformed(&c->discarded, stray);
	return stray;
}

static bool has_pending(const struct conversation *c)
{
	return tls_conn_pending(c->conn).len > 0;
}

static enum eap_server_state fail(struct conversation *c)
{
	eap_keys_done(&c->keys);
	c->phase = has_pending(c) ? FAILING : FAILED;
	return c->phase == FAILING ? METHOD_GOES_ON : METHOD_FAILED;
}

static enum eap_server_state give_up(struct conversation *c, enum diagnosis_id id,
				     const char *detail)
{
	diagnosis_say(&c->why, id, "%s", detail);
	eap_keys_done(&c->keys);
	c->phase = FAILED;
	return METHOD_FAILED;
}

/* The handshake is at its end and the machine admitted. */
static enum eap_server_state conclude(struct conversation *c)
{
	static const uint8_t success = 0;

	if (tls_keys_derive(c->conn, EAP_TYPE_TLS, c->inside, &c->keys) != OK)
		return give_up(c, DIAG_INTERNAL, "the keys could not be derived");
	/* RFC 9190, section 2.5: the protected success indication. */
	if (tls_conn_version(c->conn) >= TLS_1_3 &&
	    tls_conn_send(c->conn, slice_of(&success, 1)) != OK)
		return give_up(c, DIAG_INTERNAL, "no success indication could be made");
	c->phase = has_pending(c) ? CONCLUDING : SUCCEEDED;
	return c->phase == CONCLUDING ? METHOD_GOES_ON : METHOD_SUCCEEDED;
}

/* After octets of the client, or the answer to our question. */
static enum eap_server_state look(struct conversation *c)
{
	if (tls_conn_state(c->conn) == TLS_FAILED) {
		c->why = *tls_conn_diagnosis(c->conn);
		return fail(c);
	}
	if (tls_conn_asks(c->conn)) {
		c->question.about.claim = tls_conn_claim(c->conn);
		return METHOD_ASKS;
	}
	if (tls_conn_received(c->conn).len > 0)
		return give_up(c, DIAG_TLS_FAILED, "the peer sent data, which EAP-TLS has none of");
	if (tls_conn_state(c->conn) == TLS_FINISHED)
		return conclude(c);
	if (!has_pending(c)) {
		malformed(&c->why, "a flight that is not complete");
		return fail(c);
	}
	return METHOD_GOES_ON;
}

/* What answers our last flight is empty, or an alert: the client has changed its mind. */
static enum eap_server_state hear_last(struct conversation *c, struct slice flight,
				       struct moment now)
{
	if (flight.len > 0)
		tls_conn_feed(c->conn, flight, now);
	if (tls_conn_state(c->conn) == TLS_FAILED) {
		c->why = *tls_conn_diagnosis(c->conn);
		return fail(c);
	}
	if (tls_conn_closed(c->conn) || flight.len > 0)
		return give_up(c, DIAG_TLS_FAILED,
			       "the peer went on after the end of the handshake");
	c->phase = SUCCEEDED;
	return METHOD_SUCCEEDED;
}

static enum eap_server_state hear(struct conversation *c, const struct tls_frame *frame,
				  struct moment now)
{
	struct slice flight;

	if (c->phase == STARTING)
		c->phase = SHAKING;
	if (c->fragmenting)
		return METHOD_GOES_ON;
	if (tls_reassembly_add(&c->incoming, frame) != OK) {
		malformed(&c->why, "fragments that do not add up");
		return fail(c);
	}
	if (!c->incoming.complete)
		return METHOD_GOES_ON;
	flight = bytes_slice(&c->incoming.flight);
	switch (c->phase) {
	case STARTING:
	case SHAKING:
		tls_conn_feed(c->conn, flight, now);
		return look(c);
	case CONCLUDING:
		return hear_last(c, flight, now);
	case FAILING:
	case FAILED:
		break;
	case SUCCEEDED:
		return METHOD_SUCCEEDED;
	}
	c->phase = FAILED;
	return METHOD_FAILED;
}

static enum eap_server_state server_process(void *self, const struct eap_packet *response,
					    struct moment now)
{
	struct conversation *c = self;
	struct tls_frame frame;

	/* Parsed by check already; this is the same parser. */
	if (tls_frame_parse(response->data, &frame) != OK)
		return give_up(c, DIAG_MALFORMED, "no frame");
	diagnosis_set(&c->discarded, DIAG_NONE);
	return hear(c, &frame, now);
}

static const struct eap_question *server_question(const void *self)
{
	const struct conversation *c = self;

	return &c->question;
}

static enum eap_server_state server_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct conversation *c = self;
	const struct tls_claim *claim = tls_conn_claim(c->conn);
	const struct diagnosis *why = reply->why;
	struct diagnosis denied;

	if (!tls_conn_asks(c->conn))
		return give_up(c, DIAG_INTERNAL, "an answer without a question");
	if (reply->accept) {
		tls_conn_admit(c->conn, now);
		return look(c);
	}
	if (!why || why->id == DIAG_NONE) {
		diagnosis_set(&denied, DIAG_PEER_DENIED);
		diagnosis_add(&denied, "subject", "%.*s", (int)claim->subject.len,
			      (const char *)claim->subject.p);
		why = &denied;
	}
	tls_conn_refuse(c->conn, why);
	return look(c);
}

/* An acknowledgement of a fragment is empty. */
static bool acknowledges(const struct conversation *c)
{
	return c->incoming.flight.len > 0 && !c->incoming.complete;
}

static void server_build(void *self, struct wr *w)
{
	struct conversation *c = self;
	struct slice pending = acknowledges(c) ? slice_of(NULL, 0) : tls_conn_pending(c->conn);
	size_t most = c->fragment_size ? c->fragment_size : SIZE_MAX;
	struct tls_frame frame = { .flags = TLS_START };

	if (c->phase != STARTING)
		frame = tls_fragment(pending, most, wr_room(w), !c->fragmenting);
	tls_frame_build(w, &frame);
	tls_conn_consume(c->conn, frame.data.len);
	c->fragmenting = frame.flags & TLS_MORE;
}

static bool server_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct conversation *c = self;

	if (c->phase != SUCCEEDED || c->keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &c->keys);
	return true;
}

static enum status server_session_id(const void *self, struct bytes *ret_id)
{
	const struct conversation *c = self;

	return c->phase == SUCCEEDED ? tls_session_id_derive(c->conn, EAP_TYPE_TLS, ret_id)
				     : UNEXPECTED;
}

static const struct diagnosis *server_diagnosis(const void *self)
{
	const struct conversation *c = self;

	return c->why.id == DIAG_NONE && c->phase != SUCCEEDED ? &c->discarded : &c->why;
}

static bool server_report(const void *self, struct eap_report *ret_report)
{
	const struct conversation *c = self;

	if (!tls_conn_claim(c->conn))
		return false;
	tls_conn_report(c->conn, ret_report);
	return true;
}

static const char *server_stage(const void *self)
{
	const struct conversation *c = self;

	switch (c->phase) {
	case STARTING:
		return "EAP-TLS start";
	case SHAKING:
		return tls_conn_stage(c->conn);
	case CONCLUDING:
		return "finished";
	case FAILING:
		return "alert";
	case SUCCEEDED:
		return "success";
	case FAILED:
		break;
	}
	return "failure";
}

const struct eap_server_method tls_server_method = {
	.name = "EAP-TLS",
	.type = { .vendor = 0, .type = EAP_TYPE_TLS },
	.init = server_init,
	.check = server_check,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.build = server_build,
	.take_keys = server_take_keys,
	.session_id = server_session_id,
	.diagnosis = server_diagnosis,
	.report = server_report,
	.stage = server_stage,
	.free = server_free,
};
