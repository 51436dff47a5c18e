#include "authd/worker.h"

#include <errno.h>
#include <openssl/rand.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

void worker_count(struct worker *worker, enum worker_counter counter, int64_t change)
{
	atomic_fetch_add_explicit(&worker->counter[counter], (uint64_t)change,
				  memory_order_relaxed);
}

void worker_send(struct worker *worker, struct message *message)
{
	/* Its ceiling is far above what all the queues to workers can bring forth. */
	if (!queue_put(worker->out, QUEUE_GOES_ON, &message->node))
		message_free(message);
}

/* ---- what came of a turn ---- */

void worker_tell(struct worker *w, const struct conversation *c, bool accepted, struct moment now)
{
	struct message_outcome *m = message_new(MESSAGE_OUTCOME, sizeof *m);

	if (m)
		m->outcome = conversation_outcome(c, accepted, w->number, now);
	if (m && m->outcome)
		worker_send(w, &m->message);
	else if (m)
		message_free(&m->message);
}

static void ask_about_certificate(struct worker *w, struct conversation *c)
{
	const struct tls_claim *claim = c->waits_for->about.claim;
	struct message_asks *m = message_new(MESSAGE_ASKS, sizeof *m);

	if (!m)
		return; /* it is forgotten when it has waited for too long */
	m->worker = w->number;
	m->conversation = c->number;
	m->asker = c->asker;
	m->resumed = claim->resumed;
	if (claim->fingerprint.len == sizeof m->fingerprint)
		memcpy(m->fingerprint, claim->fingerprint.p, sizeof m->fingerprint);
	if (claim->ocsp_url.len > 0 && claim->ocsp_url.len < sizeof m->url)
		memcpy(m->url, claim->ocsp_url.p, claim->ocsp_url.len);
	if (bytes_set(&m->certificate, claim->certificate) != OK ||
	    bytes_set(&m->issuer, claim->issuer_certificate) != OK)
		message_free(&m->message);
	else
		worker_send(w, &m->message);
}

/* A name with a NUL in it, or one that is too long, is nobody's. */
static void ask_about_account(struct worker *w, struct conversation *c, struct slice name,
			      bool resumed)
{
	struct message_account_asks *m = message_new(MESSAGE_ACCOUNT_ASKS, sizeof *m);

	if (!m)
		return; /* it is forgotten when it has waited for too long */
	m->worker = w->number;
	m->conversation = c->number;
	m->asker = c->asker;
	m->resumed = resumed;
	snprintf(m->station, sizeof m->station, "%s", c->where.calling_station);
	if (name.len < sizeof m->name && (name.len == 0 || !memchr(name.p, 0, name.len)))
		memcpy(m->name, name.p, name.len);
	worker_send(w, &m->message);
}

static void ask(struct worker *w, struct conversation *c)
{
	switch (c->waits_for->kind) {
	case EAP_ASKS_CERTIFICATE:
		ask_about_certificate(w, c);
		break;
	case EAP_ASKS_PASSWORD:
		ask_about_account(w, c, c->waits_for->about.account.name, false);
		break;
	case EAP_ASKS_ENROLMENT:
		worker_ask_enrolment(w, c);
		break;
	case EAP_ASKS_ADMISSION: /* the rules have nothing against it */
		ask_about_account(w, c, conversation_account(c), true);
		break;
	}
}

static void count_accepted(struct worker *w, const struct conversation *c)
{
	const struct eap_server_method *method;
	struct eap_report report;
	bool resumed = eap_authenticator_report(&c->eap, &report, &method) && report.resumed;

	worker_count(w, WORKER_ACCEPTED, 1);
	worker_count(w, resumed ? WORKER_RESUMED : WORKER_FULL, 1);
}

void worker_turned(struct worker *w, struct conversation *c, enum conversation_turn turn,
		   struct moment now)
{
	switch (turn) {
	case CONVERSATION_REQUEST:
		worker_count(w, WORKER_CHALLENGES, 1);
		if (c->rounds == 2)
			worker_count(w, WORKER_HALF_OPEN, -1);
		worker_touch(w, c);
		return;
	case CONVERSATION_ACCEPTED:
		count_accepted(w, c);
		worker_tell(w, c, true, now);
		return;
	case CONVERSATION_REJECTED:
		worker_count(w, WORKER_REJECTED, 1);
		worker_tell(w, c, false, now);
		return;
	case CONVERSATION_WAITS:
		worker_touch(w, c);
		ask(w, c);
		return;
	case CONVERSATION_NOTHING:
		worker_touch(w, c);
		return;
	}
}

