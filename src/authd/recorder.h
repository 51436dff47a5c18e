/* The recorder: a thread that owns the registry, so that nobody waits for a database.
 *
 * What is to be remembered is put into a bounded queue and written in batches, one transaction for
 * many records.  When the database is gone or too slow, the queue fills, and what does not fit is
 * dropped, counted, and said in the log: an authentication never waits.  A database that comes back
 * is found by trying, at growing intervals.  A record is written at least once; machines and
 * sessions are the same when written twice, and an audit entry may stand there twice after a
 * connection was lost in the moment of its commit.
 *
 * Questions run in the same thread, between batches, and are answered on the main loop.
 *
 * Records may be put by any thread; all else belongs to the thread of the loop. */
#ifndef AUTHD_RECORDER_H
#define AUTHD_RECORDER_H

#include "authd/registry.h"
#include "base/list.h"
#include "drivers/loop.h"

#define RECORDER_QUEUE_MAX     65536 /* records; about 3 KiB each */
#define RECORDER_QUESTIONS_MAX 256

struct recorder_settings {
	struct registry_settings registry;
	size_t queue;	/* records that may wait; 0: 4096 */
	size_t batch;	/* written in one transaction; 0: 256 */
	msec delay;	/* how long the first of a batch waits for others; 0: 200 */
	int64_t retain; /* seconds for which sessions are kept after the last was heard; 0: ever */
};

struct recorder;
/* The registry is opened at once, so that a wrong configuration shows: -errno with the reason.  A
 * PostgreSQL server that cannot be reached is no error, it may come back.  Sessions of our own
 * ports that are still open there are ended: they did not survive us.  The loop has to live longer.
 */
int recorder_new(struct loop *loop, const struct recorder_settings *settings,
		 struct recorder **ret_recorder, struct diagnosis *why);
/* Writes what waits, if the database takes it within some seconds, and ends the thread.  Questions
 * that wait are asked and answered first. */
void recorder_free(struct recorder *recorder);
DEFINE_AUTO_STRUCT(recorder);

/* false: dropped, and counted.  The value is copied. */
bool recorder_machine(struct recorder *recorder, const struct registry_machine *machine);
bool recorder_session(struct recorder *recorder, const struct registry_session *session);
/* Embedded in what waits for a record to be in the database. */
struct receipt {
	/* On the main loop, once, unless the record was dropped at once: whether it was committed.
	 * It was not when the database refuses it, or when the recorder ends before. */
	void (*told)(struct receipt *receipt, bool written);

	struct list node; /* the recorder's */
	bool written;
};
/* The same, and tells when it is committed.  It is not made to wait for others: those that come
 * while the database is at work are the next batch. */
bool recorder_session_then(struct recorder *recorder, const struct registry_session *session,
			   struct receipt *receipt);
/* Its commit is durable. */
bool recorder_audit(struct recorder *recorder, const struct registry_audit *entry);

/* A question, embedded in what belongs to it. */
struct question {
	/* In the recorder's thread, after all records that were put before; 0 or more commits, what
	 * is less undoes all that it has done.  It shares a transaction with others that were asked
	 * at the same time, and sees what those before it have done.  It may be asked again: when
	 * two transactions stood in each other's way, or the one that was shared has failed. */
	int (*ask)(struct question *question, struct registry *registry);
	/* On the main loop: what ask returned, or why it could not be asked (-EIO: no database).
	 * Always called, once, unless recorder_ask failed; the question may then be freed. */
	void (*answered)(struct question *question, int result);
	bool durable;

	struct list node; /* the recorder's */
	int result;
};
/* 0, or -EAGAIN when too many wait. */
int recorder_ask(struct recorder *recorder, struct question *question);
/* For who cannot go on without an answer, before the loop runs: waits for at most that long until
 * there is one, and hands out all that there are. */
void recorder_settle(struct recorder *recorder, msec most);
/* The registry is a file of this machine. */
bool recorder_is_file(const struct recorder *recorder);

struct recorder_counts {
	uint64_t written, dropped, refused; /* refused: by the database, one by one */
	uint64_t commits, connects;
	size_t waiting, waiting_max;
	bool connected;
	struct diagnosis why; /* when it is not */
};
void recorder_counts(struct recorder *recorder, struct recorder_counts *ret_counts);

#endif
