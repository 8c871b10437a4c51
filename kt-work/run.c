/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `kt-work run` makes ops from flags and plays them; `kt-work types` lists what there is. */
#include "run.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "gen.h"
#include "intent.h"
#include "mono.h"
#include "num.h"
#include "serve.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct opts {
	json_t *op, *work; /* of work.spawn */
	const char *cgroup_root;
	const char *intent; /* of --affinity, when it is one */
	uint64_t duration_ns;
};

__attribute__((noreturn)) static void no_memory(void)
{
	warn_msg("no memory");
	exit(KT_FAIL);
}

static void must(int rc)
{
	if (rc < 0)
		no_memory();
}

/* json_object_set_new frees the value on failure, and fails for NULL. */
static void put(json_t *obj, const char *key, json_t *v)
{
	must(json_object_set_new(obj, key, v));
}

static void put_once(json_t *obj, const char *key, json_t *v, const char *opt)
{
	if (json_object_get(obj, key)) {
		json_decref(v);
		die_usage("%s is said twice, or in two ways", opt);
	}
	put(obj, key, v);
}

static json_t *number(const char *text, const char *opt)
{
	int64_t v;

	if (num_i64(text, INT64_MIN, INT64_MAX, &v) < 0)
		die_usage("bad %s '%s'", opt, text);
	return json_integer(v);
}

/* "a/b/c" to ["a","b","c"]; without a slash to "a". */
static json_t *strings(const char *text, const char *sep, bool always_list)
{
	AUTO_FREE char *copy = NULL;
	json_t *list;
	char *rest, *p;

	if (!always_list && !strpbrk(text, sep))
		return json_string(text);
	copy = strdup(text); /* NOLINT(*-core.NonNullParamChecker): an option's argument is there */
	if (!copy)
		no_memory();
	rest = copy;
	list = json_array();
	while ((p = strsep(&rest, sep)))
		must(json_array_append_new(list, json_string(p)));
	return list;
}

/* "burst_ms=5", "first=spin:1ms", "rest=sleep:1ms,yield:1ms" */
static void param(struct opts *o, const char *arg)
{
	const char *eq = strchr(arg, '=');
	char key[64];
	int64_t v;

	if (!eq || eq == arg || (size_t)(eq - arg) >= sizeof(key))
		die_usage("bad --param '%s', want NAME=VALUE", arg);
	memcpy(key, arg, (size_t)(eq - arg));
	key[eq - arg] = '\0';
	if (strcmp(key, "type") == 0)
		die_usage("the type is told by --type");
	if (num_i64(eq + 1, INT64_MIN, INT64_MAX, &v) == 0)
		put_once(o->work, key, json_integer(v), arg);
	else
		put_once(o->work, key, strings(eq + 1, ",", strcmp(key, "rest") == 0), arg);
}

/* "bind:0-1", "local", "interleave:0,1:static" */
static json_t *mem(const char *arg)
{
	AUTO_FREE char *copy = strdup(arg);
	json_t *m = json_object();
	char *mode, *nodes, *flags, *rest = copy;

	if (!copy)
		no_memory();
	mode = strsep(&rest, ":");
	nodes = strsep(&rest, ":");
	flags = rest;
	put(m, "mode", json_string(mode));
	if (nodes && *nodes)
		put(m, "nodes", json_string(nodes));
	if (flags && *flags)
		put(m, "flags", strings(flags, ",", true));
	return m;
}

/* "0,100ms"; NULL when it is no list of times. */
static json_t *offsets(const char *arg)
{
	AUTO_FREE char *copy = strdup(arg);
	json_t *list = json_array();
	char *save = NULL, *p;
	uint64_t ns;

	if (!copy)
		no_memory();
	for (p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (dur_parse(p, &ns) < 0) {
			json_decref(list);
			return NULL;
		}
		must(json_array_append_new(list, json_integer((json_int_t)ns)));
	}
	return list;
}

