/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spawns, starts, stops and collects groups of workers. */
#include "group.h"
#include "cleanup.h"
#include "gen.h"
#include "monitor.h"
#include "mono.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READY_NS UINT64_C(30000000000) /* for all of a group to be set up */
#define STOP_NS UINT64_C(30000000000) /* for all to end after a stop, on a machine held up too */
#define KILL_NS UINT64_C(10000000000) /* to die when killed */
#define STOP_EACH_NS UINT64_C(5000000) /* and for each: under TCG an exit takes up to 4 ms */
#define RESEND_NS                                                                                  \
	UINT64_C(10000000) /* a signal may come just before the system call it is to end */
#define RESEND_MAX_NS UINT64_C(640000000)

__attribute__((format(printf, 3, 4))) static int fail(char *why, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, WHY_LEN, fmt, ap); /* cut off is fine */
	va_end(ap);
	return rc;
}

struct group *group_find(struct site *s, const char *name)
{
	struct group *g;

	for (g = s->groups; g; g = g->next)
		if (strcmp(g->spec.group, name) == 0)
			return g;
	return NULL;
}

/* ---- children ---- */

static struct member *find_pid(struct site *s, pid_t pid, struct group **ret)
{
	struct group *g;
	unsigned int i;

	for (g = s->groups; g; g = g->next)
		for (i = 0; i < g->spec.count; i++)
			if (g->m[i].alive && g->m[i].pid == pid) {
				*ret = g;
				return &g->m[i];
			}
	return NULL;
}

/* It is dead and not reaped yet: its pid still names it, and /proc still shows it. */
static void member_dead(struct site *s, struct group *g, struct member *m, const siginfo_t *si)
{
	unsigned int i = (unsigned int)(m - g->m);
	struct cpuset cpus;

	m->died_ns = mono_ns();
	m->alive = false;
	if (si->si_code == CLD_EXITED)
		m->exit_code = si->si_status;
	else
		m->exit_signal = si->si_status;
	if (!m->t->completed)
		schedstat_read(m->pid, &m->stat_dead);
	if (cpuset_getaffinity(m->pid, &cpus) == 0 && (m->cpus = malloc(sizeof(cpus))))
		*m->cpus = cpus;
	/* A child of ForkExit that did not get to its first instruction. */
	(void)kill(-m->pid, SIGKILL);
	if (g->started && !g->stopping)
		monitor_dead(s->monitor, g, i, m->died_ns);
	if (g->ready && !g->stopping)
		s->died(s->died_arg, g, i);
}

/* Returns whether there are still children. */
static bool reap(struct site *s)
{
	for (;;) {
		siginfo_t si = { 0 };
		struct member *m;
		struct group *g;

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
			return errno != ECHILD;
		if (si.si_pid == 0)
			return true;
		m = find_pid(s, si.si_pid, &g);
		if (m)
			member_dead(s, g, m, &si);
		(void)waitid(P_PID, (id_t)si.si_pid, &si, WEXITED); /* it is there: seen above */
	}
}

