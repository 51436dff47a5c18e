#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keystore/generation.h"
#include "keystore/keystore.h"
#include "tests/pki.h"

static struct pki_cert root, middle, leaf, renewed;
static struct diagnosis why;
static char base[64], path[128];

/* A directory of its own for each test, removed at its end. */
static void arrange(void)
{
	if (!root.cert) {
		root = pki_ca("Root");
		middle = pki_intermediate("Middle", &root);
		leaf = pki_client("machine.example", &middle);
		renewed = pki_client("machine.example", &middle);
	}
	snprintf(base, sizeof base, "/tmp/latchkey-keystore-XXXXXX");
	REQUIRE(mkdtemp(base) != NULL);
	snprintf(path, sizeof path, "%s/keystore", base);
}

static void clear_away(void)
{
	char command[sizeof base + 16];

	snprintf(command, sizeof command, "rm -rf %s", base);
	CHECK_INT(system(command), 0);
}

static const char *in_keystore(const char *below)
{
	static char full[512];

	snprintf(full, sizeof full, "%s/%s", path, below);
	return full;
}

static struct keystore *opened(void)
{
	struct keystore *keystore = NULL;

	REQUIRE(keystore_open(path, true, &keystore, &why) == 0);
	return keystore;
}

static void fill(struct bundle *bundle, const struct pki_cert *made, bool with_key)
{
	struct bytes files[] = { pki_der(made->cert), pki_der(middle.cert), pki_der(root.cert),
				 with_key ? pki_key_der(made->key) : pki_der(root.cert) };
	bool encrypted;

	for (size_t i = 0; i < 4; i++) {
		REQUIRE(bundle_add(bundle, bytes_slice(&files[i]), NULL, &encrypted, &why) == OK);
		bytes_done(&files[i]);
	}
	REQUIRE(bundle_finish(bundle, &why) == OK);
}

static int put(struct keystore *keystore, const char *name, const struct pki_cert *made,
	       const char *uri)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	unsigned number = 0;

	fill(&bundle, made, !uri);

	int r = keystore_put(keystore, name, &bundle, uri, &number, &why);

	return r < 0 ? r : (int)number;
}

static bool detail_has(const char *text)
{
	const char *detail = diagnosis_evidence(&why, "detail");

	if (detail && strstr(detail, text))
		return true;
	test_note("the detail is: %s", detail ? detail : "(none)");
	return false;
}

TEST(names_and_numbers)
{
	struct generations all = { 0 };

	CHECK(keystore_name_valid("a"));
	CHECK(keystore_name_valid("Machine-1.example_x"));
	CHECK(!keystore_name_valid(""));
	CHECK(!keystore_name_valid(".."));
	CHECK(!keystore_name_valid(".new"));
	CHECK(!keystore_name_valid("a/b"));
	CHECK(!keystore_name_valid("a b"));
	CHECK(!keystore_name_valid(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));

	CHECK_INT(generation_parse("1"), 1);
	CHECK_INT(generation_parse("999999999"), 999999999);
	CHECK_INT(generation_parse("0"), 0);
	CHECK_INT(generation_parse("01"), 0);
	CHECK_INT(generation_parse("1000000000"), 0);
	CHECK_INT(generation_parse("../1"), 0);

	CHECK_INT(generations_next(&all), 1);
	for (unsigned n = 1; n <= 5; n++)
		generations_add(&all, n);
	CHECK_INT(generations_next(&all), 6);
	CHECK_INT(generations_doomed(&all, 1, 0, 5), 0);
	CHECK_INT(generations_doomed(&all, 1, 0, 4), 2);
	CHECK_INT(generations_doomed(&all, 3, 0, 4), 1);
	CHECK_INT(generations_doomed(&all, 3, 1, 4), 2);
	generations_remove(&all, 5);
	CHECK(!generations_have(&all, 5));
	generations_add(&all, GENERATION_NUMBER_MAX);
	CHECK_INT(generations_next(&all), 0);
}

