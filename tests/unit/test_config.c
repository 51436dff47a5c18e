/* Every key of profiles and of the service, and the language that they are written in. */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/diagnosis.h"
#include "config/file.h"
#include "config/profile.h"
#include "config/service.h"
#include "tests/unit/profile_text.h"

/* The line of one key in what ini_print says; buffer holds it. */
static const char *printed(const struct ini_table *table, const void *values, const char *key,
			   char *buffer, size_t size)
{
	AUTO(char) all = NULL;
	size_t len, n = strlen(key);
	FILE *out = open_memstream(&all, &len);

	ini_print(table, values, out);
	fclose(out);
	buffer[0] = '\0';
	for (char *at = all, *line; (line = strsep(&at, "\n"));) {
		if (strncmp(line, key, n) == 0 && line[n] == '=')
			snprintf(buffer, size, "%s", line + n + 1);
	}
	return buffer;
}

/* ---- every key ---- */

static const struct example {
	const char *section, *key, *text, *printed, *fallback;
} profile_examples[] = {
	{ "Match", "Name", "eth0 en*", "eth0 en*", "" },
	{ "Match", "MACAddress", "02-00-5E-10-00-0A", "02:00:5e:10:00:0a", "" },
	{ "Match", "Type", "wlan", "wlan", "ethernet" },
	{ "Match", "Priority", "-5", "-5", "0" },
	{ "Match", "AutoConnect", "no", "no", "yes" },
	{ "EAP", "Method", "ttls", "ttls", "tls" },
	{ "EAP", "Identity", "host/pc=1@example.org", "host/pc=1@example.org", "" },
	{ "EAP", "AnonymousIdentity", "nobody@example.org", "nobody@example.org", "" },
	{ "EAP", "ClientTimeout", "1min 15s", "75s", "30s" },
	{ "EAP", "MaxRounds", "400", "400", "50" },
	{ "TLS", "Credential", "lab.1", "lab.1", "" },
	{ "TLS", "MinTLS", "1.0", "1.0", "1.2" },
	{ "TLS", "MaxTLS", "1.2", "1.2", "1.3" },
	{ "TLS", "FragmentSize", "600", "600", "auto" },
	{ "TLS", "Resume", "off", "no", "yes" },
	{ "Inner", "Method", "mschapv2", "mschapv2", "0" },
	{ "Inner", "Identity", "user@example.org", "user@example.org", "" },
	{ "Inner", "Password", "gr\xc3\xbcn#1", "***", "" },
	{ "Inner", "PasswordFile", "/etc/secret", "/etc/secret", "" },
	{ "Inner", "Credential", "user", "user", "" },
	{ "Inner", "CryptoBinding", "require", "require", "accept" },
	{ "Inner", "IdentityType", "machine", "machine", "any" },
	{ "Inner", "EmskBinding", "allow", "allow", "ignore" },
	{ "Inner2", "Method", "password", "password", "0" },
	{ "Inner2", "Identity", "host/desk", "host/desk", "" },
	{ "Inner2", "Password", "x", "***", "" },
	{ "Inner2", "PasswordFile", "/etc/secret", "/etc/secret", "" },
	{ "Inner2", "Credential", "desk", "desk", "" },
	{ "Inner2", "IdentityType", "machine", "machine", "any" },
	{ "Server", "TrustAnchor", "/a.pem system /b", "/a.pem system /b", "" },
	{ "Server", "ServerName", "a.example .b.example", "a.example .b.example", "" },
	{ "Server", "ServerPin", PIN, PIN, "" },
	{ "Server", "CRL", "/a.crl", "/a.crl", "" },
	{ "Server", "OCSP", "require", "require", "accept" },
	{ "Server", "ClockPolicy", "build-date", "build-date", "strict" },
	{ "Server", "InsecureNoServerCheck", "yes", "yes", "no" },
	{ "Enroll", "Tunnel", "ttls", "ttls", "teap" },
	{ "Enroll", "EapType", "65535:7", "65535:7", "255" },
	{ "Enroll", "Token", "LK1-ABCDE", "LK1-ABCDE", "" },
	{ "Enroll", "TokenFile", "/run/token", "/run/token", "" },
	{ "Enroll", "TokenType", "oauth", "oauth", "latchkey" },
	{ "Enroll", "FactoryCredential", "idevid", "idevid", "" },
	{ "Enroll", "FactoryProof", "token", "token", "handshake" },
	{ "Enroll", "Protocols", "est cmp", "est cmp", "spp cmp est" },
	{ "Enroll", "Key", "RSA-3072", "RSA-3072", "P-256" },
	{ "Enroll", "CommonName", "pc 7", "pc 7", "" },
	{ "Enroll", "DnsNames", "a.example b.example", "a.example b.example", "" },
	{ "Enroll", "SymmetricKey", "sensor", "sensor", "" },
	{ "Enroll", "MudUrl", "https://example.com/mud", "https://example.com/mud", "" },
	{ "Enroll", "Profile", "machine", "machine", "" },
	{ "Enroll", "RenewAt", "50%", "50%", "66%" },
	{ "Enroll", "RenewJitter", "0%", "0%", "5%" },
	{ "EAPOL", "Version", "1", "1", "2" },
	{ "EAPOL", "Start", "passive", "passive", "active" },
	{ "EAPOL", "StartFirst", "500ms", "500ms", "1s" },
	{ "EAPOL", "StartCeiling", "120", "2min", "30s" },
	{ "EAPOL", "StartMax", "3", "3", "10" },
	{ "EAPOL", "HeldPeriod", "5s", "5s", "1min" },
	{ "EAPOL", "AuthPeriod", "2min", "2min", "30s" },
	{ "EAPOL", "ReauthPeriod", "1d", "1d", "never" },
	{ "EAPOL", "Destination", "01:80:c2:00:00:0e", "01:80:c2:00:00:0e", "01:80:c2:00:00:03" },
	{ "EAPOL", "LogoffOnExit", "true", "yes", "no" },
};

