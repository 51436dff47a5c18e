#include "base/bytes.h"

#include <string.h>

struct slice slice_str(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

uint32_t slice_hash(struct slice in)
{
	uint32_t h = 2166136261;

	for (size_t i = 0; i < in.len; i++)
		h = (h ^ in.p[i]) * 16777619;
	return h;
}

struct rd rd_of(struct slice in)
{
	return (struct rd){ .p = in.p, .left = in.len };
}

struct slice rd_bytes(struct rd *r, size_t len)
{
	if (r->bad || len > r->left) {
		*r = (struct rd){ .bad = true };
		return (struct slice){ 0 };
	}

	struct slice out = { r->p, len };

	if (len > 0)
		r->p += len;
	r->left -= len;
	return out;
}

struct slice rd_rest(struct rd *r)
{
	return rd_bytes(r, r->left);
}

static uint64_t rd_uint(struct rd *r, size_t octets)
{
	struct slice in = rd_bytes(r, octets);
	uint64_t v = 0;

	for (size_t i = 0; i < in.len; i++)
		v = v << 8 | in.p[i];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)rd_uint(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)rd_uint(r, 2);
}

uint32_t rd_u24(struct rd *r)
{
	return (uint32_t)rd_uint(r, 3);
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)rd_uint(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return rd_uint(r, 8);
}

struct wr wr_of(void *buffer, size_t cap)
{
	return (struct wr){ .p = buffer, .cap = cap };
}

void wr_bytes(struct wr *w, struct slice in)
{
	if (in.len > wr_room(w)) {
		w->bad = true;
		return;
	}
	if (in.len > 0)
		memcpy(w->p + w->len, in.p, in.len);
	w->len += in.len;
}

static void wr_uint(struct wr *w, uint64_t v, size_t octets)
{
	uint8_t out[8];

	for (size_t i = octets; i > 0; i--, v >>= 8)
		out[i - 1] = (uint8_t)v;
	wr_bytes(w, slice_of(out, octets));
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
	wr_uint(w, v, 2);
}

void wr_u24(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 3);
}

void wr_u32(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 4);
}

size_t wr_open16(struct wr *w)
{
	size_t mark = w->len;

	wr_u16(w, 0);
	return mark;
}

void wr_close16_from(struct wr *w, size_t mark, size_t from)
{
	if (w->bad)
		return;

	size_t len = w->len - from;

	if (len > UINT16_MAX) {
		w->bad = true;
		return;
	}
	w->p[mark] = (uint8_t)(len >> 8);
	w->p[mark + 1] = (uint8_t)len;
}

void wr_close16(struct wr *w, size_t mark)
{
	wr_close16_from(w, mark, mark + 2);
}

size_t wr_open24(struct wr *w)
{
	size_t mark = w->len;

	wr_u24(w, 0);
	return mark;
}

void wr_close24(struct wr *w, size_t mark)
{
	if (w->bad)
		return;

	size_t len = w->len - mark - 3;

	if (len > 0xffffff) {
		w->bad = true;
		return;
	}
	w->p[mark] = (uint8_t)(len >> 16);
	w->p[mark + 1] = (uint8_t)(len >> 8);
	w->p[mark + 2] = (uint8_t)len;
}

struct slice wr_done(const struct wr *w)
{
	return w->bad ? (struct slice){ 0 } : slice_of(w->p, w->len);
}

enum status bytes_reserve(struct bytes *b, size_t cap)
{
	if (cap <= b->cap)
		return OK;

	uint8_t *p = realloc(b->p, cap);

	if (!p)
		return NO_MEMORY;
	b->p = p;
	b->cap = cap;
	return OK;
}

enum status bytes_append(struct bytes *b, struct slice in, size_t ceiling)
{
	if (b->len > ceiling || in.len > ceiling - b->len)
		return MALFORMED;
	if (in.len == 0)
		return OK;
	if (in.len > b->cap - b->len) {
		size_t want = b->len + in.len;
		size_t cap = b->cap * 2 > want && b->cap * 2 <= ceiling ? b->cap * 2 : want;

		if (bytes_reserve(b, cap) != OK)
			return NO_MEMORY;
	}
	memcpy(b->p + b->len, in.p, in.len);
	b->len += in.len;
	return OK;
}

enum status bytes_set(struct bytes *b, struct slice in)
{
	bytes_clear(b);
	return bytes_append(b, in, SIZE_MAX / 2);
}

void bytes_clear(struct bytes *b)
{
	b->len = 0;
}

void bytes_done(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

enum status secret_set(struct secret *s, struct slice in)
{
	uint8_t *p = malloc(in.len ? in.len : 1);

	if (!p)
		return NO_MEMORY;
	if (in.len > 0)
		memcpy(p, in.p, in.len);
	secret_done(s);
	*s = (struct secret){ p, in.len };
	return OK;
}

void secret_done(struct secret *s)
{
	if (s->p)
		explicit_bzero(s->p, s->len);
	free(s->p);
	*s = (struct secret){ 0 };
}

void secret_move(struct secret *to, struct secret *from)
{
	secret_done(to);
	*to = *from;
	*from = (struct secret){ 0 };
}
