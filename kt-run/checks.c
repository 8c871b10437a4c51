/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges one plan's run. */
#include "checks.h"
#include "cleanup.h"
#include "dur.h"
#include "host.h"
#include "jsonr.h"
#include "placement.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SATURATED_PCT 80 /* of its wall time a worker wanted to run */
#define STARVED_PART 0.25 /* of the fair share */
#define TICK_NS (10 * NSEC_PER_MSEC) /* of the slowest kernel, HZ=100 */
#define OUTSIDE_NS NSEC_PER_MSEC /* CPU time that counts as having been there */
/* Shorter runs say nothing about weights: 5 s, but for the offsets at which workers start. */
#define FAIRNESS_NS (4950 * NSEC_PER_MSEC)
#define SPINNER_PCT 95 /* wanted to run: never slept, the rest is measuring */

struct judging {
	const struct plan_run *run;
	struct verdict *v;
	struct workers *ws;
	struct placement pl;
	int rc; /* -ENOMEM once that has happened */
};

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = { "skip", "pass", "undecided", "fail", "error" };

	return names[o];
}

void verdict_free(struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->n_details; i++)
		free(v->details[i].message);
	free(v->details);
	workers_free(&v->workers);
	*v = (struct verdict){ 0 };
}

/* Add a detail; it takes the place of d's message. */
__attribute__((format(printf, 3, 4))) static void say(struct judging *j, struct detail d,
						      const char *fmt, ...)
{
	struct verdict *v = j->v;
	va_list ap;
	int n;

	if (v->n_details == v->cap_details) {
		size_t cap = v->cap_details ? 2 * v->cap_details : 8;
		struct detail *p = reallocarray(v->details, cap, sizeof(*p));

		if (!p) {
			j->rc = -ENOMEM;
			return;
		}
		v->details = p;
		v->cap_details = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&d.message, fmt, ap);
	va_end(ap);
	if (n < 0) {
		j->rc = -ENOMEM;
		return;
	}
	v->details[v->n_details++] = d;
	if (d.outcome > v->outcome)
		v->outcome = d.outcome;
}

static struct detail about(const char *check, enum outcome outcome)
{
	return (struct detail){ .check = check,
				.outcome = outcome,
				.worker = -1,
				.tid = -1,
				.cpu = -1,
				.value = NAN,
				.limit = NAN };
}

static struct detail about_worker(const char *check, enum outcome outcome, const struct worker *w)
{
	struct detail d = about(check, outcome);

	d.cgroup = w->cgroup;
	d.group = w->group;
	d.worker = w->index;
	d.tid = w->tid;
	return d;
}

static const struct thr *limit_of(const struct judging *j, enum thr_id id)
{
	return &j->v->limits.t[id];
}

/* Note a measurement: the worst of several is kept, and the worst outcome. A check that is off is
 * measured all the same. */
static void note(struct judging *j, enum thr_id id, double value, enum outcome outcome)
{
	struct measure *m = &j->v->checks[id];
	bool low_is_bad = strncmp(thr_defs[id].name, "min_", 4) == 0;

	if (isnan(m->measured) || (low_is_bad ? value < m->measured : value > m->measured))
		m->measured = value;
	if (limit_of(j, id)->on && outcome > m->outcome)
		m->outcome = outcome;
}

/* CPUs that a worker could use at its end; a set of one when only its gap's CPU is known. */
static struct cpuset usable(const struct judging *j, size_t worker)
{
	const struct cpuset *set = placement_final(&j->pl, worker);
	const struct worker *w = &j->ws->w[worker];
	struct cpuset s = { 0 };
	size_t i;

	if (set)
		return *set;
	for (i = 0; i < w->n_use; i++)
		cpuset_add(&s, w->use[i].cpu);
	return s;
}

/* Where a worker's gap was: one that never ran has no CPU yet, unless there is only one it may use.
 */
static int gap_cpu(const struct judging *j, size_t worker, int seen)
{
	struct cpuset s;

	if (seen >= 0)
		return seen;
	s = usable(j, worker);
	return cpuset_count(&s) == 1 ? cpuset_next(&s, 0) : -1;
}

/* The most that the host took, in a window, from one of the CPUs that a worker could use. */
static uint64_t stolen_from(const struct judging *j, size_t worker, uint64_t from, uint64_t to)
{
	struct cpuset s;
	uint64_t most = 0, v;
	int cpu;

	if (j->run->n_samples == 0)
		return 0;
	s = usable(j, worker);
	for (cpu = -1; (cpu = cpuset_next(&s, cpu + 1)) >= 0;) {
		v = host_stolen(j->run, j->ws, (unsigned int)cpu, from, to);
		most = v > most ? v : most;
	}
	return most;
}

