/* A guarded port through its public face: one machine behind it, and the server that decides. */
#include "authd/port_gate.h"
#include "tests/unit/ports_rig.h"

/* ---- one machine --------------------------------------------------------------------------- */

static const char *state_of_port(void)
{
	static char state[32];
	json_t *list = ports_view(rig.ports);

	REQUIRE(json_array_size(list) == 1);
	snprintf(state, sizeof state, "%s",
		 json_string_value(json_object_get(json_array_get(list, 0), "state")));
	json_decref(list);
	return state;
}

TEST(a_port_is_closed_first_and_then_everybody_is_asked)
{
	rig_begin(SINGLE);
	CHECK(rig.guarded && rig.joined);
	CHECK_INT(rig.sent, 1);
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[0], EAP_REQUEST);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	CHECK_INT(rig.open_count, 0);
	rig_end();
	CHECK_INT(rig.releases, 0); /* the gate's owner decides what becomes of it */
}

TEST(other_interfaces_are_left_alone)
{
	rig_begin("[Match]\nInterface=eth*\n");
	CHECK_INT(rig.guards + rig.sent, 0);
	rig_start(one);
	CHECK_INT(rig_counts().ports, 0);
	rig_end();
}

TEST(the_ports_of_a_bridge_are_guarded)
{
	rig_begin(NULL);
	rig.bridge = "br0";
	rig_configure("[Match]\nBridge=br0\n");
	CHECK(rig.guarded);
	rig_end();
}

TEST(a_port_that_cannot_be_guarded_is_not_served)
{
	rig_begin(NULL);
	rig.guard_error = -EPERM;
	rig_configure(SINGLE);
	CHECK_INT(rig_counts().not_guarded, 1);
	CHECK(rig.down);
	CHECK_STR(state_of_port(), "not-guarded");
	rig_start(one);
	CHECK_INT(rig.sent + rig.asks, 0);
	/* Somebody sets it up. */
	rig.down = false;
	rig_link_is(true);
	rig_wait(0);
	CHECK(rig.down);
	/* It is tried again, and goes up when it is guarded. */
	rig.guard_error = 0;
	rig_wait(PORT_GUARD_RETRY);
	CHECK(rig.guarded && !rig.down);
	CHECK_INT(rig_counts().not_guarded, 0);
	rig_link_is(true);
	rig_enter(one, plain);
	rig_end();
}

TEST(a_port_that_the_gate_loses_is_closed_at_once)
{
	struct diagnosis why;

	rig_begin(SINGLE);
	rig_enter(one, plain);
	diagnosis_set(&why, DIAG_PORT_NOT_GUARDED);
	rig.guard_error = -EIO;
	ports_gate_failed(rig.ports, INDEX, &why);
	CHECK(rig.down);
	CHECK_STR(state_of_port(), "not-guarded");
	rig_wait(0);
	CHECK_INT(rig_counts().authorised, 0);
	CHECK_INT(rig.cause, TERMINATE_NAS_ERROR);
	CHECK(rig.down);
	rig_start(one);
	CHECK_INT(rig_counts().sessions, 0);
	rig.guard_error = 0;
	rig_wait(PORT_GUARD_RETRY);
	CHECK(rig.guarded && !rig.down);
	rig_link_is(true);
	rig_enter(one, plain);
	CHECK_STR(state_of_port(), "authorised");
	rig_end();
}

TEST(an_interface_that_was_set_down_goes_up_when_nobody_guards_it)
{
	rig_begin(NULL);
	rig.guard_error = -EPERM;
	rig_configure(SINGLE);
	CHECK(rig.down);
	rig.guarded = true; /* it may go up */
	rig_configure(NULL);
	CHECK(!rig.down);
	rig.guarded = false;
	rig_end();
}

