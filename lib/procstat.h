/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose child a process is, what it does and since when: /proc/PID/stat, for who wants no more
 * than that of a few processes or threads. */
#ifndef KT_PROCSTAT_H
#define KT_PROCSTAT_H

#include <stdint.h>
#include <sys/types.h>

struct procstat {
	char comm[64]; /* the name, cut off if it is longer (kworkers have up to 63 bytes) */
	char state; /* the letter, proc_pid_stat(5) */
	pid_t ppid;
	uint64_t utime, stime; /* clock ticks */
	uint64_t start; /* clock ticks since boot */
};

/* procstat_parse - the text of such a file. Returns 0; or -EINVAL, and *ret is as it was. */
int procstat_parse(const char *text, struct procstat *ret);

/* procstat_of - read it. Returns 0; -ESRCH when there is no such process; or another -errno. */
int procstat_of(pid_t pid, struct procstat *ret);

#endif
