// SPDX-License-Identifier: GPL-2.0-only
/* Reads every thread in one pass: a task iterator, which the kernel calls once for each thread of
 * the reader's pid namespace (kernel/bpf/task_iter.c). Members that a kernel does not have are left
 * out when the program is loaded, so they cost nothing and the verifier never sees them. */
#include "kern.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "snap.h"

#define SCHED_DEADLINE 6 /* include/uapi/linux/sched.h */
#define EXIT_DEAD 0x10 /* include/linux/sched.h */
#define CSS_ONLINE 2 /* enumerators without a name of their enum; these have been so since 4.x */
#define NUMA_FAULT_TYPES 2 /* private, shared */

char LICENSE[] SEC("license") = "GPL";

struct snap_shared shared;

/* Most runs are in no namespace and without delay accounting. A program that does not ask for
 * either has fewer types to be looked up and fewer ways to be verified: it is loaded a quarter
 * faster. */
#ifdef SNAP_PLAIN
#define PLAIN 1
#define ASK 0
#define LEVEL 0
#define DELAYS 0
#define NODES 0
#else
#define PLAIN 0
#define ASK shared.ask
#define LEVEL shared.level
#define DELAYS shared.delays
#define NODES shared.nodes
#endif

/* The statistics, which moved within task_struct in 5.16. */
#define STAT_VALUES(X)                                                                             \
	X(SNAP_NR_WAKEUPS, nr_wakeups)                                                             \
	X(SNAP_NR_WAKEUPS_LOCAL, nr_wakeups_local)                                                 \
	X(SNAP_NR_WAKEUPS_REMOTE, nr_wakeups_remote)                                               \
	X(SNAP_NR_WAKEUPS_SYNC, nr_wakeups_sync)                                                   \
	X(SNAP_NR_WAKEUPS_MIGRATE, nr_wakeups_migrate)                                             \
	X(SNAP_NR_WAKEUPS_AFFINE, nr_wakeups_affine)                                               \
	X(SNAP_NR_FORCED_MIGRATIONS, nr_forced_migrations)                                         \
	X(SNAP_WAIT_SUM, wait_sum)                                                                 \
	X(SNAP_WAIT_MAX, wait_max)                                                                 \
	X(SNAP_WAIT_COUNT, wait_count)                                                             \
	X(SNAP_SLEEP_SUM, sum_sleep_runtime)                                                       \
	X(SNAP_SLEEP_MAX, sleep_max)                                                               \
	X(SNAP_BLOCK_MAX, block_max)                                                               \
	X(SNAP_IOWAIT_SUM, iowait_sum)                                                             \
	X(SNAP_IOWAIT_COUNT, iowait_count)

#define OLD(task) ((struct task_struct___515 *)(task))
#define OLD_SE(task) ((struct sched_entity___515 *)&(task)->se)
#define exists bpf_core_field_exists

/* The plain program comes in a light skeleton, which kernels take since 5.18, and does not ask for
 * what all of those have. Should one of them lose it, the whole program takes over. */
#define has(member) (PLAIN || exists(member))

/* Pointers are followed by a helper, though the program may do it itself: it costs some 12 ns each,
 * but for each step that the program takes, the verifier goes through all type names of the
 * kernel, up to four times, 0.3 ms each (seen in 6.18). */
#define READ(dst, p, member) bpf_core_read(&(dst), sizeof(dst), &(p)->member)

static __always_inline int has_new_ext(void)
{
	return bpf_core_enum_value_exists(enum scx_ent_flags___7, SCX_TASK_ENABLED___7);
}

static __always_inline int has_612_ext(void)
{
	return bpf_core_enum_value_exists(enum scx_task_state___612, SCX_TASK_ENABLED___612);
}

/* Where css_set.dfl_cgrp is: behind `subsys`, a counter and a pointer, since 4.14. A relocation
 * would know it as well, but the kernel keeps the names it has looked up in 31 slots, and css_set
 * is in the one of mm_struct: each load would go through all of its types twice more, as long as
 * all the rest of it takes. That there is a cgroup is seen from its directory, which points back to
 * it; where it does not, no directory is told, and the path is looked up in /proc. */
