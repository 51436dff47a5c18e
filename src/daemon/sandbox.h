/* What the process may still do once it runs. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "base/diagnosis.h"

/* Becomes the user (NULL: stays who it is), keeps CAP_NET_RAW and CAP_NET_ADMIN and nothing else,
 * for good.  0 or -errno. */
int sandbox_privileges(const char *user, struct diagnosis *why);

/* System calls: those that the service makes; any other fails with EPERM, those that start
 * programs or take over processes kill it. 0 or -errno. */
int sandbox_system_calls(void);

/* Only one supplicant of ours for a network namespace: the name of an abstract UNIX socket, which
 * is per namespace and is gone with the process.  0 (held until the process ends), or -EEXIST with
 * the other's process id, or -EPERM with that of a process that cannot be a supplicant of ours, or
 * -errno. */
int sandbox_only_one(int *ret_other_pid);

#endif
