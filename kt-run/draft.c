/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in the making: what its ops do to cgroups and groups of workers. */
#include "draft.h"
#include "cleanup.h"
#include "cpuspec.h"
#include "dur.h"
#include "jsonr.h"
#include "works.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define OFFSET_NS (10 * NSEC_PER_MSEC) /* workers start up to so far apart: more than two ticks */
#define WORKERS_MAX 16384
#define OPS_MAX 200000

/* The scenario is wrong. `place` is where. */
void draft_wrong(struct draft *x, const char *place, const char *fmt, ...)
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
void draft_skip(struct draft *x, const char *fmt, ...)
{
	va_list ap;

	if (x->rc < 0)
		return;
	x->rc = -ENODEV;
	va_start(ap, fmt);
	(void)vsnprintf(x->skip, sizeof(x->skip), fmt, ap); /* a reason that is cut is still one */
	va_end(ap);
}

void draft_no_memory(struct draft *x)
{
	if (x->rc == 0) {
		x->rc = -ENOMEM;
		(void)snprintf(x->err, x->err_cap, "out of memory");
	}
}

/* One more element, zeroed, or NULL. */
static void *more(struct draft *x, void *pp, size_t *n, size_t *cap, size_t size)
{
	char *p = *(void **)pp;

	if (*n == *cap) {
		p = reallocarray(p, *cap ? *cap * 2 : 8, size);
		if (!p) {
			draft_no_memory(x);
			return NULL;
		}
		*(void **)pp = p;
		*cap = *cap ? *cap * 2 : 8;
	}
	memset(p + *n * size, 0, size);
	return p + (*n)++ * size;
}

/* ---- ops ---- */

struct jsonw *draft_op(struct draft *x, const char *name)
{
	jsonw_begin(&x->ops, "op");
	jsonw_u64(&x->ops, "seq", ++x->seq);
	jsonw_u64(&x->ops, "at_ns", x->now_ns);
	jsonw_str(&x->ops, "op", name);
	return &x->ops;
}

void draft_op_end(struct draft *x)
{
	if (jsonw_end(&x->ops) < 0)
		draft_no_memory(x);
	else if (x->seq > OPS_MAX)
		draft_wrong(x, "steps", "make more than %d ops", OPS_MAX);
}

void draft_cpus(struct jsonw *w, const char *key, const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	jsonw_str(w, key, cpuset_format(s, text, sizeof(text)));
}

void draft_wait(struct draft *x, uint64_t ns)
{
	if (ns == 0)
		return;
	jsonw_u64(draft_op(x, "play.wait"), "ns", ns);
	draft_op_end(x);
}

/* work.start, work.stop, work.kill of groups chosen by `want`. */
size_t draft_groups(struct draft *x, const char *op,
		    bool (*want)(const struct group *, const void *), const void *arg)
{
	size_t i, n = 0;

	for (i = 0; i < x->n_groups; i++)
		n += x->groups[i].live && want(&x->groups[i], arg);
	if (n == 0)
		return 0;
	draft_op(x, op);
	jsonw_arr(&x->ops, "groups");
	for (i = 0; i < x->n_groups; i++) {
		struct group *g = &x->groups[i];

		if (!g->live || !want(g, arg))
			continue;
		jsonw_str(&x->ops, NULL, g->name);
		g->live = strcmp(op, "work.start") == 0;
	}
	jsonw_arr_end(&x->ops);
	draft_op_end(x);
	return n;
}

