/* The log: one line per decision, an event name, then key=value.
 *
 *	log_event(LOG_NOTICE, "eap.success", "port=%s method=%s server=\"%s\"", …);
 *
 * To the journal by way of stderr with its level prefix when systemd listens there
 *($JOURNAL_STREAM), else to stderr with the time.  No secret is ever an argument.  Text from the
 *wire has passed printable() before. */
#ifndef DRIVERS_LOG_H
#define DRIVERS_LOG_H

#include <stddef.h>
#include <syslog.h>

void log_open(int level);
void log_set_level(int level);
int log_level(void);
/* "error", "warning", "notice", "info", "debug"; NULL or -1 when there is no such. */
const char *log_level_name(int level);
int log_level_by_name(const char *name);

/* Text that others chose, to stand between double quotes: its own become single ones, so that it
 * cannot pose as another key of the line.  Returns buffer. */
const char *log_quoted(const char *text, char *buffer, size_t size);

void log_event(int level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
