/* What the registry keeps of enrolments, on SQLite; on PostgreSQL when test_postgres.py runs this
 * with a server. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "authd/registry_enrol.h"
#include "tests/test.h"
#include "tests/unit/registry_rig.h"

#define T0 1790000000

/* ---- what is put in ---- */

static struct registry_token token(const char *id, uint32_t uses)
{
	struct registry_token t = { .uses = uses, .made = T0, .expires = T0 + 3600 };

	snprintf(t.id, sizeof t.id, "%s", id);
	memset(t.secret, 0x5a, sizeof t.secret);
	return t;
}

static void add_token(struct registry *r, const struct registry_token *t)
{
	REQUIRE(registry_begin(r, true) == 0);
	REQUIRE(registry_token_add(r, t) == 0);
	REQUIRE(registry_commit(r) == 0);
}

static int use(struct registry *r, const char *id, int64_t when)
{
	int used;

	REQUIRE(registry_begin(r, true) == 0);
	used = registry_token_use(r, id, when);
	REQUIRE(registry_commit(r) == 0);
	return used;
}

static struct registry_credential credential(const char *serial, const char *machine,
					     const char *token_id, const char *spki)
{
	struct registry_credential c = { .issuer = "CN=CA",
					 .profile = "machine",
					 .issued = T0,
					 .not_before = T0,
					 .not_after = T0 + 86400 };

	snprintf(c.serial, sizeof c.serial, "%s", serial);
	snprintf(c.machine, sizeof c.machine, "%s", machine);
	snprintf(c.subject, sizeof c.subject, "%s", machine);
	snprintf(c.token, sizeof c.token, "%s", token_id);
	snprintf(c.spki, sizeof c.spki, "%s", spki);
	snprintf(c.fingerprint, sizeof c.fingerprint, "f-%s", serial);
	return c;
}

/* What the server does when it issues: enum registry_issued or -errno. */
static int issue(struct registry *r, const struct registry_credential *c, struct bytes *before)
{
	const struct registry_machine_facts facts = { .profile = "machine",
						      .enrolled = T0,
						      .enrolled_by = "token" };
	int result = registry_begin(r, true);

	if (result == 0)
		result = registry_issue(r, c, slice_str("the certificate"), &facts, "here", before);
	if (result >= 0 && registry_commit(r) < 0)
		result = -EIO;
	if (result < 0)
		registry_rollback(r);
	return result;
}

static int issue_new(struct registry *r, const char *serial, const char *token_id, const char *spki)
{
	struct registry_credential c = credential(serial, "CN=a", token_id, spki);
	AUTO_VALUE(bytes) before = { 0 };

	return issue(r, &c, &before);
}

static bool count(void *context, const struct registry_credential *c)
{
	(void)c;
	++*(size_t *)context;
	return true;
}

static size_t count_of(struct registry *r, const char *machine)
{
	size_t n = 0;

	CHECK_INT(
		registry_credentials(r, MACHINE_CERTIFICATE, machine, REGISTRY_LIST_MAX, count, &n),
		0);
	return n;
}

/* ---- the schema ---- */

static void check_migrated(struct rig *rig, const char *machine)
{
	struct registry_machine_facts facts;
	struct registry_token t = token("00", 1);

	REQUIRE(registry_open(rig_settings(rig, "here"), &rig->registry, &rig->why) == 0);
	REQUIRE(registry_machine_facts(rig->registry, MACHINE_CERTIFICATE, machine, &facts) == 1);
	CHECK_INT(facts.enrolled, 0);
	CHECK_STR(facts.mud_url, "");
	add_token(rig->registry, &t);
	CHECK_INT(issue_new(rig->registry, "0b", "00", "k"), REGISTRY_ISSUED);
}

