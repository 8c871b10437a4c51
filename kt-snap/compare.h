/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins the snapshots of the inputs and writes what moved. */
#ifndef KT_SNAP_COMPARE_H
#define KT_SNAP_COMPARE_H

#include "failif.h"
#include "intake.h"
#include "items.h"
#include "jsonw.h"
#include "rank.h"

#define FAILED_MAX 100 /* findings that `end` lists; more are counted */

struct compare {
	struct grouping how;
	struct show show;
	struct fail_if *fail_if;
	size_t n_fail_if;
	bool each; /* every snapshot with the one before it; else the first with the last */
	struct jsonw *w; /* borrowed */

	struct agg agg;
	struct pool pool;
	struct items base, next; /* threads of the snapshot before; of the one being read */
	struct item *spare; /* the item that reading fills */
	struct rank rank;
	struct group *single; /* with PART_TID: the group of one thread at a time */
	struct buf told; /* lines for stderr */
	struct buf failed; /* the elements of `failed` in the end record, with commas */
	uint64_t n_failed, intervals, snapshots, records, bytes, predicted, parsed;
	char err[512]; /* after a failure */
};

/* compare_init - how, show, fail_if, each and w are set. Returns 0 or -ENOMEM. */
int compare_init(struct compare *c);
void compare_free(struct compare *c);

/* compare_run - the inputs, one after the other, are one series of snapshots. With c->each, rows
 * are written as soon as a snapshot was read. Returns 0; -EBADMSG and others with c->err; what
 * writing gave, or -ENOMEM, without. */
int compare_run(struct compare *c, const char *const *paths, size_t n_paths);

#endif
