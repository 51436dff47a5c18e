/* What latchkey-authd is told: /etc/latchkey/authd/latchkey-authd.conf, and one file for each
 * object in the directories beside it.
 *
 * Each kind of file is a table (config_keys.c and the others), as for the supplicant: it parses, it
 * words the errors, it makes the manual.  All that was read is one value, immutable from then on
 * and counted, so that any thread may hold it for as long as it needs it.  A new kind of object is
 * a table, a struct that begins with struct config_object, and a row in config.c. */
#ifndef AUTHD_CONFIG_H
#define AUTHD_CONFIG_H

#include "authd/address.h"
#include "base/moment.h"
#include "base/own.h"
#include "config/ini.h"
#include "drivers/gate.h"
#include "enrol/ca.h"
#include "method/peap_server.h"
#include "method/teap_keys.h"
#include "tls/engine.h"
#include "tls/server.h"

#define CONFIG_NAME_MAX	   64
#define CONFIG_OBJECTS_MAX 4096 /* of one kind */
#define CONFIG_SECRET_MAX  128	/* octets of a shared secret: RADIUS_SECRET_MAX */

struct addresses {
	union address address[INI_LIST_MAX]; /* port 0: whatever the service's port is */
	size_t count;
};

enum config_action { ACTION_ACCEPT, ACTION_REJECT, ACTION_ENROLL /* of a rule alone */ };
enum resumption { RESUMPTION_OFF, RESUMPTION_MEMORY, RESUMPTION_TICKETS };
/* STAPLE_OWN: by our own authority, when it has issued the certificate. */
enum staple_from { STAPLE_OFF, STAPLE_OWN, STAPLE_FILE, STAPLE_FETCH };
enum after_enrolment { AFTER_ENROLMENT_FAIL, AFTER_ENROLMENT_ACCEPT };
enum authority_backend { AUTHORITY_EMBEDDED, AUTHORITY_CMP };
enum client_ocsp { CLIENT_OCSP_OFF, CLIENT_OCSP_IF_POSSIBLE, CLIENT_OCSP_REQUIRE };

/* latchkey-authd.conf */
struct authd_settings {
	/* [Service] */
	int log_level;
	unsigned workers; /* 0: one for each core */
	char *keystore;
	char *control_socket;
	char *control_group; /* NULL: the service's own */
	enum gate_exit ports_at_exit;

	/* [Eap] */
	struct words realms; /* globs; empty: any identity */
	unsigned max_rounds;
	struct words methods; /* "tls", "ttls", in their order */

	/* [Tunnel] */
	struct {
		char *credential; /* NULL: that of [Tls] */
		enum tls_client client;
		bool send_root, resume;
		struct words ttls, peap, teap; /* what may run inside */
		enum peap_demand binding;
		struct words teap_identities; /* "machine", "user", "any", in their order */
		bool teap_certificate_alone;
		enum teap_emsk_policy teap_emsk;
		char *teap_authority;
		unsigned retries, guesses;
	} tunnel;

	/* [Tls] */
	char *credential;
	struct words client_anchors, crls;
	enum tls_version min_tls, max_tls;
	size_t fragment_size; /* 0: what fits */
	enum resumption resumption;
	char *ticket_key_file;
	msec session_lifetime;
	enum staple_from staple;
	char *staple_file;
	enum client_ocsp client_ocsp;

	/* [Policy] */
	enum config_action default_action;

	/* [Radius]: no address, no service */
	struct addresses listen, accounting_listen, radsec_listen;
	char *radsec_credential;
	struct words radsec_client_anchors;
	struct addresses dynamic_listen;

	/* [Limits] */
	uint32_t conversations;	 /* in all */
	uint32_t new_per_second; /* in all; 0: any number */
	uint32_t waiting;	 /* beginnings that wait for a worker */
	msec half_open, idle;

	/* [Registry] */
	char *database; /* a path or a postgresql:// URI; NULL: none */
	msec session_retention;

	/* [Metrics] */
	struct addresses metrics_listen;

	/* [Authority]: no credential, no authority of our own */
	struct {
		enum authority_backend backend;
		struct {
			char *url, *credential, *reference, *secret_file;
			struct words recipient, anchors;
			struct secret secret;
			msec timeout;
			bool forward;
		} cmp;			  /* AUTHORITY_CMP */
		char *credential, *root;  /* in the keystore; root: for the commands alone */
		char *crl_url, *ocsp_url; /* what stands in certificates; NULL: none */
		struct addresses listen;  /* where lists and OCSP are served; none: nowhere */
		char *crl_file;		  /* kept up to date; NULL: none */
		msec crl_lifetime, ocsp_lifetime;
		msec overlap;	  /* of a roll-over */
		msec warn_before; /* an authority that ends within this time is to be rolled */
	} authority;

	/* [Enroll] */
	struct {
		bool enabled;
		struct words tunnels, protocols, authorise, actions, credentials;
		struct words factory_anchors;
		char *profile; /* NULL: PROFILE_DEFAULT */
		char *eap_type;
		enum after_enrolment after;
		uint32_t vlan; /* of a machine that is let in right after; 0: none */
		bool validate, take_over, nt_hash;
		bool teap; /* by TLVs of TEAP's own, too */
		uint32_t renew_percent, message_max;
		char *verifier, *verifier_secret_file;
		struct secret verifier_secret;
	} enroll;
};
extern const struct ini_table authd_table;
bool words_have(const struct words *words, const char *word);
/* `certificate password symmetric` as 1 << enum enrol_credential. */
unsigned config_credentials(const struct words *words);

