/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to a reservation, and a command in it. */
#ifndef KT_RUN_H
#define KT_RUN_H

#include "cpuset.h"

#include <stdbool.h>
#include <stdint.h>

struct opts {
	unsigned int want; /* CPUs, or LLCs when exclusive; 0: the default budget */
	struct cpuset of; /* LLCs to choose from, when not empty */
	unsigned int nodes, spare; /* see plan.h */
	bool explicit_cap; /* somebody asked for that number */
	bool exclusive, share, plan_only, records, quiet;
	uint64_t wait_ns;
	const char *root_dir; /* NULL: this machine */
	char *const *cmd;
};

/* run - returns the exit status; what went wrong has been said. */
int run(const struct opts *o);

#endif
