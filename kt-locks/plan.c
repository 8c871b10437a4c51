/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs a reservation takes. */
#include "plan.h"

#include <limits.h>
#include <stdlib.h>

#define UNREACHABLE 255 /* as in ACPI's SLIT: nodes that are told to be that far come last */

/* An LLC that takes part, and what its place depends on. */
struct cand {
	unsigned int llc, capacity, shared;
	bool whole; /* the caller may use all of it */
	int node; /* -1: not known */
	unsigned int distance; /* of the node from the anchor */
};

/* What of LLC i the caller may use. */
static struct cpuset allowed_of(const struct plan_in *in, unsigned int i)
{
	struct cpuset s = in->topo->llc[i].cpus;

	if (in->of && !cpuset_has(in->of, i))
		return (struct cpuset){ 0 };
	cpuset_and(&s, &in->allowed);
	return s;
}

static struct cpuset free_of(const struct plan_in *in, unsigned int i)
{
	struct cpuset s = allowed_of(in, i);

	cpuset_andnot(&s, &in->taken);
	return s;
}

/* May its lock be had, in our mode? */
static bool compatible(const struct plan_in *in, unsigned int i)
{
	const struct plan_llc *l = &in->llc[i];

	return !l->busy && l->exclusive == 0 && (!in->exclusive || l->shared == 0);
}

/* How much LLC i can give, in what is wanted. */
static unsigned int capacity(const struct plan_in *in, unsigned int i)
{
	struct cpuset s;

	if (!compatible(in, i))
		return 0;
	if (!in->exclusive) {
		s = free_of(in, i);
		return cpuset_count(&s);
	}
	/* Locks on its CPUs without one on it are of a reservation that is just being made. */
	s = allowed_of(in, i);
	if (cpuset_empty(&s))
		return 0;
	cpuset_and(&s, &in->taken);
	return cpuset_empty(&s) ? 1 : 0;
}

unsigned int plan_allowed(const struct plan_in *in)
{
	unsigned int i, n = 0;

	for (i = 0; i < in->topo->n_llcs; i++) {
		struct cpuset s = allowed_of(in, i);

		n += in->exclusive ? !cpuset_empty(&s) : cpuset_count(&s);
	}
	return n;
}

unsigned int plan_free(const struct plan_in *in)
{
	unsigned int i, n = 0;

	for (i = 0; i < in->topo->n_llcs; i++) {
		struct cpuset s = allowed_of(in, i);

		n += in->share && !in->exclusive && compatible(in, i) ? cpuset_count(&s)
								      : capacity(in, i);
	}
	return n;
}

/* The node that most CPUs of an LLC are on, the lowest of equals; -1 when none is known. */
static int node_of(const struct topo *t, unsigned int i)
{
	unsigned int best = 0, n;
	int node = -1, k;

	for (k = -1; (k = cpuset_next(&t->llc[i].nodes, k + 1)) >= 0;) {
		int at = topo_node_index(t, k);
		struct cpuset s = t->llc[i].cpus;

		if (at < 0)
			continue;
		cpuset_and(&s, &t->node[at].cpus);
		n = cpuset_count(&s);
		if (n > best) {
			best = n;
			node = k;
		}
	}
	return node;
}

/* From node to node, by their numbers; the anchor's own is 0, so that it comes first whatever the
 * firmware says. */
static unsigned int distance(const struct topo *t, int from, int to)
{
	int a = topo_node_index(t, from), b = topo_node_index(t, to), d;

	if (from == to)
		return 0;
	if (a < 0 || b < 0)
		return UNREACHABLE;
	d = t->distance ? t->distance[(unsigned int)a * t->n_nodes + (unsigned int)b] : -1;
	return d < 0 || d > UNREACHABLE ? UNREACHABLE : (unsigned int)d;
}

/* Wherever they are: holders before none, then by index. */
static int by_rank(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	return x->shared != y->shared ? (x->shared > y->shared ? -1 : 1)
	       : x->llc != y->llc     ? (x->llc < y->llc ? -1 : 1)
				      : 0;
}

static int by_place(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	return x->distance != y->distance ? (x->distance < y->distance ? -1 : 1)
	       : x->node != y->node	  ? (x->node < y->node ? -1 : 1)
					  : by_rank(a, b);
}

/* Put the candidates into the order in which they are taken when `anchor` is the first node. */
static void arrange(const struct topo *t, struct cand *c, unsigned int n, int anchor)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		c[i].distance = distance(t, anchor, c[i].node);
	qsort(c, n, sizeof(*c), by_place);
}

