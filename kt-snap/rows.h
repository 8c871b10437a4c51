/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records that kt-snap-diff writes for an interval. */
#ifndef KT_SNAP_ROWS_H
#define KT_SNAP_ROWS_H

#include "failif.h"
#include "intake.h"
#include "jsonw.h"
#include "rank.h"

struct interval {
	uint64_t n; /* from 1 */
	const struct snapshot *before, *after;
	struct row_frame frame;
	const char *clock; /* "monotonic", "realtime" or NULL */
	int same_boot; /* 1, 0, -1: not known */
	struct members threads; /* of all groups */
	uint64_t groups[3]; /* on both sides, before only, after only */
};

/* What is true of the two snapshots together: boot, clock and time. */
void interval_set(struct interval *iv, const struct snapshot *before, const struct snapshot *after);

/* Each writes one record, or several, and returns 0 or -errno. parts are of the grouping. */
int write_interval(struct jsonw *w, const struct interval *iv);
int write_host_changes(struct jsonw *w, const struct interval *iv, const struct metric_set *want);
int write_only(struct jsonw *w, const struct interval *iv, unsigned int parts,
	       const struct group *of);
int write_row(struct jsonw *w, const struct interval *iv, unsigned int parts, const struct row *r);
int write_interval_end(struct jsonw *w, const struct interval *iv, uint64_t rows,
		       uint64_t left_out);

/* write_group - the members that name a group, into the record or object being written. */
void write_group(struct jsonw *w, unsigned int parts, const struct group *of);

/* group_text - "pcomm/comm" for messages; the caller frees it. NULL: no memory. */
char *group_text(const struct group *of);

#endif
