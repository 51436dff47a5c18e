#include "authd/dynauth.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/dynauth_parts.h"
#include "drivers/log.h"
#include "radius/duplicates.h"

#define PACKETS_AT_ONCE 64
#define KNOWN_MAX	1024
#define KNOWN_TIME	30000 /* msec; RFC 5176 leaves it to RFC 5080 */

struct listener {
	struct dynauth *dynauth;
	struct watch watch;
	int fd;
};

struct dynauth {
	struct loop *loop;
	struct config *config;
	struct session_keeper keeper;
	char *nas_identifier;
	struct radius_crypto *crypto;
	struct radius_duplicates *known;
	struct listener listener[INI_LIST_MAX];
	size_t count;
	struct dynauth_asks *asks;
	struct dynauth_counts counts;
};

/* ---- what is asked, in our own words ---- */

static bool read_mac(struct slice text, uint8_t mac[6])
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = tolower(text.p[i]);
		uint8_t value = (uint8_t)(isdigit(c) ? c - '0' : c - 'a' + 10);

		if (c == '-' || c == ':' || c == '.')
			continue;
		if (!isxdigit(c) || digits == 12)
			return false;
		mac[digits / 2] = (uint8_t)(digits % 2 ? mac[digits / 2] | value : value << 4);
		digits++;
	}
	return digits == 12;
}

struct criteria_room {
	char session_id[AAA_TEXT_MAX + 1], user_name[AAA_TEXT_MAX + 1], port[AAA_TEXT_MAX + 1];
};

/* False when it names a machine in a way that none of ours can have. */
static bool read_criteria(const struct radius_who *who, struct criteria_room *room,
			  struct session_criteria *ret)
{
	*ret = (struct session_criteria){
		.session_id = printable(who->session_id, room->session_id, sizeof room->session_id),
		.user_name = printable(who->user_name, room->user_name, sizeof room->user_name),
		.nas_port_id = printable(who->nas_port_id, room->port, sizeof room->port),
		.has_nas_port = who->has_nas_port,
		.nas_port = who->nas_port,
		.class = who->class_count > 0 ? who->classes[0] : (struct slice){ 0 },
	};
	if (who->calling_station.len == 0)
		return true;
	ret->has_mac = read_mac(who->calling_station, ret->mac);
	return ret->has_mac;
}

static bool is_our_address(const char *text)
{
	struct ifaddrs *all = NULL;
	union address wanted;
	bool found = false;

	if (!address_parse(text, &wanted) || getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		union address is = { 0 };

		if (!i->ifa_addr || i->ifa_addr->sa_family != wanted.sa.sa_family)
			continue;
		memcpy(&is, i->ifa_addr, address_size(&wanted));
		address_set_port(&is, 0);
		found = address_same(&is, &wanted);
	}
	freeifaddrs(all);
	return found;
}

/* RFC 5176, section 3: what says which NAS is meant has to fit. */
static bool is_for_us(const struct dynauth *d, const struct radius_who *who)
{
	return (who->nas_identifier.len == 0 ||
		slice_eq(who->nas_identifier, slice_str(d->nas_identifier))) &&
	       (!who->nas_address[0] || is_our_address(who->nas_address));
}

static enum radius_error_cause cause_of(int done)
{
	switch (done) {
	case 0:
		return RADIUS_CAUSE_NOT_FOUND;
	case -EOPNOTSUPP:
		return RADIUS_CAUSE_UNSUPPORTED_SERVICE;
	case -EINVAL:
		return RADIUS_CAUSE_INVALID_VALUE;
	case -EMLINK:
		return RADIUS_CAUSE_MULTIPLE_SESSIONS;
	case -EPERM:
		return RADIUS_CAUSE_PROHIBITED;
	default:
		return done > 0 ? RADIUS_CAUSE_NONE : RADIUS_CAUSE_RESOURCES;
	}
}

/* A session that may last no longer than now, and is then to be authenticated anew, is asked to do
 * that: what people mean who have no word for it. */
static bool means_reauthenticate(const struct radius_dynauth *r)
{
	return r->has_termination_action && r->reauthenticate && r->has_session_timeout &&
	       r->session_timeout <= 1;
}

