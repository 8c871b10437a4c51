/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-snap-diff - what moved between snapshots of all threads. */
#include "cleanup.h"
#include "compare.h"
#include "die.h"
#include "glob.h"
#include "num.h"
#include "out.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const char help[] =
	"Usage: kt-snap-diff [OPTION]... [FILE]...\n"
	"Compare snapshots of kt-snap: what moved, in which groups of threads. FILE may be\n"
	"compressed; without any, or for -, it is standard input.\n"
	"\n"
	"  -g, --group-by pcomm|comm|cgroup|tid,...\n"
	"                           what a group has in common; tid stands alone (pcomm,comm)\n"
	"      --cgroup-flatten GLOB  cgroups that fit are one group (may be repeated)\n"
	"      --keep-kworkers      kworkers by their own names, not as one\n"
	"      --each               every snapshot with the one before it (standard input)\n"
	"      --ends               the first snapshot with the last (files)\n"
	"  -m, --only METRIC        only these, a pattern (may be repeated)\n"
	"  -a, --all                rows without a difference too\n"
	"  -p, --min-pct P          no rows that moved by less than P percent\n"
	"  -s, --sort moved|pct|delta|group|metric\n"
	"                           which rows come first (moved)\n"
	"  -l, --limit N            at most N rows for each interval\n"
	"      --fail-if CONDITION  exit with 1 when a row is so: 'nr_migrations>+50%',\n"
	"                           'nginx:wait_time_ns>200000000/s' (may be repeated)\n"
	"  -h, --help               print this text\n"
	"  -V, --version            print the version\n";

static const char *const sorts[] = { [SORT_MOVED] = "moved",
				     [SORT_PCT] = "pct",
				     [SORT_DELTA] = "delta",
				     [SORT_GROUP] = "group",
				     [SORT_METRIC] = "metric" };

struct opts {
	const char *group_by;
	const char **flatten, **only; /* each has room for all arguments */
	size_t n_flatten, n_only;
	bool each, ends;
	struct compare c;
};

static int write_meta(const struct opts *o, const char *const *paths, size_t n_paths)
{
	struct jsonw *w = o->c.w;
	size_t i;

	jsonw_meta(w, "kt-snap-diff", true);
	jsonw_str(w, "group_by", o->group_by);
	jsonw_arr(w, "cgroup_flatten");
	for (i = 0; i < o->n_flatten; i++)
		jsonw_str(w, NULL, o->flatten[i]);
	jsonw_arr_end(w);
	jsonw_str(w, "compares", o->c.each ? "each" : "ends");
	jsonw_str(w, "sort", sorts[o->c.show.sort]);
	jsonw_arr(w, "inputs");
	for (i = 0; i < n_paths; i++)
		jsonw_str(w, NULL, paths[i]);
	jsonw_arr_end(w);
	return jsonw_end(w);
}

/* Conditions of which nothing could be judged: nobody knows whether they hold. */
static size_t count_unjudged(const struct compare *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n_fail_if; i++)
		n += c->fail_if[i].judged == 0;
	return n;
}

static int write_end(const struct compare *c, const char *outcome)
{
	struct jsonw *w = c->w;
	struct rusage ru;
	size_t i;

	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-snap-diff");
	jsonw_str(w, "outcome", outcome);
	jsonw_str(w, "reason", c->err[0] ? c->err : NULL);
	jsonw_u64(w, "intervals", c->intervals);
	jsonw_u64(w, "snapshots", c->snapshots);
	jsonw_u64(w, "records", c->records);
	jsonw_u64(w, "bytes", c->bytes);
	jsonw_u64(w, "records_predicted", c->predicted);
	jsonw_u64(w, "records_parsed", c->parsed);
	if (getrusage(RUSAGE_SELF, &ru) == 0)
		jsonw_u64(w, "peak_rss_kb", (uint64_t)ru.ru_maxrss);
	else
		jsonw_null(w, "peak_rss_kb");
	jsonw_arr(w, "failed");
	if (c->failed.len > 0)
		buf_add(&w->buf, c->failed.p, c->failed.len);
	jsonw_arr_end(w);
	jsonw_u64(w, "failed_total", c->n_failed);
	jsonw_arr(w, "unjudged");
	for (i = 0; i < c->n_fail_if; i++)
		if (c->fail_if[i].judged == 0)
			jsonw_str(w, NULL, c->fail_if[i].text);
	jsonw_arr_end(w);
	return jsonw_end(w);
}

