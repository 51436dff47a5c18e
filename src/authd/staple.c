#include "authd/staple.h"

#include "base/list.h"
#include "config/file.h"
#include "drivers/log.h"
#include "tls/cert.h"
#include "tls/trust.h"

#include <errno.h>
#include <string.h>

struct staple {
	struct loop *loop;
	struct ocsp *ocsp;
	struct ocsp_call *call;
	struct timer timer;
	char *file, *url;
	X509 *certificate, *issuer;
	void (*changed)(void *context, struct slice response);
	void *context;
	struct bytes response; /* the one in use */
	struct diagnosis why;
};

static void settle(struct staple *staple, int64_t until)
{
	struct moment now = loop_now();
	int64_t wait = (until - now.wall) / 2;

	if (wait < STAPLE_LOOK_LEAST)
		wait = STAPLE_LOOK_LEAST;
	if (wait > STAPLE_LOOK_MOST)
		wait = STAPLE_LOOK_MOST;
	if (timer_set(staple->loop, &staple->timer, msec_after(now.mono, (msec)wait * 1000)) < 0)
		log_event(LOG_ERR, "staple.timer", "cause=\"out of memory\"");
}

/* Said when it changes, not every time that it is looked for. */
static void tell(const struct staple *staple)
{
	char cause[DIAGNOSIS_TEXT_MAX], next[DIAGNOSIS_TEXT_MAX];

	if (staple->why.id == DIAG_NONE)
		log_event(LOG_INFO, "staple.ready", "octets=%zu", staple->response.len);
	else
		log_event(LOG_WARNING, "staple.none", "id=%s cause=\"%s\" next=\"%s\"",
			  diagnosis_text(staple->why.id)->name,
			  diagnosis_sentence(&staple->why, cause, sizeof cause),
			  diagnosis_next(&staple->why, next, sizeof next));
}

static void use(struct staple *staple, struct slice response, const struct diagnosis *why,
		int64_t until)
{
	bool same = slice_eq(response, bytes_slice(&staple->response));
	bool known = diagnosis_same(why, &staple->why);

	staple->why = *why;
	if (!same) {
		if (bytes_set(&staple->response, response) != OK)
			bytes_clear(&staple->response);
		staple->changed(staple->context, bytes_slice(&staple->response));
	}
	if (!same || !known)
		tell(staple);
	settle(staple, until);
}

static void read_again(struct staple *staple)
{
	AUTO_VALUE(bytes) content = { 0 };
	int64_t now = loop_now().wall, until = now;
	struct diagnosis why;
	int error = file_read(staple->file, OCSP_RESPONSE_MAX, &content, NULL);

	diagnosis_set(&why, DIAG_NONE);
	if (error < 0)
		diagnosis_say(&why, DIAG_OCSP_INVALID, "%s: %s", staple->file, strerror(-error));
	else if (trust_ocsp_answer(staple->certificate, staple->issuer, bytes_slice(&content), now,
				   &until, &why) != OK)
		diagnosis_add(&why, "file", "%s", staple->file);
	use(staple, why.id == DIAG_NONE ? bytes_slice(&content) : slice_of(NULL, 0), &why, until);
}

static void on_told(void *context, const struct ocsp_finding *finding)
{
	struct staple *staple = context;

	staple->call = NULL;
	use(staple, finding->response, &finding->why, finding->until);
}

static void fetch(struct staple *staple)
{
	AUTO_VALUE(bytes) certificate = { 0 };
	AUTO_VALUE(bytes) issuer = { 0 };
	int error = 0;

	if (cert_append_der(&certificate, staple->certificate, SIZE_MAX) != OK ||
	    cert_append_der(&issuer, staple->issuer, SIZE_MAX) != OK)
		error = -ENOMEM;
	if (error == 0) {
		struct ocsp_question question = { .certificate = bytes_slice(&certificate),
						  .issuer = bytes_slice(&issuer),
						  .url = staple->url,
						  .fresh = true,
						  .told = on_told,
						  .context = staple };
		struct ocsp_call *call;

		error = ocsp_ask(staple->ocsp, &question, &call);
		if (error == 0 && call)
			staple->call = call;
	}
	if (error < 0)
		settle(staple, 0);
}

static void look(struct staple *staple)
{
	if (staple->call)
		return;
	if (staple->file)
		read_again(staple);
	else
		fetch(staple);
}

static void on_timer(struct timer *timer)
{
	look(list_item(timer, struct staple, timer));
}

/* RFC 5280, section 4.2.2.1; the first that HTTP can reach. */
static char *responder_of(X509 *cert)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(cert);
	char *found = NULL;

	for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !found; i++) {
		const char *url = sk_OPENSSL_STRING_value(urls, i);

		if (strncasecmp(url, "http", 4) == 0)
			found = strdup(url);
	}
	X509_email_free(urls);
	return found;
}

int staple_new(struct loop *loop, struct ocsp *ocsp, const struct staple_settings *settings,
	       struct staple **ret_staple)
{
	AUTO_STRUCT(staple) staple = calloc(1, sizeof *staple);
	int error;

	if (!staple)
		return -ENOMEM;
	*staple = (struct staple){ .loop = loop,
				   .ocsp = ocsp,
				   .timer = { .due = NEVER, .expired = on_timer },
				   .changed = settings->changed,
				   .context = settings->context };
	if (X509_up_ref(settings->certificate))
		staple->certificate = settings->certificate;
	if (X509_up_ref(settings->issuer))
		staple->issuer = settings->issuer;
	if (settings->file)
		staple->file = strdup(settings->file);
	else
		staple->url = responder_of(settings->certificate);
	if (!staple->certificate || !staple->issuer || (settings->file && !staple->file))
		return -ENOMEM;
	if (!staple->file && !staple->url)
		return -ENOENT;
	error = timer_set(loop, &staple->timer, loop_now().mono);
	if (error < 0)
		return error;
	*ret_staple = TAKE(staple);
	return 0;
}

void staple_free(struct staple *staple)
{
	if (!staple)
		return;
	if (staple->call)
		ocsp_cancel(staple->call);
	timer_clear(&staple->timer);
	X509_free(staple->certificate);
	X509_free(staple->issuer);
	bytes_done(&staple->response);
	free(staple->file);
	free(staple->url);
	free(staple);
}

const struct diagnosis *staple_diagnosis(const struct staple *staple)
{
	return &staple->why;
}
