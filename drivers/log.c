#include "drivers/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
	[LOG_EMERG] = "error", [LOG_ALERT] = "error",	  [LOG_CRIT] = "error",
	[LOG_ERR] = "error",   [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

static _Atomic int highest = LOG_NOTICE; /* set by a reload while other threads log */
static bool journal;

void log_open(int level)
{
	highest = level;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(int level)
{
	highest = level;
}

int log_level(void)
{
	return highest;
}

const char *log_level_name(int level)
{
	return level >= LOG_ERR && level <= LOG_DEBUG ? names[level] : NULL;
}

int log_level_by_name(const char *name)
{
	for (int level = LOG_ERR; level <= LOG_DEBUG; level++) {
		if (strcmp(names[level], name) == 0)
			return level;
	}
	return -1;
}

const char *log_quoted(const char *text, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", text);
	for (char *c = buffer; (c = strchr(c, '"')) != NULL;)
		*c = '\'';
	return buffer;
}

void log_event(int level, const char *event, const char *format, ...)
{
	char line[2048];
	size_t n = 0;
	va_list args;

	if (level > highest)
		return;
	if (journal) {
		n += (size_t)snprintf(line, sizeof line, "<%d>%s ", level, event);
	} else {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		n += strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
		n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s %s ",
				      now.tv_nsec / 1000000, names[level], event);
	}
	va_start(args, format);
	int more = vsnprintf(line + n, sizeof line - n - 1, format, args);
	va_end(args);
	if (more < 0)
		return;
	n += (size_t)more;
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';

	/* One write for one line, so that lines of several processes do not mix.  A log that
	 * cannot be written is nobody's reason to stop. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
