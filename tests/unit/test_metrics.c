/* Metrics and health over HTTP, asked by a client in another thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "authd/metrics.h"
#include "base/list.h"
#include "tests/test.h"

struct bench {
	struct loop loop;
	struct authd_view view;
	struct metrics *metrics;
	struct diagnosis why;
	bool ill;
	int calls;

	struct watch done;
	int event;
	const char *request;
	char answer[8192];
};

static void write_metrics(void *self, struct metrics_writer *writer)
{
	struct bench *b = self;

	b->calls++;
	metrics_family(writer, "authentications_total", "counter", "How many,\nwith a \\ in it.");
	metrics_value(writer, 9007199254740991.0, "result", "accept", "client", "a\"b\\c\nd", NULL);
	metrics_value(writer, 0, "result", "reject", NULL);
	metrics_family(writer, "load", "gauge", "A part.");
	metrics_value(writer, 0.25, NULL);
}

static void judge(void *self, struct health *health)
{
	struct bench *b = self;

	for (int i = 0; b->ill && i < HEALTH_MAX + 3; i++)
		health_add(health, "database: \"gone\" %d", i);
}

static void bench_done(struct bench *b)
{
	metrics_free(b->metrics);
	watch_clear(&b->done);
	close(b->event);
	loop_done(&b->loop);
}

static void prepare(struct bench *b, const char *listen)
{
	union address at;

	*b = (struct bench){ .view = { .self = b, .metrics = write_metrics, .health = judge } };
	b->event = eventfd(0, 0);
	REQUIRE(loop_init(&b->loop) == 0);
	REQUIRE(address_parse(listen, &at));
	REQUIRE(metrics_new(&b->loop, &at, &b->view, &b->metrics, &b->why) == 0);
}

static int dial(const struct bench *b)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(metrics_port(b->metrics)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		abort();
	return fd;
}

static void *ask(void *context)
{
	static const uint64_t one = 1;
	struct bench *b = context;
	int fd = dial(b);
	size_t len = 0;

	(void)!write(fd, b->request, strlen(b->request));
	for (ssize_t n; len < sizeof b->answer - 1 &&
			(n = read(fd, b->answer + len, sizeof b->answer - 1 - len)) > 0;)
		len += (size_t)n;
	b->answer[len] = '\0';
	close(fd);
	(void)!write(b->event, &one, sizeof one);
	return NULL;
}

static void on_done(struct watch *watch, bool readable, bool writable)
{
	struct bench *b = list_item(watch, struct bench, done);

	(void)readable;
	(void)writable;
	loop_stop(&b->loop);
}

/* With the loop running, or standing still. */
static const char *get(struct bench *b, const char *request, bool runs)
{
	pthread_t thread;
	uint64_t count;

	b->request = request;
	b->done.ready = on_done;
	b->loop.stopping = false;
	REQUIRE(watch_set(&b->loop, &b->done, b->event, true, false) == 0);
	REQUIRE(pthread_create(&thread, NULL, ask, b) == 0);
	if (runs)
		CHECK_INT(loop_run(&b->loop), 0);
	pthread_join(thread, NULL);
	(void)!read(b->event, &count, sizeof count);
	return b->answer;
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

TEST(metrics_are_in_the_format_of_prometheus)
{
	AUTO_VALUE(bench) b = { 0 };
	const char *body;

	prepare(&b, "127.0.0.1");
	body = get(&b, "GET /metrics" END, true);
	CHECK(strstr(body, "HTTP/1.1 200 OK") == body);
	CHECK(strstr(body, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != NULL);
	body = strstr(body, "\r\n\r\n");
	REQUIRE(body != NULL);
	CHECK_STR(body + 4,
		  "# HELP latchkey_authd_authentications_total How many,\\nwith a \\\\ in it.\n"
		  "# TYPE latchkey_authd_authentications_total counter\n"
		  "latchkey_authd_authentications_total{result=\"accept\",client=\"a\\\"b\\\\c?d\"}"
		  " 9007199254740991\n"
		  "latchkey_authd_authentications_total{result=\"reject\"} 0\n"
		  "# HELP latchkey_authd_load A part.\n"
		  "# TYPE latchkey_authd_load gauge\n"
		  "latchkey_authd_load 0.25\n");
	CHECK_INT(b.calls, 1);
	body = get(&b, "HEAD /metrics" END, true);
	CHECK(strstr(body, "HTTP/1.1 200 OK") == body);
	CHECK_STR(strstr(body, "\r\n\r\n"), "\r\n\r\n");
}

TEST(health_has_reasons)
{
	AUTO_VALUE(bench) b = { 0 };
	const char *answer;

	prepare(&b, "127.0.0.1");
	answer = get(&b, "GET /health" END, true);
	CHECK(strstr(answer, "HTTP/1.1 200 OK") == answer);
	CHECK(strstr(answer, "\r\n\r\n{\"status\":\"ok\"}") != NULL);
	b.ill = true;
	answer = get(&b, "GET /health" END, true);
	CHECK(strstr(answer, "HTTP/1.1 503 ") == answer);
	CHECK(strstr(answer,
		     "{\"status\":\"failing\",\"reasons\":[\"database: \\\"gone\\\" 0\",") != NULL);
	CHECK(strstr(answer, "gone\\\" 15\"]}") != NULL);
}

TEST(loop_that_stands_still_is_no_health)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, "127.0.0.1");
	CHECK(strstr(get(&b, "GET /health" END, false), "main loop: it does not answer") != NULL);
	CHECK(strstr(get(&b, "GET /metrics" END, false), "HTTP/1.1 503 ") != NULL);
	CHECK(strstr(get(&b, "GET /health" END, true), "\"ok\"") != NULL);
}

