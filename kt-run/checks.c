/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges one plan's run. */
#include "cleanup.h"
#include "host.h"
#include "jsonr.h"
#include "judging.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = { "skip", "pass", "undecided", "fail", "error" };

	return names[o];
}

void verdict_free(struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->n_details; i++)
		free(v->details[i].message);
	free(v->details);
	workers_free(&v->workers);
	*v = (struct verdict){ 0 };
}

/* Limits that somebody asked for and nothing in the stream can tell. */
static void check_unmeasured(struct judging *j)
{
	int i;

	for (i = 0; i < THR_COUNT; i++) {
		const struct thr *t = judge_limit(j, (enum thr_id)i);
		struct detail d = judge_about(thr_defs[i].name, OUT_SKIP);

		if (!t->on || t->source == THR_DEFAULT || j->v->checks[i].outcome != OUT_SKIP)
			continue;
		d.limit = thr_defs[i].unit ? t->limit : NAN;
		if (thr_defs[i].needs_monitor)
			judge_say(j, d, "%s was not judged: no event tells %s", thr_defs[i].name,
				  thr_defs[i].about);
		else
			judge_say(j, d, "%s was not judged: there was nothing to measure",
				  thr_defs[i].name);
	}
}

static bool is_tcg(const struct run_env *env)
{
	return env->accel && strcmp(env->accel, "tcg") == 0;
}

/* Under TCG a latency is the emulator's: a scenario's limit on it is off, an option's is not. */
static void drop_latency_limits(struct judging *j)
{
	static const enum thr_id ids[] = { THR_MAX_P99_WAKE_NS, THR_MAX_WAKE_CV };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(ids); i++)
		if (is_tcg(&j->run->env) && j->v->limits.t[ids[i]].source == THR_SCENARIO)
			j->v->limits.t[ids[i]].on = false;
}

static void run_checks(struct judging *j)
{
	size_t i, k;

	net_gaps(j);
	check_starvation(j);
	for (i = 0; i < j->ws->n; i++) {
		check_gap(j, i);
		check_isolation(j, i);
		check_worker_limits(j, i);
		for (k = 0; k < i; k++)
			if (strcmp(j->ws->w[k].group, j->ws->w[i].group) == 0 &&
			    strcmp(j->ws->w[k].role ? j->ws->w[k].role : "",
				   j->ws->w[i].role ? j->ws->w[i].role : "") == 0)
				break;
		if (k == i)
			check_group_limits(j, &j->ws->w[i]);
	}
	check_weights(j);
	check_idle(j);
	check_unmeasured(j);
}

/* What went wrong before there was anything to judge. True: nothing more to do. */
static bool check_run(struct judging *j)
{
	const struct plan_run *run = j->run;
	const char *outcome = rec_str(run->end, "outcome", ""),
		   *reason = rec_str(run->end, "reason", NULL);
	const char *skip = rec_str(run->plan, "skip", NULL);
	const json_t *e;
	size_t i;

	json_array_foreach (run->op_errors, i, e) {
		struct detail d = judge_about("op", OUT_ERROR);
		const char *cgroup = rec_str(e, "cgroup", NULL), *group = rec_str(e, "group", NULL);

		d.cgroup = cgroup;
		d.group = group;
		judge_say(j, d, "%s%s%s failed: %s", rec_str(e, "op", "an op"),
			  group || cgroup ? " of " : "",
			  group	   ? group
			  : cgroup ? cgroup
				   : "",
			  rec_str(e, "message", rec_str(e, "errno", "no reason given")));
	}
	if (run->cut) {
		judge_say(j, judge_about("plan", OUT_ERROR), "%s", run->cut);
	} else if (strcmp(rec_str(run->end, "id", ""), rec_str(run->plan, "id", "")) != 0) {
		judge_say(j, judge_about("plan", OUT_ERROR),
			  "the plan-end is of another plan, '%s'", rec_str(run->end, "id", ""));
	} else if (strcmp(outcome, "skip") == 0) {
		judge_say(j, judge_about("plan", OUT_SKIP), "%s",
			  reason ? reason
			  : skip ? skip
				 : "skipped");
		return true;
	} else if (strcmp(outcome, "fail") == 0) {
		judge_say(j, judge_about("plan", OUT_FAIL), "%s",
			  reason ? reason : "the plan failed");
	} else if (strcmp(outcome, "ok") != 0) {
		judge_say(j, judge_about("plan", OUT_ERROR), "%s",
			  reason ? reason : "the plan ended with an error");
	}
	if (j->v->outcome == OUT_ERROR)
		return true;
	if (j->pl.spawned > j->ws->n) {
		judge_say(j, judge_about("worker", OUT_ERROR),
			  "%llu of %llu workers never reported",
			  (unsigned long long)(j->pl.spawned - j->ws->n),
			  (unsigned long long)j->pl.spawned);
		return true;
	}
	if (j->ws->n == 0) {
		judge_say(j, judge_about("worker", OUT_ERROR),
			  "nothing ran: the plan had no workers");
		return true;
	}
	return false;
}

int judge(const struct plan_run *run, const struct thr_set *options, struct verdict *ret)
{
	struct verdict v = { .outcome = OUT_SKIP };
	struct judging j = { .run = run, .v = &v, .ws = &v.workers };
	bool virt = run->env.clock && strcmp(run->env.clock, "virtual") == 0;
	char err[256] = "";
	int i, rc;

	for (i = 0; i < THR_COUNT; i++)
		v.checks[i] = (struct measure){ .measured = NAN, .outcome = OUT_SKIP };
	v.host_delay_ns = host_delay(run);
	rc = thr_resolve(&v.limits, virt, run->plan, options, err, sizeof(err));
	if (rc < 0) {
		judge_say(&j, judge_about("plan", OUT_ERROR), "%s", err);
		(void)thr_resolve(&v.limits, virt, NULL, options, err, sizeof(err));
	}
	drop_latency_limits(&j);
	rc = workers_read(run, &v.workers, err, sizeof(err));
	if (rc == 0)
		rc = placement_build(run, &v.workers, &j.pl, err, sizeof(err));
	if (rc == -EINVAL) {
		judge_say(&j, judge_about("plan", OUT_ERROR), "%s", err);
		rc = 0;
	} else if (rc == 0 && !check_run(&j)) {
		v.outcome = v.outcome > OUT_PASS ? v.outcome : OUT_PASS;
		run_checks(&j);
	}
	placement_free(&j.pl);
	if (rc == 0)
		rc = j.rc;
	if (rc < 0)
		verdict_free(&v);
	else
		*ret = v;
	return rc;
}
