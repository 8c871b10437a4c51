/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replays the acks of a plan. An ack:
 *	{"type":"ack","seq":4,"op":"cgroup.set","cgroup":"cg_0","cpus":"0-1","mono_ns":9,
 *	 "took_ns":2,"effective":{"cpus":"0-1","mems":"0","weight":100}} */
#include "placement.h"
#include "cleanup.h"
#include "jsonr.h"
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void placement_free(struct placement *pl)
{
	size_t i;

	for (i = 0; pl->of && i < pl->n; i++)
		free(pl->of[i].s);
	for (i = 0; i < pl->n_sets; i++)
		free(pl->sets[i]);
	free(pl->of);
	free(pl->sets);
	*pl = (struct placement){ 0 };
}

/* The one copy of a set. NULL: no memory. */
static const struct cpuset *intern(struct placement *pl, const struct cpuset *s)
{
	struct cpuset *copy;
	size_t i;

	for (i = 0; i < pl->n_sets; i++)
		if (cpuset_equal(pl->sets[i], s))
			return pl->sets[i];
	if (pl->n_sets == pl->cap_sets) {
		size_t cap = pl->cap_sets ? 2 * pl->cap_sets : 16;
		struct cpuset **p = reallocarray(pl->sets, cap, sizeof(struct cpuset *));

		if (!p)
			return NULL;
		pl->sets = p;
		pl->cap_sets = cap;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *s;
	pl->sets[pl->n_sets++] = copy;
	return copy;
}

/* List text to a set. *ret is NULL for no text and for an empty list. */
static int take_list(struct replay *r, const json_t *text, const struct cpuset **ret)
{
	struct cpuset s = { 0 };

	*ret = NULL;
	if (!json_is_string(text))
		return 0;
	if (cpuset_parse(json_string_value(text), &s) < 0) {
		(void)snprintf(r->err, r->err_cap, "an ack has the bad CPU list '%s'",
			       json_string_value(text));
		return -EINVAL;
	}
	if (cpuset_empty(&s))
		return 0;
	*ret = intern(r->pl, &s);
	return *ret ? 0 : -ENOMEM;
}

struct cg *replay_cg(struct replay *r, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < r->n_cgs; i++)
		if (strlen(r->cgs[i].name) == len && memcmp(r->cgs[i].name, name, len) == 0)
			return &r->cgs[i];
	return NULL;
}

