#include <string.h>

#include "base/random.h"
#include "method/mschapv2_peer.h"
#include "method/tls_keys.h"
#include "method/ttls_peer_parts.h"

#define CHALLENGE_MAX (MSCHAPV2_CHALLENGE_SIZE + 1)
#define RESPONSE_SIZE 50 /* Ident, Flags and 48 octets: RFC 2548, sections 2.1.3 and 2.3.2 */

static void put(struct wr *w, uint32_t vendor, uint32_t code, struct slice data)
{
	const struct ttls_avp avp = {
		.vendor = vendor, .code = code, .mandatory = true, .data = data
	};

	ttls_avp_build(w, &avp);
}

/* "The client SHOULD, however, null-pad the password to a multiple of 16 octets." */
static enum status put_pap(const struct inner_account *account, struct wr *w)
{
	uint8_t padded[1024] = { 0 };
	struct slice password = secret_slice(account->password);
	size_t len = (password.len + 15) / 16 * 16;

	if (len > sizeof padded)
		return MALFORMED;
	if (password.len > 0)
		memcpy(padded, password.p, password.len);
	put(w, 0, TTLS_USER_PASSWORD, slice_of(padded, len));
	explicit_bzero(padded, sizeof padded);
	return OK;
}

static enum status put_chap(const struct inner_account *account, const uint8_t *challenge,
			    struct wr *w)
{
	const struct slice value = slice_of(challenge, MSCHAPV2_CHALLENGE_SIZE);
	uint8_t password[1 + CHAP_RESPONSE_SIZE] = { challenge[MSCHAPV2_CHALLENGE_SIZE] };
	enum status status =
		chap_response(password[0], secret_slice(account->password), value, password + 1);

	if (status != OK)
		return status;
	put(w, 0, TTLS_CHAP_CHALLENGE, value);
	put(w, 0, TTLS_CHAP_PASSWORD, slice_of(password, sizeof password));
	return OK;
}

static enum status put_mschap(const struct mschap *mschap, const uint8_t *challenge,
			      const uint8_t hash[MSCHAP_HASH_SIZE], struct wr *w)
{
	/* Ident; Flags: the NT-Response is to be used; the LM-Response is left at zero. */
	uint8_t value[RESPONSE_SIZE] = { challenge[MSCHAP_CHALLENGE_SIZE], 1 };
	enum status status = mschap_response(mschap, challenge, hash,
					     value + RESPONSE_SIZE - MSCHAP_RESPONSE_SIZE);

	if (status != OK)
		return status;
	put(w, TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP_CHALLENGE,
	    slice_of(challenge, MSCHAP_CHALLENGE_SIZE));
	put(w, TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP_RESPONSE, slice_of(value, sizeof value));
	return OK;
}

static enum status put_mschapv2(struct ttls_peer *peer, const uint8_t *challenge,
				const uint8_t hash[MSCHAP_HASH_SIZE], struct wr *w)
{
	const struct mschap *mschap = peer->settings.account.mschap;
	struct mschapv2 *x = &peer->exchange;
	uint8_t value[RESPONSE_SIZE] = { 0 };
	uint8_t *response = value + RESPONSE_SIZE - MSCHAP_RESPONSE_SIZE;
	enum status status;

	x->name = peer->settings.account.identity;
	memcpy(x->authenticator, challenge, sizeof x->authenticator);
	value[0] = peer->ident = challenge[sizeof x->authenticator];
	status = random_bytes(x->peer, sizeof x->peer);
	if (status == OK)
		status = mschapv2_response(mschap, x, hash, response);
	if (status == OK)
		status = mschapv2_proof(mschap, x, hash, response, peer->proof);
	if (status != OK)
		return status;
	memcpy(value + 2, x->peer, sizeof x->peer);
	put(w, TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP_CHALLENGE,
	    slice_of(challenge, sizeof x->authenticator));
	put(w, TTLS_VENDOR_MICROSOFT, TTLS_MS_CHAP2_RESPONSE, slice_of(value, sizeof value));
	return OK;
}

static enum status put_password(struct ttls_peer *peer, const uint8_t *challenge, struct wr *w)
{
	const struct inner_account *account = &peer->settings.account;
	uint8_t hash[MSCHAP_HASH_SIZE];
	enum status status = OK;

	if (peer->settings.inner == TTLS_PAP)
		return put_pap(account, w);
	if (peer->settings.inner == TTLS_CHAP)
		return put_chap(account, challenge, w);
	status = mschap_password_hash(account->mschap, secret_slice(account->password), hash);
	if (status == OK && peer->settings.inner == TTLS_MSCHAP)
		status = put_mschap(account->mschap, challenge, hash, w);
	else if (status == OK)
		status = put_mschapv2(peer, challenge, hash, w);
	explicit_bzero(hash, sizeof hash);
	return status;
}

enum status ttls_send_password(struct ttls_peer *peer, struct tunnel_peer *tunnel)
{
	uint8_t buffer[TTLS_SEND_MAX], challenge[CHALLENGE_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);
	size_t len = 1 + (peer->settings.inner == TTLS_MSCHAP ? MSCHAP_CHALLENGE_SIZE
							      : MSCHAPV2_CHALLENGE_SIZE);
	enum status status = tls_implicit_challenge(tunnel_peer_conn(tunnel), challenge, len);

	put(&w, 0, TTLS_USER_NAME, peer->settings.account.identity);
	if (status == OK)
		status = put_password(peer, challenge, &w);
	if (status == OK && !wr_ok(&w))
		status = MALFORMED;
	if (status == OK)
		status = tunnel_peer_send(tunnel, wr_done(&w));
	explicit_bzero(buffer, sizeof buffer);
	explicit_bzero(challenge, sizeof challenge);
	return status;
}

/* RFC 2548, section 2.3.3: Ident, and the 42 octets of the proof. */
static enum tunnel_progress hear_proof(struct ttls_peer *peer, struct diagnosis *why,
				       struct slice value)
{
	struct rd r = rd_of(value);
	uint8_t ident = rd_u8(&r);
	struct slice text = rd_rest(&r);

	if (!rd_ok(&r) || ident != peer->ident || !mschapv2_proven(text, peer->proof)) {
		mschapv2_unproven(why, &peer->settings.account, "its proof is wrong");
		return TUNNEL_FAILED;
	}
	return TUNNEL_SERVER_DECIDES;
}

enum tunnel_progress ttls_hear_password(struct ttls_peer *peer, struct tunnel_peer *tunnel,
					const struct ttls_flight *flight)
{
	const struct inner_account *account = &peer->settings.account;
	struct diagnosis *why = tunnel_peer_why(tunnel);
	char text[DIAGNOSIS_VALUE_MAX];

	if (flight->has_error) {
		struct rd r = rd_of(flight->error);

		rd_u8(&r); /* Ident */
		mschapv2_explain(why, account, ttls_inner_name(peer), rd_rest(&r));
		return TUNNEL_FAILED;
	}
	if (flight->has_success && peer->settings.inner == TTLS_MSCHAPV2)
		return hear_proof(peer, why, flight->success);
	if (flight->has_message) {
		inner_refused(why, account->identity, ttls_inner_name(peer),
			      "it asked for something else");
		diagnosis_add(why, "message", "%s", printable(flight->message, text, sizeof text));
		return TUNNEL_FAILED;
	}
	/* A ticket, as RFC 9427, section 2.4, has it. */
	return peer->progress;
}
