/* What the control socket and the health answer are told, and what can be asked of us: view.h. */
#include <errno.h>
#include <string.h>

#include "authd/arm.h"
#include "authd/authd.h"
#include "authd/view.h"
#include "drivers/log.h"

/* ---- lists ---- */

/* Keys without a value are left out. */
static void put_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_string(text));
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void put_some(json_t *object, const char *key, uint64_t number)
{
	if (number)
		put_number(object, key, number);
}

static json_t *session_json(const struct session *s)
{
	json_t *o = json_object();

	put_text(o, "session", s->id);
	put_text(o, "identity", s->where.identity);
	put_text(o, "machine", s->machine);
	put_text(o, "station", s->where.calling_station);
	put_text(o, "client", s->where.client);
	put_text(o, "nas",
		 *s->where.nas_identifier ? s->where.nas_identifier : s->where.nas_address);
	put_text(o, "port", s->where.nas_port_id);
	put_text(o, "state", "authorised");
	put_text(o, "method", s->method);
	put_text(o, "tls", s->tls);
	put_text(o, "rule", s->rule);
	put_some(o, "vlan", s->vlan);
	put_number(o, "started", (uint64_t)s->started);
	put_some(o, "timeout", s->timeout);
	if (s->accounted) {
		put_number(o, "octets_in", s->octets_in);
		put_number(o, "octets_out", s->octets_out);
	}
	return o;
}

static json_t *view_sessions(void *self)
{
	struct authd *a = self;
	json_t *all = json_array();

	sessions_look(&a->sessions, loop_now().wall);
	list_each (node, &a->sessions.order)
		json_array_append_new(all, session_json(list_item(node, struct session, order)));
	if (a->guard) {
		json_t *ports = ports_view_sessions(guard_ports(a->guard));

		json_array_extend(all, ports);
		json_decref(ports);
	}
	return all;
}

static json_t *view_ports(void *self)
{
	struct authd *a = self;

	return a->guard ? ports_view(guard_ports(a->guard)) : json_array();
}

static uint64_t malformed(const struct client_count *c)
{
	uint64_t sum = 0;

	for (int f = RADIUS_TRUNCATED; f <= RADIUS_WRONG_CODE; f++)
		sum += c->fault[f];
	return sum + c->fault[RADIUS_BAD_EAP];
}

static void put_counts(json_t *o, const struct client_count *c)
{
	put_number(o, "requests", c->requests);
	put_number(o, "accepts", c->accepts);
	put_number(o, "rejects", c->rejects);
	put_number(o, "challenges", c->challenges);
	put_number(o, "duplicates", c->end[PACKET_REPEATED] + c->end[PACKET_DUPLICATE]);
	put_number(o, "malformed", malformed(c));
	put_number(o, "bad_authenticators",
		   c->fault[RADIUS_UNSIGNED] + c->fault[RADIUS_FORGED] +
			   c->fault[RADIUS_BAD_AUTHENTICATOR]);
	put_number(o, "dropped", c->end[PACKET_SHED] + c->end[PACKET_IGNORED]);
	put_number(o, "last_seen", (uint64_t)c->last_seen);
}

static void put_refused(json_t *o, const struct client_count *c)
{
	char cause[512];
	json_t *refused;

	if (c->refused_at == 0)
		return;
	refused = json_object();
	put_number(refused, "time", (uint64_t)c->refused_at);
	put_text(refused, "identity", c->refused_identity);
	put_text(refused, "station", c->refused_station);
	if (c->refused.id != DIAG_NONE) {
		put_text(refused, "diagnosis", diagnosis_text(c->refused.id)->name);
		put_text(refused, "cause", diagnosis_sentence(&c->refused, cause, sizeof cause));
	}
	json_object_set_new(o, "refused", refused);
}

static json_t *client_json(const struct client_config *client, const struct client_count *count)
{
	static const struct client_count none;
	json_t *o = json_object();
	char text[INI_LIST_MAX * ADDRESS_TEXT_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < client->prefix_count; i++) {
		char prefix[ADDRESS_TEXT_MAX];

		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "",
					 prefix_text(&client->prefix[i], prefix));
	}
	put_text(o, "name", client->object.name);
	put_text(o, "prefix", text);
	put_text(o, "transport", count && count->radsec ? "tls" : "udp");
	put_counts(o, count ? count : &none);
	put_refused(o, count ? count : &none);
	return o;
}

static json_t *view_clients(void *self)
{
	struct authd *a = self;
	const struct config_objects *clients = &a->config->objects[CONFIG_CLIENTS];
	json_t *all = json_array();

	for (size_t i = 0; i < clients->count; i++) {
		const struct client_config *c = clients->item[i];

		json_array_append_new(
			all, client_json(c, client_counts_find(&a->clients, c->object.name)));
	}
	return all;
}

