#include "enrol/cmp_message.h"

#include "enrol/der.h"

#include <stdio.h>

#define SLICE(octets)                                                                              \
	{                                                                                          \
		(const uint8_t *)(octets), sizeof(octets) - 1                                      \
	}

static const struct slice password_based_mac = SLICE("\x2A\x86\x48\x86\xF6\x7D\x07\x42\x0D");
static const struct slice pbmac1 = SLICE("\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0E");
static const struct slice implicit_confirm = SLICE("\x2B\x06\x01\x05\x05\x07\x04\x0D");
const struct slice cmp_ca_certs = SLICE("\x2B\x06\x01\x05\x05\x07\x04\x11");
const struct slice cmp_root_ca_key_update = SLICE("\x2B\x06\x01\x05\x05\x07\x04\x12");
const struct slice cmp_root_ca_cert = SLICE("\x2B\x06\x01\x05\x05\x07\x04\x14");

/* ---- header: RFC 9810, section 5.1.1 -------------------------------------------------------- */

static struct slice octets_in(struct rd *header, unsigned tag)
{
	struct slice out = { 0 };

	if (der_next_is(header, DER_CONTEXT(tag))) {
		struct rd r = der_in(header, DER_CONTEXT(tag));

		out = der_of(&r, DER_OCTET_STRING);
		if (!rd_done(&r) || out.len > CMP_ID_MAX)
			header->bad = true;
	}
	return out;
}

static enum cmp_protection protection_in(struct rd *header)
{
	struct rd wrapped, algorithm;
	struct slice oid;

	if (!der_next_is(header, DER_CONTEXT(1)))
		return CMP_UNPROTECTED;
	wrapped = der_in(header, DER_CONTEXT(1));
	algorithm = der_in(&wrapped, DER_SEQUENCE);
	oid = der_of(&algorithm, DER_OID);
	if (!rd_done(&wrapped) || !rd_ok(&algorithm))
		header->bad = true;
	return slice_eq(oid, password_based_mac) || slice_eq(oid, pbmac1) ? CMP_BY_MAC
									  : CMP_BY_SIGNATURE;
}

static bool general_info_in(struct rd *header)
{
	struct rd wrapped, list;
	bool implicit = false;

	if (!der_next_is(header, DER_CONTEXT(8)))
		return false;
	wrapped = der_in(header, DER_CONTEXT(8));
	list = der_in(&wrapped, DER_SEQUENCE);
	while (list.left > 0) {
		struct rd item = der_in(&list, DER_SEQUENCE);
		struct slice oid = der_of(&item, DER_OID);

		if (!rd_ok(&item))
			list.bad = true;
		implicit |= slice_eq(oid, implicit_confirm);
	}
	if (!rd_done(&list) || !rd_done(&wrapped))
		header->bad = true;
	return implicit;
}

static unsigned read_header(struct rd *message, struct cmp_message *out)
{
	struct rd header = der_in(message, DER_SEQUENCE);
	int32_t version = der_int(&header);
	struct der sender = der_any(&header), recipient = der_any(&header);

	der_skip(&header, DER_CONTEXT(0)); /* messageTime */
	out->protection = protection_in(&header);
	der_skip(&header, DER_CONTEXT(2)); /* senderKID */
	der_skip(&header, DER_CONTEXT(3)); /* recipKID */
	out->transaction = octets_in(&header, 4);
	out->sender_nonce = octets_in(&header, 5);
	out->recip_nonce = octets_in(&header, 6);
	der_skip(&header, DER_CONTEXT(7)); /* freeText */
	out->implicit_confirm = general_info_in(&header);
	if (!rd_done(&header) || !(sender.tag & 0x80) || !(recipient.tag & 0x80))
		return CMP_FAILURE(badDataFormat);
	if (version != 2 && version != 3)
		return CMP_FAILURE(unsupportedVersion);
	if (out->transaction.len == 0)
		return CMP_FAILURE(badDataFormat);
	return out->sender_nonce.len < CMP_NONCE_LEAST ? CMP_FAILURE(badSenderNonce) : 0;
}

/* ---- bodies: section 5.3 -------------------------------------------------------------------- */

