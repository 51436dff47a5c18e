/* The files that a trust policy is made of, as octets: anchors and revocation lists.  What anybody
 * can change is refused. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include "base/bytes.h"
#include "tls/ssl.h"

struct file_octets {
	char *path;
	struct bytes content;
};

struct files {
	struct file_octets *file;
	struct slice *view; /* the contents again, as the trust policy wants them */
	size_t count;
};

/* A file; or all of a directory that are certificates by their names; or, for the word `system`,
 * what OpenSSL was built to trust.  0 or -errno. */
int files_add_anchors(struct files *files, const char *word);
/* A certificate that is no file; label stands for its path. */
int files_add_cert(struct files *files, const char *label, const X509 *cert);
int files_add_crl(struct files *files, const char *path);
void files_done(struct files *files);
/* What a person is told of such an error. */
const char *files_problem(int error);

#endif
