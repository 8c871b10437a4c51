/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU specs ("llc:0", "disjoint:1,2") and partitions ("split_half") against a topology.
 *
 * `all` is the online CPUs. `usable` is all but the highest one, which is left to the rest of the
 * system, when there are more than two; else all. len is the number of usable CPUs; what follows
 * takes runs of CPUs in ascending order, and every division and product is cut to an integer.
 *
 *	llc:I		all CPUs of LLC I (reserved one included)
 *	numa:I		all CPUs of the I-th node that has CPUs, counted from 0 by ascending number
 *	range:A,B	usable[len*A, len*B), 0 <= A < B <= 1
 *	disjoint:I,N	part I of usable cut into N; the last part has the remainder
 *	overlap:I,N,F	the same, stretched on both sides by F (0 to 1) of a part
 *	cpus:LIST	these, each of them in `all` */
#ifndef KT_CPUSPEC_H
#define KT_CPUSPEC_H

#include "cpuset.h"
#include "topo.h"

#include <stddef.h>

#define CPUSPEC_WHY 160 /* enough for any reason */

/* cpuspec_usable - the set called usable above. */
void cpuspec_usable(const struct topo *t, struct cpuset *ret);

/* cpuspec_resolve - spec text to CPUs.
 *   t    NULL: only check that the text is a spec; *ret is not written then
 *   why  CPUSPEC_WHY bytes: the reason of a failure, in words
 * Returns 0 and a set that is not empty; -EINVAL when the text is no spec; -ENODEV when it is one
 * that this machine cannot meet (a reason to skip). *ret is untouched on failure. */
int cpuspec_resolve(const struct topo *t, const char *spec, struct cpuset *ret, char *why);

/* cpupart_resolve - the CPUs of n cgroups at once.
 *
 *	none		no sets at all: returns 1
 *	llc_aligned	set i is LLC i; the machine's last CPU is left out of set n-1
 *	split_half	the two halves of usable (n must be 2)
 *	split_misaligned  usable cut in the middle of LLC 0 (n must be 2)
 *	overlap:F	n runs of all/n CPUs of `all`, each beginning before its predecessor ends
 *	uneven:F	usable cut at len*F, at least 1 (n must be 2)
 *	holdback:F	the two halves of `all` without its last F (n must be 2)
 *
 *   t    NULL: only check the text and n; sets is not written then
 *   sets room for n
 * Returns 0 and n sets, none empty; 1 for `none` (sets is untouched); -EINVAL and -ENODEV as
 * above. */
int cpupart_resolve(const struct topo *t, const char *part, unsigned int n, struct cpuset *sets,
		    char *why);

#endif
