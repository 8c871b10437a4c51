/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a stream says of the machine. */
#include "facts.h"
#include "buf.h"
#include "cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct facts *facts_new(void)
{
	struct facts *f = calloc(1, sizeof(*f));

	if (f)
		f->refs = 1;
	return f;
}

struct facts *facts_ref(struct facts *f)
{
	f->refs++;
	return f;
}

void facts_unref(struct facts *f)
{
	size_t i;

	if (!f || --f->refs > 0)
		return;
	for (i = 0; i < f->n; i++) {
		free(f->fact[i].name);
		free(f->fact[i].text);
	}
	free(f->fact);
	free(f);
}

/* Where the name is or belongs. */
static size_t find(const struct facts *f, const char *name, bool *ret_there)
{
	size_t lo = 0, hi = f->n;

	*ret_there = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(f->fact[mid].name, name);

		if (c == 0) {
			*ret_there = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const char *facts_get(const struct facts *f, const char *name)
{
	bool there;
	size_t at = find(f, name, &there);

	return there ? f->fact[at].text : NULL;
}

static int add(struct facts *f, const char *name, const json_t *v)
{
	AUTO_FREE char *text = NULL;
	struct fact *fact;
	bool there;
	size_t at = find(f, name, &there);

	if (there)
		return 0;
	if (json_is_string(v))
		text = strdup(json_string_value(v));
	else if (v && !json_is_null(v))
		text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (!text && v && !json_is_null(v))
		return -ENOMEM;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;

		fact = reallocarray(f->fact, cap, sizeof(*fact));
		if (!fact)
			return -ENOMEM;
		f->fact = fact;
		f->cap = cap;
	}
	fact = &f->fact[at];
	memmove(fact + 1, fact, (f->n - at) * sizeof(*fact));
	fact->name = strdup(name);
	if (!fact->name) {
		memmove(fact, fact + 1, (f->n - at) * sizeof(*fact));
		return -ENOMEM;
	}
	fact->text = take_ptr(&text);
	f->n++;
	return 0;
}

/* Members that differ between any two records, or that say what the reader sees anyway. */
static bool passing(const char *name)
{
	static const char *const names[] = {
		"type",	       "tool",	"schema", "time",      "mono_ns",	 "realtime_ns",
		"interval_ns", "count", "why",	  "uptime_ns", "hugepages_free", "mem_available_kb",
	};
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int add_below(struct facts *f, const char *top, const char *name, const json_t *v)
{
	AUTO_BUF b = BUF_INIT;

	buf_fmt(&b, "%s.%s", top, name);
	return b.err < 0 ? b.err : add(f, b.p, v);
}

int facts_take(struct facts *f, const json_t *rec)
{
	const char *name, *sub;
	json_t *v, *e;
	size_t i;
	int rc = 0;

	json_object_foreach ((json_t *)(uintptr_t)rec, name, v) {
		if (passing(name))
			continue;
		if (json_is_object(v)) {
			json_object_foreach (v, sub, e) {
				rc = add_below(f, name, sub, e);
				if (rc < 0)
					return rc;
			}
		} else if (json_is_string(json_object_get(json_array_get(v, 0), "name"))) {
			json_array_foreach (v, i, e) {
				sub = json_string_value(json_object_get(e, "name"));
				rc = add_below(f, name, sub ? sub : "?",
					       json_object_get(e, "value"));
				if (rc < 0)
					return rc;
			}
		} else {
			rc = add(f, name, v);
			if (rc < 0)
				return rc;
		}
	}
	return rc;
}

int facts_differ(const struct facts *a, const struct facts *b,
		 int (*fn)(const char *name, const char *before, const char *after, void *arg),
		 void *arg)
{
	size_t i = 0, k = 0;
	int rc, c;

	if (a == b)
		return 0;
	while (i < a->n || k < b->n) {
		c = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->fact[i].name, b->fact[k].name);
		const char *before = c <= 0 ? a->fact[i].text : NULL,
			   *after = c >= 0 ? b->fact[k].text : NULL,
			   *name = c <= 0 ? a->fact[i].name : b->fact[k].name;

		i += c <= 0;
		k += c >= 0;
		if (before == after || (before && after && strcmp(before, after) == 0))
			continue;
		rc = fn(name, before, after, arg);
		if (rc != 0)
			return rc;
	}
	return 0;
}
