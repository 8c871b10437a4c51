/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One interval: its threads are told one by one, then there are rows. */
#include "interval.h"
#include "cleanup.h"
#include "die.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void put_finding(struct compare *c, const struct interval *iv, const struct fail_if *f,
			const struct row *r)
{
	struct jsonw w;
	char delta[INT_TEXT];
	double per_s;

	if (c->n_failed++ >= FAILED_MAX)
		return;
	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_str(&w, "if", f->text);
	jsonw_u64(&w, "n", iv->n);
	write_group(&w, c->how.parts, r->of);
	jsonw_str(&w, "metric", metric_get(r->metric).name);
	if (r->half) {
		jsonw_f64(&w, "delta", (double)r->delta / 2, 1);
	} else {
		int_text(r->delta, delta);
		jsonw_raw(&w, "delta", delta, strlen(delta));
	}
	if (r->pct_known)
		jsonw_f64(&w, "pct", r->pct, 3);
	else
		jsonw_null(&w, "pct");
	if (row_per_s(r, &iv->frame, &per_s))
		jsonw_f64(&w, "per_s", per_s, 3);
	else
		jsonw_null(&w, "per_s");
	(void)jsonw_end(&w); /* to memory; what went wrong is in buf.err */
	if (w.buf.err < 0) {
		c->failed.err = w.buf.err;
	} else {
		if (c->failed.len > 0)
			buf_chr(&c->failed, ',');
		buf_add(&c->failed, w.buf.p, w.buf.len - 1);
	}
	jsonw_free(&w);
}

/* The first few are told on stderr too, once it is sure that the interval counts. */
static int tell(struct compare *c, const struct fail_if *f, const struct interval *iv,
		const struct row *r)
{
	AUTO_FREE char *name = group_text(r->of);
	char before[INT_TEXT], after[INT_TEXT], delta[INT_TEXT];
	double per_s;

	if (!name)
		return -ENOMEM;
	if (f->failed > 5)
		return 0;
	int_text(r->half ? r->before / 2 : r->before, before);
	int_text(r->half ? r->after / 2 : r->after, after);
	int_text(r->half ? r->delta / 2 : r->delta, delta);
	if (f->kind == FAIL_PCT && r->pct_known)
		buf_fmt(&c->told, "%s: %s: %+.1f %% (%s to %s)\n", f->text, name, r->pct, before,
			after);
	else if (f->kind == FAIL_RATE && row_per_s(r, &iv->frame, &per_s))
		buf_fmt(&c->told, "%s: %s: %.1f/s\n", f->text, name, per_s);
	else
		buf_fmt(&c->told, "%s: %s: moved by %s (%s to %s)\n", f->text, name, delta, before,
			after);
	return 0;
}

