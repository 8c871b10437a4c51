/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup that holds a command to CPUs.
 *
 * Our own cgroup holds processes, us at least. Where it is the root of the hierarchy that does not
 * matter. Elsewhere, once its children have the controller cpuset, it is "domain threaded", and a
 * child takes processes only after "threaded" was written to its cgroup.type (Linux,
 * Documentation/admin-guide/cgroup-v2.rst, "Threads"); of a threaded cgroup cgroup.procs cannot be
 * read and there is no cgroup.kill, but cgroup.threads and cgroup.events are there. */
#include "sandbox.h"
#include "buf.h"
#include "cg.h"
#include "cgself.h"
#include "cleanup.h"
#include "dur.h"
#include "mono.h"
#include "num.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "ktstr-reserve-"
#define EMPTY_NS NSEC_PER_SEC /* how long it may take until killed or moved processes are gone */

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, cap, fmt, ap); /* cut off it still helps */
	va_end(ap);
	return -EOPNOTSUPP;
}

/* ---- what is in it ---- */

/* Call fn for each process or thread of a cgroup of either kind. Returns 0 or -errno. */
static int each_task(int cg_fd, int (*fn)(int arg, pid_t pid), int arg)
{
	AUTO_FD fd = openat(cg_fd, "cgroup.threads", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	char *line, *save = NULL;
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return -errno;
	do {
		n = buf_fill(&b, fd, 65536);
	} while (n > 0 || n == -EINTR);
	if (n < 0)
		return (int)n;
	for (line = b.p ? strtok_r(b.p, "\n", &save) : NULL; line && rc == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		int pid;

		if (num_int(line, 1, INT_MAX, &pid) == 0)
			rc = fn(arg, pid);
	}
	return rc;
}

static int kill_one(int arg, pid_t pid)
{
	(void)arg;
	return kill(pid, SIGKILL) < 0 && errno != ESRCH ? -errno : 0;
}

/* A thread's number moves its whole process. */
static int move_one(int to_fd, pid_t pid)
{
	char text[16];
	int rc;

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	rc = cg_write(to_fd, "cgroup.procs", text);
	return rc == -ESRCH ? 0 : rc;
}

/* Do fn to all that is in it until it stays empty, and remove it. */
static int clear(int own_fd, const char *name, int (*fn)(int arg, pid_t pid), int arg)
{
	AUTO_FD fd = cg_open(own_fd, name);
	uint64_t end = mono_ns() + EMPTY_NS;
	int rc = fd < 0 ? fd : 0;

	while (rc == 0) {
		rc = each_task(fd, fn, arg);
		if (rc == 0)
			rc = cg_wait(fd, "populated", 0, -1, mono_ns() + EMPTY_NS / 10);
		if (rc == -ETIMEDOUT && mono_ns() < end) {
			rc = 0;
			continue; /* it forks as fast as we move: once more */
		}
		if (rc < 0)
			break;
		if (unlinkat(own_fd, name, AT_REMOVEDIR) == 0)
			return 0;
		rc = errno == EBUSY && mono_ns() < end ? 0 : -errno;
	}
	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* ---- predecessors ---- */

static int sweep_one(int own_fd, const char *name, void *arg)
{
	struct cg_owner o, now;
	AUTO_FD fd = -1;
	int pid, rc;

	(void)arg;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
	    num_int(name + strlen(PREFIX), 1, INT_MAX, &pid) < 0)
		return 0;
	fd = cg_open(own_fd, name);
	if (fd < 0)
		return 0; /* gone meanwhile */
	/* Without an owner it is being made just now, or the kernel knows no xattrs here. */
	rc = cg_owner_get(fd, &o);
	rc = rc == 0 ? cg_owner_live(&o) : cg_owner_of(pid, &now) == -ESRCH ? 0 : 1;
	if (rc == 0)
		(void)clear(own_fd, name, kill_one,
			    0); /* whose it was is told; the next one tries again */
	return 0;
}

/* ---- making ---- */

/* Whether a list in a file is this set. */
static int effective(int cg_fd, const char *knob, const struct cpuset *want)
{
	char text[CPUSET_TEXT];
	struct cpuset is;
	ssize_t n = cg_read(cg_fd, knob, text, sizeof(text));
	int rc = n < 0 ? (int)n : cpuset_parse(text, &is);

	return rc < 0 ? rc : cpuset_equal(&is, want) ? 0 : -ERANGE;
}

static int set_list(int cg_fd, const char *knob, const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	return cg_write(cg_fd, knob, cpuset_format(s, text, sizeof(text)));
}

/* The nodes that our own cgroup has of those wanted. */
static struct cpuset own_mems(int own_fd, const struct cpuset *mems)
{
	char text[CPUSET_TEXT];
	struct cpuset s = { 0 }, own;

	if (cg_read(own_fd, "cpuset.mems.effective", text, sizeof(text)) > 0 &&
	    cpuset_parse(text, &own) == 0) {
		s = *mems;
		cpuset_and(&s, &own);
	}
	return s;
}

static int open_own(struct sandbox *s, char *why, size_t cap)
{
	struct cgself self;
	char rel[PATH_MAX], have[CG_KNOB];
	AUTO_FD root_fd = root_open(NULL);
	AUTO_FD top_fd = -1;
	ssize_t n;

	if (root_fd < 0 || cgself_read(root_fd, &self) < 0 || !self.v2)
		return refuse(why, cap, "no cgroup2 file system is mounted");
	if (!self.v2_dir[0])
		return refuse(why, cap, "our own cgroup is outside of what is mounted on '%s'",
			      self.v2_mount);
	top_fd = cg_root_open(self.v2_mount);
	if (top_fd < 0 || cg_rel(self.v2_mount, self.v2_dir, rel, sizeof(rel)) < 0)
		return refuse(why, cap, "the cgroup2 tree on '%s' cannot be opened", self.v2_mount);
	s->own_fd = cg_open(top_fd, rel);
	if (s->own_fd < 0)
		return refuse(why, cap, "our own cgroup '/%s' cannot be opened: %s", rel,
			      strerror(-s->own_fd));
	(void)snprintf(s->name, sizeof(s->name), PREFIX "%d", (int)getpid());
	(void)snprintf(s->path, sizeof(s->path), "%s%s%s", rel, *rel ? "/" : "", s->name);
	n = cg_read(s->own_fd, "cgroup.controllers", have, sizeof(have));
	if (n < 0 || !cg_has_word(have, "cpuset"))
		return refuse(why, cap, "our own cgroup '/%s' has no controller 'cpuset'", rel);
	return 0;
}

static int make(struct sandbox *s, const struct cpuset *cpus, const struct cpuset *mems, char *why,
		size_t cap)
{
	struct cpuset nodes = own_mems(s->own_fd, mems);
	char text[CG_KNOB];
	struct cg_owner o;
	int rc;

	if (mkdirat(s->own_fd, s->name, 0755) < 0)
		return refuse(why, cap, "cgroup '/%s' cannot be made: %s", s->path,
			      strerror(errno));
	s->fd = cg_open(s->own_fd, s->name);
	rc = s->fd < 0 ? s->fd : cg_owner_of(getpid(), &o);
	if (rc == 0)
		rc = cg_owner_set(s->fd, &o);
	if (rc < 0 && rc != -EOPNOTSUPP) /* before 5.7 the name must do */
		return refuse(why, cap, "cgroup '/%s' cannot be marked as ours: %s", s->path,
			      strerror(-rc));
	if (cg_read(s->own_fd, "cgroup.subtree_control", text, sizeof(text)) >= 0)
		s->gave = !cg_has_word(text, "cpuset");
	rc = cg_controller(s->own_fd, "cpuset", true);
	if (rc < 0)
		return refuse(why, cap, "our own cgroup does not give 'cpuset' to its children: %s",
			      strerror(-rc));
	if (cg_read(s->fd, "cgroup.type", text, sizeof(text)) > 0 &&
	    strcmp(text, "domain invalid") == 0)
		rc = cg_write(s->fd, "cgroup.type", "threaded");
	if (rc == 0)
		rc = set_list(s->fd, "cpuset.cpus", cpus);
	if (rc == 0 && !cpuset_empty(&nodes))
		rc = set_list(s->fd, "cpuset.mems", &nodes);
	if (rc < 0)
		return refuse(why, cap, "cgroup '/%s' cannot be set up: %s", s->path,
			      strerror(-rc));
	rc = effective(s->fd, "cpuset.cpus.effective", cpus);
	if (rc == 0 && !cpuset_empty(&nodes))
		rc = effective(s->fd, "cpuset.mems.effective", &nodes);
	if (rc < 0 && rc != -ERANGE)
		return refuse(why, cap, "cgroup '/%s' does not tell what it got: %s", s->path,
			      strerror(-rc));
	return rc;
}

int sandbox_make(const struct cpuset *cpus, const struct cpuset *mems, struct sandbox *ret,
		 char *why, size_t cap)
{
	struct sandbox *s = ret;
	int rc;

	*s = (struct sandbox){ .own_fd = -1, .fd = -1 };
	rc = open_own(s, why, cap);
	if (rc == 0) {
		(void)cg_each_child(s->own_fd, sweep_one, NULL); /* what is left hinders nobody */
		rc = make(s, cpus, mems, why, cap);
	}
	if (rc < 0)
		(void)sandbox_remove(s); /* rc is the news; nobody is in it */
	return rc;
}

int sandbox_enter(const struct sandbox *s)
{
	return cg_write(s->fd, "cgroup.procs", "0");
}

int sandbox_leave(const struct sandbox *s)
{
	return cg_write(s->own_fd, "cgroup.procs", "0");
}

static int is_child(int cg_fd, const char *name, void *arg)
{
	(void)cg_fd;
	(void)name;
	(void)arg;
	return -ECANCELED;
}

int sandbox_remove(struct sandbox *s)
{
	int rc = 0;

	if (s->fd >= 0)
		rc = clear(s->own_fd, s->name, move_one, s->own_fd);
	/* Others that run meanwhile need the controller; the last one takes it back, if it gave it.
	 */
	if (s->gave && cg_each_child(s->own_fd, is_child, NULL) == 0)
		(void)cg_controller(s->own_fd, "cpuset", false); /* EBUSY: somebody needs it now */
	drop_fd(&s->fd);
	drop_fd(&s->own_fd);
	return rc;
}
