/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-scenario - lists, shows and expands scenarios. */
#include "buf.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "expand.h"
#include "flags.h"
#include "jsonr.h"
#include "jsonw.h"
#include "nearest.h"
#include "num.h"
#include "out.h"
#include "scenario.h"
#include "thresh.h"
#include "toporec.h"
#include "works.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const char help[] =
	"Usage: kt-scenario list [--filter TEXT] [SCENARIO...]\n"
	"       kt-scenario show SCENARIO\n"
	"       kt-scenario expand --topo TOPOLOGY [OPTION...] SCENARIO...\n"
	"\n"
	"Lists scenarios, shows one's file, or makes plans of them. SCENARIO is a name or a file\n"
	"(with a slash or .json in it).\n"
	"\n"
	"list:\n"
	"      --filter TEXT    only names that hold TEXT, or match it if it has * or ?\n"
	"expand:\n"
	"      --topo TOPOLOGY|FILE\n"
	"                       what to plan for: a spec such as 1n2l4c1t; or kt-topo's records\n"
	"                       from a file or, with -, from standard input\n"
	"      --duration TIME  of the load (default 10s)\n"
	"      --workers N      per cgroup, where the scenario says W (default 2)\n"
	"      --work-type TYPE\n"
	"                       in place of CpuSpin, where the scenario leaves that open\n"
	"      --seed N[-M]     of all random draws; several make several plans (default 1)\n"
	"      --settle TIME    between making the cgroups and starting the load\n"
	"      --flags llc|borrow|steal|rebal|reject-pin|no-ctrl|all,...\n"
	"                       the profile, \"\" for none, \"all\" for every possible one\n"
	"                       (default: what the scenario requires)\n"
	"      --threshold LIMIT=VALUE\n"
	"                       what kt-check shall hold the result against\n"
	"\n"
	"  -h, --help           print this help\n"
	"  -V, --version        print the version\n";

struct opts {
	const char *filter, *topo;
	uint64_t seed_from, seed_to;
	bool given, all_flags; /* --flags */
	struct expand_opts x;
};

/* ---- the scenarios there are ---- */

struct names {
	char dir[PATH_MAX]; /* "": there is no such directory */
	char **v; /* sorted */
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(struct names *ns)
{
	size_t i;

	for (i = 0; i < ns->n; i++)
		free(ns->v[i]);
	free(ns->v);
}

static int names_read(struct names *ns)
{
	AUTO_DIR *dir = NULL;
	const struct dirent *de;
	char found[PATH_MAX];

	*ns = (struct names){ 0 };
	if (!child_data("scenarios", "KTSTR_SCENARIOS", found, sizeof(found)) ||
	    !realpath(found, ns->dir))
		return warn_rc(-errno, "find the directory of scenarios");
	dir = opendir(ns->dir);
	if (!dir)
		return warn_rc(-errno, "open '%s'", ns->dir);
	for (;;) {
		size_t len;
		char **v;

		errno = 0; /* readdir says NULL for the end and for an error */
		de = readdir(dir);
		if (!de && errno)
			return warn_rc(-errno, "read '%s'", ns->dir);
		if (!de)
			break;
		len = strlen(de->d_name);
		if (len < 6 || strcmp(de->d_name + len - 5, ".json") != 0 || de->d_name[0] == '.')
			continue;
		v = reallocarray(ns->v, ns->n + 1, sizeof(*v));
		if (!v)
			return warn_rc(-ENOMEM, "list '%s'", ns->dir);
		ns->v = v;
		v[ns->n] = strndup(de->d_name, len - 5);
		if (!v[ns->n])
			return warn_rc(-ENOMEM, "list '%s'", ns->dir);
		ns->n++;
	}
	if (ns->n)
		qsort(ns->v, ns->n, sizeof(*ns->v), by_name);
	return 0;
}

static bool is_file(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".json") == 0);
}

/* A scenario by name or file; NULL after a message, with *ret_status for main. */
static struct scenario *load(const struct names *ns, const char *name, int *ret_status)
{
	struct nearest near = { .want = name };
	char hint[NEAREST_HINT], path[PATH_MAX + NAME_MAX + 8], err[768];
	struct scenario *sc;
	bool known = false;
	size_t i;

	*ret_status = KT_FAIL;
	if (is_file(name)) {
		(void)snprintf(path, sizeof(path), "%s", name);
	} else {
		for (i = 0; i < ns->n; i++) {
			nearest_offer(&near, ns->v[i]);
			/* NOLINTNEXTLINE(*NonNull*): names_read() counts only what strndup gave */
			known |= strcmp(ns->v[i], name) == 0;
		}
		if (!known) {
			*ret_status = KT_USAGE;
			warn_msg("no scenario is called '%s'%s", name, nearest_hint(&near, hint));
			return NULL;
		}
		(void)snprintf(path, sizeof(path), "%s/%s.json", ns->dir, name);
	}
	sc = scenario_load(path, err, sizeof(err));
	if (!sc)
		warn_msg("%s", err);
	return sc;
}