TEST(a_machine_is_let_in)
{
	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 1);
	CHECK(rig.asked.first && !rig.asked.last);
	CHECK_STR(rig.asked.where.identity, "me");
	CHECK_STR(rig.asked.where.calling_station, "02-00-00-00-00-01");
	CHECK_STR(rig.asked.where.called_station, "02-00-00-00-00-AA");
	CHECK_STR(rig.asked.where.nas_identifier, "switch");
	CHECK_INT(rig.asked.where.framed_mtu, 1396);
	CHECK(rig.asked.where.session_id[0]);
	CHECK_INT(rig.asked.eap.p[0], EAP_RESPONSE);

	uint64_t number = rig.asked.number;

	rig_reply(rig_answer_of(AAA_CHALLENGE, EAP_REQUEST));
	CHECK_INT(rig.sent, 2);
	CHECK(memcmp(rig.destination, one, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_TLS);
	CHECK_INT(rig.open_count, 0);
	rig_respond(one, EAP_TYPE_TLS, "x");
	CHECK(!rig.asked.first);
	CHECK(rig.asked.number == number);

	struct aaa_answer answer = rig_answer_of(AAA_ACCEPT, EAP_SUCCESS);

	REQUIRE(secret_set(&answer.keys.msk, slice_str("0123456789012345678901234567890123456789"
						       "012345678901234567890123")) == OK);
	rig_reply(answer);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	CHECK(rig_is_open(one));
	CHECK_INT(rig.starts, 1);
	CHECK_STR(rig.accounted, rig.asked.where.session_id);
	CHECK_INT(rig_counts().authorised, 1);
	CHECK_INT(rig.gave_up, 0);
	rig_end();
	CHECK_INT(rig.cause, TERMINATE_ADMIN_REBOOT);
}

TEST(a_machine_that_starts_is_asked_itself)
{
	rig_begin(SINGLE);
	rig_start(one);
	CHECK_INT(rig.sent, 2);
	CHECK(memcmp(rig.destination, one, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_enter(one, plain);
	rig_end();
}

TEST(a_machine_that_is_refused_stays_out)
{
	json_t *list;

	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reject();
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	CHECK_INT(rig.open_count + rig.starts, 0);
	CHECK_INT(rig_counts().refusals, 1);
	rig_start(one);
	CHECK_INT(rig.packet[0], EAP_FAILURE); /* held */

	list = ports_view_sessions(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "state")), "held");
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "diagnosis")),
		  diagnosis_text(DIAG_CLIENT_CERT_EXPIRED)->name);
	json_decref(list);

	rig_wait(60000);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_wait(600000); /* gone */
	CHECK_INT(rig_counts().sessions, 0);
	list = ports_view(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK(json_object_get(json_array_get(list, 0), "diagnosis") != NULL);
	json_decref(list);
	rig_end();
}

TEST(a_refusal_without_a_packet_is_one)
{
	unsigned sent;

	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	sent = rig.sent;
	rig_reply(rig_answer_of(AAA_REJECT, 0));
	CHECK_INT(rig.sent, sent);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig_counts().refusals, 1);
	rig_end();
}

/* ---- the end of a session ------------------------------------------------------------------ */

TEST(a_lost_carrier_shuts_the_port)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	rig_wait(5000);
	rig_link_is(false);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.stops, 1);
	CHECK_INT(rig.cause, TERMINATE_LOST_CARRIER);
	CHECK_INT(rig.session_time, 5);
	CHECK(rig.guarded);
	rig_link_is(true);
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	rig_end();
}

TEST(a_carrier_that_was_away_for_a_moment_shuts_it_too)
{
	struct link_info link = {
		.index = INDEX,
		.name = "lan0",
		.mtu = 1500,
		.ethernet = true,
		.up = true,
		.carrier = true,
		.carrier_changes = 2,
	};

	rig_begin(SINGLE);
	rig_enter(one, plain);
	memcpy(link.mac, own, MAC_SIZE);
	ports_set_link(rig.ports, &link);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.stops, 1);
	rig_end();
}

TEST(an_interface_that_goes_away_ends_all)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	ports_remove_link(rig.ports, INDEX);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_PORT_REINITIALIZED);
	CHECK_INT(rig.releases, 1);
	CHECK_INT(rig_counts().ports, 0);
	CHECK_INT(rig_counts().accepts, 1);
	rig_end();
}

TEST(logoff_shuts_the_port)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	rig_logoff(one);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_USER_REQUEST);
	rig_start(two); /* nobody owns it now */
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	rig_enter(two, plain);
	rig_end();
}

TEST(a_session_has_an_end)
{
	rig_begin(SINGLE);
	rig_enter(one, (struct aaa_grant){ .session_timeout = 300 });
	rig_wait(299000);
	CHECK_INT(rig.open_count, 1);
	rig_wait(1000);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_SESSION_TIMEOUT);
	CHECK_INT(rig.session_time, 300);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_end();
}

