#include "authd/packet.h"

struct packet *packet_new(const struct origin *origin, struct config *config,
			  const struct radius_client *client, struct slice data, struct moment when)
{
	struct packet *packet = calloc(1, sizeof *packet);

	if (!packet || bytes_set(&packet->data, data) != OK) {
		free(packet);
		return NULL;
	}
	list_init(&packet->node);
	packet->origin = *origin;
	packet->config = config_ref(config);
	packet->client = client;
	packet->when = when;
	return packet;
}

void packet_free(struct packet *packet)
{
	if (!packet)
		return;
	config_free(packet->config);
	bytes_done(&packet->data);
	free(packet);
}
