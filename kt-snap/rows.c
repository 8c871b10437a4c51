/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records for an interval. */
#include "rows.h"
#include "cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LARGEST ((kt_i128)UINT64_MAX)

void interval_set(struct interval *iv, const struct snapshot *before, const struct snapshot *after)
{
	const char *was = facts_get(before->facts, "boot_id"),
		   *is = facts_get(after->facts, "boot_id");

	iv->before = before;
	iv->after = after;
	iv->same_boot = was && is ? strcmp(was, is) == 0 : -1;
	iv->clock = NULL;
	iv->frame = (struct row_frame){ .plain = iv->same_boot == 0 };
	/* The monotonic clock begins anew with each boot. */
	if (iv->same_boot == 1 && before->mono_known && after->mono_known) {
		iv->clock = after->mono_ns > before->mono_ns ? "monotonic" : NULL;
		iv->frame.interval_ns = after->mono_ns - before->mono_ns;
	} else if (before->real_known && after->real_known) {
		iv->clock = after->real_ns > before->real_ns ? "realtime" : NULL;
		iv->frame.interval_ns = after->real_ns - before->real_ns;
	}
	iv->frame.time_known = iv->clock != NULL;
}

static void put_count(struct jsonw *w, const char *key, uint64_t v, bool known)
{
	if (known)
		jsonw_u64(w, key, v);
	else
		jsonw_null(w, key);
}

static void put_int(struct jsonw *w, const char *key, kt_i128 v)
{
	char text[INT_TEXT];

	int_text(v, text);
	jsonw_raw(w, key, text, strlen(text));
}

/* An integer up to 2^64 - 1 either way; a half gets its ".5". Returns whether it was larger. */
static bool put_value(struct jsonw *w, const char *key, kt_i128 v, bool half, bool known)
{
	char text[INT_TEXT + 4];
	bool large;

	if (!known) {
		jsonw_null(w, key);
		return false;
	}
	if (half && v % 2 != 0) {
		int_text((v < 0 ? -v : v) / 2, text + 1);
		text[0] = '-';
		strcat(text, ".5");
		jsonw_raw(w, key, v < 0 ? text : text + 1, strlen(v < 0 ? text : text + 1));
		return false;
	}
	v = half ? v / 2 : v;
	large = v > LARGEST || v < -LARGEST;
	put_int(w, key, v > LARGEST ? LARGEST : v < -LARGEST ? -LARGEST : v);
	return large;
}

static void put_members(struct jsonw *w, const struct members *m, bool plain)
{
	jsonw_u64(w, "threads_before", m->side[0]);
	jsonw_u64(w, "threads_after", m->side[1]);
	put_count(w, "threads_kept", m->kept, !plain);
	put_count(w, "threads_born", m->born, !plain);
	put_count(w, "threads_died", m->died, !plain);
	put_count(w, "threads_joined", m->joined, !plain);
	put_count(w, "threads_left", m->left, !plain);
}

int write_interval(struct jsonw *w, const struct interval *iv)
{
	jsonw_begin(w, "interval");
	jsonw_u64(w, "n", iv->n);
	jsonw_u64(w, "before_n", iv->before->n);
	jsonw_u64(w, "after_n", iv->after->n);
	if (iv->same_boot < 0)
		jsonw_null(w, "same_boot");
	else
		jsonw_bool(w, "same_boot", iv->same_boot);
	jsonw_str(w, "clock", iv->clock);
	put_count(w, "interval_ns", iv->frame.interval_ns, iv->frame.time_known);
	put_members(w, &iv->threads, iv->frame.plain);
	jsonw_u64(w, "groups", iv->groups[0] + iv->groups[1] + iv->groups[2]);
	jsonw_u64(w, "groups_only_before", iv->groups[1]);
	jsonw_u64(w, "groups_only_after", iv->groups[2]);
	jsonw_u64(w, "lacking_before", iv->before->lacking);
	jsonw_u64(w, "lacking_after", iv->after->lacking);
	return jsonw_end(w);
}

struct change_arg {
	struct jsonw *w;
	uint64_t n;
};

static int write_change(const char *name, const char *before, const char *after, void *arg)
{
	struct change_arg *c = arg;

	jsonw_begin(c->w, "host-change");
	jsonw_u64(c->w, "n", c->n);
	jsonw_str(c->w, "name", name);
	jsonw_str(c->w, "before", before);
	jsonw_str(c->w, "after", after);
	return jsonw_end(c->w);
}

