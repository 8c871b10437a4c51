/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers of one plan did. */
#include "stats.h"
#include "cleanup.h"
#include "cpuset.h"
#include "hist.h"
#include "jsonr.h"
#include "thresh.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ITEMS 65536 /* in one array of a report */

static uint64_t elem(const json_t *row, size_t i)
{
	const json_t *v = json_array_get(row, i);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
								: UNKNOWN;
}

/* [[cpu,ns,first,last],...] */
static int read_use(struct worker *w, const json_t *rows)
{
	const json_t *row;
	size_t i, n = json_array_size(rows);

	if (n > MAX_ITEMS)
		return -EINVAL;
	w->use = calloc(n + 1, sizeof(*w->use));
	if (!w->use)
		return -ENOMEM;
	json_array_foreach (rows, i, row) {
		struct cpu_use u = { .cpu = (unsigned int)elem(row, 0),
				     .ns = elem(row, 1),
				     .first_ns = elem(row, 2),
				     .last_ns = elem(row, 3) };

		if (elem(row, 0) >= CPUSET_MAX || u.ns == UNKNOWN || u.first_ns == UNKNOWN ||
		    u.last_ns == UNKNOWN || u.last_ns < u.first_ns)
			return -EINVAL;
		w->use[w->n_use++] = u;
	}
	return 0;
}

/* [[mono_ns,len_ns,cpu],...] */
static int read_gaps(struct worker *w, const json_t *rows)
{
	const json_t *row;
	size_t i, n = json_array_size(rows);

	if (n > MAX_ITEMS)
		return -EINVAL;
	w->gaps = calloc(n + 1, sizeof(*w->gaps));
	if (!w->gaps)
		return -ENOMEM;
	json_array_foreach (rows, i, row) {
		struct gap g = { .at_ns = elem(row, 0), .len_ns = elem(row, 1), .cpu = -1 };

		if (g.at_ns == UNKNOWN || g.len_ns == UNKNOWN)
			return -EINVAL;
		if (elem(row, 2) < CPUSET_MAX)
			g.cpu = (int)elem(row, 2);
		g.net_ns = g.len_ns;
		w->gaps[w->n_gaps++] = g;
	}
	return 0;
}

/* [[node,pages],...] */
static int read_pages(struct worker *w, const json_t *rows)
{
	const json_t *row;
	size_t i, n = json_array_size(rows);

	if (n > MAX_ITEMS)
		return -EINVAL;
	w->pages = calloc(n + 1, sizeof(*w->pages));
	if (!w->pages)
		return -ENOMEM;
	json_array_foreach (rows, i, row) {
		if (elem(row, 0) >= CPUSET_MAX || elem(row, 1) == UNKNOWN)
			return -EINVAL;
		w->pages[w->n_pages++] =
			(struct page_count){ (unsigned int)elem(row, 0), elem(row, 1) };
	}
	return 0;
}

static uint64_t migrations(const json_t *m)
{
	static const char *const kinds[] = { "within_core", "within_llc", "across_llc",
					     "across_node" };
	uint64_t sum = 0, v;
	size_t i;

	if (!json_is_object(m))
		return UNKNOWN;
	for (i = 0; i < KT_ARRAY_LEN(kinds); i++) {
		v = rec_u64(m, kinds[i], UNKNOWN);
		if (v == UNKNOWN || __builtin_add_overflow(sum, v, &sum))
			return UNKNOWN;
	}
	return sum;
}

/* {"source":"futex","count":N,"min_ns":N,...,"buckets":[[lower_ns,count],...]} */
static int add_wake(struct hist *h, const json_t *wake)
{
	const json_t *rows = json_object_get(wake, "buckets"), *row;
	uint64_t count = rec_u64(wake, "count", 0), seen = 0;
	size_t i;

	json_array_foreach (rows, i, row) {
		uint64_t lower = elem(row, 0), n = elem(row, 1);

		if (lower == UNKNOWN || n == UNKNOWN || __builtin_add_overflow(seen, n, &seen) ||
		    hist_add_bucket(h, lower, n) < 0)
			return -EINVAL;
	}
	if (seen != count || UINT64_MAX - h->count < count)
		return -EINVAL;
	hist_total(h, count, rec_u64(wake, "sum_ns", 0), rec_u64(wake, "min_ns", 0),
		   rec_u64(wake, "max_ns", 0));
	return 0;
}

