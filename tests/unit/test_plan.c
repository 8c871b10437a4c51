// SPDX-License-Identifier: GPL-2.0-or-later
/* Which CPUs a reservation takes. */
#include "plan.h"
#include "tap.h"

#include <stdlib.h>

static struct topo topo;
static struct plan_llc llc[64];
static struct plan_in in;
static struct plan plan;

/* A machine that nobody has reserved anything of. */
static void machine(const char *spec)
{
	struct topospec s;

	topo_free(&topo);
	if (topospec_parse(spec, &s) < 0 || topo_from_spec(&s, &topo) < 0)
		abort();
	memset(llc, 0, sizeof(llc));
	in = (struct plan_in){ .topo = &topo, .allowed = topo.online, .llc = llc };
}

static struct cpuset set(const char *list)
{
	struct cpuset s;

	if (cpuset_parse(list, &s) < 0)
		abort();
	return s;
}

/* The plan as "LLCS:CPUS", or what stands against it. */
static const char *get(unsigned int want)
{
	static const char *const why[] = {
		[PLAN_NOWHERE] = "nowhere", [PLAN_TOO_MANY] = "too many", [PLAN_BUSY] = "busy"
	};
	static char text[2 * CPUSET_TEXT];
	char llcs[CPUSET_TEXT], cpus[CPUSET_TEXT];
	enum plan_result res;

	in.want = want;
	res = plan_make(&in, &plan);
	if (res != PLAN_OK)
		return why[res];
	(void)snprintf(text, sizeof(text), "%s:%s", cpuset_format(&plan.llcs, llcs, sizeof(llcs)),
		       cpuset_format(&plan.cpus, cpus, sizeof(cpus)));
	return text;
}

static void capped(void)
{
	machine("2n8l4c2t"); /* 8 CPUs in each LLC; node 1 begins with LLC 4 and CPU 32 */
	ok_str(get(4), "0:0-3", "on a free machine the first LLC, whole cores");
	ok(plan.partial == 0, "of which a part is left");
	ok_str(get(8), "0:0-7", "a whole LLC");
	ok(plan.partial == -1, "of which nothing is left");
	ok_str(get(3), "0:0-2", "an odd number: one core is shared with nobody's other half");
	ok_str(get(20), "0-2:0-19", "several, of which the last is cut");
	ok_str(get(64), "0-7:0-63", "all of it");
	ok_str(get(65), "too many", "more than there is");

	llc[5].shared = 2;
	in.taken = set("40-41");
	ok_str(get(4), "5:42-45", "an LLC with reservations comes before free ones");
	llc[6].shared = 3;
	in.taken = set("40-41,48-49");
	ok_str(get(4), "6:50-53", "and the one with most of them before others");
	in.taken = set("40-41,48-55");
	ok_str(get(4), "5:42-45", "but not when nothing of it is free");

	llc[6].shared = 0;
	in.taken = set("40-45");
	ok_str(get(6), "4-5:32-35,46-47",
	       "what does not fit goes to the same node, and there the cut is");
	ok(plan.partial == 4, "in the LLC that was taken last, though its index is lower");
	ok_str(get(26), "4-7:32-39,46-63", "the node whole before another node");
	ok_str(get(27), "0,4-7:0,32-39,46-63", "then the other");
	ok(cpuset_count(&plan.mems) == 2, "memory of both nodes");

	machine("2n8l4c2t");
	llc[0].exclusive = 1;
	ok_str(get(4), "1:8-11", "an LLC that is held exclusively is left alone");
	llc[1].busy = true;
	ok_str(get(4), "2:16-19", "one that was just found locked too");
	ok_str(get(49), "busy", "and what they have is not to be had");
	ok_str(get(48), "2-7:16-63", "the rest is");
}

static void allowed(void)
{
	machine("2n8l4c2t");
	in.allowed = set("6-9,30,60-63");
	ok_str(get(1), "0:6", "only what is allowed");
	ok_str(get(5), "0-1,3:6-9,30", "LLC by LLC");
	ok_str(get(9), "0-1,3,7:6-9,30,60-63", "all that is allowed");
	ok_str(get(10), "too many", "more than is allowed");
	in.taken = set("7");
	ok_str(get(9), "busy", "as many as are allowed, of which one is taken");
	ok_str(get(1), "0:6", "a broken core is used before a whole one is broken");
	in.taken = set("6");
	ok_str(get(2), "0-1:7-8", "the same over two LLCs");
	in.allowed = set("500");
	ok_str(get(1), "nowhere", "allowed CPUs that are in no LLC");
}

