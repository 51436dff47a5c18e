/* Profiles that enrol: without a credential yet, and with what an enrolment is run. */
#include <errno.h>

#include "config/arm_enrol.h"
#include "tests/test.h"
#include "tests/unit/arm_rig.h"

/* ---- a credential that is still to be had ---- */

#define ENROLS "[Enroll]\nTunnel=teap\n"

TEST(a_profile_that_enrolls_is_armed_without_its_credential)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) none = arm(&rig, "other", USUAL ENROLS, PKI_NOW, &why);
	AUTO_STRUCT(armed) late = arm(&rig, "machine", USUAL ENROLS, PKI_NOW + PKI_YEAR, &why);
	AUTO_STRUCT(armed) there = arm(&rig, "machine", USUAL ENROLS, PKI_NOW, &why);

	REQUIRE(none && late && there);
	CHECK(!none->ready && none->tls == NULL);
	CHECK_INT(none->warning.id, DIAG_CREDENTIAL_AWAITED);
	CHECK_STR(none->credential, "other");
	CHECK(!late->ready && late->tls == NULL);
	CHECK_INT(late->warning.id, DIAG_CREDENTIAL_EXPIRED);
	CHECK(there->tls != NULL);
	CHECK(armed_same_settings(late, there));
	CHECK(!armed_same(late, there));
	CHECK(!armed_same_settings(none, there));
}

#define INSIDE                                                                                     \
	"[EAP]\nMethod=ttls\nAnonymousIdentity=who\n[Inner]\nMethod=pap\nCredential=account\n"

static void put_secret(struct rig *rig, enum credential_kind kind, const char *secret)
{
	const struct keystore_parts parts = { .kind = kind,
					      .username = "printer7",
					      .secret = slice_str(secret) };
	struct diagnosis why;
	unsigned generation;

	CHECK_INT(keystore_finish(rig->keystore, "account", &parts, &generation, &why), 0);
	CHECK_INT(keystore_try(rig->keystore, "account", generation, &why), 0);
}

static enum diagnosis_id why_not(struct rig *rig, const char *server)
{
	struct diagnosis why;
	AUTO_STRUCT(armed) armed = arm(rig, "", server, PKI_NOW, &why);

	CHECK(armed == NULL);
	return armed ? DIAG_NONE : why.id;
}

TEST(a_password_from_the_keystore_goes_inside)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) none = arm(&rig, "", USUAL ENROLS INSIDE, PKI_NOW, &why);

	REQUIRE(none != NULL);
	CHECK(!none->ready);
	CHECK_INT(none->warning.id, DIAG_CREDENTIAL_AWAITED);
	CHECK_STR(none->credential, "account");
	CHECK_INT(why_not(&rig, USUAL INSIDE), DIAG_CREDENTIAL_MISSING);

	put_secret(&rig, CREDENTIAL_PASSWORD, "correct horse");
	AUTO_STRUCT(armed) first = arm(&rig, "", USUAL ENROLS INSIDE, PKI_NOW, &why);

	REQUIRE(first && first->ready);
	CHECK_STR(first->inner.identity, "printer7");
	CHECK(slice_eq(secret_slice(&first->inner.password), slice_str("correct horse")));
	CHECK_STR(first->identity, "who");
	CHECK_STR(first->credential, "account");
	CHECK_INT(first->generation, 1);
	CHECK_INT(first->certificate.not_after, 0);
	CHECK(armed_same_settings(none, first));
	CHECK(!armed_same(none, first));

	put_secret(&rig, CREDENTIAL_PASSWORD, "battery staple");
	AUTO_STRUCT(armed) second = arm(&rig, "", USUAL ENROLS INSIDE, PKI_NOW, &why);

	REQUIRE(second && second->ready);
	CHECK_INT(second->generation, 2);
	CHECK(armed_same_settings(first, second));
	CHECK(!armed_same(first, second));
}

TEST(a_symmetric_key_is_no_password)
{
	AUTO_VALUE(rig) rig = rig_make();

	put_secret(&rig, CREDENTIAL_SYMMETRIC, "0123456789abcdef");
	CHECK_INT(why_not(&rig, USUAL ENROLS INSIDE), DIAG_CREDENTIAL_UNUSABLE);
}

TEST(a_certificate_and_a_password_are_waited_for_together)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) half = arm(&rig, "machine", USUAL ENROLS INSIDE, PKI_NOW, &why);

	REQUIRE(half != NULL);
	CHECK(!half->ready);
	CHECK_STR(half->credential, "machine");
	put_secret(&rig, CREDENTIAL_PASSWORD, "correct horse");
	AUTO_STRUCT(armed) whole = arm(&rig, "machine", USUAL ENROLS INSIDE, PKI_NOW, &why);

	REQUIRE(whole && whole->ready);
	CHECK_STR(whole->credential, "machine");
	CHECK_STR(whole->inner.identity, "printer7");
	CHECK(whole->certificate.not_after > 0);
}

