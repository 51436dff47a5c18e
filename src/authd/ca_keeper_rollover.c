/* A new root and issuing authority, beside the old ones: `latchkey-authd ca rollover`. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "authd/ca_keeper_parts.h"
#include "enrol/names.h"
#include "pki/bundle.h"

/* ---- names ---- */

static bool name_old(const char *name, char old[KEYSTORE_NAME_MAX + 1])
{
	size_t len = strlen(name);

	if (len + sizeof AUTHORITY_OLD > KEYSTORE_NAME_MAX + 1)
		return false;
	snprintf(old, KEYSTORE_NAME_MAX + 1, "%s" AUTHORITY_OLD, name);
	return true;
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

/* ---- old and new ---- */

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
		return ca_keeper_fail(why, -ENAMETOOLONG,
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

	if (!name_old(k->issuing, old) || !ca_keeper_has(k, old) || k->now >= ends)
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
		r = ca_keeper_key(order, uri, ret_key, why);
	if (r < 0)
		return r;
	next_name(was->cert, name);
	organization_of(was->cert, organization, sizeof organization);
	return ca_keeper_authority(name, organization, *ret_key, root, k->now, ret_cert, why);
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
		r = ca_keeper_fail(why, -EINVAL, "the old root cannot be certified by the new one");

	AUTO(X509) old_with_new = crossed;
	const struct ca_parts parts = {
		.key = key, .uri = ro->order->root_key, .cert = cert, .chain = { old_with_new }
	};

	if (r == 0)
		r = ca_keeper_put(k, k->root, &parts, why);
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
		r = ca_keeper_fail(why, -EINVAL, "the new root cannot be certified by the old one");

	AUTO(X509) new_with_old = crossed;
	const struct ca_parts parts = { .key = key,
					.uri = ro->order->issuing_key,
					.cert = cert,
					.chain = { new_with_old },
					.anchors = { ro->new_root->cert, ro->old_root->cert } };

	return r < 0 ? r : ca_keeper_put(k, k->issuing, &parts, why);
}

/* Whether a roll-over was interrupted after it had made its root: then the old one is beside it. */
static int find_roots(struct ca_keeper *k, struct rollover *ro, struct diagnosis *why)
{
	char old[KEYSTORE_NAME_MAX + 1];
	int r = keystore_get(k->keystore, k->root, &ro->old_root, why);

	if (r < 0 || X509_check_issued(ro->old_root->cert, ro->old_issuing->cert) == X509_V_OK)
		return r;
	ro->new_root = TAKE(ro->old_root);
	if (!name_old(k->root, old) || !ca_keeper_has(k, old))
		return ca_keeper_fail(why, -EINVAL,
				      "the root is not the one that the issuing authority is by");
	r = keystore_get(k->keystore, old, &ro->old_root, why);
	if (r == 0 && X509_check_issued(ro->old_root->cert, ro->old_issuing->cert) != X509_V_OK)
		return ca_keeper_fail(why, -EINVAL,
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
	assert(r < 0 || ro.old_root);
	if (r == 0 && !ro.new_root)
		r = roll_root(k, &ro, why);
	return r < 0 ? r : roll_issuing(k, &ro, why);
}