/* In the cgroup, or below it. */
static bool within(const char *name, const char *cgroup)
{
	size_t n = strlen(cgroup);

	return strncmp(name, cgroup, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

static bool below_cgroup(const struct group *g, const void *arg)
{
	return within(g->cgroup, (const char *)arg);
}

/* ---- cgroups ---- */

struct cgrp *draft_find(struct draft *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->n_cgrps; i++)
		if (strcmp(x->cgrps[i].name, name) == 0)
			return &x->cgrps[i];
	return NULL;
}

/* One that is there now, else the scenario is wrong. */
struct cgrp *draft_need(struct draft *x, const char *place, const char *name)
{
	struct cgrp *c = draft_find(x, name);

	if (c && c->alive)
		return c;
	draft_wrong(x, place, "cgroup '%s' is not there at this point", name);
	return NULL;
}

struct cgrp *draft_make(struct draft *x, const char *place, const char *name)
{
	struct cgrp *c = draft_find(x, name);

	if (strlen(name) >= sizeof(c->name) - 16) {
		draft_wrong(x, place, "the name '%.20s…' is too long", name);
		return NULL;
	}
	if (c && c->alive) {
		draft_wrong(x, place, "cgroup '%s' is there already", name);
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
	jsonw_str(draft_op(x, "cgroup.create"), "cgroup", name);
	draft_op_end(x);
	return c;
}

void draft_remove(struct draft *x, const char *name)
{
	size_t i;

	(void)draft_groups(x, "work.kill", below_cgroup, name);
	jsonw_str(draft_op(x, "cgroup.rm"), "cgroup", name);
	draft_op_end(x);
	for (i = 0; i < x->n_cgrps; i++)
		if (within(x->cgrps[i].name, name))
			x->cgrps[i].alive = false;
}

/* The last made goes first, and what lies in another one before that. */
void draft_remove_all(struct draft *x, bool all)
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
		draft_remove(x, pick->name);
	}
}

/* Its cpuset by spec, or NULL: none. */
static bool spec_cpus(struct draft *x, const char *place, const char *spec, struct cpuset *ret)
{
	char why[CPUSPEC_WHY];
	int rc = cpuspec_resolve(x->o->topo, spec, ret, why);

	if (rc == -ENODEV)
		draft_skip(x, "%s", why);
	else if (rc < 0)
		draft_wrong(x, place, "%s", why);
	return rc == 0;
}

static bool partition_cpus(struct draft *x, const struct cgroup_def *d, struct cpuset *ret)
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
		draft_no_memory(x);
		return false;
	}
	rc = cpupart_resolve(x->o->topo, d->partition, n, sets, why);
	if (rc == -ENODEV)
		draft_skip(x, "%s", why);
	else if (rc < 0)
		draft_wrong(x, d->place, "%s", why);
	else if (rc == 0)
		*ret = sets[mine];
	return rc == 0;
}

/* cgroup.set with what a definition or a step's op gives. */
void draft_set(struct draft *x, struct cgrp *c, const struct cgroup_def *d, int freeze)
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
	jsonw_str(draft_op(x, "cgroup.set"), "cgroup", c->name);
	if (has)
		draft_cpus(&x->ops, "cpus", &cpus);
	if (d->mems)
		jsonw_str(&x->ops, "mems", d->mems);
	if (d->weight)
		jsonw_u64(&x->ops, "weight", d->weight);
	if (d->max)
		jsonw_str(&x->ops, "max", d->max);
	if (freeze >= 0)
		jsonw_bool(&x->ops, "freeze", freeze > 0);
	draft_op_end(x);
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
void draft_affinity(struct draft *x, const char *key, const char *place, const char *intent,
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
			draft_cpus(&x->ops, NULL, &s);
		}
		jsonw_arr_end(&x->ops);
	} else if (strcmp(intent, "all") == 0) {
		draft_cpus(&x->ops, key, &t->online);
	} else if (strcmp(intent, "single") == 0) {
		cpuset_slice(&s, pool, 0, 1);
		draft_cpus(&x->ops, key, &s);
	} else if (strcmp(intent, "llc") == 0) {
		best_llc(t, pool, &s);
		draft_cpus(&x->ops, key, &s);
	} else if (spec_cpus(x, place, intent, &s)) {
		cpuset_and(&s, pool);
		if (cpuset_empty(&s))
			draft_skip(x, "affinity %s has no CPU in the cpuset of %s", intent,
				   c->name);
		draft_cpus(&x->ops, key, &s);
	}
}

