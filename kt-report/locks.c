/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lock records as tables. */
#include "locks.h"
#include "buf.h"
#include "cleanup.h"
#include "jsonr.h"
#include "table.h"

#include <string.h>

/* The tables: of the kinds llc and cpu, and of all others. */
static const struct section {
	const char *title, *kind;
	const char *heads[6];
} sections[] = {
	{ "LLC locks", "llc", { "LLC", "NODE", "MODE", "HOLDERS", "WAITING" } },
	{ "CPU locks", "cpu", { "CPU", "NODE", "MODE", "HOLDERS", "WAITING" } },
	{ "File locks", NULL, { "KIND", "KEY", "MODE", "HOLDERS", "WAITING" } },
};
#define COLUMNS 5
#define SHOWN 60 /* bytes of a command line */

static bool belongs(const struct section *s, const json_t *rec)
{
	const char *kind = rec_str(rec, "kind", "");

	if (s->kind)
		return strcmp(kind, s->kind) == 0;
	return strcmp(kind, "llc") != 0 && strcmp(kind, "cpu") != 0;
}

static int put_number(struct table *t, const json_t *rec, const char *key, enum ink ink)
{
	char text[24];
	int64_t v = rec_i64(rec, key, -1);

	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	table_cell(t, v < 0 ? NULL : text, v < 0 ? INK_DIM : ink);
	return 0;
}

/* How many bytes of a command line are shown; not a part of a character. */
static size_t cut(const char *text)
{
	size_t n = strlen(text);

	if (n > SHOWN)
		for (n = SHOWN; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
			n--;
	return n;
}

/* "1234 (make -j2)"; the n-th of a list, or nothing */
static int put_holder(struct table *t, const json_t *list, size_t n, bool with_mode)
{
	const json_t *h = json_array_get(list, n);
	int64_t pid = rec_i64(h, "pid", -1);
	const char *what = rec_str(h, "cmdline", NULL);
	AUTO_BUF b = BUF_INIT;

	if (!h) {
		table_cell(t, n == 0 ? NULL : "", INK_DIM);
		return 0;
	}
	if (pid < 0)
		buf_str(&b, "not to be seen");
	else
		buf_fmt(&b, "%lld", (long long)pid);
	if (rec_bool(h, "ended", false))
		buf_str(&b, " ended, has left it to others");
	if (!what)
		what = rec_str(h, "comm", NULL);
	if (what)
		buf_fmt(&b, " (%.*s%s)", (int)cut(what), what, what[cut(what)] ? "\u2026" : "");
	if (with_mode)
		buf_fmt(&b, " %s", rec_str(h, "mode", "?"));
	if (b.err < 0)
		return b.err;
	table_cell(t, b.p, INK_NONE);
	return 0;
}

/* A line for the lock, and one more for each further holder and waiter. */
static int put_lock(struct table *t, const struct section *s, const json_t *rec)
{
	const json_t *holders = json_object_get(rec, "holders");
	const json_t *waiters = json_object_get(rec, "waiters");
	const char *mode = rec_str(rec, "mode", NULL);
	size_t lines = json_array_size(holders), i;
	int rc = 0;

	if (json_array_size(waiters) > lines)
		lines = json_array_size(waiters);
	for (i = 0; i == 0 || (i < lines && rc == 0); i++) {
		if (i > 0) {
			table_cell(t, "", INK_NONE);
			table_cell(t, "", INK_NONE);
			table_cell(t, "", INK_NONE);
		} else {
			if (s->kind) {
				rc = put_number(t, rec, "index", INK_NONE);
				rc = rc < 0 ? rc : put_number(t, rec, "node", INK_NONE);
			} else {
				table_cell(t, rec_str(rec, "kind", NULL), INK_NONE);
				table_cell(t, rec_str(rec, "key", NULL), INK_NONE);
			}
			table_cell(t, mode,
				   !mode			 ? INK_DIM
				   : strcmp(mode, "shared") == 0 ? INK_GOOD
								 : INK_DOUBT);
		}
		rc = rc < 0 ? rc : put_holder(t, holders, i, false);
		rc = rc < 0 ? rc : put_holder(t, waiters, i, true);
	}
	return rc;
}

int locks_print(const json_t *records, FILE *out, bool color)
{
	const json_t *rec;
	size_t s, i, k;
	int rc = 0;

	for (s = 0; s < KT_ARRAY_LEN(sections) && rc == 0; s++) {
		struct table t;
		size_t n = 0;

		if (s > 0)
			fputc('\n', out);
		table_init(&t, COLUMNS);
		if (sections[s].kind) {
			table_right(&t, 0);
			table_right(&t, 1);
		}
		for (k = 0; k < COLUMNS; k++)
			table_cell(&t, sections[s].heads[k], INK_HEAD);
		json_array_foreach (records, i, rec) {
			if (rc < 0 || !belongs(&sections[s], rec))
				continue;
			rc = put_lock(&t, &sections[s], rec);
			n++;
		}
		ink_put(out, sections[s].title, INK_HEAD, color);
		fputs(n == 0 ? ": none\n" : ":\n", out);
		if (rc == 0 && n > 0)
			rc = table_print(&t, out, color);
		table_free(&t);
	}
	return rc;
}
