/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers of one plan did. */
#include "stats.h"
#include "cleanup.h"
#include "cpuset.h"
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

static int read_worker(const json_t *rec, struct worker *w)
{
	const json_t *wake = json_object_get(rec, "wake");
	int rc;

	*w = (struct worker){
		.group = rec_str(rec, "group", NULL),
		.cgroup = rec_str(rec, "cgroup", ""),
		.work = rec_str(rec, "work", ""),
		.role = rec_str(rec, "role", NULL),
		.policy = rec_str(rec, "policy", "normal"),
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
	if (rc == 0)
		rc = read_gaps(w, json_object_get(rec, "gaps"));
	if (rc == 0)
		rc = read_pages(w, json_object_get(rec, "numa_pages"));
	return rc;
}

int workers_read(const struct plan_run *run, struct workers *ret, char *err, size_t cap)
{
	const json_t *rec;
	size_t i;
	int rc;

	ret->n = 0;
	ret->w = calloc(json_array_size(run->reports) + 1, sizeof(*ret->w));
	if (!ret->w)
		return -ENOMEM;
	json_array_foreach (run->reports, i, rec) {
		rc = read_worker(rec, &ret->w[ret->n++]);
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

struct bucket {
	uint64_t lower, count;
};

static int by_lower(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;

	return (x->lower > y->lower) - (x->lower < y->lower);
}

/* Nearest rank: the value that ceil(n * p) samples do not exceed, as its bucket tells it. */
static uint64_t percentile(const struct bucket *b, size_t n, uint64_t count, unsigned int pct)
{
	uint64_t rank = (count * pct + 99) / 100, seen = 0;
	size_t i;

	for (i = 0; i + 1 < n; i++) {
		seen += b[i].count;
		if (seen >= rank)
			break;
	}
	return b[i].lower;
}

static double bucket_cv(const struct bucket *b, size_t n, uint64_t count)
{
	double sum = 0, square = 0, mean, v;
	size_t i;

	if (count < 2)
		return NAN;
	for (i = 0; i < n; i++)
		sum += (double)b[i].lower * (double)b[i].count;
	mean = sum / (double)count;
	if (mean <= 0)
		return NAN;
	for (i = 0; i < n; i++) {
		v = (double)b[i].lower - mean;
		square += v * v * (double)b[i].count;
	}
	return sqrt(square / (double)count) / mean;
}

int stats_wake(const struct workers *ws, const struct pick *p, struct wake *ret)
{
	AUTO_FREE struct bucket *b = NULL;
	const json_t *rows, *row;
	struct wake k = { .min_ns = UNKNOWN, .cv = NAN };
	size_t i, j, n = 0, room = 0;

	for (i = 0; i < ws->n; i++)
		if (ws->w[i].wake && picked(&ws->w[i], p))
			room += json_array_size(json_object_get(ws->w[i].wake, "buckets"));
	b = calloc(room + 1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	for (i = 0; i < ws->n; i++) {
		const struct worker *w = &ws->w[i];

		if (!w->wake || !picked(w, p))
			continue;
		rows = json_object_get(w->wake, "buckets");
		json_array_foreach (rows, j, row) {
			b[n] = (struct bucket){ elem(row, 0), elem(row, 1) };
			if (b[n].lower == UNKNOWN || b[n].count == UNKNOWN)
				continue;
			k.count += b[n++].count;
		}
		if (rec_u64(w->wake, "count", 0) == 0)
			continue;
		if (rec_u64(w->wake, "min_ns", UNKNOWN) < k.min_ns)
			k.min_ns = rec_u64(w->wake, "min_ns", UNKNOWN);
		if (rec_u64(w->wake, "max_ns", 0) > k.max_ns)
			k.max_ns = rec_u64(w->wake, "max_ns", 0);
	}
	if (k.count > 0) {
		qsort(b, n, sizeof(*b), by_lower);
		k.p50_ns = percentile(b, n, k.count, 50);
		k.p99_ns = percentile(b, n, k.count, 99);
		k.cv = bucket_cv(b, n, k.count);
	}
	*ret = k;
	return 0;
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
	put_known(w, "run_delay_mean_ns", delay == UNKNOWN ? UNKNOWN : delay / n);
	put_known(w, "iterations", sum_of(ws, &p, offsetof(struct worker, iterations)));
	put_known(w, "work_units", sum_of(ws, &p, offsetof(struct worker, work_units)));
}

int stats_write(struct jsonw *w, const struct workers *ws)
{
	const struct pick all = { 0 };
	uint64_t total = sum_of(ws, &all, offsetof(struct worker, cpu_ns)), cpu;
	struct wake wake;
	size_t i, j;
	int rc;

	rc = stats_wake(ws, &all, &wake);
	if (rc < 0)
		return rc;
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
		rc = stats_wake(ws, &p, &wake);
		if (rc < 0)
			return rc;
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
	return 0;
}
