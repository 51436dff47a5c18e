#include "method/cprom_peer_parts.h"

/* ---- phase three --------------------------------------------------------------------- */

static struct deed *find_deed(struct cprom_peer *p, const struct cprom_info *info)
{
	for (size_t i = 0; i < p->deed_count; i++) {
		struct deed *deed = &p->deeds[i];

		if (deed->result.action != ENROL_REMOVE &&
		    deed->credential->type == (enum enrol_credential)info->type &&
		    slice_eq(slice_of(deed->id, deed->id_len), info->id))
			return deed;
	}
	return NULL;
}

static bool type_allowed(const struct cprom_peer *p, const struct deed *deed, unsigned type)
{
	bool asymmetric = deed->credential->type == ENROL_X509;

	if (type == (asymmetric ? PROOF_SIGNATURE : PROOF_HMAC))
		return true;
	return p->settings.bare_challenges &&
	       type == (asymmetric ? PROOF_BARE_SIGNATURE : PROOF_BARE_HASH);
}

static enum status prove(struct cprom_peer *p, const struct deed *deed,
			 const struct cprom_challenge *challenge)
{
	struct proof_about about = { slice_of(p->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
				     challenge->data, slice_of(deed->id, deed->id_len) };
	enum proof_type type = (enum proof_type)challenge->type;
	AUTO_VALUE(bytes) proof = { 0 };
	uint8_t hash[PROOF_HASH_SIZE];
	enum status status;
	struct wr w;

	if (deed->credential->type == ENROL_X509) {
		status = proof_sign(type, &about, deed->key, &proof);
	} else {
		status = proof_mac(type, &about, secret_slice(&deed->secret), hash);
		if (status == OK)
			status = bytes_set(&proof, slice_of(hash, sizeof hash));
	}
	if (status != OK)
		return cprom_peer_fail(p, ENROL_ERROR_VALIDATION, "our proof could not be made");
	w = cprom_link_open(&p->link, proof.len + 4);
	cprom_tlv_put(&w, CPROM_CHALLENGE_RESPONSE, bytes_slice(&proof));
	return cprom_link_close(&p->link, &w, CPROM_VALIDATION, CPROM_LAST) == OK
		       ? OK
		       : cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
}

enum status cprom_peer_validate(struct cprom_peer *p, struct slice message)
{
	struct cprom_challenge challenge;
	struct cprom_info info;
	struct deed *deed;

	p->stage = "CPROM validation";
	if (cprom_check(CPROM_SERVER_VALIDATE, message, &p->fault) != OK)
		return MALFORMED;
	if (cprom_info_parse(cprom_tlv_find(message, CPROM_CREDENTIALS_INFORMATION), &info) != OK ||
	    cprom_challenge_parse(cprom_tlv_find(message, CPROM_CHALLENGE_DATA), &challenge) != OK)
		return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "a challenge that cannot be read");
	deed = find_deed(p, &info);
	if (!deed)
		return cprom_peer_fail(p, ENROL_ERROR_UNKNOWN_CREDENTIAL,
				       "a challenge for something that was not given to us here");
	if (deed->validated)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "a second challenge for %s",
				       deed->credential->name);
	/* What is signed bare would be whatever the server likes: a TLS CertificateVerify, say. */
	if (!type_allowed(p, deed, challenge.type))
		return cprom_peer_fail(p, ENROL_ERROR_PARAMETERS,
				       "a challenge of type %u is not answered", challenge.type);
	if (challenge.data.len < PROOF_CHALLENGE_MIN || challenge.data.len > PROOF_CHALLENGE_MAX)
		return cprom_peer_fail(p, ENROL_ERROR_VALIDATION,
				       "a challenge that has not 16 to 64 octets");
	if (prove(p, deed, &challenge) != OK)
		return UNEXPECTED;
	deed->validated = true;
	return OK;
}

