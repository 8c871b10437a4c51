/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bpf source: loads bpf/snap.bpf.c, reads what it yields, and makes records of it. */
#include "ahead.h"
#include "cgpath.h"
#include "cleanup.h"
#include "die.h"
#include "num.h"
#include "proc_read.h"
#include "prog.h"
#include "root.h"
#include "snap.h"
#include "source.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READ_MAX (32 << 10) /* the kernel hands out eight pages at a time, no more */
#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */
#define DEADLINE 6 /* SCHED_DEADLINE of uapi/linux/sched.h, which glibc's sched.h may lack */

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/* Fields that are a value of the program's, as it is. */
static const struct copy {
	uint8_t from, to;
} copies[] = {
	{ SNAP_CPU, F_cpu },
	{ SNAP_POLICY, F_policy },
	{ SNAP_RT_PRIORITY, F_rt_priority },
	{ SNAP_EXT, F_ext_enabled },
	{ SNAP_UCLAMP_MIN, F_uclamp_min },
	{ SNAP_UCLAMP_MAX, F_uclamp_max },
	{ SNAP_OOM_SCORE_ADJ, F_oom_score_adj },
	{ SNAP_RUN_TIME, F_run_time_ns },
	{ SNAP_WAIT_TIME, F_wait_time_ns },
	{ SNAP_TIMESLICES, F_timeslices },
	{ SNAP_NVCSW, F_voluntary_csw },
	{ SNAP_NIVCSW, F_nonvoluntary_csw },
	{ SNAP_NR_MIGRATIONS, F_nr_migrations },
	{ SNAP_NR_WAKEUPS, F_nr_wakeups },
	{ SNAP_NR_WAKEUPS_LOCAL, F_nr_wakeups_local },
	{ SNAP_NR_WAKEUPS_REMOTE, F_nr_wakeups_remote },
	{ SNAP_NR_WAKEUPS_SYNC, F_nr_wakeups_sync },
	{ SNAP_NR_WAKEUPS_MIGRATE, F_nr_wakeups_migrate },
	{ SNAP_NR_WAKEUPS_AFFINE, F_nr_wakeups_affine },
	{ SNAP_NR_FORCED_MIGRATIONS, F_nr_forced_migrations },
	{ SNAP_WAIT_SUM, F_wait_sum_ns },
	{ SNAP_WAIT_MAX, F_wait_max_ns },
	{ SNAP_WAIT_COUNT, F_wait_count },
	{ SNAP_SLEEP_SUM, F_sleep_sum_ns },
	{ SNAP_SLEEP_MAX, F_sleep_max_ns },
	{ SNAP_BLOCK_SUM, F_block_sum_ns },
	{ SNAP_BLOCK_MAX, F_block_max_ns },
	{ SNAP_IOWAIT_SUM, F_iowait_sum_ns },
	{ SNAP_IOWAIT_COUNT, F_iowait_count },
	{ SNAP_MINFLT, F_minflt },
	{ SNAP_MAJFLT, F_majflt },
	{ SNAP_RCHAR, F_rchar },
	{ SNAP_WCHAR, F_wchar },
	{ SNAP_SYSCR, F_syscr },
	{ SNAP_SYSCW, F_syscw },
	{ SNAP_READ_BYTES, F_read_bytes },
	{ SNAP_WRITE_BYTES, F_write_bytes },
	{ SNAP_CANCELLED_WRITE_BYTES, F_cancelled_write_bytes },
};

/* Fields that one process or thread may have and another not. */
static const struct copy sometimes[] = {
	{ SNAP_DL_RUNTIME, F_dl_runtime_ns },
	{ SNAP_DL_DEADLINE, F_dl_deadline_ns },
	{ SNAP_DL_PERIOD, F_dl_period_ns },
	{ SNAP_BLKIO_DELAY, F_blkio_delay_ns },
	{ SNAP_BLKIO_COUNT, F_blkio_delay_count },
	{ SNAP_SWAPIN_DELAY, F_swapin_delay_ns },
	{ SNAP_SWAPIN_COUNT, F_swapin_delay_count },
	{ SNAP_RECLAIM_DELAY, F_reclaim_delay_ns },
	{ SNAP_RECLAIM_COUNT, F_reclaim_delay_count },
};
#define N_DL 3 /* of these; the others are delays */

