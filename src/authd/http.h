/* HTTP requests from the event loop: libcurl's multi interface on our loop.
 *
 * For what a server has to ask of others while it goes on serving: an OCSP responder, a CA.  Only
 * http and https, no redirections, no proxy or credentials from the environment, a ceiling on the
 * answer, on the time, and on how many are under way at once. */
#ifndef AUTHD_HTTP_H
#define AUTHD_HTTP_H

#include "base/bytes.h"
#include "drivers/loop.h"

#define HTTP_UNDER_WAY_MAX 64

struct http;
struct http_call;

struct http_answer {
	long status;	   /* of HTTP; 0 when there was no answer */
	struct slice body; /* borrowed for the call */
	const char *error; /* NULL when there is an answer, else why there is none, for people */
};

struct http_request {
	const char *url;
	const char *type;  /* Content-Type of the body, which is posted; NULL: GET */
	struct slice body; /* copied */
	const char *accept;
	struct slice bearer; /* Authorization: Bearer (RFC 6750), text; empty: none */
	size_t ceiling;	     /* octets of the answer */
	msec timeout;	     /* for all of it */
	/* Called once, from the loop, unless the call is cancelled. */
	void (*done)(void *context, const struct http_answer *answer);
	void *context;
};

/* 0 or -ENOMEM. */
int http_new(struct loop *loop, struct http **ret_http);
void http_free(struct http *http); /* cancels what is under way */
DEFINE_AUTO_STRUCT(http);

/* 0, -EBUSY when too many are under way, -EINVAL for a URL that is none of ours, -ENOMEM. */
int http_begin(struct http *http, const struct http_request *request, struct http_call **ret_call);
void http_cancel(struct http_call *call);

#endif
