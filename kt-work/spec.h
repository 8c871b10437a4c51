/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a group of workers is to be: read strictly from a work.spawn op. */
#ifndef KT_WORK_SPEC_H
#define KT_WORK_SPEC_H

#include "cpuset.h"
#include "jsonr.h"

#include <stdbool.h>
#include <stdint.h>

struct gen;

#define WORK_PARAMS 4
#define WORK_PHASES 32
#define WORK_COUNT_MAX 16384 /* workers of one group */

enum phase_kind {
	PHASE_SPIN,
	PHASE_SLEEP,
	PHASE_YIELD,
	PHASE_IO,
};

struct phase {
	enum phase_kind kind;
	uint64_t ns;
};

struct work {
	const struct gen *gen;
	uint64_t p[WORK_PARAMS]; /* in the order of gen->params; times are nanoseconds */
	struct phase phases[WORK_PHASES]; /* of Sequence */
	unsigned int n_phases;
};

struct policy {
	int policy; /* SCHED_* */
	int prio; /* of fifo and rr, else 0 */
	char text[16]; /* as people write it: "normal", "fifo:1" */
};

struct mempol {
	bool set;
	int mode; /* MPOL_* */
	unsigned int flags; /* MPOL_F_* mode flags */
	struct cpuset nodes;
};

struct spawn {
	const char *group, *cgroup; /* borrowed from the op */
	unsigned int count;
	struct work work;
	struct policy policy;
	int nice;
	unsigned int n_affinity; /* 0: leave it, 1: the same for all, or one per worker */
	struct cpuset *affinity; /* owned */
	struct mempol mem;
	uint64_t seed;
	uint64_t *offsets_ns; /* one per worker, or NULL; owned */
};

/* spawn_read - the members of a work.spawn op. Errors are kept in the reader's document. The caller
 * calls spawn_free in any case. */
void spawn_read(struct jsonr *r, struct spawn *ret);
void spawn_free(struct spawn *s);

/* spawn_affinity - the set of one worker, or NULL when it keeps what it inherits. */
const struct cpuset *spawn_affinity(const struct spawn *s, unsigned int worker);

/* affinity_read - member `key`: null, "0-3", or one list per worker. *ret_sets is owned by the
 * caller, *ret_n 0, 1 or count. */
void affinity_read(struct jsonr *r, const char *key, unsigned int count, struct cpuset **ret_sets,
		   unsigned int *ret_n);

/* policy_parse - "normal", "batch", "idle", "ext", "fifo:1", "rr:99". 0 or -EINVAL. */
int policy_parse(const char *text, struct policy *ret);

/* phase_parse - "spin:5ms", "sleep:100us", "yield:1ms", "io:2ms". 0 or -EINVAL. */
int phase_parse(const char *text, struct phase *ret);

#endif