struct bpf_source {
	struct source source;
	struct source_opts opts;
	struct prog prog;
	int link_fd;
	bool plain; /* the program is the one that knows neither namespaces nor delays */
	unsigned int cpu_words, n_nodes; /* as in struct snap_shared */
	struct snap_shared *shared; /* the program's memory: prog.shared */
	char *buf; /* what was read last; names in `root` and `chain` are elsewhere */
	struct cpuset nodes; /* that are online */
	int64_t boot_ns; /* this time namespace's offset of the time since boot */
	bool cores; /* the kernel shares cores by cookies, and this machine has cores to share */
	bool no_cgroups; /* /proc/PID/cgroup has no line of cgroup v2 */
	/* Of this walk: */
	struct walk *walk;
	int iter_fd;
	bool read_failed;
	struct copy copy[KT_ARRAY_LEN(copies)]; /* of `copies`, what the kernel has and is wanted */
	unsigned int n_copies;
	struct field_set always; /* what every record has */
	struct thread_rec rec; /* values that it has not may be those of an earlier thread */
	uint64_t have; /* what the kernel has, by enum snap_value */
	uint64_t n; /* records */
	uint64_t n_late; /* threads without delay accounting */
	struct cgchain chain;
	struct cgchain root; /* where this namespace of cgroups begins; empty: at the top */
	char *root_names; /* of `root` */
	struct buf cgroup; /* path of the last cgroup */
	int cgroup_rc;
	char cgroup_text[8192]; /* of /proc/PID/task/TID/cgroup, where the program saw too little */
	uint64_t mask[SNAP_CPU_WORDS]; /* the last affinity, and its text */
	bool masked;
	char *cpus;
	size_t cpus_n;
	uint64_t cookie;
	char *seen; /* by position in opts.pid */
	char numa[SNAP_NODES * 32];
};

static bool have(const struct bpf_source *s, enum snap_value v)
{
	return s->have >> v & 1;
}

static bool wanted(const struct bpf_source *s, enum field_id f)
{
	return field_has(&s->opts.want, f);
}

/* ---- values that are made of several ---- */

/* As the kernel finds the letter in `stat` (__task_state_index(), include/linux/sched.h). */
static char state_letter(uint64_t state, uint64_t exit_state)
{
	static const char letter[] = "RSDTtXZPI";
	unsigned int bits = (unsigned int)(state | exit_state) & 0x7f;

	if ((state & 0x402) == 0x402) /* TASK_IDLE */
		bits = 0x80;
	if (state & 0x9000) /* TASK_RTLOCK_WAIT, TASK_FROZEN: shown as sleeping in the kernel */
		bits = 2;
	return letter[bits == 0 ? 0 : 32 - __builtin_clz(bits)];
}

/* As the kernel splits the exact run time by the ticks that found the thread in user space and in
 * the kernel, never less than what it has told before (cputime_adjust(), kernel/sched/cputime.c).
 */
static void split_time(const uint64_t *v, uint64_t *ret_utime, uint64_t *ret_stime)
{
	uint64_t rtime = v[SNAP_RUN_TIME], utime = v[SNAP_UTIME], stime = v[SNAP_STIME];
	uint64_t had_utime = v[SNAP_PREV_UTIME], had_stime = v[SNAP_PREV_STIME];

	if (had_stime + had_utime >= rtime) {
		*ret_utime = had_utime;
		*ret_stime = had_stime;
		return;
	}
	if (stime != 0)
		stime = utime == 0 ? rtime
				   : (uint64_t)((unsigned __int128)stime * rtime / (stime + utime));
	if (stime < had_stime)
		stime = had_stime;
	utime = rtime - stime;
	if (utime < had_utime) {
		utime = had_utime;
		stime = rtime - utime;
	}
	*ret_utime = utime;
	*ret_stime = stime;
}

