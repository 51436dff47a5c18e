#include "authd/ca_keeper.h"

#include <ctype.h>
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

static int fail(struct diagnosis *why, int error, const char *detail)
{
	ERR_clear_error();
	if (why->id == DIAG_NONE)
		diagnosis_say(why, DIAG_AUTHORITY, "%s", detail);
	return error;
}

/* ---- names ---- */

static bool name_old(const char *name, char old[KEYSTORE_NAME_MAX + 1])
{
	size_t len = strlen(name);

	if (len + sizeof AUTHORITY_OLD > KEYSTORE_NAME_MAX + 1)
		return false;
	snprintf(old, KEYSTORE_NAME_MAX + 1, "%s" AUTHORITY_OLD, name);
	return true;
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

/* "Example Root CA" becomes "Example Root CA 2", and that one 3: no two authorities have one name,
 * or nobody could tell by which of them a certificate is. */
static void next_name(const X509 *cert, char name[ENROL_NAME_MAX + 1])
{
	struct enrol_names names = { 0 };
	struct diagnosis ignored = { 0 };
	unsigned long number = 1;
	char *digits, *end;

	if (names_of_cert(cert, &names, &ignored) != OK || !names.common_name[0])
		snprintf(names.common_name, sizeof names.common_name, "CA");
	digits = names.common_name + strlen(names.common_name);
	end = digits;
	while (digits > names.common_name && isdigit((unsigned char)digits[-1]))
		digits--;
	if (digits < end && digits > names.common_name && digits[-1] == ' ' && end - digits < 6) {
		number = strtoul(digits, NULL, 10);
		digits[-1] = '\0';
	}
	snprintf(name, ENROL_NAME_MAX + 1, "%.200s %lu", names.common_name, number + 1);
}

static void organization_of(const X509 *cert, char *buffer, size_t size)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name, NID_organizationName, -1);
	unsigned char *utf8 = NULL;
	int len = at < 0 ? -1
			 : ASN1_STRING_to_UTF8(
				   &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

	buffer[0] = '\0';
	if (len > 0)
		printable(slice_of(utf8, (size_t)len), buffer, size);
	OPENSSL_free(utf8);
}

/* ---- keys ---- */

static int make_key(const char *type, EVP_PKEY **ret_key, struct diagnosis *why)
{
	unsigned bits = 0;

	if (!ca_key_type_valid(type))
		return fail(why, -EINVAL,
			    "there is no such kind of key; expected P-256, P-384, P-521, Ed25519, "
			    "RSA-2048, RSA-3072 or RSA-4096");
	if (sscanf(type, "RSA-%u", &bits) == 1)
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	else if (strcmp(type, "Ed25519") == 0)
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		*ret_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	return *ret_key ? 0 : fail(why, -EIO, "a key could not be made");
}

/* A new key, or the one that lives elsewhere. */
static int get_key(const struct ca_order *order, const char *uri, EVP_PKEY **ret_key,
		   struct diagnosis *why)
{
	if (uri)
		return key_uri_open(uri, ret_key, why);
	return make_key(order->key_type ? order->key_type : CA_DEFAULT_KEY, ret_key, why);
}

/* ---- the keystore ---- */

/* Up to two certificates each; NULL is left out. */
struct parts {
	EVP_PKEY *key;
	const char *uri;
	X509 *cert, *chain[2], *anchors[2];
};

static int put(struct ca_keeper *k, const char *name, const struct parts *parts,
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
		 : fail(why, -ENOMEM, "there is no memory left");
	sk_X509_free(bundle.chain);
	sk_X509_free(bundle.anchors);
	return r;
}

/* Whether it is there; what is damaged is there too. */
static bool is_there(struct ca_keeper *k, const char *name)
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
		if (!is_there(k, names[i]))
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

