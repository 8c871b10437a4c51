/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers of one plan did, read from their reports, and the figures made of it. */
#ifndef KT_STATS_H
#define KT_STATS_H

#include "events.h"
#include "jsonw.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_use {
	unsigned int cpu;
	uint64_t ns, first_ns, last_ns; /* CPU time there, and when it was seen there */
};

struct gap {
	uint64_t at_ns, len_ns;
	uint64_t net_ns; /* without what the host or a freeze took; set by the checks */
	int cpu; /* -1: unknown */
};

struct page_count {
	unsigned int node;
	uint64_t pages;
};

/* A worker. Numbers that its report could not tell are UNKNOWN. Texts belong to the report. */
struct worker {
	const char *group, *cgroup, *work, *role, *policy;
	const char *reason; /* why it did not complete, NULL: not said */
	int64_t index, tid; /* tid -1: unknown */
	int nice;
	bool completed;
	int64_t exit_code, exit_signal; /* -1: none */
	uint64_t start_ns, wall_ns, cpu_ns, run_delay_ns, pcount, work_units, iterations, sleep_ns;
	uint64_t gap_open_ns, monitor_late_ns, migrations;
	struct cpu_use *use;
	size_t n_use;
	struct gap *gaps; /* longest first */
	size_t n_gaps;
	struct page_count *pages;
	size_t n_pages;
	const json_t *wake; /* the histogram, or NULL */
	/* Set by placement: */
	uint64_t fair_ns; /* CPU time that a fair scheduler would have given it, UNKNOWN */
	uint64_t frozen_ns;
	bool killed; /* by an op: its death is no news */
	bool limited; /* by cpu.max */
	bool moved; /* its cgroup, CPUs or weight changed under way */
	double weight; /* cpu.weight of its cgroup at the end, NAN: unknown */
};

struct workers {
	struct worker *w;
	size_t n;
};

/* workers_read - from the reports of a run. Returns 0, or -ENOMEM, or -EINVAL with err for a report
 * that makes no sense. */
int workers_read(const struct plan_run *run, struct workers *ret, char *err, size_t cap);
void workers_free(struct workers *ws);

/* worker_name - "worker 2 (tid 117) of cg_0.0". Returns buf. */
char *worker_name(const struct worker *w, char *buf, size_t cap);

/* worker_is_rt - scheduled before all normal ones. */
bool worker_is_rt(const struct worker *w);

/* worker_saturated - wanted to run at least pct of its wall time (frozen time not counted). */
bool worker_saturated(const struct worker *w, double pct);

/* worker_cpu_pct - CPU time in percent of wall time, NAN when unknown. */
double worker_cpu_pct(const struct worker *w);

/* Which workers a figure is about: those of a group (with a role) or of a cgroup; NULL is any. */
struct pick {
	const char *group, *role, *cgroup;
};
bool picked(const struct worker *w, const struct pick *p);

/* stats_spread - range of worker_cpu_pct of the picked; NAN with fewer than two. */
double stats_spread(const struct workers *ws, const struct pick *p);

/* Merged wake-up latencies of the picked. count 0: none were measured. */
struct wake {
	uint64_t count, p50_ns, p99_ns;
	double cv; /* standard deviation by mean; NAN with fewer than two */
};
void stats_wake(const struct workers *ws, const struct pick *p, struct wake *ret);

/* stats_write - the `stats` member. */
void stats_write(struct jsonw *w, const struct workers *ws);

#endif
