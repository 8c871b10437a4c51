/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes: "4096", "64K", "2M", "1G", powers of two. */
#ifndef KT_SIZE_H
#define KT_SIZE_H

#include <stdint.h>

/* size_parse - text to bytes; a bare number counts in units of `bare` (1, or 1 << 20 for MiB).
 * Returns 0; -EINVAL when it is no size; -ERANGE when it does not fit. */
int size_parse(const char *s, uint64_t bare, uint64_t *ret_bytes);

#endif
