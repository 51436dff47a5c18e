/* Profiles: which interfaces, and how they authenticate.
 *
 * `/etc/latchkey/profiles.d/NAME.profile`, systemd-style INI.  One table (profile_keys.c) says for
 * each key its section, type, range, default and documentation: it parses, it words the errors, and
 * it makes latchkey-profile(5). */
#ifndef CONFIG_PROFILE_H
#define CONFIG_PROFILE_H

#include <net/if.h>

#include "config/ini.h"
#include "eapol/supplicant.h"
#include "keystore/keystore.h"
#include "method/teap_keys.h"
#include "tls/engine.h"

#define PROFILES_MAX	 256
#define PROFILE_NAME_MAX 64

enum interface_type { INTERFACE_ANY, INTERFACE_ETHERNET, INTERFACE_WLAN };

enum enrol_tunnel { ENROL_OVER_TEAP, ENROL_OVER_TTLS };
enum enrol_token { ENROL_TOKEN_OWN, ENROL_TOKEN_JWT, ENROL_TOKEN_OAUTH };

enum profile_method { PROFILE_TLS, PROFILE_TTLS, PROFILE_PEAP, PROFILE_TEAP };

/* What runs inside of a tunnel. */
enum profile_inner {
	INNER_NONE, /* not said */
	INNER_PAP,
	INNER_CHAP,
	INNER_MSCHAP,
	INNER_MSCHAPV2, /* in PEAP this is EAP-MSCHAPv2 */
	INNER_EAP_MSCHAPV2,
	INNER_EAP_GTC,
	INNER_EAP_TLS,
	INNER_PASSWORD, /* Basic-Password-Auth of TEAP */
};

struct profile {
	char name[PROFILE_NAME_MAX + 1]; /* the file's, without .profile */
	char *path;

	/* [Match] */
	struct words match_names; /* shell globs on the interface's name; empty: any */
	struct words match_macs;
	enum interface_type match_type;
	int priority; /* the highest that matches wins; equal ones by name */
	bool autoconnect;

	/* [EAP] */
	enum profile_method method;
	char *identity;		  /* NULL: from the certificate */
	char *anonymous_identity; /* the outer one; NULL: anonymous@realm */
	msec client_timeout;
	unsigned max_rounds;

	/* [TLS] */
	char *credential;
	enum tls_version min_tls, max_tls;
	size_t fragment_size; /* 0: what fits */
	bool resume;

	/* [Inner], and [Inner2] where TEAP proves a second identity */
	struct profile_inner_settings {
		enum profile_inner method;
		char *identity; /* NULL: that of [EAP] */
		struct secret password;
		char *password_file;
		char *credential;
		enum teap_identity identity_type;
	} inner, inner2;
	bool require_binding;
	enum teap_emsk_policy emsk;

	/* [Server] */
	struct words trust_anchors; /* files, directories, or the word `system` */
	struct words server_names, server_pins, crls;
	enum ocsp_mode ocsp;
	enum clock_policy clock;
	bool insecure_no_server_check;

	/* [Enroll] */
	struct profile_enrol {
		bool wanted; /* there is a key of this section */
		enum enrol_tunnel tunnel;
		char *eap_type;			    /* of CPROM; ini_eap_type_of reads it */
		char *token, *token_file, *factory; /* what it is authorised by; NULL: not so */
		enum enrol_token token_type;
		bool factory_inside;	/* shown as a token, not in the handshake */
		struct words protocols; /* "spp" and so on, in order of preference */
		char *key;		/* "P-256" */
		char *common_name;	/* NULL: the host name */
		struct words dns_names;
		char *symmetric_key;		 /* kept under this name; NULL: none */
		char *mud_url, *profile;	 /* told to the server; NULL: not */
		unsigned renew_at, renew_jitter; /* percent of the lifetime */
	} enrol;

	/* [EAPOL] */
	struct supplicant_config pae;
	uint8_t destination[6];
	bool logoff_on_exit;
};

extern const struct ini_table profile_table;

/* Certificates are asked for by TLVs of TEAP's own, with the account of [Inner] or a factory
 * credential: there is no CPROM. */
bool profile_enrols_by_teap(const struct profile *profile);
bool profile_inner_needs_password(const struct profile_inner_settings *inner);
bool profile_inner_needs_mschap(const struct profile_inner_settings *inner);

/* The credential that it shows: its own, or that of what runs inside of a tunnel; NULL: none. */
static inline const char *profile_credential(const struct profile *profile)
{
	if (profile->credential)
		return profile->credential;
	return profile->inner.credential ? profile->inner.credential : profile->inner2.credential;
}

/* [Inner] has a name and password from the keystore. */
bool profile_keeps_password(const struct profile *profile);

/* What an enrolment brings: first the credential that the profile shows. */
#define PROFILE_CREDENTIALS_MAX 3
struct profile_credentials {
	struct {
		const char *name; /* borrowed from the profile */
		enum credential_kind kind;
	} is[PROFILE_CREDENTIALS_MAX];
	size_t count;
};
struct profile_credentials profile_enrolled(const struct profile *profile);

void profile_free(struct profile *profile);
DEFINE_AUTO_STRUCT(profile);

/* Reads and checks one file.  0, or -errno with every error found in *errors (file, line, key, what
 * was expected, the nearest valid word); then there is no profile. */
int profile_load(const char *path, struct profile **ret_profile, struct ini_errors *errors);
/* The same of a text that is in memory; path is for the errors and the name. */
int profile_parse(struct slice text, const char *path, struct profile **ret_profile,
		  struct ini_errors *errors);

/* All of a directory, in the order of their names.  A bad one is left out, its errors collected;
 * the others are there.  -errno only if the directory cannot be read. */
struct profiles {
	struct profile *profile[PROFILES_MAX];
	size_t count;
};
int profiles_load(const char *directory, struct profiles *ret_profiles, struct ini_errors *errors);
void profiles_done(struct profiles *profiles);

/* What is known of an interface that looks for its profile. */
struct interface_facts {
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	enum interface_type type;
};

bool profile_matches(const struct profile *profile, const struct interface_facts *interface);
/* NULL if none does. */
const struct profile *profiles_match(const struct profiles *profiles,
				     const struct interface_facts *interface);

#endif
