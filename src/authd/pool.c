#include "authd/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/tally.h"
#include "authd/worker.h"

#define POOL_BUDGET 256 /* messages before the loop looks elsewhere */

struct pool {
	struct aaa_server server; /* first: what ports ask */
	struct loop *loop;
	struct watch watch;
	struct queue out; /* of all workers */
	struct pool_events events;
	unsigned count;
	struct worker *worker; /* count of them */
	uint32_t new_per_second;
	struct token_bucket all; /* what may begin now */
	struct tallies clients;	 /* the same for each */
	uint64_t shed;
	unsigned unaware; /* messages to workers of who is out that have not come back */
};

/* ---- to which worker ---- */

/* That machines choose their addresses does no harm: at worst all of theirs share a worker. */
static struct worker *by_station(struct pool *pool, struct slice station)
{
	return &pool->worker[slice_hash(station) % pool->count];
}

/* NULL: it has no rate of its own. */
static struct token_bucket *rate_of(struct pool *pool, const struct client_config *client)
{
	return client && client->new_per_second ? tally_of(&pool->clients, client->object.name)
						: NULL;
}

static bool may_begin(struct pool *pool, const struct client_config *client, msec now)
{
	struct token_bucket *own = rate_of(pool, client);

	return (!own || token_take(own, client->new_per_second, now)) &&
	       token_take(&pool->all, pool->new_per_second, now);
}

static struct slice station_of(const struct packet *packet, const struct radius_packet *parsed)
{
	const union address *from = &packet->origin.from;
	struct slice station;

	if (radius_find(parsed, RADIUS_CALLING_STATION_ID, &station))
		return station;
	return from->sa.sa_family == AF_INET6 ? slice_of(&from->in6.sin6_addr, 16)
					      : slice_of(&from->in.sin_addr, 4);
}

static void shed(struct pool *pool, struct packet *packet)
{
	pool->shed++;
	packet->end = PACKET_SHED;
	(void)pool->events.packet(pool->events.context, packet);
	packet_free(packet);
}

/* Anybody can write the address of a client on a packet; and what comes twice begins once. */
static void recount(struct pool *pool, const struct packet *packet)
{
	struct token_bucket *own = rate_of(pool, packet->client);

	if (!packet->counted || (packet->end != PACKET_REFUSED && packet->end != PACKET_REPEATED &&
				 packet->end != PACKET_DUPLICATE))
		return;
	token_return(&pool->all);
	if (own)
		token_return(own);
}

void pool_receive(struct pool *pool, struct packet *packet)
{
	enum queue_lane lane = QUEUE_NEW;
	struct radius_packet parsed = { 0 };
	struct worker *w = &pool->worker[0];
	struct slice state;

	/* What does not parse is counted where all packets are. */
	if (radius_packet_parse(bytes_slice(&packet->data), &parsed) != RADIUS_FINE ||
	    parsed.code == RADIUS_STATUS_SERVER) {
		lane = QUEUE_GOES_ON;
	} else if (radius_find(&parsed, RADIUS_STATE, &state) && state.len > 0 &&
		   state.p[0] < pool->count) {
		lane = QUEUE_GOES_ON;
		w = &pool->worker[state.p[0]];
	} else {
		w = by_station(pool, station_of(packet, &parsed));
	}
	packet->counted = lane == QUEUE_NEW && parsed.code == RADIUS_ACCESS_REQUEST;
	if ((packet->counted && !may_begin(pool, packet->client, packet->when.mono)) ||
	    !queue_put(&w->in, lane, &packet->message.node))
		shed(pool, packet);
}

static int ask(struct aaa_server *server, struct aaa_request *taken)
{
	struct pool *pool = list_item(server, struct pool, server);
	struct worker *w = by_station(pool, slice_str(taken->where.calling_station));
	struct message_request *m = message_new(MESSAGE_REQUEST, sizeof *m);
	bool begins = taken->first && !taken->last;

	if (!m) {
		aaa_request_done(taken);
		return -ENOMEM;
	}
	m->request = *taken;
	*taken = (struct aaa_request){ 0 };
	if ((!begins || may_begin(pool, NULL, loop_now().mono)) &&
	    queue_put(&w->in, begins ? QUEUE_NEW : QUEUE_GOES_ON, &m->message.node))
		return 0;
	pool->shed++;
	message_free(&m->message);
	return -EAGAIN;
}

