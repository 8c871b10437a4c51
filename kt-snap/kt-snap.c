/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-snap - what every thread of the machine has done so far, as records. */
#include "buf.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "jsonw.h"
#include "num.h"
#include "out.h"
#include "series.h"
#include "sig.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#define DEFAULT_INTERVAL_NS NSEC_PER_SEC
#define PATTERNS_MAX 256
#define PIDS_MAX 65536

static const char help[] =
	"Usage: kt-snap [-n COUNT] [-i INTERVAL] [-o FILE] [OPTION...]\n"
	"Print one record for each thread of this machine: what it is, and what it has counted\n"
	"since it began.\n"
	"\n"
	"  -n, --count COUNT      so many snapshots (1; with -i alone: until a signal comes)\n"
	"  -i, --interval TIME    from the start of one to the start of the next (1s)\n"
	"  -o, --output FILE      write FILE, when all is done; compressed if it ends in .zst\n"
	"      --level N          of compression, as zstd has it (3)\n"
	"      --threads N        that compress beside the one that reads (0)\n"
	"      --source auto|bpf|proc\n"
	"                         bpf: read the kernel's own structures, needs privileges\n"
	"                         proc: read /proc\n"
	"                         auto: bpf where it works, else proc (default)\n"
	"      --walkers N        threads that read /proc (2, or 1 with one CPU)\n"
	"  -p, --pid LIST         only these processes, or single threads of others\n"
	"      --cgroup PATTERN   only threads in such a cgroup or below it; may be repeated\n"
	"      --comm PATTERN     only threads of such a name; may be repeated\n"
	"      --fields FIELD,...  only these members, or +MEMBER or -MEMBER, or groups of them\n"
	"      --list-fields      print what members there are, as records\n"
	"  -q, --quiet            with -o: do not say on standard error what was written\n"
	"  -h, --help             print this help\n"
	"  -V, --version          print the version\n";

struct opts {
	struct series_opts series;
	const char *output; /* NULL: standard output */
	int level, threads;
	bool quiet;
};

/* ---- members, as records ---- */

static const char *const kind_name[] = {
	[FIELD_U64] = "integer",  [FIELD_I64] = "integer",   [FIELD_BOOL] = "boolean",
	[FIELD_STR] = "string",	  [FIELD_POLICY] = "string", [FIELD_STATE] = "string",
	[FIELD_OPAQUE] = "string"
};
static const char *const rule_name[] = {
	[RULE_KEY] = "key",	[RULE_SUM] = "sum",   [RULE_GAUGE] = "gauge", [RULE_MAX] = "max",
	[RULE_RANGE] = "range", [RULE_MODE] = "mode", [RULE_SET] = "set",     [RULE_NONE] = "none"
};
static const char *const unit_name[] = {
	[UNIT_NS] = "ns", [UNIT_BYTES] = "bytes", [UNIT_KB] = "kb"
};

