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

/* The one current generation of one credential, held open. */
struct generation {
	int credential_fd, fd;
	unsigned number;
};

void generation_done(struct generation *generation);
int generation_open(const struct keystore *keystore, const char *name,
		    struct generation *ret_generation, struct diagnosis *why);
int generations_list(int credential_fd, struct generations *ret_all, struct diagnosis *why);

/* What is said about each generation besides its key and certificates. */
struct meta {
	int64_t imported;
};

int meta_parse(struct slice text, struct meta *ret_meta, struct diagnosis *why);
int meta_build(const struct meta *meta, struct bytes *ret_text);

/* Starts a diagnosis about the keystore, or about one credential of it. */
void about_keystore(struct diagnosis *why, const char *path);
void about_credential(struct diagnosis *why, enum diagnosis_id id, const char *name);

#endif
