/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes what became of a worker. */
#include "report.h"
#include "gen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_stats(struct jsonw *w, const struct member *m, struct missing *missing)
{
	const struct tele *t = m->t;
	const struct schedstat *end = t->completed ? &t->stat_end : &m->stat_dead;
	int err = t->stat_begin.err ? t->stat_begin.err : end->err;

	/* Still alive: nothing was read at the end. */
	if (err == 0 && m->alive)
		err = -EBUSY;
	if (t->completed)
		jsonw_u64(w, "cpu_ns", t->cpu_ns);
	else if (err == 0)
		jsonw_u64(w, "cpu_ns", end->cpu_ns - t->stat_begin.cpu_ns);
	else
		jsonw_null(w, "cpu_ns");
	if (err < 0) {
		missing_add(missing, "schedstat", err);
		jsonw_null(w, "run_delay_ns");
		jsonw_null(w, "pcount");
		return;
	}
	jsonw_u64(w, "run_delay_ns", end->delay_ns - t->stat_begin.delay_ns);
	jsonw_u64(w, "pcount", end->pcount - t->stat_begin.pcount);
}

static void put_cpus(struct jsonw *w, const struct site *s, const struct tele *t)
{
	unsigned int i;

	jsonw_arr(w, "cpu_time");
	for (i = 0; i < s->places.n_cpus; i++) {
		const struct cpu_time *c = &t->cpus[i];

		if (c->last_ns == 0)
			continue;
		jsonw_arr(w, NULL);
		jsonw_u64(w, NULL, i);
		jsonw_u64(w, NULL, c->ns);
		jsonw_u64(w, NULL, c->first_ns);
		jsonw_u64(w, NULL, c->last_ns);
		jsonw_arr_end(w);
	}
	jsonw_arr_end(w);
	jsonw_obj(w, "migrations");
	jsonw_u64(w, "within_core", t->migrations[MIG_WITHIN_CORE]);
	jsonw_u64(w, "within_llc", t->migrations[MIG_WITHIN_LLC]);
	jsonw_u64(w, "across_llc", t->migrations[MIG_ACROSS_LLC]);
	jsonw_u64(w, "across_node", t->migrations[MIG_ACROSS_NODE]);
	jsonw_obj_end(w);
}

static bool overlaps(const struct gaps *gs, const struct gap *g)
{
	unsigned int i;

	for (i = 0; i < gs->n; i++)
		if (g->begin_ns < gs->g[i].begin_ns + gs->g[i].len_ns &&
		    gs->g[i].begin_ns < g->begin_ns + g->len_ns)
			return true;
	return false;
}

/* What the worker saw itself is exact; the monitor adds what it could not see. */
static void put_gaps(struct jsonw *w, const struct group *g, const struct member *m)
{
	struct gaps all = m->t->gaps;
	unsigned int i;

	for (i = 0; i < m->gaps.n; i++)
		if (!overlaps(&m->t->gaps, &m->gaps.g[i]))
			gaps_add(&all, m->gaps.g[i].begin_ns, m->gaps.g[i].len_ns,
				 m->gaps.g[i].cpu);
	jsonw_arr(w, "gaps");
	for (i = 0; i < all.n; i++) {
		jsonw_arr(w, NULL);
		jsonw_u64(w, NULL, all.g[i].begin_ns);
		jsonw_u64(w, NULL, all.g[i].len_ns);
		jsonw_id(w, NULL, all.g[i].cpu);
		jsonw_arr_end(w);
	}
	jsonw_arr_end(w);
	jsonw_u64(w, "gap_open_ns", m->gap_open_ns);
	jsonw_u64(w, "monitor_late_max_ns", g->late_max_ns);
}

