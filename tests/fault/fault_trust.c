/* The judgement of a server's certificate, without memory: whoever is refused stays refused. */
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tls/trust.h"

#include <openssl/ocsp.h>

static struct pki_cert root, middle, other_root;

/* What a server sends: as octets, so that each play parses it anew. */
struct server {
	struct pki_cert cert;
	struct bytes der, good_response, bad_response;
};
static struct server good, stranger, revoked, other_name;
static struct bytes root_pem, middle_der, crls;
static const struct slice no_response;

static struct bytes response(const struct pki_cert *cert, int status)
{
	const struct pki_ocsp_spec spec = { .about = cert->cert,
					    .issuer = &middle,
					    .status = status };

	return pki_ocsp(&spec);
}

static struct server server_make(const char *name, const struct pki_cert *issuer)
{
	struct server server = { .cert = pki_server(name, issuer) };

	server.der = pki_der(server.cert.cert);
	server.good_response = response(&server.cert, V_OCSP_CERTSTATUS_GOOD);
	server.bad_response = response(&server.cert, V_OCSP_CERTSTATUS_REVOKED);
	return server;
}

static void server_done(struct server *server)
{
	bytes_done(&server->good_response);
	bytes_done(&server->bad_response);
	bytes_done(&server->der);
	pki_cert_done(&server->cert);
}

static void set_up(void)
{
	root = pki_ca("Root");
	other_root = pki_ca("Root");
	middle = pki_intermediate("Middle", &root);
	good = server_make("radius.example.org", &middle);
	revoked = server_make("radius.example.org", &middle);
	other_name = server_make("www.example.org", &middle);
	stranger = server_make("radius.example.org", &other_root);
	root_pem = pki_pem(root.cert);
	middle_der = pki_der(middle.cert);

	X509 *const list[] = { revoked.cert.cert, NULL };
	AUTO_VALUE(bytes) of_root = pki_crl(&root, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);

	crls = pki_crl(&middle, list, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
	if (bytes_append(&crls, bytes_slice(&of_root), SIZE_MAX / 2) != OK)
		abort();
}

static void clear_away(void)
{
	struct server *const servers[] = { &good, &stranger, &revoked, &other_name };

	for (size_t i = 0; i < 4; i++)
		server_done(servers[i]);
	bytes_done(&crls);
	bytes_done(&middle_der);
	bytes_done(&root_pem);
	pki_cert_done(&middle);
	pki_cert_done(&other_root);
	pki_cert_done(&root);
}

static enum status make_policy(struct trust **ret_trust, struct diagnosis *why)
{
	static const char *const names[] = { "radius.example.org", "aaa.example.org" };
	const struct slice anchors[] = { bytes_slice(&root_pem) };
	const struct slice lists[] = { bytes_slice(&crls) };
	const struct trust_settings settings = { .anchors = anchors,
						 .anchor_count = 1,
						 .crls = lists,
						 .crl_count = 1,
						 .names = names,
						 .name_count = 2,
						 .ocsp = OCSP_REQUIRE };

	return trust_new(&settings, ret_trust, why);
}

static X509 *parse(struct slice der)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	if (!cert)
		abort();
	return cert;
}

static STACK_OF(X509) * chain_of(const struct server *server)
{
	AUTO(X509) cert = parse(bytes_slice(&server->der));
	AUTO(X509) issuer = parse(bytes_slice(&middle_der));

	return pki_chain(cert, issuer, NULL);
}

static bool judge(const struct server *server, struct slice ocsp, enum status wanted,
		  enum diagnosis_id expected)
{
	AUTO_STRUCT(trust) trust = NULL;
	struct diagnosis why;
	enum status status;

	fault_suspend();
	AUTO(X509_STACK) chain = chain_of(server);
	status = make_policy(&trust, &why);
	fault_resume();
	if (status != OK)
		return false;
	status = trust_check(trust, chain, PKI_NOW, &why);
	if (status == OK)
		status = trust_check_ocsp(trust, chain, ocsp, PKI_NOW, &why);
	if (status == OK)
		return wanted == OK && why.id == DIAG_NONE;
	return why.id != DIAG_NONE &&
	       (fault_happened() || (status == wanted && why.id == expected));
}

static bool admitted(void)
{
	return judge(&good, bytes_slice(&good.good_response), OK, DIAG_NONE);
}

static bool of_a_stranger(void)
{
	return judge(&stranger, no_response, UNTRUSTED, DIAG_SERVER_UNTRUSTED);
}

static bool of_another_name(void)
{
	return judge(&other_name, no_response, UNTRUSTED, DIAG_SERVER_NAME_MISMATCH);
}

static bool in_a_list(void)
{
	return judge(&revoked, bytes_slice(&revoked.good_response), UNTRUSTED,
		     DIAG_SERVER_CERT_REVOKED);
}

static bool in_a_response(void)
{
	return judge(&good, bytes_slice(&good.bad_response), UNTRUSTED, DIAG_SERVER_CERT_REVOKED);
}

/* All of it or nothing: a policy that has lost a list or a name is not one. */
static bool policy(void)
{
	struct trust *trust = NULL;
	struct diagnosis why;
	enum status status = make_policy(&trust, &why);
	bool right;

	if (status != OK)
		return fault_happened() && !trust && why.id != DIAG_NONE;
	fault_suspend();
	AUTO(X509_STACK) of_good = chain_of(&good);
	AUTO(X509_STACK) of_revoked = chain_of(&revoked);
	right = trust_check(trust, of_good, PKI_NOW, &why) == OK &&
		trust_check(trust, of_revoked, PKI_NOW, &why) == UNTRUSTED &&
		why.id == DIAG_SERVER_CERT_REVOKED;
	trust_free(trust);
	fault_resume();
	return right;
}

int main(void)
{
	fault_init();
	set_up();
	fault_each("trust: the policy", policy);
	fault_each("trust: a good server", admitted);
	fault_each("trust: a stranger", of_a_stranger);
	fault_each("trust: another name", of_another_name);
	fault_each("trust: revoked in a list", in_a_list);
	fault_each("trust: revoked in a response", in_a_response);
	clear_away();
	return fault_end();
}
