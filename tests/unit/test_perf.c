// SPDX-License-Identifier: GPL-2.0-or-later
/* Which CPU each CPU of the guest gets, on machines of all shapes. */
#include "cleanup.h"
#include "perf.h"
#include "root.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static struct topo topo;
static struct perf_in in;
static struct perf perf;
static char why[512];

static struct cpuset set(const char *list)
{
	struct cpuset s;

	if (cpuset_parse(list, &s) < 0)
		abort();
	return s;
}

/* A server, or a captured tree. */
static void machine(const char *name)
{
	struct topospec s;
	char dir[128];

	topo_free(&topo);
	if (topospec_parse(name, &s) == 0) {
		if (topo_from_spec(&s, &topo) < 0)
			abort();
	} else {
		AUTO_FD root = -1;

		(void)snprintf(dir, sizeof(dir), "tests/fixtures/%s", name);
		root = root_open(dir);
		if (root < 0 || topo_read(root, &topo) < 0)
			abort();
	}
	in = (struct perf_in){ .topo = &topo, .usable = topo.online };
}

/* "CPUS service CPU of nodes NODES", the CPUs of an LLC together; or the kind of failure. */
static const char *plan(const char *spec)
{
	static char text[4096];
	char list[CPUSET_TEXT];
	unsigned int i, each;
	size_t n = 0;
	int rc;

	perf_free(&perf);
	if (topospec_parse(spec, &in.guest) < 0)
		abort();
	rc = perf_plan(&in, &perf, why, sizeof(why));
	if (rc < 0)
		return rc == -EBUSY ? "busy" : rc == -ERANGE ? "range" : strerror(-rc);
	each = in.guest.cores * in.guest.threads;
	for (i = 0; i < perf.n_cpus; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d",
				      i == 0	      ? ""
				      : i % each == 0 ? " | "
						      : ",",
				      perf.cpu[i]);
	n += (size_t)snprintf(text + n, sizeof(text) - n, " + %d on", perf.service_cpu);
	for (i = 0; i < in.guest.nodes; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
				      cpuset_format(&perf.node[i].host, list, sizeof(list)));
	return text;
}

/* Why that step is not done; NULL: it is, or will be. */
static const char *lacks(enum perf_step step)
{
	return perf.step[step].state == PERF_NOT_DONE ? perf.step[step].why : NULL;
}

static const char *fit(void)
{
	static char list[CPUSET_TEXT];

	return cpuset_format(&perf.fit, list, sizeof(list));
}

static void threads(void)
{
	machine("1n2l4c2t");
	ok_str(plan("1n1l2c2t"), "0,1,2,3 + 4 on 0", "threads of a core to threads of a core");
	ok(!lacks(PERF_CORES) && !lacks(PERF_SERVICE) && !perf.spare, "nothing is amiss");
	ok_str(plan("1n1l3c1t"), "0,2,4 + 6 on 0", "one thread: the others of its core are idle");
	ok_str(plan("1n1l4c1t"), "0,2,4,6 + 8 on 0",
	       "and everything else goes to another LLC, not to one of them");
	ok(perf.spare, "which has to be reserved beside it");
	ok_str(fit(), "0-1", "any LLC will do for it");
	ok_str(plan("1n1l2c4t"), "0,1,2,3,4,5,6,7 + 8 on 0", "more threads than a core has");
	ok(lacks(PERF_CORES) != NULL, "is told");
	ok_str(plan("1n1l1c4t"), "0,2,4,6 + 8 on 0", "or have cores of their own if they suffice");
	ok(lacks(PERF_CORES) && strstr(lacks(PERF_CORES), "cores of their own"), "and that too");
	ok_str(plan("1n1l6c1t"), "0,1,2,3,4,5 + 6 on 0", "more cores than an LLC has, not CPUs");
	ok_str(plan("1n1l9c1t"), "range", "more CPUs than any LLC has");
	ok(strstr(why, "9 CPUs") != NULL, "which says how many are needed");
	ok_str(plan("1n3l1c1t"), "range", "more LLCs than there are");
	ok_str(plan("1n2l4c2t"), "busy", "all CPUs, and none for everything else");
	ok(strstr(why, "needs 17 CPUs, 16 for") && strstr(why, "only 16"), "which says so");

	machine("1n1l4c2t");
	ok_str(plan("1n1l4c1t"), "0,2,4,6 + 1 on 0",
	       "the second thread of a core is the last resort");
	ok(lacks(PERF_SERVICE) && !perf.spare, "and told, and nothing is to be had beside it");
	machine("smt4");
	ok_str(plan("1n1l1c2t"), "0,1 + 4 on 0", "two threads of four, the others stay idle");
	ok_str(plan("1n2l1c3t"), "0,1,2 | 4,5,6 + 3 on 0", "three of four");
	machine("1n2l4c1t");
	ok_str(plan("1n1l2c2t"), "0,1,2,3 + 4 on 0", "no threads here: cores of their own");
	ok(lacks(PERF_CORES) != NULL, "which is told");
}

