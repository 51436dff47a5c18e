#include "authd/passthrough.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/passthrough_parts.h"
#include "base/list.h"
#include "drivers/log.h"
#include "eap/packet.h"

#define BUCKETS 1024

/* Where conversations go: the servers of one configuration.  An old one stays until its last
 * conversation has ended. */
struct route {
	struct list node;
	struct passthrough *passthrough;
	struct upstream *upstream;
	size_t conversations;
};

struct conversation {
	struct list node; /* of its bucket */
	struct route *route;
	struct aaa_asker *asker;
	uint64_t number;
	struct aaa_where where;
	uint8_t eap_id; /* of the last Response */
	bool waiting;	/* for an answer */
	size_t server;	/* that gave the State; RADIUS_ANY_SERVER */
	struct bytes state;
};

struct passthrough {
	struct aaa_server server; /* first: what askers have is this */
	struct loop *loop;
	char *nas_identifier;
	struct list routes; /* the newest first */
	struct list buckets[BUCKETS];
	struct timer sweep;
	struct records *records;
	uint64_t conversations, shed;
};

/* ---- conversations ---- */

static struct list *bucket_of(struct passthrough *p, const struct aaa_asker *asker, uint64_t number)
{
	uint64_t mixed = (number ^ (uint64_t)(uintptr_t)asker >> 4) * 0x9e3779b97f4a7c15U;

	return &p->buckets[mixed >> 32 & (BUCKETS - 1)];
}

static struct conversation *find(struct passthrough *p, const struct aaa_asker *asker,
				 uint64_t number)
{
	list_each (node, bucket_of(p, asker, number)) {
		struct conversation *c = list_item(node, struct conversation, node);

		if (c->asker == asker && c->number == number)
			return c;
	}
	return NULL;
}

static struct conversation *begin(struct passthrough *p, const struct aaa_request *request)
{
	struct route *route = list_item(p->routes.next, struct route, node);
	struct conversation *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->route = route;
	c->asker = request->asker;
	c->number = request->number;
	c->where = request->where;
	c->server = RADIUS_ANY_SERVER;
	list_append(bucket_of(p, request->asker, request->number), &c->node);
	route->conversations++;
	p->conversations++;
	return c;
}

static void end(struct conversation *c)
{
	struct route *route = c->route;
	struct passthrough *p = route->passthrough;

	if (c->waiting)
		upstream_forget(route->upstream, (uintptr_t)c);
	list_remove(&c->node);
	p->conversations--;
	/* An old route goes later: this may be in the middle of one of its calls. */
	if (--route->conversations == 0 && p->routes.next != &route->node)
		(void)timer_set(p->loop, &p->sweep, loop_now().mono);
	bytes_done(&c->state);
	free(c);
}

/* ---- asking ---- */

static struct slice text(const char *of)
{
	return slice_str(of);
}

void passthrough_who(const struct aaa_where *where, struct radius_who *ret_who)
{
	*ret_who = (struct radius_who){
		.user_name = text(where->identity),
		.calling_station = text(where->calling_station),
		.called_station = text(where->called_station),
		.nas_identifier = text(where->nas_identifier),
		.nas_port_id = text(where->nas_port_id),
		.session_id = text(where->session_id),
		.nas_port = where->nas_port,
		.has_nas_port = where->nas_port != 0,
		.nas_port_type = where->nas_port_type,
		.service_type = RADIUS_SERVICE_FRAMED,
		.framed_mtu = where->framed_mtu,
	};
	snprintf(ret_who->nas_address, sizeof ret_who->nas_address, "%s", where->nas_address);
}

static int pass_on(struct conversation *c, struct slice eap)
{
	struct radius_ask ask = {
		.number = (uintptr_t)c,
		.server = c->server,
		.state = bytes_slice(&c->state),
		.eap = eap,
	};
	int error;

	passthrough_who(&c->where, &ask.who);
	if (c->waiting)
		upstream_forget(c->route->upstream, (uintptr_t)c);
	c->eap_id = eap.len >= 4 ? eap.p[1] : 0;
	error = upstream_ask(c->route->upstream, &ask);
	c->waiting = error == 0;
	return error;
}

static int take(struct passthrough *p, const struct aaa_request *request)
{
	struct conversation *c = find(p, request->asker, request->number);
	int error;

	if (request->last) {
		if (c)
			end(c);
		return 0;
	}
	if (!c && p->conversations >= PASSTHROUGH_CONVERSATIONS_MAX) {
		p->shed++;
		return -EAGAIN;
	}
	if (!c)
		c = begin(p, request);
	if (!c)
		return -ENOMEM;
	error = pass_on(c, bytes_slice(&request->eap));
	if (error == -EAGAIN)
		p->shed++;
	if (error)
		end(c);
	return error;
}

