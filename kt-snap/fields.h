/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of what is known of a thread: names, units, how a group of threads is summed up,
 * and where each source gets it from. */
#ifndef KT_SNAP_FIELDS_H
#define KT_SNAP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
	FIELD_U64,
	FIELD_I64, /* kept as the two's complement */
	FIELD_BOOL,
	FIELD_STR, /* bytes of any kind */
	FIELD_POLICY, /* the kernel's number, written as a name */
	FIELD_STATE, /* the letter, written as a string */
	FIELD_OPAQUE, /* u64 that is no quantity, written as a string */
};

/* What a member means for a group of threads. */
enum field_rule {
	RULE_KEY, /* tells threads apart or groups them */
	RULE_SUM, /* counts up from 0 when the thread starts: add; the difference is a rate */
	RULE_GAUGE, /* an amount at this moment: add; the difference is no rate */
	RULE_MAX, /* the largest since the thread started */
	RULE_RANGE, /* ordinal: smallest and largest */
	RULE_MODE, /* the most frequent value */
	RULE_SET, /* a list of CPUs */
	RULE_NONE, /* says nothing about a group */
};

enum field_unit {
	UNIT_NONE,
	UNIT_NS,
	UNIT_BYTES,
	UNIT_KB,
};

/* Groups, for --fields +NAME and -NAME. Identity is in each record. */
enum field_group {
	GROUP_ID,
	GROUP_ATTR,
	GROUP_TIME,
	GROUP_WAKEUPS,
	GROUP_STATS,
	GROUP_FAULTS,
	GROUP_IO,
	GROUP_DELAY,
	GROUP_MEM,
	GROUP_CORE,
	GROUP_NUMA, /* this and those after it are not there by default */
	GROUP_HEAP,
	GROUP_N,
};

/* What the proc source reads for a field. */
enum field_from {
	FROM_DIR, /* names in /proc */
	FROM_STAT,
	FROM_SCHED,
	FROM_STATUS, /* only where there is no sched */
	FROM_SCHEDSTAT,
	FROM_IO,
	FROM_CGROUP,
	FROM_OOM,
	FROM_AFFINITY, /* system calls */
	FROM_ATTR,
	FROM_COOKIE,
	FROM_TASKSTATS, /* netlink */
	FROM_HEAP, /* the memory of the process */
	FROM_N,
};

/* FIELD(name, kind, rule, unit, group, from, where in /proc, members of task_struct)
 *
 * Where the two sources could differ, this is what both must say:
 *   tid, tgid     in the reader's pid namespace
 *   comm, pcomm   task_struct's own name, at most 15 bytes: /proc adds to a kworker's what it works
 * on cgroup        path in cgroup v2, in the reader's cgroup namespace: "/a/b"; " (deleted)" stays
 *   start_ns      since boot, suspend included; the proc source has whole clock ticks
 *   cpu_affinity  list text of the CPUs that it may use and that are online
 *   utime_ns, stime_ns  scaled so that they add up to run_time_ns (cputime_adjust()); the proc
 * source has whole clock ticks uclamp_*      what was asked for, not what is in effect rss_kb of
 * the process, in the record of the leader alone sleep_*       interruptible and uninterruptible
 * sleep (the kernel counts block_* in sleep_* too) core_cookie   equal for threads that may share a
 * core; hashed by the kernel dl_*          of SCHED_DEADLINE threads alone */
