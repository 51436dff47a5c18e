#include "method/tunnel_peer.h"

#include <string.h>

#include "method/tls_keys.h"
#include "method/tls_verdict.h"
#include "method/tunnel_peer_parts.h"
#include "tls/server.h"

/* ---- life ---------------------------------------------------------------------------------- */

static void forget(struct tunnel_peer *t)
{
	tls_conn_free(TAKE(t->conn));
	tls_reassembly_done(&t->incoming);
	bytes_done(&t->outer);
	t->fragmenting = false;
	eap_keys_done(&t->keys);
	explicit_bzero(&t->binding, sizeof t->binding);
	bytes_done(&t->pinned_root);
}

/* As with EAP-TLS, some servers end a resumed handshake of TLS 1.3 without the indication that RFC
 * 9427, section 4, has the peer wait for. */
static bool resumed_in_vain(const struct tunnel_peer *t)
{
	return tunnel_peer_finished(t) && tls_conn_resumed(t->conn) && !t->succeeded &&
	       !t->failed && !t->began;
}

void tunnel_peer_stop(void *self)
{
	struct tunnel_peer *t = self;

	t->repeats = resumed_in_vain(t);
	t->unconfirmed = t->unconfirmed || t->repeats;
	t->inside->stop(t->self);
	forget(t);
}

void tunnel_peer_start(void *self, struct moment now)
{
	struct tunnel_peer *t = self;

	forget(t);
	t->began = t->succeeded = t->failed = t->repeats = t->agreed = false;
	t->stage = "start of the tunnel";
	t->report = (struct eap_report){ 0 };
	diagnosis_set(&t->why, DIAG_NONE);
	t->inside->start(t->self, now);
}

void tunnel_peer_free(void *self)
{
	struct tunnel_peer *t = self;

	if (!t)
		return;
	forget(t);
	if (t->self)
		t->inside->free(t->self);
	tls_session_done(&t->session);
	tls_config_free(t->config);
	free(t);
}

enum status tunnel_peer_new(struct tls_config *config, const struct tunnel_peer_options *options,
			    const struct tunnel_peer_inside *inside, void *self,
			    struct tunnel_peer **ret_tunnel)
{
	struct tunnel_peer *t = calloc(1, sizeof *t);

	if (!t)
		return NO_MEMORY;
	t->config = tls_config_ref(config);
	if (options)
		t->options = *options;
	t->inside = inside;
	t->self = self;
	tunnel_peer_start(t, (struct moment){ 0 });
	*ret_tunnel = t;
	return OK;
}

/* ---- what may come ------------------------------------------------------------------------- */

static enum status parse(const struct tunnel_peer *t, struct slice in, struct tls_frame *out)
{
	return (t->inside->outer ? tls_frame_parse_outer : tls_frame_parse)(in, out);
}

static const char *stray_of(const struct tunnel_peer *t, const struct eap_packet *request)
{
	struct tls_frame frame;

	if (parse(t, request->data, &frame) != OK)
		return TLS_FRAME_MALFORMED;
	if (t->conn && (frame.flags & TLS_FLAGS_VERSION) != t->version)
		return "another version than was agreed";
	if (t->conn && frame.outer.len > 0)
		return "outer TLVs after the Start";
	return tls_frame_stray_request(&frame, t->conn, t->fragmenting);
}

