/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a plan stream. A line of it:
 *	{"type":"op","seq":3,"at_ns":0,"op":"cgroup.set","cgroup":"cg_0","cpus":"0-3"} */
#include "planfile.h"
#include "buf.h"
#include "cleanup.h"
#include "jsonr.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS_MAX ((uint64_t)INT64_MAX)

/* ---- members of the ops ---- */

/* A name as kt-cgroup takes it: "a", "a/b"; "" only where workers may stay outside. */
static void need_cgroup(struct jsonr *r, const char *key, bool may_be_empty)
{
	const char *v = NULL;
	size_t i;

	if (jsonr_need_str(r, key, &v) <= 0)
		return;
	if (*v == '\0' && !may_be_empty)
		jsonr_fail(r, key, "want a cgroup's name");
	if (*v == '/' || (*v && v[strlen(v) - 1] == '/'))
		jsonr_fail(r, key, "'%s': a name has no slash at its ends", v);
	for (i = 0; v[i]; i += strcspn(v + i, "/") + (v[i + strcspn(v + i, "/")] == '/'))
		if (v[i] == '.' || v[i] == '/')
			jsonr_fail(r, key, "'%s': empty parts and leading dots are no names", v);
}

static void list_text(struct jsonr *r, const char *key, const char *v, bool may_be_empty)
{
	struct cpuset s;

	if (cpuset_parse(v, &s) < 0 || (cpuset_empty(&s) && !may_be_empty))
		jsonr_fail(r, key, "'%s' is no list, such as \"0-3,8\"", v);
}

static void opt_list(struct jsonr *r, const char *key)
{
	const char *v = NULL;

	if (jsonr_str(r, key, &v) > 0)
		list_text(r, key, v, false);
}

/* null | "0-3" | ["0-1","2",…] */
static void lists(struct jsonr *r, const char *key, bool required, uint64_t count)
{
	json_t *v = NULL, *e;
	size_t i;
	int rc = jsonr_any(r, key, &v);

	if (rc == 0 && required)
		jsonr_fail(r, NULL, "member '%s' is missing", key);
	if (rc <= 0 || json_is_null(v))
		return;
	if (json_is_string(v)) {
		list_text(r, key, json_string_value(v), false);
		return;
	}
	if (!json_is_array(v)) {
		jsonr_fail(r, key, "want a CPU list, an array of them, or null");
		return;
	}
	if (json_array_size(v) == 0 || (count && json_array_size(v) != count))
		jsonr_fail(r, key, "want one CPU list for each of %" PRIu64 " workers", count);
	json_array_foreach (v, i, e) {
		if (!json_is_string(e))
			jsonr_fail(r, key, "want an array of CPU lists");
		else
			list_text(r, key, json_string_value(e), false);
	}
}

static void need_groups(struct jsonr *r)
{
	json_t *v = NULL, *e;
	size_t i;
	int rc = jsonr_arr(r, "groups", &v);

	if (rc == 0)
		jsonr_fail(r, NULL, "member 'groups' is missing");
	if (rc <= 0)
		return;
	if (json_array_size(v) == 0)
		jsonr_fail(r, "groups", "is empty");
	json_array_foreach (v, i, e)
		if (!json_is_string(e))
			jsonr_fail(r, "groups", "want an array of names");
}

static void check_set(struct jsonr *r)
{
	const char *max = NULL;
	uint64_t weight;
	bool freeze;

	need_cgroup(r, "cgroup", false);
	opt_list(r, "cpus");
	opt_list(r, "mems");
	(void)jsonr_u64(r, "weight", 1, 10000, &weight);
	(void)jsonr_str(r, "max", &max);
	(void)jsonr_bool(r, "freeze", &freeze);
	if (jsonr_ok(r) && json_object_size(r->obj) < 6)
		jsonr_fail(r, NULL, "sets nothing: want cpus, mems, weight, max or freeze");
}

static void check_clear(struct jsonr *r)
{
	const char *what = NULL;

	need_cgroup(r, "cgroup", false);
	if (jsonr_need_str(r, "what", &what) > 0 && strcmp(what, "cpus") != 0 &&
	    strcmp(what, "mems") != 0)
		jsonr_fail(r, "what", "want \"cpus\" or \"mems\"");
}