TEST(what_is_put_is_what_is_got)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) got = NULL;
	struct stat st;

	CHECK_INT(put(keystore, "machine", &leaf, NULL), 1);
	REQUIRE(keystore_get(keystore, "machine", &got, &why) == 0);
	CHECK_STR(got->name, "machine");
	CHECK_INT(got->generation, 1);
	CHECK(X509_cmp(got->cert, leaf.cert) == 0);
	CHECK(EVP_PKEY_eq(got->key, leaf.key) == 1);
	REQUIRE(sk_X509_num(got->chain) == 1);
	CHECK(X509_cmp(sk_X509_value(got->chain, 0), middle.cert) == 0);
	REQUIRE(sk_X509_num(got->anchors) == 1);
	CHECK(X509_cmp(sk_X509_value(got->anchors, 0), root.cert) == 0);

	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(stat(in_keystore("machine"), &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(stat(in_keystore("machine/1"), &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(stat(in_keystore("machine/1/key.pem"), &st) == 0 && (st.st_mode & 07777) == 0600);
	clear_away();
}

TEST(a_renewal_becomes_current_and_the_old_one_can_be_selected)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) first = NULL;
	AUTO_STRUCT(credential) second = NULL;

	CHECK_INT(put(keystore, "machine", &leaf, NULL), 1);
	CHECK_INT(put(keystore, "machine", &renewed, NULL), 2);
	REQUIRE(keystore_get(keystore, "machine", &second, &why) == 0);
	CHECK(X509_cmp(second->cert, renewed.cert) == 0);
	CHECK_INT(keystore_select(keystore, "machine", 1, &why), 0);
	REQUIRE(keystore_get(keystore, "machine", &first, &why) == 0);
	CHECK(X509_cmp(first->cert, leaf.cert) == 0);
	CHECK_INT(keystore_select(keystore, "machine", 3, &why), -ENODEV);
	CHECK_INT(why.id, DIAG_CREDENTIAL_MISSING);
	CHECK_INT(keystore_select(keystore, "other", 1, &why), -ENODEV);
	clear_away();
}

TEST(old_generations_are_pruned_but_never_the_current_one)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	struct credential_info info;

	for (int i = 1; i <= KEYSTORE_GENERATIONS_MAX + 3; i++)
		CHECK_INT(put(keystore, "machine", &leaf, NULL), i);
	REQUIRE(keystore_show(keystore, "machine", &info, &why) == 0);
	CHECK_INT(info.generations, KEYSTORE_GENERATIONS_MAX);
	CHECK_INT(info.generation, KEYSTORE_GENERATIONS_MAX + 3);
	CHECK(access(in_keystore("machine/3"), F_OK) != 0);
	CHECK(access(in_keystore("machine/4"), F_OK) == 0);
	clear_away();
}

static void count_and_check(void *context, const struct credential_info *info)
{
	static const char *const names[] = { "a", "b", "c" };
	int *count = context;

	if (*count < 3)
		CHECK_STR(info->name, names[*count]);
	if (*count == 1)
		CHECK_INT(info->problem.id, DIAG_CREDENTIAL_UNUSABLE);
	else
		CHECK_INT(info->problem.id, DIAG_NONE);
	++*count;
}

TEST(a_list_is_sorted_and_shows_what_is_damaged)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	struct credential_info info;
	int count = 0;

	put(keystore, "c", &leaf, NULL);
	put(keystore, "b", &leaf, NULL);
	put(keystore, "a", &renewed, NULL);
	CHECK(truncate(in_keystore("b/1/cert.pem"), 100) == 0);
	CHECK_INT(keystore_list(keystore, count_and_check, &count), 0);
	CHECK_INT(count, 3);

	REQUIRE(keystore_show(keystore, "a", &info, &why) == 0);
	CHECK_INT(info.chain_length, 1);
	CHECK_INT(info.anchor_count, 1);
	CHECK(info.imported > 1700000000);
	CHECK_STR(info.cert.key, "P-256");
	CHECK(strstr(info.cert.subject, "machine.example") != NULL);
	CHECK_INT(keystore_show(keystore, "d", &info, &why), -ENODEV);
	CHECK_INT(why.id, DIAG_CREDENTIAL_MISSING);
	clear_away();
}

