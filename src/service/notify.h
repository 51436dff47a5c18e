/* Telling the service manager: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET. Without one,
 * all of this does nothing. */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include "base/moment.h"

/* Reads $NOTIFY_SOCKET and $WATCHDOG_USEC, once. */
void notify_init(void);

/* "READY=1", "STOPPING=1", "STATUS=…", "WATCHDOG=1"; several lines at once are fine. */
void notify(const char *state);

/* How often the watchdog wants to hear of us; NEVER when it does not. */
msec notify_watchdog(void);

#endif
