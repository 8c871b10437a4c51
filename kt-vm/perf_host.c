/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance mode on this machine. */
#include "perf_host.h"
#include "cleanup.h"
#include "die.h"
#include "num.h"
#include "reserve.h"
#include "root.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PRIO_VCPU = 1,
	PRIO_SELF = 2 /* what sees that the guest hangs must not wait for it */
};

int perf_host_topo(const char *root_dir, struct topo *ret)
{
	AUTO_FD root = root_open(root_dir);
	int rc = root < 0 ? root : topo_read(root, ret);

	if (rc < 0)
		return warn_rc(rc, "see what CPUs there are below '%s'", root_dir ? root_dir : "/");
	topo_read_allowed(root, !root_dir, ret);
	return 0;
}

/* "128\n". -1: not known. */
static int64_t read_count(const char *root_dir, const char *path)
{
	AUTO_FD root = root_open(root_dir);
	char text[32];
	uint64_t v;

	if (root < 0 || root_read(root, path, text, sizeof(text)) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return num_u64(text, 0, INT64_MAX, &v) < 0 ? -1 : (int64_t)v;
}

static int64_t free_huge(const char *root_dir, const struct topo *t, int node)
{
	static const char file[] = "hugepages/hugepages-2048kB/free_hugepages";
	char path[128];
	int64_t n;

	(void)snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/%s", node, file);
	n = read_count(root_dir, path);
	if (n >= 0 || t->n_nodes > 1)
		return n;
	(void)snprintf(path, sizeof(path), "/sys/kernel/mm/%s", file); /* without NUMA */
	return read_count(root_dir, path);
}

int perf_host_plan(const char *root_dir, bool reserved, const struct topospec *guest,
		   struct perf *ret)
{
	const char *cpus = getenv("KTSTR_CPUS"), *llcs = getenv("KTSTR_LLCS");
	AUTO_FREE struct topo *t = calloc(1, sizeof(*t));
	AUTO_FREE int64_t *huge = NULL;
	struct perf_in in = { .topo = t, .guest = *guest };
	struct cpuset alone = { 0 };
	char why[512];
	unsigned int i;
	int rc;

	*ret = (struct perf){ 0 };
	if (!t)
		return warn_rc(-ENOMEM, "plan"), KT_PREFIX_FAIL;
	if (perf_host_topo(root_dir, t) < 0)
		return KT_PREFIX_FAIL;
	topo_allowed(t, &in.usable);
	if (reserved && (!cpus || !llcs || cpuset_parse(cpus, &in.usable) < 0 ||
			 cpuset_parse(llcs, &alone) < 0)) {
		warn_msg("kt-reserve has not told what it has reserved");
		topo_free(t);
		return KT_PREFIX_FAIL;
	}
	if (reserved)
		in.llcs = &alone;
	huge = calloc(t->n_nodes + 1, sizeof(*huge));
	for (i = 0; huge && i < t->n_nodes; i++)
		huge[i] = free_huge(root_dir, t, t->node[i].node);
	in.free_huge = huge;
	rc = huge ? perf_plan(&in, ret, why, sizeof(why)) : -ENOMEM;
	topo_free(t);
	if (rc == -EBUSY || rc == -ERANGE)
		warn_msg("%s", why);
	else if (rc < 0)
		warn_rc(rc, "plan");
	return rc == -EBUSY ? KT_SKIP : rc < 0 ? KT_PREFIX_FAIL : 0;
}

int perf_host_reserve(const struct perf *p, bool quiet, char *const argv[])
{
	char llcs[16], nodes[16], of[CPUSET_TEXT], spare[] = "--spare";
	char *how[] = { (char[]){ "--exclusive" },
			(char[]){ "--llcs" },
			llcs,
			(char[]){ "--nodes" },
			nodes,
			(char[]){ "--of" },
			of,
			p->spare ? spare : NULL,
			(char[]){ "1" },
			NULL };

	(void)snprintf(llcs, sizeof(llcs), "%u", p->guest.llcs);
	(void)snprintf(nodes, sizeof(nodes), "%u", p->guest.nodes);
	(void)cpuset_format(&p->fit, of, sizeof(of));
	return reserve_exec(how, quiet, "kt-vm", argv);
}

/* ---- before QEMU ---- */

/* procs_running of /proc/stat, with this process; -1: not known. */
static int64_t running(int root)
{
	static const char key[] = "\nprocs_running ";
	size_t cap = 1 << 20; /* 60 bytes per CPU, and as much for interrupts */
	AUTO_FREE char *text = malloc(cap);
	char *p;
	uint64_t v;

	if (!text || root_read(root, "/proc/stat", text, cap) < 0)
		return -1;
	p = strstr(text, key);
	if (!p)
		return -1;
	p += sizeof(key) - 1;
	p[strcspn(p, "\n")] = '\0';
	return num_u64(p, 0, INT32_MAX, &v) < 0 ? -1 : (int64_t)v;
}

/* More wants to run than fits on the CPUs that we leave to others. */
static void look_around(struct perf *p, int root)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t n = running(root), left = online - (int64_t)p->n_cpus - 1;

	if (n < 0 || online < 0)
		perf_not_done(p, PERF_QUIET, "how much runs is not known");
	else if (n - 1 > left)
		perf_not_done(p, PERF_QUIET,
			      "%lld other threads want to run, and there are %lld CPUs beside "
			      "the guest's and QEMU's",
			      (long long)n - 1, (long long)left);
	else
		perf_done(p, PERF_QUIET);
}

