/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario does: its cgroups, the works in them, its steps. The document keeps the first
 * error; what has been read by then is there, for scenario_free(). */
#ifndef KT_SCENARIO_PARTS_H
#define KT_SCENARIO_PARTS_H

#include "jsonr.h"
#include "scenario.h"

/* scenario_read_cgroups - the member "cgroups" of r, NULL when it is absent.
 *   may_split  a cpuset may be a part of a partition */
struct cgroup_def *scenario_read_cgroups(struct jsonr *r, bool may_split, size_t *ret_n);

/* scenario_check_partitions - the cgroups of one partition must be as many as it has parts.
 *   r, d, n  the scenario, and what scenario_read_cgroups() made of it */
void scenario_check_partitions(struct jsonr *r, const struct cgroup_def *d, size_t n);

/* scenario_read_steps - the member "steps"; without it, one hold of the whole duration. */
void scenario_read_steps(struct jsonr *r, struct scenario *sc);

/* scenario_bad_choice - fail, as got is none of the names; says which one may be meant.
 *   name_at  the names from 0 on, then NULL */
void scenario_bad_choice(struct jsonr *r, const char *key, const char *got,
			 const char *(*name_at)(unsigned int));

#endif
