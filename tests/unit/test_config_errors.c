/* What is wrong with a profile, and how that is told. */
#include "tests/unit/profile_text.h"

TEST(each_error_says_where_what_was_expected_and_what_was_probably_meant)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ MINIMAL "[Sever]\nServerName=x\n",
		  "test.profile:6: [Sever]: there is no such section. Did you mean [Server]?" },
		{ MINIMAL "[Zebra]\nA=b\nC=d\n",
		  "test.profile:6: [Zebra]: there is no such section." },
		{ MINIMAL "ServerNmae=x\n",
		  "test.profile:6: [Server] ServerNmae=: there is no such "
		  "key in [Server]. Did you mean ServerName= in [Server]?" },
		{ MINIMAL "identity=x\n",
		  "test.profile:6: [Server] identity=: there is no such key "
		  "in [Server]. Did you mean Identity= in [EAP]?" },
		{ MINIMAL "MinTLS=1.2\n",
		  "test.profile:6: [Server] MinTLS=: there is no such key in "
		  "[Server]. Did you mean MinTLS= in [TLS]?" },
		{ MINIMAL "Zebra=1\n",
		  "test.profile:6: [Server] Zebra=: there is no such key in [Server]." },
		{ "Priority=1\n" MINIMAL, "test.profile:1: Priority=: there is no such key before "
					  "the first section. Did you mean Priority= in [Match]?" },
		{ MINIMAL "OCSP=requires\n",
		  "test.profile:6: [Server] OCSP=: expected off, accept or require, not "
		  "\"requires\". Did you mean require?" },
		{ MINIMAL "[TLS]\nMinTLS=1.4\n",
		  "test.profile:7: [TLS] MinTLS=: expected 1.0, 1.1, 1.2 or 1.3, not \"1.4\". Did "
		  "you mean 1.3?" },
		{ MINIMAL "[TLS]\nFragmentSize=20\n",
		  "test.profile:7: [TLS] FragmentSize=: expected a whole number from 64 to 65000, "
		  "or auto, not \"20\"." },
		{ MINIMAL "[TLS]\nFragmentSize=99999999999999999999\n",
		  "test.profile:7: [TLS] FragmentSize=: expected a whole number from 64 to 65000, "
		  "or auto, not \"99999999999999999999\"." },
		{ MINIMAL "[TLS]\nFragmentSize=atuo\n",
		  "test.profile:7: [TLS] FragmentSize=: expected a whole number from 64 to 65000, "
		  "or auto, not \"atuo\". Did you mean auto?" },
		{ MINIMAL "[TLS]\nResume=maybe\n",
		  "test.profile:7: [TLS] Resume=: expected yes or no, not \"maybe\"." },
		{ MINIMAL "[EAP]\nClientTimeout=2days\n",
		  "test.profile:7: [EAP] ClientTimeout=: expected a span of time from 1s to 1h, "
		  "such as 30s or 5min, not \"2days\"." },
		{ MINIMAL "[EAPOL]\nReauthPeriod=1s\n",
		  "test.profile:7: [EAPOL] ReauthPeriod=: expected a span of time from 10s to 30d, "
		  "such as 30s or 5min, or never, not \"1s\"." },
		{ MINIMAL "[EAPOL]\nDestination=01:80:c2\n",
		  "test.profile:7: [EAPOL] Destination=: expected a MAC address such as "
		  "01:80:c2:00:00:03, not \"01:80:c2\"." },
		{ MINIMAL "[Match]\nMACAddress=02:00:00:00:00:0g\n",
		  "test.profile:7: [Match] MACAddress=: expected MAC addresses such as "
		  "02:00:5e:10:00:01, not \"02:00:00:00:00:0g\"." },
		{ MINIMAL "ServerName=*.example.org\n",
		  "test.profile:6: [Server] ServerName=: expected host names such as "
		  "radius.example.org, or .example.org for any host below it, not "
		  "\"*.example.org\"." },
		{ MINIMAL "ServerPin=abcd\n",
		  "test.profile:6: [Server] ServerPin=: expected the SHA-256 of a public key as 64 "
		  "hexadecimal digits, not \"abcd\"." },
		{ MINIMAL "TrustAnchor=ca.pem\n",
		  "test.profile:6: [Server] TrustAnchor=: expected absolute paths or the word "
		  "system, not \"ca.pem\"." },
		{ MINIMAL "CRL=/a b\n",
		  "test.profile:6: [Server] CRL=: expected absolute paths, not \"b\"." },
		{ MINIMAL "[TLS]\nCredential=../etc\n", "test.profile:7: [TLS] Credential=: is set "
							"already in line 2; only one of the two "
							"can be meant." },
		{ "[TLS]\nCredential=../etc\n[Server]\nTrustAnchor=/a\nServerName=a\n",
		  "test.profile:2: [TLS] Credential=: expected the name of a credential: letters, "
		  "digits, '.', '_' and '-', 64 at most, not \"../etc\"." },
		{ MINIMAL "just words\n", "test.profile:6: expected Key=value, a [Section] or a "
					  "comment that begins with #." },
		{ MINIMAL "OCSP: require\n", "test.profile:6: expected Key=value, a [Section] or a "
					     "comment that begins with #." },
		{ MINIMAL "=x\n",
		  "test.profile:6: expected Key=value, a [Section] or a comment that "
		  "begins with #." },
		{ MINIMAL "[TLS] x\n",
		  "test.profile:6: expected a section on a line of its own, such "
		  "as [Match]." },
		{ MINIMAL "[]\n",
		  "test.profile:6: expected a section on a line of its own, such as "
		  "[Match]." },
		{ MINIMAL "OCSP=off # for now\n",
		  "test.profile:6: expected no comment behind a value: comments stand on lines of "
		  "their own." },
		{ MINIMAL "OCSP=off ; for now\n",
		  "test.profile:6: expected no comment behind a value: comments stand on lines of "
		  "their own." },
		{ MINIMAL "[EAP]\nIdentity=a\xff\n",
		  "test.profile:7: expected text in UTF-8 without control characters." },
		{ MINIMAL "[EAP]\nIdentity=a\x1b[2J\n",
		  "test.profile:7: expected text in UTF-8 without control characters." },
		{ "[Server]\nTrustAnchor=/a\nServerName=a\n",
		  "test.profile: [TLS] Credential=: is missing: name the credential in the "
		  "keystore "
		  "with which this machine proves who it is." },
		{ "[TLS]\nCredential=a\n[Server]\nServerName=a\n",
		  "test.profile: [Server] TrustAnchor=: is missing, and so is ServerPin=: without "
		  "one of them anybody could pose as the server. Name the file with the "
		  "certificate "
		  "of the authority that issued the server's certificate." },
		{ "[TLS]\nCredential=a\n[Server]\nServerPin=" PIN "\n",
		  "test.profile: [Server] ServerName=: is missing: without it everybody with a "
		  "certificate of the same authority could pose as the server. Name the server, "
		  "such "
		  "as radius.example.org, or its domain, such as .example.org." },
		{ MINIMAL "InsecureNoServerCheck=yes\n",
		  "test.profile:6: [Server] InsecureNoServerCheck=: yes contradicts TrustAnchor=, "
		  "ServerName=, ServerPin= and CRL=, which would not be looked at. Take it out, or "
		  "take those out." },
		{ MINIMAL "[TLS]\nMinTLS=1.3\nMaxTLS=1.2\n",
		  "test.profile:7: [TLS] MinTLS=: is newer than MaxTLS=, so that no version is "
		  "left; "
		  "expected MinTLS= to be the older one." },
		{ MINIMAL "[EAPOL]\nStartFirst=1min\n",
		  "test.profile:7: [EAPOL] StartFirst=: is longer than StartCeiling=; expected the "
		  "first wait to be the shorter one." },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_STR(error_of(cases[i].text), cases[i].error);
}

