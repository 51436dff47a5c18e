/* What the conversations of a port are run with. */
#include <errno.h>

#include "daemon/port_parts.h"

int port_method_new(struct port *port)
{
	const struct profile *profile = port->armed->profile;

	if (armed_method(port->armed, &port->method) < 0)
		return -ENOMEM;
	port->eap = (struct eap_peer_config){
		.identity = slice_str(port->armed->identity),
		.client_timeout = profile->client_timeout,
		.max_rounds = profile->max_rounds,
		.offers = { port->method },
		.offer_count = 1,
	};
	return 0;
}

void port_method_free(struct port *port)
{
	if (port->method.self)
		port->method.method->free(port->method.self);
	port->method = (struct eap_peer_offer){ 0 };
}
