/* What the control socket, the metrics and the health answer are told: view.h. */
#include <errno.h>
#include <string.h>

#include "authd/arm.h"
#include "authd/authd.h"
#include "authd/metrics.h"
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

/* ---- counters ---- */

/* All that is one number, for the control socket and for Prometheus. */
struct number {
	const char *name, *type, *help;
	uint64_t value;
};

#define NUMBERS 64

static size_t numbers_of(struct authd *a, struct number numbers[NUMBERS])
{
	const struct ocsp_counters *ocsp = ocsp_counters(a->ocsp);
	struct radius_server_counts radius;
	struct ports_counts ports = { 0 };
	struct recorder_counts recorder = { 0 };
	struct enrolment_counts enrolment;
	struct pool_counts pool;
	size_t n = 0;

	pool_count(a->pool, &pool);
	if (a->recorder)
		recorder_counts(a->recorder, &recorder);
	enrolment_count(a->enrolment, &enrolment);
	radius_server_count(a->radius, &radius);
	if (a->guard)
		ports_count(guard_ports(a->guard), &ports);

	/* clang-format off */
	const struct number all[] = {
		{ "conversations", "gauge", "EAP conversations that go on.", pool.conversations },
		{ "conversations_half_open", "gauge", "Those that have not got beyond their first request.", pool.half_open },
		{ "conversation_octets", "gauge", "Memory that conversations hold, without that of OpenSSL.", pool.memory },
		{ "waiting", "gauge", "Messages that wait for a worker.", pool.waiting },
		{ "sessions", "gauge", "Sessions at RADIUS clients.", a->sessions.count },
		{ "ports", "gauge", "Ports that are to be guarded.", ports.ports },
		{ "ports_not_guarded", "gauge", "Those that are not, and were set down.", ports.not_guarded },
		{ "port_sessions", "gauge", "Machines behind them.", ports.sessions },
		{ "port_sessions_authorised", "gauge", "Those that are let in.", ports.authorised },
		{ "port_frames_total", "counter", "EAPOL frames received at ports.", ports.frames_rx },
		{ "port_malformed_total", "counter", "Those that could not be read.", ports.malformed_rx },
		{ "port_frames_shed_total", "counter", "Frames that were dropped because there were too many.", ports.shed_frames },
		{ "port_starts_shed_total", "counter", "Beginnings that were dropped for the same reason.", ports.shed_starts },
		{ "port_machines_shed_total", "counter", "Machines for which a port had no room.", ports.shed_machines },
		{ "port_strangers_total", "counter", "Frames of machines that were not their port's.", ports.strangers },
		{ "port_accepts_total", "counter", "Machines that were let in at a port, or again.", ports.accepts },
		{ "port_rejects_total", "counter", "Machines that were refused at a port.", ports.refusals },
		{ "port_timeouts_total", "counter", "Machines or servers that fell silent at a port.", ports.timeouts },
		{ "conversations_begun_total", "counter", "Conversations that were begun.", pool.begun },
		{ "accepts_total", "counter", "Machines that were let in.", pool.accepted },
		{ "rejects_total", "counter", "Machines that were not.", pool.rejected },
		{ "challenges_total", "counter", "EAP Requests sent.", pool.challenges },
		{ "handshakes_full_total", "counter", "Machines let in after a full handshake.", pool.full },
		{ "handshakes_resumed_total", "counter", "Machines let in after a resumed one.", pool.resumed },
		{ "conversations_abandoned_total", "counter", "Conversations that were not gone on with.", pool.abandoned },
		{ "conversations_evicted_total", "counter", "Conversations that made room for others.", pool.evicted },
		{ "shed_total", "counter", "Beginnings that were not answered because there were too many.", pool.shed },
		{ "radius_packets_total", "counter", "RADIUS packets received over UDP.", radius.received },
		{ "radius_strangers_total", "counter", "RADIUS packets of addresses that are no client's.", radius.strangers },
		{ "radius_replies_lost_total", "counter", "RADIUS answers that could not be sent.", radius.lost },
		{ "registry_connected", "gauge", "Whether the database answers.", recorder.connected },
		{ "registry_waiting", "gauge", "Records that wait for the database.", recorder.waiting },
		{ "registry_written_total", "counter", "Records that were written.", recorder.written },
		{ "registry_dropped_total", "counter", "Records lost because too many waited.", recorder.dropped },
		{ "registry_refused_total", "counter", "Records that the database would not take.", recorder.refused },
		{ "registry_commits_total", "counter", "Transactions.", recorder.commits },
		{ "enrolments_issued_total", "counter", "Certificates that machines were given.", enrolment.issued },
		{ "enrolments_again_total", "counter", "Those of them that had been issued, and not arrived, before.", enrolment.again },
		{ "enrolments_kept_total", "counter", "Passwords and keys that machines were given.", enrolment.kept },
		{ "enrolments_confirmed_total", "counter", "Credentials that machines have proved to hold.", enrolment.confirmed },
		{ "enrolments_revoked_total", "counter", "Credentials that machines have given up.", enrolment.revoked },
		{ "enrolments_refused_total", "counter", "Questions of enrolments that were answered with no.", enrolment.refused },
		{ "enrolments_unreachable_total", "counter", "Those for want of an answer of the registry.", enrolment.unreachable },
		{ "account_guesses_refused_total", "counter", "Passwords that were not looked at after too many tries.", account_desk_refused(a->account_desk) },
		{ "ocsp_asked_total", "counter", "Questions to OCSP responders.", ocsp->asked },
		{ "ocsp_unavailable_total", "counter", "Those without an answer of worth.", ocsp->unavailable },
	};
	/* clang-format on */

	_Static_assert(sizeof all / sizeof all[0] <= NUMBERS, "there is room for all");
	for (; n < sizeof all / sizeof all[0]; n++)
		numbers[n] = all[n];
	return n;
}

