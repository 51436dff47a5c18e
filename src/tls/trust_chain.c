#include "tls/trust_parts.h"

#include <openssl/x509_vfy.h>

#include <string.h>

/* RSA and DH from 2048 bits, curves from 224, SHA-224 and better: SSL_CTX_set_security_level(3). */
#define SECURITY_LEVEL 2

#define ANY_OTHER 0

struct meaning {
	int error;
	enum diagnosis_id id;
	const char *detail; /* NULL: what the library says */
};

/* Of several things that are wrong the first in this table is told: it makes no difference whether
 * the certificate of a stranger has expired. */
/* clang-format off */
static const struct meaning meanings[] = {
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG,               DIAG_SERVER_CERT_INVALID, NULL },

	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,         DIAG_SERVER_UNTRUSTED, "unknown issuer" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, DIAG_SERVER_UNTRUSTED, "unknown issuer" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,       DIAG_SERVER_UNTRUSTED, "self-signed" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,         DIAG_SERVER_UNTRUSTED, "unknown root" },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE,            DIAG_SERVER_UNTRUSTED,
	  "the issuer has the right name and another key" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,   DIAG_SERVER_UNTRUSTED, "unknown issuer" },
	{ X509_V_ERR_CERT_UNTRUSTED,                    DIAG_SERVER_UNTRUSTED, NULL },
	{ X509_V_ERR_CERT_REJECTED,                     DIAG_SERVER_UNTRUSTED, NULL },
	{ X509_V_ERR_SUBJECT_ISSUER_MISMATCH,           DIAG_SERVER_UNTRUSTED, NULL },
	{ X509_V_ERR_AKID_SKID_MISMATCH,                DIAG_SERVER_UNTRUSTED, NULL },
	{ X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH,       DIAG_SERVER_UNTRUSTED, NULL },

	{ X509_V_ERR_CERT_REVOKED,                      DIAG_SERVER_CERT_REVOKED, "revocation list" },
	{ ANY_OTHER,                                    DIAG_SERVER_CERT_INVALID, NULL },
	{ X509_V_ERR_CERT_HAS_EXPIRED,                  DIAG_SERVER_CERT_EXPIRED, NULL },
	{ X509_V_ERR_CERT_NOT_YET_VALID,                DIAG_SERVER_CERT_NOT_YET_VALID, NULL },

	{ X509_V_ERR_EE_KEY_TOO_SMALL,                  DIAG_SERVER_CERT_WEAK, "key too small" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL,                  DIAG_SERVER_CERT_WEAK, "key too small" },
	{ X509_V_ERR_CA_MD_TOO_WEAK,                    DIAG_SERVER_CERT_WEAK, "signature digest" },

	{ X509_V_ERR_CRL_SIGNATURE_FAILURE,             DIAG_CRL_UNUSABLE, "signature" },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE,   DIAG_CRL_UNUSABLE, "signature" },
	{ X509_V_ERR_CRL_HAS_EXPIRED,                   DIAG_CRL_UNUSABLE, "expired" },
	{ X509_V_ERR_CRL_NOT_YET_VALID,                 DIAG_CRL_UNUSABLE, "not yet valid" },
	{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD,    DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD,    DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,          DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,              DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,  DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE,               DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_CRL_PATH_VALIDATION_ERROR,         DIAG_CRL_UNUSABLE, NULL },
	{ X509_V_ERR_UNABLE_TO_GET_CRL,                 DIAG_CRL_UNUSABLE, "there is none" },
};
/* clang-format on */

static const struct meaning *meaning_of(int error)
{
	const struct meaning *other = NULL;

	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (meanings[i].error == error)
			return &meanings[i];
		if (meanings[i].error == ANY_OTHER)
			other = &meanings[i];
	}
	return other;
}

/* What a walk along the path has found: everything is looked at, the worst is kept. */
struct findings {
	const struct trust_time *time;
	const struct meaning *worst; /* NULL: nothing is wrong */
	int error;
	X509 *cert; /* belongs to the path */
	bool is_anchor;
};

static bool is_end_of_path(X509_STORE_CTX *ctx)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	return depth > 0 && depth == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
}

static bool excused(const struct findings *found, const struct meaning *meaning, bool end_of_path)
{
	if (meaning->error == X509_V_ERR_CERT_NOT_YET_VALID ||
	    meaning->error == X509_V_ERR_CRL_NOT_YET_VALID)
		return !found->time->not_before;
	/* Nobody revokes an anchor but who took it into the profile; if the path does not end in
	 * an anchor, that is found too. */
	return meaning->id == DIAG_CRL_UNUSABLE && end_of_path;
}

