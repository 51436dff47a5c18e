#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "keystore/place.h"

#define PASSPHRASE_MAX 1023

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

int secret_read_file(const char *path, size_t max, struct secret *ret_content)
{
	AUTO_VALUE(secret) content = { .p = malloc(max + 1), .len = max + 1 };
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (!content.p) {
		content.len = 0;
		return -ENOMEM;
	}
	if (fd < 0)
		return -errno;
	while (len < content.len) {
		ssize_t n = read(fd, content.p + len, content.len - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	/* No more was written than that. */
	return secret_set(ret_content, slice_of(content.p, len)) == OK ? 0 : -ENOMEM;
}

/* One line, character by character: with the terminal's signals off, so that it is in order again
 * whatever is typed. */
static int read_line(int fd, const struct secret *line, size_t *ret_len)
{
	size_t len = 0;

	for (uint8_t c;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == CTRL_C || (c == CTRL_D && len == 0))
			return -ECANCELED;
		if (c == '\n' || c == '\r')
			break;
		if (c == CTRL_U)
			len = 0;
		else if ((c == BACKSPACE || c == DELETE) && len > 0)
			len--;
		else if (c != BACKSPACE && c != DELETE && c != CTRL_D && len < line->len)
			line->p[len++] = c;
	}
	*ret_len = len;
	return 0;
}

int passphrase_prompt(const char *prompt, struct secret *ret_passphrase)
{
	AUTO_VALUE(secret) line = { .p = calloc(1, PASSPHRASE_MAX), .len = PASSPHRASE_MAX };
	AUTO_FD fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios before, quiet;

	if (!line.p) {
		line.len = 0;
		return -ENOMEM;
	}
	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return -ENOTTY;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -ENOTTY;
	dprintf(fd, "%s", prompt);

	size_t len = 0;
	int r = read_line(fd, &line, &len);

	dprintf(fd, "\n");
	tcsetattr(fd, TCSAFLUSH, &before);
	if (r < 0)
		return r;
	/* All of the line is wiped, what was taken back too. */
	return secret_set(ret_passphrase, slice_of(line.p, len)) == OK ? 0 : -ENOMEM;
}

static void first_line(struct secret *passphrase)
{
	size_t len = 0;

	while (len < passphrase->len && passphrase->p[len] != '\n' && passphrase->p[len] != '\r')
		len++;
	explicit_bzero(passphrase->p + len, passphrase->len - len);
	passphrase->len = len;
}

int passphrase_stored(const char *file, const char *name, struct secret *ret_passphrase,
		      struct diagnosis *why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];
	int r;

	if (!file && !directory)
		return -ENOENT;
	if (!file)
		snprintf(path, sizeof path, "%s/%s", directory, name);
	r = secret_read_file(file ? file : path, PASSPHRASE_MAX + 2, ret_passphrase);
	if (r == 0)
		first_line(ret_passphrase);
	if (r < 0 && !(r == -ENOENT && !file)) {
		diagnosis_set(why, DIAG_CREDENTIAL_UNUSABLE);
		diagnosis_add(why, "credential", "%s", name);
		diagnosis_add(why, "detail", "its passphrase file %s cannot be read (%s)",
			      file ? file : path, strerror(-r));
		return r == -ENOENT ? -EIO : r;
	}
	return r;
}