static int on_ask(struct aaa_server *server, struct aaa_request *taken)
{
	int error = take(list_item(server, struct passthrough, server), taken);

	aaa_request_done(taken);
	return error;
}

/* ---- what is answered ---- */

static const char *server_name(const struct conversation *c, size_t server)
{
	return server < upstream_servers(c->route->upstream)
		       ? upstream_config(c->route->upstream, server)->object.name
		       : "none";
}

/* A server that refuses without an EAP packet, or lets in without one (RFC 3579, section 2.6.3,
 * asks it not to): the machine is told all the same. */
static int take_eap(const struct conversation *c, const struct radius_answer *from,
		    enum eap_code code, struct bytes *ret_eap)
{
	uint8_t room[4];
	struct wr w = wr_of(room, sizeof room);
	struct slice eap = from->eap;

	if (eap.len == 0 && from->outcome != RADIUS_CHALLENGED) {
		eap_packet_build_result(&w, code, c->eap_id);
		eap = wr_done(&w);
	}
	return bytes_set(ret_eap, eap) == OK ? 0 : -ENOMEM;
}

static int take_grant(const struct radius_answer *from, struct aaa_answer *to)
{
	struct aaa_grant *grant = &to->grant;

	grant->vlan = from->vlan;
	grant->session_timeout = from->session_timeout;
	grant->reauthenticate = from->reauthenticate;
	grant->interim = from->interim;
	(void)printable(from->user_name, grant->user_name, sizeof grant->user_name);
	for (size_t i = 0; i < from->class_count && i < AAA_CLASS_MAX; i++)
		if (bytes_set(&grant->class[i], from -> classes[i]) != OK)
			return -ENOMEM;
	if (bytes_set(&to->keys.session_id, from->eap_session_id) != OK ||
	    (from->has_msk &&
	     secret_set(&to->keys.msk, slice_of(from->msk, sizeof from->msk)) != OK))
		return -ENOMEM;
	return 0;
}

static void refuse(const struct conversation *c, const struct radius_answer *from,
		   struct diagnosis *why)
{
	char message[DIAGNOSIS_VALUE_MAX];
	const char *name = server_name(c, from->server);

	if (from->fault != RADIUS_FINE) {
		diagnosis_set(why, radius_fault_diagnosis(from->fault));
		diagnosis_add(why, "from", "%s", name);
		diagnosis_add(why, "what", "RADIUS: %s", radius_fault_sentence(from->fault));
		diagnosis_add(why, "detail", "%s", radius_fault_sentence(from->fault));
	} else if (from->outcome == RADIUS_TIMED_OUT) {
		diagnosis_set(why, DIAG_RADIUS_SILENT);
	} else {
		diagnosis_set(why, DIAG_AAA_REFUSED);
	}
	diagnosis_add(why, "server", "%s", name);
	diagnosis_add(why, "identity", "%s", c->where.identity);
	if (from->message.len > 0)
		diagnosis_add(why, "message", "%s",
			      printable(from->message, message, sizeof message));
}

static int translate(struct conversation *c, const struct radius_answer *from,
		     struct aaa_answer *to)
{
	switch (from->outcome) {
	case RADIUS_CHALLENGED:
		to->verdict = AAA_CHALLENGE;
		to->method_timeout = (msec)from->session_timeout * 1000;
		c->server = from->server;
		if (bytes_set(&c->state, from->state) != OK)
			return -ENOMEM;
		return take_eap(c, from, EAP_FAILURE, &to->eap);
	case RADIUS_ACCEPTED:
		to->verdict = AAA_ACCEPT;
		if (take_eap(c, from, EAP_SUCCESS, &to->eap) < 0)
			return -ENOMEM;
		return take_grant(from, to);
	case RADIUS_REJECTED:
		to->verdict = AAA_REJECT;
		refuse(c, from, &to->why);
		return take_eap(c, from, EAP_FAILURE, &to->eap);
	case RADIUS_TIMED_OUT:
	case RADIUS_ACCOUNTED:
		break;
	}
	to->verdict = AAA_TIMEOUT;
	refuse(c, from, &to->why);
	return 0;
}

