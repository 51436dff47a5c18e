/* The HTTP of EST inside CPROM: Provisioning-Headers holds the request line or status line and the
 * header fields, each with its CRLF, and may end in the empty line; Provisioning-Data is the body.
 * RFC 9112, sections 2 to 5, without what only a connection needs, and RFC 9110 for the fields. */
#ifndef ENROL_EST_HTTP_H
#define ENROL_EST_HTTP_H

#include "base/bytes.h"

#define EST_HEADERS_MAX 4096 /* octets */
#define EST_FIELDS_MAX	32
#define EST_LABEL_MAX	64 /* of the optional path segment: RFC 7030, section 3.2.2 */
#define EST_BODY_MAX	(256 * 1024)

enum est_operation { EST_CA_CERTS, EST_CSR_ATTRS, EST_ENROLL, EST_REENROLL, EST_OPERATIONS };

struct est_head {
	bool request;
	enum est_operation operation; /* of a request */
	unsigned status;	      /* of a response, 100 to 599 */
	struct slice type;	      /* Content-Type without its parameters; may be empty */
	bool has_retry_after;
	uint32_t retry_after; /* seconds; UINT32_MAX for a date */
};

/* What is wrong is said in a word or two by *ret_wrong, which is static.  UNSUPPORTED: a target
 * that is not of EST, or not with this method.  A Content-Length has to be that of the body. */
CHECKED enum status est_head_parse(struct slice headers, size_t body, struct est_head *ret_head,
				   const char **ret_wrong);
/* Case does not matter: RFC 9110, section 8.3.1. */
bool est_type_is(const struct est_head *head, const char *type);

/* type: with its parameters; NULL: no body. */
CHECKED enum status est_request(enum est_operation operation, const char *type, size_t body,
				struct bytes *ret_headers);
CHECKED enum status est_response(unsigned status, const char *type, size_t body,
				 struct bytes *ret_headers);

/* Base64 as RFC 8951, section 3.1, has it: RFC 4648, with white space among it tolerated. */
CHECKED enum status base64_decode(struct slice in, struct bytes *ret_out);
CHECKED enum status base64_encode(struct slice in, struct bytes *ret_out);

#endif
