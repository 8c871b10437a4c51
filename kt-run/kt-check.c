/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-check - judges an event stream, plan by plan. */
#include "checks.h"
#include "cleanup.h"
#include "die.h"
#include "events.h"
#include "jsonr.h"
#include "jsonw.h"
#include "ndjson.h"
#include "out.h"
#include "thresh.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: kt-check [OPTION]... < EVENTS\n"
	"Judge the events of kt-play, plan by plan: one result record for each.\n"
	"\n"
	"  -t, --threshold LIMIT=VALUE  set a limit; off switches it off\n"
	"  -p, --plans FILE             these plans were to be played (kt-scenario's output)\n"
	"      --allow-undecided        an undecided plan does not fail the run\n"
	"  -l, --list-thresholds        print every threshold as a record\n"
	"  -h, --help                   print this text\n"
	"  -V, --version                print the version\n";

struct check {
	struct thr_set options;
	struct jsonw w;
	json_t *expected; /* plan records of --plans, in order */
	json_t *came; /* object: ids that had a result */
	uint64_t count[OUT_ERROR + 1];
	int write_rc;
};

static void put_known(struct jsonw *w, const char *key, uint64_t v)
{
	if (v == UNKNOWN)
		jsonw_null(w, key);
	else
		jsonw_u64(w, key, v);
}

