/* The codec of CPROM: what is valid builds to the same octets; every kind of message is checked
 * without harm; fragments of anything come together again, and the ceiling holds. */
#include <assert.h>

#include "enrol/cprom_frame.h"
#include "enrol/cprom_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CEILING 4096

static void check_all(struct slice in)
{
	for (unsigned kind = 0; kind < CPROM_KINDS; kind++) {
		struct enrol_fault fault = { 0 };

		if (cprom_check((enum cprom_kind)kind, in, &fault) != OK)
			assert(fault.error == ENROL_ERROR_MALFORMED ||
			       fault.error == ENROL_ERROR_LIMIT);
		else
			assert(fault.error == ENROL_ERROR_NONE);
	}
}

static void build_again(struct slice in)
{
	struct rd r = rd_of(in);
	struct slice value;
	uint8_t type;

	while (cprom_tlv_next(&r, &type, &value)) {
		static uint8_t out[1 << 16];
		struct wr w = wr_of(out, sizeof out);
		struct cprom_info info;
		struct enrol_params params;

		if (type == CPROM_CREDENTIALS_INFORMATION && cprom_info_parse(value, &info) == OK)
			cprom_info_build(&w, &info);
		else if (type == CPROM_PROVISIONING_PARAMS &&
			 cprom_params_parse(value, &params) == OK)
			cprom_params_build(&w, &params);
		else
			continue;
		assert(slice_eq(slice_of(out + 4, w.len - 4), value));
	}
}

/* Frames of a hostile end: a length octet before each. */
static void join(struct slice in)
{
	struct cprom_link link = { 0 };
	struct enrol_fault fault = { 0 };
	struct rd r = rd_of(in);

	while (r.left > 0) {
		size_t len = rd_u8(&r);
		struct cprom_frame frame;

		if (cprom_frame_parse(rd_bytes(&r, len), &frame) != OK)
			continue;
		(void)cprom_link_hear(&link, &frame, CEILING, &fault);
		assert(link.incoming.len <= CEILING && link.incoming.cap <= CEILING);
	}
	cprom_link_done(&link);
}

/* The input as a message of ours, in packets of the size that its first octet says. */
static void cut_and_join(struct slice in)
{
	struct cprom_link from = { 0 }, to = { 0 };
	struct enrol_fault fault = { 0 };
	struct rd r = rd_of(in);
	size_t room = 7 + (size_t)rd_u8(&r);
	struct slice whole = rd_rest(&r);
	struct wr w = cprom_link_open(&from, whole.len);
	enum cprom_heard heard;

	if (whole.len > CEILING) {
		cprom_link_done(&from);
		return;
	}
	wr_bytes(&w, whole);
	assert(cprom_link_close(&from, &w, CPROM_PROVISIONING, CPROM_LAST) == OK);
	do {
		uint8_t packet[300], ack[8];
		struct wr p = wr_of(packet, room), a = wr_of(ack, sizeof ack);
		struct cprom_frame frame;

		cprom_link_build(&from, &p);
		assert(cprom_frame_parse(wr_done(&p), &frame) == OK);
		heard = cprom_link_hear(&to, &frame, CEILING, &fault);
		if (heard != CPROM_PART)
			break;
		cprom_link_build(&to, &a);
		assert(cprom_frame_parse(wr_done(&a), &frame) == OK);
		assert(cprom_link_hear(&from, &frame, CEILING, &fault) == CPROM_GO_ON);
	} while (true);
	assert(heard == CPROM_WHOLE && slice_eq(bytes_slice(&to.incoming), whole));
	assert(to.flags == CPROM_LAST && to.phase == CPROM_PROVISIONING);
	cprom_link_done(&from);
	cprom_link_done(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	check_all(in);
	build_again(in);
	join(in);
	cut_and_join(in);
	return 0;
}
