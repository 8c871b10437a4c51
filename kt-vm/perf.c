/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance mode: the plan, and what of it was done. */
#include "perf.h"
#include "cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* How the threads of a cache's cores are placed; the best that all caches of the guest can have is
 * taken. */
enum how {
	HOW_CORES, /* core by core, the threads of one on the threads of one */
	HOW_APART, /* each thread on a core of its own */
	HOW_ANY, /* CPU by CPU */
	HOWS
};

/* A CPU that a guest's may get. */
struct cand {
	int cpu, core;
	bool whole; /* all threads of its core may be used */
	int64_t capacity;
};

void perf_free(struct perf *p)
{
	free(p->cpu);
	free(p->llc);
	free(p->node);
	*p = (struct perf){ 0 };
}

/* ---- the steps ---- */

const char *perf_step_name(enum perf_step step)
{
	static const char *const names[PERF_STEPS] = {
		[PERF_EXCLUSIVE] = "exclusive-llcs",
		[PERF_NODES] = "nodes",
		[PERF_CORES] = "cores",
		[PERF_SERVICE] = "service-cpu",
		[PERF_QUIET] = "quiet-host",
		[PERF_PINNING] = "pinning",
		[PERF_FIFO] = "fifo",
		[PERF_BINDING] = "numa-binding",
		[PERF_PREALLOC] = "prealloc",
		[PERF_HUGEPAGES] = "hugepages",
		[PERF_CPU_PM] = "cpu-pm",
		[PERF_HINT] = "kvm-hint-dedicated",
		[PERF_TSC] = "stable-tsc",
	};

	return names[step];
}

void perf_done(struct perf *p, enum perf_step step)
{
	if (p->step[step].state != PERF_NOT_DONE)
		p->step[step].state = PERF_DONE;
}

void perf_not_done(struct perf *p, enum perf_step step, const char *fmt, ...)
{
	va_list ap;

	if (p->step[step].state == PERF_NOT_DONE)
		return;
	p->step[step].state = PERF_NOT_DONE;
	va_start(ap, fmt);
	(void)vsnprintf(p->step[step].why, sizeof(p->step[step].why), fmt, ap);
	va_end(ap);
}

/* Whatever it was before. */
static void renew(struct perf *p, enum perf_step step, bool planned)
{
	p->step[step].state = planned ? PERF_PLANNED : PERF_NOT_ASKED;
}

void perf_accel(struct perf *p, bool kvm)
{
	enum perf_step s;

	/* All that was done to another QEMU, which did not get far. */
	for (s = PERF_SERVICE; s < PERF_CPU_PM; s++)
		if (p->step[s].state == PERF_DONE || s == PERF_PINNING || s == PERF_FIFO)
			renew(p, s, true);
	for (s = PERF_CPU_PM; s < PERF_STEPS; s++)
		renew(p, s, kvm);
	if (kvm)
		return;
	perf_not_done(p, PERF_CPU_PM, "TCG: a CPU that idles has no exits to save");
	perf_not_done(p, PERF_HINT, "TCG: it is a word of KVM to its guest");
}

void perf_started(struct perf *p)
{
	static const enum perf_step told[] = { PERF_BINDING, PERF_PREALLOC, PERF_HUGEPAGES,
					       PERF_CPU_PM,  PERF_HINT,	    PERF_TSC };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(told); i++)
		if (p->step[told[i]].state == PERF_PLANNED)
			perf_done(p, told[i]);
}

/* ---- the plan ---- */

static int by_rank(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	return x->whole != y->whole	    ? (x->whole ? -1 : 1)
	       : x->capacity != y->capacity ? (x->capacity > y->capacity ? -1 : 1)
	       : x->core != y->core	    ? (x->core < y->core ? -1 : 1)
	       : x->cpu != y->cpu	    ? (x->cpu < y->cpu ? -1 : 1)
					    : 0;
}

/* What may be used of an LLC: whole cores before others, the threads of a core together. Returns
 * how many. */
static unsigned int candidates(const struct perf_in *in, unsigned int llc, struct cand *c)
{
	struct cpuset s = in->topo->llc[llc].cpus, core;
	unsigned int n = 0;
	int i;

	cpuset_and(&s, &in->usable);
	for (i = -1; (i = cpuset_next(&s, i + 1)) >= 0;) {
		const struct topo_cpu *cpu = topo_cpu(in->topo, (unsigned int)i);

		topo_core(in->topo, (unsigned int)i, &core);
		c[n++] = (struct cand){ .cpu = i,
					.core = cpu->core < 0 ? INT_MIN + i : cpu->core,
					.whole = cpuset_subset(&core, &in->usable),
					.capacity = cpu->capacity };
	}
	qsort(c, n, sizeof(*c), by_rank);
	return n;
}

