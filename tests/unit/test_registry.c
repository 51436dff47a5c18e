/* The registry, on SQLite; on PostgreSQL when test_postgres.py runs this with a server. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/test.h"
#include "tests/unit/registry_rig.h"

#define T0 1790000000

static struct registry_machine machine(const char *identifier, int64_t when)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = when };

	snprintf(m.identifier, sizeof m.identifier, "%s", identifier);
	snprintf(m.station, sizeof m.station, "02-00-00-00-00-01");
	snprintf(m.nas, sizeof m.nas, "switch-1");
	snprintf(m.port, sizeof m.port, "ge-0/0/1");
	return m;
}

static void put_machine(struct registry *r, const struct registry_machine *m)
{
	REQUIRE(registry_begin(r, false) == 0);
	CHECK_INT(registry_machine_seen(r, m), 0);
	CHECK_INT(registry_commit(r), 0);
}

/* ---- the schema ---- */

TEST(schema_is_made_once_and_found_again)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("CN=a", T0), found;

	put_machine(rig.registry, &m);
	registry_free(TAKE(rig.registry));
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	CHECK_INT(registry_machine_get(rig.registry, MACHINE_CERTIFICATE, "CN=a", &found), 1);
	CHECK_INT(found.last_seen, T0);
}

TEST(newer_schema_is_refused)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *again = NULL;

	REQUIRE(rig_sql(&rig, "INSERT INTO migration (version, applied) VALUES (99, 0)"));
	CHECK_INT(registry_open(rig_settings(&rig, "here"), &again, &rig.why), -EPROTO);
	CHECK(rig.why.id == DIAG_REGISTRY);
	CHECK(strstr(diagnosis_evidence(&rig.why, "detail"), "version 99") != NULL);
	CHECK(strstr(diagnosis_evidence(&rig.why, "detail"), "newer") != NULL);
}

TEST(file_that_others_can_read_is_refused)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *again = NULL;
	struct stat st;

	if (rig_server())
		return;
	REQUIRE(stat(rig.where, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	REQUIRE(chmod(rig.where, 0640) == 0);
	CHECK_INT(registry_open(rig_settings(&rig, "here"), &again, &rig.why), -EACCES);
	CHECK(strstr(diagnosis_evidence(&rig.why, "detail"), "chmod 600") != NULL);
}

TEST(file_that_is_no_database_is_refused)
{
	AUTO_VALUE(rig) rig;
	struct registry *again = NULL;

	rig_place(&rig);
	if (rig_server())
		return;
	scratch_put(&rig.dir, "registry.db", "this is a text, and a long one at that", 0600);
	CHECK_INT(registry_open(rig_settings(&rig, "here"), &again, &rig.why), -EIO);
	CHECK(strstr(diagnosis_evidence(&rig.why, "detail"), "not a database") != NULL);
	CHECK_INT(registry_open(rig_settings(&rig, ""), &again, &rig.why), -EINVAL);
}

/* Processes that start at the same time on an empty database. */
TEST(starters_at_once_make_one_schema)
{
	enum { STARTERS = 6 };
	AUTO_VALUE(rig) rig;
	pid_t starter[STARTERS];
	int status, gate[2];

	rig_place(&rig);
	REQUIRE(pipe(gate) == 0);
	for (int i = 0; i < STARTERS; i++) {
		starter[i] = fork();
		if (starter[i] == 0) {
			struct registry *r = NULL;
			char name[16], go;

			close(gate[1]);
			(void)!read(gate[0], &go, 1);
			snprintf(name, sizeof name, "s%d", i);
			if (registry_open(rig_settings(&rig, name), &r, &rig.why) == 0)
				_exit(0);
			test_note("%s", diagnosis_evidence(&rig.why, "detail"));
			fflush(stdout);
			_exit(1);
		}
	}
	close(gate[1]);
	for (int i = 0; i < STARTERS; i++) {
		REQUIRE(waitpid(starter[i], &status, 0) == starter[i]);
		CHECK_INT(status, 0);
	}
	close(gate[0]);
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
}

/* ---- machines ---- */

TEST(machines_are_remembered_by_what_authenticates_them)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("CN=a", T0), found;

	put_machine(rig.registry, &m);
	m.last_seen = T0 + 60;
	snprintf(m.port, sizeof m.port, "ge-0/0/2");
	m.station[0] = '\0';
	snprintf(m.fingerprint, sizeof m.fingerprint, "%064d", 7);
	put_machine(rig.registry, &m);
	REQUIRE(registry_machine_get(rig.registry, MACHINE_CERTIFICATE, "CN=a", &found) == 1);
	CHECK_INT(found.first_seen, T0);
	CHECK_INT(found.last_seen, T0 + 60);
	CHECK_STR(found.port, "ge-0/0/2");
	CHECK_STR(found.station, "02-00-00-00-00-01");
	CHECK_STR(found.fingerprint, m.fingerprint);
	CHECK_INT(registry_machine_get(rig.registry, MACHINE_STATION, "CN=a", &found), 0);
	CHECK_INT(registry_machine_get(rig.registry, MACHINE_CERTIFICATE, "CN=b", &found), 0);
}

