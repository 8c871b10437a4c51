/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as a scheduler sees it: CPUs, cores, last-level caches, NUMA nodes.
 *
 * Ids named cpu and node are the kernel's own (they may have holes). Ids named core, llc, die,
 * package and cluster are ours: dense, machine-wide, in the order of their lowest CPU, so that
 * numbers which the kernel repeats in every package never merge. The kernel's raw numbers are in
 * kernel_*. Any id that is unknown is -1.
 *
 * A CPU's LLC is the largest cache level that this CPU has, shared as its shared_cpu_list says.
 * Where the kernel tells nothing about caches (some virtual machines, Arm, RISC-V, s390) the CPUs
 * of one package on one node count as one LLC, which is how the scheduler itself groups them there
 * (cpu_coregroup_mask()), and if packages are unknown too, those of a node: enum topo_llc_src.
 *
 * An offline CPU has no place: core, smt, llc, die, package and cluster are -1, since the kernel's
 * lists hold online CPUs only. Its raw ids are kept where the kernel still shows them. */
#ifndef KT_TOPO_H
#define KT_TOPO_H

#include "cpuset.h"
#include "missing.h"
#include "topospec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum topo_llc_src {
	TOPO_LLC_CACHE, /* cache/index*, the rule */
	TOPO_LLC_PACKAGE, /* no cache known: the part of a package that is on one node */
	TOPO_LLC_NODE, /* nor packages: a node, which without NUMA is the machine */
	TOPO_LLC_SPEC, /* from a spec: there is no machine */
};

struct topo_cpu {
	int cpu; /* the kernel's number */
	bool online;
	int core, smt; /* smt: position among the online siblings of the core, from 0 */
	int llc, node;
	int die, package, cluster;
	int kernel_core_id, kernel_die_id, kernel_package_id, kernel_cluster_id;
	int kernel_book_id, kernel_drawer_id; /* s390 */
	int64_t capacity; /* cpu_capacity, 1024 is the largest CPU; -1: not told */
};

struct topo_llc {
	struct cpuset cpus;
	struct cpuset nodes; /* those of its CPUs: usually one, but firmware can cut a cache */
	int level; /* -1: not from a cache */
	int kernel_id; /* cache/indexN/id */
	int64_t kb;
	enum topo_llc_src src;
};

struct topo_node {
	int node; /* the kernel's number */
	struct cpuset cpus; /* online ones; empty: a node with memory only */
	int64_t mem_kb, free_kb; /* -1: not told */
};

struct topo {
	struct topo_cpu *cpu; /* ascending by number, offline ones too */
	unsigned int n_cpus;
	struct topo_llc *llc; /* index is the LLC's id */
	unsigned int n_llcs;
	struct topo_node *node; /* ascending by number, memory-only ones too */
	unsigned int n_nodes;
	int *distance; /* [from * n_nodes + to], by index into node; -1: not told */
	unsigned int n_cores, n_dies, n_packages, n_clusters; /* among online CPUs; 0: unknown */
	bool numa; /* the kernel has NUMA; without it all is node 0 */
	struct cpuset present, online;
	struct cpuset cgroup, affinity; /* where this process may run */
	bool has_cgroup, has_affinity; /* whether the two are known */
	struct missing missing; /* what could not be read */
	int at[CPUSET_MAX]; /* index + 1 into cpu by number, 0: no such CPU */
};

/* topo_cpu_blank - an online CPU of which no more than the number is known: all else is -1. */
struct topo_cpu topo_cpu_blank(int cpu);

/* topo_from_spec - the model of a spec: CPUs numbered LLC by LLC, core by core, thread by thread;
 * LLC i is on node i / (llcs / nodes); distances 10 and 20. Returns 0 or -ENOMEM. The caller
 * releases *ret with topo_free(); it is untouched on failure. */
int topo_from_spec(const struct topospec *spec, struct topo *ret);

/* topo_read - the machine whose /sys and /proc lie below root_fd (root_open()). Asks nothing of the
 * live machine, and leaves the sets cgroup and affinity unknown: topo_read_allowed() has them.
 * Returns 0; -ENODATA when the tree has no usable list of online CPUs; -ENOMEM, or another -errno
 * when a directory was there and could not be read. *ret is untouched on failure. */
int topo_read(int root_fd, struct topo *ret);

/* topo_read_allowed - fill in where this process may run.
 *   live  root_fd is "/" of this machine: affinity is asked of the kernel; else it is known only
 *         if the tree has proc/self/status, and the cgroup if it has proc/self/cgroup and so on
 * What is not known stays unknown. */
void topo_read_allowed(int root_fd, bool live, struct topo *t);

/* topo_derive - for a model put together by hand (from records): cpu[0..n_cpus) and node[] hold
 * ids (ascending), topo_derive fills at, llc[].cpus and .nodes, node[].cpus, present, online and
 * the counts from them. llc[] is made anew when NULL, else its other members are kept. Nodes that
 * only CPUs name are added when node is NULL. Returns 0, -EINVAL when ids are not dense or not
 * ascending, or -ENOMEM. */
int topo_derive(struct topo *t);

void topo_free(struct topo *t);

/* topo_cpu - the CPU with this number, or NULL. */
const struct topo_cpu *topo_cpu(const struct topo *t, unsigned int cpu);

/* topo_node_index - index into node of the node with this number, or -1. */
int topo_node_index(const struct topo *t, int node);

/* topo_llc_node - the node of an LLC; -1 when its CPUs are on several, or on none that is known. */
int topo_llc_node(const struct topo_llc *llc);

/* topo_cpu_nodes - how many nodes have an online CPU. */
unsigned int topo_cpu_nodes(const struct topo *t);

/* topo_core - the online CPUs of a CPU's core, itself among them; it alone where cores are unknown.
 */
void topo_core(const struct topo *t, unsigned int cpu, struct cpuset *ret);

/* topo_allowed - the online CPUs that this process may use, as far as that is known. */
void topo_allowed(const struct topo *t, struct cpuset *ret);

/* topo_max_smt - the most online threads that any core has; 1 on a machine without SMT. */
unsigned int topo_max_smt(const struct topo *t);

/* topo_spec - the spec of a uniform machine, judged by its online CPUs, however they are numbered.
 * Returns false when no spec says it: unequal LLCs or cores, CPUs of different capacity, an LLC
 * over two nodes, a node without CPUs. */
bool topo_spec(const struct topo *t, struct topospec *ret);

#endif
