/* Tokens, machines and accounts over the control socket. */
#include <jansson.h>

#include "authd/registry_enrol.h"
#include "tests/unit/control_bench.h"

DEFINE_AUTO(json_t, json_decref);

static void begin(struct bench *b)
{
	prepare(b);
	b->view.reauth = disconnect;
	with_registry(b);
	open_control(b);
}

/* The result, which is the caller's; NULL when it was refused. */
static json_t *ask(struct bench *b, const char *request)
{
	char line[1024];
	AUTO(json_t) answer = NULL;

	snprintf(line, sizeof line, "%s\n", request);
	answer = json_loads(talk(b, line), 0, NULL);
	REQUIRE(json_is_object(answer));
	if (!json_is_true(json_object_get(answer, "ok")))
		test_note("%s: %s", request, json_string_value(json_object_get(answer, "message")));
	return json_incref(json_object_get(answer, "result"));
}

static void refused(struct bench *b, const char *request, const char *error)
{
	char line[1024];

	snprintf(line, sizeof line, "%s\n", request);
	if (!strstr(talk(b, line), error))
		test_note("%s: %s", request, (const char *)b->reply.p);
	CHECK(strstr((const char *)b->reply.p, error) != NULL);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static bool audited(struct bench *b, const char *event)
{
	AUTO(json_t) rows = ask(b, "{\"command\":\"audit\"}");
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(text(row, "event"), event) == 0)
			return true;
	}
	return false;
}

/* ---- tokens ---- */

TEST(token_is_shown_once)
{
	AUTO_VALUE(bench) b;
	struct token token;
	struct diagnosis why;
	char id[TOKEN_ID_TEXT_MAX];

	begin(&b);

	AUTO(json_t)
	made = ask(&b,
		   "{\"command\":\"token-create\",\"uses\":3,\"lifetime\":600,"
		   "\"profile\":\"printer\",\"station\":\"02-00-00-00-00-01\",\"name\":\"p7\"}");

	REQUIRE(token_parse(slice_str(text(made, "text")), &token, &why) == OK);
	token_id_format(token.id, id);
	CHECK_STR(text(made, "token"), id);
	CHECK_INT(token.pin[15], 0x77);

	AUTO(json_t) list = ask(&b, "{\"command\":\"token-list\"}");
	const json_t *row = json_array_get(list, 0);

	CHECK_INT(json_array_size(list), 1);
	CHECK_STR(text(row, "token"), id);
	CHECK_STR(text(row, "state"), "good");
	CHECK_STR(text(row, "name"), "p7");
	CHECK_INT(json_integer_value(json_object_get(row, "uses")), 3);
	CHECK(!json_object_get(row, "text"));
	CHECK_INT(json_integer_value(json_object_get(row, "expires")) -
			  json_integer_value(json_object_get(row, "made")),
		  600);
	CHECK(audited(&b, "token.created"));
}

TEST(token_is_revoked_by_its_name_or_as_a_whole)
{
	AUTO_VALUE(bench) b;
	char request[256];

	begin(&b);

	AUTO(json_t) one = ask(&b, "{\"command\":\"token-create\"}");
	AUTO(json_t) other = ask(&b, "{\"command\":\"token-create\"}");

	snprintf(request, sizeof request, "{\"command\":\"token-revoke\",\"target\":\"%s\"}",
		 text(one, "token"));
	json_decref(ask(&b, request));
	refused(&b, request, "not-found");
	snprintf(request, sizeof request, "{\"command\":\"token-revoke\",\"target\":\"%s\"}",
		 text(other, "text"));
	json_decref(ask(&b, request));

	AUTO(json_t) list = ask(&b, "{\"command\":\"token-list\",\"limit\":5}");

	CHECK_STR(text(json_array_get(list, 0), "state"), "revoked");
	CHECK_STR(text(json_array_get(list, 1), "state"), "revoked");
	refused(&b, "{\"command\":\"token-revoke\",\"target\":\"what\"}", "not-found");
	CHECK(audited(&b, "token.revoked"));
}

TEST(token_of_senseless_limits_is_refused)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	refused(&b, "{\"command\":\"token-create\",\"uses\":0}", "from 1 to");
	refused(&b, "{\"command\":\"token-create\",\"uses\":\"1\"}", "from 1 to");
	refused(&b, "{\"command\":\"token-create\",\"lifetime\":-5}", "from 1 to");
	refused(&b, "{\"command\":\"token-create\",\"reason\":\"x\"}", "does not take");
	refused(&b, "{\"command\":\"token-revoke\"}", "needs a");
	b.view.token_pin = NULL;
	refused(&b, "{\"command\":\"token-create\"}", "unavailable");
	refused(&b, "{\"command\":\"token-list\",\"target\":\"x\"}", "does not take");
}

TEST(only_who_may_do_everything_makes_tokens)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	CHECK(strstr(talk_as(&b, "{\"command\":\"token-create\"}\n", 4711, OPERATOR),
		     "forbidden") != NULL);
	CHECK(strstr(talk_as(&b, "{\"command\":\"account-list\"}\n", 4711, OPERATOR),
		     "\"ok\":true") != NULL);
}

/* ---- machines ---- */

