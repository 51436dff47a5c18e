#include "authd/record.h"
#include "tests/test.h"

#define T0 1790000000

static struct outcome outcome(bool accepted)
{
	return (struct outcome){
		.asker = OUTCOME_RADIUS,
		.accepted = accepted,
		.session = "0123456789abcdef0123456789abcdef",
		.where = { .identity = "host/a",
			   .calling_station = "02-00-00-00-00-01",
			   .nas_identifier = "switch-1",
			   .nas_port = 7,
			   .client = "core",
			   .session_id = "S1" },
		.method = "EAP-TLS",
		.report = { .tls_version = "TLSv1.3" },
		.claim = { .subject = "CN=a", .names = "DNS:a", .fingerprint = "aa" },
		.grant = { .rule = "office", .vlan = 12 },
		.ended = { .wall = T0 },
	};
}

TEST(machine_is_known_by_its_certificate)
{
	struct outcome o = outcome(true), refused = outcome(false);
	struct registry_machine m;

	REQUIRE(record_machine_of(&o, &m));
	CHECK_STR(m.identifier, "CN=a");
	CHECK_STR(m.fingerprint, "aa");
	CHECK_STR(m.station, "02-00-00-00-00-01");
	CHECK_STR(m.nas, "switch-1");
	CHECK_INT(m.last_seen, T0);
	o.claim.subject[0] = '\0';
	REQUIRE(record_machine_of(&o, &m));
	CHECK_STR(m.identifier, "DNS:a");
	o.claim.names[0] = '\0';
	REQUIRE(record_machine_of(&o, &m));
	CHECK_STR(m.identifier, "sha256:aa");
	o.claim.fingerprint[0] = '\0';
	CHECK(!record_machine_of(&o, &m));
	CHECK(!record_machine_of(&refused, &m));
}

TEST(accounting_joins_the_session_by_its_class)
{
	struct outcome o = outcome(true);
	struct nas_accounting a = { .status = NAS_ACCOUNTING_STOP,
				    .where = o.where,
				    .when = T0 + 90,
				    .session_time = 60,
				    .input_octets = 5,
				    .terminate_cause = 2 };
	struct registry_session begun, ended;

	REQUIRE(record_session_of(&o, &begun));
	CHECK_STR(begun.session, o.session);
	CHECK_STR(begun.port, "7");
	CHECK_STR(begun.rule, "office");
	CHECK_STR(begun.machine, "CN=a");
	CHECK_INT(begun.vlan, 12);
	CHECK_INT(begun.ended, 0);
	snprintf(a.session, sizeof a.session, "%s", o.session);
	REQUIRE(record_session_of_nas(&a, &ended));
	CHECK_STR(ended.session, begun.session);
	CHECK_INT(ended.ended, T0 + 90);
	CHECK_INT(ended.started, T0 + 30);
	CHECK_STR(ended.cause, "lost-carrier");
	CHECK_INT(ended.octets_in, 5);
	/* Without it, it is one of its own. */
	a.session[0] = '\0';
	REQUIRE(record_session_of_nas(&a, &ended));
	CHECK_STR(ended.session, "S1@core/switch-1");
	a.where.session_id[0] = '\0';
	CHECK(!record_session_of_nas(&a, &ended));
	a.status = NAS_ACCOUNTING_ON;
	CHECK(!record_session_of_nas(&a, &ended));
	o.accepted = false;
	CHECK(!record_session_of(&o, &begun));
}

TEST(interim_without_a_time_leaves_the_start)
{
	struct nas_accounting a = { .status = NAS_ACCOUNTING_INTERIM,
				    .when = T0,
				    .where = { .session_id = "S1", .nas_address = "192.0.2.1" } };
	struct registry_session s;

	REQUIRE(record_session_of_nas(&a, &s));
	CHECK_STR(s.session, "S1@192.0.2.1");
	CHECK_INT(s.started, 0);
	CHECK_INT(s.ended, 0);
}

TEST(port_of_our_own_and_its_outcome_are_one_session)
{
	struct outcome o = outcome(true);
	struct registry_session of_outcome, of_port;
	struct aaa_grant grant = { .vlan = 3, .user_name = "a" };
	struct accounting_event e = { .kind = ACCOUNTING_STOP,
				      .when = T0 + 9,
				      .session_time = 9,
				      .where = &o.where,
				      .grant = &grant,
				      .counted = true,
				      .octets_out = 8,
				      .cause = TERMINATE_ADMIN_RESET };

	o.where.client[0] = '\0';
	REQUIRE(record_session_of(&o, &of_outcome));
	record_session_of_port(&e, &of_port);
	CHECK_STR(of_port.session, "S1@switch-1");
	CHECK_STR(of_port.session, of_outcome.session);
	CHECK_STR(of_port.cause, "admin-reset");
	CHECK_STR(of_port.identity, "a");
	CHECK_INT(of_port.octets_out, 8);
	CHECK_INT(of_port.started, T0);
	CHECK_INT(of_port.ended, T0 + 9);
}

TEST(causes_have_names)
{
	char buffer[32];

	CHECK_STR(terminate_cause_word(0, buffer, sizeof buffer), "");
	CHECK_STR(terminate_cause_word(22, buffer, sizeof buffer), "port-disabled");
	CHECK_STR(terminate_cause_word(20, buffer, sizeof buffer), "reauthentication-failure");
	CHECK_STR(terminate_cause_word(23, buffer, sizeof buffer), "cause-23");
}
