/* Questions to an OCSP responder over HTTP, on loopback. */
#include "tests/test.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "authd/staple.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

static struct pki_cert ca, other_ca, client;
static struct bytes client_der, ca_der;

/* ---- the responder ---- */

struct responder {
	struct MHD_Daemon *daemon;
	char url[64];
	unsigned status;
	struct bytes says;
	bool silent;
	atomic_int asked;
	atomic_bool well_formed;
	struct bytes received;
};

static enum MHD_Result respond(void *context, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **state)
{
	struct responder *r = context;
	struct MHD_Response *response;
	enum MHD_Result done;

	(void)url;
	(void)version;
	if (!*state) {
		*state = r;
		bytes_clear(&r->received);
		return MHD_YES;
	}
	if (*size > 0) {
		enum status kept = bytes_append(&r->received, slice_of(data, *size), 4096);

		*size = 0;
		return kept == OK ? MHD_YES : MHD_NO;
	}

	const unsigned char *p = r->received.p;
	OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &p, (long)r->received.len);
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");

	r->well_formed = request && OCSP_request_onereq_count(request) == 1 &&
			 strcmp(method, "POST") == 0 && type &&
			 strcmp(type, "application/ocsp-request") == 0;
	OCSP_REQUEST_free(request);
	r->asked++;
	if (r->silent)
		return MHD_NO;
	response = MHD_create_response_from_buffer(r->says.len, r->says.p, MHD_RESPMEM_MUST_COPY);
	done = MHD_queue_response(connection, r->status, response);
	MHD_destroy_response(response);
	return done;
}

static void responder_init(struct responder *r, struct bytes says)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*r = (struct responder){ .status = 200, .says = says };
	r->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, respond, r,
				     MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_END);
	REQUIRE(r->daemon != NULL);
	snprintf(r->url, sizeof r->url, "http://127.0.0.1:%u/",
		 MHD_get_daemon_info(r->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static void responder_done(struct responder *r)
{
	MHD_stop_daemon(r->daemon);
	bytes_done(&r->says);
	bytes_done(&r->received);
}

/* ---- who asks ---- */

struct rig {
	struct loop loop;
	struct http *http;
	struct ocsp *ocsp;
	int told, wanted;
	struct ocsp_finding last;
	size_t response_len;
};

static void on_told(void *context, const struct ocsp_finding *finding)
{
	struct rig *rig = context;

	rig->last = *finding;
	rig->response_len = finding->response.len;
	if (++rig->told >= rig->wanted)
		loop_stop(&rig->loop);
}

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .wanted = 1 };
	REQUIRE(loop_init(&rig->loop) == 0);
	REQUIRE(http_new(&rig->loop, &rig->http) == 0);
	REQUIRE(ocsp_new(rig->http, &rig->ocsp) == 0);
}

static void rig_done(struct rig *rig)
{
	ocsp_free(rig->ocsp);
	http_free(rig->http);
	loop_done(&rig->loop);
}

static struct ocsp_call *ask(struct rig *rig, const char *url, bool fresh)
{
	struct ocsp_question question = { .certificate = bytes_slice(&client_der),
					  .issuer = bytes_slice(&ca_der),
					  .url = url,
					  .fresh = fresh,
					  .told = on_told,
					  .context = rig };
	struct ocsp_call *call;

	REQUIRE(ocsp_ask(rig->ocsp, &question, &call) == 0);
	return call;
}

/* Until as many were told as are wanted. */
static void wait_for(struct rig *rig, int wanted)
{
	rig->wanted = wanted;
	if (rig->told >= wanted)
		return;
	rig->loop.stopping = false;
	REQUIRE(loop_run(&rig->loop) == 0);
}

static struct bytes says(int status, const struct pki_cert *issuer)
{
	int64_t now = loop_now().wall;
	struct pki_ocsp_spec spec = { .about = client.cert,
				      .issuer = issuer,
				      .status = status,
				      .from = now - 60,
				      .until = now + 600 };

