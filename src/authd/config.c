#include "authd/config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "authd/port_config.h"
#include "authd/server_config.h"

static const struct config_kind *const kinds[CONFIG_KINDS] = {
	[CONFIG_CLIENTS] = &client_kind,   [CONFIG_RULES] = &rule_kind,
	[CONFIG_PORTS] = &port_kind,	   [CONFIG_SERVERS] = &server_kind,
	[CONFIG_PROFILES] = &profile_kind,
};

const struct config_kind *config_kind(enum config_kind_id id)
{
	return kinds[id];
}

/* ---- one object ---- */

static void object_free(const struct config_kind *kind, void *object)
{
	struct config_object *o = object;

	if (!o)
		return;
	if (kind->drop)
		kind->drop(o);
	ini_done(kind->table, o);
	free(o->path);
	free(o);
}

/* "/etc/latchkey/authd/clients.d/hall.client" is called hall. */
static bool name_of(const struct config_kind *kind, const char *path,
		    char name[CONFIG_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	size_t len = strlen(file), ending = strlen(kind->suffix);
	char shown[CONFIG_NAME_MAX + 1];

	if (len > ending && strcmp(file + len - ending, kind->suffix) == 0)
		len -= ending;
	if (len == 0 || len > CONFIG_NAME_MAX)
		return false;
	memcpy(name, file, len);
	name[len] = '\0';
	return strcmp(printable(slice_str(name), shown, sizeof shown), name) == 0;
}

static void finish(const struct config_kind *kind, struct config_object *object,
		   const struct ini_lines *lines, const char *path, struct ini_errors *errors)
{
	const struct config_check check = { kind->table, lines, path, errors };

	object->path = strdup(path);
	if (!object->path)
		(void)ini_errors_add_no_memory(errors, path);
	if (!name_of(kind, path, object->name))
		ini_errors_add(errors, path, 0, "",
			       "expected a file name of 1 to %d octets in UTF-8 before %s.",
			       CONFIG_NAME_MAX, kind->suffix);
	if (kind->check)
		kind->check(object, &check);
}

int config_object_parse(const struct config_kind *kind, struct slice text, const char *path,
			void **ret_object, struct ini_errors *errors)
{
	size_t before = errors->count + errors->dropped;
	struct config_object *object = calloc(1, kind->size);
	struct ini_lines lines;

	if (!object)
		return ini_errors_add_no_memory(errors, path);
	(void)ini_parse_text(kind->table, text, path, object, &lines, errors);
	finish(kind, object, &lines, path, errors);
	if (errors->count + errors->dropped > before) {
		object_free(kind, object);
		return -EINVAL;
	}
	*ret_object = object;
	return 0;
}

void config_object_free(const struct config_kind *kind, void *object)
{
	object_free(kind, object);
}

/* ---- a directory of them ---- */

static bool is_one(const struct config_kind *kind, const char *file)
{
	size_t len = strlen(file), ending = strlen(kind->suffix);

	return file[0] != '.' && len > ending && strcmp(file + len - ending, kind->suffix) == 0;
}

static void load_one(const struct config_kind *kind, const char *directory, const char *file,
		     struct config_objects *objects, struct ini_errors *errors)
{
	AUTO_VALUE(bytes) text = { 0 };
	AUTO(char) path = NULL;
	void *object = NULL;

	if (asprintf(&path, "%s/%s", directory, file) < 0) {
		path = NULL;
		(void)ini_errors_add_no_memory(errors, file);
		return;
	}
	if (ini_read(path, &text, errors) == 0 &&
	    config_object_parse(kind, bytes_slice(&text), path, &object, errors) == 0 && object)
		objects->item[objects->count++] = object;
	if (text.p)
		explicit_bzero(text.p, text.cap); /* there may be a secret in it */
}

static int load_directory(const struct config_kind *kind, const char *directory,
			  struct config_objects *objects, struct ini_errors *errors)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, NULL, alphasort), error = errno;

	if (n < 0 && error == ENOENT)
		return 0;
	if (n < 0) {
		ini_errors_add(errors, directory, 0, "", "the directory cannot be read: %s.",
			       strerror(error));
		return -error;
	}
	objects->item = calloc((size_t)n + 1, sizeof *objects->item);
	if (!objects->item)
		(void)ini_errors_add_no_memory(errors, directory);
	for (int i = 0; i < n; i++) {
		if (is_one(kind, entries[i]->d_name) && objects->count == CONFIG_OBJECTS_MAX)
			ini_errors_add(errors, directory, 0, "",
				       "expected no more than %d files that end in %s.",
				       CONFIG_OBJECTS_MAX, kind->suffix);
		else if (objects->item && is_one(kind, entries[i]->d_name))
			load_one(kind, directory, entries[i]->d_name, objects, errors);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/* ---- what does not go together ---- */

static bool has_word(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->word[i], word) == 0)
			return true;
	}
	return false;
}