static void on_answered(void *context, const struct radius_answer *from)
{
	struct conversation *c = (struct conversation *)(uintptr_t)from->number;
	struct aaa_answer answer = { .asker = c->asker, .number = c->number };

	(void)context;
	c->waiting = false;
	if (from->odd_vlan)
		log_event(
			LOG_WARNING, "radius.vlan-odd",
			"server=%s effect=\"its tunnel attributes name no VLAN, and none is set\"",
			server_name(c, from->server));
	if (translate(c, from, &answer) < 0) {
		struct aaa_asker *asker = answer.asker;

		aaa_answer_done(&answer);
		answer = (struct aaa_answer){ .asker = asker, .number = c->number };
		answer.verdict = AAA_TIMEOUT;
		diagnosis_say(&answer.why, DIAG_INTERNAL, "there is no memory left");
	}
	if (answer.verdict != AAA_CHALLENGE)
		end(c);
	answer.asker->answered(answer.asker, &answer);
	aaa_answer_done(&answer);
}

/* ---- its life ---- */

static void route_free(struct route *route)
{
	list_remove(&route->node);
	upstream_free(route->upstream);
	free(route);
}

static void on_sweep(struct timer *timer)
{
	struct passthrough *p = list_item(timer, struct passthrough, sweep);

	list_each (node, &p->routes) {
		struct route *route = list_item(node, struct route, node);

		if (route->conversations == 0 && p->routes.next != node)
			route_free(route);
	}
}

/* In front of the others. */
static void prepend(struct list *head, struct list *node)
{
	list_append(head->next, node);
}

int passthrough_configure(struct passthrough *passthrough, struct config *config,
			  struct diagnosis *why)
{
	struct passthrough *p = passthrough;
	const struct upstream_events events = { on_answered, p };
	const struct upstream_events taken = records_events(p->records);
	struct route *route = calloc(1, sizeof *route);
	struct upstream *accounting = NULL;
	int error = -ENOMEM;

	if (!route) {
		diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
		return -ENOMEM;
	}
	list_init(&route->node);
	route->passthrough = p;
	error = upstream_new(p->loop, config, false, p->nas_identifier, &events, &route->upstream,
			     why);
	if (error == 0)
		error = upstream_new(p->loop, config, true, p->nas_identifier, &taken, &accounting,
				     why);
	if (error < 0 && (error != -ENOENT || !route->upstream)) {
		route_free(route);
		return error;
	}
	diagnosis_set(why, DIAG_NONE);
	prepend(&p->routes, &route->node);
	records_use(p->records, accounting);
	(void)timer_set(p->loop, &p->sweep, loop_now().mono);
	return 0;
}

int passthrough_new(struct loop *loop, struct config *config, const char *nas_identifier,
		    struct passthrough **ret_passthrough, struct diagnosis *why)
{
	struct passthrough *p = calloc(1, sizeof *p);
	int error = -ENOMEM;

	diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
	if (!p)
		return -ENOMEM;
	p->server.ask = on_ask;
	p->loop = loop;
	p->sweep.expired = on_sweep;
	list_init(&p->routes);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&p->buckets[i]);
	p->nas_identifier = strdup(nas_identifier);
	if (p->nas_identifier && records_new(loop, &p->records) == 0)
		error = passthrough_configure(p, config, why);
	if (error) {
		passthrough_free(p);
		return error;
	}
	*ret_passthrough = p;
	return 0;
}

void passthrough_free(struct passthrough *passthrough)
{
	if (!passthrough)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		list_each (node, &passthrough->buckets[i]) {
			end(list_item(node, struct conversation, node));
		}
	}
	list_each (node, &passthrough->routes) {
		route_free(list_item(node, struct route, node));
	}
	timer_clear(&passthrough->sweep);
	records_free(passthrough->records);
	free(passthrough->nas_identifier);
	free(passthrough);
}

struct aaa_server *passthrough_server(struct passthrough *passthrough)
{
	return &passthrough->server;
}

struct accountant *passthrough_accountant(struct passthrough *passthrough)
{
	return records_accountant(passthrough->records);
}

void passthrough_count(const struct passthrough *passthrough, struct passthrough_counts *ret)
{
	*ret = (struct passthrough_counts){
		.conversations = passthrough->conversations,
		.shed = passthrough->shed,
	};
	records_count(passthrough->records, &ret->records, &ret->records_lost);
}

const struct upstream *passthrough_upstream(const struct passthrough *passthrough, bool accounting)
{
	return accounting ? records_upstream(passthrough->records)
			  : list_item(passthrough->routes.next, struct route, node)->upstream;
}
