/* All that is counted, for the control socket and for Prometheus. */
#include "authd/authd.h"
#include "authd/metrics.h"
#include "authd/view.h"

/* What is one number. */
struct number {
	const char *name, *type, *help;
	uint64_t value;
};

#define NUMBERS 80

static size_t numbers_of(struct authd *a, struct number numbers[NUMBERS])
{
	const struct ocsp_counters *ocsp = ocsp_counters(a->ocsp);
	struct radius_server_counts radius;
	struct ports_counts ports = { 0 };
	struct recorder_counts recorder = { 0 };
	struct enrolment_counts enrolment;
	struct passthrough_counts passthrough = { 0 };
	struct dynauth_counts dynauth = { 0 };
	struct radsec_counts radsec;
	struct pool_counts pool;
	size_t n = 0;

	pool_count(a->pool, &pool);
	if (a->recorder)
		recorder_counts(a->recorder, &recorder);
	enrolment_count(a->enrolment, &enrolment);
	radius_server_count(a->radius, &radius);
	radsec_server_count(a->radsec, &radsec);
	if (a->passthrough)
		passthrough_count(a->passthrough, &passthrough);
	if (a->dynauth)
		dynauth_count(a->dynauth, &dynauth);
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
		{ "radsec_connections", "gauge", "Connections of RADIUS clients over TLS.", radsec.connections },
		{ "radsec_accepted_total", "counter", "Those that came to be.", radsec.accepted },
		{ "radsec_refused_total", "counter", "Those of strangers, or too many, that were closed at once.", radsec.refused },
		{ "radsec_failed_total", "counter", "Those whose handshake failed.", radsec.failed },
		{ "radsec_packets_total", "counter", "RADIUS packets received over TLS.", radsec.packets },
		{ "radsec_malformed_total", "counter", "Connections closed for what could not be read.", radsec.malformed },
		{ "passthrough_conversations", "gauge", "EAP conversations of ports with servers elsewhere.", passthrough.conversations },
		{ "passthrough_shed_total", "counter", "Requests of those that were dropped because there were too many.", passthrough.shed },
		{ "accounting_waiting", "gauge", "Records that wait for an accounting server.", passthrough.records },
		{ "accounting_lost_total", "counter", "Records that none has taken.", passthrough.records_lost },
		{ "dynauth_disconnects_total", "counter", "Disconnect-Requests to end sessions at ports.", dynauth.disconnects },
		{ "dynauth_changes_total", "counter", "CoA-Requests to change them.", dynauth.changes },
		{ "dynauth_acks_total", "counter", "Those that were followed.", dynauth.acks },
		{ "dynauth_naks_total", "counter", "Those that were not.", dynauth.naks },
		{ "dynauth_strangers_total", "counter", "Packets to that port of addresses that are no server's.", dynauth.strangers },
		{ "dynauth_discards_total", "counter", "Those of servers that were no good.", dynauth.discards },
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

json_t *authd_counters(void *self)
{
	struct number numbers[NUMBERS];
	size_t n = numbers_of(self, numbers);
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
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

void authd_metrics(void *self, struct metrics_writer *writer)
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