static void check_move(struct jsonr *r)
{
	need_cgroup(r, "from", false);
	need_cgroup(r, "to", false);
}

static void check_cgroup(struct jsonr *r)
{
	need_cgroup(r, "cgroup", false);
}

static void check_mem(struct jsonr *r, json_t *v)
{
	const char *mode = NULL, *nodes = NULL;
	json_t *flags = NULL;
	struct jsonr m;

	jsonr_sub(&m, r, "mem", -1, v);
	(void)jsonr_need_str(&m, "mode", &mode);
	if (jsonr_str(&m, "nodes", &nodes) > 0)
		list_text(&m, "nodes", nodes, true);
	(void)jsonr_arr(&m, "flags", &flags);
	(void)jsonr_done(&m);
}

static void check_spawn(struct jsonr *r)
{
	json_t *work = NULL, *mem = NULL, *offsets = NULL, *e;
	const char *group = NULL, *policy = NULL, *type = NULL;
	uint64_t count = 0, seed;
	int64_t nice;
	size_t i;
	int rc;

	(void)jsonr_need_str(r, "group", &group);
	need_cgroup(r, "cgroup", true);
	(void)jsonr_need_u64(r, "count", 1, 65536, &count);
	rc = jsonr_obj(r, "work", &work);
	if (rc == 0)
		jsonr_fail(r, NULL, "member 'work' is missing");
	type = rc > 0 ? rec_str(work, "type", NULL) : "";
	if (!type)
		jsonr_fail(r, "work", "member 'type' is missing");
	(void)jsonr_str(r, "policy", &policy);
	(void)jsonr_i64(r, "nice", -20, 19, &nice);
	lists(r, "affinity", false, count);
	if (jsonr_any(r, "mem", &mem) > 0 && !json_is_null(mem))
		check_mem(r, mem);
	(void)jsonr_u64(r, "seed", 0, NS_MAX, &seed);
	if (jsonr_arr(r, "offsets_ns", &offsets) > 0) {
		if (json_array_size(offsets) != count)
			jsonr_fail(r, "offsets_ns", "want one for each of %" PRIu64 " workers",
				   count);
		json_array_foreach (offsets, i, e)
			if (!json_is_integer(e) || json_integer_value(e) < 0)
				jsonr_fail(r, "offsets_ns", "want nanoseconds");
	}
}

static void check_affinity(struct jsonr *r)
{
	const char *group = NULL;

	(void)jsonr_need_str(r, "group", &group);
	lists(r, "cpus", true, 0);
}

static void check_wait(struct jsonr *r)
{
	uint64_t ns;

	(void)jsonr_need_u64(r, "ns", 0, NS_MAX, &ns);
}

static const struct op_kind {
	const char *name;
	enum op_target target;
	void (*check)(struct jsonr *r);
} op_kinds[] = {
	{ "play.wait", OP_PLAY, check_wait },	      { "cgroup.create", OP_CGROUP, check_cgroup },
	{ "cgroup.rm", OP_CGROUP, check_cgroup },     { "cgroup.set", OP_CGROUP, check_set },
	{ "cgroup.clear", OP_CGROUP, check_clear },   { "cgroup.move", OP_CGROUP, check_move },
	{ "cgroup.kill", OP_CGROUP, check_cgroup },   { "cgroup.stat", OP_CGROUP, check_cgroup },
	{ "work.spawn", OP_WORK, check_spawn },	      { "work.start", OP_WORK, need_groups },
	{ "work.affinity", OP_WORK, check_affinity }, { "work.stop", OP_WORK, need_groups },
	{ "work.kill", OP_WORK, need_groups },
};

/* ---- the stream ---- */

static char *copy_line(const char *text, size_t len)
{
	char *s = malloc(len + 2);

	if (s) {
		memcpy(s, text, len);
		s[len] = '\n';
		s[len + 1] = '\0';
	}
	return s;
}

/* Room for one more element of `size` bytes; the new one is zeroed. */
static void *grow(void *pp, size_t *n, size_t *cap, size_t size)
{
	char *p = *(void **)pp;

	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 16;

		p = reallocarray(p, want, size);
		if (!p)
			return NULL;
		*(void **)pp = p;
		*cap = want;
	}
	memset(p + *n * size, 0, size);
	return p + (*n)++ * size;
}

