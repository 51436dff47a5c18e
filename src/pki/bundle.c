#include "pki/bundle.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/cert.h"
#include "pki/intake.h"

void bundle_done(struct bundle *bundle)
{
	EVP_PKEY_free(bundle->key);
	X509_free(bundle->cert);
	x509_stack_free(bundle->chain);
	x509_stack_free(bundle->anchors);
	*bundle = (struct bundle){ 0 };
}

/* What an unfinished bundle holds, once more. */
static bool bundle_copy(const struct bundle *from, struct bundle *to)
{
	to->chain = from->chain ? X509_chain_up_ref(from->chain) : sk_X509_new_null();
	to->anchors = sk_X509_new_null();
	if (from->key && EVP_PKEY_up_ref(from->key) == 1)
		to->key = from->key;
	return to->chain && to->anchors;
}

enum status bundle_add(struct bundle *bundle, struct slice file, const struct secret *passphrase,
		       bool *ret_encrypted, struct diagnosis *why)
{
	AUTO_VALUE(bundle) both = { 0 };
	struct intake in = { .to = &both, .passphrase = passphrase, .why = why };
	enum status status = bundle_copy(bundle, &both) ? intake_file(&in, file) : NO_MEMORY;

	*ret_encrypted = in.encrypted;
	if (status == NO_MEMORY) {
		diagnosis_say(why, DIAG_INTERNAL, "out of memory");
	}
	if (status == OK) {
		struct bundle old = *bundle;

		*bundle = both;
		both = old;
	}
	return status;
}

/* ---- which keys we use ---- */

static enum status check_rsa(const EVP_PKEY *key, struct diagnosis *why)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < 2048)
		return unusable(why, UNSUPPORTED,
				"its RSA key has %d bits, which can be broken; make a new one of "
				"2048 to 4096, or P-256",
				bits);
	if (bits > 4096)
		return unusable(why, UNSUPPORTED,
				"its RSA key has %d bits, and more than 4096 are not supported",
				bits);
	return OK;
}

static enum status check_curve(const EVP_PKEY *key, struct diagnosis *why)
{
	static const char *const curves[] = { "prime256v1", "P-256",	 "secp384r1",
					      "P-384",	    "secp521r1", "P-521" };
	char curve[64] = "";

	if (EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) != 1)
		ERR_clear_error();
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (strcmp(curve, curves[i]) == 0)
			return OK;
	}
	return unusable(why, UNSUPPORTED,
			"its key is on the curve %s; P-256, P-384, P-521 and Ed25519 are supported",
			curve[0] ? curve : "without a name");
}

enum status key_check_usable(const EVP_PKEY *key, struct diagnosis *why)
{
	const char *type;

	if (EVP_PKEY_is_a(key, "RSA"))
		return check_rsa(key, why);
	if (EVP_PKEY_is_a(key, "EC"))
		return check_curve(key, why);
	if (EVP_PKEY_is_a(key, "ED25519"))
		return OK;
	type = EVP_PKEY_get0_type_name(key);
	return unusable(why, UNSUPPORTED, "its key is of type %s; use RSA, P-256 or Ed25519",
			type ? type : "unknown");
}

static bool signs_for(EVP_PKEY *private, EVP_PKEY *public)
{
	static const unsigned char text[] = "does this key fit";
	const EVP_MD *digest = EVP_PKEY_is_a(private, "ED25519") ? NULL : EVP_sha256();
	EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t len = sizeof signature;
	bool fits = sign && verify && EVP_DigestSignInit(sign, NULL, digest, NULL, private) == 1 &&
		    EVP_DigestSign(sign, signature, &len, text, sizeof text) == 1 &&
		    EVP_DigestVerifyInit(verify, NULL, digest, NULL, public) == 1 &&
		    EVP_DigestVerify(verify, signature, len, text, sizeof text) == 1;

	EVP_MD_CTX_free(sign);
	EVP_MD_CTX_free(verify);
	return fits;
}

bool key_matches(const X509 *cert, EVP_PKEY *key)
{
	EVP_PKEY *public = X509_get0_pubkey(cert);
	int equal = public ? EVP_PKEY_eq(public, key) : 0;
	bool matches = equal == 1 || (equal < 0 && signs_for(key, public));

	ERR_clear_error();
	return matches;
}

bool key_fits(const X509 *cert, EVP_PKEY *key)
{
	bool fits = key_matches(cert, key) && signs_for(key, X509_get0_pubkey(cert));

	ERR_clear_error();
	return fits;
}

/* ---- sorting ---- */

/* The library remembers whether it is, wrongly if it was short of memory when it looked. */
static bool self_signed(X509 *cert)
{
	bool self_issued = X509_get_extension_flags(cert) & EXFLAG_SI;
	EVP_PKEY *key = X509_get0_pubkey(cert);
	bool self = X509_self_signed(cert, 0) == 1 ||
		    (self_issued && key && X509_verify(cert, key) == 1);

	ERR_clear_error();
	return self;
}

static bool issued(X509 *issuer, X509 *subject)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool did = key && X509_check_issued(issuer, subject) == X509_V_OK &&
		   X509_verify(subject, key) == 1;

	ERR_clear_error();
	return did;
}

