/* What the process may still do once it runs. */
#ifndef SERVICE_SANDBOX_H
#define SERVICE_SANDBOX_H

#include "base/diagnosis.h"

/* Becomes the user (NULL: stays who it is), keeps these capabilities (-1 ends them) and no others,
 * for good.  0 or -errno. */
int sandbox_privileges(const char *user, const int *capabilities, struct diagnosis *why);

/* What a program needs beyond what every service here does. */
enum sandbox_need {
	SANDBOX_ALONE = 0,
	SANDBOX_SERVES = 1, /* threads, sockets that listen, a database */
};

/* System calls: those that the service makes; any other fails with EPERM, those that start
 * programs or take over processes kill it. Before the first thread is started. 0 or -errno. */
int sandbox_system_calls(enum sandbox_need need);

/* Only one such service in a network namespace: lock is the name (without a NUL in front, which is
 * added) of an abstract UNIX socket, which is per namespace and is gone with the process.  0 (held
 * until the process ends), or -EEXIST with the other's process id, or -EPERM with that of a process
 * that is neither root's, nor ours, nor user's, or -errno. */
int sandbox_only_one(const char *lock, const char *user, int *ret_other_pid);

#endif
