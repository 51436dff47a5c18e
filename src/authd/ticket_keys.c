#include "authd/ticket_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "keystore/place.h"

/* The file: a line that names the form, then each key: its time in 64 bits and its 80 octets. */
#define FORM	     "latchkey ticket keys 1\n"
#define KEY_OCTETS   88
#define FILE_MAX     (sizeof FORM - 1 + (size_t)TICKET_KEYS_MAX * KEY_OCTETS)
#define TEMPORARY    ".new"
#define PATH_LEN_MAX 4096

void ticket_keys_done(struct ticket_keys *keys)
{
	explicit_bzero(keys, sizeof *keys);
}

bool ticket_keys_due(const struct ticket_keys *keys, int64_t rotate_after, int64_t now)
{
	int64_t age = keys->count > 0 ? now - keys->key[0].created : 0;

	/* One from the future was made before the clock was set back, and would be used until it is
	 * there again. */
	return keys->count == 0 || age >= rotate_after || age <= -rotate_after;
}

int ticket_keys_rotate(struct ticket_keys *keys, size_t keep, int64_t now)
{
	struct ticket_key new = { .created = now };
	size_t others;

	if (RAND_bytes(new.name, sizeof new.name) != 1 ||
	    RAND_priv_bytes(new.hmac, sizeof new.hmac) != 1 ||
	    RAND_priv_bytes(new.aes, sizeof new.aes) != 1)
		return -EIO;
	keep = keep < TICKET_KEYS_MAX ? keep : TICKET_KEYS_MAX;
	others = keys->count < keep ? keys->count : keep - 1;
	memmove(&keys->key[1], &keys->key[0], others * sizeof new);
	keys->key[0] = new;
	keys->count = others + 1;
	explicit_bzero(&keys->key[keys->count], (TICKET_KEYS_MAX - keys->count) * sizeof new);
	explicit_bzero(&new, sizeof new);
	return 0;
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool parse(struct slice in, struct ticket_keys *ret)
{
	struct rd r = rd_of(in);

	if (!slice_eq(rd_bytes(&r, sizeof FORM - 1), slice_str(FORM)))
		return false;
	while (rd_ok(&r) && r.left > 0 && ret->count < TICKET_KEYS_MAX) {
		struct ticket_key *key = &ret->key[ret->count];
		struct slice secret;

		key->created = (int64_t)rd_u64(&r);
		secret = rd_bytes(&r, KEY_OCTETS - 8);
		if (!rd_ok(&r))
			break;
		memcpy(key->name, secret.p, sizeof key->name);
		memcpy(key->hmac, secret.p + 16, sizeof key->hmac);
		memcpy(key->aes, secret.p + 48, sizeof key->aes);
		ret->count++;
	}
	return rd_done(&r);
}

static struct slice build(const struct ticket_keys *keys, uint8_t *buffer, size_t size)
{
	struct wr w = wr_of(buffer, size);

	wr_bytes(&w, slice_str(FORM));
	for (size_t i = 0; i < keys->count; i++) {
		const struct ticket_key *key = &keys->key[i];

		wr_u32(&w, (uint32_t)((uint64_t)key->created >> 32));
		wr_u32(&w, (uint32_t)key->created);
		wr_bytes(&w, slice_of(key->name, sizeof key->name));
		wr_bytes(&w, slice_of(key->hmac, sizeof key->hmac));
		wr_bytes(&w, slice_of(key->aes, sizeof key->aes));
	}
	return wr_done(&w);
}

/* Where the file is: its directory, held open, and its name. */
struct file {
	int at;
	const char *name;
	char temporary[256];
	struct place_owner owner;
	struct diagnosis *why;
};

/* No file is an empty ring. */
static int load(const struct file *f, struct ticket_keys *ret)
{
	AUTO_VALUE(secret) content = { 0 };
	int r = place_read(f->at, f->name, &f->owner, PLACE_PRIVATE, FILE_MAX, &content, f->why);

	if (r == -ENOENT) {
		diagnosis_set(f->why, DIAG_NONE);
		return 0;
	}
	if (r == 0 && !parse(secret_slice(&content), ret)) {
		diagnosis_add(f->why, "detail", "%s: this is no file of ticket keys", f->name);
		return -EINVAL;
	}
	return r;
}

static int store(const struct file *f, const struct ticket_keys *keys)
{
	uint8_t buffer[FILE_MAX];
	int r = place_remove(f->at, f->temporary, f->why);

	if (r == 0)
		r = place_write(f->at, f->temporary, &f->owner, PLACE_PRIVATE,
				build(keys, buffer, sizeof buffer), f->why);
	if (r == 0)
		r = place_rename(f->at, f->temporary, f->at, f->name, f->why);
	if (r == 0)
		r = place_sync(f->at, f->why);
	explicit_bzero(buffer, sizeof buffer);
	return r;
}

/* One process at a time, by a lock on the directory: the file itself is replaced. */
static int rotate_file(const struct file *f, int64_t rotate_after, size_t keep, int64_t now,
		       struct ticket_keys *ret)
{
	int r;

	if (flock(f->at, LOCK_EX) < 0)
		return place_failed(f->why, errno, f->name);
	ticket_keys_done(ret);
	r = load(f, ret);
	if (r == 0 && ticket_keys_due(ret, rotate_after, now)) {
		r = ticket_keys_rotate(ret, keep, now);
		if (r == 0)
			r = store(f, ret);
	}
	(void)flock(f->at, LOCK_UN);
	return r;
}

int ticket_keys_file(const char *path, int64_t rotate_after, size_t keep, int64_t now,
		     struct ticket_keys *ret_keys, struct diagnosis *why)
{
	AUTO_VALUE(ticket_keys) keys = { 0 };
	const char *slash = strrchr(path, '/');
	char dir[PATH_LEN_MAX];
	struct file f = { .name = slash ? slash + 1 : path,
			  .owner = { geteuid(), getegid() },
			  .why = why };
	int r;

	diagnosis_set(why, DIAG_REGISTRY);
	if (snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path + 1) : 1,
		     slash ? path : ".") >= (int)sizeof dir ||
	    snprintf(f.temporary, sizeof f.temporary, "%s" TEMPORARY, f.name) >=
		    (int)sizeof f.temporary)
		return place_failed(why, ENAMETOOLONG, path);

	AUTO_FD at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return place_failed(why, errno, dir);
	f.at = at;
	r = load(&f, &keys);
	if (r == 0 && ticket_keys_due(&keys, rotate_after, now))
		r = rotate_file(&f, rotate_after, keep, now, &keys);
	if (r < 0)
		return r;
	*ret_keys = keys;
	return 0;
}
