/* How a service says in its log what was wrong with what it has read. */
#ifndef SERVICE_REPORT_H
#define SERVICE_REPORT_H

#include "base/diagnosis.h"
#include "config/ini.h"

/* The end of reading files, with this error or 0: says what was wrong, fills *why with the first of
 * it, and frees errors, which may be NULL. */
void report_read(struct ini_errors *errors, int error, struct diagnosis *why);
/* The whole of a diagnosis as one line. */
void report_diagnosis(int level, const char *event, const struct diagnosis *why);

#endif
