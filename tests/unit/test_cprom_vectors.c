/* The vectors of doc/cprom.md: proofs, and whole conversations.  Both are made from keys and random
 * octets that are known, so that another implementation can be held against them. */
#include <stdlib.h>

#include "base/random.h"
#include "enrol/proof.h"
#include "tests/cprom_duo.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* In place of src/base/random.c: 00 01 02 ... from the beginning of each conversation. */
static uint8_t next_random;

enum status random_bytes(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = next_random++;
	return OK;
}

/* An Ed25519 key whose seed is 32 octets of one value. */
static EVP_PKEY *known_key(uint8_t value)
{
	uint8_t seed[32];

	memset(seed, value, sizeof seed);
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
}

static void hex(struct slice in, char *text, size_t size)
{
	text[0] = 0;
	for (size_t i = 0; i < in.len && 2 * i + 2 < size; i++)
		snprintf(text + 2 * i, 3, "%02x", in.p[i]);
}

/* ---- proofs -------------------------------------------------------------------------- */

/* Challenge type (4: of a certificate token), E, then challenge, id, and secret or Ed25519 seed,
 * each after its length. */
static void check_proof(const struct script_line *line, struct slice bytes, const char *meaning)
{
	struct rd r = rd_of(bytes);
	uint8_t type = rd_u8(&r), hash[PROOF_HASH_SIZE];
	struct proof_about about = { .binding = rd_bytes(&r, 32) };
	AUTO_VALUE(bytes) proof = { 0 };
	AUTO(EVP_PKEY) key = NULL;
	struct slice secret;
	char text[600];

	(void)line;
	about.challenge = rd_bytes(&r, rd_u8(&r));
	about.id = rd_bytes(&r, rd_u8(&r));
	secret = rd_bytes(&r, rd_u8(&r));
	REQUIRE(rd_done(&r));
	if (type == PROOF_TOKEN) {
		REQUIRE(proof_token(&about, secret, hash) == OK);
		REQUIRE(bytes_set(&proof, slice_of(hash, sizeof hash)) == OK);
		CHECK_INT(proof_token_check(&about, secret, bytes_slice(&proof)), OK);
	} else if (type == PROOF_HMAC || type == PROOF_BARE_HASH) {
		REQUIRE(proof_mac((enum proof_type)type, &about, secret, hash) == OK);
		REQUIRE(bytes_set(&proof, slice_of(hash, sizeof hash)) == OK);
		CHECK_INT(
			proof_mac_check((enum proof_type)type, &about, secret, bytes_slice(&proof)),
			OK);
	} else {
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret.p, secret.len);
		REQUIRE(key != NULL);
		if (type == 4) {
			REQUIRE(proof_token_sign(&about, key, &proof) == OK);
			CHECK_INT(proof_token_verify(&about, key, bytes_slice(&proof)), OK);
		} else {
			REQUIRE(proof_sign((enum proof_type)type, &about, key, &proof) == OK);
			CHECK_INT(proof_verify((enum proof_type)type, &about, key,
					       bytes_slice(&proof)),
				  OK);
		}
	}
	hex(bytes_slice(&proof), text, sizeof text);
	CHECK_STR(text, meaning);
}

TEST(proofs_are_what_the_vectors_say)
{
	CHECK(script_vectors("cprom_proofs.txt", check_proof));
}

/* ---- conversations ------------------------------------------------------------------- */

static struct cprom_duo duo;

static struct pki_cert remake(const char *cn, bool ca, uint8_t key, const struct pki_cert *issuer,
			      long serial)
{
	struct pki_spec spec = { .cn = cn, .ca = ca, .key = known_key(key), .serial = serial };
	struct pki_cert made = pki_make(&spec, issuer);

	EVP_PKEY_free(spec.key);
	return made;
}

/* The cast, of keys that are known. */
static void known_cast(struct cprom_duo *d)
{
	cduo_init(d);
	pki_cert_done(&d->root);
	pki_cert_done(&d->issuing);
	x509_stack_free(d->authority.chain);
	x509_stack_free(d->authority.anchors);
	d->root = remake("Root", true, 0x11, NULL, 1);
	d->issuing = remake("Issuing", true, 0x22, &d->root, 2);
	d->authority.issuer = d->issuing.cert;
	d->authority.key = d->issuing.key;
	d->authority.chain = pki_chain(d->issuing.cert, NULL);
	d->authority.anchors = pki_chain(d->root.cert, NULL);
	d->known_key = known_key(0x33);
	d->issue.serial = 3;
	d->logging = true;
	next_random = 0;
}

static void hold_conversation(struct cprom_duo *d, const char *name)
{
	known_cast(d);
	if (strcmp(name, "fragments") == 0)
		d->mtu = 400;
	if (strcmp(name, "password") == 0) {
		d->credentials[0].type = ENROL_PASSWORD;
		d->grant.credentials = 1 << ENROL_PASSWORD;
	}
	if (strcmp(name, "refused") == 0)
		d->refuse = 1u << ENROL_ASKS_AUTHORISE;
	if (strcmp(name, "relayed") == 0)
		d->server_tunnel.exported[0] ^= 1;
	cduo_run(d);
}

static void drop_conversation(struct cprom_duo *d)
{
	EVP_PKEY_free(TAKE(d->known_key));
	cduo_done(d);
}

static char current[32];
static size_t at;
static unsigned conversations;

static void end_conversation(void)
{
	if (!current[0])
		return;
	CHECK_INT(duo.log.len, at); /* all of it was in the vectors */
	drop_conversation(&duo);
	current[0] = 0;
}

/* A packet's type-data; its meaning is "token > Init", the conversation first. */
static void check_packet(const struct script_line *line, struct slice bytes, const char *meaning)
{
	char name[32], text[70000], arrow;

	REQUIRE(sscanf(meaning, "%31s %c", name, &arrow) == 2);
	if (strcmp(name, current) != 0) {
		end_conversation();
		hold_conversation(&duo, name);
		snprintf(current, sizeof current, "%s", name);
		conversations++;
		at = 0;
	}
	text[0] = arrow;
	text[1] = ' ';
	hex(bytes, text + 2, sizeof text - 3);
	strcat(text, "\n");
	if (duo.log.len < at + strlen(text) || memcmp(duo.log.p + at, text, strlen(text)) != 0) {
		test_note("line %u is not what we say: %.*s", line->number,
			  (int)(duo.log.len - at < 4000 ? duo.log.len - at : 4000),
			  (const char *)duo.log.p + at);
		CHECK(false);
	}
	at += strlen(text);
}

TEST(conversations_are_what_the_vectors_say)
{
	conversations = 0;
	CHECK(script_vectors("cprom_talk.txt", check_packet));
	end_conversation();
	CHECK_INT(conversations, 5);
}
