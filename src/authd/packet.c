#include "authd/packet.h"

const char *packet_end_name(enum packet_end end)
{
	static const char *const names[PACKET_ENDS] = {
		[PACKET_ANSWERED] = "answered",	  [PACKET_REPEATED] = "repeated",
		[PACKET_DUPLICATE] = "duplicate", [PACKET_REFUSED] = "refused",
		[PACKET_STALE] = "stale",	  [PACKET_IGNORED] = "ignored",
		[PACKET_SHED] = "shed",
	};

	return names[end];
}

struct packet *packet_new(const struct origin *origin, struct config *config,
			  const struct client_config *client, struct slice data, struct moment when)
{
	struct packet *packet = message_new(MESSAGE_PACKET, sizeof *packet);

	if (!packet || bytes_set(&packet->data, data) != OK) {
		free(packet);
		return NULL;
	}
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
	bytes_done(&packet->reply);
	free(packet->accounting);
	free(packet);
}

struct slice packet_secret(const struct packet *packet)
{
	return packet->origin.transport->radsec ? slice_str("radsec") /* RFC 6614, section 2.3 */
						: secret_slice(&packet->client->secret);
}
