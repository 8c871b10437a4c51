/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the bpf source's records of what the program yields. */
#include "bpf_record.h"
#include "cleanup.h"
#include "proc_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */
#define DEADLINE 6 /* SCHED_DEADLINE of uapi/linux/sched.h, which glibc's sched.h may lack */

/* Fields that are a value of the program's, as it is. */
static const struct bpf_copy copies[] = {
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
static const struct bpf_copy sometimes[] = {
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

_Static_assert(KT_ARRAY_LEN(copies) <= SNAP_VALUES, "bpf_source.copy");

static bool have(const struct bpf_source *s, enum snap_value v)
{
	return s->have >> v & 1;
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

static void copy_all(const struct bpf_copy *c, unsigned int n, const uint64_t *v,
		     struct thread_rec *t)
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

		if (!have(s, copies[i].from) || !bpf_record_wanted(s, f) ||
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
	if (bpf_record_wanted(s, F_numa_faults) && s->shared->nodes > 0)
		set_numa(s, st, t);
	s->n++;
	return s->walk->emit(s->walk->arg, t);
}

void bpf_record_missing(struct bpf_source *s)
{
	const struct machine *m = s->opts.machine;
	struct tally *t = &s->walk->missing;
	bool stats = false, delays = false;
	size_t i;
	int f;

	for (f = 0; f < F_N; f++) {
		if (!bpf_record_wanted(s, f))
			continue;
		stats |= fields[f].group == GROUP_STATS || fields[f].group == GROUP_WAKEUPS;
		delays |= fields[f].group == GROUP_DELAY;
	}
	for (i = 0; i < KT_ARRAY_LEN(copies); i++) {
		bool stat = fields[copies[i].to].group == GROUP_STATS ||
			    fields[copies[i].to].group == GROUP_WAKEUPS;

		if (!have(s, copies[i].from) && bpf_record_wanted(s, copies[i].to) &&
		    (!stat || m->schedstats == 1))
			tally_add(t, fields[copies[i].to].name, "kernel", s->n);
	}
	if (stats && m->schedstats != 1)
		tally_add(t, "schedstats", m->schedstats == 0 ? "off" : "kernel", s->n);
	if (delays && m->delayacct != 1)
		tally_add(t, "delayacct", m->delayacct == 0 ? "off" : "kernel", s->n);
	tally_add(t, "delayacct", "off", s->n_late);
	if (!(s->cores && have(s, SNAP_CORE_COOKIE)) && bpf_record_wanted(s, F_core_cookie))
		tally_add(t, "core_cookie", "kernel", s->n);
	if (bpf_record_wanted(s, F_numa_faults) && s->shared->nodes == 0)
		tally_add(t, "numa_faults", "kernel", s->n);
	tally_add(t, "cgroup", "kernel", s->no_cgroups ? s->n : 0);
	for (i = 0; i < s->opts.n_pids; i++)
		s->walk->vanished += !s->seen[i];
	s->walk->vanished += s->shared->vanished;
}

/* ---- the other records ---- */

size_t bpf_record_chain(const char *p, size_t n, struct cgchain *c)
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

static uint64_t hex(const char *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++)
		v = v << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

int bpf_record_take(void *arg, const char *p, size_t n)
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
			bytes = bpf_record_chain(p + at, n - at, &s->chain);
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