TEST(registry_of_before_goes_on)
{
	const char *top = getenv("top_srcdir");
	AUTO_VALUE(rig) rig;
	char path[512], sql[16384];
	struct registry_credential c;
	size_t len;
	FILE *in;

	rig_place(&rig);
	if (rig_server())
		return;
	snprintf(path, sizeof path, "%s/tests/unit/registry-1.sql", top ? top : ".");
	in = fopen(path, "r");
	REQUIRE(in != NULL);
	len = fread(sql, 1, sizeof sql - 1, in);
	fclose(in);
	sql[len] = '\0';
	scratch_put(&rig.dir, "registry.db", "", 0600);
	REQUIRE(rig_sql(&rig, sql));
	check_migrated(&rig, "CN=old");
	REQUIRE(registry_credential_get(rig.registry, "CN=CA", "0a", &c) == 1);
	CHECK_STR(c.machine, "CN=old");
	CHECK_INT(c.kind, ISSUED_CERTIFICATE);
	CHECK_INT(c.validated, 0);
}

/* Taken back to what it was, on either database. */
TEST(migration_adds_to_what_is_there)
{
	static const char *const back[] = {
		"DROP TABLE token",
		"DROP TABLE account",
		"DROP INDEX credential_open",
		"DROP INDEX machine_to_renew",
		"DROP INDEX credential_token",
		"DROP INDEX credential_fingerprint",
		"DROP INDEX credential_revoked",
		"ALTER TABLE machine DROP COLUMN mud_url",
		"ALTER TABLE machine DROP COLUMN profile",
		"ALTER TABLE machine DROP COLUMN enrolled_by",
		"ALTER TABLE machine DROP COLUMN enrolled",
		"ALTER TABLE machine DROP COLUMN renew_wanted",
		"ALTER TABLE credential DROP COLUMN kind",
		"ALTER TABLE credential DROP COLUMN fingerprint",
		"ALTER TABLE credential DROP COLUMN token",
		"ALTER TABLE credential DROP COLUMN validated",
		"ALTER TABLE credential DROP COLUMN der",
		"INSERT INTO machine (kind, identifier) VALUES (0, 'CN=old')",
		"DELETE FROM migration WHERE version > 1",
	};
	AUTO_VALUE(rig) rig = rig_make();

	registry_free(TAKE(rig.registry));
	for (size_t i = 0; i < sizeof back / sizeof back[0]; i++) {
		if (!rig_sql(&rig, back[i])) {
			test_note("%s", back[i]);
			CHECK(false);
		}
	}
	check_migrated(&rig, "CN=old");
}

/* ---- tokens ---- */

static bool note_token(void *context, const struct registry_token *t)
{
	static const uint8_t zeros[TOKEN_SECRET_SIZE];

	CHECK(memcmp(t->secret, zeros, sizeof zeros) == 0);
	snprintf((char *)context + strlen(context), 64, "%s:%u/%u ", t->id, t->used, t->uses);
	return true;
}

TEST(tokens_are_kept_with_all_they_say)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_token found, t = token("01234567", 5);
	char listed[256] = "";

	snprintf(t.profile, sizeof t.profile, "printer");
	snprintf(t.maker, sizeof t.maker, "user 1000");
	snprintf(t.note, sizeof t.note, "third floor");
	snprintf(t.station, sizeof t.station, "02-00-00-00-00-01");
	snprintf(t.serial, sizeof t.serial, "SN-7");
	snprintf(t.name, sizeof t.name, "printer-7");
	add_token(rig.registry, &t);
	REQUIRE(registry_token_get(rig.registry, t.id, &found) == 1);
	CHECK(memcmp(&t, &found, sizeof t) == 0);
	CHECK_INT(registry_token_get(rig.registry, "01234566", &found), 0);
	t = token("ff", 1);
	add_token(rig.registry, &t);
	CHECK_INT(registry_tokens(rig.registry, 10, note_token, listed), 0);
	CHECK_STR(listed, "ff:0/1 01234567:0/5 ");
	REQUIRE(registry_begin(rig.registry, true) == 0);
	CHECK_INT(registry_token_add(rig.registry, &t), -EINVAL);
	registry_rollback(rig.registry);
}

