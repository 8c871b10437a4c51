/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one thread out of /proc. */
#ifndef KT_SNAP_PROC_READ_H
#define KT_SNAP_PROC_READ_H

#include "proc_parse.h"
#include "source.h"

#include <pthread.h>

struct taskstats_link;
struct threaded;

/* What all threads of a process share. It lives as long as one of its threads is being read. */
struct process {
	pid_t tgid;
	int task_fd; /* /proc/TGID/task */
	unsigned int refs; /* guarded by whoever lists processes */
	bool single; /* one thread: nothing to share */
	struct process *next; /* in the list of unused ones */
	pthread_mutex_t lock; /* guards what follows */
	bool has_comm, has_cgroup, has_oom;
	bool threaded; /* threads may be in different cgroups */
	char comm[64];
	size_t comm_n;
	struct buf cgroup; /* the path; empty: in no cgroup v2 */
	int64_t oom;
};

/* One thread's record with the bytes it borrows. */
struct slot {
	struct thread_rec rec;
	char comm[64], pcomm[64];
	struct buf cgroup, affinity;
	char numa[NUMA_TEXT];
};

/* What the kernel of this machine has, found out once. */
struct proc_caps {
	bool file[FROM_N]; /* in /proc/PID/task/TID */
	bool cookie; /* PR_SCHED_CORE_GET */
};

/* Everything one reader needs; several may be at work, each with its own. */
struct reader {
	const struct source_opts *opts;
	const struct proc_caps *caps;
	bool want[FROM_N];
	struct field_set sched_stats, sched_others; /* of what was asked for */
	struct stat_units units;
	struct sched_keys keys;
	char *text; /* one file at a time */
	struct taskstats_link *taskstats; /* NULL: taskstats_rc says why */
	int taskstats_rc;
	struct threaded *threaded; /* which cgroups are */
	struct cpuset cpus; /* the affinity that was read last */
	char *list; /* its text */
	uint64_t vanished;
	struct tally errors, missing;
};

void proc_caps_probe(int proc_fd, struct proc_caps *ret);

int reader_init(struct reader *r, const struct source_opts *o, const struct proc_caps *caps);
void reader_free(struct reader *r);

/* reader_reset - before a walk: forget counts and what cgroups were like. */
void reader_reset(struct reader *r);

/* reader_thread - read a thread. Returns 1 when `out` is its record, whole; 0 when there is none,
 * which is counted: it vanished, or it could not be read. */
int reader_thread(struct reader *r, struct process *p, pid_t tid, struct slot *out);

/* proc_slurp - the whole of a file in one read. Returns its length; -E2BIG when cap is not more
 * than that; or another -errno. */
ssize_t proc_slurp(int dir_fd, const char *name, char *buf, size_t cap);
#define PROC_TEXT (64 << 10)

#endif
