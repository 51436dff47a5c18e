/* The directory backend, writing: what all changes share.
 *
 * What is new is made complete under a name that no reader looks at, brought to the disk, and then
 * renamed: a reader, and whoever comes after a kill or a power cut, sees the old state or the new
 * one.  The leftovers of a writer that was killed have those names too, and the next writer removes
 * them. */
#include "keystore/dir_write.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

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

int change_leftovers(int at, struct diagnosis *why)
{
	int r = place_remove(at, UNFINISHED, why);

	if (r == 0)
		r = place_remove(at, CONDEMNED, why);
	if (r == 0)
		r = place_remove(at, NEW_CURRENT, why);
	if (r == 0)
		r = place_remove(at, NEW_PROVED, why);
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
		(void)change_leftovers(fd, &ignored);
	return 0;
}

int change_begin(const struct keystore *keystore, const char *name, int *ret_lock,
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
		r = change_leftovers(keystore->fd, why);
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

static int write_meta(const struct keystore *keystore, int at, enum credential_kind kind,
		      struct diagnosis *why)
{
	AUTO_VALUE(bytes) text = { 0 };
	const struct meta meta = { .imported = time(NULL), .kind = kind };

	if (meta_build(&meta, &text) < 0)
		return place_failed(why, ENOMEM, "meta.json");
	return write_text(keystore, at, "meta.json", PLACE_PUBLIC, bytes_slice(&text), why);
}

int change_write_key(const struct keystore *keystore, int fd, const struct content *content,
		     struct diagnosis *why)
{
	if (content->key_uri)
		return write_text(keystore, fd, "key.uri", PLACE_PRIVATE,
				  slice_str(content->key_uri), why);
	return write_key(keystore, fd, content->key, why);
}

static int write_public(const struct keystore *keystore, int fd, const struct content *content,
			struct diagnosis *why)
{
	int r = write_certs(keystore, fd, "cert.pem", content->cert, NULL, why);

	if (r == 0)
		r = write_certs(keystore, fd, "chain.pem", NULL, content->chain, why);
	if (r == 0)
		r = write_certs(keystore, fd, "anchors.pem", NULL, content->anchors, why);
	return r;
}

static int write_secret(const struct keystore *keystore, int fd, const struct content *content,
			struct diagnosis *why)
{
	int r = write_text(keystore, fd, "username", PLACE_PUBLIC, slice_str(content->username),
			   why);

	return r < 0 ? r : write_text(keystore, fd, "secret", PLACE_PRIVATE, content->secret, why);
}

int change_write_rest(const struct keystore *keystore, int fd, const struct content *content,
		      struct diagnosis *why)
{
	int r = content->kind == CREDENTIAL_CERTIFICATE ? write_public(keystore, fd, content, why)
							: write_secret(keystore, fd, content, why);

	return r < 0 ? r : write_meta(keystore, fd, content->kind, why);
}

int change_write(const struct keystore *keystore, int at, const char *name,
		 const struct content *content, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	int r = place_make(at, name, &keystore->owner, &fd, why);

	if (r == 0 && content->kind == CREDENTIAL_CERTIFICATE)
		r = change_write_key(keystore, fd, content, why);
	if (r == 0)
		r = change_write_rest(keystore, fd, content, why);
	return r < 0 ? r : place_sync(fd, why);
}

/* ---- which one ---- */

int change_open(const struct keystore *keystore, const char *name, int *ret_fd,
		struct diagnosis *why)
{
	int r = place_open(keystore->fd, name, &keystore->owner, ret_fd, why);

	if (r != -ENOENT)
		return r;
	about_credential(why, DIAG_CREDENTIAL_MISSING, name);
	diagnosis_add(why, "detail", "%s has none of this name", keystore->path);
	return -ENODEV;
}

int change_listed(int credential_fd, const char *name, unsigned number, struct generations *ret_all,
		  struct diagnosis *why)
{
	int r = generations_list(credential_fd, ret_all, why);

	if (r < 0 || generations_have(ret_all, number))
		return r;
	about_credential(why, DIAG_CREDENTIAL_MISSING, name);
	diagnosis_add(why, "detail", "it has no generation %u", number);
	return -ENODEV;
}

int change_number(int credential_fd, const char *link, unsigned *ret_number, struct diagnosis *why)
{
	struct diagnosis kept = *why;
	char target[GENERATION_TEXT_MAX];
	int r = place_read_link(credential_fd, link, target, sizeof target, why);

	if (r == -ENOENT)
		*why = kept;
	else if (r < 0)
		return r;
	*ret_number = r == 0 ? generation_parse(target) : 0;
	return 0;
}

int change_current(int credential_fd, unsigned number, struct diagnosis *why)
{
	char target[GENERATION_TEXT_MAX];

	generation_format(number, target);
	return place_link(credential_fd, "current", NEW_CURRENT, target, why);
}

int change_condemn(int credential_fd, unsigned number, struct diagnosis *why)
{
	char name[GENERATION_TEXT_MAX];
	int r;

	generation_format(number, name);
	r = place_rename(credential_fd, name, credential_fd, CONDEMNED, why);
	return r < 0 ? r : place_remove(credential_fd, CONDEMNED, why);
}

void change_prune(int credential_fd)
{
	struct diagnosis ignored = { 0 };
	struct generations all;
	unsigned current, proved;

	if (generations_list(credential_fd, &all, &ignored) < 0 ||
	    change_number(credential_fd, "current", &current, &ignored) < 0 ||
	    change_number(credential_fd, PROVED, &proved, &ignored) < 0)
		return;
	for (unsigned n;
	     (n = generations_doomed(&all, current, proved, KEYSTORE_GENERATIONS_MAX)) != 0;) {
		if (change_condemn(credential_fd, n, &ignored) < 0)
			return;
		generations_remove(&all, n);
	}
}
