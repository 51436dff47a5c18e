/* Files of settings: whose they are, what a directory has, which profile fits an interface. */
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
#include "tests/unit/profile_text.h"
#include "tests/unit/scratch.h"

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
	static const char *const names[] = { "wired",	       "wired-enroll",
					     "wired-lab",      "wired-enroll-password",
					     "wired-password", "wired-strict" };
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
