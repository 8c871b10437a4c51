/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's types, as far as our BPF programs read them. Only names count: where a member really
 * lies is put in when the program is loaded, from the BTF of the kernel that runs (CO-RE), so
 * order, neighbours and sizes here mean nothing. What comes behind "___" in the name of a type is
 * not part of the kernel's name; it tells the shapes of different versions apart. */
#ifndef KT_KERN_H
#define KT_KERN_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC
}; /* bpf_helper_defs.h names it */

struct seq_file;

/* What the kernel calls an iterator with, laid out like this since 5.8 (include/linux/bpf.h). */
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *__parent; /* since 6.15 */
	__u64 id; /* since 5.5 one number */
	void *priv; /* of a cgroup's directory: the cgroup */
};

struct kernfs_node___parent {
	struct kernfs_node *parent; /* before 6.15 */
};

struct cgroup_subsys_state {
	unsigned int flags;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[1];
};

struct css_set; /* see DFL_CGRP */

struct cgroup_namespace {
	struct css_set *root_cset;
};

struct nsproxy {
	struct cgroup_namespace *cgroup_ns;
};

struct thread_info {
	__u32 cpu; /* since 5.16 */
};

struct sched_statistics {
	__u64 wait_max, wait_count, wait_sum;
	__u64 iowait_count, iowait_sum;
	__u64 sleep_max, block_max;
	__s64 sum_sleep_runtime;
	__s64 sum_block_runtime; /* since 5.16 */
	__u64 nr_forced_migrations;
	__u64 nr_wakeups, nr_wakeups_sync, nr_wakeups_migrate, nr_wakeups_local, nr_wakeups_remote,
		nr_wakeups_affine;
};

struct sched_entity {
	__u64 sum_exec_runtime;
	__u64 nr_migrations;
};

struct sched_entity___515 {
	struct sched_statistics statistics; /* before 5.16 */
};

struct sched_dl_entity {
	__u64 dl_runtime, dl_deadline, dl_period;
};

struct sched_ext_entity {
	__u32 flags;
};

/* 6.12 has the states of a task, and shifts them; later the flags have them in place. */
enum scx_ent_flags___612 {
	SCX_TASK_STATE_SHIFT___612 = 8,
	SCX_TASK_STATE_MASK___612 = 3 << 8,
};

enum scx_task_state___612 {
	SCX_TASK_ENABLED___612 = 3,
};

enum scx_ent_flags___7 {
	SCX_TASK_ENABLED___7 = 4 << 8,
};

struct uclamp_se {
	unsigned int value : 11; /* the kernel's own width: SCHED_CAPACITY_SHIFT + 1 */
};

struct sched_info {
	unsigned long pcount;
	__u64 run_delay;
};

struct prev_cputime {
	__u64 utime, stime;
};

struct task_io_accounting {
	__u64 rchar, wchar, syscr, syscw; /* CONFIG_TASK_XACCT */
	__u64 read_bytes, write_bytes, cancelled_write_bytes; /* CONFIG_TASK_IO_ACCOUNTING */
};

struct task_delay_info {
	__u64 blkio_delay, swapin_delay, freepages_delay;
	__u32 blkio_count, swapin_count, freepages_count;
};

typedef struct {
	long counter;
} atomic_long_t;

struct mm_rss_stat {
	atomic_long_t count[4]; /* before 6.2 */
};

struct percpu_counter {
	__s64 count;
};

struct mm_struct {
	struct percpu_counter rss_stat[4]; /* since 6.2 */
};

struct mm_struct___61 {
	struct mm_rss_stat rss_stat;
};

struct signal_struct {
	short oom_score_adj;
	struct pid *pids[4];
};

struct cpumask {
	unsigned long bits[1];
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state; /* since 5.14 */
	unsigned int flags;
	int exit_state;
	int static_prio;
	unsigned int rt_priority;
	unsigned int policy;
	struct sched_entity se;
	struct sched_dl_entity dl;
	struct sched_ext_entity scx; /* CONFIG_SCHED_CLASS_EXT, since 6.12 */
	unsigned long core_cookie; /* CONFIG_SCHED_CORE */
	struct uclamp_se uclamp_req[2]; /* CONFIG_UCLAMP_TASK */
	struct sched_statistics stats; /* since 5.16 */
	struct cpumask cpus_mask;
	struct sched_info sched_info; /* CONFIG_SCHED_INFO */
	struct mm_struct *mm;
	int pid, tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 utime, stime;
	struct prev_cputime prev_cputime;
	unsigned long nvcsw, nivcsw;
	__u64 start_boottime;
	unsigned long min_flt, maj_flt;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
	unsigned long *numa_faults; /* CONFIG_NUMA_BALANCING */
	struct task_delay_info *delays; /* CONFIG_TASK_DELAY_ACCT */
};

struct task_struct___515 {
	unsigned int cpu; /* before 5.16 */
	long state; /* before 5.14 */
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif
