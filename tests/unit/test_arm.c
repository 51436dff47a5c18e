#include "tests/legacy.h"
#include "tests/test.h"

#include <errno.h>
#include <unistd.h>

#include "config/arm_enrol.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

/* A keystore with one credential, an authority in a file, and a profile that uses both. */
struct rig {
	struct scratch dir;
	struct keystore *keystore;
	struct pki_cert ca, client;
};

static void put_cert(struct rig *rig, const char *name, const X509 *cert)
{
	AUTO_VALUE(bytes) pem = pki_pem(cert);
	char path[160];

	snprintf(path, sizeof path, "%s/%s", rig->dir.path, name);
	pki_write(path, bytes_slice(&pem), 0644);
}

static void add_pem(struct bundle *bundle, struct bytes pem)
{
	struct diagnosis why;
	bool encrypted;

	CHECK_INT(bundle_add(bundle, bytes_slice(&pem), NULL, &encrypted, &why), OK);
	bytes_done(&pem);
}

static void put_credential(struct rig *rig, const char *name, const struct pki_cert *made)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	struct diagnosis why;
	unsigned generation;
	char text[256];

	add_pem(&bundle, pki_key_pem(made->key, NULL));
	add_pem(&bundle, pki_pem(made->cert));
	CHECK_INT(bundle_finish(&bundle, &why), OK);
	if (keystore_put(rig->keystore, name, &bundle, NULL, &generation, &why) != 0) {
		test_note("%s", diagnosis_sentence(&why, text, sizeof text));
		CHECK(false);
	}
}

static struct rig rig_make(void)
{
	struct rig rig = { .dir = scratch_make(), .ca = pki_ca("Network CA") };
	struct diagnosis why;
	char path[160];

	rig.client = pki_client("machine", &rig.ca);
	snprintf(path, sizeof path, "%s/keystore", rig.dir.path);
	CHECK_INT(keystore_open(path, true, &rig.keystore, &why), 0);
	put_credential(&rig, "machine", &rig.client);
	put_cert(&rig, "ca.pem", rig.ca.cert);
	return rig;
}

static void rig_done(struct rig *rig)
{
	keystore_free(rig->keystore);
	pki_cert_done(&rig->ca);
	pki_cert_done(&rig->client);
	scratch_done(&rig->dir);
}

/* server: the text from the [Server] section on, in which "@/" stands for the directory. */
static struct profile *profile_of(const struct rig *rig, const char *credential, const char *server)
{
	struct profile *profile = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };
	char text[2000];
	int n = snprintf(text, sizeof text, "[TLS]\nCredential=%s\n[Server]\n", credential);

	for (; *server; server++) {
		size_t room = sizeof text - (size_t)n;

		n += strncmp(server, "@/", 2) == 0 ? snprintf(text + n, room, "%s", rig->dir.path)
						   : snprintf(text + n, room, "%c", *server);
	}
	CHECK_INT(profile_parse(slice_of(text, (size_t)n), "/p/test.profile", &profile, &errors),
		  0);
	for (size_t i = 0; i < errors.count; i++)
		test_note("%s %s", errors.error[i].key, errors.error[i].message);
	return profile;
}

#define USUAL "TrustAnchor=@/ca.pem\nServerName=radius.example.org\n"

static struct armed *arm(struct rig *rig, const char *credential, const char *server, int64_t now,
			 struct diagnosis *why)
{
	AUTO_STRUCT(profile) profile = profile_of(rig, credential, server);
	struct armed *armed = NULL;

	if (profile &&
	    profile_arm(profile, rig->keystore, test_mschap(), now, 30 * PKI_DAY, &armed, why) == 0)
		profile = NULL;
	return armed;
}

static struct armed *arm_well(struct rig *rig, const char *server)
{
	struct diagnosis why;
	char text[300];
	struct armed *armed = arm(rig, "machine", server, PKI_NOW, &why);

	if (!armed)
		test_note("%s", diagnosis_sentence(&why, text, sizeof text));
	CHECK(armed != NULL);
	return armed;
}

TEST(an_armed_profile_has_all_that_a_port_needs)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(armed) armed = arm_well(&rig, USUAL);

	REQUIRE(armed != NULL);
	CHECK_STR(armed->profile->name, "test");
	CHECK(armed->tls != NULL);
	CHECK_STR(armed->credential, "machine");
	CHECK_INT(armed->generation, 1);
	CHECK(strstr(armed->certificate.subject, "machine") != NULL);
	CHECK_INT(armed->warning.id, DIAG_NONE);

	struct armed *other = armed_ref(armed);

	armed_free(other);
	CHECK_STR(armed->credential, "machine");
}

TEST(a_certificate_that_expires_soon_is_a_warning)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct diagnosis why;
	AUTO_STRUCT(armed)
	armed = arm(&rig, "machine", USUAL, PKI_NOW + PKI_YEAR / 2 - 10 * PKI_DAY, &why);

	REQUIRE(armed != NULL);
	CHECK_INT(armed->warning.id, DIAG_CREDENTIAL_EXPIRING);
}

