#include <string.h>

#include "method/cprom_peer_parts.h"
#include "tls/cert.h"

size_t cprom_credential_id(const struct cprom_credential *credential,
			   uint8_t ret_id[CPROM_CREDENTIAL_ID_MAX])
{
	if (credential->type == ENROL_X509)
		return credential->cert && proof_certificate_id(credential->cert, ret_id) == OK
			       ? PROOF_HASH_SIZE
			       : 0;
	if (credential->id.len > CPROM_CREDENTIAL_ID_MAX)
		return 0;
	if (credential->id.len > 0)
		memcpy(ret_id, credential->id.p, credential->id.len);
	return credential->id.len;
}

static uint8_t flags_of(const struct cprom_credential *c)
{
	uint8_t flags = CPROM_READY;

	if (c->compromised)
		flags |= CPROM_COMPROMISED;
	if (!(c->actions & 1u << ENROL_RENEW))
		flags |= CPROM_NO_UPDATE;
	if (c->wanted && c->action == ENROL_RENEW)
		flags |= CPROM_WANTS_RENEWAL;
	if (c->wanted && c->action == ENROL_REMOVE)
		flags |= CPROM_WANTS_REMOVAL;
	return flags;
}

static void write_credential(struct wr *w, const struct cprom_credential *c)
{
	uint8_t id[CPROM_CREDENTIAL_ID_MAX];
	struct cprom_info info = { .flags = flags_of(c),
				   .type = (uint8_t)c->type,
				   .protocol = c->protocol,
				   .expires = c->expires };

	info.id = slice_of(id, cprom_credential_id(c, id));
	if (info.id.len == 0)
		return;
	if (c->cert) {
		EVP_PKEY *key = X509_get0_pubkey(c->cert);

		info.issued = cert_time(X509_get0_notBefore(c->cert));
		info.expires = cert_time(X509_get0_notAfter(c->cert));
		info.length = key ? ((uint32_t)EVP_PKEY_get_bits(key) + 7) / 8 : 0;
	}
	cprom_info_build(w, &info);
}

/* ---- the token ----------------------------------------------------------------------- */

static void write_response(struct wr *w, struct slice proof)
{
	cprom_tlv_put(w, CPROM_CHALLENGE_RESPONSE, proof);
}

static enum status write_token(struct cprom_peer *p, struct wr *w)
{
	const struct token *token = &p->settings.token.value;
	struct cprom_token_data data = { .type = CPROM_TOKEN_TYPE_ENROLMENT,
					 .encoding = CPROM_RAW,
					 .data = slice_of(token->id, sizeof token->id) };
	struct proof_about about = { slice_of(p->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
				     p->challenge, data.data };
	uint8_t proof[PROOF_HASH_SIZE];
	enum status status =
		proof_token(&about, slice_of(token->secret, sizeof token->secret), proof);

	if (status != OK)
		return status;
	cprom_token_build(w, &data);
	write_response(w, slice_of(proof, sizeof proof));
	return OK;
}

static enum status write_certificate_token(struct cprom_peer *p, struct wr *w)
{
	const struct cprom_token *token = &p->settings.token;
	AUTO_VALUE(bytes) chain = { 0 };
	AUTO_VALUE(bytes) proof = { 0 };
	struct cprom_token_data data = { .type = CPROM_TOKEN_TYPE_CERTIFICATE,
					 .encoding = CPROM_DER };
	struct proof_about about = { slice_of(p->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
				     p->challenge,
				     { 0 } };
	enum status status = cert_append_der(&chain, token->cert, ENROL_MESSAGE_MAX);

	for (int i = 0; status == OK && i < sk_X509_num(token->chain); i++)
		status = cert_append_der(&chain, sk_X509_value(token->chain, i), ENROL_MESSAGE_MAX);
	if (status != OK)
		return status;
	about.id = data.data = bytes_slice(&chain);
	status = proof_token_sign(&about, token->key, &proof);
	if (status != OK)
		return status;
	cprom_token_build(w, &data);
	write_response(w, bytes_slice(&proof));
	return OK;
}

static enum status write_bearer(struct cprom_peer *p, struct wr *w, enum cprom_token_type type)
{
	struct cprom_token_data data = { .type = (uint8_t)type,
					 .encoding = CPROM_ASCII,
					 .data = p->settings.token.text };

	/* Whoever has it can use it: it is shown to a server that is known, and to no other. */
	if (!p->tunnel->server_named)
		return cprom_peer_fail(p, ENROL_ERROR_TOKEN_MISSING,
				       "the server is not known by name or pin, so it does not get "
				       "our token");
	cprom_token_build(w, &data);
	return OK;
}

/* Without a challenge the server takes no tokens of the kinds that answer one. */
static enum status write_authorisation(struct cprom_peer *p, struct wr *w)
{
	enum status status = OK;

	switch (p->settings.token.kind) {
	case CPROM_NO_TOKEN:
		return OK;
	case CPROM_TOKEN:
		status = p->challenge.len > 0 ? write_token(p, w) : OK;
		break;
	case CPROM_TOKEN_CERT:
		status = p->challenge.len > 0 ? write_certificate_token(p, w) : OK;
		break;
	case CPROM_TOKEN_JWT:
		return write_bearer(p, w, CPROM_TOKEN_TYPE_JWT);
	case CPROM_TOKEN_OAUTH:
		return write_bearer(p, w, CPROM_TOKEN_TYPE_OAUTH);
	}
	return status == OK ? OK
			    : cprom_peer_fail(p, ENROL_ERROR_PROOF,
					      "the proof of our token could not be made");
}

/* ---- Init ---------------------------------------------------------------------------- */

static void write_abilities(const struct cprom_peer_settings *s, struct wr *w)
{
	cprom_octet_build(w, CPROM_VERSION, 1);
	for (size_t i = 0; i < s->protocol_count; i++) {
		struct cprom_protocol protocol = { .id = (uint16_t)s->protocols[i]->id };

		cprom_protocol_build(w, &protocol);
	}
	cprom_octet_build(w, CPROM_SUPPORTED_ENCODING, CPROM_RAW);
	cprom_octet_build(w, CPROM_SUPPORTED_ENCODING, CPROM_DER);
	cprom_octet_build(w, CPROM_SUPPORTED_FORMAT, CPROM_FORMAT_NONE);
	cprom_octet_build(w, CPROM_SUPPORTED_FORMAT, CPROM_FORMAT_PKCS10);
}

static void write_about(const struct cprom_peer_settings *s, struct wr *w)
{
	for (size_t i = 0; i < s->credential_count; i++)
		write_credential(w, &s->credentials[i]);
	if (s->mud_url) {
		struct cprom_usage usage = { .url = true,
					     .format = CPROM_USAGE_MUD,
					     .encoding = CPROM_ASCII,
					     .data = slice_str(s->mud_url) };

		cprom_usage_build(w, &usage);
	}
	for (size_t i = 0; i < s->credential_count; i++) {
		if (s->credentials[i].profile && s->credentials[i].profile[0])
			cprom_tlv_put(w, CPROM_PROFILE, slice_str(s->credentials[i].profile));
	}
}

enum status cprom_peer_write_init(struct cprom_peer *p)
{
	struct wr w = cprom_link_open(&p->link, p->settings.message_max);
	enum status status;

	write_abilities(&p->settings, &w);
	write_about(&p->settings, &w);
	status = write_authorisation(p, &w);
	if (status != OK)
		return status;
	return cprom_link_close(&p->link, &w, CPROM_INIT, 0) == OK
		       ? OK
		       : cprom_peer_fail(p, ENROL_ERROR_LIMIT, "our Init is too long");
}