static int change(struct dynauth *d, const struct radius_dynauth *r,
		  const struct session_criteria *which)
{
	const struct session_change what = {
		.has_session_timeout = r->has_session_timeout,
		.has_vlan = r->has_vlan,
		.has_interim = r->has_interim,
		.has_reauthenticate = r->has_termination_action,
		.session_timeout = r->session_timeout,
		.interim = r->interim,
		.vlan = r->vlan,
		.reauthenticate = r->reauthenticate,
	};

	d->counts.changes++;
	if (means_reauthenticate(r))
		return d->keeper.reauthenticate(d->keeper.self, which);
	return d->keeper.change(d->keeper.self, which, &what);
}

static enum radius_error_cause obey(struct dynauth *d, const struct radius_dynauth *r)
{
	struct criteria_room room;
	struct session_criteria which;

	if (r->refuse != RADIUS_CAUSE_NONE)
		return r->refuse;
	if (!is_for_us(d, &r->who))
		return RADIUS_CAUSE_NAS_MISMATCH;
	if (!read_criteria(&r->who, &room, &which))
		return RADIUS_CAUSE_NOT_FOUND;
	if (r->packet.code == RADIUS_COA_REQUEST)
		return cause_of(change(d, r, &which));
	d->counts.disconnects++;
	return cause_of(d->keeper.disconnect(d->keeper.self, &which));
}

/* ---- packets ---- */

static const struct server_config *sender(const struct config *config, const union address *from)
{
	const struct config_objects *servers = &config->objects[CONFIG_SERVERS];

	for (size_t i = 0; i < servers->count; i++) {
		const struct server_config *s = servers->item[i];
		union address address = s->addresses.address[0];

		address_set_port(&address, address_port(from));
		if (s->dynamic && address_same(&address, from))
			return s;
	}
	return NULL;
}

/* The same for the same source. */
static struct slice source_of(const union address *from, uint8_t room[RADIUS_SOURCE_MAX])
{
	struct wr w = wr_of(room, RADIUS_SOURCE_MAX);

	if (from->sa.sa_family == AF_INET6)
		wr_bytes(&w, slice_of(&from->in6.sin6_addr, sizeof from->in6.sin6_addr));
	else
		wr_bytes(&w, slice_of(&from->in.sin_addr, sizeof from->in.sin_addr));
	wr_u16(&w, address_port(from));
	return wr_done(&w);
}

static void log_request(const struct server_config *s, const struct radius_dynauth *r,
			enum radius_error_cause cause)
{
	char id[AAA_TEXT_MAX + 1], station[64], quoted[AAA_TEXT_MAX + 1];

	log_event(LOG_NOTICE, "dynauth",
		  "server=%s request=%s session=\"%s\" station=\"%s\" answer=%s", s->object.name,
		  radius_code_name(r->packet.code),
		  log_quoted(printable(r->who.session_id, id, sizeof id), quoted, sizeof quoted),
		  printable(r->who.calling_station, station, sizeof station),
		  cause == RADIUS_CAUSE_NONE ? "ack" : radius_error_cause_name(cause));
}

static void serve(struct dynauth *d, const struct listener *l, const struct server_config *s,
		  const union address *from, struct slice in)
{
	uint8_t room[RADIUS_PACKET_MAX], source[RADIUS_SOURCE_MAX];
	struct moment now = loop_now();
	struct radius_dynauth r;
	struct slice out = { 0 };
	radius_ticket ticket = 0;
	enum radius_error_cause cause;
	enum radius_fault fault =
		radius_dynauth_read(d->crypto, secret_slice(&s->secret), in, now.wall, false, &r);

	if (fault != RADIUS_FINE) {
		d->counts.discards++;
		log_event(LOG_WARNING, "dynauth.discard", "server=%s reason=\"%s\"", s->object.name,
			  radius_fault_sentence(fault));
		return;
	}
	switch (radius_duplicates_look(d->known, source_of(from, source), &r.packet, now.mono,
				       &ticket, &out)) {
	case RADIUS_BUSY:
		return;
	case RADIUS_ANSWERED:
		break;
	case RADIUS_NEW:
		cause = obey(d, &r);
		log_request(s, &r, cause);
		if (radius_dynauth_answer(d->crypto, secret_slice(&s->secret), &r, cause, room,
					  &out) != RADIUS_FINE)
			return;
		radius_duplicates_answer(d->known, ticket, out, now.mono);
		d->counts.acks += cause == RADIUS_CAUSE_NONE;
		d->counts.naks += cause != RADIUS_CAUSE_NONE;
		break;
	}
	/* What is lost on the way will be asked for again. */
	(void)sendto(l->fd, out.p, out.len, MSG_DONTWAIT, &from->sa, address_size(from));
}

