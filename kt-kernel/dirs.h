/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories of the kernel cache. */
#ifndef KT_DIRS_H
#define KT_DIRS_H

#include <stddef.h>

#define DIRS_TEMP ".tmp-" /* how the names of directories begin that are no entries */

/* dirs_kernels - the name of CACHE/kernels; nothing is made. Returns 0 or -errno. */
int dirs_kernels(char *buf, size_t cap);

/* dirs_remove - a directory with all that is in it; links are not followed. Returns 0, -ENOENT when
 * it is gone already, or another -errno. */
int dirs_remove(int parent_fd, const char *name);

/* dirs_sweep - remove the DIRS_TEMP directories whose owner has died: whose lock can be had.
 * ret_bytes (may be NULL) is added what they took, and ret_n (likewise) how many they were.
 * Returns 0 or -errno. */
int dirs_sweep(int kernels_fd, unsigned *ret_n, unsigned long long *ret_bytes);

/* dirs_bytes - the sizes of all files in a directory and below. */
unsigned long long dirs_bytes(int parent_fd, const char *name);

#endif