static void nodes(void)
{
	static const int d[4][4] = {
		{ 10, 40, 20, 255 }, { 40, 10, 30, 20 }, { 20, 30, 10, 15 }, { 255, 20, 15, 10 }
	};
	unsigned int i, k;

	machine("4n4l4c1t");
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++)
			topo.distance[i * 4 + k] = d[i][k];
	ok_str(get(6), "0,2:0-3,8-9", "the nearest node follows, not the next number");
	ok_str(get(10), "0-2:0-5,8-11", "then the next nearest");
	ok_str(get(14), "0-3:0-13", "one that cannot be reached comes last");
	llc[3].shared = 1;
	in.taken = set("12");
	ok_str(get(9), "1-3:4-5,8-11,13-15", "distances count from the node of the first LLC");
	in.taken = (struct cpuset){ 0 };
	llc[3].shared = 0;
	topo.distance[0] = 99; /* firmware that says so exists */
	ok_str(get(4), "0:0-3", "the anchor's own node comes first whatever the distances say");
	for (i = 0; i < 16; i++)
		topo.distance[i] = -1;
	ok_str(get(6), "0-1:0-5", "without distances, by number");

	machine("2n2l4c1t");
	topo.node[1].mem_kb = 0;
	ok_str(get(8), "0-1:0-7", "a node without memory");
	ok(cpuset_count(&plan.mems) == 1 && cpuset_has(&plan.mems, 0),
	   "is not among the memory nodes");
}

static void share(void)
{
	machine("1n2l2c1t");
	in.taken = set("0-2");
	llc[0].shared = llc[1].shared = 1;
	ok_str(get(2), "busy", "nothing is shared that is not asked for");
	in.share = true;
	ok_str(get(1), "1:3", "with share, what is free comes first");
	ok(cpuset_empty(&plan.shared), "and if it suffices nothing is shared");
	ok_str(get(2), "0-1:0,3", "then CPUs of others");
	ok(cpuset_count(&plan.shared) == 1 && cpuset_has(&plan.shared, 0), "which are told apart");
	in.taken = topo.online;
	ok_str(get(3), "0-1:0-2", "when all are taken, in the order of LLCs");
	llc[0].exclusive = 1;
	ok_str(get(3), "busy", "but never those of an exclusive LLC");
	ok_str(get(2), "1:2-3", "only the others'");
}

static void exclusive(void)
{
	machine("2n8l4c2t");
	in.exclusive = true;
	ok_str(get(1), "0:0-7", "an LLC with all its CPUs");
	ok_str(get(4), "0-3:0-31", "a node of them");
	ok_str(get(5), "0-4:0-39", "more than a node");
	llc[1].shared = llc[2].shared = llc[3].exclusive = 1;
	ok_str(get(1), "0:0-7", "one that is free beside others that are not");
	ok_str(get(2), "4-5:32-47", "two of one node rather than the first two");
	ok_str(get(5), "0,4-7:0-7,32-63", "all that are free");
	ok_str(get(6), "busy", "not those that are held in any way");
	ok_str(get(9), "too many", "more LLCs than there are");
	in.taken = set("35");
	ok_str(get(2), "5-6:40-55", "one with a CPU that is locked is in use");
	in.taken = (struct cpuset){ 0 };
	in.allowed = set("1-7,32-63");
	ok_str(get(1), "4:32-39", "one of which all CPUs are allowed");
	ok_str(get(5), "0,4-7:1-7,32-63", "before one of which only some are");
	in.allowed = set("1-7");
	ok_str(get(2), "too many", "LLCs without an allowed CPU do not count");
}

