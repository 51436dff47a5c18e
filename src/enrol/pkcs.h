/* The Simple PKI Request and Response of RFC 5272: a PKCS#10, answered by certificates alone.  EST
 * wraps them in HTTP, TEAP in TLVs (RFC 9930, section 3.11.1); what each end makes of them is here,
 * and TEAP's two protocols, for which nothing more is needed.
 *
 * Both link a request to its tunnel by the challengePassword: base64 of the binding in the job,
 * which each protocol defines.  TEAP's is tls-unique, with TLS 1.3 tls-exporter (RFC 9266). */
#ifndef ENROL_PKCS_H
#define ENROL_PKCS_H

#include "enrol/protocol.h"

#define PKCS_ATTRIBUTES_MAX 4096 /* octets of CSR attributes */

/* ---- the machine ---- */

/* The request for job->key.  attributes: the server's CsrAttrs, DER; empty: it has told none.  On
 * failure the fault. */
CHECKED enum status pkcs_request_build(const struct enrol_peer_job *job, struct slice attributes,
				       struct bytes *ret_der, struct enrol_fault *fault);

/* What came of it: the certificate of our key, the chain above it, and of the authorities (which
 * may be NULL) those that issued themselves.  None of them is judged. */
struct pkcs_given {
	X509 *cert;
	STACK_OF(X509) * chain, *anchors; /* anchors: NULL when there are none */
};
void pkcs_given_done(struct pkcs_given *given);
/* Borrows. */
void pkcs_given_result(const struct pkcs_given *given, struct enrol_result *ret_result);
/* Issuers are looked for in the message and among the authorities.  On failure the fault. */
CHECKED enum status pkcs_response_read(EVP_PKEY *key, struct slice certs_only,
				       const STACK_OF(X509) * authorities,
				       struct pkcs_given *ret_given, struct enrol_fault *fault);

/* ---- the server ---- */

struct pkcs_request {
	struct bytes csr;
	EVP_PKEY *key;
	struct enrol_names names;
};
void pkcs_request_done(struct pkcs_request *request);
/* It is well formed, signed by the key in it, of this tunnel if it says of which, and asks in a
 * renewal for the names that there are (RFC 7030, section 4.2.2).  On failure the fault, and in
 * *why, if it is known, what is wrong. */
CHECKED enum status pkcs_request_read(const struct enrol_server_job *job, struct slice der,
				      struct pkcs_request *ret_request, struct enrol_fault *fault,
				      struct diagnosis *why);
/* ENROL_ASKS_ISSUE; borrows from both. */
struct enrol_question pkcs_question(const struct enrol_server_job *job,
				    const struct pkcs_request *request);
/* The certificate of a reply, and what it lies below. */
CHECKED enum status pkcs_take_reply(const struct enrol_server_job *job,
				    const struct enrol_reply *reply, struct pkcs_given *ret_given);

/* ---- TEAP ---- */

/* Its messages are DER.  Peer: the first message has the server's CSR attributes as headers, or
 * nothing, and is answered with the request; the second has the PKCS#7 as data, and as headers that
 * of a Trusted-Server-Root TLV, or nothing.  Server: the request, and after its question the
 * PKCS#7. */
extern const struct enrol_peer_protocol pkcs_peer;
extern const struct enrol_server_protocol pkcs_server;

#endif
