#include "base/random.h"

#include <limits.h>
#include <openssl/rand.h>

enum status random_bytes(uint8_t *out, size_t len)
{
	return len <= INT_MAX && RAND_priv_bytes(out, (int)len) == 1 ? OK : CRYPTO;
}
