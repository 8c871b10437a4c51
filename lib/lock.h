/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock(2) on the machine's lock files (/tmp/ktstr-llc-N.lock, /tmp/ktstr-cpu-N.lock) and on files
 * below the cache's .locks/. A lock lasts as long as the returned descriptor (and its copies in
 * children) stays open.
 *
 * A lock file is opened for reading, which flock(2) is content with, and made only when it is not
 * there: so users share it, also where fs.protected_regular forbids O_CREAT on another user's file
 * in /tmp. A link or anything but a regular file is refused, and so are network file systems, whose
 * locks other machines may or may not see. */
#ifndef KT_LOCK_H
#define KT_LOCK_H

#include <stdbool.h>
#include <stddef.h>

enum lock_mode {
	LOCK_SHARED,
	LOCK_EXCLUSIVE
};

/* lock_dir - where the machine's lock files are: $KTSTR_LOCK_DIR, else /tmp. */
const char *lock_dir(void);

/* lock_dir_open - open it. Returns an fd (the caller closes it); -EREMOTE on a network file system;
 * another -errno. */
int lock_dir_open(void);

/* lock_means - is an open file still the one of the name? Between openat(2) and flock(2) it may
 * have been removed, renamed or replaced. */
bool lock_means(int fd, int dir_fd, const char *name);

/* lock_try - lock dir_fd/name at once or not at all; the file is made if need be, readable by all.
 * Returns an fd (close-on-exec); -EWOULDBLOCK; -ELOOP for a link, -EINVAL for what is no regular
 * file; -EREMOTE; or another -errno. */
int lock_try(int dir_fd, const char *name, enum lock_mode mode);

/* lock_why - what went wrong, in words that fit locks better than strerror(). rc is a negative
 * errno of one of these functions. */
const char *lock_why(int rc);

/* lock_cache - lock CACHE/.locks/KIND-KEY.lock.
 *   wait_ms  0: at once or not at all; -1: for ever
 * Returns an fd (close-on-exec; closing it releases the lock); -EWOULDBLOCK when others still held
 * it at the deadline; -EINVAL for a key that is no plain name; or another -errno. */
int lock_cache(const char *kind, const char *key, enum lock_mode mode, int wait_ms);

/* lock_cache_path - the path of that file, for messages and holders_find(); nothing is made.
 * Returns buf, or NULL with errno (as cachedir_path; ENAMETOOLONG). */
char *lock_cache_path(const char *kind, const char *key, char *buf, size_t cap);

/* lock_forget - remove the file of a lock that the caller holds exclusively, whose entry has gone:
 * waiters notice and start again on a new file. Returns 0 or -errno. */
int lock_forget(const char *kind, const char *key);

#endif