static int list_fields(FILE *out)
{
	struct jsonw w;
	int f, rc;

	jsonw_init(&w, out);
	jsonw_meta(&w, "kt-snap", true);
	rc = jsonw_end(&w);
	for (f = 0; rc == 0 && f < F_N; f++) {
		jsonw_begin(&w, "field");
		jsonw_str(&w, "name", fields[f].name);
		jsonw_str(&w, "group", field_group_name[fields[f].group]);
		jsonw_bool(&w, "default", fields[f].group < GROUP_NUMA);
		jsonw_str(&w, "kind", kind_name[fields[f].kind]);
		jsonw_str(&w, "unit", unit_name[fields[f].unit]);
		jsonw_str(&w, "rule", rule_name[fields[f].rule]);
		jsonw_str(&w, "proc", fields[f].proc);
		jsonw_str(&w, "bpf", fields[f].bpf);
		rc = jsonw_end(&w);
	}
	if (rc == 0) {
		jsonw_begin(&w, "end");
		jsonw_str(&w, "tool", "kt-snap");
		jsonw_str(&w, "outcome", "ok");
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	if (rc == 0)
		rc = out_close(out);
	return rc < 0 ? warn_rc(rc, "write standard output") : 0;
}

/* ---- the command line ---- */

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* "1,20,300" behind what is there already. */
static int add_pids(struct series_opts *o, const char *list)
{
	AUTO_FREE char *text = strdup(list);
	char *save = NULL, *word;
	size_t i, n = 0;

	if (!text)
		return warn_rc(-ENOMEM, "read the command line");
	if (*text == '\0' || *text == ',' || strstr(text, ",,") || text[strlen(text) - 1] == ',')
		die_usage("bad --pid '%s'", list);
	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		pid_t *more;
		int pid;

		if (num_int(word, 1, INT_MAX, &pid) < 0)
			die_usage("bad --pid '%s'", list);
		if (o->n_pids == PIDS_MAX)
			die_usage("more than %d pids", PIDS_MAX);
		more = realloc(o->pid, (o->n_pids + 1) * sizeof(*more));
		if (!more)
			return warn_rc(-ENOMEM, "read the command line");
		o->pid = more;
		o->pid[o->n_pids++] = pid;
	}
	qsort(o->pid, o->n_pids, sizeof(*o->pid), by_number);
	for (i = 0; i < o->n_pids; i++)
		if (i == 0 || o->pid[i] != o->pid[n - 1])
			o->pid[n++] = o->pid[i];
	o->n_pids = n;
	return 0;
}

static void add_pattern(const char *option, const char *what, const char **to, size_t *n)
{
	if (*n == PATTERNS_MAX)
		die_usage("more than %d of %s", PATTERNS_MAX, option);
	if (*what == '\0')
		die_usage("%s wants a pattern", option);
	to[(*n)++] = what;
}

static enum source_choice source_choice(const char *s)
{
	static const char *const name[] = {
		[SOURCE_AUTO] = "auto", [SOURCE_BPF] = "bpf", [SOURCE_PROC] = "proc"
	};
	unsigned int i;

	for (i = 0; i < KT_ARRAY_LEN(name); i++)
		if (strcmp(s, name[i]) == 0)
			return i;
	die_usage("bad --source '%s': auto, bpf or proc", s);
}

static void want_fields(const char *list, struct field_set *ret)
{
	const char *bad;
	size_t n;

	if (field_select(list, ret, &bad, &n) == 0)
		return;
	if (n == 0)
		die_usage("bad --fields '%s'", list);
	die_usage("--fields: no member or group is called '%.*s', see --list-fields", (int)n, bad);
}

static unsigned int default_walkers(void)
{
	struct cpuset mine;

	return cpuset_getaffinity(0, &mine) == 0 && cpuset_count(&mine) > 1 ? 2 : 1;
}

/* ---- all of it ---- */

static void say_what(const struct opts *o, const struct series_totals *t)
{
	if (o->quiet)
		return;
	warn_msg("%s: %" PRIu64 " %s, %" PRIu64 " threads, source %s%s%s%s", o->output,
		 t->snapshots, t->snapshots == 1 ? "snapshot" : "snapshots", t->records, t->source,
		 t->why ? " (no BPF: " : "", t->why ? t->why : "", t->why ? ")" : "");
}

