/* A certification authority that speaks CMP over HTTP, for whom latchkey-authd is the registration
 * authority:
 *
 *	ca_box PORT CERT KEY ROOT [WORD...]	CERT with its key issues; ROOT is told to be trusted
 *
 *	refuse		it says no
 *	confirm		it wants certificates to be confirmed
 *	deaf		and then does not answer the confirmation
 *	keep		it revokes nothing
 *	slow=N		it says "not yet" N times, to be asked again after a second each
 *	secret=TEXT	messages are protected by this secret (reference "ra"), not by signatures
 *	token=TEXT	likewise by that of a token: a machine's own messages, which are forwarded
 *
 * What it does is told in lines: "p10cr NAME", "ir NAME", "waits", "refused", "confirmed",
 * "declined", "revoked NAME", "revoked before NAME", "keeps NAME".  test_authd_ca.py is who plays.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enrol/chain.h"
#include "enrol/cmp_lib.h"
#include "enrol/cmp_message.h"
#include "enrol/token.h"

#define RECEIVED_MAX 65536
#define DAY	     86400L

static struct {
	X509 *cert, *root;
	EVP_PKEY *key;
	bool by_token, refuse, confirm, deaf, keep;
	ASN1_INTEGER *revoked; /* the last */
	long slow;
	const char *secret;
	struct token token;
	OSSL_CMP_SRV_CTX *server;
	OSSL_CMP_MSG *waiting;
	struct bytes received;
} ca;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "ca_box: %s\n", what);
	exit(1);
}

static void check(bool right, const char *what)
{
	if (!right)
		die(what);
}

/* ---- issuing --------------------------------------------------------------------------------- */

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, ca.cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	check(extension && X509_add_ext(cert, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static void copy_names(X509 *cert, const STACK_OF(X509_EXTENSION) * asked)
{
	int at = X509v3_get_ext_by_NID(asked, NID_subject_alt_name, -1);

	if (at >= 0)
		check(X509_add_ext(cert, X509v3_get_ext(asked, at), -1), "subjectAltName");
}

static X509 *issue(const X509_NAME *subject, EVP_PKEY *key, const STACK_OF(X509_EXTENSION) * asked)
{
	X509 *cert = X509_new();
	uint8_t serial[16];
	BIGNUM *number;

	check(cert && RAND_bytes(serial, sizeof serial) == 1, "no memory");
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	check(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
		      X509_set_version(cert, 2) && X509_set_subject_name(cert, subject) &&
		      X509_set_issuer_name(cert, X509_get_subject_name(ca.cert)) &&
		      X509_gmtime_adj(X509_getm_notBefore(cert), -60) &&
		      X509_gmtime_adj(X509_getm_notAfter(cert), DAY) && X509_set_pubkey(cert, key),
	      "a certificate");
	BN_free(number);
	add_extension(cert, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, NID_key_usage, "critical,digitalSignature");
	add_extension(cert, NID_ext_key_usage, "clientAuth");
	add_extension(cert, NID_subject_key_identifier, "hash");
	add_extension(cert, NID_authority_key_identifier, "keyid");
	copy_names(cert, asked);
	check(X509_sign(cert, ca.key, EVP_sha256()) > 0, "cannot sign");
	return cert;
}

static void tell(const char *what, const X509_NAME *name)
{
	char text[256] = "";

	if (name)
		X509_NAME_oneline(name, text, sizeof text);
	printf("%s %s\n", what, text);
	fflush(stdout);
}

static X509 *issue_for(const OSSL_CRMF_MSG *crmf, const X509_REQ *csr)
{
	X509_REQ *request = (X509_REQ *)(uintptr_t)csr;
	const OSSL_CRMF_CERTTEMPLATE *template = crmf ? OSSL_CRMF_MSG_get0_tmpl(crmf) : NULL;
	const X509_NAME *subject = csr ? X509_REQ_get_subject_name(csr)
				       : OSSL_CRMF_CERTTEMPLATE_get0_subject(template);
	EVP_PKEY *key = csr ? X509_REQ_get_pubkey(request) : cmp_template_key(template);
	STACK_OF(X509_EXTENSION) *asked = csr ? X509_REQ_get_extensions(request)
					      : OSSL_CRMF_CERTTEMPLATE_get0_extensions(template);
	X509 *cert;

	tell(csr ? "p10cr" : "ir", subject);
	check(subject && key, "the request is not whole");
	cert = issue(subject, key, asked);
	EVP_PKEY_free(key);
	if (csr)
		sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
	return cert;
}

/* ---- CMP ------------------------------------------------------------------------------------- */

static OSSL_CMP_PKISI *on_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
				  const OSSL_CRMF_MSG *crmf, const X509_REQ *csr, X509 **ret_cert,
				  STACK_OF(X509) * *ret_chain, STACK_OF(X509) * *ret_ca_pubs)
{
	(void)server;
	(void)id;
	*ret_cert = NULL;
	*ret_chain = *ret_ca_pubs = NULL;
	if (ca.refuse) {
		tell("refused", NULL);
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection,
					       1 << OSSL_CMP_PKIFAILUREINFO_badCertTemplate,
					       "no machine of that name");
	}
	if (ca.slow > 0) {
		tell("waits", NULL);
		OSSL_CMP_MSG_free(ca.waiting);
		ca.waiting = OSSL_CMP_MSG_dup(request);
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, "in a moment");
	}
	*ret_cert = issue_for(crmf, csr);
	*ret_chain = sk_X509_new_null();
	*ret_ca_pubs = sk_X509_new_null();
	check(*ret_chain && *ret_ca_pubs && enrol_push(*ret_chain, ca.cert) == OK &&
		      enrol_push(*ret_ca_pubs, ca.root) == OK,
	      "no memory");
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static int on_poll(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
		   OSSL_CMP_MSG **ret_request, int64_t *ret_after)
{
	(void)server;
	(void)request;
	(void)id;
	*ret_after = 1;
	*ret_request = NULL;
	tell("asked again", NULL);
	if (--ca.slow <= 0) {
		*ret_request = ca.waiting;
		ca.waiting = NULL;
	}
	return 1;
}

