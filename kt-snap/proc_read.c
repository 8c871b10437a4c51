/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one thread out of /proc.
 *
 * All files are opened relative to a descriptor of the thread's directory, which stands for this
 * thread and no later one with the same number: when it has ended, opening says ENOENT and reading
 * ESRCH. System calls take a number, so they are followed by a look at that directory: a thread
 * that is still there then was meant by the number. */
#include "proc_read.h"
#include "cleanup.h"
#include "num.h"
#include "taskstats.h"
#include "threaded.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_GET 0
#endif

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* struct sched_attr of the kernel, in its first form (linux/sched/types.h clashes with sched.h). */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

static const char *const file_name[FROM_N] = {
	[FROM_STAT] = "stat",		[FROM_SCHED] = "sched", [FROM_STATUS] = "status",
	[FROM_SCHEDSTAT] = "schedstat", [FROM_IO] = "io",	[FROM_CGROUP] = "cgroup",
	[FROM_OOM] = "oom_score_adj",
};

ssize_t proc_slurp(int dir_fd, const char *name, char *buf, size_t cap)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, cap);
	if (n < 0)
		return -errno;
	return (size_t)n < cap ? n : -E2BIG;
}

void proc_caps_probe(int proc_fd, struct proc_caps *ret)
{
	unsigned long long cookie;
	char path[64];
	int f;

	for (f = 0; f < FROM_N; f++) {
		if (!file_name[f])
			continue;
		(void)snprintf(path, sizeof(path), "thread-self/%s", file_name[f]); /* it fits */
		ret->file[f] = faccessat(proc_fd, path, F_OK, 0) == 0;
	}
	ret->cookie = prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) == 0;
}

int reader_init(struct reader *r, const struct source_opts *o, const struct proc_caps *caps)
{
	int f;

	*r = (struct reader){ .opts = o, .caps = caps };
	r->units = (struct stat_units){ o->machine->clk_tck, o->machine->page_kb };
	for (f = 0; f < F_N; f++) {
		if (!field_has(&o->want, f))
			continue;
		r->want[fields[f].from] = true;
		if (fields[f].from != FROM_SCHED)
			continue;
		if (fields[f].group == GROUP_STATS || fields[f].group == GROUP_WAKEUPS)
			field_add(&r->sched_stats, f);
		else
			field_add(&r->sched_others, f);
	}
	sched_keys_init(&r->keys);
	r->text = malloc(PROC_TEXT);
	r->list = calloc(1, CPUSET_TEXT);
	r->threaded = threaded_new(o->machine);
	if (!r->text || !r->list || !r->threaded) {
		reader_free(r);
		return -ENOMEM;
	}
	if (r->want[FROM_TASKSTATS] && o->machine->delayacct == 1)
		r->taskstats_rc = taskstats_open(&r->taskstats);
	return 0;
}

void reader_free(struct reader *r)
{
	free(r->text);
	free(r->list);
	threaded_free(r->threaded);
	taskstats_close(r->taskstats);
	*r = (struct reader){ 0 };
}

void reader_reset(struct reader *r)
{
	r->vanished = 0;
	r->errors = r->missing = (struct tally){ 0 };
	threaded_reset(r->threaded);
}

static bool gone(ssize_t rc)
{
	return rc == -ESRCH || rc == -ENOENT;
}

/* A file that this kernel has. Returns its length, 0 when it cannot be had (counted), -ESRCH when
 * the thread has gone. */
static ssize_t text_of(struct reader *r, int tid_fd, enum field_from from)
{
	ssize_t n;

	if (!r->caps->file[from]) {
		tally_add(&r->missing, file_name[from], "ENOENT", 1);
		return 0;
	}
	n = proc_slurp(tid_fd, file_name[from], r->text, PROC_TEXT);
	if (gone(n))
		return -ESRCH;
	if (n <= 0)
		tally_rc(&r->missing, file_name[from], n < 0 ? (int)n : -ENODATA);
	return n < 0 ? 0 : n;
}

/* ---- what needs a system call: each returns 0, or -ESRCH when there is no such thread ---- */

