/* The directory backend, changing.
 *
 * What is new is made complete under a name that no reader looks at, brought to the disk, and then
 * renamed: a reader, and whoever comes after a kill or a power cut, sees the old state or the new
 * one.  The leftovers of a writer that was killed have those names too, and the next writer removes
 * them. */
#include "keystore/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "keystore/uri.h"

/* None is a valid name, of a credential or of a generation. */
#define UNFINISHED  ".new"
#define CONDEMNED   ".gone"
#define NEW_CURRENT ".current"

/* ---- one writer at a time ---- */

/* A description of its own, because a lock belongs to one; closing it unlocks. */
static int lock_keystore(const struct keystore *keystore, int *ret_fd, struct diagnosis *why)
{
	AUTO_FD fd = openat(keystore->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return place_failed(why, errno, "lock");
	do {
		r = flock(fd, LOCK_EX);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return place_failed(why, errno, "lock");
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int remove_leftovers(int at, struct diagnosis *why)
{
	int r = place_remove(at, UNFINISHED, why);

	if (r == 0)
		r = place_remove(at, CONDEMNED, why);
	if (r == 0)
		r = place_remove(at, NEW_CURRENT, why);
	return r;
}

struct cleaning {
	const struct keystore *keystore;
	size_t credentials;
};

static int clean_credential(void *context, const char *name)
{
	struct cleaning *cleaning = context;
	struct diagnosis ignored = { 0 };
	AUTO_FD fd = -1;

	if (!keystore_name_valid(name))
		return 0;
	cleaning->credentials++;
	/* One that is damaged is no obstacle to changing another. */
	if (place_open(cleaning->keystore->fd, name, &cleaning->keystore->owner, &fd, &ignored) ==
	    0)
		(void)remove_leftovers(fd, &ignored);
	return 0;
}

/* Locks, cleans up, and counts the credentials. */
static int begin(const struct keystore *keystore, const char *name, int *ret_lock,
		 size_t *ret_credentials, struct diagnosis *why)
{
	struct cleaning cleaning = { .keystore = keystore };
	int r;

	if (!keystore_name_valid(name)) {
		about_credential(why, DIAG_CREDENTIAL_UNUSABLE, name);
		diagnosis_add(why, "detail",
			      "its name is not 1 to %d letters, digits, '.', '_' or '-'",
			      KEYSTORE_NAME_MAX);
		return -EINVAL;
	}
	about_keystore(why, keystore->path);
	r = lock_keystore(keystore, ret_lock, why);
	if (r == 0)
		r = remove_leftovers(keystore->fd, why);
	if (r == 0)
		r = place_each(keystore->fd, clean_credential, &cleaning, why);
	*ret_credentials = cleaning.credentials;
	return r;
}

/* ---- the files of a generation ---- */

static int write_text(const struct keystore *keystore, int at, const char *name,
		      enum place_privacy privacy, struct slice text, struct diagnosis *why)
{
	return place_write(at, name, &keystore->owner, privacy, text, why);
}

static int write_key(const struct keystore *keystore, int at, const EVP_PKEY *key,
		     struct diagnosis *why)
{
	AUTO(BIO) bio = BIO_new(BIO_s_secmem());
	char *pem;

	if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		ERR_clear_error();
		return place_failed(why, ENOMEM, "key.pem");
	}

	long len = BIO_get_mem_data(bio, &pem);

	return write_text(keystore, at, "key.pem", PLACE_PRIVATE, slice_of(pem, (size_t)len), why);
}

static int write_certs(const struct keystore *keystore, int at, const char *name, X509 *first,
		       const STACK_OF(X509) * rest, struct diagnosis *why)
{
	AUTO(BIO) bio = BIO_new(BIO_s_mem());
	bool written = bio && (!first || PEM_write_bio_X509(bio, first) == 1);
	char *pem;

	for (int i = 0; written && i < sk_X509_num(rest); i++)
		written = PEM_write_bio_X509(bio, sk_X509_value(rest, i)) == 1;
	if (!written) {
		ERR_clear_error();
		return place_failed(why, ENOMEM, name);
	}

	long len = BIO_get_mem_data(bio, &pem);

	return write_text(keystore, at, name, PLACE_PUBLIC, slice_of(pem, (size_t)len), why);
}

static int write_meta(const struct keystore *keystore, int at, struct diagnosis *why)
{
	AUTO_VALUE(bytes) text = { 0 };
	const struct meta meta = { .imported = time(NULL) };

	if (meta_build(&meta, &text) < 0)
		return place_failed(why, ENOMEM, "meta.json");
	return write_text(keystore, at, "meta.json", PLACE_PUBLIC, bytes_slice(&text), why);
}

/* Makes a directory with all files of a generation, complete and on the disk. */
static int write_generation(const struct keystore *keystore, int at, const char *name,
			    const struct bundle *bundle, const char *key_uri, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	int r = place_make(at, name, &keystore->owner, &fd, why);

	if (r == 0)
		r = key_uri ? write_text(keystore, fd, "key.uri", PLACE_PRIVATE, slice_str(key_uri),
					 why)
			    : write_key(keystore, fd, bundle->key, why);
	if (r == 0)
		r = write_certs(keystore, fd, "cert.pem", bundle->cert, NULL, why);
	if (r == 0)
		r = write_certs(keystore, fd, "chain.pem", NULL, bundle->chain, why);
	if (r == 0)
		r = write_certs(keystore, fd, "anchors.pem", NULL, bundle->anchors, why);
	if (r == 0)
		r = write_meta(keystore, fd, why);
	return r < 0 ? r : place_sync(fd, why);
}

/* ---- put ---- */

/* A credential that is new appears at once with its first generation. */
static int put_first(const struct keystore *keystore, const char *name, const struct bundle *bundle,
		     const char *key_uri, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	int r = place_make(keystore->fd, UNFINISHED, &keystore->owner, &fd, why);

	if (r == 0)
		r = write_generation(keystore, fd, "1", bundle, key_uri, why);
	if (r == 0)
		r = place_link(fd, "current", NEW_CURRENT, "1", why);
	if (r == 0)
		r = place_rename(keystore->fd, UNFINISHED, keystore->fd, name, why);
	return r < 0 ? r : place_sync(keystore->fd, why);
}

static int make_current(int credential_fd, unsigned number, struct diagnosis *why)
{
	char target[GENERATION_TEXT_MAX];

	generation_format(number, target);
	return place_link(credential_fd, "current", NEW_CURRENT, target, why);
}

/* The change is made already: what cannot be removed now is removed the next time. */
static void prune(int credential_fd, struct generations *all, unsigned current)
{
	struct diagnosis ignored = { 0 };
	char name[GENERATION_TEXT_MAX];

	for (unsigned n; (n = generations_doomed(all, current, KEYSTORE_GENERATIONS_MAX)) != 0;) {
		generation_format(n, name);
		if (place_rename(credential_fd, name, credential_fd, CONDEMNED, &ignored) < 0 ||
		    place_remove(credential_fd, CONDEMNED, &ignored) < 0)
			return;
		generations_remove(all, n);
	}
}

static int put_next(const struct keystore *keystore, int credential_fd, const struct bundle *bundle,
		    const char *key_uri, unsigned *ret_number, struct diagnosis *why)
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
	r = write_generation(keystore, credential_fd, UNFINISHED, bundle, key_uri, why);
	if (r == 0)
		r = place_rename(credential_fd, UNFINISHED, credential_fd, name, why);
	if (r == 0)
		r = place_sync(credential_fd, why);
	if (r == 0)
		r = make_current(credential_fd, number, why);
	if (r < 0)
		return r;
	generations_add(&all, number);
	prune(credential_fd, &all, number);
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
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	unsigned number = 1;
	size_t credentials;
	struct diagnosis ignored = { 0 };
	int r = check_complete(name, bundle, key_uri, why);

	if (r == 0)
		r = begin(keystore, name, &lock, &credentials, why);
	if (r < 0)
		return r;
	r = place_open(keystore->fd, name, &keystore->owner, &fd, why);
	if (r == 0) {
		r = put_next(keystore, fd, bundle, key_uri, &number, why);
	} else if (r == -ENOENT && credentials >= KEYSTORE_CREDENTIALS_MAX) {
		diagnosis_add(why, "detail", "it holds %d credentials, and no more are allowed",
			      KEYSTORE_CREDENTIALS_MAX);
		r = -ENOSPC;
	} else if (r == -ENOENT) {
		r = put_first(keystore, name, bundle, key_uri, why);
	}
	if (r < 0) {
		(void)remove_leftovers(fd >= 0 ? fd : keystore->fd, &ignored);
		return r;
	}
	diagnosis_set(why, DIAG_NONE);
	*ret_generation = number;
	return 0;
}

/* ---- select and remove ---- */

static int open_credential(const struct keystore *keystore, const char *name, int *ret_fd,
			   struct diagnosis *why)
{
	int r = place_open(keystore->fd, name, &keystore->owner, ret_fd, why);

	if (r != -ENOENT)
		return r;
	about_credential(why, DIAG_CREDENTIAL_MISSING, name);
	diagnosis_add(why, "detail", "%s has none of this name", keystore->path);
	return -ENODEV;
}

int keystore_select(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why)
{
	AUTO_FD lock = -1;
	AUTO_FD fd = -1;
	struct generations all;
	size_t credentials;
	int r = begin(keystore, name, &lock, &credentials, why);

	if (r == 0)
		r = open_credential(keystore, name, &fd, why);
	if (r == 0)
		r = generations_list(fd, &all, why);
	if (r < 0)
		return r;
	if (!generations_have(&all, generation)) {
		about_credential(why, DIAG_CREDENTIAL_MISSING, name);
		diagnosis_add(why, "detail", "it has no generation %u", generation);
		return -ENODEV;
	}
	r = make_current(fd, generation, why);
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

int keystore_remove(struct keystore *keystore, const char *name, struct diagnosis *why)
{
	AUTO_FD lock = -1;
	size_t credentials;
	struct diagnosis ignored = { 0 };
	int r = begin(keystore, name, &lock, &credentials, why);

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