static int on_confirm(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
		      const ASN1_OCTET_STRING *hash, const OSSL_CMP_PKISI *status)
{
	char words[256];

	(void)server;
	(void)request;
	(void)id;
	(void)hash;
	tell(OSSL_CMP_snprint_PKIStatusInfo(status, words, sizeof words) && strstr(words, "reject")
		     ? "declined"
		     : "confirmed",
	     NULL);
	return 1;
}

static OSSL_CMP_PKISI *on_revoke(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
				 const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	(void)server;
	(void)request;
	check(issuer && serial, "a certificate to revoke");
	if (ca.keep) {
		tell("keeps", issuer);
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection,
					       1 << OSSL_CMP_PKIFAILUREINFO_notAuthorized,
					       "not by a registration authority");
	}
	if (ca.revoked && ASN1_INTEGER_cmp(ca.revoked, serial) == 0) {
		tell("revoked before", issuer);
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection,
					       1 << OSSL_CMP_PKIFAILUREINFO_certRevoked, NULL);
	}
	ASN1_INTEGER_free(ca.revoked);
	ca.revoked = ASN1_INTEGER_dup(serial);
	tell("revoked", issuer);
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static void open_cmp(void)
{
	OSSL_CMP_CTX *ctx;
	STACK_OF(X509) *trusted = sk_X509_new_null();

	ca.server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
	check(ca.server && trusted && enrol_push(trusted, ca.root) == OK, "no memory");
	check(OSSL_CMP_SRV_CTX_init(ca.server, NULL, on_request, on_revoke, NULL, NULL, on_confirm,
				    on_poll),
	      "no CMP");
	OSSL_CMP_SRV_CTX_set_accept_raverified(ca.server, 1);
	OSSL_CMP_SRV_CTX_set_grant_implicit_confirm(ca.server, !ca.confirm);
	ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(ca.server);
	check(cmp_prepare(ctx), "no CMP");
	if (ca.by_token)
		check(cmp_set_secret(ctx, slice_of(ca.token.id, sizeof ca.token.id),
				     slice_of(ca.token.secret, sizeof ca.token.secret)),
		      "the token");
	else if (ca.secret)
		check(cmp_set_secret(ctx, slice_str("ra"), slice_str(ca.secret)), "the secret");
	else
		check(OSSL_CMP_CTX_set1_cert(ctx, ca.cert) && OSSL_CMP_CTX_set1_pkey(ctx, ca.key) &&
			      cmp_trust(ctx, trusted, time(NULL)),
		      "the certificate");
	x509_stack_free(trusted);
}

