#include "keystore/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A credential, a generation, a file. */
#define DEPTH_MAX 4

void place_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static const char *reason(int error)
{
	switch (error) {
	case ENOSPC:
		return "the file system is full";
	case EDQUOT:
		return "the disk quota is used up";
	case EROFS:
		return "the file system is read-only";
	case EACCES:
	case EPERM:
		return "permission denied; run this as root or as the service's user";
	case ELOOP:
		return "it is a symbolic link, which is not followed here";
	case ENOTDIR:
		return "it is not a directory";
	default:
		return strerror(error);
	}
}

int place_failed(struct diagnosis *why, int error, const char *name)
{
	diagnosis_add(why, "detail", "%s: %s", name, reason(error));
	return -error;
}

/* Root may leave its files anywhere. */
static int check_owner(const struct stat *st, const char *name, const struct place_owner *owner,
		       struct diagnosis *why)
{
	if (st->st_uid == owner->user || st->st_uid == 0)
		return 0;
	diagnosis_add(why, "detail", "%s belongs to user %u instead of %u; chown it or remove it",
		      name, (unsigned)st->st_uid, (unsigned)owner->user);
	return -EACCES;
}

static int check_mode(const struct stat *st, const char *name, mode_t forbidden, const char *wanted,
		      struct diagnosis *why)
{
	if ((st->st_mode & forbidden) == 0)
		return 0;
	diagnosis_add(why, "detail",
		      "others can %s %s (mode %04o); chmod %s it, and consider its "
		      "content known to them",
		      forbidden & st->st_mode & 044 ? "read" : "change", name,
		      (unsigned)st->st_mode & 07777, wanted);
	return -EACCES;
}

int place_check_dir(int fd, const char *name, const struct place_owner *owner,
		    struct diagnosis *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return place_failed(why, errno, name);

	int r = check_owner(&st, name, owner, why);

	return r < 0 ? r : check_mode(&st, name, 077, "700", why);
}