static const struct example service_examples[] = {
	{ "Service", "Keystore", "/srv/keys", "/srv/keys", KEYSTORE_DIR },
	{ "Service", "ProfileDirectory", "/srv/p", "/srv/p", CONF_DIR "/profiles.d" },
	{ "Service", "LogLevel", "Debug", "debug", "notice" },
	{ "Service", "DBus", "0", "no", "yes" },
	{ "Service", "LogoffOnExit", "1", "yes", "no" },
	{ "Service", "ExpiryWarnings", "2w 36h", "14d 36h", "30d 7d 1d" },
};

/* Each key in turn is set alone; it and no other is then different from the defaults. */
static void check_examples(const struct ini_table *table, const struct example *examples,
			   size_t count, size_t size)
{
	CHECK_INT(count, table->count);
	for (size_t i = 0; i < count && i < table->count; i++) {
		const struct example *e = &examples[i];
		AUTO(char) text = NULL;
		void *values = calloc(1, size);
		struct ini_lines lines;
		AUTO_VALUE(ini_errors) errors = { 0 };
		char name[64], shown[300];

		CHECK_STR(e->section, table->keys[i].section);
		CHECK_STR(e->key, table->keys[i].name);
		REQUIRE(asprintf(&text, "[%s]\n\n%s=%s\n", e->section, e->key, e->text) > 0);
		CHECK_INT(ini_parse_text(table, slice_str(text), "f", values, &lines, &errors), 0);
		note_errors(&errors);
		for (size_t k = 0; k < count; k++) {
			const struct example *other = &examples[k];

			snprintf(name, sizeof name, "%s.%s", other->section, other->key);
			CHECK_STR(printed(table, values, name, shown, sizeof shown),
				  k == i ? e->printed : other->fallback);
			CHECK_INT(lines.line[k], k == i ? 3 : 0);
		}
		CHECK(strcmp(e->printed, e->fallback) != 0);
		ini_done(table, values);
		free(values);
	}
}

TEST(every_key_of_a_profile_is_parsed_and_has_its_default)
{
	check_examples(&profile_table, profile_examples,
		       sizeof profile_examples / sizeof profile_examples[0],
		       sizeof(struct profile));
}

