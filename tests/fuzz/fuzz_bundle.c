/* Files that somebody sends to be imported: two of them, with and without a passphrase. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pki/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken in makes a bundle that is consistent, or none. */
static void finish(struct bundle *bundle, struct diagnosis *why)
{
	if (bundle_finish(bundle, why) != OK) {
		if (why->id == DIAG_NONE)
			abort();
		return;
	}
	if (bundle->key && bundle->cert && !key_fits(bundle->cert, bundle->key))
		abort();
	if (sk_X509_num(bundle->chain) + sk_X509_num(bundle->anchors) > BUNDLE_CERTS_MAX)
		abort();
}

/* The first octet: whether there is a passphrase, and how much of the rest is the first file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	uint8_t how = rd_u8(&r);
	size_t split = how & 1 ? r.left / 2 : r.left;
	struct slice files[] = { rd_bytes(&r, split), rd_rest(&r) };
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_VALUE(secret) passphrase = { 0 };
	struct diagnosis why = { 0 };

	if (secret_set(&passphrase, slice_str("good")) != OK)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		const struct secret *given = how & 2 ? &passphrase : NULL;
		bool encrypted = false;
		int before = sk_X509_num(bundle.chain);
		enum status status = bundle_add(&bundle, files[i], given, &encrypted, &why);

		if (status != OK && (why.id == DIAG_NONE || sk_X509_num(bundle.chain) != before))
			abort();
		if (encrypted && given)
			abort();
	}
	finish(&bundle, &why);
	return 0;
}
