/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine offers: asked before each snapshot, since people switch things on. */
#ifndef KT_SNAP_MACHINE_H
#define KT_SNAP_MACHINE_H

#include "cpuset.h"

#include <stdbool.h>

struct machine {
	struct cpuset online; /* cpu_affinity has no others */
	int schedstats; /* 1 on, 0 off, -1 the kernel has none, or does not tell */
	int delayacct; /* the same */
	unsigned int clk_tck;
	unsigned int page_kb;
	int cgroup_fd; /* the top of the cgroup2 mount; -1: none is mounted */
	char *cgroup_root; /* the cgroup that it is, "/" unless it is a bind mount; owned */
	char *hidepid; /* what /proc is mounted with, NULL: nothing is hidden; owned */
};

/* machine_open - find mounts, and all that stays as it is; then machine_probe(). Returns 0 or
 * -errno. What it does not find out is not there. The caller releases it with machine_close(). */
int machine_open(struct machine *ret);

/* machine_probe - online, schedstats and delayacct again. */
void machine_probe(struct machine *m);

void machine_close(struct machine *m);

/* machine_cgroup - open the cgroup with this path, as /proc/PID/cgroup shows it. Returns an fd (the
 * caller closes it); -ENODEV: no cgroup2 is mounted; -ENOENT: it was deleted; -EXDEV: it is outside
 * of the mount or of this namespace; or another -errno. */
int machine_cgroup(const struct machine *m, const char *path);

/* machine_hidepid - the value of that option in the text of mountinfo, for the proc at /proc. NULL
 * when there is none, or no memory. The caller frees it. */
char *machine_hidepid(const char *mountinfo);

/* machine_lacks - the names, with commas between, of those capabilities that this process has not;
 * n of them, by number. buf is "" when it has all. */
struct machine_cap {
	int number;
	const char *name;
};
void machine_lacks(const struct machine_cap *cap, unsigned int n, char *buf, size_t cap_bytes);

#endif