/* Certificates, counted: NULL-tagged rest of a SEQUENCE OF. */
static unsigned count_certs(struct slice list)
{
	struct rd r = rd_of(list);
	size_t count = 0;

	while (r.left > 0) {
		(void)der_of(&r, DER_SEQUENCE);
		if (++count > ENROL_CERTS_MAX)
			return CMP_FAILURE_LIMIT;
	}
	return rd_ok(&r) ? 0 : CMP_FAILURE(badDataFormat);
}

/* PKIStatusInfo: status, statusString (the first of them), failInfo (the first bit). */
static void read_status(struct rd *r, struct cmp_message *out)
{
	struct rd info = der_in(r, DER_SEQUENCE);

	out->status = der_int(&info);
	if (der_next_is(&info, DER_SEQUENCE)) {
		struct rd texts = der_in(&info, DER_SEQUENCE);

		out->text = der_of(&texts, DER_UTF8);
		if (!rd_ok(&texts))
			r->bad = true;
	}
	if (der_next_is(&info, DER_BIT_STRING)) {
		struct slice bits = der_of(&info, DER_BIT_STRING);

		for (unsigned i = 0; i + 1 < CMP_FAILURES && out->failure == 0; i++)
			if (1 + i / 8 < bits.len && bits.p[1 + i / 8] & (0x80 >> i % 8))
				out->failure = i + 1;
	}
	if (!rd_done(&info))
		r->bad = true;
}

static unsigned read_cert_response(struct rd *body, struct cmp_message *out)
{
	struct rd content = der_in(body, DER_SEQUENCE), list, response;
	unsigned failure = 0;

	if (der_next_is(&content, DER_CONTEXT(1))) {
		struct rd wrapped = der_in(&content, DER_CONTEXT(1));

		out->ca_pubs = der_of(&wrapped, DER_SEQUENCE);
		failure =
			rd_done(&wrapped) ? count_certs(out->ca_pubs) : CMP_FAILURE(badDataFormat);
	}
	list = der_in(&content, DER_SEQUENCE);
	response = der_in(&list, DER_SEQUENCE);
	(void)der_int(&response);
	read_status(&response, out);
	if (der_next_is(&response, DER_SEQUENCE)) {
		struct rd pair = der_in(&response, DER_SEQUENCE);

		if (der_next_is(&pair, DER_CONTEXT(0))) {
			struct rd cert = der_in(&pair, DER_CONTEXT(0));

			out->certificate = der_any(&cert).whole;
			if (!rd_done(&cert))
				response.bad = true;
		}
	}
	/* RFC 9483, section 4.1.1: a sequence of one */
	if (!rd_ok(&response) || !rd_done(&list) || !rd_done(&content))
		return CMP_FAILURE(badDataFormat);
	return failure;
}

static void read_cert_conf(struct rd *body, struct cmp_message *out)
{
	struct rd list = der_in(body, DER_SEQUENCE), status;

	if (list.left == 0) { /* RFC 4210, section 5.3.18: none is accepted */
		out->status = OSSL_CMP_PKISTATUS_rejection;
		return;
	}
	status = der_in(&list, DER_SEQUENCE);
	(void)der_of(&status, DER_OCTET_STRING);
	(void)der_int(&status);
	if (der_next_is(&status, DER_SEQUENCE))
		read_status(&status, out);
	if (!rd_ok(&status) || !rd_done(&list))
		body->bad = true;
}

static void read_poll_response(struct rd *body, struct cmp_message *out)
{
	struct rd list = der_in(body, DER_SEQUENCE), item = der_in(&list, DER_SEQUENCE);
	int32_t after;

	(void)der_int(&item);
	after = der_int(&item);
	if (!rd_ok(&item) || !rd_done(&list) || after < 0)
		body->bad = true;
	out->check_after = (uint32_t)after;
}

static void read_general(struct rd *body, struct cmp_message *out)
{
	struct rd list = der_in(body, DER_SEQUENCE);

	if (list.left > 0) {
		struct rd item = der_in(&list, DER_SEQUENCE);

		out->info = der_of(&item, DER_OID);
		out->info_value = rd_rest(&item);
		if (!rd_ok(&item))
			body->bad = true;
	}
	if (!rd_ok(&list))
		body->bad = true;
}