/* The host's part of a worker's wall time, in percent. */
static double stolen_pct(const struct judging *j, size_t worker)
{
	const struct worker *w = &j->ws->w[worker];

	if (w->start_ns == UNKNOWN || w->wall_ns == UNKNOWN || w->wall_ns == 0)
		return 0;
	return 100.0 * (double)stolen_from(j, worker, w->start_ns, w->start_ns + w->wall_ns) /
	       (double)w->wall_ns;
}

/* The worst stolen_pct of the picked. */
static double stolen_pct_of(const struct judging *j, const struct pick *p)
{
	double worst = 0;
	size_t i;

	if (j->run->n_samples == 0)
		return 0;
	for (i = 0; i < j->ws->n; i++)
		if (picked(&j->ws->w[i], p))
			worst = fmax(worst, stolen_pct(j, i));
	return worst;
}

/* A violated time check: the host's delay may explain it. */
static enum outcome violated(double excess, double stolen)
{
	return stolen > 0 && 2 * stolen >= excess ? OUT_UNDECIDED : OUT_FAIL;
}

static const char *host_says(enum outcome o, double stolen, const char *unit, char *buf, size_t cap)
{
	if (o == OUT_UNDECIDED)
		(void)snprintf(buf, cap, "; the host held the CPUs up for %.1f %s", stolen, unit);
	else
		*buf = '\0';
	return buf;
}

/* Where a gap lies, from the worker's start. */
static double since_start(const struct worker *w, uint64_t at)
{
	return w->start_ns == UNKNOWN || at < w->start_ns ? 0 : (double)(at - w->start_ns) / 1e9;
}

static void net_gaps(struct judging *j)
{
	size_t i, k;

	if (!host_aligned(j->run))
		return;
	for (i = 0; i < j->ws->n; i++) {
		for (k = 0; k < j->ws->w[i].n_gaps; k++) {
			struct gap *g = &j->ws->w[i].gaps[k];
			uint64_t cut = g->cpu < 0 ? 0
						  : host_stolen(j->run, j->ws, (unsigned int)g->cpu,
								g->at_ns, g->at_ns + g->len_ns);

			g->net_ns -= cut < g->net_ns ? cut : g->net_ns;
		}
	}
}

static void check_gap(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct thr *t = limit_of(j, THR_MAX_GAP_MS);
	const struct gap *g = NULL;
	enum outcome o = OUT_PASS;
	struct detail d;
	uint64_t stolen;
	char name[256], host[96], raw[64] = "";
	double ms;
	size_t k;

	for (k = 0; k < w->n_gaps; k++)
		if (!g || w->gaps[k].net_ns > g->net_ns)
			g = &w->gaps[k];
	if (!g) {
		if (w->completed)
			note(j, THR_MAX_GAP_MS, 0, OUT_PASS);
		return;
	}
	ms = (double)g->net_ns / 1e6;
	if (t->on && ms > t->limit) {
		stolen = stolen_from(j, i, g->at_ns, g->at_ns + g->len_ns);
		o = violated((double)g->len_ns / 1e6 - t->limit, (double)stolen / 1e6);
		d = about_worker(thr_defs[THR_MAX_GAP_MS].name, o, w);
		d.cpu = gap_cpu(j, i, g->cpu);
		d.value = ms;
		d.limit = t->limit;
		if (g->net_ns != g->len_ns)
			(void)snprintf(raw, sizeof(raw), " (%.1f ms with the host's part)",
				       (double)g->len_ns / 1e6);
		host_says(o, (double)stolen / 1e6, "ms meanwhile", host, sizeof(host));
		worker_name(w, name, sizeof(name));
		if (d.cpu >= 0)
			say(j, d,
			    "%s made no progress for %.1f ms%s on CPU %d, %.3f s after its start; "
			    "limit %g ms%s",
			    name, ms, raw, d.cpu, since_start(w, g->at_ns), t->limit, host);
		else
			say(j, d,
			    "%s made no progress for %.1f ms%s, %.3f s after its start; limit %g "
			    "ms%s",
			    name, ms, raw, since_start(w, g->at_ns), t->limit, host);
	}
	note(j, THR_MAX_GAP_MS, ms, o);
}

/* The gap that is still open at the end, without what was not the scheduler's doing. */
static uint64_t open_gap(const struct judging *j, const struct worker *w)
{
	uint64_t end, start, cut;
	size_t k;

	if (w->gap_open_ns == UNKNOWN || w->gap_open_ns == 0 || w->start_ns == UNKNOWN ||
	    w->wall_ns == UNKNOWN)
		return w->gap_open_ns == UNKNOWN ? 0 : w->gap_open_ns;
	end = w->start_ns + w->wall_ns;
	start = end > w->gap_open_ns ? end - w->gap_open_ns : 0;
	for (k = 0; k < w->n_gaps; k++)
		if (w->gaps[k].at_ns + w->gaps[k].len_ns >= end &&
		    w->gaps[k].len_ns >= w->gap_open_ns)
			return w->gaps[k].net_ns < w->gap_open_ns ? w->gaps[k].net_ns
								  : w->gap_open_ns;
	cut = w->frozen_ns;
	if (w->n_use > 0)
		cut += host_stolen(j->run, j->ws, w->use[w->n_use - 1].cpu, start, end);
	return cut < w->gap_open_ns ? w->gap_open_ns - cut : 0;
}

