/* What the conversations of a port are run with. */
#include <errno.h>

#include "daemon/port_parts.h"

int port_method_new(struct port *port)
{
	const struct profile *profile = port->armed->profile;
	const struct tls_peer_options options = { .fragment_size = profile->fragment_size };

	if (tls_peer_new(port->armed->tls, &options, &port->tls) != OK)
		return -ENOMEM;
	port->eap = (struct eap_peer_config){
		.identity = slice_str(port->armed->identity),
		.client_timeout = profile->client_timeout,
		.max_rounds = profile->max_rounds,
		.offers = { { &tls_peer_method, port->tls } },
		.offer_count = 1,
	};
	return 0;
}

void port_method_free(struct port *port)
{
	tls_peer_method.free(port->tls);
	port->tls = NULL;
}
