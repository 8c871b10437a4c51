/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions that make a comparison fail. */
#include "failif.h"
#include "cleanup.h"
#include "glob.h"
#include "num.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *wrong(const char *text, const char *at, size_t *ret_at, const char *what)
{
	*ret_at = (size_t)(at - text);
	return what;
}

/* The number behind the operator, which ends at end. */
static int take_limit(struct fail_if *f, const char *p, const char *end)
{
	AUTO_FREE char *digits = NULL;
	bool minus = *p == '-';
	uint64_t u;

	p += *p == '+' || *p == '-';
	digits = strndup(p, (size_t)(end - p));
	if (!digits)
		return -ENOMEM;
	if (strspn(digits, "0123456789.") != strlen(digits) ||
	    num_f64(digits, 0, 1e300, &f->limit) < 0)
		return -EINVAL;
	f->whole = num_u64(digits, 0, UINT64_MAX, &u) == 0;
	if (f->whole)
		f->exact = minus ? -(kt_i128)u : (kt_i128)u;
	if (minus)
		f->limit = -f->limit;
	return 0;
}

const char *fail_parse(struct fail_if *f, const char *text, size_t *ret_at)
{
	const char *end = text + strlen(text), *op = end, *name, *number, *what;
	size_t at;
	int id, rc;

	*f = (struct fail_if){ .text = text };
	/* From the end: what is left of the metric's name may have any character. */
	while (op > text && op[-1] != '<' && op[-1] != '>')
		op--;
	if (op == text)
		return wrong(text, end, ret_at, "there is no '>' or '<'");
	number = op--;
	f->less = *op == '<';
	f->equal = *number == '=';
	number += f->equal;
	if (end > number && end[-1] == '%') {
		f->kind = FAIL_PCT;
		end--;
	} else if (end - number > 2 && end[-1] == 's' && end[-2] == '/') {
		f->kind = FAIL_RATE;
		end -= 2;
	}
	rc = take_limit(f, number, end);
	if (rc < 0)
		return wrong(text, number, ret_at, rc == -ENOMEM ? strerror(ENOMEM) : "no number");
	for (name = op; name > text && name[-1] != ':'; name--)
		;
	id = metric_find(name, (size_t)(op - name));
	if (id < 0)
		return wrong(text, name, ret_at, "no metric of that name");
	f->metric = (unsigned int)id;
	switch (metric_get(f->metric).rule) {
	case RULE_MODE:
	case RULE_SET:
		return wrong(text, name, ret_at, "that metric has no number");
	case RULE_SUM:
		break;
	default:
		if (f->kind == FAIL_RATE)
			return wrong(text, number, ret_at,
				     "that metric is no counter and has no rate");
	}
	if (name == text)
		return NULL;
	f->group = strndup(text, (size_t)(name - 1 - text));
	if (!f->group)
		return wrong(text, text, ret_at, strerror(ENOMEM));
	what = glob_check(f->group, &at);
	if (what) {
		*ret_at = at;
		fail_free(f);
	}
	return what;
}

void fail_free(struct fail_if *f)
{
	free(f->group);
	f->group = NULL;
}

static bool fits(const char *pattern, const struct group *of)
{
	const char *p = of->key, *end = of->key + of->key_len;

	while (p < end) {
		if (*p++ == 0)
			continue;
		if (glob_match(pattern, p, strlen(p), *p != '/'))
			return true;
		p += strlen(p) + 1;
	}
	return false;
}

static bool beyond(const struct fail_if *f, double v)
{
	return f->less ? v < f->limit || (f->equal && v <= f->limit)
		       : v > f->limit || (f->equal && v >= f->limit);
}

bool fail_judge(struct fail_if *f, const struct row *r, const struct row_frame *frame)
{
	kt_i128 exact;
	bool is;
	double v;

	if (f->metric != r->metric || !r->delta_known || (f->group && !fits(f->group, r->of)))
		return false;
	switch (f->kind) {
	case FAIL_RATE:
		if (!row_per_s(r, frame, &v))
			return false;
		is = beyond(f, v);
		break;
	case FAIL_PCT:
		/* A group that was not there has no percentage; one that was at 0 has gone beyond
		 * any. */
		if (!r->pct_known && (r->of->threads.side[0] + r->of->cgroups.side[0] == 0))
			return false;
		is = beyond(f, r->pct_known   ? r->pct
			       : r->delta > 0 ? (double)INFINITY
			       : r->delta < 0 ? -(double)INFINITY
					      : 0);
		break;
	default:
		exact = r->half ? 2 * f->exact : f->exact;
		if (f->whole)
			is = f->less ? r->delta < exact || (f->equal && r->delta == exact)
				     : r->delta > exact || (f->equal && r->delta == exact);
		else
			is = beyond(f, (double)r->delta / (r->half ? 2 : 1));
	}
	f->judged++;
	f->failed += is;
	return is;
}
