/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what a scenario does: its cgroups, the works in them, its steps. */
#include "scenario_parts.h"
#include "cleanup.h"
#include "cpuspec.h"
#include "expr.h"
#include "nearest.h"
#include "num.h"
#include "works.h"

#include <inttypes.h>
#include <string.h>

#define ITEMS_MAX 256 /* cgroups, works, steps or ops in one place */

/* The place of a reader, cut if it must be: it only serves messages. */
static void keep_place(char to[PLACE_MAX], const struct jsonr *r, const char *key)
{
	(void)snprintf(to, PLACE_MAX, "%.*s%s%s", PLACE_MAX - 20, r->path,
		       key && r->path[0] ? "." : "", key ? key : "");
}

/* Room for the elements of an array member; *ret_arr is NULL when it is absent. */
static void *elements(struct jsonr *r, const char *key, size_t size, json_t **ret_arr,
		      size_t *ret_n)
{
	void *p;

	*ret_arr = NULL;
	*ret_n = 0;
	if (jsonr_arr(r, key, ret_arr) <= 0)
		return NULL;
	if (json_array_size(*ret_arr) > ITEMS_MAX) {
		jsonr_fail(r, key, "has more than %d elements", ITEMS_MAX);
		return NULL;
	}
	p = calloc(json_array_size(*ret_arr) + 1, size);
	if (!p)
		jsonr_fail(r, key, "out of memory");
	else
		*ret_n = json_array_size(*ret_arr);
	return p;
}

void scenario_bad_choice(struct jsonr *r, const char *key, const char *got,
			 const char *(*name_at)(unsigned int))
{
	struct nearest near = { .want = got };
	char hint[NEAREST_HINT];
	unsigned int i;

	for (i = 0; name_at(i); i++)
		nearest_offer(&near, name_at(i));
	jsonr_fail(r, key, "'%s' is none%s", got, nearest_hint(&near, hint));
}

/* A number or an expression. */
static void read_expr(struct jsonr *r, const char *key, bool time, char *number, size_t cap,
		      const char **ret)
{
	char why[EXPR_WHY];
	json_t *v = NULL;
	int rc;

	if (jsonr_any(r, key, &v) <= 0)
		return;
	if (json_is_string(v)) {
		*ret = json_string_value(v);
	} else if (!time && json_is_integer(v) && json_integer_value(v) >= 0) {
		(void)snprintf(number, cap, "%" PRIu64, (uint64_t)json_integer_value(v));
		*ret = number;
	} else if (time && json_is_number(v) && json_number_value(v) >= 0 &&
		   json_number_value(v) < 1e9) {
		(void)snprintf(number, cap, "%" PRIu64 "ns",
			       (uint64_t)(json_number_value(v) * 1e9 + 0.5));
		*ret = number;
	} else {
		jsonr_fail(r, key,
			   time ? "want seconds, or an expression such as \"S+D/2\""
				: "want a count, or an expression such as \"2*W\"");
		return;
	}
	rc = time ? expr_time(*ret, NULL, NULL, why) : expr_count(*ret, NULL, NULL, why);
	if (rc < 0)
		jsonr_fail(r, key, "'%s': %s", *ret, why);
}

/* ---- works ---- */

static const char *type_at(unsigned int i)
{
	const struct work_type *t = works_at(i);

	return t ? t->name : NULL;
}

static void check_policy(struct jsonr *r, const char *policy)
{
	uint64_t prio;

	if (strcmp(policy, "normal") == 0 || strcmp(policy, "batch") == 0 ||
	    strcmp(policy, "idle") == 0 || strcmp(policy, "ext") == 0)
		return;
	if ((strncmp(policy, "fifo:", 5) == 0 && num_u64(policy + 5, 1, 99, &prio) == 0) ||
	    (strncmp(policy, "rr:", 3) == 0 && num_u64(policy + 3, 1, 99, &prio) == 0))
		return;
	jsonr_fail(r, "policy", "'%s': want normal, batch, idle, ext, fifo:PRIO or rr:PRIO",
		   policy);
}

static const char *intent_at(unsigned int i)
{
	static const char *const intents[] = {
		"inherit", "random", "llc", "all", "single", "each"
	};

	return i < KT_ARRAY_LEN(intents) ? intents[i] : NULL;
}

static void check_affinity(struct jsonr *r, const char *affinity)
{
	char why[CPUSPEC_WHY];
	unsigned int i;

	for (i = 0; intent_at(i); i++)
		if (strcmp(affinity, intent_at(i)) == 0)
			return;
	if (!strchr(affinity, ':'))
		scenario_bad_choice(r, "affinity", affinity, intent_at);
	else if (cpuspec_resolve(NULL, affinity, NULL, why) < 0)
		jsonr_fail(r, "affinity", "%s", why);
}

