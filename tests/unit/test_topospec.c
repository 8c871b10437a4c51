/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Specs, and the model that is made from one or by hand. */
#include "cleanup.h"
#include "tap.h"
#include "topo.h"
#include "topospec.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *in, *out; /* out NULL: refused with rc */
	int rc;
} specs[] = {
	{ "1n2l4c2t", "1n2l4c2t", 0 },
	{ "1,2,4,2", "1n2l4c2t", 0 },
	{ "4n12l8c2t", "4n12l8c2t", 0 },
	{ "1n14l18c1t", "1n14l18c1t", 0 },
	{ "1n1l8192c1t", "1n1l8192c1t", 0 },
	{ "3n4l1c1t", NULL, -EDOM },
	{ "2n1l1c1t", NULL, -EDOM },
	{ "1n1l8193c1t", NULL, -ERANGE },
	{ "1n91l91c1t", NULL, -ERANGE },
	{ "1n4096l4096c4096t", NULL, -ERANGE },
	{ "1n99999999999999999999l1c1t", NULL, -ERANGE },
	{ "", NULL, -EINVAL },
	{ "1n2l4c", NULL, -EINVAL },
	{ "1n2l4c2", NULL, -EINVAL },
	{ "1n2l4c2t ", NULL, -EINVAL },
	{ " 1n2l4c2t", NULL, -EINVAL },
	{ "1n2l4c2tt", NULL, -EINVAL },
	{ "2l1n4c2t", NULL, -EINVAL },
	{ "0n2l4c2t", NULL, -EINVAL },
	{ "01n2l4c2t", NULL, -EINVAL },
	{ "1N2L4C2T", NULL, -EINVAL },
	{ "1,2,4", NULL, -EINVAL },
	{ "1,2,4,2,", NULL, -EINVAL },
	{ "1,2,4,2t", NULL, -EINVAL },
	{ "1n2,4,2", NULL, -EINVAL },
	{ "1,2l4c2t", NULL, -EINVAL },
	{ "+1,2,4,2", NULL, -EINVAL },
};

static void test_texts(void)
{
	char text[TOPOSPEC_TEXT];
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(specs); i++) {
		struct topospec s = { 9, 9, 9, 9 };
		int rc = topospec_parse(specs[i].in, &s);

		ok(rc == specs[i].rc, "'%s' returns %d", specs[i].in, specs[i].rc);
		ok_str(topospec_format(&s, text), specs[i].out ? specs[i].out : "9n9l9c9t",
		       "'%s' gives %s", specs[i].in,
		       specs[i].out ? specs[i].out : "what was there");
		ok(rc == 0 || topospec_why(rc)[0], "'%s': there are words for it", specs[i].in);
	}
}

static void test_model(void)
{
	static const char *const good[] = { "1n1l1c1t", "1n3l3c1t", "2n4l4c2t", "3n3l1c4t" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(good); i++) {
		struct topospec s, again;
		static struct topo model; /* too large for a stack that may be small */
		struct topo *t = &model;

		if (!ok(topospec_parse(good[i], &s) == 0 && topo_from_spec(&s, t) == 0,
			"a model of %s", good[i]))
			return;
		ok(t->n_cpus == topospec_cpus(&s) && t->n_llcs == s.llcs && t->n_nodes == s.nodes &&
			   t->n_cores == s.llcs * s.cores && topo_max_smt(t) == s.threads &&
			   topo_cpu_nodes(t) == s.nodes,
		   "%s: the counts", good[i]);
		ok(topo_spec(t, &again) && memcmp(&s, &again, sizeof(s)) == 0, "%s: its own spec",
		   good[i]);
		ok(!topo_cpu(t, t->n_cpus) && topo_cpu(t, 0)->cpu == 0, "%s: CPUs by number",
		   good[i]);
		/* One odd thing each, and no spec says it any more. */
		t->cpu[t->n_cpus - 1].capacity = 512;
		ok(t->n_cpus == 1 || !topo_spec(t, &again), "%s: not with a slower CPU", good[i]);
		topo_free(t);
	}
}