struct aaa_server *pool_server(struct pool *pool)
{
	return &pool->server;
}

/* ---- from the workers ---- */

static void on_packet(struct pool *pool, struct packet *packet)
{
	struct transport *transport = packet->origin.transport;

	recount(pool, packet);
	if (pool->events.packet(pool->events.context, packet) && packet->reply.len > 0) {
		transport->reply(transport, &packet->origin, bytes_slice(&packet->reply));
		if (transport->flush)
			transport->flush(transport);
	}
}

static void on_message(struct pool *pool, struct message *message)
{
	struct message_outcome *outcome;
	struct message_answer *answer;

	switch (message->kind) {
	case MESSAGE_PACKET:
		on_packet(pool, list_item(message, struct packet, message));
		break;
	case MESSAGE_ANSWER:
		answer = list_item(message, struct message_answer, message);
		answer->answer.asker->answered(answer->answer.asker, &answer->answer);
		break;
	case MESSAGE_OUTCOME:
		outcome = list_item(message, struct message_outcome, message);
		pool->events.outcome(pool->events.context, TAKE(outcome->outcome));
		break;
	case MESSAGE_ASKS:
		pool->events.asks(pool->events.context,
				  list_item(message, struct message_asks, message));
		break;
	case MESSAGE_ACCOUNT_ASKS:
		pool->events.account(pool->events.context,
				     list_item(message, struct message_account_asks, message));
		break;
	case MESSAGE_ENROLMENT_ASKS:
		pool->events.enrolment(pool->events.context,
				       list_item(message, struct message_enrolment_asks, message));
		break;
	case MESSAGE_REVOKED:
	case MESSAGE_ACCOUNT_GONE:
		if (--pool->unaware == 0 && pool->events.known)
			pool->events.known(pool->events.context);
		break;
	case MESSAGE_REQUEST:
	case MESSAGE_CONFIGURE:
	case MESSAGE_JUDGED:
	case MESSAGE_STAPLE:
	case MESSAGE_WISHED:
	case MESSAGE_TICKETS:
	case MESSAGE_ENROLMENT_TOLD:
	case MESSAGE_ACCOUNT_TOLD:
	case MESSAGE_STOP:
		break; /* none of these comes from there */
	}
	message_free(message);
}

static void on_queue(struct watch *watch, bool readable, bool writable)
{
	struct pool *pool = list_item(watch, struct pool, watch);
	struct list *node;

	(void)readable;
	(void)writable;
	for (int i = 0; i < POOL_BUDGET && (node = queue_take(&pool->out)); i++)
		on_message(pool, message_of(node));
}

/* ---- to all workers ---- */

/* Configurations and keys are few, and must not be lost: the lane has room for them sooner or
 * later, since the worker never waits for us. */
static void put(struct worker *w, struct message *message)
{
	while (!queue_put(&w->in, QUEUE_GOES_ON, &message->node))
		usleep(1000);
}

void pool_judged(struct pool *pool, const struct pool_ask *question, bool accept,
		 const struct diagnosis *why)
{
	struct message_judged *m = message_new(MESSAGE_JUDGED, sizeof *m);

	if (!m)
		return; /* the conversation is forgotten when it has waited for too long */
	m->asker = question->asker;
	m->conversation = question->conversation;
	m->accept = accept;
	if (!accept)
		m->why = *why;
	put(&pool->worker[question->worker], &m->message);
}

void pool_enrolment_told(struct pool *pool, const struct message_enrolment_asks *asks,
			 struct enrolment_told *taken)
{
	struct message_enrolment_told *m = message_new(MESSAGE_ENROLMENT_TOLD, sizeof *m);