static int make_authority(const char *name, const char *organization, EVP_PKEY *key,
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
		       : fail(why, -EINVAL, "the authority could not be made");
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
		r = get_key(order, NULL, &made_key, why);

	AUTO(EVP_PKEY) key = made_key;

	if (r == 0 && ca_issue(authority, &profile, key, &names, k->now, &made, why) != OK)
		r = fail(why, -EINVAL, "the certificate of this server could not be issued");

	AUTO(X509) cert = made;
	const struct parts parts = { .key = key,
				     .cert = cert,
				     .chain = { authority->issuer, authority->new_with_old },
				     .anchors = { root } };

	return r < 0 ? r : put(k, k->server, &parts, why);
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
	int r = get_key(order, order->issuing_key, &made_key, why);
	AUTO(EVP_PKEY) key = made_key;

	snprintf(name, sizeof name, "%s Issuing CA", company);
	if (r == 0)
		r = make_authority(name, order->name, key, root, k->now, &made, why);

	AUTO(X509) cert = made;
	const struct parts parts = {
		.key = key, .uri = order->issuing_key, .cert = cert, .anchors = { root->cert }
	};

	if (r == 0)
		r = put(k, k->issuing, &parts, why);
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
	int r = get_key(order, order->root_key, &made_key, why);
	AUTO(EVP_PKEY) key = made_key;

	snprintf(name, sizeof name, "%s Root CA", company);
	if (r == 0)
		r = make_authority(name, order->name, key, NULL, k->now, &made, why);

	AUTO(X509) cert = made;
	const struct parts parts = { .key = key, .uri = order->root_key, .cert = cert };

	root.key = key;
	root.cert = cert;
	if (r == 0)
		r = put(k, k->root, &parts, why);
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
		if (is_there(k, names[i]))
			(void)keystore_remove(k->keystore, names[i], &ignored);
	}
	return r;
}

/* ---- roll-over ---- */

/* Under another name, with its key or the place of that. */
static int copy(struct ca_keeper *k, const char *name, const struct credential *credential,
		struct diagnosis *why)
{
	struct credential_info info;
	char old[KEYSTORE_NAME_MAX + 1];
	int r = keystore_show(k->keystore, name, &info, why);
	struct bundle bundle = { .key = credential->key,
				 .cert = credential->cert,
				 .chain = credential->chain,
				 .anchors = credential->anchors };
	unsigned generation;

	if (r < 0)
		return r;
	if (!name_old(name, old))
		return fail(why, -ENAMETOOLONG,
			    "the name of the credential is too long for a copy");
	if (info.key_uri[0])
		bundle.key = NULL;
	return keystore_put(k->keystore, old, &bundle, info.key_uri[0] ? info.key_uri : NULL,
			    &generation, why);
}

static int check_overlap(struct ca_keeper *k, const struct credential *issuing,
			 struct diagnosis *why)
{
	int64_t ends = cert_time(X509_get0_notBefore(issuing->cert)) +
		       (int64_t)(k->settings->authority.overlap / 1000);
	char old[KEYSTORE_NAME_MAX + 1], text[32];

	if (!name_old(k->issuing, old) || !is_there(k, old) || k->now >= ends)
		return 0;
	diagnosis_say(why, DIAG_AUTHORITY, "the roll-over before goes on until %s",
		      rfc3339(ends, text, sizeof text));
	return -EBUSY;
}

struct rollover {
	struct credential *old_root, *new_root, *old_issuing;
	const struct ca_order *order;
};

static void rollover_done(struct rollover *r)
{
	credential_free(r->old_root);
	credential_free(r->new_root);
	credential_free(r->old_issuing);
}

/* What was is kept beside first; then what comes after it is made, by root or by itself. */
static int make_next(struct ca_keeper *k, const char *which, const struct credential *was,
		     const struct ca_order *order, const char *uri, const struct credential *root,
		     EVP_PKEY **ret_key, X509 **ret_cert, struct diagnosis *why)
{
	char name[ENROL_NAME_MAX + 1], organization[ENROL_NAME_MAX + 1];
	int r = copy(k, which, was, why);

	if (r == 0)
		r = get_key(order, uri, ret_key, why);
	if (r < 0)
		return r;
	next_name(was->cert, name);
	organization_of(was->cert, organization, sizeof organization);
	return make_authority(name, organization, *ret_key, root, k->now, ret_cert, why);
}

