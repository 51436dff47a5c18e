/* Addresses of IPv4 and IPv6 with a port, and prefixes of them, as values. */
#ifndef AUTHD_ADDRESS_H
#define AUTHD_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 64 /* "[2001:db8::1%eth0]:1812" with its NUL */

/* What the socket calls take. */
union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* "192.0.2.1", "192.0.2.1:1812", "2001:db8::1", "[2001:db8::1]:1812"; the port is 0 when there is
 * none.  No names: nothing is resolved. */
bool address_parse(const char *text, union address *ret_address);
socklen_t address_size(const union address *address);
uint16_t address_port(const union address *address);
void address_set_port(union address *address, uint16_t port);
/* Both with the port.  An IPv4 address mapped into IPv6 is the same as the IPv4 address. */
bool address_same(const union address *a, const union address *b);
/* Of ADDRESS_TEXT_MAX octets; returns buffer. */
const char *address_text(const union address *address, bool with_port, char *buffer);

struct prefix {
	int family; /* AF_INET or AF_INET6; of a mapped address AF_INET */
	unsigned length;
	unsigned char octets[16];
};

/* "192.0.2.0/24", "2001:db8::/32", or an address alone.  Bits beyond the length must be zero. */
bool prefix_parse(const char *text, struct prefix *ret_prefix);
bool prefix_has(const struct prefix *prefix, const union address *address);
bool prefix_same(const struct prefix *a, const struct prefix *b);
const char *prefix_text(const struct prefix *prefix, char *buffer); /* ADDRESS_TEXT_MAX */

#endif