static void set_times(const struct bpf_source *s, const uint64_t *v, struct thread_rec *t)
{
	if (!have(s, SNAP_UTIME) || !have(s, SNAP_STIME))
		return;
	if (have(s, SNAP_PREV_UTIME)) { /* not where the hardware tells user from system time */
		split_time(v, &t->v[F_utime_ns], &t->v[F_stime_ns]);
	} else {
		t->v[F_utime_ns] = v[SNAP_UTIME];
		t->v[F_stime_ns] = v[SNAP_STIME];
	}
	field_add(&t->has, F_utime_ns);
	field_add(&t->has, F_stime_ns);
}

static void set_affinity(struct bpf_source *s, const struct snap_thread *st, struct thread_rec *t)
{
	unsigned int i, words = s->shared->cpu_words;
	const unsigned long long *mask = words > 1 ? st->tail : &st->cpus;
	struct cpuset cpus = { { 0 } };

	if (!s->masked || memcmp(s->mask, mask, words * sizeof(uint64_t)) != 0) {
		for (i = 0; i < words; i++)
			cpus.w[i] = s->mask[i] = mask[i];
		cpuset_and(&cpus, &s->opts.machine->online);
		(void)cpuset_format(&cpus, s->cpus, CPUSET_TEXT);
		s->cpus_n = strlen(s->cpus);
		s->masked = true;
	}
	thread_set_str(t, F_cpu_affinity, s->cpus, s->cpus_n);
}

/* "0:12,1:0" */
static void set_numa(struct bpf_source *s, const struct snap_thread *st, struct thread_rec *t)
{
	const unsigned long long *faults =
		&st->tail[s->shared->cpu_words > 1 ? s->shared->cpu_words : 0];
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < s->shared->nodes; i++) {
		uint64_t sum = st->r.n & SNAP_HAS_NUMA ? faults[2 * i] + faults[2 * i + 1] : 0;

		if (!cpuset_has(&s->nodes, i))
			continue;
		n += (size_t)snprintf(s->numa + n, sizeof(s->numa) - n, "%s%u:%llu", n ? "," : "",
				      i, (unsigned long long)sum); /* 26 bytes at most */
	}
	if (n > 0)
		thread_set_str(t, F_numa_faults, s->numa, n);
}

static void copy_all(const struct copy *c, unsigned int n, const uint64_t *v, struct thread_rec *t)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		thread_set(t, c[i].to, v[c[i].from]);
}

/* Whether this thread was asked for, and mark that it was there. */
static bool asked_for(struct bpf_source *s, const struct snap_thread *st)
{
	size_t i;

	if (!s->seen) /* all were */
		return true;
	for (i = 0; i < s->opts.n_pids; i++)
		if (s->opts.pid[i] == st->tgid || s->opts.pid[i] == st->tid) {
			s->seen[i] = 1;
			return true;
		}
	return false;
}

