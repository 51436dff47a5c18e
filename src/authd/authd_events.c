/* What the workers report, on its way to the log, the counters and the recorder. */
#include "authd/authd.h"
#include "authd/record.h"
#include "drivers/log.h"

#define REFUSALS_LOGGED 100   /* a second */
#define UNTOLD_LOGGED	10000 /* msec between two lines about those beyond */

/* ---- authentications ---- */

static void say_why(const struct outcome *o, char *buffer, size_t size)
{
	const char *reason = diagnosis_evidence(&o->why, "reason");
	char cause[400], quoted[DIAGNOSIS_VALUE_MAX];
	bool known = o->why.id != DIAG_NONE;

	snprintf(buffer, size, "diagnosis=%s cause=\"%s\" reason=\"%s\"",
		 known ? diagnosis_text(o->why.id)->name : "",
		 known ? diagnosis_sentence(&o->why, cause, sizeof cause) : "",
		 log_quoted(reason ? reason : "", quoted, sizeof quoted));
}

static void log_outcome(const struct outcome *o)
{
	static const char *const askers[] = {
		[OUTCOME_PORT] = "port", [OUTCOME_RADIUS] = "radius", [OUTCOME_RADSEC] = "radsec"
	};
	char identity[AAA_TEXT_MAX + 1], station[AAA_TEXT_MAX + 1], nas[AAA_TEXT_MAX + 1];
	char port[AAA_TEXT_MAX + 1], subject[DIAGNOSIS_VALUE_MAX], what[1024] = "";
	char account[AAA_TEXT_MAX + 1];
	int used = 0;

	if (log_level() < LOG_NOTICE)
		return;
	if (o->accepted)
		used = snprintf(what, sizeof what, "vlan=%u rule=\"%s\" ", o->grant.vlan,
				o->grant.rule);
	if (!o->accepted || o->why.id != DIAG_NONE)
		say_why(o, what + used, sizeof what - (size_t)used);
	log_event(
		LOG_NOTICE, o->accepted ? "auth.accept" : "auth.reject",
		"identity=\"%s\" account=\"%s\" subject=\"%s\" station=\"%s\" via=%s client=\"%s\" "
		"nas=\"%s\" "
		"port=\"%s\" method=%s inner=%s tls=%s resumed=%s rounds=%u ms=%llu session=%s %s",
		log_quoted(o->where.identity, identity, sizeof identity),
		log_quoted(o->account, account, sizeof account),
		log_quoted(o->claim.subject, subject, sizeof subject),
		log_quoted(o->where.calling_station, station, sizeof station), askers[o->asker],
		o->where.client, log_quoted(o->where.nas_identifier, nas, sizeof nas),
		log_quoted(o->where.nas_port_id, port, sizeof port), o->method, o->report.inner,
		o->report.tls_version, o->report.resumed ? "yes" : "no", o->rounds,
		(unsigned long long)(o->ended.mono - o->began.mono), o->session, what);
}

/* Anybody can be refused as often as they like. */
static bool is_told(struct authd *a, const struct outcome *o)
{
	msec now = o->ended.mono;

	if (o->accepted || token_take(&a->refusals, REFUSALS_LOGGED, now))
		return true;
	a->untold++;
	if (a->untold_logged == 0 || now - a->untold_logged >= UNTOLD_LOGGED) {
		log_event(LOG_WARNING, "auth.untold",
			  "refusals=%llu cause=\"more than %d in a second\" "
			  "next=\"the counters have all of them\"",
			  (unsigned long long)a->untold, REFUSALS_LOGGED);
		a->untold_logged = now;
		a->untold = 0;
	}
	return false;
}

static void on_outcome(void *context, struct outcome *outcome)
{
	struct authd *a = context;

	if (is_told(a, outcome))
		log_outcome(outcome);
	account_desk_outcome(a->account_desk, outcome);
	client_counts_refuse(&a->clients, outcome);
	sessions_begin(&a->sessions, outcome);
	if (a->recorder)
		record_outcome(a->recorder, outcome);
	wishes_stir(a->wishes);
	outcome_free(outcome);
}

/* ---- packets ---- */