/* The rows of a group; copy as rank_add. */
static int add_rows(struct compare *c, const struct interval *iv, const struct group *of, bool copy)
{
	size_t i;
	int id, rc;

	if (!of->acc || of->threads.side[1] + of->cgroups.side[1] == 0)
		return 0;
	for (id = -1; (id = metric_next(&c->agg.want, &c->agg.want, id)) >= 0;) {
		const struct acc *a = &of->acc[id];
		struct row r;

		/* Of what no thread has a value or lacks one, there is nothing to say. */
		if (a->known[0] + a->known[1] + a->unknown[0] + a->unknown[1] == 0)
			continue;
		rc = row_make(&c->agg, of, (unsigned int)id, &r);
		if (rc < 0)
			return rc;
		for (i = 0; i < c->n_fail_if; i++) {
			if (!fail_judge(&c->fail_if[i], &r, &iv->frame))
				continue;
			put_finding(c, iv, &c->fail_if[i], &r);
			rc = tell(c, &c->fail_if[i], iv, &r);
		}
		if (rc < 0)
			row_free(&r);
		else
			rc = rank_add(&c->rank, &c->show, &r, copy);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void sum_members(struct members *to, const struct members *m)
{
	to->side[0] += m->side[0];
	to->side[1] += m->side[1];
	to->kept += m->kept;
	to->born += m->born;
	to->died += m->died;
	to->joined += m->joined;
	to->left += m->left;
}

static void count_group(struct interval *iv, const struct group *of)
{
	bool before = of->threads.side[0] + of->cgroups.side[0] > 0,
	     after = of->threads.side[1] + of->cgroups.side[1] > 0;

	sum_members(&iv->threads, &of->threads);
	iv->groups[before && after ? 0 : before ? 1 : 2]++;
}

/* With PART_TID: a thread is a group, and its rows are made at once. What is on one side only is
 * not listed by name: `only` records would be as many as threads. */
static int add_single(struct compare *c, struct interval *iv, const struct item *before,
		      const struct item *after)
{
	const struct item *it = after ? after : before;
	struct group *of = c->single, *more;
	int rc;

	if (of->key_len < it->names_len) {
		more = realloc(of, sizeof(*of) + it->names_len + 1);
		if (!more)
			return -ENOMEM;
		c->single = of = more;
	}
	memcpy(of->key, it->names, it->names_len);
	of->key_len = it->names_len;
	of->tid = it->tid;
	of->tgid = it->tgid;
	of->start_ns = it->start_ns;
	rc = agg_one(&c->agg, of, before, after);
	count_group(iv, of);
	if (rc == 0)
		rc = add_rows(c, iv, of, true);
	agg_clear(&c->agg, of);
	return rc;
}

int interval_tell(struct compare *c, struct interval *iv, const struct item *before,
		  const struct item *after)
{
	if (c->how.parts & PART_TID)
		return add_single(c, iv, before, after);
	if (before && after)
		return agg_pair(&c->agg, before, after);
	return before ? agg_died(&c->agg, before) : agg_born(&c->agg, after);
}

int interval_tell_left(struct item *it, void *arg)
{
	const struct told_left *e = arg;
	bool seen = it->seen;

	it->seen = false; /* for the next interval, if the table lives on */
	if (seen)
		return 0;
	return interval_tell(e->c, e->iv, e->side == 0 ? it : NULL, e->side == 0 ? NULL : it);
}

static int count_one(struct group *of, void *arg)
{
	count_group(arg, of);
	return 0;
}

static int rows_of_one(struct group *of, void *arg)
{
	const struct told_left *e = arg;

	return add_rows(e->c, e->iv, of, false);
}

struct only_list {
	const struct group **of;
	size_t n, cap;
};

static int list_only(struct group *of, void *arg)
{
	struct only_list *l = arg;
	const struct group **more;

	if ((of->threads.side[0] + of->cgroups.side[0] > 0) ==
	    (of->threads.side[1] + of->cgroups.side[1] > 0))
		return 0;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		more = reallocarray(l->of, l->cap, sizeof(struct group *));
		if (!more)
			return -ENOMEM;
		l->of = more;
	}
	l->of[l->n++] = of;
	return 0;
}

static int only_order(const void *a, const void *b)
{
	return group_order(*(const struct group *const *)a, *(const struct group *const *)b);
}

static int write_onlies(struct compare *c, const struct interval *iv)
{
	struct only_list l = { 0 };
	int rc = agg_each(&c->agg, list_only, &l);
	size_t i;

	if (rc == 0 && l.n > 0)
		qsort(l.of, l.n, sizeof(struct group *), only_order);
	for (i = 0; rc == 0 && i < l.n; i++)
		rc = write_only(c->w, iv, c->how.parts, l.of[i]);
	free(l.of);
	return rc;
}

void interval_begin(struct compare *c, struct interval *iv, const struct snapshot *before,
		    const struct snapshot *after)
{
	size_t i;

	*iv = (struct interval){ .n = c->intervals + 1 };
	interval_set(iv, before, after);
	agg_begin(&c->agg);
	c->agg.plain = iv->frame.plain;
	rank_clear(&c->rank);
	buf_reset(&c->told);
	if (c->each)
		return;
	/* The interval before was not the last, and does not count. */
	buf_reset(&c->failed);
	c->n_failed = 0;
	for (i = 0; i < c->n_fail_if; i++)
		c->fail_if[i].judged = c->fail_if[i].failed = 0;
}

static void say_findings(struct compare *c, const struct interval *iv)
{
	char *line = c->told.p, *save = NULL;

	for (line = line ? strtok_r(line, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		warn_msg("interval %" PRIu64 ": %s", iv->n, line);
	buf_reset(&c->told);
}

int interval_finish(struct compare *c, struct interval *iv)
{
	struct told_left arg = { .c = c, .iv = iv };
	size_t i;
	int rc = 0;

	if (!(c->how.parts & PART_TID)) {
		(void)agg_each(&c->agg, count_one, iv);
		rc = agg_each(&c->agg, rows_of_one, &arg);
	}
	rank_sort(&c->rank, &c->show);
	c->intervals++;
	if (rc == 0)
		rc = write_interval(c->w, iv);
	if (rc == 0)
		rc = write_host_changes(c->w, iv, &c->agg.want);
	for (i = 0; rc == 0 && i < c->rank.n; i++)
		rc = write_row(c->w, iv, c->how.parts, &c->rank.row[i]);
	if (rc == 0)
		rc = write_onlies(c, iv);
	if (rc == 0)
		rc = write_interval_end(c->w, iv, c->rank.n, c->rank.left_out);
	if (rc == 0 && fflush(c->w->out) != 0)
		rc = errno ? -errno : -EIO;
	rank_clear(&c->rank);
	say_findings(c, iv);
	return rc < 0 ? rc : c->failed.err;
}
