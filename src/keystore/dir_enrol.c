/* The directory backend: generations that are made while another is in use. */
#include "keystore/dir_write.h"

#include <errno.h>
#include <string.h>

#include "keystore/uri.h"

/* Not among the names that a writer cleans up: it outlives other changes. */
#define PENDING ".pending"

static int refused(struct diagnosis *why, const char *name, const char *detail)
{
	about_credential(why, DIAG_CREDENTIAL_UNUSABLE, name);
	diagnosis_add(why, "detail", "%s", detail);
	return -EINVAL;
}

/* The directory of a credential, which is made if it is new. */
static int open_or_make(const struct keystore *keystore, const char *name, size_t credentials,
			int *ret_fd, struct diagnosis *why)
{
	int r = place_open(keystore->fd, name, &keystore->owner, ret_fd, why);

	if (r != -ENOENT)
		return r;
	about_keystore(why, keystore->path);
	if (credentials >= KEYSTORE_CREDENTIALS_MAX) {
		diagnosis_add(why, "detail", "it holds %d credentials, and no more are allowed",
			      KEYSTORE_CREDENTIALS_MAX);
		return -ENOSPC;
	}
	r = place_make(keystore->fd, name, &keystore->owner, ret_fd, why);
	return r < 0 ? r : place_sync(keystore->fd, why);
}

static bool has_pending(const struct keystore *keystore, int credential_fd)
{
	struct diagnosis ignored = { 0 };
	AUTO_FD fd = -1;

	return place_open(credential_fd, PENDING, &keystore->owner, &fd, &ignored) != -ENOENT;
}

/* A credential without a current generation, that has nothing else either. */
static void remove_if_empty(const struct keystore *keystore, const char *name, int credential_fd)
{
	struct diagnosis ignored = { 0 };
	struct generations all;
	unsigned current;

	if (!has_pending(keystore, credential_fd) &&
	    generations_list(credential_fd, &all, &ignored) == 0 && all.count == 0 &&
	    change_number(credential_fd, "current", &current, &ignored) == 0 && current == 0)
		(void)place_remove(keystore->fd, name, &ignored);
}

/* ---- begin ---- */

static int write_pending(const struct keystore *keystore, int credential_fd,
			 const struct content *content, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	int r = place_remove(credential_fd, PENDING, why);

	if (r == 0)
		r = place_make(credential_fd, PENDING, &keystore->owner, &fd, why);
	if (r == 0)
		r = change_write_key(keystore, fd, content, why);
	if (r == 0)
		r = place_sync(fd, why);
	return r < 0 ? r : place_sync(credential_fd, why);
}

int keystore_begin(struct keystore *keystore, const char *name, const EVP_PKEY *key,
		   const char *key_uri, struct diagnosis *why)
{
	const struct content content = { .key = key, .key_uri = key_uri };
	struct diagnosis ignored = { 0 };
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	size_t credentials;
	int r;

	if (!key == !key_uri)
		return refused(why, name, "it needs a key or the URI of one, and not both");
	if (key_uri && !key_uri_valid(key_uri, why)) {
		diagnosis_add(why, "credential", "%s", name);
		return -EINVAL;
	}
	r = change_begin(keystore, name, &lock, &credentials, why);
	if (r == 0)
		r = open_or_make(keystore, name, credentials, &fd, why);
	if (r == 0)
		r = write_pending(keystore, fd, &content, why);
	if (r == 0) {
		diagnosis_set(why, DIAG_NONE);
		return 0;
	}
	if (fd >= 0) {
		(void)place_remove(fd, PENDING, &ignored);
		remove_if_empty(keystore, name, fd);
	}
	return r;
}

static int begun(const struct keystore *keystore, const char *name, int credential_fd,
		 EVP_PKEY **ret_key, struct diagnosis *why)
{
	struct generation it = { .credential_fd = credential_fd, .fd = -1 };
	AUTO_FD fd = -1;
	int r = place_open(credential_fd, PENDING, &keystore->owner, &fd, why);

	it.fd = fd;
	return r < 0 ? r : generation_key(keystore, &it, name, ret_key, why);
}

int keystore_begun(struct keystore *keystore, const char *name, EVP_PKEY **ret_key,
		   struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	size_t credentials;
	int r = change_begin(keystore, name, &lock, &credentials, why);

	if (r == 0)
		r = place_open(keystore->fd, name, &keystore->owner, &fd, why);
	if (r == 0)
		r = begun(keystore, name, fd, ret_key, why);
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r == -ENOENT ? -ENODEV : r;
}

int keystore_abandon(struct keystore *keystore, const char *name, struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	size_t credentials;
	int r = change_begin(keystore, name, &lock, &credentials, why);

	if (r == 0)
		r = place_open(keystore->fd, name, &keystore->owner, &fd, why);
	if (r == 0)
		r = place_remove(fd, PENDING, why);
	if (r < 0 && r != -ENOENT)
		return r;
	if (fd >= 0)
		remove_if_empty(keystore, name, fd);
	diagnosis_set(why, DIAG_NONE);
	return 0;
}

