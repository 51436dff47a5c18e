/* Provisioning-Params: what a key or secret has to be, said by two and met by one. */
#ifndef ENROL_PARAMS_H
#define ENROL_PARAMS_H

#include "enrol/question.h"

/* What both ask for; how it is made is the server's (demanded).  UNSUPPORTED when they exclude each
 * other.  oid borrows from either. */
CHECKED enum status params_merge(const struct enrol_params *wanted,
				 const struct enrol_params *demanded,
				 struct enrol_params *ret_params);

/* Whether a key is such a one.  Lengths are of the RSA modulus, or of a coordinate. */
bool params_met_by_key(const struct enrol_params *params, const EVP_PKEY *key);

/* Of a secret in all: what is made when the parameters leave it open, within what they allow; and
 * of that the server's share, when both sides make one. */
#define PARAMS_SECRET_DEFAULT 32
#define PARAMS_SECRET_MAX     1024
size_t params_secret_length(const struct enrol_params *params);
size_t params_server_share(const struct enrol_params *params);
bool params_met_by_secret(const struct enrol_params *params, size_t length);

#endif
