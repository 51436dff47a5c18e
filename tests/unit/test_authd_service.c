/* latchkey-authd as a whole: it starts, takes a new configuration or keeps the old one, and stops,
 * whatever is on its way. */
#include "tests/test.h"

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