/* The CPUs of an LLC for one of the guest's, in the order of its CPUs; cpu may be NULL. Returns
 * whether there are so many. */
static bool choose(const struct topospec *g, enum how how, const struct cand *c, unsigned int n,
		   int *cpu)
{
	unsigned int want = g->cores * g->threads, at, end, got = 0, k, take;

	for (at = 0; at < n && got < want; at = end) {
		end = at + 1; /* of the core */
		while (how != HOW_ANY && end < n && c[end].core == c[at].core)
			end++;
		take = how == HOW_CORES ? g->threads : 1;
		if (end - at < take)
			continue;
		for (k = 0; k < take; k++, got++)
			if (cpu)
				cpu[got] = c[at + k].cpu;
	}
	return got == want;
}

/* The LLCs that one of the guest's can go to. Returns how many. */
static unsigned int find_fit(const struct perf_in *in, enum how how, struct cand *c,
			     struct cpuset *ret)
{
	unsigned int i, found = 0;

	*ret = (struct cpuset){ 0 };
	for (i = 0; i < in->topo->n_llcs; i++)
		if ((!in->llcs || cpuset_has(in->llcs, i)) &&
		    choose(&in->guest, how, c, candidates(in, i, c), NULL)) {
			cpuset_add(ret, i);
			found++;
		}
	return found;
}

/* A host LLC for each of the guest's. Returns whether each of the guest's nodes has got one of its
 * own. */
static bool place_llcs(const struct perf_in *in, const struct cpuset *fit, int *llc)
{
	unsigned int per = in->guest.llcs / in->guest.nodes, node = 0, i, n;
	const struct topo *t = in->topo;
	int l;

	for (i = 0; i < t->n_nodes && node < in->guest.nodes; i++) {
		n = 0;
		for (l = -1; n < per && (l = cpuset_next(fit, l + 1)) >= 0;)
			if (topo_llc_node(&t->llc[l]) == t->node[i].node)
				llc[node * per + n++] = l;
		node += n == per;
	}
	if (node == in->guest.nodes)
		return true;
	for (i = 0, l = -1; i < in->guest.llcs && (l = cpuset_next(fit, l + 1)) >= 0;)
		llc[i++] = l;
	return false;
}

/* The CPU for everything else: on no core of the guest's if it can be, on a node of theirs, in one
 * of their caches, the lowest. Returns whether it has a core of its own. */
static bool place_service(const struct perf_in *in, struct perf *p)
{
	struct cpuset cores = { 0 }, llcs = { 0 }, nodes = { 0 }, left = in->usable;
	unsigned int best = UINT_MAX, rank, i;
	int k;

	cpuset_and(&left, &in->topo->online);
	for (i = 0; i < p->n_cpus; i++) {
		const struct topo_cpu *c = topo_cpu(in->topo, (unsigned int)p->cpu[i]);
		struct cpuset core;

		topo_core(in->topo, (unsigned int)p->cpu[i], &core);
		cpuset_or(&cores, &core);
		cpuset_del(&left, (unsigned int)p->cpu[i]);
		cpuset_add(&llcs, (unsigned int)c->llc);
		if (c->node >= 0)
			cpuset_add(&nodes, (unsigned int)c->node);
	}
	for (k = -1; (k = cpuset_next(&left, k + 1)) >= 0;) {
		const struct topo_cpu *c = topo_cpu(in->topo, (unsigned int)k);

		rank = (cpuset_has(&cores, (unsigned int)k) ? 4 : 0) +
		       (c->node >= 0 && cpuset_has(&nodes, (unsigned int)c->node) ? 0 : 2) +
		       (c->llc >= 0 && cpuset_has(&llcs, (unsigned int)c->llc) ? 0 : 1);
		if (rank < best) {
			best = rank;
			p->service_cpu = k;
			p->spare = rank & 1;
		}
	}
	return best < 4;
}

/* Of the LLCs that fit, those that leave a core for everything else, if they suffice. */
static void keep_roomy(const struct perf_in *in, enum how how, struct cand *c, int *cpu,
		       struct perf *p)
{
	struct cpuset roomy = { 0 };
	int i;

	for (i = -1; (i = cpuset_next(&p->fit, i + 1)) >= 0;) {
		unsigned int n = candidates(in, (unsigned int)i, c), k;
		struct cpuset cores = { 0 }, core;

		(void)choose(&in->guest, how, c, n, cpu); /* it fits */
		for (k = 0; k < in->guest.cores * in->guest.threads; k++) {
			topo_core(in->topo, (unsigned int)cpu[k], &core);
			cpuset_or(&cores, &core);
		}
		for (k = 0; k < n; k++)
			if (!cpuset_has(&cores, (unsigned int)c[k].cpu))
				cpuset_add(&roomy, (unsigned int)i);
	}
	if (cpuset_count(&roomy) >= in->guest.llcs)
		p->fit = roomy;
}

