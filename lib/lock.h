/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock(2) on files below the cache's .locks/, with a deadline. A lock lasts as long as the
 * returned descriptor (and its copies in children) stays open. */
#ifndef KT_LOCK_H
#define KT_LOCK_H

#include <stddef.h>

enum lock_mode {
	LOCK_SHARED,
	LOCK_EXCLUSIVE
};

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
