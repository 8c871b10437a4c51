/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a uniform topology: "2n4l4c2t" or "2,4,4,2" is 2 NUMA nodes, 4 last-level caches in
 * all, 4 cores in each cache, 2 threads in each core: 32 CPUs. */
#ifndef KT_TOPOSPEC_H
#define KT_TOPOSPEC_H

#include <stddef.h>

struct topospec {
	unsigned int nodes, llcs, cores, threads; /* each >= 1; llcs is a multiple of nodes */
};

/* topospec_parse - both forms; all four numbers in this order, digits only, no leading zero.
 * Returns 0; -EINVAL when it is no spec; -EDOM when the LLCs do not divide evenly over the nodes;
 * -ERANGE when it has more than CPUSET_MAX CPUs. *ret is untouched on failure. */
int topospec_parse(const char *s, struct topospec *ret);

/* topospec_why - what an errno of topospec_parse() means, in words for a message. */
const char *topospec_why(int rc);

/* topospec_format - the first form. Returns buf. */
#define TOPOSPEC_TEXT 32
char *topospec_format(const struct topospec *s, char buf[TOPOSPEC_TEXT]);

unsigned int topospec_cpus(const struct topospec *s);

#endif
