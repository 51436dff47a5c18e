#include "authd/http.h"

#include "base/diagnosis.h"

#include "base/list.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer timer;
	struct list calls;
	size_t under_way;
};

struct http_call {
	struct list node; /* of http->calls */
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct bytes request, answer;
	size_t ceiling;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	void (*done)(void *context, const struct http_answer *answer);
	void *context;
};

/* A descriptor that libcurl wants watched. */
struct http_socket {
	struct watch watch;
	struct http *http;
	curl_socket_t fd;
};

static void call_free(struct http_call *call)
{
	if (call->http) {
		list_remove(&call->node);
		call->http->under_way--;
		if (call->easy)
			curl_multi_remove_handle(call->http->multi, call->easy);
	}
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	bytes_done(&call->request);
	bytes_done(&call->answer);
	free(call);
}

static void conclude(struct http_call *call, CURLcode code)
{
	struct http_answer answer = { .body = bytes_slice(&call->answer) };
	void (*done)(void *, const struct http_answer *) = call->done;
	void *context = call->context;

	if (call->too_large)
		answer.error = "the answer is larger than it may be";
	else if (code != CURLE_OK)
		answer.error = call->error[0] ? call->error : curl_easy_strerror(code);
	else
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	if (answer.error)
		answer.body = slice_of(NULL, 0);
	done(context, &answer);
	call_free(call);
}

/* One at a time from the start: what is told of a call may cancel others. */
static void collect(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct http_call *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		conclude(call, code);
	}
}

static void act(struct http *http, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(http->multi, fd, what, &running);
	collect(http);
}

static void on_socket(struct watch *watch, bool readable, bool writable)
{
	struct http_socket *socket = list_item(watch, struct http_socket, watch);

	act(socket->http, socket->fd,
	    (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct timer *timer)
{
	act(list_item(timer, struct http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int watch_for_curl(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
	struct http *http = context;
	struct http_socket *socket = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket)
			watch_clear(&socket->watch);
		free(socket);
		return 0;
	}
	if (!socket) {
		socket = calloc(1, sizeof *socket);
		if (!socket)
			return -1;
		*socket = (struct http_socket){ .watch.ready = on_socket, .http = http, .fd = fd };
		curl_multi_assign(http->multi, fd, socket);
	}
	return watch_set(http->loop, &socket->watch, fd, what & CURL_POLL_IN,
			 what & CURL_POLL_OUT) < 0
		       ? -1
		       : 0;
}

static int time_for_curl(CURLM *multi, long wait, void *context)
{
	struct http *http = context;

	(void)multi;
	return timer_set(http->loop, &http->timer,
			 wait < 0 ? NEVER : msec_after(loop_now().mono, (msec)wait)) < 0
		       ? -1
		       : 0;
}

static size_t take(char *data, size_t one, size_t len, void *context)
{
	struct http_call *call = context;

	if (bytes_append(&call->answer, slice_of(data, one * len), call->ceiling) == OK)
		return one * len;
	call->too_large = true;
	return 0;
}

int http_new(struct loop *loop, struct http **ret_http)
{
	struct http *http;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	http = calloc(1, sizeof *http);
	if (!http)
		return -ENOMEM;
	*http = (struct http){ .loop = loop, .timer.expired = on_timer };
	list_init(&http->calls);
	http->multi = curl_multi_init();
	if (!http->multi) {
		free(http);
		return -ENOMEM;
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_for_curl);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, time_for_curl);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	*ret_http = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	list_each (node, &http->calls)
		call_free(list_item(node, struct http_call, node));
	curl_multi_cleanup(http->multi);
	timer_clear(&http->timer);
	free(http);
	curl_global_cleanup();
}

static bool add_bearer(struct http_call *call, struct slice bearer)
{
	char line[512], text[256];
	struct curl_slist *longer;

	printable(bearer, text, sizeof text);
	snprintf(line, sizeof line, "Authorization: Bearer %s", text);
	longer = curl_slist_append(call->headers, line);
	explicit_bzero(line, sizeof line);
	explicit_bzero(text, sizeof text);
	call->headers = longer ? longer : call->headers;
	return longer;
}

static bool set_options(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;
	char line[128];

	if (request->accept) {
		snprintf(line, sizeof line, "Accept: %s", request->accept);
		call->headers = curl_slist_append(NULL, line);
		if (!call->headers)
			return false;
	}
	if (request->bearer.len > 0 && !add_bearer(call, request->bearer))
		return false;
	if (request->type) {
		snprintf(line, sizeof line, "Content-Type: %s", request->type);

		struct curl_slist *longer = curl_slist_append(call->headers, line);

		if (!longer)
			return false;
		call->headers = longer;
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->request.p);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->request.len);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

int http_begin(struct http *http, const struct http_request *request, struct http_call **ret_call)
{
	struct http_call *call;

	if (strncmp(request->url, "http://", 7) != 0 && strncmp(request->url, "https://", 8) != 0)
		return -EINVAL;
	if (http->under_way >= HTTP_UNDER_WAY_MAX)
		return -EBUSY;
	call = calloc(1, sizeof *call);
	if (!call)
		return -ENOMEM;
	*call = (struct http_call){ .easy = curl_easy_init(),
				    .ceiling = request->ceiling,
				    .done = request->done,
				    .context = request->context };
	if (!call->easy || bytes_set(&call->request, request->body) != OK ||
	    !set_options(call, request) ||
	    curl_multi_add_handle(http->multi, call->easy) != CURLM_OK) {
		call_free(call);
		return -ENOMEM;
	}
	call->http = http;
	list_append(&http->calls, &call->node);
	http->under_way++;
	*ret_call = call;
	return 0;
}

void http_cancel(struct http_call *call)
{
	call_free(call);
}
