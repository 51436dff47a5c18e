#include <errno.h>
#include <sys/wait.h>

#include "authd/ticket_keys.h"
#include "tests/test.h"
#include "tests/unit/scratch.h"

#define T0 1790000000

static struct diagnosis why;

static const char *detail(void)
{
	const char *text = diagnosis_evidence(&why, "detail");

	return text ? text : "";
}

TEST(ring_rotates)
{
	struct ticket_keys keys = { 0 }, before;

	CHECK(ticket_keys_due(&keys, 100, T0));
	CHECK_INT(ticket_keys_rotate(&keys, 2, T0), 0);
	CHECK_INT(keys.count, 1);
	CHECK(!ticket_keys_due(&keys, 100, T0 + 99));
	CHECK(ticket_keys_due(&keys, 100, T0 + 100));
	/* of a clock that was set back, and of one that is a little behind another */
	CHECK(ticket_keys_due(&keys, 100, T0 - 100));
	CHECK(!ticket_keys_due(&keys, 100, T0 - 99));
	before = keys;
	CHECK_INT(ticket_keys_rotate(&keys, 2, T0 + 1), 0);
	CHECK_INT(ticket_keys_rotate(&keys, 2, T0 + 2), 0);
	CHECK_INT(keys.count, 2);
	CHECK_INT(keys.key[1].created, T0 + 1);
	CHECK(memcmp(keys.key[0].aes, keys.key[1].aes, 32) != 0);
	/* What has left is wiped. */
	for (size_t i = 2; i < TICKET_KEYS_MAX; i++)
		CHECK_INT(keys.key[i].created, 0);
	for (int i = 0; i < 20; i++)
		CHECK_INT(ticket_keys_rotate(&before, 100, T0 + i), 0);
	CHECK_INT(before.count, TICKET_KEYS_MAX);
	CHECK_INT(ticket_keys_rotate(&before, 1, T0), 0);
	CHECK_INT(before.count, 1);
}

TEST(file_is_shared)
{
	AUTO_VALUE(scratch) d = scratch_make();
	struct ticket_keys a = { 0 }, b = { 0 };
	struct stat st;
	char path[128];

	snprintf(path, sizeof path, "%s/tickets", d.path);
	CHECK_INT(ticket_keys_file(path, 100, 3, T0, &a, &why), 0);
	CHECK_INT(a.count, 1);
	REQUIRE(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(ticket_keys_file(path, 100, 3, T0 + 50, &b, &why), 0);
	CHECK(memcmp(&a, &b, sizeof a) == 0);
	CHECK_INT(ticket_keys_file(path, 100, 3, T0 + 100, &b, &why), 0);
	CHECK_INT(b.count, 2);
	CHECK(memcmp(&a.key[0], &b.key[1], sizeof a.key[0]) == 0);
}

TEST(file_of_strangers_is_refused)
{
	AUTO_VALUE(scratch) d = scratch_make();
	struct ticket_keys keys = { 0 };
	char path[128], link[128];

	snprintf(path, sizeof path, "%s/tickets", d.path);
	snprintf(link, sizeof link, "%s/link", d.path);
	CHECK_INT(ticket_keys_file(path, 100, 3, T0, &keys, &why), 0);
	REQUIRE(chmod(path, 0644) == 0);
	CHECK_INT(ticket_keys_file(path, 100, 3, T0, &keys, &why), -EACCES);
	CHECK(strstr(detail(), "chmod 600") != NULL);
	REQUIRE(chmod(path, 0600) == 0);
	REQUIRE(symlink(path, link) == 0);
	CHECK(ticket_keys_file(link, 100, 3, T0, &keys, &why) < 0);
	CHECK(ticket_keys_file("/nowhere/at/all", 100, 3, T0, &keys, &why) == -ENOENT);
	CHECK(why.id == DIAG_REGISTRY);
}

TEST(file_that_is_something_else_is_refused_and_left)
{
	static const char *const wrong[] = { "", "latchkey ticket keys 2\n",
					     "latchkey ticket keys 1\nshort" };
	AUTO_VALUE(scratch) d = scratch_make();
	struct ticket_keys keys = { 0 };

	for (size_t i = 0; i < 3; i++) {
		const char *path = scratch_put(&d, "tickets", wrong[i], 0600);
		struct stat st;

		CHECK_INT(ticket_keys_file(path, 100, 3, T0, &keys, &why), -EINVAL);
		REQUIRE(stat(path, &st) == 0);
		CHECK_INT(st.st_size, strlen(wrong[i]));
	}
}

TEST(one_of_many_makes_the_next)
{
	AUTO_VALUE(scratch) d = scratch_make();
	struct ticket_keys keys = { 0 };
	pid_t child[8];
	char path[128];
	int status, gate[2];

	snprintf(path, sizeof path, "%s/tickets", d.path);
	CHECK_INT(ticket_keys_file(path, 100, 8, T0, &keys, &why), 0);
	REQUIRE(pipe(gate) == 0);
	for (int i = 0; i < 8; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			char go;

			close(gate[1]);
			(void)!read(gate[0], &go, 1);
			_exit(ticket_keys_file(path, 100, 8, T0 + 100, &keys, &why) != 0 ||
			      keys.count != 2);
		}
	}
	close(gate[1]);
	for (int i = 0; i < 8; i++) {
		REQUIRE(waitpid(child[i], &status, 0) == child[i]);
		CHECK_INT(status, 0);
	}
	close(gate[0]);
}
