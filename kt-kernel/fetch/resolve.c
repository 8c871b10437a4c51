/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs releases and resolve: which version a word means. */
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "releases.h"
#include "verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH_POINTS 8 /* a stable series below this is too young for a default */
#define FIRST_BATCH 16
#define MAX_BATCH 64
#define MAX_POINT 4096 /* the longest series so far ended at 337 */
#define GAP 8 /* so many missing in a row, and the series has ended there */

static int max_age(const struct verb_ctx *f, uint64_t *ret_ns)
{
	char unit, text[64];
	size_t n = f->max_age ? strlen(f->max_age) : 0;
	int rc;

	*ret_ns = 0;
	if (n == 0)
		return 0;
	unit = f->max_age[n - 1]; /* days, which other durations of ours do not need */
	(void)snprintf(text, sizeof(text), "%.*s%s", (int)n - (unit == 'd'), f->max_age,
		       unit == 'd' ? "h" : ""); /* cut: then it is no duration */
	rc = dur_parse(text, ret_ns);
	if (rc == 0 && unit == 'd' && __builtin_mul_overflow(*ret_ns, 24, ret_ns))
		rc = -ERANGE;
	if (rc < 0)
		die_usage("bad --max-age '%s'", f->max_age);
	return 0;
}

static void write_eol(struct verb_ctx *f, int eol)
{
	if (eol < 0)
		jsonw_null(&f->w, "eol");
	else
		jsonw_bool(&f->w, "eol", eol);
}

static void write_series(struct verb_ctx *f, const struct kver *v)
{
	char text[KVER_TEXT];

	jsonw_str(&f->w, "series", v->parts ? kver_series(v, text) : NULL);
}

int verb_releases(struct verb_ctx *f)
{
	struct releases r = { 0 };
	uint64_t age;
	size_t i;
	int rc = max_age(f, &age);

	if (rc == 0)
		rc = releases_get(f->offline ? NULL : &f->http, age, &r);
	if (rc == 0)
		rc = stream_begin(f, r.cached);
	for (i = 0; i < r.n && rc == 0; i++) {
		const struct release *x = &r.v[i];

		jsonw_begin(&f->w, "release");
		jsonw_str(&f->w, "moniker", x->moniker);
		jsonw_str(&f->w, "version", x->version);
		write_series(f, &x->v);
		write_eol(f, x->eol);
		jsonw_str(&f->w, "source", *x->source ? x->source : NULL);
		rc = stream_record(f);
	}
	releases_free(&r);
	return rc;
}

static int write_version(struct verb_ctx *f, const struct releases *r, const struct kver *v)
{
	const struct release *row = releases_find(r, v);
	char text[KVER_TEXT], url[URL_MAX];
	int rc = kernel_url(v, url);

	if (rc < 0)
		return warn_rc(rc, "name the URL of %s", kver_text(v, text));
	jsonw_begin(&f->w, "version");
	jsonw_str(&f->w, "version", kver_text(v, text));
	jsonw_str(&f->w, "moniker", row ? row->moniker : NULL);
	write_series(f, v);
	jsonw_str(&f->w, "url", url);
	write_eol(f, releases_eol(r, v));
	return stream_record(f);
}

/* One more number of a version: the point of a series, or the minor of a major. */
static struct kver with_number(const struct kver *series, uint64_t n)
{
	struct kver v = *series;

	if (series->parts == 1) {
		v.parts = 2;
		v.minor = n;
	} else {
		v.parts = 3;
		v.patch = n;
	}
	return v;
}

/* The highest number that the server has below a series, by asking: an ended one is in no list.
 * Returns 1, 0 when it has none, or -errno. */
static int probe(const struct http *h, const struct kver *series, uint64_t *ret)
{
	uint64_t first = 0, best = 0, batch = FIRST_BATCH, i;
	char urls[MAX_BATCH][URL_MAX], *list[MAX_BATCH];
	bool there[MAX_BATCH], found = false;
	int rc;

	while (first < MAX_POINT) {
		for (i = 0; i < batch; i++) {
			struct kver v = with_number(series, first + i);

			list[i] = urls[i];
			rc = kernel_url(&v, urls[i]);
			if (rc < 0)
				return warn_rc(rc, "name a URL");
		}
		rc = http_exist(h, list, batch, there);
		if (rc < 0)
			return rc;
		for (i = 0; i < batch; i++)
			if (there[i]) {
				best = first + i;
				found = true;
			}
		first += batch;
		if (first - (found ? best + 1 : 0) >= GAP)
			break;
		batch = batch * 2 < MAX_BATCH ? batch * 2 : MAX_BATCH;
	}
	*ret = best;
	return found;
}