	if (!m) {
		enrolment_told_done(taken);
		return; /* the conversation is forgotten when it has waited for too long */
	}
	m->asker = asks->asker;
	m->conversation = asks->conversation;
	m->told = *taken;
	*taken = (struct enrolment_told){ 0 };
	put(&pool->worker[asks->worker], &m->message);
}

void pool_account_told(struct pool *pool, const struct pool_ask *ask, struct account *taken)
{
	struct message_account_told *m = message_new(MESSAGE_ACCOUNT_TOLD, sizeof *m);

	if (!m) {
		account_done(taken);
		return; /* the conversation is forgotten when it has waited for too long */
	}
	m->asker = ask->asker;
	m->conversation = ask->conversation;
	m->account = *taken;
	explicit_bzero(taken, sizeof *taken);
	put(&pool->worker[ask->worker], &m->message);
}

void pool_staple(struct pool *pool, struct slice response)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct message_octets *m = message_new(MESSAGE_STAPLE, sizeof *m);

		if (m && bytes_set(&m->octets, response) == OK)
			put(&pool->worker[i], &m->message);
		else if (m)
			message_free(&m->message);
	}
}

void pool_revoked(struct pool *pool, struct revoked *revoked)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct message_revoked *m = message_new(MESSAGE_REVOKED, sizeof *m);

		if (!m)
			continue; /* it is handed out again before long */
		m->revoked = revoked_ref(revoked);
		pool->unaware++;
		put(&pool->worker[i], &m->message);
	}
}

void pool_account_gone(struct pool *pool, const char *name)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct message_account_gone *m = message_new(MESSAGE_ACCOUNT_GONE, sizeof *m);

		if (!m)
			continue; /* whoever is on the way in by it stays until it comes again */
		snprintf(m->name, sizeof m->name, "%s", name);
		pool->unaware++;
		put(&pool->worker[i], &m->message);
	}
}

bool pool_knows_who_is_out(const struct pool *pool)
{
	return pool->unaware == 0;
}

void pool_wished(struct pool *pool, struct wished *wished)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct message_wished *m = message_new(MESSAGE_WISHED, sizeof *m);

		if (!m)
			continue; /* those are asked after some other change */
		m->wished = wished_ref(wished);
		put(&pool->worker[i], &m->message);
	}
}

void pool_ticket_keys(struct pool *pool, const struct ticket_keys *keys)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct message_tickets *m = message_new(MESSAGE_TICKETS, sizeof *m);

		if (!m)
			return;
		m->keys = *keys;
		put(&pool->worker[i], &m->message);
	}
}

/* ---- its life ---- */

static unsigned workers_wanted(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = config->settings.workers;

	if (wanted == 0)
		wanted = cores > 0 ? (unsigned)cores : 1;
	return wanted > POOL_WORKERS_MAX ? POOL_WORKERS_MAX : wanted;
}

static int start_workers(struct pool *pool, struct config *config, unsigned wanted,
			 struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;

	while (pool->count < wanted) {
		struct arming *arming;
		int error = arming_new(config, pool->events.mschap, loop_now().wall, &arming, why);

		if (error == 0)
			error = worker_start(&pool->worker[pool->count], pool->count, arming,
					     s->conversations / wanted + 1, s->waiting, &pool->out);
		if (error < 0)
			return error;
		pool->count++;
	}
	return 0;
}

int pool_new(struct loop *loop, struct config *config, const struct pool_events *events,
	     struct pool **ret_pool, struct diagnosis *why)
{
	static const size_t any[QUEUE_LANES] = { SIZE_MAX, SIZE_MAX };
	unsigned wanted = workers_wanted(config);
	struct pool *pool = calloc(1, sizeof *pool);
	int error;

