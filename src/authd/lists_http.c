#include "authd/lists_http.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "authd/http_server.h"
#include "drivers/loop.h"

#define BASE64_MAX (CA_OCSP_REQUEST_MAX / 3 * 4 + 4)

struct lists_http {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock; /* of what follows */
	struct lists_content content;
};

/* Of one connection: what is posted. */
struct posted {
	bool over;
	size_t len;
	uint8_t octets[CA_OCSP_REQUEST_MAX];
};

void lists_content_done(struct lists_content *c)
{
	authority_free(c->authority);
	revoked_free(c->revoked);
	bytes_done(&c->crl);
	bytes_done(&c->old_crl);
	bytes_done(&c->anchors);
	*c = (struct lists_content){ 0 };
}

/* ---- OCSP ---- */

enum ca_state lists_look(void *context, struct slice serial, struct ca_revoked *ret_revoked)
{
	const struct lists_look *look = context;
	const struct revoked_entry *entry = revoked_find_by(look->revoked, look->issuer, serial);

	if (!entry)
		return CA_GOOD;
	*ret_revoked = (struct ca_revoked){ serial, entry->when, entry->reason };
	return CA_REVOKED;
}

enum status lists_ocsp(const struct lists_content *c, struct slice request, int64_t now,
		       struct bytes *ret_der)
{
	const struct authority *a = c->authority;
	const struct enrol_authority *by =
		a->old.issuer && ca_ocsp_is_for(&a->old, request) ? &a->old : &a->now;
	struct lists_look look = { c->revoked, by->issuer };
	const struct ca_status status = { lists_look, &look };

	return ca_ocsp(by, request, &status, now, c->ocsp_lifetime, ret_der);
}

/* ---- answers: in libmicrohttpd's thread ---- */

static const struct http_server server = { .connections = LISTS_CONNECTIONS_MAX,
					   .idle_s = LISTS_IDLE_S,
					   .memory = 32768,
					   .allow = "GET, HEAD, POST" };

static enum MHD_Result reply_octets(struct MHD_Connection *connection, const char *type,
				    const struct bytes *octets)
{
	if (octets->len == 0)
		return http_server_reply_text(&server, connection, MHD_HTTP_NOT_FOUND,
					      "There is none now.\n");
	return http_server_reply(&server, connection, MHD_HTTP_OK, type, bytes_slice(octets));
}

/* With the lock held.  Before the registry was read once nobody knows what was revoked. */
static enum MHD_Result reply_ocsp(struct lists_http *http, struct MHD_Connection *connection,
				  struct slice request)
{
	static const uint8_t try_later[] = { 0x30, 0x03, 0x0a, 0x01, 0x03 };
	AUTO_VALUE(bytes) der = { 0 };

	if (!http->content.authority || !http->content.revoked)
		return http_server_reply(&server, connection, MHD_HTTP_OK,
					 "application/ocsp-response",
					 slice_of(try_later, sizeof try_later));
	if (lists_ocsp(&http->content, request, loop_now().wall, &der) != OK)
		return http_server_reply_text(&server, connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
					      "No memory.\n");
	return http_server_reply(&server, connection, MHD_HTTP_OK, "application/ocsp-response",
				 bytes_slice(&der));
}

/* RFC 6960, Appendix A.1: base 64 of the request, of which libmicrohttpd has undone the %-escapes.
 */
static enum MHD_Result reply_ocsp_get(struct lists_http *http, struct MHD_Connection *connection,
				      const char *text)
{
	uint8_t octets[CA_OCSP_REQUEST_MAX + 4];
	size_t len = strlen(text);
	int got;

	while (*text == '/') {
		text++;
		len--;
	}
	got = len > 0 && len <= BASE64_MAX && len % 4 == 0
		      ? EVP_DecodeBlock(octets, (const unsigned char *)text, (int)len)
		      : -1;
	for (size_t i = 0; got > 0 && i < 2 && text[len - 1 - i] == '='; i++)
		got--;
	if (got <= 0)
		return http_server_reply_text(&server, connection, MHD_HTTP_BAD_REQUEST,
					      "Expected an OCSP request in base 64.\n");
	return reply_ocsp(http, connection, slice_of(octets, (size_t)got));
}

