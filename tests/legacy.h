/* MD4 and DES for tests: made at first use, never freed but by the end of the program. */
#ifndef TESTS_LEGACY_H
#define TESTS_LEGACY_H

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <stdlib.h>

#include "method/mschap.h"

static inline const struct mschap *test_mschap(void)
{
	static struct mschap *mschap;

	if (!mschap) {
		OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();

		if (!library || !OSSL_PROVIDER_load(library, "legacy") ||
		    mschap_new(library, &mschap) != OK)
			abort();
	}
	return mschap;
}

#endif