/* May memory be bound? Containers like to forbid it, and QEMU would not start. */
static void try_bind(struct perf *p)
{
	enum {
		BITS = CPUSET_MAX
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct cpuset all = { 0 };
	unsigned int i;
	void *m;

	if (!p->bind)
		return;
	for (i = 0; i < p->guest.nodes; i++)
		cpuset_or(&all, &p->node[i].host);
	m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return; /* QEMU will find out */
	/* The kernel looks at one bit less than it is told of. */
	if (syscall(SYS_mbind, m, page, MPOL_BIND, all.w, (unsigned long)BITS, 0) != 0) {
		p->bind = false;
		perf_not_done(p, PERF_BINDING, "mbind: %s", strerror(errno));
	}
	(void)munmap(m, page); /* it is one of ours */
}

void perf_host_begin(struct perf *p, bool kvm)
{
	AUTO_FD root = root_open(NULL);
	struct cpuset one = { 0 };
	char text[64] = "unknown";
	int rc;

	perf_accel(p, kvm);
	if (root < 0)
		return;
	look_around(p, root);
	try_bind(p);
	if (kvm &&
	    root_read(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      text, sizeof(text)) > 0)
		text[strcspn(text, "\n")] = '\0';
	if (kvm && strcmp(text, "tsc") != 0)
		perf_not_done(p, PERF_TSC, "this machine's own clock is '%s'", text);
	cpuset_add(&one, (unsigned int)p->service_cpu);
	rc = cpuset_setaffinity(0, &one);
	if (rc < 0)
		perf_not_done(p, PERF_SERVICE, "CPU %d: %s", p->service_cpu, strerror(-rc));
	else
		perf_done(p, PERF_SERVICE);
}

/* ---- QEMU runs ---- */

/* A thread that never sleeps must leave something to others of its CPU's own threads. */
static bool throttled(struct perf *p)
{
	AUTO_FD root = root_open(NULL);
	char text[32];

	if (root >= 0 &&
	    root_read(root, "/proc/sys/kernel/sched_rt_runtime_us", text, sizeof(text)) > 0 &&
	    text[0] != '-')
		return true;
	perf_not_done(p, PERF_FIFO,
		      "sched_rt_runtime_us is no limit here: a CPU that never idles would leave "
		      "nothing to anybody");
	return false;
}

static int set_fifo(pid_t tid, int priority)
{
	const struct sched_param sp = { .sched_priority = priority };

	return sched_setscheduler(tid, (priority ? SCHED_FIFO : SCHED_OTHER) | SCHED_RESET_ON_FORK,
				  &sp) < 0
		       ? -errno
		       : 0;
}

static void go_fifo(struct perf *p, const pid_t *tids, size_t n)
{
	size_t i;
	int rc = 0;

	if (!throttled(p))
		return;
	for (i = 0; rc == 0 && i < n; i++)
		rc = set_fifo(tids[i], PRIO_VCPU);
	if (rc == 0)
		rc = set_fifo(0, PRIO_SELF);
	if (rc == 0) {
		perf_done(p, PERF_FIFO);
		return;
	}
	for (i = 0; i < n; i++)
		(void)set_fifo(tids[i], 0); /* all or none; this is always allowed */
	perf_not_done(p, PERF_FIFO, "%s%s", strerror(-rc),
		      rc == -EPERM ? ": it needs CAP_SYS_NICE, or a limit of 2 in ulimit -r" : "");
}

void perf_host_apply(struct perf *p, const pid_t *tids, size_t n)
{
	enum perf_step s;
	size_t i;
	int rc;

	perf_started(p);
	if (n != p->n_cpus)
		perf_not_done(p, PERF_PINNING, "QEMU has told of %zu threads", n);
	for (i = 0; i < n && i < p->n_cpus; i++) {
		struct cpuset one = { 0 };

		cpuset_add(&one, (unsigned int)p->cpu[i]);
		rc = cpuset_setaffinity(tids[i], &one);
		if (rc < 0)
			perf_not_done(p, PERF_PINNING, "CPU %d: %s", p->cpu[i], strerror(-rc));
	}
	perf_done(p, PERF_PINNING);
	if (p->step[PERF_PINNING].state == PERF_DONE)
		go_fifo(p, tids, n);
	else
		perf_not_done(p, PERF_FIFO, "without pinning they would be in everybody's way");
	/* What TCG has no use for is no news. */
	for (s = 0; s < PERF_STEPS && !p->quiet; s++)
		if (p->step[s].state == PERF_NOT_DONE && s != PERF_CPU_PM && s != PERF_HINT)
			warn_msg("performance mode without '%s': %s", perf_step_name(s),
				 p->step[s].why);
}
