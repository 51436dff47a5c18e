/* CPROM from end to end: what a machine is given, in every way there is to authorise it. */
#include "tests/cprom_duo.h"
#include "tests/test.h"

static struct cprom_duo duo;

TEST(a_machine_with_a_token_gets_a_certificate)
{
	struct cprom_duo *d = &duo;
	struct cprom_result result;
	char events[256];

	cduo_init(d);
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_STR(cduo_events(d, events, sizeof events),
		  "tunnel authorized key-generated request-sent received checked stored validated "
		  "activated done");
	CHECK(cduo_shelf(d, "net")->current != NULL);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 0);
	CHECK_INT(cduo_shelf(d, "net")->anchors, 1);
	CHECK_INT(d->by, ENROL_BY_TOKEN);
	CHECK_INT(d->questions[ENROL_ASKS_ISSUE], 1);
	CHECK_INT(d->questions[ENROL_ASKS_CONFIRM], 1);
	REQUIRE(cprom_peer_result(d->peer, 0, &result));
	CHECK(result.activated);
	CHECK_STR(result.credential, "net");
	CHECK_STR(result.protocol, "SPP");
	CHECK(strstr(result.cert.subject, "CN=machine") != NULL);
	CHECK(!cprom_peer_result(d->peer, 1, &result));
	CHECK(cprom_server_method.enrolled(d->server));
	cduo_done(d);
}