/* Machines are to show certificates, somewhere. */
static bool needs_anchors(const struct authd_settings *s)
{
	bool ttls = has_word(&s->methods, "ttls"), peap = has_word(&s->methods, "peap");
	bool teap = has_word(&s->methods, "teap");

	return has_word(&s->methods, "tls") || (ttls && has_word(&s->tunnel.ttls, "eap-tls")) ||
	       (peap && has_word(&s->tunnel.peap, "tls")) ||
	       (teap && has_word(&s->tunnel.teap, "tls")) ||
	       ((ttls || peap || teap) && s->tunnel.client != TLS_CLIENT_NONE);
}

static void check_tls(const struct authd_settings *s, const struct config_check *check)
{
	if (s->min_tls > s->max_tls)
		config_wrong(check, "MinimumVersion",
			     "is newer than MaximumVersion=, so that no version is left; expected "
			     "MinimumVersion= to be the older one.");
	if (s->credential && needs_anchors(s) && !s->authority.credential &&
	    s->client_anchors.count == 0 && config_unset(check, "ClientAnchors"))
		config_wrong(check, "ClientAnchors",
			     "is missing: name the file with the certificate of the authority that "
			     "issues the certificates of machines.");
	if (!s->credential && s->listen.count > 0 && config_unset(check, "Credential"))
		config_wrong(check, "Credential",
			     "is missing: name the credential in the keystore with which this "
			     "server proves who it is.");
	if (s->staple == STAPLE_FILE && !s->staple_file && config_unset(check, "OcspStapleFile"))
		config_wrong(check, "OcspStapleFile", "is missing, and OcspStaple=file needs it.");
	if (s->ticket_key_file && s->resumption != RESUMPTION_TICKETS)
		config_wrong(check, "TicketKeyFile", "is for Resumption=tickets only.");
}

bool words_have(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->word[i], word) == 0)
			return true;
	}
	return false;
}

static void check_enroll(struct authd_settings *s, const struct config_check *check)
{
	bool others = words_have(&s->enroll.authorise, "jwt") ||
		      words_have(&s->enroll.authorise, "oauth");

	if (s->enroll.enabled && !s->database)
		config_wrong(check, "Enabled",
			     "needs a registry, which knows the tokens and what was issued; "
			     "expected [Registry] Database= not to be off.");
	if (s->enroll.enabled && !s->credential && config_unset(check, "Credential"))
		config_wrong(check, "Enabled",
			     "needs [Tls] Credential=: machines are enrolled inside of TLS.");
	if (others && !s->enroll.verifier && config_unset(check, "TokenVerifier"))
		config_wrong(check, "Authorise",
			     "has tokens of others, and TokenVerifier= does not say who is asked "
			     "about them.");
	if (s->enroll.verifier_secret_file)
		config_secret(check, NULL, s->enroll.verifier_secret_file,
			      &s->enroll.verifier_secret);
	if (s->enroll.teap && !words_have(&s->enroll.tunnels, "teap"))
		config_wrong(check, "TeapProvisioning",
			     "=yes needs TEAP: expected `teap` among Tunnels=.");
	if (words_have(&s->enroll.authorise, "account") && !s->enroll.teap)
		config_wrong(check, "Authorise",
			     "has `account`, which is for TeapProvisioning=yes alone.");
	if (s->enroll.vlan && s->enroll.after != AFTER_ENROLMENT_ACCEPT)
		config_wrong(check, "EnrollVlan", "is for AfterEnrolment=accept only.");
}

