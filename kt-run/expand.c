/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expands scenarios into plans. */
#include "expand.h"
#include "cleanup.h"
#include "cpuspec.h"
#include "draw.h"
#include "dur.h"
#include "expr.h"
#include "jsonr.h"
#include "jsonw.h"
#include "works.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define OFFSET_NS (10 * NSEC_PER_MSEC) /* workers start up to so far apart: more than two ticks */
#define WORKERS_MAX 16384
#define OPS_MAX 200000

struct group {
	char name[256];
	char home[256]; /* where its workers were spawned, "" outside */
	char cgroup[256]; /* where they are now */
	uint64_t count;
	size_t step; /* that owns it; 0: the scenario, 1: steps[0], … */
	bool live;
};

struct cgrp {
	char name[256];
	bool alive;
	size_t step;
	bool has_cpus;
	struct cpuset cpus; /* last written */
	unsigned int next; /* number of its next group */
};

struct ex {
	const struct scenario *sc;
	const struct expand_opts *o;
	struct expr_env env;
	struct draw draw;
	struct jsonw ops;
	uint64_t seq, now_ns; /* now: since the first work.start */
	bool started;
	bool swapped; /* --work-type found a place */
	struct group *groups;
	size_t n_groups, cap_groups;
	struct cgrp *cgrps;
	size_t n_cgrps, cap_cgrps;
	size_t step; /* owner of what is made now */
	char skip[256]; /* why this machine cannot play it */
	char *err;
	size_t err_cap;
	int rc; /* the first failure; -ENODEV: skip */
};

/* The scenario is wrong. `place` is where. */
__attribute__((format(printf, 3, 4))) static void wrong(struct ex *x, const char *place,
							const char *fmt, ...)
{
	struct jsonr_doc doc = { .line = 1, .text = x->sc->text, .len = x->sc->text_len };
	va_list ap;
	int n;

	if (x->rc < 0)
		return;
	x->rc = -EINVAL;
	n = snprintf(x->err, x->err_cap, "%s:%lu: member '%s': ", x->sc->path,
		     jsonr_line(&doc, place), place);
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < x->err_cap)
		(void)vsnprintf(x->err + n, x->err_cap - (size_t)n, fmt, ap);
	va_end(ap);
}

/* The machine is not enough. */
__attribute__((format(printf, 2, 3))) static void skip(struct ex *x, const char *fmt, ...)
{
	va_list ap;

	if (x->rc < 0)
		return;
	x->rc = -ENODEV;
	va_start(ap, fmt);
	(void)vsnprintf(x->skip, sizeof(x->skip), fmt, ap); /* a reason that is cut is still one */
	va_end(ap);
}

static void no_memory(struct ex *x)
{
	if (x->rc == 0) {
		x->rc = -ENOMEM;
		(void)snprintf(x->err, x->err_cap, "out of memory");
	}
}

/* One more element, zeroed, or NULL. */
static void *more(struct ex *x, void *pp, size_t *n, size_t *cap, size_t size)
{
	char *p = *(void **)pp;

	if (*n == *cap) {
		p = reallocarray(p, *cap ? *cap * 2 : 8, size);
		if (!p) {
			no_memory(x);
			return NULL;
		}
		*(void **)pp = p;
		*cap = *cap ? *cap * 2 : 8;
	}
	memset(p + *n * size, 0, size);
	return p + (*n)++ * size;
}

/* ---- ops ---- */

static struct jsonw *op_begin(struct ex *x, const char *name)
{
	jsonw_begin(&x->ops, "op");
	jsonw_u64(&x->ops, "seq", ++x->seq);
	jsonw_u64(&x->ops, "at_ns", x->now_ns);
	jsonw_str(&x->ops, "op", name);
	return &x->ops;
}

static void op_end(struct ex *x)
{
	if (jsonw_end(&x->ops) < 0)
		no_memory(x);
	else if (x->seq > OPS_MAX)
		wrong(x, "steps", "make more than %d ops", OPS_MAX);
}

static void put_cpus(struct jsonw *w, const char *key, const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	jsonw_str(w, key, cpuset_format(s, text, sizeof(text)));
}