struct counting {
	int count, stop_at;
	char first[REGISTRY_TEXT_MAX + 1];
};

static bool count_machine(void *context, const struct registry_machine *m)
{
	struct counting *c = context;

	if (c->count++ == 0)
		snprintf(c->first, sizeof c->first, "%s", m->identifier);
	return c->count != c->stop_at;
}

TEST(machines_are_listed_the_last_seen_first)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct counting all = { 0 }, some = { 0 }, one = { .stop_at = 1 };

	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof name, "CN=%d", i);
		struct registry_machine m = machine(name, T0 + (i == 3 ? 100 : i));

		put_machine(rig.registry, &m);
	}
	CHECK_INT(registry_machines(rig.registry, 100, count_machine, &all), 0);
	CHECK_INT(all.count, 5);
	CHECK_STR(all.first, "CN=3");
	CHECK_INT(registry_machines(rig.registry, 2, count_machine, &some), 0);
	CHECK_INT(some.count, 2);
	CHECK_INT(registry_machines(rig.registry, 100, count_machine, &one), 0);
	CHECK_INT(one.count, 1);
}

TEST(text_that_is_not_text_is_made_printable)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("\xff\x01'; DROP TABLE machine; --", T0);
	struct counting all = { 0 };

	put_machine(rig.registry, &m);
	CHECK_INT(registry_machines(rig.registry, 100, count_machine, &all), 0);
	CHECK_STR(all.first, "?\?'; DROP TABLE machine; --");
}

TEST(rollback_leaves_nothing)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("CN=a", T0), found;

	REQUIRE(registry_begin(rig.registry, true) == 0);
	CHECK_INT(registry_machine_seen(rig.registry, &m), 0);
	registry_rollback(rig.registry);
	CHECK_INT(registry_machine_get(rig.registry, m.kind, "CN=a", &found), 0);
	put_machine(rig.registry, &m);
}

/* ---- credentials ---- */

TEST(credentials_are_issued_once_and_revoked_once)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;
	struct registry_machine m = machine("CN=a", T0);
	struct registry_credential found, c = { .issuer = "CN=CA",
						.serial = "0a",
						.subject = "CN=a",
						.profile = "machine",
						.issued = T0,
						.not_before = T0,
						.not_after = T0 + 86400,
						.machine = "CN=a" };

	put_machine(r, &m);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_issued(r, &c, (struct slice){ 0 }), 0);
	CHECK_INT(registry_commit(r), 0);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_issued(r, &c, (struct slice){ 0 }), -EINVAL);
	registry_rollback(r);
	REQUIRE(registry_credential_get(r, "CN=CA", "0a", &found) == 1);
	CHECK_INT(found.not_after, T0 + 86400);
	CHECK_STR(found.machine, "CN=a");
	CHECK_INT(found.revoked, 0);
	CHECK_INT(registry_credential_get(r, "CN=CA", "0b", &found), 0);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_credential_revoke(r, "CN=CA", "0a", T0 + 5, "stolen"), 1);
	CHECK_INT(registry_credential_revoke(r, "CN=CA", "0a", T0 + 9, "again"), 0);
	CHECK_INT(registry_commit(r), 0);
	REQUIRE(registry_credential_get(r, "CN=CA", "0a", &found) == 1);
	CHECK_INT(found.revoked, T0 + 5);
	CHECK_STR(found.reason, "stolen");
}

