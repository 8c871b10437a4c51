/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expands scenarios into plans. */
#include "cleanup.h"
#include "draft.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- the scenario ---- */

static bool any_group(const struct group *g, const void *arg)
{
	(void)g;
	(void)arg;
	return true;
}

static bool of_step(const struct group *g, const void *arg)
{
	return g->step == *(const size_t *)arg;
}

static bool in_cgroup(const struct group *g, const void *arg)
{
	return strcmp(g->cgroup, (const char *)arg) == 0;
}

static void define(struct draft *x, const struct cgroup_def *d)
{
	struct cgrp *c = draft_make(x, d->place, d->name);

	if (c)
		draft_set(x, c, d, -1);
}

/* The works of a definition whose cgroup is there. */
static void populate(struct draft *x, const struct cgroup_def *d, bool swappable, bool start)
{
	size_t i;

	for (i = 0; i < (d->n_works ? d->n_works : !d->empty) && x->rc == 0; i++) {
		struct group *g = draft_spawn(x, draft_find(x, d->name),
					      d->n_works ? &d->works[i] : NULL, swappable);

		if (start)
			draft_start(x, g);
	}
}

static void do_affinity(struct draft *x, const struct step_op *op)
{
	struct cgrp *c = draft_need(x, op->place, op->cgroup);
	size_t i;

	if (strcmp(op->affinity, "inherit") == 0)
		draft_wrong(x, op->place, "'inherit' changes nothing here");
	for (i = 0; c && i < x->n_groups && x->rc == 0; i++) {
		const struct group *g = &x->groups[i];

		if (!g->live || strcmp(g->cgroup, op->cgroup) != 0)
			continue;
		jsonw_str(draft_op(x, "work.affinity"), "group", g->name);
		draft_affinity(x, "cpus", op->place, op->affinity, c, g->count);
		draft_op_end(x);
	}
}

static void do_move(struct draft *x, const struct step_op *op)
{
	size_t i;

	if (!draft_need(x, op->place, op->cgroup) || !draft_need(x, op->place, op->to))
		return;
	jsonw_str(draft_op(x, "cgroup.move"), "from", op->cgroup);
	jsonw_str(&x->ops, "to", op->to);
	draft_op_end(x);
	for (i = 0; i < x->n_groups; i++)
		if (strcmp(x->groups[i].cgroup, op->cgroup) == 0)
			(void)snprintf(x->groups[i].cgroup, sizeof(x->groups[i].cgroup), "%s",
				       op->to);
}

static void do_op(struct draft *x, const struct step_op *op)
{
	struct cgrp *c = NULL;

	if (op->kind != STEP_CREATE && op->kind != STEP_MOVE && *op->cgroup)
		c = draft_need(x, op->place, op->cgroup);
	if (x->rc < 0)
		return;
	switch (op->kind) {
	case STEP_CREATE:
		(void)draft_make(x, op->place, op->cgroup); /* x->rc has its failure */
		break;
	case STEP_RM:
		draft_remove(x, op->cgroup);
		break;
	case STEP_SET:
		draft_set(x, c, &op->def, op->freeze);
		break;
	case STEP_CLEAR:
		jsonw_str(draft_op(x, "cgroup.clear"), "cgroup", op->cgroup);
		jsonw_str(&x->ops, "what", op->what);
		draft_op_end(x);
		if (c && op->what[0] == 'c')
			c->has_cpus = false;
		break;
	case STEP_MOVE:
		do_move(x, op);
		break;
	case STEP_KILL:
		if (draft_groups(x, "work.kill", in_cgroup, op->cgroup) == 0)
			draft_wrong(x, op->place, "no worker in '%s' at this point", op->cgroup);
		break;
	case STEP_STOP:
		if (draft_groups(x, "work.stop", in_cgroup, op->cgroup) == 0)
			draft_wrong(x, op->place, "no worker in '%s' at this point", op->cgroup);
		break;
	case STEP_SPAWN:
		draft_start(x, draft_spawn(x, c, &op->work, false));
		break;
	case STEP_AFFINITY:
		do_affinity(x, op);
		break;
	}
}

/* Before the first work.start there is no time to count from: kt-play waits. */
static void pass_time(struct draft *x, uint64_t ns)
{
	if (!x->started)
		draft_wait(x, ns);
	else if (__builtin_add_overflow(x->now_ns, ns, &x->now_ns) || x->now_ns > INT64_MAX)
		draft_wrong(x, "steps", "last too long");
}

static void do_ops(struct draft *x, const struct step *st)
{
	size_t i;

	for (i = 0; i < st->n_ops && x->rc == 0; i++)
		do_op(x, &st->ops[i]);
}

