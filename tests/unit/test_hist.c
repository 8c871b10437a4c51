/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms: the layout, merging, percentiles. */
#include "hist.h"
#include "tap.h"

#include <errno.h>

static void layout(void)
{
	unsigned int i, bad = 0;
	uint64_t v;

	for (v = 0; v < 64; v++)
		bad += hist_index(v) != v || hist_lower((unsigned int)v) != v;
	ok(bad == 0, "0 to 63 have a bucket each");
	for (i = 0; i < HIST_BUCKETS; i++)
		bad += hist_index(hist_lower(i)) != i;
	ok(bad == 0, "each bucket begins where it says");
	for (i = 1; i < HIST_BUCKETS; i++)
		bad += hist_lower(i) <= hist_lower(i - 1) || hist_index(hist_lower(i) - 1) != i - 1;
	ok(bad == 0, "each bucket ends where the next begins");
	ok(hist_lower(64) == 64 && hist_lower(65) == 66 && hist_lower(96) == 128 &&
		   hist_lower(97) == 132,
	   "32 buckets per power of two");
	ok(hist_index(UINT64_MAX) == HIST_BUCKETS - 1, "the largest value is in the last bucket");
	for (i = 64; i < HIST_BUCKETS - 1; i++)
		bad += (hist_lower(i + 1) - hist_lower(i)) > hist_lower(i) / 32;
	ok(bad == 0, "no bucket is wider than 1/32 of its values");
}

static void exact(void)
{
	static struct hist h;

	ok(hist_percentile(&h, 50) == 0 && h.count == 0, "an empty histogram has no percentile");
	hist_add(&h, 1000);
	hist_add(&h, 10);
	hist_add(&h, UINT64_MAX);
	hist_add(&h, 30);
	ok(h.min == 10 && h.max == UINT64_MAX && h.count == 4, "min, max and count are exact");
	ok(h.sum == UINT64_MAX, "the sum stops at the largest number");
	ok(hist_percentile(&h, 0) == 10, "percentile 0 is the lowest value");
	ok(hist_percentile(&h, 25) == 10 && hist_percentile(&h, 26) == 30, "nearest rank");
	ok(hist_percentile(&h, 100) <= h.max && hist_percentile(&h, 100) > UINT64_MAX / 64 * 63,
	   "percentile 100 is the highest");
}

static void percentiles(void)
{
	static struct hist h;
	unsigned int i, bad = 0, p;

	for (i = 1; i <= 100000; i++)
		hist_add(&h, i * 10);
	for (p = 1; p <= 100; p++) {
		double want = p * 10000.0, got = (double)hist_percentile(&h, p);

		bad += got < want * (1 - 1.0 / 64) - 1 || got > want * (1 + 1.0 / 64) + 1;
	}
	ok(bad == 0, "percentiles are right within 1/64");
}

static void merging(void)
{
	static struct hist a, b, all, told;
	unsigned int i, bad = 0;
	uint64_t x = 12345;

	for (i = 0; i < 1000; i++) {
		uint64_t v;

		x = x * 6364136223846793005 + 1442695040888963407;
		v = x >> (x % 60);
		hist_add(i % 3 ? &a : &b, v);
		hist_add(&all, v);
	}
	for (i = 0; i < HIST_BUCKETS; i++)
		if (all.n[i])
			bad += hist_add_bucket(&told, hist_lower(i), all.n[i]) != 0;
	hist_total(&told, all.count, all.sum, all.min, all.max);
	hist_merge(&a, &b);
	ok(memcmp(&a, &all, sizeof(a)) == 0, "merged parts are the whole");
	ok(bad == 0 && memcmp(&told, &all, sizeof(all)) == 0, "what a record tells is the whole");
	ok(hist_add_bucket(&told, 65, 1) == -EINVAL, "no bucket begins at 65");
	hist_total(&told, 0, 0, 0, 0);
	ok(told.min == all.min, "nothing added changes nothing");
}

int main(void)
{
	layout();
	exact();
	percentiles();
	merging();
	return tap_done();
}