static void on_readable(struct watch *watch, bool readable, bool writable)
{
	struct listener *l = list_item(watch, struct listener, watch);
	struct dynauth *d = l->dynauth;
	uint8_t packet[RADIUS_PACKET_MAX];

	(void)readable;
	(void)writable;
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		union address from = { 0 };
		socklen_t size = sizeof from;
		ssize_t got = recvfrom(l->fd, packet, sizeof packet, 0, &from.sa, &size);
		const struct server_config *s;

		if (got < 0)
			return;
		s = sender(d->config, &from);
		if (s)
			serve(d, l, s, &from, slice_of(packet, (size_t)got));
		else
			d->counts.strangers++;
	}
}

/* ---- its life ---- */

static int open_listener(struct dynauth *d, const union address *address, struct diagnosis *why)
{
	struct listener *l = &d->listener[d->count];
	union address at = *address;
	char text[ADDRESS_TEXT_MAX];
	const int on = 1;
	int error = 0;

	if (address_port(&at) == 0)
		address_set_port(&at, DYNAUTH_PORT);
	l->dynauth = d;
	l->watch.ready = on_readable;
	l->fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	d->count++;
	if ((at.sa.sa_family == AF_INET6 &&
	     setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(l->fd, &at.sa, address_size(&at)) < 0)
		error = -errno;
	if (error == 0)
		error = watch_set(d->loop, &l->watch, l->fd, true, false);
	if (error)
		diagnosis_say(why, DIAG_CONFIG, "cannot listen on %s: %s",
			      address_text(&at, true, text), strerror(-error));
	return error;
}

static int open_parts(struct dynauth *d)
{
	uint64_t seed;

	if (!d->nas_identifier || RAND_bytes((unsigned char *)&seed, sizeof seed) != 1 ||
	    radius_crypto_new(&d->crypto) != OK ||
	    radius_duplicates_new(KNOWN_MAX, KNOWN_TIME, seed, &d->known) != OK)
		return -ENOMEM;
	return dynauth_asks_new(d->loop, d->crypto, &d->asks);
}

int dynauth_new(struct loop *loop, struct config *config, const struct dynauth_settings *settings,
		const struct session_keeper *keeper, struct dynauth **ret_dynauth,
		struct diagnosis *why)
{
	struct dynauth *d = calloc(1, sizeof *d);
	int error;

	diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->config = config_ref(config);
	d->nas_identifier = strdup(settings->nas_identifier);
	error = open_parts(d);
	if (keeper)
		d->keeper = *keeper;
	for (size_t i = 0; keeper && settings->listen && i < settings->listen->count; i++)
		error = error ? error : open_listener(d, &settings->listen->address[i], why);
	if (error) {
		dynauth_free(d);
		return error;
	}
	diagnosis_set(why, DIAG_NONE);
	*ret_dynauth = d;
	return 0;
}

void dynauth_free(struct dynauth *dynauth)
{
	if (!dynauth)
		return;
	for (size_t i = 0; i < dynauth->count; i++) {
		watch_clear(&dynauth->listener[i].watch);
		close(dynauth->listener[i].fd);
	}
	dynauth_asks_free(dynauth->asks);
	radius_duplicates_free(dynauth->known);
	radius_crypto_free(dynauth->crypto);
	config_free(dynauth->config);
	free(dynauth->nas_identifier);
	free(dynauth);
}

void dynauth_configure(struct dynauth *dynauth, struct config *config)
{
	config_free(dynauth->config);
	dynauth->config = config_ref(config);
}

void dynauth_count(const struct dynauth *dynauth, struct dynauth_counts *ret_counts)
{
	*ret_counts = dynauth->counts;
}

int dynauth_send(struct dynauth *dynauth, const struct dynauth_ask *ask)
{
	return dynauth_asks_send(dynauth->asks, ask);
}
