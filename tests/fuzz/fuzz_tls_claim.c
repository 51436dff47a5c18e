/* The claim in a session of which the ticket was forged: whatever parses is walked through, keeps
 * within the octets there are, and comes to an end. */
#include "tls/claim.h"

#include <assert.h>

#include "eap/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, const uint8_t *data, size_t size)
{
	assert(part.len == 0 || (part.p >= data && part.p + part.len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_claim claim;
	struct tls_name name;
	struct slice oid, issuer, serial;
	struct bytes id = { 0 };
	size_t at = 0, before = 0;

	if (tls_claim_parse(slice_of(data, size), &claim) != OK)
		return 0;
	assert(!claim.resumed && claim.certificate.len == 0 && claim.issuer_certificate.len == 0);
	assert(claim.subject.len < CERT_TEXT_MAX && claim.issuer.len < CERT_TEXT_MAX);
	assert(claim.fingerprint.len == CERT_HASH_LEN && claim.spki.len == CERT_HASH_LEN);
	within(claim.subject_der, data, size);
	within(claim.issuer_der, data, size);
	within(claim.serial, data, size);
	for (; tls_claim_name(&claim, &at, &name); before = at) {
		assert(at > before);
		within(name.value, data, size);
		assert(name.kind != TLS_NAME_IP || name.value.len == 4 || name.value.len == 16);
	}
	for (at = before = 0; tls_claim_usage(&claim, &at, &oid); before = at) {
		assert(at > before && oid.len > 0);
		within(oid, data, size);
	}
	for (at = before = 0; tls_claim_authority(&claim, &at, &issuer, &serial); before = at) {
		assert(at > before && issuer.len > 0 && serial.len > 0);
		within(issuer, data, size);
		within(serial, data, size);
	}
	if (tls_claim_identity(&claim, &id) == OK)
		assert(id.len <= EAP_ID_MAX);
	bytes_done(&id);
	return 0;
}