#define FIELDS(FIELD)                                                                              \
	FIELD(tid, U64, KEY, NONE, ID, DIR, "task/TID", "pid")                                     \
	FIELD(tgid, U64, KEY, NONE, ID, DIR, "/proc/TGID", "tgid")                                 \
	FIELD(pcomm, STR, KEY, NONE, ID, STAT, "stat 2", "group_leader.comm")                      \
	FIELD(comm, STR, KEY, NONE, ID, STAT, "stat 2", "comm")                                    \
	FIELD(cgroup, STR, KEY, NONE, ID, CGROUP, "cgroup 0::", "cgroups.dfl_cgrp")                \
	FIELD(start_ns, U64, KEY, NS, ID, STAT, "stat 22", "start_boottime")                       \
	FIELD(kthread, BOOL, MODE, NONE, ID, STAT, "stat 9", "flags")                              \
	FIELD(state, STATE, NONE, NONE, ATTR, STAT, "stat 3", "__state exit_state")                \
	FIELD(cpu, U64, NONE, NONE, ATTR, STAT, "stat 39", "thread_info.cpu")                      \
	FIELD(policy, POLICY, MODE, NONE, ATTR, STAT, "stat 41", "policy")                         \
	FIELD(nice, I64, RANGE, NONE, ATTR, STAT, "stat 19", "static_prio")                        \
	FIELD(rt_priority, U64, RANGE, NONE, ATTR, STAT, "stat 40", "rt_priority")                 \
	FIELD(dl_runtime_ns, U64, RANGE, NS, ATTR, ATTR, "sched_getattr", "dl.dl_runtime")         \
	FIELD(dl_deadline_ns, U64, RANGE, NS, ATTR, ATTR, "sched_getattr", "dl.dl_deadline")       \
	FIELD(dl_period_ns, U64, RANGE, NS, ATTR, ATTR, "sched_getattr", "dl.dl_period")           \
	FIELD(cpu_affinity, STR, SET, NONE, ATTR, AFFINITY, "sched_getaffinity", "cpus_ptr")       \
	FIELD(ext_enabled, BOOL, MODE, NONE, ATTR, SCHED, "ext.enabled", "sched_class")            \
	FIELD(uclamp_min, U64, RANGE, NONE, ATTR, SCHED, "uclamp.min", "uclamp_req")               \
	FIELD(uclamp_max, U64, RANGE, NONE, ATTR, SCHED, "uclamp.max", "uclamp_req")               \
	FIELD(run_time_ns, U64, SUM, NS, TIME, SCHEDSTAT, "schedstat 1", "se.sum_exec_runtime")    \
	FIELD(wait_time_ns, U64, SUM, NS, TIME, SCHEDSTAT, "schedstat 2", "sched_info.run_delay")  \
	FIELD(timeslices, U64, SUM, NONE, TIME, SCHEDSTAT, "schedstat 3", "sched_info.pcount")     \
	FIELD(utime_ns, U64, SUM, NS, TIME, STAT, "stat 14", "utime prev_cputime")                 \
	FIELD(stime_ns, U64, SUM, NS, TIME, STAT, "stat 15", "stime prev_cputime")                 \
	FIELD(voluntary_csw, U64, SUM, NONE, TIME, SCHED, "nr_voluntary_switches", "nvcsw")        \
	FIELD(nonvoluntary_csw, U64, SUM, NONE, TIME, SCHED, "nr_involuntary_switches", "nivcsw")  \
	FIELD(nr_migrations, U64, SUM, NONE, TIME, SCHED, "nr_migrations", "se.nr_migrations")     \
	FIELD(nr_wakeups, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups", "stats.nr_wakeups")        \
	FIELD(nr_wakeups_local, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups_local",                \
	      "stats.nr_wakeups_local")                                                            \
	FIELD(nr_wakeups_remote, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups_remote",              \
	      "stats.nr_wakeups_remote")                                                           \
	FIELD(nr_wakeups_sync, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups_sync",                  \
	      "stats.nr_wakeups_sync")                                                             \
	FIELD(nr_wakeups_migrate, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups_migrate",            \
	      "stats.nr_wakeups_migrate")                                                          \
	FIELD(nr_wakeups_affine, U64, SUM, NONE, WAKEUPS, SCHED, "nr_wakeups_affine",              \
	      "stats.nr_wakeups_affine")                                                           \
	FIELD(nr_forced_migrations, U64, SUM, NONE, STATS, SCHED, "nr_forced_migrations",          \
	      "stats.nr_forced_migrations")                                                        \
	FIELD(wait_sum_ns, U64, SUM, NS, STATS, SCHED, "wait_sum", "stats.wait_sum")               \
	FIELD(wait_max_ns, U64, MAX, NS, STATS, SCHED, "wait_max", "stats.wait_max")               \
	FIELD(wait_count, U64, SUM, NONE, STATS, SCHED, "wait_count", "stats.wait_count")          \
	FIELD(sleep_sum_ns, U64, SUM, NS, STATS, SCHED, "sum_sleep_runtime",                       \
	      "stats.sum_sleep_runtime")                                                           \
	FIELD(sleep_max_ns, U64, MAX, NS, STATS, SCHED, "sleep_max", "stats.sleep_max")            \
	FIELD(block_sum_ns, U64, SUM, NS, STATS, SCHED, "sum_block_runtime",                       \
	      "stats.sum_block_runtime")                                                           \
	FIELD(block_max_ns, U64, MAX, NS, STATS, SCHED, "block_max", "stats.block_max")            \
	FIELD(iowait_sum_ns, U64, SUM, NS, STATS, SCHED, "iowait_sum", "stats.iowait_sum")         \
	FIELD(iowait_count, U64, SUM, NONE, STATS, SCHED, "iowait_count", "stats.iowait_count")    \
	FIELD(minflt, U64, SUM, NONE, FAULTS, STAT, "stat 10", "min_flt")                          \
	FIELD(majflt, U64, SUM, NONE, FAULTS, STAT, "stat 12", "maj_flt")                          \
	FIELD(rchar, U64, SUM, BYTES, IO, IO, "rchar", "ioac.rchar")                               \
	FIELD(wchar, U64, SUM, BYTES, IO, IO, "wchar", "ioac.wchar")                               \
	FIELD(syscr, U64, SUM, NONE, IO, IO, "syscr", "ioac.syscr")                                \
	FIELD(syscw, U64, SUM, NONE, IO, IO, "syscw", "ioac.syscw")                                \
	FIELD(read_bytes, U64, SUM, BYTES, IO, IO, "read_bytes", "ioac.read_bytes")                \
	FIELD(write_bytes, U64, SUM, BYTES, IO, IO, "write_bytes", "ioac.write_bytes")             \
	FIELD(cancelled_write_bytes, U64, SUM, BYTES, IO, IO, "cancelled_write_bytes",             \
	      "ioac.cancelled_write_bytes")                                                        \
	FIELD(blkio_delay_ns, U64, SUM, NS, DELAY, TASKSTATS, "taskstats blkio_delay_total",       \
	      "delays.blkio_delay")                                                                \
	FIELD(blkio_delay_count, U64, SUM, NONE, DELAY, TASKSTATS, "taskstats blkio_count",        \
	      "delays.blkio_count")                                                                \
	FIELD(swapin_delay_ns, U64, SUM, NS, DELAY, TASKSTATS, "taskstats swapin_delay_total",     \
	      "delays.swapin_delay")                                                               \
	FIELD(swapin_delay_count, U64, SUM, NONE, DELAY, TASKSTATS, "taskstats swapin_count",      \
	      "delays.swapin_count")                                                               \
	FIELD(reclaim_delay_ns, U64, SUM, NS, DELAY, TASKSTATS, "taskstats freepages_delay_total", \
	      "delays.freepages_delay")                                                            \
	FIELD(reclaim_delay_count, U64, SUM, NONE, DELAY, TASKSTATS, "taskstats freepages_count",  \
	      "delays.freepages_count")                                                            \
	FIELD(rss_kb, U64, GAUGE, KB, MEM, STAT, "stat 24", "mm.rss_stat")                         \
	FIELD(oom_score_adj, I64, RANGE, NONE, MEM, OOM, "oom_score_adj", "signal.oom_score_adj")  \
	FIELD(core_cookie, OPAQUE, NONE, NONE, CORE, COOKIE, "PR_SCHED_CORE_GET", "core_cookie")   \
	FIELD(numa_faults, STR, NONE, NONE, NUMA, SCHED, "numa_faults", "numa_faults")             \
	FIELD(allocated_bytes, U64, SUM, BYTES, HEAP, HEAP, "process_vm_readv", "-")               \
	FIELD(deallocated_bytes, U64, SUM, BYTES, HEAP, HEAP, "process_vm_readv", "-")

enum field_id {
#define FIELD(name, ...) F_##name,
	FIELDS(FIELD)
#undef FIELD
	F_N
};

#define FIELD_WORDS ((F_N + 63) / 64)

struct field {
	const char *name;
	enum field_kind kind;
	enum field_rule rule;
	enum field_unit unit;
	enum field_group group;
	enum field_from from;
	const char *proc; /* where the proc source finds it: a number of stat, a key, a call */
	const char *bpf; /* members of task_struct, "-": the bpf source does as the other one */
};

/* By enum field_id, which is also the order of the members in a record. */
extern const struct field fields[F_N];
extern const char *const field_group_name[GROUP_N];

/* A set of fields. */
struct field_set {
	uint64_t w[FIELD_WORDS];
};

static inline bool field_has(const struct field_set *s, enum field_id f)
{
	return s->w[f / 64] >> (f % 64) & 1;
}

static inline void field_add(struct field_set *s, enum field_id f)
{
	s->w[f / 64] |= UINT64_C(1) << (f % 64);
}

static inline void field_del(struct field_set *s, enum field_id f)
{
	s->w[f / 64] &= ~(UINT64_C(1) << (f % 64));
}

/* field_find - the field of this name (n bytes), or -1. */
int field_find(const char *name, size_t n);

/* field_defaults - what is there without --fields: all groups before GROUP_NUMA. */
void field_defaults(struct field_set *ret);

/* field_select - what --fields names: fields and groups, with commas between. "+X" and "-X" change
 * the default; a list that does not begin with a sign is what there is beside identity, which is
 * always there. Returns 0, or -EINVAL with the word that is none in *ret_bad (*ret_n bytes). */
int field_select(const char *list, struct field_set *ret, const char **ret_bad, size_t *ret_n);

/* field_from_any - whether a field of the set comes from there. */
bool field_from_any(const struct field_set *s, enum field_from from);

/* field_policy - "SCHED_OTHER" and so on; NULL for a number that has no name. */
const char *field_policy(uint64_t policy);

#endif