/* ---- sessions ---- */

static struct registry_session session(const char *id)
{
	struct registry_session s = { .nas = "switch-1",
				      .client = "core",
				      .started = T0,
				      .updated = T0,
				      .identity = "a@example.org",
				      .vlan = 12,
				      .machine = "CN=a",
				      .method = "EAP-TLS" };

	snprintf(s.session, sizeof s.session, "%s", id);
	return s;
}

static void put_session(struct registry *r, const struct registry_session *s)
{
	REQUIRE(registry_begin(r, false) == 0);
	CHECK_INT(registry_session_put(r, s), 0);
	CHECK_INT(registry_commit(r), 0);
}

struct last_session {
	struct registry_session s;
	int count, open;
};

static bool take_session(void *context, const struct registry_session *s)
{
	struct last_session *last = context;

	if (last->count++ == 0)
		last->s = *s;
	last->open += s->ended == 0;
	return true;
}

static struct last_session sessions(struct registry *r)
{
	struct last_session last = { 0 };

	CHECK_INT(registry_sessions(r, 100, take_session, &last), 0);
	return last;
}

TEST(session_starts_goes_on_and_ends)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("CN=a", T0);
	struct registry_session s = session("s1");
	struct registry_session interim = { .session = "s1",
					    .nas = "switch-1",
					    .updated = T0 + 60,
					    .octets_in = 5000000000,
					    .octets_out = UINT64_MAX };
	struct registry_session stop = { .session = "s1",
					 .nas = "switch-1",
					 .updated = T0 + 90,
					 .ended = T0 + 90,
					 .cause = "lost-carrier",
					 .octets_in = 4 };
	struct last_session last;

	put_machine(rig.registry, &m);
	put_session(rig.registry, &s);
	put_session(rig.registry, &interim);
	last = sessions(rig.registry);
	CHECK_INT(last.s.ended, 0);
	CHECK_INT(last.s.octets_in, 5000000000);
	CHECK(last.s.octets_out == INT64_MAX);
	put_session(rig.registry, &stop);
	put_session(rig.registry, &interim); /* comes late */
	last = sessions(rig.registry);
	CHECK_INT(last.count, 1);
	CHECK_INT(last.s.ended, T0 + 90);
	CHECK_INT(last.s.started, T0);
	CHECK_INT(last.s.updated, T0 + 90);
	CHECK_INT(last.s.octets_in, 5000000000);
	CHECK_INT(last.s.vlan, 12);
	CHECK_STR(last.s.cause, "lost-carrier");
	CHECK_STR(last.s.identity, "a@example.org");
	CHECK_STR(last.s.machine, "CN=a");
	CHECK_STR(last.s.client, "core");
}

TEST(session_ends_where_its_station_is_let_in_anew)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_session s = session("s1"), elsewhere = session("s2"), again = session("s3");
	struct last_session last;

	snprintf(s.station, sizeof s.station, "02-00-00-00-00-01");
	memcpy(elsewhere.station, s.station, sizeof s.station);
	memcpy(again.station, s.station, sizeof s.station);
	snprintf(elsewhere.port, sizeof elsewhere.port, "9");
	s.supersedes = elsewhere.supersedes = again.supersedes = true;
	again.started = T0 + 60;
	put_session(rig.registry, &s);
	put_session(rig.registry, &elsewhere);
	put_session(rig.registry, &again);
	put_session(rig.registry, &again);
	last = sessions(rig.registry);
	CHECK_INT(last.count, 3);
	CHECK_INT(last.open, 2);
	CHECK_STR(last.s.session, "s3");
	CHECK_INT(last.s.ended, 0);
	/* An authentication in the same session is no new start. */
	again.started = T0 + 90;
	put_session(rig.registry, &again);
	CHECK_INT(sessions(rig.registry).s.started, T0 + 60);
}

