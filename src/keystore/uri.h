/* Keys that live elsewhere: `pkcs11:` (RFC 7512) and other provider URIs, through OSSL_STORE. */
#ifndef KEYSTORE_URI_H
#define KEYSTORE_URI_H

#include "base/diagnosis.h"
#include "tls/ssl.h"

/* Whether text is a URI for a key (a scheme, a colon), and not a path. */
bool key_uri_valid(const char *text, struct diagnosis *why);

/* 0 or -errno: -ENOTSUP when no provider for the scheme is installed, with the name of what to
 * install; -ENXIO when there is no such key.  A PIN comes from pin-source=file: in the URI, never
 * from the URI itself. */
int key_uri_open(const char *uri, EVP_PKEY **ret_key, struct diagnosis *why);

#endif
