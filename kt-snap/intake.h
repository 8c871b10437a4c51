/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the streams of kt-snap: what a line means, and whether it may stand there. */
#ifndef KT_SNAP_INTAKE_H
#define KT_SNAP_INTAKE_H

#include "agg.h"
#include "facts.h"
#include "input.h"
#include "scan.h"

#define OPEN_MAX_DEPTH 16

/* How threads become members of groups; the same for all inputs. */
struct grouping {
	unsigned int parts; /* enum group_part */
	bool keep_kworkers; /* else "kworker/0:1" is "kworker" */
	const char *const *flatten; /* patterns for cgroups, the first that fits is the name */
	size_t n_flatten;
};

struct snapshot {
	uint64_t n; /* as the stream counts it */
	bool mono_known, real_known;
	uint64_t mono_ns, real_ns;
	uint64_t threads, lacking; /* records; how many fewer than its end says */
	struct metric_set valued; /* metrics that some thread has */
	struct facts *facts; /* of its stream; shared */
	uint64_t tick_ns; /* start times are known to this: 1, or a clock tick */
};

/* Releases what the snapshot holds, not itself. */
void snapshot_free(struct snapshot *s);

enum intake_event {
	INTAKE_EOF, /* whole to the end */
	INTAKE_SNAPSHOT, /* begins: in->snap */
	INTAKE_ITEM, /* a thread or cgroup of it, in the item that was given */
	INTAKE_SNAPSHOT_END,
};

struct intake {
	struct input in;
	struct scan scan;
	struct agg *agg; /* groups and words; borrowed */
	const struct grouping *how; /* borrowed */
	struct snapshot snap; /* the one being read, or read last */
	struct facts *facts; /* of the stream being read */
	bool in_snapshot;
	char open[OPEN_MAX_DEPTH][32]; /* tools whose meta waits for its end */
	unsigned int depth;
	uint64_t snapshots, records; /* whole and good so far */
	uint64_t good_bytes;
	struct buf key; /* of the group being looked for */
	struct buf path; /* the cgroup looked at last, and */
	struct buf flat; /* what it is called */
	char err[512]; /* after a failure: file, line, what is wrong, how much was good */
};

int intake_open(struct intake *t, const char *path, struct agg *agg, const struct grouping *how);
void intake_close(struct intake *t);

/* intake_next - read on until something happens. it is filled for INTAKE_ITEM. Returns an enum
 * intake_event, or -errno with t->err: -EBADMSG for input that is damaged, cut off or no snapshot.
 */
int intake_next(struct intake *t, struct item *it);

/* intake_rewind - from the beginning again. */
int intake_rewind(struct intake *t);

#endif