static int newest_of(struct verb_ctx *f, const struct releases *r, const struct kver *series,
		     struct kver *ret)
{
	const struct release *row = releases_newest(r, series);
	struct kver v = *series;
	char text[KVER_TEXT];
	uint64_t n = 0;
	int rc = 1;

	if (row) {
		*ret = row->v;
		return 0;
	}
	if (!f->quiet)
		warn_msg("no %s among the releases that are maintained: looking for the last one",
			 kver_series(series, text));
	while (v.parts < 3) {
		rc = probe(&f->http, &v, &n);
		if (rc <= 0)
			break;
		v = with_number(&v, n);
	}
	if (rc == 0) {
		kver_series(series, text);
		warn_msg("there is no release %s or %s.N at kernel.org", text, text);
		return -ENOENT;
	}
	*ret = v;
	return rc < 0 ? rc : 0;
}

static bool is_moniker(const struct release *r, const char *a, const char *b)
{
	return r->v.parts > 0 && !r->v.has_rc &&
	       (strcmp(r->moniker, a) == 0 || strcmp(r->moniker, b) == 0);
}

/* The newest stable or longterm kernel that has had its first corrections; one whose series has
 * ended only if there is no other. */
static int latest(const struct releases *r, struct kver *ret)
{
	const struct release *best = NULL;
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct release *x = &r->v[i];
		int better;

		if (!is_moniker(x, "stable", "longterm") || x->v.patch < ENOUGH_POINTS)
			continue;
		better = !best ? 1 : (best->eol == 1) - (x->eol == 1);
		if (better > 0 || (better == 0 && kver_compare(&x->v, &best->v) > 0))
			best = x;
	}
	if (!best) {
		warn_msg("no stable or longterm release has had %d point releases yet: name a "
			 "version",
			 ENOUGH_POINTS);
		return -ENOENT;
	}
	*ret = best->v;
	return 0;
}

static int by_version(const void *a, const void *b)
{
	return kver_compare(a, b);
}

static int resolve_range(struct verb_ctx *f, const struct releases *r, const char *what,
			 const struct ident *id)
{
	AUTO_FREE struct kver *v = calloc(r->n + 1, sizeof(*v));
	size_t i, n = 0;
	int rc = 0;

	if (!v)
		return warn_rc(-ENOMEM, "read the list of releases");
	for (i = 0; i < r->n; i++)
		if (is_moniker(&r->v[i], "stable", "longterm") &&
		    kver_in_range(&r->v[i].v, &id->v, &id->end))
			v[n++] = r->v[i].v;
	if (n == 0) {
		warn_msg("no stable or longterm release lies within %s", what);
		return -ENOENT;
	}
	qsort(v, n, sizeof(*v), by_version);
	rc = stream_begin(f, r->cached);
	for (i = 0; i < n && rc == 0; i++)
		if (i == 0 || kver_compare(&v[i - 1], &v[i]) != 0)
			rc = write_version(f, r, &v[i]);
	return rc;
}

int verb_resolve(struct verb_ctx *f)
{
	const char *what = f->args[0];
	struct releases r = { 0 };
	struct kver v = { 0 };
	struct ident id = { 0 };
	uint64_t age;
	int rc = max_age(f, &age);

	if (what) {
		ident_parse(what, &id);
		if (id.kind == IDENT_BAD)
			die_usage("'%s' names no kernel: %s", what, id.why);
		if (id.kind != IDENT_VERSION && id.kind != IDENT_SERIES && id.kind != IDENT_RANGE)
			die_usage("'%s' is neither a version like 6.12.3, nor the start of one, "
				  "nor a range like 6.12..6.16",
				  what);
		if (id.v.major < 3)
			die_usage("'%s': kernels before 3.0 are out of reach", what);
	}
	if (rc == 0)
		rc = releases_get(&f->http, age, &r);
	/* Of a certain version the list only tells whether its series has ended. */
	if (rc < 0 && what && id.kind == IDENT_VERSION)
		rc = 0;
	if (rc == 0 && what && id.kind == IDENT_RANGE) {
		rc = resolve_range(f, &r, what, &id);
		goto out;
	}
	if (rc == 0)
		rc = !what		       ? latest(&r, &v)
		     : id.kind == IDENT_SERIES ? newest_of(f, &r, &id.v, &v)
					       : (v = id.v, 0);
	if (rc == 0)
		rc = stream_begin(f, r.cached);
	if (rc == 0)
		rc = write_version(f, &r, &v);
out:
	releases_free(&r);
	return rc;
}