int write_host_changes(struct jsonw *w, const struct interval *iv, const struct metric_set *want)
{
	struct change_arg c = { .w = w, .n = iv->n };
	char name[80];
	int id, rc;

	rc = facts_differ(iv->before->facts, iv->after->facts, write_change, &c);
	for (id = -1; rc == 0 && (id = metric_next(want, want, id)) >= 0;) {
		bool was = metric_has(&iv->before->valued, (unsigned int)id),
		     is = metric_has(&iv->after->valued, (unsigned int)id);

		/* Of threads' values: that nobody holds a deadline policy any more is no such news.
		 */
		if (was == is || id >= M_CGROUP || fields[id].rule == RULE_RANGE)
			continue;
		(void)snprintf(name, sizeof(name), "values.%s", fields[id].name);
		rc = write_change(name, was ? "known" : NULL, is ? "known" : NULL, &c);
	}
	return rc;
}

/* ---- groups ---- */

/* The next part of a key; *ret is NULL when that is null. */
static const char *next_part(const char *p, const char **ret)
{
	if (*p++ == 0) {
		*ret = NULL;
		return p;
	}
	*ret = p;
	return p + strlen(p) + 1;
}

void write_group(struct jsonw *w, unsigned int parts, const struct group *of)
{
	static const struct {
		unsigned int part;
		const char *name;
	} names[] = { { PART_PCOMM | PART_TID, "pcomm" },
		      { PART_COMM | PART_TID, "comm" },
		      { PART_CGROUP, "cgroup" } };
	const char *p = of->key, *text;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++) {
		if (!(parts & names[i].part))
			continue;
		p = next_part(p, &text);
		jsonw_str(w, names[i].name, text);
	}
	if (parts & PART_TID) {
		jsonw_u64(w, "tgid", of->tgid);
		jsonw_u64(w, "tid", of->tid);
	}
}

char *group_text(const struct group *of)
{
	const char *p = of->key, *end = p + of->key_len, *text;
	AUTO_BUF b = BUF_INIT;

	while (p < end) {
		p = next_part(p, &text);
		if (b.len > 0)
			buf_chr(&b, '/');
		buf_str(&b, text ? text : "-");
	}
	if (of->tid > 0)
		buf_fmt(&b, " (tid %" PRIu32 ")", of->tid);
	return buf_take(&b);
}

int write_only(struct jsonw *w, const struct interval *iv, unsigned int parts,
	       const struct group *of)
{
	int side = of->threads.side[0] + of->cgroups.side[0] == 0;

	jsonw_begin(w, "only");
	jsonw_u64(w, "n", iv->n);
	write_group(w, parts, of);
	jsonw_str(w, "side", side ? "after" : "before");
	jsonw_u64(w, "threads", of->threads.side[side]);
	return jsonw_end(w);
}

int write_row(struct jsonw *w, const struct interval *iv, unsigned int parts, const struct row *r)
{
	static const char *const rules[] = {
		[RULE_SUM] = "sum",	[RULE_GAUGE] = "gauge", [RULE_MAX] = "max",
		[RULE_RANGE] = "range", [RULE_MODE] = "mode",	[RULE_SET] = "set"
	};
	enum field_rule rule = metric_get(r->metric).rule;
	bool accounted = rule == RULE_SUM && !iv->frame.plain && r->delta_known, large;
	double per_s;

	jsonw_begin(w, "row");
	jsonw_u64(w, "n", iv->n);
	write_group(w, parts, r->of);
	jsonw_str(w, "metric", metric_get(r->metric).name);
	jsonw_str(w, "unit", metric_unit(r->metric));
	jsonw_str(w, "rule", rules[rule]);
	large = put_value(w, "before", r->before, r->half, r->before_known);
	large |= put_value(w, "after", r->after, r->half, r->after_known);
	jsonw_str(w, "before_text", r->before_text);
	jsonw_str(w, "after_text", r->after_text);
	large |= put_value(w, "delta", r->delta, r->half, r->delta_known);
	if (r->pct_known)
		jsonw_f64(w, "pct", r->pct, 3);
	else
		jsonw_null(w, "pct");
	if (row_per_s(r, &iv->frame, &per_s))
		jsonw_f64(w, "per_s", per_s, 3);
	else
		jsonw_null(w, "per_s");
	large |= put_value(w, "died", r->died, false, accounted);
	large |= put_value(w, "moved", r->moved, false, accounted);
	jsonw_bool(w, "saturated", large);
	put_count(w, "changed", r->changed, !iv->frame.plain);
	jsonw_u64(w, "unknown_before", r->unknown[0]);
	jsonw_u64(w, "unknown_after", r->unknown[1]);
	put_members(w, r->metric >= M_CGROUP ? &r->of->cgroups : &r->of->threads, iv->frame.plain);
	return jsonw_end(w);
}

int write_interval_end(struct jsonw *w, const struct interval *iv, uint64_t rows, uint64_t left_out)
{
	jsonw_begin(w, "interval-end");
	jsonw_u64(w, "n", iv->n);
	jsonw_u64(w, "rows", rows);
	jsonw_u64(w, "left_out", left_out);
	return jsonw_end(w);
}
