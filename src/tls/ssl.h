/* The crypto library's types as owned locals. */
#ifndef TLS_SSL_H
#define TLS_SSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/own.h"

static inline void x509_stack_free(STACK_OF(X509) * certs)
{
	sk_X509_pop_free(certs, X509_free);
}

static inline void x509_view_free(STACK_OF(X509) * certs)
{
	sk_X509_free(certs);
}

typedef STACK_OF(X509) X509_STACK; /* owns its certificates */
typedef STACK_OF(X509) X509_VIEW;  /* somebody else does */

DEFINE_AUTO(ASN1_OBJECT, ASN1_OBJECT_free);
DEFINE_AUTO(BIO, BIO_free_all);
DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free);
DEFINE_AUTO(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
DEFINE_AUTO(GENERAL_NAMES, GENERAL_NAMES_free);
DEFINE_AUTO(OCSP_BASICRESP, OCSP_BASICRESP_free);
DEFINE_AUTO(OCSP_CERTID, OCSP_CERTID_free);
DEFINE_AUTO(OCSP_REQUEST, OCSP_REQUEST_free);
DEFINE_AUTO(OCSP_RESPONSE, OCSP_RESPONSE_free);
DEFINE_AUTO(SSL, SSL_free);
DEFINE_AUTO(SSL_CTX, SSL_CTX_free);
DEFINE_AUTO(SSL_SESSION, SSL_SESSION_free);
DEFINE_AUTO(X509, X509_free);
DEFINE_AUTO(X509_CRL, X509_CRL_free);
DEFINE_AUTO(X509_NAME, X509_NAME_free);
DEFINE_AUTO(X509_STACK, x509_stack_free);
DEFINE_AUTO(X509_STORE, X509_STORE_free);
DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX_free);
DEFINE_AUTO(X509_VIEW, x509_view_free);

#endif
