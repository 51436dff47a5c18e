/* The TLVs of CPROM: doc/cprom.md, "TLVs"; layouts are those of draft-pala-eap-creds-07, section
 * 4.3, and of -04, section 4.2.1, for SPP's.
 *
 * Parsers borrow from their input and answer MALFORMED for what is too short, too long, or breaks
 * the layout; numbers out of registries are handed on as they are, because what they mean is for
 * who asked.  Builders write a whole TLV with its header. */
#ifndef ENROL_CPROM_TLV_H
#define ENROL_CPROM_TLV_H

#include "base/bytes.h"
#include "enrol/question.h"

/* In the order of the draft's table. */
enum cprom_tlv {
	CPROM_ACTION = 1,
	CPROM_CERTIFICATE_DATA,
	CPROM_CHALLENGE_DATA,
	CPROM_CHALLENGE_RESPONSE,
	CPROM_CREDENTIALS_DATA,
	CPROM_CREDENTIALS_INFORMATION,
	CPROM_ERROR,
	CPROM_NETWORK_USAGE,
	CPROM_PROFILE,
	CPROM_PROTOCOL,
	CPROM_PROVISIONING_DATA,
	CPROM_PROVISIONING_HEADERS,
	CPROM_PROVISIONING_PARAMS,
	CPROM_CERTIFICATE_REQUEST,
	CPROM_STORAGE_INFO,
	CPROM_SUPPORTED_FORMAT,
	CPROM_SUPPORTED_ENCODING,
	CPROM_TOKEN_DATA,
	CPROM_VERSION,
	CPROM_TLVS /* one past the last */
};
#define CPROM_TLV_OPTIONAL 128 /* from here on unknown types are skipped */

const char *cprom_tlv_name(unsigned type); /* "Action"; "type 77" would be a lie: NULL */

/* The next TLV, whatever its type; false at the end, and where there is none (r is then bad). */
bool cprom_tlv_next(struct rd *r, uint8_t *ret_type, struct slice *ret_value);
/* The next TLV of one type in a message that was checked; *at is 0 to begin.  False at the end. */
bool cprom_tlv_each(struct slice message, enum cprom_tlv type, size_t *at, struct slice *ret_value);
/* The first; empty when there is none (no TLV of ours may be empty). */
struct slice cprom_tlv_find(struct slice message, enum cprom_tlv type);

/* Whether the value has the layout of its type, which is one of ours. */
bool cprom_tlv_valid(enum cprom_tlv type, struct slice value);

/* A TLV whose value the caller writes in between. */
size_t cprom_tlv_open(struct wr *w, enum cprom_tlv type);
void cprom_tlv_close(struct wr *w, size_t mark);
void cprom_tlv_put(struct wr *w, enum cprom_tlv type, struct slice value);

/* ---- registries, draft-pala-eap-creds-07, section 7 ---- */

enum cprom_token_type {
	CPROM_TOKEN_TYPE_JWT = 1,
	CPROM_TOKEN_TYPE_KERBEROS = 2,
	CPROM_TOKEN_TYPE_OAUTH = 3,
	CPROM_TOKEN_TYPE_CERTIFICATE = 4,
	CPROM_TOKEN_TYPE_ENROLMENT = 200, /* ours */
};
enum cprom_format { CPROM_FORMAT_NONE, CPROM_FORMAT_PKCS8, CPROM_FORMAT_PKCS10 };
enum cprom_encoding { CPROM_RAW, CPROM_DER, CPROM_ASCII = 6, CPROM_UTF8 = 7 };
enum cprom_algorithm { CPROM_ALGORITHM_NONE, CPROM_RSA, CPROM_ECDSA, CPROM_EDDSA = 200 /* ours */ };
#define CPROM_USAGE_MUD 1

/* ---- values ---- */

struct cprom_action {
	uint8_t flags, action;
};
CHECKED enum status cprom_action_parse(struct slice in, struct cprom_action *out);
void cprom_action_build(struct wr *w, const struct cprom_action *value);

