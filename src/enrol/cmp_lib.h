/* What our two ends of CMP need of the crypto library in the same way. */
#ifndef ENROL_CMP_LIB_H
#define ENROL_CMP_LIB_H

#include <openssl/cmp.h>
#include <openssl/crmf.h>

#include "base/bytes.h"
#include "tls/ssl.h"

typedef STACK_OF(OSSL_CMP_ITAV) ITAV_STACK;

static inline void itav_stack_free(STACK_OF(OSSL_CMP_ITAV) * items)
{
	sk_OSSL_CMP_ITAV_pop_free(items, OSSL_CMP_ITAV_free);
}

DEFINE_AUTO(ITAV_STACK, itav_stack_free);
DEFINE_AUTO(OSSL_CMP_CTX, OSSL_CMP_CTX_free);
DEFINE_AUTO(OSSL_CMP_MSG, OSSL_CMP_MSG_free);
DEFINE_AUTO(X509_REQ, X509_REQ_free);

/* NULL when it does not decode, or is followed by something. */
OSSL_CMP_MSG *cmp_decode(struct slice der);
CHECKED enum status cmp_encode(const OSSL_CMP_MSG *message, struct bytes *ret_der);
X509 *cmp_decode_cert(struct slice der);
/* The library has no way to it before 3.2.  NULL when there is none that it knows. */
EVP_PKEY *cmp_template_key(const OSSL_CRMF_CERTTEMPLATE *template);

/* What every context gets: silence (the library would write to stderr) and the algorithms of our
 * MAC. */
bool cmp_prepare(OSSL_CMP_CTX *ctx);
/* Signatures of the other end are believed if they chain to these, at this time. */
bool cmp_trust(OSSL_CMP_CTX *ctx, const STACK_OF(X509) * anchors, int64_t now);
bool cmp_set_secret(OSSL_CMP_CTX *ctx, struct slice reference, struct slice secret);

/* id-it 20, 18 and 17: RFC 9810, section 5.3.19.  NULL when there is no memory.  A root update
 * without certificates says that there is none. */
OSSL_CMP_ITAV *cmp_root_question(X509 *root);
OSSL_CMP_ITAV *cmp_root_answer(X509 *new_with_new, X509 *new_with_old);
OSSL_CMP_ITAV *cmp_ca_certs_answer(STACK_OF(X509) * certs);

/* The failure (cmp_message.h) and the words of what went wrong last, from the library's queue of
 * errors, which is emptied. */
unsigned cmp_last_failure(char *text, size_t size);

#endif
