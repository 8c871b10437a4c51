/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much CPU time a fair scheduler would have given to each worker. */
#include "cleanup.h"
#include "replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's weights of nice levels, sched_prio_to_weight[] (kernel/sched/core.c), and of
 * SCHED_IDLE (WEIGHT_IDLEPRIO). */
static double nice_weight(const struct worker *w)
{
	static const int weights[40] = {
		88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
		9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
		1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
		110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
	};

	if (strcmp(w->policy, "idle") == 0)
		return 3;
	if (strcmp(w->work, "NiceSweep") == 0)
		return weights[0]; /* it may be there at any moment */
	return weights[w->nice < -20 || w->nice > 19 ? 20 : w->nice + 20];
}

static bool live(const struct group *g, uint64_t from, uint64_t to)
{
	return g->cgroup && g->from_ns < to && g->to_ns > from;
}

/* The part of the machine's time that belongs to a cgroup by the weights on the way down to it,
 * among those with live workers. */
static double cgroup_part(struct replay *r, const char *name, uint64_t from, uint64_t to)
{
	size_t len = strlen(name), up = replay_parent(name, len), i, j;
	const struct cg *c = replay_cg(r, name, len);
	double own = c ? c->weight : 100, sum = own;

	if (len == 0)
		return 1;
	/* Siblings: every distinct first step below the parent that leads to a live group. */
	for (i = 0; i < r->n_groups; i++) {
		const char *other = r->groups[i].cgroup;
		size_t end;

		if (!live(&r->groups[i], from, to) || strlen(other) <= up ||
		    (up > 0 && (memcmp(other, name, up) != 0 || other[up] != '/')))
			continue;
		end = up > 0 ? up + 1 : 0;
		end += strcspn(other + end, "/");
		if (end == len && memcmp(other, name, len) == 0)
			continue;
		for (j = 0; j < i; j++)
			if (live(&r->groups[j], from, to) &&
			    strncmp(r->groups[j].cgroup, other, end) == 0 &&
			    (r->groups[j].cgroup[end] == '/' || r->groups[j].cgroup[end] == '\0'))
				break;
		if (j < i)
			continue; /* counted */
		c = replay_cg(r, other, end);
		sum += c ? c->weight : 100;
	}
	{
		AUTO_FREE char *parent = strndup(name, up);

		return parent ? own / sum * cgroup_part(r, parent, from, to) : NAN;
	}
}

/* CPUs of a set that real-time workers left to the others, in CPUs. */
static double capacity(const struct replay *r, const struct cpuset *set)
{
	double cap = cpuset_count(set), part;
	size_t i, j;

	for (i = 0; i < r->ws->n; i++) {
		const struct worker *w = &r->ws->w[i];

		if (!worker_is_rt(w) || w->wall_ns == UNKNOWN || w->wall_ns == 0)
			continue;
		for (j = 0; j < w->n_use; j++) {
			part = (double)w->use[j].ns / (double)w->wall_ns;
			if (cpuset_has(set, w->use[j].cpu))
				cap -= fmin(part, 1);
		}
	}
	return fmax(cap, 0);
}

static bool overlap(const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset s = *a;

	if (a == b)
		return true;
	cpuset_and(&s, b);
	return !cpuset_empty(&s);
}

int fair_shares(struct replay *r, uint64_t from, uint64_t to)
{
	struct workers *ws = r->ws;
	size_t i, j;

	if (from >= to)
		return 0;
	for (i = 0; i < ws->n; i++) {
		const struct worker *w = &ws->w[i];
		const struct group *g = &r->groups[r->group_of[i]];
		double sum = 0;

		r->weight_of[i] = 0;
		if (!live(g, from, to) || worker_is_rt(w))
			continue;
		for (j = 0; j < ws->n; j++)
			if (!worker_is_rt(&ws->w[j]) && r->groups[r->group_of[j]].cgroup &&
			    strcmp(r->groups[r->group_of[j]].cgroup, g->cgroup) == 0 &&
			    live(&r->groups[r->group_of[j]], from, to))
				sum += nice_weight(&ws->w[j]);
		r->weight_of[i] = cgroup_part(r, g->cgroup, from, to) * nice_weight(w) / sum;
		if (isnan(r->weight_of[i]))
			return -ENOMEM;
	}
	for (i = 0; i < ws->n; i++) {
		struct worker *w = &ws->w[i];
		const struct cpuset *set = spans_last(&r->pl->of[i]);
		uint64_t start, end;
		double sum = 0, share;

		if (r->weight_of[i] <= 0 || !set || w->start_ns == UNKNOWN ||
		    w->wall_ns == UNKNOWN || w->fair_ns == UNKNOWN)
			continue;
		start = w->start_ns > from ? w->start_ns : from;
		end = w->start_ns + w->wall_ns < to ? w->start_ns + w->wall_ns : to;
		if (start >= end)
			continue;
		for (j = 0; j < ws->n; j++) {
			const struct cpuset *other = spans_last(&r->pl->of[j]);

			if (r->weight_of[j] > 0 && (!other || overlap(set, other)))
				sum += r->weight_of[j];
		}
		share = fmin(r->weight_of[i] / sum * capacity(r, set), 1);
		w->fair_ns += (uint64_t)(share * (double)(end - start));
	}
	return 0;
}
