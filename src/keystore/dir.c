/* The directory backend, reading. */
#include "keystore/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keystore/uri.h"

void about_keystore(struct diagnosis *why, const char *path)
{
	diagnosis_set(why, DIAG_KEYSTORE);
	diagnosis_add(why, "path", "%s", path);
}

void about_credential(struct diagnosis *why, enum diagnosis_id id, const char *name)
{
	diagnosis_set(why, id);
	diagnosis_add(why, "credential", "%s", name);
}

/* ---- open ---- */

/* The directory is made for whom its parent belongs to: root installs, the service uses. */
static int make_keystore(const char *path, struct diagnosis *why)
{
	AUTO(char) parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	struct stat st;
	AUTO_FD at = -1;
	AUTO_FD made = -1;
	int r;

	if (!slash)
		return place_failed(why, parent ? EINVAL : ENOMEM, path);
	slash[slash == parent] = '\0';
	at = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || fstat(at, &st) < 0)
		return place_failed(why, errno, parent);

	struct place_owner owner = { st.st_uid, st.st_gid };

	r = place_make(at, strrchr(path, '/') + 1, &owner, &made, why);
	if (r == -EEXIST)
		return 0;
	return r < 0 ? r : place_sync(at, why);
}

int keystore_open(const char *path, bool create, struct keystore **ret_keystore,
		  struct diagnosis *why)
{
	AUTO_STRUCT(keystore) keystore = calloc(1, sizeof *keystore);
	struct stat st;
	int r;

	about_keystore(why, path);
	if (!keystore)
		return place_failed(why, ENOMEM, path);
	keystore->fd = -1;
	keystore->path = strdup(path);
	if (!keystore->path)
		return place_failed(why, ENOMEM, path);
	/* With a slash at the end a symbolic link would be followed. */
	for (size_t len = strlen(path); len > 1 && keystore->path[len - 1] == '/'; len--)
		keystore->path[len - 1] = '\0';
	path = keystore->path;
	keystore->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (keystore->fd < 0 && errno == ENOENT && create) {
		r = make_keystore(path, why);
		if (r < 0)
			return r;
		keystore->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (keystore->fd < 0 || fstat(keystore->fd, &st) < 0)
		return place_failed(why, errno, path);
	if (geteuid() != 0 && st.st_uid != geteuid()) {
		diagnosis_add(why, "detail", "it belongs to user %u, and this runs as user %u",
			      (unsigned)st.st_uid, (unsigned)geteuid());
		return -EACCES;
	}
	keystore->owner = (struct place_owner){ st.st_uid, st.st_gid };
	r = place_check_dir(keystore->fd, path, &keystore->owner, why);
	if (r < 0)
		return r;
	diagnosis_set(why, DIAG_NONE);
	*ret_keystore = TAKE(keystore);
	return 0;
}

void keystore_free(struct keystore *keystore)
{
	if (!keystore)
		return;
	place_close(&keystore->fd);
	free(keystore->path);
	free(keystore);
}

/* ---- one generation ---- */

void generation_done(struct generation *generation)
{
	place_close(&generation->fd);
	place_close(&generation->credential_fd);
}

static int add_generation(void *context, const char *name)
{
	generations_add(context, generation_parse(name));
	return 0;
}

int generations_list(int credential_fd, struct generations *ret_all, struct diagnosis *why)
{
	*ret_all = (struct generations){ 0 };
	return place_each(credential_fd, add_generation, ret_all, why);
}

int generation_open(const struct keystore *keystore, const char *name,
		    struct generation *ret_generation, struct diagnosis *why)
{
	AUTO_VALUE(generation) it = { -1, -1, 0 };
	char target[GENERATION_TEXT_MAX];
	int r;

