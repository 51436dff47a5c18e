#include "daemon/key_shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/loop.h"
#include "enrol/params.h"

#define ANCHORS_MAX  32
#define FINISHED_MAX 16

/* One way to use it; both share the rest. */
struct face {
	struct key_shelf *shelf;
	bool keeps_anchors;
};

struct key_shelf {
	struct keystore *keystore;
	struct face enrolment, renewal;
	/* What put has made and nobody has activated: at most one for each conversation, and few
	 * go on at once. */
	struct {
		char name[KEYSTORE_NAME_MAX + 1];
		unsigned generation;
	} finished[FINISHED_MAX];
};

static enum status status_of(int r)
{
	return r == 0 ? OK : r == -ENOMEM ? NO_MEMORY : UNEXPECTED;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static bool oid_is(const struct enrol_params *params, const char *curve)
{
	AUTO(ASN1_OBJECT) object = OBJ_txt2obj(curve, 0);
	uint8_t *der = NULL;
	int len = object ? i2d_ASN1_OBJECT(object, &der) : -1;
	bool same = len > 0 && slice_eq(params->oid, slice_of(der, (size_t)len));

	OPENSSL_free(der);
	return same;
}

/* A curve by its name, or of the least size that will do. */
static const char *curve_of(const struct enrol_params *params)
{
	static const struct {
		const char *name;
		uint16_t octets;
	} curves[] = { { "prime256v1", 32 }, { "secp384r1", 48 }, { "secp521r1", 66 } };

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (params->oid.len > 0 ? oid_is(params, curves[i].name)
					: params->least <= curves[i].octets)
			return curves[i].name;
	}
	return NULL;
}

enum { ALGORITHM_ANY, ALGORITHM_RSA, ALGORITHM_ECDSA };
#define RSA_OCTETS_DEFAULT 256
#define RSA_OCTETS_LEAST   256
#define RSA_OCTETS_MOST	   1024

static EVP_PKEY *make_key(const struct enrol_params *params)
{
	size_t octets = params->least ? params->least : RSA_OCTETS_DEFAULT;
	const char *curve = curve_of(params);

	if (params->algorithm == ALGORITHM_RSA)
		return octets < RSA_OCTETS_LEAST || octets > RSA_OCTETS_MOST
			       ? NULL
			       : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", octets * 8);
	if (params->algorithm != ALGORITHM_ECDSA && params->algorithm != ALGORITHM_ANY)
		return NULL;
	return curve ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve) : NULL;
}

/* One that an earlier conversation has begun with, if it will do. */
static EVP_PKEY *begun_key(struct keystore *keystore, const char *credential,
			   const struct enrol_params *params)
{
	AUTO(EVP_PKEY) key = NULL;
	struct diagnosis ignored = { 0 };

	if (keystore_begun(keystore, credential, &key, &ignored) < 0 ||
	    !params_met_by_key(params, key))
		return NULL;
	return TAKE(key);
}

static enum status new_key(void *self, const char *credential, const struct enrol_params *params,
			   EVP_PKEY **ret_key, struct diagnosis *why)
{
	const struct face *face = self;
	AUTO(EVP_PKEY) key = begun_key(face->shelf->keystore, credential, params);
	enum status status;

	if (key) {
		*ret_key = TAKE(key);
		return OK;
	}
	key = make_key(params);
	if (!key) {
		diagnosis_set(why, DIAG_ENROL_KEY_GENERATION);
		diagnosis_add(why, "by", "this machine");
		diagnosis_add(why, "detail", "no key of the kind that is wanted could be made");
		return CRYPTO;
	}
	status = status_of(keystore_begin(face->shelf->keystore, credential, key, NULL, why));
	if (status == OK)
		*ret_key = TAKE(key);
	return status;
}

/* ---- what came for them -------------------------------------------------------------------- */

static bool holds(const STACK_OF(X509) * certs, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_cmp(sk_X509_value(certs, i), cert) == 0)
			return true;
	}
	return false;
}

static bool add_anchors(X509_STACK *to, const STACK_OF(X509) * from, bool all)
{
	for (int i = 0; from && i < sk_X509_num(from) && sk_X509_num(to) < ANCHORS_MAX; i++) {
		X509 *cert = sk_X509_value(from, i);

		if (holds(to, cert) ||
		    (!all && cert_time(X509_get0_notAfter(cert)) < loop_now().wall))
			continue;
		if (!X509_up_ref(cert))
			return false;
		if (!sk_X509_push(to, cert)) {
			X509_free(cert);
			return false;
		}
	}
	return true;
}