/* ---- requests of ports ---- */

static void answer(struct message_answer *m, struct conversation *c, enum conversation_turn turn)
{
	static const enum aaa_verdict verdicts[] = {
		[CONVERSATION_REQUEST] = AAA_CHALLENGE, [CONVERSATION_ACCEPTED] = AAA_ACCEPT,
		[CONVERSATION_REJECTED] = AAA_REJECT,	[CONVERSATION_NOTHING] = AAA_DISCARD,
		[CONVERSATION_WAITS] = AAA_DISCARD,
	};
	const struct eap_server_method *method;
	struct aaa_answer *a = &m->answer;

	a->verdict = verdicts[turn];
	a->method_timeout = c->lower.methodTimeout;
	if (turn == CONVERSATION_ACCEPTED || turn == CONVERSATION_REJECTED)
		(void)eap_authenticator_report(&c->eap, &a->report, &method);
	if (turn == CONVERSATION_REJECTED) {
		conversation_diagnose(c, &a->why);
		a->enrolling = conversation_enrols(c);
	}
	if (turn != CONVERSATION_NOTHING && bytes_set(&a->eap, c->lower.eapReqData) != OK)
		a->verdict = AAA_DISCARD;
	if (turn == CONVERSATION_ACCEPTED && aaa_grant_copy(&c->grant, &a->grant) < 0)
		a->verdict = AAA_TIMEOUT;
	else if (turn == CONVERSATION_ACCEPTED && c->lower.eapKeyAvailable)
		eap_keys_move(&a->keys, c->lower.eapKeyData);
	/* The identity is often anonymous; a port of ours, unlike a switch far away, may know. */
	if (a->verdict == AAA_ACCEPT && c->account[0])
		snprintf(a->grant.user_name, sizeof a->grant.user_name, "%s", c->account);
	else if (a->verdict == AAA_ACCEPT)
		outcome_machine(c->claim.subject, c->claim.names, c->claim.fingerprint,
				a->grant.user_name, sizeof a->grant.user_name);
}

static struct message_answer *answer_new(struct aaa_asker *asker, uint64_t number)
{
	struct message_answer *m = message_new(MESSAGE_ANSWER, sizeof *m);

	if (m) {
		m->answer.asker = asker;
		m->answer.number = number;
		m->answer.verdict = AAA_DISCARD;
	}
	return m;
}

static void finish(struct worker *w, struct conversation *c, enum conversation_turn turn,
		   struct moment now)
{
	struct message_answer *m =
		turn == CONVERSATION_WAITS ? NULL : answer_new(c->asker, c->number);

	worker_turned(w, c, turn, now);
	if (m) {
		answer(m, c, turn);
		worker_send(w, &m->message);
	}
	if (turn == CONVERSATION_ACCEPTED || turn == CONVERSATION_REJECTED)
		worker_end(w, c);
}

/* It was evicted, or there is no room for it. */
static void answer_nobody(struct worker *w, const struct aaa_request *request)
{
	struct message_answer *m = answer_new(request->asker, request->number);

	if (!m)
		return;
	m->answer.verdict = AAA_TIMEOUT;
	diagnosis_set(&m->answer.why, DIAG_AAA_SILENT);
	diagnosis_add(&m->answer.why, "identity", "%s", request->where.identity);
	worker_send(w, &m->message);
}

static size_t mtu_of(const struct aaa_where *where)
{
	return where->framed_mtu > 4 && where->framed_mtu < AAA_EAP_MAX ? where->framed_mtu - 4
									: 1396;
}

static void on_request(struct worker *w, const struct aaa_request *request, struct moment now)
{
	struct conversation *c = worker_find(w, request->asker, request->number);

	if (request->last) {
		if (c)
			worker_give_up(w, c, WORKER_ABANDONED, now);
		return;
	}
	if (!c && request->first)
		c = worker_begin(w, request->asker, request->number, &request->where,
				 mtu_of(&request->where), now);
	if (c)
		finish(w, c, conversation_feed(c, bytes_slice(&request->eap), now), now);
	else
		answer_nobody(w, request);
}

