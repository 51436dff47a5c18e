/* What the conversations of a port are run with. */
#include <errno.h>

#include "daemon/port_parts.h"

int port_method_new(struct port *port)
{
	const struct profile *profile = port->armed->profile;

	if (port->armed->ready && armed_method(port->armed, &port->method) < 0)
		return -ENOMEM;
	port->eap = (struct eap_peer_config){
		.identity = slice_str(port->armed->identity),
		.client_timeout = profile->client_timeout,
		.max_rounds = profile->max_rounds,
	};
	port->course = COURSE_NOTHING;
	return 0;
}

void port_method_free(struct port *port)
{
	enrolment_free(port->enrolment);
	port->enrolment = NULL;
	if (port->method.self)
		port->method.method->free(port->method.self);
	port->method = (struct eap_peer_offer){ 0 };
	port->course = COURSE_NOTHING;
}

/* An enrolment takes questions about every part of a certificate. */
#define ENROLMENT_ROUNDS 400

static void use_ordinary(struct port *port)
{
	port->eap.identity = slice_str(port->armed->identity);
	port->eap.max_rounds = port->armed->profile->max_rounds;
	port->eap.offers[0] = port->method;
	port->eap.offer_count = 1;
}

static void use_enrolment(struct port *port)
{
	unsigned rounds = port->armed->profile->max_rounds;

	port->eap.identity = slice_str(enrolment_identity(port->enrolment));
	port->eap.max_rounds = rounds > ENROLMENT_ROUNDS ? rounds : ENROLMENT_ROUNDS;
	port->eap.offers[0] = enrolment_offer(port->enrolment);
	port->eap.offer_count = 1;
}

/* Where there is no such tunnel the port stays open by its method, if that is another: the renewal
 * has failed then, and nothing else. */
static void keep_ordinary(struct port *port)
{
	const struct eap_type type = port->eap.offers[0].method->type;

	if (!port->method.self || eap_type_eq(port->method.method->type, type))
		return;
	port->eap.offers[port->eap.offer_count++] = port->method;
	port->eap.insists = true;
}

int port_method_choose(struct port *port, enum course course, struct diagnosis *why)
{
	const struct port_world *world = port->world;
	int r = 0;

	eap_peer_reconfigure(&port->peer);
	enrolment_free(port->enrolment);
	port->enrolment = NULL;
	port->eap.offer_count = 0;
	port->eap.insists = false;
	port->course = COURSE_NOTHING;
	if (course == COURSE_ORDINARY)
		use_ordinary(port);
	else
		r = world->enrol(world->context, port, course, &port->enrolment, why);
	if (r < 0)
		return r;
	if (port->enrolment)
		use_enrolment(port);
	if (course == COURSE_RENEW)
		keep_ordinary(port);
	port->course = course;
	return 0;
}

int port_method_succeed(struct port *port)
{
	struct armed *old = port->armed;
	int r;

	eap_peer_reconfigure(&port->peer);
	port_method_free(port);
	port->armed = TAKE(port->successor);
	r = port_method_new(port);
	port->pae.config = &port->armed->profile->pae;
	armed_free(old);
	return r;
}