static unsigned read_body(struct slice content, struct cmp_message *out)
{
	struct rd body = rd_of(content);
	unsigned failure = 0;

	switch (out->body) {
	case CMP_IP:
	case CMP_CP:
	case CMP_KUP:
		failure = read_cert_response(&body, out);
		break;
	case CMP_RP: {
		struct rd answer = der_in(&body, DER_SEQUENCE),
			  list = der_in(&answer, DER_SEQUENCE);

		read_status(&list, out);
		body.bad |= !rd_ok(&list);
		break;
	}
	case CMP_ERROR: {
		struct rd error = der_in(&body, DER_SEQUENCE);

		read_status(&error, out);
		body.bad |= !rd_ok(&error);
		break;
	}
	case CMP_CERTCONF:
		read_cert_conf(&body, out);
		break;
	case CMP_POLLREP:
		read_poll_response(&body, out);
		break;
	case CMP_GENM:
	case CMP_GENP:
		read_general(&body, out);
		break;
	case CMP_PKICONF:
		(void)der_of(&body, DER_NULL);
		break;
	case CMP_IR:
	case CMP_CR:
	case CMP_P10CR:
	case CMP_KUR:
	case CMP_RR:
	case CMP_POLLREQ:
		(void)der_of(&body, DER_SEQUENCE);
		break;
	case CMP_NESTED:
	case CMP_BODIES:
		return CMP_FAILURE(badRequest);
	}
	if (failure != 0)
		return failure;
	return rd_done(&body) ? 0 : CMP_FAILURE(badDataFormat);
}

static bool body_of(uint8_t tag, enum cmp_body *ret_body)
{
	static const unsigned known =
		CMP_CERT_REQUESTS | CMP_CERT_RESPONSES | CMP_BIT(CMP_RR) | CMP_BIT(CMP_RP) |
		CMP_BIT(CMP_PKICONF) | CMP_BIT(CMP_GENM) | CMP_BIT(CMP_GENP) | CMP_BIT(CMP_ERROR) |
		CMP_BIT(CMP_CERTCONF) | CMP_BIT(CMP_POLLREQ) | CMP_BIT(CMP_POLLREP);
	unsigned number = tag & 0x1F;

	if ((tag & 0xE0) != 0xA0 || !(known & CMP_BIT(number)))
		return false;
	*ret_body = (enum cmp_body)number;
	return true;
}

unsigned cmp_message_parse(struct slice in, struct cmp_message *ret_message)
{
	struct rd r = rd_of(in), message = der_in(&r, DER_SEQUENCE);
	struct cmp_message out = { 0 };
	unsigned failure;
	struct der body;
	bool has_protection;

	if (!rd_done(&r))
		return CMP_FAILURE(badDataFormat);
	failure = read_header(&message, &out);
	if (failure != 0)
		return failure;
	body = der_any(&message);
	has_protection = der_next_is(&message, DER_CONTEXT(0));
	der_skip(&message, DER_CONTEXT(0));
	if (der_next_is(&message, DER_CONTEXT(1))) {
		struct rd wrapped = der_in(&message, DER_CONTEXT(1));

		failure = count_certs(der_of(&wrapped, DER_SEQUENCE));
		if (failure != 0 || !rd_done(&wrapped))
			return failure != 0 ? failure : CMP_FAILURE(badDataFormat);
	}
	if (!rd_done(&message))
		return CMP_FAILURE(badDataFormat);
	if (has_protection != (out.protection != CMP_UNPROTECTED))
		return CMP_FAILURE(badMessageCheck);
	if (!body_of(body.tag, &out.body))
		return CMP_FAILURE(badRequest);
	failure = read_body(body.content, &out);
	if (failure == 0)
		*ret_message = out;
	return failure;
}

bool cmp_root_update(struct slice value, struct slice *ret_new_with_new,
		     struct slice *ret_new_with_old)
{
	struct rd r = rd_of(value), content = der_in(&r, DER_SEQUENCE);
	struct slice with_new = der_any(&content).whole, with_old = { 0 };

