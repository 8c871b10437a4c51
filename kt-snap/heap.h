/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What threads have allocated and freed by jemalloc: two counters in each thread's own storage,
 * read without stopping it. For x86-64 programs with glibc. */
#ifndef KT_SNAP_HEAP_H
#define KT_SNAP_HEAP_H

#include "machine.h"
#include "tally.h"
#include "thread.h"

struct heap;

/* heap_new - m is borrowed. NULL: no memory. */
struct heap *heap_new(const struct machine *m);
void heap_free(struct heap *h);

/* heap_reset - before a snapshot: forget processes, but not what their files are like. */
void heap_reset(struct heap *h);

/* heap_read - set allocated_bytes and deallocated_bytes of this thread, or count in missing why
 * not: ENOENT: its process has no jemalloc; ENODATA: one whose layout is not known; EPERM, EACCES:
 * not ours to read; ESRCH: it has ended since. Kernel threads have none, and nothing is counted. */
void heap_read(struct heap *h, struct thread_rec *t, struct tally *missing);

/* heap_map_line - a line of /proc/PID/maps: whether it is the first part of a file called
 * libjemalloc. Returns its start, or 0; *ret_path is the rest of the line. */
uint64_t heap_map_line(const char *line, const char **ret_path);

#endif