static void do_loop(struct draft *x, const struct step *st, uint64_t every_ns)
{
	if (!x->started)
		draft_wrong(x, st->hold.place, "a loop needs workers that have started");
	while (x->rc == 0 && x->now_ns < x->o->duration_ns) {
		uint64_t left = x->o->duration_ns - x->now_ns;

		do_ops(x, st);
		pass_time(x, every_ns < left ? every_ns : left);
	}
}

static void do_step(struct draft *x, size_t index)
{
	const struct step *st = &x->sc->steps[index];
	const struct hold *h = &st->hold;
	uint64_t ns = 0;
	char why[EXPR_WHY];
	size_t i;

	x->step = index + 1;
	if (h->time && expr_time(h->time, &x->env, &ns, why) < 0)
		draft_wrong(x, h->place, "'%s': %s", h->time, why);
	if (h->time && ns == 0)
		draft_wrong(x, h->place, "'%s' is no time at all here", h->time);
	if (h->kind == HOLD_FRAC)
		ns = (uint64_t)((double)x->o->duration_ns * h->frac + 0.5);
	if (h->kind != HOLD_LOOP)
		do_ops(x, st);
	for (i = 0; i < st->n_cgroups && x->rc == 0; i++) {
		define(x, &st->cgroups[i]);
		if (x->rc == 0)
			populate(x, &st->cgroups[i], st->cgroups[i].swappable, true);
	}
	if (x->rc < 0)
		return;
	if (h->kind == HOLD_LOOP)
		do_loop(x, st, ns);
	else
		pass_time(x, ns);
	if (index + 1 == x->sc->n_steps)
		return; /* what is left ends with the plan */
	(void)draft_groups(x, "work.stop", of_step, &x->step);
	draft_remove_all(x, false);
}

static void do_all(struct draft *x)
{
	const struct scenario *sc = x->sc;
	size_t i, k;
	uint64_t r;

	for (i = 0; i < sc->n_cgroups && x->rc == 0; i++)
		define(x, &sc->cgroups[i]);
	if (sc->n_cgroups > 0)
		draft_wait(x, x->env.settle_ns);
	for (i = 0; i < sc->n_cgroups && x->rc == 0; i++)
		populate(x, &sc->cgroups[i], true, false);
	if (x->n_groups > 0 && x->rc == 0) {
		(void)draft_groups(x, "work.start", any_group, NULL);
		x->started = true;
	}
	for (i = 0; i < sc->n_steps && x->rc == 0; i++)
		for (r = 0; r < sc->steps[i].repeat && x->rc == 0; r++)
			do_step(x, i);
	if (x->rc == 0 && x->n_groups == 0)
		draft_wrong(x, "steps", "no worker at all");
	for (k = 0, i = 0; i < x->n_groups; i++)
		k += x->groups[i].live;
	if (x->rc == 0 && k > 0)
		(void)draft_groups(x, "work.stop", any_group, NULL);
	if (x->rc == 0)
		draft_remove_all(x, true);
	if (x->rc == 0 && x->o->work_type && !x->swapped)
		draft_skip(x, "it has no plain CpuSpin work that %s could replace",
			   x->o->work_type);
}

static void check_needs(struct draft *x)
{
	const struct scenario *sc = x->sc;
	const struct topo *t = x->o->topo;
	const struct {
		uint64_t want, have;
		const char *what;
	} needs[] = {
		{ sc->need_cpus, cpuset_count(&t->online), "CPU" },
		{ sc->need_llcs, t->n_llcs, "LLC" },
		{ sc->need_nodes, topo_cpu_nodes(t), "NUMA node" },
		{ sc->need_smt, topo_max_smt(t), "thread per core" },
	};
	flagset lacks = sc->required & ~x->o->profile, has = sc->excluded & x->o->profile;
	char name[FLAGS_TEXT];
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(needs); i++)
		if (needs[i].have < needs[i].want)
			draft_skip(x, "needs %" PRIu64 " %s%s, this machine has %" PRIu64,
				   needs[i].want, needs[i].what,
				   needs[i].want == 1 || i == 3 ? "" : "s", needs[i].have);
	if (lacks)
		draft_skip(x, "needs flags that the profile lacks: %s", flags_profile(lacks, name));
	if (has)
		draft_skip(x, "excludes flags that the profile has: %s", flags_profile(has, name));
	lacks = flags_needs(x->o->profile);
	if (lacks)
		draft_skip(x, "the profile's flags need others: %s", flags_profile(lacks, name));
}

/* ---- records ---- */