int site_poll(struct site *s, int fd, int out_fd, uint64_t deadline_ns)
{
	struct pollfd p[3] = { { s->sig_fd, POLLIN, 0 }, { fd, POLLIN, 0 }, { out_fd, 0, 0 } };
	uint64_t now = mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec ts = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	int sig;

	if (ppoll(p, 3, deadline_ns == UINT64_MAX ? NULL : &ts, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	while ((sig = sig_read(s->sig_fd)) > 0) {
		if (sig != SIGCHLD && !s->stop_signal)
			s->stop_signal = sig;
	}
	if (p[0].revents)
		(void)reap(s);
	if (p[2].revents & (POLLERR | POLLHUP))
		return -EPIPE;
	return p[1].revents != 0;
}

/* ---- spawning ---- */

/* *ret_fd stays -1 for kt-work's own cgroup. */
static int open_cgroup(const struct site *s, const char *name, int *ret_fd, char *why)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	if (!*name)
		return 0;
	if (s->root_fd < 0)
		return fail(why, -EINVAL, "cgroup '%s' without --cgroup-root", name);
	fd = syscall(SYS_openat2, s->root_fd, name, &how, sizeof(how));
	if (fd < 0)
		return fail(why, -errno, "open cgroup '%s': %s", name, strerror(errno));
	*ret_fd = (int)fd;
	return 0;
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static int map_share(const struct site *s, struct group *g, char *why)
{
	size_t n = g->spec.count, head, each, i;

	head = sizeof(struct share) + n * sizeof(struct chan);
	each = round_up(sizeof(struct tele) + s->places.n_cpus * sizeof(struct cpu_time) +
				s->places.n_nodes * sizeof(uint64_t),
			CACHE_LINE);
	g->map_len = round_up(head, CACHE_LINE) + n * each;
	g->map = mmap(NULL, g->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->map == MAP_FAILED) {
		g->map = NULL;
		return fail(why, -errno, "map %zu bytes: %s", g->map_len, strerror(errno));
	}
	g->share = g->map;
	for (i = 0; i < n; i++) {
		g->m[i].t = (struct tele *)((char *)g->map + round_up(head, CACHE_LINE) + i * each);
		atomic_store(&g->m[i].t->since, SINCE_GATE);
		atomic_store(&g->m[i].t->cpu, -1);
	}
	return 0;
}

static pid_t clone_into(int cgroup_fd)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	if (cgroup_fd >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* The pipes of one pair: [0] from member 0 to member 1, [1] back. */
struct pair {
	int p[2][2];
};

static void pair_close(struct pair *pp)
{
	int i;

	for (i = 0; i < 4; i++)
		drop_fd(&pp->p[i / 2][i % 2]);
}

static int pair_open(struct pair *pp)
{
	return pipe2(pp->p[0], O_CLOEXEC) < 0 || pipe2(pp->p[1], O_CLOEXEC) < 0 ? -errno : 0;
}

static int spawn_one(struct site *s, struct group *g, unsigned int i, int cgroup_fd, int ready_fd,
		     const struct pair *pp, char *why)
{
	struct wk w = {
		.share = g->share,
		.t = g->m[i].t,
		.spec = &g->spec,
		.places = &s->places,
		.index = i,
		.member = i % g->unit,
		.unit_size = g->unit,
		.rd_fd = pp->p[i % 2 == 0][0],
		.wr_fd = pp->p[i % 2 != 0][1],
		.offset_ns = g->spec.offsets_ns ? g->spec.offsets_ns[i] : 0,
		.rng = g->spec.seed ^ ((uint64_t)i + 1) << 32,
		.fd = -1,
	};
	pid_t parent = getpid(), pid;

	w.chans = (struct chan *)(g->share + 1) + (i - w.member);
	pid = clone_into(cgroup_fd);
	if (pid == 0)
		worker_main(&w, parent, ready_fd, s->null_fd);
	if (pid < 0)
		return fail(why, -errno, "worker %u: start in cgroup '%s': %s", i, g->spec.cgroup,
			    strerror(errno));
	g->m[i].pid = pid;
	g->m[i].alive = true;
	s->n_spawned++;
	return 0;
}

static int spawn_all(struct site *s, struct group *g, int cgroup_fd, int ready_fd, char *why)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < g->spec.count && rc == 0; i += g->unit) {
		struct pair pp = { { { -1, -1 }, { -1, -1 } } };
		unsigned int k;

		if (g->spec.work.gen->pipes && (rc = pair_open(&pp)) < 0)
			rc = fail(why, rc, "worker %u: make a pipe: %s", i, strerror(-rc));
		for (k = 0; k < g->unit && rc == 0; k++)
			rc = spawn_one(s, g, i + k, cgroup_fd, ready_fd, &pp, why);
		pair_close(&pp); /* so the next pair does not inherit these ends */
	}
	return rc;
}

/* A worker that ended before it was ready has left the reason. */
static int check_alive(const struct group *g, char *why)
{
	unsigned int i;

	for (i = 0; i < g->spec.count; i++) {
		const struct member *m = &g->m[i];
		const struct tele *t = m->t;

		if (m->alive)
			continue;
		if (t->fail_text[0])
			return fail(why, t->fail_errno ? -t->fail_errno : -EINVAL,
				    "worker %u: %s%s%s", i, t->fail_text, t->fail_errno ? ": " : "",
				    t->fail_errno ? strerror(t->fail_errno) : "");
		return fail(why, -ECHILD, "worker %u: ended before it was ready (%s %d)", i,
			    m->exit_signal > 0 ? "signal" : "status",
			    m->exit_signal > 0 ? m->exit_signal : m->exit_code);
	}
	return 0;
}

static int await_ready(struct site *s, struct group *g, int ready_fd, char *why)
{
	uint64_t deadline = mono_ns() + READY_NS, got = 0, n;
	int rc;

	while (got < g->spec.count) {
		rc = site_poll(s, ready_fd, -1, deadline);
		if (rc < 0)
			return fail(why, rc, "wait for workers: %s", strerror(-rc));
		if (rc > 0 && read(ready_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
			got += n;
		rc = check_alive(g, why);
		if (rc < 0)
			return rc;
		if (s->stop_signal)
			return fail(why, -EINTR, "interrupted");
		if (mono_ns() >= deadline)
			return fail(why, -ETIMEDOUT, "%" PRIu64 " of %u workers ready after 30 s",
				    got, g->spec.count);
	}
	return 0;
}

static void group_free(struct group *g)
{
	unsigned int i;

	for (i = 0; g->m && i < g->spec.count; i++)
		free(g->m[i].cpus);
	free(g->m);
	if (g->map)
		munmap(g->map, g->map_len);
	spawn_free(&g->spec);
	json_decref(g->op);
	free(g);
}

void group_drop(struct site *s, struct group *g)
{
	struct group **p;

	for (p = &s->groups; *p && *p != g; p = &(*p)->next)
		;
	if (*p)
		*p = g->next;
	group_free(g);
}

int group_spawn(struct site *s, json_t *op, struct spawn *spec, struct group **ret, char *why)
{
	struct group *g = calloc(1, sizeof(*g)), **p;
	AUTO_FD cgroup_fd = -1;
	AUTO_FD ready_fd = -1;
	unsigned int i;
	int rc;

	if (!g) {
		spawn_free(spec);
		return fail(why, -ENOMEM, "no memory");
	}
	g->spec = *spec;
	g->op = json_incref(op);
	g->unit = gen_unit(&spec->work);
	g->m = calloc(spec->count, sizeof(*g->m));
	for (i = 0; g->m && i < spec->count; i++)
		g->m[i].exit_code = g->m[i].exit_signal = -1;
	for (p = &s->groups; *p; p = &(*p)->next)
		;
	*p = g;
	rc = g->m ? map_share(s, g, why) : fail(why, -ENOMEM, "no memory");
	if (rc == 0)
		rc = open_cgroup(s, spec->cgroup, &cgroup_fd, why);
	if (rc == 0) {
		ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (ready_fd < 0)
			rc = fail(why, -errno, "make an eventfd: %s", strerror(errno));
	}
	if (rc == 0)
		rc = spawn_all(s, g, cgroup_fd, ready_fd, why);
	if (rc == 0)
		rc = await_ready(s, g, ready_fd, why);
	if (rc < 0) {
		if (g->m)
			(void)groups_kill(s, &g, 1); /* the failure is the news */
		group_drop(s, g);
		return rc;
	}
	g->ready = true;
	*ret = g;
	return 0;
}

/* ---- start and stop ---- */

static void wake_all(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint64_t groups_start(struct site *s, struct group **gs, size_t n)
{
	uint64_t now = mono_ns();
	unsigned int i;
	size_t k;

	for (k = 0; k < n; k++) {
		struct group *g = gs[k];

		g->share->start_ns = now;
		g->started = true;
		for (i = 0; i < g->spec.count; i++)
			atomic_store(&g->m[i].t->since,
				     now + (g->spec.offsets_ns ? g->spec.offsets_ns[i] : 0));
		monitor_add(s->monitor, g);
	}
	for (k = 0; k < n; k++) {
		atomic_store_explicit(&gs[k]->share->gate, 1, memory_order_release);
		wake_all(&gs[k]->share->gate);
	}
	return now;
}

static unsigned int count_alive(struct group **gs, size_t n)
{
	unsigned int alive = 0, i;
	size_t k;

	for (k = 0; k < n; k++)
		for (i = 0; i < gs[k]->spec.count; i++)
			alive += gs[k]->m[i].alive;
	return alive;
}

static void signal_alive(struct group **gs, size_t n, int sig)
{
	unsigned int i;
	size_t k;

	for (k = 0; k < n; k++)
		for (i = 0; i < gs[k]->spec.count; i++)
			if (gs[k]->m[i].alive) /* it may be dead by now; reap() will tell */
				(void)kill(gs[k]->m[i].pid, sig);
}

static unsigned int collect(struct site *s, struct group **gs, size_t n, int sig, uint64_t limit_ns)
{
	uint64_t deadline = mono_ns() + limit_ns, next = 0, wait = RESEND_NS, now;
	unsigned int alive;

	while ((alive = count_alive(gs, n)) > 0) {
		now = mono_ns();
		if (now >= deadline || (s->stop_signal && sig != SIGKILL))
			break;
		if (now >= next) {
			signal_alive(gs, n, sig);
			next = mono_ns() + wait;
			wait = wait < RESEND_MAX_NS ? 2 * wait : wait;
		}
		if (site_poll(s, -1, -1, next < deadline ? next : deadline) < 0)
			break;
	}
	return alive;
}

/* A worker that hogs no CPU may still have to wait for one that does, even in order to die. */
static void raise_all(struct group **gs, size_t n)
{
	struct sched_param sp = { .sched_priority = MONITOR_PRIO };
	unsigned int i;
	size_t k;

	for (k = 0; k < n; k++)
		for (i = 0; i < gs[k]->spec.count; i++)
			if (gs[k]->m[i].alive) /* best effort: the privilege may be missing */
				(void)syscall(SYS_sched_setscheduler, gs[k]->m[i].pid, SCHED_FIFO,
					      &sp);
}

unsigned int groups_kill(struct site *s, struct group **gs, size_t n)
{
	uint64_t now = mono_ns();
	unsigned int left;
	size_t k;

	for (k = 0; k < n; k++) {
		gs[k]->stopping = true;
		if (gs[k]->started)
			monitor_del(s->monitor, gs[k], now);
	}
	left = collect(s, gs, n, SIGKILL, RESEND_NS * 10);
	if (left > 0) {
		raise_all(gs, n);
		left = collect(s, gs, n, SIGKILL, KILL_NS);
	}
	return left;
}

unsigned int groups_stop(struct site *s, struct group **gs, size_t n)
{
	uint64_t now = mono_ns();
	unsigned int left;
	size_t k;

	for (k = 0; k < n; k++) {
		gs[k]->stop_ns = now;
		gs[k]->stopping = true;
		monitor_del(s->monitor, gs[k], now);
	}
	for (k = 0; k < n; k++)
		atomic_store(&gs[k]->share->stop, 1);
	signal_alive(gs, n, SIGCONT); /* one that somebody stopped shall end, too */
	left = collect(s, gs, n, SIGUSR1, STOP_NS + count_alive(gs, n) * STOP_EACH_NS);
	s->n_killed += left;
	if (left > 0)
		(void)groups_kill(s, gs, n); /* who would not even die shows in the report */
	return left;
}

unsigned int site_clear(struct site *s)
{
	uint64_t deadline = mono_ns() + KILL_NS;
	unsigned int left = 0;
	struct group *g, *next;

	for (g = s->groups; g; g = g->next) {
		g->stopping = true;
		signal_alive(&g, 1, SIGKILL);
	}
	for (g = s->groups; g; g = g->next)
		left += groups_kill(s, &g, 1);
	/* Orphans of dead workers are ours too: kt-work is their subreaper. */
	while (reap(s) && mono_ns() < deadline)
		(void)site_poll(s, -1, -1, mono_ns() + RESEND_NS);
	for (g = s->groups; g; g = next) {
		next = g->next;
		group_drop(s, g);
	}
	return left;
}