static void set_cgroup(struct bpf_source *s, const struct snap_thread *st, struct thread_rec *t)
{
	struct span path = { s->cgroup.p, s->cgroup.len };
	char name[64];
	ssize_t n = s->cgroup_rc;

	if (s->no_cgroups)
		return;
	if (n == -E2BIG) { /* it is nested deeper than the program looks */
		(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/cgroup", st->tgid, st->tid);
		n = proc_slurp(AT_FDCWD, name, s->cgroup_text, sizeof(s->cgroup_text));
		path = parse_cgroup(s->cgroup_text, n > 0 ? (size_t)n : 0);
	}
	if (n >= 0 && path.n > 0)
		thread_set_str(t, F_cgroup, path.p, path.n);
	else
		tally_rc(&s->walk->missing, "cgroup", n < 0 ? (int)n : -EINVAL);
}

/* What records have is the same for all threads, but where the program does not look. */
static void take_have(struct bpf_source *s, uint64_t now)
{
	unsigned int i;

	s->have = now;
	s->n_copies = 0;
	s->always = (struct field_set){ 0 };
	for (i = 0; i < KT_ARRAY_LEN(copies); i++) {
		enum field_id f = copies[i].to;

		if (!have(s, copies[i].from) || !wanted(s, f) ||
		    ((fields[f].group == GROUP_STATS || fields[f].group == GROUP_WAKEUPS) &&
		     s->opts.machine->schedstats != 1))
			continue;
		s->copy[s->n_copies++] = copies[i];
		field_add(&s->always, f);
	}
	field_add(&s->always, F_tid);
	field_add(&s->always, F_tgid);
	if (have(s, SNAP_START))
		field_add(&s->always, F_start_ns);
	if (have(s, SNAP_FLAGS))
		field_add(&s->always, F_kthread);
	if (have(s, SNAP_STATIC_PRIO))
		field_add(&s->always, F_nice);
}

static int take_thread(struct bpf_source *s, const struct snap_thread *st)
{
	const uint64_t *v = (const uint64_t *)st->v;
	struct thread_rec *t = &s->rec;
	unsigned int i;

	if (!asked_for(s, st))
		return 0;
	if (st->have != s->have)
		take_have(s, st->have);
	t->has = s->always;
	for (i = 0; i < s->n_copies; i++)
		t->v[s->copy[i].to] = v[s->copy[i].from];
	t->v[F_tid] = (uint64_t)st->tid;
	t->v[F_tgid] = (uint64_t)st->tgid;
	t->v[F_start_ns] = v[SNAP_START] + (uint64_t)s->boot_ns;
	t->v[F_kthread] = (v[SNAP_FLAGS] & PF_KTHREAD) != 0;
	thread_set_str(t, F_comm, st->comm, strnlen(st->comm, sizeof(st->comm)));
	thread_set_str(t, F_pcomm, st->pcomm, strnlen(st->pcomm, sizeof(st->pcomm)));
	set_cgroup(s, st, t);
	if (have(s, SNAP_STATE))
		thread_set(t, F_state, (uint64_t)state_letter(v[SNAP_STATE], v[SNAP_EXIT_STATE]));
	t->v[F_nice] = v[SNAP_STATIC_PRIO] - 120; /* DEFAULT_PRIO */
	if (v[SNAP_POLICY] == DEADLINE)
		copy_all(sometimes, N_DL, v, t);
	set_affinity(s, st, t);
	set_times(s, v, t);
	if (s->opts.machine->delayacct == 1) {
		if (st->r.n & SNAP_HAS_DELAYS)
			copy_all(sometimes + N_DL, KT_ARRAY_LEN(sometimes) - N_DL, v, t);
		else
			s->n_late++; /* it is older than the switch that turned it on */
	}
	if ((st->r.n & SNAP_HAS_RSS) && !t->v[F_kthread])
		thread_set(t, F_rss_kb, v[SNAP_RSS_PAGES] * s->opts.machine->page_kb);
	if (s->cores && have(s, SNAP_CORE_COOKIE))
		thread_set(t, F_core_cookie, v[SNAP_CORE_COOKIE] ? s->cookie : 0);
	if (wanted(s, F_numa_faults) && s->shared->nodes > 0)
		set_numa(s, st, t);
	s->n++;
	return s->walk->emit(s->walk->arg, t);
}

/* ---- the other records ---- */

/* A cgroup and what follows it. Returns the bytes taken. */
static size_t take_chain(const char *p, size_t n, struct cgchain *c)
{
	const struct snap_cgroup *cg = (const void *)p;
	size_t at = cg->r.bytes;

	*c = (struct cgchain){ .dead = cg->dead };
	while (n - at >= sizeof(struct snap_rec) && c->n < SNAP_DEPTH) {
		const struct snap_dir *d = (const void *)(p + at);

		if (d->r.kind != SNAP_DIR || d->r.bytes > n - at ||
		    d->r.bytes < offsetof(struct snap_dir, name) + d->r.n)
			break;
		c->dir[c->n++] = (struct cgdir){ d->id, d->name, d->r.n ? d->r.n - 1 : 0 };
		c->whole = d->r.n == 1; /* the root has no name */
		at += d->r.bytes;
	}
	return at;
}

/* Names of the namespace's root are needed later. */
static int keep_root(struct bpf_source *s)
{
	struct buf names = BUF_INIT;
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < s->root.n; i++)
		buf_add(&names, s->root.dir[i].name, s->root.dir[i].n);
	free(s->root_names);
	s->root_names = buf_take(&names);
	if (!s->root_names)
		return -ENOMEM;
	for (i = 0; i < s->root.n; i++) {
		s->root.dir[i].name = s->root_names + at;
		at += s->root.dir[i].n;
	}
	return 0;
}

