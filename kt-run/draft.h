/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in the making. Each function appends the ops that do what it says, and keeps account of
 * what there is by then, so that an op on what is not there is found while the plan is made. The
 * first failure stays in rc, and what is done after it is of no consequence. */
#ifndef KT_DRAFT_H
#define KT_DRAFT_H

#include "draw.h"
#include "expand.h"
#include "expr.h"
#include "jsonw.h"

struct group {
	char name[256];
	char home[256]; /* where its workers were spawned, "" outside */
	char cgroup[256]; /* where they are now */
	uint64_t count;
	size_t step; /* that owns it; 0: the scenario, 1: steps[0], … */
	bool live;
};

struct cgrp {
	char name[256];
	bool alive;
	size_t step;
	bool has_cpus;
	struct cpuset cpus; /* last written */
	unsigned int next; /* number of its next group */
};

struct draft {
	const struct scenario *sc;
	const struct expand_opts *o;
	struct expr_env env;
	struct draw draw;
	struct jsonw ops;
	uint64_t seq, now_ns; /* now: since the first work.start */
	bool started;
	bool swapped; /* --work-type found a place */
	struct group *groups;
	size_t n_groups, cap_groups;
	struct cgrp *cgrps;
	size_t n_cgrps, cap_cgrps;
	size_t step; /* owner of what is made now */
	char skip[256]; /* why this machine cannot play it */
	char *err;
	size_t err_cap;
	int rc; /* the first failure; -ENODEV: skip */
};

/* draft_wrong - the scenario is wrong; place is where, "steps[1].ops[0]". draft_skip - the machine
 * is not enough. draft_no_memory - as it says. */
void draft_wrong(struct draft *x, const char *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void draft_skip(struct draft *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void draft_no_memory(struct draft *x);

/* draft_op - begin an op at the present time; the caller adds its members and calls draft_op_end.
 * Returns &x->ops. */
struct jsonw *draft_op(struct draft *x, const char *name);
void draft_op_end(struct draft *x);

/* draft_wait - kt-play waits; nothing for 0. */
void draft_wait(struct draft *x, uint64_t ns);

/* draft_cpus - a member with a list of CPUs. */
void draft_cpus(struct jsonw *w, const char *key, const struct cpuset *s);

/* draft_groups - work.start, work.stop or work.kill of the live groups that `want` chooses; the
 * last two end them. Returns how many; with none there is no op. */
size_t draft_groups(struct draft *x, const char *op,
		    bool (*want)(const struct group *, const void *), const void *arg);

/* draft_find - the cgroup of that name, also one that is no more, or NULL. draft_need - one that is
 * there, else NULL and the scenario is wrong. draft_make - make it; it must not be there. */
struct cgrp *draft_find(struct draft *x, const char *name);
struct cgrp *draft_need(struct draft *x, const char *place, const char *name);
struct cgrp *draft_make(struct draft *x, const char *place, const char *name);

/* draft_remove - the cgroup with all below it; groups in there are killed. draft_remove_all - those
 * of the present step, or all there are, the last made first. */
void draft_remove(struct draft *x, const char *name);
void draft_remove_all(struct draft *x, bool all);

/* draft_set - write what the definition has of cpuset, mems, weight and max; freeze: -1 is not to
 * be written. */
void draft_set(struct draft *x, struct cgrp *c, const struct cgroup_def *d, int freeze);

/* draft_affinity - member `key` with what an intent means in a cgroup with these CPUs (c NULL:
 * outside): null, one list, or one for each worker. */
void draft_affinity(struct draft *x, const char *key, const char *place, const char *intent,
		    const struct cgrp *c, uint64_t count);

/* draft_spawn - the workers of one work in a cgroup, not started yet. c NULL: outside; d NULL: the
 * default work. Returns the group, valid until the next one is made, or NULL. draft_start - start
 * it alone (NULL: nothing). */
struct group *draft_spawn(struct draft *x, struct cgrp *c, const struct work_def *d,
			  bool swappable);
void draft_start(struct draft *x, const struct group *g);

#endif