static void allowed(void)
{
	machine("1n2l4c2t");
	in.usable = set("1-6,9,11,13-15,500");
	ok_str(plan("1n1l2c2t"), "2,3,4,5 + 1 on 0", "whole cores of what is allowed");
	ok_str(plan("1n1l3c1t"), "2,4,1 + 6 on 0", "whole cores before others");
	ok_str(plan("1n2l2c2t"), "2,4,1,6 | 14,9,11,13 + 3 on 0",
	       "only the first LLC has two cores with both threads: each thread on a core");
	ok(lacks(PERF_CORES) != NULL, "which is told");
	in.usable = set("3,12");
	ok_str(plan("1n1l1c1t"), "3 + 12 on 0", "a CPU in each of two LLCs");
	ok(perf.spare, "of which one is beside the other");
	in.usable = set("3");
	ok_str(plan("1n1l1c1t"), "busy", "a single CPU");
	in.usable = (struct cpuset){ 0 };
	ok_str(plan("1n1l1c1t"), "busy", "none at all");
}

static void nodes(void)
{
	machine("2n8l2c1t");
	ok_str(plan("2n4l2c1t"), "0,1 | 2,3 | 8,9 | 10,11 + 4 on 0 1", "nodes to nodes");
	ok(!lacks(PERF_NODES) && perf.spare, "each has its own");
	ok_str(plan("1n4l1c1t"), "0 | 2 | 4 | 6 + 1 on 0", "one node to one node");
	ok_str(plan("1n5l1c1t"), "0 | 2 | 4 | 6 | 8 + 1 on 0-1", "or to two if one is too small");
	ok(lacks(PERF_NODES) != NULL, "which is told");
	ok_str(plan("4n4l1c1t"), "0 | 2 | 4 | 6 + 1 on 0 0 0 0", "more nodes than there are");
	ok(lacks(PERF_NODES) != NULL, "which is told");
	in.usable = set("6-15");
	ok_str(plan("1n2l2c1t"), "8,9 | 10,11 + 12 on 1", "the node that has enough LLCs");

	machine("llc-two-nodes");
	ok_str(plan("1n1l3c1t"), "0,1,2 + 3 on 0-1", "an LLC over two nodes: memory of both");
	ok_str(plan("1n1l2c1t"), "0,1 + 2 on 0", "or of that one which its CPUs are on");
	ok(lacks(PERF_NODES) != NULL, "no node has an LLC of its own");
	machine("memory-only-node");
	ok_str(plan("1n1l1c1t"), "0 + 1 on 0", "nodes with memory and CPUs");
	machine("no-numa");
	ok_str(plan("1n1l1c2t"), "0,1 + 2 on 0", "without nodes");
	ok(!perf.bind && lacks(PERF_BINDING), "nothing is bound");
	machine("2n2l2c1t");
	topo.node[1].mem_kb = 0;
	ok_str(plan("2n2l1c1t"), "0 | 2 + 1 on 0 ", "a node whose CPUs have no memory");
	ok(!perf.bind && lacks(PERF_BINDING), "cannot be bound to");
}

