#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int read_all(int fd, size_t ceiling, struct bytes *into)
{
	uint8_t chunk[4096];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		switch (bytes_append(into, slice_of(chunk, (size_t)n), ceiling)) {
		case OK:
			continue;
		case MALFORMED:
			return -EFBIG;
		case NO_MEMORY:
		case UNEXPECTED:
		case UNTRUSTED:
		case UNSUPPORTED:
		case CRYPTO:
			return -ENOMEM;
		}
	}
}

int file_read(const char *path, size_t ceiling, struct bytes *ret_content, struct stat *ret_stat)
{
	/* A FIFO must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_VALUE(bytes) content = { 0 };
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	else
		r = read_all(fd, ceiling, &content);
	close(fd);
	if (r < 0)
		return r;
	if (ret_stat)
		*ret_stat = st;
	bytes_done(ret_content);
	*ret_content = content;
	content = (struct bytes){ 0 };
	return 0;
}