/* Whether its share says something: not of one that gives its time away, or changes its own weight
 * under way. */
static bool takes_its_share(const struct worker *w)
{
	static const char *const others[] = { "YieldHeavy", "Mixed",	     "CacheYield",
					      "NiceSweep",  "AffinityChurn", "PolicyChurn",
					      "Sequence" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(others); i++)
		if (strcmp(w->work, others[i]) == 0)
			return false;
	return !worker_is_rt(w) && !w->killed;
}

/* Says so when a worker was starved. Never running at all is a failure, whatever the host did; for
 * the rest a held-up host may be the reason. Returns the outcome. */
static enum outcome check_starved(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct thr *gap = limit_of(j, THR_MAX_GAP_MS);
	bool virt = j->run->env.clock && strcmp(j->run->env.clock, "virtual") == 0;
	double gap_ms = virt ? thr_defs[THR_MAX_GAP_MS].virt : thr_defs[THR_MAX_GAP_MS].real;
	struct detail d = about_worker(thr_defs[THR_NOT_STARVED].name, OUT_FAIL, w);
	uint64_t open = open_gap(j, w);
	char name[256], where[32] = "", host[96] = "";
	double stolen, lacks, end;

	if (!limit_of(j, THR_NOT_STARVED)->on)
		return OUT_PASS;
	if (gap->on && gap->limit > gap_ms)
		gap_ms = gap->limit; /* longer is allowed; a shorter limit is about gaps alone */
	worker_name(w, name, sizeof(name));
	d.cpu = gap_cpu(j, i, w->n_gaps > 0 ? w->gaps[0].cpu : -1);
	if (d.cpu >= 0)
		(void)snprintf(where, sizeof(where), " (CPU %d)", d.cpu);
	if (w->wall_ns != UNKNOWN && w->wall_ns > 0 && w->frozen_ns < w->wall_ns &&
	    (w->cpu_ns == 0 || (w->work_units == 0 && w->iterations == 0 &&
				(double)open >= 0.8 * (double)w->wall_ns))) {
		d.value = 0;
		say(j, d, "%s got no CPU time in %.3f s%s", name, (double)w->wall_ns / 1e9, where);
	} else if ((double)open / 1e6 >= gap_ms) {
		end = (double)w->start_ns + (double)w->wall_ns;
		stolen = (double)stolen_from(j, i, (uint64_t)end - w->gap_open_ns, (uint64_t)end) /
			 1e6;
		d.outcome = violated((double)w->gap_open_ns / 1e6 - gap_ms, stolen);
		d.value = (double)open / 1e6;
		d.limit = gap_ms;
		host_says(d.outcome, stolen, "ms meanwhile", host, sizeof(host));
		say(j, d, "%s had not run for %.3f s when the plan ended%s%s", name,
		    (double)open / 1e9, where, host);
	} else if (worker_saturated(w, SATURATED_PCT) && takes_its_share(w) &&
		   w->fair_ns != UNKNOWN && (double)w->cpu_ns < STARVED_PART * (double)w->fair_ns) {
		stolen = (double)stolen_from(j, i, w->start_ns, w->start_ns + w->wall_ns) / 1e6;
		lacks = (STARVED_PART * (double)w->fair_ns - (double)w->cpu_ns) / 1e6;
		d.outcome = violated(lacks, stolen);
		d.value = 100.0 * (double)w->cpu_ns / (double)w->fair_ns;
		d.limit = 100 * STARVED_PART;
		host_says(d.outcome, stolen, "ms meanwhile", host, sizeof(host));
		say(j, d,
		    "%s got %.3f s of CPU time%s in %.3f s, %.1f %% of its fair share of %.3f s%s",
		    name, (double)w->cpu_ns / 1e9, where, (double)w->wall_ns / 1e9, d.value,
		    (double)w->fair_ns / 1e9, host);
	} else {
		return OUT_PASS;
	}
	return d.outcome;
}

static void say_dead(struct judging *j, const struct worker *w)
{
	const struct detail d = about_worker("worker", OUT_ERROR, w);
	const char *why = w->reason ? w->reason : "";
	char name[256];

	worker_name(w, name, sizeof(name));
	if (w->exit_signal >= 0)
		say(j, d, "%s was ended by signal %lld%s%s", name, (long long)w->exit_signal,
		    *why ? ": " : "", why);
	else if (w->exit_code >= 0)
		say(j, d, "%s exited with status %lld%s%s", name, (long long)w->exit_code,
		    *why ? ": " : "", why);
	else
		say(j, d, "%s did not complete%s%s", name, *why ? ": " : "", why);
}