#define DFL_CGRP (bpf_core_field_size(((struct cgroup *)0)->subsys) + 16)

#define DIR_HEAD (sizeof(struct snap_rec) + sizeof(shared.dir.id))

/* Puts the directory shared.kn in shared.dir, and goes to the one that it is in. A function of its
 * own to the verifier too, which looks at it once, and not each time round the loop below. Returns
 * the length of the name, filled up to 8 bytes. */
__attribute__((noinline)) int next_dir(void)
{
	struct kernfs_node *kn = (struct kernfs_node *)shared.kn;
	struct snap_dir *d = &shared.dir;
	char *name = 0;
	__u32 n; /* with the NUL: 256 at most */

	READ(d->id, kn, id);
	READ(name, kn, name);
	n = bpf_probe_read_kernel_str(d->name, SNAP_NAME / 2, name);
	d->r.kind = SNAP_DIR;
	d->r.n = n;
	n = (n + 7) & (SNAP_NAME - 8);
	d->r.bytes = DIR_HEAD + n;
	if (exists(kn->__parent))
		READ(kn, kn, __parent);
	else
		READ(kn, (struct kernfs_node___parent *)kn, parent);
	shared.kn = (__u64)kn;
	return n;
}

/* A cgroup and what it is in, up to the root of the hierarchy: names are in the kernfs nodes.
 * Whether a write failed is asked once, of the last one: when one did not fit, none after it does.
 */
static __always_inline void write_cgroup(struct seq_file *seq, struct cgroup *cgrp)
{
	struct snap_cgroup c = { .r = { SNAP_CGROUP, sizeof(c), 0 } };
	struct kernfs_node *kn = 0;
	void *owner = 0;
	__u32 flags = 0;
	int i;

	READ(kn, cgrp, kn);
	READ(owner, kn, priv);
	READ(c.id, kn, id);
	READ(flags, cgrp, self.flags);
	c.dead = !(flags & CSS_ONLINE);
	bpf_seq_write(seq, &c, sizeof(c));
	shared.kn = owner == cgrp ? (__u64)kn : 0;
	for (i = 0; i < SNAP_DEPTH && shared.kn; i++)
		bpf_seq_write(seq, &shared.dir, DIR_HEAD + (next_dir() & (SNAP_NAME - 8)));
}

/* The number of a task in the pid namespace of the reader, level deep. */
static __always_inline int nr_in(struct pid *pid, __u32 level)
{
	int nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (char *)pid + bpf_core_field_offset(pid->numbers) +
				      (__u64)level * bpf_core_type_size(struct upid));
	return nr;
}

/* What this kernel has goes along with each thread. Members that come and go together are asked for
 * once: each question is a relocation, a branch to verify and dead code to take out, some ten
 * microseconds of loading in all. */
#define HAVE(i) (*have |= 1ULL << (i))
#define TAKE(i, member)                                                                            \
	do {                                                                                       \
		t->v[i] = (member);                                                                \
		HAVE(i);                                                                           \
	} while (0)
#define TRY(i, member)                                                                             \
	do {                                                                                       \
		if (has(member))                                                                   \
			TAKE(i, member);                                                           \
	} while (0)