TEST(tokens_are_used_no_more_often_than_they_may)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_token t = token("aa", 2);

	add_token(rig.registry, &t);
	CHECK_INT(use(rig.registry, "aa", T0 + 3600), 0); /* its last second is over */
	CHECK_INT(use(rig.registry, "aa", T0), 1);
	CHECK_INT(use(rig.registry, "aa", T0 + 3599), 1);
	CHECK_INT(use(rig.registry, "aa", T0), 0);
	CHECK_INT(use(rig.registry, "bb", T0), 0);
	REQUIRE(registry_token_get(rig.registry, "aa", &t) == 1);
	CHECK_INT(t.used, 2);
}

TEST(revoked_tokens_are_used_no_more)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_token t = token("aa", 2);

	t.expires = 0;
	add_token(rig.registry, &t);
	CHECK_INT(use(rig.registry, "aa", T0 + 1000000), 1);
	REQUIRE(registry_begin(rig.registry, true) == 0);
	CHECK_INT(registry_token_revoke(rig.registry, "aa", T0 + 9), 1);
	CHECK_INT(registry_token_revoke(rig.registry, "aa", T0 + 10), 0);
	CHECK_INT(registry_token_revoke(rig.registry, "bb", T0 + 10), 0);
	REQUIRE(registry_commit(rig.registry) == 0);
	CHECK_INT(use(rig.registry, "aa", T0), 0);
	REQUIRE(registry_token_get(rig.registry, "aa", &t) == 1);
	CHECK_INT(t.revoked, T0 + 9);
}

/* ---- what goes with a credential ---- */

TEST(token_is_counted_with_what_it_brings)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;
	struct registry_token t = token("aa", 1);
	struct registry_credential found;

	add_token(r, &t);
	CHECK_INT(registry_token_open(r, "aa"), 0);
	CHECK_INT(issue_new(r, "01", "aa", "key 1"), REGISTRY_ISSUED);
	CHECK_INT(registry_token_open(r, "aa"), 1);
	CHECK_INT(issue_new(r, "02", "aa", "key 2"), REGISTRY_TOKEN_USED_UP);
	REQUIRE(registry_credential_get(r, "CN=CA", "01", &found) == 1);
	CHECK_STR(found.token, "aa");
	CHECK_STR(found.machine, "CN=a");
	CHECK_INT(registry_credential_get(r, "CN=CA", "02", &found), 0);
	CHECK_INT(registry_credential_find(r, "f-01", &found, NULL), 1);
	CHECK_INT(registry_credential_find(r, "f-02", &found, NULL), 0);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_validated(r, "CN=CA", "01", T0 + 5), 1);
	CHECK_INT(registry_credential_validated(r, "CN=CA", "01", T0 + 6), 0);
	REQUIRE(registry_commit(r) == 0);
	CHECK_INT(registry_token_open(r, "aa"), 0);
}

TEST(same_key_is_given_the_same_certificate)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;
	struct registry_token found, t = token("aa", 1);
	struct registry_credential c = credential("03", "CN=a", "aa", "key 1");
	AUTO_VALUE(bytes) before = { 0 };

	add_token(r, &t);
	CHECK_INT(issue_new(r, "01", "aa", "key 1"), REGISTRY_ISSUED);
	CHECK_INT(issue(r, &c, &before), REGISTRY_ISSUED_BEFORE);
	CHECK(slice_eq(bytes_slice(&before), slice_str("the certificate")));
	CHECK_INT(count_of(r, "CN=a"), 1);
	REQUIRE(registry_token_get(r, "aa", &found) == 1);
	CHECK_INT(found.used, 1);
	/* What was revoked is not given again. */
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_revoke(r, "CN=CA", "01", T0, "lost"), 1);
	REQUIRE(registry_commit(r) == 0);
	bytes_clear(&before);
	CHECK_INT(issue(r, &c, &before), REGISTRY_TOKEN_USED_UP);
}

