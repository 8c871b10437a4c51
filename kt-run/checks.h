/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges one plan's run. */
#ifndef KT_CHECKS_H
#define KT_CHECKS_H

#include "events.h"
#include "stats.h"
#include "thresh.h"

#include <stddef.h>
#include <stdint.h>

/* In the order of their weight: the worst one of a plan is the plan's. */
enum outcome {
	OUT_SKIP,
	OUT_PASS,
	OUT_UNDECIDED,
	OUT_FAIL,
	OUT_ERROR
};

const char *outcome_name(enum outcome o);

/* One thing to tell. Texts but message are borrowed. */
struct detail {
	const char *check; /* a threshold's name, or what went wrong: plan, op, worker */
	enum outcome outcome;
	char *message;
	const char *cgroup, *group; /* NULL: not about one */
	int64_t worker, tid; /* -1: not about one */
	int cpu; /* -1: not about one */
	double value, limit; /* NAN: none */
};

struct measure {
	double measured; /* NAN: could not be had, or there was nothing to measure */
	enum outcome outcome; /* OUT_SKIP: off, or not measured */
};

struct verdict {
	enum outcome outcome;
	struct detail *details;
	size_t n_details, cap_details;
	struct thr_set limits;
	struct measure checks[THR_COUNT];
	struct workers workers;
	uint64_t host_delay_ns; /* UNKNOWN without samples */
};

/* judge - options are the thresholds that were given, marked THR_OPTION. The verdict borrows from
 * run. Returns 0 or -ENOMEM. */
int judge(const struct plan_run *run, const struct thr_set *options, struct verdict *ret);
void verdict_free(struct verdict *v);

#endif
