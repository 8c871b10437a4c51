/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes single files out of a Debian package. No path from the package is ever used. */
#ifndef KT_UNPACK_H
#define KT_UNPACK_H

#include <stdint.h>

/* unpack_deb - write the package's file whose path is one of `paths` (without "./" in front; ends
 * with NULL) to the new file `to`. Returns 1, 0 when it has none of them, -EFBIG when it is larger
 * than max_bytes, or another -errno; *ret_why says more, or is NULL. */
int unpack_deb(const char *deb, const char *const *paths, uint64_t max_bytes, const char *to,
	       const char **ret_why);

#endif
