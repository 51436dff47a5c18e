/* Bytes: one cursor reads, one writes, one buffer owns.
 *
 * Both cursors fail once and for good.  After a short read the cursor is bad, has nothing left and
 * yields zeros, so that a parser is a list of fields with one test at the end and a loop over what
 * is left always stops.  After a write that does not fit the cursor is bad and writes nothing more.
 * All integers are in network order. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "base/status.h"

/* Borrowed bytes.  A slice does not outlive the call that it is handed to. */
struct slice {
	const uint8_t *p;
	size_t len;
};

static inline struct slice slice_of(const void *p, size_t len)
{
	return (struct slice){ p, len };
}

struct slice slice_str(const char *text); /* without its NUL; NULL gives an empty slice */
bool slice_eq(struct slice a, struct slice b);
/* FNV-1a, for tables in which who chooses what is looked up gains nothing by collisions. */
uint32_t slice_hash(struct slice in);

/* The reading cursor. */
struct rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

struct rd rd_of(struct slice in);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
struct slice rd_bytes(struct rd *r,
		      size_t len); /* empty when len is not there: the cursor is bad */
struct slice rd_rest(struct rd *r);

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

/* All was there, and nothing is left over. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->left == 0;
}

/* The writing cursor, over a buffer that the caller owns. */
struct wr {
	uint8_t *p;
	size_t len, cap;
	bool bad;
};

struct wr wr_of(void *buffer, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u24(struct wr *w, uint32_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_bytes(struct wr *w, struct slice in);

/* A length field that is written when what it counts is complete: open returns a mark, close fills
 * in the number of octets written since (excluding the field itself).  wr_close16_from counts from
 * an earlier mark, for lengths that include their own header. */
size_t wr_open16(struct wr *w);
size_t wr_open24(struct wr *w);
void wr_close24(struct wr *w, size_t mark);
void wr_close16(struct wr *w, size_t mark);
void wr_close16_from(struct wr *w, size_t mark, size_t from);

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

static inline size_t wr_room(const struct wr *w)
{
	return w->bad ? 0 : w->cap - w->len;
}

/* What was written; empty if anything did not fit. */
struct slice wr_done(const struct wr *w);

/* Bytes that are owned and can grow, up to a ceiling named at each append. */
struct bytes {
	uint8_t *p;
	size_t len, cap;
};

/* MALFORMED when the result would pass the ceiling (the bytes are then unchanged). */
CHECKED enum status bytes_append(struct bytes *b, struct slice in, size_t ceiling);
/* Replaces the content.  in may not point into b. */
CHECKED enum status bytes_set(struct bytes *b, struct slice in);
/* Room for cap octets in all, for those who write into b->p by a cursor of their own. */
CHECKED enum status bytes_reserve(struct bytes *b, size_t cap);
void bytes_clear(struct bytes *b); /* keeps the memory */
void bytes_done(struct bytes *b);  /* frees; b may be used again */

static inline struct slice bytes_slice(const struct bytes *b)
{
	return (struct slice){ b->p, b->len };
}

/* Keys and passphrases: wiped when dropped, moved and never shared, not printable. */
struct secret {
	uint8_t *p;
	size_t len;
};

CHECKED enum status secret_set(struct secret *s, struct slice in);
void secret_done(struct secret *s);
void secret_move(struct secret *to, struct secret *from); /* from is empty afterwards */

static inline struct slice secret_slice(const struct secret *s)
{
	return (struct slice){ s->p, s->len };
}

#endif
