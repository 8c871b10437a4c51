/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of workers together: spread and rates of a group, weights, idle CPUs. */
#include "cleanup.h"
#include "dur.h"
#include "host.h"
#include "judging.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Shorter runs say nothing about weights: 5 s, but for the offsets at which workers start. */
#define FAIRNESS_NS (4950 * NSEC_PER_MSEC)
#define SPINNER_PCT 95 /* wanted to run: never slept, the rest is measuring */

/* Variation of work units per CPU second over a group. */
static double throughput_cv(const struct workers *ws, const struct pick *p)
{
	double sum = 0, square = 0, v, mean;
	size_t i, n = 0;

	for (i = 0; i < ws->n; i++) {
		if (!picked(&ws->w[i], p))
			continue;
		v = ws->w[i].cpu_ns == 0 ? 0
					 : judge_per_second(ws->w[i].work_units, ws->w[i].cpu_ns);
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

void check_group_limits(struct judging *j, const struct worker *first)
{
	const struct pick p = { first->group, first->role ? first->role : "", NULL };
	struct detail d = judge_about("", OUT_FAIL);
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
	f.excess = f.v - judge_limit(j, f.id)->limit;
	f.stolen = judge_stolen_pct_of(j, &p);
	f.unit = "% of the time";
	judge_against(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_THROUGHPUT_CV, .v = throughput_cv(j->ws, &p) };
	f.excess = 100 * (f.v - judge_limit(j, f.id)->limit);
	f.stolen = judge_stolen_pct_of(j, &p);
	f.unit = "% of the time";
	judge_against(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_MIGRATION_RATIO, .v = migration_ratio(j->ws, &p) };
	judge_against(j, &f, d, name);
	stats_wake(j->ws, &p, &wake);
	if (wake.count == 0)
		return;
	for (i = 0; i < j->ws->n; i++) {
		struct cpuset s;

		if (j->run->n_samples == 0 || !picked(&j->ws->w[i], &p))
			continue;
		s = judge_usable(j, i);
		for (cpu = -1; (cpu = cpuset_next(&s, cpu + 1)) >= 0;) {
			v = host_worst_step(j->run, (unsigned int)cpu);
			step = v > step ? v : step;
		}
	}
	f = (struct found){ .id = THR_MAX_P99_WAKE_NS, .v = (double)wake.p99_ns };
	f.excess = f.v - judge_limit(j, f.id)->limit;
	f.stolen = (double)step;
	f.unit = "ns between two samples";
	judge_against(j, &f, d, name);
	f = (struct found){ .id = THR_MAX_WAKE_CV, .v = wake.cv };
	f.excess = 100 * (f.v - judge_limit(j, f.id)->limit);
	f.stolen = judge_stolen_pct_of(j, &p);
	f.unit = "% of the time";
	judge_against(j, &f, d, name);
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
	       strcmp(w->policy, "idle") != 0 && judge_takes_share(w) &&
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
void check_weights(struct judging *j)
{
	const struct thr *t = judge_limit(j, THR_MAX_WEIGHT_ERROR_PCT);
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
			struct detail d =
				judge_about(thr_defs[THR_MAX_WEIGHT_ERROR_PCT].name, OUT_FAIL);
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
				stolen = fmax(judge_stolen_pct(j, c[a].first),
					      judge_stolen_pct(j, c[b].first));
				o = d.outcome = judge_violated(off - t->limit, stolen);
				d.cgroup = ratio < 1 ? c[a].cgroup : c[b].cgroup;
				d.value = off;
				d.limit = t->limit;
				judge_host_says(o, stolen, "% of the time", host, sizeof(host));
				judge_say(j, d,
					  "CPU time of %s and %s is as %.2f to 1, their weights %g "
					  "and "
					  "%g as %.2f to 1: %.0f %% off, limit %g %%%s",
					  c[a].cgroup, c[b].cgroup, c[a].cpu_ns / c[b].cpu_ns,
					  c[a].weight, c[b].weight, c[a].weight / c[b].weight, off,
					  t->limit, host);
			}
			judge_note(j, THR_MAX_WEIGHT_ERROR_PCT, off, o);
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
		if (!w->completed || w->moved || w->limited || !judge_takes_share(w) ||
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
void check_idle(struct judging *j)
{
	const struct thr *t = judge_limit(j, THR_MAX_IDLE_PCT);
	AUTO_FREE char *list = malloc(CPUSET_TEXT);
	size_t i, k;

	if (!list) {
		j->rc = -ENOMEM;
		return;
	}
	for (i = 0; i < j->ws->n; i++) {
		const struct cpuset *set = placement_final(&j->pl, i);
		struct detail d = judge_about(thr_defs[THR_MAX_IDLE_PCT].name, OUT_FAIL);
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
			stolen = judge_stolen_pct(j, i);
			o = d.outcome = judge_violated(v - t->limit, stolen);
			d.value = v;
			d.limit = t->limit;
			judge_host_says(o, stolen, "% of the time", host, sizeof(host));
			judge_say(
				j, d,
				"CPUs %s were idle %.2f %% of the time though there was a spinning "
				"worker for each; limit %g %%%s",
				cpuset_format(set, list, CPUSET_TEXT), v, t->limit, host);
		}
		judge_note(j, THR_MAX_IDLE_PCT, v, o);
	}
}
