/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a worker process: set up, gate, load, last readings. Nothing here may use malloc or
 * stdio: the process is a copy of one that has another thread. */
#include "worker.h"
#include "gen.h"
#include "lat.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void wk_fail(struct wk *w, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->t->fail_text, sizeof(w->t->fail_text), fmt, ap); /* cut off is fine */
	va_end(ap);
	w->t->fail_errno = err;
	_exit(1);
}

void *wk_alloc(struct wk *w, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		wk_fail(w, errno, "map %zu bytes", len);
	return p;
}

/* "8472938 120394 233": time on the CPU and waiting for it in ns, times on it */
void schedstat_read(pid_t tid, struct schedstat *ret)
{
	char path[64], text[128], *field[3], *save = NULL, *p = text;
	uint64_t v[3];
	ssize_t n;
	int fd, i;

	*ret = (struct schedstat){ 0 };
	if (tid)
		(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)tid);
	else
		(void)snprintf(path, sizeof(path), "/proc/thread-self/schedstat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		ret->err = -errno;
		return;
	}
	n = read(fd, text, sizeof(text) - 1);
	ret->err = n < 0 ? -errno : 0;
	close(fd);
	if (n < 0)
		return;
	text[n] = '\0';
	for (i = 0; i < 3; i++, p = NULL) {
		field[i] = strtok_r(p, " \n", &save);
		if (!field[i] || num_u64(field[i], 0, UINT64_MAX, &v[i]) < 0) {
			ret->err = -EBADMSG;
			return;
		}
	}
	*ret = (struct schedstat){ .cpu_ns = v[0], .delay_ns = v[1], .pcount = v[2] };
}

/* ---- setting up, with proof ---- */

static unsigned long node_mask_bits(const struct cpuset *nodes)
{
	int i, top = -1;

	for (i = -1; (i = cpuset_next(nodes, i + 1)) >= 0;)
		top = i;
	return (unsigned long)top + 2; /* the kernel takes one bit less than it is told */
}

static void set_mempol(struct wk *w)
{
	const struct mempol *m = &w->spec->mem;
	unsigned long bits = node_mask_bits(&m->nodes);
	int mode = -1;

	if (syscall(SYS_set_mempolicy, m->mode | (int)m->flags, bits > 1 ? m->nodes.w : NULL,
		    bits > 1 ? bits : 0) < 0)
		wk_fail(w, errno, "set memory policy");
	if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) < 0)
		wk_fail(w, errno, "read memory policy back");
	if (mode != (m->mode | (int)m->flags))
		wk_fail(w, 0, "memory policy is %#x, not %#x", (unsigned int)mode,
			(unsigned int)m->mode | m->flags);
}

static void set_affinity(struct wk *w, const struct cpuset *want)
{
	struct cpuset now;
	int rc = cpuset_setaffinity(0, want);

	if (rc < 0)
		wk_fail(w, -rc, "set affinity");
	rc = cpuset_getaffinity(0, &now);
	if (rc < 0)
		wk_fail(w, -rc, "read affinity back");
	if (!cpuset_subset(&now, want)) /* less is right: the kernel keeps to the cpuset */
		wk_fail(w, 0, "affinity has CPUs that were not asked for");
}

static void set_policy(struct wk *w)
{
	const struct policy *p = &w->spec->policy;
	struct sched_param sp = { .sched_priority = p->prio };
	int now;

	/* Raw calls: some libcs return ENOSYS for these. */
	if (syscall(SYS_sched_setscheduler, 0, p->policy, &sp) < 0)
		wk_fail(w, errno, "set policy '%s'", p->text);
	now = (int)syscall(SYS_sched_getscheduler, 0);
	sp.sched_priority = -1;
	if (now < 0 || syscall(SYS_sched_getparam, 0, &sp) < 0)
		wk_fail(w, errno, "read policy back");
	if (now != p->policy || sp.sched_priority != p->prio)
		wk_fail(w, 0, "policy is %d with priority %d, not '%s'", now, sp.sched_priority,
			p->text);
}