/* The work as the op has it; --work-type replaces a plain CpuSpin where that is allowed. */
static void put_work(struct draft *x, const struct work_def *d, bool swappable, uint64_t count,
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
			draft_skip(x, "%s works in groups of %u, and %s has %" PRIu64 " workers",
				   type, unit, cgroup, count);
		else
			draft_wrong(x, d ? d->place : "works",
				    "%s works in groups of %u, and the count is %" PRIu64, type,
				    unit, count);
	}
	if (params) {
		text = json_dumps(params, JSON_COMPACT);
		if (!text) {
			draft_no_memory(x);
			return;
		}
		jsonw_raw(&x->ops, "work", text, strlen(text));
		return;
	}
	jsonw_obj(&x->ops, "work");
	jsonw_str(&x->ops, "type", type);
	jsonw_obj_end(&x->ops);
}

static uint64_t count_of(struct draft *x, const struct work_def *d)
{
	uint64_t n = x->o->workers;
	char why[EXPR_WHY];

	if (d && d->count && expr_count(d->count, &x->env, &n, why) < 0)
		draft_wrong(x, d->place, "count '%s': %s", d->count, why);
	if (n == 0)
		draft_wrong(x, d ? d->place : "works", "no worker: the count is 0 here");
	if (n > WORKERS_MAX)
		draft_wrong(x, d ? d->place : "works", "%" PRIu64 " workers are more than %d", n,
			    WORKERS_MAX);
	return x->rc < 0 ? 1 : n;
}

static void put_mem(struct draft *x, const struct work_def *d)
{
	const char *nodes = rec_str(d->mem, "nodes", NULL);
	AUTO_FREE char *text = json_dumps(d->mem, JSON_COMPACT);
	struct cpuset want;
	int i;

	if (!text) {
		draft_no_memory(x);
		return;
	}
	jsonw_raw(&x->ops, "mem", text, strlen(text));
	if (!nodes || cpuset_parse(nodes, &want) < 0)
		return;
	for (i = -1; (i = cpuset_next(&want, i + 1)) >= 0;)
		if (topo_node_index(x->o->topo, i) < 0)
			draft_skip(x, "needs NUMA node %d, which is not there", i);
}

/* One work of a cgroup, c NULL: outside. d NULL: the default work. Not started yet. */
struct group *draft_spawn(struct draft *x, struct cgrp *c, const struct work_def *d, bool swappable)
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
	draft_op(x, "work.spawn");
	jsonw_str(w, "group", g->name);
	jsonw_str(w, "cgroup", g->cgroup);
	jsonw_u64(w, "count", g->count);
	put_work(x, d, swappable, g->count, c ? c->name : "the host group");
	jsonw_str(w, "policy", d && d->policy ? d->policy : "normal");
	jsonw_i64(w, "nice", d ? d->nice : 0);
	draft_affinity(x, "affinity", d ? d->place : "works", d ? d->affinity : NULL, c, g->count);
	if (d && d->mem)
		put_mem(x, d);
	jsonw_u64(w, "seed", draw_u64(&x->draw) >> 11); /* 53 bits: a number to every reader */
	jsonw_arr(w, "offsets_ns");
	for (i = 0; i < g->count; i++)
		jsonw_u64(w, NULL, draw_below(&x->draw, OFFSET_NS));
	jsonw_arr_end(w);
	draft_op_end(x);
	return g;
}

void draft_start(struct draft *x, const struct group *g)
{
	if (!g)
		return;
	draft_op(x, "work.start");
	jsonw_arr(&x->ops, "groups");
	jsonw_str(&x->ops, NULL, g->name);
	jsonw_arr_end(&x->ops);
	draft_op_end(x);
	x->started = true;
}
