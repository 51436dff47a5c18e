#include "authd/lists.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "authd/arm.h"
#include "authd/lists_parts.h"
#include "drivers/log.h"

/* ---- publishing ---- */

static int64_t due_after(int64_t now, msec a, msec b)
{
	msec shorter = a < b ? a : b;

	return now + (int64_t)(shorter / 2000);
}

static const struct revoked_list *list_of(const struct revoked *revoked, const X509 *issuer)
{
	static const struct revoked_list none;
	char name[CERT_TEXT_MAX];

	authority_registry_name(issuer, name, sizeof name);
	for (size_t i = 0; i < revoked->issuer_count; i++) {
		if (strcmp(revoked->issuer[i].name, name) == 0)
			return &revoked->issuer[i];
	}
	return &none;
}

static bool make_crl(struct lists *l, const struct enrol_authority *by, int64_t now,
		     struct bytes *ret_der)
{
	const struct revoked_list *list = list_of(l->revoked, by->issuer);
	const struct authd_settings *s = &l->config->settings;
	struct ca_revoked *entries = calloc(list->count + 1, sizeof *entries);
	enum status status = entries ? OK : NO_MEMORY;

	for (size_t i = 0; entries && i < list->count; i++) {
		const struct revoked_entry *e = &list->entry[i];

		entries[i] =
			(struct ca_revoked){ slice_of(e->serial, e->length), e->when, e->reason };
	}
	if (status == OK)
		status = ca_crl(by, entries, list->count, l->number, now,
				(int64_t)(s->authority.crl_lifetime / 1000), ret_der);
	free(entries);
	return status == OK;
}

/* Whole, or not at all: whoever reads the file sees the list before or this one. */
static int write_file(const char *path, const char *ending, struct slice content)
{
	char name[4096], temporary[4096 + 8];
	int fd, r = 0;

	if (snprintf(name, sizeof name, "%s%s", path, ending) >= (int)sizeof name)
		return -ENAMETOOLONG;
	snprintf(temporary, sizeof temporary, "%s.new", name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, content.p, content.len) != (ssize_t)content.len || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, name) < 0)
		r = -errno;
	return r;
}

static void write_files(struct lists *l, const struct lists_content *content)
{
	const char *path = l->config->settings.authority.crl_file;
	int error = path && content->crl.len ? write_file(path, "", bytes_slice(&content->crl)) : 0;

	if (path && error == 0 && content->old_crl.len)
		error = write_file(path, AUTHORITY_OLD, bytes_slice(&content->old_crl));
	if (error < 0)
		log_event(LOG_ERR, "authority.crl", "file=%s cause=\"%s\"", path, strerror(-error));
}

static bool put_anchors(const struct authority *a, struct bytes *ret_pem)
{
	AUTO(BIO) pem = BIO_new(BIO_s_mem());
	bool right = pem;
	char *text;
	long len;

	for (int i = 0; right && i < sk_X509_num(a->anchors); i++)
		right = PEM_write_bio_X509(pem, sk_X509_value(a->anchors, i));
	len = right ? BIO_get_mem_data(pem, &text) : -1;
	return len > 0 && bytes_set(ret_pem, slice_of(text, (size_t)len)) == OK;
}

static void make_staple(struct lists *l, int64_t now)
{
	const struct authd_settings *s = &l->config->settings;
	const struct enrol_authority *by = authority_of(l->authority, l->server);
	AUTO_VALUE(bytes) der = { 0 };
	struct lists_look look = { l->revoked, by ? by->issuer : NULL };
	const struct ca_status status = { lists_look, &look };

	if (by && ca_ocsp_staple(by, l->server, &status, now,
				 (int64_t)(s->authority.ocsp_lifetime / 1000), &der) == OK)
		l->events.staple(l->events.context, bytes_slice(&der));
}

