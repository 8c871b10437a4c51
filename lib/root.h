/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of /proc and /sys below one directory, which is "/" or a captured tree. */
#ifndef KT_ROOT_H
#define KT_ROOT_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/* root_open - open the directory all paths are relative to; NULL is "/". Returns an fd (the caller
 * closes it) or -errno. */
int root_open(const char *dir);

/* root_openat - open a file or directory below the root, close-on-exec. Links stay inside: an
 * absolute one, or "..", counts from the root, as after chroot(2); the magic links of /proc/PID
 * (fd/N, exe, root) are not followed (-ELOOP, -EXDEV). Returns an fd or -errno. */
int root_openat(int root_fd, const char *path, int flags);

/* root_read - read one small text file below the root.
 *   root_fd  directory, from root_open(); the caller keeps it
 *   path     as the kernel names it, "/proc/loadavg"
 *   cap      bytes in buf, with the NUL that is always added
 * Returns bytes read without the NUL; -ENOENT or -ESRCH when it is gone, -E2BIG when the file does
 * not fit (buf is then undefined), or another -errno. */
ssize_t root_read(int root_fd, const char *path, char *buf, size_t cap);

/* root_readf - the same, the path is formatted. */
ssize_t root_readf(int root_fd, char *buf, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* root_dir - open a directory below the root for readdir. NULL with errno. */
DIR *root_dir(int root_fd, const char *path);

#endif