/* ---- list, show ---- */

static void put_flags(struct jsonw *w, const char *key, flagset f)
{
	unsigned int i;

	jsonw_arr(w, key);
	for (i = 0; flags_name(i); i++)
		if (f & (1u << i))
			jsonw_str(w, NULL, flags_name(i));
	jsonw_arr_end(w);
}

static void put_need(struct jsonw *w, const char *key, uint64_t n)
{
	jsonw_id(w, key, n ? (int64_t)n : -1);
}

static int list_one(struct jsonw *w, const struct scenario *sc)
{
	flagset all[64];

	jsonw_begin(w, "scenario");
	jsonw_str(w, "name", sc->name);
	jsonw_str(w, "category", sc->category);
	jsonw_str(w, "description", sc->description);
	jsonw_obj(w, "flags");
	put_flags(w, "required", sc->required);
	put_flags(w, "excluded", sc->excluded);
	jsonw_obj_end(w);
	jsonw_u64(w, "profiles", flags_profiles(sc->required, sc->excluded, all));
	jsonw_obj(w, "needs");
	put_need(w, "cpus", sc->need_cpus);
	put_need(w, "llcs", sc->need_llcs);
	put_need(w, "nodes", sc->need_nodes);
	put_need(w, "smt", sc->need_smt);
	jsonw_obj_end(w);
	jsonw_u64(w, "cgroups", sc->n_cgroups);
	jsonw_u64(w, "steps", sc->n_steps);
	jsonw_str(w, "path", sc->path);
	return jsonw_end(w);
}

static bool matches(const char *filter, const char *name)
{
	if (!filter)
		return true;
	return strpbrk(filter, "*?[") ? fnmatch(filter, name, 0) == 0
				      : strstr(name, filter) != NULL;
}

static int no_match(const struct names *ns, const char *filter)
{
	struct nearest near = { .want = filter, .within = true };
	char hint[NEAREST_HINT];
	size_t i;

	for (i = 0; i < ns->n; i++)
		nearest_offer(&near, ns->v[i]);
	warn_msg("no scenario matches '%s'%s", filter, nearest_hint(&near, hint));
	return KT_USAGE;
}

static int end_record(struct jsonw *w, bool ok)
{
	jsonw_begin(w, "end");
	jsonw_str(w, "tool", "kt-scenario");
	jsonw_str(w, "outcome", ok ? "ok" : "error");
	return jsonw_end(w);
}

static int cmd_list(const struct opts *o, const struct names *ns, char *const *want)
{
	char *const *v = *want ? want : ns->v;
	size_t i, n = 0, max = *want ? SIZE_MAX : ns->n;
	int status = KT_OK, rc;
	struct jsonw w;

	for (i = 0; i < max && v[i]; i++)
		n += matches(o->filter, v[i]);
	if (n == 0 && o->filter)
		return no_match(ns, o->filter);
	jsonw_init(&w, stdout);
	jsonw_meta(&w, "kt-scenario", true);
	rc = jsonw_end(&w);
	for (i = 0; i < max && v[i] && rc == 0 && status == KT_OK; i++) {
		struct scenario *sc;

		if (!matches(o->filter, v[i]))
			continue;
		sc = load(ns, v[i], &status);
		if (!sc)
			continue;
		status = KT_OK;
		rc = list_one(&w, sc);
		scenario_free(sc);
	}
	if (rc == 0)
		rc = end_record(&w, status == KT_OK);
	jsonw_free(&w);
	if (rc < 0)
		warn_rc(rc, "write standard output");
	return rc < 0 ? KT_FAIL : status;
}

static int cmd_show(const struct names *ns, const char *name)
{
	struct scenario *sc;
	int status;

	if (!name)
		die_usage("show needs a scenario");
	sc = load(ns, name, &status);
	if (!sc)
		return status;
	status = KT_OK;
	if (fwrite(sc->text, 1, sc->text_len, stdout) != sc->text_len)
		status = KT_FAIL; /* out_close says so */
	scenario_free(sc);
	return status;
}

/* ---- expand ---- */

static int read_topology(const char *from, struct topo *t)
{
	bool is_stdin = strcmp(from, "-") == 0;
	struct topospec spec;
	char err[512] = "";
	AUTO_FD opened = -1;
	int rc = topospec_parse(from, &spec);

	if (rc == 0) {
		rc = topo_from_spec(&spec, t);
		return rc < 0 ? warn_rc(rc, "build the topology '%s'", from) : 0;
	}
	if (!is_stdin) {
		opened = open(from, O_RDONLY | O_CLOEXEC);
		if (opened < 0 && from[0] >= '0' && from[0] <= '9' && !strchr(from, '/'))
			die_usage("bad --topo '%s': %s, and no such file", from, topospec_why(rc));
		if (opened < 0)
			return warn_rc(-errno, "open '%s'", from);
	}
	rc = toporec_read(is_stdin ? STDIN_FILENO : opened, is_stdin ? "stdin" : from, t, err,
			  sizeof(err));
	if (rc < 0)
		warn_msg("%s", err);
	return rc;
}