/* ---- finish ---- */

static int check_parts(const char *name, const struct keystore_parts *parts, struct diagnosis *why)
{
	if (parts->kind == CREDENTIAL_CERTIFICATE)
		return parts->cert ? 0 : refused(why, name, "there is no certificate for it");
	if (parts->secret.len == 0 || parts->secret.len > KEYSTORE_SECRET_MAX)
		return refused(why, name, "its secret is empty, or too long");
	if (!parts->username || strlen(parts->username) > KEYSTORE_USERNAME_MAX ||
	    strpbrk(parts->username, "\r\n"))
		return refused(why, name, "its user name is missing, too long, or not one line");
	return 0;
}

/* What somebody has written besides the key, who was killed. */
static int clear_rest(int fd, struct diagnosis *why)
{
	static const char *const files[] = { "cert.pem", "chain.pem", "anchors.pem", "meta.json" };
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0] && r == 0; i++)
		r = place_remove(fd, files[i], why);
	return r;
}

/* The key is on the disk already; what the certificate needs besides joins it. */
static int write_to_pending(const struct keystore *keystore, const char *name, int credential_fd,
			    const struct content *content, struct diagnosis *why)
{
	struct generation it = { .credential_fd = credential_fd, .fd = -1 };
	AUTO(EVP_PKEY) key = NULL;
	AUTO_FD fd = -1;
	int r = place_open(credential_fd, PENDING, &keystore->owner, &fd, why);

	it.fd = fd;
	if (r == 0)
		r = generation_key(keystore, &it, name, &key, why);
	if (r < 0)
		return r;
	if (!key_matches(content->cert, key)) {
		about_credential(why, DIAG_KEY_MISMATCH, name);
		return -EKEYREJECTED;
	}
	about_keystore(why, keystore->path);
	r = clear_rest(fd, why);
	if (r == 0)
		r = change_write_rest(keystore, fd, content, why);
	return r < 0 ? r : place_sync(fd, why);
}

static int finish(const struct keystore *keystore, const char *credential, int credential_fd,
		  const struct content *content, unsigned *ret_number, struct diagnosis *why)
{
	struct generations all;
	char name[GENERATION_TEXT_MAX];
	int r;

	if (content->kind == CREDENTIAL_CERTIFICATE) {
		r = write_to_pending(keystore, credential, credential_fd, content, why);
	} else {
		r = place_remove(credential_fd, PENDING, why);
		if (r == 0)
			r = change_write(keystore, credential_fd, PENDING, content, why);
	}
	if (r == 0)
		r = generations_list(credential_fd, &all, why);
	if (r < 0)
		return r;
	*ret_number = generations_next(&all);
	if (*ret_number == 0)
		return place_failed(why, EOVERFLOW, "generation");
	generation_format(*ret_number, name);
	r = place_rename(credential_fd, PENDING, credential_fd, name, why);
	return r < 0 ? r : place_sync(credential_fd, why);
}

int keystore_finish(struct keystore *keystore, const char *name, const struct keystore_parts *parts,
		    unsigned *ret_generation, struct diagnosis *why)
{
	const struct content content = { .kind = parts->kind,
					 .cert = parts->cert,
					 .chain = parts->chain,
					 .anchors = parts->anchors,
					 .username = parts->username,
					 .secret = parts->secret };
	struct diagnosis ignored = { 0 };
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	size_t credentials;
	unsigned number;
	int r = check_parts(name, parts, why);

	if (r == 0)
		r = change_begin(keystore, name, &lock, &credentials, why);
	if (r == 0)
		r = open_or_make(keystore, name, credentials, &fd, why);
	if (r == 0)
		r = finish(keystore, name, fd, &content, &number, why);
	if (r == 0) {
		change_prune(fd);
		diagnosis_set(why, DIAG_NONE);
		*ret_generation = number;
		return 0;
	}
	/* A disk may have room again: the key waits for it, and what came is had again with it. */
	if (fd >= 0 && (parts->kind != CREDENTIAL_CERTIFICATE || r == -EKEYREJECTED))
		(void)place_remove(fd, PENDING, &ignored);
	if (fd >= 0)
		remove_if_empty(keystore, name, fd);
	return r;
}

/* ---- trial ---- */

static int change_proved(int credential_fd, unsigned number, struct diagnosis *why)
{
	char target[GENERATION_TEXT_MAX];

	generation_format(number, target);
	return place_link(credential_fd, PROVED, NEW_PROVED, target, why);
}

