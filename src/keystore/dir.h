/* What reading (dir.c) and changing (dir_change.c) a directory keystore share. */
#ifndef KEYSTORE_DIR_H
#define KEYSTORE_DIR_H

#include "keystore/generation.h"
#include "keystore/keystore.h"
#include "keystore/place.h"

#define META_MAX 4096

struct keystore {
	char *path;
	int fd;
	struct place_owner owner;
};

/* A reader that looks away while its generation is pruned or removed looks again.  Each time costs
 * a writer KEYSTORE_GENERATIONS_MAX imports, so that this ends. */
#define READ_ATTEMPTS 8

/* The one current generation of one credential, held open. */
struct generation {
	int credential_fd, fd;
	unsigned number;
};

void generation_done(struct generation *generation);
int generation_open(const struct keystore *keystore, const char *name,
		    struct generation *ret_generation, struct diagnosis *why);
int generations_list(int credential_fd, struct generations *ret_all, struct diagnosis *why);

int generation_public(const struct keystore *keystore, const struct generation *it,
		      const char *file, struct secret *ret_content, struct diagnosis *why);
int generation_cert(const struct keystore *keystore, const struct generation *it, X509 **ret_cert,
		    struct diagnosis *why);
int generation_certs(const struct keystore *keystore, const struct generation *it, const char *file,
		     STACK_OF(X509) * *ret_certs, struct diagnosis *why);
/* -ENOENT when the key is a file. */
int generation_uri(const struct keystore *keystore, const struct generation *it, char *buffer,
		   size_t size, struct diagnosis *why);
/* The evidence of *why is about the key. */
int generation_key(const struct keystore *keystore, const struct generation *it, const char *name,
		   EVP_PKEY **ret_key, struct diagnosis *why);
int generation_username(const struct keystore *keystore, const struct generation *it,
			char ret_username[KEYSTORE_USERNAME_MAX + 1], struct diagnosis *why);

/* What is said about each generation besides its key and certificates. */
struct meta {
	int64_t imported;
	enum credential_kind kind;
};

int generation_meta(const struct keystore *keystore, const struct generation *it,
		    struct meta *ret_meta, struct diagnosis *why);
int meta_parse(struct slice text, struct meta *ret_meta, struct diagnosis *why);
int meta_build(const struct meta *meta, struct bytes *ret_text);

/* Starts a diagnosis about the keystore, or about one credential of it. */
void about_keystore(struct diagnosis *why, const char *path);
void about_credential(struct diagnosis *why, enum diagnosis_id id, const char *name);

#endif
