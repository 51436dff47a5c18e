/* What is decoded when a profile is armed, what cannot be used, and what a reload changes. */
#include <errno.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/unit/arm_rig.h"

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
