/* Metrics and health over HTTP, for those who watch many machines.
 *
 *	GET /metrics	the text format of Prometheus, version 0.0.4
 *	GET /health	200 {"status":"ok"}, or 503 {"status":"failing","reasons":[...]}
 *
 * libmicrohttpd's own thread takes the requests and asks the main loop, which fills a text from the
 * view; a main loop that does not answer within METRICS_WAIT_MS is itself a reason not to be well.
 */
#ifndef AUTHD_METRICS_H
#define AUTHD_METRICS_H

#include "authd/address.h"
#include "authd/view.h"
#include "base/own.h"
#include "drivers/loop.h"

#define METRICS_CONNECTIONS_MAX 16
#define METRICS_IDLE_S		5
#define METRICS_WAIT_MS		2000
#define METRICS_TEXT_MAX	(8 * 1024 * 1024)

struct metrics;
/* Whether an address is of this machine alone is the matter of whoever checks the configuration.
 * Port 0 takes any: metrics_port says which.  view has to live as long.  0 or -errno with the
 * reason. */
int metrics_new(struct loop *loop, const union address *at, const struct authd_view *view,
		struct metrics **ret_metrics, struct diagnosis *why);
void metrics_free(struct metrics *metrics);
DEFINE_AUTO_STRUCT(metrics);
uint16_t metrics_port(const struct metrics *metrics);

/* ---- what a view writes ---- */

/* Begins a family: name without its "latchkey_authd_" in front, type "counter" or "gauge", help a
 * sentence. */
void metrics_family(struct metrics_writer *writer, const char *name, const char *type,
		    const char *help);
/* A sample of it. labels: name, value, name, value, ..., NULL, or just NULL; values are escaped. */
void metrics_value(struct metrics_writer *writer, double value, ...) __attribute__((sentinel));

#endif
