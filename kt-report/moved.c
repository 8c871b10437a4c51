/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What moved between snapshots. */
#include "moved.h"
#include "buf.h"
#include "cleanup.h"
#include "human.h"
#include "jsonr.h"
#include "table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define CHANGE_MAX 60 /* bytes of a text of the host */
#define ONLY_MAX 8 /* groups of one side that are named; the others are counted */

static const char *const types[] = { "interval", "host-change", "row", "only", "interval-end" };

bool moved_known(const char *type)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

static void drop(struct moved *m)
{
	json_decref(m->interval);
	json_decref(m->changes);
	json_decref(m->rows);
	json_decref(m->onlies);
	m->interval = m->changes = m->rows = m->onlies = NULL;
}

void moved_free(struct moved *m)
{
	drop(m);
}

/* A number, also one that is too large for an integer and came as its digits. */
static bool number(const json_t *v, double *ret)
{
	const char *digits = json_string_value(v);
	char *end;

	if (json_is_number(v)) {
		*ret = json_number_value(v);
		return true;
	}
	if (!digits)
		return false;
	*ret = strtod(digits, &end);
	return *end == '\0' && end > digits;
}

/* ---- cells ---- */

static void quantity(double v, const char *unit, char *buf, size_t cap)
{
	if (strcmp(unit, "ns") == 0)
		human_ns(v, buf, cap);
	else if (strcmp(unit, "bytes") == 0)
		human_bytes(v, buf, cap);
	else if (strcmp(unit, "kb") == 0)
		human_bytes(v * 1024, buf, cap);
	else
		human_count(v, buf, cap);
}

static void cell_quantity(struct table *t, const json_t *row, const char *member,
			  const char *before, const char *behind)
{
	char text[HUMAN_TEXT + 16], num[HUMAN_TEXT];
	double v;

	if (!number(json_object_get(row, member), &v)) {
		table_cell(t, NULL, INK_DIM);
		return;
	}
	quantity(v, rec_str(row, "unit", ""), num, sizeof(num));
	(void)snprintf(text, sizeof(text), "%s%s%s", v > 0 ? before : "", num, behind);
	table_cell(t, text, INK_NONE);
}

static void cell_side(struct table *t, const json_t *row, const char *member,
		      const char *text_member)
{
	const char *text = rec_str(row, text_member, NULL);

	if (text)
		table_cell(t, text, INK_NONE);
	else
		cell_quantity(t, row, member, "", "");
}

/* Of a counter the number, of a setting how many threads were given another one. */
static void cell_delta(struct table *t, const json_t *row)
{
	uint64_t changed = rec_u64(row, "changed", 0);
	const char *before = rec_str(row, "before_text", NULL),
		   *after = rec_str(row, "after_text", NULL);
	char text[64];

	if (!before || !after) {
		cell_quantity(t, row, "delta", "+", "");
		return;
	}
	(void)snprintf(text, sizeof(text), "%llu changed", (unsigned long long)changed);
	table_cell(t, changed ? text : strcmp(before, after) ? "differs" : "same", INK_NONE);
}

static void cell_pct(struct table *t, const json_t *row)
{
	char text[400];
	double v;

	if (!number(json_object_get(row, "pct"), &v)) {
		table_cell(t, NULL, INK_DIM);
		return;
	}
	(void)snprintf(text, sizeof(text), "%+.1f %%", v);
	table_cell(t, text, INK_NONE);
}

static void cell_threads(struct table *t, const json_t *row)
{
	uint64_t before = rec_u64(row, "threads_before", 0),
		 after = rec_u64(row, "threads_after", 0);
	char text[64];

	if (before == after)
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)after);
	else
		(void)snprintf(text, sizeof(text), "%llu -> %llu", (unsigned long long)before,
			       (unsigned long long)after);
	table_cell(t, text, INK_NONE);
}