TEST(renewal_takes_no_token)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine_facts facts;
	struct registry *r = rig.registry;

	CHECK_INT(issue_new(r, "01", "", "key 1"), REGISTRY_ISSUED);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_machine_renew(r, MACHINE_CERTIFICATE, "CN=a", T0 + 7), 1);
	CHECK_INT(registry_machine_renew(r, MACHINE_CERTIFICATE, "CN=b", T0 + 7), 0);
	REQUIRE(registry_commit(r) == 0);
	REQUIRE(registry_machine_facts(r, MACHINE_CERTIFICATE, "CN=a", &facts) == 1);
	CHECK_INT(facts.renew_wanted, T0 + 7);
	CHECK_INT(issue_new(r, "02", "", "key 1"), REGISTRY_ISSUED);
	CHECK_INT(count_of(r, "CN=a"), 2);
	REQUIRE(registry_machine_facts(r, MACHINE_CERTIFICATE, "CN=a", &facts) == 1);
	CHECK_INT(facts.renew_wanted, 0);
}

static bool note_station(void *context, const char *station)
{
	char *text = context;

	snprintf(text + strlen(text), 64, "%s ", station);
	return strlen(text) < 50;
}

static void see(struct registry *r, const char *name, const char *station, int64_t renew)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = T0 };

	snprintf(m.identifier, sizeof m.identifier, "%s", name);
	snprintf(m.station, sizeof m.station, "%s", station);
	REQUIRE(registry_begin(r, false) == 0);
	REQUIRE(registry_machine_seen(r, &m) == 0);
	CHECK_INT(registry_machine_renew(r, MACHINE_CERTIFICATE, name, renew), 1);
	REQUIRE(registry_commit(r) == 0);
}

TEST(those_that_are_to_renew_are_known_by_where_they_are)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;
	char listed[256] = "";

	see(r, "CN=late", "02-00-00-00-00-03", T0 + 9);
	see(r, "CN=not", "02-00-00-00-00-02", 0);
	see(r, "CN=never-seen", "", T0 + 1);
	see(r, "CN=first", "02-00-00-00-00-01", T0 + 2);
	CHECK_INT(registry_stations_to_renew(r, 100, note_station, listed), 0);
	CHECK_STR(listed, "02-00-00-00-00-01 02-00-00-00-00-03 ");
	listed[0] = '\0';
	CHECK_INT(registry_stations_to_renew(r, 1, note_station, listed), 0);
	CHECK_STR(listed, "02-00-00-00-00-01 ");
}

static bool list_serials(void *context, const struct registry_credential *c)
{
	snprintf((char *)context + strlen(context), 64, "%.20s:%.20s ", c->serial, c->reason);
	return true;
}

TEST(all_of_a_machine_is_revoked_at_once)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;
	struct registry_credential other = credential("09", "CN=b", "", "key 9");
	AUTO_VALUE(bytes) before = { 0 };
	char listed[256] = "";

	CHECK_INT(issue_new(r, "01", "", "key 1"), REGISTRY_ISSUED);
	CHECK_INT(issue_new(r, "02", "", "key 2"), REGISTRY_ISSUED);
	CHECK_INT(issue(r, &other, &before), REGISTRY_ISSUED);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_revoke(r, "CN=CA", "01", T0 + 1, "superseded"), 1);
	CHECK_INT(registry_machine_revoke(r, MACHINE_CERTIFICATE, "CN=a", T0 + 2, "stolen"), 1);
	CHECK_INT(registry_machine_revoke(r, MACHINE_CERTIFICATE, "CN=c", T0 + 2, "stolen"), 0);
	REQUIRE(registry_commit(r) == 0);
	CHECK_INT(registry_revoked(r, "CN=CA", T0, list_serials, listed), 0);
	CHECK_STR(listed, "01:superseded 02:stolen ");
	listed[0] = '\0';
	CHECK_INT(registry_revoked(r, "CN=other", T0, list_serials, listed), 0);
	CHECK_INT(registry_revoked(r, "", T0 + 90000, list_serials, listed), 0); /* expired */
	CHECK_STR(listed, "");
	CHECK_INT(registry_revoked(r, "", T0, list_serials, listed), 0);
	CHECK_STR(listed, "01:superseded 02:stolen ");
}

/* ---- races and crashes ---- */

