#include "radius/facts.h"

#include <arpa/inet.h>

#define IPV4_SIZE 4
#define IPV6_SIZE 16

bool radius_number_read(const struct radius_packet *packet, uint8_t type, uint32_t *ret_number,
			bool *ret_present)
{
	struct slice value;

	*ret_number = 0;
	*ret_present = radius_find(packet, type, &value);
	return !*ret_present || radius_value_u32(value, ret_number);
}

static bool number(const struct radius_packet *packet, uint8_t type, uint32_t *ret_number)
{
	bool present;

	return radius_number_read(packet, type, ret_number, &present);
}

size_t radius_classes_read(const struct radius_packet *packet, struct slice *ret_classes)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	size_t count = 0;

	while (count < RADIUS_CLASSES_MAX && radius_next(&at, &attribute)) {
		if (attribute.type == RADIUS_CLASS && attribute.value.len > 0)
			ret_classes[count++] = attribute.value;
	}
	return count;
}

/* The first of its kind counts, of numbers the last: RFC 2865, section 5.44, has one of each. */
static bool keep(struct slice *to, struct slice value)
{
	if (!to->p)
		*to = value;
	return true;
}

static bool keep_class(struct radius_who *who, struct slice value)
{
	if (value.len > 0 && who->class_count < RADIUS_CLASSES_MAX)
		who->classes[who->class_count++] = value;
	return true;
}

/* What one attribute says; false if it cannot have this value. */
static bool hear(struct radius_who *who, const struct radius_attribute *a, struct slice *address)
{
	switch (a->type) {
	case RADIUS_USER_NAME:
		return keep(&who->user_name, a->value);
	case RADIUS_CALLING_STATION_ID:
		return keep(&who->calling_station, a->value);
	case RADIUS_CALLED_STATION_ID:
		return keep(&who->called_station, a->value);
	case RADIUS_NAS_IDENTIFIER:
		return keep(&who->nas_identifier, a->value);
	case RADIUS_NAS_PORT_ID:
		return keep(&who->nas_port_id, a->value);
	case RADIUS_ACCT_SESSION_ID:
		return keep(&who->session_id, a->value);
	case RADIUS_CLASS:
		return keep_class(who, a->value);
	case RADIUS_NAS_IP_ADDRESS:
		*address = a->value;
		return a->value.len == IPV4_SIZE;
	case RADIUS_NAS_IPV6_ADDRESS:
		return a->value.len == IPV6_SIZE && keep(address, a->value);
	case RADIUS_NAS_PORT:
		who->has_nas_port = true;
		return radius_value_u32(a->value, &who->nas_port);
	case RADIUS_NAS_PORT_TYPE:
		return radius_value_u32(a->value, &who->nas_port_type);
	case RADIUS_SERVICE_TYPE:
		return radius_value_u32(a->value, &who->service_type);
	case RADIUS_FRAMED_MTU:
		return radius_value_u32(a->value, &who->framed_mtu);
	default:
		return true;
	}
}

/* In one walk: every packet that arrives comes by here. */
enum radius_fault radius_who_read(const struct radius_packet *packet, struct radius_who *ret_who)
{
	struct radius_who who = { 0 };
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	struct slice address = { 0 };

	while (radius_next(&at, &attribute)) {
		if (!hear(&who, &attribute, &address))
			return RADIUS_BAD_VALUE;
	}
	if (address.len > 0)
		inet_ntop(address.len == IPV4_SIZE ? AF_INET : AF_INET6, address.p, who.nas_address,
			  sizeof who.nas_address);
	*ret_who = who;
	return RADIUS_FINE;
}

static void put_address(struct radius_builder *b, const char *text)
{
	uint8_t address[IPV6_SIZE];

	if (inet_pton(AF_INET, text, address) == 1)
		radius_put(b, RADIUS_NAS_IP_ADDRESS, slice_of(address, IPV4_SIZE));
	else if (inet_pton(AF_INET6, text, address) == 1)
		radius_put(b, RADIUS_NAS_IPV6_ADDRESS, slice_of(address, IPV6_SIZE));
}

static void put_number(struct radius_builder *b, uint8_t type, uint32_t value)
{
	if (value > 0)
		radius_put_u32(b, type, value);
}