/* What a row has to say beyond its numbers. */
static bool note(const json_t *row, char *buf, size_t cap)
{
	uint64_t was = rec_u64(row, "unknown_before", 0), is = rec_u64(row, "unknown_after", 0),
		 fell = rec_u64(row, "changed", 0);
	bool sum = strcmp(rec_str(row, "rule", ""), "sum") == 0;
	size_t n = 0;

	buf[0] = '\0';
	if (was || is)
		n += (size_t)snprintf(buf, cap, "unknown in %llu -> %llu", (unsigned long long)was,
				      (unsigned long long)is);
	if (sum && fell && n < cap)
		n += (size_t)snprintf(buf + n, cap - n, "%sfell in %llu", n ? ", " : "",
				      (unsigned long long)fell);
	if (rec_bool(row, "saturated", false) && n < cap)
		n += (size_t)snprintf(buf + n, cap - n, "%sbeyond 2^64", n ? ", " : "");
	return n > 0;
}

/* ---- a block ---- */

static const struct {
	const char *member, *head;
} parts[] = { { "pcomm", "PCOMM" },
	      { "comm", "COMM" },
	      { "cgroup", "CGROUP" },
	      { "tgid", "TGID" },
	      { "tid", "TID" } };

static void cell_part(struct table *t, const json_t *v)
{
	char text[32];

	if (json_is_integer(v)) {
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
		table_cell(t, text, INK_NONE);
	} else {
		table_cell(t, json_string_value(v), json_is_string(v) ? INK_NONE : INK_DIM);
	}
}

static int print_rows(const json_t *rows, FILE *out, bool color)
{
	static const char *const heads[] = { "THREADS", "METRIC", "BEFORE", "AFTER",
					     "DELTA",	"%",	  "RATE" };
	const json_t *first = json_array_get(rows, 0), *row;
	size_t i, k, n = 0, n_parts = 0;
	char text[160];
	bool notes = false;
	struct table t;
	int rc;

	json_array_foreach (rows, k, row)
		notes |= note(row, text, sizeof(text));
	for (i = 0; i < KT_ARRAY_LEN(parts); i++)
		n_parts += json_object_get(first, parts[i].member) != NULL;
	table_init(&t, n_parts + KT_ARRAY_LEN(heads) + notes);
	for (i = 0; i < KT_ARRAY_LEN(parts); i++) {
		if (!json_object_get(first, parts[i].member))
			continue;
		if (strchr(parts[i].member, 'i')) /* tgid, tid */
			table_right(&t, n);
		table_cell(&t, parts[i].head, INK_HEAD);
		n++;
	}
	for (i = 0; i < KT_ARRAY_LEN(heads); i++) {
		if (i != 1)
			table_right(&t, n + i);
		table_cell(&t, heads[i], INK_HEAD);
	}
	if (notes)
		table_cell(&t, "NOTE", INK_HEAD);
	json_array_foreach (rows, k, row) {
		for (i = 0; i < KT_ARRAY_LEN(parts); i++)
			if (json_object_get(first, parts[i].member))
				cell_part(&t, json_object_get(row, parts[i].member));
		cell_threads(&t, row);
		table_cell(&t, rec_str(row, "metric", NULL), INK_NONE);
		cell_side(&t, row, "before", "before_text");
		cell_side(&t, row, "after", "after_text");
		cell_delta(&t, row);
		cell_pct(&t, row);
		cell_quantity(&t, row, "per_s", "", "/s");
		if (notes) {
			(void)note(row, text, sizeof(text));
			table_cell(&t, text, INK_DOUBT);
		}
	}
	rc = table_print(&t, out, color);
	table_free(&t);
	return rc;
}

static void head_line(const json_t *iv, FILE *out)
{
	uint64_t before = rec_u64(iv, "threads_before", 0), after = rec_u64(iv, "threads_after", 0),
		 lack = rec_u64(iv, "lacking_before", 0) + rec_u64(iv, "lacking_after", 0);
	const char *clock = rec_str(iv, "clock", NULL);
	double ns;

	fprintf(out, "interval %llu: ", (unsigned long long)rec_u64(iv, "n", 0));
	if (number(json_object_get(iv, "interval_ns"), &ns))
		fprintf(out, "%.3f s%s", ns / 1e9,
			clock && strcmp(clock, "realtime") == 0 ? " by the wall clock" : "");
	else
		fputs("time not known", out);
	fprintf(out, ", threads %llu -> %llu", (unsigned long long)before,
		(unsigned long long)after);
	if (json_is_false(json_object_get(iv, "same_boot")))
		fputs(", of different boots", out);
	else
		fprintf(out, " (%llu born, %llu died)",
			(unsigned long long)rec_u64(iv, "threads_born", 0),
			(unsigned long long)rec_u64(iv, "threads_died", 0));
	if (lack > 0)
		fprintf(out, ", %llu lacking", (unsigned long long)lack);
	fputc('\n', out);
}

