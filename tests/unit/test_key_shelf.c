/* What an enrolment puts into the keystore, and in what order it counts. */
#include "daemon/key_shelf.h"
#include "tests/pki.h"
#include "tests/test.h"
#include "tests/unit/scratch.h"

#define NAME "office"

struct rig {
	struct scratch dir;
	struct keystore *keystore;
	struct key_shelf *shelf;
	struct pki_cert ca, other_ca;
};

static struct rig rig_make(void)
{
	struct rig rig = { .dir = scratch_make_fast(),
			   .ca = pki_ca("Network CA"),
			   .other_ca = pki_ca("Next CA") };
	struct diagnosis why;
	char path[160];

	snprintf(path, sizeof path, "%s/keystore", rig.dir.path);
	REQUIRE(keystore_open(path, true, &rig.keystore, &why) == 0);
	REQUIRE(key_shelf_new(&rig.shelf) == 0);
	key_shelf_use(rig.shelf, rig.keystore);
	return rig;
}

static void rig_done(struct rig *rig)
{
	key_shelf_free(rig->shelf);
	keystore_free(rig->keystore);
	pki_cert_done(&rig->ca);
	pki_cert_done(&rig->other_ca);
	scratch_done(&rig->dir);
}

/* A certificate for a new key, with the anchors that come with it (NULL: none). */
static enum status put(struct rig *rig, struct enrol_store_ref store, const struct pki_cert *anchor)
{
	AUTO(X509_STACK) anchors = anchor ? pki_chain(anchor->cert, NULL) : NULL;
	struct enrol_params params = { 0 };
	AUTO(EVP_PKEY) key = NULL;
	struct diagnosis why;

	REQUIRE(store.store->new_key(store.self, NAME, &params, &key, &why) == OK);

	struct pki_cert made = pki_make(
		&(struct pki_spec){ .cn = "pc", .key = key, .eku = "clientAuth" }, &rig->ca);
	const struct enrol_result result = { .cert = made.cert, .anchors = anchors };
	enum status status = store.store->put(store.self, NAME, &result, &why);

	pki_cert_done(&made);
	return status;
}

static unsigned current(struct rig *rig, unsigned *ret_proved, size_t *ret_anchors)
{
	struct credential_info info = { 0 };
	struct diagnosis why;

	*ret_proved = 0;
	*ret_anchors = 0;
	if (keystore_show(rig->keystore, NAME, &info, &why) < 0)
		return 0;
	*ret_proved = info.proved;
	*ret_anchors = info.anchor_count;
	return info.generation;
}

TEST(what_was_put_counts_when_it_is_activated)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);
	struct diagnosis why;
	unsigned proved;
	size_t anchors;

	CHECK_INT(put(&rig, store, &rig.ca), OK);
	CHECK_INT(current(&rig, &proved, &anchors), 0);
	CHECK_INT(store.store->activate(store.self, NAME, &why), OK);
	CHECK_INT(current(&rig, &proved, &anchors), 1);
	CHECK_INT(proved, 0);
	CHECK_INT(anchors, 1);

	/* the second one is on trial */
	store = key_shelf_store(rig.shelf, true);
	CHECK_INT(put(&rig, store, &rig.ca), OK);
	CHECK_INT(current(&rig, &proved, &anchors), 1);
	CHECK_INT(store.store->activate(store.self, NAME, &why), OK);
	CHECK_INT(current(&rig, &proved, &anchors), 2);
	CHECK_INT(proved, 1);
	CHECK_INT(anchors, 1);
	CHECK(store.store->activate(store.self, NAME, &why) != OK);
}

TEST(what_is_abandoned_leaves_nothing)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);
	struct enrol_params params = { 0 };
	AUTO(EVP_PKEY) key = NULL;
	struct diagnosis why;
	unsigned proved;
	size_t anchors;

	REQUIRE(store.store->new_key(store.self, NAME, &params, &key, &why) == OK);
	store.store->abandon(store.self, NAME, true);
	CHECK(store.store->activate(store.self, NAME, &why) != OK);
	CHECK_INT(current(&rig, &proved, &anchors), 0);
	store.store->abandon(store.self, NAME, true);
}

/* Recovery takes into use what was finished: it must not find what somebody has said no to. */
TEST(what_was_put_and_then_refused_is_not_used_after_a_restart)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);
	struct diagnosis why;
	unsigned proved;
	size_t anchors;

	CHECK_INT(put(&rig, store, &rig.ca), OK);
	store.store->abandon(store.self, NAME, true);
	CHECK(store.store->activate(store.self, NAME, &why) != OK);
	CHECK_INT(keystore_recover(rig.keystore, &why), 0);
	CHECK_INT(current(&rig, &proved, &anchors), 0);

	/* who was only cut off has paid for it */
	CHECK_INT(put(&rig, store, &rig.ca), OK);
	store.store->abandon(store.self, NAME, false);
	CHECK_INT(keystore_recover(rig.keystore, &why), 0);
	CHECK_INT(current(&rig, &proved, &anchors), 1);

	/* and what is in use stays, whatever is said of another */
	CHECK_INT(put(&rig, store, &rig.ca), OK);
	store.store->abandon(store.self, NAME, true);
	CHECK_INT(current(&rig, &proved, &anchors), 1);
	CHECK(store.store->activate(store.self, NAME, &why) != OK);
}