/* With the anchors of its own that a network told, and those that bring no name. */
static void put_with_anchors(struct rig *rig, const char *name, const struct pki_cert *anchor)
{
	AUTO(X509_STACK) anchors = anchor ? pki_chain(anchor->cert, NULL) : NULL;
	const struct keystore_parts parts = { .kind = CREDENTIAL_CERTIFICATE,
					      .cert = rig->client.cert,
					      .anchors = anchors };
	struct diagnosis why;
	unsigned generation;

	CHECK_INT(keystore_begin(rig->keystore, name, rig->client.key, NULL, &why), 0);
	CHECK_INT(keystore_finish(rig->keystore, name, &parts, &generation, &why), 0);
	CHECK_INT(keystore_try(rig->keystore, name, generation, &why), 0);
}

TEST(what_the_network_told_of_its_authorities_is_believed)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;

	put_with_anchors(&rig, "told", &rig.ca);
	put_with_anchors(&rig, "untold", NULL);

	AUTO_STRUCT(armed) told = arm(&rig, "told", ENROLS, PKI_NOW, &why);
	AUTO_STRUCT(armed) untold = arm(&rig, "untold", ENROLS, PKI_NOW, &why);

	CHECK(told && told->ready);
	CHECK(untold == NULL);
	CHECK_INT(why.id, DIAG_CONFIG);
}

TEST(a_roll_over_that_does_not_come_is_told)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct pki_cert ca = pki_make(&(struct pki_spec){ .cn = "old",
							  .ca = true,
							  .from = PKI_NOW - PKI_YEAR,
							  .until = PKI_NOW + 20 * PKI_DAY },
				      NULL);
	struct diagnosis why;

	put_with_anchors(&rig, "told", &ca);

	AUTO_STRUCT(armed) soon = arm(&rig, "told", ENROLS, PKI_NOW, &why);
	AUTO_STRUCT(armed) early = arm(&rig, "told", ENROLS, PKI_NOW - 20 * PKI_DAY, &why);

	REQUIRE(soon && early);
	CHECK_INT(soon->warning.id, DIAG_ANCHORS_EXPIRING);
	CHECK_INT(early->warning.id, DIAG_NONE);
	pki_cert_done(&ca);
}

/* ---- what an enrolment is run with ---- */

static const char *token_of(const struct pki_cert *ca, char text[TOKEN_TEXT_MAX])
{
	uint8_t hash[CERT_HASH_LEN];
	struct token token = { .id = "abcd", .secret = "0123456789abcde" };

	REQUIRE(cert_spki_hash(ca->cert, hash));
	memcpy(token.pin, hash, sizeof token.pin);
	token_format(&token, text);
	return text;
}

static enum diagnosis_id enrols(struct rig *rig, const char *server,
				const struct enrol_given *given, struct armed_enrol **ret_armed)
{
	AUTO_STRUCT(profile) profile = profile_of(rig, "network", server);
	struct diagnosis why;

	*ret_armed = NULL;
	if (enrol_arm(profile, rig->keystore, given, PKI_NOW, ret_armed, &why) == 0) {
		CHECK(*ret_armed != NULL);
		return DIAG_NONE;
	}
	CHECK(*ret_armed == NULL);
	CHECK_STR(diagnosis_evidence(&why, "profile"), "test");
	return why.id;
}

TEST(a_token_is_all_that_an_enrolment_needs)
{
	AUTO_VALUE(rig) rig = rig_make();
	char text[TOKEN_TEXT_MAX], server[400];
	struct enrol_given given = { .token = slice_str(token_of(&rig.ca, text)) };
	AUTO_STRUCT(armed_enrol) typed = NULL;
	AUTO_STRUCT(armed_enrol) written = NULL;
	AUTO_STRUCT(armed_enrol) filed = NULL;

	CHECK_INT(enrols(&rig, ENROLS, &given, &typed), DIAG_NONE);
	snprintf(server, sizeof server, "[Enroll]\nToken=%s\n", text);
	CHECK_INT(enrols(&rig, server, NULL, &written), DIAG_NONE);
	snprintf(server, sizeof server, "%s\n# a note\n", text);
	scratch_put(&rig.dir, "token", server, 0640);
	CHECK_INT(enrols(&rig, "[Enroll]\nTokenFile=@/token\n", NULL, &filed), DIAG_NONE);
	REQUIRE(typed && written && filed);
	CHECK(typed->has_token && written->has_token && filed->has_token);
	CHECK(memcmp(&typed->token, &filed->token, sizeof typed->token) == 0);
	CHECK_STR(typed->identity, "anonymous");
	CHECK_STR(typed->factory, "");
}

