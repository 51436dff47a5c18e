#include "authd/ocsp.h"

#include "base/list.h"
#include "tls/trust.h"

#include <errno.h>
#include <string.h>

#define BUCKETS 1024

/* One certificate: what was said of it last, and who waits for what is said next. */
struct entry {
	struct list node;  /* of its bucket */
	struct list order; /* of ocsp->order, the oldest first */
	struct ocsp *ocsp;
	uint8_t fingerprint[CERT_HASH_LEN];
	bool known;
	enum ocsp_state state;
	int64_t until;
	struct diagnosis why;

	/* while it is being asked about */
	struct http_call *http;
	X509 *cert, *issuer;
	struct list waiting;
};

struct ocsp_call {
	struct list node;
	void (*told)(void *context, const struct ocsp_finding *finding);
	void *context;
};

struct ocsp {
	struct http *http;
	struct list buckets[BUCKETS];
	struct list order;
	size_t count;
	struct ocsp_counters counters;
};

int ocsp_new(struct http *http, struct ocsp **ret_ocsp)
{
	struct ocsp *ocsp = calloc(1, sizeof *ocsp);

	if (!ocsp)
		return -ENOMEM;
	ocsp->http = http;
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&ocsp->buckets[i]);
	list_init(&ocsp->order);
	*ret_ocsp = ocsp;
	return 0;
}

static void entry_settle(struct entry *entry)
{
	X509_free(entry->cert);
	X509_free(entry->issuer);
	entry->cert = entry->issuer = NULL;
	entry->http = NULL;
}

static void entry_free(struct entry *entry)
{
	list_each (node, &entry->waiting) {
		list_remove(node);
		free(list_item(node, struct ocsp_call, node));
	}
	if (entry->http)
		http_cancel(entry->http);
	entry_settle(entry);
	list_remove(&entry->node);
	list_remove(&entry->order);
	entry->ocsp->count--;
	free(entry);
}

void ocsp_free(struct ocsp *ocsp)
{
	if (!ocsp)
		return;
	list_each (node, &ocsp->order)
		entry_free(list_item(node, struct entry, order));
	free(ocsp);
}

/* ---- the cache ----------------------------------------------------------------------------- */

static struct list *bucket(struct ocsp *ocsp, const uint8_t fingerprint[CERT_HASH_LEN])
{
	return &ocsp->buckets[(fingerprint[0] << 8 | fingerprint[1]) % BUCKETS];
}

static struct entry *find(struct ocsp *ocsp, const uint8_t fingerprint[CERT_HASH_LEN])
{
	list_each (node, bucket(ocsp, fingerprint)) {
		struct entry *entry = list_item(node, struct entry, node);

		if (memcmp(entry->fingerprint, fingerprint, CERT_HASH_LEN) == 0)
			return entry;
	}
	return NULL;
}

/* The oldest that nobody waits for. */
static void make_room(struct ocsp *ocsp)
{
	list_each (node, &ocsp->order) {
		struct entry *entry = list_item(node, struct entry, order);

		if (entry->http)
			continue;
		entry_free(entry);
		return;
	}
}

static struct entry *find_or_add(struct ocsp *ocsp, const uint8_t fingerprint[CERT_HASH_LEN])
{
	struct entry *entry = find(ocsp, fingerprint);

	if (entry)
		return entry;
	if (ocsp->count >= OCSP_CACHE_MAX)
		make_room(ocsp);
	entry = calloc(1, sizeof *entry);
	if (!entry)
		return NULL;
	entry->ocsp = ocsp;
	memcpy(entry->fingerprint, fingerprint, CERT_HASH_LEN);
	list_init(&entry->waiting);
	list_append(bucket(ocsp, fingerprint), &entry->node);
	list_append(&ocsp->order, &entry->order);
	ocsp->count++;
	return entry;
}

static struct ocsp_finding finding_of(const struct entry *entry)
{
	return (struct ocsp_finding){ .state = entry->state,
				      .until = entry->until,
				      .why = entry->why };
}

bool ocsp_known(struct ocsp *ocsp, const uint8_t fingerprint[CERT_HASH_LEN],
		struct ocsp_finding *ret_finding)
{
	const struct entry *entry = find(ocsp, fingerprint);

	if (!entry || !entry->known || loop_now().wall >= entry->until)
		return false;
	*ret_finding = finding_of(entry);
	ocsp->counters.from_cache++;
	return true;
}

/* ---- asking -------------------------------------------------------------------------------- */

static void unavailable(struct entry *entry, int64_t now, const char *url, const char *detail)
{
	diagnosis_say(&entry->why, DIAG_OCSP_INVALID, "%s", detail);
	diagnosis_add(&entry->why, "url", "%s", url);
	entry->state = OCSP_UNAVAILABLE;
	entry->until = now + OCSP_RETRY_INTERVAL;
}

static void judge(struct entry *entry, struct slice response, int64_t now, const char *url)
{
	int64_t until = 0;

	diagnosis_set(&entry->why, DIAG_NONE);
	if (trust_ocsp_answer(entry->cert, entry->issuer, response, now, &until, &entry->why) == OK)
		entry->state = OCSP_GOOD;
	else if (entry->why.id != DIAG_OCSP_INVALID && entry->why.id != DIAG_NONE)
		entry->state = OCSP_REVOKED;
	else {
		diagnosis_add(&entry->why, "url", "%s", url);
		entry->state = OCSP_UNAVAILABLE;
		until = now + OCSP_RETRY_INTERVAL;
	}
	if (until < now + OCSP_CACHE_LEAST)
		until = now + OCSP_CACHE_LEAST;
	if (until > now + OCSP_CACHE_MOST)
		until = now + OCSP_CACHE_MOST;
	entry->until = until;
}

