#include "enrol/cprom_tlv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[CPROM_TLVS] = {
	[CPROM_ACTION] = "Action",
	[CPROM_CERTIFICATE_DATA] = "Certificate-Data",
	[CPROM_CHALLENGE_DATA] = "Challenge-Data",
	[CPROM_CHALLENGE_RESPONSE] = "Challenge-Response",
	[CPROM_CREDENTIALS_DATA] = "Credentials-Data",
	[CPROM_CREDENTIALS_INFORMATION] = "Credentials-Information",
	[CPROM_ERROR] = "Error",
	[CPROM_NETWORK_USAGE] = "Network-Usage",
	[CPROM_PROFILE] = "Profile",
	[CPROM_PROTOCOL] = "Protocol",
	[CPROM_PROVISIONING_DATA] = "Provisioning-Data",
	[CPROM_PROVISIONING_HEADERS] = "Provisioning-Headers",
	[CPROM_PROVISIONING_PARAMS] = "Provisioning-Params",
	[CPROM_CERTIFICATE_REQUEST] = "Certificate-Request",
	[CPROM_STORAGE_INFO] = "Storage-Info",
	[CPROM_SUPPORTED_FORMAT] = "Supported-Format",
	[CPROM_SUPPORTED_ENCODING] = "Supported-Encoding",
	[CPROM_TOKEN_DATA] = "Token-Data",
	[CPROM_VERSION] = "Version",
};

const char *cprom_tlv_name(unsigned type)
{
	return type < CPROM_TLVS ? names[type] : NULL;
}

/* ---- headers ------------------------------------------------------------------------- */

bool cprom_tlv_next(struct rd *r, uint8_t *ret_type, struct slice *ret_value)
{
	uint8_t type;
	struct slice value;

	if (!rd_ok(r) || r->left == 0)
		return false;
	type = rd_u8(r);
	value = rd_bytes(r, rd_u24(r));
	if (!rd_ok(r))
		return false;
	*ret_type = type;
	*ret_value = value;
	return true;
}

bool cprom_tlv_each(struct slice message, enum cprom_tlv type, size_t *at, struct slice *ret_value)
{
	struct rd r = rd_of(message);
	uint8_t found;
	struct slice value;

	(void)rd_bytes(&r, *at);
	while (cprom_tlv_next(&r, &found, &value)) {
		*at = message.len - r.left;
		if (found != type)
			continue;
		*ret_value = value;
		return true;
	}
	return false;
}

struct slice cprom_tlv_find(struct slice message, enum cprom_tlv type)
{
	struct slice value = { 0 };
	size_t at = 0;

	(void)cprom_tlv_each(message, type, &at, &value);
	return value;
}

size_t cprom_tlv_open(struct wr *w, enum cprom_tlv type)
{
	wr_u8(w, (uint8_t)type);
	return wr_open24(w);
}

void cprom_tlv_close(struct wr *w, size_t mark)
{
	wr_close24(w, mark);
}

void cprom_tlv_put(struct wr *w, enum cprom_tlv type, struct slice value)
{
	size_t mark = cprom_tlv_open(w, type);

	wr_bytes(w, value);
	cprom_tlv_close(w, mark);
}

/* What ends in data of at least one octet. */
static enum status parsed(struct rd *r, struct slice *ret_data)
{
	struct slice data = rd_rest(r);

	if (!rd_done(r) || data.len == 0)
		return MALFORMED;
	*ret_data = data;
	return OK;
}

/* ---- values -------------------------------------------------------------------------- */

enum status cprom_action_parse(struct slice in, struct cprom_action *out)
{
	struct rd r = rd_of(in);
	struct cprom_action v = { .flags = rd_u8(&r) };

	v.action = rd_u8(&r);
	if (!rd_done(&r))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_action_build(struct wr *w, const struct cprom_action *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_ACTION);

	wr_u8(w, v->flags);
	wr_u8(w, v->action);
	cprom_tlv_close(w, mark);
}

enum status cprom_certificate_parse(struct slice in, struct cprom_certificate *out)
{
	struct rd r = rd_of(in);
	struct cprom_certificate v = { .flags = rd_u8(&r) };

	v.format = rd_u8(&r);
	v.encoding = rd_u8(&r);
	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_certificate_build(struct wr *w, const struct cprom_certificate *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_CERTIFICATE_DATA);

	wr_u8(w, v->flags);
	wr_u8(w, v->format);
	wr_u8(w, v->encoding);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

enum status cprom_challenge_parse(struct slice in, struct cprom_challenge *out)
{
	struct rd r = rd_of(in);
	struct cprom_challenge v = { .type = rd_u8(&r) };

	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_challenge_build(struct wr *w, const struct cprom_challenge *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_CHALLENGE_DATA);

	wr_u8(w, v->type);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

enum status cprom_data_parse(struct slice in, struct cprom_data *out)
{
	struct rd r = rd_of(in);
	struct cprom_data v = { .type = rd_u8(&r) };

	v.format = rd_u8(&r);
	v.encoding = rd_u8(&r);
	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_data_build(struct wr *w, const struct cprom_data *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_CREDENTIALS_DATA);

