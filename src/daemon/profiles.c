#include "daemon/profiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct profile_set {
	struct profiles loaded; /* in the order of profiles_match; owned by the entries */
	size_t count;		/* the loaded ones come first, then those with errors */
	struct profile_entry entry[PROFILES_MAX];
};

static bool refused_already(const struct profile_set *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->entry[i].refused && strcmp(set->entry[i].refused, path) == 0)
			return true;
	}
	return false;
}

/* A file with errors is no profile, but somebody looks for it. */
static void add_refused(struct profile_set *set, const char *path, const struct ini_errors *errors)
{
	struct profile_entry *e = &set->entry[set->count];
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	size_t len = strlen(file), ending = strlen(".profile");

	if (set->count == PROFILES_MAX || len <= ending || len - ending > PROFILE_NAME_MAX ||
	    refused_already(set, path))
		return;
	e->refused = strdup(path);
	if (!e->refused)
		return;
	snprintf(e->name, sizeof e->name, "%.*s", (int)(len - ending), file);
	ini_errors_diagnose(errors, path, &e->problem);
	set->count++;
}

int profile_set_load(const char *directory, struct keystore *keystore, const struct mschap *mschap,
		     int64_t now, const struct service_config *config, struct profile_set **ret_set,
		     struct ini_errors *errors)
{
	struct profile_set *set = calloc(1, sizeof *set);
	const struct spans *warnings = &config->expiry_warnings;
	int64_t warn = 0;
	int error = set ? profiles_load(directory, &set->loaded, errors) : -ENOMEM;

	if (error < 0) {
		free(set);
		return error;
	}
	for (size_t i = 0; i < warnings->count; i++)
		warn = warnings->seconds[i] > warn ? warnings->seconds[i] : warn;
	for (size_t i = 0; i < set->loaded.count; i++) {
		struct profile_entry *e = &set->entry[set->count];

		e->profile = set->loaded.profile[i];
		snprintf(e->name, sizeof e->name, "%s", e->profile->name);
		if (profile_arm(e->profile, keystore, mschap, now, warn, &e->armed, &e->problem) <
		    0)
			e->armed = NULL;
		set->count++;
	}
	for (size_t i = 0; i < errors->count; i++) {
		if (errors->error[i].file)
			add_refused(set, errors->error[i].file, errors);
	}
	*ret_set = set;
	return 0;
}

void profile_set_free(struct profile_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		struct profile_entry *e = &set->entry[i];

		free(e->refused);
		if (e->armed)
			armed_free(e->armed);
		else
			profile_free(e->profile);
	}
	free(set);
}

size_t profile_set_count(const struct profile_set *set)
{
	return set->count;
}

const struct profile_entry *profile_set_entry(const struct profile_set *set, size_t i)
{
	return &set->entry[i];
}

const struct profile_entry *profile_set_match(const struct profile_set *set,
					      const struct link_info *link)
{
	struct interface_facts facts = { .type = link->wireless ? INTERFACE_WLAN
								: INTERFACE_ETHERNET };
	const struct profile *profile;

	memcpy(facts.name, link->name, sizeof facts.name);
	memcpy(facts.mac, link->mac, sizeof facts.mac);
	profile = profiles_match(&set->loaded, &facts);
	for (size_t i = 0; profile && i < set->loaded.count; i++) {
		if (set->entry[i].profile == profile)
			return &set->entry[i];
	}
	return NULL;
}

void profile_entry_view(const struct profile_entry *entry, struct profile_view *ret_view)
{
	const struct profile *profile = entry->profile;

	*ret_view = (struct profile_view){
		.priority = profile ? profile->priority : 0,
		.usable = entry->armed != NULL,
		.diagnosis = entry->armed ? entry->armed->warning : entry->problem,
	};
	snprintf(ret_view->name, sizeof ret_view->name, "%s", entry->name);
	snprintf(ret_view->path, sizeof ret_view->path, "%s",
		 profile ? profile->path : entry->refused);
	snprintf(ret_view->credential, sizeof ret_view->credential, "%s",
		 profile && profile->credential ? profile->credential : "");
	if (entry->armed)
		snprintf(ret_view->identity, sizeof ret_view->identity, "%s",
			 entry->armed->identity);
}