/* ---- messages ---- */

void worker_go_on(struct worker *w, struct conversation *c, enum conversation_turn turn,
		  struct moment now)
{
	if (c->asker)
		finish(w, c, turn, now);
	else
		worker_packet_turned(w, c, turn, now);
}

static void on_judged(struct worker *w, const struct message_judged *m, struct moment now)
{
	struct conversation *c = worker_find(w, m->asker, m->conversation);
	enum conversation_turn turn;

	if (!c || !c->waits_for || c->waits_for->kind != EAP_ASKS_CERTIFICATE)
		return;
	turn = conversation_judged(c, m->accept, &m->why, now);
	worker_go_on(w, c, turn, now);
}

static void on_account(struct worker *w, const struct message_account_told *m, struct moment now)
{
	struct conversation *c = worker_find(w, m->asker, m->conversation);

	if (c && c->waits_for &&
	    (c->waits_for->kind == EAP_ASKS_PASSWORD || c->waits_for->kind == EAP_ASKS_ADMISSION))
		worker_go_on(w, c, conversation_found(c, &m->account, now), now);
}

static void on_configure(struct worker *w, struct message_configure *m)
{
	arming_inherit(m->arming, w->arming);
	arming_free(w->arming);
	w->arming = TAKE(m->arming);
	w->arming->revoked = &w->revoked;
	w->arming->wished = &w->wished;
}

static void on_tickets(struct worker *w, const struct message_tickets *m)
{
	struct tls_ticket_key keys[TICKET_KEYS_MAX];

	for (size_t i = 0; i < m->keys.count; i++) {
		memcpy(keys[i].name, m->keys.key[i].name, sizeof keys[i].name);
		memcpy(keys[i].aes, m->keys.key[i].aes, sizeof keys[i].aes);
		memcpy(keys[i].hmac, m->keys.key[i].hmac, sizeof keys[i].hmac);
	}
	if (w->arming->tls.config)
		tls_server_config_ticket_keys(w->arming->tls.config, keys, m->keys.count);
	explicit_bzero(keys, sizeof keys);
}

static void on_staple(struct worker *w, const struct message_octets *m)
{
	arming_staple_tunnels(&w->arming->tunnels, bytes_slice(&m->octets));
	/* Without memory it is stapled the next time. */
	if (w->arming->tls.config &&
	    tls_server_config_staple(w->arming->tls.config, bytes_slice(&m->octets)) != OK)
		return;
}

static void on_revoked(struct worker *w, struct message_revoked *m)
{
	revoked_free(w->revoked);
	w->revoked = TAKE(m->revoked);
}

static void on_account_gone(struct worker *w, const struct message_account_gone *m)
{
	for (size_t i = 0; i < WORKER_BUCKETS; i++) {
		list_each (node, &w->bucket[i])
			conversation_account_gone(list_item(node, struct conversation, node),
						  m->name);
	}
}

static void on_wished(struct worker *w, struct message_wished *m)
{
	wished_free(w->wished);
	w->wished = TAKE(m->wished);
}

static void on_message(struct worker *w, struct message *message, struct moment now)
{
	switch (message->kind) {
	case MESSAGE_PACKET:
		worker_packet(w, list_item(message, struct packet, message), now);
		return; /* it is on its way back */
	case MESSAGE_REQUEST:
		on_request(w, &list_item(message, struct message_request, message)->request, now);
		break;
	case MESSAGE_CONFIGURE:
		on_configure(w, list_item(message, struct message_configure, message));
		break;
	case MESSAGE_JUDGED:
		on_judged(w, list_item(message, struct message_judged, message), now);
		break;
	case MESSAGE_ENROLMENT_TOLD:
		worker_enrolment_told(w, list_item(message, struct message_enrolment_told, message),
				      now);
		break;
	case MESSAGE_ACCOUNT_TOLD:
		on_account(w, list_item(message, struct message_account_told, message), now);
		break;
	case MESSAGE_STAPLE:
		on_staple(w, list_item(message, struct message_octets, message));
		break;
	case MESSAGE_REVOKED:
		on_revoked(w, list_item(message, struct message_revoked, message));
		worker_send(w, message);
		return;
	case MESSAGE_ACCOUNT_GONE:
		on_account_gone(w, list_item(message, struct message_account_gone, message));
		worker_send(w, message);
		return;
	case MESSAGE_WISHED:
		on_wished(w, list_item(message, struct message_wished, message));
		break;
	case MESSAGE_TICKETS:
		on_tickets(w, list_item(message, struct message_tickets, message));
		break;
	case MESSAGE_STOP:
		loop_stop(&w->loop);
		return; /* a part of the worker */
	case MESSAGE_ANSWER:
	case MESSAGE_OUTCOME:
	case MESSAGE_ASKS:
	case MESSAGE_ACCOUNT_ASKS:
	case MESSAGE_ENROLMENT_ASKS:
		break; /* none of these goes this way */
	}
	message_free(message);
}