size_t replay_parent(const char *name, size_t len)
{
	while (len > 0 && name[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

/* The nearest cgroup that is known, this one or one above it. */
static struct cg *nearest_cg(struct replay *r, const char *name)
{
	size_t len = strlen(name);
	struct cg *c;

	for (;;) {
		c = replay_cg(r, name, len);
		if (c || len == 0)
			return c;
		len = replay_parent(name, len);
	}
}

static struct cg *get_cg(struct replay *r, const char *name)
{
	struct cg *c = replay_cg(r, name, strlen(name)), *p, *up;

	if (c)
		return c;
	up = nearest_cg(r, name);
	p = reallocarray(r->cgs, r->n_cgs + 1, sizeof(*p));
	if (!p)
		return NULL;
	if (up)
		up = p + (up - r->cgs);
	r->cgs = p;
	c = &r->cgs[r->n_cgs++];
	*c = (struct cg){ .name = name, .weight = 100, .effective = up ? up->effective : NULL };
	return c;
}

static bool below(const char *name, const char *top)
{
	size_t n = strlen(top);

	return n == 0 ? *name != '\0' : strncmp(name, top, n) == 0 && name[n] == '/';
}

/* a and b, or b alone where they have nothing in common: the kernel never confines to nothing. */
static const struct cpuset *within(struct replay *r, const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset s;

	if (!a || !b)
		return a ? a : b;
	s = *a;
	cpuset_and(&s, b);
	if (cpuset_empty(&s))
		return b;
	a = intern(r->pl, &s);
	r->no_memory |= !a;
	return a;
}

/* What a change at `top` means for the cgroups below it, nearest first. */
static void refresh_below(struct replay *r, const char *top)
{
	size_t i, depth, deepest = 0;

	for (i = 0; i < r->n_cgs; i++)
		if (strlen(r->cgs[i].name) > deepest)
			deepest = strlen(r->cgs[i].name);
	for (depth = strlen(top) + 1; depth <= deepest; depth++) {
		for (i = 0; i < r->n_cgs; i++) {
			struct cg *c = &r->cgs[i], *up;
			size_t len = strlen(c->name);

			if (len != depth || !below(c->name, top))
				continue;
			up = replay_cg(r, c->name, replay_parent(c->name, len));
			if (up)
				c->effective = within(r, c->requested, up->effective);
		}
	}
}

static int cgroup_ack(struct replay *r, const char *op, const json_t *ack)
{
	const json_t *eff = json_object_get(ack, "effective");
	const char *name = rec_str(ack, "cgroup", NULL);
	const struct cpuset *set;
	struct cg *c;
	int rc;

	if (!name)
		return 0;
	c = get_cg(r, name);
	if (!c)
		return -ENOMEM;
	if (strcmp(op, "cgroup.rm") == 0) {
		*c = r->cgs[--r->n_cgs];
		return 0;
	}
	if (strcmp(op, "cgroup.stat") != 0 && strcmp(op, "cgroup.kill") != 0)
		c->touched |= r->started;
	rc = take_list(r, json_object_get(ack, "cpus"), &set);
	if (rc < 0)
		return rc;
	if (set)
		c->requested = set;
	if (strcmp(op, "cgroup.clear") == 0 && strcmp(rec_str(ack, "what", ""), "cpus") == 0)
		c->requested = NULL;
	rc = take_list(r, json_object_get(eff, "cpus"), &set);
	if (rc < 0)
		return rc;
	if (set)
		c->effective = set;
	else if (c->requested)
		c->effective = c->requested;
	c->weight = rec_f64(eff, "weight", rec_f64(ack, "weight", c->weight));
	if (json_is_string(json_object_get(ack, "max")))
		c->limited = strncmp(rec_str(ack, "max", "max"), "max", 3) != 0;
	c->frozen = rec_bool(ack, "freeze", c->frozen);
	refresh_below(r, name);
	return 0;
}

static struct group *find_group(struct replay *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_groups; i++)
		if (strcmp(r->groups[i].name, name) == 0)
			return &r->groups[i];
	return NULL;
}

/* The element for worker i of a member that is one text for all, or a list of texts. */
static const json_t *for_worker(const json_t *v, int64_t i)
{
	return json_is_array(v) ? json_array_get(v, (size_t)i) : v;
}

/* Workers of a killed group, or of a killed cgroup and those below it, that had not ended when that
 * began. */
static void mark_killed(struct replay *r, const char *group, const char *cgroup, uint64_t began_ns)
{
	size_t i;

	for (i = 0; i < r->ws->n; i++) {
		struct worker *w = &r->ws->w[i];
		const struct group *g = &r->groups[r->group_of[i]];

		if (!g->cgroup || w->start_ns == UNKNOWN || w->wall_ns == UNKNOWN ||
		    w->start_ns + w->wall_ns <= began_ns)
			continue;
		if ((group && strcmp(g->name, group) == 0) ||
		    (cgroup && (strcmp(g->cgroup, cgroup) == 0 || below(g->cgroup, cgroup))))
			w->killed = true;
	}
}

static int work_ack(struct replay *r, const char *op, const json_t *ack, uint64_t began_ns)
{
	const json_t *list = json_object_get(ack, "groups"), *name;
	struct group *g;
	size_t i;

	if (strcmp(op, "work.start") == 0) {
		r->started = true;
	} else if (strcmp(op, "work.kill") == 0) {
		json_array_foreach (list, i, name)
			if (json_is_string(name))
				mark_killed(r, json_string_value(name), NULL, began_ns);
	} else if (strcmp(op, "work.affinity") == 0) {
		g = find_group(r, rec_str(ack, "group", ""));
		if (!g)
			return 0;
		g->affinity = json_object_get(ack, "cpus");
		g->placed = NULL;
		g->moved |= r->started;
	} else if (strcmp(op, "work.spawn") == 0) {
		g = find_group(r, rec_str(ack, "group", ""));
		r->pl->spawned += rec_u64(ack, "count", 0);
		if (!g)
			return 0; /* none of it reported; the caller counts */
		g->cgroup = rec_str(ack, "cgroup", "");
		g->affinity = json_object_get(ack, "affinity");
		g->placed = json_object_get(json_object_get(ack, "effective"), "cpus");
	}
	return 0;
}

static int take_ack(struct replay *r, const json_t *ack, uint64_t began_ns)
{
	const char *op = rec_str(ack, "op", "");
	size_t i;

	if (strncmp(op, "work.", 5) == 0)
		return work_ack(r, op, ack, began_ns);
	if (strcmp(op, "cgroup.move") == 0) {
		const char *from = rec_str(ack, "from", ""), *to = rec_str(ack, "to", "");

		for (i = 0; i < r->n_groups; i++) {
			if (strcmp(r->groups[i].cgroup, from) != 0)
				continue;
			r->groups[i].cgroup = to;
			r->groups[i].moved |= r->started;
		}
		return 0;
	}
	if (strcmp(op, "cgroup.kill") == 0 || strcmp(op, "cgroup.rm") == 0)
		mark_killed(r, NULL, rec_str(ack, "cgroup", NULL), began_ns);
	if (strncmp(op, "cgroup.", 7) == 0)
		return cgroup_ack(r, op, ack);
	return 0;
}

/* The set that confines worker i now. */
static int confined_now(struct replay *r, size_t i, const struct cpuset **ret)
{
	const struct worker *w = &r->ws->w[i];
	const struct group *g;
	const struct cpuset *user = NULL, *placed = NULL;
	const struct cg *c;
	int rc;

	*ret = NULL;
	g = &r->groups[r->group_of[i]];
	if (!g->cgroup)
		return 0; /* not spawned yet */
	c = nearest_cg(r, g->cgroup);
	rc = take_list(r, for_worker(g->affinity, w->index), &user);
	if (rc == 0)
		rc = take_list(r, for_worker(g->placed, w->index), &placed);
	if (rc < 0)
		return rc;
	if (c && c->effective)
		*ret = within(r, user, c->effective);
	else
		*ret = user ? user : placed;
	return 0;
}

static int add_span(struct spans *sp, uint64_t from, uint64_t slack, const struct cpuset *set)
{
	if (sp->n > 0 && sp->s[sp->n - 1].set == set)
		return 0;
	if (sp->n == sp->cap) {
		size_t cap = sp->cap ? 2 * sp->cap : 4;
		struct span *p = reallocarray(sp->s, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		sp->s = p;
		sp->cap = cap;
	}
	sp->s[sp->n++] = (struct span){ from, slack, set };
	return 0;
}

static uint64_t common(uint64_t a_from, uint64_t a_to, uint64_t b_from, uint64_t b_to)
{
	uint64_t from = a_from > b_from ? a_from : b_from, to = a_to < b_to ? a_to : b_to;

	return from < to ? to - from : 0;
}

/* A cgroup was frozen in [from, to): whoever was inside could not run. */
static void take_freezes(struct replay *r, uint64_t from, uint64_t to)
{
	size_t i, j, k;

	for (i = 0; i < r->n_cgs; i++) {
		if (!r->cgs[i].frozen)
			continue;
		for (j = 0; j < r->ws->n; j++) {
			struct worker *w = &r->ws->w[j];
			const struct group *g;
			uint64_t cut;

			if (w->start_ns == UNKNOWN || w->wall_ns == UNKNOWN)
				continue;
			g = &r->groups[r->group_of[j]];
			if (!g->cgroup || (strcmp(g->cgroup, r->cgs[i].name) != 0 &&
					   !below(g->cgroup, r->cgs[i].name)))
				continue;
			w->frozen_ns += common(from, to, w->start_ns, w->start_ns + w->wall_ns);
			for (k = 0; k < w->n_gaps; k++) {
				cut = common(from, to, w->gaps[k].at_ns,
					     w->gaps[k].at_ns + w->gaps[k].len_ns);
				w->gaps[k].net_ns -=
					cut < w->gaps[k].net_ns ? cut : w->gaps[k].net_ns;
			}
		}
	}
}

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Everything that holds in [from, to), split where a group comes or goes. */
static int pass_time(struct replay *r, uint64_t from, uint64_t to)
{
	AUTO_FREE uint64_t *cuts = calloc(2 * r->n_groups + 2, sizeof(*cuts));
	size_t i, n = 0;
	int rc = 0;

	if (!cuts)
		return -ENOMEM;
	if (from >= to)
		return 0;
	take_freezes(r, from, to);
	cuts[n++] = from;
	for (i = 0; i < r->n_groups; i++) {
		if (r->groups[i].from_ns > from && r->groups[i].from_ns < to)
			cuts[n++] = r->groups[i].from_ns;
		if (r->groups[i].to_ns > from && r->groups[i].to_ns < to)
			cuts[n++] = r->groups[i].to_ns;
	}
	cuts[n++] = to;
	qsort(cuts, n, sizeof(*cuts), by_time);
	for (i = 0; rc == 0 && i + 1 < n; i++)
		rc = fair_shares(r, cuts[i], cuts[i + 1]);
	return rc;
}

static int gather_groups(struct replay *r)
{
	struct workers *ws = r->ws;
	size_t i;

	r->groups = calloc(ws->n + 1, sizeof(*r->groups));
	r->group_of = calloc(ws->n + 1, sizeof(*r->group_of));
	r->weight_of = calloc(ws->n + 1, sizeof(*r->weight_of));
	if (!r->groups || !r->group_of || !r->weight_of)
		return -ENOMEM;
	for (i = 0; i < ws->n; i++) {
		struct worker *w = &ws->w[i];
		struct group *g = find_group(r, w->group);

		if (!g) {
			g = &r->groups[r->n_groups++];
			*g = (struct group){ .name = w->group, .from_ns = UINT64_MAX };
		}
		r->group_of[i] = (size_t)(g - r->groups);
		w->fair_ns = 0;
		if (w->start_ns == UNKNOWN || w->wall_ns == UNKNOWN)
			continue;
		if (w->start_ns < g->from_ns)
			g->from_ns = w->start_ns;
		if (w->start_ns + w->wall_ns > g->to_ns)
			g->to_ns = w->start_ns + w->wall_ns;
	}
	return 0;
}

/* What the cgroups that are there now say about their workers; it stays when they are removed. */
static void note_cgroups(struct replay *r)
{
	size_t i;

	for (i = 0; i < r->ws->n; i++) {
		struct worker *w = &r->ws->w[i];
		const struct group *g = &r->groups[r->group_of[i]];
		const char *name = g->cgroup;
		size_t len;

		w->moved |= g->moved;
		for (len = name ? strlen(name) : 0; len > 0; len = replay_parent(name, len)) {
			const struct cg *c = replay_cg(r, name, len);

			if (!c)
				continue;
			w->moved |= c->touched;
			w->limited |= c->limited;
			if (len == strlen(name))
				w->weight = c->weight;
		}
	}
}

int placement_build(const struct plan_run *run, struct workers *ws, struct placement *ret,
		    char *err, size_t cap)
{
	struct replay r = { .run = run, .ws = ws, .pl = ret, .err = err, .err_cap = cap };
	const struct cpuset *set;
	const json_t *ack;
	uint64_t now = 0, mono, took;
	size_t i, j;
	int rc;

	*ret = (struct placement){ .n = ws->n, .of = calloc(ws->n + 1, sizeof(*ret->of)) };
	rc = ret->of ? gather_groups(&r) : -ENOMEM;
	json_array_foreach (run->acks, i, ack) {
		if (rc < 0)
			break;
		mono = rec_u64(ack, "mono_ns", now);
		took = rec_u64(ack, "took_ns", 0);
		rc = pass_time(&r, now, mono);
		now = mono > now ? mono : now;
		if (rc == 0 && strcmp(rec_str(ack, "op", ""), "cgroup.rm") == 0)
			note_cgroups(&r);
		if (rc == 0)
			rc = take_ack(&r, ack, mono > took ? mono - took : 0);
		for (j = 0; rc == 0 && j < ws->n; j++) {
			const struct group *g = &r.groups[r.group_of[j]];

			if (g->to_ns > 0 && g->to_ns < now)
				continue; /* it has ended; what becomes of its cgroup is no matter
					   */
			rc = confined_now(&r, j, &set);
			if (rc == 0)
				rc = add_span(&ret->of[j], now, took, set);
		}
	}
	if (rc == 0)
		rc = pass_time(&r, now, UINT64_MAX);
	if (rc == 0)
		note_cgroups(&r);
	if (rc == 0 && r.no_memory)
		rc = -ENOMEM;
	for (i = 0; i < ws->n; i++)
		if (ws->w[i].fair_ns == 0 || ws->w[i].limited)
			ws->w[i].fair_ns = UNKNOWN;
	free(r.cgs);
	free(r.groups);
	free(r.group_of);
	free(r.weight_of);
	return rc;
}

const struct cpuset *spans_last(const struct spans *sp)
{
	return sp->n > 0 ? sp->s[sp->n - 1].set : NULL;
}

const struct cpuset *placement_final(const struct placement *pl, size_t worker)
{
	return spans_last(&pl->of[worker]);
}

bool placement_confined(const struct placement *pl, size_t worker)
{
	size_t i;

	for (i = 0; i < pl->of[worker].n; i++)
		if (pl->of[worker].s[i].set)
			return true;
	return false;
}

/* How much of [from, to] the worker was allowed on the CPU, each change being blurred by its slack
 * in both directions. */
static uint64_t allowed_ns(const struct spans *sp, unsigned int cpu, uint64_t from, uint64_t to,
			   uint64_t slack, bool *ret_first, bool *ret_last)
{
	uint64_t sum = 0, upto = from;
	size_t i;

	*ret_first = *ret_last = false;
	for (i = 0; i < sp->n; i++) {
		const struct span *s = &sp->s[i], *next = i + 1 < sp->n ? s + 1 : NULL;
		uint64_t blur = s->slack_ns + slack;
		uint64_t a = s->from_ns > blur ? s->from_ns - blur : 0;
		uint64_t b = next ? next->from_ns + next->slack_ns + slack : UINT64_MAX;

		if (s->set && !cpuset_has(s->set, cpu))
			continue;
		if (i == 0)
			a = 0; /* nothing was said before */
		*ret_first |= from >= a && from <= b;
		*ret_last |= to >= a && to <= b;
		if (a < upto)
			a = upto;
		sum += common(a, b, upto, to);
		if (b > upto)
			upto = b < to ? b : to;
	}
	return sum;
}

uint64_t placement_outside(const struct placement *pl, const struct workers *ws, size_t worker,
			   uint64_t slack_ns, unsigned int *ret_cpu, uint64_t *ret_last_ns)
{
	const struct worker *w = &ws->w[worker];
	const struct spans *sp = &pl->of[worker];
	uint64_t total = 0, most = 0, out, in, long_ns;
	bool first, last;
	size_t i;

	for (i = 0; i < w->n_use; i++) {
		const struct cpu_use *u = &w->use[i];

		if (sp->n == 0)
			break;
		in = allowed_ns(sp, u->cpu, u->first_ns, u->last_ns, slack_ns, &first, &last);
		long_ns = u->last_ns - u->first_ns;
		if (first && last) /* at least what the time inside cannot hold */
			out = u->ns < long_ns ? u->ns - (u->ns < in ? u->ns : in) : long_ns - in;
		else if (in == 0)
			out = u->ns;
		else /* seen there when it must not be: at most what the time outside can hold */
			out = u->ns < long_ns - in ? u->ns : long_ns - in;
		total += out;
		if (out > most) {
			most = out;
			*ret_cpu = u->cpu;
			*ret_last_ns = u->last_ns;
		}
	}
	return total;
}
