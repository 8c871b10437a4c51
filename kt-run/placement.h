/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replays the acks of a plan: where each worker was allowed to run, and how much CPU time a fair
 * scheduler would have given it. */
#ifndef KT_PLACEMENT_H
#define KT_PLACEMENT_H

#include "cpuset.h"
#include "stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From from_ns on, until the next span begins, a worker was confined to this set. */
struct span {
	uint64_t from_ns;
	uint64_t slack_ns; /* how long the change that began it may have taken */
	const struct cpuset *set; /* NULL: nothing is known to confine it */
};

struct spans {
	struct span *s;
	size_t n, cap;
};

struct placement {
	struct spans *of; /* one for each worker of the run */
	size_t n;
	struct cpuset **sets; /* every set that occurs, once */
	size_t n_sets, cap_sets;
	uint64_t spawned; /* workers that the plan started */
};

/* placement_build - also sets fair_ns, frozen_ns, killed, limited, moved and weight of the workers,
 * and takes freezes out of the gaps' net_ns. Returns 0, -ENOMEM, or -EINVAL with err. */
int placement_build(const struct plan_run *run, struct workers *ws, struct placement *ret,
		    char *err, size_t cap);
void placement_free(struct placement *pl);

/* placement_outside - CPU time that the worker must have had where it was not allowed, given that a
 * change may take slack_ns beyond what its ack says. *ret_cpu is the CPU with most of it,
 * *ret_last_ns when it was seen there last. */
uint64_t placement_outside(const struct placement *pl, const struct workers *ws, size_t worker,
			   uint64_t slack_ns, unsigned int *ret_cpu, uint64_t *ret_last_ns);

/* placement_final - the set a worker had at its end, NULL: unknown. */
const struct cpuset *placement_final(const struct placement *pl, size_t worker);

/* placement_confined - something confined this worker at some time. */
bool placement_confined(const struct placement *pl, size_t worker);

#endif
