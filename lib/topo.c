/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology model and facts that follow from it. */
#include "topo.h"

#include <errno.h>
#include <stdlib.h>

void topo_free(struct topo *t)
{
	free(t->cpu);
	free(t->llc);
	free(t->node);
	free(t->distance);
	*t = (struct topo){ 0 };
}

const struct topo_cpu *topo_cpu(const struct topo *t, unsigned int cpu)
{
	return cpu < CPUSET_MAX && t->at[cpu] > 0 ? &t->cpu[t->at[cpu] - 1] : NULL;
}

int topo_node_index(const struct topo *t, int node)
{
	unsigned int i;

	for (i = 0; i < t->n_nodes; i++)
		if (t->node[i].node == node)
			return (int)i;
	return -1;
}

int topo_llc_node(const struct topo_llc *llc)
{
	int first = cpuset_next(&llc->nodes, 0);

	return first >= 0 && cpuset_next(&llc->nodes, first + 1) < 0 ? first : -1;
}

unsigned int topo_cpu_nodes(const struct topo *t)
{
	unsigned int i, n = 0;

	for (i = 0; i < t->n_nodes; i++)
		n += !cpuset_empty(&t->node[i].cpus);
	return n;
}

void topo_core(const struct topo *t, unsigned int cpu, struct cpuset *ret)
{
	const struct topo_cpu *c = topo_cpu(t, cpu), *o;
	int i;

	*ret = (struct cpuset){ 0 };
	cpuset_add(ret, cpu);
	for (i = -1; c && c->core >= 0 && c->llc >= 0 &&
		     (i = cpuset_next(&t->llc[c->llc].cpus, i + 1)) >= 0;) {
		o = topo_cpu(t, (unsigned int)i);
		if (o && o->core == c->core)
			cpuset_add(ret, (unsigned int)i);
	}
}

void topo_allowed(const struct topo *t, struct cpuset *ret)
{
	*ret = t->online;
	if (t->has_affinity)
		cpuset_and(ret, &t->affinity);
	if (t->has_cgroup)
		cpuset_and(ret, &t->cgroup);
}

unsigned int topo_max_smt(const struct topo *t)
{
	unsigned int i;
	int max = 0;

	for (i = 0; i < t->n_cpus; i++)
		if (t->cpu[i].smt > max)
			max = t->cpu[i].smt;
	return (unsigned int)max + 1;
}

bool topo_spec(const struct topo *t, struct topospec *ret)
{
	struct cpuset on_node = { 0 };
	unsigned int i, n_online = cpuset_count(&t->online);
	int64_t capacity = -2; /* of the first CPU */
	int llc_of_core[CPUSET_MAX];
	struct topospec s;

	if (t->n_cores == 0 || t->n_llcs == 0 || t->n_nodes == 0)
		return false;
	/* With every part of equal size, these divide; and if no part exceeds its share, all are
	 * equal. */
	if (n_online % t->n_cores != 0 || t->n_cores % t->n_llcs != 0 ||
	    t->n_llcs % t->n_nodes != 0)
		return false;
	s = (struct topospec){ t->n_nodes, t->n_llcs, t->n_cores / t->n_llcs,
			       n_online / t->n_cores };
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (!c->online)
			continue;
		if (capacity == -2)
			capacity = c->capacity;
		if (c->capacity != capacity)
			return false; /* hybrid */
		if (c->core < 0 || c->llc < 0 || c->node < 0 || c->smt < 0 ||
		    (unsigned int)c->smt >= s.threads)
			return false;
	}
	for (i = 0; i < t->n_llcs; i++) {
		if (cpuset_count(&t->llc[i].cpus) != s.cores * s.threads ||
		    topo_llc_node(&t->llc[i]) < 0)
			return false;
	}
	for (i = 0; i < t->n_nodes; i++) {
		if (cpuset_count(&t->node[i].cpus) != n_online / t->n_nodes)
			return false;
		cpuset_or(&on_node, &t->node[i].cpus);
	}
	if (!cpuset_equal(&on_node, &t->online))
		return false;
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (!c->online)
			continue;
		if (c->smt == 0)
			llc_of_core[c->core] = c->llc;
		else if (llc_of_core[c->core] != c->llc)
			return false; /* a core over two LLCs */
	}
	*ret = s;
	return true;
}

/* The nodes that CPUs name, ascending. */
static int make_nodes(struct topo *t)
{
	struct cpuset ids = { 0 };
	unsigned int i, n = 0;
	int id;

	for (i = 0; i < t->n_cpus; i++)
		if (t->cpu[i].node >= 0 && t->cpu[i].node < CPUSET_MAX)
			cpuset_add(&ids, (unsigned int)t->cpu[i].node);
	t->node = calloc(cpuset_count(&ids) + 1, sizeof(*t->node));
	if (!t->node)
		return -ENOMEM;
	for (id = -1; (id = cpuset_next(&ids, id + 1)) >= 0;)
		t->node[n++] = (struct topo_node){ .node = id, .mem_kb = -1, .free_kb = -1 };
	t->n_nodes = n;
	return 0;
}