	return pki_ocsp(&spec);
}

static void need_certificates(void)
{
	if (ca.cert)
		return;

	int64_t now = loop_now().wall;
	struct pki_spec authority = {
		.cn = "ca", .ca = true, .from = now - PKI_DAY, .until = now + PKI_DAY
	};
	struct pki_spec leaf = { .cn = "machine", .from = now - PKI_DAY, .until = now + PKI_DAY };

	ca = pki_make(&authority, NULL);
	other_ca = pki_make(&authority, NULL);
	client = pki_make(&leaf, &ca);
	client_der = pki_der(client.cert);
	ca_der = pki_der(ca.cert);
}

static void setup(struct rig *rig, struct responder *r, struct bytes response)
{
	need_certificates();
	rig_init(rig);
	responder_init(r, response);
}

static void finish(struct rig *rig, struct responder *r)
{
	rig_done(rig);
	responder_done(r);
}

static struct bytes good(void)
{
	need_certificates();
	return says(V_OCSP_CERTSTATUS_GOOD, &ca);
}

static struct bytes text(const char *octets)
{
	struct bytes b = { 0 };

	REQUIRE(bytes_set(&b, slice_str(octets)) == OK);
	return b;
}

/* ---- tests ---- */

TEST(a_good_certificate_is_asked_about_once)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, good());
	ask(&rig, r.url, false);
	wait_for(&rig, 1);
	CHECK_INT(rig.last.state, OCSP_GOOD);
	CHECK_INT(rig.last.why.id, DIAG_NONE);
	CHECK(r.well_formed);
	CHECK(rig.last.until > loop_now().wall);
	CHECK_INT(rig.response_len, r.says.len);

	CHECK(ask(&rig, r.url, false) == NULL);
	CHECK_INT(rig.told, 2);
	CHECK_INT(rig.last.state, OCSP_GOOD);
	CHECK_INT(rig.response_len, 0);
	CHECK_INT(r.asked, 1);
	CHECK_INT(ocsp_counters(rig.ocsp)->from_cache, 1);
	finish(&rig, &r);
}

TEST(a_fresh_answer_is_not_from_the_cache)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, good());
	ask(&rig, r.url, false);
	wait_for(&rig, 1);
	ask(&rig, r.url, true);
	wait_for(&rig, 2);
	CHECK_INT(rig.response_len, r.says.len);
	CHECK_INT(r.asked, 2);
	finish(&rig, &r);
}

TEST(many_who_ask_at_once_make_one_request)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, good());
	for (int i = 0; i < 5; i++)
		ask(&rig, r.url, false);
	wait_for(&rig, 5);
	CHECK_INT(r.asked, 1);
	CHECK_INT(ocsp_counters(rig.ocsp)->asked, 1);
	finish(&rig, &r);
}

TEST(one_who_cancels_is_not_told)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, good());

	struct ocsp_call *first = ask(&rig, r.url, false);

	ask(&rig, r.url, false);
	ocsp_cancel(first);
	wait_for(&rig, 1);
	CHECK_INT(rig.told, 1);
	finish(&rig, &r);
}

TEST(what_is_under_way_at_the_end_is_dropped)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, good());
	ask(&rig, r.url, false);
	ask(&rig, r.url, false);
	finish(&rig, &r);
	CHECK_INT(rig.told, 0);
}

TEST(a_revoked_certificate_is_said_to_be)
{
	struct responder r;
	struct rig rig;

	need_certificates();
	setup(&rig, &r, says(V_OCSP_CERTSTATUS_REVOKED, &ca));
	ask(&rig, r.url, false);
	wait_for(&rig, 1);
	CHECK_INT(rig.last.state, OCSP_REVOKED);
	CHECK_STR(diagnosis_evidence(&rig.last.why, "detail"), "OCSP");
	CHECK_INT(rig.response_len, 0);
	ask(&rig, r.url, false);
	CHECK_INT(rig.last.state, OCSP_REVOKED);
	CHECK_INT(r.asked, 1);
	finish(&rig, &r);
}

