/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms of 64-bit values that merge: 0 to 63 are counted exactly, above that each power of two
 * has 32 buckets, so a value is known to 1/32. Minimum, maximum, sum and count are exact. In
 * records the buckets that are not empty are sorted pairs [lowest value of the bucket, count]. */
#ifndef KT_HIST_H
#define KT_HIST_H

#include <stdint.h>

#define HIST_BUCKETS (64 + 58 * 32)

struct hist {
	uint64_t count, sum, min, max; /* min and max are 0 as long as count is */
	uint64_t n[HIST_BUCKETS];
};

/* hist_index - the bucket of a value; hist_lower - the lowest value of a bucket. */
unsigned int hist_index(uint64_t v);
uint64_t hist_lower(unsigned int bucket);

/* hist_add - count one value. The sum stops at 2^64-1. */
void hist_add(struct hist *h, uint64_t v);

/* hist_add_bucket - count n values of which only the bucket's lowest value is known, as a record
 * tells it; count, sum, min and max stay as they are (hist_total sets them). Returns 0, or
 * -EINVAL when no bucket starts at lower. */
int hist_add_bucket(struct hist *h, uint64_t lower, uint64_t n);

/* hist_total - add the exact figures of a record to what is there. */
void hist_total(struct hist *h, uint64_t count, uint64_t sum, uint64_t min, uint64_t max);

/* hist_merge - add all of `from`. */
void hist_merge(struct hist *to, const struct hist *from);

/* hist_percentile - nearest rank: the value that at least pct percent of all values do not exceed,
 * as the middle of its bucket, kept within [min, max]; 0 for an empty histogram. */
uint64_t hist_percentile(const struct hist *h, double pct);

#endif
