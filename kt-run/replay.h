/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The acks of a plan while they are replayed: what placement.c makes of them, and fair.c weighs. */
#ifndef KT_REPLAY_H
#define KT_REPLAY_H

#include "placement.h"

#include <jansson.h>

/* A cgroup as the acks tell it. */
struct cg {
	const char *name;
	const struct cpuset *requested; /* NULL: all that the parent has */
	const struct cpuset *effective; /* NULL: unknown */
	double weight;
	bool limited; /* cpu.max is set: it may be held back without being runnable */
	bool frozen;
	bool touched; /* by an op after the first start of work */
};

/* A group of workers, all spawned by one op. */
struct group {
	const char *name;
	const char *cgroup; /* where it is now */
	const json_t *affinity,
		*placed; /* as in the ops: null, list text, or one for each worker */
	uint64_t from_ns, to_ns; /* when its workers ran */
	bool moved;
};

struct replay {
	const struct plan_run *run;
	struct workers *ws;
	struct placement *pl;
	struct cg *cgs;
	size_t n_cgs;
	struct group *groups;
	size_t n_groups;
	size_t *group_of; /* of each worker */
	double *weight_of; /* scratch of fair_shares() */
	bool started, no_memory;
	char *err;
	size_t err_cap;
};

/* replay_cg - the cgroup of that name, which has len bytes. NULL: no ack told of it. */
struct cg *replay_cg(struct replay *r, const char *name, size_t len);

/* replay_parent - length of the parent's name; "" is the parent of all. */
size_t replay_parent(const char *name, size_t len);

/* spans_last - where a worker is confined to as far as the replay has come. NULL: unknown. */
const struct cpuset *spans_last(const struct spans *sp);

/* fair_shares - add the fair share of [from, to) to the fair_ns of each worker. It is the least
 * that fairness can mean: whoever may use one of the worker's CPUs is counted as if it wanted
 * nothing but those. Returns 0 or -ENOMEM. */
int fair_shares(struct replay *r, uint64_t from, uint64_t to);

#endif