static void put_details(struct jsonw *w, const struct verdict *v)
{
	size_t i;

	jsonw_arr(w, "details");
	for (i = 0; i < v->n_details; i++) {
		const struct detail *d = &v->details[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "check", d->check);
		jsonw_str(w, "outcome", outcome_name(d->outcome));
		jsonw_str(w, "message", d->message);
		jsonw_str(w, "cgroup", d->cgroup);
		jsonw_str(w, "group", d->group);
		jsonw_id(w, "worker", d->worker);
		jsonw_id(w, "tid", d->tid);
		jsonw_id(w, "cpu", d->cpu);
		thr_put_number(w, "value", d->value);
		thr_put_number(w, "limit", d->limit);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static void put_checks(struct jsonw *w, const struct verdict *v)
{
	int i;

	jsonw_arr(w, "checks");
	for (i = 0; i < THR_COUNT; i++) {
		const struct thr *t = &v->limits.t[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "name", thr_defs[i].name);
		thr_put_limit(w, "limit", (enum thr_id)i, t);
		thr_put_number(w, "measured", v->checks[i].measured);
		jsonw_str(w, "source", thr_source_name(t->source));
		jsonw_str(w, "outcome", outcome_name(v->checks[i].outcome));
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static int put_result(struct check *c, const struct plan_run *run, const struct verdict *v)
{
	struct jsonw *w = &c->w;
	const json_t *plan = run->plan;
	const char *topology = rec_str(plan, "topology", NULL);
	int rc;

	jsonw_begin(w, "result");
	jsonw_str(w, "id", rec_str(plan, "id", NULL));
	jsonw_str(w, "scenario", rec_str(plan, "scenario", NULL));
	jsonw_str(w, "profile", rec_str(plan, "profile", NULL));
	jsonw_str(w, "category", rec_str(plan, "category", NULL));
	jsonw_str(w, "outcome", outcome_name(v->outcome));
	put_details(w, v);
	put_checks(w, v);
	stats_write(w, &v->workers);
	jsonw_obj(w, "provenance");
	jsonw_str(w, "kernel", run->env.kernel);
	jsonw_str(w, "topology", topology ? topology : run->env.topology);
	jsonw_str(w, "scheduler", run->env.scheduler);
	jsonw_str(w, "accel", run->env.accel);
	jsonw_str(w, "clock", run->env.clock);
	put_known(w, "seed", rec_u64(plan, "seed", UNKNOWN));
	put_known(w, "host_delay_ns", v->host_delay_ns);
	jsonw_obj_end(w);
	rc = jsonw_end(w);
	if (rc < 0)
		c->write_rc = rc;
	return rc;
}

static int take_run(const struct plan_run *run, void *arg)
{
	struct check *c = arg;
	const char *id = rec_str(run->plan, "id", "");
	struct verdict v;
	int rc;

	rc = judge(run, &c->options, &v);
	if (rc < 0)
		return rc;
	c->count[v.outcome]++;
	if (json_object_set_new(c->came, id, json_true()) < 0)
		rc = -ENOMEM;
	if (rc == 0)
		rc = put_result(c, run, &v);
	verdict_free(&v);
	return rc;
}

/* The plans of --plans that never came: skipped where the plan says so, else an error. */
static int put_missing(struct check *c)
{
	const json_t *plan;
	size_t i;
	int rc = 0;

	json_array_foreach (c->expected, i, plan) {
		AUTO_FREE char *cut = strdup("not run: its events never came");
		struct plan_run run = { .plan = (json_t *)(uintptr_t)plan, .cut = cut };
		json_t *end = NULL;

		if (!cut)
			return -ENOMEM;
		if (json_object_get(c->came, rec_str(plan, "id", "")))
			continue;
		if (rec_str(plan, "skip", NULL)) {
			run.cut = NULL;
			run.end = end = json_pack("{s:s,s:s}", "id", rec_str(plan, "id", ""),
						  "outcome", "skip");
			if (!end)
				return -ENOMEM;
		}
		rc = take_run(&run, c);
		json_decref(end);
		if (rc < 0)
			break;
	}
	return rc;
}

/* The plan records of FILE. Returns 0 or -errno, reported. */
static int read_plans(struct check *c, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ndjson nd;
	char *line;
	size_t len;
	int rc, n;

	if (fd < 0)
		return warn_rc(-errno, "open '%s'", path);
	ndjson_init(&nd, fd);
	rc = 0;
	while (rc == 0 && (n = ndjson_next(&nd, &line, &len)) != 0) {
		json_t *rec;

		if (n < 0) {
			rc = warn_rc(n, "%s:%llu", path, (unsigned long long)nd.line);
			break;
		}
		rec = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(rec)) {
			warn_msg("%s:%llu: not a record", path, (unsigned long long)nd.line);
			rc = -EINVAL;
		} else if (strcmp(rec_str(rec, "type", ""), "plan") == 0 &&
			   json_array_append(c->expected, rec) < 0) {
			rc = warn_rc(-ENOMEM, "read '%s'", path);
		}
		json_decref(rec);
	}
	ndjson_free(&nd);
	return rc;
}

/* Read all events. Returns 0, or -errno when there is no use in going on, reported. *ret_why is set
 * (to be freed) when the stream itself is broken. */
static int read_events(struct events *ev, struct check *c, char **ret_why)
{
	struct ndjson nd;
	char *line;
	size_t len;
	int rc = 0, n;

	ndjson_init(&nd, STDIN_FILENO);
	while ((n = ndjson_next(&nd, &line, &len)) > 0) {
		if (len == 0)
			continue;
		rc = events_line(ev, line, len);
		if (rc < 0)
			break;
	}
	if (c->write_rc < 0) {
		rc = warn_rc(c->write_rc, "write standard output");
	} else if (rc == -EINVAL || n < 0) {
		const char *what = n < 0 ? strerror(-n) : "not a record";

		warn_msg("stdin:%llu: %s", (unsigned long long)nd.line, what);
		rc = asprintf(ret_why, "line %llu: %s", (unsigned long long)nd.line, what) < 0
			     ? -ENOMEM
			     : 0;
	}
	if (rc == -ENOMEM)
		rc = warn_rc(rc, "read events");
	ndjson_free(&nd);
	return rc;
}

/* The outcome of all plans, as the end record says it. */
static const char *overall(const struct check *c, bool trouble)
{
	if (trouble || c->count[OUT_ERROR] > 0)
		return "error";
	if (c->count[OUT_FAIL] > 0)
		return "fail";
	if (c->count[OUT_UNDECIDED] > 0)
		return "undecided";
	if (c->count[OUT_PASS] > 0)
		return "ok";
	return c->count[OUT_SKIP] > 0 ? "skip" : "error";
}

static int put_end(struct check *c, const char *trouble, bool allow_undecided, const char *outcome)
{
	struct jsonw *w = &c->w;
	int rc;

	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-check");
	jsonw_str(w, "outcome", outcome);
	jsonw_u64(w, "pass", c->count[OUT_PASS]);
	jsonw_u64(w, "fail", c->count[OUT_FAIL]);
	jsonw_u64(w, "skip", c->count[OUT_SKIP]);
	jsonw_u64(w, "undecided", c->count[OUT_UNDECIDED]);
	jsonw_u64(w, "error", c->count[OUT_ERROR]);
	jsonw_bool(w, "allow_undecided", allow_undecided);
	jsonw_str(w, "reason", trouble);
	rc = jsonw_end(w);
	return rc < 0 ? warn_rc(rc, "write standard output") : 0;
}

/* Returns an exit status; failures are reported. */
static int run(struct check *c, bool allow_undecided)
{
	struct events ev;
	AUTO_FREE char *why = NULL;
	const char *outcome;
	int rc;

	events_init(&ev, take_run, c);
	jsonw_meta(&c->w, "kt-check", false); /* a judgement depends on its input alone */
	rc = jsonw_end(&c->w);
	if (rc < 0)
		rc = warn_rc(rc, "write standard output");
	else
		rc = read_events(&ev, c, &why);
	if (rc == 0) {
		rc = events_finish(&ev, why);
		if (rc == 0)
			rc = put_missing(c);
		if (rc < 0)
			rc = warn_rc(rc, "judge");
	}
	if (rc == 0) {
		if (ev.trouble)
			warn_msg("%s", ev.trouble);
		outcome = overall(c, ev.trouble != NULL);
		rc = put_end(c, ev.trouble, allow_undecided, outcome);
		if (rc == 0)
			rc = strcmp(outcome, "ok") == 0 ||
					     (allow_undecided && strcmp(outcome, "undecided") == 0)
				     ? KT_OK
			     : strcmp(outcome, "skip") == 0 ? KT_SKIP
							    : KT_FAIL;
	}
	events_free(&ev);
	return rc < 0 ? KT_FAIL : rc;
}

static void put_default(struct jsonw *w, const char *key, int id, double v)
{
	const struct thr t = { .on = !isnan(v), .limit = v };

	thr_put_limit(w, key, (enum thr_id)id, &t);
}

static int list_thresholds(struct check *c)
{
	struct jsonw *w = &c->w;
	int i, rc;

	jsonw_meta(w, "kt-check", false);
	rc = jsonw_end(w);
	for (i = 0; rc == 0 && i < THR_COUNT; i++) {
		const struct thr_def *d = &thr_defs[i];

		jsonw_begin(w, "threshold");
		jsonw_str(w, "name", d->name);
		jsonw_str(w, "unit", d->unit);
		jsonw_str(w, "scope", d->scope);
		put_default(w, "default_real", i, d->real);
		put_default(w, "default_virtual", i, d->virt);
		jsonw_bool(w, "measured", !d->needs_monitor);
		jsonw_str(w, "about", d->about);
		rc = jsonw_end(w);
	}
	if (rc < 0)
		return warn_rc(rc, "write standard output");
	return put_end(c, NULL, false, "ok");
}

static void take_threshold(struct check *c, const char *text)
{
	char name[128], hint[NEAREST_HINT];
	struct thr t;
	int id, rc;

	rc = thr_parse(text, name, sizeof(name), &id, &t);
	if (rc == -ENOENT) {
		AUTO_BUF all = BUF_INIT;
		int i;

		for (i = 0; i < THR_COUNT; i++)
			buf_fmt(&all, "%s%s", i ? ", " : "", thr_defs[i].name);
		(void)thr_hint(name, hint);
		die_usage("unknown threshold '%s'%s All: %s", name, *hint ? hint : ".",
			  all.p ? all.p : "");
	}
	if (rc < 0)
		die_usage("bad --threshold '%s': %s", text,
			  thr_defs[thr_find(name)].unit ? "want NAME=NUMBER or NAME=off"
							: "want NAME=true or NAME=false");
	c->options.t[id] = t;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_ALLOW = CHAR_MAX + 1
	};
	static const struct option longopts[] = {
		{ "threshold", required_argument, NULL, 't' },
		{ "plans", required_argument, NULL, 'p' },
		{ "allow-undecided", no_argument, NULL, OPT_ALLOW },
		{ "list-thresholds", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct check c = { 0 };
	const char *plans = NULL;
	bool allow = false, list = false;
	int opt, rc, close_rc;

	jsonw_init(&c.w, stdout);
	c.w.flush = true; /* a result is news as soon as its plan has ended */
	while ((opt = getopt_long(argc, argv, "t:p:lhV", longopts, NULL)) != -1) {
		switch (opt) {
		case 't':
			take_threshold(&c, optarg);
			break;
		case 'p':
			plans = optarg;
			break;
		case OPT_ALLOW:
			allow = true;
			break;
		case 'l':
			list = true;
			break;
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE;
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	c.expected = json_array();
	c.came = json_object();
	if (!c.expected || !c.came)
		rc = warn_rc(-ENOMEM, "start");
	else if (list)
		rc = list_thresholds(&c);
	else if (plans && read_plans(&c, plans) < 0)
		rc = KT_FAIL;
	else
		rc = run(&c, allow);
	json_decref(c.expected);
	json_decref(c.came);
	jsonw_free(&c.w);
	close_rc = out_close(stdout);
	if (close_rc < 0 && rc >= 0 && c.write_rc == 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : rc;
}