/* Every profile and every seed of one scenario. */
static int expand_one(const struct opts *o, const struct scenario *sc)
{
	struct expand_opts x = o->x;
	flagset profiles[64] = { flags_least(sc->required) };
	size_t n = 1, i;
	char err[768] = "";
	int rc = 0;

	if (o->given)
		profiles[0] = o->x.profile;
	if (o->all_flags)
		n = flags_profiles(sc->required, sc->excluded, profiles);
	for (i = 0; i < n && rc == 0; i++) {
		x.profile = profiles[i];
		for (x.seed = o->seed_from; rc == 0; x.seed++) {
			rc = expand(sc, &x, stdout, err, sizeof(err));
			if (x.seed == o->seed_to)
				break;
		}
	}
	if (rc < 0)
		warn_msg("%s", err);
	return rc;
}

static int cmd_expand(const struct opts *o, const struct names *ns, char *const *want)
{
	struct topo *t = calloc(1, sizeof(*t));
	struct opts mine = *o;
	int rc = -ENOMEM, status = KT_FAIL;
	struct jsonw w;
	size_t i, k;

	if (!o->topo)
		die_usage("expand needs --topo");
	for (i = 0; want[i]; i++)
		for (k = 0; k < i; k++)
			if (strcmp(want[i], want[k]) == 0)
				die_usage("'%s' is named twice: plans are told apart by their name "
					  "(for repetitions, --seed 1-8)",
					  want[i]);
	if (t)
		rc = read_topology(o->topo, t);
	if (rc < 0) {
		free(t);
		return KT_FAIL;
	}
	mine.x.topo = t;
	jsonw_init(&w, stdout);
	jsonw_meta(&w, "kt-scenario", true);
	rc = jsonw_end(&w);
	for (i = 0; want[i] && rc == 0; i++) {
		struct scenario *sc = load(ns, want[i], &status);

		rc = sc ? expand_one(&mine, sc) : -EINVAL;
		scenario_free(sc);
	}
	if (rc == 0)
		status = KT_OK;
	if (end_record(&w, rc == 0) < 0)
		status = KT_FAIL; /* out_close says so */
	jsonw_free(&w);
	topo_free(t);
	free(t);
	return status;
}

/* ---- main ---- */

static void parse_flags(struct opts *o, const char *text)
{
	const char *bad;

	o->given = true;
	o->all_flags = strcmp(text, "all") == 0;
	if (!o->all_flags && flags_parse(text, &o->x.profile, &bad) < 0)
		die_usage("bad --flags: '%.*s' is none of llc, borrow, steal, rebal, reject-pin, "
			  "no-ctrl",
			  (int)strcspn(bad, ","), bad);
}

static void parse_seed(struct opts *o, const char *text)
{
	const char *dash = strchr(text, '-');
	char from[24];

	(void)snprintf(from, sizeof(from), "%.*s", dash ? (int)(dash - text) : 23, text);
	if (num_u64(from, 0, INT64_MAX, &o->seed_from) < 0 ||
	    num_u64(dash ? dash + 1 : from, o->seed_from, INT64_MAX, &o->seed_to) < 0 ||
	    o->seed_to - o->seed_from >= 10000)
		die_usage("bad --seed '%s'", text);
}

static void parse_work_type(struct opts *o, const char *text)
{
	struct nearest near = { .want = text };
	char hint[NEAREST_HINT];
	unsigned int i;

	for (i = 0; works_at(i); i++)
		nearest_offer(&near, works_at(i)->name);
	o->x.work_type = text;
	(void)nearest_hint(&near, hint);
	if (!works_find(text))
		die_usage("no work type is called '%s'%s", text,
			  *hint ? hint : " (kt-work types lists them)");
	if (strcmp(text, "Sequence") == 0)
		die_usage("'Sequence' needs phases, and --work-type has none to give");
}

/* NAME=VALUE into the object; the caller owns *to. */
static void parse_threshold(json_t **to, const char *text)
{
	char name[64], hint[NEAREST_HINT];
	json_t *v;
	struct thr t;
	int id, rc = thr_parse(text, name, sizeof(name), &id, &t);

	if (rc == -ENOENT)
		die_usage("no threshold is called '%s'%s", name, thr_hint(name, hint));
	if (rc < 0)
		die_usage("bad --threshold '%s'", text);
	if (!*to)
		*to = json_object();
	if (!t.on)
		v = json_false();
	else if (!thr_defs[id].unit)
		v = json_true();
	else if (t.limit == (double)(json_int_t)t.limit)
		v = json_integer((json_int_t)t.limit);
	else
		v = json_real(t.limit);
	if (!*to || json_object_set_new(*to, name, v) < 0)
		die_usage("out of memory");
}