static void odd(void)
{
	machine("hybrid"); /* cores of two kinds; LLCs of eight CPUs and of two */
	ok_str(plan("1n1l2c2t"), "0,1,2,3 + 4 on 0", "the large cores");
	ok_str(plan("1n1l6c1t"), "0,2,4,5,6,7 + 8 on 0", "then the small ones");
	ok_str(fit(), "0", "the small LLC does not do for that");
	ok_str(plan("1n2l2c1t"), "0,2 | 8,9 + 4 on 0", "LLCs of unequal size");
	machine("offline");
	ok_str(plan("1n1l3c1t"), "0,2,5 + 3 on 0", "CPUs that are offline have no part in it");
	machine("sparse-ids");
	ok_str(plan("2n2l1c1t"), "0 | 16 + 8 on 0 8", "numbers with holes");
	machine("ids-repeat");
	ok_str(plan("2n2l2c1t"), "0,2 | 1,3 + 4 on 0 1", "CPUs numbered across nodes");
	machine("minimal");
	ok_str(plan("1n1l2c1t"), "0,1 + 3 on 0", "no cores known: each CPU is one");
	machine("no-cache");
	ok_str(plan("3n3l1c1t"), "0 | 2 | 4 + 1 on 0 1 2", "no caches known");
	machine("four-sets");
	topo_read_allowed(-1, false, &topo); /* nothing there */
	in.usable = set("0-3");
	ok_str(plan("1n2l1c1t"), "range", "LLCs without an allowed CPU do not count");
	machine("masks-only");
	ok_str(plan("1n1l1c2t"), "0,32 + 1 on 0", "second threads that are numbered last");
}

static void reserved(void)
{
	struct cpuset alone = set("1,3");

	machine("1n4l2c1t");
	in.llcs = &alone;
	in.usable = set("0,2-3,6-7");
	ok_str(plan("1n2l2c1t"), "2,3 | 6,7 + 0 on 0", "what is reserved, and the CPU beside it");
	ok(perf.step[PERF_EXCLUSIVE].state == PERF_DONE, "is held alone");
	in.usable = set("0,2-3");
	alone = set("1");
	ok_str(plan("1n1l1c1t"), "2 + 3 on 0", "not on the CPU beside, though its number is lower");
	ok_str(plan("1n1l2c1t"), "2,3 + 0 on 0", "which is for everything else");
	in.usable = set("2-3");
	ok_str(plan("1n1l2c1t"), "busy", "a reservation that is too small");
	ok(strstr(why, "reservation") != NULL, "is called so");
}

static void memory(void)
{
	static int64_t huge[] = { 200, 100 };

	machine("2n2l2c1t");
	in.free_huge = huge;
	(void)plan("2n2l1c1t");
	ok(perf_memory(&perf, 400) == 400 && perf.huge && perf.node[1].mib == 200,
	   "huge pages when each node has enough");
	ok(perf_memory(&perf, 397) == 400, "memory is whole huge pages on each");
	ok(perf_memory(&perf, 401) == 404 && !perf.huge && lacks(PERF_HUGEPAGES),
	   "not when one has too few");
	ok(perf_memory(&perf, 100) == 100 && perf.huge && !lacks(PERF_HUGEPAGES),
	   "and that is decided anew");
	huge[1] = -1;
	(void)plan("2n2l1c1t");
	ok(perf_memory(&perf, 100) == 100 && !perf.huge, "nor when it is not known");
	(void)plan("1n1l1c1t");
	ok(perf_memory(&perf, 400) == 400 && perf.huge, "the other node's do not matter");
	machine("1n4l1c1t");
	in.free_huge = huge;
	(void)plan("3n3l1c1t");
	ok(perf_memory(&perf, 396) == 396 && perf.huge, "three nodes on one");
	ok(perf_memory(&perf, 402) == 402 && !perf.huge, "share what it has");
}

