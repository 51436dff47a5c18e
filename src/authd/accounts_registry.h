/* Accounts as the registry has them, for those who look them up (accounts.h). */
#ifndef AUTHD_ACCOUNTS_REGISTRY_H
#define AUTHD_ACCOUNTS_REGISTRY_H

#include "authd/accounts.h"
#include "authd/recorder.h"

/* The recorder is borrowed; what was asked is told before it is freed, and this after it.  NULL
 * without memory. */
struct accounts *accounts_registry_new(struct recorder *recorder);
void accounts_registry_free(struct accounts *accounts);

#endif