/* What both links say; of a credential that may be changed. */
static int look(const struct keystore *keystore, const char *name, int *ret_lock, int *ret_fd,
		unsigned *ret_current, unsigned *ret_proved, struct diagnosis *why)
{
	size_t credentials;
	int r = change_begin(keystore, name, ret_lock, &credentials, why);

	*ret_current = *ret_proved = 0;
	if (r == 0)
		r = change_open(keystore, name, ret_fd, why);
	if (r == 0)
		r = change_number(*ret_fd, "current", ret_current, why);
	return r < 0 ? r : change_number(*ret_fd, PROVED, ret_proved, why);
}

int keystore_try(struct keystore *keystore, const char *name, unsigned generation,
		 struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	struct generations all;
	unsigned current, proved;
	int r = look(keystore, name, &lock, &fd, &current, &proved, why);

	if (r == 0)
		r = change_listed(fd, name, generation, &all, why);
	if (r < 0)
		return r;
	/* A second trial, while the first goes on, has the same way back. */
	if (current != 0 && current != generation && !generations_have(&all, proved))
		r = change_proved(fd, current, why);
	if (r == 0)
		r = change_current(fd, generation, why);
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

int keystore_settle(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	unsigned current, proved;
	int r = look(keystore, name, &lock, &fd, &current, &proved, why);

	if (r == 0 && current == generation && proved != 0) {
		r = place_remove(fd, PROVED, why);
		if (r == 0)
			r = place_sync(fd, why);
	}
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

int keystore_fall_back(struct keystore *keystore, const char *name, unsigned *ret_generation,
		       struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	struct generations all;
	unsigned current, proved;
	int r = look(keystore, name, &lock, &fd, &current, &proved, why);

	if (r == 0)
		r = generations_list(fd, &all, why);
	if (r < 0)
		return r;
	if (!generations_have(&all, proved))
		proved = 0;
	/* current first: a cut between the two leaves a trial of what was proved. */
	if (proved != 0)
		r = change_current(fd, proved, why);
	if (r == 0)
		r = place_remove(fd, PROVED, why);
	if (r == 0)
		r = place_sync(fd, why);
	if (r < 0)
		return r;
	*ret_generation = proved;
	diagnosis_set(why, DIAG_NONE);
	return 0;
}

int keystore_discard(struct keystore *keystore, const char *name, unsigned generation,
		     struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	struct generations all;
	unsigned current, proved;
	int r = look(keystore, name, &lock, &fd, &current, &proved, why);

	if (r == 0 && (generation == current || generation == proved))
		return refused(why, name, "it is in use");
	if (r == 0)
		r = change_listed(fd, name, generation, &all, why);
	if (r == 0)
		r = change_condemn(fd, generation, why);
	if (r == 0)
		r = place_sync(fd, why);
	if (r < 0)
		return r;
	remove_if_empty(keystore, name, fd);
	diagnosis_set(why, DIAG_NONE);
	return 0;
}

/* ---- after a crash ---- */

struct recovery {
	struct keystore *keystore;
	struct diagnosis why; /* of the last that could not be repaired */
	int error;
};

static unsigned highest(const struct generations *all)
{
	unsigned number = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (all->numbers[i] > number)
			number = all->numbers[i];
	}
	return number;
}

static int recover_one(struct recovery *recovery, const char *name, struct diagnosis *why)
{
	AUTO(EVP_PKEY) pending = NULL;
	AUTO_FD fd = -1;
	struct generations all = { 0 };
	unsigned current = 0;
	struct diagnosis ignored = { 0 };
	int r = place_open(recovery->keystore->fd, name, &recovery->keystore->owner, &fd, why);

	if (r == 0 && begun(recovery->keystore, name, fd, &pending, &ignored) < 0)
		r = place_remove(fd, PENDING, why);
	if (r == 0)
		r = change_number(fd, "current", &current, why);
	if (r == 0)
		r = generations_list(fd, &all, why);
	if (r < 0 || current != 0)
		return r;
	if (all.count > 0)
		return change_current(fd, highest(&all), why);
	remove_if_empty(recovery->keystore, name, fd);
	return 0;
}

static int recover(void *context, const char *name)
{
	struct recovery *recovery = context;
	struct diagnosis why;
	int r;

	if (!keystore_name_valid(name))
		return 0;
	about_credential(&why, DIAG_CREDENTIAL_UNUSABLE, name);
	r = recover_one(recovery, name, &why);
	if (r < 0) {
		recovery->error = r;
		recovery->why = why;
	}
	return 0;
}

int keystore_recover(struct keystore *keystore, struct diagnosis *why)
{
	struct recovery recovery = { .keystore = keystore };
	AUTO_FD lock = -1;
	size_t credentials;
	/* Any name that is valid: the lock and the cleaning are the whole keystore's. */
	int r = change_begin(keystore, "recovery", &lock, &credentials, why);

	if (r == 0)
		r = place_each(keystore->fd, recover, &recovery, why);
	if (r < 0)
		return r;
	*why = recovery.why;
	return recovery.error;
}
