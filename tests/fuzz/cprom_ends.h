/* Our two ends of CPROM without a tunnel (tests/cprom_duo.h), and somebody who changes what one of
 * them says: octets, or whole TLVs.
 *
 * The first two octets of an input choose what is enrolled and how, the rest are changes
 * (meddle.h).  A conversation about passwords and symmetric keys takes a hundredth of the time of
 * one about certificates, nearly all of which goes by in OpenSSL. */
#ifndef TESTS_FUZZ_CPROM_ENDS_H
#define TESTS_FUZZ_CPROM_ENDS_H

#include "base/bytes.h"

void cprom_ends_play(struct slice input, bool certificates, bool change_requests);

#endif