TEST(a_tunnel_needs_what_runs_inside_and_nothing_else)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ TTLS "Password=x\n", "[Inner] Method=: is missing" },
		{ TTLS "Method=pap\n", "[Inner] Password=: is missing" },
		{ TTLS "Method=pap\nPassword=x\nPasswordFile=/y\n",
		  "[Inner] PasswordFile=: is there, and Password= as well" },
		{ TTLS "Method=eap-tls\n", "[Inner] Credential=: is missing" },
		{ TTLS "Method=eap-tls\nCredential=c\nPassword=x\n",
		  "[Inner] Password=: is of no use" },
		{ TTLS "Method=pap\nPassword=x\nCredential=c\n",
		  "[Inner] Credential=: is there, and Password= or PasswordFile= as well" },
		{ TTLS "Method=pap\nCredential=c\nIdentity=bob\n",
		  "[Inner] Identity=: comes with the password" },
		{ TTLS "Method=pap\nCredential=c\n[TLS]\nCredential=c\n",
		  "[Inner] Credential=: is what [TLS] Credential= names too" },
		{ TTLS "Method=pap\nPassword=x\nCryptoBinding=require\n",
		  "[Inner] CryptoBinding=: is for [EAP] Method=peap alone" },
		{ TTLS "Method=papp\nPassword=x\n", "Did you mean pap?" },
		{ PEAP "Method=pap\nPassword=x\n", "[Inner] Method=: does not go into PEAP" },
		{ PEAP "Method=chap\nPassword=x\n", "[Inner] Method=: does not go into PEAP" },
		{ SERVER "[EAP]\nMethod=peap\n[Inner]\nMethod=mschapv2\nPassword=x\n",
		  "[Inner] Identity=: is missing" },
		{ "[Server]\nInsecureNoServerCheck=yes\n[EAP]\nMethod=ttls\nIdentity=u\n[Inner]\n"
		  "Method=mschapv2\nPassword=x\n",
		  "InsecureNoServerCheck=: yes contradicts a password in [Inner]" },
		{ MINIMAL "[Inner]\nMethod=pap\nPassword=x\n",
		  "[Inner] Method=: belongs to [EAP] Method=ttls, peap or teap" },
		{ TTLS "Method=password\nPassword=x\n", "[Inner] Method=: goes into TEAP alone" },
		{ TEAP "Method=pap\nPassword=x\n", "[Inner] Method=: does not go into TEAP" },
		{ TEAP "Method=gtc\nPassword=x\n", "[Inner] Method=: does not go into TEAP" },
		{ SERVER "[EAP]\nMethod=teap\nIdentity=u\n", "[Inner] Method=: is missing" },
		{ TEAP USER DESK "Method=pap\nPassword=x\nIdentity=m\n", "expected mschapv2" },
		{ TEAP USER DESK "Password=x\nIdentity=m\n", "[Inner2] Method=: is missing" },
		{ TEAP USER DESK "Method=tls\nIdentity=m\n", "[Inner2] Credential=: is missing" },
		{ TEAP USER DESK "Method=tls\nIdentity=m\nCredential=c\nPassword=x\n",
		  "[Inner2] Password=: is of no use" },
		{ TEAP USER DESK "Method=password\nIdentity=m\n",
		  "[Inner2] Password=: is missing" },
		{ TEAP USER DESK "Method=password\nPassword=x\n",
		  "[Inner2] Identity=: is missing" },
		{ TEAP USER DESK "Method=mschapv2\nIdentity=m\nPassword=x\nPasswordFile=/p\n",
		  "[Inner2] PasswordFile=: is there" },
		{ TEAP USER DESK "Method=mschapv2\nIdentity=m\nPassword=x\nCredential=c\n",
		  "[Inner2] Credential=: is for" },
		{ TEAP USER "[Inner2]\nMethod=mschapv2\nIdentity=m\nPassword=x\n",
		  "[Inner2] IdentityType=: does not go with" },
		{ TEAP USER
		  "[Inner2]\nIdentityType=user\nMethod=mschapv2\nIdentity=m\nPassword=x\n",
		  "[Inner2] IdentityType=: does not go with" },
		{ TEAP "Method=mschapv2\nPassword=x\n" DESK
		       "Method=mschapv2\nIdentity=m\nPassword=x\n",
		  "[Inner2] IdentityType=: does not go with" },
		{ TTLS "Method=pap\nPassword=x\n" DESK "Method=password\nIdentity=m\nPassword=x\n",
		  "[Inner2] Method=: is of a second identity" },
		{ SERVER "[TLS]\nCredential=c\n" DESK,
		  "[Inner2] Method=: is of a second identity" },
		{ SERVER "[EAP]\nMethod=teap\nIdentity=u\n[TLS]\nCredential=c\n" DESK,
		  "[Inner2] Method=: is of a second identity" },
		{ TEAP "Method=mschapv2\nPassword=x\n[TLS]\nMinTLS=1.1\n",
		  "MinTLS=: has to be 1.2 or 1.3" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *error = error_of(cases[i].text);

		if (!strstr(error, cases[i].part))
			test_note("%s: %s", cases[i].text, error);
		CHECK(strstr(error, cases[i].part) != NULL);
	}
}

