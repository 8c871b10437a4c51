/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is compared: the fields of threads, and after them the readings of cgroups. */
#ifndef KT_SNAP_METRIC_H
#define KT_SNAP_METRIC_H

#include "fields.h"

#include <stdbool.h>

/* CGROUP(member, rule, unit), of a `cgroup` record; as a metric it is "cgroup.member" */
#define CGROUP_METRICS(CGROUP)                                                                     \
	CGROUP(cpu_usage_ns, SUM, NS)                                                              \
	CGROUP(cpu_user_ns, SUM, NS)                                                               \
	CGROUP(cpu_system_ns, SUM, NS)                                                             \
	CGROUP(nr_periods, SUM, NONE)                                                              \
	CGROUP(nr_throttled, SUM, NONE)                                                            \
	CGROUP(throttled_ns, SUM, NS)                                                              \
	CGROUP(cpu_some_ns, SUM, NS)                                                               \
	CGROUP(cpu_full_ns, SUM, NS)                                                               \
	CGROUP(memory_current_bytes, MAX, BYTES)                                                   \
	CGROUP(pids_current, GAUGE, NONE)

enum metric_id {
	M_CGROUP = F_N, /* those below are enum field_id */
	M_BEFORE_CGROUP = F_N - 1,
#define CGROUP(name, ...) M_##name,
	CGROUP_METRICS(CGROUP)
#undef CGROUP
	M_N
};

#define METRIC_WORDS ((M_N + 63) / 64)

struct metric_set {
	uint64_t w[METRIC_WORDS];
};

struct metric {
	const char *name;
	enum field_rule rule;
	enum field_unit unit;
	bool is_signed;
	bool words; /* a text, or yes and no: values are ids of words */
};

/* metric_get - of any id below M_N. One of RULE_KEY or RULE_NONE is never compared. */
struct metric metric_get(unsigned int id);

bool metric_compared(unsigned int id);

/* metric_find - by name, or -1; those that are not compared are not found. */
int metric_find(const char *name, size_t len);

/* metric_unit - "ns", "bytes", "kb", or NULL for a plain count. */
const char *metric_unit(unsigned int id);

static inline bool metric_has(const struct metric_set *s, unsigned int id)
{
	return s->w[id / 64] >> (id % 64) & 1;
}

static inline void metric_add(struct metric_set *s, unsigned int id)
{
	s->w[id / 64] |= UINT64_C(1) << (id % 64);
}

/* The ids that are in both sets (or in one, given twice), ascending:
 * for (id = -1; (id = metric_next(a, b, id)) >= 0;) */
static inline int metric_next(const struct metric_set *a, const struct metric_set *b, int id)
{
	unsigned int from = (unsigned int)(id + 1), k = from / 64;
	uint64_t w;

	if (k >= METRIC_WORDS)
		return -1;
	w = (a->w[k] & b->w[k]) >> (from % 64) << (from % 64);
	while (w == 0) {
		if (++k == METRIC_WORDS)
			return -1;
		w = a->w[k] & b->w[k];
	}
	return (int)(k * 64) + __builtin_ctzll(w);
}

#endif
