/* The control socket. */
#include "tests/unit/control_bench.h"

/* ---- requests ---- */

static void refused(const char *line, const char *reason)
{
	struct control_request r;
	char wrong[256] = "";

	CHECK_INT(control_request_parse(line, strlen(line), &r, wrong, sizeof wrong), -EINVAL);
	if (!strstr(wrong, reason))
		test_note("%s: %s", line, wrong);
	CHECK(strstr(wrong, reason) != NULL);
}

TEST(requests_are_parsed)
{
	struct control_request r;
	char wrong[256];
	const char *line = "{\"command\":\"disconnect\",\"target\":\"02:00:00:00:00:01\"}";

	CHECK_INT(control_request_parse(line, strlen(line), &r, wrong, sizeof wrong), 0);
	CHECK_INT(r.command, CONTROL_DISCONNECT);
	CHECK_STR(r.target, "02:00:00:00:00:01");
	line = "{\"limit\":7,\"command\":\"audit\"}";
	CHECK_INT(control_request_parse(line, strlen(line), &r, wrong, sizeof wrong), 0);
	CHECK_INT(r.command, CONTROL_AUDIT);
	CHECK_INT(r.limit, 7);
	for (int i = 0; i < CONTROL_COMMAND_COUNT; i++)
		CHECK(control_command_right((enum control_command)i) != CONTROL_NOTHING);
}

TEST(what_is_no_request_is_refused_in_a_sentence)
{
	refused("", "no JSON");
	refused("status", "no JSON");
	refused("[]", "an object");
	refused("{}", "\"command\"");
	refused("{\"command\":1}", "\"command\"");
	refused("{\"command\":\"sesions\"}", "did you mean sessions?");
	refused("{\"command\":\"status\",\"command\":\"reload\"}", "duplicate");
	refused("{\"command\":\"status\",\"target\":\"x\"}", "does not take");
	refused("{\"command\":\"disconnect\"}", "needs a \"target\"");
	refused("{\"command\":\"disconnect\",\"target\":\"\"}", "name of a session");
	refused("{\"command\":\"disconnect\",\"target\":[]}", "name of a session");
	refused("{\"command\":\"audit\",\"limit\":0}", "from 1 to");
	refused("{\"command\":\"audit\",\"limit\":10001}", "from 1 to");
	refused("{\"command\":\"audit\",\"limit\":\"1\"}", "from 1 to");
	refused("{\"command\":\"\\u001b[2J\"}", "there is no command \"?[2J\"");
}

/* ---- answers ---- */

TEST(questions_are_answered_in_order)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b);
	open_control(&b);
	CHECK_STR(talk(&b, "{\"command\":\"status\"}\n{\"command\":\"sessions\"}\nx\n"),
		  "{\"ok\":true,\"result\":{\"version\":\"1\"}}\n"
		  "{\"ok\":true,\"result\":[]}\n"
		  "{\"ok\":false,\"error\":\"invalid\",\"message\":\"this is no JSON: '[' or '{' "
		  "expected near 'x' at column 1\"}\n");
	CHECK_STR(talk(&b, ""), "");
	CHECK_STR(talk(&b, "{\"command\":\"status\"}"), "");
	CHECK(strstr(talk(&b, "{\"command\":\"servers\"}\n"), "\"unavailable\"") != NULL);
}

TEST(actions_are_done_and_told)
{
	AUTO_VALUE(bench) b = { 0 };
	char actor[32];

	prepare(&b);
	with_registry(&b);
	open_control(&b);
	CHECK_STR(talk(&b, "{\"command\":\"disconnect\",\"target\":\"s1\"}\n"),
		  "{\"ok\":true,\"result\":{\"sessions\":2}}\n");
	snprintf(actor, sizeof actor, "user %u", (unsigned)geteuid());
	CHECK_STR(b.actor, actor);
	CHECK(strstr(talk(&b, "{\"command\":\"disconnect\",\"target\":\"s2\"}\n"),
		     "\"error\":\"not-found\"") != NULL);
	CHECK(strstr(talk(&b, "{\"command\":\"disconnect\",\"target\":\"broken\"}\n"),
		     "it is stuck") != NULL);
	CHECK(strstr(talk(&b, "{\"command\":\"reload\"}\n"), "line 3 is wrong") != NULL);
	CHECK(strstr(talk(&b, "{\"command\":\"reauth\",\"target\":\"s1\"}\n"), "unavailable") !=
	      NULL);
	/* It stands in the audit trail, and there alone where it has worked. */
	const char *trail = talk(&b, "{\"command\":\"audit\"}\n");

	CHECK(strstr(trail, "\"event\":\"session.disconnect\"") != NULL);
	CHECK(strstr(trail, "\"subject\":\"s1\"") != NULL);
	CHECK(strstr(trail, "s2") == NULL);
	CHECK(strstr(trail, actor) != NULL);
}

TEST(audit_trail_is_verified_in_pieces)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_audit e = { .event = "test" };
	const char *verdict;

	prepare(&b);
	with_registry(&b);
	open_control(&b);
	for (int i = 0; i < 2500; i++)
		REQUIRE(recorder_audit(b.recorder, &e));
	verdict = talk(&b, "{\"command\":\"audit-verify\"}\n{\"command\":\"status\"}\n");
	CHECK(strstr(verdict,
		     "{\"ok\":true,\"result\":{\"intact\":true,\"entries\":2500,"
		     "\"chains\":[{\"origin\":\"here\",\"entries\":2500,\"digest\":\"") == verdict);
	CHECK(strstr(verdict, "\"version\":\"1\"") != NULL);
	CHECK(strstr(talk(&b, "{\"command\":\"machines\"}\n"), "\"result\":[]") != NULL);
}

