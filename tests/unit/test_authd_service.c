/* latchkey-authd as a whole: it starts, takes a new configuration or keeps the old one, and stops,
 * whatever is on its way. */
#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"
#include "drivers/log.h"
#include "tests/unit/authd_rig.h"

struct service_rig {
	struct rig rig;
	struct loop loop;
	struct authd *authd;
	char path[160];
};

static void service_init(struct service_rig *s, const char *more)
{
	*s = (struct service_rig){ .authd = NULL };
	log_open(LOG_EMERG);
	rig_init(&s->rig);
	rig_configure(&s->rig, more);
	snprintf(s->path, sizeof s->path, "%s/latchkey-authd.conf", s->rig.dir.path);
	REQUIRE(loop_init(&s->loop) == 0);
}

static int service_start(struct service_rig *s)
{
	return authd_new(&s->loop, &(struct authd_options){ s->path, LOG_EMERG }, &s->authd);
}

static void service_done(struct service_rig *s)
{
	authd_free(s->authd);
	loop_done(&s->loop);
	rig_done(&s->rig);
}

TEST(it_stops_while_the_database_is_asked_for_keys)
{
	struct service_rig s;

	service_init(&s, "Resumption=tickets\n[Registry]\nDatabase=\nDatabase=@/registry.sqlite\n");
	CHECK_INT(service_start(&s), 0);
	service_done(&s);
}

TEST(a_reload_takes_all_of_a_configuration_or_nothing)
{
	struct service_rig s;
	struct diagnosis why;

	service_init(&s, "[Radius]\nListen=127.0.0.1:0\n");
	/* Port 0 is no port. */
	CHECK(service_start(&s) < 0);
	CHECK(s.authd == NULL);
	rig_configure(&s.rig, "[Policy]\nDefaultAction=reject\n");
	REQUIRE(service_start(&s) == 0);
	CHECK_INT(s.authd->config->settings.default_action, ACTION_REJECT);

	rig_configure(&s.rig, "[Policy]\nDefaultAction=perhaps\n");
	CHECK(authd_reload(s.authd, &why) < 0);
	CHECK_INT(why.id, DIAG_CONFIG);
	CHECK_INT(s.authd->config->settings.default_action, ACTION_REJECT);

	/* Every value is right, and the file that it names is not there. */
	rig_configure(&s.rig, "Crls=@/missing.pem\n[Policy]\nDefaultAction=accept\n");
	CHECK(authd_reload(s.authd, &why) < 0);
	CHECK_INT(why.id, DIAG_CONFIG);
	CHECK(strstr(diagnosis_evidence(&why, "detail"), "missing.pem") != NULL);
	CHECK_INT(s.authd->config->settings.default_action, ACTION_REJECT);

	rig_configure(&s.rig, "[Policy]\nDefaultAction=accept\n");
	CHECK_INT(authd_reload(s.authd, &why), 0);
	CHECK_INT(s.authd->config->settings.default_action, ACTION_ACCEPT);
	service_done(&s);
}

TEST(it_does_not_start_without_its_credential)
{
	struct service_rig s;

	service_init(&s, "Credential=\nCredential=nobody\n");
	CHECK(service_start(&s) < 0);
	service_done(&s);
}

/* ---- who was revoked at another server ---- */

#define MACHINES 40

struct putting_out_rig {
	struct service_rig s;
	struct registry *elsewhere;
	unsigned busy; /* how often as many switches are asked as may be */
	unsigned out[MACHINES];
	unsigned all;
};

static struct putting_out_rig *playing;

static int note_out(void *self, const char *target, const char *actor, struct diagnosis *why)
{
	struct putting_out_rig *p = playing;
	struct authd *a = self;
	int n = atoi(target);

	(void)why;
	CHECK(pool_knows_who_is_out(a->pool));
	CHECK_STR(actor, "registry");
	if (p->all == 2 && p->busy > 0) {
		p->busy--;
		return -EAGAIN;
	}
	if (n >= 0 && n < MACHINES)
		p->out[n]++;
	if (++p->all == MACHINES)
		loop_stop(&p->s.loop);
	return 1;
}

static void revoke_all(struct putting_out_rig *p)
{
	int64_t now = loop_now().wall;

	REQUIRE(registry_begin(p->elsewhere, true) == 0);
	for (int i = 0; i < MACHINES; i++) {
		struct registry_credential c = { .issued = now, .not_after = now + 86400 };
		struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = now };

		snprintf(c.issuer, sizeof c.issuer, "CN=Authority");
		snprintf(c.serial, sizeof c.serial, "10%02x", (unsigned)i);
		snprintf(c.machine, sizeof c.machine, "%d", i);
		snprintf(m.identifier, sizeof m.identifier, "%d", i);
		REQUIRE(registry_machine_seen(p->elsewhere, &m) == 0);
		REQUIRE(registry_credential_issued(p->elsewhere, &c, slice_str("")) == 0);
		REQUIRE(registry_credential_revoke(p->elsewhere, c.issuer, c.serial, now,
						   "unspecified") == 1);
	}
	REQUIRE(registry_commit(p->elsewhere) == 0);
}

TEST(all_who_were_revoked_elsewhere_are_put_out_once)
{
	struct putting_out_rig p = { .busy = 1 };
	char file[180];
	struct registry_settings settings = { .file = file, .origin = "elsewhere" };
	struct diagnosis why;

	playing = &p;
	service_init(&p.s, "[Registry]\nDatabase=\nDatabase=@/registry.sqlite\n");
	REQUIRE(service_start(&p.s) == 0);
	snprintf(file, sizeof file, "%s/registry.sqlite", p.s.rig.dir.path);
	REQUIRE(registry_open(&settings, &p.elsewhere, &why) == 0);
	p.s.authd->view.disconnect = note_out;
	revoke_all(&p);
	REQUIRE(lists_refresh(p.s.authd->lists));
	REQUIRE(loop_run(&p.s.loop) == 0);
	CHECK_INT(p.busy, 0);
	for (int i = 0; i < MACHINES; i++)
		CHECK_INT(p.out[i], 1);
	registry_free(p.elsewhere);
	service_done(&p.s);
}
