/* Profiles as text, and what is said of them. */
#ifndef TESTS_UNIT_PROFILE_TEXT_H
#define TESTS_UNIT_PROFILE_TEXT_H

#include <errno.h>

#include "config/profile.h"
#include "tests/test.h"

#define MINIMAL                                                                                    \
	"[TLS]\nCredential=office\n"                                                               \
	"[Server]\nTrustAnchor=/etc/latchkey/ca.pem\nServerName=radius.example.org\n"

#define ENROL  "[TLS]\nCredential=office\n[Enroll]\n"
#define SERVER "[Server]\nTrustAnchor=/ca.pem\nServerName=a.example\n"
#define TTLS   SERVER "[EAP]\nMethod=ttls\nIdentity=user\n[Inner]\n"
#define TEAP   SERVER "[EAP]\nMethod=teap\nIdentity=user\n[Inner]\n"
#define PEAP   SERVER "[EAP]\nMethod=peap\nIdentity=user\n[Inner]\n"
/* The two identities of TEAP; the second is to be completed. */
#define USER "Method=mschapv2\nPassword=x\nIdentityType=user\n"
#define DESK "[Inner2]\nIdentityType=machine\n"

#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static inline void note_errors(const struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		char text[1400] = "";
		FILE *out = fmemopen(text, sizeof text, "w");

		ini_error_print(&errors->error[i], out);
		fclose(out);
		test_note("%s", text);
	}
}

static inline struct profile *parse(const char *text)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct profile *profile = NULL;

	CHECK_INT(profile_parse(slice_str(text), "/p/test.profile", &profile, &errors), 0);
	note_errors(&errors);
	return profile;
}

/* The one error of a text, as it is shown. */
static inline const char *error_of_slice(struct slice text)
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

static inline const char *error_of(const char *text)
{
	return error_of_slice(slice_str(text));
}

#endif
