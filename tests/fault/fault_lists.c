/* What was revoked, without memory: those who ask are told of all of it, or are not told yet; what
 * is published for others is whole or is not there. */
#include "authd/ca_keeper.h"
#include "authd/lists.h"
#include "drivers/log.h"
#include "tests/fault/fault.h"
#include "tests/unit/scratch.h"

#define REVOKED 3

#define need(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static struct scratch dir;
static struct config *config;
static struct registry_settings database = { .origin = "here" };
static char file[160];

/* ---- the site ---- */

static void make_authority(void)
{
	const struct ca_order order = { .name = "Example", .server = "radius.example.org" };
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct ca_keeper keeper = { 0 };
	struct diagnosis why = { 0 };
	char text[600];

	snprintf(text, sizeof text,
		 "[Service]\nKeystore=%s/keystore\n[Tls]\nCredential=server\n"
		 "[Registry]\nDatabase=%s\n[Authority]\nCredential=ca\nCrlFile=%s/list.crl\n",
		 dir.path, file, dir.path);
	need(config_load(scratch_put(&dir, "latchkey-authd.conf", text, 0600), &config, &errors) ==
	     0);
	need(ca_keeper_open(config, true, loop_now().wall, &keeper, &why) == 0);
	need(ca_keeper_init(&keeper, &order, &why) == 0);
	ca_keeper_done(&keeper);
}

static void revoke_some(void)
{
	int64_t now = loop_now().wall;
	struct registry *registry;
	struct diagnosis why;

	need(registry_open(&database, &registry, &why) == 0);
	need(registry_begin(registry, true) == 0);
	for (int i = 0; i < REVOKED; i++) {
		struct registry_credential c = { .issued = now, .not_after = now + 86400 };

		snprintf(c.issuer, sizeof c.issuer, "CN=Authority %d", i % 2);
		snprintf(c.serial, sizeof c.serial, "0%d", i + 1);
		snprintf(c.fingerprint, sizeof c.fingerprint, "f-%d", i);
		need(registry_credential_issued(registry, &c, slice_str("")) == 0);
		need(registry_credential_revoke(registry, c.issuer, c.serial, now, "unspecified") ==
		     1);
	}
	need(registry_commit(registry) == 0);
	registry_free(registry);
}

/* ---- the play ---- */

struct told {
	unsigned times;
	size_t count;
};

static void on_changed(void *context, struct revoked *revoked)
{
	struct told *told = context;

	told->times++;
	told->count = revoked_count(revoked);
}

static void on_out(void *context, const char *machine)
{
	(void)context;
	(void)machine;
}

static void on_read(void *context)
{
	(void)context;
}

static void on_staple(void *context, struct slice response)
{
	(void)context;
	(void)response;
}

static bool reads(struct loop *loop, struct recorder *recorder)
{
	struct told told = { 0 };
	const struct lists_events events = {
		.changed = on_changed,
		.out = on_out,
		.removed = on_out,
		.read = on_read,
		.staple = on_staple,
		.context = &told,
	};
	struct lists *lists;
	struct diagnosis why = { 0 };
	bool right;
	int r;

	if (lists_new(loop, recorder, &events, &lists) < 0)
		return fault_happened();
	r = lists_configure(lists, config, &why);
	lists_settle(lists);
	if (r < 0)
		right = fault_happened() && why.id != DIAG_NONE;
	else
		right = fault_happened() || told.times == 1;
	right = right && (told.times == 0 || told.count == REVOKED);
	lists_stop(lists);
	fault_suspend();
	recorder_free(recorder);
	fault_resume();
	lists_free(lists);
	return right;
}

static bool what_was_revoked(void)
{
	struct recorder_settings settings = { .registry = database };
	struct recorder *recorder = NULL;
	struct diagnosis why;
	struct loop loop;
	bool right;

	fault_suspend();
	need(loop_init(&loop) == 0 && recorder_new(&loop, &settings, &recorder, &why) == 0);
	fault_resume();
	right = reads(&loop, recorder);
	fault_suspend();
	loop_done(&loop);
	fault_resume();
	return right;
}

int main(void)
{
	fault_init();
	log_open(-1);
	dir = scratch_make_fast();
	snprintf(file, sizeof file, "%s/registry.db", dir.path);
	database.file = file;
	make_authority();
	revoke_some();
	fault_each("what was revoked is read and published", what_was_revoked);
	config_free(config);
	scratch_done(&dir);
	return fault_end();
}
