/* OpenSSL's own command at the other end: as a machine that enrolls, and as a CA. */
#include "tests/test.h"

#include <microhttpd.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/cmp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/cmp_client.h"
#include "drivers/loop.h"
#include "tests/enrol_duo.h"
#include "tests/unit/scratch.h"

extern char **environ;

static struct enrol_duo duo;
static struct scratch scratch;

/* ---- the command ----------------------------------------------------------------------------- */

#define ARGS_MAX 64

/* Words that are divided by blanks; "@" begins the name of a file in the scratch directory. */
static pid_t start(const char *words)
{
	static char text[4096];
	static char command[] = "openssl", part[] = "cmp";
	char *args[ARGS_MAX] = { command, part }, *at = text, *word, *keep;
	posix_spawn_file_actions_t quiet;
	size_t count = 2;
	pid_t pid;

	for (const char *p = words; *p; p++)
		at += *p == '@' ? sprintf(at, "%s/", scratch.path) : sprintf(at, "%c", *p);
	for (word = strtok_r(text, " ", &keep); word && count < ARGS_MAX - 1;
	     word = strtok_r(NULL, " ", &keep))
		args[count++] = word;
	args[count] = NULL;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	if (!getenv("LOUD"))
		posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, "openssl", &quiet, NULL, args, environ) != 0)
		test_skip("there is no openssl command");
	posix_spawn_file_actions_destroy(&quiet);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void put(const char *name, struct bytes content)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", scratch.path, name);
	pki_write(path, bytes_slice(&content), 0600);
	bytes_done(&content);
}

static void put_files(void)
{
	struct pki_spec spec = { .cn = "m.example.org",
				 .key = duo.key,
				 .key_usage = "critical,digitalSignature" };
	struct pki_cert made = pki_make(&spec, &duo.issuer);

	put("root.pem", pki_pem(duo.root.cert));
	put("ca.pem", pki_pem(duo.issuer.cert));
	put("ca.key", pki_key_pem(duo.issuer.key, NULL));
	put("old.pem", pki_pem(duo.old.cert));
	put("old.key", pki_key_pem(duo.old.key, NULL));
	put("new.pem", pki_pem(made.cert));
	put("new.key", pki_key_pem(duo.key, NULL));
	pki_cert_done(&made);
}

/* ---- the command asks, our server answers ---------------------------------------------------- */

struct far {
	struct MHD_Daemon *daemon;
	unsigned port;
	struct bytes received;
	struct enrol_output out;
	unsigned done, failed;
};
static struct far far;

static void serve(void)
{
	struct enrol_message in = { .data = bytes_slice(&far.received) };
	struct enrol_reply reply = { .accept = true };

	if (!duo.server_self && duo.server->init(&duo.server_job, &far.out, &duo.server_self) != OK)
		abort();
	duo.server_state = duo.server->process(duo.server_self, &in, &far.out, duo.now);
	while (duo.server_state == ENROL_ASKS) {
		const struct enrol_question *question = duo.server->question(duo.server_self);

		duo.questions[question->kind]++;
		if (question->kind == ENROL_ASKS_ISSUE) {
			struct pki_spec spec = { .cn = question->names->common_name,
						 .key = question->key };
			struct pki_cert made = pki_make(&spec, &duo.issuer);

			bytes_done(&duo.issued);
			duo.issued = pki_der(made.cert);
			pki_cert_done(&made);
			reply.certificate = bytes_slice(&duo.issued);
		}
		duo.server_state = duo.server->answer(duo.server_self, &reply, &far.out, duo.now);
	}
	if (duo.server_state == ENROL_FAILED)
		duo.server_fault = *duo.server->fault(duo.server_self);
	far.done += duo.server_state == ENROL_DONE;
	far.failed += duo.server_state == ENROL_FAILED;
	if (duo.server_state != ENROL_GOES_ON) {
		duo.server->free(duo.server_self);
		duo.server_self = NULL;
	}
}

static enum MHD_Result respond(void *context, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **state)
{
	struct MHD_Response *response;
	enum MHD_Result done;

