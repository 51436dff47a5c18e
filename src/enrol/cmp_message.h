/* What a CMP message says: RFC 4210 and RFC 9810, section 5, as profiled by RFC 9483.
 *
 * The crypto library builds messages and judges their protection; it does not let us look at one.
 * This does, before anything is believed: it makes sure that a message is well formed, within our
 * ceilings and the one that is due (the checks of RFC 9483, section 3.5, that need no key), and
 * finds what the two ends have to know of it.  All slices point into the message.
 *
 * A failure is a CMP failure code: the number of its bit in PKIFailureInfo plus one, so that zero
 * is none; that is also what stands in the second field of CPROM's Error TLV. */
#ifndef ENROL_CMP_MESSAGE_H
#define ENROL_CMP_MESSAGE_H

#include <openssl/cmp.h>

#include "enrol/protocol.h"

enum cmp_body {
	CMP_IR = 0,
	CMP_IP = 1,
	CMP_CR = 2,
	CMP_CP = 3,
	CMP_P10CR = 4,
	CMP_KUR = 7,
	CMP_KUP = 8,
	CMP_RR = 11,
	CMP_RP = 12,
	CMP_PKICONF = 19,
	CMP_NESTED = 20,
	CMP_GENM = 21,
	CMP_GENP = 22,
	CMP_ERROR = 23,
	CMP_CERTCONF = 24,
	CMP_POLLREQ = 25,
	CMP_POLLREP = 26,
	CMP_BODIES = 27
};
#define CMP_BIT(body) (1u << (body))
#define CMP_CERT_REQUESTS                                                                          \
	(CMP_BIT(CMP_IR) | CMP_BIT(CMP_CR) | CMP_BIT(CMP_P10CR) | CMP_BIT(CMP_KUR))
#define CMP_CERT_RESPONSES (CMP_BIT(CMP_IP) | CMP_BIT(CMP_CP) | CMP_BIT(CMP_KUP))

#define CMP_FAILURE(name) (OSSL_CMP_PKIFAILUREINFO_##name + 1)
#define CMP_FAILURE_LIMIT 0xFFFF /* not of CMP: one of our ceilings, ENROL_ERROR_LIMIT */
#define CMP_FAILURES	  (OSSL_CMP_PKIFAILUREINFO_MAX + 2)

#define CMP_NONCE_LEAST 16 /* octets: RFC 9483, section 3.5 */
#define CMP_ID_MAX	64 /* of a transactionID or nonce */

enum cmp_protection { CMP_UNPROTECTED, CMP_BY_MAC, CMP_BY_SIGNATURE };

struct cmp_message {
	enum cmp_body body;
	enum cmp_protection protection;
	bool implicit_confirm;
	struct slice transaction, sender_nonce, recip_nonce; /* the last one may be empty */

	/* Of a response, a confirmation or an error: PKIStatusInfo. */
	int status;	  /* OSSL_CMP_PKISTATUS_…; accepted where the message has none */
	unsigned failure; /* the first one of failInfo, or 0 */
	struct slice text;

	struct slice certificate; /* ip, cp, kup: what was issued, DER; may be empty */
	struct slice ca_pubs;	  /* the same: certificates, one after the other; may be empty */
	uint32_t check_after;	  /* pollRep: seconds */
	struct slice info;	  /* genm, genp: the object identifier's content, of the first */
	struct slice info_value;  /* and its value, DER; may be empty */
};

/* 0, or why it is refused. */
unsigned cmp_message_parse(struct slice in, struct cmp_message *ret_message);

/* A failure as CPROM tells it. */
enum enrol_error cmp_failure_error(unsigned failure);
/* "badPOP"; NULL for 0 and what there is no name for. */
const char *cmp_failure_name(unsigned failure);
/* Fills in a fault: the failure, with its name in front of what detail says (may be NULL). */
void cmp_fault(struct enrol_fault *fault, unsigned failure, const char *detail);

/* id-it 17, 18 and 20: RFC 9810, section 5.3.19. */
extern const struct slice cmp_ca_certs, cmp_root_ca_cert, cmp_root_ca_key_update;
/* RootCaKeyUpdateContent: DER of newWithNew, newWithOld; false if it is none. */
bool cmp_root_update(struct slice value, struct slice *ret_new_with_new,
		     struct slice *ret_new_with_old);

#endif
