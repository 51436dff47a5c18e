/* OpenSSL's legacy provider, in a library context of its own: MD4 and DES for MS-CHAP, and nothing
 * else of this process ever sees them.
 *
 * It is a module that is loaded from a file, so it is made once, when the program starts, before it
 * confines itself. */
#ifndef CONFIG_LEGACY_H
#define CONFIG_LEGACY_H

#include "method/mschap.h"

struct legacy;

/* 0, or -ENOMEM, or -ENOENT when there is no such provider on this machine. */
int legacy_new(struct legacy **ret_legacy);
void legacy_free(struct legacy *legacy);
DEFINE_AUTO_STRUCT(legacy);

/* Good as long as legacy; NULL for NULL.  Threads may share it. */
const struct mschap *legacy_mschap(const struct legacy *legacy);

#endif
