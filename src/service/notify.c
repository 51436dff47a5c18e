#include "service/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un manager;
static socklen_t manager_size; /* 0: there is none */
static msec watchdog = NEVER;

void notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof manager.sun_path)
		return;
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, path, strlen(path));
	if (path[0] == '@')
		manager.sun_path[0] = '\0';
	manager_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));

	if (usec && (!pid || strtol(pid, NULL, 10) == getpid())) {
		unsigned long long period = strtoull(usec, NULL, 10);

		/* Half the time that there is, as sd_watchdog_enabled(3) recommends. */
		if (period >= 2000)
			watchdog = period / 2000;
	}
}

void notify(const char *state)
{
	if (manager_size == 0)
		return;

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A manager that does not listen now is no reason to fail, or to be silent when the
	 * watchdog wants to hear of us the next time. */
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&manager,
		     manager_size);
	close(fd);
}

msec notify_watchdog(void)
{
	return watchdog;
}
