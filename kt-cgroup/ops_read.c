/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup ops: read and checked. */
#include "cleanup.h"
#include "cpuset.h"
#include "num.h"
#include "ops.h"

#include <errno.h>
#include <string.h>

static const char *const op_names[] = {
	[OP_CREATE] = "cgroup.create", [OP_RM] = "cgroup.rm",	  [OP_SET] = "cgroup.set",
	[OP_CLEAR] = "cgroup.clear",   [OP_MOVE] = "cgroup.move", [OP_KILL] = "cgroup.kill",
	[OP_STAT] = "cgroup.stat",
};

static void check_name(struct jsonr *r, const char *key, const char *name, bool allow_parent)
{
	char clean[PATH_MAX];

	if (!name || (*name == '\0' && allow_parent))
		return;
	if (*name == '\0' || *name == '/' || cg_rel("", name, clean, sizeof(clean)) < 0 ||
	    strcmp(clean, name) != 0)
		jsonr_fail(r, key, "want the name of a cgroup below the parent, such as \"a/b\"");
}

static void check_list(struct jsonr *r, const char *key, const char *list)
{
	struct cpuset set;
	int rc;

	if (!list)
		return;
	rc = cpuset_parse(list, &set);
	if (rc < 0)
		jsonr_fail(r, key,
			   rc == -ERANGE ? "an id is too large" : "want a list such as \"0-3,5\"");
	else if (cpuset_empty(&set))
		jsonr_fail(r, key, "an empty list; cgroup.clear takes a list back");
}

/* "max" | "QUOTA" | "QUOTA PERIOD" | "max PERIOD", in µs; the kernel's bounds. */
static bool max_ok(const char *text)
{
	char quota[32];
	size_t n = strcspn(text, " ");
	uint64_t v;

	if (n >= sizeof(quota))
		return false;
	memcpy(quota, text, n);
	quota[n] = '\0';
	if (strcmp(quota, "max") != 0 && num_u64(quota, 1000, UINT64_MAX / 1000, &v) < 0)
		return false;
	return text[n] == '\0' || num_u64(text + n + 1, 1000, 1000000, &v) == 0;
}

static void read_set(struct jsonr *r, struct op *op)
{
	bool freeze;
	int n = 0;

	n += jsonr_str(r, "cpus", &op->cpus) > 0;
	n += jsonr_str(r, "mems", &op->mems) > 0;
	n += jsonr_u64(r, "weight", 1, 10000, &op->weight) > 0;
	n += jsonr_str(r, "max", &op->max) > 0;
	if (jsonr_bool(r, "freeze", &freeze) > 0) {
		op->freeze = freeze;
		n++;
	}
	check_list(r, "cpus", op->cpus);
	check_list(r, "mems", op->mems);
	if (op->max && !max_ok(op->max))
		jsonr_fail(r, "max", "want \"max\" or \"QUOTA PERIOD\" in microseconds");
	if (n == 0)
		jsonr_fail(r, NULL, "nothing to set: want cpus, mems, weight, max or freeze");
}

int op_read(struct op *op, struct jsonr_doc *doc, json_t *obj, bool allow_parent)
{
	const char *type = NULL, *name = NULL;
	uint64_t ignored;
	struct jsonr r;
	size_t kind;

	*op = (struct op){ .obj = obj, .freeze = -1 };
	jsonr_open(&r, doc, obj, "");
	jsonr_need_str(&r, "type", &type);
	if (type && strcmp(type, "op") != 0)
		return jsonr_fail(&r, "type", "want \"op\", not \"%s\"", type);
	jsonr_need_u64(&r, "seq", 1, INT64_MAX, &ignored);
	jsonr_need_u64(&r, "at_ns", 0, INT64_MAX, &ignored);
	jsonr_need_str(&r, "op", &name);
	if (!jsonr_ok(&r))
		return -EINVAL;
	for (kind = 0; kind < KT_ARRAY_LEN(op_names) && strcmp(op_names[kind], name) != 0; kind++)
		;
	if (kind == KT_ARRAY_LEN(op_names))
		return jsonr_fail(&r, "op", "'%s' is no cgroup op", name);
	op->kind = (enum op_kind)kind;
	op->name = op_names[kind];
	if (op->kind == OP_MOVE) {
		jsonr_need_str(&r, "from", &op->from);
		jsonr_need_str(&r, "to", &op->to);
	} else {
		jsonr_need_str(&r, "cgroup", &op->cgroup);
	}
	check_name(&r, "cgroup", op->cgroup, allow_parent && op->kind != OP_CREATE);
	check_name(&r, "from", op->from, allow_parent);
	check_name(&r, "to", op->to, allow_parent);
	if (op->from && op->to && strcmp(op->from, op->to) == 0)
		jsonr_fail(&r, "to", "the same cgroup as member 'from'");
	if (op->kind == OP_SET)
		read_set(&r, op);
	if (op->kind == OP_CLEAR) {
		jsonr_need_str(&r, "what", &op->what);
		if (op->what && strcmp(op->what, "cpus") != 0 && strcmp(op->what, "mems") != 0)
			jsonr_fail(&r, "what", "want \"cpus\" or \"mems\"");
	}
	return jsonr_done(&r);
}
