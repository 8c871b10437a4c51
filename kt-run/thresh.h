/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thresholds: their names, defaults, and how a scenario and options change them. */
#ifndef KT_THRESH_H
#define KT_THRESH_H

#include "jsonw.h"
#include "nearest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum thr_id {
	THR_NOT_STARVED,
	THR_ISOLATION,
	THR_MAX_GAP_MS,
	THR_MAX_WEIGHT_ERROR_PCT,
	THR_MAX_IDLE_PCT,
	THR_MAX_SPREAD_PCT,
	THR_MAX_THROUGHPUT_CV,
	THR_MIN_WORK_RATE,
	THR_MIN_ITERATION_RATE,
	THR_MAX_P99_WAKE_NS,
	THR_MAX_WAKE_CV,
	THR_MAX_MIGRATION_RATIO,
	THR_MIN_PAGE_LOCALITY,
	THR_MAX_SLOW_TIER_RATIO,
	THR_MAX_CROSS_NODE_RATIO,
	THR_MAX_IMBALANCE_RATIO,
	THR_MAX_LOCAL_DSQ_DEPTH,
	THR_FAIL_ON_STALL,
	THR_SUSTAINED_SAMPLES,
	THR_MAX_FALLBACK_RATE,
	THR_MAX_KEEP_LAST_RATE,
	THR_COUNT
};

enum thr_source {
	THR_DEFAULT,
	THR_SCENARIO,
	THR_OPTION
};

struct thr_def {
	const char *name;
	const char *unit; /* NULL: a switch, on or off */
	const char *scope; /* what one measurement is about: worker, group, cgroup, plan, machine */
	double real, virt; /* the default with the host's clock and in virtual time; NAN: off */
	bool needs_monitor; /* measured from the scheduler's own queues, which no event tells */
	const char *about;
};

extern const struct thr_def thr_defs[THR_COUNT];

struct thr {
	bool on;
	double limit; /* a switch has 1 */
	enum thr_source source;
};

struct thr_set {
	struct thr t[THR_COUNT];
};

/* thr_find - index of a name, or -1. */
int thr_find(const char *name);

/* thr_hint - see nearest_hint(), for a name that is none. */
const char *thr_hint(const char *name, char buf[NEAREST_HINT]);

/* thr_parse - "name=value" of an option: a number, true, false, or off. Returns 0; -ENOENT for an
 * unknown name, whose text is then in name (cap bytes); -EINVAL for a bad value. */
int thr_parse(const char *text, char *name, size_t cap, int *ret_id, struct thr *ret);

/* thr_apply - change what the members of `checks` name ({"max_gap_ms":0}; NULL: none). Returns 0,
 * or -EINVAL with err ("no check is called 'x'…") for a member that is none. */
int thr_apply(struct thr_set *set, const json_t *checks, enum thr_source source, char *err,
	      size_t cap);

/* thr_resolve - defaults, then the plan's `checks` and `thresholds`, then options (set where source
 * is THR_OPTION). plan may be NULL. Returns 0, or -EINVAL with err as thr_apply. */
int thr_resolve(struct thr_set *ret, bool virt, const json_t *plan, const struct thr_set *options,
		char *err, size_t cap);

/* thr_put_limit - the limit as a member: number, boolean, or null when off. */
void thr_put_limit(struct jsonw *w, const char *key, enum thr_id id, const struct thr *t);

/* thr_put_number - a measured value with at most 3 decimals, without trailing zeros. */
void thr_put_number(struct jsonw *w, const char *key, double v);

const char *thr_source_name(enum thr_source s);

#endif