	if (!pool)
		return -ENOMEM;
	pool->server.ask = ask;
	pool->loop = loop;
	pool->events = *events;
	pool->watch.ready = on_queue;
	pool->new_per_second = config->settings.new_per_second;
	tallies_init(&pool->clients);
	pool->worker = calloc(wanted, sizeof *pool->worker);
	error = pool->worker ? queue_init(&pool->out, any) : -ENOMEM;
	if (error < 0) {
		free(pool->worker);
		free(pool);
		return error;
	}
	error = watch_set(loop, &pool->watch, pool->out.fd, true, false);
	if (error == 0)
		error = start_workers(pool, config, wanted, why);
	if (error < 0) {
		pool_free(pool);
		return error;
	}
	*ret_pool = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	struct list *node;

	if (!pool)
		return;
	for (unsigned i = 0; i < pool->count; i++)
		worker_stop(&pool->worker[i]);
	while ((node = queue_take(&pool->out)))
		message_free(message_of(node));
	watch_clear(&pool->watch);
	queue_done(&pool->out);
	tallies_done(&pool->clients);
	free(pool->worker);
	free(pool);
}

int pool_configure(struct pool *pool, struct config *config, struct diagnosis *why)
{
	struct message_configure *all[POOL_WORKERS_MAX] = { NULL };
	int error = 0;

	for (unsigned i = 0; i < pool->count && error == 0; i++) {
		all[i] = message_new(MESSAGE_CONFIGURE, sizeof *all[i]);
		error = all[i] ? arming_new(config, pool->events.mschap, loop_now().wall,
					    &all[i]->arming, why)
			       : -ENOMEM;
	}
	/* All of them or none. */
	for (unsigned i = 0; i < pool->count; i++) {
		if (error == 0)
			put(&pool->worker[i], &all[i]->message);
		else if (all[i])
			message_free(&all[i]->message);
	}
	if (error == 0)
		pool->new_per_second = config->settings.new_per_second;
	return error;
}

unsigned pool_workers(const struct pool *pool)
{
	return pool->count;
}

/* ---- counters ---- */

static uint64_t counter(const struct worker *w, enum worker_counter which)
{
	return atomic_load_explicit(&w->counter[which], memory_order_relaxed);
}

void pool_count_worker(struct pool *pool, unsigned number, struct pool_counts *ret_counts)
{
	struct worker *w = &pool->worker[number];
	struct pool_counts c = {
		.conversations = counter(w, WORKER_CONVERSATIONS),
		.half_open = counter(w, WORKER_HALF_OPEN),
		.memory = counter(w, WORKER_MEMORY),
		.begun = counter(w, WORKER_BEGUN),
		.accepted = counter(w, WORKER_ACCEPTED),
		.rejected = counter(w, WORKER_REJECTED),
		.challenges = counter(w, WORKER_CHALLENGES),
		.abandoned = counter(w, WORKER_ABANDONED),
		.evicted = counter(w, WORKER_EVICTED),
		.shed = counter(w, WORKER_SHED),
		.full = counter(w, WORKER_FULL),
		.resumed = counter(w, WORKER_RESUMED),
	};

	for (enum queue_lane lane = QUEUE_GOES_ON; lane < QUEUE_LANES; lane++) {
		size_t waiting;
		uint64_t refused;

		queue_look(&w->in, lane, &waiting, &refused);
		c.waiting += waiting;
	}
	*ret_counts = c;
}

void pool_count(struct pool *pool, struct pool_counts *ret_counts)
{
	struct pool_counts sum = { .shed = pool->shed };

	for (unsigned i = 0; i < pool->count; i++) {
		struct pool_counts one;

		pool_count_worker(pool, i, &one);
		sum.conversations += one.conversations;
		sum.half_open += one.half_open;
		sum.memory += one.memory;
		sum.begun += one.begun;
		sum.accepted += one.accepted;
		sum.rejected += one.rejected;
		sum.challenges += one.challenges;
		sum.abandoned += one.abandoned;
		sum.evicted += one.evicted;
		sum.shed += one.shed;
		sum.full += one.full;
		sum.resumed += one.resumed;
		sum.waiting += one.waiting;
	}
	*ret_counts = sum;
}
