/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs a reservation takes. Looks at nothing but what it is given.
 *
 * Capped (`want` CPUs). An LLC takes part when it has CPUs that the caller may use and nobody holds
 * it exclusively; of its CPUs those count that nobody has. Those with shared holders come first, by
 * their number, then by index; so reservations gather, and whole caches stay free. The node of the
 * first is the anchor; nodes follow by their distance from it. On each node LLCs are taken in that
 * order until the CPUs suffice; only the one taken last is used in part, cores with all their
 * threads first. When the free CPUs do not suffice, `share` adds those of other capped
 * reservations, in the same order.
 *
 * Exclusive (`want` LLCs): those that nobody holds in any way, the ones that the caller may use
 * whole first; on as few nodes, as near to each other, as can be, or evenly on `nodes` of them.
 * All allowed CPUs of each. `spare` CPUs more are reserved as capped ones are, of other LLCs; on a
 * node of the first ones if it has them. */
#ifndef KT_PLAN_H
#define KT_PLAN_H

#include "topo.h"

struct plan_llc {
	unsigned int shared, exclusive; /* how many hold its lock so */
	bool busy; /* a try to lock it has just failed: not this one */
};

struct plan_in {
	const struct topo *topo;
	struct cpuset allowed; /* offline CPUs in it do not matter */
	struct cpuset taken; /* CPUs that others have reserved */
	const struct plan_llc *llc; /* topo->n_llcs of them */
	unsigned int want; /* CPUs, or LLCs when exclusive; at least 1 */
	bool exclusive, share;
	/* Exclusive only: */
	const struct cpuset *of; /* LLCs to choose from; NULL: all */
	unsigned int nodes; /* want / nodes LLCs on each of so many, where that can be; 0, 1: no */
	unsigned int spare; /* CPUs */
};

struct plan {
	struct cpuset cpus;
	struct cpuset shared; /* those of them that others have too */
	struct cpuset llcs; /* ids */
	struct cpuset spare, spare_llcs; /* CPUs beyond those LLCs, in `cpus` too, and their LLCs */
	struct cpuset mems; /* the nodes of the CPUs, as far as they have memory; may be empty */
	int partial; /* the LLC of which free CPUs were left; -1: none */
};

enum plan_result {
	PLAN_OK,
	PLAN_NOWHERE, /* no LLC has a CPU that is allowed: sysfs and affinity disagree */
	PLAN_TOO_MANY, /* more is wanted than the caller may use at all */
	PLAN_BUSY, /* others have too much of it */
};

/* plan_allowed - how many CPUs (LLCs when exclusive) the caller could get if all were free. */
unsigned int plan_allowed(const struct plan_in *in);

/* plan_free - how many it can get now, with share. */
unsigned int plan_free(const struct plan_in *in);

/* plan_make - *ret is set for PLAN_OK only. */
enum plan_result plan_make(const struct plan_in *in, struct plan *ret);

#endif
