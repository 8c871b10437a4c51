/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of topo_read() share while they fill a model from /sys and /proc. */
#ifndef KT_TOPO_SYSFS_H
#define KT_TOPO_SYSFS_H

#include "topo.h"

#include <stdbool.h>

struct topo_reader {
	struct topo *t;
	int root_fd;
	int dir_fd; /* of sys/devices/system/cpu */
	char *text; /* CPUSET_TEXT bytes: the file read last */
	bool books; /* there may be ids of books and drawers */
};

/* topo_is_own_trouble - whether rc is one of the errors that tell something about this process,
 * not about the machine it looks at. */
bool topo_is_own_trouble(int rc);

/* topo_slurp - read a sysfs file below dir_fd into r->text. Unlike root_read() it takes a short
 * read for the end: so it is in sysfs, where a read gives a whole file or a whole page. Returns 0,
 * -ENOENT when there is no such file, -E2BIG when it does not fit, or another -errno. */
int topo_slurp(struct topo_reader *r, int dir_fd, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* topo_cpu_at - the CPU with this number, which is there. */
static inline struct topo_cpu *topo_cpu_at(struct topo *t, int cpu)
{
	return &t->cpu[t->at[cpu] - 1];
}

/* topo_read_nodes - fill numa, node[], distance[] and the node of each CPU; cpu[], at[] and online
 * are there already. Counts in missing what could not be read. Returns 0 or -errno; the model is
 * then to be released as it is. */
int topo_read_nodes(struct topo_reader *r);

#endif