static void log_refused(const struct packet *p, uint64_t unlogged)
{
	enum diagnosis_id id =
		p->end == PACKET_REFUSED ? radius_fault_diagnosis(p->fault) : DIAG_NONE;
	char from[ADDRESS_TEXT_MAX], cause[512] = "", next[512] = "";
	struct diagnosis why;

	if (id != DIAG_NONE) {
		diagnosis_set(&why, id);
		diagnosis_add(&why, "from", "%s", address_text(&p->origin.from, true, from));
		diagnosis_add(&why, "what", "RADIUS");
		diagnosis_add(&why, "detail", "%s", radius_fault_sentence(p->fault));
		diagnosis_sentence(&why, cause, sizeof cause);
		diagnosis_next(&why, next, sizeof next);
	}
	if (p->end == PACKET_SHED) {
		snprintf(cause, sizeof cause, "more begins than the limits allow");
		snprintf(next, sizeof next, "look at [Limits] and at who sends so much");
	} else if (p->end == PACKET_STALE) {
		snprintf(cause, sizeof cause, "its State is of no conversation that goes on");
		snprintf(next, sizeof next,
			 "nothing, if this server was restarted or the machine was slow; it begins "
			 "anew");
	}
	log_event(LOG_WARNING, "radius.packet",
		  "client=\"%s\" from=\"%s\" end=%s fault=%s since=%llu cause=\"%s\" next=\"%s\"",
		  p->client->object.name, address_text(&p->origin.from, true, from),
		  packet_end_name(p->end), radius_fault_name(p->fault),
		  (unsigned long long)unlogged + 1, cause, next);
}

/* RFC 2866, section 2: an Accounting-Response says that the request was recorded.  So it waits for
 * that, and what could not be recorded has none. */
struct acknowledgement {
	struct receipt receipt;
	struct origin origin;
	struct bytes reply;
};

static void acknowledgement_free(struct acknowledgement *ack)
{
	bytes_done(&ack->reply);
	free(ack);
}

static void acknowledge(struct receipt *receipt, bool written)
{
	struct acknowledgement *ack = list_item(receipt, struct acknowledgement, receipt);
	struct transport *transport = ack->origin.transport;

	if (written) {
		transport->reply(transport, &ack->origin, bytes_slice(&ack->reply));
		if (transport->flush)
			transport->flush(transport);
	}
	acknowledgement_free(ack);
}

/* false: there is nothing to record, and the answer may go at once. */
static bool account_first(struct authd *a, const struct packet *packet)
{
	struct acknowledgement *ack = calloc(1, sizeof *ack);
	enum record_fate fate = RECORD_DROPPED;

	if (!ack)
		return true;
	ack->receipt.told = acknowledge;
	ack->origin = packet->origin;
	if (bytes_set(&ack->reply, bytes_slice(&packet->reply)) == OK)
		fate = record_nas_accounting(a->recorder, packet->accounting, &ack->receipt);
	if (fate != RECORD_PUT)
		acknowledgement_free(ack);
	return fate != RECORD_NOTHING;
}

static bool on_packet(void *context, const struct packet *packet)
{
	struct authd *a = context;
	struct client_count *count = client_counts_add(&a->clients, packet);
	bool wrong = packet->end == PACKET_REFUSED || packet->end == PACKET_SHED ||
		     packet->end == PACKET_STALE;
	uint64_t unlogged = 0;

	if (wrong && count && client_count_tell(count, packet->when.mono, &unlogged))
		log_refused(packet, unlogged);
	if (packet->accounting)
		sessions_account(&a->sessions, packet->accounting);
	return !packet->accounting || !a->recorder || !account_first(a, packet);
}

static void on_asks(void *context, const struct message_asks *asks)
{
	struct authd *a = context;

	revocation_ask(a->revocation, asks, a->config->settings.client_ocsp);
}

static void on_enrolment(void *context, struct message_enrolment_asks *asks)
{
	enrolment_asks(((struct authd *)context)->enrolment, asks);
}

static void on_account(void *context, const struct message_account_asks *asks)
{
	struct authd *a = context;

	if (a->account_desk)
		account_desk_ask(a->account_desk, a->accounts, asks);
}

static void on_known(void *context)
{
	put_out_on_known(context);
}

void authd_events_of(struct authd *authd, struct pool_events *ret_events)
{
	*ret_events = (struct pool_events){
		.outcome = on_outcome,
		.packet = on_packet,
		.asks = on_asks,
		.account = on_account,
		.enrolment = on_enrolment,
		.known = on_known,
		.context = authd,
		.mschap = authd->options.mschap,
	};
}

/* ---- ports ---- */

void authd_account(struct accountant *accountant, const struct accounting_event *event)
{
	struct authd *a = list_item(accountant, struct authd, accountant);

	if (a->recorder)
		record_accounting(a->recorder, event);
	if (a->passthrough)
		passthrough_accountant(a->passthrough)
			->note(passthrough_accountant(a->passthrough), event);
}
