#include "method/password_check.h"

#include <openssl/crypto.h>

#include <string.h>

void password_check_done(struct password_check *check)
{
	secret_done(&check->typed);
	bytes_done(&check->name);
	bytes_done(&check->account);
	explicit_bzero(check->response, sizeof check->response);
	explicit_bzero(check->keys, sizeof check->keys);
	explicit_bzero(check->proof, sizeof check->proof);
}

void password_check_explain(struct password_check *check, enum diagnosis_id id)
{
	char account[DIAGNOSIS_VALUE_MAX];

	diagnosis_set(&check->why, id);
	diagnosis_add(&check->why, "account", "%s",
		      printable(bytes_slice(&check->account), account, sizeof account));
	diagnosis_add(&check->why, "method", "%s", check->method);
}

bool password_check_account(struct password_check *check, struct slice identity)
{
	char text[DIAGNOSIS_VALUE_MAX];

	if (identity.len == 0 || identity.p[0] == '@' || identity.len > PASSWORD_NAME_MAX) {
		diagnosis_set(&check->why, DIAG_INNER_ANONYMOUS);
		diagnosis_add(&check->why, "identity", "\"%s\"",
			      printable(identity, text, sizeof text));
		return false;
	}
	if (bytes_set(&check->account, identity) == OK)
		return true;
	diagnosis_say(&check->why, DIAG_INTERNAL, "out of memory");
	return false;
}

const struct eap_question *password_check_ask(struct password_check *check)
{
	static const enum eap_password_use uses[] = {
		[PASSWORD_PAP] = EAP_PASSWORD_COMPARE,
		[PASSWORD_CHAP] = EAP_PASSWORD_CLEAR,
		[PASSWORD_MSCHAP] = EAP_PASSWORD_NT_HASH,
		[PASSWORD_MSCHAPV2] = EAP_PASSWORD_NT_HASH,
	};

	check->question = (struct eap_question){
		.kind = EAP_ASKS_PASSWORD,
		.about.account = { .name = bytes_slice(&check->account),
				   .use = uses[check->kind],
				   .typed = secret_slice(&check->typed) },
	};
	return &check->question;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static enum status expect_chap(struct password_check *check, struct slice password,
			       uint8_t expected[MSCHAP_RESPONSE_SIZE])
{
	return chap_response(check->id, password,
			     slice_of(check->challenge, sizeof check->challenge), expected);
}

static enum status expect_mschapv2(struct password_check *check, const struct mschap *mschap,
				   const uint8_t hash[MSCHAP_HASH_SIZE],
				   uint8_t expected[MSCHAP_RESPONSE_SIZE])
{
	struct mschapv2 exchange = { .name = bytes_slice(&check->name) };
	enum status status;

	memcpy(exchange.authenticator, check->challenge, sizeof exchange.authenticator);
	memcpy(exchange.peer, check->peer_challenge, sizeof exchange.peer);
	status = mschapv2_response(mschap, &exchange, hash, expected);
	if (status == OK)
		status = mschapv2_proof(mschap, &exchange, hash, expected, check->proof);
	if (status == OK)
		status = mschapv2_keys(mschap, hash, expected, check->keys);
	return status;
}

/* The secret of an account that is not there is as long as any. */
static enum status expect(struct password_check *check, const struct mschap *mschap,
			  struct slice secret, uint8_t expected[MSCHAP_RESPONSE_SIZE])
{
	uint8_t hash[MSCHAP_HASH_SIZE] = { 0 };
	enum status status;

	if (check->kind == PASSWORD_CHAP)
		return expect_chap(check, secret, expected);
	if (!mschap)
		return UNSUPPORTED;
	if (secret.len == sizeof hash)
		memcpy(hash, secret.p, sizeof hash);
	status = check->kind == PASSWORD_MSCHAP
			 ? mschap_response(mschap, check->challenge, hash, expected)
			 : expect_mschapv2(check, mschap, hash, expected);
	explicit_bzero(hash, sizeof hash);
	return status;
}

static bool is_right(struct password_check *check, const struct mschap *mschap,
		     const struct eap_reply *reply)
{
	uint8_t expected[MSCHAP_RESPONSE_SIZE] = { 0 };
	size_t len = check->kind == PASSWORD_CHAP ? CHAP_RESPONSE_SIZE : sizeof expected;
	struct slice secret = reply->accept ? reply->with.password.secret : slice_of("", 0);
	bool usable = check->kind == PASSWORD_CHAP || secret.len == MSCHAP_HASH_SIZE;
	bool right;

	if (check->kind == PASSWORD_PAP)
		return reply->accept;
	right = expect(check, mschap, secret, expected) == OK &&
		CRYPTO_memcmp(expected, check->response, len) == 0;
	explicit_bzero(expected, sizeof expected);
	return right && usable && reply->accept;
}

bool password_check_answer(struct password_check *check, const struct mschap *mschap,
			   const struct eap_reply *reply)
{
	bool right = is_right(check, mschap, reply);

	secret_done(&check->typed);
	if (right)
		return true;
	explicit_bzero(check->keys, sizeof check->keys);
	explicit_bzero(check->proof, sizeof check->proof);
	if (!reply->accept && reply->why && reply->why->id != DIAG_NONE) {
		check->why = *reply->why;
		diagnosis_add(&check->why, "method", "%s", check->method);
	} else {
		password_check_explain(check, DIAG_ACCOUNT_PASSWORD);
	}
	return false;
}