static void steps(void)
{
	machine("1n1l2c1t");
	(void)plan("1n1l1c1t");
	perf_accel(&perf, true);
	ok(!lacks(PERF_CPU_PM) && perf.step[PERF_HINT].state == PERF_PLANNED, "KVM has it all");
	perf_not_done(&perf, PERF_TSC, "first");
	perf_not_done(&perf, PERF_TSC, "second");
	perf_done(&perf, PERF_TSC);
	ok_str(lacks(PERF_TSC), "first", "the first reason is kept");
	perf_started(&perf);
	ok(perf.step[PERF_CPU_PM].state == PERF_DONE &&
		   perf.step[PERF_PINNING].state == PERF_PLANNED,
	   "what QEMU is told is done once it runs; threads are not pinned by that");
	perf_done(&perf, PERF_PINNING);
	perf_accel(&perf, false);
	ok(lacks(PERF_CPU_PM) && lacks(PERF_HINT) && !lacks(PERF_TSC), "then TCG, which has not");
	ok(perf.step[PERF_PINNING].state == PERF_PLANNED, "and whose threads are others");
}

/* Whatever is allowed: no CPU twice, each in a cache of its guest's, all of them allowed. */
static void any(void)
{
	unsigned int round, i, k, good = 0, broken = 0;
	uint64_t s = 1;

	machine("2n6l4c2t");
	for (round = 0; round < 20000; round++) {
		struct cpuset seen = { 0 }, llcs = { 0 };
		unsigned int per;
		char spec[32];

		in.usable = (struct cpuset){ 0 };
		for (i = 0; i < 48; i++) {
			s = s * 6364136223846793005u + 1442695040888963407u;
			if (s >> 33 & 3)
				cpuset_add(&in.usable, i);
		}
		k = 1 + (unsigned int)(s >> 35 & 1);
		(void)snprintf(spec, sizeof(spec), "%un%ul%uc%ut", k,
			       k * (1 + (unsigned int)(s >> 36) % 3),
			       1 + (unsigned int)(s >> 40) % 5, 1 + (unsigned int)(s >> 43) % 3);
		if (strchr("br", plan(spec)[0]))
			continue;
		good++;
		per = in.guest.cores * in.guest.threads;
		for (i = 0; i < perf.n_cpus; i++) {
			unsigned int cpu = (unsigned int)perf.cpu[i];

			broken += cpuset_has(&seen, cpu) || !cpuset_has(&in.usable, cpu);
			broken += topo_cpu(&topo, cpu)->llc != perf.llc[i / per];
			cpuset_add(&seen, cpu);
			cpuset_add(&llcs, (unsigned int)perf.llc[i / per]);
		}
		broken += cpuset_count(&llcs) != in.guest.llcs;
		broken += cpuset_has(&seen, (unsigned int)perf.service_cpu) ||
			  !cpuset_has(&in.usable, (unsigned int)perf.service_cpu);
		broken += !cpuset_subset(&llcs, &perf.fit) && perf.spare;
		broken +=
			perf.spare ==
			cpuset_has(
				&llcs,
				(unsigned int)topo_cpu(&topo, (unsigned int)perf.service_cpu)->llc);
	}
	ok(broken == 0, "plans on 20,000 random sets of CPUs keep the rules (%u broken)", broken);
	ok(good > 5000, "and many of them are plans (%u)", good);
}

int main(void)
{
	threads();
	allowed();
	nodes();
	odd();
	reserved();
	memory();
	steps();
	any();
	perf_free(&perf);
	topo_free(&topo);
	return tap_done();
}