TEST(a_session_that_is_renewed_stays_open)
{
	char id[AAA_TEXT_MAX + 1];

	rig_begin(SINGLE);
	rig_enter(one, (struct aaa_grant){ .session_timeout = 300, .reauthenticate = true });
	snprintf(id, sizeof id, "%s", rig.accounted);
	rig_wait(300000);
	CHECK_INT(rig.open_count, 1);
	rig_enter(one, (struct aaa_grant){ .session_timeout = 300, .reauthenticate = true });
	CHECK_STR(rig.asked.where.session_id, id);
	CHECK_INT(rig.starts, 1);
	CHECK_INT(rig.stops, 0);
	rig_wait(300000);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reject();
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_REAUTH_FAILURE);
	rig_end();
}

TEST(a_machine_that_is_gone_at_reauthentication_is_shut_out)
{
	rig_begin(SINGLE "[Port]\nReauthPeriod=10min\n");
	rig_enter(one, plain);
	rig_wait(600000);
	CHECK_INT(rig.open_count, 1);
	rig_wait(600000);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_REAUTH_FAILURE);
	rig_end();
}

TEST(a_session_is_accounted_for_meanwhile)
{
	rig_begin(SINGLE "[Accounting]\nInterim=2min\n");
	rig_enter(one, (struct aaa_grant){ .interim = 60 });
	CHECK(!rig.interims);
	rig.octets = 1000;
	rig_wait(60000);
	CHECK_INT(rig.interims, 1);
	CHECK_INT(rig.session_time, 60);
	CHECK(rig.counted);
	rig_logoff(one);
	rig_wait(1000000);
	CHECK_INT(rig.interims, 1);
	rig_start(one);
	rig_enter(one, plain);
	rig_wait(120000);
	CHECK_INT(rig.interims, 2);
	rig_end();
}

TEST(who_is_told_to_go_goes_and_is_asked_again)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	CHECK_INT(ports_disconnect(rig.ports, "02:00:00:00:00:02"), 0);
	CHECK_INT(ports_disconnect(rig.ports, "nonsense"), 0);
	CHECK_INT(ports_disconnect(rig.ports, "02-00-00-00-00-01"), 1);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_enter(one, plain);
	CHECK_INT(ports_reauthenticate(rig.ports, rig.accounted), 1);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	CHECK_INT(rig.open_count, 1);
	rig_end();
}

/* As the registry calls it, also when it is anonymous to everybody else. */
TEST(a_machine_is_told_to_go_by_its_certificate)
{
	struct aaa_answer answer;

	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "anonymous");
	answer = rig_answer_of(AAA_ACCEPT, EAP_SUCCESS);
	snprintf(answer.grant.user_name, sizeof answer.grant.user_name, "sha256:00");
	snprintf(answer.report.server_subject, sizeof answer.report.server_subject, "CN=printer-7");
	rig_reply(answer);
	CHECK_INT(rig.open_count, 1);
	CHECK_INT(ports_disconnect(rig.ports, "CN=printer-8"), 0);
	CHECK_INT(ports_disconnect(rig.ports, ""), 0);
	CHECK_INT(ports_disconnect(rig.ports, "CN=printer-7"), 1);
	CHECK_INT(rig.open_count, 0);
	rig_end();
}

/* ---- the server ---------------------------------------------------------------------------- */

TEST(a_server_that_takes_no_more_opens_nothing)
{
	rig_begin(SINGLE);
	rig.ask_error = -EAGAIN;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 1);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY); /* again */
	rig.ask_error = 0;
	rig_enter(one, plain);
	rig_end();
}

TEST(no_server_at_all_opens_nothing)
{
	rig_begin(SINGLE "[Eap]\nServer=radius\n");
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	CHECK_INT(rig.asks, 0);
	CHECK_INT(rig.open_count, 0);
	ports_set_server(rig.ports, PORT_SERVER_RADIUS, &rig.server);
	rig_enter(one, plain);
	rig_end();
}

TEST(a_conversation_that_ends_here_is_given_up_there)
{
	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_start(one);
	CHECK_INT(rig.gave_up, 1);

	/* Its answer comes too late. */
	rig_accept_with(plain);
	CHECK_INT(rig.open_count, 0);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_link_is(false);
	CHECK_INT(rig.gave_up, 2);
	rig_accept_with(plain);
	CHECK_INT(rig.open_count, 0);
	rig_end();
}

TEST(a_server_that_says_nothing_opens_nothing)
{
	rig_begin(SINGLE);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_wait(31000);
	CHECK_INT(rig.gave_up, 1);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reply(rig_answer_of(AAA_TIMEOUT, 0));
	CHECK_INT(rig.gave_up, 1);
	CHECK_INT(rig_counts().timeouts, 2);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reply(rig_answer_of(AAA_DISCARD, 0));
	CHECK_INT(rig.open_count, 0);
	rig_end();
}
