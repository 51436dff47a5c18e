#include "authd/revoked.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
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
	for (size_t i = 0; i < r->issuer_count; i++)
		free(r->issuer[i].entry);
	free(r);
}

int revoked_add_issuer(struct revoked *r, const char *name, size_t *ret_issuer)
{
	size_t at = 0;

	while (at < r->issuer_count && strcmp(r->issuer[at].name, name) != 0)
		at++;
	if (at == REVOKED_ISSUERS_MAX)
		return -E2BIG;
	if (at == r->issuer_count) {
		snprintf(r->issuer[at].name, sizeof r->issuer[at].name, "%s", name);
		r->issuer_count++;
	}
	*ret_issuer = at;
	return 0;
}

/* The content octets of a positive INTEGER may begin with a zero; ASN1_INTEGER has none. */
static struct slice without_zeros(struct slice serial)
{
	while (serial.len > 1 && *serial.p == 0)
		serial = slice_of(serial.p + 1, serial.len - 1);
	return serial;
}

/* Those beyond RFC 5280, section 4.1.2.2, are known by their beginning. */
static bool entry_of(struct slice serial, struct revoked_entry *ret_entry)
{
	serial = without_zeros(serial);
	if (serial.len == 0)
		return false;
	if (serial.len > CA_SERIAL_MAX)
		serial.len = CA_SERIAL_MAX;
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

size_t revoked_count(const struct revoked *r)
{
	size_t count = 0;

	for (size_t i = 0; i < r->issuer_count; i++)
		count += r->issuer[i].count;
	return count;
}

/* Names are dear to write out, and a serial number is hardly ever found by chance. */
static bool is_named(const struct revoked_list *list, struct slice issuer_der)
{
	const unsigned char *in = issuer_der.p;
	AUTO(X509_NAME) issuer = d2i_X509_NAME(NULL, &in, (long)issuer_der.len);
	char name[CERT_TEXT_MAX];

	if (!issuer)
		return false;
	cert_name(issuer, name, sizeof name);
	return strcmp(name, list->name) == 0;
}

static const struct revoked_entry *look_up(const struct revoked_list *list,
					   const struct revoked_entry *wanted)
{
	return list->count ? bsearch(wanted, list->entry, list->count, sizeof *list->entry, compare)
			   : NULL;
}

const struct revoked_entry *revoked_find(const struct revoked *r, struct slice issuer_der,
					 struct slice serial)
{
	struct revoked_entry wanted;

	if (!entry_of(serial, &wanted))
		return NULL;
	for (size_t i = 0; i < r->issuer_count; i++) {
		const struct revoked_list *list = &r->issuer[i];
		const struct revoked_entry *found = look_up(list, &wanted);

		if (found && is_named(list, issuer_der))
			return found;
	}
	return NULL;
}

bool revoked_has(const struct revoked *r, const char *issuer_name, struct slice serial)
{
	struct revoked_entry wanted;

	if (!entry_of(serial, &wanted))
		return false;
	for (size_t i = 0; i < r->issuer_count; i++) {
		if (strcmp(r->issuer[i].name, issuer_name) == 0)
			return look_up(&r->issuer[i], &wanted);
	}
	return false;
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
