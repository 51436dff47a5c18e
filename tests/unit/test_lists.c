/* What was revoked, as the main thread comes to know it, and who is out by that. */
#include <string.h>

#include "authd/lists.h"
#include "authd/registry_enrol.h"
#include "drivers/log.h"
#include "tests/test.h"
#include "tests/unit/registry_rig.h"

#define DAY 86400

struct bench {
	struct rig rig;
	struct loop loop;
	struct recorder *recorder;
	struct registry *elsewhere; /* another server's */
	struct lists *lists;
	struct config *config;
	int64_t now;
	char told[512]; /* in their order */
	size_t count;	/* of the last set */
};

static void note(struct bench *b, const char *what)
{
	size_t len = strlen(b->told);

	snprintf(b->told + len, sizeof b->told - len, "%s ", what);
}

static void on_changed(void *context, struct revoked *revoked)
{
	struct bench *b = context;

	note(b, "changed");
	b->count = revoked_count(revoked);
}

static void on_out(void *context, const char *machine)
{
	note(context, machine);
}

static void on_removed(void *context, const char *account)
{
	note(context, "without");
	note(context, account);
}

static void on_read(void *context)
{
	struct bench *b = context;

	note(b, "read");
	loop_stop(&b->loop);
}

static void on_staple(void *context, struct slice response)
{
	(void)context;
	(void)response;
}

/* ---- the registry ---- */

static void transact(struct bench *b, void (*what)(struct bench *b))
{
	REQUIRE(registry_begin(b->elsewhere, true) == 0);
	what(b);
	REQUIRE(registry_commit(b->elsewhere) == 0);
}

static void issue_until(struct bench *b, const char *machine, const char *serial, int64_t end)
{
	struct registry_credential c = { .issued = b->now - DAY, .not_after = end };
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = b->now };

	snprintf(c.issuer, sizeof c.issuer, "CN=Authority");
	snprintf(c.serial, sizeof c.serial, "%s", serial);
	snprintf(c.fingerprint, sizeof c.fingerprint, "f-%s", serial);
	snprintf(c.machine, sizeof c.machine, "%s", machine);
	snprintf(m.identifier, sizeof m.identifier, "%s", machine);
	REQUIRE(!*machine || registry_machine_seen(b->elsewhere, &m) == 0);
	REQUIRE(registry_credential_issued(b->elsewhere, &c, slice_str("")) == 0);
}

static void take_back(struct bench *b, const char *serial, const char *reason)
{
	REQUIRE(registry_credential_revoke(b->elsewhere, "CN=Authority", serial, b->now, reason) ==
		1);
}

static void issue_some(struct bench *b)
{
	issue_until(b, "CN=a", "0a", b->now + DAY);
	issue_until(b, "CN=b", "0b01", b->now + DAY);
	issue_until(b, "CN=b", "0b02", b->now + DAY);
	issue_until(b, "CN=c", "0c", b->now + DAY);
	issue_until(b, "CN=d", "0d", b->now - 60);
	issue_until(b, "", "0e", b->now + DAY);
	issue_until(b, "CN=f", "0f", b->now + DAY);
	REQUIRE(registry_credential_validated(b->elsewhere, "CN=Authority", "0f", b->now) == 1);
	take_back(b, "0a", "key-compromise");
}

/* ---- the lists ---- */

static void read_once(struct bench *b)
{
	b->told[0] = '\0';
	b->loop.stopping = false;
	REQUIRE(lists_refresh(b->lists));
	REQUIRE(loop_run(&b->loop) == 0);
}

static void begin(struct bench *b)
{
	const struct lists_events events = {
		on_changed, on_out, on_removed, on_read, on_staple, b
	};
	struct recorder_settings settings = { .delay = 1 };
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct diagnosis why;

	*b = (struct bench){ .now = loop_now().wall };
	log_open(-1);
	b->rig = rig_make();
	REQUIRE(loop_init(&b->loop) == 0);
	b->elsewhere = TAKE(b->rig.registry);
	transact(b, issue_some);
	settings.registry = *rig_settings(&b->rig, "here");
	REQUIRE(recorder_new(&b->loop, &settings, &b->recorder, &why) == 0);
	REQUIRE(config_load(scratch_put(&b->rig.dir, "authd.conf", "[Authority]\nCrlLifetime=1h\n",
					0600),
			    &b->config, &errors) == 0);
	REQUIRE(lists_new(&b->loop, b->recorder, &events, &b->lists) == 0);
	REQUIRE(lists_configure(b->lists, b->config, &why) == 0);
	REQUIRE(loop_run(&b->loop) == 0);
}