/* Flags: bit 0 a trust anchor, 1 an authority, 2 self-signed. */
#define CPROM_CERT_LEAF	  0x00
#define CPROM_CERT_CHAIN  0x02
#define CPROM_CERT_ANCHOR 0x07
struct cprom_certificate {
	uint8_t flags, format, encoding;
	struct slice data;
};
CHECKED enum status cprom_certificate_parse(struct slice in, struct cprom_certificate *out);
void cprom_certificate_build(struct wr *w, const struct cprom_certificate *value);

struct cprom_challenge {
	uint8_t type; /* enum proof_type */
	struct slice data;
};
CHECKED enum status cprom_challenge_parse(struct slice in, struct cprom_challenge *out);
void cprom_challenge_build(struct wr *w, const struct cprom_challenge *value);

struct cprom_data { /* Credentials-Data */
	uint8_t type, format, encoding;
	struct slice data;
};
CHECKED enum status cprom_data_parse(struct slice in, struct cprom_data *out);
void cprom_data_build(struct wr *w, const struct cprom_data *value);

/* Flags of Credentials-Information; bit 7 is ours. */
#define CPROM_COMPROMISED   0x01
#define CPROM_IMMUTABLE	    0x02
#define CPROM_KEY_IMMUTABLE 0x04
#define CPROM_NO_UPDATE	    0x08
#define CPROM_READY	    0x10
#define CPROM_SERVER_MADE   0x20
#define CPROM_WANTS_RENEWAL 0x40
#define CPROM_WANTS_REMOVAL 0x80
struct cprom_info {
	uint8_t flags, type; /* enum enrol_credential */
	uint16_t protocol;
	int64_t issued, expires; /* seconds since 1970; 0: not set */
	uint32_t length;	 /* octets of the key or secret */
	struct slice id;
};
#define CPROM_CREDENTIAL_ID_MAX ENROL_NAME_MAX
CHECKED enum status cprom_info_parse(struct slice in, struct cprom_info *out);
void cprom_info_build(struct wr *w, const struct cprom_info *value);

struct cprom_error {
	uint16_t code, secondary; /* code: enum enrol_error */
	struct slice description; /* UTF-8, may be empty */
};
CHECKED enum status cprom_error_parse(struct slice in, struct cprom_error *out);
void cprom_error_build(struct wr *w, const struct cprom_error *value);

struct cprom_usage { /* Network-Usage */
	bool url;
	uint8_t format, encoding;
	struct slice data;
};
CHECKED enum status cprom_usage_parse(struct slice in, struct cprom_usage *out);
void cprom_usage_build(struct wr *w, const struct cprom_usage *value);

struct cprom_protocol {
	uint16_t id, version; /* enum enrol_protocol; version 0: any */
};
CHECKED enum status cprom_protocol_parse(struct slice in, struct cprom_protocol *out);
void cprom_protocol_build(struct wr *w, const struct cprom_protocol *value);

/* The oid borrows.  MALFORMED when it is there and no DER of an OBJECT IDENTIFIER. */
CHECKED enum status cprom_params_parse(struct slice in, struct enrol_params *out);
void cprom_params_build(struct wr *w, const struct enrol_params *value);

struct cprom_request { /* Certificate-Request */
	uint8_t encoding, format;
	struct slice data;
};
CHECKED enum status cprom_request_parse(struct slice in, struct cprom_request *out);
void cprom_request_build(struct wr *w, const struct cprom_request *value);

struct cprom_storage {
	uint8_t flags;
	uint16_t slots; /* 0xffff: not known */
	uint32_t memory;
};
CHECKED enum status cprom_storage_parse(struct slice in, struct cprom_storage *out);
void cprom_storage_build(struct wr *w, const struct cprom_storage *value);

struct cprom_token_data {
	uint8_t type, encoding; /* enum cprom_token_type */
	struct slice data;
};
CHECKED enum status cprom_token_parse(struct slice in, struct cprom_token_data *out);
void cprom_token_build(struct wr *w, const struct cprom_token_data *value);

/* Version, Supported-Format, Supported-Encoding. */
CHECKED enum status cprom_octet_parse(struct slice in, uint8_t *out);
void cprom_octet_build(struct wr *w, enum cprom_tlv type, uint8_t value);

#endif
