/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows: one metric of one group on both sides, and which of them are worth showing first. */
#ifndef KT_SNAP_RANK_H
#define KT_SNAP_RANK_H

#include "agg.h"

enum sort_by {
	SORT_MOVED, /* settings that changed, then by what the movement costs */
	SORT_PCT,
	SORT_DELTA,
	SORT_GROUP,
	SORT_METRIC,
};

/* What is true of all rows of an interval. */
struct row_frame {
	bool plain; /* as struct agg */
	bool time_known;
	uint64_t interval_ns; /* above 0 when known */
};

struct row {
	const struct group *of;
	unsigned int metric;
	bool before_known, after_known;
	bool half; /* before, after and delta are twice what they say: a middle may be a half */
	kt_i128 before, after, delta;
	bool delta_known, pct_known;
	kt_i128 died, moved;
	double pct; /* of before */
	double score; /* for SORT_MOVED */
	char *before_text, *after_text; /* of ranges, modes and sets; owned */
	uint32_t unknown[2], changed;
	bool differs;
};

void row_free(struct row *r);

/* row_make - the row of a metric. Returns 0 or -ENOMEM; the caller row_free()s it. */
int row_make(const struct agg *g, const struct group *of, unsigned int metric, struct row *ret);

/* row_per_s - the rate, when it is known. */
bool row_per_s(const struct row *r, const struct row_frame *frame, double *ret);

struct show {
	struct metric_set metrics;
	enum sort_by sort;
	bool all; /* rows without a difference too */
	uint64_t limit; /* 0: none */
	double min_pct;
};

struct rank {
	struct row *row;
	size_t n, cap;
	uint64_t left_out; /* rows that were not shown, for whatever reason */
	struct group **own; /* copies of groups that rows need, when theirs does not last */
	size_t n_own, own_cap;
};

/* rank_add - takes the row over, if it is to be shown. copy: its group goes away before the row
 * does. Returns 0 or -ENOMEM. */
int rank_add(struct rank *k, const struct show *show, struct row *r, bool copy);

/* rank_sort - into the order of show, cut at its limit. */
void rank_sort(struct rank *k, const struct show *show);
void rank_clear(struct rank *k);
void rank_free(struct rank *k);

/* int_text - in decimal; returns buf. */
#define INT_TEXT 48
char *int_text(kt_i128 v, char buf[INT_TEXT]);

/* group_order - by their names, part by part, then by thread. */
int group_order(const struct group *a, const struct group *b);

#endif
