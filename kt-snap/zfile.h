/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a stream goes: standard output, or a file that is there when it is whole, compressed when
 * its name ends in .zst. */
#ifndef KT_SNAP_ZFILE_H
#define KT_SNAP_ZFILE_H

#include <stddef.h>

struct zfile;

/* zfile_open - path NULL is standard output.
 *   level    of zstd, as zstd(1) has it
 *   threads  that compress, 0: the caller's
 * Returns 0 or -errno; -EINVAL: zstd does not take level or threads. Nothing is visible at path
 * until zfile_commit(). */
int zfile_open(const char *path, int level, int threads, struct zfile **ret);

/* zfile_write - returns 0 or -errno. */
int zfile_write(struct zfile *z, const void *p, size_t n);

/* zfile_flush - what was written so far can be read by the other end. Returns 0 or -errno. */
int zfile_flush(struct zfile *z);

/* zfile_commit - finish, sync and put the file in place, in one step. Returns 0 or -errno: there is
 * no file then, or the one that was there before. */
int zfile_commit(struct zfile *z);

/* zfile_close - release; without a commit nothing remains. */
void zfile_close(struct zfile *z);

#endif
