/* Several machines behind a guarded port, and the VLANs that they are put into. */
#include "tests/unit/ports_rig.h"

/* ---- several machines ---------------------------------------------------------------------- */

TEST(nobody_comes_in_behind_another)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);

	unsigned sent = rig.sent;

	rig_start(two);
	rig_respond(two, EAP_TYPE_IDENTITY, "you");
	rig_logoff(two);
	CHECK_INT(rig.sent, sent);
	CHECK_INT(rig_counts().strangers, 3);
	CHECK_INT(rig.asks, 1);
	CHECK_INT(rig.open_count, 1);
	CHECK(rig_is_open(one));
	rig_end();
}

TEST(machines_are_told_apart)
{
	rig_begin(MULTI);
	rig_enter(one, plain);
	rig_start(two);
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	CHECK(!rig_is_open(two));
	rig_enter(two, plain);
	CHECK_INT(rig_counts().sessions, 2);
	CHECK(!rig.counted);
	rig_logoff(one);
	CHECK(rig_is_open(two) && !rig_is_open(one));
	CHECK_INT(rig_counts().sessions, 1);
	rig_logoff(two);
	CHECK_INT(rig_counts().sessions, 0);
	CHECK_INT(rig.open_count, 0);
	rig_wait(30000); /* and the group is asked again */
	CHECK(memcmp(rig.destination, pae_group_address, MAC_SIZE) == 0);
	rig_end();
}

TEST(an_answer_to_all_of_a_second_machine_has_it_asked_itself)
{
	rig_begin(MULTI);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_respond(two, EAP_TYPE_IDENTITY, "you");
	CHECK_INT(rig.asks, 1);
	CHECK(memcmp(rig.destination, two, MAC_SIZE) == 0);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_enter(two, plain);
	CHECK(!rig_is_open(one));
	rig_end();
}

TEST(machines_have_a_ceiling_and_those_that_only_start_make_room)
{
	uint8_t mac[MAC_SIZE] = { 2, 0, 0, 0, 1, 0 };

	rig_begin(MULTI "MaximumMachines=3\nStartsPerSecond=100\n");
	rig_enter(one, plain);
	for (uint8_t i = 0; i < 50; i++) {
		mac[5] = i;
		rig_start(mac);
	}
	CHECK_INT(rig_counts().sessions, 3);
	CHECK(rig_is_open(one));
	rig_start(two);
	rig_enter(two, plain);
	rig_start(mac);
	rig_respond(mac, EAP_TYPE_IDENTITY, "x");
	mac[5]++;
	rig_start(mac);
	CHECK_INT(rig_counts().shed_machines, 1);
	CHECK_INT(rig_counts().sessions, 3);
	rig_end();
}

TEST(floods_are_shed_and_counted)
{
	rig_begin(SINGLE "[Port]\nStartsPerSecond=5\nFramesPerSecond=50\n");
	rig_enter(one, plain);
	for (unsigned i = 0; i < 100; i++)
		rig_start(one);
	CHECK(rig_counts().shed_starts > 0);
	CHECK(rig_counts().shed_frames > 0);
	CHECK_INT(rig_counts().shed_starts + rig_counts().shed_frames, 96);
	CHECK(rig_is_open(one));
	rig_wait(1000);

	unsigned sent = rig.sent;

	rig_start(one);
	CHECK_INT(rig.sent, sent + 1);
	rig_end();
}

TEST(what_is_malformed_is_counted)
{
	struct packet_frame frame = { .index = INDEX, .pdu = slice_str("x") };

	rig_begin(SINGLE);
	memcpy(frame.source, one, MAC_SIZE);
	ports_receive(rig.ports, &frame);
	CHECK_INT(rig_counts().malformed_rx, 1);
	frame.index++;
	ports_receive(rig.ports, &frame);
	CHECK_INT(rig_counts().malformed_rx, 1);
	CHECK_INT(rig_counts().sessions, 0);
	rig_end();
}

/* ---- VLAN ---------------------------------------------------------------------------------- */

