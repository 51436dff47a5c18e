/* The parts of a trust policy: what trust.c, trust_chain.c and trust_ocsp.c share. */
#ifndef TLS_TRUST_PARTS_H
#define TLS_TRUST_PARTS_H

#include "tls/cert.h"
#include "tls/trust.h"

struct trust {
	enum cert_role role;
	X509_STORE *store; /* anchors and lists; filled once, then only read */
	bool insecure, one_network, has_anchors, has_crls;
	char *names[TRUST_NAMES_MAX];
	size_t name_count;
	struct {
		uint8_t hash[CERT_HASH_LEN];
		size_t len; /* of what is compared */
	} pins[TRUST_PINS_MAX];
	size_t pin_count;
	enum ocsp_mode ocsp;
	enum clock_policy clock;
	int64_t built;
};

/* The time by which dates are judged, and how much it is worth: of a clock that is behind, only
 * the least that the time can be is known, and then nothing is "not yet valid". */
struct trust_time {
	int64_t now; /* what the clock says */
	int64_t at;  /* what is checked against */
	bool not_before, not_after;
};

/* What is wrong, named for the role that the certificate is looked at for. */
enum diagnosis_id trust_id(const struct trust *trust, enum diagnosis_id of_server);

/* The verdict: refused because of this certificate.  Adds who it is and who issued it. */
enum status trust_refuse(struct diagnosis *why, enum diagnosis_id id, const X509 *cert);

/* Which dates can be relied on; *why says so when that is not all of them. */
CHECKED enum status trust_clock(const struct trust *trust, int64_t now, struct trust_time *ret_time,
				struct diagnosis *why);

/* Evidence: our clock, and by what it was judged if not by that. */
void trust_add_now(struct diagnosis *why, const struct trust_time *time);

/* RFC 5280, section 6, from the server's certificate to an anchor; without anchors to a pinned key.
 * The path that was found is the caller's. */
CHECKED enum status trust_chain(const struct trust *trust, STACK_OF(X509) * presented,
				const struct trust_time *time, X509_STACK **ret_path,
				struct diagnosis *why);

/* The stapled response for the first certificate of the path (RFC 6960, section 3.2). */
CHECKED enum status trust_ocsp(const struct trust *trust, STACK_OF(X509) * path,
			       struct slice response, const struct trust_time *time,
			       struct diagnosis *why);

#endif
