/* EAP-TTLS and PEAP as the peer, without memory: the server has all it wants.  Whatever fails, the
 * conversation ends in success with all its keys, or in failure with a diagnosis and none. */
#include "method/gtc_peer.h"
#include "method/peap_peer.h"
#include "method/ttls_avp.h"
#include "method/ttls_peer.h"
#include "tests/fault/fault.h"
#include "tests/tunnel_rig.h"

#include <stdlib.h>

static struct tunnel_rig rig;

static struct inner_peer *inner(void)
{
	const struct inner_account account = tunnel_rig_account(&rig);
	struct inner_peer_settings settings = { .identity = account.identity, .offer_count = 1 };
	struct inner_peer *made = NULL;
	struct gtc_peer *gtc;

	if (gtc_peer_new(&account, &gtc) != OK)
		return NULL;
	settings.offers[0] = (struct eap_peer_offer){ &gtc_peer_method, gtc };
	if (inner_peer_new(&settings, &made) != OK)
		gtc_peer_method.free(gtc);
	return made;
}

static bool make_ttls(enum ttls_inner way)
{
	struct ttls_peer_settings settings = { .inner = way, .account = tunnel_rig_account(&rig) };

	rig.method = &ttls_peer_method;
	if (way == TTLS_EAP && !(settings.eap = inner()))
		return false;
	return ttls_peer_new(rig.config, &settings, &rig.peer) == OK;
}

static bool make_peap(void)
{
	struct peap_peer_settings settings = { .eap = inner() };

	rig.method = &peap_peer_method;
	return settings.eap && peap_peer_new(rig.config, &settings, &rig.peer) == OK;
}

/* Ends the conversation, and says whether it went as it may. */
static bool ended(void)
{
	bool success = rig.verdict.decision != FAIL;
	bool right =
		success ? rig.keys.msk.len == 64 && rig.keys.emsk.len == 64 &&
				  rig.keys.session_id.len == 65
			: fault_happened() && (rig.silent || rig.ignored ||
					       rig.method->diagnosis(rig.peer)->id != DIAG_NONE);

	tunnel_rig_end(&rig, success);
	fault_suspend();
	rig.method->free(rig.peer);
	rig.peer = NULL;
	eap_keys_done(&rig.keys);
	fault_resume();
	return right;
}

static bool stands(bool made)
{
	bool open;

	if (!made)
		return false;
	fault_suspend();
	open = tunnel_rig_open(&rig);
	fault_resume();
	return open;
}

static void say(struct slice data)
{
	fault_suspend();
	if (!rig.silent && !rig.ignored && SSL_is_init_finished(rig.ssl))
		tunnel_rig_say(&rig, data);
	fault_resume();
}

static void say_eap(struct slice packet)
{
	const struct ttls_avp avp = { TTLS_EAP_MESSAGE, 0, true, packet };
	uint8_t buffer[128];
	struct wr w = wr_of(buffer, sizeof buffer);

	ttls_avp_build(&w, &avp);
	say(wr_done(&w));
}

static bool ttls_pap(void)
{
	if (!stands(make_ttls(TTLS_PAP)))
		return rig.peer ? ended() : fault_happened();
	say(slice_of(NULL, 0));
	return ended();
}

static bool ttls_eap(void)
{
	if (!stands(make_ttls(TTLS_EAP)))
		return rig.peer ? ended() : fault_happened();
	say(slice_of(NULL, 0));
	say_eap(slice_of("\1\7\0\6\6P", 6));
	return ended();
}

static bool peap(void)
{
	if (!stands(make_peap()))
		return rig.peer ? ended() : fault_happened();
	say(slice_of("\1", 1));
	say(slice_of("\6P", 2));
	say(slice_of("\1\11\0\13\41\200\3\0\2\0\1", 11));
	return ended();
}

int main(void)
{
	fault_init();
	test_mschap();
	tunnel_rig_init(&rig);
	tunnel_rig_load(&rig);
	rig.enter = fault_resume;
	rig.leave = fault_suspend;
	fault_each("EAP-TTLS with PAP", ttls_pap);
	fault_each("EAP-TTLS with EAP-GTC", ttls_eap);
	fault_each("PEAP with EAP-GTC", peap);
	tunnel_rig_done(&rig);
	return fault_end();
}
