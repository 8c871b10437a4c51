/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of small ids: CPUs and NUMA nodes. Three words, used strictly: a *set* is the bits, a *list*
 * is the text "0-3,8", a *mask* is the kernel's hexadecimal text. A set is a plain value. */
#ifndef KT_CPUSET_H
#define KT_CPUSET_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPUSET_MAX 8192 /* the largest NR_CPUS that x86 and arm64 can be configured for */

struct cpuset {
	uint64_t w[CPUSET_MAX / 64];
};

static inline void cpuset_add(struct cpuset *s, unsigned int id)
{
	s->w[id / 64] |= (uint64_t)1 << (id % 64);
}

static inline void cpuset_del(struct cpuset *s, unsigned int id)
{
	s->w[id / 64] &= ~((uint64_t)1 << (id % 64));
}

/* Any id may be asked for; one of CPUSET_MAX or above is never in a set. */
static inline bool cpuset_has(const struct cpuset *s, unsigned int id)
{
	return id < CPUSET_MAX && (s->w[id / 64] >> (id % 64) & 1);
}

unsigned int cpuset_count(const struct cpuset *s);
bool cpuset_empty(const struct cpuset *s);
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);
bool cpuset_subset(const struct cpuset *a, const struct cpuset *of);
void cpuset_and(struct cpuset *to, const struct cpuset *with);
void cpuset_or(struct cpuset *to, const struct cpuset *with);
void cpuset_andnot(struct cpuset *to, const struct cpuset *without);

/* cpuset_next - the lowest id >= from, or -1. `for (i = -1; (i = cpuset_next(s, i + 1)) >= 0;)` */
int cpuset_next(const struct cpuset *s, int from);

/* cpuset_nth - the id at position n (from 0, ascending), or -1. */
int cpuset_nth(const struct cpuset *s, unsigned int n);

/* cpuset_slice - positions [from, to) of src, ascending; past the end is simply not there. */
void cpuset_slice(struct cpuset *ret, const struct cpuset *src, unsigned int from, unsigned int to);

/* cpuset_parse - list text to a set; blanks at both ends (sysfs has a newline) and "" are fine.
 * Returns 0; -EINVAL for anything that is no list, a reversed range too; -ERANGE for an id
 * of CPUSET_MAX or more. *ret is untouched on failure. */
int cpuset_parse(const char *list, struct cpuset *ret);

/* cpuset_format - set to list text: "0-3,5,7-8", "" when empty. Returns buf. The text of any set
 * fits into CPUSET_TEXT bytes. */
#define CPUSET_TEXT (CPUSET_MAX * 5)
char *cpuset_format(const struct cpuset *s, char *buf, size_t cap);

/* cpuset_parse_mask - kernel mask text "ff,00000001" (32-bit groups) to a set. As cpuset_parse. */
int cpuset_parse_mask(const char *mask, struct cpuset *ret);

/* cpuset_getaffinity, cpuset_setaffinity - of a thread (0 is the caller). 0 or -errno. */
int cpuset_getaffinity(int tid, struct cpuset *ret);
int cpuset_setaffinity(int tid, const struct cpuset *s);

#endif
