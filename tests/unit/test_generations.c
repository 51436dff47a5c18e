/* Generations that are made while another is in use. */
#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>

#include "keystore/keystore.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

static struct pki_cert root;
static struct diagnosis why;

struct rig {
	struct scratch scratch;
	struct keystore *keystore;
};

static struct rig rig_make(void)
{
	struct rig rig = { .scratch = scratch_make() };
	char path[128];

	if (!root.cert)
		root = pki_ca("Root");
	snprintf(path, sizeof path, "%s/keystore", rig.scratch.path);
	REQUIRE(keystore_open(path, true, &rig.keystore, &why) == 0);
	return rig;
}

static void rig_done(struct rig *rig)
{
	keystore_free(rig->keystore);
	scratch_done(&rig->scratch);
}

/* A key that the keystore knows, and its certificate. */
static struct pki_cert begun(struct rig *rig, const char *name)
{
	struct pki_cert made = pki_client("machine.example", &root);

	REQUIRE(keystore_begin(rig->keystore, name, made.key, NULL, &why) == 0);
	return made;
}

static unsigned finished(struct rig *rig, const char *name)
{
	struct pki_cert made = begun(rig, name);
	STACK_OF(X509) *anchors = pki_chain(root.cert, NULL);
	const struct keystore_parts parts = { .cert = made.cert, .anchors = anchors };
	unsigned number = 0;

	CHECK_INT(keystore_finish(rig->keystore, name, &parts, &number, &why), 0);
	x509_stack_free(anchors);
	pki_cert_done(&made);
	return number;
}

/* 0: there is none; negative: something is wrong with it. */
static int current(struct rig *rig, const char *name)
{
	AUTO_STRUCT(credential) got = NULL;
	int r = keystore_get(rig->keystore, name, &got, &why);

	return r == 0 ? (int)got->generation : r == -ENODEV ? 0 : r;
}

static unsigned proved(struct rig *rig, const char *name)
{
	struct credential_info info;

	REQUIRE(keystore_show(rig->keystore, name, &info, &why) == 0);
	return info.proved;
}

static bool is_there(struct rig *rig, const char *below)
{
	char path[256];

	snprintf(path, sizeof path, "%s/keystore/%s", rig->scratch.path, below);
	return access(path, F_OK) == 0;
}

static void count_one(void *context, const struct credential_info *info)
{
	(void)info;
	++*(int *)context;
}

static int listed(struct rig *rig)
{
	int count = 0;

	CHECK_INT(keystore_list(rig->keystore, count_one, &count), 0);
	return count;
}

TEST(a_first_one_is_missing_until_it_is_tried)
{
	struct rig rig = rig_make();
	struct pki_cert made = begun(&rig, "machine");

	CHECK_INT(current(&rig, "machine"), 0);
	CHECK_INT(why.id, DIAG_CREDENTIAL_MISSING);
	CHECK_INT(listed(&rig), 0);
	pki_cert_done(&made);
	CHECK_INT(finished(&rig, "machine"), 1);
	CHECK_INT(current(&rig, "machine"), 0);
	CHECK_INT(keystore_try(rig.keystore, "machine", 1, &why), 0);
	CHECK_INT(current(&rig, "machine"), 1);
	CHECK_INT(proved(&rig, "machine"), 0);
	CHECK_INT(listed(&rig), 1);
	rig_done(&rig);
}

TEST(the_old_one_is_kept_until_the_new_one_has_proved_itself)
{
	struct rig rig = rig_make();

	REQUIRE(finished(&rig, "machine") == 1);
	REQUIRE(keystore_try(rig.keystore, "machine", 1, &why) == 0);
	REQUIRE(finished(&rig, "machine") == 2);
	CHECK_INT(current(&rig, "machine"), 1);
	CHECK_INT(keystore_try(rig.keystore, "machine", 2, &why), 0);
	CHECK_INT(current(&rig, "machine"), 2);
	CHECK_INT(proved(&rig, "machine"), 1);
	CHECK_INT(keystore_settle(rig.keystore, "machine", 2, &why), 0);
	CHECK_INT(current(&rig, "machine"), 2);
	CHECK_INT(proved(&rig, "machine"), 0);
	rig_done(&rig);
}