TEST(nothing_else_is_answered)
{
	AUTO_VALUE(bench) b = { 0 };
	char request[20000];

	prepare(&b, "127.0.0.1");
	CHECK(strstr(get(&b, "GET /" END, true), "HTTP/1.1 404 ") != NULL);
	CHECK(strstr(get(&b, "GET /metrics/../etc" END, true), "HTTP/1.1 404 ") != NULL);
	CHECK(strstr(get(&b, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
			 true),
		     "HTTP/1.1 405 ") != NULL);
	CHECK(strstr(b.answer, "Allow: GET, HEAD\r\n") != NULL);
	CHECK(strstr(get(&b, "DELETE /health" END, true), "HTTP/1.1 405 ") != NULL);
	CHECK(strstr(get(&b, "rubbish\r\n\r\n", true), "HTTP/1.1 200") == NULL);
	memset(request, 'a', sizeof request);
	memcpy(request, "GET /", 5);
	request[sizeof request - 1] = '\0';
	CHECK(strstr(get(&b, request, true), "HTTP/1.1 4") != NULL);
	CHECK_INT(b.calls, 0);
}

TEST(address_in_use_is_told)
{
	AUTO_VALUE(bench) b = { 0 };
	struct metrics *again = NULL;
	union address at;

	prepare(&b, "127.0.0.1");
	REQUIRE(address_parse("127.0.0.1", &at));
	address_set_port(&at, metrics_port(b.metrics));
	CHECK_INT(metrics_new(&b.loop, &at, &b.view, &again, &b.why), -EADDRINUSE);
	CHECK(strstr(diagnosis_evidence(&b.why, "detail"), "127.0.0.1:") != NULL);
}

/* Those who say nothing do not keep others out for long, and are not more than there may be. */
TEST(connections_have_a_ceiling)
{
	AUTO_VALUE(bench) b = { 0 };
	int idle[METRICS_CONNECTIONS_MAX + 4];

	prepare(&b, "127.0.0.1");
	for (int i = 0; i < METRICS_CONNECTIONS_MAX + 4; i++)
		idle[i] = dial(&b);
	for (int i = 0; i < METRICS_CONNECTIONS_MAX + 4; i++)
		close(idle[i]);
	CHECK(strstr(get(&b, "GET /health" END, true), "\"ok\"") != NULL);
}