static __always_inline void read_task(struct snap_thread *t, struct task_struct *task, __u64 *have)
{
	TRY(SNAP_FLAGS, task->flags);
	TRY(SNAP_EXIT_STATE, task->exit_state);
	TRY(SNAP_POLICY, task->policy);
	TRY(SNAP_STATIC_PRIO, task->static_prio);
	TRY(SNAP_RT_PRIORITY, task->rt_priority);
	TRY(SNAP_START, task->start_boottime);
	TRY(SNAP_RUN_TIME, task->se.sum_exec_runtime);
	TRY(SNAP_NR_MIGRATIONS, task->se.nr_migrations);
	if (exists(task->sched_info.run_delay)) {
		TAKE(SNAP_WAIT_TIME, task->sched_info.run_delay);
		TAKE(SNAP_TIMESLICES, task->sched_info.pcount);
	}
	if (has(task->utime)) {
		TAKE(SNAP_UTIME, task->utime);
		TAKE(SNAP_STIME, task->stime);
	}
	if (exists(task->prev_cputime)) {
		TAKE(SNAP_PREV_UTIME, task->prev_cputime.utime);
		TAKE(SNAP_PREV_STIME, task->prev_cputime.stime);
	}
	if (has(task->nvcsw)) {
		TAKE(SNAP_NVCSW, task->nvcsw);
		TAKE(SNAP_NIVCSW, task->nivcsw);
	}
	if (has(task->min_flt)) {
		TAKE(SNAP_MINFLT, task->min_flt);
		TAKE(SNAP_MAJFLT, task->maj_flt);
	}
	if (exists(task->ioac.rchar)) {
		TAKE(SNAP_RCHAR, task->ioac.rchar);
		TAKE(SNAP_WCHAR, task->ioac.wchar);
		TAKE(SNAP_SYSCR, task->ioac.syscr);
		TAKE(SNAP_SYSCW, task->ioac.syscw);
	}
	if (exists(task->ioac.read_bytes)) {
		TAKE(SNAP_READ_BYTES, task->ioac.read_bytes);
		TAKE(SNAP_WRITE_BYTES, task->ioac.write_bytes);
		TAKE(SNAP_CANCELLED_WRITE_BYTES, task->ioac.cancelled_write_bytes);
	}
	if (has(task->__state))
		TAKE(SNAP_STATE, task->__state);
	else
		TRY(SNAP_STATE, OLD(task)->state);
	if (has(task->thread_info.cpu))
		TAKE(SNAP_CPU, task->thread_info.cpu);
	else
		TRY(SNAP_CPU, OLD(task)->cpu);
	if (has(task->dl) && task->policy == SCHED_DEADLINE) {
		t->v[SNAP_DL_RUNTIME] = task->dl.dl_runtime;
		t->v[SNAP_DL_DEADLINE] = task->dl.dl_deadline;
		t->v[SNAP_DL_PERIOD] = task->dl.dl_period;
	}
	if (exists(task->uclamp_req)) {
		TAKE(SNAP_UCLAMP_MIN, *(__u32 *)&task->uclamp_req[0] & 0x7ff);
		TAKE(SNAP_UCLAMP_MAX, *(__u32 *)&task->uclamp_req[1] & 0x7ff);
	}
}

static __always_inline void read_stats(struct snap_thread *t, struct task_struct *task, __u64 *have)
{
	struct sched_entity___515 *old = OLD_SE(task);

	if (exists(task->stats.nr_wakeups)) {
#define X(i, member) TAKE(i, task->stats.member);
		STAT_VALUES(X)
#undef X
		/* which came when all this moved */
		TAKE(SNAP_BLOCK_SUM, task->stats.sum_block_runtime);
	} else if (!PLAIN && exists(old->statistics.nr_wakeups)) {
#define X(i, member) TAKE(i, old->statistics.member);
		STAT_VALUES(X)
#undef X
	}
}

static __always_inline void read_ext(struct snap_thread *t, struct task_struct *task, __u64 *have)
{
	__u64 state;

	if (!exists(task->scx.flags) || !(has_new_ext() || has_612_ext()))
		return;
	HAVE(SNAP_EXT);
	state = task->scx.flags &
		bpf_core_enum_value(enum scx_ent_flags___612, SCX_TASK_STATE_MASK___612);
	if (has_new_ext())
		t->v[SNAP_EXT] =
			state == bpf_core_enum_value(enum scx_ent_flags___7, SCX_TASK_ENABLED___7);
	else
		t->v[SNAP_EXT] =
			state ==
			bpf_core_enum_value(enum scx_task_state___612, SCX_TASK_ENABLED___612)
				<< bpf_core_enum_value(enum scx_ent_flags___612,
						       SCX_TASK_STATE_SHIFT___612);
}

