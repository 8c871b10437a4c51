/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes single files out of a Debian package. No path from the package is ever used. */
#ifndef KT_UNPACK_H
#define KT_UNPACK_H

#include <archive.h>
#include <stdbool.h>
#include <stdint.h>

/* deb_each - read the files (regular ones only) in a package's data, until fn has had the one it
 * wants.
 *   path  without "./" in front; the bytes are read by archive_read_data(a)
 *   size  in bytes
 * fn returns 0 to go on, 1 when it is done, or -errno. Returns 1, 0 when fn wanted none, or -errno;
 * *ret_why says more, or is NULL. */
typedef int deb_fn(struct archive *a, const char *path, uint64_t size, void *arg);
int deb_each(const char *deb, deb_fn *fn, void *arg, const char **ret_why);

/* deb_write - write the bytes of the file that a is at to the new file `to`. Returns 1; -EFBIG when
 * there are more than max_bytes; or another -errno. */
int deb_write(struct archive *a, uint64_t max_bytes, const char *to);

#endif
