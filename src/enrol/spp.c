#include "enrol/spp.h"

#include <string.h>

#include "base/random.h"
#include "enrol/params.h"

enum status spp_check(enum cprom_kind kind, const struct enrol_message *in,
		      struct enrol_fault *fault)
{
	if (in->headers.len > 0) {
		enrol_fault_set(fault, ENROL_ERROR_MALFORMED, "SPP has no Provisioning-Headers");
		return MALFORMED;
	}
	return cprom_check(kind, in->data, fault);
}

struct wr spp_open(struct enrol_output *out, size_t room)
{
	struct wr none = wr_of(NULL, 0);

	none.bad = true;
	bytes_clear(&out->data);
	return bytes_reserve(&out->data, room) == OK ? wr_of(out->data.p, out->data.cap) : none;
}

enum status spp_close(struct enrol_output *out, const struct wr *w)
{
	out->data.len = wr_done(w).len;
	return wr_ok(w) ? OK : NO_MEMORY;
}

void spp_secret_build(struct wr *w, enum enrol_credential type, struct slice secret)
{
	size_t mark = cprom_tlv_open(w, CPROM_CREDENTIALS_DATA);

	wr_u8(w, (uint8_t)type);
	wr_u8(w, CPROM_FORMAT_NONE);
	wr_u8(w, CPROM_RAW);
	if (type == ENROL_PASSWORD)
		wr_u16(w, 0);
	wr_bytes(w, secret);
	cprom_tlv_close(w, mark);
}

enum status spp_secret_parse(struct slice value, enum enrol_credential type,
			     struct slice *ret_username, struct slice *ret_secret)
{
	struct cprom_data data;
	struct slice username = { 0 };
	struct rd r;

	if (cprom_data_parse(value, &data) != OK || data.type != type ||
	    data.format != CPROM_FORMAT_NONE || data.encoding != CPROM_RAW)
		return MALFORMED;
	r = rd_of(data.data);
	if (type == ENROL_PASSWORD)
		username = rd_bytes(&r, rd_u16(&r));
	if (!rd_ok(&r) || r.left == 0 || r.left > PARAMS_SECRET_MAX ||
	    username.len > ENROL_NAME_MAX)
		return MALFORMED;
	*ret_username = username;
	*ret_secret = rd_rest(&r);
	return OK;
}

enum status spp_secret_make(enum enrol_credential type, size_t length, struct secret *ret_secret)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t drawn[PARAMS_SECRET_MAX];
	enum status status = CRYPTO;

	if (length > 0 && length <= sizeof drawn)
		status = random_bytes(drawn, length);
	for (size_t i = 0; status == OK && type == ENROL_PASSWORD && i < length; i++)
		drawn[i] = (uint8_t)letters[drawn[i] % 64];
	if (status == OK)
		status = secret_set(ret_secret, slice_of(drawn, length));
	explicit_bzero(drawn, sizeof drawn);
	return status;
}

enum status spp_secret_join(struct slice first, struct slice second, struct secret *ret_secret)
{
	uint8_t both[2 * PARAMS_SECRET_MAX];
	struct wr w = wr_of(both, sizeof both);
	enum status status;

	wr_bytes(&w, first);
	wr_bytes(&w, second);
	status = wr_ok(&w) ? secret_set(ret_secret, wr_done(&w)) : MALFORMED;
	explicit_bzero(both, sizeof both);
	return status;
}