/* Returns an exit status. */
static int run(struct opts *o, const char *const *paths, size_t n_paths)
{
	struct compare *c = &o->c;
	const char *outcome = "ok";
	size_t i;
	int rc, wrote;

	if (compare_init(c) < 0) {
		warn_rc(-ENOMEM, "start");
		return KT_FAIL;
	}
	wrote = write_meta(o, paths, n_paths);
	rc = wrote < 0 ? wrote : compare_run(c, paths, n_paths);
	if (rc < 0 && !c->err[0])
		wrote = warn_rc(rc, rc == -ENOMEM ? "compare" : "write standard output");
	else if (rc < 0)
		warn_msg("%s", c->err);
	for (i = 0; rc == 0 && i < c->n_fail_if; i++)
		if (c->fail_if[i].judged == 0)
			warn_msg("%s: there was nothing to judge: no such group, or its figure is "
				 "not known",
				 c->fail_if[i].text);
	if (rc < 0)
		outcome = "error";
	else if (c->n_failed > 0)
		outcome = "fail";
	else if (count_unjudged(c) > 0)
		outcome = "undecided";
	if (wrote == 0) {
		wrote = write_end(c, outcome);
		if (wrote < 0)
			warn_rc(wrote, "write standard output");
	}
	return rc == 0 && wrote == 0 && strcmp(outcome, "ok") == 0 ? KT_OK : KT_FAIL;
}

/* ---- options ---- */

static unsigned int parse_parts(const char *text)
{
	static const struct {
		const char *name;
		unsigned int part;
	} names[] = { { "pcomm", PART_PCOMM },
		      { "comm", PART_COMM },
		      { "cgroup", PART_CGROUP },
		      { "tid", PART_TID } };
	unsigned int parts = 0;
	const char *p = text;
	size_t i, n;

	for (;;) {
		n = strcspn(p, ",");
		for (i = 0; i < KT_ARRAY_LEN(names); i++)
			if (strlen(names[i].name) == n && memcmp(names[i].name, p, n) == 0)
				break;
		if (i == KT_ARRAY_LEN(names) || parts & names[i].part)
			die_usage("bad --group-by '%s': want pcomm, comm or cgroup, or several "
				  "with commas, or tid",
				  text);
		parts |= names[i].part;
		p += n;
		if (*p++ == '\0')
			break;
	}
	if (parts & PART_TID && parts != PART_TID)
		die_usage("bad --group-by '%s': a thread has its names anyway, tid stands alone",
			  text);
	return parts;
}

static void check_pattern(const char *option, const char *text)
{
	const char *what;
	size_t at;

	what = glob_check(text, &at);
	if (what)
		die_usage("bad %s '%s': %s, in column %zu", option, text, what, at + 1);
}

/* The metrics that are shown; with cgroups alone as groups, those of cgroups too. */
static void choose_metrics(struct opts *o)
{
	unsigned int id, end = o->c.how.parts == PART_CGROUP ? M_N : F_N;
	size_t i;

	for (i = 0; i < o->n_only; i++) {
		bool any = false;

		for (id = 0; id < M_N; id++) {
			const char *name = metric_get(id).name;

			if (!metric_compared(id) ||
			    !glob_match(o->only[i], name, strlen(name), true))
				continue;
			any = true;
			if (id < end)
				metric_add(&o->c.show.metrics, id);
			else if (strpbrk(o->only[i], "*?[") == NULL)
				die_usage("bad --only '%s': cgroups have that, and go with "
					  "--group-by cgroup",
					  o->only[i]);
		}
		if (!any)
			die_usage("bad --only '%s': there is no such metric", o->only[i]);
	}
	for (id = 0; o->n_only == 0 && id < end; id++)
		if (metric_compared(id))
			metric_add(&o->c.show.metrics, id);
	for (i = 0; i < o->c.n_fail_if; i++)
		if (o->c.fail_if[i].metric >= end)
			die_usage("bad --fail-if '%s': cgroups have that metric, and go with "
				  "--group-by cgroup",
				  o->c.fail_if[i].text);
}

static enum sort_by parse_sort(const char *text)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(sorts); i++)
		if (strcmp(sorts[i], text) == 0)
			return (enum sort_by)i;
	die_usage("bad --sort '%s': want moved, pct, delta, group or metric", text);
}

static void add_condition(struct opts *o, const char *text)
{
	const char *what;
	size_t at;

	what = fail_parse(&o->c.fail_if[o->c.n_fail_if], text, &at);
	if (what)
		die_usage("bad --fail-if '%s': %s, in column %zu", text, what, at + 1);
	o->c.n_fail_if++;
}

enum {
	OPT_FLATTEN = CHAR_MAX + 1,
	OPT_KEEP_KWORKERS,
	OPT_EACH,
	OPT_ENDS,
	OPT_FAIL_IF,
};

