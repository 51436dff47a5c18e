/* The directory backend: put, select, remove. */
#include "keystore/dir_write.h"

#include <errno.h>

#include "keystore/uri.h"

/* ---- put ---- */

/* A credential that is new appears at once with its first generation. */
static int put_first(const struct keystore *keystore, const char *name,
		     const struct content *content, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	int r = place_make(keystore->fd, UNFINISHED, &keystore->owner, &fd, why);

	if (r == 0)
		r = change_write(keystore, fd, "1", content, why);
	if (r == 0)
		r = place_link(fd, "current", NEW_CURRENT, "1", why);
	if (r == 0)
		r = place_rename(keystore->fd, UNFINISHED, keystore->fd, name, why);
	return r < 0 ? r : place_sync(keystore->fd, why);
}

/* What is imported is meant: there is nothing to go back to if it does not work. */
static int put_next(const struct keystore *keystore, int credential_fd,
		    const struct content *content, unsigned *ret_number, struct diagnosis *why)
{
	struct generations all;
	char name[GENERATION_TEXT_MAX];
	int r = generations_list(credential_fd, &all, why);

	if (r < 0)
		return r;

	unsigned number = generations_next(&all);

	if (number == 0)
		return place_failed(why, EOVERFLOW, "generation");
	generation_format(number, name);
	r = change_write(keystore, credential_fd, UNFINISHED, content, why);
	if (r == 0)
		r = place_rename(credential_fd, UNFINISHED, credential_fd, name, why);
	if (r == 0)
		r = place_remove(credential_fd, PROVED, why);
	if (r == 0)
		r = place_sync(credential_fd, why);
	if (r == 0)
		r = change_current(credential_fd, number, why);
	if (r < 0)
		return r;
	change_prune(credential_fd);
	*ret_number = number;
	return 0;
}

static int check_complete(const char *name, const struct bundle *bundle, const char *key_uri,
			  struct diagnosis *why)
{
	const char *lacking = NULL;

	if (key_uri && !key_uri_valid(key_uri, why)) {
		diagnosis_add(why, "credential", "%s", name);
		return -EINVAL;
	}
	if (!bundle->cert)
		lacking = "there is no certificate for it";
	else if (!bundle->key && !key_uri)
		lacking = "there is no private key for it; give its file, or --key-uri";
	else if (bundle->key && key_uri)
		lacking = "it has both a key and the URI of a key; give one of them";
	if (!lacking)
		return 0;
	about_credential(why, DIAG_CREDENTIAL_UNUSABLE, name);
	diagnosis_add(why, "detail", "%s", lacking);
	return -EINVAL;
}

int keystore_put(struct keystore *keystore, const char *name, const struct bundle *bundle,
		 const char *key_uri, unsigned *ret_generation, struct diagnosis *why)
{
	const struct content content = { .key = bundle->key,
					 .key_uri = key_uri,
					 .cert = bundle->cert,
					 .chain = bundle->chain,
					 .anchors = bundle->anchors };
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	unsigned number = 1;
	size_t credentials;
	struct diagnosis ignored = { 0 };
	int r = check_complete(name, bundle, key_uri, why);

	if (r == 0)
		r = change_begin(keystore, name, &lock, &credentials, why);
	if (r < 0)
		return r;
	r = place_open(keystore->fd, name, &keystore->owner, &fd, why);
	if (r == 0) {
		r = put_next(keystore, fd, &content, &number, why);
	} else if (r == -ENOENT && credentials >= KEYSTORE_CREDENTIALS_MAX) {
		diagnosis_add(why, "detail", "it holds %d credentials, and no more are allowed",
			      KEYSTORE_CREDENTIALS_MAX);
		r = -ENOSPC;
	} else if (r == -ENOENT) {
		r = put_first(keystore, name, &content, why);
	}
	if (r < 0) {
		(void)change_leftovers(fd >= 0 ? fd : keystore->fd, &ignored);
		return r;
	}
	diagnosis_set(why, DIAG_NONE);
	*ret_generation = number;
	return 0;
}

/* ---- select and remove ---- */

int keystore_select(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	struct generations all;
	size_t credentials;
	int r = change_begin(keystore, name, &lock, &credentials, why);

	if (r == 0)
		r = change_open(keystore, name, &fd, why);
	if (r == 0)
		r = change_listed(fd, name, generation, &all, why);
	if (r == 0)
		r = place_remove(fd, PROVED, why);
	if (r == 0)
		r = change_current(fd, generation, why);
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

int keystore_remove(struct keystore *keystore, const char *name, struct diagnosis *why)
{
	AUTO_FD lock = -1;
	size_t credentials;
	struct diagnosis ignored = { 0 };
	int r = change_begin(keystore, name, &lock, &credentials, why);

	if (r < 0)
		return r;
	r = place_rename(keystore->fd, name, keystore->fd, CONDEMNED, why);
	if (r == -ENOENT) {
		about_credential(why, DIAG_CREDENTIAL_MISSING, name);
		diagnosis_add(why, "detail", "%s has none of this name", keystore->path);
		return -ENODEV;
	}
	if (r == 0)
		r = place_sync(keystore->fd, why);
	if (r < 0)
		return r;
	/* It is gone for every reader; its octets follow now, or with the next change. */
	(void)place_remove(keystore->fd, CONDEMNED, &ignored);
	diagnosis_set(why, DIAG_NONE);
	return 0;
}
