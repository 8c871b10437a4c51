/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators that keep the scheduler's bookkeeping busy: new processes, nice, affinity, policy. */
#include "gen.h"
#include "mono.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child writes into the parent's telemetry: the parent is waiting for it all the while. */
static void fork_child(struct wk *w, pid_t parent, uint64_t stamp)
{
	uint64_t now = mono_ns();

	if (!wk_stopped(w))
		hist_add(&w->t->wake, now - stamp);
	/* It ends on its own. The signal is for a child that is starved right here. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	_exit(0);
}

static void fork_loop(struct wk *w)
{
	pid_t parent = getpid();

	while (!wk_stopped(w)) {
		uint64_t stamp = wk_tick(w);
		long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (pid < 0)
			wk_fail(w, errno, "fork");
		if (pid == 0)
			fork_child(w, parent, stamp);
		while (waitpid((pid_t)pid, NULL, 0) < 0)
			if (errno != EINTR)
				wk_fail(w, errno, "wait for the child");
		wk_done(w, 1);
	}
}

const struct gen gen_ForkExit = {
	.name = "ForkExit",
	.help = "forks a child that ends at once, and waits for it",
	.wake = "fork",
	.unit = 1,
	.unit_param = -1,
	.loop = fork_loop,
};

static void nice_prepare(struct wk *w)
{
	w->nice_min = setpriority(PRIO_PROCESS, 0, -20) == 0 ? -20 : 0;
	if (setpriority(PRIO_PROCESS, 0, w->spec->nice) < 0)
		wk_fail(w, errno, "set nice %d", w->spec->nice);
	if (w->nice_min == 0 && w->spec->nice > 0)
		w->nice_min = w->spec->nice; /* unprivileged: only upwards */
}

static void nice_loop(struct wk *w)
{
	unsigned int span = (unsigned int)(20 - w->nice_min);
	uint64_t n = 0;
	bool down = w->nice_min == -20;

	while (!wk_stopped(w)) {
		int nice = w->nice_min + (int)(n++ % span);

		wk_spin(w, 512);
		if (setpriority(PRIO_PROCESS, 0, nice) < 0 && (down || errno != EACCES))
			wk_fail(w, errno, "set nice %d", nice);
		wk_done(w, 512);
		wk_yield(w);
	}
}

static void nice_restore(struct wk *w)
{
	/* Without the privilege nobody can come down again; the report shows what was asked for. */
	(void)setpriority(PRIO_PROCESS, 0, w->spec->nice);
}

const struct gen gen_NiceSweep = {
	.name = "NiceSweep",
	.help = "spins 512 steps, takes the next nice value, yields",
	.unit = 1,
	.unit_param = -1,
	.prepare = nice_prepare,
	.loop = nice_loop,
	.restore = nice_restore,
};

static void affinity_prepare(struct wk *w)
{
	int rc = cpuset_getaffinity(0, &w->cpus);

	if (rc < 0)
		wk_fail(w, -rc, "read affinity");
}

static void affinity_loop(struct wk *w)
{
	const struct cpuset *want = spawn_affinity(w->spec, w->index);
	struct cpuset all = w->cpus;

	while (!wk_stopped(w)) {
		struct cpuset one = { 0 };
		int rc;

		wk_spin(w, w->spec->work.p[0]);
		cpuset_add(&one, (unsigned int)cpuset_nth(
					 &w->cpus,
					 (unsigned int)(wk_random(w) % cpuset_count(&w->cpus))));
		rc = cpuset_setaffinity(0, &one);
		if (rc == -EINVAL) {
			/* The cpuset has changed below us: start again from all that it allows. */
			if (!want)
				cpuset_or(&all, &w->cpus);
			rc = cpuset_setaffinity(0, want ? want : &all);
			if (rc == 0)
				rc = cpuset_getaffinity(0, &w->cpus);
		}
		if (rc < 0)
			wk_fail(w, -rc, "set affinity");
		wk_done(w, w->spec->work.p[0]);
		wk_yield(w);
	}
	w->cpus = all;
}

static void affinity_restore(struct wk *w)
{
	(void)cpuset_setaffinity(0, &w->cpus); /* its cpuset may be gone by now */
}

const struct gen gen_AffinityChurn = {
	.name = "AffinityChurn",
	.help = "spins, pins itself to a random one of its CPUs, yields",
	.unit = 1,
	.unit_param = -1,
	.prepare = affinity_prepare,
	.loop = affinity_loop,
	.restore = affinity_restore,
	.n_params = 1,
	.params = { { "spin_iters", NULL, 1, 0, 1024, 0, 1000000000, "steps per iteration" } },
};

static const struct {
	int policy, prio;
} churn[] = { { SCHED_OTHER, 0 },
	      { SCHED_BATCH, 0 },
	      { SCHED_IDLE, 0 },
	      { SCHED_FIFO, 1 },
	      { SCHED_RR, 1 } };

static int set_policy(int policy, int prio)
{
	struct sched_param sp = { .sched_priority = prio };

	return syscall(SYS_sched_setscheduler, 0, policy, &sp) < 0 ? -errno : 0;
}

static void policy_restore(struct wk *w)
{
	int rc = set_policy(w->spec->policy.policy, w->spec->policy.prio);

	if (rc < 0)
		wk_fail(w, -rc, "set policy '%s' again", w->spec->policy.text);
}

static void policy_prepare(struct wk *w)
{
	w->n_policies = set_policy(SCHED_FIFO, 1) == 0 ? 5 : 3;
	policy_restore(w);
}

static void policy_loop(struct wk *w)
{
	uint64_t n = 0;

	while (!wk_stopped(w)) {
		int i = (int)(n++ % (uint64_t)w->n_policies), rc;

		wk_spin(w, w->spec->work.p[0]);
		rc = set_policy(churn[i].policy, churn[i].prio);
		if (rc < 0)
			wk_fail(w, -rc, "set policy %d", churn[i].policy);
		wk_done(w, w->spec->work.p[0]);
		wk_yield(w);
	}
}

const struct gen gen_PolicyChurn = {
	.name = "PolicyChurn",
	.help = "spins, takes the next of other, batch, idle and, if permitted, fifo and rr; "
		"yields",
	.unit = 1,
	.unit_param = -1,
	.prepare = policy_prepare,
	.loop = policy_loop,
	.restore = policy_restore,
	.n_params = 1,
	.params = { { "spin_iters", NULL, 1, 0, 1024, 0, 1000000000, "steps per iteration" } },
};
