/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of cgroups as /proc/PID/cgroup shows them, from what the BPF program tells: a cgroup, and
 * what it is in, up to the root of the hierarchy. */
#ifndef KT_SNAP_CGPATH_H
#define KT_SNAP_CGPATH_H

#include "buf.h"
#include "snap.h"

#include <stdbool.h>
#include <stdint.h>

/* From a cgroup up to the root. */
struct cgchain {
	struct cgdir {
		uint64_t id;
		const char *name; /* borrowed */
		size_t n;
	} dir[SNAP_DEPTH];
	unsigned int n;
	bool dead; /* it was removed, and still has a thread */
	bool whole; /* the last one is the root */
};

/* cgpath_format - put the path of `c` in `b`, as a reader sees it whose cgroup namespace begins at
 * `root` (NULL: at the top): "/a/b", "/" for the root itself, "/../x" for what is outside, "
 * (deleted)" behind what was removed. Returns 0; -E2BIG when it is nested deeper than the program
 * looks; -ENOMEM. */
int cgpath_format(const struct cgchain *c, const struct cgchain *root, struct buf *b);

#endif
