/* TEAP's TLVs (RFC 9930, section 4.2): codec, and which of them may stand where (section 4.3).
 *
 * A message is read as a whole into a struct teap_message, whose members point into what was read.
 * The order of TLVs does not matter; the order in which they are to be looked at is section 4.3's
 * and the reader's affair.
 *
 * RFC 9930 differs from its last draft in nothing that this file does. */
#ifndef METHOD_TEAP_TLV_H
#define METHOD_TEAP_TLV_H

#include "base/bytes.h"

#define TEAP_VERSION	  1
#define TEAP_TLVS_MAX	  64   /* in one message */
#define TEAP_ACTIONS_MAX  2    /* Request-Action TLVs: one for each Status */
#define TEAP_OUTER_MAX	  1024 /* octets of Outer TLVs in one message */
#define TEAP_NONCE_SIZE	  32
#define TEAP_MAC_SIZE	  20
#define TEAP_BINDING_SIZE 80 /* a whole Crypto-Binding TLV */

enum teap_tlv_type {
	TEAP_AUTHORITY_ID = 1,
	TEAP_IDENTITY_TYPE,
	TEAP_RESULT,
	TEAP_NAK,
	TEAP_ERROR,
	TEAP_CHANNEL_BINDING,
	TEAP_VENDOR_SPECIFIC,
	TEAP_REQUEST_ACTION,
	TEAP_EAP_PAYLOAD,
	TEAP_INTERMEDIATE_RESULT,
	TEAP_PAC, /* deprecated: nobody may send it */
	TEAP_CRYPTO_BINDING,
	TEAP_PASSWORD_REQUEST,
	TEAP_PASSWORD_RESPONSE,
	TEAP_PKCS7,
	TEAP_PKCS10,
	TEAP_TRUSTED_ROOT,
	TEAP_CSR_ATTRIBUTES,
	TEAP_IDENTITY_HINT,
	TEAP_TYPES
};

/* Of Result, Intermediate-Result and Request-Action. */
enum teap_status { TEAP_NO_STATUS, TEAP_SUCCESS, TEAP_FAILURE };
/* Section 4.2.3. */
enum teap_identity { TEAP_ANYBODY, TEAP_USER, TEAP_MACHINE };
/* Section 4.2.9. */
enum teap_action { TEAP_PROCESS_TLV = 1, TEAP_NEGOTIATE_EAP };
/* Section 4.2.18, Credential-Format. */
enum { TEAP_PKCS7_SERVER_ROOT = 1 };
/* Section 4.2.13: Flags and Sub-Type. */
enum { TEAP_HAS_EMSK_MAC = 1, TEAP_HAS_MSK_MAC = 2 };
enum teap_binding_kind { TEAP_BINDING_REQUEST, TEAP_BINDING_RESPONSE };

/* Section 4.2.6, those that we send or tell apart.  From TEAP_ERROR_FATAL on they end the
 * conversation. */
enum teap_error {
	TEAP_NO_ERROR = 0,
	TEAP_ERROR_WARNING = 1000,
	TEAP_ERROR_INNER_METHOD = 1001,
	TEAP_ERROR_INFRASTRUCTURE = 1002,
	TEAP_ERROR_AUTHENTICATION = 1003,
	TEAP_ERROR_AUTHORIZATION = 1004,
	TEAP_ERROR_NO_CREDENTIALS = 1005,
	TEAP_ERROR_NOT_TRUSTED = 1010,
	TEAP_ERROR_NO_CERTIFICATE = 1019,
	TEAP_ERROR_CSR_ALGORITHM = 1022,
	TEAP_ERROR_CSR_IDENTITY = 1024,
	TEAP_ERROR_CSR = 1025,
	TEAP_ERROR_CA = 1026,
	TEAP_ERROR_PKI = 1027,
	TEAP_ERROR_NOT_SUPPORTED = 1032,
	TEAP_ERROR_FATAL = 2000,
	TEAP_ERROR_COMPROMISE = 2001,
	TEAP_ERROR_UNEXPECTED = 2002,
	TEAP_ERROR_BINDING = 2003,
	TEAP_ERROR_FIRST_NO_EMSK = 2004,
	TEAP_ERROR_MSK_MAC_MISSING = 2005,
	TEAP_ERROR_MSK_MAC = 2006,
	TEAP_ERROR_EMSK_MAC_MISSING = 2007,
	TEAP_ERROR_EMSK_MAC = 2008,
	TEAP_ERROR_NO_EMSK = 2009,
};
/* "Tunnel Compromise Error", for people; NULL when the code is not registered. */
const char *teap_error_name(uint32_t code);

/* ---- one TLV ---- */

struct teap_tlv {
	bool mandatory;
	uint16_t type; /* 14 bits */
	struct slice value;
	struct slice whole; /* with its header */
};

