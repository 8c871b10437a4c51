/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup hierarchies are mounted, and where in them this process is. */
#ifndef KT_CGSELF_H
#define KT_CGSELF_H

#include "cpuset.h"

#include <limits.h>
#include <stdbool.h>

struct cgself {
	bool v1, v2; /* such a hierarchy is mounted; both: hybrid */
	/* Directories as seen below the root; "" when there is none or it cannot be seen. */
	char v2_mount[PATH_MAX], v2_dir[PATH_MAX]; /* the unified hierarchy, our cgroup in it */
	char set_mount[PATH_MAX], set_dir[PATH_MAX]; /* the same of a v1 cpuset hierarchy */
};

/* cgself_parse - from the text of proc/self/mountinfo and proc/self/cgroup. */
void cgself_parse(const char *mountinfo, const char *cgroup, struct cgself *ret);

/* cgself_read - the same from the files below root_fd. Returns 0, or -errno when they cannot be
 * read (*ret is then untouched). */
int cgself_read(int root_fd, struct cgself *ret);

/* cgself_cpus - the CPUs that the cgroup of this process may use: what the nearest cgroup with a
 * cpuset says is effective. Returns 0, -ENOENT when none says anything, or another -errno. */
int cgself_cpus(int root_fd, const struct cgself *cg, struct cpuset *ret);

#endif