static void put_cpu_map(struct jsonw *w, const struct topo *t)
{
	unsigned int i;

	jsonw_arr(w, "cpu_map");
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (!c->online)
			continue;
		jsonw_arr(w, NULL);
		jsonw_id(w, NULL, c->cpu);
		jsonw_id(w, NULL, c->core);
		jsonw_id(w, NULL, c->llc);
		jsonw_id(w, NULL, c->node);
		jsonw_arr_end(w);
	}
	jsonw_arr_end(w);
}

static void put_groups(struct draft *x, struct jsonw *w)
{
	size_t i;

	jsonw_arr(w, "groups");
	for (i = 0; i < x->n_groups && x->rc == 0; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "group", x->groups[i].name);
		jsonw_str(w, "cgroup", x->groups[i].home);
		jsonw_u64(w, "count", x->groups[i].count);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static void put_object(struct jsonw *w, const char *key, const json_t *v, int *rc)
{
	AUTO_FREE char *text = v ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

	if (v && !text)
		*rc = -ENOMEM;
	jsonw_raw(w, key, text ? text : "{}", text ? strlen(text) : 2);
}

static int put_plan(struct draft *x, FILE *out)
{
	const struct topo *t = x->o->topo;
	char spec_text[TOPOSPEC_TEXT], profile[FLAGS_TEXT], id[512];
	struct topospec spec;
	bool uniform = topo_spec(t, &spec);
	struct cpuset nodes = { 0 };
	struct jsonw w;
	unsigned int i;
	int rc = 0, rc2;

	for (i = 0; i < t->n_cpus; i++)
		if (t->cpu[i].online && t->cpu[i].node >= 0)
			cpuset_add(&nodes, (unsigned int)t->cpu[i].node);
	if (uniform)
		(void)topospec_format(&spec, spec_text);
	else
		(void)snprintf(spec_text, sizeof(spec_text), "%ucpus", cpuset_count(&t->online));
	(void)snprintf(id, sizeof(id), "%s/%s/%s/seed-%" PRIu64, x->sc->name,
		       flags_profile(x->o->profile, profile), spec_text, x->o->seed);
	jsonw_init(&w, out);
	jsonw_begin(&w, "plan");
	jsonw_str(&w, "id", id);
	jsonw_str(&w, "scenario", x->sc->name);
	jsonw_str(&w, "profile", profile);
	jsonw_str(&w, "category", x->sc->category);
	jsonw_str(&w, "topology", uniform ? spec_text : NULL);
	draft_cpus(&w, "cpus", &t->online);
	draft_cpus(&w, "nodes", &nodes);
	put_cpu_map(&w, t);
	jsonw_u64(&w, "seed", x->o->seed);
	jsonw_u64(&w, "settle_ns", x->env.settle_ns);
	jsonw_u64(&w, "duration_ns", x->o->duration_ns);
	jsonw_arr(&w, "controllers");
	jsonw_str(&w, NULL, "cpuset");
	if (!(x->o->profile & FLAG_NO_CTRL))
		jsonw_str(&w, NULL, "cpu");
	jsonw_arr_end(&w);
	put_groups(x, &w);
	put_object(&w, "checks", x->sc->checks, &rc);
	if (x->o->thresholds)
		put_object(&w, "thresholds", x->o->thresholds, &rc);
	jsonw_str(&w, "skip", x->rc == -ENODEV ? x->skip : NULL);
	rc2 = jsonw_end(&w);
	rc = rc < 0 ? rc : rc2;
	errno = 0;
	if (rc == 0 && x->rc == 0 && fwrite(x->ops.buf.p, 1, x->ops.buf.len, out) != x->ops.buf.len)
		rc = errno ? -errno : -EIO;
	if (rc == 0) {
		jsonw_begin(&w, "plan-end");
		jsonw_str(&w, "id", id);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	if (rc < 0)
		(void)snprintf(x->err, x->err_cap, "write standard output: %s", strerror(-rc));
	return rc;
}

int expand(const struct scenario *sc, const struct expand_opts *o, FILE *out, char *err, size_t cap)
{
	struct draft x = { .sc = sc, .o = o, .err = err, .err_cap = cap };
	int rc;

	x.env.topo = o->topo;
	x.env.workers = o->workers;
	x.env.duration_ns = o->duration_ns;
	x.env.settle_ns = o->settle_ns == UINT64_MAX ? sc->settle_ns : o->settle_ns;
	draw_seed(&x.draw, o->seed, sc->name);
	jsonw_init(&x.ops, NULL);
	check_needs(&x);
	if (x.rc == 0)
		do_all(&x);
	rc = x.rc == 0 || x.rc == -ENODEV ? put_plan(&x, out) : x.rc;
	jsonw_free(&x.ops);
	free(x.groups);
	free(x.cgrps);
	return rc;
}