/* Exclusive LLCs go to the fewest nodes, as near to each other as can be: try each as anchor. */
static int best_anchor(const struct plan_in *in, struct cand *c, unsigned int n)
{
	unsigned int best_nodes = UINT_MAX, best_sum = UINT_MAX, i, k;
	int best = -1;

	for (i = 0; i < in->topo->n_nodes; i++) {
		unsigned int nodes = 0, sum = 0;
		int anchor = in->topo->node[i].node;

		arrange(in->topo, c, n, anchor);
		if (c[0].node != anchor)
			continue; /* it has none of them */
		for (k = 0; k < n && k < in->want; k++) {
			nodes += k == 0 || c[k].node != c[k - 1].node;
			sum += c[k].distance;
		}
		if (nodes < best_nodes || (nodes == best_nodes && sum < best_sum)) {
			best_nodes = nodes;
			best_sum = sum;
			best = anchor;
		}
	}
	return best;
}

/* Add up to n CPUs of `from` that are not there yet; `whole`: only cores that fit with all their
 * threads, `broken`: only those of cores that are not in `from` with all of them. */
static unsigned int add_cores(const struct topo *t, struct cpuset *to, const struct cpuset *from,
			      unsigned int n, bool whole, bool broken)
{
	unsigned int added = 0;
	int cpu;

	for (cpu = -1; added < n && (cpu = cpuset_next(from, cpu + 1)) >= 0;) {
		struct cpuset core;

		if (cpuset_has(to, (unsigned int)cpu))
			continue;
		topo_core(t, (unsigned int)cpu, &core);
		if (broken && cpuset_subset(&core, from))
			continue;
		if (!whole) {
			cpuset_add(to, (unsigned int)cpu);
			added++;
		} else if (cpuset_subset(&core, from) && cpuset_count(&core) <= n - added) {
			cpuset_or(to, &core);
			added += cpuset_count(&core);
		}
	}
	return added;
}

/* n of the CPUs in `from`, which has at least as many. */
static void add_some(const struct topo *t, struct cpuset *to, const struct cpuset *from,
		     unsigned int n)
{
	n -= add_cores(t, to, from, n, true, false);
	n -= add_cores(t, to, from, n, false, true);
	(void)add_cores(t, to, from, n, false, false); /* the last thread of a whole core */
}

/* From the candidates in their order, what nobody has. Returns how much is still wanted. */
static unsigned int take_free(const struct plan_in *in, const struct cand *c, unsigned int n,
			      struct plan *p)
{
	unsigned int k, left = in->want;

	for (k = 0; k < n && left > 0; k++) {
		struct cpuset s = in->exclusive ? allowed_of(in, c[k].llc) : free_of(in, c[k].llc);

		if (c[k].capacity == 0)
			continue;
		cpuset_add(&p->llcs, c[k].llc);
		if (c[k].capacity <= left) {
			cpuset_or(&p->cpus, &s);
			left -= c[k].capacity;
		} else {
			add_some(in->topo, &p->cpus, &s, left);
			p->partial = (int)c[k].llc;
			left = 0;
		}
	}
	return left;
}

/* Then CPUs that other capped reservations have. */
static void take_shared(const struct plan_in *in, const struct cand *c, unsigned int n,
			unsigned int left, struct plan *p)
{
	unsigned int k, here;

	for (k = 0; k < n && left > 0; k++) {
		struct cpuset s = allowed_of(in, c[k].llc), some = { 0 };

		cpuset_and(&s, &in->taken);
		here = cpuset_count(&s);
		if (here == 0)
			continue;
		if (here > left) {
			add_some(in->topo, &some, &s, left);
			p->partial = (int)c[k].llc;
			here = left;
			s = some;
		}
		cpuset_add(&p->llcs, c[k].llc);
		cpuset_or(&p->cpus, &s);
		cpuset_or(&p->shared, &s);
		left -= here;
	}
}

/* The nodes of the CPUs, where they have memory. */
static void find_mems(const struct topo *t, struct plan *p)
{
	int i;

	for (i = -1; (i = cpuset_next(&p->cpus, i + 1)) >= 0;) {
		const struct topo_cpu *c = topo_cpu(t, (unsigned int)i);
		int at = c ? topo_node_index(t, c->node) : -1;

		if (at >= 0 && t->node[at].mem_kb != 0)
			cpuset_add(&p->mems, (unsigned int)c->node);
	}
}