static int run(const struct opts *o, const char *cmd, char *const *args)
{
	struct names ns = { 0 };
	int status = KT_FAIL;
	size_t i;

	for (i = 0; args[i] && is_file(args[i]); i++)
		;
	if ((i > 0 && !args[i]) || names_read(&ns) == 0) { /* files need no directory of ours */
		if (strcmp(cmd, "list") == 0)
			status = cmd_list(o, &ns, args);
		else if (strcmp(cmd, "show") == 0)
			status = cmd_show(&ns, args[0]);
		else
			status = cmd_expand(o, &ns, args);
	}
	names_free(&ns);
	return status;
}

/* What belongs to one command must not be passed over by another. */
static void check_command(const struct opts *o, const char *cmd, char *const *args,
			  const char *expand_opt)
{
	char hint[NEAREST_HINT];

	if (strcmp(cmd, "list") != 0 && strcmp(cmd, "show") != 0 && strcmp(cmd, "expand") != 0)
		die_usage("unknown command '%s'%s", cmd, nearest_command(help, cmd, hint));
	if (o->filter && strcmp(cmd, "list") != 0)
		die_usage("--filter goes with list only");
	if (expand_opt && strcmp(cmd, "expand") != 0)
		die_usage("--%s goes with expand only", expand_opt);
	if (strcmp(cmd, "show") == 0 && args[0] && args[1])
		die_usage("unexpected argument '%s'", args[1]);
	if (strcmp(cmd, "expand") == 0 && !args[0])
		die_usage("expand needs a scenario");
}

int main(int argc, char *argv[])
{
	enum {
		OPT_FILTER = CHAR_MAX + 1,
		OPT_TOPO,
		OPT_DURATION,
		OPT_WORKERS,
		OPT_WORK_TYPE,
		OPT_SEED,
		OPT_SETTLE,
		OPT_FLAGS,
		OPT_THRESHOLD,
	};
	static const struct option longopts[] = {
		{ "filter", required_argument, NULL, OPT_FILTER },
		{ "topo", required_argument, NULL, OPT_TOPO },
		{ "duration", required_argument, NULL, OPT_DURATION },
		{ "workers", required_argument, NULL, OPT_WORKERS },
		{ "work-type", required_argument, NULL, OPT_WORK_TYPE },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "settle", required_argument, NULL, OPT_SETTLE },
		{ "flags", required_argument, NULL, OPT_FLAGS },
		{ "threshold", required_argument, NULL, OPT_THRESHOLD },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct opts o = {
		.seed_from = 1,
		.seed_to = 1,
		.x = { .duration_ns = 10 * NSEC_PER_SEC, .settle_ns = UINT64_MAX, .workers = 2 }
	};
	const char *expand_opt = NULL;
	json_t *thresholds = NULL;
	int c, at = 0, status, rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, &at)) != -1) {
		if (c > OPT_FILTER)
			expand_opt = longopts[at].name;
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_FILTER:
			o.filter = optarg;
			break;
		case OPT_TOPO:
			o.topo = optarg;
			break;
		case OPT_DURATION:
			if (dur_parse(optarg, &o.x.duration_ns) < 0 || o.x.duration_ns == 0 ||
			    o.x.duration_ns > INT64_MAX / 1000)
				die_usage("bad --duration '%s'", optarg);
			break;
		case OPT_WORKERS:
			if (num_u64(optarg, 1, 4096, &o.x.workers) < 0)
				die_usage("bad --workers '%s'", optarg);
			break;
		case OPT_WORK_TYPE:
			parse_work_type(&o, optarg);
			break;
		case OPT_SEED:
			parse_seed(&o, optarg);
			break;
		case OPT_SETTLE:
			if (dur_parse(optarg, &o.x.settle_ns) < 0 ||
			    o.x.settle_ns > INT64_MAX / 1000)
				die_usage("bad --settle '%s'", optarg);
			break;
		case OPT_FLAGS:
			parse_flags(&o, optarg);
			break;
		case OPT_THRESHOLD:
			parse_threshold(&thresholds, optarg);
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind == argc)
		die_usage("want a command: list, show or expand");
	check_command(&o, argv[optind], argv + optind + 1, expand_opt);
	o.x.thresholds = thresholds;
	status = run(&o, argv[optind], argv + optind + 1);
	json_decref(thresholds);
	rc = out_close(stdout);
	if (rc < 0) {
		warn_rc(rc, "write standard output");
		return KT_FAIL;
	}
	return status;
}