TEST(without_a_registry_there_is_no_audit_trail)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b);
	open_control(&b);
	CHECK(strstr(talk(&b, "{\"command\":\"audit\"}\n"), "\"unavailable\"") != NULL);
}

/* ---- those who may not ---- */

TEST(rights_are_those_of_the_peer)
{
	AUTO_VALUE(bench) b = { 0 };

	if (geteuid() != 0) {
		test_skip("only root can be several users");
		return;
	}
	prepare(&b);
	open_control(&b);
	CHECK(strstr(talk_as(&b, "{\"command\":\"status\"}\n", NOBODY, OPERATOR), "\"ok\":true") !=
	      NULL);
	CHECK(strstr(talk_as(&b, "{\"command\":\"reload\"}\n", NOBODY, OPERATOR),
		     "\"error\":\"forbidden\"") != NULL);
	CHECK(strstr(talk_as(&b, "{\"command\":\"disconnect\",\"target\":\"s1\"}\n", NOBODY,
			     OPERATOR),
		     "\"error\":\"forbidden\"") != NULL);
	CHECK_STR(b.target, "");
	CHECK(strstr(talk_as(&b, "{\"command\":\"status\"}\n", NOBODY, 0),
		     "\"error\":\"forbidden\"") != NULL);
}

/* ---- hostile ones ---- */

TEST(line_without_an_end_is_refused)
{
	AUTO_VALUE(bench) b = { 0 };
	char text[3 * CONTROL_LINE_MAX] = { 0 };

	prepare(&b);
	open_control(&b);
	memset(text, 'x', sizeof text - 1);
	CHECK_STR(talk(&b, text), "{\"ok\":false,\"error\":\"invalid\",\"message\":\"this request "
				  "is too long\"}\n");
}

TEST(long_answer_comes_whole)
{
	AUTO_VALUE(bench) b = { 0 };
	AUTO_VALUE(bytes) twice = { 0 };
	const char *reply;

	prepare(&b);
	open_control(&b);
	b.rows = 100000;
	reply = talk(&b, "{\"command\":\"sessions\"}\n{\"command\":\"status\"}\n");
	CHECK(strstr(reply, "\"number\":99999") != NULL);
	CHECK(strstr(reply, "\n{\"ok\":true,\"result\":{\"version\":\"1\"}}\n") != NULL);
	/* One that is longer than an answer may be. */
	b.rows = 1000000;
	CHECK(strstr(talk(&b, "{\"command\":\"sessions\"}\n"), "too large") != NULL);
}

TEST(too_many_are_told_so)
{
	AUTO_VALUE(bench) b = { 0 };
	int idle[CONTROL_CLIENTS_MAX];

	prepare(&b);
	open_control(&b);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		idle[i] = dial(&b);
	CHECK(strstr(talk(&b, "{\"command\":\"status\"}\n"), "\"error\":\"busy\"") != NULL);
	close(idle[0]);
	/* That it has gone is seen while this one is turned away, or before. */
	talk(&b, "{\"command\":\"status\"}\n");
	CHECK(strstr(talk(&b, "{\"command\":\"status\"}\n"), "\"ok\":true") != NULL);
	for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
		close(idle[i]);
}

TEST(client_that_goes_while_it_is_answered_is_forgotten)
{
	AUTO_VALUE(bench) b = { 0 };
	int fd;

	prepare(&b);
	with_registry(&b);
	open_control(&b);
	fd = dial(&b);
	CHECK(write(fd, "{\"command\":\"audit-verify\"}\n", 27) == 27);
	close(fd);
	CHECK(strstr(talk(&b, "{\"command\":\"audit\"}\n"), "\"ok\":true") != NULL);
	/* And one whose question is under way when all ends. */
	fd = dial(&b);
	CHECK(write(fd, "{\"command\":\"audit-verify\"}\n", 27) == 27);
	talk(&b, "{\"command\":\"status\"}\n");
	control_free(TAKE(b.control));
	close(fd);
}

/* ---- the socket ---- */

TEST(socket_that_was_left_is_replaced_and_one_in_use_is_not)
{
	AUTO_VALUE(bench) b = { 0 };
	struct control *again = NULL;
	struct control_settings settings;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	prepare(&b);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", b.path);
	REQUIRE(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	close(fd);
	open_control(&b);
	settings = (struct control_settings){ b.path, geteuid(), OPERATOR };
	CHECK_INT(control_new(&b.loop, &settings, &b.view, NULL, &again, &b.why), -EADDRINUSE);
	CHECK(strstr(diagnosis_evidence(&b.why, "detail"), b.path) != NULL);
	CHECK(access(b.path, F_OK) == 0);
	control_free(TAKE(b.control));
	CHECK(access(b.path, F_OK) < 0);
	scratch_put(&b.dir, "control", "a file", 0600);
	CHECK_INT(control_new(&b.loop, &settings, &b.view, NULL, &again, &b.why), -EEXIST);
	CHECK(access(b.path, F_OK) == 0);
}