static json_t *view_workers(void *self)
{
	struct authd *a = self;
	json_t *all = json_array();

	for (unsigned i = 0; i < pool_workers(a->pool); i++) {
		struct pool_counts c;
		json_t *o = json_object();

		pool_count_worker(a->pool, i, &c);
		put_number(o, "number", i);
		put_number(o, "conversations", c.conversations);
		put_number(o, "accepts", c.accepted);
		put_number(o, "rejects", c.rejected);
		put_number(o, "challenges", c.challenges);
		put_number(o, "shed", c.shed + c.evicted);
		put_number(o, "queue", c.waiting);
		json_array_append_new(all, o);
	}
	return all;
}

/* ---- how it is ---- */

static void registry_health(const struct authd *a, struct health *health)
{
	struct recorder_counts c;
	const char *detail;

	if (!a->recorder)
		return;
	recorder_counts(a->recorder, &c);
	detail = diagnosis_evidence(&c.why, "detail");
	if (!c.connected)
		health_add(health, "database: %s", detail ? detail : "it is not connected");
}

static void certificate_health(const struct authd *a, struct health *health)
{
	if (a->certificate.not_after > 0 && a->certificate.not_after < loop_now().wall)
		health_add(health, "credential: our certificate has expired");
}

static void staple_health(const struct authd *a, struct health *health)
{
	const struct diagnosis *why = a->staple ? staple_diagnosis(a->staple) : NULL;
	char cause[160];

	if (why && why->id != DIAG_NONE)
		health_add(health, "stapling: %s", diagnosis_sentence(why, cause, sizeof cause));
}

static void view_health(void *self, struct health *health)
{
	registry_health(self, health);
	certificate_health(self, health);
	staple_health(self, health);
	if (((const struct authd *)self)->guard)
		ports_health(guard_ports(((struct authd *)self)->guard), health);
}

static json_t *registry_json(const struct authd *a)
{
	struct recorder_counts c;

	if (!a->recorder)
		return json_pack("{s:s}", "kind", "off");
	recorder_counts(a->recorder, &c);
	return json_pack("{s:s, s:b, s:I, s:I}", "kind",
			 a->config->settings.database[0] == '/' ? "sqlite" : "postgresql",
			 "connected", c.connected, "waiting", (json_int_t)c.waiting, "dropped",
			 (json_int_t)c.dropped);
}

static json_t *view_status(void *self)
{
	struct authd *a = self;
	struct health health = { .count = 0 };
	json_t *o = json_object(), *problems = json_array(), *credentials = json_array();
	struct ports_counts guarded = { 0 };
	struct pool_counts pool;

	pool_count(a->pool, &pool);
	view_health(a, &health);
	if (a->guard)
		ports_count(guard_ports(a->guard), &guarded);
	for (size_t i = 0; i < health.count; i++)
		json_array_append_new(problems, json_string(health.reason[i]));
	if (a->certificate.not_after > 0)
		json_array_append_new(credentials,
				      json_pack("{s:s, s:s, s:I}", "name",
						a->config->settings.credential, "subject",
						a->certificate.subject, "expires",
						(json_int_t)a->certificate.not_after));
	lists_status(a->lists, credentials);
	put_text(o, "version", PACKAGE_VERSION);
	put_number(o, "started", (uint64_t)a->started);
	put_text(o, "config", a->config->path);
	put_number(o, "sessions", a->sessions.count + guarded.authorised);
	put_number(o, "conversations", pool.conversations);
	put_number(o, "workers", pool_workers(a->pool));
	json_object_set_new(o, "credentials", credentials);
	json_object_set_new(o, "registry", registry_json(a));
	json_object_set_new(o, "problems", problems);
	return o;
}

/* ---- what can be done ---- */

static int view_reload(void *self, struct diagnosis *why)
{
	return authd_reload(self, why);
}

static int view_token_pin(void *self, uint8_t pin[TOKEN_PIN_SIZE], struct diagnosis *why)
{
	struct authd *a = self;

	return arming_pin(a->config, pin, why);
}

static void view_wished(void *self, struct wished *wished)
{
	struct authd *a = self;

	wishes_put(a->wishes, wished);
}

static int view_revoke_elsewhere(void *self, struct enrolment_revocation *revocation)
{
	struct authd *a = self;

	return enrolment_revoke(a->enrolment, revocation);
}

static json_t *view_servers(void *self)
{
	struct authd *a = self;

	return a->passthrough ? passthrough_view(a->passthrough) : json_array();
}

void authd_view_of(struct authd *authd, struct authd_view *ret_view)
{
	*ret_view = (struct authd_view){
		.self = authd,
		.status = view_status,
		.sessions = view_sessions,
		.clients = view_clients,
		.servers = view_servers,
		.ports = view_ports,
		.workers = view_workers,
		.counters = authd_counters,
		.disconnect = authd_disconnect,
		.disconnect_account = authd_disconnect_account,
		.reauth = authd_reauth,
		.token_pin = view_token_pin,
		.revoke_elsewhere = view_revoke_elsewhere,
		.put_out = put_out,
		.wished = view_wished,
		.reload = view_reload,
		.metrics = authd_metrics,
		.health = view_health,
	};
}