int topo_derive(struct topo *t)
{
	int max_llc = -1, max_core = -1, max_die = -1, max_package = -1, max_cluster = -1;
	unsigned int i;
	int k, rc;

	t->present = t->online = (struct cpuset){ 0 };
	for (i = 0; i < CPUSET_MAX; i++)
		t->at[i] = 0;
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (c->cpu < 0 || c->cpu >= CPUSET_MAX || (i > 0 && c->cpu <= t->cpu[i - 1].cpu) ||
		    c->node >= CPUSET_MAX)
			return -EINVAL;
		t->at[c->cpu] = (int)i + 1;
		cpuset_add(&t->present, (unsigned int)c->cpu);
		if (!c->online)
			continue;
		cpuset_add(&t->online, (unsigned int)c->cpu);
		/* Dense in the order of the lowest CPU: a new id is the next one. */
		if (c->llc > max_llc + 1 || c->core > max_core + 1 || c->die > max_die + 1 ||
		    c->package > max_package + 1 || c->cluster > max_cluster + 1)
			return -EINVAL;
		max_llc = c->llc > max_llc ? c->llc : max_llc;
		max_core = c->core > max_core ? c->core : max_core;
		max_die = c->die > max_die ? c->die : max_die;
		max_package = c->package > max_package ? c->package : max_package;
		max_cluster = c->cluster > max_cluster ? c->cluster : max_cluster;
	}
	if (!t->llc) {
		t->n_llcs = (unsigned int)(max_llc + 1);
		t->llc = calloc(t->n_llcs + 1, sizeof(*t->llc));
		if (!t->llc)
			return -ENOMEM;
		for (i = 0; i < t->n_llcs; i++)
			t->llc[i] = (struct topo_llc){ .level = -1, .kernel_id = -1, .kb = -1 };
	} else if (t->n_llcs != (unsigned int)(max_llc + 1)) {
		return -EINVAL;
	}
	if (!t->node) {
		rc = make_nodes(t);
		if (rc < 0)
			return rc;
	}
	t->n_cores = (unsigned int)(max_core + 1);
	t->n_dies = (unsigned int)(max_die + 1);
	t->n_packages = (unsigned int)(max_package + 1);
	t->n_clusters = (unsigned int)(max_cluster + 1);
	for (i = 0; i < t->n_llcs; i++)
		t->llc[i].cpus = t->llc[i].nodes = (struct cpuset){ 0 };
	for (i = 0; i < t->n_nodes; i++) {
		if (t->node[i].node < 0 || t->node[i].node >= CPUSET_MAX ||
		    (i > 0 && t->node[i].node <= t->node[i - 1].node))
			return -EINVAL;
		t->node[i].cpus = (struct cpuset){ 0 };
	}
	for (i = 0; i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (!c->online)
			continue;
		if (c->llc >= 0) {
			cpuset_add(&t->llc[c->llc].cpus, (unsigned int)c->cpu);
			if (c->node >= 0)
				cpuset_add(&t->llc[c->llc].nodes, (unsigned int)c->node);
		}
		k = topo_node_index(t, c->node);
		if (k >= 0)
			cpuset_add(&t->node[k].cpus, (unsigned int)c->cpu);
	}
	return 0;
}

struct topo_cpu topo_cpu_blank(int cpu)
{
	return (struct topo_cpu){
		.cpu = cpu,
		.online = true,
		.core = -1,
		.smt = -1,
		.llc = -1,
		.node = -1,
		.die = -1,
		.package = -1,
		.cluster = -1,
		.kernel_core_id = -1,
		.kernel_die_id = -1,
		.kernel_package_id = -1,
		.kernel_cluster_id = -1,
		.kernel_book_id = -1,
		.kernel_drawer_id = -1,
		.capacity = -1,
	};
}

int topo_from_spec(const struct topospec *spec, struct topo *ret)
{
	unsigned int per_llc = spec->cores * spec->threads,
		     llcs_per_node = spec->llcs / spec->nodes;
	unsigned int i;
	struct topo *t = calloc(1, sizeof(*t)); /* too large for a stack that may be small */
	int rc = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->n_cpus = topospec_cpus(spec);
	t->n_llcs = spec->llcs;
	t->n_nodes = spec->nodes;
	t->numa = true;
	t->cpu = calloc(t->n_cpus, sizeof(*t->cpu));
	t->llc = calloc(t->n_llcs, sizeof(*t->llc));
	t->node = calloc(t->n_nodes, sizeof(*t->node));
	t->distance = calloc((size_t)t->n_nodes * t->n_nodes, sizeof(*t->distance));
	if (!t->cpu || !t->llc || !t->node || !t->distance)
		goto out;
	for (i = 0; i < t->n_cpus; i++) {
		unsigned int llc = i / per_llc;
		struct topo_cpu *c = &t->cpu[i];

		*c = topo_cpu_blank((int)i);
		c->core = (int)(i / spec->threads);
		c->smt = (int)(i % spec->threads);
		c->llc = (int)llc;
		c->node = (int)(llc / llcs_per_node);
		/* A package for each node and a die for each LLC, as kt-vm builds it. */
		c->die = c->llc;
		c->package = c->node;
		c->capacity = 1024;
	}
	for (i = 0; i < t->n_llcs; i++)
		t->llc[i] = (struct topo_llc){
			.level = -1, .kernel_id = -1, .kb = -1, .src = TOPO_LLC_SPEC
		};
	for (i = 0; i < t->n_nodes; i++)
		t->node[i] = (struct topo_node){ .node = (int)i, .mem_kb = -1, .free_kb = -1 };
	for (i = 0; i < t->n_nodes * t->n_nodes; i++)
		t->distance[i] = i / t->n_nodes == i % t->n_nodes ? 10 : 20;
	rc = topo_derive(t);
out:
	if (rc < 0)
		topo_free(t);
	else
		*ret = *t;
	free(t);
	return rc;
}
