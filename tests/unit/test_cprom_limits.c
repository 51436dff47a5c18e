/* CPROM with too much of everything, and with whatever somebody makes of its octets. */
#include "tests/cprom_duo.h"
#include "tests/test.h"
#include "tests/unit/cprom_check.h"

static struct cprom_duo duo;

/* The nth packet of a conversation with validation: 1 Init, 2 Init, 3 offer, 4 request, 5
 * certificate, 6 done, 7 challenge, 8 response. */
enum { INIT = 1, MY_INIT, OFFER, REQUEST, CERTIFICATE, DONE, CHALLENGE, RESPONSE };

/* ---- limits -------------------------------------------------------------------------- */

TEST(whoever_is_silent_for_too_long_has_lost)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->pause = CPROM_SILENCE_MAX / 2;
	cduo_run(d);
	CHECK(cduo_good(d));
	d->pause = CPROM_SILENCE_MAX / 2 + 1;
	cduo_run(d);
	CHECK_INT(d->verdict.decision, FAIL);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_LIMIT);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_LIMIT);
	cduo_done(d);
}

static void crowd(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct change change = { .add = CPROM_SUPPORTED_FORMAT, .value = slice_str("x") };

	(void)request;
	for (int i = 0; d->packet == MY_INIT && i < 17; i++)
		rewrite(data, &change);
}

static void crowd_unknown(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct change change = { .add = (enum cprom_tlv)200, .value = slice_str("x") };

	(void)request;
	for (int i = 0; d->packet == INIT && i < 257; i++)
		rewrite(data, &change);
}

TEST(too_many_tlvs_are_too_many)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = crowd;
	cduo_run(d);
	check_error(d, ENROL_ERROR_LIMIT, false);
	d->tamper = crowd_unknown;
	cduo_run(d);
	check_error(d, ENROL_ERROR_LIMIT, true);
	cduo_done(d);
}

static void claim_another_kind(struct cprom_duo *d, bool request, struct bytes *data)
{
	const struct cprom_info info = { .flags = CPROM_WANTS_RENEWAL,
					 .type = 32 + ENROL_PASSWORD,
					 .id = slice_str("m-0001") };
	uint8_t tlv[64];
	struct wr w = wr_of(tlv, sizeof tlv);
	struct change change = { .add = CPROM_CREDENTIALS_INFORMATION };

	(void)request;
	cprom_info_build(&w, &info);
	change.value = slice_of(tlv + 4, w.len - 4);
	if (d->packet == MY_INIT)
		rewrite(data, &change);
}

/* Kinds are bits of a mask elsewhere, and this one would be another one's. */
TEST(a_kind_of_credential_that_there_is_not_is_refused)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = claim_another_kind;
	cduo_run(d);
	check_error(d, ENROL_ERROR_PARAMETERS, false);
	cduo_done(d);
}

/* ---- rounds that do not end: a protocol of the test ---------------------------------- */

static enum status talk_init(const struct enrol_peer_job *job, void **ret_self)
{
	(void)job;
	*ret_self = &duo;
	return OK;
}

static enum status talk_init_server(const struct enrol_server_job *job, struct enrol_output *out,
				    void **ret_self)
{
	(void)job;
	(void)out;
	*ret_self = &duo;
	return OK;
}

static enum enrol_state talk(void *self, const struct enrol_message *in, struct enrol_output *out,
			     struct moment now)
{
	(void)self;
	(void)now;
	return in->headers.len == 0 && bytes_set(&out->headers, slice_str("GET /")) == OK &&
			       bytes_set(&out->data, slice_str("and so on")) == OK
		       ? ENROL_GOES_ON
	       : in->data.len > 0 ? ENROL_GOES_ON
				  : ENROL_FAILED;
}

static void talk_result(const void *self, struct enrol_result *ret_result)
{
	(void)self;
	*ret_result = (struct enrol_result){ 0 };
}

static struct enrol_fault talk_fault_value;

static const struct enrol_fault *talk_fault(const void *self)
{
	(void)self;
	return &talk_fault_value;
}

static const struct diagnosis *talk_diagnosis(const void *self)
{
	(void)self;
	return NULL;
}

static void talk_free(void *self)
{
	(void)self;
}

static enum enrol_state give_up(void *self, const struct enrol_message *in,
				struct enrol_output *out, struct moment now)
{
	(void)self;
	(void)in;
	(void)out;
	(void)now;
	return ENROL_FAILED;
}

static enum enrol_state ends_at_once(void *self, const struct enrol_message *in,
				     struct enrol_output *out, struct moment now)
{
	(void)self;
	(void)in;
	(void)out;
	(void)now;
	return ENROL_DONE;
}