/* ---- the loop ---- */

static void set_timer(struct worker *w)
{
	(void)timer_set(&w->loop, &w->timer, worker_forgets_at(w));
}

static void on_timer(struct timer *timer)
{
	struct worker *w = list_item(timer, struct worker, timer);

	worker_forget(w, loop_now());
	set_timer(w);
}

static void on_queue(struct watch *watch, bool readable, bool writable)
{
	struct worker *w = list_item(watch, struct worker, watch);
	struct list *node;

	(void)readable;
	(void)writable;
	for (int i = 0; i < WORKER_BUDGET && (node = queue_take(&w->in)); i++)
		on_message(w, message_of(node), loop_now());
	set_timer(w);
}

/* ---- its life ---- */

static void *run(void *context)
{
	struct worker *w = context;

	(void)loop_run(&w->loop);
	return NULL;
}

static void drop(struct worker *w)
{
	struct list *node;

	while ((node = queue_take(&w->in)))
		message_free(message_of(node));
	for (size_t i = 0; i < WORKER_BUCKETS; i++) {
		list_each (c, &w->bucket[i])
			conversation_free(list_item(c, struct conversation, node));
	}
	timer_clear(&w->timer);
	watch_clear(&w->watch);
	radius_duplicates_free(w->duplicates);
	radius_crypto_free(w->crypto);
	arming_free(w->arming);
	revoked_free(w->revoked);
	wished_free(w->wished);
	loop_done(&w->loop);
	queue_done(&w->in);
}

static int prepare(struct worker *w)
{
	uint64_t seed;
	int error = loop_init(&w->loop);

	if (error == 0)
		error = watch_set(&w->loop, &w->watch, w->in.fd, true, false);
	if (error == 0 &&
	    (RAND_bytes((uint8_t *)&seed, sizeof seed) != 1 ||
	     radius_crypto_new(&w->crypto) != OK ||
	     radius_duplicates_new(WORKER_DUPLICATES, RADIUS_KEEP, seed, &w->duplicates) != OK))
		error = -ENOMEM;
	return error;
}

/* Signals are the main thread's. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int worker_start(struct worker *w, unsigned number, struct arming *arming, size_t most,
		 size_t waiting, struct queue *out)
{
	const size_t ceilings[QUEUE_LANES] = {
		[QUEUE_GOES_ON] = 4 * waiting + 1024, [QUEUE_NEW] = waiting
	};
	int error = queue_init(&w->in, ceilings);

	if (error < 0) {
		arming_free(arming);
		return error;
	}
	w->number = number;
	w->arming = arming;
	arming->revoked = &w->revoked;
	arming->wished = &w->wished;
	w->most = most;
	w->out = out;
	w->watch.ready = on_queue;
	w->timer.expired = on_timer;
	list_init(&w->half_open);
	list_init(&w->going_on);
	for (size_t i = 0; i < WORKER_BUCKETS; i++)
		list_init(&w->bucket[i]);
	error = prepare(w);
	if (error == 0)
		error = start_thread(w);
	if (error < 0)
		drop(w);
	return error;
}

void worker_stop(struct worker *w)
{
	w->stop.kind = MESSAGE_STOP;
	/* Behind what waits: the lane may be full for a moment. */
	while (!queue_put(&w->in, QUEUE_GOES_ON, &w->stop.node))
		sched_yield();
	pthread_join(w->thread, NULL);
	drop(w);
}
