/* TEAP's messages, as every one of the places has them: what is read lies within the input, keeps
 * the table, and a Crypto-Binding of somebody who has no keys is never good. */
#include "method/teap_keys.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice part, struct slice whole)
{
	return part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

static void check_provision(struct slice tlvs)
{
	struct teap_provision p;

	if (!teap_provision_read(tlvs, &p))
		return;
	assert(within(p.pkcs10, tlvs) && within(p.pkcs7, tlvs));
	assert(p.pkcs10.len == 0 || p.request);
}

static void check_slices(const struct teap_message *m, struct slice in)
{
	assert(within(m->authority_id, in) && within(m->eap, in) && within(m->prompt, in));
	assert(within(m->name, in) && within(m->password, in) && within(m->pkcs7, in));
	assert(within(m->pkcs10, in) && within(m->csr_attributes, in) && within(m->root, in));
	check_provision(m->root);
	for (unsigned i = 0; i < m->action_count; i++) {
		assert(within(m->actions[i].tlvs, in));
		check_provision(m->actions[i].tlvs);
	}
}

static void check_binding(const struct teap_message *m, struct slice in)
{
	static const uint8_t seed[TEAP_SIMCK_SIZE] = { 1 }, nonce[TEAP_NONCE_SIZE];
	static const struct tls_hashes hashes = { "SHA256", "SHA256" };
	static struct teap_keys keys;
	const struct teap_outer outer = { in, in };

	assert(m->binding.whole.len == TEAP_BINDING_SIZE && within(m->binding.whole, in));
	if (!keys.hashes.prf && teap_keys_seed(&keys, &hashes, seed) != OK)
		return;
	assert(teap_binding_check_request(&keys, TEAP_EMSK_IGNORED, &outer, &m->binding));
	assert(teap_binding_check_response(&keys, TEAP_EMSK_ALLOWED, &outer, &m->binding, nonce));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	for (enum teap_place place = TEAP_OUTER_REQUEST; place <= TEAP_IN_RESPONSE; place++) {
		struct teap_message m;
		enum status status = teap_message_read(in, place, &m);
		bool outer = place <= TEAP_OUTER_RESPONSE;

		assert(!outer || status == OK || status == UNSUPPORTED);
		if (status != OK)
			continue;
		check_slices(&m, in);
		for (unsigned type = 1; type < TEAP_TYPES; type++)
			assert(!teap_has(&m, type) || teap_tlv_count(type, place) != TEAP_NEVER);
		assert(m.result <= TEAP_FAILURE && m.intermediate <= TEAP_FAILURE);
		assert(m.result == TEAP_NO_STATUS || !teap_has(&m, TEAP_EAP_PAYLOAD));
		if (teap_has(&m, TEAP_CRYPTO_BINDING))
			check_binding(&m, in);
	}
	return 0;
}
