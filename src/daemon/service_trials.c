/* Generations on trial that do not do, and are gone back from. */
#include <errno.h>

#include "daemon/held.h"
#include "drivers/log.h"

const struct credential_info *held_stored(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->credential_count; i++) {
		if (strcmp(s->credentials[i].name, name) == 0)
			return &s->credentials[i];
	}
	return NULL;
}

bool held_on_trial(const struct service *s, const struct profile *profile)
{
	const struct profile_credentials all = profile_enrolled(profile);
	bool any = false;

	for (size_t i = 0; i < all.count; i++) {
		const struct credential_info *info = held_stored(s, all.is[i].name);

		any = any || (info && info->proved != 0);
	}
	return any;
}

/* But for the one that the profile shows. */
static void others_fall_back(struct service *s, const struct profile *profile)
{
	const struct profile_credentials all = profile_enrolled(profile);
	struct diagnosis why;
	unsigned generation;

	for (size_t i = 1; i < all.count; i++) {
		diagnosis_set(&why, DIAG_NONE);
		if (held_stored(s, all.is[i].name) &&
		    keystore_fall_back(s->keystore, all.is[i].name, &generation, &why) < 0)
			log_event(LOG_ERR, "credential.fall-back", "credential=%s result=failed",
				  all.is[i].name);
	}
}

/* The renewal has failed already. */
void held_fall_back(struct service *s, struct held *h, const struct profile *profile,
		    const struct diagnosis *cause)
{
	const struct credential_info *info = held_stored(s, h->name);
	const struct moment now = loop_now();
	struct credential_info again;
	unsigned refused = info ? info->generation : 0, generation = 0;
	struct diagnosis why = { 0 };
	char sentence[512] = "", quoted[512];

	others_fall_back(s, profile);
	diagnosis_sentence(cause, sentence, sizeof sentence);
	if (keystore_fall_back(s->keystore, h->name, &generation, &why) < 0) {
		log_event(LOG_ERR, "credential.fall-back",
			  "credential=%s result=failed cause=\"%s\"", h->name,
			  log_quoted(diagnosis_sentence(&why, sentence, sizeof sentence), quoted,
				     sizeof quoted));
		return;
	}
	diagnosis_set(&h->problem, DIAG_RENEWAL_FELL_BACK);
	diagnosis_add(&h->problem, "credential", "%s", h->name);
	diagnosis_add(&h->problem, "refused", "%u", refused);
	diagnosis_add(&h->problem, "detail", "%s", diagnosis_text(cause->id)->name);
	if (keystore_show(s->keystore, h->name, &again, &why) == 0)
		diagnosis_add_time(&h->problem, "not_after", again.cert.not_after);
	diagnosis_add_time(&h->problem, "retry", held_retry_time(h->life.renewal.retry_at, now));
	h->problem.when = now.wall;
	log_event(LOG_ERR, "credential.fall-back",
		  "credential=%s refused=%u generation=%u cause=\"%s\"", h->name, refused,
		  generation, log_quoted(sentence, quoted, sizeof quoted));
}

/* Whether it is sure that no clock and no want of memory is to blame.  *ret_why stays if it is not.
 */
static bool is_damaged(struct service *s, const char *name, struct diagnosis *ret_why)
{
	AUTO_STRUCT(credential) credential = NULL;
	struct diagnosis why = { 0 };

	switch (keystore_get(s->keystore, name, &credential, &why)) {
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -EBADMSG:
	case -EKEYREJECTED:
		*ret_why = why;
		return true;
	default:
		return false;
	}
}

bool trials_end(struct service *s, bool just_begun)
{
	bool changed = false;

	for (size_t i = 0; i < profile_set_count(s->profiles); i++) {
		const struct profile_entry *entry = profile_set_entry(s->profiles, i);
		const char *name = entry->profile ? profile_credential(entry->profile) : NULL;
		struct diagnosis why = entry->armed ? entry->armed->warning : entry->problem;
		struct held *h;

		if (!name || (entry->armed && entry->armed->ready) ||
		    !held_on_trial(s, entry->profile) ||
		    (!is_damaged(s, name, &why) && !just_begun))
			continue;
		h = held_make(s, name);
		if (!h)
			continue;
		renewal_failed(&h->life.renewal, true, loop_now(), held_chance());
		held_fall_back(s, h, entry->profile, &why);
		changed = true;
	}
	return changed;
}
