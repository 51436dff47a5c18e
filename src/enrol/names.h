/* The names of a certificate or request as text, and back: what CSRs, CRMF templates and
 * certificates have in common.  Pure.
 *
 * Text that comes from outside is checked here, once: UTF-8 without control characters or NULs,
 * host names by their letters, addresses by their form.  So whoever has a struct enrol_names may
 * print and compare it. */
#ifndef ENROL_NAMES_H
#define ENROL_NAMES_H

#include "enrol/question.h"

#define ENROL_COMMON_NAME_MAX 64 /* characters: ub-common-name of RFC 5280 */

/* Of a subject and the extensions beside it (either may be NULL): the last CN, and the
 * subjectAltName.  Names of kinds that we do not have are left out and counted in *ret_ignored,
 * which may be NULL.  MALFORMED: what is there is not well formed, or too much, with the reason
 * (DIAG_REQUEST_MALFORMED). */
CHECKED enum status names_read(const X509_NAME *subject,
			       const STACK_OF(X509_EXTENSION) * extensions,
			       struct enrol_names *ret_names, size_t *ret_ignored,
			       struct diagnosis *why);
CHECKED enum status names_of_cert(const X509 *cert, struct enrol_names *ret_names,
				  struct diagnosis *why);

/* The subject: "CN=...", or empty.  NO_MEMORY, or MALFORMED when a text cannot be one. */
CHECKED enum status names_subject(const struct enrol_names *names, X509_NAME **ret_subject);
/* subjectAltName; *ret_names is NULL when there are none. */
CHECKED enum status names_alternative(const struct enrol_names *names, GENERAL_NAMES **ret_names);

/* Whether a text can be a name of this kind: its syntax alone. */
bool name_valid(int kind, const char *text);
bool common_name_valid(const char *text);
/* What hosts and users are called: ASCII letters and digits, and between them '.', '-', '_' and
 * '@', but no two dots together. */
bool common_name_is_plain(const char *text);
const char *name_kind_text(int kind); /* "DNS", "email", "URI", "UPN", "IP" */

#endif
