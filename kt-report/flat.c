/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records without structure as tables. */
#include "flat.h"
#include "buf.h"
#include "cleanup.h"
#include "table.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* Types that have a table. columns: the members shown, in this order; NULL: all of them. */
static const struct {
	const char *type, *columns;
	bool upright; /* a line for each member, always */
} known[] = {
	{ "cpu", "cpu online package die core smt llc llc_kb node capacity", false },
	{ "llc", "llc cpus node kb level", false },
	{ "node", "node cpus mem_kb free_kb distance", false },
	{ "topology", NULL, true },
	{ "cpuset", NULL, false },
	{ "host", NULL, true },
	{ "scenario", "name category needs description", false },
	{ "work-type", "work group_size wake description", false },
	{ "lock", NULL, false },
	{ "bench", NULL, false },
	{ "cgroup", NULL, false },
	{ "template", "key topology clock accel memory_bytes bytes usable in_use used", false },
	{ "dropped", "key topology clock accel bytes", false },
	{ "threshold", "name default_real default_virtual unit scope about", false },
};

static int find(const char *type)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(known); i++)
		if (strcmp(known[i].type, type) == 0)
			return (int)i;
	return -1;
}

bool flat_known(const char *type)
{
	return find(type) >= 0;
}

/* A value as people read it: lists with commas, objects as name=value. */
static void put_value(struct buf *b, const json_t *v, int depth)
{
	const char *key;
	const json_t *e;
	size_t i;

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_STRING:
		buf_str(b, json_string_value(v));
		break;
	case JSON_INTEGER:
		buf_fmt(b, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		buf_fmt(b, "%.6g", json_real_value(v));
		break;
	case JSON_TRUE:
		buf_str(b, "yes");
		break;
	case JSON_FALSE:
		buf_str(b, "no");
		break;
	case JSON_NULL:
		buf_str(b, "-");
		break;
	case JSON_ARRAY:
		if (json_array_size(v) == 0 || depth > 3)
			buf_str(b, "-");
		else
			json_array_foreach (v, i, e) {
				if (i > 0)
					buf_chr(b, ',');
				put_value(b, e, depth + 1);
			}
		break;
	case JSON_OBJECT:
		i = 0;
		json_object_foreach ((json_t *)(uintptr_t)v, key, e) {
			if (json_is_null(e) || depth > 3)
				continue;
			buf_fmt(b, "%s%s=", i++ > 0 ? " " : "", key);
			put_value(b, e, depth + 1);
		}
		if (i == 0)
			buf_chr(b, '-');
		break;
	}
}

static int cell_value(struct table *t, const json_t *v)
{
	AUTO_BUF b = BUF_INIT;

	put_value(&b, v, 0);
	if (b.err < 0)
		return b.err;
	table_cell(t, b.p ? b.p : "", !v || json_is_null(v) ? INK_DIM : INK_NONE);
	return 0;
}

/* Column heads: "llc_kb" is "LLC-KB". */
static void cell_head(struct table *t, const char *member)
{
	char text[128];
	size_t i;

	for (i = 0; member[i] != '\0' && i + 1 < sizeof(text); i++)
		text[i] = member[i] == '_' ? '-' : (char)toupper((unsigned char)member[i]);
	text[i] = '\0';
	table_cell(t, text, INK_HEAD);
}

/* The members to show: of the table above, or all that occur, in the order of their first
 * occurrence. Those that no record has, or that are null in all, are left out. Returns an object
 * whose keys they are, or NULL. */
static json_t *columns_of(const char *wanted, const json_t *records)
{
	json_t *cols = json_object(), *rec, *v;
	const char *key;
	size_t i;

	if (!cols)
		return NULL;
	json_array_foreach (records, i, rec) {
		json_object_foreach (rec, key, v) {
			if (strcmp(key, "type") != 0 && !json_object_get(cols, key) &&
			    !json_is_null(v) && json_object_set_new(cols, key, json_true()) < 0)
				goto fail;
		}
	}
	if (wanted) {
		AUTO_FREE char *copy = strdup(wanted);
		json_t *some = json_object();
		char *save = NULL, *word;

		for (word = copy ? strtok_r(copy, " ", &save) : NULL; word && some;
		     word = strtok_r(NULL, " ", &save))
			if (json_object_get(cols, word) &&
			    json_object_set_new(some, word, json_true()) < 0)
				break;
		if (!copy || !some || word) {
			json_decref(some);
			goto fail;
		}
		json_decref(cols);
		cols = some;
	}
	return cols;
fail:
	json_decref(cols);
	return NULL;
}

static int print_rows(json_t *cols, const json_t *records, FILE *out, bool color)
{
	struct table t;
	json_t *rec, *v;
	const char *key;
	size_t i, col = 0;
	int rc = 0;

	table_init(&t, json_object_size(cols));
	json_object_foreach (cols, key, v) {
		bool numbers = true;

		json_array_foreach (records, i, rec) {
			const json_t *c = json_object_get(rec, key);

			numbers &= !c || json_is_null(c) || json_is_number(c);
		}
		if (numbers)
			table_right(&t, col);
		col++;
		cell_head(&t, key);
	}
	json_array_foreach (records, i, rec) {
		json_object_foreach (cols, key, v) {
			if (rc == 0)
				rc = cell_value(&t, json_object_get(rec, key));
		}
	}
	if (rc == 0)
		rc = table_print(&t, out, color);
	table_free(&t);
	return rc;
}

static int upright_line(struct table *t, const char *name, const json_t *v)
{
	table_cell(t, name, INK_HEAD);
	return cell_value(t, v);
}

/* A line for each member; an object's members, and the pairs of a list of {"name","value"}, get
 * lines of their own: "mitigations.meltdown". */
static int upright_lines(struct table *t, const json_t *rec)
{
	const char *key, *sub;
	json_t *v, *e;
	size_t i;
	int rc = 0;

	json_object_foreach ((json_t *)(uintptr_t)rec, key, v) {
		AUTO_BUF name = BUF_INIT;

		if (rc < 0 || strcmp(key, "type") == 0)
			continue;
		if (json_is_object(v)) {
			json_object_foreach (v, sub, e) {
				buf_reset(&name);
				buf_fmt(&name, "%s.%s", key, sub);
				rc = name.err < 0 ? name.err : upright_line(t, name.p, e);
				if (rc < 0)
					break;
			}
			continue;
		}
		if (json_is_string(json_object_get(json_array_get(v, 0), "name"))) {
			json_array_foreach (v, i, e) {
				const char *what = json_string_value(json_object_get(e, "name"));

				buf_reset(&name);
				buf_fmt(&name, "%s.%s", key, what ? what : "?");
				rc = name.err < 0
					     ? name.err
					     : upright_line(t, name.p, json_object_get(e, "value"));
				if (rc < 0)
					break;
			}
			continue;
		}
		rc = upright_line(t, key, v);
	}
	return rc;
}

int flat_print(const char *type, const json_t *records, FILE *out, bool color)
{
	int id = find(type), rc = 0;
	json_t *cols, *rec;
	size_t i;

	if (known[id].upright) {
		json_array_foreach (records, i, rec) {
			struct table t;

			table_init(&t, 2);
			rc = upright_lines(&t, rec);
			if (rc == 0)
				rc = table_print(&t, out, color);
			table_free(&t);
			if (rc < 0)
				return rc;
		}
		return 0;
	}
	cols = columns_of(known[id].columns, records);
	if (!cols)
		return -ENOMEM;
	if (json_object_size(cols) > 0)
		rc = print_rows(cols, records, out, color);
	json_decref(cols);
	return rc;
}
