#include <string.h>

#include "method/tunnel_server_parts.h"
#include "method/tls_keys.h"

void tunnel_server_free(void *self)
{
	struct tunnel_server *t = self;

	if (!t)
		return;
	if (t->self)
		t->inside->free(t->self);
	tls_conn_free(t->conn);
	tls_reassembly_done(&t->incoming);
	bytes_done(&t->outer_sent);
	bytes_done(&t->outer_heard);
	bytes_done(&t->identity);
	bytes_done(&t->other);
	eap_keys_done(&t->keys);
	explicit_bzero(&t->binding, sizeof t->binding);
	free(t);
}

enum status tunnel_server_new(const struct tunnel_inside *inside, void *context,
			      const struct eap_server_about *about, void **ret_self)
{
	const struct tunnel_server_context *common = context;
	struct tunnel_server *t = calloc(1, sizeof *t);
	enum status status = NO_MEMORY;

	if (!t)
		return NO_MEMORY;
	t->inside = inside;
	t->fragment_size = common->fragment_size;
	t->certificate = (struct eap_question){ .kind = EAP_ASKS_CERTIFICATE, .tunnel = true };
	t->admission.kind = EAP_ASKS_ADMISSION;
	status = tls_server_conn_new(common->config, about->now, &t->conn);
	if (status == OK)
		status = inside->init(context, t, about, &t->self);
	if (status != OK) {
		tunnel_server_free(t);
		return status;
	}
	*ret_self = t;
	return OK;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void malformed(const struct tunnel_server *t, struct diagnosis *why, const char *detail)
{
	diagnosis_set(why, DIAG_MALFORMED);
	diagnosis_add(why, "what", "%s", t->inside->name);
	diagnosis_add(why, "detail", "%s", detail);
}

static bool has_pending(const struct tunnel_server *t)
{
	return tls_conn_pending(t->conn).len > 0;
}

/* With what TLS has to say about it. */
static enum eap_server_state fail(struct tunnel_server *t)
{
	eap_keys_done(&t->keys);
	t->phase = has_pending(t) ? FAILING : FAILED;
	return t->phase == FAILING ? METHOD_GOES_ON : METHOD_FAILED;
}

static enum eap_server_state give_up(struct tunnel_server *t)
{
	eap_keys_done(&t->keys);
	if (t->phase >= INSIDE)
		tls_conn_forget_session(t->conn);
	t->phase = FAILED;
	return METHOD_FAILED;
}

static enum eap_server_state give_up_over(struct tunnel_server *t, enum diagnosis_id id,
					  const char *detail)
{
	diagnosis_say(&t->why, id, "%s", detail);
	return give_up(t);
}

static enum eap_server_state succeed(struct tunnel_server *t)
{
	/* A session that cannot be kept costs a full handshake, the next time. */
	if (tunnel_server_remember(t) != OK)
		tls_conn_forget_session(t->conn);
	t->phase = SUCCEEDED;
	return METHOD_SUCCEEDED;
}

/* All inside has succeeded.  The ticket goes along with the last data, or by itself, where it also
 * stands for a protected success (RFC 9427, section 2.4). */
static enum eap_server_state conclude(struct tunnel_server *t)
{
	if (tls_keys_derive(t->conn, t->inside->type, true, &t->keys) != OK ||
	    (t->inside->derive && t->inside->derive(t->self, &t->keys) != OK))
		return give_up_over(t, DIAG_INTERNAL, "the keys could not be derived");
	if (tunnel_server_may_resume(t))
		tunnel_server_send_ticket(t);
	if (t->broken)
		return give_up_over(t, DIAG_INTERNAL, "nothing more could be sent");
	if (!has_pending(t))
		return succeed(t);
	t->phase = CONCLUDING;
	return METHOD_GOES_ON;
}

static enum eap_server_state outcome(struct tunnel_server *t, enum eap_server_state state)
{
	if (t->broken)
		return give_up_over(t, DIAG_INTERNAL, "nothing more could be sent");
	switch (state) {
	case METHOD_GOES_ON:
	case METHOD_ASKS:
		return state;
	case METHOD_SUCCEEDED:
		return conclude(t);
	case METHOD_FAILED:
		break;
	}
	t->why = *t->inside->diagnosis(t->self);
	return give_up(t);
}

/* ---- the handshake -------------------------------------------------------------------------- */

static enum status bind(struct tunnel_server *t)
{
	const struct slice empty = slice_of("", 0);

	t->binding.unique = tls_conn_exports_unique(t->conn);
	t->binding.claim = tls_conn_claim(t->conn);
	return tls_conn_export(t->conn, EAP_TUNNEL_BINDING_LABEL, &empty, t->binding.exported,
			       sizeof t->binding.exported);
}

static enum eap_server_state begin(struct tunnel_server *t, struct slice data, struct moment now)
{
	t->phase = INSIDE;
	if (bind(t) != OK || tunnel_server_recall(t) != OK)
		return give_up_over(t, DIAG_INTERNAL, "the tunnel could not be made ready");
	return outcome(t, t->inside->begin(t->self, data, now));
}

/* After octets of the handshake, or the answer to our question about it. */
static enum eap_server_state look(struct tunnel_server *t, struct moment now)
{
	struct slice data = tls_conn_received(t->conn);

	if (tls_conn_state(t->conn) == TLS_FAILED) {
		t->why = *tls_conn_diagnosis(t->conn);
		return fail(t);
	}
	if (tls_conn_asks(t->conn)) {
		t->certificate.about.claim = tls_conn_claim(t->conn);
		return METHOD_ASKS;
	}
	if (tls_conn_state(t->conn) == TLS_FINISHED) {
		if (!t->inside->apart || !has_pending(t) || data.len > 0)
			return begin(t, data, now);
		t->phase = APART;
		return METHOD_GOES_ON;
	}
	if (!has_pending(t)) {
		malformed(t, &t->why, "a flight that is not complete");
		return fail(t);
	}
	return METHOD_GOES_ON;
}

static enum eap_server_state shake(struct tunnel_server *t, struct slice flight, struct moment now)
{
	tls_conn_feed(t->conn, flight, now);
	return look(t, now);
}

/* ---- what comes after it -------------------------------------------------------------------- */

/* Feeds a flight that comes after the handshake; false when that is the end. */
static bool decrypt(struct tunnel_server *t, struct slice flight, struct moment now,
		    struct slice *ret_data)
{
	tls_conn_feed(t->conn, flight, now);
	*ret_data = tls_conn_received(t->conn);
	if (tls_conn_state(t->conn) == TLS_FAILED)
		t->why = *tls_conn_diagnosis(t->conn);
	else if (tls_conn_closed(t->conn))
		diagnosis_say(&t->why, DIAG_TLS_FAILED, "the peer closed the tunnel");
	else
		return true;
	return false;
}

static enum eap_server_state hear_inside(struct tunnel_server *t, struct slice flight,
					 struct moment now)
{
	struct slice data;

	if (!decrypt(t, flight, now, &data)) {
		tls_conn_forget_session(t->conn);
		return fail(t);
	}
	if (t->phase == APART)
		return begin(t, data, now);
	return outcome(t, t->inside->process(t->self, data, now));
}

/* What answers our last flight is empty, or an alert: the peer has changed its mind. */
static enum eap_server_state hear_last(struct tunnel_server *t, struct slice flight,
				       struct moment now)
{
	struct slice data;

	if (!decrypt(t, flight, now, &data)) {
		tls_conn_forget_session(t->conn);
		return fail(t);
	}
	if (data.len > 0 && !t->inside->peer_first)
		return give_up_over(t, DIAG_TLS_FAILED, "the peer went on after the end");
	return succeed(t);
}

static enum eap_server_state hear(struct tunnel_server *t, const struct tls_frame *frame,
				  struct moment now)
{
	struct slice flight;

	if (t->fragmenting)
		return METHOD_GOES_ON;
	if (tls_reassembly_add(&t->incoming, frame) != OK) {
		malformed(t, &t->why, "fragments that do not add up");
		return fail(t);
	}
	if (!t->incoming.complete)
		return METHOD_GOES_ON;
	flight = bytes_slice(&t->incoming.flight);
	switch (t->phase) {
	case STARTING:
	case SHAKING:
		return shake(t, flight, now);
	case APART:
	case INSIDE:
		return hear_inside(t, flight, now);
	case CONCLUDING:
		return hear_last(t, flight, now);
	case FAILING:
	case FAILED:
		break;
	case SUCCEEDED:
		return METHOD_SUCCEEDED;
	}
	t->phase = FAILED;
	return METHOD_FAILED;
}

/* RFC 5281, section 9.2: the peer answers the Start with the version that both are to speak. */
static enum eap_server_state open_up(struct tunnel_server *t, const struct tls_frame *frame,
				     struct moment now)
{
	unsigned version = frame->flags & TLS_FLAGS_VERSION;

	t->phase = SHAKING;
	if (version != t->inside->version) {
		diagnosis_set(&t->why, DIAG_INNER_VERSION);
		diagnosis_add(&t->why, "method", "%s", t->inside->name);
		diagnosis_add(&t->why, "version", "%u", version);
		diagnosis_add(&t->why, "ours", "%u", t->inside->version);
		return fail(t);
	}
	if (frame->outer.len > TUNNEL_OUTER_MAX) {
		malformed(t, &t->why, "too much of Outer TLVs");
		return fail(t);
	}
	if (bytes_set(&t->outer_heard, frame->outer) != OK)
		return give_up_over(t, DIAG_INTERNAL, "out of memory");
	return hear(t, frame, now);
}

/* ---- the method's functions ----------------------------------------------------------------- */

static enum status parse(const struct tunnel_server *t, struct slice in, struct tls_frame *frame)
{
	return t->inside->outer ? tls_frame_parse_outer(in, frame) : tls_frame_parse(in, frame);
}

/* What does not belong to the conversation is discarded, as the peer does it: a packet slipped in
 * does not end one.  If nothing better comes, the time-out is explained by it. */
static const char *stray_of(const struct tunnel_server *t, const struct eap_packet *response)
{
	struct tls_frame frame;

	if (parse(t, response->data, &frame) != OK)
		return TLS_FRAME_MALFORMED;
	if (t->phase != STARTING && (frame.flags & TLS_FLAGS_VERSION) != t->inside->version)
		return "another version in the middle";
	return tls_frame_stray_response(&frame, t->fragmenting);
}

bool tunnel_server_check(void *self, const struct eap_packet *response)
{
	struct tunnel_server *t = self;
	const char *stray = stray_of(t, response);

	if (stray)
		malformed(t, &t->discarded, stray);
	return stray;
}

enum eap_server_state tunnel_server_process(void *self, const struct eap_packet *response,
					    struct moment now)
{
	struct tunnel_server *t = self;
	struct tls_frame frame;

	/* Parsed by check already; this is the same parser. */
	if (parse(t, response->data, &frame) != OK)
		return give_up_over(t, DIAG_MALFORMED, "no frame");
	diagnosis_set(&t->discarded, DIAG_NONE);
	if (t->phase == STARTING)
		return open_up(t, &frame, now);
	return hear(t, &frame, now);
}

const struct eap_question *tunnel_server_question(const void *self)
{
	const struct tunnel_server *t = self;

	return tls_conn_asks(t->conn) ? &t->certificate : t->inside->question(t->self);
}

static enum eap_server_state hear_about_certificate(struct tunnel_server *t,
						    const struct eap_reply *reply,
						    struct moment now)
{
	struct diagnosis denied;

	if (reply->accept) {
		tls_conn_admit(t->conn, now);
	} else if (tls_conn_may_disregard(t->conn)) {
		tls_conn_disregard(t->conn, now);
	} else {
		diagnosis_set(&denied, DIAG_PEER_DENIED);
		tls_conn_refuse(t->conn,
				reply->why && reply->why->id != DIAG_NONE ? reply->why : &denied);
	}
	return look(t, now);
}

enum eap_server_state tunnel_server_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct tunnel_server *t = self;

	if (tls_conn_asks(t->conn))
		return hear_about_certificate(t, reply, now);
	if (t->phase != INSIDE)
		return give_up_over(t, DIAG_INTERNAL, "an answer without a question");
	return outcome(t, t->inside->answer(t->self, reply, now));
}