static enum MHD_Result reply_get(struct lists_http *http, struct MHD_Connection *connection,
				 const char *url)
{
	if (strcmp(url, "/crl") == 0)
		return reply_octets(connection, "application/pkix-crl", &http->content.crl);
	if (strcmp(url, "/crl/old") == 0)
		return reply_octets(connection, "application/pkix-crl", &http->content.old_crl);
	if (strcmp(url, "/ca.pem") == 0)
		return reply_octets(connection, "application/x-pem-file", &http->content.anchors);
	if (strncmp(url, "/ocsp/", 6) == 0)
		return reply_ocsp_get(http, connection, url + 6);
	return http_server_reply_text(&server, connection, MHD_HTTP_NOT_FOUND,
				      "There are /crl, /crl/old, /ca.pem and /ocsp.\n");
}

static enum MHD_Result answer(struct lists_http *http, struct MHD_Connection *connection,
			      const char *url, const char *method, const struct posted *posted)
{
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return reply_get(http, connection, url);
	if (strcmp(url, "/ocsp") != 0 && strcmp(url, "/ocsp/") != 0)
		return http_server_reply_text(&server, connection, MHD_HTTP_NOT_FOUND,
					      "Only /ocsp takes a POST.\n");
	if (posted->over)
		return http_server_reply_text(&server, connection, MHD_HTTP_CONTENT_TOO_LARGE,
					      "It is too large.\n");
	return reply_ocsp(http, connection, slice_of(posted->octets, posted->len));
}

static void take(struct posted *posted, const char *data, size_t len)
{
	if (len > sizeof posted->octets - posted->len) {
		posted->over = true;
		return;
	}
	memcpy(posted->octets + posted->len, data, len);
	posted->len += len;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct lists_http *http = context;
	enum MHD_Result result;

	(void)version;
	if (!*state) {
		/* The first call is about the headers alone. */
		*state = calloc(1, sizeof(struct posted));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0) {
		take(*state, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return http_server_reply_text(&server, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					      "Only GET, HEAD and POST here.\n");
	pthread_mutex_lock(&http->lock);
	result = answer(http, connection, url, method, *state);
	pthread_mutex_unlock(&http->lock);
	return result;
}

static void on_end(void *context, struct MHD_Connection *connection, void **state,
		   enum MHD_RequestTerminationCode how)
{
	(void)context;
	(void)connection;
	(void)how;
	free(*state);
	*state = NULL;
}

/* ---- beginning and end ---- */

int lists_http_new(const union address *at, struct lists_http **ret_http, struct diagnosis *why)
{
	struct lists_http *http = calloc(1, sizeof *http);
	char text[ADDRESS_TEXT_MAX];
	int error = ENOMEM;

	if (http) {
		pthread_mutex_init(&http->lock, NULL);
		http->daemon = http_server_start(&server, at, on_request, on_end, http);
		error = errno;
	}
	if (!http || !http->daemon) {
		diagnosis_say(why, DIAG_CONFIG, "[Authority] Listen=%s: %s",
			      address_text(at, true, text), strerror(error));
		lists_http_free(http);
		return -error;
	}
	*ret_http = http;
	return 0;
}

void lists_http_free(struct lists_http *http)
{
	if (!http)
		return;
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	lists_content_done(&http->content);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

void lists_http_publish(struct lists_http *http, struct lists_content *taken)
{
	struct lists_content before;

	pthread_mutex_lock(&http->lock);
	before = http->content;
	http->content = *taken;
	pthread_mutex_unlock(&http->lock);
	*taken = (struct lists_content){ 0 };
	lists_content_done(&before);
}
