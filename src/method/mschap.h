/* MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759), the keys of both (RFC 3079, RFC 2548), CHAP (RFC 1994).
 *
 * They need MD4 and DES, which OpenSSL keeps in its legacy provider.  That provider is loaded into
 * a library context of its own, made once by the shell when it starts and handed in here, so that
 * nothing else can come to use what is in it.
 *
 * All of this is as weak as it is old: what is recorded of one exchange gives the password's hash
 * to anybody who tries 2^56 keys.  It is meant for the inside of a tunnel whose server is
 * authenticated. */
#ifndef METHOD_MSCHAP_H
#define METHOD_MSCHAP_H

#include <openssl/types.h>

#include "base/bytes.h"

#define MSCHAP_HASH_SIZE	16 /* NtPasswordHash */
#define MSCHAP_CHALLENGE_SIZE	8
#define MSCHAPV2_CHALLENGE_SIZE 16 /* of either side */
#define MSCHAP_RESPONSE_SIZE	24
#define MSCHAPV2_PROOF_SIZE	42  /* "S=" and 40 hexadecimal digits */
#define MSCHAPV2_KEY_SIZE	32  /* both master session keys, the peer's sending key first */
#define MSCHAP_PASSWORD_MAX	256 /* UTF-16 units, RFC 2759, section 8.1 */

/* The algorithms, found once; to be shared by threads, for nothing in it changes. */
struct mschap;

/* library has the provider `legacy`, and outlives the value.  UNSUPPORTED when it
 * has no MD4 or DES. */
CHECKED enum status mschap_new(OSSL_LIB_CTX *library, struct mschap **ret_mschap);
void mschap_free(struct mschap *mschap);
DEFINE_AUTO_STRUCT(mschap);

/* NtPasswordHash of a password in UTF-8; MALFORMED when it is none, or too long. */
CHECKED enum status mschap_password_hash(const struct mschap *mschap, struct slice password,
					 uint8_t hash[MSCHAP_HASH_SIZE]);

/* The name that goes into a MS-CHAPv2 challenge: what follows the domain in "DOMAIN\name". */
struct slice mschap_user(struct slice name);

/* ChallengeResponse: the NT-Response of MS-CHAP. */
CHECKED enum status mschap_response(const struct mschap *mschap,
				    const uint8_t challenge[MSCHAP_CHALLENGE_SIZE],
				    const uint8_t hash[MSCHAP_HASH_SIZE],
				    uint8_t response[MSCHAP_RESPONSE_SIZE]);

/* One exchange of MS-CHAPv2, as both ends see it. */
struct mschapv2 {
	uint8_t authenticator[MSCHAPV2_CHALLENGE_SIZE];
	uint8_t peer[MSCHAPV2_CHALLENGE_SIZE];
	struct slice name; /* as the peer sent it, with its domain */
};

/* GenerateNTResponse. */
CHECKED enum status mschapv2_response(const struct mschap *mschap, const struct mschapv2 *exchange,
				      const uint8_t hash[MSCHAP_HASH_SIZE],
				      uint8_t response[MSCHAP_RESPONSE_SIZE]);
/* GenerateAuthenticatorResponse: "S=…", without a NUL. */
CHECKED enum status mschapv2_proof(const struct mschap *mschap, const struct mschapv2 *exchange,
				   const uint8_t hash[MSCHAP_HASH_SIZE],
				   const uint8_t response[MSCHAP_RESPONSE_SIZE],
				   char proof[MSCHAPV2_PROOF_SIZE]);
/* Whether a message of the server begins with that proof, in any case of letters; compared in
 * constant time. */
bool mschapv2_proven(struct slice message, const char proof[MSCHAPV2_PROOF_SIZE]);

/* RFC 3079, section 3: the 128-bit keys, MasterSendKey of the peer and then its MasterReceiveKey;
 * what the authenticator receives with, and then sends with.  With 32 octets of zeros this is the
 * MSK of EAP-MSCHAPv2; the first 32 octets of it are the ISK of PEAP. */
CHECKED enum status mschapv2_keys(const struct mschap *mschap, const uint8_t hash[MSCHAP_HASH_SIZE],
				  const uint8_t response[MSCHAP_RESPONSE_SIZE],
				  uint8_t keys[MSCHAPV2_KEY_SIZE]);

/* RFC 1994, section 4.1: the MD5 of identifier, password and challenge. */
#define CHAP_RESPONSE_SIZE 16
CHECKED enum status chap_response(uint8_t identifier, struct slice password, struct slice challenge,
				  uint8_t response[CHAP_RESPONSE_SIZE]);

/* ---- the message of a failure: RFC 2759, section 6 ---- */

enum mschap_error_code {
	MSCHAP_RESTRICTED_HOURS = 646,
	MSCHAP_ACCOUNT_DISABLED = 647,
	MSCHAP_PASSWORD_EXPIRED = 648,
	MSCHAP_NO_DIALIN = 649,
	MSCHAP_AUTHENTICATION_FAILURE = 691,
	MSCHAP_CHANGING_PASSWORD = 709,
};

struct mschap_error {
	unsigned code; /* 0: none was told */
	bool retry;
	bool has_challenge;
	uint8_t challenge[MSCHAPV2_CHALLENGE_SIZE];
	unsigned version;
	struct slice message; /* for people; borrowed */
};

/* "E=691 R=1 C=… V=3 M=…".  What cannot be read is left out: servers differ. */
void mschap_error_parse(struct slice in, struct mschap_error *out);
void mschap_error_build(struct wr *w, const struct mschap_error *error);
const char *mschap_error_text(unsigned code); /* "the password has expired" */

#endif