TEST(removed_is_removed)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) got = NULL;

	put(keystore, "machine", &leaf, NULL);
	CHECK_INT(keystore_remove(keystore, "machine", &why), 0);
	CHECK(access(in_keystore("machine"), F_OK) != 0);
	CHECK(access(in_keystore(".gone"), F_OK) != 0);
	CHECK_INT(keystore_get(keystore, "machine", &got, &why), -ENODEV);
	CHECK_INT(why.id, DIAG_CREDENTIAL_MISSING);
	CHECK_INT(keystore_remove(keystore, "machine", &why), -ENODEV);
	clear_away();
}

TEST(an_export_has_no_key)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_VALUE(bytes) pem = { 0 };
	AUTO_VALUE(bundle) bundle = { 0 };
	bool encrypted;

	put(keystore, "machine", &leaf, NULL);
	REQUIRE(keystore_export(keystore, "machine", &pem, &why) == 0);
	CHECK(memmem(pem.p, pem.len, "PRIVATE", 7) == NULL);
	CHECK_INT(bundle_add(&bundle, bytes_slice(&pem), NULL, &encrypted, &why), OK);
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	CHECK(bundle.cert && X509_cmp(bundle.cert, leaf.cert) == 0);
	CHECK_INT(sk_X509_num(bundle.chain), 1);
	clear_away();
}

/* ---- what others could read or could have put there ---- */

TEST(a_keystore_that_others_can_reach_is_refused)
{
	arrange();
	keystore_free(opened());
	for (mode_t bit = 01; bit <= 040; bit <<= 1) {
		struct keystore *keystore = NULL;

		CHECK(chmod(path, 0700 | bit) == 0);
		CHECK_INT(keystore_open(path, true, &keystore, &why), -EACCES);
		CHECK_INT(why.id, DIAG_KEYSTORE);
		CHECK(detail_has("chmod 700"));
	}
	clear_away();
}

TEST(a_key_that_others_can_reach_is_refused)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	struct credential_info info;

	put(keystore, "machine", &leaf, NULL);
	for (mode_t bit = 01; bit <= 040; bit <<= 1) {
		AUTO_STRUCT(credential) got = NULL;

		CHECK(chmod(in_keystore("machine/1/key.pem"), 0600 | bit) == 0);
		CHECK_INT(keystore_get(keystore, "machine", &got, &why), -EACCES);
		CHECK_INT(why.id, DIAG_KEY_UNREADABLE);
		CHECK(detail_has("chmod 600"));
	}
	CHECK_INT(keystore_show(keystore, "machine", &info, &why), 0);
	CHECK_INT(info.problem.id, DIAG_KEY_UNREADABLE);
	clear_away();
}

TEST(files_of_somebody_else_are_refused)
{
	arrange();
	if (geteuid() != 0) {
		test_skip("only root can give files away");
	} else {
		AUTO_STRUCT(credential) got = NULL;
		AUTO_STRUCT(keystore) keystore = opened();

		put(keystore, "machine", &leaf, NULL);
		CHECK(chown(in_keystore("machine/1/key.pem"), 65534, 65534) == 0);
		CHECK_INT(keystore_get(keystore, "machine", &got, &why), -EACCES);
		CHECK_INT(why.id, DIAG_KEY_UNREADABLE);
		CHECK(detail_has("65534"));
		CHECK(chown(in_keystore("machine/1/key.pem"), 0, 0) == 0);
		CHECK(chown(in_keystore("machine"), 65534, 65534) == 0);
		CHECK_INT(keystore_get(keystore, "machine", &got, &why), -EACCES);
	}
	clear_away();
}