static int affinity(struct reader *r, pid_t tid, struct slot *out)
{
	struct cpuset set;
	int rc = cpuset_getaffinity(tid, &set);

	if (rc < 0) {
		if (rc == -ESRCH)
			return rc;
		tally_rc(&r->missing, "cpu_affinity", rc);
		return 0;
	}
	if (r->list[0] == '\0' || !cpuset_equal(&set, &r->cpus)) {
		r->cpus = set; /* mostly it is the one of the thread before */
		(void)cpuset_format(&set, r->list, CPUSET_TEXT);
	}
	buf_reset(&out->affinity);
	if (buf_str(&out->affinity, r->list) < 0)
		tally_rc(&r->missing, "cpu_affinity", -ENOMEM);
	else
		thread_set_str(&out->rec, F_cpu_affinity, out->affinity.p, out->affinity.len);
	return 0;
}

static int deadline(struct reader *r, pid_t tid, struct thread_rec *t)
{
	struct attr a = { 0 };

	if (!field_has(&t->has, F_policy) || t->v[F_policy] != SCHED_DEADLINE)
		return 0; /* the others have none: null, and nothing is missing */
	if (syscall(SYS_sched_getattr, tid, &a, sizeof(a), 0) < 0) {
		if (errno == ESRCH)
			return -ESRCH;
		tally_rc(&r->missing, "sched_getattr", -errno);
		return 0;
	}
	thread_set(t, F_dl_runtime_ns, a.runtime_ns);
	thread_set(t, F_dl_deadline_ns, a.deadline_ns);
	thread_set(t, F_dl_period_ns, a.period_ns);
	return 0;
}

static int cookie(struct reader *r, pid_t tid, struct thread_rec *t)
{
	unsigned long long id;

	if (!r->caps->cookie) {
		tally_add(&r->missing, "core_cookie", "kernel", 1);
		return 0;
	}
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, tid, 0, &id) < 0) {
		if (errno == ESRCH)
			return -ESRCH;
		tally_rc(&r->missing, "core_cookie", -errno);
		return 0;
	}
	thread_set(t, F_core_cookie, id);
	return 0;
}

static int delays(struct reader *r, pid_t tid, struct thread_rec *t)
{
	int rc;

	if (r->opts->machine->delayacct != 1) {
		tally_add(&r->missing, "delayacct",
			  r->opts->machine->delayacct == 0 ? "off" : "kernel", 1);
		return 0;
	}
	rc = r->taskstats ? taskstats_read(r->taskstats, tid, t) : r->taskstats_rc;
	if (rc < 0 && rc != -ESRCH) {
		tally_rc(&r->missing, "taskstats", rc);
		return 0;
	}
	return rc;
}

/* Returns 1 when something was asked by number, 0, or -ESRCH. */
static int by_number(struct reader *r, pid_t tid, struct slot *out)
{
	int rc = 0;

	if (r->want[FROM_AFFINITY])
		rc = affinity(r, tid, out);
	if (rc == 0 && r->want[FROM_ATTR])
		rc = deadline(r, tid, &out->rec);
	if (rc == 0 && r->want[FROM_COOKIE])
		rc = cookie(r, tid, &out->rec);
	if (rc == 0 && r->want[FROM_TASKSTATS])
		rc = delays(r, tid, &out->rec);
	if (rc < 0)
		return rc;
	return r->want[FROM_AFFINITY] || r->want[FROM_ATTR] || r->want[FROM_COOKIE] ||
	       r->want[FROM_TASKSTATS];
}

/* ---- files ---- */

/* Count what `sched` did not have. */
static void sched_missing(struct reader *r, const struct thread_rec *t)
{
	bool stats = false, others = false;
	unsigned int w;
	int f;

	for (w = 0; w < FIELD_WORDS; w++) {
		stats |= (r->sched_stats.w[w] & ~t->has.w[w]) != 0;
		others |= (r->sched_others.w[w] & ~t->has.w[w]) != 0;
	}
	if (stats && r->opts->machine->schedstats != 1) {
		tally_add(&r->missing, "schedstats",
			  r->opts->machine->schedstats == 0 ? "off" : "kernel", 1);
		stats = false;
	}
	for (f = 0; (stats || others) && f < F_N; f++)
		if (!field_has(&t->has, f) && ((others && field_has(&r->sched_others, f)) ||
					       (stats && field_has(&r->sched_stats, f))))
			tally_add(&r->missing, fields[f].name, "kernel", 1);
}