TEST(sessions_of_our_ports_end_with_us)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_session own = session("p1"), other = session("n1");

	own.client[0] = own.nas[0] = '\0';
	put_session(rig.registry, &own);
	put_session(rig.registry, &other);
	REQUIRE(registry_begin(rig.registry, false) == 0);
	CHECK_INT(registry_sessions_close(rig.registry, T0 + 7, "server-restarted"), 0);
	CHECK_INT(registry_commit(rig.registry), 0);

	struct last_session last = sessions(rig.registry);

	CHECK_INT(last.count, 2);
	CHECK_INT(last.open, 1);
	CHECK_STR(last.s.session, "n1");
	CHECK_INT(last.s.ended, 0);
}

TEST(old_sessions_are_forgotten)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry *r = rig.registry;

	for (int i = 0; i < 6; i++) {
		char name[8];

		snprintf(name, sizeof name, "s%d", i);
		struct registry_session s = session(name);

		s.ended = i < 4 ? T0 + i : 0;
		s.updated = i == 5 ? T0 + 9 : T0; /* the one before has been silent since */
		put_session(r, &s);
	}
	REQUIRE(registry_begin(r, false) == 0);
	CHECK_INT(registry_sessions_forget(r, T0 + 3, 3), 3);
	CHECK_INT(registry_sessions_forget(r, T0 + 3, 3), 1);
	CHECK_INT(registry_sessions_forget(r, T0 + 3, 3), 0);
	CHECK_INT(registry_commit(r), 0);
	CHECK_INT(sessions(r).count, 2);
}

/* ---- the audit trail ---- */

static void audit(struct registry *r, const char *event, const char *detail)
{
	struct registry_audit e = { .when = T0, .actor = "user 0", .subject = "eth0" };

	snprintf(e.event, sizeof e.event, "%s", event);
	snprintf(e.detail, sizeof e.detail, "%s", detail);
	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_audit_add(r, &e), 0);
	CHECK_INT(registry_commit(r), 0);
}

static void count_chain(void *context, const struct registry_walk *walk)
{
	(void)walk;
	++*(int *)context;
}

static struct registry_walk walk_all(struct registry *r, size_t step, int *ret_chains)
{
	struct registry_walk walk = { 0 };

	*ret_chains = 0;
	for (int i = 0; i < 100 && !walk.finished; i++)
		CHECK_INT(registry_audit_walk(r, &walk, step, count_chain, ret_chains), 0);
	CHECK(walk.finished);
	return walk;
}

TEST(audit_trail_is_a_chain_for_each_server)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(registry) other = NULL;
	struct registry_walk walk;
	int chains;

	walk = walk_all(rig.registry, 10, &chains);
	CHECK_INT(walk.seen, 0);
	REQUIRE(registry_open(rig_settings(&rig, "there"), &other, &rig.why) == 0);
	for (int i = 0; i < 7; i++) {
		audit(rig.registry, "config.reload", "x");
		audit(other, "session.disconnect", "\xc3\xa9t\xc3\xa9 \x01");
	}
	for (size_t step = 1; step < 20; step += 3) {
		walk = walk_all(rig.registry, step, &chains);
		CHECK(!walk.broken);
		CHECK_INT(walk.seen, 14);
		CHECK_INT(chains, 2);
	}
}

TEST(audit_entries_are_not_changed_or_deleted)
{
	AUTO_VALUE(rig) rig = rig_make();

	audit(rig.registry, "a", "1");
	CHECK(!rig_sql(&rig, "UPDATE audit SET detail = 'x'"));
	CHECK(!rig_sql(&rig, "DELETE FROM audit"));
	CHECK(!rig_sql(&rig, "DELETE FROM audit WHERE sequence = 1"));
	if (rig_server())
		CHECK(!rig_sql(&rig, "TRUNCATE audit"));
}

/* What somebody can do who is mightier than the triggers. */
static void tamper(struct rig *rig, const char *sql)
{
	if (rig_server()) {
		REQUIRE(rig_sql(rig, "DROP TRIGGER audit_append_only ON audit"));
	} else {
		REQUIRE(rig_sql(rig, "DROP TRIGGER audit_unchanged; DROP TRIGGER audit_kept"));
	}
	REQUIRE(rig_sql(rig, sql));
}