static void check_starvation(struct judging *j)
{
	enum outcome worst = OUT_PASS, o;
	size_t i, starved = 0;

	for (i = 0; i < j->ws->n; i++) {
		const struct worker *w = &j->ws->w[i];

		o = check_starved(j, i);
		if (o != OUT_PASS) {
			starved++;
			worst = o > worst ? o : worst;
		} else if (!w->completed && !w->killed) {
			say_dead(j, w);
		}
	}
	note(j, THR_NOT_STARVED, (double)starved, worst);
}

static void check_isolation(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	struct detail d = about_worker(thr_defs[THR_ISOLATION].name, OUT_FAIL, w);
	unsigned int cpu = 0;
	uint64_t out, last = 0;
	char name[256], *list;
	const struct cpuset *set;

	if (!placement_confined(&j->pl, i))
		return;
	out = placement_outside(&j->pl, j->ws, i, TICK_NS, &cpu, &last);
	note(j, THR_ISOLATION, (double)out / 1e6, out > OUTSIDE_NS ? OUT_FAIL : OUT_PASS);
	if (out <= OUTSIDE_NS || !limit_of(j, THR_ISOLATION)->on)
		return;
	d.cpu = (int)cpu;
	d.value = (double)out / 1e6;
	d.limit = (double)OUTSIDE_NS / 1e6;
	set = placement_final(&j->pl, i);
	list = malloc(CPUSET_TEXT);
	if (!list) {
		j->rc = -ENOMEM;
		return;
	}
	say(j, d,
	    "%s ran outside its CPUs (%s at the end): on CPU %u, last %.3f s after its start, %.1f "
	    "ms in all",
	    worker_name(w, name, sizeof(name)), set ? cpuset_format(set, list, CPUSET_TEXT) : "all",
	    cpu, since_start(w, last), d.value);
	free(list);
}

/* One violated or kept limit of a group or a worker; v is NAN when there was nothing to measure. */
struct found {
	enum thr_id id;
	double v;
	double excess, stolen; /* beyond the limit and by the host, in one unit; for violated() */
	const char *unit;
};

static bool is_over(enum thr_id id, const struct thr *t, double v)
{
	return strncmp(thr_defs[id].name, "min_", 4) == 0 ? v < t->limit : v > t->limit;
}

/* Judge what was found about d's worker or group (named by name). */
static void limit_check(struct judging *j, const struct found *f, struct detail d, const char *name)
{
	const struct thr *t = limit_of(j, f->id);
	const struct thr_def *def = &thr_defs[f->id];
	enum outcome o = OUT_PASS;
	char host[96];

	if (isnan(f->v))
		return;
	if (t->on && is_over(f->id, t, f->v)) {
		o = f->unit ? violated(f->excess, f->stolen) : OUT_FAIL;
		d.check = def->name;
		d.outcome = o;
		d.value = f->v;
		d.limit = t->limit;
		host_says(o, f->stolen, f->unit ? f->unit : "", host, sizeof(host));
		say(j, d, "%s: %s is %.4g%s%s, limit %.4g%s", name, def->about, f->v,
		    strcmp(def->unit, "ratio") == 0 ? "" : " ",
		    strcmp(def->unit, "ratio") == 0 ? "" : def->unit, t->limit, host);
	}
	note(j, f->id, f->v, o);
}

static double per_second(uint64_t n, uint64_t ns)
{
	return n == UNKNOWN || ns == UNKNOWN || ns == 0 ? NAN : (double)n * 1e9 / (double)ns;
}

/* How far a rate is below its limit, in percent of the limit. */
static double shortfall_pct(const struct thr *t, double v)
{
	return t->limit > 0 ? 100 * (t->limit - v) / t->limit : 0;
}

static void check_pages(struct judging *j, size_t i, const struct detail *d, const char *name);

static void check_worker_limits(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct detail d = about_worker("", OUT_FAIL, w);
	struct found f;
	char name[256];

	worker_name(w, name, sizeof(name));
	f = (struct found){ .id = THR_MIN_WORK_RATE, .v = per_second(w->work_units, w->cpu_ns) };
	f.excess = shortfall_pct(limit_of(j, f.id), f.v);
	f.stolen = stolen_pct(j, i);
	f.unit = "% of the time";
	limit_check(j, &f, d, name);
	f.id = THR_MIN_ITERATION_RATE;
	f.v = per_second(w->iterations, w->wall_ns);
	f.excess = shortfall_pct(limit_of(j, f.id), f.v);
	limit_check(j, &f, d, name);
	check_pages(j, i, &d, name);
}