/* A list of all fields, or a kernel's command line, is too much for a line: its beginning has to
 * do. */
static void shorten(char *text)
{
	size_t n = CHANGE_MAX;

	if (strlen(text) <= CHANGE_MAX)
		return;
	while (n > CHANGE_MAX - 3 || ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* not within a character */
	memcpy(text + n, "...", 4);
}

static int print_changes(const json_t *changes, FILE *out)
{
	const json_t *c;
	size_t i;

	json_array_foreach (changes, i, c) {
		AUTO_FREE char *name = text_clean(rec_str(c, "name", "?"));
		AUTO_FREE char *before = text_clean(rec_str(c, "before", "-"));
		AUTO_FREE char *after = text_clean(rec_str(c, "after", "-"));

		if (!name || !before || !after)
			return -ENOMEM;
		shorten(before);
		shorten(after);
		fprintf(out, "host: %s: %s -> %s\n", name, before, after);
	}
	return 0;
}

static int print_onlies(const json_t *onlies, const char *side, FILE *out)
{
	const json_t *o, *v;
	size_t i, k, n = 0, shown = 0;

	json_array_foreach (onlies, i, o)
		n += strcmp(rec_str(o, "side", ""), side) == 0;
	if (n == 0)
		return 0;
	fprintf(out, "%zu group%s only %s:\n", n, n == 1 ? "" : "s", side);
	json_array_foreach (onlies, i, o) {
		AUTO_BUF name = BUF_INIT;

		if (strcmp(rec_str(o, "side", ""), side) != 0 || shown == ONLY_MAX)
			continue;
		shown++;
		for (k = 0; k < KT_ARRAY_LEN(parts); k++) {
			v = json_object_get(o, parts[k].member);
			if (v)
				buf_fmt(&name, "%s%s", name.len ? "  " : "",
					json_is_string(v) ? json_string_value(v) : "-");
		}
		{
			AUTO_FREE char *clean =
				name.err < 0 ? NULL : text_clean(name.p ? name.p : "");

			if (!clean)
				return -ENOMEM;
			fprintf(out, "  %s\n", clean);
		}
	}
	if (n > shown)
		fprintf(out, "  and %zu more\n", n - shown);
	return 0;
}

static int print_block(struct moved *m, FILE *out, bool color)
{
	int rc;

	if (m->blocks++ > 0)
		fputc('\n', out);
	head_line(m->interval, out);
	rc = print_changes(m->changes, out);
	if (rc == 0 && json_array_size(m->rows) > 0)
		rc = print_rows(m->rows, out, color);
	else if (rc == 0)
		fputs("nothing moved\n", out);
	if (rc == 0)
		rc = print_onlies(m->onlies, "before", out);
	if (rc == 0)
		rc = print_onlies(m->onlies, "after", out);
	drop(m);
	if (rc == 0 && fflush(out) != 0)
		rc = errno ? -errno : -EIO;
	return rc;
}

int moved_left(struct moved *m, FILE *out, bool color)
{
	return m->interval ? print_block(m, out, color) : 0;
}

int moved_take(struct moved *m, json_t *rec, FILE *out, bool color)
{
	const char *type = rec_str(rec, "type", "");
	json_t *list;
	int rc;

	if (strcmp(type, "interval") == 0) {
		rc = moved_left(m, out, color);
		if (rc < 0)
			return rc;
		m->interval = json_incref(rec);
		m->changes = json_array();
		m->rows = json_array();
		m->onlies = json_array();
		return m->changes && m->rows && m->onlies ? 0 : -ENOMEM;
	}
	if (!m->interval)
		return 0; /* without its head it says nothing */
	if (strcmp(type, "interval-end") == 0)
		return print_block(m, out, color);
	list = strcmp(type, "row") == 0	   ? m->rows
	       : strcmp(type, "only") == 0 ? m->onlies
					   : m->changes;
	return json_array_append(list, rec) < 0 ? -ENOMEM : 0;
}
