#include "service/key_shelf.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

/* ---- which key ---- */

/* The draft's registry of algorithms. */
enum { ANY = 0, RSA_KEY = 1, ECDSA_KEY = 2 };

static const struct {
	const char *kind;
	int algorithm; /* 0: by its OBJECT IDENTIFIER alone */
	int nid;
	size_t octets; /* of the modulus */
} kinds[] = {
	{ "P-256", ECDSA_KEY, NID_X9_62_prime256v1, 0 },
	{ "P-384", ECDSA_KEY, NID_secp384r1, 0 },
	{ "P-521", ECDSA_KEY, NID_secp521r1, 0 },
	{ "RSA-2048", RSA_KEY, NID_rsaEncryption, 256 },
	{ "RSA-3072", RSA_KEY, NID_rsaEncryption, 384 },
	{ "RSA-4096", RSA_KEY, NID_rsaEncryption, 512 },
	{ "Ed25519", 0, NID_ED25519, 0 },
};

static int nid_of(struct slice oid)
{
	const uint8_t *p = oid.p;
	ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len);
	int nid = object && p == oid.p + oid.len ? OBJ_obj2nid(object) : NID_undef;

	ASN1_OBJECT_free(object);
	ERR_clear_error();
	return nid;
}

static bool suits(size_t i, const struct enrol_params *params)
{
	if (params->oid.len > 0 && kinds[i].nid != nid_of(params->oid))
		return false;
	if (params->oid.len == 0 && params->algorithm != ANY &&
	    params->algorithm != kinds[i].algorithm)
		return false;
	/* Lengths tell RSA keys apart; a curve is what it is. */
	return kinds[i].octets == 0 || (kinds[i].octets >= params->least &&
					(params->most == 0 || kinds[i].octets <= params->most));
}

const char *key_shelf_kind(const struct enrol_params *params, const char *wanted)
{
	const char *first = NULL;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!suits(i, params))
			continue;
		if (wanted && strcmp(wanted, kinds[i].kind) == 0)
			return kinds[i].kind;
		if (!first)
			first = kinds[i].kind;
	}
	return first;
}

static EVP_PKEY *generate(const char *kind)
{
	size_t bits;

	if (sscanf(kind, "RSA-%zu", &bits) == 1)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
	if (strcmp(kind, "Ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
}

/* ---- the store ---- */

static enum status refuse(struct diagnosis *why, const char *credential, const char *detail)
{
	diagnosis_set(why, DIAG_CREDENTIAL_UNUSABLE);
	diagnosis_add(why, "credential", "%s", credential);
	diagnosis_add(why, "detail", "%s", detail);
	return CRYPTO;
}

static enum status shelf_new_key(void *self, const char *credential,
				 const struct enrol_params *params, EVP_PKEY **ret_key,
				 struct diagnosis *why)
{
	struct key_shelf *shelf = self;
	const char *kind = key_shelf_kind(params, shelf->wanted);
	AUTO(EVP_PKEY) key = kind ? generate(kind) : NULL;

	if (!key) {
		ERR_clear_error();
		return refuse(why, credential,
			      kind ? "its key could not be made"
				   : "the server wants a kind of key that we do not make");
	}
	if (keystore_begin(shelf->keystore, credential, key, NULL, why) < 0)
		return UNEXPECTED;
	snprintf(shelf->pending, sizeof shelf->pending, "%s", credential);
	shelf->generation = 0;
	*ret_key = TAKE(key);
	return OK;
}

static bool holds(const STACK_OF(X509) * certs, const X509 *wanted)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_cmp(sk_X509_value(certs, i), wanted) == 0)
			return true;
	}
	return false;
}

/* Those that were delivered, and those of before that have not expired. */
static X509_STACK *merge_anchors(struct key_shelf *shelf, const char *credential,
				 STACK_OF(X509) * delivered)
{
	AUTO_STRUCT(credential) before = NULL;
	AUTO(X509_STACK)
	all = delivered ? X509_chain_up_ref(delivered) : sk_X509_new_null();
	struct diagnosis ignored;

	if (!all || keystore_get(shelf->keystore, credential, &before, &ignored) < 0)
		return TAKE(all);
	for (int i = 0; i < sk_X509_num(before->anchors); i++) {
		X509 *anchor = sk_X509_value(before->anchors, i);

		if (cert_time(X509_get0_notAfter(anchor)) <= shelf->now || holds(all, anchor) ||
		    sk_X509_num(all) >= BUNDLE_CERTS_MAX)
			continue;
		if (X509_add_cert(all, anchor, X509_ADD_FLAG_UP_REF) != 1)
			return NULL;
	}
	return TAKE(all);
}

static enum status shelf_put(void *self, const char *credential, const struct enrol_result *result,
			     struct diagnosis *why)
{
	struct key_shelf *shelf = self;
	AUTO(X509_STACK) anchors = merge_anchors(shelf, credential, result->anchors);
	AUTO(char) username = strndup((const char *)result->username.p, result->username.len);
	struct keystore_parts parts = {
		.kind = result->password.len > 0 ? CREDENTIAL_PASSWORD
			: result->secret.len > 0 ? CREDENTIAL_SYMMETRIC
						 : CREDENTIAL_CERTIFICATE,
		.cert = result->cert,
		.chain = result->chain,
		.anchors = anchors,
		.username = username,
		.secret = result->password.len > 0 ? result->password : result->secret,
	};

	if (!anchors || !username)
		return NO_MEMORY;
	if (strlen(username) != result->username.len)
		return refuse(why, credential, "its user name is no text");
	/* A key that the server has made; else it was begun with. */
	if (result->key && keystore_begin(shelf->keystore, credential, result->key, NULL, why) < 0)
		return UNEXPECTED;
	if (keystore_finish(shelf->keystore, credential, &parts, &shelf->generation, why) < 0)
		return UNEXPECTED;
	shelf->pending[0] = '\0';
	return OK;
}

static enum status shelf_activate(void *self, const char *credential, struct diagnosis *why)
{
	struct key_shelf *shelf = self;

	if (keystore_try(shelf->keystore, credential, shelf->generation, why) < 0)
		return UNEXPECTED;
	return OK;
}

static enum status shelf_remove(void *self, const char *credential, struct diagnosis *why)
{
	struct key_shelf *shelf = self;

	return keystore_remove(shelf->keystore, credential, why) < 0 ? UNEXPECTED : OK;
}

static void shelf_abandon(void *self, const char *credential)
{
	struct key_shelf *shelf = self;
	struct diagnosis ignored;

	/* What cannot be dropped now is dropped by keystore_recover. */
	(void)keystore_abandon(shelf->keystore, credential, &ignored);
	shelf->pending[0] = '\0';
	shelf->generation = 0;
}

const struct enrol_store key_shelf_store = {
	.new_key = shelf_new_key,
	.put = shelf_put,
	.activate = shelf_activate,
	.remove = shelf_remove,
	.abandon = shelf_abandon,
};