/* The LLCs that take part. Returns how many. */
static unsigned int candidates(const struct plan_in *in, struct cand *c)
{
	unsigned int i, n = 0, whole = 0, to = 0;

	for (i = 0; i < in->topo->n_llcs; i++) {
		struct cpuset s = allowed_of(in, i);

		if (!compatible(in, i) || cpuset_empty(&s))
			continue;
		c[n] = (struct cand){ .llc = i,
				      .capacity = capacity(in, i),
				      .shared = in->llc[i].shared,
				      .whole = cpuset_equal(&s, &in->topo->llc[i].cpus),
				      .node = node_of(in->topo, i) };
		if (c[n].capacity == 0 && !(in->share && !in->exclusive))
			continue;
		whole += c[n].whole;
		n++;
	}
	if (!in->exclusive || whole < in->want)
		return n;
	for (i = 0; i < n; i++) /* whole ones will do */
		if (c[i].whole)
			c[to++] = c[i];
	return to;
}

/* Leave want / nodes candidates on each node that has so many, if enough nodes have. Returns how
 * many are left. */
static unsigned int spread(const struct plan_in *in, struct cand *c, unsigned int n)
{
	unsigned int per = in->nodes > 1 ? in->want / in->nodes : 0, i, to = 0, enough = 0;
	unsigned int has[CPUSET_MAX] = { 0 }, kept[CPUSET_MAX] = { 0 };

	if (per == 0 || in->want % in->nodes != 0)
		return n;
	for (i = 0; i < n; i++)
		if (c[i].node >= 0)
			enough += ++has[c[i].node] == per;
	if (enough < in->nodes)
		return n;
	for (i = 0; i < n; i++)
		if (c[i].node >= 0 && has[c[i].node] >= per && kept[c[i].node]++ < per)
			c[to++] = c[i];
	return to;
}

/* The node of the highest-ranking candidate that has something free, or of any when none has. */
static int rank_anchor(struct cand *c, unsigned int n)
{
	unsigned int i;

	qsort(c, n, sizeof(*c), by_rank);
	for (i = 0; i < n; i++)
		if (c[i].capacity > 0)
			return c[i].node;
	return c[0].node;
}

/* CPUs of LLCs that the plan does not have. */
static enum plan_result add_spare(const struct plan_in *in, struct plan *p)
{
	struct plan_in any = { .topo = in->topo,
			       .allowed = in->allowed,
			       .taken = in->taken,
			       .llc = in->llc,
			       .want = in->spare },
		       same;
	struct cpuset near = { 0 };
	enum plan_result res;
	struct plan more;
	int i, k, at;

	for (i = -1; (i = cpuset_next(&p->llcs, i + 1)) >= 0;) {
		const struct topo_llc *l = &in->topo->llc[i];

		cpuset_andnot(&any.allowed, &l->cpus);
		for (k = -1; (k = cpuset_next(&l->nodes, k + 1)) >= 0;) {
			at = topo_node_index(in->topo, k);
			if (at >= 0)
				cpuset_or(&near, &in->topo->node[at].cpus);
		}
	}
	same = any;
	cpuset_and(&same.allowed, &near);
	res = plan_make(&same, &more);
	if (res != PLAN_OK)
		res = plan_make(&any, &more);
	if (res != PLAN_OK)
		return res == PLAN_NOWHERE ? PLAN_TOO_MANY : res;
	p->spare = more.cpus;
	p->spare_llcs = more.llcs;
	cpuset_or(&p->cpus, &more.cpus);
	return PLAN_OK;
}

enum plan_result plan_make(const struct plan_in *in, struct plan *ret)
{
	struct cand c[CPUSET_MAX];
	unsigned int n, left, most = plan_allowed(in);
	struct plan p = { .partial = -1 };
	enum plan_result res;

	if (most == 0)
		return PLAN_NOWHERE;
	if (in->want > most)
		return PLAN_TOO_MANY;
	if (in->want > plan_free(in))
		return PLAN_BUSY;
	n = candidates(in, c);
	if (in->exclusive)
		n = spread(in, c, n);
	arrange(in->topo, c, n, in->exclusive ? best_anchor(in, c, n) : rank_anchor(c, n));
	left = take_free(in, c, n, &p);
	take_shared(in, c, n, left, &p);
	if (in->exclusive && in->spare > 0) {
		res = add_spare(in, &p);
		if (res != PLAN_OK)
			return res;
	}
	find_mems(in->topo, &p);
	*ret = p;
	return PLAN_OK;
}
