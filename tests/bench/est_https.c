/* EST over HTTPS (RFC 7030) beside CPROM in latchkey-authd: the same authority, certificate profile
 * and registry, in a server of libmicrohttpd's, a thread for each connection.
 *
 *	est_https CONFIG PORT REGISTRY
 *
 * CONFIG is latchkey-authd's, from which authority and the server's certificate are taken; machines
 * are recorded in REGISTRY, a file.  Who has the token is let in by HTTP's Basic authentication,
 * RFC 7030, section 3.2.3.  Says "ready", and ends with its standard input. */
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authority.h"
#include "authd/registry_enrol.h"
#include "drivers/loop.h"
#include "enrol/est.h"
#include "enrol/est_http.h"
#include "enrol/protocol.h"
#include "pki/cert.h"

#define TOKEN	 "01234567"
#define PASSWORD "only-for-measuring"

static struct config *config;
static struct authority *authority;
static struct registry *registry;
static pthread_mutex_t of_registry = PTHREAD_MUTEX_INITIALIZER;

static void need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "est_https: %s: it failed\n", what);
	exit(EXIT_FAILURE);
}

/* ---- what is issued ---- */

static bool token_is_good(void)
{
	struct registry_token t;
	bool good;

	pthread_mutex_lock(&of_registry);
	good = registry_begin(registry, true) == 0 &&
	       registry_token_get(registry, TOKEN, &t) == 1 && t.used < t.uses;
	good = registry_commit(registry) == 0 && good;
	pthread_mutex_unlock(&of_registry);
	return good;
}

/* Durable, before the certificate leaves. */
static bool record(X509 *cert, struct slice der)
{
	struct registry_credential c = { .profile = "machine", .token = TOKEN }, other;
	struct registry_machine_facts facts = { .profile = "machine",
						.enrolled_by = "token " TOKEN };
	AUTO_VALUE(bytes) before = { 0 };
	struct cert_info info;
	bool done;

	cert_info_of(cert, &info);
	c.issued = facts.enrolled = loop_now().wall;
	c.not_before = info.not_before;
	c.not_after = info.not_after;
	snprintf(c.issuer, sizeof c.issuer, "%.254s", info.issuer);
	snprintf(c.serial, sizeof c.serial, "%.63s", info.serial);
	snprintf(c.subject, sizeof c.subject, "%.254s", info.subject);
	snprintf(c.machine, sizeof c.machine, "%.254s", info.subject);
	snprintf(c.spki, sizeof c.spki, "%.64s", info.spki);
	snprintf(c.fingerprint, sizeof c.fingerprint, "%.64s", info.fingerprint);
	pthread_mutex_lock(&of_registry);
	done = registry_begin(registry, true) == 0 &&
	       registry_credential_good(registry, MACHINE_CERTIFICATE, c.machine, c.issued,
					&other) >= 0 &&
	       registry_issue(registry, &c, der, &facts, "192.0.2.1", &before) == REGISTRY_ISSUED &&
	       registry_commit(registry) == 0;
	if (!done)
		registry_rollback(registry);
	pthread_mutex_unlock(&of_registry);
	return done;
}

/* Into *der what the reply borrows. */
static bool issue(const struct enrol_question *q, struct bytes *der)
{
	const struct ca_profile *profile = config_profile(config, "");
	AUTO(X509) cert = NULL;
	struct enrol_names names;
	struct diagnosis why;
	unsigned char *p = NULL;
	bool done;
	int len;

	if (!profile || ca_names(profile, q->grant, q->names, &names, &why) != OK ||
	    ca_issue(&authority->now, profile, q->key, &names, loop_now().wall, &cert, &why) != OK)
		return false;
	len = i2d_X509(cert, &p);
	done = len > 0 && bytes_set(der, slice_of(p, (size_t)len)) == OK &&
	       record(cert, bytes_slice(der));
	OPENSSL_free(p);
	return done;
}

/* ---- HTTP ---- */