/* scratch shows that the histograms can be added up. */
static int read_worker(const json_t *rec, struct worker *w, struct hist *scratch)
{
	const json_t *wake = json_object_get(rec, "wake");
	int rc;

	*w = (struct worker){
		.group = rec_str(rec, "group", NULL),
		.cgroup = rec_str(rec, "cgroup", ""),
		.work = rec_str(rec, "work", ""),
		.role = rec_str(rec, "role", NULL),
		.policy = rec_str(rec, "policy", "normal"),
		.reason = rec_str(rec, "reason", NULL),
		.index = rec_i64(rec, "worker", -1),
		.tid = rec_i64(rec, "tid", -1),
		.nice = (int)rec_i64(rec, "nice", 0),
		.completed = rec_bool(rec, "completed", false),
		.exit_code = rec_i64(rec, "exit_code", -1),
		.exit_signal = rec_i64(rec, "exit_signal", -1),
		.start_ns = rec_u64(rec, "start_ns", UNKNOWN),
		.wall_ns = rec_u64(rec, "wall_ns", UNKNOWN),
		.cpu_ns = rec_u64(rec, "cpu_ns", UNKNOWN),
		.run_delay_ns = rec_u64(rec, "run_delay_ns", UNKNOWN),
		.pcount = rec_u64(rec, "pcount", UNKNOWN),
		.work_units = rec_u64(rec, "work_units", UNKNOWN),
		.iterations = rec_u64(rec, "iterations", UNKNOWN),
		.sleep_ns = rec_u64(rec, "sleep_ns", UNKNOWN),
		.gap_open_ns = rec_u64(rec, "gap_open_ns", UNKNOWN),
		.monitor_late_ns = rec_u64(rec, "monitor_late_max_ns", UNKNOWN),
		.migrations = migrations(json_object_get(rec, "migrations")),
		.wake = json_is_object(wake) ? wake : NULL,
		.fair_ns = UNKNOWN,
		.weight = NAN,
	};
	if (!w->group || w->index < 0)
		return -EINVAL;
	rc = read_use(w, json_object_get(rec, "cpu_time"));
	if (rc == 0 && w->wake)
		rc = add_wake(scratch, w->wake);
	if (rc == 0)
		rc = read_gaps(w, json_object_get(rec, "gaps"));
	if (rc == 0)
		rc = read_pages(w, json_object_get(rec, "numa_pages"));
	return rc;
}

