/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kt-kernel says, as tables. */
#include "kernels.h"
#include "buf.h"
#include "cleanup.h"
#include "human.h"
#include "jsonr.h"
#include "table.h"

#include <errno.h>
#include <string.h>

/* A cell of text. */
typedef int cell_fn(struct table *t, const json_t *rec, const char *member);

static int text(struct table *t, const json_t *rec, const char *member)
{
	const char *s = rec_str(rec, member, NULL);

	table_cell(t, s, s ? INK_NONE : INK_DIM);
	return 0;
}

static int size(struct table *t, const json_t *rec, const char *member)
{
	const json_t *v = json_object_get(rec, member), *f;
	char buf[HUMAN_TEXT];
	double sum = 0;
	size_t i;

	if (json_is_array(v)) /* files: all of an entry */
		json_array_foreach (v, i, f)
			sum += (double)rec_u64(f, "bytes", 0);
	else if (json_is_integer(v))
		sum = (double)json_integer_value(v);
	else
		v = json_object_get(rec, "bytes"); /* of a file elsewhere */
	if (sum == 0 && json_is_integer(v))
		sum = (double)json_integer_value(v);
	human_bytes(sum, buf, sizeof(buf));
	table_cell(t, v && !json_is_null(v) ? buf : NULL,
		   v && !json_is_null(v) ? INK_NONE : INK_DIM);
	return 0;
}

/* "2026-11-22T23:08:48Z" is "2026-11-22 23:08". */
static int when(struct table *t, const json_t *rec, const char *member)
{
	const char *s = rec_str(rec, member, NULL);
	char buf[17];

	if (s && strlen(s) == 20 && s[10] == 'T') {
		memcpy(buf, s, 16);
		buf[10] = ' ';
		buf[16] = '\0';
		s = buf;
	}
	table_cell(t, s, s ? INK_NONE : INK_DIM);
	return 0;
}

static int yes(struct table *t, const json_t *rec, const char *member)
{
	const json_t *v = json_object_get(rec, member);

	table_cell(t,
		   json_is_true(v)    ? "yes"
		   : json_is_false(v) ? "no"
				      : NULL,
		   json_is_boolean(v) ? INK_NONE : INK_DIM);
	return 0;
}

/* An option that is not met in red, or in yellow where it costs but a part. */
static int value(struct table *t, const json_t *rec, const char *member)
{
	const json_t *met = json_object_get(rec, "met");
	enum ink ink = json_is_true(met)			      ? INK_GOOD
		       : !json_is_false(met)			      ? INK_DIM
		       : strcmp(rec_str(rec, "for", ""), "boot") == 0 ? INK_BAD
								      : INK_DOUBT;

	table_cell(t, rec_str(rec, member, NULL), ink);
	return 0;
}

static void put_holders(struct buf *b, const json_t *holders)
{
	const json_t *h;
	size_t i;

	json_array_foreach (holders, i, h) {
		const char *comm = rec_str(h, "comm", NULL);

		buf_str(b, i == 0 ? "" : ", ");
		if (json_is_integer(json_object_get(h, "pid")))
			buf_fmt(b, "pid %lld", (long long)rec_i64(h, "pid", 0));
		else
			buf_str(b, "somebody");
		if (comm)
			buf_fmt(b, " (%s)", comm);
	}
}

static int holders(struct table *t, const json_t *rec, const char *member)
{
	AUTO_BUF b = BUF_INIT;

	put_holders(&b, json_object_get(rec, member));
	table_cell(t, b.len ? b.p : NULL, b.len ? INK_NONE : INK_DIM);
	return b.err;
}

static void tag(struct buf *b, bool is, const char *name)
{
	if (is)
		buf_fmt(b, "%s%s", b->len ? ", " : "", name);
}

/* What is to be known of a kernel beside its name. */
static int tags(struct table *t, const json_t *rec, const char *member)
{
	const char *corrupt = rec_str(rec, "corrupt", NULL);
	const json_t *in_use = json_object_get(rec, "in_use");
	AUTO_BUF b = BUF_INIT;

	(void)member;
	if (corrupt)
		buf_fmt(&b, "corrupt: %s", corrupt);
	tag(&b, rec_bool(rec, "stale", false), "stale");
	tag(&b, rec_bool(rec, "eol", false), "EOL");
	tag(&b, rec_bool(rec, "dirty", false), "dirty");
	tag(&b, json_is_false(json_object_get(rec, "boots")), "cannot boot");
	tag(&b, json_is_false(json_object_get(rec, "sched_ext")), "no sched_ext");
	if (json_array_size(in_use) > 0) {
		tag(&b, true, "in use: ");
		put_holders(&b, in_use);
	}
	table_cell(t, b.len ? b.p : NULL,
		   corrupt			   ? INK_BAD
		   : !b.len			   ? INK_DIM
		   : rec_bool(rec, "stale", false) ? INK_DOUBT
						   : INK_NONE);
	return b.err;
}