static void count(struct ocsp *ocsp, enum ocsp_state state)
{
	switch (state) {
	case OCSP_GOOD:
		ocsp->counters.good++;
		break;
	case OCSP_REVOKED:
		ocsp->counters.revoked++;
		break;
	case OCSP_UNAVAILABLE:
		ocsp->counters.unavailable++;
		break;
	}
}

/* Those who are told may ask again, or cancel for others who wait: the entry stays, and the list is
 * emptied from the front. */
static void tell(struct entry *entry, struct slice response)
{
	struct ocsp_finding finding = finding_of(entry);

	finding.response = response;
	while (!list_empty(&entry->waiting)) {
		struct ocsp_call *call = list_item(entry->waiting.next, struct ocsp_call, node);

		list_remove(&call->node);
		call->told(call->context, &finding);
		free(call);
	}
}

static void on_answer(void *context, const struct http_answer *answer)
{
	struct entry *entry = context;
	int64_t now = loop_now().wall;
	char detail[64], url[DIAGNOSIS_VALUE_MAX];

	entry->known = true;
	snprintf(url, sizeof url, "%s", diagnosis_evidence(&entry->why, "url"));
	snprintf(detail, sizeof detail, "the responder answered with HTTP status %ld",
		 answer->status);
	if (answer->error)
		unavailable(entry, now, url, answer->error);
	else if (answer->status != 200)
		unavailable(entry, now, url, detail);
	else
		judge(entry, answer->body, now, url);
	count(entry->ocsp, entry->state);
	entry_settle(entry);
	tell(entry, entry->state == OCSP_GOOD ? answer->body : slice_of(NULL, 0));
}

static X509 *decode(struct slice der)
{
	const unsigned char *p = der.p;

	return d2i_X509(NULL, &p, (long)der.len);
}

/* Without a nonce: most responders answer with what they have signed before. */
static enum status request_for(X509 *cert, X509 *issuer, struct bytes *ret_request)
{
	AUTO(OCSP_REQUEST) request = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert, issuer); /* RFC 5019, section 2.1.1 */
	unsigned char *der = NULL;
	enum status status;
	int len;

	if (!request || !id || !OCSP_request_add0_id(request, id)) {
		OCSP_CERTID_free(id);
		return NO_MEMORY;
	}
	len = i2d_OCSP_REQUEST(request, &der);
	status = len > 0 ? bytes_set(ret_request, slice_of(der, (size_t)len)) : NO_MEMORY;
	OPENSSL_free(der);
	return status;
}

/* 0, or -errno and nothing is under way. */
static int send_request(struct entry *entry, const struct ocsp_question *question)
{
	AUTO_VALUE(bytes) body = { 0 };
	int error;

	entry->cert = decode(question->certificate);
	entry->issuer = decode(question->issuer);
	if (!entry->cert || !entry->issuer)
		return -EBADMSG;
	if (request_for(entry->cert, entry->issuer, &body) != OK)
		return -ENOMEM;

	struct http_request request = {
		.url = question->url,
		.type = "application/ocsp-request",
		.body = bytes_slice(&body),
		.accept = "application/ocsp-response",
		.ceiling = OCSP_RESPONSE_MAX,
		.timeout = OCSP_TIMEOUT,
		.done = on_answer,
		.context = entry,
	};

	error = http_begin(entry->ocsp->http, &request, &entry->http);
	if (error < 0)
		return error;
	entry->ocsp->counters.asked++;
	diagnosis_set(&entry->why, DIAG_OCSP_INVALID);
	diagnosis_add(&entry->why, "url", "%s", question->url);
	return 0;
}

static const char *why_not(int error)
{
	if (error == -EBUSY)
		return "too many responders are being asked already";
	if (error == -EINVAL)
		return "its address is not of HTTP";
	if (error == -EBADMSG)
		return "the certificate or its issuer does not parse";
	return "out of memory";
}

static int tell_unavailable(struct ocsp *ocsp, const struct ocsp_question *question,
			    const char *detail)
{
	struct ocsp_finding finding = { .state = OCSP_UNAVAILABLE };

	diagnosis_say(&finding.why, DIAG_OCSP_INVALID, "%s", detail);
	count(ocsp, finding.state);
	question->told(question->context, &finding);
	return 0;
}

int ocsp_ask(struct ocsp *ocsp, const struct ocsp_question *question, struct ocsp_call **ret_call)
{
	uint8_t fingerprint[CERT_HASH_LEN];
	struct ocsp_finding finding;
	struct entry *entry;
	struct ocsp_call *call;
	int error;

	*ret_call = NULL;
	if (EVP_Digest(question->certificate.p, question->certificate.len, fingerprint, NULL,
		       EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	if (!question->fresh && ocsp_known(ocsp, fingerprint, &finding)) {
		question->told(question->context, &finding);
		return 0;
	}
	if (!question->url)
		return tell_unavailable(ocsp, question, "the certificate names no responder");
	entry = find_or_add(ocsp, fingerprint);
	call = calloc(1, sizeof *call);
	if (!entry || !call) {
		free(call);
		return -ENOMEM;
	}
	error = entry->http ? 0 : send_request(entry, question);
	if (error < 0) {
		free(call);
		entry_settle(entry);
		return tell_unavailable(ocsp, question, why_not(error));
	}
	*call = (struct ocsp_call){ .told = question->told, .context = question->context };
	list_append(&entry->waiting, &call->node);
	*ret_call = call;
	return 0;
}

/* The responder is asked all the same: the next one who asks will know. */
void ocsp_cancel(struct ocsp_call *call)
{
	list_remove(&call->node);
	free(call);
}

const struct ocsp_counters *ocsp_counters(const struct ocsp *ocsp)
{
	return &ocsp->counters;
}