static void publish(struct lists *l)
{
	const struct authd_settings *s = &l->config->settings;
	int64_t now = loop_now().wall;
	struct lists_content content = { 0 };
	struct diagnosis why = { 0 };
	bool right;

	/* Section 5.2.3: it grows, also when the service or its clock began anew. */
	l->number = (uint64_t)now > l->number ? (uint64_t)now : l->number + 1;
	l->due = due_after(now, s->authority.crl_lifetime, s->authority.ocsp_lifetime);
	content.revoked = revoked_ref(l->revoked);
	content.ocsp_lifetime = (int64_t)(s->authority.ocsp_lifetime / 1000);
	right = make_crl(l, &l->authority->now, now, &content.crl) &&
		(!l->authority->old.issuer ||
		 make_crl(l, &l->authority->old, now, &content.old_crl)) &&
		put_anchors(l->authority, &content.anchors) &&
		authority_open(l->config, now, &content.authority, &why) == 0;
	if (!right)
		log_event(LOG_ERR, "authority.crl", "cause=\"it cannot be made or signed\"");
	write_files(l, &content);
	if (right && l->http)
		lists_http_publish(l->http, &content);
	lists_content_done(&content);
	if (l->server && s->staple == STAPLE_OWN)
		make_staple(l, now);
}

static bool same(const struct revoked *a, const struct revoked *b)
{
	if (!a || a->issuer_count != b->issuer_count)
		return false;
	for (size_t i = 0; i < a->issuer_count; i++) {
		const struct revoked_list *x = &a->issuer[i], *y = &b->issuer[i];

		if (strcmp(x->name, y->name) != 0 || x->count != y->count ||
		    (x->count > 0 && memcmp(x->entry, y->entry, x->count * sizeof *x->entry) != 0))
			return false;
	}
	return true;
}

static void use(struct lists *l, const struct lists_reading *reading)
{
	struct revoked *made = reading->made;

	if (same(l->revoked, made))
		return;
	log_event(LOG_INFO, "authority.revoked", "count=%zu", revoked_count(made));
	revoked_free(l->revoked);
	l->revoked = revoked_ref(made);
	l->events.changed(l->events.context, l->revoked);
	for (size_t i = 0; i < reading->out.count; i++)
		l->events.out(l->events.context, reading->out.machine[i]);
	if (l->authority)
		publish(l);
}

static bool was_removed(const struct lists_removed *removed, int64_t when, const char *account)
{
	for (size_t i = 0; i < removed->count; i++) {
		if (removed->entry[i].when == when &&
		    strcmp(removed->entry[i].account, account) == 0)
			return true;
	}
	return false;
}

/* Those there were when nothing had been read are not told. */
static void tell_removed(struct lists *l, struct lists_reading *reading)
{
	const struct lists_removed *now = reading->removed;

	for (size_t i = 0; now && l->removed && i < now->count; i++) {
		if (!was_removed(l->removed, now->entry[i].when, now->entry[i].account))
			l->events.removed(l->events.context, now->entry[i].account);
	}
	free(l->removed);
	l->removed = TAKE(reading->removed);
	l->read = reading->now;
}

/* ---- when ---- */

static void look_again(struct lists *l, bool failed)
{
	bool alone = recorder_is_file(l->recorder) && !failed;
	msec wait = alone ? LISTS_LOOK_ALONE : LISTS_LOOK_AFTER;

	/* a second more for each thousand */
	if (l->revoked)
		wait += revoked_count(l->revoked);
	if (timer_set(l->loop, &l->timer, msec_after(loop_now().mono, wait)) < 0)
		log_event(LOG_ERR, "authority.timer", "cause=\"out of memory\"");
}

static void on_read(struct question *question, int result)
{
	struct lists_reading *r = list_item(question, struct lists_reading, question);
	struct lists *l = r->lists;

	l->reading = false;
	if (result < 0 && !l->told)
		log_event(LOG_WARNING, "authority.revoked",
			  "cause=\"the registry could not be read\" effect=\"%s\"",
			  l->revoked ? "what was known before counts"
				     : "nobody is let in by a certificate of our authority, or of "
				       "the one behind us");
	l->told = result < 0;
	if (result == 0) {
		use(l, r);
		tell_removed(l, r);
	}
	lists_reading_free(r);
	if (l->again && lists_refresh(l))
		return;
	l->events.read(l->events.context);
	if (l->recorder)
		look_again(l, result < 0);
}