static int add_op(struct plan *p, struct jsonr *r, const char *text, size_t len)
{
	uint64_t seq = 0, at = 0, before = p->n_ops ? p->ops[p->n_ops - 1].at_ns : 0;
	const struct op_kind *k = NULL;
	const char *name = "";
	struct plan_op *op;
	size_t i;

	(void)jsonr_need_u64(r, "seq", 0, NS_MAX, &seq);
	(void)jsonr_need_u64(r, "at_ns", 0, NS_MAX, &at);
	(void)jsonr_need_str(r, "op", &name);
	if (jsonr_ok(r) && seq != p->n_ops + 1)
		jsonr_fail(r, "seq", "%" PRIu64 ", where %zu is next", seq, p->n_ops + 1);
	if (jsonr_ok(r) && at < before)
		jsonr_fail(r, "at_ns", "%" PRIu64 " is before that of the op above", at);
	for (i = 0; i < KT_ARRAY_LEN(op_kinds); i++)
		if (strcmp(op_kinds[i].name, name) == 0)
			k = &op_kinds[i];
	if (jsonr_ok(r) && !k)
		jsonr_fail(r, "op", "'%s' is no op", name);
	if (jsonr_ok(r) && p->skip)
		jsonr_fail(r, NULL, "a plan that is to be skipped has no ops");
	if (k)
		k->check(r);
	if (jsonr_done(r) < 0)
		return -EINVAL;
	op = grow(&p->ops, &p->n_ops, &p->cap_ops, sizeof(*op));
	if (!op)
		return -ENOMEM;
	op->line = copy_line(text, len);
	op->len = len + 1;
	op->seq = seq;
	op->at_ns = at;
	op->target = k->target;
	op->name = k->name;
	op->start = strcmp(k->name, "work.start") == 0;
	op->wait_ns = rec_u64(r->obj, "ns", 0);
	return op->line ? 0 : -ENOMEM;
}

/* "controllers":["cpuset","cpu"] to "cpuset,cpu". */
static char *join_controllers(struct jsonr *r)
{
	struct buf b = BUF_INIT;
	json_t *v = NULL, *e;
	size_t i;

	(void)jsonr_arr(r, "controllers", &v); /* none: as kt-cgroup likes */
	json_array_foreach (v, i, e) {
		if (!json_is_string(e))
			jsonr_fail(r, "controllers", "want an array of names");
		else
			buf_fmt(&b, "%s%s", i ? "," : "", json_string_value(e));
	}
	return buf_take(&b);
}

static void need_set(struct jsonr *r, const char *key, struct cpuset *ret)
{
	const char *v = NULL;

	if (jsonr_need_str(r, key, &v) > 0 && cpuset_parse(v, ret) < 0)
		jsonr_fail(r, key, "'%s' is no list, such as \"0-3,8\"", v);
}

/* A string or null; anything else is an error. */
static const char *str_or_null(struct jsonr *r, const char *key)
{
	json_t *v = NULL;

	if (jsonr_any(r, key, &v) <= 0 || json_is_null(v))
		return NULL;
	if (!json_is_string(v))
		jsonr_fail(r, key, "want a string or null");
	return json_string_value(v);
}

static int add_plan(struct plans *ps, struct jsonr *r, const char *text, size_t len)
{
	static const char *const said[] = { "scenario", "profile", "category" };
	const char *id = NULL, *skip, *s = NULL;
	json_t *v = NULL;
	struct plan *p;
	uint64_t n = 0;
	size_t i;

	p = grow(&ps->p, &ps->n, &ps->cap, sizeof(*p));
	if (!p)
		return -ENOMEM;
	(void)jsonr_need_str(r, "id", &id);
	for (i = 0; i < KT_ARRAY_LEN(said); i++)
		(void)jsonr_need_str(r, said[i], &s);
	(void)str_or_null(r, "topology");
	need_set(r, "cpus", &p->cpus);
	need_set(r, "nodes", &p->nodes);
	(void)jsonr_arr(r, "cpu_map", &v);
	(void)jsonr_need_u64(r, "seed", 0, NS_MAX, &n);
	(void)jsonr_u64(r, "settle_ns", 0, NS_MAX, &n);
	(void)jsonr_need_u64(r, "duration_ns", 0, NS_MAX, &n);
	p->controllers = join_controllers(r);
	(void)jsonr_arr(r, "groups", &v);
	(void)jsonr_obj(r, "checks", &v);
	(void)jsonr_obj(r, "thresholds", &v);
	skip = str_or_null(r, "skip");
	if (jsonr_done(r) < 0)
		return -EINVAL;
	for (i = 0; i + 1 < ps->n; i++)
		if (strcmp(ps->p[i].id, id) == 0)
			return jsonr_fail(r, "id", "'%s' is already taken by an earlier plan", id);
	p->id = strdup(id);
	p->skip = skip ? strdup(skip) : NULL;
	p->line = copy_line(text, len);
	p->len = len + 1;
	return p->id && p->line && p->controllers && (p->skip || !skip) ? 0 : -ENOMEM;
}