static __always_inline __u64 pages(long n)
{
	return n > 0 ? n : 0; /* counters of several CPUs may sum up to less than nothing */
}

static __always_inline void read_rss(struct snap_thread *t, struct task_struct *task)
{
	struct mm_struct *mm = 0;
	struct mm_struct___61 *old;
	long file = 0, anon = 0,
	     shmem = 0; /* what there is of a process that has no memory any more */

	READ(mm, task, mm);
	old = (void *)mm;
	/* 2 is swap. A percpu_counter is read as /proc/PID/stat does: without what single CPUs
	 * have not yet added. */
	if (exists(mm->rss_stat[0].count)) {
		READ(file, mm, rss_stat[0].count);
		READ(anon, mm, rss_stat[1].count);
		READ(shmem, mm, rss_stat[3].count);
	} else if (exists(old->rss_stat.count)) {
		READ(file, old, rss_stat.count[0].counter);
		READ(anon, old, rss_stat.count[1].counter);
		READ(shmem, old, rss_stat.count[3].counter);
	} else {
		return;
	}
	t->r.n |= SNAP_HAS_RSS;
	t->v[SNAP_RSS_PAGES] = pages(file) + pages(anon) + pages(shmem);
}

/* What prctl(PR_SCHED_CORE_GET) tells of a cookie is the hash that %p prints: 16 digits. */
static __always_inline void write_cookie(struct seq_file *seq, __u64 cookie)
{
	struct snap_rec r = { SNAP_COOKIE, sizeof(r) + 16, 16 };
	char format[4] = "%p";

	bpf_seq_write(seq, &r, sizeof(r));
	bpf_seq_printf(seq, format, 3, &cookie, sizeof(cookie));
}

static __always_inline void read_delays(struct snap_thread *t, struct task_struct *task)
{
	struct task_delay_info *delays = 0;
	__u32 count = 0;

	READ(delays, task, delays);
	if (!delays)
		return;
	t->r.n |= SNAP_HAS_DELAYS;
	READ(t->v[SNAP_BLKIO_DELAY], delays, blkio_delay);
	READ(t->v[SNAP_SWAPIN_DELAY], delays, swapin_delay);
	READ(t->v[SNAP_RECLAIM_DELAY], delays, freepages_delay);
	READ(count, delays, blkio_count);
	t->v[SNAP_BLKIO_COUNT] = count;
	READ(count, delays, swapin_count);
	t->v[SNAP_SWAPIN_COUNT] = count;
	READ(count, delays, freepages_count);
	t->v[SNAP_RECLAIM_COUNT] = count;
}

