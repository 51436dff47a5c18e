/* What an enrolment of a profile is run with: TLS for the tunnel, whom to believe there, and by
 * what it is authorised.
 *
 * The server is judged as [Server] says.  Where that names no authority the pin of the token is
 * what its chain has to have; with a factory credential, and nothing else, the anchors that came
 * with it. */
#ifndef CONFIG_ARM_ENROL_H
#define CONFIG_ARM_ENROL_H

#include "config/arm.h"
#include "enrol/token.h"

/* What a person has given, in place of what the profile says. */
struct enrol_given {
	struct slice token;  /* as text; empty: none */
	const char *factory; /* a credential's name; NULL: none */
};

struct armed_enrol {
	struct tls_config *tls; /* shows the factory credential where that is no token */
	char identity[EAP_IDENTITY_BUFFER];
	bool has_token;
	struct token token;
	bool pinned; /* the server is known by the pin of the token alone */
	enum enrol_token foreign_type;
	struct secret foreign;		     /* JWT or OAuth, as text; empty: none */
	struct credential *inside;	     /* a factory credential that is a token; NULL: none */
	char factory[KEYSTORE_NAME_MAX + 1]; /* shown in the handshake; "": none */
};

/* Whether there is something to enrol with, without a look at it. */
bool enrol_has_means(const struct profile *profile, const struct enrol_given *given);

/* given may be NULL.  0, or -errno with the reason: enroll-no-token, config, a token that cannot be
 * read, a factory credential that cannot be used. */
int enrol_arm(const struct profile *profile, struct keystore *keystore,
	      const struct enrol_given *given, int64_t now, struct armed_enrol **ret_armed,
	      struct diagnosis *why);
void armed_enrol_free(struct armed_enrol *armed); /* wipes */
DEFINE_AUTO_STRUCT(armed_enrol);

#endif
