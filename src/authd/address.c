#include "authd/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *ret_port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 5 || text[digits] || port == 0 || port > 65535)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* Cuts "[host]:port" or "host:port" apart; false if it cannot be either. */
static bool split(const char *text, char host[INET6_ADDRSTRLEN], uint16_t *ret_port)
{
	const char *end = text + strlen(text), *colon = strchr(text, ':');
	const char *begin = text;

	*ret_port = 0;
	if (text[0] == '[') {
		begin = text + 1;
		end = strchr(text, ']');
		if (!end || (end[1] && (end[1] != ':' || !parse_port(end + 2, ret_port))))
			return false;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		if (!parse_port(colon + 1, ret_port))
			return false;
	}
	if ((size_t)(end - begin) >= INET6_ADDRSTRLEN)
		return false;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	return text[0] != '[' || strchr(host, ':');
}

bool address_parse(const char *text, union address *ret_address)
{
	char host[INET6_ADDRSTRLEN];
	union address a;
	uint16_t port;

	memset(&a, 0, sizeof a);
	if (!split(text, host, &port))
		return false;
	if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1)
		a.sa.sa_family = AF_INET6;
	else
		return false;
	address_set_port(&a, port);
	*ret_address = a;
	return true;
}

socklen_t address_size(const union address *address)
{
	return address->sa.sa_family == AF_INET6 ? sizeof address->in6 : sizeof address->in;
}

uint16_t address_port(const union address *address)
{
	return ntohs(address->sa.sa_family == AF_INET6 ? address->in6.sin6_port
						       : address->in.sin_port);
}

void address_set_port(union address *address, uint16_t port)
{
	if (address->sa.sa_family == AF_INET6)
		address->in6.sin6_port = htons(port);
	else
		address->in.sin_port = htons(port);
}

/* The octets that count: four for IPv4, also when mapped, else sixteen. */
static size_t octets_of(const union address *address, unsigned char octets[16])
{
	const struct in6_addr *in6 = &address->in6.sin6_addr;

	if (address->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(in6)) {
		memcpy(octets, in6, 16);
		return 16;
	}
	if (address->sa.sa_family == AF_INET6)
		memcpy(octets, in6->s6_addr + 12, 4);
	else
		memcpy(octets, &address->in.sin_addr, 4);
	return 4;
}

bool address_same(const union address *a, const union address *b)
{
	unsigned char x[16], y[16];
	size_t m = octets_of(a, x), n = octets_of(b, y);

	return m == n && memcmp(x, y, m) == 0 && address_port(a) == address_port(b);
}

const char *address_text(const union address *address, bool with_port, char *buffer)
{
	unsigned char octets[16];
	char host[INET6_ADDRSTRLEN] = "?";
	int family = octets_of(address, octets) == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, octets, host, sizeof host);
	if (!with_port)
		snprintf(buffer, ADDRESS_TEXT_MAX, "%s", host);
	else
		snprintf(buffer, ADDRESS_TEXT_MAX, family == AF_INET ? "%s:%u" : "[%s]:%u", host,
			 address_port(address));
	return buffer;
}

/* ---- prefixes ---- */

/* The first `length` bits of both are equal. */
static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned length)
{
	unsigned whole = length / 8, rest = length % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool nothing_beyond(const struct prefix *p, unsigned bits)
{
	for (unsigned i = p->length; i < bits; i++) {
		if (p->octets[i / 8] & (0x80 >> (i % 8)))
			return false;
	}
	return true;
}

bool prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p = { 0 };
	union address a;
	uint16_t length = 0;

	if (len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!address_parse(host, &a) || address_port(&a) != 0 || host[0] == '[')
		return false;

	unsigned bits = (unsigned)octets_of(&a, p.octets) * 8;

	if (slash && strcmp(slash, "/0") != 0 && !parse_port(slash + 1, &length))
		return false;
	p.family = bits == 32 ? AF_INET : AF_INET6;
	p.length = slash ? length : bits;
	if (p.length > bits || !nothing_beyond(&p, bits))
		return false;
	*ret_prefix = p;
	return true;
}

bool prefix_has(const struct prefix *prefix, const union address *address)
{
	unsigned char octets[16];
	int family = octets_of(address, octets) == 4 ? AF_INET : AF_INET6;

	return family == prefix->family && bits_equal(prefix->octets, octets, prefix->length);
}

bool prefix_same(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->length == b->length &&
	       memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

const char *prefix_text(const struct prefix *prefix, char *buffer)
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family, prefix->octets, host, sizeof host);
	snprintf(buffer, ADDRESS_TEXT_MAX, "%s/%u", host, prefix->length);
	return buffer;
}