static void tampering_shows(const char *sql, const char *reason, int64_t sequence)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_walk walk;
	int chains;

	for (int i = 0; i < 5; i++)
		audit(rig.registry, "a", "1");
	tamper(&rig, sql);
	walk = walk_all(rig.registry, 3, &chains);
	CHECK(walk.broken);
	CHECK_STR(walk.origin, "here");
	CHECK_INT(walk.sequence, sequence);
	CHECK(strstr(walk.reason, reason) != NULL);
}

TEST(audit_tampering_shows)
{
	tampering_shows("UPDATE audit SET detail = 'x' WHERE sequence = 2", "was changed", 2);
	tampering_shows("UPDATE audit SET at = at + 1 WHERE sequence = 5", "was changed", 5);
	tampering_shows("DELETE FROM audit WHERE sequence = 4", "missing", 4);
	tampering_shows("DELETE FROM audit WHERE sequence = 1", "missing", 1);
	tampering_shows("DELETE FROM audit WHERE sequence = 2;"
			"UPDATE audit SET sequence = sequence - 1 WHERE sequence = 3;"
			"UPDATE audit SET sequence = sequence - 1 WHERE sequence = 4;"
			"UPDATE audit SET sequence = sequence - 1 WHERE sequence = 5",
			"was changed", 2);
}

static bool first_entry(void *context, const struct registry_audit *e)
{
	*(struct registry_audit *)context = *e;
	return false;
}

TEST(audit_is_listed_the_newest_first)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_audit e = { 0 };

	audit(rig.registry, "a", "one");
	audit(rig.registry, "b", "two");
	CHECK_INT(registry_audit_list(rig.registry, 10, first_entry, &e), 0);
	CHECK_STR(e.detail, "two");
	CHECK_STR(e.origin, "here");
	CHECK_STR(e.actor, "user 0");
	CHECK_INT(e.sequence, 2);
}

/* Processes with one name write one chain. */
TEST(audit_writers_of_one_name_do_not_break_their_chain)
{
	enum { WRITERS = 4, EACH = 25 };
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_walk walk;
	pid_t writer[WRITERS];
	int status, chains;

	registry_free(TAKE(rig.registry));
	for (int i = 0; i < WRITERS; i++) {
		writer[i] = fork();
		if (writer[i] == 0) {
			struct registry *r = NULL;
			struct registry_audit e = { .event = "race", .when = T0 };
			bool right = registry_open(rig_settings(&rig, "here"), &r, &rig.why) == 0;

			for (int n = 0; right && n < EACH; n++)
				right = registry_begin(r, false) == 0 &&
					registry_audit_add(r, &e) == 0 && registry_commit(r) == 0;
			_exit(!right);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		REQUIRE(waitpid(writer[i], &status, 0) == writer[i]);
		CHECK_INT(status, 0);
	}
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	walk = walk_all(rig.registry, 30, &chains);
	CHECK(!walk.broken);
	CHECK_INT(walk.seen, WRITERS * EACH);
	CHECK_INT(chains, 1);
}

/* ---- ticket keys ---- */

static struct ticket_keys ring(struct registry *r, int64_t now)
{
	struct ticket_keys keys = { 0 };

	REQUIRE(registry_begin(r, true) == 0);
	CHECK_INT(registry_ticket_keys(r, 3600, 3, now, &keys), 0);
	CHECK_INT(registry_commit(r), 0);
	return keys;
}

TEST(ticket_keys_are_shared_and_rotate)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(registry) other = NULL;
	struct ticket_keys a = ring(rig.registry, T0), b, c;

	REQUIRE(registry_open(rig_settings(&rig, "there"), &other, &rig.why) == 0);
	b = ring(other, T0 + 3599);
	CHECK_INT(a.count, 1);
	CHECK(memcmp(&a, &b, sizeof a) == 0);
	b = ring(other, T0 + 3600);
	CHECK_INT(b.count, 2);
	CHECK(memcmp(&b.key[1], &a.key[0], sizeof a.key[0]) == 0);
	CHECK(memcmp(&b.key[0], &a.key[0], sizeof a.key[0]) != 0);
	c = ring(rig.registry, T0 + 3601);
	CHECK(memcmp(&b, &c, sizeof b) == 0);
	for (int i = 2; i < 6; i++)
		c = ring(rig.registry, T0 + i * 3600);
	CHECK_INT(c.count, 3);
	CHECK_INT(c.key[0].created, T0 + 5 * 3600);
	CHECK_INT(c.key[2].created, T0 + 3 * 3600);
}

