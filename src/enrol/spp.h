/* The Simple Provisioning Protocol, what its two ends have in common: draft-pala-eap-creds-04,
 * section 7, as doc/cprom.md settles it.  Its messages are TLVs inside of Provisioning-Data. */
#ifndef ENROL_SPP_H
#define ENROL_SPP_H

#include "enrol/cprom_rules.h"

#define SPP_OUTPUT_MAX (128 * 1024) /* a certificate with all that goes with it */

/* No headers, and TLVs by the rules. */
CHECKED enum status spp_check(enum cprom_kind kind, const struct enrol_message *in,
			      struct enrol_fault *fault);

/* Begins and ends the data of a message; empty when nothing was written. */
struct wr spp_open(struct enrol_output *out, size_t room);
CHECKED enum status spp_close(struct enrol_output *out, const struct wr *w);

/* Credentials-Data of a symmetric key is the key; of user name and password the length of the name
 * (16 bits), the name, the password. */
void spp_secret_build(struct wr *w, enum enrol_credential type, struct slice secret);
CHECKED enum status spp_secret_parse(struct slice value, enum enrol_credential type,
				     struct slice *ret_username, struct slice *ret_secret);

/* A secret of our own making: any octets, or for a password letters, digits, '-' and '_'. */
CHECKED enum status spp_secret_make(enum enrol_credential type, size_t length,
				    struct secret *ret_secret);
CHECKED enum status spp_secret_join(struct slice first, struct slice second,
				    struct secret *ret_secret);

#endif