static void issue(struct bench *b, const char *machine, const char *serial)
{
	const struct registry_machine_facts facts = { .enrolled = 1790000000,
						      .enrolled_by = "token 01234567",
						      .mud_url = "https://mud.example.org/p" };
	struct registry_settings settings = { .origin = "there" };
	struct registry_credential c = { .issuer = "CN=CA",
					 .issued = 1790000000,
					 .not_after = 4000000000 };
	AUTO_VALUE(bytes) before = { 0 };
	struct registry *registry = NULL;
	char file[100];

	snprintf(file, sizeof file, "%s/registry.db", b->dir.path);
	snprintf(c.machine, sizeof c.machine, "%s", machine);
	snprintf(c.subject, sizeof c.subject, "%s", machine);
	snprintf(c.serial, sizeof c.serial, "%s", serial);
	settings.file = file;
	REQUIRE(registry_open(&settings, &registry, &b->why) == 0);
	REQUIRE(registry_begin(registry, true) == 0);
	REQUIRE(registry_issue(registry, &c, slice_str("der"), &facts, "x", &before) ==
		REGISTRY_ISSUED);
	REQUIRE(registry_commit(registry) == 0);
	registry_free(registry);
}

/* It was let in, from somewhere. */
static void see(struct bench *b, const char *machine)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = 1790000000 };

	snprintf(m.identifier, sizeof m.identifier, "%s", machine);
	snprintf(m.station, sizeof m.station, "02-00-00-00-00-01");
	REQUIRE(recorder_machine(b->recorder, &m));
}

TEST(machine_is_shown_with_what_it_has)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	issue(&b, "CN=p7", "0a");
	issue(&b, "CN=p7", "0b");

	AUTO(json_t) machine = ask(&b, "{\"command\":\"machine-show\",\"target\":\"p7\"}");

	CHECK_STR(text(machine, "machine"), "CN=p7");
	CHECK_STR(text(machine, "mud_url"), "https://mud.example.org/p");
	CHECK_STR(text(machine, "enrolled_by"), "token 01234567");
	CHECK_INT(json_array_size(json_object_get(machine, "credentials")), 2);
	refused(&b, "{\"command\":\"machine-show\",\"target\":\"p8\"}", "not-found");
}

TEST(machine_that_is_revoked_is_put_out)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	issue(&b, "CN=p7", "0a");
	refused(&b, "{\"command\":\"machine-revoke\",\"target\":\"p7\",\"reason\":\"whim\"}",
		"no such reason");

	AUTO(json_t)
	result = ask(&b, "{\"command\":\"machine-revoke\",\"target\":\"CN=p7\","
			 "\"reason\":\"key-compromise\"}");

	CHECK_INT(json_integer_value(json_object_get(result, "revoked")), 1);
	CHECK_STR(b.target, "CN=p7");
	CHECK_INT(b.revoked, 1);
	CHECK(audited(&b, "machine.revoked"));

	AUTO(json_t) machine = ask(&b, "{\"command\":\"machine-show\",\"target\":\"CN=p7\"}");
	const json_t *credential = json_array_get(json_object_get(machine, "credentials"), 0);

	CHECK_STR(text(credential, "reason"), "key-compromise");
	CHECK(json_integer_value(json_object_get(credential, "revoked")) > 0);
}

TEST(machine_is_asked_to_renew)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	issue(&b, "CN=p7", "0a");
	see(&b, "CN=p7");

	AUTO(json_t) result = ask(&b, "{\"command\":\"machine-renew\",\"target\":\"p7\"}");
	AUTO(json_t) machine = ask(&b, "{\"command\":\"machine-show\",\"target\":\"p7\"}");

	CHECK_STR(text(result, "machine"), "CN=p7");
	CHECK_STR(b.target, "CN=p7");
	CHECK_INT(b.revoked, 0);
	CHECK(json_integer_value(json_object_get(machine, "renew_wanted")) > 0);
	CHECK_INT(b.wished, 1);
}

/* ---- accounts ---- */

TEST(account_is_added_changed_and_removed)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	json_decref(
		ask(&b, "{\"command\":\"account-add\",\"target\":\"Ada\",\"hash\":\"$scrypt$x\"}"));
	refused(&b, "{\"command\":\"account-add\",\"target\":\"ada\",\"hash\":\"y\"}", "not-found");
	json_decref(ask(&b, "{\"command\":\"account-password\",\"target\":\"ada\",\"hash\":\"z\","
			    "\"nt-hash\":\"00112233445566778899aabbccddeeff\"}"));
	refused(&b, "{\"command\":\"account-password\",\"target\":\"bob\",\"hash\":\"z\"}",
		"not-found");
	refused(&b,
		"{\"command\":\"account-password\",\"target\":\"ada\",\"hash\":\"z\","
		"\"nt-hash\":\"0011\"}",
		"failed");
	refused(&b, "{\"command\":\"account-add\",\"target\":\"bob\"}", "needs a");

	AUTO(json_t) list = ask(&b, "{\"command\":\"account-list\"}");
	const json_t *row = json_array_get(list, 0);

	CHECK_INT(json_array_size(list), 1);
	CHECK_STR(text(row, "account"), "Ada");
	CHECK(json_is_true(json_object_get(row, "nt_hash")));
	CHECK(json_is_false(json_object_get(row, "clear_text")));
	CHECK_STR(b.target, "");
	json_decref(ask(&b, "{\"command\":\"account-remove\",\"target\":\"ADA\"}"));
	CHECK_STR(b.target, "ADA");
	CHECK_INT(b.revoked, 1);
	refused(&b, "{\"command\":\"account-remove\",\"target\":\"ada\"}", "not-found");
	CHECK(audited(&b, "account.added") && audited(&b, "account.removed"));
}
