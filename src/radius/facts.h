/* Inside src/radius: the attributes that say who asks and what was used, read and written by both
 * ends of RADIUS and of dynamic authorization. */
#ifndef RADIUS_FACTS_H
#define RADIUS_FACTS_H

#include "radius/server.h"

/* RADIUS_BAD_VALUE: a number that has not four octets, an address that is none (RFC 2865, section
 * 5: such a packet is refused or discarded). */
CHECKED enum radius_fault radius_who_read(const struct radius_packet *packet,
					  struct radius_who *ret_who);
/* What is not empty, in the order of the types; without Class. */
void radius_who_put(struct radius_builder *b, const struct radius_who *who);

CHECKED enum radius_fault radius_accounting_read(const struct radius_packet *packet,
						 struct radius_accounting *ret_accounting);
void radius_accounting_put(struct radius_builder *b, const struct radius_accounting *accounting);

/* Class attributes, at most RADIUS_CLASSES_MAX of them: how many. */
size_t radius_classes_read(const struct radius_packet *packet, struct slice *ret_classes);

/* A number that may be absent; false when it is there and has not four octets. */
bool radius_number_read(const struct radius_packet *packet, uint8_t type, uint32_t *ret_number,
			bool *ret_present);

#endif
