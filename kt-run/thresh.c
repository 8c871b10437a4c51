/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thresholds. */
#include "thresh.h"
#include "cleanup.h"
#include "num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define OFF NAN

const struct thr_def thr_defs[THR_COUNT] = {
	[THR_NOT_STARVED] = { "not_starved", NULL, "worker", 1, 1, false,
			      "a runnable worker gets at least a quarter of its fair share" },
	[THR_ISOLATION] = { "isolation", NULL, "worker", 1, 1, false,
			    "a worker runs only where its cgroup and its affinity allow" },
	[THR_MAX_GAP_MS] = { "max_gap_ms", "ms", "worker", 2000, 200, false,
			     "longest time a runnable worker made no progress" },
	[THR_MAX_WEIGHT_ERROR_PCT] = { "max_weight_error_pct", "%", "cgroup", 25, 25, false,
				       "CPU time ratio of two cgroups against their cpu.weight" },
	[THR_MAX_IDLE_PCT] = { "max_idle_pct", "%", "plan", 2, 2, false,
			       "CPU time left unused while there was a spinner for every CPU" },
	[THR_MAX_SPREAD_PCT] = { "max_spread_pct", "%", "group", OFF, OFF, false,
				 "range of the workers' CPU time in percent of wall time" },
	[THR_MAX_THROUGHPUT_CV] = { "max_throughput_cv", "ratio", "group", OFF, OFF, false,
				    "variation of work units per CPU second" },
	[THR_MIN_WORK_RATE] = { "min_work_rate", "1/s", "worker", OFF, OFF, false,
				"work units per CPU second" },
	[THR_MIN_ITERATION_RATE] = { "min_iteration_rate", "1/s", "worker", OFF, OFF, false,
				     "iterations per second of wall time" },
	[THR_MAX_P99_WAKE_NS] = { "max_p99_wake_latency_ns", "ns", "group", OFF, OFF, false,
				  "99th percentile from wake-up to running" },
	[THR_MAX_WAKE_CV] = { "max_wake_latency_cv", "ratio", "group", OFF, OFF, false,
			      "variation of the time from wake-up to running" },
	[THR_MAX_MIGRATION_RATIO] = { "max_migration_ratio", "ratio", "group", OFF, OFF, false,
				      "migrations per iteration" },
	[THR_MIN_PAGE_LOCALITY] = { "min_page_locality", "ratio", "worker", OFF, OFF, false,
				    "share of pages on the nodes of the worker's CPUs" },
	[THR_MAX_SLOW_TIER_RATIO] = { "max_slow_tier_ratio", "ratio", "worker", OFF, OFF, false,
				      "share of pages on other nodes" },
	[THR_MAX_CROSS_NODE_RATIO] = { "max_cross_node_migration_ratio", "ratio", "worker", OFF,
				       OFF, true, "pages migrated between nodes per page" },
	[THR_MAX_IMBALANCE_RATIO] = { "max_imbalance_ratio", "ratio", "machine", OFF, OFF, true,
				      "longest against shortest run queue" },
	[THR_MAX_LOCAL_DSQ_DEPTH] = { "max_local_dsq_depth", "tasks", "machine", OFF, OFF, true,
				      "deepest local dispatch queue" },
	[THR_FAIL_ON_STALL] = { "fail_on_stall", NULL, "machine", OFF, OFF, true,
				"a run queue whose clock stands still" },
	[THR_SUSTAINED_SAMPLES] = { "sustained_samples", "samples", "machine", OFF, OFF, true,
				    "violations in a row before the four above count" },
	[THR_MAX_FALLBACK_RATE] = { "max_fallback_rate", "1/s", "machine", OFF, OFF, true,
				    "fallback CPU selections" },
	[THR_MAX_KEEP_LAST_RATE] = { "max_keep_last_rate", "1/s", "machine", OFF, OFF, true,
				     "tasks kept running for want of another" },
};

int thr_find(const char *name)
{
	int i;

	for (i = 0; i < THR_COUNT; i++)
		if (strcmp(thr_defs[i].name, name) == 0)
			return i;
	return -1;
}

const char *thr_hint(const char *name, char buf[NEAREST_HINT])
{
	struct nearest near = { .want = name };
	int i;

	for (i = 0; i < THR_COUNT; i++)
		nearest_offer(&near, thr_defs[i].name);
	return nearest_hint(&near, buf);
}