static void check_cmp(struct authd_settings *s, const struct config_check *check)
{
	if (s->authority.credential)
		config_wrong(
			check, "Backend",
			"=cmp and [Authority] Credential= contradict each other: one of the two "
			"authorities can issue.");
	if (!s->authority.cmp.url && config_unset(check, "CmpUrl"))
		config_wrong(check, "CmpUrl", "is missing, and Backend=cmp needs it.");
	if (s->authority.cmp.anchors.count == 0 && config_unset(check, "CmpAnchors"))
		config_wrong(check, "CmpAnchors",
			     "is missing: without it anybody could pose as the authority.");
	if (s->authority.cmp.credential && s->authority.cmp.secret_file)
		config_wrong(check, "CmpSecretFile",
			     "and CmpCredential= are both set; only one of the two can be meant.");
	else if (!s->authority.cmp.credential && !s->authority.cmp.secret_file &&
		 config_unset(check, "CmpCredential") && config_unset(check, "CmpSecretFile"))
		config_wrong(
			check, "CmpCredential",
			"is missing, and so is CmpSecretFile=: the authority has to know whose "
			"messages it gets.");
	if (!s->authority.cmp.reference != !s->authority.cmp.secret_file)
		config_wrong(check, s->authority.cmp.secret_file ? "CmpReference" : "CmpSecretFile",
			     "is missing: a shared secret needs both.");
	if (s->authority.cmp.secret_file)
		config_secret_file(check, "CmpSecretFile", s->authority.cmp.secret_file,
				   &s->authority.cmp.secret);
	if (s->authority.listen.count > 0 || s->authority.crl_file)
		config_wrong(
			check, "Backend",
			"=cmp: lists and OCSP are that authority's; expected neither [Authority] "
			"Listen= nor CrlFile=.");
	if (!s->database)
		config_wrong(check, "Database",
			     "is off, and what an authority has issued has to be remembered.");
}

static void check_authority(struct authd_settings *s, const struct config_check *check)
{
	static const char *const keys[] = { "CmpUrl",	     "CmpCredential", "CmpReference",
					    "CmpSecretFile", "CmpAnchors",    "CmpRecipient" };

	if (s->authority.backend == AUTHORITY_CMP) {
		check_cmp(s, check);
		return;
	}
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (!config_unset(check, keys[i]))
			config_wrong(check, keys[i], "is for Backend=cmp only.");
	}
	if (s->authority.listen.count > 1)
		ini_errors_add(check->errors, check->path, 0,
			       "[Authority] Listen=", "expected one address for lists and OCSP.");
	if (s->authority.credential && !s->database)
		config_wrong(check, "Database",
			     "is off, and our own authority has to remember what it has issued and "
			     "revoked.");
}

static void check_settings(struct authd_settings *s, const struct config_check *check)
{
	check_tls(s, check);
	check_authority(s, check);
	check_enroll(s, check);
	if (s->radsec_listen.count > 0 && s->radsec_client_anchors.count == 0 &&
	    config_unset(check, "RadSecClientAnchors"))
		config_wrong(check, "RadSecClientAnchors",
			     "is missing: without it nobody could be told from anybody else.");
	if (s->metrics_listen.count > 1)
		config_wrong(check, "Listen", "expected one address for metrics.");
	if (s->half_open > s->idle)
		config_wrong(check, "HalfOpenTimeout",
			     "is longer than IdleTimeout=; expected the half-open ones to be "
			     "forgotten first.");
}

/* Two clients with the same prefix: nobody could say which is meant. */
static void check_prefixes(const struct config *config, struct ini_errors *errors)
{
	const struct config_objects *clients = &config->objects[CONFIG_CLIENTS];
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < clients->count; i++) {
		const struct client_config *a = clients->item[i];

		for (size_t j = 0; j < i; j++) {
			const struct client_config *b = clients->item[j];

			assert(a && b); /* all that are counted are there */
			for (size_t n = 0; n < a->prefix_count * b->prefix_count; n++) {
				const struct prefix *p = &a->prefix[n / b->prefix_count];

				if (!prefix_same(p, &b->prefix[n % b->prefix_count]))
					continue;
				ini_errors_add(errors, a->object.path, 0, "[Client] Prefix=",
					       "%s is that of client \"%s\" already.",
					       prefix_text(p, text), b->object.name);
			}
		}
	}
}

