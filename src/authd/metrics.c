#include "authd/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "authd/http_server.h"
#include "base/list.h"

#define PREFIX	   "latchkey_authd_"
#define WHOLE_MAX  9007199254740992.0 /* 2^53 */
#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

DEFINE_AUTO(json_t, json_decref);

struct metrics {
	struct loop *loop;
	const struct authd_view *view;
	struct MHD_Daemon *daemon;
	int event; /* the HTTP thread asks */
	struct watch watch;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t filled;
	uint64_t asked, answered;
	struct bytes text;
	struct health health;
	bool failed; /* the text could not be made */
	bool stopping;
};

void health_add(struct health *health, const char *format, ...)
{
	char text[256];
	va_list args;

	if (health->count == HEALTH_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	printable(slice_str(text), health->reason[health->count], sizeof health->reason[0]);
	health->count++;
}

/* ---- writing: on the main loop -------------------------------------------------------------- */

struct metrics_writer {
	FILE *out;
	char name[128]; /* of the family */
};

/* The text format has escapes of its own: a backslash, a newline, and in labels a double quote. */
static void write_escaped(FILE *out, const char *text, bool label)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || (label && *text == '"'))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void metrics_family(struct metrics_writer *writer, const char *name, const char *type,
		    const char *help)
{
	snprintf(writer->name, sizeof writer->name, PREFIX "%s", name);
	fprintf(writer->out, "# HELP %s ", writer->name);
	write_escaped(writer->out, help, false);
	fprintf(writer->out, "\n# TYPE %s %s\n", writer->name, type);
}

void metrics_value(struct metrics_writer *writer, double value, ...)
{
	const char *label, *between = "{";
	char clean[512];
	va_list args;

	fputs(writer->name, writer->out);
	va_start(args, value);
	while ((label = va_arg(args, const char *)) != NULL) {
		const char *text = va_arg(args, const char *);

		fprintf(writer->out, "%s%s=\"", between, label);
		write_escaped(writer->out, printable(slice_str(text), clean, sizeof clean), true);
		fputc('"', writer->out);
		between = ",";
	}
	va_end(args);
	if (*between == ',')
		fputc('}', writer->out);
	/* Counters are whole, and shown so as long as a double is. */
	if (value > -WHOLE_MAX && value < WHOLE_MAX && value == (double)(long long)value)
		fprintf(writer->out, " %lld\n", (long long)value);
	else
		fprintf(writer->out, " %.17g\n", value);
}

static bool write_text(struct metrics *m, struct bytes *ret)
{
	struct metrics_writer writer = { .out = NULL };
	char *text = NULL;
	size_t size = 0;
	bool right;

	writer.out = open_memstream(&text, &size);
	if (!writer.out)
		return false;
	if (m->view->metrics)
		m->view->metrics(m->view->self, &writer);
	right = fclose(writer.out) == 0 &&
		bytes_append(ret, slice_of(text, size), METRICS_TEXT_MAX) == OK;
	free(text);
	return right;
}

static void on_asked(struct watch *watch, bool readable, bool writable)
{
	struct metrics *m = list_item(watch, struct metrics, watch);
	AUTO_VALUE(bytes) text = { 0 };
	struct health health = { 0 };
	uint64_t count;
	bool right;

	(void)readable;
	(void)writable;
	if (read(m->event, &count, sizeof count) < 0)
		return;
	if (m->view->health)
		m->view->health(m->view->self, &health);
	right = write_text(m, &text);
	pthread_mutex_lock(&m->lock);
	bytes_done(&m->text);
	m->text = text;
	text = (struct bytes){ 0 };
	m->health = health;
	m->failed = !right;
	m->answered = m->asked;
	pthread_cond_broadcast(&m->filled);
	pthread_mutex_unlock(&m->lock);
}

/* ---- answering: in libmicrohttpd's thread --------------------------------------------------- */

