/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --affinity may say instead of CPU lists. */
#ifndef KT_WORK_INTENT_H
#define KT_WORK_INTENT_H

#include <jansson.h>
#include <stdbool.h>

bool intent_known(const char *text);

/* intent_resolve - set member "affinity" of a work.spawn op. The pool is what the op's cgroup
 *(below cgroup_root) or, without one, this process may use.
 *
 *	inherit  nothing is set
 *	random   for each worker another half of the pool, drawn from the op's seed
 *	llc      the last-level cache that has most of the pool, as far as it is in the pool
 *	all      all online CPUs
 *	single   the lowest CPU of the pool, for all
 *
 * Returns 0, or -errno, which it has reported. */
int intent_resolve(const char *text, const char *cgroup_root, json_t *op);

#endif