static int sched(struct reader *r, int tid_fd, struct slot *out)
{
	ssize_t n = text_of(r, tid_fd, FROM_SCHED);

	if (n > 0 && parse_sched(r->text, (size_t)n, &r->keys, out->numa, &out->rec) == 0) {
		sched_missing(r, &out->rec);
		return 0;
	}
	if (n > 0)
		tally_add(&r->missing, "sched", "EINVAL", 1);
	else if (n < 0)
		return -ESRCH;
	if (!field_has(&r->opts->want, F_voluntary_csw) &&
	    !field_has(&r->opts->want, F_nonvoluntary_csw))
		return 0;
	n = text_of(r, tid_fd, FROM_STATUS); /* slower, so it is only read in place of sched */
	if (n > 0)
		parse_status(r->text, (size_t)n, &out->rec);
	return n < 0 ? -ESRCH : 0;
}

/* Count fields of a file that was read and did not have them. */
static void count_unset(struct reader *r, const struct thread_rec *t, enum field_from from)
{
	int f;

	for (f = 0; f < F_N; f++)
		if (fields[f].from == from && field_has(&r->opts->want, f) &&
		    !field_has(&t->has, f))
			tally_add(&r->missing, fields[f].name, "kernel", 1);
}

static int plain_file(struct reader *r, int tid_fd, enum field_from from,
		      void (*parse)(const char *p, size_t n, struct thread_rec *t),
		      struct thread_rec *t)
{
	ssize_t n;

	if (!r->want[from])
		return 0;
	n = text_of(r, tid_fd, from);
	if (n > 0) {
		parse(r->text, (size_t)n, t);
		count_unset(r, t, from);
	}
	return n < 0 ? -ESRCH : 0;
}

/* ---- what threads of a process share ---- */

/* The path of the thread's cgroup, or of its process's. */
static int cgroup(struct reader *r, struct process *p, int tid_fd, struct slot *out)
{
	struct span path;
	bool have = false;
	ssize_t n;

	buf_reset(&out->cgroup);
	pthread_mutex_lock(&p->lock);
	if (p->has_cgroup && !p->threaded) {
		have = true;
		buf_add(&out->cgroup, p->cgroup.p, p->cgroup.len);
	}
	pthread_mutex_unlock(&p->lock);
	if (!have) {
		n = text_of(r, tid_fd, FROM_CGROUP);
		if (n <= 0)
			return n < 0 ? -ESRCH : 0;
		path = parse_cgroup(r->text, (size_t)n);
		buf_add(&out->cgroup, path.p, path.n);
	}
	if (!have && !p->single && out->cgroup.err == 0) {
		bool threaded = threaded_is(r->threaded, out->cgroup.p ? out->cgroup.p : "");

		pthread_mutex_lock(&p->lock);
		p->threaded = threaded;
		if (!p->has_cgroup)
			buf_add(&p->cgroup, out->cgroup.p, out->cgroup.len);
		p->has_cgroup = p->cgroup.err == 0;
		pthread_mutex_unlock(&p->lock);
	}
	if (out->cgroup.err < 0)
		tally_rc(&r->missing, "cgroup", -ENOMEM);
	else if (out->cgroup.len == 0)
		tally_add(&r->missing, "cgroup", "kernel", 1); /* cgroup v1 alone */
	else
		thread_set_str(&out->rec, F_cgroup, out->cgroup.p, out->cgroup.len);
	return 0;
}

static int oom(struct reader *r, struct process *p, int tid_fd, struct thread_rec *t)
{
	int64_t v = 0;
	bool have;
	ssize_t n;

	pthread_mutex_lock(&p->lock);
	have = p->has_oom;
	v = p->oom;
	pthread_mutex_unlock(&p->lock);
	if (!have) {
		n = text_of(r, tid_fd, FROM_OOM);
		if (n <= 0)
			return n < 0 ? -ESRCH : 0;
		r->text[n - (r->text[n - 1] == '\n')] = '\0'; /* it is shorter than its buffer */
		if (num_i64(r->text, -1000, 1000, &v) < 0) {
			tally_add(&r->missing, "oom_score_adj", "EINVAL", 1);
			return 0;
		}
		pthread_mutex_lock(&p->lock);
		p->has_oom = true;
		p->oom = v;
		pthread_mutex_unlock(&p->lock);
	}
	thread_set(t, F_oom_score_adj, (uint64_t)v);
	return 0;
}

/* The leader's name. Threads whose leader is still being read by another reader, or has gone, look
 * for themselves. */
