#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/diagnosis.h"
#include "config/file.h"
#include "config/profile.h"
#include "config/service.h"
#include "tests/unit/scratch.h"

#define MINIMAL                                                                                    \
	"[TLS]\nCredential=office\n"                                                               \
	"[Server]\nTrustAnchor=/etc/latchkey/ca.pem\nServerName=radius.example.org\n"

#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void note_errors(const struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		char text[1400] = "";
		FILE *out = fmemopen(text, sizeof text, "w");

		ini_error_print(&errors->error[i], out);
		fclose(out);
		test_note("%s", text);
	}
}

static struct profile *parse(const char *text)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct profile *profile = NULL;

	CHECK_INT(profile_parse(slice_str(text), "/p/test.profile", &profile, &errors), 0);
	note_errors(&errors);
	return profile;
}

/* The one error of a text, as it is shown. */
static const char *error_of_slice(struct slice text)
{
	static char shown[1400];
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(profile) profile = NULL;

	CHECK_INT(profile_parse(text, "test.profile", &profile, &errors), -EINVAL);
	CHECK(profile == NULL);
	CHECK_INT(errors.count, 1);
	if (errors.count != 1)
		note_errors(&errors);
	if (errors.count == 0)
		return "(none)";

	FILE *out = fmemopen(shown, sizeof shown, "w");

	ini_error_print(&errors.error[0], out);
	fclose(out);
	return shown;
}

static const char *error_of(const char *text)
{
	return error_of_slice(slice_str(text));
}

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

#define ENROL "[TLS]\nCredential=office\n[Enroll]\n"

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

/* ---- errors ---- */

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

#define SERVER "[Server]\nTrustAnchor=/ca.pem\nServerName=a.example\n"
#define TTLS   SERVER "[EAP]\nMethod=ttls\nIdentity=user\n[Inner]\n"
#define TEAP   SERVER "[EAP]\nMethod=teap\nIdentity=user\n[Inner]\n"
#define PEAP   SERVER "[EAP]\nMethod=peap\nIdentity=user\n[Inner]\n"

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
		  "[Inner] Credential=: is for Method=eap-tls alone" },
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
		TTLS "Method=eap-gtc\nPasswordFile=/x\n",
		TTLS "Method=eap-tls\nCredential=c\n",
		TTLS "Method=mschapv2\nPassword=x\n[TLS]\nCredential=c\n",
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

/* ---- files ---- */

TEST(a_password_is_in_a_file_of_its_owner_alone)
{
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles = { 0 };

	scratch_put(&d, "a.profile", TTLS "Method=pap\nPassword=x\n", 0600);
	scratch_put(&d, "b.profile", TTLS "Method=pap\nPassword=x\n", 0640);
	scratch_put(&d, "c.profile", TTLS "Method=pap\nPassword=x\n", 0604);
	scratch_put(&d, "d.profile", TTLS "Method=pap\nPasswordFile=/x\n", 0644);
	CHECK_INT(profiles_load(d.path, &profiles, &errors), 0);
	CHECK_INT(profiles.count, 2);
	CHECK_INT(errors.count, 2);
	CHECK_STR(errors.error[0].key, "[Inner] Password=");
}

TEST(a_token_is_in_a_file_that_is_closed_to_others)
{
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles = { 0 };

	scratch_put(&d, "a.profile", ENROL "Token=x\n", 0600);
	scratch_put(&d, "b.profile", ENROL "Token=x\n", 0640);
	scratch_put(&d, "c.profile", ENROL "Token=x\n", 0644);
	scratch_put(&d, "d.profile", ENROL "TokenFile=/x\n", 0644);
	CHECK_INT(profiles_load(d.path, &profiles, &errors), 0);
	CHECK_INT(profiles.count, 3);
	CHECK_INT(errors.count, 1);
	CHECK_STR(errors.error[0].key, "[Enroll] Token=");
}

TEST(a_bad_profile_does_not_take_down_the_others)
{
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles = { 0 };

	scratch_put(&d, "b.profile", MINIMAL, 0644);
	scratch_put(&d, "a.profile", MINIMAL, 0600);
	scratch_put(&d, "bad.profile", "nonsense\n", 0644);
	scratch_put(&d, "open.profile", MINIMAL, 0666);
	scratch_put(&d, ".hidden.profile", "nonsense", 0644);
	scratch_put(&d, "a.profile.bak", "nonsense", 0644);
	REQUIRE(profiles_load(d.path, &profiles, &errors) == 0);
	REQUIRE(profiles.count == 2);
	CHECK_STR(profiles.profile[0]->name, "a");
	CHECK_STR(profiles.profile[1]->name, "b");
	CHECK(strstr(errors.error[0].file, "/bad.profile") != NULL);
	CHECK(strstr(errors.error[errors.count - 1].file, "/open.profile") != NULL);
	CHECK_STR(errors.error[errors.count - 1].message,
		  "can be written by anybody; expected a file that only its owner can write (chmod "
		  "o-w).");
}

TEST(a_directory_of_profiles_that_cannot_be_read_is_told_apart_from_an_empty_one)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles = { 0 };

	CHECK_INT(profiles_load("/nonexistent", &profiles, &errors), -ENOENT);
	REQUIRE(errors.count == 1);
	CHECK_STR(errors.error[0].file, "/nonexistent");
	CHECK_STR(errors.error[0].message,
		  "the directory cannot be read: No such file or directory.");
}