/* Four CPUs, two cores, two LLCs, two nodes; topo_free() releases it. */
static struct topo *four(void)
{
	static struct topo model;
	int i;

	model = (struct topo){ .n_cpus = 4, .cpu = calloc(4, sizeof(*model.cpu)) };
	for (i = 0; model.cpu && i < 4; i++)
		model.cpu[i] = (struct topo_cpu){ .cpu = 10 * i,
						  .online = true,
						  .core = i / 2,
						  .smt = i % 2,
						  .llc = i / 2,
						  .node = i / 2 * 8,
						  .die = -1,
						  .package = 0,
						  .cluster = -1,
						  .capacity = -1 };
	return &model;
}

static int derive_with(void (*change)(struct topo *t))
{
	struct topo *t = four();
	int rc;

	if (!t->cpu)
		return -ENOMEM;
	change(t);
	rc = topo_derive(t);
	topo_free(t);
	return rc;
}

static void as_it_is(struct topo *t)
{
	(void)t; /* nothing is changed */
}

static void same_cpu(struct topo *t)
{
	t->cpu[1].cpu = 0;
}

static void descending(struct topo *t)
{
	t->cpu[2].cpu = 5;
}

static void llc_gap(struct topo *t)
{
	t->cpu[2].llc = t->cpu[3].llc = 2;
}

static void core_order(struct topo *t)
{
	t->cpu[0].core = 1;
}

static void cpu_beyond(struct topo *t)
{
	t->cpu[3].cpu = CPUSET_MAX;
}

static void node_beyond(struct topo *t)
{
	t->cpu[3].node = CPUSET_MAX;
}

static void test_derive(void)
{
	struct topo *t;
	char text[CPUSET_TEXT];
	struct topospec s;

	ok(derive_with(as_it_is) == 0, "a model by hand");
	ok(derive_with(same_cpu) == -EINVAL, "a CPU twice is refused");
	ok(derive_with(descending) == -EINVAL, "descending CPUs are refused");
	ok(derive_with(llc_gap) == -EINVAL, "LLC ids with a gap are refused");
	ok(derive_with(core_order) == -EINVAL, "core ids out of order are refused");
	ok(derive_with(cpu_beyond) == -EINVAL, "a CPU beyond all sets is refused");
	ok(derive_with(node_beyond) == -EINVAL, "a node beyond all sets is refused");
	t = four();
	ok(t->cpu && topo_derive(t) == 0, "once more");
	if (!t->cpu || !t->llc || !t->node)
		return;
	ok_str(cpuset_format(&t->online, text, sizeof(text)), "0,10,20,30", "its CPUs");
	ok_str(cpuset_format(&t->llc[1].cpus, text, sizeof(text)), "20,30", "of LLC 1");
	ok(topo_llc_node(&t->llc[1]) == 8 && topo_node_index(t, 8) == 1 &&
		   topo_node_index(t, 1) == -1,
	   "nodes by number");
	ok(topo_cpu(t, 20) == &t->cpu[2] && !topo_cpu(t, 21), "CPUs by number");
	ok(topo_spec(t, &s) && s.nodes == 2 && s.llcs == 2 && s.cores == 1 && s.threads == 2,
	   "its spec, however CPUs and nodes are numbered");
	t->cpu[1].llc = 1;
	ok(topo_derive(t) == 0 && !topo_spec(t, &s), "a core over two LLCs has no spec");
	t->cpu[1].llc = 0;
	t->cpu[1].node = 8;
	ok(topo_derive(t) == 0 && topo_llc_node(&t->llc[0]) == -1 && !topo_spec(t, &s),
	   "an LLC over two nodes has no node, and the machine no spec");
	topo_free(t);
}

int main(void)
{
	test_texts();
	test_model();
	test_derive();
	return tap_done();
}
