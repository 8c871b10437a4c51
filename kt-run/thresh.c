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

/* Levenshtein distance; texts over 63 bytes are never near. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[64], la = strlen(a), lb = strlen(b), i, j;

	if (la > 63 || lb > 63)
		return 64;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			size_t up = row[j], best = diag + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *thr_suggest(const char *name)
{
	size_t best = SIZE_MAX, d;
	const char *ret = NULL;
	int i;

	for (i = 0; i < THR_COUNT; i++) {
		d = edit_distance(name, thr_defs[i].name);
		if (strlen(name) >= 3 && strstr(thr_defs[i].name, name))
			d = 1; /* a piece of the name, "spread" */
		if (d < best) {
			best = d;
			ret = thr_defs[i].name;
		}
	}
	return best <= 1 + strlen(name) / 3 ? ret : NULL;
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
static int from_json(int id, const json_t *v, struct thr *ret)
{
	struct thr t = { .source = THR_SCENARIO, .on = true, .limit = 1 };

	if (json_is_false(v) || json_is_null(v))
		t.on = false;
	else if (thr_defs[id].unit && json_is_number(v) && json_number_value(v) >= 0)
		t.limit = json_number_value(v);
	else if (thr_defs[id].unit || !json_is_true(v))
		return -EINVAL;
	*ret = t;
	return 0;
}

int thr_resolve(struct thr_set *ret, bool virt, const json_t *checks, const struct thr_set *options,
		char *err, size_t cap)
{
	struct thr_set s;
	const char *key, *near;
	json_t *v;
	void *it;
	int i;

	for (i = 0; i < THR_COUNT; i++) {
		double dflt = virt ? thr_defs[i].virt : thr_defs[i].real;

		s.t[i] = (struct thr){ .on = !isnan(dflt), .limit = isnan(dflt) ? 0 : dflt };
	}
	for (it = json_object_iter((json_t *)(uintptr_t)checks); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)checks, it)) {
		key = json_object_iter_key(it);
		v = json_object_iter_value(it);
		i = thr_find(key);
		if (i < 0) {
			near = thr_suggest(key);
			(void)snprintf(err, cap, "the plan's check '%s' is unknown%s%s%s", key,
				       near ? "; did you mean '" : "", near ? near : "",
				       near ? "'?" : "");
			return -EINVAL;
		}
		if (from_json(i, v, &s.t[i]) < 0) {
			(void)snprintf(err, cap, "the plan's check '%s' has a bad value", key);
			return -EINVAL;
		}
	}
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