	(void)context;
	(void)url;
	(void)method;
	(void)version;
	if (!*state) {
		*state = &far;
		bytes_clear(&far.received);
		return MHD_YES;
	}
	if (*size > 0) {
		enum status kept = bytes_append(&far.received, slice_of(data, *size), 65536);

		*size = 0;
		return kept == OK ? MHD_YES : MHD_NO;
	}
	serve();
	response = MHD_create_response_from_buffer(far.out.data.len, far.out.data.p,
						   MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", "application/pkixcmp");
	done = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return done;
}

static void far_begin(const struct enrol_server_protocol *server)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	far = (struct far){ 0 };
	scratch = scratch_make();
	enrol_duo_init(&duo, &cmp_peer, server);
	put_files();
	far.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, respond, NULL,
				      MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_END);
	REQUIRE(far.daemon != NULL);
	far.port = MHD_get_daemon_info(far.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static void far_end(void)
{
	MHD_stop_daemon(far.daemon);
	bytes_done(&far.received);
	enrol_output_done(&far.out);
	enrol_duo_done(&duo);
	scratch_done(&scratch);
}

/* The exit status of the command. */
static int command_asks(const char *words)
{
	char line[2048];

	snprintf(line, sizeof line, "-server 127.0.0.1:%u -certout @got.pem -msg_timeout 10 %s",
		 far.port, words);
	return status_of(start(line));
}

#define BY_MAC	"-ref token-7 -secret pass:0123456789abcdef "
#define BY_KEY	"-cert @old.pem -key @old.key -trusted @root.pem -untrusted @ca.pem "
#define SUBJECT "-newkey @new.key -subject /CN=m.example.org "

TEST(the_command_registers_by_mac)
{
	far_begin(&cmp_server);
	enrol_duo_by_token(&duo);
	CHECK_INT(command_asks("-cmd ir " BY_MAC SUBJECT "-implicit_confirm"), 0);
	CHECK_INT(command_asks("-cmd ir " BY_MAC SUBJECT), 0);
	CHECK_INT(command_asks("-cmd cr " BY_MAC SUBJECT), 0);
	CHECK_INT(command_asks("-cmd p10cr -csr @new.csr " BY_MAC), 1); /* no such file */
	CHECK_INT(far.done, 3);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 3);
	CHECK_INT(command_asks("-cmd ir -ref token-7 -secret pass:wrong " SUBJECT), 1);
	CHECK_INT(far.failed, 1);
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_PROOF);
	far_end();
}

TEST(the_command_renews_and_revokes)
{
	far_begin(&cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	CHECK_INT(command_asks("-cmd kur -newkey @new.key " BY_KEY), 0);
	CHECK_INT(command_asks("-cmd kur -newkey @new.key -implicit_confirm " BY_KEY), 0);
	/* by another certificate */
	CHECK_INT(command_asks("-cmd kur -newkey @new.key -cert @new.pem -key @new.key -trusted "
			       "@root.pem -untrusted @ca.pem"),
		  1);
	/* of another certificate */
	CHECK_INT(command_asks("-cmd kur -newkey @new.key -oldcert @new.pem " BY_KEY), 1);
	CHECK_INT(duo.server_fault.secondary, OSSL_CMP_PKIFAILUREINFO_badCertId + 1);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 2);
	duo.server_job.action = ENROL_REMOVE;
	CHECK_INT(command_asks("-cmd rr -oldcert @old.pem " BY_KEY), 0);
	CHECK_INT(duo.questions[ENROL_ASKS_REVOKE], 1);
	CHECK_INT(command_asks("-cmd rr -oldcert @new.pem " BY_KEY), 1);
	CHECK_INT(duo.questions[ENROL_ASKS_REVOKE], 1);
	far_end();
}