/* A machine that loses its power when its certificate has been issued, and comes again. */
TEST(a_key_that_was_begun_with_is_gone_on_with)
{
	static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);
	const struct enrol_params any = { 0 },
				  other = { .algorithm = 2, .oid = { p384, sizeof p384 } };
	AUTO(EVP_PKEY) first = NULL;
	AUTO(EVP_PKEY) again = NULL;
	AUTO(EVP_PKEY) third = NULL;
	struct diagnosis why;

	REQUIRE(store.store->new_key(store.self, NAME, &any, &first, &why) == OK);
	CHECK_INT(keystore_recover(rig.keystore, &why), 0);
	REQUIRE(store.store->new_key(store.self, NAME, &any, &again, &why) == OK);
	CHECK_INT(EVP_PKEY_eq(first, again), 1);
	/* unless another kind is wanted by now */
	REQUIRE(store.store->new_key(store.self, NAME, &other, &third, &why) == OK);
	CHECK_INT(EVP_PKEY_get_bits(third), 384);
	store.store->abandon(store.self, NAME, true);
	EVP_PKEY_free(TAKE(again));
	REQUIRE(store.store->new_key(store.self, NAME, &any, &again, &why) == OK);
	CHECK_INT(EVP_PKEY_eq(first, again), 0);
}

/* A renewal in the middle of a roll-over must not forget whom it believed before it. */
TEST(a_renewal_keeps_the_anchors_and_an_enrolment_does_not)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref enrolment = key_shelf_store(rig.shelf, false);
	struct enrol_store_ref renewal = key_shelf_store(rig.shelf, true);
	struct diagnosis why;
	unsigned proved;
	size_t anchors = 0;

	CHECK_INT(put(&rig, enrolment, &rig.ca), OK);
	CHECK_INT(enrolment.store->activate(enrolment.self, NAME, &why), OK);
	CHECK_INT(put(&rig, renewal, &rig.other_ca), OK);
	CHECK_INT(renewal.store->activate(renewal.self, NAME, &why), OK);
	current(&rig, &proved, &anchors);
	CHECK_INT(anchors, 2);
	CHECK_INT(put(&rig, renewal, NULL), OK);
	CHECK_INT(renewal.store->activate(renewal.self, NAME, &why), OK);
	current(&rig, &proved, &anchors);
	CHECK_INT(anchors, 2);
	CHECK_INT(put(&rig, enrolment, &rig.other_ca), OK);
	CHECK_INT(enrolment.store->activate(enrolment.self, NAME, &why), OK);
	current(&rig, &proved, &anchors);
	CHECK_INT(anchors, 1);
}

TEST(keys_are_of_the_kind_that_is_wanted)
{
	static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
	static const uint8_t unknown[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
	static const struct {
		struct enrol_params params;
		int bits; /* 0: refused */
	} rows[] = {
		{ { 0 }, 256 },
		{ { .algorithm = 2 }, 256 },
		{ { .algorithm = 2, .least = 33 }, 384 },
		{ { .algorithm = 2, .oid = { p384, sizeof p384 } }, 384 },
		{ { .algorithm = 2, .oid = { unknown, sizeof unknown } }, 0 },
		{ { .algorithm = 2, .least = 100 }, 0 },
		{ { .algorithm = 1 }, 2048 },
		{ { .algorithm = 1, .least = 384, .most = 384 }, 3072 },
		{ { .algorithm = 1, .least = 128, .most = 128 }, 0 },
		{ { .algorithm = 1, .least = 60000 }, 0 },
		{ { .algorithm = 9 }, 0 },
	};
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO(EVP_PKEY) key = NULL;
		struct diagnosis why;
		enum status status =
			store.store->new_key(store.self, NAME, &rows[i].params, &key, &why);

		CHECK_INT(status, rows[i].bits ? OK : CRYPTO);
		int bits = key ? EVP_PKEY_get_bits(key) : 0;

		CHECK_INT(bits, rows[i].bits);
		if (bits != rows[i].bits)
			test_note("row %zu", i);
		if (!rows[i].bits)
			CHECK_INT(why.id, DIAG_ENROL_KEY_GENERATION);
	}
}

TEST(a_keystore_that_cannot_be_written_is_told)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_store_ref store = key_shelf_store(rig.shelf, false);
	struct enrol_params params = { 0 };
	AUTO(EVP_PKEY) key = NULL;
	struct diagnosis why = { 0 };
	char path[160];

	if (geteuid() == 0) {
		test_skip("root writes everywhere");
		return;
	}
	snprintf(path, sizeof path, "%s/keystore", rig.dir.path);
	REQUIRE(chmod(path, 0500) == 0);
	CHECK_INT(store.store->new_key(store.self, NAME, &params, &key, &why), UNEXPECTED);
	CHECK(key == NULL);
	CHECK_INT(why.id, DIAG_KEYSTORE);
	chmod(path, 0700);
}