TEST(one_that_fails_is_fallen_back_from)
{
	struct rig rig = rig_make();
	unsigned back = 99;

	REQUIRE(finished(&rig, "machine") == 1);
	REQUIRE(keystore_try(rig.keystore, "machine", 1, &why) == 0);
	CHECK_INT(keystore_fall_back(rig.keystore, "machine", &back, &why), 0);
	CHECK_INT(back, 0);
	CHECK_INT(current(&rig, "machine"), 1);
	REQUIRE(finished(&rig, "machine") == 2);
	REQUIRE(keystore_try(rig.keystore, "machine", 2, &why) == 0);
	/* A second trial has the same way back as the first. */
	REQUIRE(finished(&rig, "machine") == 3);
	REQUIRE(keystore_try(rig.keystore, "machine", 3, &why) == 0);
	CHECK_INT(proved(&rig, "machine"), 1);
	/* What another generation has proved does not end this trial. */
	CHECK_INT(keystore_settle(rig.keystore, "machine", 2, &why), 0);
	CHECK_INT(proved(&rig, "machine"), 1);
	CHECK_INT(keystore_fall_back(rig.keystore, "machine", &back, &why), 0);
	CHECK_INT(back, 1);
	CHECK_INT(current(&rig, "machine"), 1);
	CHECK_INT(proved(&rig, "machine"), 0);
	rig_done(&rig);
}

TEST(what_is_chosen_by_hand_ends_a_trial)
{
	struct rig rig = rig_make();
	unsigned back = 99;

	for (unsigned n = 1; n <= 3; n++) {
		REQUIRE(finished(&rig, "machine") == n);
		REQUIRE(keystore_try(rig.keystore, "machine", n, &why) == 0);
	}
	CHECK_INT(proved(&rig, "machine"), 1);
	CHECK_INT(keystore_select(rig.keystore, "machine", 2, &why), 0);
	CHECK_INT(proved(&rig, "machine"), 0);
	CHECK_INT(keystore_fall_back(rig.keystore, "machine", &back, &why), 0);
	CHECK_INT(back, 0);
	CHECK_INT(current(&rig, "machine"), 2);
	rig_done(&rig);
}

TEST(the_way_back_is_not_pruned)
{
	struct rig rig = rig_make();
	unsigned back = 0;

	REQUIRE(finished(&rig, "machine") == 1);
	REQUIRE(keystore_try(rig.keystore, "machine", 1, &why) == 0);
	for (unsigned n = 2; n < 2 * KEYSTORE_GENERATIONS_MAX; n++) {
		REQUIRE(finished(&rig, "machine") == n);
		REQUIRE(keystore_try(rig.keystore, "machine", n, &why) == 0);
	}
	CHECK(!is_there(&rig, "machine/2"));
	CHECK_INT(keystore_fall_back(rig.keystore, "machine", &back, &why), 0);
	CHECK_INT(current(&rig, "machine"), 1);
	rig_done(&rig);
}

TEST(what_was_begun_survives_other_changes_and_not_its_end)
{
	struct rig rig = rig_make();
	struct pki_cert made = begun(&rig, "machine");

	REQUIRE(finished(&rig, "other") == 1);
	REQUIRE(keystore_try(rig.keystore, "other", 1, &why) == 0);
	CHECK(is_there(&rig, "machine/.pending/key.pem"));
	CHECK_INT(keystore_abandon(rig.keystore, "machine", &why), 0);
	CHECK(!is_there(&rig, "machine"));
	CHECK_INT(keystore_abandon(rig.keystore, "machine", &why), 0);
	CHECK_INT(keystore_abandon(rig.keystore, "never", &why), 0);
	CHECK_INT(current(&rig, "other"), 1);
	pki_cert_done(&made);
	rig_done(&rig);
}