/* ---- what cannot be used ---- */

static enum diagnosis_id refused(struct rig *rig, const char *credential, const char *server,
				 int64_t now, const char *detail)
{
	struct diagnosis why;
	AUTO_STRUCT(armed) armed = arm(rig, credential, server, now, &why);

	CHECK(armed == NULL);
	if (armed)
		return DIAG_NONE;

	const char *told = diagnosis_evidence(&why, "detail");

	if (detail && (!told || !strstr(told, detail))) {
		test_note("detail \"%s\" lacks \"%s\"", told ? told : "", detail);
		CHECK(false);
	}
	CHECK_STR(diagnosis_evidence(&why, "profile"), "test");
	return why.id;
}

TEST(what_cannot_be_read_is_named)
{
	AUTO_VALUE(rig) rig = rig_make();
	char path[160];

	CHECK_INT(refused(&rig, "machine", "ServerName=a\nTrustAnchor=@/none.pem\n", PKI_NOW,
			  "/none.pem: No such file or directory"),
		  DIAG_CONFIG);
	CHECK_INT(refused(&rig, "machine", USUAL "CRL=@/none.crl\n", PKI_NOW,
			  "/none.crl: No such file or directory"),
		  DIAG_CONFIG);
	scratch_put(&rig.dir, "empty.pem", "", 0644);
	CHECK_INT(refused(&rig, "machine", "ServerName=a\nTrustAnchor=@/empty.pem\n", PKI_NOW,
			  "/empty.pem"),
		  DIAG_CONFIG);
	scratch_put(&rig.dir, "text.crl", "not a list\n", 0644);
	CHECK_INT(refused(&rig, "machine", USUAL "CRL=@/text.crl\n", PKI_NOW, "/text.crl"),
		  DIAG_CONFIG);
	snprintf(path, sizeof path, "%s/anchors", rig.dir.path);
	REQUIRE(mkdir(path, 0755) == 0);
	CHECK_INT(refused(&rig, "machine", "ServerName=a\nTrustAnchor=@/anchors\n", PKI_NOW,
			  "holds no certificates"),
		  DIAG_CONFIG);
}

TEST(an_anchor_that_anybody_can_change_is_refused)
{
	AUTO_VALUE(rig) rig = rig_make();
	char path[160];

	snprintf(path, sizeof path, "%s/ca.pem", rig.dir.path);
	REQUIRE(chmod(path, 0666) == 0);
	CHECK_INT(refused(&rig, "machine", USUAL, PKI_NOW, "/ca.pem: anybody can change it"),
		  DIAG_CONFIG);

	snprintf(path, sizeof path, "%s/anchors", rig.dir.path);
	REQUIRE(mkdir(path, 0755) == 0);
	put_cert(&rig, "anchors/ca.pem", rig.ca.cert);
	REQUIRE(chmod(path, 0777) == 0);
	CHECK_INT(refused(&rig, "machine", "ServerName=a\nTrustAnchor=@/anchors\n", PKI_NOW,
			  "/anchors: anybody can change it"),
		  DIAG_CONFIG);
}

TEST(a_credential_that_cannot_be_used_is_told_why)
{
	AUTO_VALUE(rig) rig = rig_make();
	char path[160];

	CHECK_INT(refused(&rig, "other", USUAL, PKI_NOW, NULL), DIAG_CREDENTIAL_MISSING);
	CHECK_INT(refused(&rig, "machine", USUAL, PKI_NOW + PKI_YEAR, NULL),
		  DIAG_CREDENTIAL_EXPIRED);
	CHECK_INT(refused(&rig, "machine", USUAL, PKI_NOW - PKI_YEAR, NULL),
		  DIAG_CREDENTIAL_NOT_YET_VALID);
	snprintf(path, sizeof path, "%s/keystore/machine/1/key.pem", rig.dir.path);
	REQUIRE(chmod(path, 0644) == 0);
	CHECK_INT(refused(&rig, "machine", USUAL, PKI_NOW, NULL), DIAG_KEY_UNREADABLE);
}

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

/* ---- who we say we are ---- */

TEST(the_outer_identity_tells_the_realm_and_no_more)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct pki_cert with_mail = pki_make(&(struct pki_spec){ .cn = "x",
								 .sans = "email:pc7@corp.example",
								 .eku = "clientAuth" },
					     &rig.ca);
	static const struct {
		const char *credential, *eap, *identity;
	} cases[] = {
		{ "machine", "", "anonymous" },
		{ "mail", "", "anonymous@corp.example" },
		{ "mail", "Identity=pc@home.example\n", "anonymous@home.example" },
		{ "mail", "Identity=host/pc\n", "anonymous@corp.example" },
		{ "machine", "AnonymousIdentity=host/pc.example\nIdentity=a@b\n",
		  "host/pc.example" },
		{ "machine", "Identity=pc@\n", "anonymous" },
	};

	put_credential(&rig, "mail", &with_mail);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct diagnosis why;
		char server[400];

		snprintf(server, sizeof server, USUAL "[EAP]\n%s", cases[i].eap);
		AUTO_STRUCT(armed) armed = arm(&rig, cases[i].credential, server, PKI_NOW, &why);

		REQUIRE(armed != NULL);
		CHECK_STR(armed->identity, cases[i].identity);
	}
	pki_cert_done(&with_mail);
}