TEST(a_machine_is_put_into_its_vlan)
{
	rig_begin(SINGLE "[Vlan]\nAuthorised=10\n");
	rig_enter(one, (struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.vlan, 20);
	rig_logoff(one);
	CHECK_INT(rig.vlan, 0);
	rig_start(one);
	rig_enter(one, plain);
	CHECK_INT(rig.vlan, 10);
	rig_end();
	CHECK_INT(rig.vlan, 0);
}

TEST(a_machine_whose_vlan_is_not_there_stays_out)
{
	rig_begin(SINGLE);
	rig.vlan_error = -ENODEV;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_accept_with((struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.open_count + rig.starts, 0);
	CHECK_INT(rig_counts().authorised, 0);
	rig_end();
}

TEST(machines_of_two_vlans_do_not_share_a_port)
{
	rig_begin(MULTI);
	rig_enter(one, (struct aaa_grant){ .vlan = 20 });
	rig_start(two);
	rig_respond(two, EAP_TYPE_IDENTITY, "you");
	rig_accept_with((struct aaa_grant){ .vlan = 30 });
	CHECK(!rig_is_open(two) && rig_is_open(one));
	CHECK_INT(rig.vlan, 20);
	rig_end();
}

TEST(a_session_that_is_renewed_into_a_vlan_that_is_not_there_ends)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	rig_start(one);
	rig.vlan_error = -ENODEV;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_accept_with((struct aaa_grant){ .vlan = 20 });
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_NAS_ERROR);
	rig_end();
}

TEST(a_gate_that_does_not_open_is_told)
{
	json_t *list;

	rig_begin(SINGLE);
	rig.open_error = -ENOSPC;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_accept_with(plain);
	CHECK_INT(rig.starts, 0);
	list = ports_view_sessions(rig.ports);
	REQUIRE(json_array_size(list) == 1);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "state")), "blocked");
	json_decref(list);
	rig_end();
}

TEST(a_gate_that_did_not_open_is_tried_again)
{
	rig_begin(SINGLE);
	rig.open_error = -ENOMEM;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_accept_with(plain);
	rig_wait(60000);
	CHECK_INT(rig.open_count + rig.starts, 0);
	rig.open_error = 0;
	rig_wait(60000);
	CHECK(rig_is_open(one));
	CHECK_INT(rig.starts, 1);
	CHECK_INT(rig.asks, 1); /* nobody had to be asked again */
	rig_end();
}

TEST(a_gate_is_not_tried_for_who_has_gone)
{
	rig_begin(SINGLE);
	rig.open_error = -ENOMEM;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_accept_with(plain);
	rig_logoff(one);
	rig.open_error = 0;
	rig_wait(60000);
	CHECK_INT(rig.open_count + rig.starts, 0);
	rig_end();
}

#define STRANGERS SINGLE "[Vlan]\nAuthorised=10\nUnauthenticated=99\n"

TEST(strangers_have_a_vlan_of_their_own)
{
	rig_begin(STRANGERS);
	CHECK(!rig.everybody); /* not before they were asked */
	CHECK_INT(rig.vlan, 0);
	rig_wait(600000);
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	rig_start(one);
	CHECK(rig.everybody);
	rig_enter(one, plain);
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 10);
	rig_logoff(one);
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	CHECK_INT(rig.open_count, 0);
	rig_link_is(false);
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 0);
	rig_end();
}

TEST(who_is_refused_is_a_stranger)
{
	rig_begin(STRANGERS);
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reject();
	CHECK(rig.everybody);
	CHECK_INT(rig.vlan, 99);
	rig_end();
	CHECK(!rig.everybody);
	CHECK_INT(rig.vlan, 0);
}

TEST(strangers_whose_vlan_is_not_there_stay_out)
{
	rig_begin(STRANGERS);
	rig.vlan_error = -ENODEV;
	rig_respond(one, EAP_TYPE_IDENTITY, "me");
	rig_reject();
	CHECK(!rig.everybody);
	rig_end();
}
