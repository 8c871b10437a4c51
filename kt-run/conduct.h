/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays one plan: routes each op to the tool it is for, waits for the ack, keeps the time, tears
 * down. It decides nothing: all that happens is in the plan. */
#ifndef KT_CONDUCT_H
#define KT_CONDUCT_H

#include "planfile.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUT_OK,
	OUT_SKIP,
	OUT_ERROR,
};

struct stage {
	int sig_fd; /* from sig_block() */
	sigset_t child_mask; /* what the children get */
	int out_fd; /* where events go */
	const char *parent; /* our cgroup, as given to kt-cgroup */
	char dir[PATH_MAX + PATH_MAX]; /* the same as a directory; "": there is no cgroup2 */
	char cgroup_tool[PATH_MAX], work_tool[PATH_MAX];
	struct cpuset cpus, nodes; /* what this machine allows */
	int signo; /* a stop signal has come */
	bool out_closed; /* nobody reads our events any more */
	char why[768]; /* why the plan in play ended early, or "" */
};

/* stage_emit - write one whole record (with its newline) to stdout; heeds signals while the reader
 * is slow. Returns 0, or -EPIPE when nobody reads, with out_closed set, or another -errno. */
int stage_emit(struct stage *s, const char *line, size_t len);

/* conduct - play p and write its events, from the plan record to plan-end. On any end the cgroups
 * and workers are gone. s->why tells the reason of everything but OUT_OK. */
enum outcome conduct(struct stage *s, const struct plan *p);

/* outcome_name - "ok", "skip" or "error". */
const char *outcome_name(enum outcome o);

#endif
