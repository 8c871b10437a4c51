/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a tree as a cpio archive in the newc form that the kernel unpacks. The bytes depend on
 * nothing but the tree and the files' contents: sorted, owner 0:0, time 0, inodes counted. */
#ifndef KT_CPIO_H
#define KT_CPIO_H

#include "tree.h"

/* Takes the archive's bytes; returns 0 or -errno. */
typedef int (*cpio_sink_fn)(const void *p, size_t n, void *arg);

/* cpio_write - level 0: as it is; 1 to 19: compressed by zstd.
 * Returns 0; -ESTALE when a file is no longer what the tree says (*ret_what names it); or another
 * -errno, of the sink or of reading *ret_what (NULL: neither). */
int cpio_write(const struct tree *t, int level, cpio_sink_fn sink, void *arg,
	       const char **ret_what);

#endif
