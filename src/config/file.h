/* A whole file as octets, with a ceiling. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <sys/stat.h>

#include "base/bytes.h"

/* 0, -EFBIG when there is more than the ceiling, -EINVAL when it is not a regular file, or another
 * -errno.  ret_stat may be NULL. */
int file_read(const char *path, size_t ceiling, struct bytes *ret_content, struct stat *ret_stat);

#endif
