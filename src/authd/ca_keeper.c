#include "authd/ca_keeper_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "enrol/names.h"
#include "keystore/uri.h"
#include "pki/bundle.h"

#define DAY  (24 * 3600LL)
#define YEAR (365 * DAY + DAY / 4)

int ca_keeper_fail(struct diagnosis *why, int error, const char *detail)
{
	ERR_clear_error();
	if (why->id == DIAG_NONE)
		diagnosis_say(why, DIAG_AUTHORITY, "%s", detail);
	return error;
}

int ca_keeper_open(const struct config *config, bool create, int64_t now,
		   struct ca_keeper *ret_keeper, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	struct ca_keeper k = { .settings = s, .now = now };
	int r = keystore_open(s->keystore, create, &k.keystore, why);

	if (r < 0)
		return r;
	snprintf(k.root, sizeof k.root, "%s", s->authority.root ? s->authority.root : "ca-root");
	snprintf(k.issuing, sizeof k.issuing, "%s",
		 s->authority.credential ? s->authority.credential : "ca-issuing");
	snprintf(k.server, sizeof k.server, "%s", s->credential ? s->credential : "server");
	*ret_keeper = k;
	return 0;
}

void ca_keeper_done(struct ca_keeper *k)
{
	keystore_free(TAKE(k->keystore));
}

/* ---- keys ---- */

static int make_key(const char *type, EVP_PKEY **ret_key, struct diagnosis *why)
{
	unsigned bits = 0;

	if (!ca_key_type_valid(type))
		return ca_keeper_fail(
			why, -EINVAL,
			"there is no such kind of key; expected P-256, P-384, P-521, Ed25519, "
			"RSA-2048, RSA-3072 or RSA-4096");
	if (sscanf(type, "RSA-%u", &bits) == 1)
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	else if (strcmp(type, "Ed25519") == 0)
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	return *ret_key ? 0 : ca_keeper_fail(why, -EIO, "a key could not be made");
}

int ca_keeper_key(const struct ca_order *order, const char *uri, EVP_PKEY **ret_key,
		  struct diagnosis *why)
{
	if (uri)
		return key_uri_open(uri, ret_key, why);
	return make_key(order->key_type ? order->key_type : CA_DEFAULT_KEY, ret_key, why);
}

/* ---- the keystore ---- */

int ca_keeper_put(struct ca_keeper *k, const char *name, const struct ca_parts *parts,
		  struct diagnosis *why)
{
	struct bundle bundle = { .key = parts->uri ? NULL : parts->key,
				 .cert = parts->cert,
				 .chain = sk_X509_new_null(),
				 .anchors = sk_X509_new_null() };
	bool full = bundle.chain && bundle.anchors;
	unsigned generation;
	int r;

	for (size_t i = 0; full && i < 2; i++) {
		full = (!parts->chain[i] || sk_X509_push(bundle.chain, parts->chain[i])) &&
		       (!parts->anchors[i] || sk_X509_push(bundle.anchors, parts->anchors[i]));
	}
	r = full ? keystore_put(k->keystore, name, &bundle, parts->uri, &generation, why)
		 : ca_keeper_fail(why, -ENOMEM, "there is no memory left");
	sk_X509_free(bundle.chain);
	sk_X509_free(bundle.anchors);
	return r;
}

bool ca_keeper_has(struct ca_keeper *k, const char *name)
{
	struct credential_info info;
	struct diagnosis why = { 0 };

	return keystore_show(k->keystore, name, &info, &why) == 0 ||
	       why.id != DIAG_CREDENTIAL_MISSING;
}

static int check_absent(struct ca_keeper *k, struct diagnosis *why)
{
	const char *const names[] = { k->root, k->issuing, k->server };

	for (size_t i = 0; i < 3; i++) {
		if (!ca_keeper_has(k, names[i]))
			continue;
		diagnosis_say(why, DIAG_AUTHORITY,
			      "there is a credential %s in the keystore already, which is not "
			      "overwritten",
			      names[i]);
		return -EEXIST;
	}
	return 0;
}

/* ---- certificates ---- */

