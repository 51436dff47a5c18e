/* An EAP-TLS server in memory, for tests, fuzzers and measurements of the peer: OpenSSL, the
 * framing of RFC 5216, and the faults a test asks for.  It speaks type-data, without EAP around it.
 * What it cannot do ends the program. */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include "base/bytes.h"
#include "eap/keys.h"
#include "tests/pki.h"

/* What follows the peer's Finished in TLS 1.3: RFC 9190, section 2.5, and what has been seen. */
enum server_success {
	SUCCESS_PROTECTED, /* 0x00, after the tickets */
	SUCCESS_NONE,	   /* EAP-Success without it */
	SUCCESS_EARLY,	   /* 0x00 with the server's own Finished, then EAP-Success */
	SUCCESS_LATE,	   /* tickets in one Request, 0x00 in the next */
	SUCCESS_CLOSE,	   /* close_notify */
	SUCCESS_OTHER,	   /* some other data */
};

struct tls_server_spec {
	const struct pki_cert *cert;
	STACK_OF(X509) * chain;		 /* sent along; may be NULL */
	const struct pki_cert *ca;	 /* of the clients; NULL: no certificate is asked for */
	bool cert_optional;		 /* a client without one is welcome */
	int min, max;			 /* TLS1_2_VERSION …; 0: all that OpenSSL has */
	const char *ciphers, *ciphers13; /* NULL: OpenSSL's choice */
	bool no_tickets;		 /* then TLS 1.2 resumes by session ids */
	struct slice ocsp;		 /* stapled when asked for */
	size_t fragment;		 /* of TLS data; 0: 1000 */
	enum server_success success;
	int verify_error; /* refuses every client certificate with this X509_V_ERR_… */
	int64_t now;	  /* 0: PKI_NOW */
};

enum server_state { SERVER_GOING, SERVER_SUCCESS, SERVER_FAILURE };

struct tls_server {
	struct tls_server_spec spec;
	SSL_CTX *ctx;

	/* one conversation */
	SSL *ssl;
	BIO *in, *out;
	struct bytes incoming, outgoing;
	size_t sent;
	bool failed, confirmed, early_begun, done;
	int alert; /* the last that came from the peer; -1: none */
	enum server_state state;
};

/* The server stays where it is. */
void tls_server_init(struct tls_server *server, const struct tls_server_spec *spec);
void tls_server_done(struct tls_server *server);

/* A new conversation: writes the Start. */
void tls_server_begin(struct tls_server *server, struct wr *request);
/* The answer to a Response's type-data.  SERVER_GOING: another Request was written. */
enum server_state tls_server_answer(struct tls_server *server, struct slice response,
				    struct wr *request);

/* The keys as this end has them. */
void tls_server_keys(struct tls_server *server, struct eap_keys *ret_keys);
bool tls_server_resumed(const struct tls_server *server);

#endif
