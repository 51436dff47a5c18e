/* The control socket: a stream in the file system on which requests and answers are lines of JSON.
 *
 *	{"command":"sessions"}
 *	{"ok":true,"result":[...]}
 *	{"command":"disconnect","target":"02:00:00:00:00:01"}
 *	{"ok":false,"error":"not-found","message":"there is no such session","next":"..."}
 *
 * Who is there is told by the kernel (SO_PEERCRED): root and the service's user may do everything,
 * members of a group that the configuration names may look, nobody else may connect for longer than
 * it takes to be told so.  Requests of one client are answered in their order; a client that does
 * not read its answers is not read from. */
#ifndef AUTHD_CONTROL_H
#define AUTHD_CONTROL_H

#include <sys/types.h>

#include "authd/view.h"
#include "base/own.h"
#include "drivers/loop.h"

#define CONTROL_LINE_MAX    4096	       /* octets of a request */
#define CONTROL_ANSWER_MAX  (32 * 1024 * 1024) /* octets of an answer */
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_IDLE_MS	    30000 /* without a request, or without reading */

enum control_right { CONTROL_NOTHING, CONTROL_LOOK, CONTROL_ALL };

/* ---- requests (control_request.c) ---- */

#define CONTROL_COMMANDS(X)                                                                        \
	X(STATUS, "status", LOOK)                                                                  \
	X(SESSIONS, "sessions", LOOK)                                                              \
	X(CLIENTS, "clients", LOOK)                                                                \
	X(SERVERS, "servers", LOOK)                                                                \
	X(PORTS, "ports", LOOK)                                                                    \
	X(WORKERS, "workers", LOOK)                                                                \
	X(COUNTERS, "counters", LOOK)                                                              \
	X(MACHINES, "machines", LOOK)                                                              \
	X(AUDIT, "audit", LOOK)                                                                    \
	X(AUDIT_VERIFY, "audit-verify", LOOK)                                                      \
	X(DISCONNECT, "disconnect", ALL)                                                           \
	X(REAUTH, "reauth", ALL)                                                                   \
	X(RELOAD, "reload", ALL)

enum control_command {
#define X(name, word, right) CONTROL_##name,
	CONTROL_COMMANDS(X)
#undef X
		CONTROL_COMMAND_COUNT
};

struct control_request {
	enum control_command command;
	char target[256]; /* of disconnect and reauth */
	unsigned limit;	  /* of audit and machines; 0: not said */
};

/* One line without its newline.  0, or -EINVAL with what is wrong with it in a sentence. */
int control_request_parse(const char *line, size_t len, struct control_request *ret_request,
			  char *ret_wrong, size_t size);
const char *control_command_name(enum control_command command);
enum control_right control_command_right(enum control_command command);

/* ---- the socket (control.c) ---- */

struct control_settings {
	const char *path; /* replaced when a socket is there already that nobody listens to */
	uid_t user;	  /* may do everything, as root may */
	gid_t group;	  /* may look; (gid_t)-1: no such group */
};

struct recorder;
struct control;
/* view has to live as long; recorder may be NULL: then there is no audit trail to be read.  0 or
 * -errno with the reason; -EADDRINUSE when somebody listens there. */
int control_new(struct loop *loop, const struct control_settings *settings,
		const struct authd_view *view, struct recorder *recorder,
		struct control **ret_control, struct diagnosis *why);
/* Before the recorder goes; takes the socket away. */
void control_free(struct control *control);
DEFINE_AUTO_STRUCT(control);

#endif