static enum MHD_Result send_back(struct MHD_Connection *connection, unsigned status,
				 const struct enrol_output *out, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(out->data.len, out->data.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	MHD_add_response_header(response, "Content-Type", type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool answer(const struct enrol_message *in, struct enrol_output *out)
{
	const struct enrol_server_job job = { .type = ENROL_X509, .authority = &authority->now };
	enum enrol_state state = ENROL_FAILED;
	struct moment now = loop_now();
	void *self = NULL;

	if (est_server.init(&job, out, &self) == OK)
		state = est_server.process(self, in, out, now);
	if (state == ENROL_ASKS) {
		AUTO_VALUE(bytes) der = { 0 };
		struct enrol_reply reply = { 0 };

		reply.accept = issue(est_server.question(self), &der);
		reply.certificate = bytes_slice(&der);
		state = est_server.answer(self, &reply, out, now);
	}
	est_server.free(self);
	return state == ENROL_GOES_ON || state == ENROL_DONE;
}

static bool authenticated(struct MHD_Connection *connection)
{
	char *password = NULL;
	char *user = MHD_basic_auth_get_username_password(connection, &password);
	bool good = user && password && strcmp(user, TOKEN) == 0 &&
		    strcmp(password, PASSWORD) == 0 && token_is_good();

	MHD_free(user);
	MHD_free(password);
	return good;
}

static enum MHD_Result finish(struct MHD_Connection *connection, const char *url,
			      const char *method, const struct bytes *body)
{
	struct enrol_output out = { 0 };
	struct enrol_message in = { .data = bytes_slice(body) };
	const bool post = strcmp(method, "POST") == 0;
	char headers[512];
	enum MHD_Result result;
	unsigned status;

	snprintf(headers, sizeof headers, "%s %s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n", method,
		 url, post ? "Content-Type: " EST_TYPE_REQUEST "\r\n" : "", body->len);
	in.headers = slice_str(headers);
	if (post && !authenticated(connection))
		status = MHD_HTTP_UNAUTHORIZED;
	else
		status = answer(&in, &out) ? MHD_HTTP_OK : MHD_HTTP_FORBIDDEN;
	result = send_back(connection, status, &out, EST_TYPE_CERTS "; smime-type=certs-only");
	enrol_output_done(&out);
	return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **self)
{
	struct bytes *body = *self;

	(void)context;
	(void)version;
	if (!body) {
		*self = calloc(1, sizeof *body);
		return *self ? MHD_YES : MHD_NO;
	}
	if (*size > 0) {
		enum status status = bytes_append(body, slice_of(data, *size), EST_BODY_MAX);

		*size = 0;
		return status == OK ? MHD_YES : MHD_NO;
	}
	return finish(connection, url, method, body);
}

static void completed(void *context, struct MHD_Connection *connection, void **self,
		      enum MHD_RequestTerminationCode code)
{
	(void)context;
	(void)connection;
	(void)code;
	if (*self)
		bytes_done(*self);
	free(*self);
}

/* ---- before ---- */

static char *text_of(BIO *bio)
{
	char *p, *text;
	long len = BIO_get_mem_data(bio, &p);

	text = len > 0 ? strndup(p, (size_t)len) : NULL;
	need(text != NULL, "memory");
	BIO_free(bio);
	return text;
}

static void load_server(char **ret_certs, char **ret_key)
{
	struct keystore *keystore = NULL;
	struct credential *c = NULL;
	struct diagnosis why;
	BIO *certs = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());

	need(keystore_open(config->settings.keystore, false, &keystore, &why) == 0 &&
		     keystore_get(keystore, config->settings.credential, &c, &why) == 0,
	     "the server's certificate");
	need(PEM_write_bio_X509(certs, c->cert) == 1, "its certificate");
	for (int i = 0; i < sk_X509_num(c->chain); i++)
		need(PEM_write_bio_X509(certs, sk_X509_value(c->chain, i)) == 1, "its chain");
	need(PEM_write_bio_PKCS8PrivateKey(key, c->key, NULL, NULL, 0, NULL, NULL) == 1, "its key");
	*ret_certs = text_of(certs);
	*ret_key = text_of(key);
	credential_free(c);
	keystore_free(keystore);
}

static void open_registry(const char *file)
{
	const struct registry_settings settings = { .file = file, .origin = "est" };
	const struct registry_token t = { .id = TOKEN, .uses = 1000000 };
	struct diagnosis why;

	need(registry_open(&settings, &registry, &why) == 0 &&
		     registry_begin(registry, true) == 0 && registry_token_add(registry, &t) == 0 &&
		     registry_commit(registry) == 0,
	     file);
}

int main(int argc, char **argv)
{
	struct ini_errors errors = { 0 };
	struct diagnosis why;
	struct MHD_Daemon *daemon;
	char *certs, *key;

	if (argc != 4)
		return 2;
	need(config_load(argv[1], &config, &errors) == 0, argv[1]);
	need(authority_open(config, loop_now().wall, &authority, &why) == 0 && authority,
	     "authority");
	load_server(&certs, &key);
	open_registry(argv[3]);
	daemon = MHD_start_daemon(
		MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
		(uint16_t)strtoul(argv[2], NULL, 10), NULL, NULL, handle, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_HTTPS_MEM_CERT, certs,
		MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES,
		"NORMAL:-VERS-ALL:+VERS-TLS1.3", MHD_OPTION_END);
	need(daemon != NULL, "HTTPS");
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	MHD_stop_daemon(daemon);
	registry_free(registry);
	authority_free(authority);
	config_free(config);
	ini_errors_done(&errors);
	free(certs);
	free(key);
	return EXIT_SUCCESS;
}