	wr_u8(w, v->type);
	wr_u8(w, v->format);
	wr_u8(w, v->encoding);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

/* ---- Credentials-Information ---------------------------------------------------------- */

#define DATE_SIZE 16 /* "YYYYMMDDHHmmssZ" and a NUL */

static bool number(const uint8_t *p, size_t digits, int *ret_number)
{
	int value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		value = 10 * value + (p[i] - '0');
	}
	*ret_number = value;
	return true;
}

/* "When the value is not set, the field should be set to { 0x00 }": all of it is zero.  What is no
 * date, such as the 30th of February, is malformed, so that a date has one spelling. */
static bool date_parse(struct slice in, int64_t *ret_date)
{
	static const uint8_t unset[DATE_SIZE];
	struct tm tm = { 0 }, same;
	time_t when;

	if (in.len != DATE_SIZE)
		return false;
	*ret_date = 0;
	if (memcmp(in.p, unset, DATE_SIZE) == 0)
		return true;
	if (in.p[14] != 'Z' || in.p[15] != 0 || !number(in.p, 4, &tm.tm_year) ||
	    !number(in.p + 4, 2, &tm.tm_mon) || !number(in.p + 6, 2, &tm.tm_mday) ||
	    !number(in.p + 8, 2, &tm.tm_hour) || !number(in.p + 10, 2, &tm.tm_min) ||
	    !number(in.p + 12, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	when = timegm(&same);
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday || same.tm_hour != tm.tm_hour ||
	    same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec || when == 0)
		return false;
	*ret_date = (int64_t)when;
	return true;
}

static void date_build(struct wr *w, int64_t date)
{
	static const uint8_t unset[DATE_SIZE];
	char text[DATE_SIZE];
	time_t when = (time_t)date;
	struct tm tm;

	if (date == 0 || !gmtime_r(&when, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
		wr_bytes(w, slice_of(unset, DATE_SIZE));
		return;
	}
	snprintf(text, sizeof text, "%04u%02u%02u%02u%02u%02uZ",
		 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		 (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		 (unsigned)tm.tm_sec % 100);
	wr_bytes(w, slice_of(text, DATE_SIZE));
}

enum status cprom_info_parse(struct slice in, struct cprom_info *out)
{
	struct rd r = rd_of(in);
	struct cprom_info v = { .flags = rd_u8(&r) };
	struct slice issued, expires;

	v.type = rd_u8(&r);
	v.protocol = rd_u16(&r);
	issued = rd_bytes(&r, DATE_SIZE);
	expires = rd_bytes(&r, DATE_SIZE);
	v.length = rd_u32(&r);
	if (parsed(&r, &v.id) != OK || v.id.len > CPROM_CREDENTIAL_ID_MAX ||
	    !date_parse(issued, &v.issued) || !date_parse(expires, &v.expires))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_info_build(struct wr *w, const struct cprom_info *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_CREDENTIALS_INFORMATION);

	wr_u8(w, v->flags);
	wr_u8(w, v->type);
	wr_u16(w, v->protocol);
	date_build(w, v->issued);
	date_build(w, v->expires);
	wr_u32(w, v->length);
	wr_bytes(w, v->id);
	cprom_tlv_close(w, mark);
}

/* ---- more values ----------------------------------------------------------------------- */

enum status cprom_error_parse(struct slice in, struct cprom_error *out)
{
	struct rd r = rd_of(in);
	struct cprom_error v = { .code = rd_u16(&r) };

	v.secondary = rd_u16(&r);
	v.description = rd_rest(&r);
	if (!rd_done(&r))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_error_build(struct wr *w, const struct cprom_error *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_ERROR);

	wr_u16(w, v->code);
	wr_u16(w, v->secondary);
	wr_bytes(w, v->description);
	cprom_tlv_close(w, mark);
}

enum status cprom_usage_parse(struct slice in, struct cprom_usage *out)
{
	struct rd r = rd_of(in);
	uint8_t first = rd_u8(&r);
	struct cprom_usage v = { .url = first & 0x80, .format = first & 0x7f };

	v.encoding = rd_u8(&r);
	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_usage_build(struct wr *w, const struct cprom_usage *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_NETWORK_USAGE);

	wr_u8(w, (uint8_t)((v->url ? 0x80 : 0) | (v->format & 0x7f)));
	wr_u8(w, v->encoding);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

enum status cprom_protocol_parse(struct slice in, struct cprom_protocol *out)
{
	struct rd r = rd_of(in);
	struct cprom_protocol v = { .id = rd_u16(&r) };

	v.version = rd_u16(&r);
	if (!rd_done(&r))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_protocol_build(struct wr *w, const struct cprom_protocol *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_PROTOCOL);

	wr_u16(w, v->id);
	wr_u16(w, v->version);
	cprom_tlv_close(w, mark);
}

/* One short DER value, as long as it says. */
static bool is_oid(struct slice oid)
{
	return oid.len >= 3 && oid.p[0] == 6 && oid.p[1] < 128 && oid.len == 2u + oid.p[1];
}

enum status cprom_params_parse(struct slice in, struct enrol_params *out)
{
	struct rd r = rd_of(in);
	struct enrol_params v = { .least = rd_u16(&r) };

	v.most = rd_u16(&r);
	v.algorithm = rd_u8(&r);
	v.flags = rd_u8(&r);
	v.oid = rd_rest(&r);
	if (!rd_done(&r) || (v.oid.len > 0 && !is_oid(v.oid)) || (v.most && v.least > v.most))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_params_build(struct wr *w, const struct enrol_params *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_PROVISIONING_PARAMS);

	wr_u16(w, v->least);
	wr_u16(w, v->most);
	wr_u8(w, v->algorithm);
	wr_u8(w, v->flags);
	wr_bytes(w, v->oid);
	cprom_tlv_close(w, mark);
}

enum status cprom_request_parse(struct slice in, struct cprom_request *out)
{
	struct rd r = rd_of(in);
	struct cprom_request v = { .encoding = rd_u8(&r) };

	v.format = rd_u8(&r);
	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_request_build(struct wr *w, const struct cprom_request *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_CERTIFICATE_REQUEST);

	wr_u8(w, v->encoding);
	wr_u8(w, v->format);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

enum status cprom_storage_parse(struct slice in, struct cprom_storage *out)
{
	struct rd r = rd_of(in);
	struct cprom_storage v = { .flags = rd_u8(&r) };

	v.slots = rd_u16(&r);
	v.memory = rd_u32(&r);
	if (!rd_done(&r))
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_storage_build(struct wr *w, const struct cprom_storage *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_STORAGE_INFO);

	wr_u8(w, v->flags);
	wr_u16(w, v->slots);
	wr_u32(w, v->memory);
	cprom_tlv_close(w, mark);
}

enum status cprom_token_parse(struct slice in, struct cprom_token_data *out)
{
	struct rd r = rd_of(in);
	struct cprom_token_data v = { .type = rd_u8(&r) };

	v.encoding = rd_u8(&r);
	if (parsed(&r, &v.data) != OK)
		return MALFORMED;
	*out = v;
	return OK;
}

void cprom_token_build(struct wr *w, const struct cprom_token_data *v)
{
	size_t mark = cprom_tlv_open(w, CPROM_TOKEN_DATA);

	wr_u8(w, v->type);
	wr_u8(w, v->encoding);
	wr_bytes(w, v->data);
	cprom_tlv_close(w, mark);
}

enum status cprom_octet_parse(struct slice in, uint8_t *out)
{
	if (in.len != 1)
		return MALFORMED;
	*out = in.p[0];
	return OK;
}

void cprom_octet_build(struct wr *w, enum cprom_tlv type, uint8_t value)
{
	cprom_tlv_put(w, type, slice_of(&value, 1));
}

/* ---- all of them ----------------------------------------------------------------------- */

bool cprom_tlv_valid(enum cprom_tlv type, struct slice value)
{
	union {
		struct cprom_action action;
		struct cprom_certificate certificate;
		struct cprom_challenge challenge;
		struct cprom_data data;
		struct cprom_info info;
		struct cprom_error error;
		struct cprom_usage usage;
		struct cprom_protocol protocol;
		struct enrol_params params;
		struct cprom_request request;
		struct cprom_storage storage;
		struct cprom_token_data token;
		uint8_t octet;
	} v;

	switch (type) {
	case CPROM_ACTION:
		return cprom_action_parse(value, &v.action) == OK;
	case CPROM_CERTIFICATE_DATA:
		return cprom_certificate_parse(value, &v.certificate) == OK;
	case CPROM_CHALLENGE_DATA:
		return cprom_challenge_parse(value, &v.challenge) == OK;
	case CPROM_CREDENTIALS_DATA:
		return cprom_data_parse(value, &v.data) == OK;
	case CPROM_CREDENTIALS_INFORMATION:
		return cprom_info_parse(value, &v.info) == OK;
	case CPROM_ERROR:
		return cprom_error_parse(value, &v.error) == OK;
	case CPROM_NETWORK_USAGE:
		return cprom_usage_parse(value, &v.usage) == OK;
	case CPROM_PROTOCOL:
		return cprom_protocol_parse(value, &v.protocol) == OK;
	case CPROM_PROVISIONING_PARAMS:
		return cprom_params_parse(value, &v.params) == OK;
	case CPROM_CERTIFICATE_REQUEST:
		return cprom_request_parse(value, &v.request) == OK;
	case CPROM_STORAGE_INFO:
		return cprom_storage_parse(value, &v.storage) == OK;
	case CPROM_TOKEN_DATA:
		return cprom_token_parse(value, &v.token) == OK;
	case CPROM_SUPPORTED_FORMAT:
	case CPROM_SUPPORTED_ENCODING:
	case CPROM_VERSION:
		return cprom_octet_parse(value, &v.octet) == OK;
	case CPROM_CHALLENGE_RESPONSE:
	case CPROM_PROFILE:
	case CPROM_PROVISIONING_DATA:
	case CPROM_PROVISIONING_HEADERS:
		return value.len > 0;
	case CPROM_TLVS:
		break;
	}
	return false;
}
