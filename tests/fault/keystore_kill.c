/* A writer of the keystore dies: the old state or the new one is there, complete.
 *
 * Killed at random instants, and by ptrace before and after each single system call. */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keystore/keystore.h"
#include "tests/pki.h"

#define RANDOM_KILLS 250
#define STOPS_MAX    4000

static struct pki_cert root, middle, leaves[2];
static struct bundle bundles[2];
static struct keystore *keystore;
static struct diagnosis why;
static char base[64], path[128];

static void fill(struct bundle *bundle, const struct pki_cert *leaf)
{
	struct bytes files[] = { pki_der(leaf->cert), pki_der(middle.cert), pki_der(root.cert),
				 pki_key_der(leaf->key) };
	bool encrypted;

	for (size_t i = 0; i < 4; i++) {
		REQUIRE(bundle_add(bundle, bytes_slice(&files[i]), NULL, &encrypted, &why) == OK);
		bytes_done(&files[i]);
	}
	REQUIRE(bundle_finish(bundle, &why) == OK);
}

static void arrange(void)
{
	if (!root.cert) {
		root = pki_ca("Root");
		middle = pki_intermediate("Middle", &root);
		for (int i = 0; i < 2; i++) {
			leaves[i] = pki_client("machine.example", &middle);
			fill(&bundles[i], &leaves[i]);
		}
	}
	snprintf(base, sizeof base, "/tmp/latchkey-kill-XXXXXX");
	REQUIRE(mkdtemp(base) != NULL);
	snprintf(path, sizeof path, "%s/keystore", base);
	REQUIRE(keystore_open(path, true, &keystore, &why) == 0);
}

static void clear_away(void)
{
	char command[sizeof base + 16];

	keystore_free(TAKE(keystore));
	snprintf(command, sizeof command, "rm -rf %s", base);
	CHECK_INT(system(command), 0);
}

/* ---- what there is ---- */

struct state {
	unsigned generation; /* 0: the credential is not there */
	int which;	     /* of the two certificates */
};

/* keystore_get itself sees that everything parses and that the key fits. */
static bool look(struct state *ret_state)
{
	AUTO_STRUCT(credential) got = NULL;
	int r = keystore_get(keystore, "machine", &got, &why);

	*ret_state = (struct state){ 0 };
	if (r == -ENODEV)
		return true;
	if (r < 0) {
		test_note("keystore_get: %s: %s", strerror(-r), diagnosis_evidence(&why, "detail"));
		return false;
	}
	ret_state->generation = got->generation;
	ret_state->which = X509_cmp(got->cert, leaves[1].cert) == 0;
	return X509_cmp(got->cert, leaves[ret_state->which].cert) == 0 &&
	       EVP_PKEY_eq(got->key, leaves[ret_state->which].key) == 1 &&
	       sk_X509_num(got->chain) == 1 && sk_X509_num(got->anchors) == 1;
}

static void put(int which)
{
	unsigned number;

	if (keystore_put(keystore, "machine", &bundles[which], NULL, &number, &why) < 0)
		_exit(1);
}

static bool leftovers(void)
{
	static const char *const names[] = { ".new", ".gone", "machine/.new", "machine/.gone",
					     "machine/.current" };
	char full[256];
	struct stat st;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(full, sizeof full, "%s/%s", path, names[i]);
		if (lstat(full, &st) == 0)
			return true;
	}
	return false;
}

/* ---- killed at random instants ---- */

static _Noreturn void write_for_ever(int ready)
{
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (int i = 0;; i++) {
		put(i & 1);
		if (keystore_select(keystore, "machine", 1, &why) < 0 && why.id == DIAG_KEYSTORE)
			_exit(1);
		if (i % 8 == 7 && keystore_remove(keystore, "machine", &why) < 0)
			_exit(1);
	}
}

TEST(killed_at_random_instants_it_is_old_or_new)
{
	unsigned random = 12345;
	struct state state;
	int broken = 0;

	arrange();
	for (int i = 0; i < RANDOM_KILLS; i++) {
		int ready[2], status;
		char c;

		REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
		pid_t child = fork();

		REQUIRE(child >= 0);
		if (child == 0)
			write_for_ever(ready[1]);
		close(ready[1]);
		REQUIRE(read(ready[0], &c, 1) == 1);

		/* The instant itself; nothing else waits for time to pass. */
		random = random * 1103515245u + 12345u;
		struct timespec instant = { 0, (long)((random >> 8) % 12000) * 1000 };

		ppoll(&(struct pollfd){ ready[0], 0, 0 }, 1, &instant, NULL);
		CHECK(kill(child, SIGKILL) == 0);
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status));
		close(ready[0]);
		broken += !look(&state);
	}
	CHECK_INT(broken, 0);
	put(0);
	CHECK(!leftovers());
	test_note("%d kills", RANDOM_KILLS);
	clear_away();
}

/* ---- a reader in the meantime ---- */