static void set_nice(struct wk *w)
{
	int now;

	if (setpriority(PRIO_PROCESS, 0, w->spec->nice) < 0)
		wk_fail(w, errno, "set nice %d", w->spec->nice);
	errno = 0;
	now = getpriority(PRIO_PROCESS, 0);
	if (now == -1 && errno)
		wk_fail(w, errno, "read nice back");
	if (now != w->spec->nice)
		wk_fail(w, 0, "nice is %d, not %d", now, w->spec->nice);
}

static void on_stop(int sig)
{
	(void)sig; /* only to end a system call; share->stop says why */
}

static void set_signals(struct wk *w)
{
	struct sigaction sa = { .sa_handler = on_stop }, dfl = { .sa_handler = SIG_DFL },
			 ign = { .sa_handler = SIG_IGN };
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &dfl, NULL); /* KILL, STOP and libc's own refuse */
	sigemptyset(&none);
	if (sigaction(SIGUSR1, &sa, NULL) < 0 || sigaction(SIGPIPE, &ign, NULL) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		wk_fail(w, errno, "set up signals");
}

/* Keep standard error, the pipes and ready_fd; so no worker holds an end of another pair's pipe,
 * nor the output of kt-work. */
static void set_fds(struct wk *w, int ready_fd, int null_fd)
{
	int keep[3] = { ready_fd, w->rd_fd, w->wr_fd }, from = 3, i;

	if (dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0)
		wk_fail(w, errno, "redirect standard input and output");
	for (;;) {
		int next = INT32_MAX;

		for (i = 0; i < 3; i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		if (next == INT32_MAX)
			break;
		if (next > from)
			(void)close_range((unsigned int)from, (unsigned int)next - 1, 0);
		from = next + 1;
	}
	(void)close_range((unsigned int)from, ~0U, 0); /* Linux 5.9; the flags are valid */
}

/* Pages of the worker's own anonymous memory by node, from /proc/self/numa_maps:
 * "7f12a000 default anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=4". Lines with file= are memory
 * that is shared with others, where somebody else may have put it. */
static void numa_line(const struct places *p, uint64_t *pages, char *line)
{
	char *save = NULL, *f;

	if (strstr(line, " file="))
		return;
	for (f = strtok_r(line, " ", &save); f; f = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(f, '=');
		uint64_t node, n;

		if (*f != 'N' || !eq)
			continue;
		*eq = '\0';
		if (num_u64(f + 1, 0, p->n_nodes - 1, &node) == 0 &&
		    num_u64(eq + 1, 0, UINT64_MAX, &n) == 0)
			pages[node] += n;
	}
}

static int numa_read(const struct places *p, uint64_t *pages)
{
	int fd = open("/proc/self/numa_maps", O_RDONLY | O_CLOEXEC);
	char text[8192];
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		char *line = text, *nl;

		len += (size_t)n;
		text[len] = '\0';
		for (; (nl = strchr(line, '\n')); line = nl + 1) {
			*nl = '\0';
			numa_line(p, pages, line);
		}
		len -= (size_t)(line - text);
		memmove(text, line, len);
		if (len == sizeof(text) - 1)
			len = 0; /* a line that long has a file name: not ours */
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

void worker_main(struct wk *w, pid_t parent, int ready_fd, int null_fd)
{
	const struct gen *gen = w->spec->work.gen;
	const struct cpuset *cpus = spawn_affinity(w->spec, w->index);
	uint64_t one = 1;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		wk_fail(w, errno, "set the parent-death signal");
	if (getppid() != parent)
		_exit(1); /* it died before the signal was set: nobody reads a reason */
	if (setpgid(0, 0) < 0)
		wk_fail(w, errno, "make a process group");
	set_signals(w);
	set_fds(w, ready_fd, null_fd);
	if (prctl(PR_SET_TIMERSLACK, 1) < 0)
		wk_fail(w, errno, "set the timer slack");
	if (w->spec->mem.set)
		set_mempol(w);
	if (cpus)
		set_affinity(w, cpus);
	set_nice(w);
	set_policy(w);
	if (gen->prepare)
		gen->prepare(w);
	lat_base(w);
	if (write(ready_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		wk_fail(w, errno, "report ready");
	lat_gate(w);
	gen->loop(w);
	lat_end(w);
	if (gen->restore)
		gen->restore(w);
	w->t->numa_err = numa_read(w->places, (uint64_t *)(w->t->cpus + w->places->n_cpus));
	w->t->completed = 1;
	_exit(0);
}