static void pcomm(struct reader *r, struct process *p, pid_t tid, struct slot *out)
{
	char path[32];
	ssize_t n = -1;

	pthread_mutex_lock(&p->lock);
	if (tid == p->tgid) {
		p->comm_n = out->rec.v[F_comm];
		memcpy(p->comm, out->comm, p->comm_n);
		p->has_comm = true;
	}
	if (p->has_comm) {
		n = (ssize_t)p->comm_n;
		memcpy(out->pcomm, p->comm, p->comm_n);
	}
	pthread_mutex_unlock(&p->lock);
	if (n < 0) {
		(void)snprintf(path, sizeof(path), "%d/comm", (int)p->tgid); /* it fits */
		n = proc_slurp(p->task_fd, path, out->pcomm, sizeof(out->pcomm));
		if (n < 0) {
			tally_rc(&r->missing, "pcomm", (int)n);
			return;
		}
		n -= n > 0 && out->pcomm[n - 1] == '\n';
		pthread_mutex_lock(&p->lock);
		p->has_comm = true;
		p->comm_n = (size_t)n;
		memcpy(p->comm, out->pcomm, p->comm_n);
		pthread_mutex_unlock(&p->lock);
	}
	thread_set_str(&out->rec, F_pcomm, out->pcomm, (size_t)n);
}

/* `stat` has the identity, so without it there is no record: 0 then, counted; -ESRCH: it has gone.
 */
static int identity(struct reader *r, struct process *p, pid_t tid, int tid_fd, struct slot *out)
{
	struct thread_rec *t = &out->rec;
	ssize_t n = proc_slurp(tid_fd, "stat", r->text, PROC_TEXT);

	thread_clear(t);
	if (gone(n))
		return -ESRCH;
	if (n >= 0 && parse_stat(r->text, (size_t)n, &r->units, t) < 0)
		n = -EINVAL;
	if (n < 0) {
		tally_rc(&r->errors, "stat", (int)n);
		return 0;
	}
	if (t->v[F_comm] > sizeof(out->comm))
		t->v[F_comm] = sizeof(out->comm);
	memcpy(out->comm, t->s[F_comm], t->v[F_comm]);
	t->s[F_comm] = out->comm;
	thread_set(t, F_tid, (uint64_t)tid);
	thread_set(t, F_tgid, (uint64_t)p->tgid);
	if (tid != p->tgid)
		field_del(&t->has, F_rss_kb);
	pcomm(r, p, tid, out);
	return 1;
}

/* The rest. Returns 0, or -ESRCH when the thread went away: what was read until then is half of a
 * record and of no use. */
static int details(struct reader *r, struct process *p, pid_t tid, int tid_fd, struct slot *out)
{
	struct thread_rec *t = &out->rec;
	struct stat st;
	int rc, asked;
	bool looked; /* at the directory, after the system calls */

	rc = r->want[FROM_CGROUP] ? cgroup(r, p, tid_fd, out) : 0;
	if (rc == 0 && r->want[FROM_OOM])
		rc = oom(r, p, tid_fd, t);
	asked = rc == 0 ? by_number(r, tid, out) : rc;
	if (asked < 0)
		return asked;
	looked = !asked || (r->want[FROM_SCHED] && r->caps->file[FROM_SCHED]) ||
		 (r->want[FROM_IO] && r->caps->file[FROM_IO]) ||
		 (r->want[FROM_SCHEDSTAT] && r->caps->file[FROM_SCHEDSTAT]);
	if (r->want[FROM_SCHED])
		rc = sched(r, tid_fd, out);
	if (rc == 0)
		rc = plain_file(r, tid_fd, FROM_IO, parse_io, t);
	if (rc == 0)
		rc = plain_file(r, tid_fd, FROM_SCHEDSTAT, parse_schedstat, t);
	if (rc == 0 && !looked && fstatat(tid_fd, "stat", &st, 0) < 0)
		rc = -ESRCH;
	return rc;
}

int reader_thread(struct reader *r, struct process *p, pid_t tid, struct slot *out)
{
	char name[16], *digit = name + sizeof(name) - 1;
	AUTO_FD tid_fd = -1;
	pid_t rest;
	int rc;

	*digit = '\0';
	for (rest = tid; rest > 0;
	     rest /= 10) /* printf would cost as much as the call that follows */
		*--digit = (char)('0' + rest % 10);
	tid_fd = openat(p->task_fd, digit, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tid_fd < 0 && !gone(-errno)) {
		tally_rc(&r->errors, "task", -errno);
		return 0;
	}
	rc = tid_fd < 0 ? -ESRCH : identity(r, p, tid, tid_fd, out);
	if (rc == 1 && details(r, p, tid, tid_fd, out) < 0)
		rc = -ESRCH;
	r->vanished += rc < 0;
	return rc > 0;
}
