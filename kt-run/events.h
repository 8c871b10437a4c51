/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts an event stream into plans: what one plan's run left behind, and where it ran. */
#ifndef KT_EVENTS_H
#define KT_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNKNOWN UINT64_MAX /* a number that is null in a record */

/* Where the plans run, from the meta records that enclose them. Texts are NULL when unknown; they
 * are borrowed from the records and live until the tool's stream ends. */
struct run_env {
	const char *kernel, *scheduler; /* kt-play */
	const char *accel, *clock, *topology; /* kt-vm */
	bool vm; /* inside a kt-vm */
};

/* What the host gave to the virtual CPUs, cumulative. */
struct host_sample {
	uint64_t mono_ns; /* the guest's clock; UNKNOWN: not aligned */
	size_t n;
	uint64_t *run_ns, *delay_ns; /* one block, run_ns owns it */
};

struct plan_run {
	json_t *plan; /* NULL as long as no plan is in flight */
	json_t *acks, *op_errors, *reports; /* arrays of records, in the order they came */
	json_t *end; /* plan-end, or NULL: cut says why there is none */
	char *cut;
	struct run_env env;
	const struct host_sample *samples; /* borrowed: from the last one before the plan on */
	size_t n_samples;
};

struct events {
	/* A plan has ended. The callee may read everything in it, and keeps nothing. Returns 0 or
	 * -errno, which ends the reading. */
	int (*on_plan)(const struct plan_run *run, void *arg);
	void *arg;

	struct plan_run run;
	size_t plan_depth; /* open tools when the plan began */
	json_t *open; /* the meta records that wait for their end, outermost first */
	size_t seen_metas, seen_plans;
	struct host_sample *samples;
	size_t n_samples, cap_samples;
	char *trouble; /* an enclosing tool ended badly, or the stream was cut off; else NULL */
};

void events_init(struct events *ev, int (*on_plan)(const struct plan_run *, void *), void *arg);
void events_free(struct events *ev);

/* events_line - take one line. Returns 0; -EINVAL when it is no record; another -errno of on_plan
 * or -ENOMEM. */
int events_line(struct events *ev, const char *line, size_t len);

/* events_finish - the input is at its end: closes the plan in flight and notes in ev->trouble what
 * was never closed. why: what is known about the end, or NULL. */
int events_finish(struct events *ev, const char *why);

#endif
