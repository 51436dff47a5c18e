/* EAP-TLS, the server: RFC 5216 with TLS 1.2 and below, RFC 9190 with TLS 1.3.
 *
 * tls_server_method is used with a struct tls_server_context, which is what all conversations of
 * one worker have in common.  A conversation asks once, EAP_ASKS_CERTIFICATE, after the client has
 * proved who it is; the claim is good until free, also in a resumption.  A refusal is told to the
 * client by an alert before EAP-Failure, and costs it the session.
 *
 * The alert is chosen by the id of the diagnosis given to answer(): certificate_revoked and
 * certificate_expired for DIAG_PEER_CERT_REVOKED and DIAG_PEER_CERT_EXPIRED, certificate_unknown
 * for what is wrong with OCSP, access_denied otherwise.  why may be NULL, and is DIAG_PEER_DENIED
 * then.  What it says of a server's certificate (DIAG_SERVER_CERT_REVOKED, DIAG_OCSP_INVALID and so
 * on) becomes the same of the client's. */
#ifndef METHOD_TLS_SERVER_H
#define METHOD_TLS_SERVER_H

#include "eap/server_method.h"
#include "tls/server.h"

extern const struct eap_server_method tls_server_method;

struct tls_server_context {
	/* Borrowed by init, which takes a reference: may be replaced between conversations. */
	struct tls_server_config *config;
	size_t fragment_size; /* of the TLS data in one packet; 0: what fits */
};

#endif