TEST(profiles_with_tunnels)
{
	static const char *const good[] = {
		TTLS "Method=pap\nPassword=x\n",
		TEAP USER DESK "Method=mschapv2\nIdentity=m\nPassword=x\n",
		TEAP USER DESK "Method=tls\nIdentity=m\nCredential=c\n",
		TTLS "Method=eap-gtc\nPasswordFile=/x\n",
		TTLS "Method=eap-tls\nCredential=c\n",
		TTLS "Method=mschapv2\nPassword=x\n[TLS]\nCredential=c\n",
		PEAP "Method=mschapv2\nCredential=c\n",
		TTLS "Method=pap\nCredential=c\n[TLS]\nCredential=d\n",
		PEAP "Method=mschapv2\nPassword=x\nCryptoBinding=require\n",
		PEAP "Method=tls\nCredential=c\n",
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		AUTO_STRUCT(profile) p = parse(good[i]);

		CHECK(p != NULL);
	}
}

TEST(a_nul_in_a_line_is_an_error)
{
	static const char text[] = MINIMAL "[EAP]\nIdentity=a\0b\n";

	CHECK_STR(error_of_slice(slice_of(text, sizeof text - 1)),
		  "test.profile:7: expected text in UTF-8 without control characters.");
}

TEST(a_line_that_would_be_cut_is_an_error)
{
	char text[8000];

	snprintf(text, sizeof text, MINIMAL "[EAP]\nIdentity=%01500d\n", 0);
	CHECK(strstr(error_of(text), "test.profile:7: expected no more than ") != NULL);
	CHECK(strstr(error_of(text), " octets in a line") != NULL);
}