static int parse(int argc, char *argv[], struct opts *o)
{
	enum {
		OPT_PARAM = CHAR_MAX + 1,
		OPT_ROOT,
		OPT_CGROUP,
		OPT_POLICY,
		OPT_NICE,
		OPT_CPUS,
		OPT_AFFINITY,
		OPT_MEM,
		OPT_SEED,
		OPT_OFFSETS,
	};
	static const struct option longopts[] = {
		{ "type", required_argument, NULL, 't' },
		{ "param", required_argument, NULL, OPT_PARAM },
		{ "count", required_argument, NULL, 'c' },
		{ "duration", required_argument, NULL, 'd' },
		{ "cgroup-root", required_argument, NULL, OPT_ROOT },
		{ "cgroup", required_argument, NULL, OPT_CGROUP },
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "nice", required_argument, NULL, OPT_NICE },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "affinity", required_argument, NULL, OPT_AFFINITY },
		{ "mem", required_argument, NULL, OPT_MEM },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "offsets", required_argument, NULL, OPT_OFFSETS },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	json_t *v;
	int c;

	while ((c = getopt_long(argc, argv, "t:c:d:hV", longopts, NULL)) != -1) {
		switch (c) {
		case 't':
			put_once(o->work, "type", json_string(optarg), "--type");
			break;
		case OPT_PARAM:
			param(o, optarg);
			break;
		case 'c':
			put_once(o->op, "count", number(optarg, "--count"), "--count");
			break;
		case 'd':
			if (dur_parse(optarg, &o->duration_ns) < 0)
				die_usage("bad --duration '%s'", optarg);
			break;
		case OPT_ROOT:
			o->cgroup_root = optarg;
			break;
		case OPT_CGROUP:
			put_once(o->op, "cgroup", json_string(optarg), "--cgroup");
			break;
		case OPT_POLICY:
			put_once(o->op, "policy", json_string(optarg), "--policy");
			break;
		case OPT_NICE:
			put_once(o->op, "nice", number(optarg, "--nice"), "--nice");
			break;
		case OPT_CPUS:
			put_once(o->op, "affinity", json_string(optarg), "--cpus");
			break;
		case OPT_AFFINITY:
			if (intent_known(optarg))
				o->intent = optarg;
			put_once(o->op, "affinity",
				 o->intent ? json_null() : strings(optarg, "/", true),
				 "--affinity");
			break;
		case OPT_MEM:
			put_once(o->op, "mem", mem(optarg), "--mem");
			break;
		case OPT_SEED:
			put_once(o->op, "seed", number(optarg, "--seed"), "--seed");
			break;
		case OPT_OFFSETS:
			v = offsets(optarg);
			if (!v)
				die_usage("bad --offsets '%s'", optarg);
			put_once(o->op, "offsets_ns", v, "--offsets");
			break;
		case 'h':
			exit(print_help(work_help));
		case 'V':
			exit(print_version());
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	return 0;
}

/* The group size of the type with its parameters as they are; 1 if any of it is wrong, which the
 * op's own check reports. */
static unsigned int default_count(json_t *op)
{
	AUTO_FREE char *text = NULL;
	unsigned int unit = 1;
	struct jsonr_doc doc;
	struct spawn spec;
	struct jsonr r;
	json_t *v;

	put(op, "count", json_integer(1));
	text = json_dumps(op, JSON_COMPACT);
	v = text ? jsonr_parse(&doc, "command line", 1, text, strlen(text)) : NULL;
	if (!v)
		return 1;
	jsonr_open(&r, &doc, v, "");
	spawn_read(&r, &spec);
	if (spec.work.gen)
		unit = gen_unit(&spec.work);
	spawn_free(&spec);
	json_decref(v);
	return unit;
}

static void play(struct serve *sv, json_t *op)
{
	AUTO_FREE char *text = json_dumps(op, JSON_COMPACT);

	if (!text)
		no_memory();
	serve_line(sv, "command line", 1, text, strlen(text));
}

static json_t *op_new(unsigned int seq, const char *name, bool groups)
{
	json_t *op = json_object(), *list;

	put(op, "type", json_string("op"));
	put(op, "seq", json_integer(seq));
	put(op, "at_ns", json_integer(0));
	put(op, "op", json_string(name));
	if (groups) {
		list = json_array();
		must(json_array_append_new(list, json_string("run")));
		put(op, "groups", list);
	}
	return op;
}

/* What the options left open. Returns 0, or -errno, which has been reported. */
static int complete(struct opts *o)
{
	put(o->op, "group", json_string("run"));
	if (!json_object_get(o->op, "cgroup"))
		put(o->op, "cgroup", json_string(""));
	if (!json_object_get(o->work, "type"))
		put(o->work, "type", json_string("CpuSpin"));
	if (!json_object_get(o->op, "count"))
		put(o->op, "count", json_integer(default_count(o->op)));
	return o->intent ? intent_resolve(o->intent, o->cgroup_root, o->op) : 0;
}

static void start_and_stop(struct serve *sv, uint64_t duration_ns)
{
	json_t *start = op_new(2, "work.start", true), *stop = op_new(3, "work.stop", true);
	uint64_t end;
	int sig;

	play(sv, start);
	end = mono_ns() + duration_ns;
	while (mono_ns() < end && !sv->site.stop_signal && sv->out_rc == 0)
		if (site_poll(&sv->site, -1, STDOUT_FILENO, end) < 0)
			break;
	/* The first signal asks for the reports, another one would cut them short. */
	sig = sv->site.stop_signal;
	sv->site.stop_signal = 0;
	play(sv, stop);
	sv->site.stop_signal = sv->site.stop_signal ? sv->site.stop_signal : sig;
	json_decref(start);
	json_decref(stop);
}

int run_main(int argc, char *argv[])
{
	struct opts o = { .op = op_new(1, "work.spawn", false),
			  .work = json_object(),
			  .duration_ns = 5 * NSEC_PER_SEC };
	struct serve sv = { .tell = true };
	int rc;

	put(o.op, "work", o.work); /* owns it */
	rc = parse(argc, argv, &o);
	if (rc == 0 && complete(&o) < 0)
		rc = KT_FAIL;
	if (rc == 0) {
		if (serve_begin(&sv, o.cgroup_root) == 0) {
			play(&sv, o.op);
			if (sv.n_errors == 0)
				start_and_stop(&sv, o.duration_ns);
		}
		rc = serve_end(&sv);
		if (rc == KT_OK && sv.n_incomplete > 0)
			rc = KT_FAIL;
	}
	json_decref(o.op);
	return rc;
}

/* ---- types ---- */

static void put_params(struct jsonw *w, const struct gen *g)
{
	unsigned int i;

	jsonw_arr(w, "params");
	for (i = 0; i < g->n_params; i++) {
		const struct param *p = &g->params[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "name", p->name);
		jsonw_str(w, "also", p->also);
		jsonw_u64(w, "default", p->dflt);
		jsonw_u64(w, "min", p->min);
		jsonw_u64(w, "max", p->max);
		jsonw_str(w, "description", p->help);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

int types_main(void)
{
	struct jsonw w;
	uint64_t n = 0;
	int rc = 0;
	size_t i;

	jsonw_init(&w, stdout);
	jsonw_meta(&w, "kt-work", true);
	jsonw_null(&w, "monitor");
	jsonw_null(&w, "monitor_period_ns");
	rc = jsonw_end(&w);
	for (i = 0; gen_table[i] && rc == 0; i++, n++) {
		const struct gen *g = gen_table[i];
		struct work dflt = { .gen = g };
		unsigned int k;

		for (k = 0; k < g->n_params; k++)
			dflt.p[k] = g->params[k].dflt;
		jsonw_begin(&w, "work-type");
		jsonw_str(&w, "work", g->name);
		jsonw_str(&w, "description", g->help);
		jsonw_u64(&w, "group_size", gen_unit(&dflt));
		jsonw_str(&w, "group_param",
			  g->unit_param < 0 ? NULL : g->params[g->unit_param].name);
		jsonw_u64(&w, "group_extra", g->unit_param < 0 ? 0 : g->unit);
		jsonw_bool(&w, "messenger", g->messenger);
		jsonw_str(&w, "wake", g->wake);
		put_params(&w, g);
		jsonw_bool(&w, "phases", g == &gen_Sequence);
		rc = jsonw_end(&w);
	}
	if (rc == 0) {
		jsonw_begin(&w, "end");
		jsonw_str(&w, "tool", "kt-work");
		jsonw_str(&w, "outcome", "ok");
		jsonw_u64(&w, "types", n);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	if (rc < 0)
		warn_rc(rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