/* What all files that describe one object have in common; their structs begin with it. */
struct config_object {
	char name[CONFIG_NAME_MAX + 1]; /* the file's, without its ending */
	char *path;
};

/* For checks of what each by itself is right: config_wrong adds the error. */
struct config_check {
	const struct ini_table *table;
	const struct ini_lines *lines;
	const char *path;
	struct ini_errors *errors;
};
#define config_wrong(check, key, ...)                                                              \
	ini_errors_add_key((check)->errors, (check)->path, (check)->table, (check)->lines, key,    \
			   __VA_ARGS__)
/* Not written at all: one that is written wrongly has its error already. */
#define config_unset(check, key) (ini_line_of((check)->table, (check)->lines, key) == 0)
/* The shared secret of Secret= or of the file that SecretFile= names (its first line), which nobody
 * else may read.  What is wrong is added to the errors. */
void config_secret(const struct config_check *check, const char *secret, const char *file,
		   struct secret *ret_secret);
/* The same of a file alone, for a key of this name. */
void config_secret_file(const struct config_check *check, const char *key, const char *file,
			struct secret *ret_secret);
/* The pre-shared key of a file of hexadecimal digits that nobody else may read, for PskFile=. */
void config_psk(const struct config_check *check, const char *file, struct secret *ret_psk);

struct config_kind {
	const char *what;      /* "RADIUS client" */
	const char *directory; /* "clients.d" */
	const char *suffix;    /* ".client" */
	const struct ini_table *table;
	size_t size; /* of the struct */
	/* What does not go together, and what is to be read besides; NULL: nothing. */
	void (*check)(void *object, const struct config_check *check);
	void (*drop)(void *object); /* what the table does not know of; NULL: nothing */
};

/* clients.d/NAME.client: a NAS that may ask us. */
struct client_config {
	struct config_object object;
	struct words prefixes; /* as written */
	struct prefix *prefix;
	size_t prefix_count;
	char *secret_text, *secret_file;
	struct secret secret;
	uint32_t new_per_second; /* 0: any number */
	/* over TLS */
	struct words radsec_names;
	char *psk_identity, *psk_file;
	struct secret psk;
};
extern const struct config_kind client_kind;

/* rules.d/NAME.rule: what becomes of a machine that has proved who it is. */
enum rule_resumed { RESUMED_ANY, RESUMED_YES, RESUMED_NO };
struct rule {
	struct config_object object;
	int priority;
	struct words subject, issuer;		   /* "CN=*.example.org", each an attribute */
	struct words dns, email, uri, upn, usages; /* of the certificate */
	struct words client, nas, port, station;
	struct words method, inner, identity;
	enum rule_resumed resumed;

	enum config_action action;
	char *reason;
	char *profile; /* ACTION_ENROLL: the certificate profile; NULL: the configuration's */
	uint32_t vlan;
	msec session_timeout, interim;
	bool reauthenticate;
};
extern const struct config_kind rule_kind;

/* profiles.d/NAME.profile: what certificates our own authority issues. */
struct profile_config {
	struct config_object object;
	msec lifetime, backdate;
	struct words credentials, key_types, usages;
	char *common_name;
	struct words common_names, dns, email, uri, upn, ip;
	bool validate;
	struct ca_profile ca; /* the same, as the authority takes it; borrows from all above */
};
extern const struct config_kind profile_kind;
#define PROFILE_DEFAULT "machine"

struct config_objects {
	void **item; /* of config_kind.size octets each, in the order of their names */
	size_t count;
};

enum config_kind_id {
	CONFIG_CLIENTS,
	CONFIG_RULES,
	CONFIG_SERVERS,
	CONFIG_PORTS,
	CONFIG_PROFILES,
	CONFIG_KINDS
};

struct config {
	_Atomic int references;
	char *path;
	struct authd_settings settings;
	struct config_objects objects[CONFIG_KINDS];
};

/* The kinds, by their id. */
const struct config_kind *config_kind(enum config_kind_id id);

/* One object of a text that is in memory; path is for its name and the errors. 0 or -errno. */
int config_object_parse(const struct config_kind *kind, struct slice text, const char *path,
			void **ret_object, struct ini_errors *errors);
void config_object_free(const struct config_kind *kind, void *object);

/* Reads the file and the directories beside it.  0 or -errno; every error of every file is in
 * *errors, and then there is no configuration: a rule or a client that is left out could let in, or
 * keep out, whom it should not. */
int config_load(const char *path, struct config **ret_config, struct ini_errors *errors);
struct config *config_ref(struct config *config);
void config_free(struct config *config); /* drops one reference */
DEFINE_AUTO_STRUCT(config);

/* The client with the longest prefix that has the address; NULL if none. */
const struct client_config *config_client(const struct config *config,
					  const union address *address);
const struct rule *config_rule(const struct config *config, size_t n);
size_t config_rule_count(const struct config *config);
/* The profile of certificates of this name; "": PROFILE_DEFAULT, which is there also without a
 * file. NULL: there is none. */
const struct ca_profile *config_profile(const struct config *config, const char *name);

#endif
