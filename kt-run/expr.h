/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts and times in scenarios: "2*W", "max(C/2,1)", "D/4", "2s+D/4".
 *
 * A count is made of integers, C (CPUs), U (usable CPUs), L (LLCs), N (NUMA nodes), W (workers per
 * cgroup), lcpus(I) (CPUs of LLC I), + - * /, min(,), max(,) and parentheses. Division truncates, a
 * difference is never below 0. In a time, D (the duration), S (the settle time) and literals with a
 * unit ("200ms") are times; times add up, and are multiplied and divided by counts. */
#ifndef KT_EXPR_H
#define KT_EXPR_H

#include "topo.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPR_WHY 160

struct expr_env {
	const struct topo *topo;
	uint64_t workers; /* W */
	uint64_t duration_ns, settle_ns; /* D, S */
};

/* expr_count, expr_time - evaluate text.
 *   env  NULL: only check that the text is one; *ret is not written then
 *   why  EXPR_WHY bytes: what is wrong, in words
 * Returns 0, or -EINVAL, with *ret untouched. */
int expr_count(const char *text, const struct expr_env *env, uint64_t *ret, char *why);
int expr_time(const char *text, const struct expr_env *env, uint64_t *ret_ns, char *why);

#endif