static int run(struct opts *o, int sig_fd)
{
	AUTO_FREE struct series_totals *totals = calloc(1, sizeof(*totals));
	AUTO_BUF name = BUF_INIT;
	struct zfile *z = NULL;
	int rc, commit_rc;

	if (o->output)
		buf_fmt(&name, "'%s'", o->output);
	else
		buf_str(&name, "standard output");
	if (!totals || name.err < 0)
		return warn_rc(-ENOMEM, "begin");
	o->series.out_name = name.p;
	rc = zfile_open(o->output, o->level, o->threads, &z);
	if (rc < 0)
		return warn_rc(rc, "write %s", name.p);
	rc = series_run(&o->series, z, sig_fd, totals);
	if (rc == 0 || rc == -ECANCELED) {
		commit_rc = zfile_commit(z);
		if (commit_rc < 0)
			rc = warn_rc(commit_rc, "write %s", name.p);
		else if (o->output)
			say_what(o, totals);
	}
	zfile_close(z);
	return rc;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_SOURCE = CHAR_MAX + 1,
		OPT_LEVEL,
		OPT_THREADS,
		OPT_WALKERS,
		OPT_CGROUP,
		OPT_COMM,
		OPT_FIELDS,
		OPT_LIST_FIELDS,
	};
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "count", required_argument, NULL, 'n' },
		{ "interval", required_argument, NULL, 'i' },
		{ "output", required_argument, NULL, 'o' },
		{ "level", required_argument, NULL, OPT_LEVEL },
		{ "threads", required_argument, NULL, OPT_THREADS },
		{ "source", required_argument, NULL, OPT_SOURCE },
		{ "walkers", required_argument, NULL, OPT_WALKERS },
		{ "pid", required_argument, NULL, 'p' },
		{ "cgroup", required_argument, NULL, OPT_CGROUP },
		{ "comm", required_argument, NULL, OPT_COMM },
		{ "fields", required_argument, NULL, OPT_FIELDS },
		{ "list-fields", no_argument, NULL, OPT_LIST_FIELDS },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	const char *cgroup[PATTERNS_MAX], *comm[PATTERNS_MAX];
	struct opts o = { .level = 3 };
	AUTO_FD sig_fd = -1;
	sigset_t old;
	int c, rc, walkers = (int)default_walkers();
	bool list = false;

	field_defaults(&o.series.want);
	o.series.cgroup = cgroup;
	o.series.comm = comm;
	while ((c = getopt_long(argc, argv, "hVn:i:o:p:q", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case 'n':
			if (num_u64(optarg, 1, UINT64_MAX / 2, &o.series.count) < 0)
				die_usage("bad --count '%s'", optarg);
			break;
		case 'i':
			if (dur_parse(optarg, &o.series.interval_ns) < 0 ||
			    o.series.interval_ns == 0)
				die_usage("bad --interval '%s'", optarg);
			break;
		case 'o':
			o.output = optarg;
			break;
		case OPT_LEVEL:
			if (num_int(optarg, -131072, 22, &o.level) < 0)
				die_usage("bad --level '%s': -131072 to 22", optarg);
			break;
		case OPT_THREADS:
			if (num_int(optarg, 0, 200, &o.threads) < 0)
				die_usage("bad --threads '%s': 0 to 200", optarg);
			break;
		case OPT_SOURCE:
			o.series.source = source_choice(optarg);
			break;
		case OPT_WALKERS:
			if (num_int(optarg, 1, PROC_WALKERS_MAX, &walkers) < 0)
				die_usage("bad --walkers '%s': 1 to %d", optarg, PROC_WALKERS_MAX);
			break;
		case 'p':
			if (add_pids(&o.series, optarg) < 0)
				return KT_FAIL;
			break;
		case OPT_CGROUP:
			add_pattern("--cgroup", optarg, cgroup, &o.series.n_cgroups);
			break;
		case OPT_COMM:
			add_pattern("--comm", optarg, comm, &o.series.n_comms);
			break;
		case OPT_FIELDS:
			want_fields(optarg, &o.series.want);
			break;
		case OPT_LIST_FIELDS:
			list = true;
			break;
		case 'q':
			o.quiet = true;
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (list)
		return list_fields(stdout) < 0 ? KT_FAIL : KT_OK;
	if (o.series.interval_ns == 0 && o.series.count == 0)
		o.series.count = 1;
	if (o.series.interval_ns == 0 && o.series.count > 1)
		o.series.interval_ns = DEFAULT_INTERVAL_NS;
	o.series.walkers = (unsigned int)walkers;
	sig_fd = sig_block(NULL, &old);
	if (sig_fd < 0)
		rc = warn_rc(sig_fd, "set up signals");
	else
		rc = run(&o, sig_fd); /* has reported its own failure */
	free(o.series.pid);
	return rc < 0 ? KT_FAIL : KT_OK;
}