/* What is believed from now on: first what was told now. */
static enum status merge_anchors(const struct face *face, const char *name,
				 const STACK_OF(X509) * told, X509_STACK **ret_anchors)
{
	AUTO(X509_STACK) anchors = sk_X509_new_null();
	AUTO_STRUCT(credential) old = NULL;
	struct diagnosis ignored = { 0 };

	if (!anchors || !add_anchors(anchors, told, true))
		return NO_MEMORY;
	if (face->keeps_anchors && keystore_get(face->shelf->keystore, name, &old, &ignored) == 0 &&
	    !add_anchors(anchors, old->anchors, false))
		return NO_MEMORY;
	*ret_anchors = TAKE(anchors);
	return OK;
}

static enum status remember(struct key_shelf *shelf, const char *name, unsigned generation)
{
	for (size_t i = 0; i < FINISHED_MAX; i++) {
		if (shelf->finished[i].generation != 0 &&
		    strcmp(shelf->finished[i].name, name) != 0)
			continue;
		snprintf(shelf->finished[i].name, sizeof shelf->finished[i].name, "%s", name);
		shelf->finished[i].generation = generation;
		return OK;
	}
	return UNEXPECTED;
}

/* 0: there is none. */
static unsigned recall(struct key_shelf *shelf, const char *name)
{
	for (size_t i = 0; i < FINISHED_MAX; i++) {
		unsigned generation = shelf->finished[i].generation;

		if (generation == 0 || strcmp(shelf->finished[i].name, name) != 0)
			continue;
		shelf->finished[i].generation = 0;
		return generation;
	}
	return 0;
}

static enum status put(void *self, const char *credential, const struct enrol_result *result,
		       struct diagnosis *why)
{
	const struct face *face = self;
	struct keystore_parts parts = { .kind = CREDENTIAL_CERTIFICATE,
					.cert = result->cert,
					.chain = result->chain };
	AUTO(X509_STACK) anchors = NULL;
	char username[KEYSTORE_USERNAME_MAX + 1] = "";
	unsigned generation = 0;
	enum status status = merge_anchors(face, credential, result->anchors, &anchors);

	if (!result->cert) {
		parts.kind = result->password.len > 0 ? CREDENTIAL_PASSWORD : CREDENTIAL_SYMMETRIC;
		parts.secret = result->password.len > 0 ? result->password : result->secret;
		snprintf(username, sizeof username, "%.*s", (int)result->username.len,
			 (const char *)result->username.p);
		parts.username = username;
	}
	parts.anchors = anchors;
	/* A key that the server has made was not begun with. */
	if (status == OK && result->key)
		status = status_of(
			keystore_begin(face->shelf->keystore, credential, result->key, NULL, why));
	if (status == OK)
		status = status_of(keystore_finish(face->shelf->keystore, credential, &parts,
						   &generation, why));
	return status == OK ? remember(face->shelf, credential, generation) : status;
}

static enum status activate(void *self, const char *credential, struct diagnosis *why)
{
	const struct face *face = self;
	unsigned generation = recall(face->shelf, credential);

	if (generation == 0) {
		diagnosis_say(why, DIAG_INTERNAL, "nothing was stored for %s", credential);
		return UNEXPECTED;
	}
	return status_of(keystore_try(face->shelf->keystore, credential, generation, why));
}

static enum status drop(void *self, const char *credential, struct diagnosis *why)
{
	const struct face *face = self;

	return status_of(keystore_remove(face->shelf->keystore, credential, why));
}

static void abandon(void *self, const char *credential, bool refused)
{
	const struct face *face = self;
	struct keystore *keystore = face->shelf->keystore;
	struct diagnosis ignored = { 0 };
	unsigned generation = refused ? recall(face->shelf, credential) : 0;

	/* Of what was only cut off, what is finished stays: who knows better can still activate it,
	 * and recovery would. */
	if (generation != 0)
		(void)keystore_discard(keystore, credential, generation, &ignored);
	(void)keystore_abandon(keystore, credential, &ignored);
}

static const struct enrol_store store = {
	.new_key = new_key,
	.put = put,
	.activate = activate,
	.remove = drop,
	.abandon = abandon,
};

int key_shelf_new(struct key_shelf **ret_shelf)
{
	struct key_shelf *shelf = calloc(1, sizeof *shelf);

	if (!shelf)
		return -ENOMEM;
	shelf->enrolment = (struct face){ shelf, false };
	shelf->renewal = (struct face){ shelf, true };
	*ret_shelf = shelf;
	return 0;
}

void key_shelf_free(struct key_shelf *shelf)
{
	free(shelf);
}

void key_shelf_use(struct key_shelf *shelf, struct keystore *keystore)
{
	shelf->keystore = keystore;
}

struct enrol_store_ref key_shelf_store(struct key_shelf *shelf, bool keeps_anchors)
{
	return (struct enrol_store_ref){ &store,
					 keeps_anchors ? &shelf->renewal : &shelf->enrolment };
}