static int by_priority(const void *a, const void *b)
{
	const struct rule *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return strcmp(x->object.name, y->object.name);
}

/* ---- all of it ---- */

static int load_settings(const char *path, struct config *config, struct ini_errors *errors)
{
	AUTO_VALUE(bytes) text = { 0 };
	struct ini_lines lines;
	int r = ini_read(path, &text, errors);

	if (r < 0)
		return r;
	(void)ini_parse_text(&authd_table, bytes_slice(&text), path, &config->settings, &lines,
			     errors);
	check_settings(&config->settings,
		       &(struct config_check){ &authd_table, &lines, path, errors });
	return 0;
}

static int load_objects(const char *path, struct config *config, struct ini_errors *errors)
{
	const char *slash = strrchr(path, '/');
	int beside = slash ? (int)(slash - path) : 1;

	for (int i = 0; i < CONFIG_KINDS; i++) {
		AUTO(char) directory = NULL;

		if (asprintf(&directory, "%.*s/%s", beside, slash ? path : ".",
			     kinds[i]->directory) < 0) {
			directory = NULL;
			return ini_errors_add_no_memory(errors, path);
		}

		int r = load_directory(kinds[i], directory, &config->objects[i], errors);

		if (r < 0)
			return r;
	}
	return 0;
}

int config_load(const char *path, struct config **ret_config, struct ini_errors *errors)
{
	AUTO_STRUCT(config) config = calloc(1, sizeof *config);
	size_t before = errors->count + errors->dropped;
	int r, objects;

	if (!config)
		return ini_errors_add_no_memory(errors, path);
	config->references = 1;
	config->path = strdup(path);
	if (!config->path)
		return ini_errors_add_no_memory(errors, path);
	r = load_settings(path, config, errors);
	objects = load_objects(path, config, errors);
	if (r < 0 || objects < 0)
		return r < 0 ? r : objects;
	check_prefixes(config, errors);
	if (errors->count + errors->dropped > before)
		return -EINVAL;
	if (config->objects[CONFIG_RULES].count > 0)
		qsort(config->objects[CONFIG_RULES].item, config->objects[CONFIG_RULES].count,
		      sizeof(void *), by_priority);
	*ret_config = TAKE(config);
	return 0;
}

struct config *config_ref(struct config *config)
{
	atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
	return config;
}

void config_free(struct config *config)
{
	if (!config ||
	    (config->references > 0 &&
	     atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) > 1))
		return;
	for (int i = 0; i < CONFIG_KINDS; i++) {
		for (size_t n = 0; n < config->objects[i].count; n++)
			object_free(kinds[i], config->objects[i].item[n]);
		free(config->objects[i].item);
	}
	secret_done(&config->settings.authority.cmp.secret);
	secret_done(&config->settings.enroll.verifier_secret);
	ini_done(&authd_table, &config->settings);
	free(config->path);
	free(config);
}

const struct client_config *config_client(const struct config *config, const union address *address)
{
	const struct config_objects *clients = &config->objects[CONFIG_CLIENTS];
	const struct client_config *best = NULL;
	unsigned longest = 0;

	for (size_t i = 0; i < clients->count; i++) {
		const struct client_config *c = clients->item[i];

		for (size_t n = 0; n < c->prefix_count; n++) {
			if (!prefix_has(&c->prefix[n], address) ||
			    (best && c->prefix[n].length <= longest))
				continue;
			best = c;
			longest = c->prefix[n].length;
		}
	}
	return best;
}

const struct rule *config_rule(const struct config *config, size_t n)
{
	return config->objects[CONFIG_RULES].item[n];
}

size_t config_rule_count(const struct config *config)
{
	return config->objects[CONFIG_RULES].count;
}
