/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of plans as a table. */
#include "results.h"
#include "cleanup.h"
#include "human.h"
#include "jsonr.h"
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define MAX_SAME 8 /* details of one check of one plan; the others are counted */

static const char *const outcomes[] = { "pass", "fail", "skip", "undecided", "error" };

static enum ink outcome_ink(const char *outcome)
{
	static const enum ink inks[] = { INK_GOOD, INK_BAD, INK_DIM, INK_DOUBT, INK_BAD };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(outcomes); i++)
		if (strcmp(outcome, outcomes[i]) == 0)
			return inks[i];
	return INK_BAD;
}

static void cell_ns(struct table *t, const json_t *v, bool tcg)
{
	char text[64];

	if (!json_is_integer(v)) {
		table_cell(t, NULL, INK_DIM);
		return;
	}
	human_ns((double)json_integer_value(v), text, sizeof(text) - 4);
	if (tcg)
		strcat(text, " tcg"); /* not the time of any real machine */
	table_cell(t, text, INK_NONE);
}

static void cell_count(struct table *t, const json_t *v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)json_integer_value(v));
	table_cell(t, json_is_integer(v) ? text : NULL, json_is_integer(v) ? INK_NONE : INK_DIM);
}

static void cell_pct(struct table *t, const json_t *v)
{
	char text[400];

	(void)snprintf(text, sizeof(text), "%.1f %%", json_number_value(v));
	table_cell(t, json_is_number(v) ? text : NULL, json_is_number(v) ? INK_NONE : INK_DIM);
}

/* Columns that are there only when the results differ in them. */
static const struct {
	const char *head, *object, *member;
} extra[] = {
	{ "PROFILE", NULL, "profile" },
	{ "TOPOLOGY", "provenance", "topology" },
	{ "SCHEDULER", "provenance", "scheduler" },
	{ "SEED", "provenance", "seed" },
};

static const json_t *extra_of(const json_t *result, size_t i)
{
	if (extra[i].object)
		result = json_object_get(result, extra[i].object);
	return json_object_get(result, extra[i].member);
}

static bool differs(const json_t *results, size_t i)
{
	const json_t *first = extra_of(json_array_get(results, 0), i), *v;
	size_t k;

	for (k = 1; k < json_array_size(results); k++) {
		v = extra_of(json_array_get(results, k), i);
		if (!json_equal(first, v) && (first || v))
			return true;
	}
	return false;
}

static void cell_any(struct table *t, const json_t *v)
{
	if (json_is_integer(v))
		cell_count(t, v);
	else
		table_cell(t, json_string_value(v), INK_NONE);
}

static int print_table(const json_t *results, FILE *out, bool color)
{
	static const char *const heads[] = { "SCENARIO", "OUTCOME",  "SPREAD",	"GAP",
					     "MIGR",	 "WAKE-P50", "WAKE-P99" };
	bool shown[KT_ARRAY_LEN(extra)];
	const json_t *r, *stats;
	struct table t;
	size_t i, k, n = KT_ARRAY_LEN(heads), col = 1;
	int rc;

	for (i = 0; i < KT_ARRAY_LEN(extra); i++)
		n += shown[i] = differs(results, i);
	table_init(&t, n);
	table_cell(&t, heads[0], INK_HEAD);
	for (i = 0; i < KT_ARRAY_LEN(extra); i++) {
		if (!shown[i])
			continue;
		table_cell(&t, extra[i].head, INK_HEAD);
		col++;
	}
	table_cell(&t, heads[1], INK_HEAD);
	for (i = 2; i < KT_ARRAY_LEN(heads); i++) {
		table_right(&t, ++col);
		table_cell(&t, heads[i], INK_HEAD);
	}
	json_array_foreach (results, k, r) {
		const char *outcome = rec_str(r, "outcome", "?"),
			   *accel = rec_str(json_object_get(r, "provenance"), "accel", "");
		bool tcg = strcmp(accel, "tcg") == 0;

		stats = json_object_get(r, "stats");
		table_cell(&t, rec_str(r, "scenario", rec_str(r, "id", NULL)), INK_NONE);
		for (i = 0; i < KT_ARRAY_LEN(extra); i++)
			if (shown[i])
				cell_any(&t, extra_of(r, i));
		table_cell(&t, outcome, outcome_ink(outcome));
		cell_pct(&t, json_object_get(stats, "spread_pct"));
		cell_ns(&t, json_object_get(stats, "gap_max_ns"), tcg);
		cell_count(&t, json_object_get(stats, "migrations"));
		cell_ns(&t, json_object_get(stats, "wake_p50_ns"), tcg);
		cell_ns(&t, json_object_get(stats, "wake_p99_ns"), tcg);
	}
	rc = table_print(&t, out, color);
	table_free(&t);
	return rc;
}

static int print_line(FILE *out, const char *check, const char *message)
{
	AUTO_FREE char *clean = text_clean(message);

	if (!clean)
		return -ENOMEM;
	fprintf(out, "  %s: %s\n", check, clean);
	return 0;
}

/* What a result has to say beyond its row. A passed one has limits that could not be judged. */
static int print_details(const json_t *r, FILE *out, bool color)
{
	const json_t *details = json_object_get(r, "details"), *d, *e;
	const char *outcome = rec_str(r, "outcome", "?"), *check;
	size_t i, k, same, after;
	int rc = 0;

	if (json_array_size(details) == 0 && strcmp(outcome, "pass") == 0)
		return 0;
	{
		AUTO_FREE char *id = text_clean(rec_str(r, "id", rec_str(r, "scenario", "?")));

		if (!id)
			return -ENOMEM;
		fprintf(out, "\n%s: ", id);
	}
	ink_put(out, outcome, outcome_ink(outcome), color);
	fputc('\n', out);
	json_array_foreach (details, i, d) {
		check = rec_str(d, "check", "?");
		for (k = same = 0; k < i; k++)
			same += strcmp(rec_str(json_array_get(details, k), "check", "?"), check) ==
				0;
		if (same < MAX_SAME) {
			rc = print_line(out, check, rec_str(d, "message", ""));
			if (rc < 0)
				return rc;
		}
		after = same;
		json_array_foreach (details, k, e)
			after += k > i && strcmp(rec_str(e, "check", "?"), check) == 0;
		if (same == MAX_SAME)
			fprintf(out, "  %s: and %zu more\n", check, after + 1 - MAX_SAME);
	}
	return rc;
}

int results_print(const json_t *results, FILE *out, bool color)
{
	static const char *const words[] = { "passed", "failed", "skipped", "undecided", "errors" };
	size_t count[KT_ARRAY_LEN(outcomes)] = { 0 }, i, k;
	const json_t *r;
	int rc;

	rc = print_table(results, out, color);
	json_array_foreach (results, i, r) {
		if (rc < 0)
			return rc;
		rc = print_details(r, out, color);
		for (k = 0; k < KT_ARRAY_LEN(outcomes); k++)
			count[k] += strcmp(rec_str(r, "outcome", "?"), outcomes[k]) == 0;
	}
	fputc('\n', out);
	for (k = 0; k < KT_ARRAY_LEN(outcomes); k++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%zu %s", count[k], words[k]);
		if (k > 0)
			fputs(", ", out);
		ink_put(out, text, count[k] ? outcome_ink(outcomes[k]) : INK_NONE, color);
	}
	fputc('\n', out);
	return rc;
}