TEST(every_key_of_the_service_is_parsed_and_has_its_default)
{
	check_examples(&service_table, service_examples,
		       sizeof service_examples / sizeof service_examples[0],
		       sizeof(struct service_config));
}

TEST(a_profile_that_enrolls_need_not_know_the_server)
{
	AUTO_STRUCT(profile) bare = parse(ENROL "Tunnel=teap\n");
	AUTO_STRUCT(profile) usual = parse(MINIMAL);
	AUTO_STRUCT(profile) both = parse(MINIMAL "[Enroll]\nTokenFile=/run/token\n");

	REQUIRE(bare && usual && both);
	CHECK(bare->enrol.wanted);
	CHECK(both->enrol.wanted);
	CHECK(!usual->enrol.wanted);
	CHECK_INT(bare->enrol.protocols.count, 3);
	CHECK_INT(bare->enrol.renew_at, 66);
}

#define BY_TEAP "[Server]\nTrustAnchor=/a.pem\nServerName=a.example\n[Enroll]\n"
#define ACCOUNT "[Inner]\nMethod=password\nIdentity=bob\nPasswordFile=/p\n"

TEST(a_profile_may_enroll_by_teap_alone)
{
	AUTO_STRUCT(profile) account = parse(ENROL BY_TEAP "Protocols=teap\n" ACCOUNT);
	AUTO_STRUCT(profile) factory = parse(ENROL "Protocols=teap\nFactoryCredential=idevid\n");
	AUTO_STRUCT(profile) usual = parse(ENROL "Tunnel=teap\n");

	REQUIRE(account && factory && usual);
	CHECK(profile_enrols_by_teap(account));
	CHECK(profile_enrols_by_teap(factory));
	CHECK(!profile_enrols_by_teap(usual));
}

#define PASSWORD                                                                                   \
	"[EAP]\nMethod=ttls\n[Inner]\nMethod=pap\nCredential=account\n"                            \
	"[Server]\nServerName=a.example\n"

TEST(an_enrolment_brings_what_the_profile_names)
{
	static const struct {
		const char *text, *brings;
	} rows[] = {
		{ ENROL "Tunnel=ttls\n", "certificate office," },
		{ ENROL "SymmetricKey=sensor\n", "certificate office,symmetric sensor," },
		{ PASSWORD "ServerPin=" PIN "\n[Enroll]\nTunnel=ttls\n", "password account," },
		{ PASSWORD "[TLS]\nCredential=office\n[Enroll]\nSymmetricKey=sensor\n",
		  "certificate office,password account,symmetric sensor," },
		{ "[EAP]\nMethod=ttls\nIdentity=u\n[Inner]\nMethod=eap-tls\nCredential=inside\n"
		  "[Enroll]\nTunnel=ttls\n",
		  "certificate inside," },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_STRUCT(profile) p = parse(rows[i].text);
		struct profile_credentials all;
		char brings[200] = "";
		size_t n = 0;

		REQUIRE(p != NULL);
		all = profile_enrolled(p);
		for (size_t c = 0; c < all.count; c++)
			n += (size_t)snprintf(brings + n, sizeof brings - n, "%s %s,",
					      credential_kind_name(all.is[c].kind), all.is[c].name);
		CHECK_STR(brings, rows[i].brings);
	}
}