static void find(struct findings *found, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);
	const struct meaning *meaning = meaning_of(error);
	bool end_of_path = is_end_of_path(ctx);

	if (excused(found, meaning, end_of_path) || (found->worst && found->worst <= meaning))
		return;
	found->worst = meaning;
	found->error = error;
	found->cert = X509_STORE_CTX_get_current_cert(ctx);
	found->is_anchor = end_of_path;
}

static int walk_on(int ok, X509_STORE_CTX *ctx)
{
	if (!ok)
		find(X509_STORE_CTX_get_app_data(ctx), ctx);
	/* Otherwise the library tells an earlier error again in place of a later one. */
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static enum status verdict(const struct trust *trust, const struct findings *found, X509 *server,
			   struct diagnosis *why)
{
	enum diagnosis_id id = found->worst->id;
	const char *detail = found->worst->detail;
	X509 *cert = found->cert ? found->cert : server;

	trust_refuse(why, trust_id(trust, id), cert);
	if (id == DIAG_SERVER_CERT_EXPIRED || id == DIAG_SERVER_CERT_NOT_YET_VALID) {
		diagnosis_add_time(why, "not_before", cert_time(X509_get0_notBefore(cert)));
		diagnosis_add_time(why, "not_after", cert_time(X509_get0_notAfter(cert)));
		trust_add_now(why, found->time);
		detail = cert == server	    ? trust->role == CERT_CLIENT
						      ? "the client's own certificate"
						      : "the server's own certificate"
			 : found->is_anchor ? "a trust anchor"
					    : "an intermediate certificate";
	}
	diagnosis_add(why, "detail", "%s",
		      detail ? detail : X509_verify_cert_error_string(found->error));
	return UNTRUSTED;
}

bool trust_pinned(const struct trust *trust, const X509 *cert)
{
	uint8_t hash[CERT_HASH_LEN];

	if (trust->pin_count == 0 || !cert_spki_hash(cert, hash))
		return false;
	for (size_t i = 0; i < trust->pin_count; i++) {
		if (memcmp(trust->pins[i].hash, hash, trust->pins[i].len) == 0)
			return true;
	}
	return false;
}

/* Without anchors the pinned keys are the anchors, in the certificates that the server sent. */
static enum status pinned_among(const struct trust *trust, STACK_OF(X509) * presented,
				X509_VIEW **ret_pinned)
{
	AUTO(X509_VIEW) pinned = sk_X509_new_null();

	if (!pinned)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(presented); i++) {
		X509 *cert = sk_X509_value(presented, i);

		if (trust_pinned(trust, cert) && sk_X509_push(pinned, cert) == 0)
			return NO_MEMORY;
	}
	*ret_pinned = TAKE(pinned);
	return OK;
}

static void set_rules(X509_STORE_CTX *ctx, const struct trust *trust, const struct trust_time *time)
{
	X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	X509_VERIFY_PARAM_set_depth(rules, TRUST_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
	if (trust->has_crls)
		X509_VERIFY_PARAM_set_flags(rules,
					    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (time->not_after)
		X509_VERIFY_PARAM_set_time(rules, (time_t)time->at);
	else
		X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME);
}

/* When the server's certificate is an anchor itself, the library leaves in the path what was sent
 * along with it, vouched for by nobody. */
static enum status path_of(X509_STORE_CTX *ctx, X509_STACK **ret_path)
{
	X509_STACK *path = X509_STORE_CTX_get1_chain(ctx);

	while (X509_STORE_CTX_get_num_untrusted(ctx) == 0 && sk_X509_num(path) > 1)
		X509_free(sk_X509_pop(path));
	*ret_path = path;
	return path ? OK : NO_MEMORY;
}

enum status trust_chain(const struct trust *trust, STACK_OF(X509) * presented,
			const struct trust_time *time, X509_STACK **ret_path, struct diagnosis *why)
{
	X509 *server = sk_X509_value(presented, 0);
	AUTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
	AUTO(X509_VIEW) pinned = NULL;
	struct findings found = { .time = time };

	if (!ctx || !X509_STORE_CTX_init(ctx, trust->store, server, presented))
		return NO_MEMORY;
	if (!trust->has_anchors) {
		enum status status = pinned_among(trust, presented, &pinned);

		if (status != OK)
			return status;
		X509_STORE_CTX_set0_trusted_stack(ctx, pinned);
	}
	if (!X509_STORE_CTX_set_app_data(ctx, &found))
		return NO_MEMORY;
	set_rules(ctx, trust, time);
	X509_STORE_CTX_set_verify_cb(ctx, walk_on);

	if (X509_verify_cert(ctx) <= 0 && !found.worst) {
		found.error = X509_STORE_CTX_get_error(ctx);
		if (found.error == X509_V_ERR_OUT_OF_MEM)
			return NO_MEMORY;
		found.worst = meaning_of(found.error);
	}
	if (found.worst)
		return verdict(trust, &found, server, why);
	return path_of(ctx, ret_path);
}