	if (!keystore_name_valid(name)) {
		about_credential(why, DIAG_CREDENTIAL_MISSING, name);
		diagnosis_add(why, "detail", "that is not a name for one: letters, digits, . _ -");
		return -EINVAL;
	}
	about_credential(why, DIAG_CREDENTIAL_UNUSABLE, name);
	r = place_open(keystore->fd, name, &keystore->owner, &it.credential_fd, why);
	if (r == -ENOENT) {
		about_credential(why, DIAG_CREDENTIAL_MISSING, name);
		diagnosis_add(why, "detail", "%s has none of this name", keystore->path);
		return -ENODEV;
	}
	if (r == 0)
		r = place_read_link(it.credential_fd, "current", target, sizeof target, why);
	if (r == -ENOENT) {
		about_credential(why, DIAG_CREDENTIAL_MISSING, name);
		diagnosis_add(why, "detail", "its enrollment has begun and is not finished");
		return -ENODEV;
	}
	if (r < 0)
		return r;
	it.number = generation_parse(target);
	if (it.number == 0) {
		diagnosis_add(why, "detail", "current does not point to a generation");
		return -EBADMSG;
	}
	r = place_open(it.credential_fd, target, &keystore->owner, &it.fd, why);
	if (r < 0)
		return r;
	*ret_generation = it;
	it = (struct generation){ -1, -1, 0 };
	return 0;
}

int generation_public(const struct keystore *keystore, const struct generation *it,
		      const char *file, struct secret *ret_content, struct diagnosis *why)
{
	return place_read(it->fd, file, &keystore->owner, PLACE_PUBLIC, BUNDLE_FILE_MAX,
			  ret_content, why);
}

int generation_certs(const struct keystore *keystore, const struct generation *it, const char *file,
		     STACK_OF(X509) * *ret_certs, struct diagnosis *why)
{
	AUTO_VALUE(secret) content = { 0 };
	AUTO(X509_STACK) certs = sk_X509_new_null();
	int r = generation_public(keystore, it, file, &content, why);

	if (r < 0)
		return r;

	AUTO(BIO) bio = BIO_new_mem_buf(content.p, (int)content.len);

	if (!certs || !bio)
		return place_failed(why, ENOMEM, file);
	for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;) {
		if (sk_X509_num(certs) == BUNDLE_CERTS_MAX || sk_X509_push(certs, cert) == 0) {
			X509_free(cert);
			return place_failed(why, EFBIG, file);
		}
	}

	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	if (!at_end) {
		diagnosis_add(why, "detail", "%s is damaged", file);
		return -EBADMSG;
	}
	*ret_certs = TAKE(certs);
	return 0;
}

int generation_cert(const struct keystore *keystore, const struct generation *it, X509 **ret_cert,
		    struct diagnosis *why)
{
	AUTO(X509_STACK) certs = NULL;
	int r = generation_certs(keystore, it, "cert.pem", &certs, why);

	if (r < 0)
		return r;
	if (sk_X509_num(certs) != 1) {
		diagnosis_add(why, "detail", "cert.pem does not hold one certificate");
		return -EBADMSG;
	}
	*ret_cert = sk_X509_pop(certs);
	return 0;
}

int generation_uri(const struct keystore *keystore, const struct generation *it, char *buffer,
		   size_t size, struct diagnosis *why)
{
	AUTO_VALUE(secret) content = { 0 };
	int r = place_read(it->fd, "key.uri", &keystore->owner, PLACE_PRIVATE, size - 1, &content,
			   why);

	if (r < 0)
		return r;
	memcpy(buffer, content.p, content.len);
	buffer[content.len] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
	return 0;
}

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static int read_key_file(const struct keystore *keystore, const struct generation *it,
			 EVP_PKEY **ret_key, struct diagnosis *why)
{
	AUTO_VALUE(secret) content = { 0 };
	int r = place_read(it->fd, "key.pem", &keystore->owner, PLACE_PRIVATE, BUNDLE_FILE_MAX,
			   &content, why);

	if (r < 0)
		return r;

	AUTO(BIO) bio = BIO_new_mem_buf(content.p, (int)content.len);

	*ret_key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	ERR_clear_error();
	if (*ret_key)
		return 0;
	diagnosis_add(why, "detail", "key.pem is damaged");
	return -EBADMSG;
}

int generation_key(const struct keystore *keystore, const struct generation *it, const char *name,
		   EVP_PKEY **ret_key, struct diagnosis *why)
{
	char uri[sizeof((struct credential_info *)0)->key_uri];
	int r;

	about_credential(why, DIAG_KEY_UNREADABLE, name);
	r = generation_uri(keystore, it, uri, sizeof uri, why);
	if (r == -ENOENT)
		return read_key_file(keystore, it, ret_key, why);
	if (r == 0)
		r = key_uri_open(uri, ret_key, why);
	diagnosis_add(why, "credential", "%s", name);
	return r;
}

/* ---- a credential as it is used ---- */

void credential_free(struct credential *credential)
{
	if (!credential)
		return;
	EVP_PKEY_free(credential->key);
	X509_free(credential->cert);
	x509_stack_free(credential->chain);
	x509_stack_free(credential->anchors);
	free(credential);
}

int generation_meta(const struct keystore *keystore, const struct generation *it,
		    struct meta *ret_meta, struct diagnosis *why)
{
	AUTO_VALUE(secret) text = { 0 };
	int r = place_read(it->fd, "meta.json", &keystore->owner, PLACE_PUBLIC, META_MAX, &text,
			   why);

	return r < 0 ? r : meta_parse(secret_slice(&text), ret_meta, why);
}