/* Nodes of the CPUs in a set, by the plan's cpu_map [[cpu,core,llc,node],...]. */
static struct cpuset nodes_of(const struct plan_run *run, const struct cpuset *cpus)
{
	const json_t *map = json_object_get(run->plan, "cpu_map"), *row;
	struct cpuset nodes = { 0 };
	json_int_t cpu, node;
	size_t i;

	json_array_foreach (map, i, row) {
		cpu = json_integer_value(json_array_get(row, 0));
		node = json_integer_value(json_array_get(row, 3));
		if (cpu >= 0 && cpu < CPUSET_MAX && node >= 0 && node < CPUSET_MAX &&
		    cpuset_has(cpus, (unsigned int)cpu))
			cpuset_add(&nodes, (unsigned int)node);
	}
	return nodes;
}

static void check_pages(struct judging *j, size_t i, const struct detail *d, const char *name)
{
	const struct worker *w = &j->ws->w[i];
	const struct cpuset *set = placement_final(&j->pl, i);
	struct found f = { .id = THR_MIN_PAGE_LOCALITY };
	double all = 0, local = 0;
	struct cpuset nodes;
	size_t k;

	if (!set)
		return;
	nodes = nodes_of(j->run, set);
	for (k = 0; k < w->n_pages; k++) {
		all += (double)w->pages[k].pages;
		if (cpuset_has(&nodes, w->pages[k].node))
			local += (double)w->pages[k].pages;
	}
	if (all <= 0 || cpuset_empty(&nodes))
		return;
	f.v = local / all;
	limit_check(j, &f, *d, name);
	f.id = THR_MAX_SLOW_TIER_RATIO;
	f.v = 1 - local / all;
	limit_check(j, &f, *d, name);
}

/* Variation of work units per CPU second over a group. */
static double throughput_cv(const struct workers *ws, const struct pick *p)
{
	double sum = 0, square = 0, v, mean;
	size_t i, n = 0;

	for (i = 0; i < ws->n; i++) {
		if (!picked(&ws->w[i], p))
			continue;
		v = ws->w[i].cpu_ns == 0 ? 0 : per_second(ws->w[i].work_units, ws->w[i].cpu_ns);
		if (isnan(v))
			continue;
		sum += v;
		square += v * v;
		n++;
	}
	mean = sum / (double)n;
	if (n < 2 || mean <= 0)
		return NAN;
	return sqrt(fmax(square / (double)n - mean * mean, 0)) / mean;
}

static double migration_ratio(const struct workers *ws, const struct pick *p)
{
	double moves = 0, iterations = 0;
	size_t i;

	for (i = 0; i < ws->n; i++) {
		if (!picked(&ws->w[i], p) || ws->w[i].migrations == UNKNOWN ||
		    ws->w[i].iterations == UNKNOWN)
			continue;
		moves += (double)ws->w[i].migrations;
		iterations += (double)ws->w[i].iterations;
	}
	return iterations > 0 ? moves / iterations : NAN;
}

static void check_group_limits(struct judging *j, const struct worker *first)
{
	const struct pick p = { first->group, first->role ? first->role : "", NULL };
	struct detail d = about("", OUT_FAIL);
	struct found f = { .id = THR_MAX_SPREAD_PCT };
	struct wake wake;
	uint64_t step = 0, v;
	char name[256];
	size_t i;
	int cpu;

	d.group = first->group;
	d.cgroup = first->cgroup;
	(void)snprintf(name, sizeof(name), "group %s%s%s", first->group, first->role ? ", " : "",
		       first->role ? first->role : "");
	f.v = stats_spread(j->ws, &p);
	f.excess = f.v - limit_of(j, f.id)->limit;
	f.stolen = stolen_pct_of(j, &p);
	f.unit = "% of the time";
	limit_check(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_THROUGHPUT_CV, .v = throughput_cv(j->ws, &p) };
	f.excess = 100 * (f.v - limit_of(j, f.id)->limit);
	f.stolen = stolen_pct_of(j, &p);
	f.unit = "% of the time";
	limit_check(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_MIGRATION_RATIO, .v = migration_ratio(j->ws, &p) };
	limit_check(j, &f, d, name);
	stats_wake(j->ws, &p, &wake);
	if (wake.count == 0)
		return;
	for (i = 0; i < j->ws->n; i++) {
		struct cpuset s;

		if (j->run->n_samples == 0 || !picked(&j->ws->w[i], &p))
			continue;
		s = usable(j, i);
		for (cpu = -1; (cpu = cpuset_next(&s, cpu + 1)) >= 0;) {
			v = host_worst_step(j->run, (unsigned int)cpu);
			step = v > step ? v : step;
		}
	}
	f = (struct found){ .id = THR_MAX_P99_WAKE_NS, .v = (double)wake.p99_ns };
	f.excess = f.v - limit_of(j, f.id)->limit;
	f.stolen = (double)step;
	f.unit = "ns between two samples";
	limit_check(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_WAKE_CV, .v = wake.cv };
	f.excess = 100 * (f.v - limit_of(j, f.id)->limit);
	f.stolen = stolen_pct_of(j, &p);
	f.unit = "% of the time";
	limit_check(j, &f, d, name);
}