static void check_unavailable(unsigned status, struct bytes response, bool silent,
			      const char *detail)
{
	struct responder r;
	struct rig rig;

	setup(&rig, &r, response);
	r.status = status;
	r.silent = silent;
	ask(&rig, r.url, false);
	wait_for(&rig, 1);
	CHECK_INT(rig.last.state, OCSP_UNAVAILABLE);
	CHECK_INT(rig.last.why.id, DIAG_OCSP_INVALID);
	if (detail)
		CHECK_STR(diagnosis_evidence(&rig.last.why, "detail"), detail);
	CHECK_STR(diagnosis_evidence(&rig.last.why, "url"), r.url);
	CHECK(rig.last.until <= loop_now().wall + OCSP_RETRY_INTERVAL);
	finish(&rig, &r);
}

TEST(an_answer_that_is_worth_nothing_is_none)
{
	need_certificates();
	check_unavailable(200, text("not OCSP"), false, "it does not parse, or brings no answer");
	check_unavailable(500, text("oops"), false, "the responder answered with HTTP status 500");
	check_unavailable(200, says(V_OCSP_CERTSTATUS_GOOD, &other_ca), false, "signature");
	check_unavailable(200, says(V_OCSP_CERTSTATUS_UNKNOWN, &ca), false,
			  "the responder does not know the certificate");
	check_unavailable(200, text(""), true, NULL);
}

TEST(an_answer_without_end_is_cut_off)
{
	struct bytes endless = { 0 };

	REQUIRE(bytes_reserve(&endless, OCSP_RESPONSE_MAX + 1) == OK);
	memset(endless.p, 0x30, OCSP_RESPONSE_MAX + 1);
	endless.len = OCSP_RESPONSE_MAX + 1;
	check_unavailable(200, endless, false, "the answer is larger than it may be");
}

static const char *refused(const char *url)
{
	static char detail[DIAGNOSIS_VALUE_MAX];
	struct rig rig;

	need_certificates();
	rig_init(&rig);
	CHECK(ask(&rig, url, false) == NULL);
	CHECK_INT(rig.told, 1);
	CHECK_INT(rig.last.state, OCSP_UNAVAILABLE);
	snprintf(detail, sizeof detail, "%s", diagnosis_evidence(&rig.last.why, "detail"));
	rig_done(&rig);
	return detail;
}

TEST(what_cannot_be_asked_is_told_at_once)
{
	CHECK_STR(refused(NULL), "the certificate names no responder");
	CHECK_STR(refused("ldap://127.0.0.1/"), "its address is not of HTTP");
	CHECK_STR(refused("file:///etc/passwd"), "its address is not of HTTP");
}

TEST(a_certificate_that_does_not_parse_is_told_at_once)
{
	struct ocsp_question question = { .certificate = slice_str("?"),
					  .issuer = slice_str("?"),
					  .url = "http://127.0.0.1:1/",
					  .told = on_told };
	struct ocsp_call *call;
	struct rig rig;

	rig_init(&rig);
	question.context = &rig;
	REQUIRE(ocsp_ask(rig.ocsp, &question, &call) == 0);
	CHECK(call == NULL);
	CHECK_STR(diagnosis_evidence(&rig.last.why, "detail"),
		  "the certificate or its issuer does not parse");
	rig_done(&rig);
}

/* ---- stapling ---- */

struct stapled {
	struct rig *rig;
	int changes;
	struct bytes response;
};

static void on_changed(void *context, struct slice response)
{
	struct stapled *stapled = context;

	stapled->changes++;
	REQUIRE(bytes_set(&stapled->response, response) == OK);
	loop_stop(&stapled->rig->loop);
}

static int staple_begin(struct rig *rig, struct stapled *stapled, const char *file, X509 *cert,
			struct staple **ret_staple)
{
	struct staple_settings settings = { .file = file,
					    .certificate = cert,
					    .issuer = ca.cert,
					    .changed = on_changed,
					    .context = stapled };

