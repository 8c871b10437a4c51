/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bpf/snap.bpf.c and kt-snap say to each other: the block of memory that both see, and the
 * records that the iterator yields. Every record begins with a struct snap_rec and is a multiple of
 * eight bytes long. */
#ifndef KT_SNAP_H
#define KT_SNAP_H

enum {
	SNAP_CPU_WORDS = 128, /* 8192 CPUs, as CPUSET_MAX */
	SNAP_NODES = 64,
	SNAP_DEPTH = 16, /* of cgroups; a deeper one is looked up in /proc */
	SNAP_NAME = 512, /* room for 255 and a NUL, and for the mask that tells the verifier */
	SNAP_COMM = 16,
};

/* The values of a thread, as the kernel has them: wide as u64, negative ones sign-extended. Which
 * of them this kernel has goes along. */
enum snap_value {
	SNAP_FLAGS,
	SNAP_STATE,
	SNAP_EXIT_STATE,
	SNAP_POLICY,
	SNAP_STATIC_PRIO,
	SNAP_RT_PRIORITY,
	SNAP_CPU,
	SNAP_EXT,
	SNAP_UCLAMP_MIN,
	SNAP_UCLAMP_MAX,
	SNAP_CORE_COOKIE, /* 1: there is one, and a SNAP_COOKIE was before this record */
	SNAP_OOM_SCORE_ADJ,
	SNAP_RSS_PAGES, /* of the process */
	SNAP_START, /* boot time */
	SNAP_RUN_TIME,
	SNAP_WAIT_TIME,
	SNAP_TIMESLICES,
	SNAP_UTIME, /* as ticks found it; user space scales it as /proc does */
	SNAP_STIME,
	SNAP_PREV_UTIME, /* what /proc has already told */
	SNAP_PREV_STIME,
	SNAP_NVCSW,
	SNAP_NIVCSW,
	SNAP_MINFLT,
	SNAP_MAJFLT,
	SNAP_NR_MIGRATIONS,
	SNAP_RCHAR,
	SNAP_WCHAR,
	SNAP_SYSCR,
	SNAP_SYSCW,
	SNAP_READ_BYTES,
	SNAP_WRITE_BYTES,
	SNAP_CANCELLED_WRITE_BYTES,
	SNAP_NR_WAKEUPS, /* this and those that follow: statistics, which not all kernels have */
	SNAP_NR_WAKEUPS_LOCAL,
	SNAP_NR_WAKEUPS_REMOTE,
	SNAP_NR_WAKEUPS_SYNC,
	SNAP_NR_WAKEUPS_MIGRATE,
	SNAP_NR_WAKEUPS_AFFINE,
	SNAP_NR_FORCED_MIGRATIONS,
	SNAP_WAIT_SUM,
	SNAP_WAIT_MAX,
	SNAP_WAIT_COUNT,
	SNAP_SLEEP_SUM,
	SNAP_SLEEP_MAX,
	SNAP_BLOCK_SUM,
	SNAP_BLOCK_MAX,
	SNAP_IOWAIT_SUM,
	SNAP_IOWAIT_COUNT,
	SNAP_DL_RUNTIME, /* this and those that follow: few threads have them */
	SNAP_DL_DEADLINE,
	SNAP_DL_PERIOD,
	SNAP_BLKIO_DELAY,
	SNAP_BLKIO_COUNT,
	SNAP_SWAPIN_DELAY,
	SNAP_SWAPIN_COUNT,
	SNAP_RECLAIM_DELAY,
	SNAP_RECLAIM_COUNT,
	SNAP_VALUES
};

enum snap_kind {
	SNAP_THREAD, /* struct snap_thread */
	SNAP_CGROUP, /* struct snap_cgroup: of the threads that follow; then its SNAP_DIRs */
	SNAP_DIR, /* struct snap_dir: from the cgroup up to the root of the hierarchy */
	SNAP_COOKIE, /* struct snap_cookie: of the thread that follows */
};

struct snap_rec {
	unsigned short kind; /* enum snap_kind */
	unsigned short bytes; /* with this header and the tail */
	unsigned int n; /* threads: enum snap_has; SNAP_DIR: length of the name with a NUL */
};

enum snap_has {
	SNAP_HAS_RSS = 1, /* SNAP_RSS_PAGES */
	SNAP_HAS_DELAYS = 2, /* SNAP_BLKIO_DELAY and those that follow */
	SNAP_HAS_NUMA = 4, /* the tail has two words for each node */
};

struct snap_thread {
	struct snap_rec r;
	unsigned long long have; /* which of v[] the kernel has: bits by enum snap_value */
	int tid, tgid; /* as the reader's pid namespace numbers them */
	char comm[SNAP_COMM], pcomm[SNAP_COMM];
	unsigned long long cpus; /* the first 64 of the affinity mask */
	/* The record ends before SNAP_NR_WAKEUPS, before SNAP_DL_RUNTIME, or here, when nothing
	 * that follows is there. */
	unsigned long long v[SNAP_VALUES];
	/* The tail: cpu_words words of the affinity mask if that is more than one, then, for each
	 * node, the NUMA faults that were private and those that were shared. */
	unsigned long long tail[SNAP_CPU_WORDS + 2 * SNAP_NODES];
};

struct snap_cgroup {
	struct snap_rec r;
	unsigned long long id;
	unsigned long long dead; /* removed while it still has threads */
};

struct snap_dir {
	struct snap_rec r;
	unsigned long long id;
	char name[SNAP_NAME]; /* the record ends behind the name, filled up to 8 bytes */
};

struct snap_cookie {
	struct snap_rec r;
	char hex[16]; /* no NUL */
};

/* The memory that both see. */
struct snap_shared {
	/* Set before each run. */
	unsigned int cpu_words; /* of the affinity mask that matter; 1 … SNAP_CPU_WORDS */
	unsigned int nodes; /* NUMA faults are wanted of so many nodes; 0: not wanted */
	int pid; /* 0: all; else just this process or thread */
	unsigned int
		ask; /* tell, once, the cgroup that the reader's namespace begins at; no threads */
	/* Set to 0 before each read: what the record before this one was of, for as long as it took
	 * to fill one buffer. Threads of a process come one after another, mostly. */
	int last_tgid; /* its pcomm and SNAP_OOM_SCORE_ADJ are in `thread` */
	unsigned long long last_cset; /* its cgroup has been told */
	unsigned int delays; /* delay accounting is wanted, and on */
	unsigned long long vanished; /* 0; counts threads that ended at the last moment */
	unsigned int
		level; /* of the reader's pid namespace, 0: the first one; an answer to `ask` */
	/* Where records are put together: a BPF stack has 512 bytes only. */
	struct snap_thread thread __attribute__((aligned(8)));
	struct snap_dir dir;
	unsigned long long kn; /* the next of them */
};

_Static_assert(SNAP_VALUES <= 64, "snap_thread.have");

#endif
