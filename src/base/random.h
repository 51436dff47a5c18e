/* Random bytes, the crypto library's: the one thing that protocol code draws by itself, for
 * challenges, nonces, serial numbers and secrets.  It stands alone in its object, so that a test
 * that needs known bytes, or none, links its own. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Good for keys.  CRYPTO when there are none; *out is then not to be used. */
CHECKED enum status random_bytes(uint8_t *out, size_t len);

#endif
