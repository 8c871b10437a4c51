/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup below our own one that holds a command to CPUs and memory nodes. */
#ifndef KT_SANDBOX_H
#define KT_SANDBOX_H

#include "cpuset.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct sandbox {
	int own_fd, fd; /* our own cgroup, and the one below it; -1: none was made */
	char name[64];
	char path[PATH_MAX + 80]; /* of the sandbox, from the top of the cgroup2 mount */
	bool gave; /* cpuset was given to the children of our own cgroup for this */
};

/* sandbox_make - sweep what killed predecessors have left below our own cgroup, and make one with
 * these CPUs and, as far as our own cgroup has them, memory nodes. Returns 0; -EOPNOTSUPP with a
 * reason in why when this machine, or our rights, do not allow it; -ERANGE when it was made and the
 * kernel gave it other CPUs. After a failure all is as before. */
int sandbox_make(const struct cpuset *cpus, const struct cpuset *mems, struct sandbox *ret,
		 char *why, size_t cap);

/* sandbox_enter, sandbox_leave - move the calling process in, and back to where it came from: what
 * it starts in between stays in. Return 0 or -errno. */
int sandbox_enter(const struct sandbox *s);
int sandbox_leave(const struct sandbox *s);

/* sandbox_remove - processes that are still in it go to our own cgroup, then it is removed. Returns
 * 0 or -errno. */
int sandbox_remove(struct sandbox *s);

#endif
