/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock files of LLCs and CPUs: a look at who has what, taking those of a plan, and saying who
 * is in the way. */
#ifndef KT_SEIZE_H
#define KT_SEIZE_H

#include "buf.h"
#include "holders.h"
#include "plan.h"

struct look {
	const struct topo *topo;
	struct holders *file; /* n_llcs of LLCs, then n_cpus in the order of topo->cpu */
	char *paths;
	struct plan_llc *llc;
	struct cpuset taken;
};

/* look_take - see who holds what, at one instant. `busy` (may be NULL) are LLCs that a try has just
 * found locked. Returns 0 or -errno; look_free in any case. */
int look_take(const struct topo *t, const struct cpuset *busy, struct look *ret);
void look_free(struct look *l);

/* look_nothing - the same as if nobody held anything. look_forget - make it so. */
int look_nothing(const struct topo *t, struct look *ret);
void look_forget(struct look *l);

/* look_inherited - whether a process that we descend from holds the lock of one of these CPUs, or
 * of an LLC of theirs alone. */
bool look_inherited(const struct look *l, const struct cpuset *cpus);

/* look_alone - whether a process that we descend from holds each of these LLCs alone. */
bool look_alone(const struct look *l, const struct cpuset *llcs);

/* look_explain - who is in the way of anybody who wants more of `allowed`, LLCs, CPUs or both:
 * "LLC 0 is held exclusively by pid 12 (make); CPUs 0-1 are held by pid 14 (kt-vm …)". "" when
 * nobody is. */
void look_explain(const struct look *l, const struct cpuset *allowed, bool llcs, bool cpus,
		  struct buf *ret);

struct seized {
	int *fd; /* locks that are held until seized_release() */
	size_t n;
};

/* seize - lock what a plan says: each LLC, then each CPU that is not shared or, when it is
 * exclusive, each spare one; ascending and without waiting. Returns 0; -EWOULDBLOCK with *ret_llc
 * the LLC that was locked, or -1 when it was a CPU; or another -errno with `failed` the path.
 * Nothing is held after a failure. */
int seize(const struct plan *p, bool exclusive, struct seized *ret, int *ret_llc, char *failed,
	  size_t cap);
void seized_release(struct seized *s);

#endif
