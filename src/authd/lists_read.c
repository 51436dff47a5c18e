/* What was revoked, as the registry has it, and who is out since it was read before. */
#include <errno.h>
#include <string.h>

#include "authd/lists_parts.h"
#include "authd/registry_enrol.h"

#define CHUNK  16 /* machines that are made room for at once */
#define LATELY 60 /* seconds; as much may the clocks of servers differ */

void lists_reading_free(struct lists_reading *r)
{
	if (!r)
		return;
	revoked_free(r->before);
	revoked_free(r->made);
	free(r->out.machine);
	free(r->removed);
	free(r);
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c | 0x20) : NULL;

	return found && *found ? (int)(found - digits) : -1;
}

static size_t from_hex(const char *text, uint8_t *out, size_t room)
{
	size_t len = 0;

	for (; text[0] && text[1] && len < room; text += 2) {
		int high = digit(text[0]), low = digit(text[1]);

		if (high < 0 || low < 0)
			return 0;
		out[len++] = (uint8_t)(high << 4 | low);
	}
	return *text ? 0 : len;
}

/* What a CA behind us did not confirm was withdrawn, and its machine has never had it
 * (enrolment_ask_withdraw). */
static bool was_withdrawn(const struct registry_credential *row)
{
	return !row->validated && strcmp(row->reason, "cessation-of-operation") == 0;
}

/* One that has expired comes in when CrlLifetime= has become longer. */
static bool is_news(const struct lists_reading *r, const struct registry_credential *row,
		    struct slice serial)
{
	return r->before && *row->machine && row->not_after > r->now && !was_withdrawn(row) &&
	       !revoked_has(r->before, row->issuer, serial);
}

static int add_out(struct lists_reading *r, const char *machine)
{
	size_t n = r->out.count;

	if (n == LISTS_OUT_MAX || (n > 0 && strcmp(r->out.machine[n - 1], machine) == 0))
		return 0;
	if (n % CHUNK == 0) {
		registry_text *more = reallocarray(r->out.machine, n + CHUNK, sizeof *more);

		if (!more)
			return -ENOMEM;
		r->out.machine = more;
	}
	memcpy(r->out.machine[n], machine, strlen(machine) + 1);
	r->out.count++;
	return 0;
}

static bool on_row(void *context, const struct registry_credential *row)
{
	struct lists_reading *r = context;
	uint8_t octets[sizeof row->serial / 2];
	struct slice serial = slice_of(octets, from_hex(row->serial, octets, sizeof octets));
	enum ca_reason reason = CA_UNSPECIFIED;
	struct ca_revoked entry = { serial, row->revoked, 0 };
	size_t at;

	(void)ca_reason_by_text(row->reason, &reason);
	entry.reason = (int)reason;
	r->error = revoked_add_issuer(r->made, row->issuer, &at);
	if (r->error == 0)
		r->error = revoked_add(r->made, at, &entry);
	if (r->error == 0 && is_news(r, row, serial))
		r->error = add_out(r, row->machine);
	return r->error == 0;
}

static bool on_removed(void *context, const struct registry_audit *entry)
{
	struct lists_removed *removed = context;
	size_t n = removed->count++;

	removed->entry[n].when = entry->when;
	memcpy(removed->entry[n].account, entry->subject, sizeof entry->subject);
	return true;
}

static int read_removed(struct lists_reading *r, struct registry *registry)
{
	if (!r->removed)
		return 0;
	r->removed->count = 0;
	return registry_audit_since(registry, REGISTRY_ACCOUNT_REMOVED, r->removed_since,
				    LISTS_REMOVED_MAX, on_removed, r->removed);
}

/* In the recorder's thread, and perhaps more than once. */
static int read_rows(struct question *question, struct registry *registry)
{
	struct lists_reading *r = list_item(question, struct lists_reading, question);
	int error;

	revoked_free(TAKE(r->made));
	r->made = revoked_new();
	r->out.count = 0;
	r->error = 0;
	if (!r->made)
		return -ENOMEM;
	error = registry_revoked(registry, "", r->since, on_row, r);
	revoked_sort(r->made);
	if (error == 0)
		error = r->error;
	return error < 0 ? error : read_removed(r, registry);
}

struct lists_reading *lists_reading_new(struct lists *l)
{
	struct lists_reading *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->lists = l;
	r->now = loop_now().wall;
	/* RFC 5280, section 3.3: an entry stays until one list has been there beyond its end. */
	r->since = r->now - (int64_t)(l->config->settings.authority.crl_lifetime / 1000);
	r->before = l->revoked ? revoked_ref(l->revoked) : NULL;
	r->removed_since = (l->read ? l->read : r->now) - LATELY;
	if (!recorder_is_file(l->recorder) && !(r->removed = malloc(sizeof *r->removed))) {
		lists_reading_free(r);
		return NULL;
	}
	r->question.ask = read_rows;
	return r;
}
