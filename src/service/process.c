#include "service/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "drivers/log.h"

bool process_is_alone(const struct process_kind *kind)
{
	int other = 0, alone = sandbox_only_one(kind->lock, kind->user, &other);

	if (alone == -EEXIST) {
		log_event(LOG_ERR, "service.start",
			  "cause=\"another %s, process %d, already %s in this network namespace\" "
			  "next=\"stop it first, or reload it: systemctl reload %s\"",
			  kind->program, other, kind->does, kind->program);
		return false;
	}
	if (alone < 0)
		log_event(LOG_WARNING, "service.lock",
			  "error=\"%s\" holder=%d effect=\"a second %s would not be noticed\"",
			  strerror(-alone), other, kind->program);
	return true;
}

bool process_confine(const char *user, const int *capabilities, bool filter, enum sandbox_need need)
{
	struct diagnosis why = { 0 };
	char sentence[512];

	if (sandbox_privileges(user, capabilities, &why) < 0) {
		log_event(LOG_ERR, "service.start", "cause=\"%s\"",
			  diagnosis_sentence(&why, sentence, sizeof sentence));
		return false;
	}
	if (filter && sandbox_system_calls(need) < 0) {
		log_event(LOG_ERR, "service.start",
			  "cause=\"the system call filter cannot be set\" next=\"start with "
			  "--no-sandbox if this kernel has no seccomp\"");
		return false;
	}
	return true;
}

static void on_hangup(struct signal_watch *watch)
{
	struct process *p = list_item(watch, struct process, hangup);

	p->reload(p->service);
}

static void on_terminate(struct signal_watch *watch)
{
	struct process *p = list_item(watch, struct process, terminate);

	p->stop(p->service);
}

static void on_interrupt(struct signal_watch *watch)
{
	struct process *p = list_item(watch, struct process, interrupt);

	p->stop(p->service);
}

static int serve(struct process *p)
{
	/* First the signals: the service tells its manager that it is ready, and that may reload it
	 * at once. */
	int error = signal_watch_set(&p->loop, &p->hangup, SIGHUP);

	if (error == 0)
		error = signal_watch_set(&p->loop, &p->terminate, SIGTERM);
	if (error == 0)
		error = signal_watch_set(&p->loop, &p->interrupt, SIGINT);
	if (error == 0)
		error = p->begin(&p->loop, p->options, &p->service);
	if (error == 0)
		error = loop_run(&p->loop);
	signal_watch_clear(&p->hangup);
	signal_watch_clear(&p->terminate);
	signal_watch_clear(&p->interrupt);
	if (error == 0)
		error = p->result(p->service);
	p->free(p->service);
	return error;
}

int process_run(struct process *p)
{
	int error;

	p->hangup.raised = on_hangup;
	p->terminate.raised = on_terminate;
	p->interrupt.raised = on_interrupt;
	error = loop_init(&p->loop);
	if (error == 0)
		error = serve(p);
	loop_done(&p->loop);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