static void read_mem(struct jsonr *r, json_t **ret)
{
	const char *mode = NULL, *nodes = NULL;
	struct cpuset set;
	json_t *flags;
	struct jsonr m;

	if (jsonr_obj(r, "mem", ret) <= 0)
		return;
	jsonr_sub(&m, r, "mem", -1, *ret);
	(void)jsonr_need_str(&m, "mode", &mode);
	if (jsonr_str(&m, "nodes", &nodes) > 0 &&
	    (cpuset_parse(nodes, &set) < 0 || cpuset_empty(&set)))
		jsonr_fail(&m, "nodes", "'%s' is no list, such as \"0-1\"", nodes);
	(void)jsonr_arr(&m, "flags", &flags);
	(void)jsonr_done(&m); /* the document keeps the error */
}

/* Parameters go into the op as they are; kt-work knows their bounds. */
static void read_params(struct jsonr *r, const struct work_type *t, json_t *to)
{
	unsigned int i;

	for (i = 0; i < KT_ARRAY_LEN(t->params) && t->params[i]; i++) {
		json_t *v = NULL;

		if (jsonr_any(r, t->params[i], &v) <= 0)
			continue;
		if (!json_is_array(v) && (!json_is_integer(v) || json_integer_value(v) < 0))
			jsonr_fail(r, t->params[i], "want a number of 0 or more");
		if (json_object_set(to, t->params[i], v) < 0)
			jsonr_fail(r, t->params[i], "out of memory");
	}
}

static void read_work(struct jsonr *r, struct work_def *w)
{
	const struct work_type *t;

	keep_place(w->place, r, NULL);
	w->type = "CpuSpin";
	(void)jsonr_str(r, "type", &w->type);
	t = works_find(w->type);
	if (!t) {
		scenario_bad_choice(r, "type", w->type, type_at);
		return;
	}
	w->work = json_object();
	if (!w->work || json_object_set_new(w->work, "type", json_string(w->type)) < 0)
		jsonr_fail(r, "type", "out of memory");
	read_expr(r, "count", false, w->number, sizeof(w->number), &w->count);
	if (jsonr_str(r, "policy", &w->policy) > 0)
		check_policy(r, w->policy);
	(void)jsonr_i64(r, "nice", -20, 19, &w->nice);
	if (jsonr_str(r, "affinity", &w->affinity) > 0)
		check_affinity(r, w->affinity);
	read_mem(r, &w->mem);
	read_params(r, t, w->work);
	(void)jsonr_done(r); /* the document keeps the error */
}

/* ---- cgroups ---- */

static void check_name(struct jsonr *r, const char *key, const char *name)
{
	size_t i, n;

	for (i = 0;; i += n + 1) {
		n = strcspn(name + i, "/");
		if (n == 0 || name[i] == '.' || n > 200)
			jsonr_fail(r, key,
				   "'%s' is no name: want parts with a slash between, "
				   "none empty or beginning with a dot",
				   name);
		if (!jsonr_ok(r) || !name[i + n])
			return;
	}
}

/* "cpuset": a spec, or {"partition":"split_half"}. The parts of a partition are counted later. */
static void read_cpuset(struct jsonr *r, struct cgroup_def *d, bool may_split)
{
	char why[CPUSPEC_WHY];
	struct jsonr p;
	json_t *v = NULL;

	if (jsonr_any(r, "cpuset", &v) <= 0)
		return;
	if (json_is_string(v)) {
		d->spec = json_string_value(v);
		if (cpuspec_resolve(NULL, d->spec, NULL, why) < 0)
			jsonr_fail(r, "cpuset", "%s", why);
		return;
	}
	if (!may_split) {
		jsonr_fail(r, "cpuset", "want a CPU spec, such as \"llc:0\"");
		return;
	}
	jsonr_sub(&p, r, "cpuset", -1, v);
	(void)jsonr_need_str(&p, "partition", &d->partition);
	(void)jsonr_done(&p); /* the document keeps the error */
}

/* What cgroup.set can write besides the cpuset. */
static void read_knobs(struct jsonr *r, struct cgroup_def *d)
{
	struct cpuset set;
	const char *p;
	uint64_t n;

	if (jsonr_str(r, "mems", &d->mems) > 0 &&
	    (cpuset_parse(d->mems, &set) < 0 || cpuset_empty(&set)))
		jsonr_fail(r, "mems", "'%s' is no list, such as \"0-1\"", d->mems);
	(void)jsonr_u64(r, "weight", 1, 10000, &d->weight);
	if (jsonr_str(r, "max", &d->max) <= 0)
		return;
	p = strchr(d->max, ' ');
	if (strcmp(d->max, "max") != 0 &&
	    (!p || num_u64(p + 1, 1000, 1000000, &n) < 0 || (size_t)(p - d->max) > 18 ||
	     strspn(d->max, "0123456789") != (size_t)(p - d->max)))
		jsonr_fail(r, "max", "'%s': want \"max\" or \"QUOTA PERIOD\" in microseconds",
			   d->max);
}

