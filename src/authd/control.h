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

#include "authd/accounts.h"
#include "authd/view.h"
#include "base/own.h"
#include "drivers/loop.h"

#define CONTROL_LINE_MAX    4096	       /* octets of a request */
#define CONTROL_ANSWER_MAX  (32 * 1024 * 1024) /* octets of an answer */
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_IDLE_MS	    30000 /* without a request, or without reading */

#define CONTROL_LIFETIME_MAX (3660 * 86400) /* seconds, of a token */

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
	X(TOKEN_CREATE, "token-create", ALL)                                                       \
	X(TOKEN_LIST, "token-list", LOOK)                                                          \
	X(TOKEN_REVOKE, "token-revoke", ALL)                                                       \
	X(MACHINE_SHOW, "machine-show", LOOK)                                                      \
	X(MACHINE_REVOKE, "machine-revoke", ALL)                                                   \
	X(MACHINE_RENEW, "machine-renew", ALL)                                                     \
	X(ACCOUNT_LIST, "account-list", LOOK)                                                      \
	X(ACCOUNT_ADD, "account-add", ALL)                                                         \
	X(ACCOUNT_PASSWORD, "account-password", ALL)                                               \
	X(ACCOUNT_REMOVE, "account-remove", ALL)                                                   \
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
	char target[256]; /* a session, machine, token or account */
	unsigned limit;	  /* of lists; 0: not said */

	/* token-create */
	unsigned uses;	   /* 0: not said, 1 */
	unsigned lifetime; /* seconds; 0: not said, a week */
	char profile[64], station[32], serial[254], name[65], note[254];

	/* machine-revoke: a word of ca_reason_text; empty: unspecified */
	char reason[64];

	/* account-add, account-password: the password as it is to be stored */
	char hash[ACCOUNT_HASH_MAX];
	char nt_hash[2 * ACCOUNT_NT_SIZE + 1];	 /* hex; empty: none */
	char clear_text[ACCOUNT_SECRET_MAX + 1]; /* empty: none */
};
void control_request_done(struct control_request *request); /* wipes */

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
/* view has to outlive the recorder: what was begun is ended when nobody waits any more; recorder
 * may be NULL: then there is no audit trail to be read.  0 or -errno with the reason; -EADDRINUSE
 * when somebody listens there. */
int control_new(struct loop *loop, const struct control_settings *settings,
		const struct authd_view *view, struct recorder *recorder,
		struct control **ret_control, struct diagnosis *why);
/* Before the recorder goes; takes the socket away. */
void control_free(struct control *control);
DEFINE_AUTO_STRUCT(control);

#endif