TEST(what_was_found_bad_is_gone_and_what_is_in_use_is_not)
{
	struct rig rig = rig_make();
	unsigned back;

	REQUIRE(finished(&rig, "machine") == 1);
	CHECK_INT(keystore_discard(rig.keystore, "machine", 1, &why), 0);
	CHECK(!is_there(&rig, "machine"));
	CHECK_INT(keystore_discard(rig.keystore, "machine", 1, &why), -ENODEV);

	REQUIRE(finished(&rig, "machine") == 1);
	REQUIRE(keystore_try(rig.keystore, "machine", 1, &why) == 0);
	REQUIRE(finished(&rig, "machine") == 2);
	REQUIRE(keystore_try(rig.keystore, "machine", 2, &why) == 0);
	REQUIRE(finished(&rig, "machine") == 3);
	CHECK_INT(keystore_discard(rig.keystore, "machine", 1, &why), -EINVAL);
	CHECK_INT(keystore_discard(rig.keystore, "machine", 2, &why), -EINVAL);
	CHECK_INT(keystore_discard(rig.keystore, "machine", 3, &why), 0);
	CHECK(!is_there(&rig, "machine/3"));
	CHECK_INT(keystore_fall_back(rig.keystore, "machine", &back, &why), 0);
	CHECK_INT(back, 1);
	rig_done(&rig);
}

TEST(without_a_beginning_there_is_no_end)
{
	struct rig rig = rig_make();
	struct pki_cert made = pki_client("machine.example", &root);
	const struct keystore_parts parts = { .cert = made.cert };
	unsigned number;

	CHECK(keystore_finish(rig.keystore, "machine", &parts, &number, &why) < 0);
	CHECK(why.id != DIAG_NONE);
	CHECK(!is_there(&rig, "machine"));
	CHECK_INT(keystore_begin(rig.keystore, "machine", NULL, NULL, &why), -EINVAL);
	CHECK_INT(keystore_begin(rig.keystore, "machine", made.key, "pkcs11:object=x", &why),
		  -EINVAL);
	CHECK_INT(keystore_try(rig.keystore, "machine", 1, &why), -ENODEV);
	CHECK_INT(keystore_settle(rig.keystore, "machine", 1, &why), -ENODEV);
	pki_cert_done(&made);
	rig_done(&rig);
}

TEST(a_crash_leaves_what_was_finished_and_what_can_be_gone_on_with)
{
	struct rig rig = rig_make();
	struct pki_cert made, torn;
	EVP_PKEY *key = NULL;
	char path[256];

	REQUIRE(finished(&rig, "spent") == 1); /* its token is; it was not tried yet */
	REQUIRE(finished(&rig, "both") == 1);
	REQUIRE(keystore_try(rig.keystore, "both", 1, &why) == 0);
	REQUIRE(finished(&rig, "both") == 2);
	made = begun(&rig, "begun");
	torn = begun(&rig, "torn");
	snprintf(path, sizeof path, "%s/keystore/torn/.pending/key.pem", rig.scratch.path);
	REQUIRE(truncate(path, 20) == 0);
	CHECK_INT(keystore_recover(rig.keystore, &why), 0);
	CHECK_INT(why.id, DIAG_NONE);
	CHECK_INT(current(&rig, "spent"), 1);
	CHECK_INT(current(&rig, "both"), 1);
	CHECK(!is_there(&rig, "torn"));
	CHECK_INT(keystore_begun(rig.keystore, "torn", &key, &why), -ENODEV);
	CHECK_INT(keystore_begun(rig.keystore, "both", &key, &why), -ENODEV);
	REQUIRE(keystore_begun(rig.keystore, "begun", &key, &why) == 0);
	CHECK(EVP_PKEY_eq(key, made.key) == 1);
	EVP_PKEY_free(key);
	pki_cert_done(&made);
	pki_cert_done(&torn);
	rig_done(&rig);
}