static void read_cgroup(struct jsonr *r, struct cgroup_def *d, bool may_split)
{
	json_t *arr, *v;
	struct jsonr s;
	size_t i;

	keep_place(d->place, r, NULL);
	if (jsonr_need_str(r, "name", &d->name) > 0)
		check_name(r, "name", d->name);
	read_cpuset(r, d, may_split);
	read_knobs(r, d);
	(void)jsonr_bool(r, "swappable", &d->swappable);
	d->works = elements(r, "works", sizeof(*d->works), &arr, &d->n_works);
	d->empty = arr && d->n_works == 0;
	json_array_foreach (arr, i, v) {
		if (i >= d->n_works)
			break;
		jsonr_sub(&s, r, "works", (int)i, v);
		read_work(&s, &d->works[i]);
	}
	(void)jsonr_done(r); /* the document keeps the error */
}

struct cgroup_def *scenario_read_cgroups(struct jsonr *r, bool may_split, size_t *ret_n)
{
	struct cgroup_def *d;
	json_t *arr, *v;
	struct jsonr s;
	size_t i, k;

	d = elements(r, "cgroups", sizeof(*d), &arr, ret_n);
	json_array_foreach (arr, i, v) {
		if (i >= *ret_n)
			break;
		jsonr_sub(&s, r, "cgroups", (int)i, v);
		read_cgroup(&s, &d[i], may_split);
		for (k = 0; k < i && jsonr_ok(r); k++)
			if (strcmp(d[k].name, d[i].name) == 0)
				jsonr_fail(&s, "name", "'%s' is there already", d[i].name);
	}
	return d;
}

void scenario_check_partitions(struct jsonr *r, const struct cgroup_def *d, size_t n)
{
	char why[CPUSPEC_WHY];
	unsigned int parts;
	struct jsonr at;
	size_t i, k;

	for (i = 0; i < n && jsonr_ok(r); i++) {
		if (!d[i].partition)
			continue;
		for (parts = 0, k = 0; k < n; k++)
			parts += d[k].partition && strcmp(d[k].partition, d[i].partition) == 0;
		if (cpupart_resolve(NULL, d[i].partition, parts, NULL, why) >= 0)
			continue;
		jsonr_sub(&at, r, "cgroups", (int)i,
			  json_array_get(json_object_get(r->obj, "cgroups"), i));
		jsonr_fail(&at, "cpuset.partition", "%s", why);
	}
}

/* ---- steps ---- */

static const struct {
	const char *name;
	enum step_kind kind;
} step_kinds[] = {
	{ "create", STEP_CREATE }, { "rm", STEP_RM },	    { "set", STEP_SET },
	{ "clear", STEP_CLEAR },   { "move", STEP_MOVE },   { "kill", STEP_KILL },
	{ "stop", STEP_STOP },	   { "spawn", STEP_SPAWN }, { "affinity", STEP_AFFINITY },
};

static const char *step_kind_at(unsigned int i)
{
	return i < KT_ARRAY_LEN(step_kinds) ? step_kinds[i].name : NULL;
}

static void need_name(struct jsonr *r, const char *key, bool may_be_empty, const char **ret)
{
	*ret = "";
	if (jsonr_need_str(r, key, ret) > 0 && (**ret || !may_be_empty))
		check_name(r, key, *ret);
}

static void read_set(struct jsonr *r, struct step_op *op)
{
	bool freeze;

	need_name(r, "cgroup", false, &op->cgroup);
	keep_place(op->def.place, r, NULL);
	read_cpuset(r, &op->def, false);
	read_knobs(r, &op->def);
	op->freeze = jsonr_bool(r, "freeze", &freeze) > 0 ? freeze : -1;
	if (jsonr_ok(r) && json_object_size(r->obj) < 3)
		jsonr_fail(r, NULL, "sets nothing: want cpuset, mems, weight, max or freeze");
}

