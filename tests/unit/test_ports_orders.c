/* What a server, a reload or a setting does to the sessions of a guarded port. */
#include "tests/unit/ports_rig.h"

/* ---- Disconnect and CoA ---------------------------------------------------------------------- */

static struct session_keeper keeper(void)
{
	struct session_keeper k;

	ports_keeper(rig.ports, &k);
	return k;
}

TEST(a_server_ends_the_session_that_it_names)
{
	struct session_keeper k;
	struct aaa_grant grant = { 0 };

	rig_begin(MULTI);
	k = keeper();
	REQUIRE(bytes_set(&grant.class[0], slice_str("c1")) == OK);
	rig_enter(one, grant);
	rig_start(two);
	rig_enter(two, (struct aaa_grant){ .user_name = "you" });

	const struct session_criteria wrong[] = {
		{ .session_id = "nonsense" },
		{ .user_name = "she" },
		{ .user_name = "me", .nas_port_id = "lan1" },
		{ .has_mac = true, .mac = { 2, 0, 0, 0, 0, 9 } },
		{ .has_nas_port = true, .nas_port = INDEX + 1 },
		{ .class = slice_str("c2") },
		{ .class = slice_str("c1"), .user_name = "you" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_INT(k.disconnect(k.self, &wrong[i]), 0);
	CHECK_INT(rig.open_count, 2);
	CHECK_INT(k.reauthenticate(k.self, &(struct session_criteria){ .nas_port_id = "lan0" }), 2);
	CHECK_INT(rig.open_count, 2);
	CHECK_INT(k.disconnect(k.self, &(struct session_criteria){ .class = slice_str("c1") }), 1);
	CHECK(!rig_is_open(one) && rig_is_open(two));
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(k.disconnect(k.self, &(struct session_criteria){ .user_name = "you" }), 1);
	CHECK_INT(rig.open_count, 0);
	rig_end();
}

TEST(a_server_changes_a_session)
{
	const struct session_criteria all = { .has_nas_port = true, .nas_port = INDEX };
	struct session_change change = { .has_session_timeout = true,
					 .session_timeout = 60,
					 .has_vlan = true,
					 .vlan = 30,
					 .has_interim = true,
					 .interim = 20 };
	struct session_keeper k;

	rig_begin(MULTI);
	k = keeper();
	CHECK_INT(k.change(k.self, &all, &change), 0);
	rig_enter(one, plain);
	rig.vlan_error = -ENODEV;
	CHECK_INT(k.change(k.self, &all, &change), -EOPNOTSUPP);
	rig.vlan_error = 0;
	CHECK_INT(k.change(k.self, &all, &change), 1);
	CHECK_INT(rig.vlan, 30);
	rig_wait(20000);
	CHECK_INT(rig.interims, 1);
	rig_start(two);
	rig_enter(two, (struct aaa_grant){ .vlan = 30 });
	CHECK_INT(k.change(k.self, &all, &change), -EMLINK);
	rig_wait(40000);
	CHECK(!rig_is_open(one) && rig_is_open(two));
	CHECK_INT(rig.cause, TERMINATE_SESSION_TIMEOUT);
	rig_end();
}

TEST(a_session_is_not_large)
{
	test_note("struct port_session: %zu octets", sizeof(struct port_session));
	CHECK(sizeof(struct port_session) <= 6144);
}

/* ---- settings ------------------------------------------------------------------------------ */

TEST(a_reload_that_changes_nothing_ends_no_session)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	rig_configure(SINGLE);
	CHECK(rig_is_open(one));
	CHECK_INT(rig.stops, 0);
	rig_start(one);
	CHECK_INT(rig.packet[4], EAP_TYPE_IDENTITY);
	rig_end();
}

TEST(a_reload_that_changes_a_port_begins_anew)
{
	rig_begin(SINGLE);
	rig_enter(one, plain);
	rig.sent = 0;
	rig.joined = false;
	rig_configure(MULTI);
	CHECK_INT(rig.open_count, 0);
	CHECK_INT(rig.cause, TERMINATE_ADMIN_RESET);
	CHECK_INT(rig.guards, 2);
	CHECK(rig.guarded);
	CHECK_INT(rig.releases, 0); /* it was closed all the while */
	rig_configure(NULL);
	CHECK_INT(rig.releases, 1);
	CHECK(!rig.guarded);
	CHECK_INT(rig_counts().ports, 0);
	rig_end();
}

TEST(a_reload_does_not_set_up_what_cannot_be_guarded)
{
	rig_begin(NULL);
	rig.guard_error = -EPERM;
	rig_configure(SINGLE);
	CHECK(rig.down);
	rig_configure(MULTI); /* set_up checks that it is guarded when it goes up */
	CHECK(rig.down);
	rig.guard_error = 0;
	rig_configure(SINGLE);
	CHECK(!rig.down);
	rig_end();
}

TEST(a_port_is_open_by_force)
{
	rig_begin(SINGLE "[Port]\nControl=force-authorized\n");
	CHECK_INT(rig.guards, 0);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	rig.packet[0] = 0;
	rig_start(one);
	CHECK_INT(rig.packet[0], EAP_SUCCESS);
	CHECK_INT(rig.asks, 0);
	rig_end();
}

TEST(a_port_is_shut_by_force)
{
	rig_begin(SINGLE "[Port]\nControl=force-unauthorized\n");
	CHECK(rig.guarded);
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	rig.packet[0] = 0;
	rig_start(one);
	CHECK_INT(rig.packet[0], EAP_FAILURE);
	CHECK_INT(rig.open_count, 0);
	rig_end();
}

TEST(settings_that_contradict_each_other_are_refused)
{
	static const char *const wrong[] = {
		"",
		"[Port]\nMode=multi\n",
		MULTI "[Vlan]\nAuthorised=10\n",
		MULTI "[Vlan]\nUnauthenticated=10\n",
		SINGLE "[Port]\nControl=force-unauthorized\n[Vlan]\nUnauthenticated=4\n",
		SINGLE "[Vlan]\nCreateBridges=yes\n",
		SINGLE "[Vlan]\nBridgeTemplate=br\n",
		SINGLE "[Vlan]\nAuthorised=4095\n",
		SINGLE "[Port]\nControl=force-authorized\n[Vlan]\nAuthorised=4\n",
		"[Match]\nBridge=a-name-that-is-too-long\n",
	};
	void *object;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct ini_errors *errors = calloc(1, sizeof *errors);

		REQUIRE(errors != NULL);
		CHECK_INT(config_object_parse(&port_kind, slice_str(wrong[i]), "/x/a.port", &object,
					      errors),
			  -EINVAL);
		ini_errors_done(errors);
		free(errors);
	}
}
