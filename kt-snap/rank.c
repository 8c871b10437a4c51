/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows, and their order. */
#include "rank.h"
#include "buf.h"
#include "cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ROWS_SPARE 1024 /* with a limit, four times both are held at most */

void row_free(struct row *r)
{
	free(r->before_text);
	free(r->after_text);
	r->before_text = r->after_text = NULL;
}

char *int_text(kt_i128 v, char buf[INT_TEXT])
{
	kt_u128 u = v < 0 ? -(kt_u128)v : (kt_u128)v;
	char digits[INT_TEXT], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u > 0);
	if (v < 0)
		*--p = '-';
	return strcpy(buf, p);
}

static kt_i128 abs128(kt_i128 v)
{
	return v < 0 ? -v : v;
}

bool row_per_s(const struct row *r, const struct row_frame *frame, double *ret)
{
	if (!r->delta_known || !frame->time_known || metric_get(r->metric).rule != RULE_SUM)
		return false;
	*ret = (double)((long double)r->delta * 1e9L / (long double)frame->interval_ns);
	return true;
}

/* ---- the rules ---- */

static const struct members *members_of(const struct group *of, unsigned int metric)
{
	return metric >= M_CGROUP ? &of->cgroups : &of->threads;
}

/* Counters and amounts. A side without any thread has nothing, which is 0. */
static void make_sum(const struct agg *g, const struct members *m, const struct acc *a,
		     struct row *r)
{
	bool largest = g->rule[r->metric] == RULE_MAX;

	r->before_known = a->known[0] > 0 || (m->side[0] == 0 && !largest);
	r->after_known = a->known[1] > 0 || (m->side[1] == 0 && !largest);
	r->before = (kt_i128)a->n.sum[0];
	r->after = (kt_i128)a->n.sum[1];
	r->delta_known = r->before_known && r->after_known;
	r->delta = r->after - r->before;
	if (g->rule[r->metric] == RULE_SUM && !g->plain) {
		r->died = (kt_i128)a->n.died;
		r->moved = (kt_i128)a->n.in - (kt_i128)a->n.out;
		r->delta += r->died - r->moved;
	}
	r->differs = (r->delta_known && r->delta != 0) ||
		     (g->rule[r->metric] == RULE_SUM && r->changed > 0);
}

