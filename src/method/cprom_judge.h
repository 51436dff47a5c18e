/* Whether a new certificate may be installed: doc/cprom.md, "Installing", step 2.  Private to the
 * peer. */
#ifndef METHOD_CPROM_JUDGE_H
#define METHOD_CPROM_JUDGE_H

#include "method/cprom_peer.h"

/* It holds our key, chains to the anchors that count, may be a TLS client's, is valid now, and is
 * called as was asked for or allowed.  UNTRUSTED with the fault and the reason; OK with *reduced
 * DIAG_NONE, or the clock. */
CHECKED enum status cprom_judge(const struct cprom_peer_settings *settings,
				const struct cprom_credential *credential, EVP_PKEY *key,
				const struct enrol_result *result, int64_t now,
				struct enrol_fault *fault, struct diagnosis *why,
				struct diagnosis *reduced);

#endif