TEST(a_round_that_does_not_end_is_ended)
{
	struct enrol_peer_protocol peer = { .name = "talk",
					    .id = ENROL_EST,
					    .actions = 7,
					    .credentials = 0xf,
					    .init = talk_init,
					    .process = talk,
					    .result = talk_result,
					    .fault = talk_fault,
					    .diagnosis = talk_diagnosis,
					    .free = talk_free };
	struct enrol_server_protocol server = { .name = "talk",
						.id = ENROL_EST,
						.actions = 7,
						.credentials = 0xf,
						.init = talk_init_server,
						.process = talk,
						.result = talk_result,
						.fault = talk_fault,
						.diagnosis = talk_diagnosis,
						.free = talk_free };
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_protocols[0] = &peer;
	d->server_protocols[0] = &server;
	cduo_run(d);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_LIMIT);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_LIMIT);
	CHECK_INT(d->packets, 2 + 2 * ENROL_ROUNDS_MAX + 2);

	talk_fault_value = (struct enrol_fault){ ENROL_ERROR_CA_REFUSED, 403, "no" };
	peer.process = give_up; /* its fault comes through, with the code */
	cduo_run(d);
	check_error(d, ENROL_ERROR_CA_REFUSED, true);
	CHECK_STR(diagnosis_evidence(cprom_server_method.diagnosis(d->server), "code"), "403");
	peer.process = talk;
	server.process = give_up;
	cduo_run(d);
	check_error(d, ENROL_ERROR_CA_REFUSED, false);
	server.process = talk;
	peer.process = ends_at_once; /* with nothing in its hands */
	cduo_run(d);
	check_error(d, ENROL_ERROR_UNEXPECTED, true);
	cduo_done(d);
}

/* ---- every bit, and every end ---------------------------------------------------------- */

struct flip {
	unsigned packet;
	size_t octet;
	bool out; /* there is no such octet */
};

static void flip(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct flip *where = d->tamper_context;

	(void)request;
	if (d->packet != where->packet)
		return;
	where->out = where->octet >= data->len;
	if (!where->out)
		data->p[where->octet] ^= 0x55;
}

/* Whatever an octet becomes: both ends come to an end, and what is current was stored. */
TEST(an_octet_that_is_changed_does_no_harm)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = flip;
	for (unsigned packet = 1; packet <= 8; packet++) {
		struct flip where = { packet, 0, false };

		for (; !where.out && where.octet < 4000; where.octet += packet == 5 ? 7 : 1) {
			struct duo_shelf *shelf = cduo_shelf(d, "net");

			d->tamper_context = &where;
			cduo_run(d);
			CHECK(d->packets < 100);
			CHECK(!shelf->put && !shelf->pending_key);
		}
		CHECK(where.out);
	}
	cduo_done(d);
}

static void cut(struct cprom_duo *d, bool request, struct bytes *data)
{
	struct flip *where = d->tamper_context;

	(void)request;
	if (d->packet == where->packet) {
		where->out = where->octet >= data->len;
		if (!where->out)
			data->len = where->octet;
	}
}

TEST(a_packet_that_is_cut_short_does_no_harm)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->tamper = cut;
	for (unsigned packet = 1; packet <= 8; packet++) {
		struct flip where = { packet, 0, false };

		for (; !where.out && where.octet < 4000; where.octet += packet == 5 ? 13 : 3) {
			struct duo_shelf *shelf = cduo_shelf(d, "net");

			d->tamper_context = &where;
			cduo_run(d);
			CHECK(d->packets < 100);
			CHECK(!shelf->put && !shelf->pending_key);
		}
	}
	cduo_done(d);
}

TEST(outside_of_a_tunnel_there_is_no_server)
{
	struct eap_server_about about = { .now = { 0, PKI_NOW } };
	struct cprom_duo *d = &duo;
	void *self = NULL;

	cduo_init(d);
	CHECK_INT(cprom_server_method.init(&d->context, &about, &self), UNEXPECTED);
	CHECK(self == NULL);
	CHECK(cprom_peer_method.inner_only && cprom_server_method.inner_only);
	cduo_done(d);
}

TEST(fragments_that_do_not_add_up_are_refused)
{
	static const struct {
		struct slice frame;
		enum enrol_error error;
	} rows[] = {
		{ { (const uint8_t *)"\xe1\0\1\0\1x", 6 }, ENROL_ERROR_LIMIT },
		{ { (const uint8_t *)"\xe1\0\0\0\1x", 6 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\xe1\0\0\0\2", 5 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\xc1\0\0\0\2x", 6 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\x61x", 2 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\x44", 1 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\x40", 1 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"\xe1\0\0", 3 }, ENROL_ERROR_MALFORMED },
		{ { (const uint8_t *)"", 0 }, ENROL_ERROR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cprom_link link = { 0 };
		struct enrol_fault fault = { 0 };
		struct cprom_frame frame;

		if (cprom_frame_parse(rows[i].frame, &frame) != OK)
			fault.error = ENROL_ERROR_MALFORMED;
		else
			CHECK_INT(cprom_link_hear(&link, &frame, 65536, &fault), CPROM_BROKEN);
		CHECK_INT(fault.error, rows[i].error);
		cprom_link_done(&link);
	}
}
