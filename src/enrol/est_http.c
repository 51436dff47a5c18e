#include "enrol/est_http.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *method, *name;
} operations[EST_OPERATIONS] = {
	[EST_CA_CERTS] = { "GET", "cacerts" },
	[EST_CSR_ATTRS] = { "GET", "csrattrs" },
	[EST_ENROLL] = { "POST", "simpleenroll" },
	[EST_REENROLL] = { "POST", "simplereenroll" },
};

#define BASE "/.well-known/est/"

/* ---- lines ----------------------------------------------------------------------------------- */

/* RFC 9110, section 5.6.2 */
static bool is_token(struct slice in)
{
	static const char letters[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t i = 0; i < in.len; i++)
		if (in.p[i] == 0 || !strchr(letters, in.p[i]))
			return false;
	return in.len > 0;
}

/* A line ends in CRLF; within it there is neither, nor any other control character but tab. */
static bool next_line(struct rd *r, struct slice *ret_line)
{
	size_t len = 0;

	while (len < r->left && r->p[len] != '\r') {
		if ((r->p[len] < 0x20 && r->p[len] != '\t') || r->p[len] == 0x7F)
			return false;
		len++;
	}
	*ret_line = rd_bytes(r, len);
	return slice_eq(rd_bytes(r, 2), slice_str("\r\n"));
}

static bool same_text(struct slice in, const char *text)
{
	return in.len == strlen(text) && strncasecmp((const char *)in.p, text, in.len) == 0;
}

/* Up to the next blank, which goes too; the rest when there is none. */
static struct slice word(struct rd *r)
{
	const uint8_t *blank = r->left > 0 ? memchr(r->p, ' ', r->left) : NULL;
	struct slice out = rd_bytes(r, blank ? (size_t)(blank - r->p) : r->left);

	if (blank)
		(void)rd_u8(r);
	return out;
}

static bool number(struct slice in, uint32_t *ret_number)
{
	uint32_t value = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] < '0' || in.p[i] > '9' || in.len > 9)
			return false;
		value = value * 10 + (in.p[i] - '0');
	}
	*ret_number = value;
	return in.len > 0;
}

static struct slice trimmed(struct slice in)
{
	while (in.len > 0 && (*in.p == ' ' || *in.p == '\t'))
		in = slice_of(in.p + 1, in.len - 1);
	while (in.len > 0 && (in.p[in.len - 1] == ' ' || in.p[in.len - 1] == '\t'))
		in.len--;
	return in;
}

/* ---- the first line -------------------------------------------------------------------------- */

static bool is_version(struct slice in)
{
	return slice_eq(in, slice_str("HTTP/1.1")) || slice_eq(in, slice_str("HTTP/1.0"));
}

/* BASE [label "/"] operation */
static bool target_name(struct slice target, struct slice *ret_name)
{
	struct rd r = rd_of(target);
	const uint8_t *slash;

	if (!slice_eq(rd_bytes(&r, sizeof BASE - 1), slice_str(BASE)))
		return false;
	slash = r.left > 0 ? memchr(r.p, '/', r.left) : NULL;
	if (slash) {
		struct slice label = rd_bytes(&r, (size_t)(slash - r.p));

		(void)rd_u8(&r);
		if (!is_token(label) || label.len > EST_LABEL_MAX)
			return false;
	}
	*ret_name = rd_rest(&r);
	return true;
}

static enum status parse_request(struct rd *line, struct slice method, struct est_head *head,
				 const char **ret_wrong)
{
	struct slice target = word(line), version = rd_rest(line), name;

	*ret_wrong = "the request line";
	if (!is_version(version) || !is_token(method))
		return MALFORMED;
	*ret_wrong = "an operation that we do not have";
	head->request = true;
	if (!target_name(target, &name))
		return UNSUPPORTED;
	for (unsigned i = 0; i < EST_OPERATIONS; i++)
		if (slice_eq(name, slice_str(operations[i].name)) &&
		    slice_eq(method, slice_str(operations[i].method))) {
			head->operation = (enum est_operation)i;
			return OK;
		}
	return UNSUPPORTED;
}

static enum status parse_status(struct rd *line, struct est_head *head, const char **ret_wrong)
{
	struct slice code = word(line);
	uint32_t value;

	*ret_wrong = "the status line";
	if (code.len != 3 || !number(code, &value) || value < 100 || value > 599)
		return MALFORMED;
	head->status = value;
	return OK;
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct fields {
	bool type, length, retry_after;
	size_t body;
};

static bool set_once(bool *seen)
{
	bool first = !*seen;

	*seen = true;
	return first;
}

static struct slice without_parameters(struct slice in)
{
	const uint8_t *end = in.len > 0 ? memchr(in.p, ';', in.len) : NULL;

	return end ? trimmed(slice_of(in.p, (size_t)(end - in.p))) : in;
}

/* Of the fields that mean something to us, each may be there once. */
static bool take_field(struct fields *fields, struct slice name, struct slice value,
		       struct est_head *head)
{
	uint32_t length;