static void settle(struct cprom_peer *p, struct deed *deed)
{
	const struct enrol_store_ref *store = &p->settings.store;
	bool removal = deed->result.action == ENROL_REMOVE;
	struct diagnosis why = { 0 };
	enum status status;

	if (deed->result.activated)
		return;
	status = removal ? store->store->remove(store->self, deed->credential->name, &why)
			 : store->store->activate(store->self, deed->credential->name, &why);
	if (status == OK) {
		deed->result.activated = true;
		cprom_peer_tell(p, removal ? CPROM_REMOVED : CPROM_ACTIVATED, deed->credential, "");
		return;
	}
	cprom_peer_fail(p, ENROL_ERROR_STORAGE, "the keystore refused");
	enrol_fault_explain(&p->fault, ENROL_US, &why, &p->why);
	/* Else all that is left is abandoned at the end. */
	if (!removal && p->succeeded)
		store->store->abandon(store->self, deed->credential->name, false);
}

/* ---- what the server found good ---- */

static enum status check_validated(struct cprom_peer *p, struct slice message)
{
	struct slice value;
	size_t at = 0;

	if (cprom_check(CPROM_SERVER_VALIDATED, message, &p->fault) != OK)
		return MALFORMED;
	while (cprom_tlv_each(message, CPROM_CREDENTIALS_INFORMATION, &at, &value)) {
		struct cprom_info info;
		const struct deed *deed =
			cprom_info_parse(value, &info) == OK ? find_deed(p, &info) : NULL;

		if (!deed || !deed->validated)
			return cprom_peer_fail(p, ENROL_ERROR_UNKNOWN_CREDENTIAL,
					       "the server found good what we did not prove");
	}
	return OK;
}

/* "It becomes current after phase three": the tunnel may end in a failure, for a machine that is to
 * come again with what it has now. */
enum status cprom_peer_close(struct cprom_peer *p, struct slice message)
{
	struct slice value;
	size_t at = 0;
	struct wr w;

	if (check_validated(p, message) != OK)
		return MALFORMED;
	while (cprom_tlv_each(message, CPROM_CREDENTIALS_INFORMATION, &at, &value)) {
		struct cprom_info info;
		struct deed *deed =
			cprom_info_parse(value, &info) == OK ? find_deed(p, &info) : NULL;

		if (!deed || deed->result.activated)
			continue;
		cprom_peer_tell(p, CPROM_VALIDATED, deed->credential, "");
		settle(p, deed);
		if (p->fault.error != ENROL_ERROR_NONE)
			return UNEXPECTED;
	}
	p->closed = true;
	w = cprom_link_open(&p->link, 0);
	return cprom_link_close(&p->link, &w, CPROM_VALIDATION, CPROM_LAST) == OK
		       ? OK
		       : cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
}

/* ---- success ------------------------------------------------------------------------- */

static bool nothing_done(const struct cprom_peer *p)
{
	for (size_t i = 0; i < p->settings.credential_count; i++) {
		const struct cprom_credential *c = &p->settings.credentials[i];
		bool done = !c->wanted;

		for (size_t d = 0; d < p->deed_count; d++)
			done = done || (p->deeds[d].credential == c &&
					p->deeds[d].result.action == c->action);
		if (!done)
			return true;
	}
	return false;
}

void cprom_peer_settle(struct cprom_peer *p)
{
	for (size_t i = 0; i < p->deed_count; i++)
		settle(p, &p->deeds[i]);
}

void cprom_peer_succeeded(void *self)
{
	struct cprom_peer *p = self;

	/* It is the machine that is let in; what came here is dropped when this stops. */
	if (p->failed)
		return;
	p->succeeded = true;
	cprom_peer_settle(p);
	if (p->why.id == DIAG_NONE && nothing_done(p))
		diagnosis_say(&p->why, DIAG_ENROL_NOTHING_DONE,
			      "it saw no need, or does not allow it");
	cprom_peer_tell(p, p->why.id == DIAG_NONE ? CPROM_DONE : CPROM_FAILED, NULL, "");
	p->stage = "CPROM done";
}