static void read_op(struct jsonr *r, struct step_op *op)
{
	const char *name = "";
	struct jsonr s;
	json_t *v;
	size_t i;

	keep_place(op->place, r, NULL);
	if (jsonr_need_str(r, "op", &name) <= 0)
		return;
	for (i = 0; i < KT_ARRAY_LEN(step_kinds) && strcmp(step_kinds[i].name, name) != 0; i++)
		;
	if (i == KT_ARRAY_LEN(step_kinds)) {
		scenario_bad_choice(r, "op", name, step_kind_at);
		return;
	}
	op->kind = step_kinds[i].kind;
	op->freeze = -1;
	switch (op->kind) {
	case STEP_SET:
		read_set(r, op);
		break;
	case STEP_CLEAR:
		need_name(r, "cgroup", false, &op->cgroup);
		op->what = "cpus";
		if (jsonr_str(r, "what", &op->what) > 0 && strcmp(op->what, "cpus") != 0 &&
		    strcmp(op->what, "mems") != 0)
			jsonr_fail(r, "what", "want \"cpus\" or \"mems\"");
		break;
	case STEP_MOVE:
		need_name(r, "from", false, &op->cgroup);
		need_name(r, "to", false, &op->to);
		break;
	case STEP_SPAWN:
		need_name(r, "cgroup", true, &op->cgroup);
		if (jsonr_obj(r, "work", &v) > 0) {
			jsonr_sub(&s, r, "work", -1, v);
			read_work(&s, &op->work);
		} else {
			jsonr_fail(r, NULL, "member 'work' is missing");
		}
		break;
	case STEP_AFFINITY:
		need_name(r, "cgroup", false, &op->cgroup);
		if (jsonr_need_str(r, "affinity", &op->affinity) > 0)
			check_affinity(r, op->affinity);
		break;
	default:
		need_name(r, "cgroup", false, &op->cgroup);
	}
	(void)jsonr_done(r); /* the document keeps the error */
}

static void read_hold(struct jsonr *r, struct hold *h)
{
	struct jsonr s;
	json_t *v = NULL;
	bool frac;

	h->kind = HOLD_FRAC;
	h->frac = 1;
	keep_place(h->place, r, "hold");
	if (jsonr_obj(r, "hold", &v) <= 0)
		return;
	jsonr_sub(&s, r, "hold", -1, v);
	frac = jsonr_f64(&s, "frac", 1e-6, 100, &h->frac) > 0;
	read_expr(&s, "fixed", true, h->number, sizeof(h->number), &h->time);
	if (h->time)
		h->kind = HOLD_FIXED;
	if (!h->time) {
		read_expr(&s, "loop", true, h->number, sizeof(h->number), &h->time);
		h->kind = h->time ? HOLD_LOOP : HOLD_FRAC;
	}
	if (jsonr_ok(r) && (frac + (h->time != NULL) != 1 || json_object_size(v) != 1))
		jsonr_fail(&s, NULL, "want one of frac, fixed and loop");
	(void)jsonr_done(&s); /* the document keeps the error */
}

static void read_step(struct jsonr *r, struct step *st)
{
	json_t *arr, *v;
	struct jsonr s;
	size_t i;

	st->repeat = 1;
	(void)jsonr_u64(r, "repeat", 1, 1000, &st->repeat);
	st->ops = elements(r, "ops", sizeof(*st->ops), &arr, &st->n_ops);
	json_array_foreach (arr, i, v) {
		if (i >= st->n_ops)
			break;
		jsonr_sub(&s, r, "ops", (int)i, v);
		read_op(&s, &st->ops[i]);
	}
	st->cgroups = scenario_read_cgroups(r, false, &st->n_cgroups);
	read_hold(r, &st->hold);
	if (st->hold.kind == HOLD_LOOP && st->n_ops == 0)
		jsonr_fail(r, "hold", "a loop needs ops to do");
	(void)jsonr_done(r); /* the document keeps the error */
}

void scenario_read_steps(struct jsonr *r, struct scenario *sc)
{
	json_t *arr, *v;
	struct jsonr s;
	size_t i;

	sc->steps = elements(r, "steps", sizeof(*sc->steps), &arr, &sc->n_steps);
	json_array_foreach (arr, i, v) {
		if (i >= sc->n_steps)
			break;
		jsonr_sub(&s, r, "steps", (int)i, v);
		read_step(&s, &sc->steps[i]);
	}
	if (arr && sc->n_steps == 0)
		jsonr_fail(r, "steps", "is empty");
	if (arr)
		return;
	sc->steps = calloc(1, sizeof(*sc->steps)); /* one hold of the whole duration */
	if (!sc->steps) {
		jsonr_fail(r, NULL, "out of memory");
		return;
	}
	sc->n_steps = 1;
	sc->steps[0].repeat = 1;
	sc->steps[0].hold = (struct hold){ .kind = HOLD_FRAC, .frac = 1 };
}