TEST(what_does_not_fit_an_enrolment_is_told)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
		{ ENROL "Token=a\nTokenFile=/b\n", "[Enroll] TokenFile" },
		{ ENROL "FactoryCredential=office\n", "[Enroll] FactoryCredential" },
		{ ENROL "FactoryCredential=a\nFactoryProof=token\nTokenFile=/b\n",
		  "[Enroll] FactoryProof" },
		/* who is sent such a token has it */
		{ ENROL "TokenFile=/b\nTokenType=jwt\n[Server]\nServerName=a.example\n",
		  "TrustAnchor" },
		{ ENROL "TokenFile=/b\nTokenType=oauth\n[Server]\nTrustAnchor=/a.pem\n",
		  "ServerName" },
		{ ENROL "TokenType=saml\n", "oauth" },
		{ ENROL "EapType=3\n", "from 4 to 255" },
		{ ENROL "EapType=254\n", "EapType" },
		{ ENROL "EapType=256\n", "EapType" },
		{ ENROL "EapType=0:9\n", "EapType" },
		{ ENROL "EapType=16777216:9\n", "EapType" },
		{ ENROL "EapType=9:\n", "EapType" },
		{ ENROL "Tunnel=teap\n[Server]\nInsecureNoServerCheck=yes\n", "[Enroll]" },
		/* who knows the authority must say the name as well */
		{ ENROL "Tunnel=teap\n[Server]\nTrustAnchor=/a.pem\n", "ServerName" },
		{ ENROL "RenewAt=66\n", "66%" },
		{ ENROL "RenewAt=99%\n", "RenewAt" },
		{ ENROL "RenewAt=-5%\n", "RenewAt" },
		{ ENROL "RenewAt=%\n", "RenewAt" },
		{ ENROL "Protocols=spp acme\n", "Protocols" },
		{ ENROL BY_TEAP "Protocols=teap spp\n" ACCOUNT, "Protocols" },
		{ ENROL BY_TEAP "Protocols=teap\nTunnel=ttls\n" ACCOUNT, "Protocols" },
		{ ENROL BY_TEAP "Protocols=teap\nToken=a\n" ACCOUNT, "Protocols" },
		{ ENROL "Protocols=teap\n" ACCOUNT, "TrustAnchor" },
		{ ENROL BY_TEAP "Protocols=teap\n", "Inner] Method" },
		{ ENROL BY_TEAP
		  "Protocols=teap\n[Inner]\nMethod=pap\nIdentity=b\nPasswordFile=/p\n",
		  "Inner] Method" },
		{ ENROL BY_TEAP "Protocols=teap\n[Inner]\nMethod=password\nPasswordFile=/p\n",
		  "Inner] Identity" },
		{ ENROL BY_TEAP "Protocols=teap\n[Inner]\nMethod=password\nIdentity=b\n",
		  "Inner] Password" },
		{ ENROL BY_TEAP "Protocols=spp\n" ACCOUNT, "Inner] Method" },
		{ ENROL BY_TEAP "Protocols=teap\n[Inner]\nMethod=password\nCredential=b\n",
		  "Inner] Credential" },
		{ ENROL BY_TEAP "Protocols=teap\nSymmetricKey=k\n" ACCOUNT, "lacks spp" },
		{ ENROL "Protocols=est cmp\nSymmetricKey=k\n", "lacks spp" },
		{ PASSWORD "TrustAnchor=/a.pem\n[Enroll]\nProtocols=est\n", "lacks spp" },
		{ PASSWORD "TrustAnchor=/a.pem\n[Enroll]\nSymmetricKey=account\n",
		  "Enroll] SymmetricKey" },
		{ PASSWORD "TrustAnchor=/a.pem\n[Enroll]\nFactoryCredential=account\n",
		  "Enroll] FactoryCredential" },
		/* no anchors come with it */
		{ PASSWORD "[Enroll]\nTunnel=ttls\n", "TrustAnchor" },
		{ ENROL "SymmetricKey=office\n", "Enroll] SymmetricKey" },
		{ ENROL "SymmetricKey=../x\n", "Enroll] SymmetricKey" },
		{ ENROL "Key=RSA-1024\n", "RSA-2048" },
		{ ENROL "MudUrl=http://example.com/\n", "https://" },
		{ ENROL "DnsNames=.example.org\n", "DnsNames" },
		{ ENROL "TokenFile=token\n", "absolute" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *error = error_of(rows[i].text);

		if (!strstr(error, rows[i].part))
			test_note("%s: %s", rows[i].text, error);
		CHECK(strstr(error, rows[i].part) != NULL);
	}
}