static int range_text(const struct acc *a, int side, char **ret)
{
	char text[2 * INT_TEXT + 2];

	if (a->known[side] == 0)
		return 0;
	int_text(a->range.min[side], text);
	if (a->range.min[side] != a->range.max[side]) {
		strcat(text, "..");
		int_text(a->range.max[side], text + strlen(text));
	}
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* The middle of smallest and largest. */
static void make_middle(struct row *r, kt_i128 min0, kt_i128 max0, kt_i128 min1, kt_i128 max1)
{
	r->half = true;
	r->before = min0 + max0;
	r->after = min1 + max1;
	r->delta = r->after - r->before;
	r->delta_known = r->before_known && r->after_known;
}

static int make_range(const struct acc *a, struct row *r)
{
	int rc = range_text(a, 0, &r->before_text);

	if (rc == 0)
		rc = range_text(a, 1, &r->after_text);
	r->before_known = a->known[0] > 0;
	r->after_known = a->known[1] > 0;
	make_middle(r, a->range.min[0], a->range.max[0], a->range.min[1], a->range.max[1]);
	return rc;
}

/* The most frequent word; of equally frequent ones the smallest by its bytes. */
static const struct tally_word *mode_of(const struct agg *g, const struct acc *a, int side)
{
	const struct tally_word *t = a->words.t[side], *best = t;
	uint32_t i;

	for (i = 1; i < a->words.n[side]; i++)
		if (t[i].n > best->n ||
		    (t[i].n == best->n && strcmp(words_text(&g->words, t[i].word),
						 words_text(&g->words, best->word)) < 0))
			best = &t[i];
	return best;
}

static int mode_text(const struct agg *g, const struct acc *a, int side, char **ret)
{
	const struct tally_word *best = mode_of(g, a, side);
	AUTO_BUF b = BUF_INIT;

	if (!best)
		return 0;
	buf_str(&b, words_text(&g->words, best->word));
	if (best->n < a->known[side])
		buf_fmt(&b, " (%" PRIu32 "/%" PRIu32 ")", best->n, a->known[side]);
	*ret = buf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

/* The smallest and largest number of CPUs; a list that is none counts as none. */
static void set_sizes(const struct agg *g, const struct acc *a, int side, int64_t *ret_min,
		      int64_t *ret_max)
{
	uint32_t i;

	*ret_min = *ret_max = 0;
	for (i = 0; i < a->words.n[side]; i++) {
		int64_t n = words_cpus(&g->words, a->words.t[side][i].word);

		n = n < 0 ? 0 : n;
		*ret_min = i == 0 || n < *ret_min ? n : *ret_min;
		*ret_max = n > *ret_max ? n : *ret_max;
	}
}

static int set_text(const struct agg *g, const struct acc *a, int side, char **ret)
{
	AUTO_BUF b = BUF_INIT;
	int64_t min, max;

	if (a->words.n[side] == 0)
		return 0;
	set_sizes(g, a, side, &min, &max);
	if (a->words.n[side] == 1)
		buf_fmt(&b, "%" PRId64 " cpus (%s)", min,
			words_text(&g->words, a->words.t[side]->word));
	else if (min == max)
		buf_fmt(&b, "%" PRId64 " cpus (mixed)", min);
	else
		buf_fmt(&b, "%" PRId64 "-%" PRId64 " cpus (mixed)", min, max);
	*ret = buf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

static uint32_t count_of(const struct acc *a, int side, uint32_t word)
{
	uint32_t i;

	for (i = 0; i < a->words.n[side]; i++)
		if (a->words.t[side][i].word == word)
			return a->words.t[side][i].n;
	return 0;
}

/* How far the shares of the words are apart, 0 to 1. */
static double words_apart(const struct acc *a)
{
	double sum = 0;
	uint32_t i;
	int s;

	if (a->known[0] == 0 || a->known[1] == 0)
		return 0;
	for (s = 0; s < 2; s++)
		for (i = 0; i < a->words.n[s]; i++) {
			uint32_t word = a->words.t[s][i].word, mine = a->words.t[s][i].n,
				 other = count_of(a, !s, word);

			if (s == 1 && other > 0)
				continue; /* was looked at */
			if ((uint64_t)mine * a->known[!s] != (uint64_t)other * a->known[s])
				sum += fabs((double)mine / a->known[s] -
					    (double)other / a->known[!s]);
		}
	return sum / 2;
}

static int make_words(const struct agg *g, const struct acc *a, struct row *r)
{
	int64_t min[2], max[2];
	bool set = g->rule[r->metric] == RULE_SET;
	int rc = (set ? set_text : mode_text)(g, a, 0, &r->before_text);

	if (rc == 0)
		rc = (set ? set_text : mode_text)(g, a, 1, &r->after_text);
	if (set) {
		r->before_known = a->known[0] > 0;
		r->after_known = a->known[1] > 0;
		set_sizes(g, a, 0, &min[0], &max[0]);
		set_sizes(g, a, 1, &min[1], &max[1]);
		make_middle(r, min[0], max[0], min[1], max[1]);
	}
	return rc;
}

/* ---- what moved ---- */

/* Units of different kinds on one scale, seconds of a CPU: an event (a switch, a fault, a call)
 * costs about a microsecond, a gigabyte a second. Time asleep passes by itself, and counts a
 * hundredth. */
static double weight(unsigned int metric)
{
	switch (metric) {
	case F_sleep_sum_ns:
	case F_block_sum_ns:
	case F_iowait_sum_ns:
		return 1e-11;
	default:
		break;
	}
	switch (metric_get(metric).unit) {
	case UNIT_NS:
	case UNIT_BYTES:
		return 1e-9;
	default: /* KiB as well: they are 1e-9 a byte */
		return 1e-6;
	}
}

#define SETTING_SCORE 1e30

static double score(const struct agg *g, const struct acc *a, const struct row *r)
{
	switch (g->rule[r->metric]) {
	case RULE_RANGE:
	case RULE_MODE:
	case RULE_SET:
		/* Threads that were given another setting are news; other threads are not. */
		if (r->changed > 0 || (g->plain && r->differs))
			return SETTING_SCORE * (1 + r->changed);
		return r->differs ? 1e-3 * (g->rule[r->metric] == RULE_RANGE ? 1 : words_apart(a))
				  : 0;
	case RULE_MAX:
		return r->differs ? 1e-3 * weight(r->metric) * (double)abs128(r->delta) : 0;
	default:
		return r->differs ? weight(r->metric) * (double)abs128(r->delta) : 0;
	}
}

int row_make(const struct agg *g, const struct group *of, unsigned int metric, struct row *ret)
{
	const struct acc *a = &of->acc[metric];
	struct row r = { .of = of, .metric = metric, .changed = a->changed };
	bool text = false;
	int rc = 0;

	r.unknown[0] = a->unknown[0];
	r.unknown[1] = a->unknown[1];
	switch (g->rule[metric]) {
	case RULE_RANGE:
		rc = make_range(a, &r);
		text = true;
		break;
	case RULE_MODE:
	case RULE_SET:
		rc = make_words(g, a, &r);
		text = true;
		break;
	default:
		make_sum(g, members_of(of, metric), a, &r);
	}
	if (rc < 0) {
		row_free(&r);
		return rc;
	}
	if (text && r.before_text && r.after_text)
		r.differs = r.changed > 0 || strcmp(r.before_text, r.after_text) != 0;
	/* Shares move with every thread; that a set is another one is news even if no size is. */
	if (text && g->rule[metric] == RULE_SET && g->plain && words_apart(a) > 0)
		r.differs = true;
	if (text && g->rule[metric] == RULE_MODE && r.changed == 0 && r.differs && !words_apart(a))
		r.differs = false; /* 1/2 is 2/4 */
	r.pct_known = r.delta_known && r.before != 0;
	if (r.pct_known)
		r.pct = (double)((long double)r.delta * 100 / (long double)abs128(r.before));
	r.score = score(g, a, &r);
	*ret = r;
	return 0;
}

/* ---- order ---- */

static int own_group(struct rank *k, struct row *r)
{
	struct group *copy;

	if (k->n_own > 0 && k->own[k->n_own - 1]->tid == r->of->tid &&
	    k->own[k->n_own - 1]->start_ns == r->of->start_ns) {
		r->of = k->own[k->n_own - 1];
		return 0;
	}
	if (k->n_own == k->own_cap) {
		size_t cap = k->own_cap ? 2 * k->own_cap : 64;
		struct group **own = reallocarray(k->own, cap, sizeof(struct group *));

		if (!own)
			return -ENOMEM;
		k->own = own;
		k->own_cap = cap;
	}
	copy = malloc(sizeof(*copy) + r->of->key_len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, r->of, sizeof(*copy) + r->of->key_len + 1);
	copy->acc = NULL;
	k->own[k->n_own++] = copy;
	r->of = copy;
	return 0;
}

static bool shown(const struct show *show, const struct row *r)
{
	if (!metric_has(&show->metrics, r->metric))
		return false;
	if (!r->differs && !show->all)
		return false;
	return show->min_pct <= 0 || !r->pct_known || fabs(r->pct) >= show->min_pct;
}

int rank_add(struct rank *k, const struct show *show, struct row *r, bool copy)
{
	int rc = 0;

	if (!shown(show, r)) {
		k->left_out++;
		row_free(r);
		return 0;
	}
	/* Those that are not among the first now will not be later. */
	if (show->limit > 0 && k->n / 4 > show->limit + ROWS_SPARE)
		rank_sort(k, show);
	if (k->n == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 256;
		struct row *row = reallocarray(k->row, cap, sizeof(*row));

		rc = row ? 0 : -ENOMEM;
		if (row) {
			k->row = row;
			k->cap = cap;
		}
	}
	if (rc == 0 && copy)
		rc = own_group(k, r);
	if (rc < 0) {
		row_free(r);
		return rc;
	}
	k->row[k->n++] = *r;
	return 0;
}

int group_order(const struct group *a, const struct group *b)
{
	size_t n = a->key_len < b->key_len ? a->key_len : b->key_len;
	int c = memcmp(a->key, b->key, n);

	if (c == 0)
		c = (a->key_len > b->key_len) - (a->key_len < b->key_len);
	if (c == 0)
		c = (a->tgid > b->tgid) - (a->tgid < b->tgid);
	if (c == 0)
		c = (a->tid > b->tid) - (a->tid < b->tid);
	return c ? c : (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* Larger first. */
static int down(double a, double b)
{
	return (a < b) - (a > b);
}

static double size_of(const struct row *r)
{
	return r->delta_known ? (double)abs128(r->delta) / (r->half ? 2 : 1) : -1;
}

static int compare(const void *pa, const void *pb, void *arg)
{
	const struct row *a = pa, *b = pb;
	const enum sort_by *by = arg;
	int c = 0;

	switch (*by) {
	case SORT_MOVED:
		c = down(a->score, b->score);
		break;
	case SORT_PCT:
		/* What moved from 0 is beyond any percentage. */
		c = down(a->pct_known		      ? fabs(a->pct)
			 : a->delta_known && a->delta ? INFINITY
						      : -1,
			 b->pct_known		      ? fabs(b->pct)
			 : b->delta_known && b->delta ? INFINITY
						      : -1);
		if (c == 0 && !a->pct_known)
			c = down(size_of(a), size_of(b));
		break;
	case SORT_DELTA:
		c = down(size_of(a), size_of(b));
		break;
	case SORT_METRIC:
		c = (a->metric > b->metric) - (a->metric < b->metric);
		if (c == 0)
			c = down(size_of(a), size_of(b));
		break;
	case SORT_GROUP:
		break;
	}
	if (c == 0)
		c = group_order(a->of, b->of);
	return c ? c : (a->metric > b->metric) - (a->metric < b->metric);
}

void rank_sort(struct rank *k, const struct show *show)
{
	enum sort_by by = show->sort;

	if (k->n > 0)
		qsort_r(k->row, k->n, sizeof(*k->row), compare, &by);
	for (; show->limit > 0 && k->n > show->limit; k->left_out++)
		row_free(&k->row[--k->n]);
}

void rank_clear(struct rank *k)
{
	while (k->n > 0)
		row_free(&k->row[--k->n]);
	while (k->n_own > 0)
		free(k->own[--k->n_own]);
	k->left_out = 0;
}

void rank_free(struct rank *k)
{
	rank_clear(k);
	free(k->row);
	free(k->own);
	*k = (struct rank){ 0 };
}
