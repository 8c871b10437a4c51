/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read back from cgroups, as members and records. */
#ifndef KT_CGROUP_STAT_H
#define KT_CGROUP_STAT_H

#include "jsonw.h"

/* stat_effective - the member "effective" of an ack: what the kernel made of it. cg_fd < 0: null,
 * the cgroup is gone. */
void stat_effective(struct jsonw *w, int cg_fd);

/* stat_record - the record `stat` of one cgroup, ended. Returns as jsonw_end, or the -errno of a
 * file that could not be read. */
int stat_record(struct jsonw *w, int cg_fd, const char *name);

/* stat_ls - records `cgroup` of the cgroup rel below dir_fd and, deepest last, of all below it.
 * marked_only: only those with an owner or the name ktstr-*, and what is below them. */
int stat_ls(struct jsonw *w, int dir_fd, const char *rel, bool marked_only);

/* stat_pressure - parse one line of a pressure file ("some avg10=0.00 … total=12") into averages in
 * percent and a total in µs. Returns 0; -ENOENT when `which` is not in the text; -EINVAL. */
int stat_pressure(const char *text, const char *which, double ret_avg[3], uint64_t *ret_total_usec);

#endif
