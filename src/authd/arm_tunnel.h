/* The tunnels of one worker, made ready: [Tunnel] and what may run inside. */
#ifndef AUTHD_ARM_TUNNEL_H
#define AUTHD_ARM_TUNNEL_H

#include "authd/config.h"
#include "method/mschapv2_server.h"
#include "method/peap_server.h"
#include "method/teap_server.h"
#include "method/tls_server.h"
#include "method/ttls_server.h"

struct arming;

/* EAP inside of one kind of tunnel. */
struct arming_inner {
	struct eap_policy_choice choice;
	struct eap_policy policy;
};

struct arming_tunnels {
	struct ttls_server_context ttls; /* its config is NULL when it is not offered; likewise */
	struct peap_server_context peap;
	struct teap_server_context teap;
	struct arming_inner in_ttls, in_peap, in_teap;
	struct mschapv2_server_context mschapv2;
	struct tls_server_context tls; /* EAP-TLS inside */
	bool shares_credential;	       /* with [Tls], so that what is stapled is of it too */
	uint8_t digest[32];
};

/* Fills arming->tunnels.  Nothing is made of tunnels that no method needs.  0 or -errno with *why.
 */
int arming_open_tunnels(struct arming *arming, const struct mschap *mschap, int64_t now,
			struct diagnosis *why);
void arming_close_tunnels(struct arming_tunnels *tunnels);
/* As arming_inherit: the sessions go on. */
void arming_inherit_tunnels(struct arming_tunnels *tunnels, const struct arming_tunnels *old);
/* "ttls" as [Eap] Methods= has it; its method is NULL when there is no such tunnel. */
struct eap_server_offer arming_tunnel_offer(struct arming_tunnels *tunnels, const char *word);
/* The OCSP response about the credential of [Tls]. */
void arming_staple_tunnels(struct arming_tunnels *tunnels, struct slice ocsp);

#endif