TEST(reading_while_it_is_written_sees_old_or_new)
{
	enum { READS = 150, WRITES = 150 };
	struct state state;
	int broken = 0, status, over[2];

	arrange();
	put(0);
	REQUIRE(pipe2(over, O_CLOEXEC) == 0);
	pid_t child = fork();

	REQUIRE(child >= 0);
	if (child == 0) {
		close(over[1]);
		for (int i = 0; i < WRITES || poll(&(struct pollfd){ over[0], 0, 0 }, 1, 0) == 0;
		     i++)
			put(i & 1);
		_exit(0);
	}
	for (int i = 0; i < READS; i++)
		broken += !look(&state) || state.generation == 0;
	close(over[1]); /* it goes on until then */
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(over[0]);
	CHECK_INT(broken, 0);
	clear_away();
}

/* ---- killed at each system call ---- */

enum change { PUT, SELECT, REMOVE };

static _Noreturn void make_change(enum change change, int which)
{
	int r = 0;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(77);
	raise(SIGSTOP);
	switch (change) {
	case PUT:
		put(which);
		break;
	case SELECT:
		r = keystore_select(keystore, "machine", which ? 2 : 1, &why);
		break;
	case REMOVE:
		r = keystore_remove(keystore, "machine", &why);
		break;
	}
	_exit(r < 0);
}

/* The child, stopped before its change; 0 when ptrace is not allowed here. */
static pid_t traced(enum change change, int which)
{
	pid_t child = fork();
	int status;

	REQUIRE(child >= 0);
	if (child == 0)
		make_change(change, which);
	REQUIRE(waitpid(child, &status, 0) == child);
	if (!WIFSTOPPED(status))
		return 0;
	REQUIRE(ptrace(PTRACE_SETOPTIONS, child, NULL,
		       (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) == 0);
	return child;
}

/* Goes on to the next entry to or exit from a system call; false when the child has ended, which
 * must be well. */
static bool next_stop(pid_t child)
{
	int status;

	REQUIRE(ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0);
	REQUIRE(waitpid(child, &status, 0) == child);
	if (WIFSTOPPED(status))
		return true;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

static void kill_and_reap(pid_t child)
{
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, NULL, 0) == child);
}

/* Makes the change and kills it after `stops` entries and exits; false if it was over before. */
static bool killed_after(int stops, enum change change, int which, bool *ret_traced)
{
	pid_t child = traced(change, which);

	*ret_traced = child > 0;
	if (!child)
		return false;
	for (int i = 0; i < stops; i++) {
		if (!next_stop(child))
			return false;
	}
	kill_and_reap(child);
	return true;
}

static bool same(struct state a, struct state b)
{
	return a.generation == b.generation && a.which == b.which;
}

static bool is_new(enum change change, struct state before, struct state now, int which)
{
	switch (change) {
	case PUT:
		return now.generation > before.generation && now.which == which;
	case SELECT:
		return now.generation == (which ? 2u : 1u);
	case REMOVE:
		return now.generation == 0;
	}
	return false;
}

/* prepare brings the keystore into the state that the change starts from. */
static void kill_everywhere(enum change change, void (*prepare)(struct state now))
{
	struct state before, now;
	int broken = 0, stops = 0, olds = 0, news = 0;
	bool can_trace = true;

	arrange();
	for (bool more = true; more && stops < STOPS_MAX; stops++) {
		REQUIRE(look(&before));
		prepare(before);
		REQUIRE(look(&before));

		int which = !before.which;

		more = killed_after(stops, change, which, &can_trace);
		if (!can_trace)
			break;

		bool whole = look(&now), old = same(before, now);

		broken += !whole || (!old && !is_new(change, before, now, which));
		olds += whole && old;
		news += whole && !old;
	}
	if (!can_trace) {
		test_skip("ptrace is not allowed here");
	} else {
		CHECK_INT(broken, 0);
		CHECK(olds > 0 && news > 0);
		test_note("%d kills: %d times old, %d times new", stops - 1, olds, news);
		put(0);
		CHECK(!leftovers());
	}
	clear_away();
}

static void absent(struct state now)
{
	if (now.generation > 0)
		CHECK_INT(keystore_remove(keystore, "machine", &why), 0);
}

static void present(struct state now)
{
	if (now.generation == 0)
		put(0);
}

static void two_generations(struct state now)
{
	if (now.generation == 0) {
		put(0);
		put(1);
	}
}

/* All that there may be: the next one prunes. */
static void full(struct state now)
{
	for (unsigned i = now.generation; i < KEYSTORE_GENERATIONS_MAX; i++)
		put(i & 1);
}

TEST(a_first_import_killed_at_each_system_call)
{
	kill_everywhere(PUT, absent);
}

TEST(a_renewal_killed_at_each_system_call)
{
	kill_everywhere(PUT, present);
}

TEST(a_renewal_that_prunes_killed_at_each_system_call)
{
	kill_everywhere(PUT, full);
}

TEST(a_selection_killed_at_each_system_call)
{
	kill_everywhere(SELECT, two_generations);
}

TEST(a_removal_killed_at_each_system_call)
{
	kill_everywhere(REMOVE, present);
}
