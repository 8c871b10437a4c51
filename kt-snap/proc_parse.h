/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of /proc/PID/task/TID, each a run of bytes without a NUL: names may hold any byte.
 * Parsers set what they find in the record and leave the rest alone; only the values of fields are
 * touched. */
#ifndef KT_SNAP_PROC_PARSE_H
#define KT_SNAP_PROC_PARSE_H

#include "thread.h"

#include <sys/types.h>

struct span {
	const char *p;
	size_t n;
};

struct stat_units {
	unsigned int clk_tck; /* ticks a second */
	unsigned int page_kb;
};

#define STAT_KTHREAD 0x00200000 /* PF_KTHREAD in the flags */

/* parse_stat - `stat`: all fields that come from there, comm too (its bytes lie in the text; a
 * kernel thread's name is cut by thread_comm()). rss_kb is not set for kernel threads, which have
 * none. Returns 0; -EINVAL when it is no such line or has no start time: nothing is set then. */
int parse_stat(const char *p, size_t n, const struct stat_units *u, struct thread_rec *t);

/* The keys of `sched`, made once. */
#define SCHED_SLOTS 256
struct sched_keys {
	signed char slot[SCHED_SLOTS]; /* by hash: a field, or -1 */
};
void sched_keys_init(struct sched_keys *k);

/* parse_sched - `sched`, from the line of dashes on: names above it may look like anything. Times
 * are exact: "3.000007" ms is 3000007 ns. numa_faults becomes "NODE:FAULTS,…" in `numa`, which the
 * record then borrows. Returns 0, or -EINVAL when there is no line of dashes. */
#define NUMA_TEXT 4096
int parse_sched(const char *p, size_t n, const struct sched_keys *k, char numa[NUMA_TEXT],
		struct thread_rec *t);

/* parse_schedstat - "438420 0 1". parse_io - "rchar: 8701" and so on. parse_status - the two counts
 * of context switches. A value that is no number is not set. */
void parse_schedstat(const char *p, size_t n, struct thread_rec *t);
void parse_io(const char *p, size_t n, struct thread_rec *t);
void parse_status(const char *p, size_t n, struct thread_rec *t);

/* parse_tgid - "Tgid:" of `status`, or -1. */
pid_t parse_tgid(const char *p, size_t n);

/* parse_cgroup - the path in the line "0::/a/b", which is of cgroup v2. n is 0 when there is none.
 */
struct span parse_cgroup(const char *p, size_t n);

/* parse_pid - a name of decimal digits, 1 to INT_MAX; 0 when it is another. */
pid_t parse_pid(const char *s);

#endif
