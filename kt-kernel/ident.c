/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How people name a kernel. */
#include "ident.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Digits at *p, before end; moves *p behind them. */
static int number(const char **p, const char *end, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	if (s == *p)
		return -EINVAL;
	*p = s;
	*ret = v;
	return 0;
}

int kver_parse(const char *s, size_t n, struct kver *ret)
{
	const char *end = s + n;
	struct kver v = { 0 };
	uint64_t *const part[] = { &v.major, &v.minor, &v.patch };
	int rc;

	for (;;) {
		rc = number(&s, end, part[v.parts]);
		if (rc < 0)
			return rc;
		v.parts++;
		if (s == end || *s != '.')
			break;
		if (v.parts == 3)
			return -EINVAL;
		s++;
	}
	if (end - s > 3 && memcmp(s, "-rc", 3) == 0 && v.parts > 1) {
		s += 3;
		rc = number(&s, end, &v.rc);
		if (rc < 0)
			return rc;
		v.has_rc = true;
	}
	if (s != end)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int kver_compare(const struct kver *a, const struct kver *b)
{
	int c = order(a->major, b->major);

	if (c == 0)
		c = order(a->minor, b->minor);
	if (c == 0)
		c = order(a->patch, b->patch);
	if (c == 0)
		c = b->has_rc - a->has_rc;
	return c ? c : order(a->rc, b->rc);
}

const char *kver_series(const struct kver *v, char *buf)
{
	if (v->parts == 1)
		(void)snprintf(buf, KVER_TEXT, "%" PRIu64, v->major); /* fits: 4 times 20 digits */
	else
		(void)snprintf(buf, KVER_TEXT, "%" PRIu64 ".%" PRIu64, v->major, v->minor);
	return buf;
}

const char *kver_text(const struct kver *v, char *buf)
{
	size_t n;

	(void)kver_series(v, buf);
	n = strlen(buf);
	if (v->patch > 0)
		(void)snprintf(buf + n, KVER_TEXT - n, ".%" PRIu64, v->patch);
	n = strlen(buf);
	if (v->has_rc)
		(void)snprintf(buf + n, KVER_TEXT - n, "-rc%" PRIu64, v->rc);
	return buf;
}

bool kver_in_series(const struct kver *v, const struct kver *series)
{
	return !v->has_rc && v->major == series->major &&
	       (series->parts < 2 || v->minor == series->minor);
}

bool kver_in_range(const struct kver *v, const struct kver *start, const struct kver *end)
{
	if (kver_compare(v, start) < 0)
		return false;
	return kver_compare(v, end) <= 0 ||
	       (end->parts < 3 && !end->has_rc && kver_in_series(v, end));
}

/* The text up to "..", and what follows it. Returns false when there is no ".." */
static bool parse_range(const char *text, struct ident *r)
{
	const char *dots = strstr(text, "..");

	if (!dots || strchr(text, '/') || *text == '.' || *text == '~' ||
	    kver_parse(text, (size_t)(dots - text), &r->v) < 0)
		return false;
	if (kver_parse(dots + 2, strlen(dots + 2), &r->end) < 0)
		r->why = "the range's end is no version";
	else if (r->v.parts < 2 || r->end.parts < 2)
		r->why = "an end of the range has no minor number";
	else if (kver_compare(&r->v, &r->end) > 0 && !kver_in_range(&r->v, &r->end, &r->end))
		r->why = "the range's start is above its end: swap them";
	r->kind = r->why ? IDENT_BAD : IDENT_RANGE;
	return true;
}

void ident_parse(const char *text, struct ident *ret)
{
	size_t n = strlen(text);
	int rc;

	*ret = (struct ident){ .kind = IDENT_BAD };
	if (n == 0) {
		ret->why = "it is empty";
		return;
	}
	if (strncmp(text, "git+", 4) == 0) {
		const char *hash = strrchr(text, '#');

		if (!hash || hash == text + 4 || !hash[1]) {
			ret->why = "it should be git+URL#REF";
			return;
		}
		ret->kind = IDENT_GIT;
		ret->url = text + 4;
		ret->url_len = (size_t)(hash - ret->url);
		ret->ref = hash + 1;
		return;
	}
	if (parse_range(text, ret))
		return;
	if (strchr(text, '/') || *text == '.' || *text == '~') {
		ret->kind = IDENT_PATH;
		return;
	}
	rc = kver_parse(text, n, &ret->v);
	if (rc == -ERANGE)
		ret->why = "a number in it is too large";
	else if (rc < 0)
		ret->kind = IDENT_KEY;
	else
		ret->kind = ret->v.parts == 3 || ret->v.has_rc ? IDENT_VERSION : IDENT_SERIES;
}