TEST(every_key_is_documented)
{
	const struct ini_table *tables[] = { &profile_table, &service_table };

	for (size_t t = 0; t < 2; t++) {
		CHECK(tables[t]->count <= INI_KEYS_MAX);
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct ini_key *key = &tables[t]->keys[i];
			size_t marks = 0;
			char name[64];

			CHECK(strlen(key->doc) > 20);
			CHECK(key->doc[strlen(key->doc) - 1] == '.');
			for (const char *c = key->doc; *c; c++)
				marks += *c == '`';
			CHECK(marks % 2 == 0);
			snprintf(name, sizeof name, "%s.%s", key->section, key->name);
			CHECK(ini_find(tables[t], name) == key);
			CHECK_STR(ini_find(tables[t], key->name)->name, key->name);
		}
	}
}

TEST(the_fields_of_a_profile_are_those_its_users_read)
{
	AUTO_STRUCT(profile)
	p = parse("[Match]\nName=eth0 en*\nName=wl?\nType=any\nPriority=7\nAutoConnect=no\n"
		  "[EAP]\nClientTimeout=90s\nMaxRounds=60\n"
		  "[TLS]\nCredential=office\nMinTLS=1.1\nMaxTLS=1.2\nFragmentSize=1000\nResume=no\n"
		  "[Server]\nTrustAnchor=/a\nServerName=.b.c\nOCSP=require\n"
		  "ClockPolicy=ignore-dates\n"
		  "[EAPOL]\nVersion=3\nStart=passive\nStartFirst=2s\nStartCeiling=20s\nStartMax=4\n"
		  "HeldPeriod=3s\nAuthPeriod=4s\nReauthPeriod=1h\nDestination=01:80:c2:00:00:00\n"
		  "LogoffOnExit=yes\n");

	REQUIRE(p != NULL);
	CHECK_STR(p->name, "test");
	CHECK_STR(p->path, "/p/test.profile");
	CHECK_INT(p->match_names.count, 3);
	CHECK_STR(p->match_names.word[2], "wl?");
	CHECK_INT(p->match_type, INTERFACE_ANY);
	CHECK_INT(p->priority, 7);
	CHECK(!p->autoconnect);
	CHECK_INT(p->client_timeout, 90000);
	CHECK_INT(p->max_rounds, 60);
	CHECK_STR(p->credential, "office");
	CHECK_INT(p->min_tls, TLS_1_1);
	CHECK_INT(p->max_tls, TLS_1_2);
	CHECK_INT(p->fragment_size, 1000);
	CHECK(!p->resume);
	CHECK_STR(p->trust_anchors.word[0], "/a");
	CHECK_STR(p->server_names.word[0], ".b.c");
	CHECK_INT(p->ocsp, OCSP_REQUIRE);
	CHECK_INT(p->clock, CLOCK_IGNORE_DATES);
	CHECK_INT(p->pae.version, 3);
	CHECK(p->pae.passive);
	CHECK_INT(p->pae.start_first, 2000);
	CHECK_INT(p->pae.start_ceiling, 20000);
	CHECK_INT(p->pae.start_max, 4);
	CHECK_INT(p->pae.held_period, 3000);
	CHECK_INT(p->pae.auth_period, 4000);
	CHECK_INT(p->pae.reauth_period, 3600000);
	CHECK(memcmp(p->destination, "\x01\x80\xc2\0\0\0", 6) == 0);
	CHECK(p->logoff_on_exit);
}

TEST(a_service_file_that_is_missing_gives_the_defaults)
{
	AUTO_STRUCT(service_config) config = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	REQUIRE(service_config_load("/nonexistent/latchkeyd.conf", true, &config, &errors) == 0);
	CHECK_STR(config->keystore, KEYSTORE_DIR);
	CHECK_INT(config->log_level, LOG_NOTICE);
	CHECK(config->dbus);
	CHECK_INT(config->expiry_warnings.count, 3);
	CHECK_INT(config->expiry_warnings.seconds[0], 30 * 86400);
}

TEST(a_service_file_that_is_missing_can_be_an_error)
{
	AUTO_STRUCT(service_config) config = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	CHECK_INT(service_config_load("/nonexistent/latchkeyd.conf", false, &config, &errors),
		  -ENOENT);
	CHECK(config == NULL);
	REQUIRE(errors.count == 1);
	CHECK_STR(errors.error[0].message, "cannot be read: No such file or directory.");
}