static void bench_done(struct bench *b)
{
	lists_stop(b->lists);
	recorder_free(b->recorder);
	lists_free(b->lists);
	config_free(b->config);
	registry_free(b->elsewhere);
	loop_done(&b->loop);
	rig_done(&b->rig);
}

/* Or a server that starts would put out all that were ever revoked. */
TEST(nobody_is_out_by_what_was_revoked_before)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	CHECK_STR(b.told, "changed read ");
	CHECK_INT(b.count, 1);
	read_once(&b);
	CHECK_STR(b.told, "read ");
}

static void revoke_b_and_c(struct bench *b)
{
	take_back(b, "0b01", "unspecified");
	take_back(b, "0b02", "unspecified");
	take_back(b, "0c", "unspecified");
}

TEST(who_was_revoked_elsewhere_is_out_once)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	transact(&b, revoke_b_and_c);
	read_once(&b);
	CHECK_STR(b.told, "changed CN=b CN=c read ");
	CHECK_INT(b.count, 4);
	read_once(&b);
	CHECK_STR(b.told, "read ");
}

static void revoke_what_nobody_has(struct bench *b)
{
	take_back(b, "0c", "cessation-of-operation"); /* never confirmed: it was withdrawn */
	take_back(b, "0d", "key-compromise");	      /* expired, and still in lists */
	take_back(b, "0e", "key-compromise");	      /* nobody's */
}

static void give_up(struct bench *b)
{
	take_back(b, "0f", "cessation-of-operation");
}

TEST(nobody_is_out_by_what_was_withdrawn_or_has_expired)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	transact(&b, revoke_what_nobody_has);
	read_once(&b);
	CHECK_STR(b.told, "changed read ");
	CHECK_INT(b.count, 4);
	transact(&b, give_up);
	read_once(&b);
	CHECK_STR(b.told, "changed CN=f read ");
}

static void revoke_many(struct bench *b)
{
	for (int i = 0; i < 40; i++) {
		char machine[16], serial[16];

		snprintf(machine, sizeof machine, "%d", i);
		snprintf(serial, sizeof serial, "10%02x", i);
		issue_until(b, machine, serial, b->now + DAY);
		take_back(b, serial, "key-compromise");
	}
}

TEST(many_at_once_are_out)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	transact(&b, revoke_many);
	read_once(&b);
	CHECK(strncmp(b.told, "changed 0 1 2 ", 14) == 0);
	CHECK(strstr(b.told, " 38 39 read ") != NULL);
}

static void remove_account(struct bench *b, const char *name, int64_t when)
{
	struct registry_audit e = { .when = when };

	snprintf(e.event, sizeof e.event, "%s", REGISTRY_ACCOUNT_REMOVED);
	snprintf(e.subject, sizeof e.subject, "%s", name);
	REQUIRE(registry_audit_add(b->elsewhere, &e) == 0);
}

static void remove_ada(struct bench *b)
{
	remove_account(b, "ada", b->now);
	remove_account(b, "bob", b->now);
}

static void remove_ada_again(struct bench *b)
{
	remove_account(b, "ada", b->now + 1);
	remove_account(b, "eve", b->now - 1000);
}

/* In a file that is ours alone nobody else does; see test_postgres.py. */
TEST(an_account_that_was_removed_elsewhere_is_told_once)
{
	bool shared = rig_server();
	AUTO_VALUE(bench) b;

	begin(&b);
	transact(&b, remove_ada);
	read_once(&b);
	CHECK_STR(b.told, shared ? "without bob without ada read " : "read ");
	transact(&b, remove_ada_again);
	read_once(&b);
	CHECK_STR(b.told, shared ? "without ada read " : "read ");
	read_once(&b);
	CHECK_STR(b.told, "read ");
}
