/* The certification authority without memory: what it makes is whole, or is not made, with a
 * reason. */
#include "enrol/ca.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tls/cert.h"

static EVP_PKEY *root_key, *key, *machine_key;
static struct enrol_authority authority;
static X509 *root, *machine;

/* What was made; looking at it is no part of the play. */
static bool is(X509 *cert, bool (*what)(X509 *))
{
	bool right;

	fault_suspend();
	right = what(cert);
	fault_resume();
	return right;
}

static bool authority_for_authorities(X509 *cert)
{
	return X509_check_ca(cert) == 1 && X509_get_pathlen(cert) != 0;
}

static bool authority_at_all(X509 *cert)
{
	return X509_check_ca(cert) == 1;
}

static bool authority_for_machines(X509 *cert)
{
	return X509_check_ca(cert) == 1 && X509_get_pathlen(cert) == 0;
}

static bool of_a_machine(X509 *cert)
{
	return X509_get_ext_count(cert) == 8 &&
	       X509_check_issued(authority.issuer, cert) == X509_V_OK;
}

static bool excused(enum status status, const struct diagnosis *why)
{
	return status != OK && fault_happened() && (!why || why->id != DIAG_NONE);
}

/* ---- authorities ---- */

static enum status make_root(X509 **ret_cert, struct diagnosis *why)
{
	const struct ca_new_authority what = { .name = "Example Root",
					       .organization = "Example",
					       .key = root_key,
					       .now = PKI_NOW,
					       .lifetime = 20 * PKI_YEAR };

	return ca_make_authority(&what, ret_cert, why);
}

static enum status make_issuing(X509 **ret_cert, struct diagnosis *why)
{
	const struct ca_new_authority what = { .name = "Example Issuing",
					       .key = key,
					       .issuer = root,
					       .issuer_key = root_key,
					       .now = PKI_NOW,
					       .lifetime = 10 * PKI_YEAR,
					       .crl_url = "http://ca.example.org/crl",
					       .ocsp_url = "http://ca.example.org/ocsp" };

	return ca_make_authority(&what, ret_cert, why);
}

static bool roots(void)
{
	AUTO(X509) made = NULL;
	struct diagnosis why = { 0 };
	enum status status = make_root(&made, &why);

	return status == OK ? is(made, authority_for_authorities) : !made && excused(status, &why);
}

static bool issuing(void)
{
	AUTO(X509) made = NULL;
	struct diagnosis why = { 0 };
	enum status status = make_issuing(&made, &why);

	return status == OK ? is(made, authority_for_machines) : !made && excused(status, &why);
}

static bool crosses(void)
{
	AUTO(X509) made = NULL;
	struct diagnosis why = { 0 };
	enum status status = ca_cross(authority.issuer, root, root_key, PKI_NOW, &made, &why);

	return status == OK ? is(made, authority_at_all) : !made && excused(status, &why);
}

/* ---- certificates ---- */

static enum status issue(X509 **ret_cert, struct diagnosis *why)
{
	static const char *const dns[] = { "*.example.org" };
	const struct ca_profile profile = { .name = "machine",
					    .lifetime = 90 * PKI_DAY,
					    .common_name = "%{cn}",
					    .dns = dns,
					    .dns_count = 1 };
	const struct enrol_grant grant = { .machine = "pc7" };
	struct enrol_names wanted = { .common_name = "pc7", .count = 1 }, names;
	enum status status;

	wanted.alternative[0].kind = ENROL_NAME_DNS;
	snprintf(wanted.alternative[0].text, sizeof wanted.alternative[0].text, "pc7.example.org");
	status = ca_names(&profile, &grant, &wanted, &names, why);
	return status == OK
		       ? ca_issue(&authority, &profile, machine_key, &names, PKI_NOW, ret_cert, why)
		       : status;
}

static bool issues(void)
{
	AUTO(X509) made = NULL;
	struct diagnosis why = { 0 };
	enum status status = issue(&made, &why);

	return status == OK ? is(made, of_a_machine) : !made && excused(status, &why);
}

/* ---- what was revoked ---- */

static bool lists(void)
{
	static const struct ca_revoked revoked[] = {
		{ { (const uint8_t *)"\1\2", 2 }, PKI_NOW, CA_KEY_COMPROMISE },
		{ { (const uint8_t *)"\1\3", 2 }, PKI_NOW, CA_UNSPECIFIED },
	};
	AUTO_VALUE(bytes) der = { 0 };
	enum status status = ca_crl(&authority, revoked, 2, 7, PKI_NOW, PKI_DAY, &der);
	const uint8_t *p = der.p;
	X509_CRL *crl;
	bool right;

	if (status != OK)
		return !der.len && excused(status, NULL);
	fault_suspend();
	crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	right = crl && sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) == 2;
	X509_CRL_free(crl);
	fault_resume();
	return right;
}

static enum ca_state good(void *context, struct slice serial, struct ca_revoked *ret_revoked)
{
	(void)context;
	(void)serial;
	(void)ret_revoked;
	return CA_GOOD;
}

static bool staples(void)
{
	static const struct ca_status status = { good, NULL };
	AUTO_VALUE(bytes) der = { 0 };
	enum status made = ca_ocsp_staple(&authority, machine, &status, PKI_NOW, PKI_DAY, &der);

	return made == OK ? der.len > 0 : !der.len && excused(made, NULL);
}

int main(void)
{
	struct diagnosis why = { 0 };

	fault_init();
	root_key = pki_key("P-256");
	key = pki_key("P-256");
	machine_key = pki_key("P-256");
	authority.key = key;
	authority.crl_url = "http://ca.example.org/crl";
	authority.ocsp_url = "http://ca.example.org/ocsp";
	if (make_root(&root, &why) != OK || make_issuing(&authority.issuer, &why) != OK ||
	    issue(&machine, &why) != OK)
		abort();
	fault_each("a root is made", roots);
	fault_each("an authority below it is made", issuing);
	fault_each("one root certifies another", crosses);
	fault_each("a machine is given a certificate", issues);
	fault_each("a list is signed", lists);
	fault_each("a status is stapled", staples);
	X509_free(machine);
	X509_free(authority.issuer);
	X509_free(root);
	EVP_PKEY_free(machine_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(root_key);
	return fault_end();
}