bool lists_refresh(struct lists *l)
{
	struct lists_reading *r;

	l->again = l->reading;
	if (l->reading || !l->recorder)
		return l->reading;
	r = lists_reading_new(l);
	if (r)
		r->question.answered = on_read;
	l->reading = r && recorder_ask(l->recorder, &r->question) == 0;
	if (l->reading)
		return true;
	lists_reading_free(r);
	look_again(l, true);
	return false;
}

void lists_settle(struct lists *l)
{
	msec until = msec_after(loop_now().mono, LISTS_SETTLE);

	for (msec now; l->reading && (now = loop_now().mono) < until;)
		recorder_settle(l->recorder, until - now);
}

static void on_timer(struct timer *timer)
{
	struct lists *l = list_item(timer, struct lists, timer);

	if (l->authority && l->revoked && loop_now().wall >= l->due)
		publish(l);
	lists_refresh(l);
}

/* ---- its life ---- */

int lists_new(struct loop *loop, struct recorder *recorder, const struct lists_events *events,
	      struct lists **ret_lists)
{
	struct lists *l = calloc(1, sizeof *l);

	if (!l)
		return -ENOMEM;
	*l = (struct lists){
		.loop = loop, .recorder = recorder, .events = *events, .timer.expired = on_timer
	};
	*ret_lists = l;
	return 0;
}

static int open_http(struct lists *l, const struct config *config, struct diagnosis *why)
{
	union address at = config->settings.authority.listen.address[0];

	if (l->http || !l->authority || config->settings.authority.listen.count == 0)
		return 0;
	if (address_port(&at) == 0)
		address_set_port(&at, LISTS_PORT);
	return lists_http_new(&at, &l->http, why);
}

static int find_server(struct lists *l, const struct config *config, struct diagnosis *why)
{
	X509 *cert = NULL, *issuer = NULL;
	int r = 0;

	X509_free(TAKE(l->server));
	if (l->authority && config->settings.credential)
		r = arming_certificates(config, &cert, &issuer, why);
	if (r == 0 && cert && authority_of(l->authority, cert))
		l->server = TAKE(cert);
	X509_free(cert);
	X509_free(issuer);
	return r;
}

static void warn(const struct authority *a)
{
	char cause[DIAGNOSIS_TEXT_MAX], next[DIAGNOSIS_TEXT_MAX];

	if (a && a->warning.id != DIAG_NONE)
		log_event(LOG_WARNING, "authority.warning", "id=%s cause=\"%s\" next=\"%s\"",
			  diagnosis_text(a->warning.id)->name,
			  diagnosis_sentence(&a->warning, cause, sizeof cause),
			  diagnosis_next(&a->warning, next, sizeof next));
}

int lists_configure(struct lists *l, const struct config *config, struct diagnosis *why)
{
	AUTO_STRUCT(authority) authority = NULL;
	struct lists_content nothing = { 0 };
	int r = authority_open(config, loop_now().wall, &authority, why);

	if (r < 0)
		return r;
	authority_free(l->authority);
	config_free(l->config);
	if (authority && authority->now.issuer) /* else lists are of somebody else */
		l->authority = TAKE(authority);
	else
		l->authority = NULL;
	l->config = config_ref((struct config *)(uintptr_t)config);
	if (!l->authority && l->http)
		lists_http_publish(l->http, &nothing);
	r = find_server(l, config, why);
	if (r == 0)
		r = open_http(l, config, why);
	warn(l->authority);
	if (l->authority && l->revoked)
		publish(l);
	lists_refresh(l);
	return r;
}

void lists_stop(struct lists *l)
{
	if (l)
		l->recorder = NULL;
}

void lists_free(struct lists *l)
{
	if (!l)
		return;
	timer_clear(&l->timer);
	lists_http_free(l->http);
	revoked_free(l->revoked);
	free(l->removed);
	authority_free(l->authority);
	X509_free(l->server);
	config_free(l->config);
	free(l);
}
