/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One interval: its threads are told one by one, then there are rows. */
#ifndef KT_SNAP_INTERVAL_H
#define KT_SNAP_INTERVAL_H

#include "compare.h"
#include "rows.h"

/* interval_begin - from scratch. Unless each one counts, what was found in the one before is
 * forgotten: it was not the last. */
void interval_begin(struct compare *c, struct interval *iv, const struct snapshot *before,
		    const struct snapshot *after);

/* interval_tell - what became of a thread or cgroup: before is NULL for a new one, after for one
 * that is gone. Returns 0 or -ENOMEM. */
int interval_tell(struct compare *c, struct interval *iv, const struct item *before,
		  const struct item *after);

/* interval_tell_left - for items_each: those of a table that were not seen are on its side only. */
struct told_left {
	struct compare *c;
	struct interval *iv;
	int side; /* of the table: 0 before, 1 after */
};
int interval_tell_left(struct item *it, void *arg);

/* interval_finish - all were told: make the rows, judge them, write the records, flush. Returns 0,
 * -ENOMEM or what writing gave. */
int interval_finish(struct compare *c, struct interval *iv);

#endif