static void build_start(struct tunnel_server *t, struct wr *w)
{
	uint8_t outer[256];
	struct wr o = wr_of(outer, sizeof outer);
	struct tls_frame frame = { .flags = TLS_START | t->inside->version };

	if (t->inside->outer)
		t->inside->write_outer(t->self, &o);
	/* Without memory for them they are not sent: what was sent is what counts later. */
	if (bytes_set(&t->outer_sent, wr_done(&o)) == OK && o.len > 0) {
		frame.flags |= TLS_OUTER;
		frame.outer = bytes_slice(&t->outer_sent);
	}
	tls_frame_build(w, &frame);
}

/* An acknowledgement of a fragment is empty. */
static bool acknowledges(const struct tunnel_server *t)
{
	return t->incoming.flight.len > 0 && !t->incoming.complete;
}

void tunnel_server_build(void *self, struct wr *w)
{
	struct tunnel_server *t = self;
	struct slice pending = acknowledges(t) ? slice_of(NULL, 0) : tls_conn_pending(t->conn);
	size_t most = t->fragment_size ? t->fragment_size : SIZE_MAX;
	struct tls_frame frame;

	if (t->phase == STARTING) {
		build_start(t, w);
		return;
	}
	frame = tls_fragment(pending, most, wr_room(w), !t->fragmenting);
	frame.flags |= t->inside->version;
	tls_frame_build(w, &frame);
	tls_conn_consume(t->conn, frame.data.len);
	t->fragmenting = frame.flags & TLS_MORE;
}