static bool issued_any(X509 *issuer, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (cert != issuer && issued(issuer, cert))
			return true;
	}
	return false;
}

static bool same_key(const X509 *cert, const EVP_PKEY *key)
{
	EVP_PKEY *public = X509_get0_pubkey(cert);
	bool same = public && EVP_PKEY_eq(public, key) == 1;

	ERR_clear_error();
	return same;
}

static bool is_leaf(const struct bundle *bundle, X509 *cert)
{
	if (bundle->key)
		return same_key(cert, bundle->key);
	return X509_check_ca(cert) != 1 && !issued_any(cert, bundle->chain);
}

static enum status two_leaves(const X509 *a, const X509 *b, struct diagnosis *why)
{
	struct cert_info first, second;

	cert_info_of(a, &first);
	cert_info_of(b, &second);
	return unusable(
		why, UNEXPECTED,
		"both %.60s (serial %.20s) and %.60s (serial %.20s) could be the certificate",
		first.subject, first.serial, second.subject, second.serial);
}

static enum status pick_leaf(struct bundle *bundle, struct diagnosis *why)
{
	int at = -1;

	for (int i = 0; i < sk_X509_num(bundle->chain); i++) {
		X509 *cert = sk_X509_value(bundle->chain, i);

		if (!is_leaf(bundle, cert))
			continue;
		if (at >= 0)
			return two_leaves(sk_X509_value(bundle->chain, at), cert, why);
		at = i;
	}
	if (at >= 0)
		bundle->cert = sk_X509_delete(bundle->chain, at);
	return OK;
}

/* Moves from `from` to `to` what issued `cert` and is not an anchor, which are not sent. */
static enum status move_issuers(X509 *cert, STACK_OF(X509) * from, STACK_OF(X509) * to)
{
	for (int i = 0; i < sk_X509_num(from);) {
		if (!issued(sk_X509_value(from, i), cert)) {
			i++;
			continue;
		}
		if (sk_X509_push(to, sk_X509_value(from, i)) == 0)
			return NO_MEMORY;
		sk_X509_delete(from, i);
	}
	return OK;
}

static enum status move_anchors(struct bundle *bundle)
{
	for (int i = 0; i < sk_X509_num(bundle->chain);) {
		if (!self_signed(sk_X509_value(bundle->chain, i))) {
			i++;
			continue;
		}
		if (sk_X509_push(bundle->anchors, sk_X509_value(bundle->chain, i)) == 0)
			return NO_MEMORY;
		sk_X509_delete(bundle->chain, i);
	}
	return OK;
}

/* Leaf first: the issuers of the certificate, then theirs. What is left belongs to nothing. */
static enum status sort_chain(struct bundle *bundle, struct diagnosis *why)
{
	AUTO(X509_STACK) sorted = sk_X509_new_null();
	enum status status = sorted ? OK : NO_MEMORY;
	struct cert_info info;

	if (status == OK && bundle->cert)
		status = move_issuers(bundle->cert, bundle->chain, sorted);
	for (int i = 0; status == OK && i < sk_X509_num(sorted); i++)
		status = move_issuers(sk_X509_value(sorted, i), bundle->chain, sorted);
	if (status != OK)
		return status;
	if (sk_X509_num(bundle->chain) > 0) {
		cert_info_of(sk_X509_value(bundle->chain, 0), &info);
		return unusable(
			why, UNEXPECTED,
			"the certificate %.100s belongs to neither its chain nor is it a root",
			info.subject);
	}
	x509_stack_free(bundle->chain);
	bundle->chain = TAKE(sorted);
	return OK;
}

static enum status check_key(const struct bundle *bundle, struct diagnosis *why)
{
	enum status status = OK;

	if (bundle->key)
		status = key_check_usable(bundle->key, why);
	else if (bundle->cert && X509_get0_pubkey(bundle->cert))
		status = key_check_usable(X509_get0_pubkey(bundle->cert), why);
	else if (bundle->cert)
		status = unusable(why, UNSUPPORTED, "its certificate's key is of an unknown type");
	ERR_clear_error();
	return status;
}

static enum status check_fit(const struct bundle *bundle, bool had_certs, struct diagnosis *why)
{
	if (!bundle->key || (!bundle->cert && !had_certs))
		return OK;
	if (bundle->cert && key_fits(bundle->cert, bundle->key))
		return OK;
	diagnosis_set(why, DIAG_KEY_MISMATCH);
	return UNTRUSTED;
}

enum status bundle_finish(struct bundle *bundle, struct diagnosis *why)
{
	bool had_certs = sk_X509_num(bundle->chain) > 0;
	enum status status = pick_leaf(bundle, why);

	if (status == OK)
		status = check_key(bundle, why);
	if (status == OK)
		status = check_fit(bundle, had_certs, why);
	if (status == OK)
		status = move_anchors(bundle);
	if (status == OK)
		status = sort_chain(bundle, why);
	if (status == NO_MEMORY) {
		diagnosis_say(why, DIAG_INTERNAL, "out of memory");
	}
	return status;
}
