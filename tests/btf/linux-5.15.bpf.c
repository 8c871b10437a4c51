// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's types looked like in Linux 5.15, where bpf/snap.bpf.c reads them, with
 * something between the members: to see relocations for kernels that cannot be booted here. Offsets
 * are of no kernel; what matters is which members there are, of which kind, and within what.
 * include/linux/{sched,mm_types,kernfs,pid,delayacct}.h of 5.15. */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

struct seq_file;
struct user_namespace;

struct bpf_iter_meta {
	union {
		struct seq_file *seq;
		u64 : 64;
	} __attribute__((aligned(8)));
	u64 session_id, seq_num;
};

typedef struct {
	long counter;
} atomic_long_t;

struct upid {
	int nr;
	void *ns;
};

struct pid {
	int count;
	unsigned int level;
	void *tasks[4], *inodes;
	struct upid numbers[1];
};

struct kernfs_node {
	int count, active;
	struct kernfs_node *parent;
	const char *name;
	void *rb[3];
	u64 id;
};

struct cgroup_subsys_state {
	void *cgroup, *ss, *refcnt[2];
	int id;
	unsigned int flags;
};

struct cgroup {
	struct cgroup_subsys_state self;
	unsigned long flags;
	int level, max_depth;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup_subsys_state *subsys[14];
	int refcount;
	struct css_set *dom_cset;
	struct cgroup *dfl_cgrp;
};

struct cgroup_namespace {
	void *ns[3];
	struct user_namespace *user_ns;
	void *ucounts;
	struct css_set *root_cset;
};

struct nsproxy {
	int count;
	void *uts_ns, *ipc_ns, *mnt_ns, *pid_ns_for_children, *net_ns, *time_ns, *time_ns_child;
	struct cgroup_namespace *cgroup_ns;
};

struct thread_info {
	unsigned long flags, syscall_work;
	u32 status; /* no cpu yet */
};

struct sched_statistics {
	u64 wait_start, wait_max, wait_count, wait_sum, iowait_count, iowait_sum;
	u64 sleep_start, sleep_max;
	s64 sum_sleep_runtime;
	u64 block_start, block_max, exec_max, slice_max;
	u64 nr_migrations_cold, nr_failed_migrations_affine, nr_forced_migrations;
	u64 nr_wakeups, nr_wakeups_sync, nr_wakeups_migrate, nr_wakeups_local, nr_wakeups_remote,
		nr_wakeups_affine, nr_wakeups_idle;
};

struct sched_entity {
	u64 load[2], run_node[3];
	unsigned int on_rq;
	u64 exec_start, sum_exec_runtime, vruntime, prev_sum_exec_runtime, nr_migrations;
	struct sched_statistics statistics;
};

struct sched_dl_entity {
	u64 rb_node[3], dl_runtime, dl_deadline, dl_period, dl_bw;
};

struct uclamp_se {
	unsigned int value : 11;
	unsigned int bucket_id : 3;
	unsigned int active : 1;
	unsigned int user_defined : 1;
};

struct sched_info {
	unsigned long pcount;
	u64 run_delay, last_arrival, last_queued;
};

struct prev_cputime {
	u64 utime, stime;
	int lock;
};

struct task_io_accounting {
	u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes;
};

struct task_delay_info {
	int lock;
	unsigned int flags;
	u64 blkio_start, blkio_delay, swapin_delay;
	u32 blkio_count, swapin_count;
	u64 freepages_start, freepages_delay, thrashing_start, thrashing_delay;
	u32 freepages_count, thrashing_count;
};

struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct {
	struct {
		void *mmap;
		u64 vmacache_seqnum;
		struct mm_rss_stat rss_stat;
		void *binfmt;
	};
	unsigned long cpu_bitmap[];
};

struct signal_struct {
	int sigcnt, live, nr_threads;
	struct pid *pids[4];
	unsigned char oom_flag_origin : 1;
	short oom_score_adj, oom_score_adj_min;
};

typedef struct cpumask {
	unsigned long bits[128];
} cpumask_t;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	void *stack;
	int usage;
	unsigned int flags, ptrace;
	int on_cpu;
	unsigned int cpu;
	int on_rq, prio, static_prio, normal_prio;
	unsigned int rt_priority;
	const void *sched_class;
	struct sched_entity se;
	struct sched_dl_entity dl;
	unsigned long core_cookie;
	struct uclamp_se uclamp_req[2], uclamp[2];
	unsigned int policy;
	const cpumask_t *cpus_ptr;
	cpumask_t cpus_mask;
	struct sched_info sched_info;
	struct mm_struct *mm, *active_mm;
	int exit_state, exit_code;
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	int *set_child_tid;
	u64 utime, stime, gtime;
	struct prev_cputime prev_cputime;
	unsigned long nvcsw, nivcsw;
	u64 start_time, start_boottime;
	unsigned long min_flt, maj_flt;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
	unsigned long *numa_faults;
	struct task_delay_info *delays;
};

/* Types with the name of another one, as there are some in any kernel. */
struct other {
	struct kthread {
		int unlike;
	} k;
};

int bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task)
{
	struct nsproxy *ns = task->nsproxy;
	struct other o = { { task->signal->oom_score_adj } };

	return ns->cgroup_ns->root_cset->dfl_cgrp->self.id + o.k.unlike + (int)meta->seq_num;
}
