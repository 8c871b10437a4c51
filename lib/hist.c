/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms that merge. */
#include "hist.h"

#include <errno.h>
#include <math.h>

unsigned int hist_index(uint64_t v)
{
	unsigned int e;

	if (v < 64)
		return (unsigned int)v;
	e = 63 - (unsigned int)__builtin_clzll(v); /* 6 to 63 */
	return 64 + (e - 6) * 32 + (unsigned int)(v >> (e - 5) & 31);
}

uint64_t hist_lower(unsigned int bucket)
{
	unsigned int e;

	if (bucket < 64)
		return bucket;
	e = (bucket - 64) / 32 + 6;
	return (UINT64_C(32) + (bucket - 64) % 32) << (e - 5);
}

static uint64_t sum_up_to_max(uint64_t a, uint64_t b)
{
	uint64_t s;

	return __builtin_add_overflow(a, b, &s) ? UINT64_MAX : s;
}

void hist_add(struct hist *h, uint64_t v)
{
	hist_total(h, 1, v, v, v);
	h->n[hist_index(v)]++;
}

int hist_add_bucket(struct hist *h, uint64_t lower, uint64_t n)
{
	unsigned int i = hist_index(lower);

	if (hist_lower(i) != lower)
		return -EINVAL;
	h->n[i] += n;
	return 0;
}

void hist_total(struct hist *h, uint64_t count, uint64_t sum, uint64_t min, uint64_t max)
{
	if (count == 0)
		return;
	if (h->count == 0 || min < h->min)
		h->min = min;
	if (h->count == 0 || max > h->max)
		h->max = max;
	h->count += count;
	h->sum = sum_up_to_max(h->sum, sum);
}

void hist_merge(struct hist *to, const struct hist *from)
{
	unsigned int i;

	hist_total(to, from->count, from->sum, from->min, from->max);
	for (i = 0; i < HIST_BUCKETS; i++)
		to->n[i] += from->n[i];
}

uint64_t hist_percentile(const struct hist *h, double pct)
{
	uint64_t total = 0, rank, seen = 0, lo, mid;
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS; i++)
		total += h->n[i];
	if (total == 0)
		return 0;
	rank = (uint64_t)ceil((double)total * pct / 100.0);
	rank = rank < 1 ? 1 : rank > total ? total : rank;
	for (i = 0; (seen += h->n[i]) < rank; i++)
		;
	lo = hist_lower(i);
	mid = i < 64 ? lo
		     : lo + (lo >> 5 ? (UINT64_C(1) << (63 - __builtin_clzll(lo) - 5)) / 2 : 0);
	return mid < h->min ? h->min : mid > h->max ? h->max : mid;
}