TEST(root_writes_for_the_owner_of_the_keystore)
{
	arrange();
	if (geteuid() != 0) {
		test_skip("only root works for somebody else");
	} else {
		static const char *const made[] = { "machine", "machine/1", "machine/1/key.pem",
						    "machine/1/cert.pem" };
		struct stat st;

		/* The keystore is made for whom its parent belongs to. */
		CHECK(chown(base, 12345, 23456) == 0);
		AUTO_STRUCT(keystore) keystore = opened();

		CHECK(stat(path, &st) == 0 && st.st_uid == 12345 && st.st_gid == 23456);
		CHECK_INT(put(keystore, "machine", &leaf, NULL), 1);
		for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
			CHECK(stat(in_keystore(made[i]), &st) == 0);
			CHECK(st.st_uid == 12345 && st.st_gid == 23456);
		}
	}
	clear_away();
}

TEST(links_lead_nowhere)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) got = NULL;
	struct keystore *other = NULL;
	char elsewhere[256];

	put(keystore, "machine", &leaf, NULL);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", base);
	CHECK(rename(in_keystore("machine/1/key.pem"), elsewhere) == 0);
	CHECK(symlink(elsewhere, in_keystore("machine/1/key.pem")) == 0);
	CHECK_INT(keystore_get(keystore, "machine", &got, &why), -ELOOP);

	CHECK(symlink("machine", in_keystore("alias")) == 0);
	CHECK_INT(keystore_get(keystore, "alias", &got, &why), -ELOOP);
	CHECK(detail_has("symbolic link"));

	CHECK(unlink(in_keystore("machine/current")) == 0);
	CHECK(symlink("../../elsewhere", in_keystore("machine/current")) == 0);
	CHECK(keystore_get(keystore, "machine", &got, &why) < 0);

	snprintf(elsewhere, sizeof elsewhere, "%s/link", base);
	CHECK(symlink(path, elsewhere) == 0);
	CHECK(keystore_open(elsewhere, true, &other, &why) < 0);
	strcat(elsewhere, "/");
	CHECK(keystore_open(elsewhere, true, &other, &why) < 0);
	clear_away();
}

TEST(a_pipe_in_place_of_a_key_does_not_hang)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) got = NULL;

	put(keystore, "machine", &leaf, NULL);
	CHECK(unlink(in_keystore("machine/1/key.pem")) == 0);
	CHECK(mkfifo(in_keystore("machine/1/key.pem"), 0600) == 0);
	CHECK_INT(keystore_get(keystore, "machine", &got, &why), -EACCES);
	CHECK(detail_has("not a file"));
	clear_away();
}

TEST(a_key_of_another_certificate_is_noticed)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_STRUCT(credential) got = NULL;
	AUTO_VALUE(bytes) other = pki_key_pem(renewed.key, NULL);

	put(keystore, "machine", &leaf, NULL);
	pki_write(in_keystore("machine/1/key.pem"), bytes_slice(&other), 0600);
	CHECK_INT(keystore_get(keystore, "machine", &got, &why), -EKEYREJECTED);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);
	CHECK_STR(diagnosis_evidence(&why, "credential"), "machine");
	clear_away();
}

TEST(what_lacks_a_part_is_not_put)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();
	AUTO_VALUE(bundle) no_key = { 0 };
	AUTO_VALUE(bundle) full = { 0 };
	AUTO_VALUE(bundle) empty = { 0 };
	unsigned number = 0;

	fill(&no_key, &leaf, false);
	fill(&full, &leaf, true);
	CHECK_INT(keystore_put(keystore, "x", &no_key, NULL, &number, &why), -EINVAL);
	CHECK(detail_has("no private key"));
	CHECK_INT(keystore_put(keystore, "x", &full, "pkcs11:object=x", &number, &why), -EINVAL);
	CHECK_INT(keystore_put(keystore, "x", &empty, NULL, &number, &why), -EINVAL);
	CHECK_INT(keystore_put(keystore, "../x", &full, NULL, &number, &why), -EINVAL);
	CHECK_INT(keystore_put(keystore, ".new", &full, NULL, &number, &why), -EINVAL);
	CHECK_INT(number, 0);
	clear_away();
}