/* ---- whether a reload changes anything ---- */

static bool same(struct rig *rig, const struct armed *before, const char *server)
{
	AUTO_STRUCT(armed) after = arm_well(rig, server);

	return after && armed_same(before, after);
}

TEST(a_reload_without_a_change_is_seen_as_one)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(armed) before = arm_well(&rig, USUAL);

	REQUIRE(before != NULL);
	put_cert(&rig, "ca.pem", rig.ca.cert);
	CHECK(same(&rig, before, USUAL));
	CHECK(same(&rig, before, USUAL "[EAP]\nMaxRounds=50\n"));
}

TEST(a_change_of_any_input_is_seen)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(armed) before = arm_well(&rig, USUAL);
	struct pki_cert other = pki_ca("Another CA");

	REQUIRE(before != NULL);
	CHECK(!same(&rig, before, USUAL "[EAP]\nMaxRounds=51\n"));
	CHECK(!same(&rig, before, USUAL "ServerName=b.example.org\n"));
	CHECK(!same(&rig, before, USUAL "InsecureNoServerCheck=no\nOCSP=require\n"));

	put_cert(&rig, "ca.pem", other.cert);
	CHECK(!same(&rig, before, USUAL));
	put_cert(&rig, "ca.pem", rig.ca.cert);
	CHECK(same(&rig, before, USUAL));

	put_credential(&rig, "machine", &rig.client);
	CHECK(!same(&rig, before, USUAL));
	pki_cert_done(&other);
}

TEST(a_new_revocation_list_is_seen)
{
	AUTO_VALUE(rig) rig = rig_make();
	X509 *const revoked[] = { rig.client.cert, NULL };
	struct bytes lists[] = { pki_crl(&rig.ca, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY),
				 pki_crl(&rig.ca, revoked, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY) };
	char path[160];

	snprintf(path, sizeof path, "%s/ca.crl", rig.dir.path);
	pki_write(path, bytes_slice(&lists[0]), 0644);

	AUTO_STRUCT(armed) before = arm_well(&rig, USUAL "CRL=@/ca.crl\n");

	REQUIRE(before != NULL);
	CHECK(same(&rig, before, USUAL "CRL=@/ca.crl\n"));
	pki_write(path, bytes_slice(&lists[1]), 0644);
	CHECK(!same(&rig, before, USUAL "CRL=@/ca.crl\n"));
	bytes_done(&lists[0]);
	bytes_done(&lists[1]);
}

TEST(a_directory_of_anchors_is_read_whole_and_in_order)
{
	AUTO_VALUE(rig) rig = rig_make();
	struct pki_cert other = pki_ca("Another CA");
	const char *const server = "TrustAnchor=@/anchors\nServerName=a.example\n";
	char path[160];

	snprintf(path, sizeof path, "%s/anchors", rig.dir.path);
	REQUIRE(mkdir(path, 0755) == 0);
	put_cert(&rig, "anchors/b.pem", rig.ca.cert);
	scratch_put(&rig.dir, "anchors/README", "not a certificate", 0644);

	AUTO_STRUCT(armed) before = arm_well(&rig, server);

	REQUIRE(before != NULL);
	put_cert(&rig, "anchors/a.crt", other.cert);
	CHECK(!same(&rig, before, server));
	scratch_put(&rig.dir, "anchors/a.crt", "not a certificate", 0644);
	CHECK_INT(refused(&rig, "machine", server, PKI_NOW, "/anchors/a.crt"), DIAG_CONFIG);
	pki_cert_done(&other);
}

TEST(the_authorities_of_the_system_are_used_where_they_are_named)
{
	AUTO_VALUE(rig) rig = rig_make();

	if (access(X509_get_default_cert_file(), R_OK) < 0 &&
	    access("/etc/ssl/certs/ca-certificates.crt", R_OK) < 0) {
		test_skip("this system has no authorities (Debian: ca-certificates)");
		return;
	}

	AUTO_STRUCT(armed)
	armed = arm_well(&rig, "TrustAnchor=system\nServerName=a.example\n");

	CHECK(armed != NULL);
}

TEST(a_profile_without_server_check_can_be_armed)
{
	AUTO_VALUE(rig) rig = rig_make();
	AUTO_STRUCT(armed) armed = arm_well(&rig, "InsecureNoServerCheck=yes\n");

	CHECK(armed != NULL);
}

/* ---- tunnels ---- */

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
	CHECK(slice_eq(secret_slice(&armed->password), slice_str("secret")));
	CHECK_STR(armed->inner_identity, "user@example.org");
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
			CHECK(slice_eq(secret_slice(&armed->password), slice_str("secret")));
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
	CHECK_STR(pap->inner_identity, "user");
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
