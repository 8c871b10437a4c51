/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup hierarchies are mounted, and where in them this process is. */
#ifndef KT_CGSELF_H
#define KT_CGSELF_H

#include "cpuset.h"

#include <limits.h>
#include <stdbool.h>

struct cgself {
	bool v1, v2; /* such a hierarchy is mounted; both: hybrid */
	char v2_mount[PATH_MAX]; /* "/sys/fs/cgroup"; "" when not mounted */
	char v2_cgroup[PATH_MAX]; /* directory of our cgroup below the root; "" when it is not seen */
	char cpuset_mount[PATH_MAX]; /* of the v1 hierarchy with cpuset; "" when there is none */
	char cpuset_cgroup[PATH_MAX];
};

/* cgself_read - from proc/self/mountinfo and proc/self/cgroup below root_fd. Returns 0, or -errno
 * when the two cannot be read (*ret is then untouched). */
int cgself_read(int root_fd, struct cgself *ret);

/* cgself_cpus - the CPUs that the cgroup of this process may use: cpuset.cpus.effective of the
 * nearest cgroup that has one. Returns 0, -ENOENT when no cpuset says anything, or another -errno. */
int cgself_cpus(int root_fd, const struct cgself *cg, struct cpuset *ret);

/* cgself_parse_mounts, cgself_parse_cgroup - the parsers behind it. text need not be sane. */
void cgself_parse_mounts(char *mountinfo, struct cgself *cg, char v2_root[PATH_MAX],
			 char cpuset_root[PATH_MAX]);

#endif
