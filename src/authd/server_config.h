/* servers.d/NAME.server: a RADIUS server to which we are a client, for pass-through and accounting,
 * over UDP or TLS (RadSec, RFC 6614). */
#ifndef AUTHD_SERVER_CONFIG_H
#define AUTHD_SERVER_CONFIG_H

#include "authd/config.h"

enum server_transport { SERVER_UDP, SERVER_TLS };

#define SERVER_PSK_MIN 16 /* octets: RFC 6614, section 2.3, asks for enough entropy */
#define SERVER_PSK_MAX 64

struct server_config {
	struct config_object object;
	struct addresses addresses;	/* one, without a port */
	uint32_t port, accounting_port; /* port 0: the transport's; accounting_port 0: none */
	struct addresses source;	/* at most one: what we send from */
	char *secret_text, *secret_file;
	struct secret secret; /* of RadSec "radsec" unless it is written */
	enum server_transport transport;
	unsigned priority; /* the lowest is asked first */
	unsigned sockets;
	unsigned pipeline;  /* over TLS */
	bool status_server; /* probed by Status-Server: RFC 5997 */
	bool dynamic;	    /* may send CoA and Disconnect: RFC 5176 */
	msec timeout, give_up, dead_time, probe_interval;

	/* [RadSec]: certificates both ways, or a pre-shared key */
	char *credential;
	struct words anchors, names;
	char *psk_identity, *psk_file;
	struct secret psk;
};

extern const struct config_kind server_kind;

/* With its port: the one for accounting, or the other. */
union address server_address(const struct server_config *server, bool accounting);

#endif