TEST(the_service_file_shows_the_defaults)
{
	const char *top = getenv("top_builddir");
	AUTO_VALUE(bytes) text = { 0 };
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct ini_lines lines;
	struct service_config values = { 0 };
	char path[400], name[64], shown[300];

	if (!top) {
		test_skip("top_builddir is not set: run by make check");
		return;
	}
	snprintf(path, sizeof path, "%s/conf/latchkeyd.conf", top);
	REQUIRE(file_read(path, INI_FILE_MAX, &text, NULL) == 0);
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] == '#' && text.p[i + 1] != ' ')
			text.p[i] = ' ';
	}
	CHECK_INT(
		ini_parse_text(&service_table, bytes_slice(&text), path, &values, &lines, &errors),
		0);
	note_errors(&errors);
	for (size_t i = 0; i < service_table.count; i++) {
		const struct example *e = &service_examples[i];

		snprintf(name, sizeof name, "%s.%s", e->section, e->key);
		CHECK(lines.line[i] > 0);
		CHECK_STR(printed(&service_table, &values, name, shown, sizeof shown), e->fallback);
	}
	ini_done(&service_table, &values);
}

/* ---- the language ---- */

TEST(comments_blanks_marks_and_line_ends_of_other_systems_are_understood)
{
	AUTO_STRUCT(profile)
	p = parse("\xef\xbb\xbf# comment\r\n; comment \x01 \xff\r\n  [TLS]  \r\n"
		  "\tCredential\t=\toffice \r\n\r\n[Server]\r\n  # indented\r\n"
		  "TrustAnchor=/a\t /b\r\nTrustAnchor=/c#d\r\nServerName=radius.example.org");

	REQUIRE(p != NULL);
	CHECK_STR(p->credential, "office");
	CHECK_INT(p->trust_anchors.count, 3);
	CHECK_STR(p->trust_anchors.word[2], "/c#d");
	CHECK_STR(p->server_names.word[0], "radius.example.org");
}

TEST(an_empty_value_takes_back_what_was_set)
{
	AUTO_STRUCT(profile)
	p = parse(MINIMAL "ServerName=\nServerName=a.example b.example\n"
			  "[EAP]\nMaxRounds=7\nMaxRounds=\nIdentity=x\nIdentity=\n");
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct ini_lines lines;
	struct service_config values = { 0 };

	REQUIRE(p != NULL);
	CHECK_INT(p->server_names.count, 2);
	CHECK_STR(p->server_names.word[0], "a.example");
	CHECK_INT(p->max_rounds, 50);
	CHECK(p->identity == NULL);
	CHECK_INT(ini_parse_text(&service_table, slice_str("[Service]\nExpiryWarnings=\n"), "f",
				 &values, &lines, &errors),
		  0);
	CHECK_INT(values.expiry_warnings.count, 0);
	ini_done(&service_table, &values);
}

TEST(spans_of_time_are_read_as_systemd_reads_them)
{
	static const struct {
		const char *text;
		long long msec;
	} spans[] = { { "30", 30000 },
		      { "30s", 30000 },
		      { "1500ms", 1500 },
		      { "2 min", 120000 },
		      { "1min 30s", 90000 },
		      { "1h", 3600000 },
		      { "-1s", -1 },
		      { "1x", -1 },
		      { "s", -1 },
		      { "1s garbage", -1 },
		      { "99999999999999s", -1 },
		      { "0x10", -1 },
		      { "9h", -1 } };

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		AUTO_STRUCT(profile) p = NULL;
		AUTO_VALUE(ini_errors) errors = { 0 };
		char text[300];

		snprintf(text, sizeof text, MINIMAL "[EAPOL]\nStartCeiling=%s\n", spans[i].text);
		test_note("%s", spans[i].text);
		CHECK_INT(profile_parse(slice_str(text), "t.profile", &p, &errors),
			  spans[i].msec < 0 ? -EINVAL : 0);
		CHECK(p == NULL || (long long)p->pae.start_ceiling == spans[i].msec);
	}
}
