/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance mode: which CPU of this machine each CPU of the guest gets, on which nodes its memory
 * is, and what of the mode was done. Looks at nothing but what it is given; perf_host.h does.
 *
 * The guest's caches go to caches of this machine, its cores to cores, the threads of a core to
 * those of one core. Where a core has fewer threads than the guest's, these get cores of their own;
 * where it has more, the rest stays idle. The guest's nodes go to nodes, each to one of its own,
 * when there are so many that have caches enough; else caches are taken as they come. */
#ifndef KT_PERF_H
#define KT_PERF_H

#include "jsonw.h"
#include "topo.h"
#include "topospec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_HUGE_MIB 2 /* of a huge page */

/* What the mode consists of; the names are in perf.c. */
enum perf_step {
	PERF_EXCLUSIVE,
	PERF_NODES,
	PERF_CORES,
	PERF_SERVICE,
	PERF_QUIET,
	PERF_PINNING,
	PERF_FIFO,
	PERF_BINDING,
	PERF_PREALLOC,
	PERF_HUGEPAGES,
	PERF_CPU_PM,
	PERF_HINT,
	PERF_TSC,
	PERF_STEPS
};

struct perf_in {
	const struct topo *topo;
	struct cpuset usable; /* CPUs that may be used; offline ones in it do not matter */
	const struct cpuset *llcs; /* those that are ours alone, for the guest; NULL: nothing is
				      reserved, and any will do */
	struct topospec guest;
	const int64_t *free_huge; /* pages, by index of the node; -1: not known */
};

struct perf_node { /* of the guest */
	struct cpuset host; /* nodes that its memory is to be on; empty: they have none */
	uint64_t mib;
	int64_t free_huge; /* pages on these; -1: not known */
};

struct perf {
	struct topospec guest;
	unsigned int n_cpus;
	int *cpu; /* by CPU of the guest */
	int *llc; /* by LLC of the guest */
	struct perf_node *node;
	int service_cpu; /* for all other threads of QEMU, and for kt-vm */
	bool huge; /* memory in huge pages */
	bool bind; /* and bound to its nodes */
	bool quiet; /* what is not done is not said */
	/* What to ask kt-reserve for: which LLCs will do, and whether the service CPU must come
	 * from another one. */
	struct cpuset fit;
	bool spare;
	struct {
		enum {
			PERF_NOT_ASKED,
			PERF_PLANNED,
			PERF_DONE,
			PERF_NOT_DONE
		} state;
		char why[160];
	} step[PERF_STEPS];
};

/* perf_plan - the same for the same input. Returns 0; -EBUSY when there are too few CPUs, -ERANGE
 * when the caches are too few or too small, both with a sentence in why; or -ENOMEM. perf_free in
 * any case. */
int perf_plan(const struct perf_in *in, struct perf *ret, char *why, size_t cap);
void perf_free(struct perf *p);

/* perf_memory - the guest is to have mib of memory. Decides on huge pages. Returns what it gets:
 * that, rounded up so that each node has whole huge pages. */
uint64_t perf_memory(struct perf *p, uint64_t mib);

/* perf_accel - QEMU is about to be started, with this accelerator. */
void perf_accel(struct perf *p, bool kvm);

/* perf_started - QEMU has come up with what it was told, and fails when it cannot do that. */
void perf_started(struct perf *p);

/* perf_done, perf_not_done - of one step; what is not done stays so, with its first reason. */
void perf_done(struct perf *p, enum perf_step step);
void perf_not_done(struct perf *p, enum perf_step step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *perf_step_name(enum perf_step step);

/* perf_write - as a member of the record being written. planned: what is yet to be done counts as
 * done; else as not done. */
void perf_write(const struct perf *p, struct jsonw *w, const char *key, bool planned);

/* perf_write_off - the same when the mode was asked for, and is not active, for that reason. */
void perf_write_off(const char *why, struct jsonw *w, const char *key);

#endif