/* False at the end, and where what is left is no TLV: then the cursor is bad. */
bool teap_tlv_next(struct rd *r, struct teap_tlv *ret_tlv);

/* Opened with the mandatory bit that its section demands, closed with wr_close16. */
size_t teap_tlv_open(struct wr *w, enum teap_tlv_type type);
void teap_tlv_write(struct wr *w, enum teap_tlv_type type, struct slice value);

void teap_write_status(struct wr *w, enum teap_tlv_type type, enum teap_status status);
void teap_write_identity_type(struct wr *w, enum teap_identity type);
/* Outer TLVs are all marked optional: section 4.3.1. */
void teap_write_outer_identity_type(struct wr *w, enum teap_identity type);
void teap_write_error(struct wr *w, uint32_t code);
void teap_write_action(struct wr *w, enum teap_status status, enum teap_action action,
		       struct slice tlvs);
/* Trusted-Server-Root: asked for when empty, or with the PKCS#7 that it brings. */
void teap_write_root(struct wr *w, struct slice pkcs7);
/* Name and password have 1 to 255 octets. */
void teap_write_password(struct wr *w, struct slice name, struct slice password);

/* A TLV that is not supported, for a NAK TLV. */
struct teap_unsupported {
	uint32_t vendor; /* 0: not Vendor-Specific */
	uint16_t type;
};
void teap_write_nak(struct wr *w, const struct teap_unsupported *tlv);

/* What a row of TLVs brings to a certificate, in a message or in a Request-Action. */
struct teap_provision {
	bool request, root;  /* PKCS#10 and Trusted-Server-Root are there */
	struct slice pkcs10; /* empty in a server's Request-Action, which asks for one */
	struct slice pkcs7;  /* inside of Trusted-Server-Root */
};
/* Of the TLVs in a Request-Action.  False: it is no row of TLVs, or one of those is there twice. */
CHECKED bool teap_provision_read(struct slice tlvs, struct teap_provision *ret_provision);

/* ---- a message ---- */

/* The columns of sections 4.3.1 and 4.3.2.  A message with a Result TLV is bound by the column of
 * its sender and by that of the result. */
enum teap_place {
	TEAP_OUTER_REQUEST,
	TEAP_OUTER_RESPONSE,
	TEAP_IN_REQUEST,
	TEAP_IN_RESPONSE,
	TEAP_IN_SUCCESS,
	TEAP_IN_FAILURE,
	TEAP_PLACES
};
enum teap_count { TEAP_NEVER, TEAP_AT_MOST_ONE, TEAP_EXACTLY_ONE, TEAP_ANY_NUMBER };
/* Of a type from 1 to TEAP_TYPES - 1. */
enum teap_count teap_tlv_count(unsigned type, enum teap_place place);

struct teap_crypto_binding {
	uint8_t version, received_version, flags, sub_type;
	struct slice nonce, emsk_mac, msk_mac;
	struct slice whole; /* TEAP_BINDING_SIZE octets */
};

struct teap_request_action {
	enum teap_status status; /* a value that is not known is TEAP_FAILURE */
	uint8_t action;
	struct slice tlvs;
};

struct teap_message {
	uint32_t present;   /* 1 << type, of those that were understood */
	unsigned discarded; /* TLVs that were not of the correct format */

	struct slice authority_id; /* outer */
	uint16_t identity_type;	   /* 0: none; may be unknown */
	enum teap_status result, intermediate;
	struct teap_crypto_binding binding;
	struct teap_request_action actions[TEAP_ACTIONS_MAX];
	unsigned action_count;
	struct slice eap;	     /* the packet of EAP-Payload */
	struct slice prompt;	     /* Basic-Password-Auth-Req */
	struct slice name, password; /* Basic-Password-Auth-Resp */
	uint32_t error;		     /* the gravest; 0: none */
	struct teap_unsupported nak; /* the last one */
	struct slice pkcs7, pkcs10, csr_attributes;
	struct slice root; /* Trusted-Server-Root: the TLVs of a known format */

	struct teap_unsupported unsupported;
};

static inline bool teap_has(const struct teap_message *m, enum teap_tlv_type type)
{
	return m->present & (1u << type);
}

/* Reads what came as a Request or Response, or its Outer TLVs.
 *
 * OK; UNSUPPORTED: a mandatory TLV that we do not know is there, `unsupported`, and nothing else
 * counts, but for `result`; UNEXPECTED: what must not stand there, or not so often, or a status
 * that is not known; MALFORMED: not a row of TLVs, or too many.  Of Outer TLVs, OK and UNSUPPORTED
 * alone: everything else that is wrong with them is ignored (section 3.9.1).
 *
 * A known TLV that is not of the correct format is discarded and counted (section 4.2.1).  The
 * mandatory bit of known TLVs is not looked at. */
CHECKED enum status teap_message_read(struct slice in, enum teap_place place,
				      struct teap_message *ret_message);

#endif
