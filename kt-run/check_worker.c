/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of one worker: gaps, starvation, isolation, rates, pages. */
#include "dur.h"
#include "host.h"
#include "jsonr.h"
#include "judging.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define STARVED_PART 0.25 /* of the fair share */
#define TICK_NS (10 * NSEC_PER_MSEC) /* of the slowest kernel, HZ=100 */
#define OUTSIDE_NS NSEC_PER_MSEC /* CPU time that counts as having been there */

/* Where a worker's gap was: one that never ran has no CPU yet, unless there is only one it may use.
 */
static int gap_cpu(const struct judging *j, size_t worker, int seen)
{
	struct cpuset s;

	if (seen >= 0)
		return seen;
	s = judge_usable(j, worker);
	return cpuset_count(&s) == 1 ? cpuset_next(&s, 0) : -1;
}

/* Where a gap lies, from the worker's start. */
static double since_start(const struct worker *w, uint64_t at)
{
	return w->start_ns == UNKNOWN || at < w->start_ns ? 0 : (double)(at - w->start_ns) / 1e9;
}

void net_gaps(struct judging *j)
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

void check_gap(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct thr *t = judge_limit(j, THR_MAX_GAP_MS);
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
			judge_note(j, THR_MAX_GAP_MS, 0, OUT_PASS);
		return;
	}
	ms = (double)g->net_ns / 1e6;
	if (t->on && ms > t->limit) {
		stolen = judge_stolen(j, i, g->at_ns, g->at_ns + g->len_ns);
		o = judge_violated((double)g->len_ns / 1e6 - t->limit, (double)stolen / 1e6);
		d = judge_about_worker(thr_defs[THR_MAX_GAP_MS].name, o, w);
		d.cpu = gap_cpu(j, i, g->cpu);
		d.value = ms;
		d.limit = t->limit;
		if (g->net_ns != g->len_ns)
			(void)snprintf(raw, sizeof(raw), " (%.1f ms with the host's part)",
				       (double)g->len_ns / 1e6);
		judge_host_says(o, (double)stolen / 1e6, "ms meanwhile", host, sizeof(host));
		worker_name(w, name, sizeof(name));
		if (d.cpu >= 0)
			judge_say(j, d,
				  "%s made no progress for %.1f ms%s on CPU %d, %.3f s after its "
				  "start; "
				  "limit %g ms%s",
				  name, ms, raw, d.cpu, since_start(w, g->at_ns), t->limit, host);
		else
			judge_say(j, d,
				  "%s made no progress for %.1f ms%s, %.3f s after its start; "
				  "limit %g "
				  "ms%s",
				  name, ms, raw, since_start(w, g->at_ns), t->limit, host);
	}
	judge_note(j, THR_MAX_GAP_MS, ms, o);
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

/* Says so when a worker was starved. Never running at all is a failure, whatever the host did; for
 * the rest a held-up host may be the reason. Returns the outcome. */
static enum outcome check_starved(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct thr *gap = judge_limit(j, THR_MAX_GAP_MS);
	bool virt = j->run->env.clock && strcmp(j->run->env.clock, "virtual") == 0;
	double gap_ms = virt ? thr_defs[THR_MAX_GAP_MS].virt : thr_defs[THR_MAX_GAP_MS].real;
	struct detail d = judge_about_worker(thr_defs[THR_NOT_STARVED].name, OUT_FAIL, w);
	uint64_t open = open_gap(j, w);
	char name[256], where[32] = "", host[96] = "";
	double stolen, lacks, end;

	if (!judge_limit(j, THR_NOT_STARVED)->on)
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
		judge_say(j, d, "%s got no CPU time in %.3f s%s", name, (double)w->wall_ns / 1e9,
			  where);
	} else if ((double)open / 1e6 >= gap_ms) {
		end = (double)w->start_ns + (double)w->wall_ns;
		stolen = (double)judge_stolen(j, i, (uint64_t)end - w->gap_open_ns, (uint64_t)end) /
			 1e6;
		d.outcome = judge_violated((double)w->gap_open_ns / 1e6 - gap_ms, stolen);
		d.value = (double)open / 1e6;
		d.limit = gap_ms;
		judge_host_says(d.outcome, stolen, "ms meanwhile", host, sizeof(host));
		judge_say(j, d, "%s had not run for %.3f s when the plan ended%s%s", name,
			  (double)open / 1e9, where, host);
	} else if (worker_saturated(w, SATURATED_PCT) && judge_takes_share(w) &&
		   w->fair_ns != UNKNOWN && (double)w->cpu_ns < STARVED_PART * (double)w->fair_ns) {
		stolen = (double)judge_stolen(j, i, w->start_ns, w->start_ns + w->wall_ns) / 1e6;
		lacks = (STARVED_PART * (double)w->fair_ns - (double)w->cpu_ns) / 1e6;
		d.outcome = judge_violated(lacks, stolen);
		d.value = 100.0 * (double)w->cpu_ns / (double)w->fair_ns;
		d.limit = 100 * STARVED_PART;
		judge_host_says(d.outcome, stolen, "ms meanwhile", host, sizeof(host));
		judge_say(j, d,
			  "%s got %.3f s of CPU time%s in %.3f s, %.1f %% of its fair share of "
			  "%.3f s%s",
			  name, (double)w->cpu_ns / 1e9, where, (double)w->wall_ns / 1e9, d.value,
			  (double)w->fair_ns / 1e9, host);
	} else {
		return OUT_PASS;
	}
	return d.outcome;
}

