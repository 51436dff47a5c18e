/* Files to be imported, without memory: all that is in them is taken, or nothing. */
#include "pki/bundle.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"

static struct pki_cert root, middle, leaf;
static struct bytes pem, sealed_key, pkcs12;
static struct secret passphrase;

static void append(struct bytes *all, struct bytes more)
{
	if (bytes_append(all, bytes_slice(&more), SIZE_MAX / 2) != OK)
		abort();
	bytes_done(&more);
}

static void set_up(void)
{
	STACK_OF(X509) * chain;

	root = pki_ca("Root");
	middle = pki_intermediate("Middle", &root);
	leaf = pki_client("machine", &middle);
	append(&pem, pki_pem(root.cert));
	append(&pem, pki_pem(leaf.cert));
	append(&pem, pki_pem(middle.cert));
	sealed_key = pki_key_pem(leaf.key, "good");
	chain = pki_chain(middle.cert, root.cert, NULL);
	pkcs12 = pki_pkcs12(&leaf, chain, "good");
	x509_stack_free(chain);
	if (secret_set(&passphrase, slice_str("good")) != OK)
		abort();
}

static void clear_away(void)
{
	secret_done(&passphrase);
	bytes_done(&pkcs12);
	bytes_done(&sealed_key);
	bytes_done(&pem);
	pki_cert_done(&leaf);
	pki_cert_done(&middle);
	pki_cert_done(&root);
}

static bool complete(const struct bundle *b)
{
	return b->key && EVP_PKEY_eq(b->key, leaf.key) == 1 && b->cert &&
	       X509_cmp(b->cert, leaf.cert) == 0 && sk_X509_num(b->chain) == 1 &&
	       X509_cmp(sk_X509_value(b->chain, 0), middle.cert) == 0 &&
	       sk_X509_num(b->anchors) == 1 &&
	       X509_cmp(sk_X509_value(b->anchors, 0), root.cert) == 0;
}

static bool import(const struct slice *files, size_t count)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct diagnosis why;

	for (size_t i = 0; i < count; i++) {
		const EVP_PKEY *key = bundle.key;
		int certs = sk_X509_num(bundle.chain);
		bool encrypted;

		diagnosis_set(&why, DIAG_NONE);
		if (bundle_add(&bundle, files[i], &passphrase, &encrypted, &why) != OK)
			return fault_happened() && why.id != DIAG_NONE && !encrypted &&
			       bundle.key == key && sk_X509_num(bundle.chain) == certs;
	}
	diagnosis_set(&why, DIAG_NONE);
	if (bundle_finish(&bundle, &why) != OK)
		return fault_happened() && why.id != DIAG_NONE;
	fault_suspend();

	bool right = complete(&bundle);

	fault_resume();
	return right;
}

static bool from_pem(void)
{
	const struct slice files[] = { bytes_slice(&pem), bytes_slice(&sealed_key) };

	return import(files, 2);
}

static bool from_pkcs12(void)
{
	const struct slice files[] = { bytes_slice(&pkcs12) };

	return import(files, 1);
}

int main(void)
{
	fault_init();
	set_up();
	fault_each("bundle: PEM, an encrypted key", from_pem);
	fault_each("bundle: PKCS#12", from_pkcs12);
	clear_away();
	return fault_end();
}
