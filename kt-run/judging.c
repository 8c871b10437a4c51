/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of one plan's run share. */
#include "judging.h"
#include "cleanup.h"
#include "host.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void judge_say(struct judging *j, struct detail d, const char *fmt, ...)
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

struct detail judge_about(const char *check, enum outcome outcome)
{
	return (struct detail){ .check = check,
				.outcome = outcome,
				.worker = -1,
				.tid = -1,
				.cpu = -1,
				.value = NAN,
				.limit = NAN };
}

struct detail judge_about_worker(const char *check, enum outcome outcome, const struct worker *w)
{
	struct detail d = judge_about(check, outcome);

	d.cgroup = w->cgroup;
	d.group = w->group;
	d.worker = w->index;
	d.tid = w->tid;
	return d;
}

const struct thr *judge_limit(const struct judging *j, enum thr_id id)
{
	return &j->v->limits.t[id];
}

void judge_note(struct judging *j, enum thr_id id, double value, enum outcome outcome)
{
	struct measure *m = &j->v->checks[id];
	bool low_is_bad = strncmp(thr_defs[id].name, "min_", 4) == 0;

	if (isnan(m->measured) || (low_is_bad ? value < m->measured : value > m->measured))
		m->measured = value;
	if (judge_limit(j, id)->on && outcome > m->outcome)
		m->outcome = outcome;
}

struct cpuset judge_usable(const struct judging *j, size_t worker)
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

uint64_t judge_stolen(const struct judging *j, size_t worker, uint64_t from, uint64_t to)
{
	struct cpuset s;
	uint64_t most = 0, v;
	int cpu;

	if (j->run->n_samples == 0)
		return 0;
	s = judge_usable(j, worker);
	for (cpu = -1; (cpu = cpuset_next(&s, cpu + 1)) >= 0;) {
		v = host_stolen(j->run, j->ws, (unsigned int)cpu, from, to);
		most = v > most ? v : most;
	}
	return most;
}

double judge_stolen_pct(const struct judging *j, size_t worker)
{
	const struct worker *w = &j->ws->w[worker];

	if (w->start_ns == UNKNOWN || w->wall_ns == UNKNOWN || w->wall_ns == 0)
		return 0;
	return 100.0 * (double)judge_stolen(j, worker, w->start_ns, w->start_ns + w->wall_ns) /
	       (double)w->wall_ns;
}

double judge_stolen_pct_of(const struct judging *j, const struct pick *p)
{
	double worst = 0;
	size_t i;

	if (j->run->n_samples == 0)
		return 0;
	for (i = 0; i < j->ws->n; i++)
		if (picked(&j->ws->w[i], p))
			worst = fmax(worst, judge_stolen_pct(j, i));
	return worst;
}

enum outcome judge_violated(double excess, double stolen)
{
	return stolen > 0 && 2 * stolen >= excess ? OUT_UNDECIDED : OUT_FAIL;
}

const char *judge_host_says(enum outcome o, double stolen, const char *unit, char *buf, size_t cap)
{
	if (o == OUT_UNDECIDED)
		(void)snprintf(buf, cap, "; the host held the CPUs up for %.1f %s", stolen, unit);
	else
		*buf = '\0';
	return buf;
}

double judge_per_second(uint64_t n, uint64_t ns)
{
	return n == UNKNOWN || ns == UNKNOWN || ns == 0 ? NAN : (double)n * 1e9 / (double)ns;
}

bool judge_is_over(enum thr_id id, const struct thr *t, double v)
{
	return strncmp(thr_defs[id].name, "min_", 4) == 0 ? v < t->limit : v > t->limit;
}

void judge_against(struct judging *j, const struct found *f, struct detail d, const char *name)
{
	const struct thr *t = judge_limit(j, f->id);
	const struct thr_def *def = &thr_defs[f->id];
	enum outcome o = OUT_PASS;
	char host[96];

	if (isnan(f->v))
		return;
	if (t->on && judge_is_over(f->id, t, f->v)) {
		o = f->unit ? judge_violated(f->excess, f->stolen) : OUT_FAIL;
		d.check = def->name;
		d.outcome = o;
		d.value = f->v;
		d.limit = t->limit;
		judge_host_says(o, f->stolen, f->unit ? f->unit : "", host, sizeof(host));
		judge_say(j, d, "%s: %s is %.4g%s%s, limit %.4g%s", name, def->about, f->v,
			  strcmp(def->unit, "ratio") == 0 ? "" : " ",
			  strcmp(def->unit, "ratio") == 0 ? "" : def->unit, t->limit, host);
	}
	judge_note(j, f->id, f->v, o);
}

bool judge_takes_share(const struct worker *w)
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