void radius_who_put(struct radius_builder *b, const struct radius_who *who)
{
	radius_put_some(b, RADIUS_USER_NAME, who->user_name);
	put_address(b, who->nas_address);
	if (who->has_nas_port)
		radius_put_u32(b, RADIUS_NAS_PORT, who->nas_port);
	put_number(b, RADIUS_SERVICE_TYPE, who->service_type);
	put_number(b, RADIUS_FRAMED_MTU, who->framed_mtu);
	radius_put_some(b, RADIUS_CALLED_STATION_ID, who->called_station);
	radius_put_some(b, RADIUS_CALLING_STATION_ID, who->calling_station);
	radius_put_some(b, RADIUS_NAS_IDENTIFIER, who->nas_identifier);
	radius_put_some(b, RADIUS_ACCT_SESSION_ID, who->session_id);
	put_number(b, RADIUS_NAS_PORT_TYPE, who->nas_port_type);
	radius_put_some(b, RADIUS_NAS_PORT_ID, who->nas_port_id);
}

static bool octets_read(const struct radius_packet *packet, uint8_t low_type, uint8_t high_type,
			uint64_t *ret_octets)
{
	uint32_t low, high;

	if (!number(packet, low_type, &low) || !number(packet, high_type, &high))
		return false;
	*ret_octets = (uint64_t)high << 32 | low;
	return true;
}

enum radius_fault radius_accounting_read(const struct radius_packet *packet,
					 struct radius_accounting *ret_accounting)
{
	struct radius_accounting a = { 0 };

	if (!number(packet, RADIUS_ACCT_STATUS_TYPE, &a.status) ||
	    !number(packet, RADIUS_ACCT_DELAY_TIME, &a.delay) ||
	    !number(packet, RADIUS_ACCT_SESSION_TIME, &a.session_time) ||
	    !number(packet, RADIUS_ACCT_INPUT_PACKETS, &a.input_packets) ||
	    !number(packet, RADIUS_ACCT_OUTPUT_PACKETS, &a.output_packets) ||
	    !number(packet, RADIUS_ACCT_TERMINATE_CAUSE, &a.terminate_cause) ||
	    !number(packet, RADIUS_EVENT_TIMESTAMP, &a.event_timestamp) ||
	    !octets_read(packet, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS,
			 &a.input_octets) ||
	    !octets_read(packet, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS,
			 &a.output_octets) ||
	    a.status == 0)
		return RADIUS_BAD_VALUE;
	*ret_accounting = a;
	return RADIUS_FINE;
}

static void put_octets(struct radius_builder *b, uint8_t low_type, uint8_t high_type,
		       uint64_t octets)
{
	radius_put_u32(b, low_type, (uint32_t)octets);
	put_number(b, high_type, (uint32_t)(octets >> 32));
}

/* Acct-Authentic is RADIUS (1) for all whom a server of ours let in; when it was not, nobody is
 * told about it.  Counters are not of Start: RFC 2866, section 5.13. */
void radius_accounting_put(struct radius_builder *b, const struct radius_accounting *a)
{
	radius_put_u32(b, RADIUS_ACCT_STATUS_TYPE, a->status);
	if (a->status == RADIUS_ACCT_STOP || a->status == RADIUS_ACCT_INTERIM) {
		put_octets(b, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS,
			   a->input_octets);
		put_octets(b, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS,
			   a->output_octets);
		radius_put_u32(b, RADIUS_ACCT_SESSION_TIME, a->session_time);
		radius_put_u32(b, RADIUS_ACCT_INPUT_PACKETS, a->input_packets);
		radius_put_u32(b, RADIUS_ACCT_OUTPUT_PACKETS, a->output_packets);
	}
	if (a->status == RADIUS_ACCT_STOP)
		put_number(b, RADIUS_ACCT_TERMINATE_CAUSE, a->terminate_cause);
	if (a->status != RADIUS_ACCT_ON && a->status != RADIUS_ACCT_OFF)
		radius_put_u32(b, RADIUS_ACCT_AUTHENTIC, 1);
	put_number(b, RADIUS_ACCT_DELAY_TIME, a->delay);
	put_number(b, RADIUS_EVENT_TIMESTAMP, a->event_timestamp);
}