static json_t *view_counters(void *self)
{
	struct number numbers[NUMBERS];
	size_t n = numbers_of(self, numbers);
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		put_number(o, numbers[i].name, numbers[i].value);
	return o;
}

static void client_metrics(struct authd *a, struct metrics_writer *writer)
{
	const struct config_objects *clients = &a->config->objects[CONFIG_CLIENTS];

	metrics_family(writer, "client_packets_total", "counter",
		       "RADIUS packets of each client, by what came of them.");
	for (size_t i = 0; i < clients->count; i++) {
		const struct client_config *client = clients->item[i];
		const struct client_count *c = client_counts_find(&a->clients, client->object.name);

		for (enum packet_end end = 0; c && end < PACKET_ENDS; end++)
			metrics_value(writer, (double)c->end[end], "client", client->object.name,
				      "end", packet_end_name(end), NULL);
	}
}

static void view_metrics(void *self, struct metrics_writer *writer)
{
	struct number numbers[NUMBERS];
	size_t n = numbers_of(self, numbers);

	for (size_t i = 0; i < n; i++) {
		metrics_family(writer, numbers[i].name, numbers[i].type, numbers[i].help);
		metrics_value(writer, (double)numbers[i].value, NULL);
	}
	client_metrics(self, writer);
	lists_metrics(((struct authd *)self)->lists, writer);
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

static void on_asked(void *context, const struct dynauth_answer *answer)
{
	(void)context;
	if (answer->result == 0)
		log_event(LOG_NOTICE, "dynauth.asked", "answer=ack");
	else
		log_event(LOG_WARNING, "dynauth.asked", "answer=\"%s\" cause=\"%s\"",
			  answer->result == -EACCES ? "nak" : strerror(-answer->result),
			  radius_error_cause_name(answer->cause));
}

/* Whoever has the session has to be asked, and will do it or not. */
static int ask_nas(struct authd *a, const struct session *session, bool reauthenticate)
{
	struct dynauth_ask ask = { .reauthenticate = reauthenticate,
				   .where = &session->where,
				   .answered = on_asked };
	const struct client_config *client;

	if (!address_parse(session->where.nas_address, &ask.nas))
		return -EDESTADDRREQ;
	client = config_client(a->config, &ask.nas);
	if (!client || strcmp(client->object.name, session->where.client) != 0)
		return -ENOENT;
	ask.secret = secret_slice(&client->secret);
	return dynauth_send(a->dynauth, &ask);
}

static int ask_nases(struct authd *a, const char *target, bool reauthenticate,
		     struct diagnosis *why)
{
	const struct session *refused = NULL;
	int count = 0, error = 0;

	if (!a->dynauth)
		return 0;
	list_each (node, &a->sessions.order) {
		const struct session *session = list_item(node, struct session, order);
		int r = session_is(session, target) ? ask_nas(a, session, reauthenticate) : 1;

		count += r == 0;
		refused = r < 0 ? session : refused;
		error = r < 0 ? r : error;
	}
	if (count == 0 && refused) {
		diagnosis_say(why, DIAG_NAS_NOT_ASKED, "%s",
			      error == -EDESTADDRREQ ? "it told no address of its own"
			      : error == -ENOENT ? "the address that it told is not one of its own"
						 : strerror(-error));
		diagnosis_add(why, "client", "%s", refused->where.client);
	}
	return count ? count : error;
}

/* One machine may be at a port of ours and behind a switch. */
static int both(int at_ports, int at_nases)
{
	return at_ports == 0 ? at_nases : at_nases > 0 ? at_ports + at_nases : at_ports;
}

static int view_disconnect(void *self, const char *target, const char *actor, struct diagnosis *why)
{
	struct authd *a = self;
	int count = a->guard ? ports_disconnect(guard_ports(a->guard), target) : 0;

	(void)actor;
	return both(count, ask_nases(a, target, false, why));
}

static int view_reauth(void *self, const char *target, const char *actor, struct diagnosis *why)
{
	struct authd *a = self;
	int count = a->guard ? ports_reauthenticate(guard_ports(a->guard), target) : 0;

	(void)actor;
	return both(count, ask_nases(a, target, true, why));
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
		.counters = view_counters,
		.disconnect = view_disconnect,
		.reauth = view_reauth,
		.token_pin = view_token_pin,
		.revoke_elsewhere = view_revoke_elsewhere,
		.put_out = put_out,
		.wished = view_wished,
		.reload = view_reload,
		.metrics = view_metrics,
		.health = view_health,
	};
}
