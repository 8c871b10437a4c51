/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of cgroups as /proc/PID/cgroup shows them (kernfs_path_from_node(), fs/kernfs/dir.c). */
#include "cgpath.h"

#include <errno.h>

/* Where in `c` the cgroup with this id is, or c->n. */
static unsigned int find(const struct cgchain *c, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->dir[i].id == id)
			break;
	return i;
}

int cgpath_format(const struct cgchain *c, const struct cgchain *root, struct buf *b)
{
	unsigned int up = 1, common = c->n - 1; /* the last is the top */

	if (!c->whole || (root && !root->whole))
		return -E2BIG;
	if (root) {
		/* The nearest that both are in: the top at the latest. */
		for (up = 0, common = c->n; up < root->n && common == c->n; up++)
			common = find(c, root->dir[up].id);
		if (common == c->n)
			return -E2BIG;
	}
	while (--up > 0)
		buf_str(b, "/..");
	while (common-- > 0) {
		buf_chr(b, '/');
		buf_add(b, c->dir[common].name, c->dir[common].n);
	}
	if (b->len == 0)
		buf_chr(b, '/');
	if (c->dead)
		buf_str(b, " (deleted)");
	return b->err;
}