/* Empty: nothing is answered. */
static void think(struct bytes *out)
{
	AUTO(OSSL_CMP_MSG) request = cmp_decode(bytes_slice(&ca.received));
	AUTO(OSSL_CMP_MSG) response = NULL;

	if (!request)
		return;
	if (ca.deaf && OSSL_CMP_MSG_get_bodytype(request) == CMP_CERTCONF) {
		tell("does not hear", NULL);
		return;
	}
	response = OSSL_CMP_SRV_process_request(ca.server, request);
	if (response && cmp_encode(response, out) != OK)
		die("no memory");
	ERR_clear_error();
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static enum MHD_Result respond(void *context, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **state)
{
	struct bytes out = { 0 };
	struct MHD_Response *response;
	enum MHD_Result done;

	(void)context;
	(void)url;
	(void)version;
	if (strcmp(method, "POST") != 0)
		return MHD_NO;
	if (!*state) {
		*state = &ca;
		bytes_clear(&ca.received);
		return MHD_YES;
	}
	if (*size > 0) {
		enum status kept = bytes_append(&ca.received, slice_of(data, *size), RECEIVED_MAX);

		*size = 0;
		return kept == OK ? MHD_YES : MHD_NO;
	}
	think(&out);
	response = MHD_create_response_from_buffer(out.len, out.p, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", "application/pkixcmp");
	done = MHD_queue_response(connection, out.len ? 200 : 503, response);
	MHD_destroy_response(response);
	bytes_done(&out);
	return done;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "r");

	check(file, path);
	return file;
}

static X509 *read_cert(const char *path)
{
	FILE *file = open_file(path);
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);

	fclose(file);
	check(cert, path);
	return cert;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = open_file(path);
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	fclose(file);
	check(key, path);
	return key;
}

static void take_word(const char *word)
{
	struct diagnosis why;

	if (strcmp(word, "refuse") == 0)
		ca.refuse = true;
	else if (strcmp(word, "confirm") == 0)
		ca.confirm = true;
	else if (strcmp(word, "deaf") == 0)
		ca.deaf = ca.confirm = true;
	else if (strcmp(word, "keep") == 0)
		ca.keep = true;
	else if (strncmp(word, "slow=", 5) == 0)
		ca.slow = strtol(word + 5, NULL, 10);
	else if (strncmp(word, "secret=", 7) == 0)
		ca.secret = word + 7;
	else if (strncmp(word, "token=", 6) == 0)
		check((ca.by_token = token_parse(slice_str(word + 6), &ca.token, &why) == OK),
		      "a token");
	else
		die(word);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct MHD_Daemon *daemon;

	check(argc >= 5, "ca_box PORT CERT KEY ROOT [WORD...]");
	here.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	ca.cert = read_cert(argv[2]);
	ca.key = read_key(argv[3]);
	ca.root = read_cert(argv[4]);
	for (int i = 5; i < argc; i++)
		take_word(argv[i]);
	open_cmp();
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, respond, NULL,
				  MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_END);
	check(daemon, "cannot listen");
	tell("ready", NULL);
	for (;;)
		pause();
}