	*stapled = (struct stapled){ .rig = rig };
	return staple_new(&rig->loop, rig->ocsp, &settings, ret_staple);
}

static struct loop *running;

static void on_end(struct timer *timer)
{
	timer_clear(timer);
	loop_stop(running);
}

/* What is due now, and no more. */
static void look_once(struct rig *rig)
{
	struct timer end = { .due = NEVER, .expired = on_end };

	running = &rig->loop;
	REQUIRE(timer_set(running, &end, msec_after(loop_now().mono, 1)) == 0);
	REQUIRE(loop_run(running) == 0);
}

TEST(a_response_in_a_file_is_judged_and_taken)
{
	AUTO_VALUE(scratch) d = scratch_make();
	struct stapled stapled;
	struct staple *staple;
	struct responder r;
	struct rig rig;
	char file[96];

	setup(&rig, &r, good());
	snprintf(file, sizeof file, "%s/response", d.path);
	pki_write(file, bytes_slice(&r.says), 0644);
	REQUIRE(staple_begin(&rig, &stapled, file, client.cert, &staple) == 0);
	CHECK_INT(stapled.changes, 0);
	wait_for(&rig, 1);
	CHECK_INT(stapled.changes, 1);
	CHECK(slice_eq(bytes_slice(&stapled.response), bytes_slice(&r.says)));
	CHECK_INT(staple_diagnosis(staple)->id, DIAG_NONE);
	staple_free(staple);
	bytes_done(&stapled.response);
	finish(&rig, &r);
}

TEST(a_response_is_fetched_from_whom_the_certificate_names)
{
	struct pki_cert named;
	struct stapled stapled;
	struct staple *staple;
	struct responder r;
	struct rig rig;
	char access[96];
	int64_t now = loop_now().wall;

	need_certificates();
	setup(&rig, &r, (struct bytes){ 0 });
	snprintf(access, sizeof access, "OCSP;URI:%s", r.url);

	struct pki_spec spec = {
		.cn = "server", .access = access, .from = now - PKI_DAY, .until = now + PKI_DAY
	};

	named = pki_make(&spec, &ca);

	struct pki_ocsp_spec about = {
		.about = named.cert, .issuer = &ca, .from = now - 60, .until = now + 600
	};

	r.says = pki_ocsp(&about);
	REQUIRE(staple_begin(&rig, &stapled, NULL, named.cert, &staple) == 0);
	wait_for(&rig, 1);
	CHECK(slice_eq(bytes_slice(&stapled.response), bytes_slice(&r.says)));
	CHECK_INT(r.asked, 1);
	staple_free(staple);
	bytes_done(&stapled.response);
	pki_cert_done(&named);
	finish(&rig, &r);
}

TEST(a_response_that_is_worth_nothing_is_not_stapled)
{
	AUTO_VALUE(scratch) d = scratch_make();
	struct stapled stapled;
	struct staple *staple;
	struct rig rig;
	need_certificates();
	rig_init(&rig);
	REQUIRE(staple_begin(&rig, &stapled, scratch_put(&d, "response", "no OCSP", 0644),
			     client.cert, &staple) == 0);
	look_once(&rig);
	CHECK_INT(stapled.changes, 0);
	CHECK_INT(staple_diagnosis(staple)->id, DIAG_OCSP_INVALID);
	CHECK_STR(diagnosis_evidence(staple_diagnosis(staple), "file"), d.file);
	staple_free(staple);
	rig_done(&rig);
}

TEST(a_certificate_without_a_responder_cannot_be_stapled)
{
	struct stapled stapled;
	struct staple *staple;
	struct rig rig;

	need_certificates();
	rig_init(&rig);
	CHECK_INT(staple_begin(&rig, &stapled, NULL, client.cert, &staple), -ENOENT);
	rig_done(&rig);
}
