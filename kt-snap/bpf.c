/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bpf source: loads bpf/snap.bpf.c and reads what it yields. */
#include "ahead.h"
#include "bpf_record.h"
#include "cleanup.h"
#include "die.h"
#include "num.h"
#include "root.h"
#include "source.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READ_MAX (32 << 10) /* the kernel hands out eight pages at a time, no more */

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

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
	(void)bpf_record_chain(s->buf, (size_t)n, &s->root); /* nothing else was read */
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
		if (fields[f].group == GROUP_DELAY && bpf_record_wanted(s, f))
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
		.fill = fill, .take = bpf_record_take, .arg = s, .alone = s->opts.walkers == 1 });
	if (rc == -EPROTO || s->read_failed)
		return warn_rc(rc, "read threads");
	if (rc == 0)
		bpf_record_missing(s);
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