TEST(what_is_wrong_with_a_token_is_told)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_given wrong = { .token = slice_str("LK1-0000") };
	AUTO_STRUCT(armed_enrol) armed = NULL;
	char text[TOKEN_TEXT_MAX];

	CHECK_INT(enrols(&rig, ENROLS, NULL, &armed), DIAG_ENROL_NO_MEANS);
	CHECK_INT(enrols(&rig, "[Enroll]\nTokenFile=@/none\n", NULL, &armed), DIAG_ENROL_NO_MEANS);
	scratch_put(&rig.dir, "open", token_of(&rig.ca, text), 0644);
	CHECK_INT(enrols(&rig, "[Enroll]\nTokenFile=@/open\n", NULL, &armed), DIAG_ENROL_NO_MEANS);
	CHECK(enrols(&rig, ENROLS, &wrong, &armed) != DIAG_NONE);
}

/* Profile and server as they have to be for a token that is sent. */
#define FOREIGN USUAL "[Enroll]\nTokenType=jwt\n"

TEST(a_token_of_somebody_else_is_kept_as_it_is)
{
	AUTO_VALUE(rig) rig = rig_make();
	static char largest[TOKEN_FOREIGN_MAX + 2];
	struct enrol_given given = { .token = slice_str("eyJhbGciOiJFUzI1NiJ9.e30.c2ln") }, big;
	AUTO_STRUCT(armed_enrol) typed = NULL;
	AUTO_STRUCT(armed_enrol) filed = NULL;
	AUTO_STRUCT(armed_enrol) ours = NULL;
	AUTO_STRUCT(armed_enrol) wrong = NULL;
	char text[TOKEN_TEXT_MAX];

	CHECK_INT(enrols(&rig, FOREIGN, &given, &typed), DIAG_NONE);
	REQUIRE(typed != NULL);
	CHECK(!typed->has_token && !typed->pinned);
	CHECK_INT(typed->foreign_type, ENROL_TOKEN_JWT);
	CHECK_INT(typed->foreign.len, given.token.len);
	CHECK(memcmp(typed->foreign.p, given.token.p, given.token.len) == 0);

	memset(largest, 'a', sizeof largest - 1);
	largest[TOKEN_FOREIGN_MAX] = '\n';
	scratch_put(&rig.dir, "token", largest, 0600);
	CHECK_INT(
		enrols(&rig, USUAL "[Enroll]\nTokenType=oauth\nTokenFile=@/token\n", NULL, &filed),
		DIAG_NONE);
	REQUIRE(filed != NULL);
	CHECK_INT(filed->foreign_type, ENROL_TOKEN_OAUTH);
	CHECK_INT(filed->foreign.len, TOKEN_FOREIGN_MAX);

	given.token = slice_str(token_of(&rig.ca, text));
	CHECK_INT(enrols(&rig, FOREIGN, &given, &ours), DIAG_NONE);
	REQUIRE(ours != NULL);
	CHECK(ours->has_token && ours->foreign.len == 0);

	big.token = slice_of(largest, TOKEN_FOREIGN_MAX + 1);
	big.factory = NULL;
	CHECK_INT(enrols(&rig, FOREIGN, &big, &wrong), DIAG_CONFIG);
	big.token = slice_str("two words");
	CHECK_INT(enrols(&rig, FOREIGN, &big, &wrong), DIAG_CONFIG);
}

TEST(a_factory_credential_is_shown_where_the_profile_says)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_given given = { .factory = "machine" };
	AUTO_STRUCT(armed_enrol) outside = NULL;
	AUTO_STRUCT(armed_enrol) inside = NULL;

	CHECK_INT(enrols(&rig, USUAL ENROLS, &given, &outside), DIAG_NONE);
	CHECK_INT(enrols(&rig, USUAL ENROLS "FactoryProof=token\n", &given, &inside), DIAG_NONE);
	REQUIRE(outside && inside);
	CHECK_STR(outside->factory, "machine");
	CHECK(!outside->inside);
	CHECK_STR(inside->factory, "");
	REQUIRE(inside->inside != NULL);
	CHECK_STR(inside->inside->name, "machine");
}

TEST(a_factory_credential_needs_to_know_the_server)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct enrol_given given = { .factory = "machine" }, none = { .factory = "nothing" };
	AUTO_STRUCT(armed_enrol) bare = NULL;
	AUTO_STRUCT(armed_enrol) known = NULL;
	AUTO_STRUCT(armed_enrol) missing = NULL;

	CHECK_INT(enrols(&rig, ENROLS, &given, &bare), DIAG_CONFIG);
	CHECK_INT(enrols(&rig, USUAL ENROLS, &given, &known), DIAG_NONE);
	CHECK_INT(enrols(&rig, USUAL ENROLS, &none, &missing), DIAG_CREDENTIAL_MISSING);
	REQUIRE(known != NULL);
	CHECK(!known->has_token);
	CHECK_STR(known->factory, "machine");
}
