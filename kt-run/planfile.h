/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a plan stream, strictly: what kt-play is about to do is known, and sound, before it starts.
 */
#ifndef KT_PLANFILE_H
#define KT_PLANFILE_H

#include "cpuset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_target {
	OP_PLAY, /* play.wait: kt-play itself */
	OP_CGROUP,
	OP_WORK,
};

struct plan_op {
	uint64_t seq, at_ns;
	enum op_target target;
	bool start; /* work.start: the first one of a plan is time 0 */
	uint64_t wait_ns; /* play.wait */
	const char *name; /* "cgroup.create"; a constant */
	char *line; /* the record as it came, with a newline */
	size_t len;
};

struct plan {
	char *id, *skip; /* skip: why it is not to be played, or NULL */
	char *controllers; /* "cpuset,cpu" */
	char *line; /* the plan record as it came, with a newline */
	size_t len;
	struct cpuset cpus, nodes; /* what it was made for */
	struct plan_op *ops;
	size_t n_ops, cap_ops;
};

struct plans {
	struct plan *p;
	size_t n, cap;
	bool open; /* between a plan and its plan-end */
	unsigned int depth; /* streams (meta … end) that are open */
	char err[640]; /* "stdin:12: member 'x': …" after a failure */
};

/* plans_add_line - take one line of the stream.
 *   file  as messages name it
 *   line  its number
 * Returns 0, or -EINVAL with ps->err set, or -ENOMEM. */
int plans_add_line(struct plans *ps, const char *file, unsigned long line, const char *text,
		   size_t len);

/* plans_done - the stream has ended; one that was cut off is an error. As plans_add_line. */
int plans_done(struct plans *ps, const char *file);

void plans_free(struct plans *ps);

#endif