	if (same_text(name, "Content-Type")) {
		head->type = without_parameters(value);
		return set_once(&fields->type);
	}
	if (same_text(name, "Content-Length"))
		return set_once(&fields->length) && number(value, &length) &&
		       length == fields->body;
	if (same_text(name, "Retry-After")) {
		head->has_retry_after = true;
		if (!number(value, &head->retry_after))
			head->retry_after = UINT32_MAX;
		return set_once(&fields->retry_after);
	}
	/* there is no connection here to frame anything on */
	return !same_text(name, "Transfer-Encoding") && !same_text(name, "Content-Encoding");
}

static enum status parse_fields(struct rd *r, size_t body, struct est_head *head,
				const char **ret_wrong)
{
	struct fields fields = { .body = body };

	*ret_wrong = "a header field";
	for (size_t count = 0; r->left > 0; count++) {
		const uint8_t *colon;
		struct slice line;

		if (!next_line(r, &line))
			return MALFORMED;
		if (line.len == 0) /* the empty line is the last one */
			return rd_done(r) ? OK : MALFORMED;
		colon = memchr(line.p, ':', line.len);
		if (!colon || count >= EST_FIELDS_MAX)
			return MALFORMED;

		struct rd rest = rd_of(line);
		struct slice name = rd_bytes(&rest, (size_t)(colon - line.p));

		(void)rd_u8(&rest);
		if (!is_token(name) || !take_field(&fields, name, trimmed(rd_rest(&rest)), head))
			return MALFORMED;
	}
	return rd_done(r) ? OK : MALFORMED;
}

enum status est_head_parse(struct slice headers, size_t body, struct est_head *ret_head,
			   const char **ret_wrong)
{
	struct rd r = rd_of(headers), first;
	struct est_head head = { 0 };
	struct slice line, start;
	enum status status, fields;
	const char *wrong;

	*ret_wrong = "the first line";
	if (headers.len > EST_HEADERS_MAX || !next_line(&r, &line))
		return MALFORMED;
	first = rd_of(line);
	start = word(&first);
	status = is_version(start) ? parse_status(&first, &head, ret_wrong)
				   : parse_request(&first, start, &head, ret_wrong);
	if (status == MALFORMED)
		return status;
	fields = parse_fields(&r, body, &head, &wrong);
	if (fields != OK) {
		*ret_wrong = wrong;
		return fields;
	}
	if (status == OK)
		*ret_head = head;
	return status;
}

bool est_type_is(const struct est_head *head, const char *type)
{
	return same_text(head->type, type);
}

/* ---- the other way --------------------------------------------------------------------------- */

static enum status put_fields(const char *line, const char *type, size_t body,
			      struct bytes *ret_headers)
{
	char text[512];
	int len = type ? snprintf(text, sizeof text,
				  "%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", line, type,
				  body)
		       : snprintf(text, sizeof text, "%sContent-Length: 0\r\n\r\n", line);

	if (len < 0 || (size_t)len >= sizeof text)
		return MALFORMED;
	return bytes_set(ret_headers, slice_of(text, (size_t)len));
}

enum status est_request(enum est_operation operation, const char *type, size_t body,
			struct bytes *ret_headers)
{
	char line[128];

	snprintf(line, sizeof line, "%s " BASE "%s HTTP/1.1\r\n", operations[operation].method,
		 operations[operation].name);
	return put_fields(line, type, body, ret_headers);
}

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = { { 200, "OK" },		{ 204, "No Content" },
			{ 400, "Bad Request" }, { 403, "Forbidden" },
			{ 404, "Not Found" },	{ 500, "Internal Server Error" },
			{ 503, "Unavailable" } };

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

enum status est_response(unsigned status, const char *type, size_t body, struct bytes *ret_headers)
{
	char line[64];

	snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status, reason(status));
	return put_fields(line, type, body, ret_headers);
}

/* ---- base64 ---------------------------------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum status base64_decode(struct slice in, struct bytes *ret_out)
{
	AUTO_VALUE(bytes) out = { 0 };
	struct wr w;
	uint32_t bits = 0;
	size_t count = 0, padding = 0;

	if (in.len > EST_BODY_MAX || bytes_reserve(&out, in.len / 4 * 3 + 3) != OK)
		return in.len > EST_BODY_MAX ? MALFORMED : NO_MEMORY;
	w = wr_of(out.p, out.cap);
	for (size_t i = 0; i < in.len; i++) {
		const char *at = in.p[i] ? strchr(alphabet, in.p[i]) : NULL;

		if (strchr(" \t\r\n", in.p[i]) && in.p[i])
			continue;
		if (in.p[i] == '=' && count % 4 >= 2)
			padding++;
		else if (!at || padding > 0)
			return MALFORMED;
		bits = bits << 6 | (at ? (uint32_t)(at - alphabet) : 0);
		if (++count % 4 == 0) {
			wr_u24(&w, bits & 0xFFFFFF);
			bits = 0;
		}
	}
	/* what the padding stands for has to be zero, so that there is one text for one value */
	if (count % 4 != 0 || !wr_ok(&w) || padding > 2)
		return MALFORMED;
	for (size_t i = 0; i < padding; i++)
		if (w.p[--w.len] != 0)
			return MALFORMED;
	return bytes_set(ret_out, slice_of(w.p, w.len));
}

enum status base64_encode(struct slice in, struct bytes *ret_out)
{
	AUTO_VALUE(bytes) out = { 0 };
	int len;

	if (in.len > EST_BODY_MAX)
		return MALFORMED;
	if (bytes_reserve(&out, (in.len + 2) / 3 * 4 + 1) != OK)
		return NO_MEMORY;
	len = EVP_EncodeBlock(out.p, in.p, (int)in.len);
	return bytes_set(ret_out, slice_of(out.p, len > 0 ? (size_t)len : 0));
}
