#include "config/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "tls/cert.h"
#include "tls/ssl.h"

#define ANCHOR_FILE_MAX (1024 * 1024)
#define CRL_FILE_MAX	(16 * 1024 * 1024)
#define FILES_MAX	1024

void files_done(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->file[i].path);
		bytes_done(&files->file[i].content);
	}
	free(files->file);
	free(files->view);
	*files = (struct files){ 0 };
}

/* Room for one more, which is empty. */
static int files_grow(struct files *files)
{
	if (files->count == FILES_MAX)
		return -E2BIG;

	struct file_octets *file = reallocarray(files->file, files->count + 1, sizeof *file);

	if (!file)
		return -ENOMEM;
	files->file = file;

	struct slice *view = reallocarray(files->view, files->count + 1, sizeof *view);

	if (!view)
		return -ENOMEM;
	files->view = view;
	file[files->count] = (struct file_octets){ 0 };
	return 0;
}

static int files_add(struct files *files, const char *path, size_t ceiling)
{
	int r = files_grow(files);

	if (r < 0)
		return r;

	struct file_octets *file = &files->file[files->count];
	struct stat st;

	r = file_read(path, ceiling, &file->content, &st);
	if (r < 0)
		return r;
	if (st.st_mode & S_IWOTH) {
		bytes_done(&file->content);
		return -EPERM;
	}
	file->path = strdup(path);
	files->view[files->count++] = bytes_slice(&file->content);
	return file->path ? 0 : -ENOMEM;
}

static int is_certificate(const struct dirent *entry)
{
	static const char *const endings[] = { ".pem", ".crt", ".cer", ".der" };
	const char *dot = strrchr(entry->d_name, '.');

	for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++) {
		if (strcmp(dot, endings[i]) == 0)
			return 1;
	}
	return 0;
}

/* In the order of their names, so that the digest does not depend on the file system. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int files_add_directory(struct files *files, const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_certificate, by_name), r = n < 0 ? -errno : 0;
	struct stat st;

	if (n == 0)
		r = -ENODATA;
	else if (n > 0 && (stat(directory, &st) < 0 || (st.st_mode & S_IWOTH)))
		r = -EPERM;
	for (int i = 0; i < n; i++) {
		AUTO(char) path = NULL;

		if (r == 0 && asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0) {
			path = NULL;
			r = -ENOMEM;
		}
		if (r == 0)
			r = files_add(files, path, ANCHOR_FILE_MAX);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}

static int add_anchors(struct files *files, const char *path)
{
	int r = files_add(files, path, ANCHOR_FILE_MAX);

	return r == -EISDIR ? files_add_directory(files, path) : r;
}

/* What OpenSSL was built to trust: its file of certificates where there is one, else its directory.
 */
static int add_system_anchors(struct files *files)
{
	int r = add_anchors(files, X509_get_default_cert_file());

	return r == -ENOENT ? add_anchors(files, X509_get_default_cert_dir()) : r;
}

int files_add_anchors(struct files *files, const char *word)
{
	return strcmp(word, "system") == 0 ? add_system_anchors(files) : add_anchors(files, word);
}

int files_add_cert(struct files *files, const char *label, const X509 *cert)
{
	int r = files_grow(files);
	struct file_octets *file;

	if (r < 0)
		return r;
	file = &files->file[files->count];
	if (cert_append_der(&file->content, cert, SIZE_MAX) != OK)
		return -ENOMEM;
	file->path = strdup(label);
	files->view[files->count++] = bytes_slice(&file->content);
	return file->path ? 0 : -ENOMEM;
}

int files_add_crl(struct files *files, const char *path)
{
	return files_add(files, path, CRL_FILE_MAX);
}

const char *files_problem(int error)
{
	return error == -EFBIG	   ? "the file is too large"
	       : error == -E2BIG   ? "there are too many files"
	       : error == -ENODATA ? "the directory holds no certificates"
	       : error == -EINVAL  ? "it is not a regular file"
	       : error == -EPERM   ? "anybody can change it (chmod o-w)"
				   : strerror(-error);
}