/* Of given caches, over nodes, and with a CPU beside them. */
static void chosen(void)
{
	struct cpuset of = set("2-3,5-7");

	machine("2n8l4c2t");
	in.exclusive = true;
	in.of = &of;
	ok_str(get(2), "2-3:16-31", "of given LLCs");
	ok_str(get(6), "too many", "of which there are no more");
	in.of = NULL;
	in.nodes = 2;
	ok_str(get(4), "0-1,4-5:0-15,32-47", "as many on each of two nodes");
	ok_str(get(3), "0-2:0-23", "where that cannot be, as ever");
	llc[4].shared = llc[5].shared = llc[6].shared = 1;
	ok_str(get(2), "0,7:0-7,56-63", "those that are free on each");
	ok_str(get(4), "0-3:0-31", "when a node has too few, as ever");

	machine("2n8l4c2t");
	in.exclusive = true;
	in.spare = 1;
	ok_str(get(1), "0:0-8", "a CPU beside it, of the same node");
	ok(cpuset_count(&plan.spare) == 1 && cpuset_has(&plan.spare, 8) &&
		   cpuset_count(&plan.spare_llcs) == 1 && cpuset_has(&plan.spare_llcs, 1),
	   "which is told apart, and is not of an LLC that is ours alone");
	llc[3].shared = 1;
	in.taken = set("24-25");
	ok_str(get(1), "0:0-7,26", "beside others' CPUs rather than in an empty LLC");
	in.taken = (struct cpuset){ 0 };
	llc[3].shared = 0;
	ok_str(get(4), "0-3:0-32", "when the node is full, of another one");
	ok_str(get(8), "too many", "not when there is nothing beside them");
	llc[4].exclusive = llc[5].exclusive = llc[6].exclusive = llc[7].exclusive = 1;
	ok_str(get(4), "busy", "nor from those that others have alone");
}

/* A small generator of our own: libc's is not the same everywhere. */
static unsigned int rnd(uint64_t *s, unsigned int n)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(*s >> 33) % n;
}

/* Whatever is taken, busy, held and allowed: what comes out keeps the rules. */
static void any(void)
{
	unsigned int round, i, good = 0, broken = 0;
	uint64_t seed = 1;

	machine("4n8l3c2t");
	for (round = 0; round < 20000; round++) {
		struct cpuset bad;
		unsigned int n;
		enum plan_result res;

		memset(llc, 0, sizeof(llc));
		in.taken = in.allowed = (struct cpuset){ 0 };
		in.exclusive = rnd(&seed, 4) == 0;
		in.share = rnd(&seed, 4) == 0;
		for (i = 0; i < 48; i++) {
			if (rnd(&seed, 4))
				cpuset_add(&in.allowed, i);
			if (rnd(&seed, 3) == 0)
				cpuset_add(&in.taken, i);
		}
		for (i = 0; i < 8; i++) {
			llc[i].shared = rnd(&seed, 3);
			llc[i].exclusive = rnd(&seed, 6) == 0;
			llc[i].busy = rnd(&seed, 8) == 0;
		}
		in.want = 1 + rnd(&seed, in.exclusive ? 9 : 49);
		n = plan_free(&in);
		res = plan_make(&in, &plan);
		if (res != PLAN_OK) {
			broken += res == PLAN_BUSY && in.want <= n;
			continue;
		}
		good++;
		bad = plan.cpus;
		cpuset_andnot(&bad, &in.allowed);
		broken += !cpuset_empty(&bad) || in.want > n;
		bad = plan.cpus;
		cpuset_and(&bad, &in.taken);
		broken += !cpuset_equal(&bad, &plan.shared) || (!in.share && !cpuset_empty(&bad));
		broken += in.exclusive ? cpuset_count(&plan.llcs) != in.want
				       : cpuset_count(&plan.cpus) != in.want;
		for (i = 0; i < 8; i++) {
			bad = plan.cpus;
			cpuset_and(&bad, &topo.llc[i].cpus);
			broken += cpuset_has(&plan.llcs, i) == cpuset_empty(&bad);
			broken += cpuset_has(&plan.llcs, i) && (llc[i].busy || llc[i].exclusive ||
								(in.exclusive && llc[i].shared));
		}
	}
	ok(broken == 0, "plans of 20,000 random machines keep the rules (%u broken)", broken);
	ok(good > 2000, "and many of them are plans (%u)", good);
}

/* One after the other, until the machine is full. */
static void fill(void)
{
	struct cpuset all = { 0 };
	unsigned int n = 0;

	machine("2n4l2c2t");
	while (strcmp(get(3), "busy") != 0) {
		int i;

		for (i = -1; (i = cpuset_next(&plan.cpus, i + 1)) >= 0;) {
			n++;
			cpuset_add(&all, (unsigned int)i);
		}
		for (i = -1; (i = cpuset_next(&plan.llcs, i + 1)) >= 0;)
			llc[i].shared++;
		cpuset_or(&in.taken, &plan.cpus);
	}
	ok(n == 15 && cpuset_count(&all) == 15,
	   "reservations of 3 of 16 CPUs are five, and none has a CPU of another");
}

int main(void)
{
	capped();
	allowed();
	nodes();
	share();
	exclusive();
	chosen();
	any();
	fill();
	topo_free(&topo);
	return tap_done();
}
