/* What the server remembers, and its control socket, without memory: a reason, and nothing that is
 * half there. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "authd/control.h"
#include "authd/recorder.h"
#include "drivers/log.h"
#include "tests/fault/fault.h"
#include "tests/unit/scratch.h"

#define T0 1790000000

static struct scratch dir;
static char database[100], tickets[100], socket_path[100];
static int64_t now = T0;

static bool excused(int r, const struct diagnosis *why)
{
	return r < 0 && fault_happened() && why->id != DIAG_NONE;
}

/* ---- the registry ---- */

static bool writes(void)
{
	struct registry_settings settings = { .file = database, .origin = "here" };
	AUTO_STRUCT(registry) registry = NULL;
	struct registry_machine machine = { .identifier = "CN=a" };
	struct registry_audit entry = { .event = "test" };
	struct registry_walk walk = { 0 };
	struct diagnosis why = { 0 };
	int r = registry_open(&settings, &registry, &why);

	if (r < 0)
		return excused(r, &why);
	r = registry_begin(registry, false);
	if (r == 0)
		r = registry_machine_seen(registry, &machine);
	if (r == 0)
		r = registry_audit_add(registry, &entry);
	if (r == 0)
		r = registry_commit(registry);
	if (r < 0) {
		registry_rollback(registry);
		return excused(r, registry_why(registry));
	}
	/* Whatever was written before is whole. */
	r = registry_audit_walk(registry, &walk, 10000, NULL, NULL);
	return r == 0 ? !walk.broken : excused(r, registry_why(registry));
}

/* ---- ticket keys ---- */

static bool rotates(void)
{
	struct ticket_keys keys = { 0 }, again = { 0 };
	struct diagnosis why = { 0 };
	int r = ticket_keys_file(tickets, 100, 3, now += 200, &keys, &why);

	if (r < 0)
		return fault_happened() && keys.count == 0;
	fault_suspend();
	r = ticket_keys_file(tickets, 100, 3, now, &again, &why);
	fault_resume();
	return r == 0 && memcmp(&keys, &again, sizeof keys) == 0;
}

/* ---- the recorder ---- */

struct asked {
	struct question question;
	struct loop *loop;
	bool answered;
};

static int ask(struct question *question, struct registry *registry)
{
	(void)question;
	(void)registry;
	return 0;
}

static void answered(struct question *question, int result)
{
	struct asked *asked = list_item(question, struct asked, question);

	(void)result;
	asked->answered = true;
	loop_stop(asked->loop);
}

static bool record(struct loop *loop)
{
	struct recorder_settings settings = { .registry = { .file = database, .origin = "here" } };
	struct registry_machine machine = { .identifier = "CN=b" };
	struct asked asked = { .question = { .ask = ask, .answered = answered }, .loop = loop };
	AUTO_STRUCT(recorder) recorder = NULL;
	struct recorder_counts counts;
	struct diagnosis why = { 0 };
	int r = recorder_new(loop, &settings, &recorder, &why);
	bool taken;

	if (r < 0)
		return excused(r, &why);
	taken = recorder_machine(recorder, &machine);
	if (recorder_ask(recorder, &asked.question) < 0 || loop_run(loop) < 0 || !asked.answered)
		return false;
	recorder_counts(recorder, &counts);
	/* The connection itself may have had no memory, and then it comes back. */
	return taken ? counts.written + counts.waiting == 1 : counts.dropped == 1;
}

static bool records(void)
{
	struct loop loop;
	bool right;

	if (loop_init(&loop) < 0)
		return fault_happened();
	right = record(&loop);
	loop_done(&loop);
	return right;
}

/* ---- the control socket ---- */

struct talk {
	struct loop loop;
	struct watch watch;
	int fd;
	char answer[256];
};

static json_t *status(void *self)
{
	(void)self;
	return json_pack("{s:s}", "version", "1");
}

static void on_answer(struct watch *watch, bool readable, bool writable)
{
	struct talk *t = list_item(watch, struct talk, watch);

	(void)readable;
	(void)writable;
	memset(t->answer, 0, sizeof t->answer);
	(void)!recv(t->fd, t->answer, sizeof t->answer - 1, 0);
	loop_stop(&t->loop);
}

/* Anything but silence. */
static bool talk(struct talk *t)
{
	static const char request[] = "{\"command\":\"status\"}\n";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	bool right;

	snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	t->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	t->watch.ready = on_answer;
	right = connect(t->fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		send(t->fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
		watch_set(&t->loop, &t->watch, t->fd, true, false) == 0 && loop_run(&t->loop) == 0;
	watch_clear(&t->watch);
	close(t->fd);
	return right && (strncmp(t->answer, "{\"ok\":true", 10) == 0 || fault_happened());
}

static bool controls(void)
{
	struct authd_view view = { .status = status };
	struct control_settings settings = { socket_path, geteuid(), (gid_t)-1 };
	struct control *control = NULL;
	struct diagnosis why = { 0 };
	struct talk t = { .fd = -1 };
	bool right;
	int r;

	if (loop_init(&t.loop) < 0)
		return fault_happened();
	r = control_new(&t.loop, &settings, &view, NULL, &control, &why);
	right = r < 0 ? excused(r, &why) : talk(&t);
	control_free(control);
	loop_done(&t.loop);
	return right;
}

int main(void)
{
	fault_init();
	log_open(-1);
	dir = scratch_make_fast();
	snprintf(database, sizeof database, "%s/registry.db", dir.path);
	snprintf(tickets, sizeof tickets, "%s/tickets", dir.path);
	snprintf(socket_path, sizeof socket_path, "%s/control", dir.path);
	fault_each("the registry is opened and written", writes);
	fault_each("ticket keys rotate in their file", rotates);
	fault_each("the recorder writes and answers", records);
	fault_each("the control socket answers", controls);
	scratch_done(&dir);
	return fault_end();
}
