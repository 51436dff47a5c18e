#include "config/legacy.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <errno.h>
#include <stdlib.h>

struct legacy {
	OSSL_LIB_CTX *library;
	OSSL_PROVIDER *provider;
	struct mschap *mschap;
};

int legacy_new(struct legacy **ret_legacy)
{
	AUTO_STRUCT(legacy) legacy = calloc(1, sizeof *legacy);
	enum status status = UNSUPPORTED;

	if (!legacy)
		return -ENOMEM;
	legacy->library = OSSL_LIB_CTX_new();
	if (!legacy->library)
		return -ENOMEM;
	legacy->provider = OSSL_PROVIDER_load(legacy->library, "legacy");
	if (legacy->provider)
		status = mschap_new(legacy->library, &legacy->mschap);
	ERR_clear_error();
	if (status != OK)
		return status == NO_MEMORY ? -ENOMEM : -ENOENT;
	*ret_legacy = TAKE(legacy);
	return 0;
}

void legacy_free(struct legacy *legacy)
{
	if (!legacy)
		return;
	mschap_free(legacy->mschap);
	if (legacy->provider)
		OSSL_PROVIDER_unload(legacy->provider);
	OSSL_LIB_CTX_free(legacy->library);
	free(legacy);
}

const struct mschap *legacy_mschap(const struct legacy *legacy)
{
	return legacy ? legacy->mschap : NULL;
}
