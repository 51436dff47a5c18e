#include "authd/sessions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a NAS may be late with its last word about a session whose time is over. */
#define GRACE 120

void sessions_init(struct sessions *sessions)
{
	for (size_t i = 0; i < SESSIONS_BUCKETS; i++)
		list_init(&sessions->bucket[i]);
	list_init(&sessions->order);
	sessions->count = 0;
}

void sessions_end(struct sessions *sessions, struct session *session)
{
	list_remove(&session->node);
	list_remove(&session->order);
	sessions->count--;
	free(session);
}

void sessions_done(struct sessions *sessions)
{
	list_each (node, &sessions->order)
		sessions_end(sessions, list_item(node, struct session, order));
}

/* ---- by station ---- */

static struct list *bucket_of(struct sessions *sessions, const char *station)
{
	uint8_t same[AAA_TEXT_MAX + 1]; /* in whatever case it was written */
	size_t len = 0;

	for (; station[len] && len < sizeof same; len++)
		same[len] = (uint8_t)toupper((unsigned char)station[len]);
	return &sessions->bucket[slice_hash(slice_of(same, len)) % SESSIONS_BUCKETS];
}

static bool same_place(const struct aaa_where *a, const struct aaa_where *b)
{
	return strcmp(a->client, b->client) == 0 &&
	       strcasecmp(a->calling_station, b->calling_station) == 0 &&
	       strcmp(a->nas_identifier, b->nas_identifier) == 0 &&
	       strcmp(a->nas_address, b->nas_address) == 0 &&
	       strcmp(a->nas_port_id, b->nas_port_id) == 0 && a->nas_port == b->nas_port;
}

static void heard(struct sessions *sessions, struct session *session, int64_t now)
{
	session->heard = now;
	list_remove(&session->order);
	list_append(&sessions->order, &session->order);
}

/* ---- beginning ---- */

static void end_former(struct sessions *sessions, const struct aaa_where *where)
{
	list_each (node, bucket_of(sessions, where->calling_station)) {
		struct session *s = list_item(node, struct session, node);

		if (!same_place(&s->where, where))
			continue;
		sessions_end(sessions, s);
		return;
	}
}

void sessions_begin(struct sessions *sessions, const struct outcome *outcome)
{
	struct session *s;

	if (!outcome->accepted || outcome->asker == OUTCOME_PORT)
		return;
	end_former(sessions, &outcome->where);
	if (sessions->count == SESSIONS_MAX)
		sessions_end(sessions, list_item(sessions->order.next, struct session, order));
	s = calloc(1, sizeof *s);
	if (!s)
		return; /* it is served all the same, and in the registry */
	list_init(&s->node);
	list_init(&s->order);
	memcpy(s->id, outcome->session, sizeof s->id);
	s->where = outcome->where;
	outcome_machine(outcome->claim.subject, outcome->claim.names, outcome->claim.fingerprint,
			s->machine, sizeof s->machine);
	memcpy(s->account, outcome->account, sizeof s->account);
	snprintf(s->method, sizeof s->method, "%s", outcome->method);
	snprintf(s->tls, sizeof s->tls, "%s", outcome->report.tls_version);
	snprintf(s->rule, sizeof s->rule, "%s", outcome->grant.rule);
	s->vlan = outcome->grant.vlan;
	s->timeout = outcome->grant.session_timeout;
	s->started = outcome->ended.wall;
	list_append(bucket_of(sessions, s->where.calling_station), &s->node);
	list_append(&sessions->order, &s->order);
	sessions->count++;
	heard(sessions, s, outcome->ended.wall);
}

/* ---- accounting ---- */

static struct session *find(struct sessions *sessions, const struct nas_accounting *a)
{
	list_each (node, bucket_of(sessions, a->where.calling_station)) {
		struct session *s = list_item(node, struct session, node);

		if (strcmp(s->where.client, a->where.client) == 0 && a->session[0] &&
		    strcmp(s->id, a->session) == 0)
			return s;
	}
	return NULL;
}

/* A NAS that begins or ends all its accounting has lost its sessions: RFC 2866, section 5.1. */
static void end_all_of(struct sessions *sessions, const struct aaa_where *where)
{
	list_each (node, &sessions->order) {
		struct session *s = list_item(node, struct session, order);

		if (strcmp(s->where.client, where->client) == 0 &&
		    strcmp(s->where.nas_identifier, where->nas_identifier) == 0 &&
		    strcmp(s->where.nas_address, where->nas_address) == 0)
			sessions_end(sessions, s);
	}
}

void sessions_account(struct sessions *sessions, const struct nas_accounting *a)
{
	struct session *s;

	if (a->status == NAS_ACCOUNTING_ON || a->status == NAS_ACCOUNTING_OFF) {
		end_all_of(sessions, &a->where);
		return;
	}
	s = find(sessions, a);
	if (!s)
		return;
	s->accounted = true;
	s->octets_in = a->input_octets;
	s->octets_out = a->output_octets;
	if (*a->where.session_id)
		memcpy(s->where.session_id, a->where.session_id, sizeof s->where.session_id);
	if (a->status == NAS_ACCOUNTING_STOP)
		sessions_end(sessions, s);
	else
		heard(sessions, s, a->when);
}

void sessions_look(struct sessions *sessions, int64_t now)
{
	list_each (node, &sessions->order) {
		struct session *s = list_item(node, struct session, order);

		if (s->timeout > 0 && now - s->started > (int64_t)s->timeout + GRACE)
			sessions_end(sessions, s);
	}
}

/* ---- by name ---- */

/* The twelve digits of a hardware address, in capitals; false if it is none. */
static bool digits_of(const char *text, char digits[13])
{
	size_t n = 0;

	for (; *text; text++) {
		if (strchr(":-.", *text))
			continue;
		if (!isxdigit((unsigned char)*text) || n == 12)
			return false;
		digits[n++] = (char)toupper((unsigned char)*text);
	}
	digits[n] = '\0';
	return n == 12;
}

bool session_is_of_account(const struct session *session, const char *account)
{
	return *session->account && strcasecmp(session->account, account) == 0;
}

bool session_is(const struct session *session, const char *target)
{
	char wanted[13], station[13];

	if (strcmp(session->id, target) == 0 ||
	    (*session->machine && strcmp(session->machine, target) == 0) ||
	    session_is_of_account(session, target))
		return true;
	return digits_of(target, wanted) && digits_of(session->where.calling_station, station) &&
	       strcmp(wanted, station) == 0;
}