/* A cgroup whose CPU time can be compared with another's. */
struct contender {
	const char *cgroup;
	const struct cpuset *set;
	double weight, cpu_ns, wall_ns;
	size_t workers, first;
};

/* Whether a worker says something about fairness between cgroups. */
static bool comparable(const struct worker *w)
{
	return !w->moved && !w->limited && !w->killed && w->completed && !worker_is_rt(w) &&
	       strcmp(w->policy, "idle") != 0 && takes_its_share(w) &&
	       worker_saturated(w, SATURATED_PCT) && w->wall_ns >= FAIRNESS_NS &&
	       w->frozen_ns == 0 && !isnan(w->weight);
}

static const char *path_tail(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool siblings(const char *a, const char *b)
{
	size_t up = (size_t)(path_tail(a) - a);

	return up == (size_t)(path_tail(b) - b) && memcmp(a, b, up) == 0;
}

/* The cgroups in which every worker is comparable and all have one set. Returns their number. */
static size_t contenders(struct judging *j, struct contender *c)
{
	struct workers *ws = j->ws;
	size_t i, k, n = 0;

	for (i = 0; i < ws->n; i++) {
		const struct worker *w = &ws->w[i];
		bool fit = *w->cgroup != '\0';

		for (k = 0; k < i; k++)
			if (strcmp(ws->w[k].cgroup, w->cgroup) == 0)
				break;
		if (k < i)
			continue;
		c[n] = (struct contender){ .cgroup = w->cgroup,
					   .set = placement_final(&j->pl, i),
					   .weight = w->weight,
					   .first = i };
		for (k = i; k < ws->n; k++) {
			if (strcmp(ws->w[k].cgroup, w->cgroup) != 0)
				continue;
			fit &= comparable(&ws->w[k]) && placement_final(&j->pl, k) == c[n].set;
			c[n].cpu_ns += (double)ws->w[k].cpu_ns;
			c[n].wall_ns = fmax(c[n].wall_ns, (double)ws->w[k].wall_ns);
			c[n].workers++;
		}
		if (fit && c[n].set)
			n++;
	}
	return n;
}

/* CPU time between two cgroups on the same CPUs. By default only where weights differ and each has
 * workers enough to use what its weight allows: a cgroup with few workers is not a fair contest. */
static void check_weights(struct judging *j)
{
	const struct thr *t = limit_of(j, THR_MAX_WEIGHT_ERROR_PCT);
	AUTO_FREE struct contender *c = calloc(j->ws->n + 1, sizeof(*c));
	size_t a, b, n;

	if (!c) {
		j->rc = -ENOMEM;
		return;
	}
	n = contenders(j, c);
	for (a = 0; a < n; a++) {
		for (b = a + 1; b < n; b++) {
			double cpus = cpuset_count(c[a].set), both = c[a].weight + c[b].weight;
			double ratio, off, stolen;
			enum outcome o = OUT_PASS;
			struct detail d = about(thr_defs[THR_MAX_WEIGHT_ERROR_PCT].name, OUT_FAIL);
			char host[96];

			if (c[a].set != c[b].set || !siblings(c[a].cgroup, c[b].cgroup) ||
			    c[b].cpu_ns <= 0 || c[a].cpu_ns <= 0 ||
			    (double)c[a].workers < cpus * c[a].weight / both ||
			    (double)c[b].workers < cpus * c[b].weight / both)
				continue;
			if (t->source == THR_DEFAULT && c[a].weight == c[b].weight)
				continue;
			ratio = c[a].cpu_ns / c[b].cpu_ns / (c[a].weight / c[b].weight);
			off = 100 * (fmax(ratio, 1 / ratio) - 1);
			if (t->on && off > t->limit) {
				stolen = fmax(stolen_pct(j, c[a].first), stolen_pct(j, c[b].first));
				o = d.outcome = violated(off - t->limit, stolen);
				d.cgroup = ratio < 1 ? c[a].cgroup : c[b].cgroup;
				d.value = off;
				d.limit = t->limit;
				host_says(o, stolen, "% of the time", host, sizeof(host));
				say(j, d,
				    "CPU time of %s and %s is as %.2f to 1, their weights %g and "
				    "%g as %.2f to 1: %.0f %% off, limit %g %%%s",
				    c[a].cgroup, c[b].cgroup, c[a].cpu_ns / c[b].cpu_ns,
				    c[a].weight, c[b].weight, c[a].weight / c[b].weight, off,
				    t->limit, host);
			}
			note(j, THR_MAX_WEIGHT_ERROR_PCT, off, o);
		}
	}
}

/* A set of CPUs with spinners enough for all of it, used by nobody else. Returns its idle part in
 * percent, NAN when it is none. */
static double idle_pct(const struct judging *j, const struct cpuset *set)
{
	const struct workers *ws = j->ws;
	double cpu = 0, first = INFINITY, last = 0, start = 0, end = INFINITY, cpus;
	size_t i, n = 0;

	for (i = 0; i < ws->n; i++) {
		const struct worker *w = &ws->w[i];
		const struct cpuset *own = placement_final(&j->pl, i);
		struct cpuset both;

		if (own != set) {
			both = own ? *own : *set;
			cpuset_and(&both, set);
			if (!cpuset_empty(&both))
				return NAN;
			continue;
		}
		if (!w->completed || w->moved || w->limited || !takes_its_share(w) ||
		    w->frozen_ns > 0 || w->sleep_ns == UNKNOWN || w->sleep_ns > 0 ||
		    !worker_saturated(w, SPINNER_PCT))
			return NAN;
		cpu += (double)w->cpu_ns;
		first = fmin(first, (double)w->start_ns);
		start = fmax(start, (double)w->start_ns);
		end = fmin(end, (double)(w->start_ns + w->wall_ns));
		last = fmax(last, (double)(w->start_ns + w->wall_ns));
		n++;
	}
	cpus = cpuset_count(set);
	/* Only if they ran together, but for one part in 200: what is measured is their common
	 * time. */
	if ((double)n < cpus || end <= start ||
	    (last - first) - (end - start) > 0.005 * (last - first))
		return NAN;
	return fmax(0, 100 * (1 - cpu / (cpus * (end - start))));
}

/* Work conservation. On a machine that is shared with others it is judged only if asked for. */
static void check_idle(struct judging *j)
{
	const struct thr *t = limit_of(j, THR_MAX_IDLE_PCT);
	AUTO_FREE char *list = malloc(CPUSET_TEXT);
	size_t i, k;

	if (!list) {
		j->rc = -ENOMEM;
		return;
	}
	for (i = 0; i < j->ws->n; i++) {
		const struct cpuset *set = placement_final(&j->pl, i);
		struct detail d = about(thr_defs[THR_MAX_IDLE_PCT].name, OUT_FAIL);
		enum outcome o = OUT_PASS;
		char host[96];
		double v, stolen;

		for (k = 0; k < i; k++)
			if (placement_final(&j->pl, k) == set)
				break;
		if (!set || k < i)
			continue;
		v = idle_pct(j, set);
		if (isnan(v))
			continue;
		if (t->source == THR_DEFAULT && !j->run->env.vm) {
			if (isnan(j->v->checks[THR_MAX_IDLE_PCT].measured) ||
			    v > j->v->checks[THR_MAX_IDLE_PCT].measured)
				j->v->checks[THR_MAX_IDLE_PCT].measured = v;
			continue;
		}
		if (t->on && v > t->limit) {
			stolen = stolen_pct(j, i);
			o = d.outcome = violated(v - t->limit, stolen);
			d.value = v;
			d.limit = t->limit;
			host_says(o, stolen, "% of the time", host, sizeof(host));
			say(j, d,
			    "CPUs %s were idle %.2f %% of the time though there was a spinning "
			    "worker for each; limit %g %%%s",
			    cpuset_format(set, list, CPUSET_TEXT), v, t->limit, host);
		}
		note(j, THR_MAX_IDLE_PCT, v, o);
	}
}

/* Limits that somebody asked for and nothing in the stream can tell. */
static void check_unmeasured(struct judging *j)
{
	int i;

	for (i = 0; i < THR_COUNT; i++) {
		const struct thr *t = limit_of(j, (enum thr_id)i);
		struct detail d = about(thr_defs[i].name, OUT_SKIP);

		if (!t->on || t->source == THR_DEFAULT || j->v->checks[i].outcome != OUT_SKIP)
			continue;
		d.limit = thr_defs[i].unit ? t->limit : NAN;
		if (thr_defs[i].needs_monitor)
			say(j, d, "%s was not judged: no event tells %s", thr_defs[i].name,
			    thr_defs[i].about);
		else
			say(j, d, "%s was not judged: there was nothing to measure",
			    thr_defs[i].name);
	}
}

static bool is_tcg(const struct run_env *env)
{
	return env->accel && strcmp(env->accel, "tcg") == 0;
}

/* Under TCG a latency is the emulator's: a scenario's limit on it is off, an option's is not. */
static void drop_latency_limits(struct judging *j)
{
	static const enum thr_id ids[] = { THR_MAX_P99_WAKE_NS, THR_MAX_WAKE_CV };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(ids); i++)
		if (is_tcg(&j->run->env) && j->v->limits.t[ids[i]].source == THR_SCENARIO)
			j->v->limits.t[ids[i]].on = false;
}