bool tunnel_server_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct tunnel_server *t = self;

	if (t->phase != SUCCEEDED || t->keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &t->keys);
	return true;
}

enum status tunnel_server_session_id(const void *self, struct bytes *ret_id)
{
	const struct tunnel_server *t = self;

	return t->phase == SUCCEEDED ? tls_session_id_derive(t->conn, t->inside->type, ret_id)
				     : UNEXPECTED;
}

const struct diagnosis *tunnel_server_diagnosis(const void *self)
{
	const struct tunnel_server *t = self;

	if (t->why.id != DIAG_NONE || t->phase == SUCCEEDED)
		return &t->why;
	if (t->discarded.id == DIAG_NONE && t->phase == INSIDE)
		return t->inside->diagnosis(t->self);
	return &t->discarded;
}

bool tunnel_server_report(const void *self, struct eap_report *ret_report)
{
	const struct tunnel_server *t = self;

	if (tls_conn_state(t->conn) != TLS_FINISHED && !tls_conn_claim(t->conn))
		return false;
	tls_conn_report(t->conn, ret_report);
	snprintf(ret_report->inner, sizeof ret_report->inner, "%s", t->method);
	return true;
}

const char *tunnel_server_stage(const void *self)
{
	const struct tunnel_server *t = self;

	switch (t->phase) {
	case STARTING:
		return "start of the tunnel";
	case SHAKING:
		return tls_conn_stage(t->conn);
	case APART:
		return "finished";
	case INSIDE:
		return t->inside->stage(t->self);
	case CONCLUDING:
		return "last message";
	case FAILING:
		return "alert";
	case SUCCEEDED:
		return "success";
	case FAILED:
		break;
	}
	return "failure";
}
