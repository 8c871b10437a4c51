/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts by what and why: "missing":{"io":{"EACCES":12},"wait_sum_ns":{"off":40}}. */
#ifndef KT_SNAP_TALLY_H
#define KT_SNAP_TALLY_H

#include "jsonw.h"

#include <stdint.h>

#define TALLY_MAX 192 /* pairs that are told apart; no more than a few dozen occur */

struct tally {
	struct tally_count {
		const char *what, *why; /* static text */
		uint64_t n;
	} count[TALLY_MAX];
	unsigned int n, last; /* last: where the latest was found */
};

/* tally_add - count n; both are static text: a file, a field or a group, and "off" (the kernel has
 * it, switched off), "kernel" (this kernel has no such thing) or the name of an errno. What has no
 * room is counted with the last pair, so that the sum stays right. */
void tally_add(struct tally *t, const char *what, const char *why, uint64_t n);

/* tally_rc - the same with a negative errno. */
void tally_rc(struct tally *t, const char *what, int rc);

/* tally_merge - add all of `from`. */
void tally_merge(struct tally *to, const struct tally *from);

uint64_t tally_sum(const struct tally *t);

/* tally_write - the member `key` of the record being written: an object of objects.
 * tally_write_flat
 * - an object of counts, by why alone. */
void tally_write(const struct tally *t, const char *key, struct jsonw *w);
void tally_write_flat(const struct tally *t, const char *key, struct jsonw *w);

#endif