TEST(an_identity_has_a_longest_length)
{
	AUTO_STRUCT(profile) p = NULL;
	char text[600];

	snprintf(text, sizeof text, MINIMAL "[EAP]\nIdentity=%0253d\n", 0);
	p = parse(text);
	REQUIRE(p != NULL);
	CHECK_INT(strlen(p->identity), 253);
	snprintf(text, sizeof text, MINIMAL "[EAP]\nIdentity=%0254d\n", 0);
	CHECK(strstr(error_of(text), "expected no more than 253 octets") != NULL);
}

TEST(a_list_has_a_most_of_items)
{
	char text[400] = MINIMAL "TrustAnchor=";

	for (int i = 0; i < INI_LIST_MAX; i++)
		strcat(text, "/x ");
	CHECK_STR(error_of(text), "test.profile:6: [Server] TrustAnchor=: expected no more than 16 "
				  "items in all.");
}

TEST(all_errors_are_collected_and_too_many_are_counted)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(profile) p = NULL;
	static char text[4000] = "[Match]\n";

	for (int i = 0; i < 100; i++)
		strcat(text, "Nmae=x\n");
	strcat(text, MINIMAL);
	CHECK_INT(profile_parse(slice_str(text), "t.profile", &p, &errors), -EINVAL);
	CHECK_INT(errors.count, INI_ERRORS_MAX);
	CHECK_INT(errors.dropped, 100 - INI_ERRORS_MAX);
	CHECK_INT(errors.error[5].line, 7);
	CHECK_STR(errors.error[5].key, "[Match] Nmae=");
}

TEST(a_text_has_a_ceiling)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(profile) p = NULL;
	static char text[INI_FILE_MAX + 1];

	memset(text, '\n', sizeof text);
	CHECK_INT(profile_parse(slice_of(text, sizeof text), "t.profile", &p, &errors), -EINVAL);
	CHECK_STR(errors.error[0].message, "expected no more than 262144 octets.");
}

TEST(a_profile_without_server_check_must_say_so)
{
	AUTO_STRUCT(profile)
	p = parse("[TLS]\nCredential=a\n[Server]\nInsecureNoServerCheck=yes\n");

	REQUIRE(p != NULL);
	CHECK(p->insecure_no_server_check);
}
