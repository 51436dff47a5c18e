/* Inside dynamic authorization: what its two ends share. */
#ifndef AUTHD_DYNAUTH_PARTS_H
#define AUTHD_DYNAUTH_PARTS_H

#include "authd/dynauth.h"
#include "authd/server_config.h"
#include "base/list.h"

/* What we ask of NASes (dynauth_asks.c).  crypto is borrowed. */
struct dynauth_asks;
int dynauth_asks_new(struct loop *loop, struct radius_crypto *crypto, struct dynauth_asks **ret);
void dynauth_asks_free(struct dynauth_asks *asks);
int dynauth_asks_send(struct dynauth_asks *asks, const struct dynauth_ask *ask);

#endif