static int get_once(const struct keystore *keystore, const char *name,
		    struct credential **ret_credential, struct diagnosis *why)
{
	AUTO_STRUCT(credential) c = calloc(1, sizeof *c);
	AUTO_VALUE(generation) it = { -1, -1, 0 };
	struct meta meta;
	int r = generation_open(keystore, name, &it, why);

	if (r < 0)
		return r;
	if (!c)
		return place_failed(why, ENOMEM, name);
	r = generation_meta(keystore, &it, &meta, why);
	if (r == 0 && meta.kind != CREDENTIAL_CERTIFICATE) {
		diagnosis_add(why, "detail", "it is a secret, not a key with a certificate");
		return -EINVAL;
	}
	if (r == 0)
		r = generation_cert(keystore, &it, &c->cert, why);
	if (r == 0)
		r = generation_certs(keystore, &it, "chain.pem", &c->chain, why);
	if (r == 0)
		r = generation_certs(keystore, &it, "anchors.pem", &c->anchors, why);
	if (r == 0)
		r = generation_key(keystore, &it, name, &c->key, why);
	if (r < 0)
		return r;
	if (!key_matches(c->cert, c->key)) {
		about_credential(why, DIAG_KEY_MISMATCH, name);
		return -EKEYREJECTED;
	}
	c->generation = it.number;
	snprintf(c->name, sizeof c->name, "%s", name);
	diagnosis_set(why, DIAG_NONE);
	*ret_credential = TAKE(c);
	return 0;
}

int keystore_get(struct keystore *keystore, const char *name, struct credential **ret_credential,
		 struct diagnosis *why)
{
	int r = -ENOENT;

	for (int i = 0; i < READ_ATTEMPTS && r == -ENOENT; i++)
		r = get_once(keystore, name, ret_credential, why);
	return r;
}

/* ---- a secret ---- */

int generation_username(const struct keystore *keystore, const struct generation *it,
			char ret_username[KEYSTORE_USERNAME_MAX + 1], struct diagnosis *why)
{
	AUTO_VALUE(secret) content = { 0 };
	int r = place_read(it->fd, "username", &keystore->owner, PLACE_PUBLIC,
			   KEYSTORE_USERNAME_MAX, &content, why);

	if (r < 0)
		return r;
	if (content.len > 0)
		memcpy(ret_username, content.p, content.len);
	ret_username[content.len] = '\0';
	return 0;
}

static int get_secret_once(const struct keystore *keystore, const char *name,
			   struct credential_secret *ret_secret, struct diagnosis *why)
{
	AUTO_VALUE(generation) it = { -1, -1, 0 };
	AUTO_VALUE(credential_secret) c = { 0 };
	struct meta meta = { 0 };
	int r = generation_open(keystore, name, &it, why);

	if (r == 0)
		r = generation_meta(keystore, &it, &meta, why);
	if (r == 0 && meta.kind == CREDENTIAL_CERTIFICATE) {
		diagnosis_add(why, "detail", "it is a key with a certificate, not a secret");
		return -EINVAL;
	}
	if (r == 0)
		r = generation_username(keystore, &it, c.username, why);
	if (r == 0)
		r = place_read(it.fd, "secret", &keystore->owner, PLACE_PRIVATE,
			       KEYSTORE_SECRET_MAX, &c.secret, why);
	if (r < 0)
		return r;
	c.kind = meta.kind;
	c.generation = it.number;
	*ret_secret = c;
	c.secret = (struct secret){ 0 };
	return 0;
}

int keystore_get_secret(struct keystore *keystore, const char *name,
			struct credential_secret *ret_secret, struct diagnosis *why)
{
	int r = -ENOENT;

	for (int i = 0; i < READ_ATTEMPTS && r == -ENOENT; i++)
		r = get_secret_once(keystore, name, ret_secret, why);
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}

/* ---- export ---- */

int keystore_export(struct keystore *keystore, const char *name, struct bytes *ret_pem,
		    struct diagnosis *why)
{
	int r = -ENOENT;

	for (int i = 0; i < READ_ATTEMPTS && r == -ENOENT; i++) {
		AUTO_VALUE(generation) it = { -1, -1, 0 };
		AUTO_VALUE(secret) cert = { 0 };
		AUTO_VALUE(secret) chain = { 0 };

		r = generation_open(keystore, name, &it, why);
		if (r == 0)
			r = generation_public(keystore, &it, "cert.pem", &cert, why);
		if (r == 0)
			r = generation_public(keystore, &it, "chain.pem", &chain, why);
		if (r == 0 && (bytes_set(ret_pem, secret_slice(&cert)) != OK ||
			       bytes_append(ret_pem, secret_slice(&chain),
					    (size_t)2 * BUNDLE_FILE_MAX) != OK))
			r = place_failed(why, ENOMEM, name);
	}
	if (r == 0)
		diagnosis_set(why, DIAG_NONE);
	return r;
}