/* Each tries to enrol with a token that all of them have; 0: it was given a certificate. */
static int race(struct rig *rig, int number)
{
	struct registry *r = NULL;
	char name[16], serial[16], spki[16];
	int result = -EAGAIN;

	snprintf(name, sizeof name, "s%d", number);
	snprintf(serial, sizeof serial, "%02x", number);
	snprintf(spki, sizeof spki, "key %d", number);
	if (registry_open(rig_settings(rig, name), &r, &rig->why) < 0)
		return 2;
	for (int i = 0; i < 20 && result == -EAGAIN; i++)
		result = issue_new(r, serial, "aa", spki);
	registry_free(r);
	return result == REGISTRY_ISSUED ? 0 : result == REGISTRY_TOKEN_USED_UP ? 1 : 3;
}

TEST(racers_for_one_token_get_one_certificate)
{
	enum { RACERS = 8, USES = 2 };
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_token t = token("aa", USES);
	int gate[2], status, winners = 0, losers = 0;
	pid_t racer[RACERS];

	add_token(rig.registry, &t);
	registry_free(TAKE(rig.registry));
	REQUIRE(pipe(gate) == 0);
	for (int i = 0; i < RACERS; i++) {
		racer[i] = fork();
		if (racer[i] == 0) {
			char go;

			close(gate[1]);
			(void)!read(gate[0], &go, 1);
			_exit(race(&rig, i));
		}
	}
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		REQUIRE(waitpid(racer[i], &status, 0) == racer[i]);
		winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		losers += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	}
	close(gate[0]);
	CHECK_INT(winners, USES);
	CHECK_INT(losers, RACERS - USES);
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	CHECK_INT(count_of(rig.registry, "CN=a"), USES);
	REQUIRE(registry_token_get(rig.registry, "aa", &t) == 1);
	CHECK_INT(t.used, USES);
}

/* Says of each certificate that it is out only when it is committed, as the server does. */
static void enrol_until_killed(struct rig *rig, int out, unsigned life)
{
	struct registry *r = NULL;
	char serial[32], spki[32];

	if (registry_open(rig_settings(rig, "here"), &r, &rig->why) < 0)
		_exit(1);
	for (unsigned i = 0;; i++) {
		struct registry_credential c;
		AUTO_VALUE(bytes) before = { 0 };

		snprintf(serial, sizeof serial, "%04x%06x", life, i);
		snprintf(spki, sizeof spki, "key %u", i);
		c = credential(serial, "CN=a", "aa", spki);
		if (issue(r, &c, &before) == REGISTRY_ISSUED &&
		    write(out, serial, sizeof serial) != sizeof serial)
			_exit(1);
	}
}