SEC("iter/task")
int snap(__u64 *ctx)
{
	struct seq_file *seq = ((struct bpf_iter_meta *)ctx[0])->seq;
	struct task_struct *task = (struct task_struct *)ctx[1];
	struct signal_struct *signal = 0;
	struct pid *pid = 0;
	struct task_struct *leader = 0;
	struct snap_thread *t = &shared.thread;
	struct css_set *cset = 0;
	struct cgroup *cgrp = 0;
	__u32 words = shared.cpu_words, nodes = NODES, bytes;
	struct task_struct *me = bpf_get_current_task_btf();
	struct nsproxy *nsproxy = 0;
	struct cgroup_namespace *ns = 0;
	__u64 have = 0;
	__s16 adj = 0;

	if (!task)
		return 0;
	if (ASK) {
		READ(pid, me, thread_pid);
		READ(shared.level, pid, level);
	}
	if (exists(task->cgroups)) { /* not without CONFIG_CGROUPS */
		/* One way through the loop over what a cgroup is in, for both questions: the
		 * verifier goes every way there is. */
		READ(cset, task, cgroups);
		if (ASK) {
			READ(nsproxy, me, nsproxy);
			READ(ns, nsproxy, cgroup_ns);
			READ(cset, ns, root_cset);
		}
		if ((__u64)cset != shared.last_cset) {
			bpf_probe_read_kernel(&cgrp, sizeof(cgrp), (char *)cset + DFL_CGRP);
			write_cgroup(seq, cgrp);
			shared.last_cset = (__u64)cset;
		}
	}
	if (ASK)
		return 0;

	if (task->exit_state == EXIT_DEAD) {
		shared.vanished++; /* being released since the kernel found it */
		return 0;
	}
	if (LEVEL == 0) {
		t->tid = task->pid;
		t->tgid = task->tgid;
	} else {
		READ(signal, task, signal);
		READ(pid, task, thread_pid);
		t->tid = nr_in(pid, LEVEL);
		READ(pid, signal, pids[1]); /* PIDTYPE_TGID */
		t->tgid = nr_in(pid, LEVEL);
		if (!t->tid || !t->tgid) {
			shared.vanished++;
			return 0;
		}
	}
	if (shared.pid && shared.pid != t->tid && shared.pid != t->tgid)
		return 0;

	t->r.kind = SNAP_THREAD;
	t->r.n = 0;
	read_task(t, task, &have);
	read_stats(t, task, &have);
	read_ext(t, task, &have);
	if (exists(task->delays) && DELAYS)
		read_delays(t, task);
	/* Reading a name eight bytes at a time is what the verifier allows, too. */
	((__u64 *)t->comm)[0] = *(__u64 *)&task->comm[0];
	((__u64 *)t->comm)[1] = *(__u64 *)&task->comm[8];
	if (t->tgid != shared.last_tgid) {
		READ(signal, task, signal);
		READ(adj, signal, oom_score_adj);
		t->v[SNAP_OOM_SCORE_ADJ] = adj;
		READ(leader, task, group_leader);
		bpf_core_read(t->pcomm, sizeof(t->pcomm), &leader->comm);
		shared.last_tgid = t->tgid;
	}
	if (t->tid == t->tgid)
		read_rss(t, task);

	t->cpus = task->cpus_mask.bits[0];
	if (words > SNAP_CPU_WORDS)
		words = SNAP_CPU_WORDS;
	if (words <= 1)
		words = 0;
	else
		bpf_probe_read_kernel(t->tail, words * 8, &task->cpus_mask);
	if (exists(task->numa_faults) && nodes) {
		unsigned long *faults = 0;

		READ(faults, task, numa_faults);
		if (faults) {
			if (nodes > SNAP_NODES)
				nodes = SNAP_NODES;
			t->r.n |= SNAP_HAS_NUMA;
			bpf_probe_read_kernel(&t->tail[words], nodes * NUMA_FAULT_TYPES * 8,
					      faults);
			words += nodes * NUMA_FAULT_TYPES;
		}
	}
	if (words > 0)
		bytes = offsetof(struct snap_thread, tail) + words * 8;
	else if (task->policy == SCHED_DEADLINE || (t->r.n & SNAP_HAS_DELAYS))
		bytes = offsetof(struct snap_thread, tail);
	else if (have & 1ULL << SNAP_NR_WAKEUPS)
		bytes = offsetof(struct snap_thread, v[SNAP_DL_RUNTIME]);
	else
		bytes = offsetof(struct snap_thread, v[SNAP_NR_WAKEUPS]);

	if (exists(task->core_cookie)) {
		__u64 cookie = task->core_cookie;

		have |= 1ULL << SNAP_CORE_COOKIE;
		t->v[SNAP_CORE_COOKIE] = cookie != 0;
		if (cookie)
			write_cookie(seq, cookie);
	}
	if (bytes > sizeof(*t))
		return 0;
	t->r.bytes = bytes;
	t->have = have | 1ULL << SNAP_OOM_SCORE_ADJ;
	/* When something does not fit, the kernel takes back what was written for this thread, and
	 * calls again with an empty buffer at the next read. */
	bpf_seq_write(seq, t, bytes);
	return 0;
}
