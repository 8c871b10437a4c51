/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel and the archives of a guest come from: other tools make them, here they are
 * asked. Each function reports its own failure. */
#ifndef KT_BASE_H
#define KT_BASE_H

#include <stddef.h>

/* base_kernel - the path of a kernel; `name` is a file, or a name for kt-kernel, or NULL for what
 * kt-kernel takes by default. The caller frees it; NULL after a failure.
 *   ret_lock_fd  holds the cache's lock of that kernel for reading, so that nobody replaces or
 *                removes it: the caller keeps it open as long as the kernel is used. -1: there is
 *                nothing to lock */
char *base_kernel(const char *name, int *ret_lock_fd);

/* base_archive - the path of the archive that every guest starts with: kt-init, busybox and the
 * tools. As above. */
char *base_archive(void);

/* base_include - the path of an archive with n files, FILE[:DEST], below /include-files. */
char *base_include(const char *const *files, size_t n);

#endif