static uint32_t drawn(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* A database server commits the last words of the dead, if they were heard, until it finds out that
 * nobody is there. */
static void wait_for_server(const struct rig *rig)
{
	if (rig_server())
		REQUIRE(rig_sql(rig, "DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE "
				     "backend_type = 'client backend' AND pid <> pg_backend_pid()) "
				     "LOOP PERFORM pg_sleep(0.001), pg_stat_clear_snapshot(); "
				     "END LOOP; END $$"));
}

/* Every certificate that has left is known, and none more than the token allows. */
static void check_after_kill(struct rig *rig, int from)
{
	struct registry_credential c;
	struct registry_token t;
	struct registry *r = NULL;
	char serial[32];

	wait_for_server(rig);
	REQUIRE(registry_open(rig_settings(rig, "here"), &r, &rig->why) == 0);
	while (read(from, serial, sizeof serial) == sizeof serial)
		CHECK_INT(registry_credential_get(r, "CN=CA", serial, &c), 1);
	REQUIRE(registry_token_get(r, "aa", &t) == 1);
	CHECK_INT(t.used, count_of(r, "CN=a"));
	registry_free(r);
}

TEST(kill_leaves_no_certificate_that_nobody_knows)
{
	enum { LIVES = 40 };
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_token t = token("aa", 9000);
	struct registry_walk walk = { 0 };
	uint32_t seed = 7;
	int pipes[2];

	add_token(rig.registry, &t);
	registry_free(TAKE(rig.registry));
	REQUIRE(pipe(pipes) == 0);
	REQUIRE(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
	for (unsigned life = 0; life < LIVES; life++) {
		pid_t child = fork();

		if (child == 0)
			enrol_until_killed(&rig, pipes[1], life);
		if (life % 2)
			REQUIRE(poll(&(struct pollfd){ .fd = pipes[0], .events = POLLIN }, 1,
				     60000) == 1);
		usleep(drawn(&seed) % 40000);
		kill(child, SIGKILL);
		REQUIRE(waitpid(child, NULL, 0) == child);
		check_after_kill(&rig, pipes[0]);
	}
	close(pipes[0]);
	close(pipes[1]);
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	REQUIRE(registry_token_get(rig.registry, "aa", &t) == 1);
	test_note("%u certificates in %d lives", t.used, LIVES);
	CHECK(t.used > 0);
	while (!walk.finished && !walk.broken)
		REQUIRE(registry_audit_walk(rig.registry, &walk, 1000, NULL, NULL) == 0);
	CHECK(!walk.broken);
	CHECK_INT(walk.seen, t.used);
}

/* ---- accounts ---- */

static void put_account(struct registry *r, const char *name, const char *hash, const char *clear,
			int64_t when)
{
	struct registry_account a = { .made = when, .changed = when, .maker = "user 0" };

	snprintf(a.account.name, sizeof a.account.name, "%s", name);
	snprintf(a.account.hash, sizeof a.account.hash, "%s", hash);
	if (clear) {
		REQUIRE(secret_set(&a.account.clear, slice_str(clear)) == OK);
		a.account.has_nt = true;
		memset(a.account.nt, 9, sizeof a.account.nt);
	}
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_account_put(r, &a), 0);
	REQUIRE(registry_commit(r) == 0);
	registry_account_done(&a);
}

static bool list_account(void *context, const struct registry_account *a)
{
	CHECK_INT(a->account.clear.len, 0);
	snprintf((char *)context + strlen(context), 64, "%.40s:%d%d ", a->account.name,
		 a->account.has_nt, a->has_clear);
	return true;
}

TEST(accounts_are_found_in_any_case)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_account a;
	char listed[256] = "";

	put_account(rig.registry, "Ada@Example.org", "$scrypt$1", NULL, T0);
	put_account(rig.registry, "bob", "", "secret", T0);
	REQUIRE(registry_account_get(rig.registry, "ada@example.ORG", &a) == 1);
	CHECK_STR(a.account.name, "Ada@Example.org");
	CHECK_STR(a.account.hash, "$scrypt$1");
	CHECK(!a.account.has_nt && a.account.clear.len == 0);
	CHECK_INT(a.account.state, ACCOUNT_FOUND);
	registry_account_done(&a);
	REQUIRE(registry_account_get(rig.registry, "BOB", &a) == 1);
	CHECK(slice_eq(secret_slice(&a.account.clear), slice_str("secret")));
	CHECK(a.account.has_nt && a.account.nt[15] == 9);
	registry_account_done(&a);
	CHECK_INT(registry_account_get(rig.registry, "b%b", &a), 0);
	CHECK_INT(registry_accounts(rig.registry, 10, list_account, listed), 0);
	CHECK_STR(listed, "Ada@Example.org:00 bob:11 ");
}

TEST(another_password_takes_the_place_of_all_before)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_account a;

	put_account(rig.registry, "bob", "", "secret", T0);
	put_account(rig.registry, "Bob", "$scrypt$2", NULL, T0 + 5);
	REQUIRE(registry_account_get(rig.registry, "bob", &a) == 1);
	CHECK_STR(a.account.name, "bob");
	CHECK_STR(a.account.hash, "$scrypt$2");
	CHECK(!a.account.has_nt && a.account.clear.len == 0);
	CHECK_INT(a.made, T0);
	CHECK_INT(a.changed, T0 + 5);
	registry_account_done(&a);
	REQUIRE(registry_begin(rig.registry, true) == 0);
	CHECK_INT(registry_account_remove(rig.registry, "BOB"), 1);
	CHECK_INT(registry_account_remove(rig.registry, "bob"), 0);
	REQUIRE(registry_commit(rig.registry) == 0);
	CHECK_INT(registry_account_get(rig.registry, "bob", &a), 0);
}