TEST(leftovers_of_a_killed_writer_go_with_the_next_change)
{
	arrange();
	AUTO_STRUCT(keystore) keystore = opened();

	put(keystore, "machine", &leaf, NULL);
	CHECK(mkdir(in_keystore(".new"), 0700) == 0);
	CHECK(mkdir(in_keystore(".new/1"), 0700) == 0);
	CHECK(mkdir(in_keystore("machine/.new"), 0700) == 0);
	pki_write(in_keystore("machine/.new/key.pem"), slice_str("secret"), 0600);
	CHECK(symlink("2", in_keystore("machine/.current")) == 0);
	CHECK(mkdir(in_keystore(".gone"), 0700) == 0);
	CHECK_INT(put(keystore, "other", &leaf, NULL), 1);
	CHECK(access(in_keystore(".new"), F_OK) != 0);
	CHECK(access(in_keystore(".gone"), F_OK) != 0);
	CHECK(access(in_keystore("machine/.new"), F_OK) != 0);
	CHECK(access(in_keystore("machine/.current"), F_OK) != 0);
	CHECK_INT(put(keystore, "machine", &leaf, NULL), 2);
	clear_away();
}

/* ---- a disk that is full or read-only ---- */

static bool unfinished(void)
{
	return access(in_keystore(".new"), F_OK) == 0 ||
	       access(in_keystore("machine/.new"), F_OK) == 0 ||
	       access(in_keystore("machine/.current"), F_OK) == 0;
}

/* Room for so many files: a renewal fails at each of its files in turn, until it succeeds. */
static int renew_with_little_room(void)
{
	bool failed = false, done = false;

	for (int inodes = 12; inodes < 40 && !done; inodes++) {
		AUTO_STRUCT(keystore) keystore = NULL;
		AUTO_STRUCT(credential) got = NULL;
		char room[32];

		snprintf(room, sizeof room, "nr_inodes=%d,mode=700", inodes);
		if (mount("none", base, "tmpfs", 0, room) < 0)
			return 77;
		if (keystore_open(path, true, &keystore, &why) < 0 ||
		    put(keystore, "machine", &leaf, NULL) != 1)
			return 2;

		int r = put(keystore, "machine", &renewed, NULL);

		if (r < 0 && (r != -ENOSPC || why.id != DIAG_KEYSTORE || !detail_has("full")))
			return 3;
		failed |= r < 0;
		done = r == 2;
		if (keystore_get(keystore, "machine", &got, &why) < 0 ||
		    X509_cmp(got->cert, done ? renewed.cert : leaf.cert) != 0 || unfinished())
			return 4;
		keystore_free(TAKE(keystore));
		if (umount(base) < 0)
			return 5;
	}
	return failed && done ? 0 : 6;
}

static int renew_read_only(void)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) got = NULL;

	if (mount("none", base, "tmpfs", 0, "mode=700") < 0)
		return 77;
	if (keystore_open(path, true, &keystore, &why) < 0 ||
	    put(keystore, "machine", &leaf, NULL) != 1)
		return 2;
	if (mount("none", base, "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=700") < 0)
		return 77;
	if (put(keystore, "machine", &renewed, NULL) != -EROFS || why.id != DIAG_KEYSTORE ||
	    !detail_has("read-only"))
		return 3;
	return keystore_get(keystore, "machine", &got, &why) < 0 ? 4 : 0;
}

/* With mounts of its own. */
static void apart(int (*run)(void))
{
	int status = 0;

	arrange();
	pid_t child = fork();

	REQUIRE(child >= 0);
	if (child == 0) {
		if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) < 0 ||
		    mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0)
			_exit(77);
		_exit(run());
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		test_skip("mounting a tmpfs is not allowed here");
	else
		CHECK_INT(WEXITSTATUS(status), 0);
	clear_away();
}

TEST(a_full_disk_leaves_the_old_generation)
{
	apart(renew_with_little_room);
}

TEST(a_read_only_disk_is_named)
{
	apart(renew_read_only);
}