/* Returns -1, or an exit status: the option said it all. */
static int take_option(struct opts *o, int opt)
{
	switch (opt) {
	case 'g':
		o->group_by = optarg;
		break;
	case OPT_FLATTEN:
		check_pattern("--cgroup-flatten", optarg);
		o->flatten[o->n_flatten++] = optarg;
		break;
	case OPT_KEEP_KWORKERS:
		o->c.how.keep_kworkers = true;
		break;
	case OPT_EACH:
		o->each = true;
		break;
	case OPT_ENDS:
		o->ends = true;
		break;
	case 'm':
		check_pattern("--only", optarg);
		o->only[o->n_only++] = optarg;
		break;
	case 'a':
		o->c.show.all = true;
		break;
	case 'p':
		if (num_f64(optarg, 0, 1e12, &o->c.show.min_pct) < 0)
			die_usage("bad --min-pct '%s': want a number, 0 or more", optarg);
		break;
	case 's':
		o->c.show.sort = parse_sort(optarg);
		break;
	case 'l':
		if (num_u64(optarg, 1, UINT32_MAX, &o->c.show.limit) < 0)
			die_usage("bad --limit '%s': want a number, 1 or more", optarg);
		break;
	case OPT_FAIL_IF:
		add_condition(o, optarg);
		break;
	case 'h':
		return print_help(help);
	case 'V':
		return print_version();
	default:
		return KT_USAGE;
	}
	return -1;
}

static void check_options(struct opts *o, const char *const *paths, size_t n_paths)
{
	size_t i, n_stdin = 0;

	if (o->each && o->ends)
		die_usage("--each and --ends exclude each other");
	for (i = 0; i < n_paths; i++)
		n_stdin += strcmp(paths[i], "-") == 0;
	if (n_stdin > 1)
		die_usage("standard input can be read once");
	o->c.each = o->each || (n_paths == 1 && n_stdin == 1 && !o->ends);
	o->c.how.parts = parse_parts(o->group_by);
	o->c.how.flatten = o->flatten;
	o->c.how.n_flatten = o->n_flatten;
	if (o->n_flatten > 0 && !(o->c.how.parts & PART_CGROUP))
		die_usage("--cgroup-flatten goes with --group-by cgroup");
	choose_metrics(o);
}

int main(int argc, char *argv[])
{
	static const struct option longopts[] = {
		{ "group-by", required_argument, NULL, 'g' },
		{ "cgroup-flatten", required_argument, NULL, OPT_FLATTEN },
		{ "keep-kworkers", no_argument, NULL, OPT_KEEP_KWORKERS },
		{ "each", no_argument, NULL, OPT_EACH },
		{ "ends", no_argument, NULL, OPT_ENDS },
		{ "only", required_argument, NULL, 'm' },
		{ "all", no_argument, NULL, 'a' },
		{ "min-pct", required_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'l' },
		{ "fail-if", required_argument, NULL, OPT_FAIL_IF },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	static const char *const from_stdin[] = { "-" };
	struct opts o = { .group_by = "pcomm,comm" };
	/* No option is there more often than arguments are. */
	AUTO_FREE const char **flatten = calloc((size_t)argc, sizeof(*flatten));
	AUTO_FREE const char **only = calloc((size_t)argc, sizeof(*only));
	AUTO_FREE struct fail_if *fail_if = calloc((size_t)argc, sizeof(*fail_if));
	const char *const *paths;
	int opt, rc, close_rc;
	struct jsonw w;

	o.flatten = flatten;
	o.only = only;
	o.c.fail_if = fail_if;
	if (!flatten || !only || !fail_if) {
		warn_rc(-ENOMEM, "start");
		return KT_FAIL;
	}
	while ((opt = getopt_long(argc, argv, "g:m:ap:s:l:hV", longopts, NULL)) != -1) {
		rc = take_option(&o, opt);
		if (rc >= 0) {
			compare_free(&o.c);
			return rc;
		}
	}
	paths = optind < argc ? (const char *const *)&argv[optind] : from_stdin;
	check_options(&o, paths, optind < argc ? (size_t)(argc - optind) : 1);
	jsonw_init(&w, stdout);
	o.c.w = &w;
	rc = run(&o, paths, optind < argc ? (size_t)(argc - optind) : 1);
	compare_free(&o.c);
	jsonw_free(&w);
	close_rc = out_close(stdout); /* a full disk may show up only here */
	if (close_rc < 0) {
		warn_rc(close_rc, "write standard output");
		rc = KT_FAIL;
	}
	return rc;
}