static void put_wake(struct jsonw *w, const struct group *g, unsigned int i)
{
	const struct gen *gen = g->spec.work.gen;
	const struct hist *h = &g->m[i].t->wake;
	unsigned int b;

	if (!gen->wake || (gen->messenger && i % g->unit == 0)) {
		jsonw_null(w, "wake");
		return;
	}
	jsonw_obj(w, "wake");
	jsonw_str(w, "source", gen->wake);
	jsonw_u64(w, "count", h->count);
	if (h->count) {
		jsonw_u64(w, "min_ns", h->min);
		jsonw_u64(w, "max_ns", h->max);
	} else {
		jsonw_null(w, "min_ns");
		jsonw_null(w, "max_ns");
	}
	jsonw_u64(w, "sum_ns", h->sum);
	jsonw_arr(w, "buckets");
	for (b = 0; b < HIST_BUCKETS; b++) {
		if (h->n[b] == 0)
			continue;
		jsonw_arr(w, NULL);
		jsonw_u64(w, NULL, hist_lower(b));
		jsonw_u64(w, NULL, h->n[b]);
		jsonw_arr_end(w);
	}
	jsonw_arr_end(w);
	jsonw_obj_end(w);
}

static void put_pages(struct jsonw *w, const struct site *s, const struct tele *t,
		      struct missing *missing)
{
	const uint64_t *pages = (const uint64_t *)(t->cpus + s->places.n_cpus);
	unsigned int i;

	if (!t->completed || t->numa_err < 0) {
		if (t->completed)
			missing_add(missing, "numa_pages", t->numa_err);
		jsonw_null(w, "numa_pages");
		return;
	}
	jsonw_arr(w, "numa_pages");
	for (i = 0; i < s->places.n_nodes; i++) {
		if (pages[i] == 0)
			continue;
		jsonw_arr(w, NULL);
		jsonw_u64(w, NULL, i);
		jsonw_u64(w, NULL, pages[i]);
		jsonw_arr_end(w);
	}
	jsonw_arr_end(w);
}

static void put_reason(struct jsonw *w, const struct member *m)
{
	char text[sizeof(m->t->fail_text) + 96];

	if (m->t->fail_text[0]) {
		(void)snprintf(text, sizeof(text), "%s%s%s", m->t->fail_text,
			       m->t->fail_errno ? ": " : "",
			       m->t->fail_errno ? strerror(m->t->fail_errno) : "");
		jsonw_str(w, "reason", text);
	} else {
		jsonw_str(w, "reason", m->alive ? "did not even end when killed" : NULL);
	}
}

int report_write(struct jsonw *w, const struct site *s, const struct group *g, unsigned int worker,
		 struct missing *missing)
{
	const struct member *m = &g->m[worker];
	const struct tele *t = m->t;
	const struct gen *gen = g->spec.work.gen;
	uint64_t start = g->share->start_ns + (g->spec.offsets_ns ? g->spec.offsets_ns[worker] : 0);
	/* Killed after the stop: what it did not do until then counts. */
	uint64_t end = t->completed			       ? t->end_ns
		       : m->died_ns && m->died_ns < g->stop_ns ? m->died_ns
							       : g->stop_ns;
	char cpus[CPUSET_TEXT];

	jsonw_begin(w, "report");
	jsonw_str(w, "group", g->spec.group);
	jsonw_str(w, "cgroup", g->spec.cgroup);
	jsonw_u64(w, "worker", worker);
	jsonw_i64(w, "tid", m->pid);
	jsonw_str(w, "work", gen->name);
	jsonw_str(w, "role",
		  !gen->messenger	  ? NULL
		  : worker % g->unit == 0 ? "messenger"
					  : "receiver");
	jsonw_str(w, "policy", g->spec.policy.text);
	jsonw_i64(w, "nice", g->spec.nice);
	jsonw_str(w, "cpus_allowed", m->cpus ? cpuset_format(m->cpus, cpus, sizeof(cpus)) : NULL);
	jsonw_bool(w, "completed", t->completed);
	jsonw_id(w, "exit_code", t->completed ? -1 : m->exit_code);
	jsonw_id(w, "exit_signal", t->completed ? -1 : m->exit_signal);
	put_reason(w, m);
	jsonw_u64(w, "start_ns", start);
	jsonw_u64(w, "wall_ns", end > start ? end - start : 0);
	put_stats(w, m, missing);
	jsonw_u64(w, "work_units", atomic_load(&t->work_units));
	jsonw_u64(w, "iterations", atomic_load(&t->iterations));
	jsonw_u64(w, "sleep_ns", t->sleep_ns);
	put_cpus(w, s, t);
	put_gaps(w, g, m);
	put_wake(w, g, worker);
	put_pages(w, s, t, missing);
	return jsonw_end(w);
}