	if (der_next_is(&content, DER_CONTEXT(0))) {
		struct rd wrapped = der_in(&content, DER_CONTEXT(0));

		with_old = der_any(&wrapped).whole;
		content.bad |= !rd_done(&wrapped);
	}
	if (!rd_ok(&content) || with_old.len == 0)
		return false;
	*ret_new_with_new = with_new;
	*ret_new_with_old = with_old;
	return true;
}

/* ---- failures ------------------------------------------------------------------------------- */

/* RFC 9810, section 5.2.3 */
static const struct {
	const char *name;
	enum enrol_error error;
} failures[CMP_FAILURES] = {
	[CMP_FAILURE(badAlg)] = { "badAlg", ENROL_ERROR_PROOF },
	[CMP_FAILURE(badMessageCheck)] = { "badMessageCheck", ENROL_ERROR_PROOF },
	[CMP_FAILURE(badRequest)] = { "badRequest", ENROL_ERROR_UNEXPECTED },
	[CMP_FAILURE(badTime)] = { "badTime", ENROL_ERROR_PROOF },
	[CMP_FAILURE(badCertId)] = { "badCertId", ENROL_ERROR_UNKNOWN_CREDENTIAL },
	[CMP_FAILURE(badDataFormat)] = { "badDataFormat", ENROL_ERROR_MALFORMED },
	[CMP_FAILURE(wrongAuthority)] = { "wrongAuthority", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(incorrectData)] = { "incorrectData", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(missingTimeStamp)] = { "missingTimeStamp", ENROL_ERROR_MALFORMED },
	[CMP_FAILURE(badPOP)] = { "badPOP", ENROL_ERROR_PROOF },
	[CMP_FAILURE(certRevoked)] = { "certRevoked", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(certConfirmed)] = { "certConfirmed", ENROL_ERROR_UNEXPECTED },
	[CMP_FAILURE(wrongIntegrity)] = { "wrongIntegrity", ENROL_ERROR_PROOF },
	[CMP_FAILURE(badRecipientNonce)] = { "badRecipientNonce", ENROL_ERROR_PROOF },
	[CMP_FAILURE(timeNotAvailable)] = { "timeNotAvailable", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(unacceptedPolicy)] = { "unacceptedPolicy", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(unacceptedExtension)] = { "unacceptedExtension", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(addInfoNotAvailable)] = { "addInfoNotAvailable", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(badSenderNonce)] = { "badSenderNonce", ENROL_ERROR_PROOF },
	[CMP_FAILURE(badCertTemplate)] = { "badCertTemplate", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(signerNotTrusted)] = { "signerNotTrusted", ENROL_ERROR_PROOF },
	[CMP_FAILURE(transactionIdInUse)] = { "transactionIdInUse", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(unsupportedVersion)] = { "unsupportedVersion", ENROL_ERROR_VERSION },
	[CMP_FAILURE(notAuthorized)] = { "notAuthorized", ENROL_ERROR_ACTION_REFUSED },
	[CMP_FAILURE(systemUnavail)] = { "systemUnavail", ENROL_ERROR_CA_REFUSED },
	[CMP_FAILURE(systemFailure)] = { "systemFailure", ENROL_ERROR_INTERNAL },
	[CMP_FAILURE(duplicateCertReq)] = { "duplicateCertReq", ENROL_ERROR_CA_REFUSED },
};

enum enrol_error cmp_failure_error(unsigned failure)
{
	if (failure == CMP_FAILURE_LIMIT)
		return ENROL_ERROR_LIMIT;
	return failure > 0 && failure < CMP_FAILURES ? failures[failure].error
						     : ENROL_ERROR_CA_REFUSED;
}

const char *cmp_failure_name(unsigned failure)
{
	return failure < CMP_FAILURES ? failures[failure].name : NULL;
}

void cmp_fault(struct enrol_fault *fault, unsigned failure, const char *detail)
{
	const char *name = cmp_failure_name(failure);

	*fault = (struct enrol_fault){ .error = cmp_failure_error(failure) };
	if (failure != CMP_FAILURE_LIMIT)
		fault->secondary = (uint16_t)failure;
	if (failure == CMP_FAILURE_LIMIT && !detail)
		detail = "the message has more certificates than may be";
	snprintf(fault->description, sizeof fault->description, "%s%s%s", name ? name : "",
		 name && detail ? ": " : "", detail ? detail : "");
}