int ca_keeper_authority(const char *name, const char *organization, EVP_PKEY *key,
			const struct credential *above, int64_t now, X509 **ret_cert,
			struct diagnosis *why)
{
	const struct ca_new_authority what = {
		.name = name,
		.organization = organization && *organization ? organization : NULL,
		.key = key,
		.issuer = above ? above->cert : NULL,
		.issuer_key = above ? above->key : NULL,
		.now = now,
		.lifetime = (above ? CA_ISSUING_YEARS : CA_ROOT_YEARS) * YEAR,
	};

	return ca_make_authority(&what, ret_cert, why) == OK
		       ? 0
		       : ca_keeper_fail(why, -EINVAL, "the authority could not be made");
}

static int server_names(const struct ca_order *order, const X509 *before, struct enrol_names *ret,
			struct diagnosis *why)
{
	char host[ENROL_NAME_MAX + 1] = "";
	struct enrol_names names = { 0 };
	const char *name = order->server;

	if (!name && before)
		return names_of_cert(before, ret, why) == OK ? 0 : -EINVAL;
	if (!name && gethostname(host, sizeof host - 1) == 0)
		name = host;
	if (!name || !name_valid(ENROL_NAME_DNS, name)) {
		diagnosis_say(why, DIAG_AUTHORITY,
			      "\"%s\" is not the DNS name of a server; give one with server=NAME",
			      name ? name : "");
		return -EINVAL;
	}
	/* Section 4.1.2.6: a name that is too long for the subject stands in subjectAltName alone.
	 */
	if (common_name_valid(name))
		snprintf(names.common_name, sizeof names.common_name, "%s", name);
	names.alternative[0].kind = ENROL_NAME_DNS;
	snprintf(names.alternative[0].text, sizeof names.alternative[0].text, "%s", name);
	names.count = 1;
	*ret = names;
	return 0;
}

static int put_server(struct ca_keeper *k, const struct ca_order *order,
		      const struct enrol_authority *authority, const X509 *before, X509 *root,
		      struct diagnosis *why)
{
	static const char *const server_usage[] = { "serverAuth" };
	const struct ca_profile profile = {
		.name = "server",
		.lifetime = CA_SERVER_DAYS * DAY,
		.backdate = 3600,
		.key_types =
			(const char *const[]){ order->key_type ? order->key_type : CA_DEFAULT_KEY },
		.key_type_count = 1,
		.usages = server_usage,
		.usage_count = 1,
	};
	EVP_PKEY *made_key = NULL;
	X509 *made = NULL;
	struct enrol_names names;
	int r = server_names(order, before, &names, why);

	if (r == 0)
		r = ca_keeper_key(order, NULL, &made_key, why);

	AUTO(EVP_PKEY) key = made_key;

	if (r == 0 && ca_issue(authority, &profile, key, &names, k->now, &made, why) != OK)
		r = ca_keeper_fail(why, -EINVAL,
				   "the certificate of this server could not be issued");

	AUTO(X509) cert = made;
	const struct ca_parts parts = { .key = key,
					.cert = cert,
					.chain = { authority->issuer, authority->new_with_old },
					.anchors = { root } };

	return r < 0 ? r : ca_keeper_put(k, k->server, &parts, why);
}

/* ---- init ---- */

static int init_issuing(struct ca_keeper *k, const struct ca_order *order, const char *company,
			const struct credential *root, struct diagnosis *why)
{
	struct enrol_authority authority = { .crl_url = k->settings->authority.crl_url,
					     .ocsp_url = k->settings->authority.ocsp_url };
	char name[ENROL_NAME_MAX + 1];
	EVP_PKEY *made_key = NULL;
	X509 *made = NULL;
	int r = ca_keeper_key(order, order->issuing_key, &made_key, why);
	AUTO(EVP_PKEY) key = made_key;

	snprintf(name, sizeof name, "%s Issuing CA", company);
	if (r == 0)
		r = ca_keeper_authority(name, order->name, key, root, k->now, &made, why);

	AUTO(X509) cert = made;
	const struct ca_parts parts = {
		.key = key, .uri = order->issuing_key, .cert = cert, .anchors = { root->cert }
	};

	if (r == 0)
		r = ca_keeper_put(k, k->issuing, &parts, why);
	authority.issuer = cert;
	authority.key = key;
	return r < 0 ? r : put_server(k, order, &authority, NULL, root->cert, why);
}