static uint64_t hex(const char *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++)
		v = v << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* What some reads gave: whole records. */
static int take(void *arg, const char *p, size_t n)
{
	struct bpf_source *s = arg;
	size_t at = 0, bytes;
	int rc = 0;

	while (rc == 0 && n - at >= sizeof(struct snap_rec)) {
		const struct snap_rec *r = (const void *)(p + at);

		bytes = r->bytes;
		if (bytes < sizeof(*r) || bytes > n - at)
			break;
		switch (r->kind) {
		case SNAP_CGROUP:
			bytes = take_chain(p + at, n - at, &s->chain);
			buf_reset(&s->cgroup);
			s->cgroup_rc =
				cgpath_format(&s->chain, s->root.n ? &s->root : NULL, &s->cgroup);
			break;
		case SNAP_COOKIE:
			s->cookie = hex(((const struct snap_cookie *)r)->hex, 16);
			break;
		case SNAP_THREAD:
			rc = take_thread(s, (const void *)r);
			break;
		}
		at += bytes;
	}
	return rc < 0 ? rc : at == n ? 0 : -EPROTO;
}

/* ---- walking ---- */

/* Whether this process is in the first namespace of a kind, whose inode has a number of its own
 * (include/linux/proc_ns.h). */
static bool is_first_ns(const char *path, ino_t ino)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == ino;
}

static bool in_first_ns(void)
{
	return is_first_ns("/proc/self/ns/cgroup", 0xeffffffb) &&
	       is_first_ns("/proc/self/ns/pid", 0xeffffffc);
}

/* Count what no record had. */
static void count_missing(struct bpf_source *s)
{
	const struct machine *m = s->opts.machine;
	struct tally *t = &s->walk->missing;
	bool stats = false, delays = false;
	size_t i;
	int f;

	for (f = 0; f < F_N; f++) {
		if (!wanted(s, f))
			continue;
		stats |= fields[f].group == GROUP_STATS || fields[f].group == GROUP_WAKEUPS;
		delays |= fields[f].group == GROUP_DELAY;
	}
	for (i = 0; i < KT_ARRAY_LEN(copies); i++) {
		bool stat = fields[copies[i].to].group == GROUP_STATS ||
			    fields[copies[i].to].group == GROUP_WAKEUPS;

		if (!have(s, copies[i].from) && wanted(s, copies[i].to) &&
		    (!stat || m->schedstats == 1))
			tally_add(t, fields[copies[i].to].name, "kernel", s->n);
	}
	if (stats && m->schedstats != 1)
		tally_add(t, "schedstats", m->schedstats == 0 ? "off" : "kernel", s->n);
	if (delays && m->delayacct != 1)
		tally_add(t, "delayacct", m->delayacct == 0 ? "off" : "kernel", s->n);
	tally_add(t, "delayacct", "off", s->n_late);
	if (!(s->cores && have(s, SNAP_CORE_COOKIE)) && wanted(s, F_core_cookie))
		tally_add(t, "core_cookie", "kernel", s->n);
	if (wanted(s, F_numa_faults) && s->shared->nodes == 0)
		tally_add(t, "numa_faults", "kernel", s->n);
	tally_add(t, "cgroup", "kernel", s->no_cgroups ? s->n : 0);
	for (i = 0; i < s->opts.n_pids; i++)
		s->walk->vanished += !s->seen[i];
	s->walk->vanished += s->shared->vanished;
}

