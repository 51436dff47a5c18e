#include "authd/account_desk.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/rand.h>

#include "authd/message.h"

/* Whoever comes with many names and stations pushes out the counts that are oldest, of those that
 * fall into the same set; which do, nobody can choose. */
#define SETS 2048
#define WAYS 4

struct count {
	uint64_t key;
	msec began;
	unsigned tries;
};

struct account_desk {
	struct pool *pool;
	struct list pending;
	unsigned guesses;
	uint64_t refused;
	uint8_t seed[16];
	struct count counts[SETS][WAYS];
};

struct pending {
	struct list node;
	struct account_desk *desk; /* NULL: it is gone */
	struct pool_ask ask;
};

int account_desk_new(struct pool *pool, struct account_desk **ret_desk)
{
	struct account_desk *desk = calloc(1, sizeof *desk);

	if (!desk || RAND_bytes(desk->seed, sizeof desk->seed) != 1) {
		free(desk);
		return -ENOMEM;
	}
	desk->pool = pool;
	list_init(&desk->pending);
	*ret_desk = desk;
	return 0;
}

/* Who waits for the registry is told of it, by whom it is freed. */
void account_desk_free(struct account_desk *desk)
{
	if (!desk)
		return;
	list_each (node, &desk->pending) {
		struct pending *p = list_item(node, struct pending, node);

		list_remove(&p->node);
		p->desk = NULL;
	}
	free(desk);
}

void account_desk_configure(struct account_desk *desk, unsigned guesses)
{
	desk->guesses = guesses;
}

uint64_t account_desk_refused(const struct account_desk *desk)
{
	return desk->refused;
}

/* ---- tries ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint8_t octet)
{
	return (hash ^ octet) * UINT64_C(0x100000001b3);
}

/* Names are compared without case, as accounts are. */
static uint64_t key_of(const struct account_desk *desk, const char *name, const char *station)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof desk->seed; i++)
		hash = mix(hash, desk->seed[i]);
	for (const char *c = name; *c; c++)
		hash = mix(hash, (uint8_t)tolower((unsigned char)*c));
	hash = mix(hash, 0);
	for (const char *c = station; *c; c++)
		hash = mix(hash, (uint8_t)tolower((unsigned char)*c));
	/* What is near to each other is spread over the sets. */
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

static struct count *count_of(struct account_desk *desk, uint64_t key, msec now)
{
	struct count *set = desk->counts[key % SETS], *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key && set[i].tries > 0) {
			oldest = &set[i];
			break;
		}
		if (set[i].tries == 0 || set[i].began < oldest->began)
			oldest = &set[i];
	}
	if (oldest->key != key || now - oldest->began >= ACCOUNT_GUESSES_TIME)
		*oldest = (struct count){ .key = key, .began = now };
	return oldest;
}

/* Seconds until the next is looked at; 0: now. */
static unsigned try(struct account_desk *desk, const char *name, const char *station, unsigned most)
{
	msec now = loop_now().mono;
	struct count *count = count_of(desk, key_of(desk, name, station), now);

	if (most > 0 && count->tries >= most)
		return (unsigned)((ACCOUNT_GUESSES_TIME - (now - count->began)) / 1000) + 1;
	count->tries++;
	return 0;
}

static void take_back(struct account_desk *desk, const char *name, const char *station, bool all)
{
	struct count *count = count_of(desk, key_of(desk, name, station), loop_now().mono);

	if (all)
		count->tries = 0;
	else if (count->tries > 0)
		count->tries--;
}

void account_desk_outcome(struct account_desk *desk, const struct outcome *outcome)
{
	if (!desk || !outcome->accepted || !outcome->account[0])
		return;
	take_back(desk, outcome->account, outcome->where.calling_station, true);
	if (!outcome->report.resumed)
		take_back(desk, outcome->account, "", false);
}

/* ---- questions ------------------------------------------------------------------------------ */

static void found(void *context, struct account *taken)
{
	struct pending *p = context;

	if (p->desk)
		pool_account_told(p->desk->pool, &p->ask, taken);
	else
		account_done(taken);
	list_remove(&p->node);
	free(p);
}

static void tell(struct account_desk *desk, const struct pool_ask *ask, const char *name,
		 enum account_state state, unsigned wait)
{
	struct account account = { .state = state, .wait = wait };

	snprintf(account.name, sizeof account.name, "%s", name);
	pool_account_told(desk->pool, ask, &account);
}

static void look_up(struct account_desk *desk, struct accounts *accounts,
		    const struct pool_ask *ask, const char *name)
{
	struct pending *p = accounts ? calloc(1, sizeof *p) : NULL;

	if (!p) {
		tell(desk, ask, name, ACCOUNT_UNREACHABLE, 0);
		return;
	}
	*p = (struct pending){ .desk = desk, .ask = *ask };
	list_init(&p->node);
	list_append(&desk->pending, &p->node);
	if (accounts->find(accounts, name, found, p) < 0) {
		list_remove(&p->node);
		free(p);
		tell(desk, ask, name, ACCOUNT_UNREACHABLE, 0);
	}
}

void account_desk_ask(struct account_desk *desk, struct accounts *accounts,
		      const struct message_account_asks *asks)
{
	const struct pool_ask ask = { asks->worker, asks->asker, asks->conversation };
	unsigned wait = 0;

	if (!asks->resumed)
		wait = try(desk, asks->name, asks->station, desk->guesses);
	if (!asks->resumed && wait == 0)
		wait = try(desk, asks->name, "", desk->guesses * ACCOUNT_GUESSES_SPREAD);
	if (wait > 0) {
		desk->refused++;
		tell(desk, &ask, asks->name, ACCOUNT_GUESSED, wait);
	} else if (asks->name[0]) {
		look_up(desk, accounts, &ask, asks->name);
	} else {
		tell(desk, &ask, asks->name, ACCOUNT_UNKNOWN, 0);
	}
}
