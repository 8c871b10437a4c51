// SPDX-License-Identifier: GPL-2.0-only
/* A kernel of today without all that its configuration may leave out, and with some members of
 * another width than bpf/kern.h gives them: what is left must be found, what is not must be told.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id, seq_num;
};

struct upid {
	int nr;
	void *ns;
};

struct pid {
	int count;
	unsigned int level;
	struct {
		u64 ino;
		void *stashed;
	};
	struct upid numbers[];
};

struct thread_info {
	unsigned long flags;
	u32 cpu;
};

struct sched_statistics {
};

struct sched_entity {
	u64 load[2];
	u8 on_rq;
	u64 sum_exec_runtime, vruntime;
	union {
		s64 vlag;
		struct {
			u32 filler;
			struct {
				u64 nr_migrations; /* within members without a name */
			};
		};
	};
};

struct percpu_counter {
	u32 lock;
	s64 count;
	int *counters;
};

struct mm_struct {
	struct {
		u64 mm_mt[2];
		struct percpu_counter rss_stat[4];
	};
};

struct signal_struct {
	int sigcnt;
	struct pid *pids[4];
	short oom_score_adj;
};

struct cpumask {
	unsigned long bits[1];
};
typedef struct cpumask cpumask_t;
typedef struct cpumask cpumask_var_t[1];

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int exit_state;
	int static_prio;
	unsigned short rt_priority; /* narrower */
	u64 policy; /* wider */
	struct sched_entity se;
	struct sched_statistics stats;
	cpumask_t cpus_mask;
	struct mm_struct *mm;
	int pid, tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 utime, stime;
	unsigned long nvcsw, nivcsw;
	u64 start_boottime;
	unsigned long min_flt, maj_flt;
	char comm[16];
	void *nsproxy;
	struct signal_struct *signal;
};

int bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task)
{
	return task->signal->oom_score_adj + (int)meta->seq_num;
}
