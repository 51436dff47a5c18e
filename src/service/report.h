/* How a service says in its log what was wrong with what it has read. */
#ifndef SERVICE_REPORT_H
#define SERVICE_REPORT_H

#include "base/diagnosis.h"
#include "config/ini.h"

/* A line for each error. */
void report_errors(const struct ini_errors *errors);
/* The whole of a diagnosis as one line. */
void report_diagnosis(int level, const char *event, const struct diagnosis *why);

#endif
