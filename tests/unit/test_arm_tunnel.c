/* Profiles with something inside of a tunnel. */
#include <errno.h>
#include <unistd.h>

#include "tests/legacy.h"
#include "tests/test.h"
#include "tests/unit/arm_rig.h"

static struct armed *arm_text(struct rig *rig, const struct mschap *mschap, const char *inner,
			      struct diagnosis *why)
{
	AUTO_STRUCT(profile) profile = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct armed *armed = NULL;
	AUTO(char) text = NULL;

	REQUIRE(asprintf(&text,
			 "[Server]\nTrustAnchor=%s/ca.pem\nServerName=radius.example.org\n%s",
			 rig->dir.path, inner) > 0);
	CHECK_INT(profile_parse(slice_str(text), "/p/test.profile", &profile, &errors), 0);
	diagnosis_set(why, DIAG_NONE);
	if (profile && profile_arm(profile, rig->keystore, mschap, PKI_NOW, 0, &armed, why) == 0)
		profile = NULL;
	return armed;
}

#define PEAP "[EAP]\nMethod=peap\n[Inner]\nMethod=mschapv2\nIdentity=user@example.org\n"

TEST(a_tunnel_is_armed_with_a_password_and_no_credential)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) armed = arm_text(&rig, test_mschap(), PEAP "Password=secret\n", &why);
	struct eap_peer_offer offer = { 0 };

	REQUIRE(armed != NULL);
	CHECK(slice_eq(secret_slice(&armed->inner.password), slice_str("secret")));
	CHECK_STR(armed->inner.identity, "user@example.org");
	/* Nothing of it is seen outside but the way to the server. */
	CHECK_STR(armed->identity, "anonymous@example.org");
	CHECK_STR(armed->credential, "");
	CHECK_INT(armed_method(armed, &offer), 0);
	CHECK_STR(offer.method->name, "PEAP");
	offer.method->free(offer.self);
}

TEST(another_password_is_another_profile)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) a = arm_text(&rig, test_mschap(), PEAP "Password=one\n", &why);
	AUTO_STRUCT(armed) same = arm_text(&rig, test_mschap(), PEAP "Password=one\n", &why);
	AUTO_STRUCT(armed) other = arm_text(&rig, test_mschap(), PEAP "Password=two\n", &why);

	REQUIRE(a && same && other);
	CHECK(armed_same(a, same));
	CHECK(!armed_same(a, other));
}

TEST(a_password_file_is_its_owners_alone)
{
	static const struct {
		const char *text, *problem;
		int mode;
	} rows[] = {
		{ "secret\nrest\n", NULL, 0600 },
		{ "secret\r\n", NULL, 0400 },
		{ "secret", "others can read it", 0640 },
		{ "secret", "others can read it", 0604 },
		{ "\nsecret\n", "first line is empty", 0600 },
		{ "", "first line is empty", 0600 },
		{ "\xff\xfe\n", "UTF-8", 0600 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_VALUE(rig) rig = rig_make();
		AUTO(char) inner = NULL;
		struct diagnosis why;

		scratch_put(&rig.dir, "password", rows[i].text, rows[i].mode);
		REQUIRE(asprintf(&inner, PEAP "PasswordFile=%s/password\n", rig.dir.path) > 0);

		AUTO_STRUCT(armed) armed = arm_text(&rig, test_mschap(), inner, &why);

		if (!rows[i].problem) {
			REQUIRE(armed != NULL);
			CHECK(slice_eq(secret_slice(&armed->inner.password), slice_str("secret")));
			continue;
		}
		CHECK(armed == NULL);
		CHECK_INT(why.id, DIAG_CONFIG);
		CHECK(strstr(diagnosis_evidence(&why, "detail"), rows[i].problem) != NULL);
	}
}

TEST(a_password_file_that_is_not_there_is_told)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed)
	armed = arm_text(&rig, test_mschap(), PEAP "PasswordFile=/nowhere/at/all\n", &why);

	CHECK(armed == NULL);
	CHECK(strstr(diagnosis_evidence(&why, "detail"), "No such file") != NULL);
}

TEST(without_md4_and_des_only_what_needs_them_is_refused)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed) peap = arm_text(&rig, NULL, PEAP "Password=x\n", &why);

	CHECK(peap == NULL);
	CHECK(strstr(diagnosis_evidence(&why, "detail"), "legacy provider") != NULL);

	AUTO_STRUCT(armed)
	pap = arm_text(&rig, NULL,
		       "[EAP]\nMethod=ttls\nIdentity=user\n[Inner]\nMethod=pap\nPassword=x\n",
		       &why);

	REQUIRE(pap != NULL);
	CHECK_STR(pap->identity, "anonymous");
	CHECK_STR(pap->inner.identity, "user");
}

