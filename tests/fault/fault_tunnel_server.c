/* EAP-TTLS and PEAP as the server, without memory: the peer has all it wants.  Whoever proves who
 * he is gets in with all keys, or nobody does and there are none. */
#include "tests/fault/fault.h"
#include "tests/legacy.h"
#include "tests/tunnel_guest.h"

static struct tunnel_guest ttls, peap;
static const struct slice nothing;

/* In with its keys; or not, for there was no memory. */
static bool as_it_should_be(struct tunnel_guest *g)
{
	struct eap_keys keys = { 0 };
	bool taken = g->self && g->method->take_keys(g->self, &keys);
	bool right = g->state == METHOD_SUCCEEDED && taken ? keys.msk.len == EAP_MSK_SIZE
							   : fault_happened() && !keys.msk.len;

	eap_keys_done(&keys);
	return right;
}

static bool lets_in(struct tunnel_guest *g, struct slice flight)
{
	bool right;

	fault_suspend();
	tunnel_guest_open(g, nothing);
	tunnel_guest_say(g, flight);
	tunnel_guest_say(g, nothing);
	right = as_it_should_be(g);
	tunnel_guest_close(g);
	fault_resume();
	return right;
}

static bool password_in_ttls(void)
{
	/* RFC 5281, section 11.2.5: User-Name, User-Password */
	static const char pap[] = "\0\0\0\1\100\0\0\013bob\0\0\0\0\2\100\0\0\016secret\0";

	tls_session_done(&ttls.session);
	return lets_in(&ttls, slice_of(pap, sizeof pap));
}

static bool resumption_in_ttls(void)
{
	return password_in_ttls() && lets_in(&ttls, nothing);
}

/* Up to the Result that is to be bound, which a peer that proves nothing does not get. */
static bool methods_in_peap(void)
{
	bool right;

	fault_suspend();
	tls_session_done(&peap.session);
	tunnel_guest_open(&peap, nothing);
	if (peap.state == METHOD_GOES_ON && peap.heard.len == 0)
		tunnel_guest_say(&peap, nothing);
	tunnel_guest_say(&peap, slice_str("\1bob"));
	tunnel_guest_say(&peap, slice_str("\3\6"));
	tunnel_guest_say(&peap, slice_str("\6secret"));
	right = fault_happened() || (peap.state == METHOD_GOES_ON && peap.heard.len > 0 &&
				     peap.asked[EAP_ASKS_ADMISSION] == 1);
	right = right && peap.state != METHOD_SUCCEEDED;
	tunnel_guest_close(&peap);
	fault_resume();
	return right;
}

int main(void)
{
	fault_init();
	test_mschap();
	tunnel_guest_init(&ttls, &ttls_server_method, TLS_1_3);
	tunnel_guest_init(&peap, &peap_server_method, TLS_1_3);
	ttls.enter = peap.enter = fault_resume;
	ttls.leave = peap.leave = fault_suspend;
	fault_each("a password in EAP-TTLS lets in", password_in_ttls);
	fault_each("and is remembered", resumption_in_ttls);
	fault_each("methods are proposed in PEAP", methods_in_peap);
	tunnel_guest_done(&ttls);
	tunnel_guest_done(&peap);
	return fault_end();
}