static int roll_root(struct ca_keeper *k, struct rollover *ro, struct diagnosis *why)
{
	EVP_PKEY *made_key = NULL;
	X509 *made = NULL, *crossed = NULL;
	int r = make_next(k, k->root, ro->old_root, ro->order, ro->order->root_key, NULL, &made_key,
			  &made, why);
	AUTO(EVP_PKEY) key = made_key;
	AUTO(X509) cert = made;

	if (r == 0 && ca_cross(ro->old_root->cert, cert, key, k->now, &crossed, why) != OK)
		r = fail(why, -EINVAL, "the old root cannot be certified by the new one");

	AUTO(X509) old_with_new = crossed;
	const struct parts parts = {
		.key = key, .uri = ro->order->root_key, .cert = cert, .chain = { old_with_new }
	};

	if (r == 0)
		r = put(k, k->root, &parts, why);
	return r < 0 ? r : keystore_get(k->keystore, k->root, &ro->new_root, why);
}

static int roll_issuing(struct ca_keeper *k, const struct rollover *ro, struct diagnosis *why)
{
	EVP_PKEY *made_key = NULL;
	X509 *made = NULL, *crossed = NULL;
	int r = make_next(k, k->issuing, ro->old_issuing, ro->order, ro->order->issuing_key,
			  ro->new_root, &made_key, &made, why);
	AUTO(EVP_PKEY) key = made_key;
	AUTO(X509) cert = made;

	if (r == 0 && ca_cross(ro->new_root->cert, ro->old_root->cert, ro->old_root->key, k->now,
			       &crossed, why) != OK)
		r = fail(why, -EINVAL, "the new root cannot be certified by the old one");

	AUTO(X509) new_with_old = crossed;
	const struct parts parts = { .key = key,
				     .uri = ro->order->issuing_key,
				     .cert = cert,
				     .chain = { new_with_old },
				     .anchors = { ro->new_root->cert, ro->old_root->cert } };

	return r < 0 ? r : put(k, k->issuing, &parts, why);
}

/* Whether a roll-over was interrupted after it had made its root: then the old one is beside it. */
static int find_roots(struct ca_keeper *k, struct rollover *ro, struct diagnosis *why)
{
	char old[KEYSTORE_NAME_MAX + 1];
	int r = keystore_get(k->keystore, k->root, &ro->old_root, why);

	if (r < 0 || X509_check_issued(ro->old_root->cert, ro->old_issuing->cert) == X509_V_OK)
		return r;
	ro->new_root = TAKE(ro->old_root);
	if (!name_old(k->root, old) || !is_there(k, old))
		return fail(why, -EINVAL,
			    "the root is not the one that the issuing authority is by");
	r = keystore_get(k->keystore, old, &ro->old_root, why);
	if (r == 0 && X509_check_issued(ro->old_root->cert, ro->old_issuing->cert) != X509_V_OK)
		return fail(why, -EINVAL,
			    "neither root is the one that the issuing authority is by");
	return r;
}

int ca_keeper_rollover(struct ca_keeper *k, const struct ca_order *order, struct diagnosis *why)
{
	AUTO_VALUE(rollover) ro = { .order = order };
	int r = keystore_get(k->keystore, k->issuing, &ro.old_issuing, why);

	if (r == 0)
		r = check_overlap(k, ro.old_issuing, why);
	if (r == 0)
		r = find_roots(k, &ro, why);
	if (r == 0 && !ro.new_root)
		r = roll_root(k, &ro, why);
	return r < 0 ? r : roll_issuing(k, &ro, why);
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
		return fail(why, -EINVAL, "the root is not with the issuing authority");
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
		return fail(why, -ENOMEM, "there is no memory left");
	return 0;
}