TEST(the_command_asks_for_ca_certificates)
{
	far_begin(&cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	CHECK_INT(command_asks("-cmd genm -infotype caCerts " BY_KEY), 0);
	CHECK_INT(command_asks("-cmd genm -infotype rootCaKeyUpdate " BY_KEY), 1);
	far_end();
}

/* ---- our machine asks, the command answers --------------------------------------------------- */

static struct loop loop;
static struct http *http;
static struct bytes answer;
static bool there;
static pid_t ca;
static char url[64];

static void on_answer(void *context, const struct http_answer *it)
{
	(void)context;
	there = !it->error && it->status == 200 && bytes_set(&answer, it->body) == OK;
	loop_stop(&loop);
}

static bool post(struct slice body)
{
	struct http_request request = { .url = url,
					.type = "application/pkixcmp",
					.body = body,
					.ceiling = 65536,
					.timeout = 60000,
					.done = on_answer };
	struct http_call *call;

	loop.stopping = false;
	REQUIRE(http_begin(http, &request, &call) == 0);
	REQUIRE(loop_run(&loop) == 0);
	return there;
}

/* A port that was free a moment ago, and that the kernel gives to nobody who does not ask for it.
 */
static unsigned a_port(void)
{
	for (;;) {
		struct sockaddr_in here = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		uint16_t drawn;
		bool free_now;

		REQUIRE(fd >= 0);
		REQUIRE(RAND_bytes((unsigned char *)&drawn, sizeof drawn) == 1);
		here.sin_port = htons((uint16_t)(10000 + drawn % 20000));
		free_now = bind(fd, (struct sockaddr *)&here, sizeof here) == 0;
		close(fd);
		if (free_now)
			return ntohs(here.sin_port);
	}
}

/* Looked up, because the command does not like to be connected to without a request. */
static bool listens(unsigned port, const char *table)
{
	char line[256], wanted[16];
	FILE *file = fopen(table, "r");
	bool found = false;

	snprintf(wanted, sizeof wanted, ":%04X ", port);
	while (file && !found && fgets(line, sizeof line, file))
		found = strstr(line, wanted) && strstr(line, " 0A ");
	if (file)
		fclose(file);
	return found;
}

static void wait_for(unsigned port)
{
	for (int tries = 0; tries < 4800; tries++) {
		if (listens(port, "/proc/net/tcp") || listens(port, "/proc/net/tcp6"))
			return;
		usleep(25000);
	}
}

static void near_begin(const struct enrol_peer_protocol *peer, const char *words)
{
	char line[2048];
	unsigned port = a_port();

	scratch = scratch_make();
	enrol_duo_init(&duo, peer, &cmp_server);
	put_files();
	REQUIRE(loop_init(&loop) == 0);
	REQUIRE(http_new(&loop, &http) == 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
	snprintf(line, sizeof line, "-port %u -rsp_cert @new.pem %s", port, words);
	ca = start(line);
	wait_for(port);
}

static void near_end(void)
{
	kill(ca, SIGTERM);
	(void)status_of(ca);
	http_free(http);
	loop_done(&loop);
	bytes_done(&answer);
	enrol_duo_done(&duo);
	scratch_done(&scratch);
}

static bool machine_asks(const struct enrol_fault *refusal)
{
	struct enrol_message in = { 0 };
	struct enrol_output out = { 0 };
	struct enrol_result result = { 0 };
	bool granted;

	REQUIRE(duo.peer->init(&duo.peer_job, &duo.peer_self) == OK);
	duo.peer_state = duo.peer->process(duo.peer_self, &in, &out, duo.now);
	while (out.data.len > 0 && post(bytes_slice(&out.data))) {
		if (duo.peer_state == ENROL_FAILED)
			break;
		in.data = bytes_slice(&answer);
		duo.peer_state = duo.peer->process(duo.peer_self, &in, &out, duo.now);
		if (duo.peer_state == ENROL_GOT)
			duo.peer_state = duo.peer->accept(duo.peer_self, refusal, &out, duo.now);
	}
	duo.peer->result(duo.peer_self, &result);
	duo.peer_fault = *duo.peer->fault(duo.peer_self);
	granted = duo.peer_state == ENROL_DONE &&
		  (duo.peer_job.action == ENROL_REMOVE ||
		   (result.cert && EVP_PKEY_eq(X509_get0_pubkey(result.cert), duo.key) == 1));
	if (!granted)
		test_note("state %d: %s", duo.peer_state, duo.peer_fault.description);
	duo.peer->free(duo.peer_self);
	duo.peer_self = NULL;
	enrol_output_done(&out);
	return granted;
}

#define CA_BY_MAC "-srv_ref ra -srv_secret pass:0123456789abcdef "
#define CA_BY_KEY                                                                                  \
	"-srv_cert @ca.pem -srv_key @ca.key -srv_trusted @root.pem -srv_untrusted @ca.pem "

static void registers(const struct enrol_peer_protocol *peer, const char *words)
{
	near_begin(peer, words);
	enrol_duo_by_token(&duo);
	CHECK(machine_asks(NULL));
	near_end();
}

TEST(we_register_by_mac)
{
	registers(&cmp_peer, CA_BY_MAC "-grant_implicitconf");
	registers(&cmp_basic_peer, CA_BY_MAC "-grant_implicitconf");
}

TEST(we_confirm)
{
	registers(&cmp_peer, CA_BY_MAC);
	registers(&cmp_basic_peer, CA_BY_MAC);
}

TEST(we_poll)
{
	registers(&cmp_peer, CA_BY_MAC "-poll_count 3 -check_after 0");
	registers(&cmp_basic_peer, CA_BY_MAC "-poll_count 3 -check_after 1 -grant_implicitconf");
}

TEST(we_do_not_poll_for_ever)
{
	near_begin(&cmp_peer, CA_BY_MAC "-poll_count 100000 -check_after 1");
	enrol_duo_by_token(&duo);
	CHECK(!machine_asks(NULL));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_LIMIT);
	near_end();
}

TEST(we_hear_of_a_rejection)
{
	near_begin(&cmp_peer, CA_BY_MAC "-pkistatus 2 -failure 15 -statusstring no");
	enrol_duo_by_token(&duo);
	CHECK(!machine_asks(NULL));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, OSSL_CMP_PKIFAILUREINFO_unacceptedPolicy + 1);
	CHECK_STR(duo.peer_fault.description, "unacceptedPolicy: no");
	near_end();
	near_begin(&cmp_peer, CA_BY_MAC "-send_error -send_unprot_err");
	enrol_duo_by_token(&duo);
	CHECK(!machine_asks(NULL));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	near_end();
}

