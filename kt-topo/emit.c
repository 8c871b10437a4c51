/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology as records. */
#include "emit.h"
#include "jsonw.h"

#include <string.h>

static void put_set(struct jsonw *w, const char *key, const struct cpuset *s)
{
	char text[CPUSET_TEXT];

	jsonw_str(w, key, cpuset_format(s, text, sizeof(text)));
}

/* A count is never 0 on a machine that runs: 0 means unknown. */
static void put_count(struct jsonw *w, const char *key, unsigned int n)
{
	jsonw_id(w, key, n ? (int64_t)n : -1);
}

static int emit_cpu(struct jsonw *w, const struct topo *t, const struct topo_cpu *c)
{
	const struct topo_llc *llc = c->llc >= 0 ? &t->llc[c->llc] : NULL;

	jsonw_begin(w, "cpu");
	jsonw_id(w, "cpu", c->cpu);
	jsonw_bool(w, "online", c->online);
	jsonw_id(w, "package", c->package);
	jsonw_id(w, "die", c->die);
	jsonw_id(w, "cluster", c->cluster);
	jsonw_id(w, "core", c->core);
	jsonw_id(w, "smt", c->smt);
	jsonw_id(w, "llc", c->llc);
	jsonw_id(w, "llc_kb", llc ? llc->kb : -1);
	jsonw_id(w, "node", c->node);
	jsonw_id(w, "capacity", c->capacity);
	jsonw_id(w, "kernel_package_id", c->kernel_package_id);
	jsonw_id(w, "kernel_die_id", c->kernel_die_id);
	jsonw_id(w, "kernel_cluster_id", c->kernel_cluster_id);
	jsonw_id(w, "kernel_core_id", c->kernel_core_id);
	jsonw_id(w, "kernel_llc_id", llc ? llc->kernel_id : -1);
	jsonw_id(w, "kernel_book_id", c->kernel_book_id);
	jsonw_id(w, "kernel_drawer_id", c->kernel_drawer_id);
	return jsonw_end(w);
}

static int emit_llc(struct jsonw *w, const struct topo *t, unsigned int i)
{
	static const char *const src[] = {
		[TOPO_LLC_CACHE] = "cache",
		[TOPO_LLC_PACKAGE] = "package",
		[TOPO_LLC_NODE] = "node",
		[TOPO_LLC_SPEC] = "spec",
	};
	const struct topo_llc *llc = &t->llc[i];

	jsonw_begin(w, "llc");
	jsonw_u64(w, "llc", i);
	put_set(w, "cpus", &llc->cpus);
	jsonw_id(w, "node", topo_llc_node(llc));
	put_set(w, "nodes", &llc->nodes);
	jsonw_id(w, "kb", llc->kb);
	jsonw_id(w, "level", llc->level);
	jsonw_str(w, "source", src[llc->src]);
	jsonw_id(w, "kernel_llc_id", llc->kernel_id);
	return jsonw_end(w);
}

static void put_distance(struct jsonw *w, const struct topo *t, unsigned int from)
{
	const int *row = t->distance + (size_t)from * t->n_nodes;
	unsigned int to;

	if (row[0] < 0) { /* rows are known whole or not at all */
		jsonw_null(w, "distance");
		return;
	}
	jsonw_arr(w, "distance");
	for (to = 0; to < t->n_nodes; to++)
		jsonw_id(w, NULL, row[to]);
	jsonw_arr_end(w);
}

static int emit_node(struct jsonw *w, const struct topo *t, unsigned int i)
{
	const struct topo_node *n = &t->node[i];

	jsonw_begin(w, "node");
	jsonw_id(w, "node", n->node);
	put_set(w, "cpus", &n->cpus);
	jsonw_id(w, "mem_kb", n->mem_kb);
	jsonw_id(w, "free_kb", n->free_kb);
	put_distance(w, t, i);
	return jsonw_end(w);
}

static int emit_summary(struct jsonw *w, const struct topo *t)
{
	char text[TOPOSPEC_TEXT];
	struct topospec spec;

	jsonw_begin(w, "topology");
	jsonw_str(w, "spec", topo_spec(t, &spec) ? topospec_format(&spec, text) : NULL);
	put_count(w, "n_cpus", cpuset_count(&t->online));
	put_count(w, "n_cores", t->n_cores);
	put_count(w, "n_llcs", t->n_llcs);
	put_count(w, "n_nodes", t->n_nodes);
	put_count(w, "n_packages", t->n_packages);
	put_count(w, "n_dies", t->n_dies);
	put_count(w, "n_clusters", t->n_clusters);
	put_count(w, "max_smt", t->n_cores ? topo_max_smt(t) : 0);
	jsonw_bool(w, "numa", t->numa);
	put_set(w, "present", &t->present);
	put_set(w, "online", &t->online);
	if (t->has_cgroup)
		put_set(w, "cgroup", &t->cgroup);
	else
		jsonw_null(w, "cgroup");
	if (t->has_affinity)
		put_set(w, "affinity", &t->affinity);
	else
		jsonw_null(w, "affinity");
	return jsonw_end(w);
}

static int emit_end(struct jsonw *w, const struct topo *t)
{
	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-topo");
	jsonw_str(w, "outcome", "ok");
	missing_write(&t->missing, w);
	return jsonw_end(w);
}

static int emit_all(struct jsonw *w, const struct topo *t, const char *source)
{
	unsigned int i;
	int rc;

	jsonw_meta(w, "kt-topo", strcmp(source, "machine") == 0);
	jsonw_str(w, "source", source);
	rc = jsonw_end(w);
	for (i = 0; rc == 0 && i < t->n_cpus; i++)
		rc = emit_cpu(w, t, &t->cpu[i]);
	for (i = 0; rc == 0 && i < t->n_llcs; i++)
		rc = emit_llc(w, t, i);
	for (i = 0; rc == 0 && i < t->n_nodes; i++)
		rc = emit_node(w, t, i);
	if (rc == 0)
		rc = emit_summary(w, t);
	return rc == 0 ? emit_end(w, t) : rc;
}

int emit_topo(FILE *out, const struct topo *t, const char *source)
{
	struct jsonw w;
	int rc;

	jsonw_init(&w, out);
	rc = emit_all(&w, t, source);
	jsonw_free(&w);
	return rc;
}

int emit_shape(FILE *out, const struct topo *t)
{
	struct jsonw w;
	unsigned int i;
	int rc = 0;

	jsonw_init(&w, out);
	for (i = 0; rc == 0 && i < t->n_cpus; i++) {
		const struct topo_cpu *c = &t->cpu[i];

		if (!c->online)
			continue;
		jsonw_begin(&w, "cpu");
		jsonw_id(&w, "cpu", c->cpu);
		jsonw_id(&w, "core", c->core);
		jsonw_id(&w, "smt", c->smt);
		jsonw_id(&w, "llc", c->llc);
		jsonw_id(&w, "node", c->node);
		rc = jsonw_end(&w);
	}
	for (i = 0; rc == 0 && i < t->n_nodes; i++) {
		jsonw_begin(&w, "node");
		jsonw_id(&w, "node", t->node[i].node);
		put_distance(&w, t, i);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	return rc;
}