static int init_all(struct ca_keeper *k, const struct ca_order *order, struct diagnosis *why)
{
	const char *company = order->name ? order->name : "Latchkey";
	struct credential root = { 0 };
	char name[ENROL_NAME_MAX + 1];
	EVP_PKEY *made_key = NULL;
	X509 *made = NULL;
	int r = ca_keeper_key(order, order->root_key, &made_key, why);
	AUTO(EVP_PKEY) key = made_key;

	snprintf(name, sizeof name, "%s Root CA", company);
	if (r == 0)
		r = ca_keeper_authority(name, order->name, key, NULL, k->now, &made, why);

	AUTO(X509) cert = made;
	const struct ca_parts parts = { .key = key, .uri = order->root_key, .cert = cert };

	root.key = key;
	root.cert = cert;
	if (r == 0)
		r = ca_keeper_put(k, k->root, &parts, why);
	return r < 0 ? r : init_issuing(k, order, company, &root, why);
}

int ca_keeper_init(struct ca_keeper *k, const struct ca_order *order, struct diagnosis *why)
{
	const char *const names[] = { k->root, k->issuing, k->server };
	struct diagnosis ignored = { 0 };
	int r = check_absent(k, why);

	if (r < 0)
		return r;
	r = init_all(k, order, why);
	for (size_t i = 0; r < 0 && i < 3; i++) {
		if (ca_keeper_has(k, names[i]))
			(void)keystore_remove(k->keystore, names[i], &ignored);
	}
	return r;
}

/* ---- the rest ---- */

int ca_keeper_renew(struct ca_keeper *k, const struct ca_order *order, struct diagnosis *why)
{
	struct enrol_authority authority = { .crl_url = k->settings->authority.crl_url,
					     .ocsp_url = k->settings->authority.ocsp_url };
	AUTO_STRUCT(credential) issuing = NULL;
	AUTO_STRUCT(credential) before = NULL;
	struct diagnosis ignored = { 0 };
	int r = keystore_get(k->keystore, k->issuing, &issuing, why);

	if (r < 0)
		return r;
	if (keystore_get(k->keystore, k->server, &before, &ignored) < 0 &&
	    ignored.id != DIAG_CREDENTIAL_MISSING) {
		*why = ignored;
		return -EINVAL;
	}
	if (sk_X509_num(issuing->anchors) < 1)
		return ca_keeper_fail(why, -EINVAL, "the root is not with the issuing authority");
	authority.issuer = issuing->cert;
	authority.key = issuing->key;
	/* A machine that knows only the old root finds its way. */
	if (sk_X509_num(issuing->chain) > 0)
		authority.new_with_old = sk_X509_value(issuing->chain, 0);
	return put_server(k, order, &authority, before ? before->cert : NULL,
			  sk_X509_value(issuing->anchors, 0), why);
}

int ca_keeper_export(struct ca_keeper *k, bool chain, struct bytes *ret_pem, struct diagnosis *why)
{
	AUTO_STRUCT(credential) issuing = NULL;
	AUTO(BIO) pem = BIO_new(BIO_s_mem());
	int r = keystore_get(k->keystore, k->issuing, &issuing, why);
	bool right = pem;
	char *text;
	long len;

	if (r < 0)
		return r;
	if (right && chain)
		right = PEM_write_bio_X509(pem, issuing->cert);

	STACK_OF(X509) *certs = chain ? issuing->chain : issuing->anchors;

	for (int i = 0; right && i < sk_X509_num(certs); i++)
		right = PEM_write_bio_X509(pem, sk_X509_value(certs, i));
	len = right ? BIO_get_mem_data(pem, &text) : -1;
	if (len < 0 || bytes_set(ret_pem, slice_of(text, (size_t)len)) != OK)
		return ca_keeper_fail(why, -ENOMEM, "there is no memory left");
	return 0;
}
