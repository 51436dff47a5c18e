/* The directory backend: what a list shows. */
#include "keystore/dir_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int info_of_key(const struct keystore *keystore, const struct generation *it,
		       struct credential_info *info, struct diagnosis *why)
{
	int r;

	about_credential(why, DIAG_KEY_UNREADABLE, info->name);
	r = generation_uri(keystore, it, info->key_uri, sizeof info->key_uri, why);
	if (r == -ENOENT)
		r = place_check(it->fd, "key.pem", &keystore->owner, PLACE_PRIVATE, why);
	return r;
}

static int info_of_cert(const struct keystore *keystore, const struct generation *it,
			struct credential_info *info, struct diagnosis *why)
{
	AUTO(X509_STACK) chain = NULL;
	AUTO(X509_STACK) anchors = NULL;
	AUTO(X509) cert = NULL;
	int r = generation_cert(keystore, it, &cert, why);

	if (r == 0)
		cert_info_of(cert, &info->cert);
	if (r == 0)
		r = generation_certs(keystore, it, "chain.pem", &chain, why);
	if (r == 0)
		r = generation_certs(keystore, it, "anchors.pem", &anchors, why);
	if (r == 0)
		r = info_of_key(keystore, it, info, why);
	if (r < 0)
		return r;
	info->chain_length = (size_t)sk_X509_num(chain);
	info->anchor_count = (size_t)sk_X509_num(anchors);
	return 0;
}

static int info_of_secret(const struct keystore *keystore, const struct generation *it,
			  struct credential_info *info, struct diagnosis *why)
{
	int r = generation_username(keystore, it, info->username, why);

	return r < 0 ? r : place_check(it->fd, "secret", &keystore->owner, PLACE_PRIVATE, why);
}

static int info_once(const struct keystore *keystore, const char *name,
		     struct credential_info *info, struct diagnosis *why)
{
	AUTO_VALUE(generation) it = { -1, -1, 0 };
	struct generations all;
	struct meta meta;
	int r = generation_open(keystore, name, &it, why);

	*info = (struct credential_info){ .generation = it.number };
	snprintf(info->name, sizeof info->name, "%s", name);
	if (r == 0)
		r = generations_list(it.credential_fd, &all, why);
	if (r == 0)
		info->generations = (unsigned)all.count;
	if (r == 0)
		r = change_number(it.credential_fd, PROVED, &info->proved, why);
	if (r == 0)
		r = generation_meta(keystore, &it, &meta, why);
	if (r == 0) {
		info->imported = meta.imported;
		info->kind = meta.kind;
		r = meta.kind == CREDENTIAL_CERTIFICATE ? info_of_cert(keystore, &it, info, why)
							: info_of_secret(keystore, &it, info, why);
	}
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

static int info_of(const struct keystore *keystore, const char *name, struct credential_info *info,
		   struct diagnosis *why)
{
	int r = -ENOENT;

	for (int i = 0; i < READ_ATTEMPTS && r == -ENOENT; i++)
		r = info_once(keystore, name, info, why);
	info->kind_name = credential_kind_name(info->kind);
	info->problem = *why;
	return r;
}

int keystore_show(struct keystore *keystore, const char *name, struct credential_info *ret_info,
		  struct diagnosis *why)
{
	struct credential_info info;
	int r = info_of(keystore, name, &info, why);

	/* A damaged one can be shown; one that is not there cannot. */
	if (r == -ENODEV || r == -EINVAL)
		return r;
	*ret_info = info;
	return 0;
}

struct names {
	char (*names)[KEYSTORE_NAME_MAX + 1];
	size_t count;
};

static int add_name(void *context, const char *name)
{
	struct names *all = context;

	if (keystore_name_valid(name) && all->count < KEYSTORE_CREDENTIALS_MAX)
		snprintf(all->names[all->count++], sizeof all->names[0], "%s", name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int keystore_list(struct keystore *keystore,
		  void (*found)(void *context, const struct credential_info *info), void *context)
{
	AUTO(char) memory = calloc(KEYSTORE_CREDENTIALS_MAX, KEYSTORE_NAME_MAX + 1);
	struct names all = { (char(*)[KEYSTORE_NAME_MAX + 1])(void *)memory, 0 };
	struct credential_info info;
	struct diagnosis why;
	int r;

	if (!memory)
		return -ENOMEM;
	about_keystore(&why, keystore->path);
	r = place_each(keystore->fd, add_name, &all, &why);
	if (r < 0)
		return r;
	qsort(all.names, all.count, sizeof all.names[0], by_name);
	for (size_t i = 0; i < all.count; i++) {
		/* Removed since: then it is not listed. */
		if (info_of(keystore, all.names[i], &info, &why) != -ENODEV)
			found(context, &info);
	}
	return 0;
}