/* Several at once find that it is time for a new one. */
TEST(ticket_keys_are_made_by_one_of_many)
{
	enum { SERVERS = 6 };
	AUTO_VALUE(rig) rig = rig_make();
	pid_t server[SERVERS];
	int status, gate[2];

	ring(rig.registry, T0);
	registry_free(TAKE(rig.registry));
	REQUIRE(pipe(gate) == 0);
	for (int i = 0; i < SERVERS; i++) {
		server[i] = fork();
		if (server[i] == 0) {
			struct registry *r = NULL;
			struct ticket_keys keys = { 0 };
			bool right = registry_open(rig_settings(&rig, "s"), &r, &rig.why) == 0;
			char go;

			close(gate[1]);
			(void)!read(gate[0], &go, 1);
			right = right && registry_begin(r, true) == 0 &&
				registry_ticket_keys(r, 3600, 8, T0 + 5000, &keys) == 0 &&
				registry_commit(r) == 0 && keys.count == 2;
			_exit(!right);
		}
	}
	close(gate[1]);
	for (int i = 0; i < SERVERS; i++) {
		REQUIRE(waitpid(server[i], &status, 0) == server[i]);
		CHECK_INT(status, 0);
	}
	close(gate[0]);
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	CHECK_INT(ring(rig.registry, T0 + 5000).count, 2);
}

/* ---- two at once ---- */

TEST(two_connections_see_each_others_writes)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(registry) other = NULL;
	struct registry_machine m = machine("CN=a", T0), found;

	REQUIRE(registry_open(rig_settings(&rig, "there"), &other, &rig.why) == 0);
	put_machine(rig.registry, &m);
	CHECK_INT(registry_machine_get(other, m.kind, "CN=a", &found), 1);
	m.last_seen++;
	put_machine(other, &m);
	CHECK_INT(registry_machine_get(rig.registry, m.kind, "CN=a", &found), 1);
	CHECK_INT(found.last_seen, T0 + 1);
}

/* ---- a server that dies ---- */

static void server(const char *verb)
{
	char command[512];

	snprintf(command, sizeof command, "%s %s", getenv("LATCHKEY_POSTGRES_CONTROL"), verb);
	REQUIRE(system(command) == 0);
}

TEST(server_that_dies_is_noticed_and_comes_back)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct registry_machine m = machine("CN=a", T0), found;
	struct registry *again = NULL;

	if (!rig_server()) {
		test_skip("there is no server with SQLite");
		return;
	}
	/* This much is durable. */
	REQUIRE(registry_begin(rig.registry, true) == 0);
	CHECK_INT(registry_machine_seen(rig.registry, &m), 0);
	CHECK_INT(registry_commit(rig.registry), 0);
	REQUIRE(registry_begin(rig.registry, true) == 0);
	m.last_seen++;
	CHECK_INT(registry_machine_seen(rig.registry, &m), 0);
	server("kill");
	CHECK_INT(registry_commit(rig.registry), -EIO);
	CHECK(registry_gone(rig.registry));
	CHECK_INT(registry_open(rig_settings(&rig, "here"), &again, &rig.why), -EIO);
	CHECK(strstr(diagnosis_evidence(&rig.why, "detail"), "PostgreSQL") != NULL);
	server("start");
	registry_free(TAKE(rig.registry));
	REQUIRE(registry_open(rig_settings(&rig, "here"), &rig.registry, &rig.why) == 0);
	REQUIRE(registry_machine_get(rig.registry, m.kind, "CN=a", &found) == 1);
	CHECK_INT(found.last_seen, T0);
}