/* The columns of a type, left to right. Those marked `sparse` are left out when all records are
 * null there; `right` ones are numbers. */
struct column {
	const char *head, *member;
	cell_fn *cell;
	bool sparse, right;
};

static const struct column kernel_columns[] = { { "KEY", "key", text, true, false },
						{ "VERSION", "version", text, false, false },
						{ "SOURCE", "source", text, false, false },
						{ "ARCH", "arch", text, false, false },
						{ "BUILT", "built", when, true, false },
						{ "SIZE", "files", size, false, true },
						{ "TAGS", NULL, tags, false, false },
						{ "WHY", "why", text, true, false },
						{ 0 } };
static const struct column need_columns[] = { { "OPTION", "option", text, false, false },
					      { "FOR", "for", text, false, false },
					      { "VALUE", "value", value, false, false },
					      { "WHY", "why", text, false, false },
					      { 0 } };
static const struct column version_columns[] = { { "VERSION", "version", text, false, false },
						 { "SERIES", "series", text, false, false },
						 { "MONIKER", "moniker", text, true, false },
						 { "EOL", "eol", yes, true, false },
						 { 0 } };
static const struct column removed_columns[] = { { "REMOVED", "kind", text, false, false },
						 { "KEY", "key", text, false, false },
						 { "SIZE", "bytes", size, false, true },
						 { "REASON", "reason", text, false, false },
						 { 0 } };
static const struct column kept_columns[] = {
	{ "KEPT", "kind", text, false, false },		{ "KEY", "key", text, false, false },
	{ "SIZE", "bytes", size, false, true },		{ "REASON", "reason", text, false, false },
	{ "HOLDERS", "holders", holders, true, false }, { 0 }
};
static const struct column failed_columns[] = { { "FAILED", "version", text, false, false },
						{ "REASON", "reason", text, false, false },
						{ 0 } };

static const struct {
	const char *type;
	const struct column *columns;
} known[] = { { "kernel", kernel_columns },   { "need", need_columns },
	      { "version", version_columns }, { "removed", removed_columns },
	      { "kept", kept_columns },	      { "failed", failed_columns } };

static const struct column *find(const char *type)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(known); i++)
		if (strcmp(known[i].type, type) == 0)
			return known[i].columns;
	return NULL;
}

bool kernels_known(const char *type)
{
	return find(type) != NULL;
}

static bool shown(const struct column *c, const json_t *records)
{
	const json_t *rec, *v;
	size_t i;

	if (!c->sparse)
		return true;
	json_array_foreach (records, i, rec) {
		v = json_object_get(rec, c->member);
		if (v && !json_is_null(v))
			return true;
	}
	return false;
}

/* Where the image is: what a script wants of `path`, and a person of `get` and `build`. */
static void print_paths(const json_t *records, FILE *out)
{
	const json_t *rec;
	size_t i;

	json_array_foreach (records, i, rec) {
		const char *path = rec_str(rec, "path", NULL);
		AUTO_FREE char *clean = path ? text_clean(path) : NULL;

		if (clean && (rec_str(rec, "why", NULL) || !rec_str(rec, "key", NULL)))
			fprintf(out, "%s\n", clean);
	}
}

int kernels_print(const char *type, const json_t *records, FILE *out, bool color)
{
	const struct column *columns = find(type), *c, *use[16];
	const json_t *rec;
	struct table t;
	size_t n = 0, i, j;
	int rc = 0;

	for (c = columns; c->head; c++)
		if (shown(c, records))
			use[n++] = c;
	table_init(&t, n);
	for (j = 0; j < n; j++) {
		if (use[j]->right)
			table_right(&t, j);
		table_cell(&t, use[j]->head, INK_HEAD);
	}
	json_array_foreach (records, i, rec)
		for (j = 0; j < n && rc == 0; j++)
			rc = use[j]->cell(&t, rec, use[j]->member);
	if (rc == 0)
		rc = table_print(&t, out, color);
	table_free(&t);
	if (rc == 0 && columns == kernel_columns)
		print_paths(records, out);
	return rc;
}
