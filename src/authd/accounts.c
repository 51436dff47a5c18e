#include <openssl/crypto.h>

#include "authd/accounts.h"

/* Takes as long for an account that is not there. */
static bool typed_is_right(const struct account *account, struct slice typed)
{
	struct slice clear = secret_slice(&account->clear);
	bool right = account_hash_check(typed, account->hash) == OK;

	if (!account->hash[0] && clear.len > 0)
		right = clear.len == typed.len && CRYPTO_memcmp(clear.p, typed.p, clear.len) == 0;
	return right && account->state == ACCOUNT_FOUND;
}

static bool has_secret(const struct account *account, enum eap_password_use use)
{
	switch (use) {
	case EAP_PASSWORD_COMPARE:
		return account->hash[0] || account->clear.len > 0;
	case EAP_PASSWORD_NT_HASH:
		return account->has_nt;
	case EAP_PASSWORD_CLEAR:
		return account->clear.len > 0;
	}
	return false;
}

static enum diagnosis_id refusal(const struct account *account, enum eap_password_use use)
{
	switch (account->state) {
	case ACCOUNT_FOUND:
		return has_secret(account, use) ? DIAG_ACCOUNT_PASSWORD : DIAG_ACCOUNT_NO_SECRET;
	case ACCOUNT_UNKNOWN:
		return DIAG_ACCOUNT_UNKNOWN;
	case ACCOUNT_DISABLED:
		return DIAG_ACCOUNT_DISABLED;
	case ACCOUNT_UNREACHABLE:
		return DIAG_ACCOUNT_UNREACHABLE;
	case ACCOUNT_GUESSED:
		break;
	}
	return DIAG_ACCOUNT_GUESSED;
}

void account_answer(const struct account *account, const struct eap_account_question *question,
		    struct eap_reply *ret_reply, struct diagnosis *ret_why)
{
	char name[DIAGNOSIS_VALUE_MAX];

	*ret_reply = (struct eap_reply){ .why = ret_why };
	diagnosis_set(ret_why, DIAG_NONE);
	switch (question->use) {
	case EAP_PASSWORD_COMPARE:
		ret_reply->accept = typed_is_right(account, question->typed);
		break;
	case EAP_PASSWORD_NT_HASH:
		ret_reply->with.password.secret = slice_of(account->nt, sizeof account->nt);
		ret_reply->accept = account->state == ACCOUNT_FOUND && account->has_nt;
		break;
	case EAP_PASSWORD_CLEAR:
		ret_reply->with.password.secret = secret_slice(&account->clear);
		ret_reply->accept = account->state == ACCOUNT_FOUND && account->clear.len > 0;
		break;
	}
	if (ret_reply->accept) {
		ret_reply->why = NULL;
		return;
	}
	diagnosis_set(ret_why, refusal(account, question->use));
	diagnosis_add(ret_why, "account", "%s", printable(question->name, name, sizeof name));
	if (account->state == ACCOUNT_GUESSED)
		diagnosis_add(ret_why, "wait", "%u", account->wait);
}

bool account_goes_on(const struct account *account, struct slice name, int64_t authenticated,
		     struct diagnosis *ret_why)
{
	char text[DIAGNOSIS_VALUE_MAX];

	diagnosis_set(ret_why, DIAG_NONE);
	if (account->state == ACCOUNT_FOUND && account->changed <= authenticated)
		return true;
	/* Of one that is found the password is another. */
	diagnosis_set(ret_why, account->state == ACCOUNT_FOUND
				       ? DIAG_ACCOUNT_PASSWORD
				       : refusal(account, EAP_PASSWORD_COMPARE));
	diagnosis_add(ret_why, "account", "%s", printable(name, text, sizeof text));
	return false;
}