TEST(each_method_of_a_tunnel_can_be_made)
{
	static const char *const inner[] = {
		"Method=pap\nPassword=x\n",
		"Method=chap\nPassword=x\n",
		"Method=mschap\nPassword=x\n",
		"Method=mschapv2\nPassword=x\n",
		"Method=eap-mschapv2\nPassword=x\n",
		"Method=eap-gtc\nPassword=x\n",
		"Method=eap-tls\nCredential=machine\n",
	};

	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
		AUTO_VALUE(rig) rig = rig_make();
		struct eap_peer_offer offer = { 0 };
		AUTO(char) text = NULL;
		struct diagnosis why;

		REQUIRE(asprintf(&text, "[EAP]\nMethod=ttls\nIdentity=user\n[Inner]\n%s",
				 inner[i]) > 0);

		AUTO_STRUCT(armed) armed = arm_text(&rig, test_mschap(), text, &why);

		REQUIRE(armed != NULL);
		CHECK_INT(armed_method(armed, &offer), 0);
		CHECK_STR(offer.method->name, "EAP-TTLS");
		offer.method->free(offer.self);
		CHECK_STR(armed->credential, strstr(inner[i], "tls") ? "machine" : "");
	}
}

#define PAIR                                                                                       \
	"[EAP]\nMethod=teap\n[Inner]\nMethod=%s\nIdentity=user\nIdentityType=user\n%s\n"           \
	"[Inner2]\nMethod=%s\nIdentity=host/desk\nIdentityType=machine\n%s\n"

TEST(two_identities_are_armed_each_with_its_own)
{
	static const struct {
		const char *method, *with;
	} ways[] = {
		{ "mschapv2", "Password=secret" },
		{ "password", "Password=secret" },
		{ "tls", "Credential=machine" },
	};

	for (size_t i = 0; i < 9; i++) {
		AUTO_VALUE(rig) rig = rig_make();
		struct eap_peer_offer offer = { 0 };
		AUTO(char) text = NULL;
		struct diagnosis why;

		REQUIRE(asprintf(&text, PAIR, ways[i % 3].method, ways[i % 3].with,
				 ways[i / 3].method, ways[i / 3].with) > 0);

		AUTO_STRUCT(armed) armed = arm_text(&rig, test_mschap(), text, &why);

		REQUIRE(armed != NULL);
		CHECK_STR(armed->inner.identity, "user");
		CHECK_STR(armed->inner2.identity, "host/desk");
		CHECK_INT(armed->inner.password.len, i % 3 == 2 ? 0 : 6);
		CHECK_INT(armed->inner2.password.len, i / 3 == 2 ? 0 : 6);
		CHECK_INT(armed->inner2.tls != NULL, i / 3 == 2);
		CHECK_STR(armed->credential, i % 3 == 2 || i / 3 == 2 ? "machine" : "");
		CHECK_INT(armed_method(armed, &offer), 0);
		CHECK_STR(offer.method->name, "TEAP");
		offer.method->free(offer.self);
	}
}

TEST(the_second_password_counts_as_well)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO(char) one = NULL;
	AUTO(char) two = NULL;
	AUTO(char) none = NULL;
	struct diagnosis why;

	REQUIRE(asprintf(&one, PAIR, "tls", "Credential=machine", "password", "Password=1") > 0);
	REQUIRE(asprintf(&two, PAIR, "tls", "Credential=machine", "password", "Password=2") > 0);
	REQUIRE(asprintf(&none, PAIR, "tls", "Credential=machine", "password",
			 "PasswordFile=/nowhere") > 0);

	AUTO_STRUCT(armed) a = arm_text(&rig, test_mschap(), one, &why);
	AUTO_STRUCT(armed) b = arm_text(&rig, test_mschap(), two, &why);
	AUTO_STRUCT(armed) c = arm_text(&rig, test_mschap(), none, &why);

	REQUIRE(a && b);
	CHECK(!armed_same(a, b));
	CHECK(c == NULL);
	CHECK(strstr(diagnosis_evidence(&why, "detail"), "[Inner2] PasswordFile=/nowhere") != NULL);
}