TEST(we_do_not_take_what_nobody_vouches_for)
{
	near_begin(&cmp_peer, CA_BY_MAC "-send_unprotected");
	enrol_duo_by_token(&duo);
	CHECK(!machine_asks(NULL));
	CHECK_INT(duo.peer_fault.secondary, OSSL_CMP_PKIFAILUREINFO_badMessageCheck + 1);
	near_end();
}

TEST(we_register_by_signature_among_extra_certificates)
{
	near_begin(&cmp_peer, CA_BY_KEY "-rsp_extracerts @ca.pem -rsp_capubs @root.pem");
	enrol_duo_by_factory(&duo);
	CHECK(machine_asks(NULL));
	near_end();
}

TEST(we_tell_that_we_do_not_want_it)
{
	static const struct enrol_fault refusal = { .error = ENROL_ERROR_STORAGE,
						    .description = "full" };

	near_begin(&cmp_peer, CA_BY_MAC);
	enrol_duo_by_token(&duo);
	CHECK(!machine_asks(&refusal));
	CHECK(there); /* the certConf was taken */
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_STORAGE);
	near_end();
}

/* The command's CA only renews and revokes the one certificate that it has. */
TEST(we_renew_and_remove)
{
	X509 *cert = NULL;
	char path[512];
	FILE *file;

	near_begin(&cmp_peer, CA_BY_KEY);
	snprintf(path, sizeof path, "%s/new.pem", scratch.path);
	file = fopen(path, "r");
	REQUIRE(file && PEM_read_X509(file, &cert, NULL, NULL));
	fclose(file);
	enrol_duo_renews(&duo, ENROL_RENEW);
	duo.peer_job.old_cert = cert;
	duo.peer_job.old_key = duo.key;
	CHECK(machine_asks(NULL));
	duo.peer_job.action = ENROL_REMOVE;
	CHECK(machine_asks(NULL));
	X509_free(cert);
	near_end();
}
