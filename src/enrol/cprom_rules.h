/* Which TLV may, must or must not stand in which message of CPROM, and how often: one table, for
 * both sides and the tests.  doc/cprom.md shows it. */
#ifndef ENROL_CPROM_RULES_H
#define ENROL_CPROM_RULES_H

#include "enrol/cprom_tlv.h"
#include "enrol/protocol.h"

#define CPROM_TLVS_MAX 256 /* in a message */

enum cprom_kind {
	CPROM_SERVER_INIT,
	CPROM_PEER_INIT,
	CPROM_SERVER_OFFER,  /* the first of a round */
	CPROM_SERVER_SINGLE, /* the first and, with D, the last */
	CPROM_SERVER_ROUND,  /* the next ones */
	CPROM_SERVER_LAST,   /* the last one, with D */
	CPROM_PEER_ROUND,    /* of phase two, with D and without */
	CPROM_SERVER_VALIDATE,
	CPROM_PEER_VALIDATE,
	CPROM_SERVER_VALIDATED, /* with D: all that was proved */
	CPROM_FAULT,		/* whatever the phase, what has an Error TLV */
	CPROM_EMPTY,		/* an acknowledgement: of a fragment, of an Error */
	/* Inside of Provisioning-Data: SPP. */
	CPROM_SPP_OFFER,
	CPROM_SPP_REQUEST,
	CPROM_SPP_ISSUE,
	CPROM_KINDS
};

struct cprom_rule {
	enum cprom_tlv type;
	unsigned least, most;
};
/* What may stand there; all else must not. */
const struct cprom_rule *cprom_rules(enum cprom_kind kind, size_t *ret_count);
const char *cprom_kind_name(enum cprom_kind kind); /* "Init (server)" */

/* The TLVs parse, each has its layout, and the rules are kept.  MALFORMED with the fault, which is
 * ENROL_ERROR_LIMIT where there is too much of what may come more than once. */
CHECKED enum status cprom_check(enum cprom_kind kind, struct slice message,
				struct enrol_fault *fault);

#endif