static void op_wait(struct ex *x, uint64_t ns)
{
	if (ns == 0)
		return;
	jsonw_u64(op_begin(x, "play.wait"), "ns", ns);
	op_end(x);
}

/* work.start, work.stop, work.kill of groups chosen by `want`. */
static size_t op_groups(struct ex *x, const char *op,
			bool (*want)(const struct group *, const void *), const void *arg)
{
	size_t i, n = 0;

	for (i = 0; i < x->n_groups; i++)
		n += x->groups[i].live && want(&x->groups[i], arg);
	if (n == 0)
		return 0;
	op_begin(x, op);
	jsonw_arr(&x->ops, "groups");
	for (i = 0; i < x->n_groups; i++) {
		struct group *g = &x->groups[i];

		if (!g->live || !want(g, arg))
			continue;
		jsonw_str(&x->ops, NULL, g->name);
		g->live = strcmp(op, "work.start") == 0;
	}
	jsonw_arr_end(&x->ops);
	op_end(x);
	return n;
}

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

/* In the cgroup, or below it. */
static bool within(const char *name, const char *cgroup)
{
	size_t n = strlen(cgroup);

	return strncmp(name, cgroup, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

static bool in_cgroup(const struct group *g, const void *arg)
{
	return strcmp(g->cgroup, (const char *)arg) == 0;
}

static bool below_cgroup(const struct group *g, const void *arg)
{
	return within(g->cgroup, (const char *)arg);
}

/* ---- cgroups ---- */

static struct cgrp *find_cgrp(struct ex *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->n_cgrps; i++)
		if (strcmp(x->cgrps[i].name, name) == 0)
			return &x->cgrps[i];
	return NULL;
}

/* One that is there now, else the scenario is wrong. */
static struct cgrp *need_cgrp(struct ex *x, const char *place, const char *name)
{
	struct cgrp *c = find_cgrp(x, name);

	if (c && c->alive)
		return c;
	wrong(x, place, "cgroup '%s' is not there at this point", name);
	return NULL;
}

static struct cgrp *make_cgrp(struct ex *x, const char *place, const char *name)
{
	struct cgrp *c = find_cgrp(x, name);

	if (strlen(name) >= sizeof(c->name) - 16) {
		wrong(x, place, "the name '%.20s…' is too long", name);
		return NULL;
	}
	if (c && c->alive) {
		wrong(x, place, "cgroup '%s' is there already", name);
		return NULL;
	}
	if (!c)
		c = more(x, &x->cgrps, &x->n_cgrps, &x->cap_cgrps, sizeof(*x->cgrps));
	if (!c)
		return NULL;
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->alive = true;
	c->has_cpus = false;
	c->step = x->step;
	jsonw_str(op_begin(x, "cgroup.create"), "cgroup", name);
	op_end(x);
	return c;
}

static void remove_cgrp(struct ex *x, const char *name)
{
	size_t i;

	(void)op_groups(x, "work.kill", below_cgroup, name);
	jsonw_str(op_begin(x, "cgroup.rm"), "cgroup", name);
	op_end(x);
	for (i = 0; i < x->n_cgrps; i++)
		if (within(x->cgrps[i].name, name))
			x->cgrps[i].alive = false;
}

/* The last made goes first, and what lies in another one before that. */
static void remove_step_cgrps(struct ex *x, bool all)
{
	for (;;) {
		struct cgrp *pick = NULL;
		size_t i;

		for (i = x->n_cgrps; i-- > 0;) {
			struct cgrp *c = &x->cgrps[i];

			if (c->alive && (all || c->step == x->step) &&
			    (!pick || (within(c->name, pick->name) && c != pick)))
				pick = c;
		}
		if (!pick)
			return;
		remove_cgrp(x, pick->name);
	}
}

/* Its cpuset by spec, or NULL: none. */
static bool spec_cpus(struct ex *x, const char *place, const char *spec, struct cpuset *ret)
{
	char why[CPUSPEC_WHY];
	int rc = cpuspec_resolve(x->o->topo, spec, ret, why);

	if (rc == -ENODEV)
		skip(x, "%s", why);
	else if (rc < 0)
		wrong(x, place, "%s", why);
	return rc == 0;
}

static bool partition_cpus(struct ex *x, const struct cgroup_def *d, struct cpuset *ret)
{
	AUTO_FREE struct cpuset *sets = NULL;
	unsigned int n = 0, mine = 0;
	char why[CPUSPEC_WHY];
	size_t i;
	int rc;

	for (i = 0; i < x->sc->n_cgroups; i++) {
		const struct cgroup_def *c = &x->sc->cgroups[i];

		if (!c->partition || strcmp(c->partition, d->partition) != 0)
			continue;
		if (c == d)
			mine = n;
		n++;
	}
	sets = calloc(n + 1, sizeof(*sets));
	if (!sets) {
		no_memory(x);
		return false;
	}
	rc = cpupart_resolve(x->o->topo, d->partition, n, sets, why);
	if (rc == -ENODEV)
		skip(x, "%s", why);
	else if (rc < 0)
		wrong(x, d->place, "%s", why);
	else if (rc == 0)
		*ret = sets[mine];
	return rc == 0;
}

/* cgroup.set with what a definition or a step's op gives. */
static void set_cgrp(struct ex *x, struct cgrp *c, const struct cgroup_def *d, int freeze)
{
	struct cpuset cpus;
	bool has = d->partition ? partition_cpus(x, d, &cpus)
		   : d->spec	? spec_cpus(x, d->place, d->spec, &cpus)
				: false;

	if (has) {
		c->cpus = cpus;
		c->has_cpus = true;
	}
	if (!has && !d->mems && !d->max && !d->weight && freeze < 0)
		return;
	jsonw_str(op_begin(x, "cgroup.set"), "cgroup", c->name);
	if (has)
		put_cpus(&x->ops, "cpus", &cpus);
	if (d->mems)
		jsonw_str(&x->ops, "mems", d->mems);
	if (d->weight)
		jsonw_u64(&x->ops, "weight", d->weight);
	if (d->max)
		jsonw_str(&x->ops, "max", d->max);
	if (freeze >= 0)
		jsonw_bool(&x->ops, "freeze", freeze > 0);
	op_end(x);
}

/* ---- works ---- */

/* The LLC that shares most CPUs with pool, those CPUs of it. */
static void best_llc(const struct topo *t, const struct cpuset *pool, struct cpuset *ret)
{
	unsigned int i, best = 0;

	*ret = (struct cpuset){ 0 };
	for (i = 0; i < t->n_llcs; i++) {
		struct cpuset s = t->llc[i].cpus;

		cpuset_and(&s, pool);
		if (cpuset_count(&s) > best) {
			best = cpuset_count(&s);
			*ret = s;
		}
	}
}

/* Member `key` with what an intent means in a cgroup with these CPUs: null, one list, or one for
 * each worker. */
static void put_affinity(struct ex *x, const char *key, const char *place, const char *intent,
			 const struct cgrp *c, uint64_t count)
{
	const struct topo *t = x->o->topo;
	const struct cpuset *pool = c && c->has_cpus ? &c->cpus : &t->online;
	unsigned int n = cpuset_count(pool);
	struct cpuset s;
	uint64_t i;

	if (!intent || strcmp(intent, "inherit") == 0) {
		jsonw_null(&x->ops, key);
	} else if (strcmp(intent, "random") == 0 || strcmp(intent, "each") == 0) {
		jsonw_arr(&x->ops, key);
		for (i = 0; i < count; i++) {
			s = (struct cpuset){ 0 };
			if (intent[0] == 'r')
				draw_subset(&x->draw, pool, n > 1 ? n / 2 : 1, &s);
			else
				cpuset_add(&s,
					   (unsigned int)cpuset_nth(pool, (unsigned int)(i % n)));
			put_cpus(&x->ops, NULL, &s);
		}
		jsonw_arr_end(&x->ops);
	} else if (strcmp(intent, "all") == 0) {
		put_cpus(&x->ops, key, &t->online);
	} else if (strcmp(intent, "single") == 0) {
		cpuset_slice(&s, pool, 0, 1);
		put_cpus(&x->ops, key, &s);
	} else if (strcmp(intent, "llc") == 0) {
		best_llc(t, pool, &s);
		put_cpus(&x->ops, key, &s);
	} else if (spec_cpus(x, place, intent, &s)) {
		cpuset_and(&s, pool);
		if (cpuset_empty(&s))
			skip(x, "affinity %s has no CPU in the cpuset of %s", intent, c->name);
		put_cpus(&x->ops, key, &s);
	}
}

/* The work as the op has it; --work-type replaces a plain CpuSpin where that is allowed. */
static void put_work(struct ex *x, const struct work_def *d, bool swappable, uint64_t count,
		     const char *cgroup)
{
	const char *type = d ? d->type : "CpuSpin";
	const json_t *params = d ? d->work : NULL;
	AUTO_FREE char *text = NULL;
	unsigned int unit;

	if (x->o->work_type && swappable && strcmp(type, "CpuSpin") == 0) {
		type = x->o->work_type;
		params = NULL;
		x->swapped = true;
	}
	unit = works_unit(works_find(type), params);
	if (unit == 0 || count % unit != 0) {
		if (x->o->work_type && type == x->o->work_type)
			skip(x, "%s works in groups of %u, and %s has %" PRIu64 " workers", type,
			     unit, cgroup, count);
		else
			wrong(x, d ? d->place : "works",
			      "%s works in groups of %u, and the count is %" PRIu64, type, unit,
			      count);
	}
	if (params) {
		text = json_dumps(params, JSON_COMPACT);
		if (!text) {
			no_memory(x);
			return;
		}
		jsonw_raw(&x->ops, "work", text, strlen(text));
		return;
	}
	jsonw_obj(&x->ops, "work");
	jsonw_str(&x->ops, "type", type);
	jsonw_obj_end(&x->ops);
}

static uint64_t count_of(struct ex *x, const struct work_def *d)
{
	uint64_t n = x->o->workers;
	char why[EXPR_WHY];

	if (d && d->count && expr_count(d->count, &x->env, &n, why) < 0)
		wrong(x, d->place, "count '%s': %s", d->count, why);
	if (n == 0)
		wrong(x, d ? d->place : "works", "no worker: the count is 0 here");
	if (n > WORKERS_MAX)
		wrong(x, d ? d->place : "works", "%" PRIu64 " workers are more than %d", n,
		      WORKERS_MAX);
	return x->rc < 0 ? 1 : n;
}

static void put_mem(struct ex *x, const struct work_def *d)
{
	const char *nodes = rec_str(d->mem, "nodes", NULL);
	AUTO_FREE char *text = json_dumps(d->mem, JSON_COMPACT);
	struct cpuset want;
	int i;

	if (!text) {
		no_memory(x);
		return;
	}
	jsonw_raw(&x->ops, "mem", text, strlen(text));
	if (!nodes || cpuset_parse(nodes, &want) < 0)
		return;
	for (i = -1; (i = cpuset_next(&want, i + 1)) >= 0;)
		if (topo_node_index(x->o->topo, i) < 0)
			skip(x, "needs NUMA node %d, which is not there", i);
}

/* One work of a cgroup, c NULL: outside. d NULL: the default work. Not started yet. */
static struct group *spawn(struct ex *x, struct cgrp *c, const struct work_def *d, bool swappable)
{
	struct group *g = more(x, &x->groups, &x->n_groups, &x->cap_groups, sizeof(*x->groups));
	struct jsonw *w = &x->ops;
	uint64_t i;
	size_t k, hosts = 0;

	if (!g)
		return NULL;
	for (k = 0; k + 1 < x->n_groups; k++)
		hosts += strncmp(x->groups[k].name, "host.", 5) == 0;
	if (c)
		(void)snprintf(g->name, sizeof(g->name), "%.200s.%u", c->name, c->next++);
	else
		(void)snprintf(g->name, sizeof(g->name), "host.%zu", hosts);
	(void)snprintf(g->home, sizeof(g->home), "%s", c ? c->name : "");
	(void)snprintf(g->cgroup, sizeof(g->cgroup), "%s", g->home);
	g->count = count_of(x, d);
	g->step = x->step;
	g->live = true;
	op_begin(x, "work.spawn");
	jsonw_str(w, "group", g->name);
	jsonw_str(w, "cgroup", g->cgroup);
	jsonw_u64(w, "count", g->count);
	put_work(x, d, swappable, g->count, c ? c->name : "the host group");
	jsonw_str(w, "policy", d && d->policy ? d->policy : "normal");
	jsonw_i64(w, "nice", d ? d->nice : 0);
	put_affinity(x, "affinity", d ? d->place : "works", d ? d->affinity : NULL, c, g->count);
	if (d && d->mem)
		put_mem(x, d);
	jsonw_u64(w, "seed", draw_u64(&x->draw) >> 11); /* 53 bits: a number to every reader */
	jsonw_arr(w, "offsets_ns");
	for (i = 0; i < g->count; i++)
		jsonw_u64(w, NULL, draw_below(&x->draw, OFFSET_NS));
	jsonw_arr_end(w);
	op_end(x);
	return g;
}

static void start_group(struct ex *x, const struct group *g)
{
	if (!g)
		return;
	op_begin(x, "work.start");
	jsonw_arr(&x->ops, "groups");
	jsonw_str(&x->ops, NULL, g->name);
	jsonw_arr_end(&x->ops);
	op_end(x);
	x->started = true;
}

/* ---- the scenario ---- */

static void define(struct ex *x, const struct cgroup_def *d)
{
	struct cgrp *c = make_cgrp(x, d->place, d->name);

	if (c)
		set_cgrp(x, c, d, -1);
}

/* The works of a definition whose cgroup is there. */
static void populate(struct ex *x, const struct cgroup_def *d, bool swappable, bool start)
{
	size_t i;

	for (i = 0; i < (d->n_works ? d->n_works : !d->empty) && x->rc == 0; i++) {
		struct group *g = spawn(x, find_cgrp(x, d->name), d->n_works ? &d->works[i] : NULL,
					swappable);

		if (start)
			start_group(x, g);
	}
}

static void do_affinity(struct ex *x, const struct step_op *op)
{
	struct cgrp *c = need_cgrp(x, op->place, op->cgroup);
	size_t i;

	if (strcmp(op->affinity, "inherit") == 0)
		wrong(x, op->place, "'inherit' changes nothing here");
	for (i = 0; c && i < x->n_groups && x->rc == 0; i++) {
		const struct group *g = &x->groups[i];

		if (!g->live || strcmp(g->cgroup, op->cgroup) != 0)
			continue;
		jsonw_str(op_begin(x, "work.affinity"), "group", g->name);
		put_affinity(x, "cpus", op->place, op->affinity, c, g->count);
		op_end(x);
	}
}

static void do_move(struct ex *x, const struct step_op *op)
{
	size_t i;

	if (!need_cgrp(x, op->place, op->cgroup) || !need_cgrp(x, op->place, op->to))
		return;
	jsonw_str(op_begin(x, "cgroup.move"), "from", op->cgroup);
	jsonw_str(&x->ops, "to", op->to);
	op_end(x);
	for (i = 0; i < x->n_groups; i++)
		if (strcmp(x->groups[i].cgroup, op->cgroup) == 0)
			(void)snprintf(x->groups[i].cgroup, sizeof(x->groups[i].cgroup), "%s",
				       op->to);
}

static void do_op(struct ex *x, const struct step_op *op)
{
	struct cgrp *c = NULL;

	if (op->kind != STEP_CREATE && op->kind != STEP_MOVE && *op->cgroup)
		c = need_cgrp(x, op->place, op->cgroup);
	if (x->rc < 0)
		return;
	switch (op->kind) {
	case STEP_CREATE:
		(void)make_cgrp(x, op->place, op->cgroup); /* x->rc has its failure */
		break;
	case STEP_RM:
		remove_cgrp(x, op->cgroup);
		break;
	case STEP_SET:
		set_cgrp(x, c, &op->def, op->freeze);
		break;
	case STEP_CLEAR:
		jsonw_str(op_begin(x, "cgroup.clear"), "cgroup", op->cgroup);
		jsonw_str(&x->ops, "what", op->what);
		op_end(x);
		if (op->what[0] == 'c')
			c->has_cpus = false;
		break;
	case STEP_MOVE:
		do_move(x, op);
		break;
	case STEP_KILL:
		if (op_groups(x, "work.kill", in_cgroup, op->cgroup) == 0)
			wrong(x, op->place, "no worker in '%s' at this point", op->cgroup);
		break;
	case STEP_STOP:
		if (op_groups(x, "work.stop", in_cgroup, op->cgroup) == 0)
			wrong(x, op->place, "no worker in '%s' at this point", op->cgroup);
		break;
	case STEP_SPAWN:
		start_group(x, spawn(x, c, &op->work, false));
		break;
	case STEP_AFFINITY:
		do_affinity(x, op);
		break;
	}
}

/* Before the first work.start there is no time to count from: kt-play waits. */
static void pass_time(struct ex *x, uint64_t ns)
{
	if (!x->started)
		op_wait(x, ns);
	else if (__builtin_add_overflow(x->now_ns, ns, &x->now_ns) || x->now_ns > INT64_MAX)
		wrong(x, "steps", "last too long");
}

static void do_ops(struct ex *x, const struct step *st)
{
	size_t i;

	for (i = 0; i < st->n_ops && x->rc == 0; i++)
		do_op(x, &st->ops[i]);
}

static void do_loop(struct ex *x, const struct step *st, uint64_t every_ns)
{
	if (!x->started)
		wrong(x, st->hold.place, "a loop needs workers that have started");
	while (x->rc == 0 && x->now_ns < x->o->duration_ns) {
		uint64_t left = x->o->duration_ns - x->now_ns;

		do_ops(x, st);
		pass_time(x, every_ns < left ? every_ns : left);
	}
}

static void do_step(struct ex *x, size_t index)
{
	const struct step *st = &x->sc->steps[index];
	const struct hold *h = &st->hold;
	uint64_t ns = 0;
	char why[EXPR_WHY];
	size_t i;

	x->step = index + 1;
	if (h->time && expr_time(h->time, &x->env, &ns, why) < 0)
		wrong(x, h->place, "'%s': %s", h->time, why);
	if (h->time && ns == 0)
		wrong(x, h->place, "'%s' is no time at all here", h->time);
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
	(void)op_groups(x, "work.stop", of_step, &x->step);
	remove_step_cgrps(x, false);
}

static void do_all(struct ex *x)
{
	const struct scenario *sc = x->sc;
	size_t i, k;
	uint64_t r;

	for (i = 0; i < sc->n_cgroups && x->rc == 0; i++)
		define(x, &sc->cgroups[i]);
	if (sc->n_cgroups > 0)
		op_wait(x, x->env.settle_ns);
	for (i = 0; i < sc->n_cgroups && x->rc == 0; i++)
		populate(x, &sc->cgroups[i], true, false);
	if (x->n_groups > 0 && x->rc == 0) {
		(void)op_groups(x, "work.start", any_group, NULL);
		x->started = true;
	}
	for (i = 0; i < sc->n_steps && x->rc == 0; i++)
		for (r = 0; r < sc->steps[i].repeat && x->rc == 0; r++)
			do_step(x, i);
	if (x->rc == 0 && x->n_groups == 0)
		wrong(x, "steps", "no worker at all");
	for (k = 0, i = 0; i < x->n_groups; i++)
		k += x->groups[i].live;
	if (x->rc == 0 && k > 0)
		(void)op_groups(x, "work.stop", any_group, NULL);
	if (x->rc == 0)
		remove_step_cgrps(x, true);
	if (x->rc == 0 && x->o->work_type && !x->swapped)
		skip(x, "it has no plain CpuSpin work that %s could replace", x->o->work_type);
}

static void check_needs(struct ex *x)
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
			skip(x, "needs %" PRIu64 " %s%s, this machine has %" PRIu64, needs[i].want,
			     needs[i].what, needs[i].want == 1 || i == 3 ? "" : "s", needs[i].have);
	if (lacks)
		skip(x, "needs flags that the profile lacks: %s", flags_profile(lacks, name));
	if (has)
		skip(x, "excludes flags that the profile has: %s", flags_profile(has, name));
	lacks = flags_needs(x->o->profile);
	if (lacks)
		skip(x, "the profile's flags need others: %s", flags_profile(lacks, name));
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

static void put_groups(struct ex *x, struct jsonw *w)
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

static int put_plan(struct ex *x, FILE *out)
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
	put_cpus(&w, "cpus", &t->online);
	put_cpus(&w, "nodes", &nodes);
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
	struct ex x = { .sc = sc, .o = o, .err = err, .err_cap = cap };
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
