/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup v2: where it is mounted, its directories, knobs, events, owners and removal. Everything is
 * relative to a directory descriptor on a cgroup2 file system; "rel" is a path like "a/b". */
#ifndef KT_CG_H
#define KT_CG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CG_KNOB 4096 /* enough for each knob but lists of tasks and CPUs */

struct cg_mounts {
	char v2[PATH_MAX]; /* /sys/fs/cgroup if cgroup2 is there, else the first one; "": none */
	char v2_root[PATH_MAX]; /* the cgroup that is seen there, "/" unless it is a bind mount */
	char v1[1024]; /* for messages: "cpuset on /sys/fs/cgroup/cpuset, …"; cut when too long */
};

/* cg_mounts_parse - from the text of /proc/self/mountinfo. cg_mounts_read - from this process's.
 * Returns 0 or, reading, -errno. Lines that are no mountinfo lines are passed over. */
void cg_mounts_parse(const char *mountinfo, struct cg_mounts *ret);
int cg_mounts_read(struct cg_mounts *ret);

/* cg_root_open - open the top of a cgroup2 mount. Returns an fd (the caller closes it),
 * -EMEDIUMTYPE when path is on another file system, or another -errno. */
int cg_root_open(const char *path);

/* cg_rel - make `path` (relative, or absolute below mount) a clean path relative to the mount, ""
 * for the mount itself. Returns 0; -EXDEV when it is absolute and elsewhere; -EINVAL for "..", or a
 * byte below 0x20; -ENAMETOOLONG. */
int cg_rel(const char *mount, const char *path, char *buf, size_t cap);

/* cg_open - open the cgroup rel below dir_fd ("" is dir_fd's own), never through a link or onto
 * another file system. Returns an fd (the caller closes it) or -errno. */
int cg_open(int dir_fd, const char *rel);

/* cg_read - the whole of a knob, NUL-terminated, its last newline removed. Returns its length;
 * -E2BIG when it does not fit; -ENOENT when the cgroup has no such knob; -ENODEV when the cgroup
 * has been removed; or another -errno. */
ssize_t cg_read(int cg_fd, const char *knob, char *buf, size_t cap);

/* cg_write - write text to a knob in one write(2). "" is -EINVAL, since a write of nothing does
 * nothing; a value is taken back with "\n". Returns 0 or -errno. */
int cg_write(int cg_fd, const char *knob, const char *text);

/* cg_flat - the value of `key` in a flat keyed file ("populated 1\nfrozen 0\n"). Returns 0,
 * -ENOENT when the key is not there, -EINVAL when its value is no number. */
int cg_flat(const char *text, const char *key, uint64_t *ret);

/* cg_event - the same, of cgroup.events. */
int cg_event(int cg_fd, const char *key, uint64_t *ret);

/* cg_wait - wait, by the kernel's notification, until `key` in cgroup.events is `want`.
 *   sig_fd       readable: -EINTR (it is not read); -1: none
 *   deadline_ns  on CLOCK_MONOTONIC: -ETIMEDOUT
 * A removed cgroup is neither populated nor frozen. Returns 0 or -errno. */
int cg_wait(int cg_fd, const char *key, uint64_t want, int sig_fd, uint64_t deadline_ns);

/* cg_has_word - whether a list of words ("cpuset cpu io") has this one. */
bool cg_has_word(const char *list, const char *word);

/* cg_controller - give a controller to the children of a cgroup, or take it from them. Returns 0,
 * also when nothing was to be done; -ENOENT: not available here; -EBUSY; another -errno. */
int cg_controller(int cg_fd, const char *name, bool on);

/* cg_populated_here - whether the cgroup itself, not its descendants, holds a process. Returns 0, 1
 * or -errno. */
int cg_populated_here(int cg_fd);

/* cg_each_pid - call fn for the processes in cgroup.procs; 0 is one of another pid namespace, or
 * one that was reaped meanwhile, and written to cgroup.procs it is the writer. Stops at a negative
 * return of fn and returns it. Returns the number of processes or -errno. */
int cg_each_pid(int cg_fd, int (*fn)(pid_t pid, void *arg), void *arg);

/* cg_each_child - call fn for the child cgroups. Stops at a negative return of fn and returns it.
 * Returns the number of children or -errno. */
int cg_each_child(int cg_fd, int (*fn)(int cg_fd, const char *name, void *arg), void *arg);

/* cg_kill - kill every process in the cgroup and below, and wait until they are gone. -EDEADLK when
 * the caller is one of them. As cg_wait. */
int cg_kill(int cg_fd, int sig_fd, uint64_t deadline_ns);

/* cg_rmtree - cg_kill, then remove the cgroup and all below it, deepest first. What has vanished
 * already is fine. *ret_removed (may be NULL) grows by the cgroups removed. As cg_wait; -EBUSY when
 * the deadline came and something could still not be removed. */
int cg_rmtree(int dir_fd, const char *rel, int sig_fd, uint64_t deadline_ns,
	      unsigned int *ret_removed);

/* ---- whose cgroup it is: xattr user.ktstr.owner = "PID STARTTIME" ---- */

struct cg_owner {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat, clock ticks since boot */
};

/* cg_owner_of - who pid is now. Returns 0, -ESRCH when there is none (or a zombie), -errno. */
int cg_owner_of(pid_t pid, struct cg_owner *ret);

/* cg_owner_set - returns 0; -EOPNOTSUPP before Linux 5.7; another -errno. */
int cg_owner_set(int cg_fd, const struct cg_owner *o);

/* cg_owner_get - returns 0; -ENODATA when it has none; -EINVAL when it is not as we write it;
 * another -errno. */
int cg_owner_get(int cg_fd, struct cg_owner *ret);

/* cg_owner_live - whether the owner runs: same pid, same start time. Returns 0, 1 or -errno. */
int cg_owner_live(const struct cg_owner *o);

/* cg_owner_parse - the text of the attribute. Returns 0 or -EINVAL. */
int cg_owner_parse(const char *text, struct cg_owner *ret);

#endif