int workers_read(const struct plan_run *run, struct workers *ret, char *err, size_t cap)
{
	struct hist scratch = { 0 };
	const json_t *rec;
	size_t i;
	int rc;

	ret->n = 0;
	ret->w = calloc(json_array_size(run->reports) + 1, sizeof(*ret->w));
	if (!ret->w)
		return -ENOMEM;
	json_array_foreach (run->reports, i, rec) {
		rc = read_worker(rec, &ret->w[ret->n++], &scratch);
		if (rc == -EINVAL)
			(void)snprintf(err, cap, "report %zu of the plan is malformed", i + 1);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void workers_free(struct workers *ws)
{
	size_t i;

	for (i = 0; i < ws->n; i++) {
		free(ws->w[i].use);
		free(ws->w[i].gaps);
		free(ws->w[i].pages);
	}
	free(ws->w);
	*ws = (struct workers){ 0 };
}

char *worker_name(const struct worker *w, char *buf, size_t cap)
{
	if (w->tid >= 0)
		(void)snprintf(buf, cap, "worker %lld (tid %lld) of %s", (long long)w->index,
			       (long long)w->tid, w->group);
	else
		(void)snprintf(buf, cap, "worker %lld of %s", (long long)w->index, w->group);
	return buf;
}

bool worker_is_rt(const struct worker *w)
{
	return strncmp(w->policy, "fifo", 4) == 0 || strncmp(w->policy, "rr", 2) == 0;
}

bool worker_saturated(const struct worker *w, double pct)
{
	double wall = (double)w->wall_ns - (double)w->frozen_ns;

	if (w->wall_ns == UNKNOWN || w->cpu_ns == UNKNOWN || w->run_delay_ns == UNKNOWN ||
	    wall <= 0)
		return false;
	return ((double)w->cpu_ns + (double)w->run_delay_ns) * 100 >= pct * wall;
}

double worker_cpu_pct(const struct worker *w)
{
	if (w->wall_ns == UNKNOWN || w->cpu_ns == UNKNOWN || w->wall_ns == 0)
		return NAN;
	return 100.0 * (double)w->cpu_ns / (double)w->wall_ns;
}

bool picked(const struct worker *w, const struct pick *p)
{
	return (!p->group || strcmp(w->group, p->group) == 0) &&
	       (!p->cgroup || strcmp(w->cgroup, p->cgroup) == 0) &&
	       (!p->role || strcmp(w->role ? w->role : "", p->role) == 0);
}

double stats_spread(const struct workers *ws, const struct pick *p)
{
	double min = INFINITY, max = -INFINITY, v;
	size_t i, n = 0;

	for (i = 0; i < ws->n; i++) {
		v = picked(&ws->w[i], p) ? worker_cpu_pct(&ws->w[i]) : NAN;
		if (isnan(v))
			continue;
		min = fmin(min, v);
		max = fmax(max, v);
		n++;
	}
	return n >= 2 ? max - min : NAN;
}

/* The worst of the groups in a cgroup (NULL: of all): messengers and receivers are not compared. */
static double worst_spread(const struct workers *ws, const char *cgroup)
{
	double worst = NAN;
	size_t i;

	for (i = 0; i < ws->n; i++) {
		struct pick p = { ws->w[i].group, ws->w[i].role ? ws->w[i].role : "", NULL };

		if (!cgroup || strcmp(ws->w[i].cgroup, cgroup) == 0)
			worst = fmax(worst, stats_spread(ws, &p)); /* fmax passes over a NAN */
	}
	return worst;
}

/* Standard deviation by mean, values being at the middle of their buckets. */
static double hist_cv(const struct hist *h)
{
	double mean = (double)h->sum / (double)h->count, square = 0, v;
	unsigned int i;

	if (h->count < 2 || mean <= 0)
		return NAN;
	for (i = 0; i < HIST_BUCKETS; i++) {
		if (h->n[i] == 0)
			continue;
		v = (double)hist_lower(i);
		if (i + 1 < HIST_BUCKETS)
			v = (v + (double)hist_lower(i + 1) - 1) / 2;
		square += (v - mean) * (v - mean) * (double)h->n[i];
	}
	return sqrt(square / (double)h->count) / mean;
}

void stats_wake(const struct workers *ws, const struct pick *p, struct wake *ret)
{
	struct hist h = { 0 };
	size_t i;

	for (i = 0; i < ws->n; i++)
		if (ws->w[i].wake && picked(&ws->w[i], p))
			(void)add_wake(&h, ws->w[i].wake); /* workers_read() has tried it */
	*ret = (struct wake){ .count = h.count,
			      .p50_ns = hist_percentile(&h, 50),
			      .p99_ns = hist_percentile(&h, 99),
			      .cv = h.count ? hist_cv(&h) : NAN };
}

/* Sum of one number over the picked; UNKNOWN when one of them does not know it, or there are none.
 */
static uint64_t sum_of(const struct workers *ws, const struct pick *p, size_t offset)
{
	uint64_t sum = 0, v;
	size_t i, n = 0;

	for (i = 0; i < ws->n; i++) {
		if (!picked(&ws->w[i], p))
			continue;
		memcpy(&v, (const char *)&ws->w[i] + offset, sizeof(v));
		if (v == UNKNOWN || __builtin_add_overflow(sum, v, &sum))
			return UNKNOWN;
		n++;
	}
	return n ? sum : UNKNOWN;
}

static void put_known(struct jsonw *w, const char *key, uint64_t v)
{
	if (v == UNKNOWN)
		jsonw_null(w, key);
	else
		jsonw_u64(w, key, v);
}

static void put_figures(struct jsonw *w, const struct workers *ws, const char *cgroup,
			const struct wake *wake)
{
	const struct pick p = { .cgroup = cgroup };
	const struct gap *gap = NULL;
	struct cpuset cpus = { 0 };
	uint64_t delay = sum_of(ws, &p, offsetof(struct worker, run_delay_ns));
	size_t i, j, n = 0;

	for (i = 0; i < ws->n; i++) {
		const struct worker *k = &ws->w[i];

		if (!picked(k, &p))
			continue;
		n++;
		for (j = 0; j < k->n_use; j++)
			if (k->use[j].ns > 0)
				cpuset_add(&cpus, k->use[j].cpu);
		for (j = 0; j < k->n_gaps; j++)
			if (!gap || k->gaps[j].net_ns > gap->net_ns)
				gap = &k->gaps[j];
	}
	jsonw_u64(w, "workers", n);
	jsonw_u64(w, "cpus", cpuset_count(&cpus));
	put_known(w, "migrations", sum_of(ws, &p, offsetof(struct worker, migrations)));
	thr_put_number(w, "spread_pct", worst_spread(ws, cgroup));
	put_known(w, "gap_max_ns", gap ? gap->net_ns : UNKNOWN);
	jsonw_id(w, "gap_cpu", gap ? gap->cpu : -1);
	put_known(w, "wake_p50_ns", wake->count ? wake->p50_ns : UNKNOWN);
	put_known(w, "wake_p99_ns", wake->count ? wake->p99_ns : UNKNOWN);
	jsonw_u64(w, "wake_count", wake->count);
	put_known(w, "run_delay_mean_ns", delay == UNKNOWN || n == 0 ? UNKNOWN : delay / n);
	put_known(w, "iterations", sum_of(ws, &p, offsetof(struct worker, iterations)));
	put_known(w, "work_units", sum_of(ws, &p, offsetof(struct worker, work_units)));
}

void stats_write(struct jsonw *w, const struct workers *ws)
{
	const struct pick all = { 0 };
	uint64_t total = sum_of(ws, &all, offsetof(struct worker, cpu_ns)), cpu;
	struct wake wake;
	size_t i, j;

	stats_wake(ws, &all, &wake);
	jsonw_obj(w, "stats");
	put_figures(w, ws, NULL, &wake);
	jsonw_arr(w, "cgroups");
	for (i = 0; i < ws->n; i++) {
		const struct pick p = { .cgroup = ws->w[i].cgroup };

		for (j = 0; j < i; j++)
			if (strcmp(ws->w[j].cgroup, ws->w[i].cgroup) == 0)
				break;
		if (j < i)
			continue; /* not its first worker */
		stats_wake(ws, &p, &wake);
		cpu = sum_of(ws, &p, offsetof(struct worker, cpu_ns));
		jsonw_obj(w, NULL);
		jsonw_str(w, "cgroup", ws->w[i].cgroup);
		put_figures(w, ws, ws->w[i].cgroup, &wake);
		put_known(w, "cpu_ns", cpu);
		thr_put_number(w, "weight", ws->w[i].weight);
		thr_put_number(w, "cpu_share_pct",
			       cpu == UNKNOWN || total == UNKNOWN || total == 0
				       ? NAN
				       : 100.0 * (double)cpu / (double)total);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
	jsonw_obj_end(w);
}