/* The nodes of each guest node's CPUs, as far as they have memory. */
static void place_memory(const struct perf_in *in, struct perf *p)
{
	unsigned int per = p->n_cpus / p->guest.nodes, i;
	const struct topo *t = in->topo;

	p->bind = t->numa;
	if (!t->numa)
		perf_not_done(p, PERF_BINDING, "this machine's kernel knows no nodes");
	for (i = 0; i < p->n_cpus; i++) {
		struct perf_node *n = &p->node[i / per];
		int at = topo_node_index(t, topo_cpu(t, (unsigned int)p->cpu[i])->node);
		int64_t pages;

		if (at < 0 || t->node[at].mem_kb == 0 ||
		    cpuset_has(&n->host, (unsigned int)t->node[at].node))
			continue;
		cpuset_add(&n->host, (unsigned int)t->node[at].node);
		pages = in->free_huge ? in->free_huge[at] : -1;
		n->free_huge = pages < 0 || n->free_huge < 0 ? -1 : n->free_huge + pages;
	}
	for (i = 0; i < p->guest.nodes; i++) {
		if (!cpuset_empty(&p->node[i].host))
			continue;
		p->bind = false;
		p->node[i].free_huge = -1;
		perf_not_done(p, PERF_BINDING, "the guest's node %u is on CPUs without memory", i);
	}
}

static void note_cores(struct perf *p, enum how how)
{
	if (how == HOW_APART)
		perf_not_done(p, PERF_CORES,
			      "too few cores have %u threads that may be used: the threads of a "
			      "core are on cores of their own",
			      p->guest.threads);
	else if (how == HOW_ANY)
		perf_not_done(p, PERF_CORES,
			      "there are too few cores: the guest's share some of this machine's");
}

static int alloc(struct perf *p, const struct topospec *guest)
{
	p->guest = *guest;
	p->n_cpus = topospec_cpus(guest);
	p->service_cpu = -1;
	p->cpu = calloc(p->n_cpus, sizeof(*p->cpu));
	p->llc = calloc(guest->llcs, sizeof(*p->llc));
	p->node = calloc(guest->nodes, sizeof(*p->node));
	return p->cpu && p->llc && p->node ? 0 : -ENOMEM;
}

int perf_plan(const struct perf_in *in, struct perf *p, char *why, size_t cap)
{
	const struct topospec *g = &in->guest;
	unsigned int each = g->cores * g->threads, have, i;
	struct cpuset s = in->usable;
	AUTO_FREE struct cand *c = calloc(in->topo->n_cpus, sizeof(*c));
	enum how how;
	enum perf_step step;

	*p = (struct perf){ 0 };
	if (!c || alloc(p, g) < 0)
		return -ENOMEM;
	cpuset_and(&s, &in->topo->online);
	have = cpuset_count(&s);
	if (have <= p->n_cpus) {
		(void)snprintf(why, cap,
			       "performance mode needs %u CPUs, %u for the guest's and one for "
			       "everything else of QEMU, and %s %u; a smaller --topology, or "
			       "--no-perf-mode, will do",
			       p->n_cpus + 1, p->n_cpus,
			       in->llcs ? "the reservation has only" : "this process may use only",
			       have);
		return -EBUSY;
	}
	for (i = have = 0; i < in->topo->n_llcs; i++)
		have += candidates(in, i, c) > 0 && (!in->llcs || cpuset_has(in->llcs, i));
	if (have < g->llcs) {
		(void)snprintf(why, cap,
			       "performance mode needs a last-level cache for each of the guest's "
			       "%u, and there are CPUs that may be used in only %u",
			       g->llcs, have);
		return -ERANGE;
	}
	for (how = HOW_CORES; how < HOWS; how++) {
		have = find_fit(in, how, c, &p->fit);
		if (have >= g->llcs)
			break;
	}
	if (how == HOWS) {
		(void)snprintf(why, cap,
			       "performance mode needs %u last-level cache%s with %u CPUs that may "
			       "be used, and there are %u",
			       g->llcs, g->llcs == 1 ? "" : "s", each, have);
		return -ERANGE;
	}
	for (step = PERF_EXCLUSIVE; step <= PERF_HUGEPAGES; step++)
		renew(p, step, true);
	if (!place_llcs(in, &p->fit, p->llc))
		perf_not_done(p, PERF_NODES,
			      "fewer than %u of this machine's nodes have %u such cache%s",
			      g->nodes, g->llcs / g->nodes, g->llcs == g->nodes ? "" : "s");
	for (i = 0; i < g->llcs; i++)
		(void)choose(g, how, c, candidates(in, (unsigned int)p->llc[i], c),
			     p->cpu + (size_t)i * each); /* it fits */
	note_cores(p, how);
	if (!place_service(in, p))
		perf_not_done(p, PERF_SERVICE, "CPU %d shares a core with a CPU of the guest",
			      p->service_cpu);
	if (!p->spare) {
		AUTO_FREE int *cpu = calloc(each, sizeof(*cpu));

		if (!cpu)
			return -ENOMEM;
		keep_roomy(in, how, c, cpu, p);
	}
	place_memory(in, p);
	perf_done(p, PERF_NODES);
	perf_done(p, PERF_CORES);
	if (in->llcs)
		perf_done(p, PERF_EXCLUSIVE);
	return 0;
}