int place_open(int at, const char *name, const struct place_owner *owner, int *ret_fd,
	       struct diagnosis *why)
{
	AUTO_FD fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		return place_failed(why, ELOOP, name);
	if (fd < 0)
		return place_failed(why, errno, name);
	r = place_check_dir(fd, name, owner, why);
	if (r < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Root works for the owner of the keystore; anybody else can only be that owner. */
static int give(int fd, const struct place_owner *owner)
{
	if (geteuid() != 0 || (owner->user == 0 && owner->group == 0))
		return 0;
	return fchown(fd, owner->user, owner->group);
}

int place_make(int at, const char *name, const struct place_owner *owner, int *ret_fd,
	       struct diagnosis *why)
{
	struct stat st;

	if (mkdirat(at, name, 0700) < 0)
		return place_failed(why, errno, name);

	AUTO_FD fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return place_failed(why, errno, name);
	/* Somebody may have put another directory in its place. */
	if (st.st_uid != geteuid())
		return place_failed(why, EPERM, name);
	if (fchmod(fd, 0700) < 0 || give(fd, owner) < 0)
		return place_failed(why, errno, name);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int place_sync(int fd, struct diagnosis *why)
{
	return fsync(fd) < 0 ? place_failed(why, errno, "fsync") : 0;
}

int place_rename(int at, const char *from, int to_at, const char *to, struct diagnosis *why)
{
	return renameat(at, from, to_at, to) < 0 ? place_failed(why, errno, to) : 0;
}

int place_each(int at, int (*found)(void *context, const char *name), void *context,
	       struct diagnosis *why)
{
	AUTO_FD fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;

	if (!dir)
		return place_failed(why, errno, ".");
	fd = -1;
	errno = 0;
	for (struct dirent *entry; r == 0 && (entry = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = found(context, entry->d_name);
	}
	if (r == 0 && errno != 0)
		r = place_failed(why, errno, ".");
	closedir(dir);
	return r;
}

struct removal {
	int at, depth;
	struct diagnosis *why;
};

static int remove_below(void *context, const char *name)
{
	const struct removal *parent = context;

	if (unlinkat(parent->at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || parent->depth == DEPTH_MAX)
		return place_failed(parent->why, errno, name);

	AUTO_FD fd = openat(parent->at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct removal here = { fd, parent->depth + 1, parent->why };

	if (fd < 0)
		return place_failed(parent->why, errno, name);

	int r = place_each(fd, remove_below, &here, parent->why);

	if (r == 0 && unlinkat(parent->at, name, AT_REMOVEDIR) < 0)
		r = place_failed(parent->why, errno, name);
	return r;
}

int place_remove(int at, const char *name, struct diagnosis *why)
{
	struct removal top = { at, 0, why };

	return remove_below(&top, name);
}

/* O_NONBLOCK: a pipe that somebody left there must not make us wait. */
static int open_file(int at, const char *name, const struct place_owner *owner,
		     enum place_privacy privacy, int *ret_fd, struct stat *ret_st,
		     struct diagnosis *why)
{
	AUTO_FD fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return place_failed(why, errno, name);
	if (!S_ISREG(ret_st->st_mode)) {
		diagnosis_add(why, "detail", "%s is not a file", name);
		return -EACCES;
	}
	r = check_owner(ret_st, name, owner, why);
	if (r == 0 && privacy == PLACE_PRIVATE)
		r = check_mode(ret_st, name, 077, "600", why);
	if (r == 0 && privacy == PLACE_PUBLIC)
		r = check_mode(ret_st, name, 022, "644", why);
	if (r < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int place_check(int at, const char *name, const struct place_owner *owner,
		enum place_privacy privacy, struct diagnosis *why)
{
	AUTO_FD fd = -1;
	struct stat st;

	return open_file(at, name, owner, privacy, &fd, &st, why);
}

static int read_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int place_read(int at, const char *name, const struct place_owner *owner,
	       enum place_privacy privacy, size_t max, struct secret *ret_content,
	       struct diagnosis *why)
{
	AUTO_VALUE(secret) content = { 0 };
	AUTO_FD fd = -1;
	struct stat st = { 0 };
	int r = open_file(at, name, owner, privacy, &fd, &st, why);

	if (r < 0)
		return r;
	if ((uint64_t)st.st_size > max)
		return place_failed(why, EFBIG, name);
	content.len = (size_t)st.st_size;
	content.p = malloc(content.len + 1);
	if (!content.p)
		return place_failed(why, ENOMEM, name);
	r = read_all(fd, content.p, content.len);
	if (r < 0)
		return place_failed(why, -r, name);
	secret_move(ret_content, &content);
	return 0;
}

static int write_all(int fd, struct slice content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.p, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		content = slice_of(content.p + n, content.len - (size_t)n);
	}
	return 0;
}

int place_write(int at, const char *name, const struct place_owner *owner,
		enum place_privacy privacy, struct slice content, struct diagnosis *why)
{
	mode_t mode = privacy == PLACE_PRIVATE ? 0600 : 0644;
	AUTO_FD fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return place_failed(why, errno, name);
	r = write_all(fd, content);
	if (r < 0)
		return place_failed(why, -r, name);
	if (fchmod(fd, mode) < 0 || give(fd, owner) < 0 || fsync(fd) < 0)
		return place_failed(why, errno, name);
	return 0;
}

int place_read_link(int at, const char *name, char *buffer, size_t size, struct diagnosis *why)
{
	ssize_t len = readlinkat(at, name, buffer, size);

	if (len < 0)
		return place_failed(why, errno, name);
	if ((size_t)len == size)
		return place_failed(why, ENAMETOOLONG, name);
	buffer[len] = '\0';
	return 0;
}

int place_link(int at, const char *name, const char *temporary, const char *target,
	       struct diagnosis *why)
{
	int r;

	if (symlinkat(target, at, temporary) < 0)
		return place_failed(why, errno, name);
	r = place_rename(at, temporary, at, name, why);
	return r < 0 ? r : place_sync(at, why);
}