int thr_parse(const char *text, char *name, size_t cap, int *ret_id, struct thr *ret)
{
	const char *eq = strchr(text, '=');
	struct thr t = { .source = THR_OPTION };
	int id;

	(void)snprintf(name, cap, "%.*s", (int)(eq ? eq - text : (ptrdiff_t)strlen(text)), text);
	id = thr_find(name);
	if (id < 0)
		return -ENOENT;
	if (!eq)
		return -EINVAL;
	eq++;
	t.on = true;
	t.limit = 1;
	if (strcmp(eq, "false") == 0 || strcmp(eq, "off") == 0)
		t.on = false;
	else if (thr_defs[id].unit ? num_f64(eq, 0, 1e18, &t.limit) < 0 : strcmp(eq, "true") != 0)
		return -EINVAL;
	*ret_id = id;
	*ret = t;
	return 0;
}

/* A member of `checks`: a number, true, false, or null for off. */
static int from_json(int id, const json_t *v, enum thr_source source, struct thr *ret)
{
	struct thr t = { .source = source, .on = true, .limit = 1 };

	if (json_is_false(v) || json_is_null(v))
		t.on = false;
	else if (thr_defs[id].unit && json_is_number(v) && json_number_value(v) >= 0)
		t.limit = json_number_value(v);
	else if (thr_defs[id].unit || !json_is_true(v))
		return -EINVAL;
	*ret = t;
	return 0;
}

int thr_apply(struct thr_set *set, const json_t *checks, enum thr_source source, char *err,
	      size_t cap)
{
	char hint[NEAREST_HINT];
	const char *key;
	json_t *v;
	void *it;
	int i;

	for (it = json_object_iter((json_t *)(uintptr_t)checks); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)checks, it)) {
		key = json_object_iter_key(it);
		v = json_object_iter_value(it);
		i = thr_find(key);
		if (i < 0) {
			(void)snprintf(err, cap, "no check is called '%s'%s", key,
				       thr_hint(key, hint));
			return -EINVAL;
		}
		if (from_json(i, v, source, &set->t[i]) < 0) {
			(void)snprintf(err, cap, "check '%s' has a bad value: want %s", key,
				       thr_defs[i].unit ? "a number of 0 or more, or null"
							: "true or false");
			return -EINVAL;
		}
	}
	return 0;
}

int thr_resolve(struct thr_set *ret, bool virt, const json_t *plan, const struct thr_set *options,
		char *err, size_t cap)
{
	struct thr_set s;
	int i, rc;

	for (i = 0; i < THR_COUNT; i++) {
		double dflt = virt ? thr_defs[i].virt : thr_defs[i].real;

		s.t[i] = (struct thr){ .on = !isnan(dflt), .limit = isnan(dflt) ? 0 : dflt };
	}
	rc = thr_apply(&s, json_object_get(plan, "checks"), THR_SCENARIO, err, cap);
	if (rc == 0)
		rc = thr_apply(&s, json_object_get(plan, "thresholds"), THR_OPTION, err, cap);
	if (rc < 0)
		return rc;
	for (i = 0; i < THR_COUNT; i++)
		if (options->t[i].source == THR_OPTION)
			s.t[i] = options->t[i];
	*ret = s;
	return 0;
}

void thr_put_number(struct jsonw *w, const char *key, double v)
{
	char text[400]; /* a double has at most 309 digits before the dot */
	size_t n;

	if (!isfinite(v)) {
		jsonw_null(w, key);
		return;
	}
	n = (size_t)snprintf(text, sizeof(text), "%.3f", v);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	if (n == 2 && memcmp(text, "-0", 2) == 0)
		jsonw_raw(w, key, "0", 1);
	else
		jsonw_raw(w, key, text, n);
}

void thr_put_limit(struct jsonw *w, const char *key, enum thr_id id, const struct thr *t)
{
	if (!thr_defs[id].unit)
		jsonw_bool(w, key, t->on);
	else if (t->on)
		thr_put_number(w, key, t->limit);
	else
		jsonw_null(w, key);
}

const char *thr_source_name(enum thr_source s)
{
	static const char *const names[] = { "default", "scenario", "option" };

	return names[s];
}
