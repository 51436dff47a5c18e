/* Passwords as scrypt hashes (RFC 7914) in their text form. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "authd/accounts.h"
#include "base/random.h"

#define COST_LOG2  14 /* 16 MiB and some 50 msec: what a worker can afford for one password */
#define BLOCK	   8
#define PARALLEL   1
#define SALT_SIZE  16
#define HASH_SIZE  32
#define MEMORY_MAX (256u * 1024 * 1024)

struct parameters {
	unsigned log2, block, parallel;
	uint8_t salt[SALT_SIZE], hash[HASH_SIZE];
};

void account_done(struct account *account)
{
	secret_done(&account->clear);
	explicit_bzero(account, sizeof *account);
}

static enum status compute(struct slice password, const struct parameters *p,
			   uint8_t ret_hash[HASH_SIZE])
{
	return EVP_PBE_scrypt((const char *)password.p, password.len, p->salt, sizeof p->salt,
			      UINT64_C(1) << p->log2, p->block, p->parallel, MEMORY_MAX, ret_hash,
			      HASH_SIZE) == 1
		       ? OK
		       : CRYPTO;
}

static void to_text(const uint8_t *octets, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[octets[i] >> 4];
		*text++ = digits[octets[i] & 15];
	}
	*text = '\0';
}

enum status account_hash(struct slice password, char ret_hash[ACCOUNT_HASH_MAX])
{
	struct parameters p = { COST_LOG2, BLOCK, PARALLEL, { 0 }, { 0 } };
	char salt[2 * SALT_SIZE + 1], hash[2 * HASH_SIZE + 1];
	enum status status = random_bytes(p.salt, sizeof p.salt);

	if (status == OK)
		status = compute(password, &p, p.hash);
	if (status != OK)
		return status;
	to_text(p.salt, sizeof p.salt, salt);
	to_text(p.hash, sizeof p.hash, hash);
	snprintf(ret_hash, ACCOUNT_HASH_MAX, "$scrypt$ln=%u,r=%u,p=%u$%s$%s", p.log2, p.block,
		 p.parallel, salt, hash);
	explicit_bzero(&p, sizeof p);
	return OK;
}

static bool from_text(const char **text, uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned octet;

		if (sscanf(*text, "%2x", &octet) != 1 || !(*text)[1])
			return false;
		octets[i] = (uint8_t)octet;
		*text += 2;
	}
	return true;
}

/* Whatever may stand in a database that somebody has edited. */
static bool parse(const char *text, struct parameters *p)
{
	int at = 0;

	if (sscanf(text, "$scrypt$ln=%2u,r=%2u,p=%2u$%n", &p->log2, &p->block, &p->parallel, &at) !=
		    3 ||
	    at == 0 || p->log2 < 1 || p->log2 > 20 || p->block < 1 || p->block > 32 ||
	    p->parallel < 1 || p->parallel > 16)
		return false;
	text += at;
	return from_text(&text, p->salt, sizeof p->salt) && *text++ == '$' &&
	       from_text(&text, p->hash, sizeof p->hash) && !*text;
}

enum status account_hash_check(struct slice password, const char *hash)
{
	struct parameters p = { COST_LOG2, BLOCK, PARALLEL, { 0 }, { 0 } };
	uint8_t computed[HASH_SIZE];
	bool there = parse(hash, &p), same;
	enum status status = compute(password, &p, computed);

	same = status == OK && CRYPTO_memcmp(computed, p.hash, sizeof computed) == 0;
	explicit_bzero(&p, sizeof p);
	explicit_bzero(computed, sizeof computed);
	if (status != OK)
		return status;
	return there && same ? OK : UNTRUSTED;
}