static void say_dead(struct judging *j, const struct worker *w)
{
	const struct detail d = judge_about_worker("worker", OUT_ERROR, w);
	const char *why = w->reason ? w->reason : "";
	char name[256];

	worker_name(w, name, sizeof(name));
	if (w->exit_signal >= 0)
		judge_say(j, d, "%s was ended by signal %lld%s%s", name, (long long)w->exit_signal,
			  *why ? ": " : "", why);
	else if (w->exit_code >= 0)
		judge_say(j, d, "%s exited with status %lld%s%s", name, (long long)w->exit_code,
			  *why ? ": " : "", why);
	else
		judge_say(j, d, "%s did not complete%s%s", name, *why ? ": " : "", why);
}

void check_starvation(struct judging *j)
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
	judge_note(j, THR_NOT_STARVED, (double)starved, worst);
}

void check_isolation(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	struct detail d = judge_about_worker(thr_defs[THR_ISOLATION].name, OUT_FAIL, w);
	unsigned int cpu = 0;
	uint64_t out, last = 0;
	char name[256], *list;
	const struct cpuset *set;

	if (!placement_confined(&j->pl, i))
		return;
	out = placement_outside(&j->pl, j->ws, i, TICK_NS, &cpu, &last);
	judge_note(j, THR_ISOLATION, (double)out / 1e6, out > OUTSIDE_NS ? OUT_FAIL : OUT_PASS);
	if (out <= OUTSIDE_NS || !judge_limit(j, THR_ISOLATION)->on)
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
	judge_say(j, d,
		  "%s ran outside its CPUs (%s at the end): on CPU %u, last %.3f s after its "
		  "start, %.1f "
		  "ms in all",
		  worker_name(w, name, sizeof(name)),
		  set ? cpuset_format(set, list, CPUSET_TEXT) : "all", cpu, since_start(w, last),
		  d.value);
	free(list);
}

/* How far a rate is below its limit, in percent of the limit. */
static double shortfall_pct(const struct thr *t, double v)
{
	return t->limit > 0 ? 100 * (t->limit - v) / t->limit : 0;
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
	judge_against(j, &f, *d, name);
	f.id = THR_MAX_SLOW_TIER_RATIO;
	f.v = 1 - local / all;
	judge_against(j, &f, *d, name);
}

void check_worker_limits(struct judging *j, size_t i)
{
	const struct worker *w = &j->ws->w[i];
	const struct detail d = judge_about_worker("", OUT_FAIL, w);
	struct found f;
	char name[256];

	worker_name(w, name, sizeof(name));
	f = (struct found){ .id = THR_MIN_WORK_RATE,
			    .v = judge_per_second(w->work_units, w->cpu_ns) };
	f.excess = shortfall_pct(judge_limit(j, f.id), f.v);
	f.stolen = judge_stolen_pct(j, i);
	f.unit = "% of the time";
	judge_against(j, &f, d, name);
	f.id = THR_MIN_ITERATION_RATE;
	f.v = judge_per_second(w->iterations, w->wall_ns);
	f.excess = shortfall_pct(judge_limit(j, f.id), f.v);
	judge_against(j, &f, d, name);
	check_pages(j, i, &d, name);
}
