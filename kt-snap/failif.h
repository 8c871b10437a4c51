/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions that make a comparison fail: "nr_migrations>+50%", "nginx:wait_time_ns>200000000/s".
 *
 *	[GROUP:]METRIC OP [+-]NUMBER[% | /s]
 *
 * OP is >, >=, < or <=. NUMBER is what the metric moved by: in percent of what there was before, a
 * second, or as such. GROUP is a pattern that a part of the group's name must fit. */
#ifndef KT_SNAP_FAILIF_H
#define KT_SNAP_FAILIF_H

#include "rank.h"

enum fail_kind {
	FAIL_DELTA,
	FAIL_PCT,
	FAIL_RATE
};

struct fail_if {
	const char *text; /* borrowed: as it was written */
	char *group; /* NULL: all; owned */
	unsigned int metric;
	bool less, equal; /* < instead of >; also when equal */
	enum fail_kind kind;
	double limit;
	bool whole; /* limit is an integer, and this it is */
	kt_i128 exact;
	uint64_t judged, failed; /* rows */
};

/* fail_parse - NULL, or what is wrong with the text, at *ret_at bytes from its start. */
const char *fail_parse(struct fail_if *f, const char *text, size_t *ret_at);
void fail_free(struct fail_if *f);

/* fail_judge - whether the row is what the condition says; rows of other metrics and groups are
 * not, and those of which the figure is not known are not counted as judged. */
bool fail_judge(struct fail_if *f, const struct row *r, const struct row_frame *frame);

#endif
