#include "authd/revoked.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define CHUNK 256 /* entries that are made room for at once */

struct revoked *revoked_new(void)
{
	struct revoked *r = calloc(1, sizeof *r);

	if (r)
		r->references = 1;
	return r;
}

struct revoked *revoked_ref(struct revoked *r)
{
	atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
	return r;
}

void revoked_free(struct revoked *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < r->issuer_count; i++) {
		bytes_done(&r->issuer[i].name);
		free(r->issuer[i].entry);
	}
	free(r);
}

int revoked_add_issuer(struct revoked *r, const X509_NAME *name, size_t *ret_issuer)
{
	unsigned char *der = NULL;
	int len;
	enum status status;

	if (r->issuer_count == REVOKED_ISSUERS_MAX)
		return -E2BIG;
	len = i2d_X509_NAME(name, &der);
	status = len > 0 ? bytes_set(&r->issuer[r->issuer_count].name, slice_of(der, (size_t)len))
			 : NO_MEMORY;
	OPENSSL_free(der);
	if (status != OK)
		return -ENOMEM;
	*ret_issuer = r->issuer_count++;
	return 0;
}

/* The content octets of a positive INTEGER may begin with a zero; ASN1_INTEGER has none. */
static struct slice without_zeros(struct slice serial)
{
	while (serial.len > 1 && *serial.p == 0)
		serial = slice_of(serial.p + 1, serial.len - 1);
	return serial;
}

static bool entry_of(struct slice serial, struct revoked_entry *ret_entry)
{
	serial = without_zeros(serial);
	if (serial.len == 0 || serial.len > CA_SERIAL_MAX)
		return false;
	*ret_entry = (struct revoked_entry){ .length = (uint8_t)serial.len };
	memcpy(ret_entry->serial, serial.p, serial.len);
	return true;
}

int revoked_add(struct revoked *r, size_t issuer, const struct ca_revoked *revoked)
{
	struct revoked_list *list = &r->issuer[issuer];
	struct revoked_entry entry;

	if (list->count == REVOKED_MAX || !entry_of(revoked->serial, &entry))
		return -E2BIG;
	if (list->count % CHUNK == 0) {
		struct revoked_entry *more =
			reallocarray(list->entry, list->count + CHUNK, sizeof *more);

		if (!more)
			return -ENOMEM;
		list->entry = more;
	}
	entry.when = revoked->when;
	entry.reason = (uint8_t)revoked->reason;
	list->entry[list->count++] = entry;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct revoked_entry *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->serial, y->serial, x->length);
}

void revoked_sort(struct revoked *r)
{
	for (size_t i = 0; i < r->issuer_count; i++) {
		if (r->issuer[i].count > 0)
			qsort(r->issuer[i].entry, r->issuer[i].count, sizeof *r->issuer[i].entry,
			      compare);
	}
}

static const struct revoked_list *list_of(const struct revoked *r, struct slice issuer_der)
{
	for (size_t i = 0; i < r->issuer_count; i++) {
		if (slice_eq(bytes_slice(&r->issuer[i].name), issuer_der))
			return &r->issuer[i];
	}
	return NULL;
}

const struct revoked_entry *revoked_find(const struct revoked *r, struct slice issuer_der,
					 struct slice serial)
{
	const struct revoked_list *list = list_of(r, issuer_der);
	struct revoked_entry wanted;

	if (!list || list->count == 0 || !entry_of(serial, &wanted))
		return NULL;
	return bsearch(&wanted, list->entry, list->count, sizeof wanted, compare);
}

const struct revoked_entry *revoked_find_by(const struct revoked *r, const X509 *issuer,
					    struct slice serial)
{
	const struct revoked_entry *entry = NULL;
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(issuer), &der);

	if (len > 0)
		entry = revoked_find(r, slice_of(der, (size_t)len), serial);
	OPENSSL_free(der);
	return entry;
}