TEST(only_a_regular_file_of_ours_is_read)
{
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_STRUCT(profile) p = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };
	char path[200];

	snprintf(path, sizeof path, "%s/fifo.profile", d.path);
	REQUIRE(mkfifo(path, 0600) == 0);
	CHECK_INT(profile_load(path, &p, &errors), -EINVAL);
	CHECK_INT(profile_load(d.path, &p, &errors), -EISDIR);
	if (geteuid() != 0)
		return;

	const char *file = scratch_put(&d, "foreign.profile", MINIMAL, 0644);

	REQUIRE(chown(file, 12345, 0) == 0);
	CHECK_INT(profile_load(file, &p, &errors), -EPERM);
	CHECK_STR(errors.error[errors.count - 1].message,
		  "belongs to user 12345; expected root or the user of the service.");
}

TEST(a_name_that_is_too_long_is_an_error)
{
	AUTO_STRUCT(profile) p = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	CHECK_INT(profile_parse(slice_str(MINIMAL),
				"/p/"
				"0123456789012345678901234567890123456789012345678901234567890123"
				"4.profile",
				&p, &errors),
		  -EINVAL);
	REQUIRE(errors.count == 1);
	CHECK_STR(errors.error[0].message,
		  "expected a file name of 1 to 64 octets in UTF-8 before .profile.");
}

TEST(the_examples_can_be_used_as_they_are)
{
	static const char *const names[] = { "wired", "wired-lab", "wired-password",
					     "wired-strict" };
	const char *top = getenv("top_srcdir");
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_VALUE(ini_errors) errors = { 0 };

	if (!top) {
		test_skip("top_srcdir is not set: run by make check");
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		AUTO_STRUCT(profile) p = NULL;
		AUTO_VALUE(bytes) text = { 0 };
		char path[400];

		snprintf(path, sizeof path, "%s/conf/%s.profile.example", top, names[i]);
		CHECK_INT(file_read(path, INI_FILE_MAX, &text, NULL), 0);
		CHECK_INT(profile_parse(bytes_slice(&text), path, &p, &errors), 0);
	}
	note_errors(&errors);
}

/* "#Key=value" shows a default: taken at its word, it changes nothing. */
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

/* ---- matching ---- */

static const struct interface_facts eth0 = { .name = "eth0",
					     .mac = { 2, 0, 0x5e, 0x10, 0, 1 },
					     .type = INTERFACE_ETHERNET };

TEST(a_profile_matches_by_name_address_and_kind)
{
	static const struct {
		const char *match;
		bool matches;
	} cases[] = {
		{ "", true },
		{ "Name=eth0", true },
		{ "Name=en* eth?", true },
		{ "Name=eth", false },
		{ "Name=[a-d]*", false },
		{ "MACAddress=02:00:5E:10:00:01", true },
		{ "MACAddress=02:00:5E:10:00:02 02-00-5e-10-00-01", true },
		{ "MACAddress=02:00:5E:10:00:02", false },
		{ "Type=ethernet", true },
		{ "Type=any", true },
		{ "Type=wlan", false },
		{ "Name=eth0\nMACAddress=02:00:5E:10:00:02", false },
		{ "Name=eth1\nMACAddress=02:00:5E:10:00:01", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[300];

		snprintf(text, sizeof text, MINIMAL "[Match]\n%s\n", cases[i].match);

		AUTO_STRUCT(profile) p = parse(text);

		REQUIRE(p != NULL);
		test_note("%s", cases[i].match);
		CHECK(profile_matches(p, &eth0) == cases[i].matches);
	}
}

TEST(the_highest_priority_wins_and_then_the_first_name)
{
	AUTO_VALUE(scratch) d = scratch_make();
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_VALUE(profiles) profiles = { 0 };
	struct interface_facts wlan0 = { .name = "wlan0", .type = INTERFACE_WLAN };

	scratch_put(&d, "a.profile", MINIMAL "[Match]\nPriority=-1\n", 0600);
	scratch_put(&d, "b.profile", MINIMAL, 0600);
	scratch_put(&d, "c.profile", MINIMAL, 0600);
	scratch_put(&d, "z.profile", MINIMAL "[Match]\nName=other\nPriority=9\n", 0600);
	REQUIRE(profiles_load(d.path, &profiles, &errors) == 0);
	REQUIRE(profiles.count == 4);
	CHECK_STR(profiles_match(&profiles, &eth0)->name, "b");
	CHECK(profiles_match(&profiles, &wlan0) == NULL);
}

TEST(the_nearest_word_is_near)
{
	static const char *const words[] = { "TrustAnchor", "ServerName", "ServerPin", "CRL" };

	CHECK_STR(ini_nearest("TrustAnchors", words, 4), "TrustAnchor");
	CHECK_STR(ini_nearest("servername", words, 4), "ServerName");
	CHECK_STR(ini_nearest("SrevreName", words, 4), "ServerName");
	CHECK_STR(ini_nearest("CLR", words, 4), "CRL");
	CHECK(ini_nearest("Password", words, 4) == NULL);
	CHECK(ini_nearest("", words, 4) == NULL);
}