uint64_t perf_memory(struct perf *p, uint64_t mib)
{
	uint64_t unit = (uint64_t)PERF_HUGE_MIB * p->guest.nodes, need;
	unsigned int i, k;

	mib = (mib + unit - 1) / unit * unit;
	p->huge = true;
	renew(p, PERF_HUGEPAGES, true);
	for (i = 0; i < p->guest.nodes; i++)
		p->node[i].mib = mib / p->guest.nodes;
	for (i = 0; i < p->guest.nodes && p->huge; i++) {
		const struct perf_node *n = &p->node[i];

		need = 0; /* with what others want of the same nodes */
		for (k = 0; k < p->guest.nodes; k++) {
			struct cpuset common = p->node[k].host;

			cpuset_and(&common, &n->host);
			if (k == i || !cpuset_empty(&common))
				need += p->node[k].mib / PERF_HUGE_MIB;
		}
		if (n->free_huge >= 0 && (uint64_t)n->free_huge >= need)
			continue;
		p->huge = false;
		if (n->free_huge < 0)
			perf_not_done(p, PERF_HUGEPAGES, "how many are free is not known");
		else
			perf_not_done(p, PERF_HUGEPAGES,
				      "%llu of %d MiB are needed for the guest's node %u, %lld "
				      "are free",
				      (unsigned long long)need, PERF_HUGE_MIB, i,
				      (long long)n->free_huge);
	}
	return mib;
}

/* ---- records ---- */

static void write_steps(const struct perf *p, struct jsonw *w, bool planned)
{
	enum perf_step s;

	jsonw_arr(w, "done");
	for (s = 0; p && s < PERF_STEPS; s++)
		if (p->step[s].state == PERF_DONE || (planned && p->step[s].state == PERF_PLANNED))
			jsonw_str(w, NULL, perf_step_name(s));
	jsonw_arr_end(w);
	jsonw_arr(w, "not_done");
	for (s = 0; p && s < PERF_STEPS; s++) {
		bool open = !planned && p->step[s].state == PERF_PLANNED;

		if (!open && p->step[s].state != PERF_NOT_DONE)
			continue;
		jsonw_obj(w, NULL);
		jsonw_str(w, "what", perf_step_name(s));
		jsonw_str(w, "why", open ? "QEMU did not get so far" : p->step[s].why);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static void write_all(const struct perf *p, const char *off, struct jsonw *w, const char *key,
		      bool planned)
{
	char list[CPUSET_TEXT];
	unsigned int i;

	jsonw_obj(w, key);
	jsonw_bool(w, "requested", true);
	jsonw_bool(w, "active", p);
	jsonw_str(w, "why", off);
	jsonw_arr(w, "cpus");
	for (i = 0; p && i < p->n_cpus; i++)
		jsonw_u64(w, NULL, (uint64_t)p->cpu[i]);
	jsonw_arr_end(w);
	jsonw_id(w, "service_cpu", p ? p->service_cpu : -1);
	jsonw_arr(w, "llcs");
	for (i = 0; p && i < p->guest.llcs; i++)
		jsonw_u64(w, NULL, (uint64_t)p->llc[i]);
	jsonw_arr_end(w);
	jsonw_arr(w, "nodes");
	for (i = 0; p && i < p->guest.nodes; i++)
		jsonw_str(w, NULL,
			  cpuset_empty(&p->node[i].host)
				  ? NULL
				  : cpuset_format(&p->node[i].host, list, sizeof(list)));
	jsonw_arr_end(w);
	write_steps(p, w, planned);
	jsonw_obj_end(w);
}

void perf_write(const struct perf *p, struct jsonw *w, const char *key, bool planned)
{
	write_all(p, NULL, w, key, planned);
}

void perf_write_off(const char *why, struct jsonw *w, const char *key)
{
	write_all(NULL, why, w, key, false);
}