/* With the lock held; false: the main loop does not answer. */
static bool wait_for_answer(struct metrics *m)
{
	static const uint64_t one = 1;
	uint64_t mine = ++m->asked;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += METRICS_WAIT_MS / 1000;
	if (write(m->event, &one, sizeof one) < 0)
		return false;
	while (m->answered < mine) {
		if (m->stopping || pthread_cond_timedwait(&m->filled, &m->lock, &until) != 0)
			return false;
	}
	return true;
}

static const struct http_server server = { .connections = METRICS_CONNECTIONS_MAX,
					   .idle_s = METRICS_IDLE_S,
					   .memory = 16384,
					   .allow = "GET, HEAD",
					   .no_store = true };

static enum MHD_Result reply_metrics(struct metrics *m, struct MHD_Connection *connection)
{
	enum MHD_Result result;

	pthread_mutex_lock(&m->lock);
	if (!wait_for_answer(m) || m->failed)
		result = http_server_reply_text(&server, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
						"The main loop does not answer.\n");
	else
		result = http_server_reply(&server, connection, MHD_HTTP_OK, PROMETHEUS,
					   bytes_slice(&m->text));
	pthread_mutex_unlock(&m->lock);
	return result;
}

static json_t *health_json(const struct health *health)
{
	json_t *reasons;

	if (health->count == 0)
		return json_pack("{s:s}", "status", "ok");
	reasons = json_array();
	for (size_t i = 0; i < health->count; i++)
		json_array_append_new(reasons, json_string(health->reason[i]));
	return json_pack("{s:s, s:o}", "status", "failing", "reasons", reasons);
}

static enum MHD_Result reply_health(struct metrics *m, struct MHD_Connection *connection)
{
	struct health health = { 0 };

	pthread_mutex_lock(&m->lock);
	if (wait_for_answer(m))
		health = m->health;
	else
		health_add(&health, "main loop: it does not answer within %d ms", METRICS_WAIT_MS);
	pthread_mutex_unlock(&m->lock);

	AUTO(json_t) object = health_json(&health);
	AUTO(char) text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!text)
		return MHD_NO;
	return http_server_reply(&server, connection,
				 health.count ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
				 "application/json", slice_str(text));
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static char seen;

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		/* What else it sends is thrown away. */
		*upload_size = 0;
		return http_server_reply_text(&server, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					      "Only GET and HEAD here.\n");
	}
	/* The first call is about the headers alone; an answer then would end the connection. */
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") == 0)
		return reply_metrics(context, connection);
	if (strcmp(url, "/health") == 0)
		return reply_health(context, connection);
	return http_server_reply_text(&server, connection, MHD_HTTP_NOT_FOUND,
				      "There are /metrics and /health.\n");
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int fail(struct diagnosis *why, const union address *at, int error)
{
	char text[ADDRESS_TEXT_MAX];

	diagnosis_say(why, DIAG_CONFIG, "metrics on %s: %s", address_text(at, true, text),
		      strerror(-error));
	return error;
}

int metrics_new(struct loop *loop, const union address *at, const struct authd_view *view,
		struct metrics **ret_metrics, struct diagnosis *why)
{
	struct metrics *m = calloc(1, sizeof *m);
	pthread_condattr_t attributes;
	int error;

	if (!m)
		return fail(why, at, -ENOMEM);
	*m = (struct metrics){ .loop = loop, .view = view, .watch.ready = on_asked };
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&m->filled, &attributes);
	pthread_condattr_destroy(&attributes);
	m->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = m->event < 0 ? -errno : watch_set(loop, &m->watch, m->event, true, false);
	if (error == 0) {
		m->daemon = http_server_start(&server, at, on_request, NULL, m);
		error = m->daemon ? 0 : -errno;
	}
	if (error < 0) {
		metrics_free(m);
		return fail(why, at, error);
	}
	*ret_metrics = m;
	return 0;
}

uint16_t metrics_port(const struct metrics *m)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	/* Whoever waits for the main loop, which is here, is told that it does not answer. */
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->filled);
	pthread_mutex_unlock(&m->lock);
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	watch_clear(&m->watch);
	if (m->event >= 0)
		close(m->event);
	bytes_done(&m->text);
	pthread_cond_destroy(&m->filled);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