TEST(a_damaged_one_does_not_keep_others_from_recovery)
{
	struct rig rig = rig_make();
	char path[256];

	REQUIRE(finished(&rig, "b") == 1);
	REQUIRE(finished(&rig, "a") == 1);
	snprintf(path, sizeof path, "%s/keystore/a", rig.scratch.path);
	REQUIRE(chmod(path, 0777) == 0);
	CHECK(keystore_recover(rig.keystore, &why) < 0);
	CHECK_STR(diagnosis_evidence(&why, "credential"), "a");
	CHECK_INT(current(&rig, "b"), 1);
	rig_done(&rig);
}

TEST(a_password_is_kept_like_a_key)
{
	struct rig rig = rig_make();
	const struct keystore_parts parts = { .kind = CREDENTIAL_PASSWORD,
					      .username = "machine",
					      .secret = slice_str("correct horse") };
	AUTO_VALUE(credential_secret) secret = { 0 };
	struct credential_info info;
	unsigned number;

	REQUIRE(keystore_finish(rig.keystore, "wifi", &parts, &number, &why) == 0);
	REQUIRE(keystore_try(rig.keystore, "wifi", number, &why) == 0);
	CHECK_INT(keystore_get_secret(rig.keystore, "wifi", &secret, &why), 0);
	CHECK_INT(secret.kind, CREDENTIAL_PASSWORD);
	CHECK_INT(secret.generation, number);
	CHECK_STR(secret.username, "machine");
	CHECK(slice_eq(secret_slice(&secret.secret), slice_str("correct horse")));
	CHECK_INT(current(&rig, "wifi"), -EINVAL);
	CHECK_INT(why.id, DIAG_CREDENTIAL_UNUSABLE);
	REQUIRE(keystore_show(rig.keystore, "wifi", &info, &why) == 0);
	CHECK_INT(info.kind, CREDENTIAL_PASSWORD);
	CHECK_STR(info.username, "machine");
	CHECK_INT(info.problem.id, DIAG_NONE);
	REQUIRE(finished(&rig, "machine") == 1);
	REQUIRE(keystore_try(rig.keystore, "machine", 1, &why) == 0);
	CHECK_INT(keystore_get_secret(rig.keystore, "machine", &secret, &why), -EINVAL);
	rig_done(&rig);
}

TEST(a_secret_has_bounds)
{
	struct rig rig = rig_make();
	static const char octets[KEYSTORE_SECRET_MAX + 1] = { 1 };
	struct keystore_parts parts = { .kind = CREDENTIAL_SYMMETRIC,
					.username = "id",
					.secret = slice_of(octets, sizeof octets) };
	unsigned number;

	CHECK_INT(keystore_finish(rig.keystore, "x", &parts, &number, &why), -EINVAL);
	parts.secret.len = 0;
	CHECK_INT(keystore_finish(rig.keystore, "x", &parts, &number, &why), -EINVAL);
	parts.secret.len = KEYSTORE_SECRET_MAX;
	CHECK_INT(keystore_finish(rig.keystore, "x", &parts, &number, &why), 0);
	parts.username = "two\nlines";
	CHECK_INT(keystore_finish(rig.keystore, "x", &parts, &number, &why), -EINVAL);
	rig_done(&rig);
}

TEST(a_certificate_for_another_key_is_found_out)
{
	struct rig rig = rig_make();
	struct pki_cert made = begun(&rig, "machine");
	struct pki_cert other = pki_client("machine.example", &root);
	const struct keystore_parts parts = { .cert = other.cert };
	unsigned number;

	CHECK_INT(keystore_finish(rig.keystore, "machine", &parts, &number, &why), -EKEYREJECTED);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);
	CHECK(!is_there(&rig, "machine"));
	pki_cert_done(&made);
	pki_cert_done(&other);
	rig_done(&rig);
}