static void run_checks(struct judging *j)
{
	size_t i, k;

	net_gaps(j);
	check_starvation(j);
	for (i = 0; i < j->ws->n; i++) {
		check_gap(j, i);
		check_isolation(j, i);
		check_worker_limits(j, i);
		for (k = 0; k < i; k++)
			if (strcmp(j->ws->w[k].group, j->ws->w[i].group) == 0 &&
			    strcmp(j->ws->w[k].role ? j->ws->w[k].role : "",
				   j->ws->w[i].role ? j->ws->w[i].role : "") == 0)
				break;
		if (k == i)
			check_group_limits(j, &j->ws->w[i]);
	}
	check_weights(j);
	check_idle(j);
	check_unmeasured(j);
}

/* What went wrong before there was anything to judge. True: nothing more to do. */
static bool check_run(struct judging *j)
{
	const struct plan_run *run = j->run;
	const char *outcome = rec_str(run->end, "outcome", ""),
		   *reason = rec_str(run->end, "reason", NULL);
	const char *skip = rec_str(run->plan, "skip", NULL);
	const json_t *e;
	size_t i;

	json_array_foreach (run->op_errors, i, e) {
		struct detail d = about("op", OUT_ERROR);
		const char *cgroup = rec_str(e, "cgroup", NULL), *group = rec_str(e, "group", NULL);

		d.cgroup = cgroup;
		d.group = group;
		say(j, d, "%s%s%s failed: %s", rec_str(e, "op", "an op"),
		    group || cgroup ? " of " : "",
		    group    ? group
		    : cgroup ? cgroup
			     : "",
		    rec_str(e, "message", rec_str(e, "errno", "no reason given")));
	}
	if (run->cut) {
		say(j, about("plan", OUT_ERROR), "%s", run->cut);
	} else if (strcmp(rec_str(run->end, "id", ""), rec_str(run->plan, "id", "")) != 0) {
		say(j, about("plan", OUT_ERROR), "the plan-end is of another plan, '%s'",
		    rec_str(run->end, "id", ""));
	} else if (strcmp(outcome, "skip") == 0) {
		say(j, about("plan", OUT_SKIP), "%s", reason ? reason : skip ? skip : "skipped");
		return true;
	} else if (strcmp(outcome, "fail") == 0) {
		say(j, about("plan", OUT_FAIL), "%s", reason ? reason : "the plan failed");
	} else if (strcmp(outcome, "ok") != 0) {
		say(j, about("plan", OUT_ERROR), "%s",
		    reason ? reason : "the plan ended with an error");
	}
	if (j->v->outcome == OUT_ERROR)
		return true;
	if (j->pl.spawned > j->ws->n) {
		say(j, about("worker", OUT_ERROR), "%llu of %llu workers never reported",
		    (unsigned long long)(j->pl.spawned - j->ws->n),
		    (unsigned long long)j->pl.spawned);
		return true;
	}
	if (j->ws->n == 0) {
		say(j, about("worker", OUT_ERROR), "nothing ran: the plan had no workers");
		return true;
	}
	return false;
}

