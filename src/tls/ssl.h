/* The crypto library's types as owned locals. */
#ifndef TLS_SSL_H
#define TLS_SSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/own.h"

static inline void x509_stack_free(STACK_OF(X509) * certs)
{
	sk_X509_pop_free(certs, X509_free);
}

typedef STACK_OF(X509) X509_STACK;
DEFINE_AUTO(BIO, BIO_free_all);
DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free);
DEFINE_AUTO(X509, X509_free);
DEFINE_AUTO(X509_STACK, x509_stack_free);
DEFINE_AUTO(X509_STORE, X509_STORE_free);
DEFINE_AUTO(X509_CRL, X509_CRL_free);
DEFINE_AUTO(SSL, SSL_free);
DEFINE_AUTO(SSL_CTX, SSL_CTX_free);
DEFINE_AUTO(SSL_SESSION, SSL_SESSION_free);

#endif