/* What does not belong to the conversation is discarded, as in EAP-TLS. */
bool tunnel_peer_check(void *self, const struct eap_packet *request)
{
	struct tunnel_peer *t = self;
	const char *stray = stray_of(t, request);

	if (stray)
		(void)tunnel_peer_malformed(t, stray);
	return stray;
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/* Both ends said so within the tunnel; the server may say more. */
static const struct eap_verdict agreed = { METHOD_MAY_CONT, UNCOND_SUCC, false };
/* A resumption that was confirmed; FreeRADIUS goes on with a Result TLV of PEAP. */
static const struct eap_verdict confirmed = { METHOD_MAY_CONT, UNCOND_SUCC, true };

/* What is pending, or an empty answer, lets the server end with EAP-Failure. */
static struct eap_verdict fail(struct tunnel_peer *t)
{
	tls_session_done(&t->session);
	eap_keys_done(&t->keys);
	t->succeeded = false;
	t->failed = true;
	return going_on;
}

static struct eap_verdict give_up(struct tunnel_peer *t, enum diagnosis_id id, const char *detail)
{
	diagnosis_say(&t->why, id, "%s", detail);
	return fail(t);
}

/* keys: those of the tunnel, unless the inside knows better. */
static enum status derive(struct tunnel_peer *t)
{
	enum status status = tls_keys_derive(t->conn, t->inside->type, true, &t->keys);

	if (status == OK)
		status = tls_session_id_derive(t->conn, t->inside->type, &t->keys.session_id);
	if (status == OK && t->began && t->inside->keys)
		status = t->inside->keys(t->self, t, &t->keys);
	return status;
}

static struct eap_verdict succeed(struct tunnel_peer *t, struct eap_verdict verdict)
{
	if (derive(t) != OK)
		return give_up(t, DIAG_INTERNAL, "the keys could not be derived");
	tls_conn_report(t->conn, &t->report);
	if (t->inside->report)
		t->inside->report(t->self, &t->report);
	t->succeeded = true;
	return verdict;
}

/* ---- phase two ----------------------------------------------------------------------------- */

static struct eap_verdict advance_inside(struct tunnel_peer *t, struct slice data,
					 struct moment now)
{
	enum tunnel_progress progress;

	t->began = true;
	progress = t->inside->advance(t->self, t, data, now);
	t->agreed = progress == TUNNEL_AGREED;
	switch (progress) {
	case TUNNEL_GOES_ON:
		t->succeeded = false;
		return going_on;
	case TUNNEL_SERVER_DECIDES:
		return succeed(t, server_decides);
	case TUNNEL_ADMITTED:
		return succeed(t, admitted);
	case TUNNEL_AGREED:
		return succeed(t, agreed);
	case TUNNEL_FAILED:
		return fail(t);
	case TUNNEL_GIVES_UP:
		fail(t);
		break;
	}
	return given_up;
}

static struct eap_verdict closed(struct tunnel_peer *t)
{
	diagnosis_set(&t->why, DIAG_NONE);
	if (t->began && t->inside->refusal)
		t->inside->refusal(t->self, &t->why);
	if (t->why.id == DIAG_NONE) {
		diagnosis_set(&t->why, DIAG_TUNNEL_CLOSED);
		diagnosis_add(&t->why, "state", "%s",
			      t->began ? t->inside->stage(t->self) : t->stage);
	}
	return fail(t);
}

/* With TLS 1.2 a resumption needs no more than EAP-Success: RFC 5281, section 7.5. */
static bool resumption_suffices(const struct tunnel_peer *t)
{
	return tls_conn_resumed(t->conn) && tls_conn_version(t->conn) < TLS_1_3 &&
	       !t->inside->results;
}

/* RFC 9427, section 4: "the protected success indication", by which a resumption with TLS 1.3 ends
 * unless something inside takes its place. */
static bool confirms_resumption(const struct tunnel_peer *t, struct slice data)
{
	static const uint8_t success = 0;

	return tls_conn_resumed(t->conn) && tls_conn_version(t->conn) >= TLS_1_3 && !t->began &&
	       !t->inside->results && slice_eq(data, slice_of(&success, 1));
}

static bool fill_binding(struct tunnel_peer *t)
{
	const struct slice empty = { 0 };

	if (tls_conn_pinned_root(t->conn, &t->pinned_root) != OK)
		return false;
	t->binding = (struct eap_tunnel_binding){
		.unique = tls_conn_exports_unique(t->conn),
		.server_trusted = tls_conn_trusts(t->conn),
		.server_named = tls_conn_trusts_by_name(t->conn),
		.shown = tls_conn_shows(t->conn),
		.pinned_root = bytes_slice(&t->pinned_root),
	};
	return tls_conn_export(t->conn, EAP_TUNNEL_BINDING_LABEL, &empty, t->binding.exported,
			       sizeof t->binding.exported) == OK;
}

/* Phase two does not begin along with the end of our handshake, in one flight: servers of TLS 1.3
 * differ in whether they look for data there.  Nor may a server's data have come so early (RFC
 * 9427, section 3), but for the indication, which drafts of RFC 9190 had there: it then proves that
 * the server speaks, not that it admits us. */
static struct eap_verdict just_finished(struct tunnel_peer *t)
{
	struct slice data = tls_conn_received(t->conn);

	if (confirms_resumption(t, data))
		return succeed(t, server_decides);
	if (data.len > 0)
		return give_up(t, DIAG_TLS_FAILED,
			       "the server sent data before the handshake was done");
	return resumption_suffices(t) ? succeed(t, server_decides) : going_on;
}

static struct eap_verdict after_finished(struct tunnel_peer *t, bool just, struct moment now)
{
	struct slice data = tls_conn_received(t->conn);

	t->stage = "finished";
	if (just && !fill_binding(t))
		return give_up(t, DIAG_INTERNAL, "the tunnel's exporter failed");
	if (tls_conn_closed(t->conn))
		return closed(t);
	if (just && tls_conn_pending(t->conn).len > 0)
		return just_finished(t);
	if (confirms_resumption(t, data))
		return succeed(t, confirmed);
	return advance_inside(t, data, now);
}

/* ---- phase one ----------------------------------------------------------------------------- */

/* A whole flight of the server: empty to begin with, or when it acknowledged our last fragment. */
static struct eap_verdict advance(struct tunnel_peer *t, struct slice flight, struct moment now)
{
	bool was_finished = tunnel_peer_finished(t);

	tls_conn_feed(t->conn, flight, now);
	if (!was_finished)
		t->stage = tls_conn_stage(t->conn);
	switch (tls_conn_state(t->conn)) {
	case TLS_HANDSHAKE:
		return going_on;
	case TLS_FINISHED:
		return after_finished(t, !was_finished, now);
	case TLS_FAILED:
		break;
	}
	if (was_finished && t->began && t->inside->refusal)
		t->inside->refusal(t->self, &t->why);
	if (t->why.id == DIAG_NONE)
		t->why = *tls_conn_diagnosis(t->conn);
	return fail(t);
}

static uint8_t lower(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static struct eap_verdict begin(struct tunnel_peer *t, const struct tls_frame *frame,
				struct moment now)
{
	struct tunnel_start start = { .offered = frame->flags & TLS_FLAGS_VERSION,
				      .outer = frame->outer };

	start.version = t->version = lower(start.offered, t->inside->version_most);
	if (start.version < t->inside->version_least) {
		(void)tunnel_peer_malformed(t, "a version that is too old");
		fail(t);
		return given_up;
	}
	if (tls_conn_new(t->config, t->unconfirmed ? NULL : &t->session, now, &t->conn) != OK) {
		give_up(t, DIAG_INTERNAL, "no TLS connection could be made");
		return given_up;
	}
	if (t->inside->opened && !t->inside->opened(t->self, t, &start)) {
		fail(t);
		return given_up;
	}
	return advance(t, slice_of(NULL, 0), now);
}

/* While fragments come or go. */
static struct eap_verdict so_far(const struct tunnel_peer *t)
{
	if (!t->succeeded)
		return going_on;
	return t->agreed ? agreed : server_decides;
}

static struct eap_verdict process(struct tunnel_peer *t, const struct tls_frame *frame,
				  struct moment now)
{
	if (frame->flags & TLS_START)
		return begin(t, frame, now);
	if (!t->failed)
		diagnosis_set(&t->why, DIAG_NONE); /* whatever was discarded */
	if (t->fragmenting)
		return so_far(t);
	/* The server knows that it failed, and yet goes on. */
	if (t->failed)
		return given_up;
	if (tls_reassembly_add(&t->incoming, frame) != OK) {
		(void)tunnel_peer_malformed(t, "fragments that do not add up");
		fail(t);
		return given_up;
	}
	if (!t->incoming.complete)
		return so_far(t);
	return advance(t, bytes_slice(&t->incoming.flight), now);
}

struct eap_verdict tunnel_peer_process(void *self, const struct eap_packet *request,
				       struct moment now)
{
	struct tunnel_peer *t = self;
	struct tls_frame frame;

	/* Parsed by check already; this is the same parser. */
	return parse(t, request->data, &frame) == OK ? process(t, &frame, now) : given_up;
}

static size_t less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

void tunnel_peer_build(void *self, struct wr *w)
{
	struct tunnel_peer *t = self;
	struct slice pending = t->conn ? tls_conn_pending(t->conn) : slice_of(NULL, 0);
	size_t most = t->options.fragment_size ? t->options.fragment_size : SIZE_MAX;
	size_t outer = t->outer.len ? 4 + t->outer.len : 0;
	struct tls_frame frame =
		tls_fragment(pending, most, less(wr_room(w), outer), !t->fragmenting);

	frame.flags |= t->version;
	if (outer > 0) {
		frame.flags |= TLS_OUTER;
		frame.outer = bytes_slice(&t->outer);
	}
	tls_frame_build(w, &frame);
	if (t->conn)
		tls_conn_consume(t->conn, frame.data.len);
	t->fragmenting = frame.flags & TLS_MORE;
	bytes_clear(&t->outer);
}

/* ---- what is told -------------------------------------------------------------------------- */

bool tunnel_peer_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct tunnel_peer *t = self;

	if (!t->succeeded || t->keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &t->keys);
	return true;
}

const struct diagnosis *tunnel_peer_diagnosis(const void *self)
{
	const struct tunnel_peer *t = self;

	return &t->why;
}

bool tunnel_peer_refusal(const void *self, struct diagnosis *ret_why)
{
	const struct tunnel_peer *t = self;

	diagnosis_set(ret_why, DIAG_NONE);
	if (t->began && t->inside->refusal)
		t->inside->refusal(t->self, ret_why);
	return ret_why->id != DIAG_NONE;
}

bool tunnel_peer_report(const void *self, struct eap_report *ret_report)
{
	const struct tunnel_peer *t = self;

	if (!t->succeeded)
		return false;
	*ret_report = t->report;
	return true;
}

const char *tunnel_peer_stage(const void *self)
{
	const struct tunnel_peer *t = self;

	return t->began ? t->inside->stage(t->self) : t->stage;
}

bool tunnel_peer_repeats(const void *self)
{
	const struct tunnel_peer *t = self;

	return t->repeats;
}

/* Only now: a session that is kept is one that may skip phase two. */
void tunnel_peer_succeeded(void *self)
{
	struct tunnel_peer *t = self;

	if (t->conn)
		tls_conn_keep_session(t->conn);
	if (t->inside->succeeded)
		t->inside->succeeded(t->self);
}
