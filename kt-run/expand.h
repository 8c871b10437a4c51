/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario, a topology, flags and a seed make a plan: timed ops with nothing left to decide. */
#ifndef KT_EXPAND_H
#define KT_EXPAND_H

#include "scenario.h"
#include "topo.h"

#include <stdint.h>
#include <stdio.h>

struct expand_opts {
	const struct topo *topo;
	uint64_t duration_ns;
	uint64_t settle_ns; /* UINT64_MAX: as the scenario says */
	uint64_t workers; /* W */
	uint64_t seed;
	flagset profile;
	const char *work_type; /* replaces the swappable CpuSpin works, or NULL */
	const json_t *thresholds; /* {"max_gap_ms":0}: those given as options, or NULL */
};

/* expand - write the records of one plan: plan, op…, plan-end. What the machine lacks makes a plan
 * with `skip` and no ops.
 *   err  what is wrong with the scenario, naming the place (cap bytes)
 * Returns 0; -EINVAL when the scenario makes no sense with these options; -ENOMEM, or the -errno of
 * a failed write. */
int expand(const struct scenario *sc, const struct expand_opts *o, FILE *out, char *err,
	   size_t cap);

#endif