int judge(const struct plan_run *run, const struct thr_set *options, struct verdict *ret)
{
	struct verdict v = { .outcome = OUT_SKIP };
	struct judging j = { .run = run, .v = &v, .ws = &v.workers };
	bool virt = run->env.clock && strcmp(run->env.clock, "virtual") == 0;
	char err[256] = "";
	int i, rc;

	for (i = 0; i < THR_COUNT; i++)
		v.checks[i] = (struct measure){ .measured = NAN, .outcome = OUT_SKIP };
	v.host_delay_ns = host_delay(run);
	rc = thr_resolve(&v.limits, virt, run->plan, options, err, sizeof(err));
	if (rc < 0) {
		say(&j, about("plan", OUT_ERROR), "%s", err);
		(void)thr_resolve(&v.limits, virt, NULL, options, err, sizeof(err));
	}
	drop_latency_limits(&j);
	rc = workers_read(run, &v.workers, err, sizeof(err));
	if (rc == 0)
		rc = placement_build(run, &v.workers, &j.pl, err, sizeof(err));
	if (rc == -EINVAL) {
		say(&j, about("plan", OUT_ERROR), "%s", err);
		rc = 0;
	} else if (rc == 0 && !check_run(&j)) {
		v.outcome = v.outcome > OUT_PASS ? v.outcome : OUT_PASS;
		run_checks(&j);
	}
	placement_free(&j.pl);
	if (rc == 0)
		rc = j.rc;
	if (rc < 0)
		verdict_free(&v);
	else
		*ret = v;
	return rc;
}