static int end_plan(struct plans *ps, struct jsonr *r)
{
	struct plan *p = &ps->p[ps->n - 1];
	const char *id = NULL;

	(void)jsonr_need_str(r, "id", &id);
	if (jsonr_done(r) < 0)
		return -EINVAL;
	if (strcmp(id, p->id) != 0)
		return jsonr_fail(r, "id", "'%s' does not end plan '%s'", id, p->id);
	if (!p->skip && p->n_ops == 0)
		return jsonr_fail(r, NULL, "plan '%s' has no ops", id);
	ps->open = false;
	return 0;
}

static int add_record(struct plans *ps, struct jsonr *r, const char *text, size_t len)
{
	const char *type = NULL;

	if (jsonr_need_str(r, "type", &type) <= 0)
		return -EINVAL;
	if (strcmp(type, "op") == 0)
		return ps->open ? add_op(&ps->p[ps->n - 1], r, text, len)
				: jsonr_fail(r, NULL, "an op outside a plan");
	if (strcmp(type, "plan-end") == 0)
		return ps->open ? end_plan(ps, r) : jsonr_fail(r, NULL, "ends no plan");
	if (ps->open)
		return jsonr_fail(r, "type", "'%s' inside plan '%s'", type,
				  ps->p[ps->n - 1].id ? ps->p[ps->n - 1].id : "");
	if (strcmp(type, "plan") == 0) {
		ps->open = true;
		return add_plan(ps, r, text, len);
	}
	if (strcmp(type, "meta") == 0)
		ps->depth++;
	if (strcmp(type, "end") == 0 && ps->depth-- == 0)
		return jsonr_fail(r, NULL, "ends no stream");
	return 0; /* other records are somebody else's */
}

int plans_add_line(struct plans *ps, const char *file, unsigned long line, const char *text,
		   size_t len)
{
	struct jsonr_doc doc;
	json_t *v = jsonr_parse(&doc, file, line, text, len);
	struct jsonr r;
	int rc = -EINVAL;

	if (v) {
		jsonr_open(&r, &doc, v, "");
		if (jsonr_ok(&r))
			rc = add_record(ps, &r, text, len);
	}
	if (rc < 0)
		(void)snprintf(ps->err, sizeof(ps->err), "%s",
			       rc == -ENOMEM ? strerror(ENOMEM) : doc.err);
	json_decref(v);
	return rc;
}

int plans_done(struct plans *ps, const char *file)
{
	if (ps->open)
		(void)snprintf(ps->err, sizeof(ps->err), "%s: cut off within plan '%s'", file,
			       ps->p[ps->n - 1].id);
	else if (ps->depth > 0)
		(void)snprintf(ps->err, sizeof(ps->err), "%s: cut off: no end record", file);
	else if (ps->n == 0)
		(void)snprintf(ps->err, sizeof(ps->err), "%s: no plan", file);
	else
		return 0;
	return -EINVAL;
}

void plans_free(struct plans *ps)
{
	size_t i, k;

	for (i = 0; i < ps->n; i++) {
		struct plan *p = &ps->p[i];

		for (k = 0; k < p->n_ops; k++)
			free(p->ops[k].line);
		free(p->ops);
		free(p->id);
		free(p->skip);
		free(p->controllers);
		free(p->line);
	}
	free(ps->p);
}
