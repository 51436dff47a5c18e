#include "authd/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/control_parts.h"
#include "drivers/log.h"

#define GROUPS_MAX     256
#define AGAIN_MS       1000
#define REFUSED_LOG_MS 10000 /* between two lines about those who may not ask */

/* ---- who is there --------------------------------------------------------------------------- */

static bool has_group(int fd, gid_t first, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof groups;

	if (wanted == (gid_t)-1)
		return false;
	if (first == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof groups[0]; i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

static enum control_right right_of(const struct control *control, int fd, uid_t *ret_user)
{
	struct ucred who = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t size = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return CONTROL_NOTHING;
	*ret_user = who.uid;
	if (who.uid == 0 || who.uid == control->settings.user)
		return CONTROL_ALL;
	return has_group(fd, who.gid, control->settings.group) ? CONTROL_LOOK : CONTROL_NOTHING;
}

/* ---- one client ----------------------------------------------------------------------------- */

static void client_free(struct control_client *client)
{
	if (client->job)
		control_job_orphan(client->job);
	list_remove(&client->node);
	client->control->count--;
	watch_clear(&client->watch);
	timer_clear(&client->idle);
	close(client->fd);
	bytes_done(&client->in);
	bytes_done(&client->out);
	free(client);
}

static void on_idle(struct timer *timer)
{
	client_free(list_item(timer, struct control_client, idle));
}

static bool is_sending(const struct control_client *client)
{
	return client->sent < client->out.len;
}

/* false: the client has gone. */
static bool send_more(struct control_client *client)
{
	while (is_sending(client)) {
		ssize_t n = send(client->fd, client->out.p + client->sent,
				 client->out.len - client->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->sent += (size_t)n;
	}
	/* A long answer's memory is not kept for the next, which will be short. */
	bytes_done(&client->out);
	client->sent = 0;
	return true;
}

/* false: the client has gone. */
static bool receive_more(struct control_client *client)
{
	char buffer[CONTROL_LINE_MAX];
	ssize_t n = recv(client->fd, buffer, sizeof buffer - client->in.len, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		client->no_more = true;
	return bytes_append(&client->in, slice_of(buffer, (size_t)n), CONTROL_LINE_MAX) == OK;
}

static void answer_line(struct control_client *client, const char *line, size_t len)
{
	struct control_request request;
	char wrong[512];

	if (control_request_parse(line, len, &request, wrong, sizeof wrong) < 0)
		control_refuse(client, "invalid", wrong, NULL);
	else
		control_answer(client, &request);
	control_request_done(&request);
}

/* Answers the first line if there is a whole one; false: there is none. */
static bool answer_next(struct control_client *client)
{
	const char *text = (const char *)client->in.p;
	const char *end = client->in.len ? memchr(text, '\n', client->in.len) : NULL;
	char line[CONTROL_LINE_MAX];
	size_t len;

	if (!end && client->in.len == CONTROL_LINE_MAX) {
		control_refuse(client, "invalid", "this request is too long", NULL);
		bytes_clear(&client->in);
		client->ends = true;
		return true;
	}
	if (!end)
		return false;
	len = (size_t)(end - text);
	memcpy(line, text, len);
	client->in.len -= len + 1;
	memmove(client->in.p, client->in.p + len + 1, client->in.len);
	answer_line(client, line, len);
	return true;
}

/* As far as it goes: one answer is sent before the next request is looked at. */
static void go_on(struct control_client *client)
{
	struct control *control = client->control;
	bool more = true;

	while (more && !client->job) {
		if (!send_more(client) || (client->ends && !is_sending(client))) {
			client_free(client);
			return;
		}
		more = !is_sending(client) && answer_next(client);
	}
	if (client->no_more && !client->job && !is_sending(client)) {
		client_free(client);
		return;
	}
	if (watch_set(control->loop, &client->watch, client->fd,
		      !client->job && !is_sending(client), is_sending(client)) < 0 ||
	    timer_set(control->loop, &client->idle,
		      client->job ? NEVER : loop_now().mono + CONTROL_IDLE_MS) < 0)
		client_free(client);
}

void control_client_resume(struct control_client *client)
{
	go_on(client);
}

static void on_client(struct watch *watch, bool readable, bool writable)
{
	struct control_client *client = list_item(watch, struct control_client, watch);

	(void)writable;
	if (readable && !receive_more(client))
		client_free(client);
	else
		go_on(client);
}

/* ---- those who come ------------------------------------------------------------------------- */

/* Who gets nothing is told so in one write, and is not waited for. */
static void turn_away(int fd, const char *answer)
{
	if (send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_event(LOG_DEBUG, "control.refused", "error=\"%s\"", strerror(errno));
	close(fd);
}

/* Anybody on this machine can be refused as often as they like. */
static void note_refused(struct control *control, uid_t user)
{
	msec now = loop_now().mono;

	control->refused++;
	if (control->refused_logged != 0 && now - control->refused_logged < REFUSED_LOG_MS)
		return;
	log_event(LOG_NOTICE, "control.refused", "user=%u since=%llu", (unsigned)user,
		  (unsigned long long)control->refused);
	control->refused_logged = now;
	control->refused = 0;
}

static void admit(struct control *control, int fd)
{
	uid_t user = (uid_t)-1;
	enum control_right right = right_of(control, fd, &user);
	struct control_client *client;

	if (right == CONTROL_NOTHING) {
		note_refused(control, user);
		turn_away(fd, "{\"ok\":false,\"error\":\"forbidden\",\"message\":\"only root, the "
			      "service's user and its group may ask\"}\n");
		return;
	}
	client = control->count < CONTROL_CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
	if (!client) {
		turn_away(fd, "{\"ok\":false,\"error\":\"busy\",\"message\":\"too many are asking "
			      "at once\"}\n");
		return;
	}
	*client = (struct control_client){ .control = control,
					   .fd = fd,
					   .watch.ready = on_client,
					   .idle = { .due = NEVER, .expired = on_idle },
					   .right = right };
	snprintf(client->actor, sizeof client->actor, "user %u", (unsigned)user);
	list_append(&control->clients, &client->node);
	control->count++;
	go_on(client);
}

static void on_again(struct timer *timer)
{
	struct control *control = list_item(timer, struct control, again);

	(void)watch_set(control->loop, &control->watch, control->fd, true, false);
}

static void on_connection(struct watch *watch, bool readable, bool writable)
{
	struct control *control = list_item(watch, struct control, watch);
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)readable;
	(void)writable;
	if (fd >= 0) {
		admit(control, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* They go on waiting, and would wake us at once. */
		watch_clear(&control->watch);
		(void)timer_set(control->loop, &control->again, loop_now().mono + AGAIN_MS);
	}
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int fail(struct diagnosis *why, const char *path, int error)
{
	diagnosis_say(why, DIAG_CONFIG, "the control socket %s: %s", path, strerror(error));
	return -error;
}

/* What was left behind goes; what somebody listens to, or what is no socket, stays. */
static int clear_path(const struct sockaddr_un *at, struct diagnosis *why)
{
	struct stat st;
	int fd, error;

	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(why, at->sun_path, errno);
	if (!S_ISSOCK(st.st_mode))
		return fail(why, at->sun_path, EEXIST);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(why, at->sun_path, errno);
	error = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ? 0 : errno;
	close(fd);
	if (error != ECONNREFUSED)
		return fail(why, at->sun_path, EADDRINUSE);
	return unlink(at->sun_path) < 0 ? fail(why, at->sun_path, errno) : 0;
}

/* Everybody may connect, to be told that they may not: the file's mode is no answer. */
static int listen_at(struct control *control, const struct sockaddr_un *at, struct diagnosis *why)
{
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0 || bind(control->fd, (const struct sockaddr *)at, sizeof *at) < 0)
		return fail(why, at->sun_path, errno);
	control->bound = true;
	if (chmod(at->sun_path, 0666) < 0 || listen(control->fd, CONTROL_CLIENTS_MAX) < 0)
		return fail(why, at->sun_path, errno);

	int error = watch_set(control->loop, &control->watch, control->fd, true, false);

	return error < 0 ? fail(why, at->sun_path, -error) : 0;
}

int control_new(struct loop *loop, const struct control_settings *settings,
		const struct authd_view *view, struct recorder *recorder,
		struct control **ret_control, struct diagnosis *why)
{
	AUTO_STRUCT(control) control = calloc(1, sizeof *control);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int error;

	if (!control)
		return fail(why, settings->path, ENOMEM);
	*control = (struct control){ .loop = loop,
				     .view = view,
				     .recorder = recorder,
				     .settings = *settings,
				     .fd = -1,
				     .watch.ready = on_connection,
				     .again = { .due = NEVER, .expired = on_again } };
	list_init(&control->clients);
	control->settings.path = NULL;
	if (snprintf(at.sun_path, sizeof at.sun_path, "%s", settings->path) >=
	    (int)sizeof at.sun_path)
		return fail(why, settings->path, ENAMETOOLONG);
	error = clear_path(&at, why);
	if (error < 0)
		return error;
	control->settings.path = strdup(settings->path);
	if (!control->settings.path)
		return fail(why, settings->path, ENOMEM);
	error = listen_at(control, &at, why);
	if (error < 0)
		return error;
	*ret_control = TAKE(control);
	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	list_each (node, &control->clients)
		client_free(list_item(node, struct control_client, node));
	watch_clear(&control->watch);
	timer_clear(&control->again);
	if (control->fd >= 0)
		close(control->fd);
	if (control->bound)
		(void)unlink(control->settings.path);
	free((char *)(uintptr_t)control->settings.path);
	free(control);
}