/* In a namespace of cgroups or pids, ask the program where that begins. Returns 0 or -errno. */
static int ask_root(struct bpf_source *s)
{
	AUTO_FD fd = -1;
	ssize_t n;

	if (in_first_ns())
		return 0;
	s->shared->ask = 1;
	fd = bpf_iter_create(s->link_fd);
	if (fd < 0)
		return fd;
	do {
		n = read(fd, s->buf, READ_MAX);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		return -errno;
	s->shared->ask = 0;
	if (n < (ssize_t)sizeof(struct snap_cgroup))
		return 0; /* a kernel without cgroups, or nothing to iterate over */
	(void)take_chain(s->buf, (size_t)n, &s->root); /* nothing else was read */
	return keep_root(s);
}

/* Threads of one process alone, or one thread: since 6.1 the kernel need not go through the others;
 * older ones refuse, and the program passes over them. */
static int attach(int prog_fd, const struct source_opts *o)
{
	union bpf_iter_link_info info = { { 0 } };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &info, .iter_info_len = sizeof(info));

	if (o->n_pids == 1 &&
	    in_first_ns()) { /* elsewhere ask_root() needs a thread that is there */
		AUTO_FD leader = (int)syscall(SYS_pidfd_open, o->pid[0], 0);
		int fd;

		if (leader >= 0)
			info.task.pid = (uint32_t)o->pid[0];
		else
			info.task.tid = (uint32_t)o->pid[0]; /* a thread of a process */
		fd = bpf_link_create(prog_fd, 0, BPF_TRACE_ITER, &opts);
		if (fd >= 0)
			return fd;
	}
	return bpf_link_create(prog_fd, 0, BPF_TRACE_ITER, NULL);
}

/* Load the program, the plain one or the whole, attach it, and tell it what it must know. Returns
 * 0, or -errno with ret_why. */
static int start(struct bpf_source *s, bool plain, const char **ret_why)
{
	int rc = prog_load(&s->prog, plain, ret_why);

	if (rc < 0)
		return rc;
	*ret_why = "the kernel does not attach the program to its iterator of tasks";
	s->plain = plain;
	s->shared = s->prog.shared;
	rc = attach(s->prog.fd, &s->opts);
	if (rc < 0)
		return rc;
	s->link_fd = rc;
	s->shared->cpu_words = s->cpu_words;
	s->shared->pid = s->opts.n_pids == 1 ? s->opts.pid[0] : 0;
	s->shared->nodes = s->n_nodes;
	*ret_why = "the program does not tell where namespaces begin";
	return plain ? 0 : ask_root(s);
}

static void stop(struct bpf_source *s)
{
	drop_fd(&s->link_fd);
	prog_close(&s->prog);
	s->shared = NULL;
}

static bool wants_delays(const struct bpf_source *s)
{
	int f;

	for (f = 0; f < F_N; f++)
		if (fields[f].group == GROUP_DELAY && wanted(s, f))
			return s->opts.machine->delayacct == 1;
	return false;
}

/* What some reads give, as long as there is room for another. */
static ssize_t fill(void *arg, char *block, size_t cap)
{
	struct bpf_source *s = arg;
	size_t at = 0;
	ssize_t n;

	while (cap - at >= READ_MAX) {
		s->shared->last_tgid = 0;
		s->shared->last_cset = 0;
		n = read(s->iter_fd, block + at, READ_MAX);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue; /* the kernel lets others run now and then */
		if (n < 0) {
			s->read_failed = true;
			return -errno;
		}
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

static int bpf_walk(struct source *source, struct walk *walk)
{
	struct bpf_source *s = (struct bpf_source *)source;
	const char *why;
	AUTO_FD fd = -1;
	int rc;

	if (s->plain && wants_delays(s)) { /* somebody has switched it on */
		stop(s);
		rc = start(s, false, &why);
		if (rc < 0)
			return warn_rc(rc, "%s", why);
	}
	s->walk = walk;
	s->n = s->n_late = 0;
	s->have = 0;
	s->read_failed = false;
	s->shared->delays = s->opts.machine->delayacct == 1;
	s->shared->vanished = 0;
	if (s->seen)
		memset(s->seen, 0, s->opts.n_pids);
	fd = bpf_iter_create(s->link_fd);
	if (fd < 0)
		return warn_rc(fd, "begin to read threads");
	s->iter_fd = fd;
	rc = ahead_run(&(struct ahead){
		.fill = fill, .take = take, .arg = s, .alone = s->opts.walkers == 1 });
	if (rc == -EPROTO || s->read_failed)
		return warn_rc(rc, "read threads");
	if (rc == 0)
		count_missing(s);
	return rc;
}

static void bpf_close(struct source *source)
{
	struct bpf_source *s = (struct bpf_source *)source;

	stop(s);
	buf_free(&s->cgroup);
	free(s->root_names);
	free(s->buf);
	free(s->cpus);
	free(s->seen);
	free(s);
}

/* ---- opening ---- */

/* "boottime 86400 0" in /proc/self/timens_offsets: what /proc adds to start times here. */
static int64_t boot_offset(int root_fd)
{
	char text[256], *p, *save = NULL;
	int64_t sec, nsec;

	if (root_read(root_fd, "/proc/self/timens_offsets", text, sizeof(text)) < 0)
		return 0; /* no time namespaces: all see the same time */
	p = strstr(text, "boottime");
	if (!p || !strtok_r(p, " \t\n", &save) || !(p = strtok_r(NULL, " \t\n", &save)) ||
	    num_i64(p, INT32_MIN, INT32_MAX, &sec) < 0 || !(p = strtok_r(NULL, " \t\n", &save)) ||
	    num_i64(p, 0, 999999999, &nsec) < 0)
		return 0;
	return sec * 1000000000 + nsec;
}

/* Whether threads here have a cgroup v2: not before that hierarchy was mounted somewhere. */
static bool has_cgroup_line(int root_fd)
{
	char text[4096];

	return root_read(root_fd, "/proc/self/cgroup", text, sizeof(text)) >= 0 &&
	       (strncmp(text, "0::", 3) == 0 || strstr(text, "\n0::"));
}

/* One past the highest node; 0 when it is not known, or higher than the program looks. */
static unsigned int count_nodes(int root_fd, struct cpuset *nodes)
{
	char text[4096];
	int last = -1, i;

	if (root_read(root_fd, "/sys/devices/system/node/online", text, sizeof(text)) < 0 ||
	    cpuset_parse(text, nodes) < 0)
		return 0;
	for (i = -1; (i = cpuset_next(nodes, i + 1)) >= 0;)
		last = i;
	return last < SNAP_NODES ? (unsigned int)(last + 1) : 0;
}

/* Ask before anything is loaded, for a clear answer and none of the time. */
static const char *lacking(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	bool bpf, perfmon;

	if (syscall(SYS_capget, &h, d) < 0 || d[0].effective >> CAP_SYS_ADMIN & 1)
		return NULL; /* the kernel will tell */
	bpf = d[CAP_BPF / 32].effective >> CAP_BPF % 32 & 1;
	perfmon = d[CAP_PERFMON / 32].effective >> CAP_PERFMON % 32 & 1;
	return bpf && perfmon ? NULL
	       : bpf	      ? "CAP_PERFMON is missing"
	       : perfmon      ? "CAP_BPF is missing"
			      : "CAP_BPF and CAP_PERFMON are missing";
}

int bpf_source_open(const struct source_opts *o, struct source **ret, const char **ret_why)
{
	AUTO_FD root_fd = root_open(NULL);
	unsigned long long cookie;
	struct bpf_source *s;
	int last = -1, i, rc;

	*ret_why = lacking();
	if (*ret_why)
		return -EPERM;
	*ret_why = "no memory";
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->source = (struct source){ "bpf", bpf_walk, bpf_close };
	s->opts = *o;
	s->prog.fd = s->link_fd = -1;
	s->buf = malloc(READ_MAX);
	s->cpus = malloc(CPUSET_TEXT);
	s->seen = o->n_pids ? malloc(o->n_pids) : NULL;
	if (!s->buf || !s->cpus || (o->n_pids && !s->seen)) {
		bpf_close(&s->source);
		return -ENOMEM;
	}
	for (i = -1; (i = cpuset_next(&o->machine->online, i + 1)) >= 0;)
		last = i;
	s->cpu_words = last < 0 ? 1 : (unsigned int)last / 64 + 1;
	s->n_nodes = field_has(&o->want, F_numa_faults) ? count_nodes(root_fd, &s->nodes) : 0;
	s->boot_ns = boot_offset(root_fd);
	rc = start(s, in_first_ns() && !wants_delays(s), ret_why);
	if (rc < 0) {
		bpf_close(&s->source);
		return rc;
	}
	s->cores = prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) == 0;
	s->no_cgroups = o->machine->cgroup_fd < 0 && !has_cgroup_line(root_fd);
	*ret = &s->source;
	*ret_why = NULL;
	return 0;
}
